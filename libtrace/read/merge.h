/* The events of one epoch, all threads merged in the order of time. */
#ifndef LTI_MERGE_H
#define LTI_MERGE_H

#include "format/brackets.h"
#include "read/buffer.h"
#include "read/epoch.h"

/* Events that are given out together, at most, where threads are mixed. */
#define LTI_BATCH_EVENTS 256

/* The blocks of one thread; the events of one of them at a time. */
struct lti_stream {
  uint32_t next, end; /* blocks of the epoch that are still to come */
  uint32_t n, i;      /* events, and how many are taken */
  struct lti_buffer buffer;
  int64_t floor_ns; /* last time of the block before */
};

/* A node of the tournament: which stream is next below it, and when. */
struct lti_turn {
  int64_t time_ns; /* of its next event, or before that where it is not yet
                      decoded; INT64_MAX when it has no more */
  uint32_t stream;
};

struct lti_merge {
  const struct lti_epoch *epoch;
  struct lti_stream *streams; /* by thread */
  struct lti_turn *turns;     /* [1] is the winner; the leaves are the second
                                 half, one for each stream */
  uint32_t n_streams, n_leaves, capacity;
  uint32_t given; /* the stream whose own buffer was given out, or NONE */
  struct lti_spares spares;
  struct lti_brackets brackets; /* scratch */
  lt_event batch[LTI_BATCH_EVENTS];
};

/* What merge asks of its reader. */
struct lti_merge_owner {
  struct lti_source *source;
  uint64_t kinds; /* others are left out, but for losses by damage */
  struct lti_ahead *ahead; /* NULL: none; only where all kinds are wanted */
  /* Called for each block that is damaged. */
  void (*damaged)(void *context, const struct lti_block *block,
                  const char *wrong);
  void *context;
};

/* Begin with an epoch, which must stay until the last event was given.
 * Errors: NOMEM. */
LT_WARN_UNUSED lt_status lti_merge_begin(struct lti_merge *merge,
                                         const struct lti_epoch *epoch);

/* The next events in the order of time, of one time in that of threads.
 *
 * events: at least one; borrowed until the next call.
 * Errors: END, IO, NOMEM (the latter two may be tried again). */
LT_WARN_UNUSED lt_status lti_merge_next(struct lti_merge *merge,
                                        const struct lti_merge_owner *owner,
                                        const lt_event **events, size_t *n);

/* Forget the epoch. */
void lti_merge_stop(struct lti_merge *merge);

/* Free what it holds; the struct is the caller's. */
void lti_merge_free(struct lti_merge *merge);

#endif
