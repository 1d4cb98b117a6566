/* Blocks to a file descriptor.  The first write error latches: nothing is
 * written after it, and what stands in the file so far is a readable prefix. */
#ifndef LTI_WRITER_H
#define LTI_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <looptrace/status.h>

#include "drain/flight.h"
#include "format/block.h"

struct lti_writer;

/* Make a file that did not exist: mode 0600, no link followed.
 *
 * overwrite: a regular file of that name is removed first.
 * fd:        owned.  Errors: EXISTS, IO with errno set. */
LT_WARN_UNUSED lt_status lti_writer_create_file(const char *path,
                                                bool overwrite, int *fd);

/* Write to fd, which is owned from now on and closed by free.
 *
 * write:  write(2), or a test's own.
 * Returns: owned; NULL when there is no memory (fd is then still the caller's).
 */
struct lti_writer *lti_writer_new(int fd,
                                  ssize_t (*write)(int, const void *, size_t));
void lti_writer_free(struct lti_writer *writer);

/* Close the file, where that is not yet done; the last call but free and those
 * that ask.  Returns: as lti_writer_error(). */
int lti_writer_close(struct lti_writer *writer);

/* Keep the newest blocks in memory instead; see lti_flight_new().
 *
 * Returns of lti_writer_flight(): what is kept, borrowed; NULL for a file's. */
struct lti_writer *lti_writer_new_flight(uint64_t bytes, uint64_t ns,
                                         const char *path);
const struct lti_flight *lti_writer_flight(const struct lti_writer *writer);

/* Append the file's header; the first call. */
void lti_writer_header(struct lti_writer *writer,
                       const struct lti_file_header *header);

/* Append a block of definitions, a seal or an end.  The payload is compressed
 * where that makes it smaller.  header: type, index, times and count; the rest
 * is filled in.  size: at most LTI_PAYLOAD_MAX. */
void lti_writer_block(struct lti_writer *writer,
                      const struct lti_block_header *header,
                      const void *payload, size_t size);

/* Append a whole block made by lti_encoder_finish() with lti_writer_number().
 */
void lti_writer_raw(struct lti_writer *writer, const void *block, size_t size);

/* The number of the next block. */
uint32_t lti_writer_number(const struct lti_writer *writer);

/* Hand everything to the system.  Called at each epoch's end.
 * Returns: false when an error has latched. */
bool lti_writer_flush(struct lti_writer *writer);

/* Bytes appended so far, or written where an error has latched. */
uint64_t lti_writer_size(const struct lti_writer *writer);

/* errno of the first failure, 0 for none. */
int lti_writer_error(const struct lti_writer *writer);

#endif
