/* Write the index of a trace.
 *
 * Invariant: it says nothing that the blocks before it do not say; where there
 * is no memory for a section, or too much to tell, the section is left out.
 * Called by trace.c before the end mark. */
#include "drain/trace.h"

#include <stdlib.h>

static void put_section(struct lti_trace *t, enum lti_index_section section,
                        size_t size, uint8_t *bytes) {
  struct lti_block_header h = {.type = LTI_BLOCK_INDEX,
                               .index = section,
                               .first_ns = t->watermark_ns,
                               .last_ns = t->watermark_ns};
  if (size && size <= LTI_INDEX_PAYLOAD_MAX)
    lti_writer_block(t->writer, &h, bytes, size);
  if (size)
    free(bytes);
}

uint64_t lti_trace_put_index(struct lti_trace *t, int64_t time_ns) {
  uint8_t *bytes = NULL;
  uint64_t at = lti_writer_size(t->writer);
  static const enum lti_index_section sections[] = {LTI_INDEX_DIRECTORY,
                                                    LTI_INDEX_CHUNKS};
  for (size_t i = 0; i < 2; i++) {
    size_t size = lti_directory_encode(t->directory, sections[i], &bytes);
    put_section(t, sections[i], size, bytes);
  }
  if (t->summary) {
    lti_summary_end(t->summary, time_ns);
    size_t size = lti_summary_encode(t->summary, &bytes);
    put_section(t, LTI_INDEX_SUMMARY, size, bytes);
  }
  return lti_writer_size(t->writer) > at ? at : 0;
}
