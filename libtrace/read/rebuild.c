/* Make the index of a trace again.
 *
 * Invariant: the blocks go through the same code as when they were written
 * (format/directory.c, format/summary.c), so the result is the same bytes.
 * Called to verify a file, and by `looptrace recover`. */
#include "read/rebuild.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"
#include "format/summary.h"
#include "read/decode.h"
#include "read/scan.h"

struct rebuild {
  struct lti_source *source;
  struct lti_directory *directory;
  struct lti_summary *summary;
  lt_event *events;
  struct lti_brackets open, behind;
};

static lt_status take_events(struct rebuild *b, const struct lti_block *block) {
  const uint8_t *payload;
  const char *wrong;
  uint32_t n;
  if (lti_events_refused(&block->head))
    return LT_CORRUPT;
  lt_status status = lti_source_payload(b->source, block, &payload, &wrong);
  if (status != LT_OK)
    return status;
  if (lti_events_opens(&block->head, payload, &b->open) ||
      lti_events_decode(&block->head, payload, b->events, &n, &b->behind))
    return LT_CORRUPT;
  for (uint32_t i = 0; i < n; i++) {
    const lt_event *e = &b->events[i];
    if (e->kind == LT_LOST)
      lti_directory_lost(b->directory, e->x, e->a);
    lti_summary_event(b->summary, block->head.index, &b->open, e);
    lti_brackets_apply(&b->open, e->time_ns, e->kind, e->x, e->ref, e->a);
  }
  lti_summary_pause(b->summary, block->head.index, &b->open);
  return LT_OK;
}

static lt_status take_block(struct rebuild *b, const struct lti_block *block) {
  uint64_t short_calls = 0;
  lt_status status = LT_OK;
  if (block->head.type == LTI_BLOCK_EVENTS) {
    status = take_events(b, block);
  } else if (block->head.type == LTI_BLOCK_EPOCH) {
    const uint8_t *payload;
    const char *wrong;
    status = lti_source_payload(b->source, block, &payload, &wrong);
    if (status != LT_OK)
      return status;
    struct lti_in in = lti_in_of(payload, block->head.raw_bytes);
    (void)lti_in_varint(&in);
    (void)lti_in_varint(&in);
    short_calls = lti_in_varint(&in);
  }
  if (status == LT_OK)
    lti_directory_block(b->directory, block->at, &block->head, short_calls);
  return status;
}

static lt_status take_blocks(struct rebuild *b, uint64_t from, uint64_t to,
                             void (*breathe)(void *context), void *context) {
  struct lti_problem problem = {0};
  struct lti_scan scan = {
      .source = b->source, .problem = &problem, .at = from, .end = to};
  struct lti_block block;
  lt_status status = LT_OK;
  while (status == LT_OK && scan.at < to) {
    status = lti_scan_next(&scan, &block);
    if (status == LT_OK)
      status = take_block(b, &block);
    if (breathe)
      breathe(context);
  }
  return status == LT_END || problem.status != LT_OK ? LT_CORRUPT : status;
}

lt_status lti_index_rebuild(struct lti_source *source, uint64_t from,
                            uint64_t to, int64_t end_ns,
                            void (*breathe)(void *context), void *context,
                            struct lti_index_bytes *rebuilt) {
  struct rebuild b = {.source = source,
                      .directory = lti_directory_new(from),
                      .summary = lti_summary_new(),
                      .events =
                          malloc(LTI_BLOCK_EVENTS_MAX * sizeof(lt_event))};
  memset(rebuilt, 0, sizeof *rebuilt);
  bool is_time = end_ns >= -LTI_TIME_MAX && end_ns <= LTI_TIME_MAX;
  lt_status status = !is_time ? LT_CORRUPT
                     : b.directory && b.summary && b.events
                         ? take_blocks(&b, from, to, breathe, context)
                         : LT_NOMEM;
  if (status == LT_OK) {
    static const enum lti_index_section both[] = {LTI_INDEX_DIRECTORY,
                                                  LTI_INDEX_CHUNKS};
    for (size_t i = 0; i < 2; i++)
      rebuilt->size[both[i]] =
          lti_directory_encode(b.directory, both[i], &rebuilt->bytes[both[i]]);
    lti_summary_end(b.summary, end_ns);
    rebuilt->size[LTI_INDEX_SUMMARY] =
        lti_summary_encode(b.summary, &rebuilt->bytes[LTI_INDEX_SUMMARY]);
  }
  lti_directory_free(b.directory);
  lti_summary_free(b.summary);
  free(b.events);
  return status;
}

bool lti_index_of_file(int fd, uint64_t from, uint64_t to, int64_t end_ns,
                       void (*breathe)(void *context), void *context,
                       struct lti_index_bytes *index) {
  struct lti_source source;
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (own < 0 || lti_source_take(&source, own) != LT_OK)
    return false;
  lt_status status =
      lti_index_rebuild(&source, from, to, end_ns, breathe, context, index);
  lti_source_close(&source);
  if (status != LT_OK)
    lti_index_bytes_free(index);
  return status == LT_OK;
}
