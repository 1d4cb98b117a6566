/* The file under a reader: bounded reads at offsets, and payloads made whole.
 *
 * pread rather than mmap, because a mapped file that shrinks is a SIGBUS. */
#ifndef LTI_SOURCE_H
#define LTI_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include <looptrace/status.h>

#include "format/block.h"

#define LTI_WINDOW_BYTES 4096u
#define LTI_AHEAD_BYTES 512u /* a header, and what is small behind it */

/* Bytes behind a payload that may be read, and are 0: they spare the decoder a
 * look at the end for each number. */
#define LTI_PAYLOAD_SLACK 8u

/* Where a block stands, and what its header says. */
struct lti_block {
  uint64_t at;
  struct lti_block_header head;
};

struct lti_source {
  int fd;
  uint64_t size; /* when it was opened; what is appended later is not read */
  uint64_t window_at;
  uint32_t window_bytes;
  uint8_t window[LTI_WINDOW_BYTES];

  /* For payloads: grow to what was needed so far, at most a little over
   * 2 MiB together (INDEX: 32). */
  uint8_t *stored, *raw;
  size_t stored_capacity, raw_capacity;
  z_stream inflater;
  bool has_inflater;
  struct libdeflate_decompressor *fast_inflater; /* NULL where there is none */
};

/* Open a regular file for reading.
 *
 * Never waits: what is not a regular file (a FIFO, a device, a directory) is
 * NOT_A_TRACE at once.
 * Errors: NOT_FOUND, IO (errno tells why), NOT_A_TRACE. */
LT_WARN_UNUSED lt_status lti_source_open(struct lti_source *source,
                                         const char *path);

/* The same of a descriptor, which is owned from now on, also on failure.
 * Errors: IO, NOT_A_TRACE. */
LT_WARN_UNUSED lt_status lti_source_take(struct lti_source *source, int fd);

/* Close what lti_source_open() opened. */
void lti_source_close(struct lti_source *source);

/* A second one over the same file, for another thread: its descriptor stays the
 * first one's.  Free what it holds. */
void lti_source_share(struct lti_source *second, const struct lti_source *first);
void lti_source_drop(struct lti_source *second);

/* Read n bytes at an offset.
 * Errors: IO (errno is 0 where the file has become shorter). */
LT_WARN_UNUSED lt_status lti_source_read(struct lti_source *source, uint64_t at,
                                         void *bytes, size_t n);

/* Is this payload within the limits of the format?  Looks at the header only.
 * Returns: NULL, or what is wrong, as the end of a sentence. */
const char *lti_payload_refused(const struct lti_block_header *head);

/* Read, check and inflate a block's payload: exactly head.raw_bytes.
 *
 * payload: borrowed until the next call.
 * wrong:   static: what is wrong, when the status is CORRUPT.
 * Errors:  IO, NOMEM, CORRUPT. */
LT_WARN_UNUSED lt_status lti_source_payload(struct lti_source *source,
                                            const struct lti_block *block,
                                            const uint8_t **payload,
                                            const char **wrong);

/* Check a payload's CRC without inflating it: for blocks that have no meaning
 * here, of any size.  wrong and errors as above. */
LT_WARN_UNUSED lt_status lti_source_check(struct lti_source *source,
                                          const struct lti_block *block,
                                          const char **wrong);

/* Where data goes on at or after an offset: holes of a sparse file are passed
 * over.  Returns: the offset, or the file's size. */
uint64_t lti_source_data(struct lti_source *source, uint64_t at);

#endif
