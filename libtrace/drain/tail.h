/* The tail of a trace that is written from whole blocks: index and end mark. */
#ifndef LTI_TAIL_H
#define LTI_TAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "format/directory.h"

/* Make the index of a file's blocks in [from, to): lti_index_of_file(), which
 * the drain cannot name, as it must link without the reader.
 *
 * fd:      readable.  breathe: called now and then, with context; or NULL.
 * index:   to be given to lti_index_bytes_free().
 * Returns: false where it cannot be made; the file then has none. */
typedef bool lti_make_index(int fd, uint64_t from, uint64_t to, int64_t end_ns,
                            void (*breathe)(void *context), void *context,
                            struct lti_index_bytes *index);

struct lti_tail {
  int fd;
  ssize_t (*write)(int, const void *, size_t); /* write(2), or a test's own */
  uint64_t at;                                 /* where it begins */
  uint32_t number;                             /* of its first block */
  int64_t time_ns;                             /* of its blocks */
  uint64_t reason, status, n_events, n_lost, untracked; /* of END */
};

/* Write all bytes; an interrupted or short write is gone on with.
 * Returns: 0, or the errno of what failed. */
int lti_tail_write(int fd, ssize_t (*write)(int, const void *, size_t),
                   const void *bytes, size_t size);

/* Write the sections that there are, and the end mark; tail->at is where the
 * file ends then.  Returns: 0, or the errno of what failed. */
int lti_tail_put(struct lti_tail *tail, const struct lti_index_bytes *index);

#endif
