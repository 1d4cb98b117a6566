/* The directory of a trace, for the index: where epochs, chunks (EVENTS blocks)
 * and the last definitions are, and what is in them.  Normative for format v1
 * (doc/format.md, "Directory", "Chunks").
 *
 * Told of each block in the order of the file.  Used by the writer (drain/) for
 * the file that it writes, and by the reader (read/) to see whether a file's
 * index is true. */
#ifndef LTI_DIRECTORY_H
#define LTI_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <looptrace/event.h>

#include "format/block.h"

#define LTI_DIRECTORY_ENTRIES 8192u
#define LTI_DIRECTORY_CHUNKS 65536u
#define LTI_DIRECTORY_THREADS 65536u
#define LTI_DIRECTORY_DEFS 65536u

/* Sections of the index: the number in an INDEX block's header. */
enum lti_index_section {
  LTI_INDEX_DIRECTORY = 1,
  LTI_INDEX_CHUNKS = 2,
  LTI_INDEX_SUMMARY = 3,
  LTI_INDEX_SECTIONS = 4 /* all are below */
};

/* The payloads of an index. */
struct lti_index_bytes {
  uint8_t *bytes[LTI_INDEX_SECTIONS]; /* NULL for none; owned */
  size_t size[LTI_INDEX_SECTIONS];
};

/* One epoch, or 2, 4, 8... where there are many. */
struct lti_directory_entry {
  uint64_t bytes; /* from the entry before to behind its last EPOCH block */
  uint64_t n_epochs, n_blocks, n_chunks, n_events, lost;
  uint64_t kinds;
  int64_t first_ns, watermark_ns;
  uint64_t generation; /* from its begin to its last GENERATION, plus 1; 0 */
};

struct lti_directory_thread {
  uint32_t index;
  uint64_t first_at, last_at; /* of its EVENTS blocks; 0 while there are none */
  uint64_t n_events, lost, kinds;
  int64_t first_ns, last_ns;
};

struct lti_directory_chunk {
  uint64_t at;
  uint32_t bytes; /* with the header */
  uint32_t thread, n_events, lost;
  uint64_t kinds;
  int64_t first_ns, last_ns;
};

struct lti_directory;

/* Free the payloads; the struct is the caller's. */
void lti_index_bytes_free(struct lti_index_bytes *index);

/* blocks_at: where the first block is.
 * Returns: owned, to be freed; NULL when there is no memory. */
struct lti_directory *lti_directory_new(uint64_t blocks_at);
void lti_directory_free(struct lti_directory *directory);

/* The next block of the file: its offset and header.
 * short_calls: of EPOCH. */
void lti_directory_block(struct lti_directory *directory, uint64_t at,
                         const struct lti_block_header *head,
                         uint64_t short_calls);

/* A LOST event in the file. */
void lti_directory_lost(struct lti_directory *directory, unsigned cause,
                        uint64_t n);

/* Encode the payload of a section; chunks behind the last EPOCH are not in it.
 *
 * section: LTI_INDEX_DIRECTORY or LTI_INDEX_CHUNKS.
 * bytes:   owned, to be freed.
 * Returns: its size; 0 where there is more than fits, or no memory. */
size_t lti_directory_encode(const struct lti_directory *directory,
                            enum lti_index_section section, uint8_t **bytes);

#endif
