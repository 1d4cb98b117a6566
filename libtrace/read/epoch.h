/* Epochs: which blocks they have, and where they are in the file. */
#ifndef LTI_EPOCH_H
#define LTI_EPOCH_H

#include "read/scan.h"

/* Blocks of one epoch, at most; with more, the rest is left out. */
#define LTI_EPOCH_BLOCKS_MAX 65536u

/* Where an epoch begins, and what must be known to read on from there. */
struct lti_cursor {
  uint64_t at;            /* of the first block behind the epoch before */
  uint64_t number;        /* that this block should have */
  uint64_t generation_at; /* of the last GENERATION before; 0 for none */
  int64_t floor_ns;       /* the watermark of the epoch before */
};

/* The headers of one epoch. */
struct lti_epoch {
  struct lti_cursor begin;
  struct lti_block *blocks; /* EVENTS, by thread and in order */
  uint32_t n_blocks, capacity;
  uint64_t n_events;
  uint64_t n_refused;     /* events of blocks that cannot be used */
  uint64_t generation_at; /* of the last GENERATION before the first block */
  int64_t first_ns, watermark_ns;
};

/* Forget the blocks; the epoch begins at a cursor now. */
void lti_epoch_begin(struct lti_epoch *epoch, const struct lti_cursor *begin);

/* Add an EVENTS block.
 *
 * Errors: NOMEM; CORRUPT (wrong: why) when it cannot be used. */
LT_WARN_UNUSED lt_status lti_epoch_add(struct lti_epoch *epoch,
                                       const struct lti_block *block,
                                       const char **wrong);

/* After the EPOCH block: put the blocks in order of threads.
 * Returns: false when the watermark makes no sense (then one that does is
 *          taken). */
bool lti_epoch_seal(struct lti_epoch *epoch, int64_t watermark_ns);

/* Keep only blocks that may have events of these kinds, of this thread (or
 * UINT32_MAX). */
void lti_epoch_select(struct lti_epoch *epoch, uint64_t kinds, uint32_t thread);

/* All epochs of a file that have events, so that a time is found.  At most
 * LTI_INDEX_MAX are kept: of a file with more, every second, fourth... */
#define LTI_INDEX_MAX 262144u

struct lti_index_entry {
  struct lti_cursor cursor;
  int64_t first_ns;
};

struct lti_index {
  struct lti_index_entry *entries;
  uint32_t n, capacity;
  uint64_t n_seen;
  uint64_t stride;
};

/* Errors: NOMEM. */
LT_WARN_UNUSED lt_status lti_index_add(struct lti_index *index,
                                       const struct lti_epoch *epoch);

/* Is everything from a time on in an epoch that begins so, or behind it? */
static inline bool lti_is_early(const struct lti_cursor *begin,
                                int64_t first_ns, int64_t time_ns) {
  return first_ns <= time_ns && begin->floor_ns < time_ns;
}

/* The last entry that has, with those behind it, everything from a time on; for
 * times up to 0 the first.
 * Returns: NULL when there are none. */
const struct lti_index_entry *lti_index_find(const struct lti_index *index,
                                             int64_t time_ns);

#endif
