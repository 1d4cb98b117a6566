/* The memory of the flight recorder's window: a ring of bytes.
 *
 * Bytes are appended at the end and forgotten at the beginning; places count
 * from 0 and never fall.  It is the recorder's own memory, or a file on tmpfs,
 * which a crash leaves behind: what is in there up to the last publication can
 * be read again.  It takes as much memory as it holds, not as it may hold. */
#ifndef LTI_WINDOW_H
#define LTI_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <looptrace/status.h>

#include "format/block.h"

struct lti_window;

/* path:     where to make the file, which must not exist, 0600; NULL for memory
 *           of one's own.
 * capacity: of all that is ever held at once.
 * Returns:  owned; NULL with errno set, ENOSPC where the path has no room for
 *           all that may come. */
struct lti_window *lti_window_new(const char *path, uint64_t capacity);

/* Take a file that a recorder left behind.
 *
 * fd:     not kept.
 * Errors: NOT_A_TRACE (no window, or its numbers make no sense), IO, NOMEM. */
LT_WARN_UNUSED lt_status lti_window_open(int fd, struct lti_window **window);

/* Free, and remove the file that new made; NULL is a no-op. */
void lti_window_free(struct lti_window *window);

/* The header of the traces that are made of it. */
void lti_window_set_header(struct lti_window *window,
                           const uint8_t bytes[LTI_FILE_HEADER_BYTES]);
void lti_window_header(const struct lti_window *window,
                       uint8_t bytes[LTI_FILE_HEADER_BYTES]);

/* Where it begins and ends. */
uint64_t lti_window_begin(const struct lti_window *window);
uint64_t lti_window_end(const struct lti_window *window);

/* Is there room for so many bytes more?  Memory is asked for here, so that the
 * bytes can be put. */
bool lti_window_reserve(struct lti_window *window, uint64_t size);

/* Append what was reserved. */
void lti_window_put(struct lti_window *window, const void *bytes, size_t size);

/* Forget what lies before a place. */
void lti_window_forget(struct lti_window *window, uint64_t until);

/* All that was put is whole: whoever opens the file may read up to here. */
void lti_window_publish(struct lti_window *window);

/* The bytes at a place, all in one piece or up to where the ring turns.
 * Returns: how many of n lie there together, at least 1. */
size_t lti_window_at(const struct lti_window *window, uint64_t place, size_t n,
                     const uint8_t **bytes);

#endif
