/* The index of a trace, made again from its blocks. */
#ifndef LTI_REBUILD_H
#define LTI_REBUILD_H

#include "format/directory.h"
#include "read/source.h"

/* Make the payloads of all sections, byte for byte those that the recorder
 * writes.
 *
 * from, to: the blocks that it speaks of.
 * end_ns:   the time in the END block.
 * breathe:  called after each block, with context; or NULL.
 * rebuilt:  owned, to be given to lti_index_bytes_free().
 * Errors:   CORRUPT where a block is damaged, IO, NOMEM. */
LT_WARN_UNUSED lt_status lti_index_rebuild(struct lti_source *source,
                                           uint64_t from, uint64_t to,
                                           int64_t end_ns,
                                           void (*breathe)(void *context),
                                           void *context,
                                           struct lti_index_bytes *rebuilt);

/* The same of an open file, which stays open: what drain/tail.h wants. */
bool lti_index_of_file(int fd, uint64_t from, uint64_t to, int64_t end_ns,
                       void (*breathe)(void *context), void *context,
                       struct lti_index_bytes *index);

#endif
