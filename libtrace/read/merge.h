/* The events of one epoch, all threads merged in the order of time. */
#ifndef LTI_MERGE_H
#define LTI_MERGE_H

#include "base/arena.h"
#include "format/brackets.h"
#include "read/epoch.h"

#define LTI_SPARE_BUFFERS 4

/* The blocks of one thread; the events of one of them at a time. */
struct lti_stream {
  uint32_t next, end; /* blocks of the epoch that are still to come */
  uint32_t thread;
  uint32_t n, i;              /* events, and how many are taken */
  struct lti_record *records; /* clock is the time; NULL before decoding */
  uint32_t capacity;
  int64_t floor_ns; /* last time of the block before */
};

struct lti_waiting {
  int64_t time_ns;
  uint32_t thread;
  uint32_t stream;
};

struct lti_merge {
  const struct lti_epoch *epoch;
  struct lti_stream *streams;
  struct lti_waiting *heap; /* the next event of each stream */
  uint32_t n_streams, n_heap, capacity;
  struct lti_record *spare[LTI_SPARE_BUFFERS]; /* buffers to be used again */
  uint32_t spare_capacity[LTI_SPARE_BUFFERS];
  struct lti_brackets brackets; /* scratch */
};

/* Some events of one thread that come before all others of the epoch. */
struct lti_run {
  const struct lti_record *at, *end;
  int64_t limit_ns; /* only those up to this time */
  uint32_t thread;
};

/* What merge asks of its reader: called for each block that is damaged. */
struct lti_merge_owner {
  struct lti_source *source;
  void (*damaged)(void *context, const struct lti_block *block,
                  const char *wrong);
  void *context;
};

/* Begin with an epoch, which must stay until the last run was taken.
 * Errors: NOMEM. */
LT_WARN_UNUSED lt_status lti_merge_begin(struct lti_merge *merge,
                                         const struct lti_epoch *epoch);

/* The next run; the one before it was taken up to taken.
 *
 * run:    borrowed until the next call; has at least one event within limit.
 * Errors: END, IO, NOMEM (the latter two may be tried again). */
LT_WARN_UNUSED lt_status lti_merge_next(struct lti_merge *merge,
                                        const struct lti_merge_owner *owner,
                                        const struct lti_record *taken,
                                        struct lti_run *run);

/* Forget the epoch. */
void lti_merge_stop(struct lti_merge *merge);

/* Free what it holds; the struct is the caller's. */
void lti_merge_free(struct lti_merge *merge);

#endif
