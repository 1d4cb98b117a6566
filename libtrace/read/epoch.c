/* Collect the blocks of an epoch; keep a table of epochs.
 *
 * Invariant: an epoch's blocks hold at most LTI_EPOCH_EVENTS_MAX events, none
 * of them is older than the watermark before, and one thread's do not overlap;
 * so that the order of time can be made from one epoch at a time.  Called by
 * reader.c for all epochs when a file is opened, and for each that is read. */
#include "read/epoch.h"

#include <stdlib.h>

#include "read/decode.h"

void lti_epoch_begin(struct lti_epoch *e, const struct lti_cursor *begin) {
  e->begin = *begin;
  e->generation_at = begin->generation_at;
  e->n_blocks = 0;
  e->n_events = e->n_refused = 0;
  e->first_ns = e->watermark_ns = begin->floor_ns;
}

static const char *refused(const struct lti_epoch *e,
                           const struct lti_block_header *h) {
  const char *wrong = lti_events_refused(h);
  if (wrong)
    return wrong;
  if (h->first_ns < e->begin.floor_ns)
    return "events are older than the epoch before";
  if (e->n_events + h->count > LTI_EPOCH_EVENTS_MAX ||
      e->n_blocks >= LTI_EPOCH_BLOCKS_MAX)
    return "too many events in one epoch";
  return NULL;
}

lt_status lti_epoch_add(struct lti_epoch *e, const struct lti_block *block,
                        const char **wrong) {
  *wrong = refused(e, &block->head);
  if (*wrong) {
    e->n_refused += lti_events_count(&block->head);
    return LT_CORRUPT;
  }
  if (e->n_blocks == e->capacity) {
    uint32_t n = e->capacity ? e->capacity * 2 : 64;
    struct lti_block *blocks = realloc(e->blocks, n * sizeof *blocks);
    if (!blocks)
      return LT_NOMEM;
    e->blocks = blocks;
    e->capacity = n;
  }
  if (!e->n_blocks || block->head.first_ns < e->first_ns)
    e->first_ns = block->head.first_ns;
  e->blocks[e->n_blocks++] = *block;
  e->n_events += block->head.count;
  return LT_OK;
}

static int by_thread(const void *one, const void *other) {
  const struct lti_block *a = one, *b = other;
  if (a->head.index != b->head.index)
    return a->head.index < b->head.index ? -1 : 1;
  return a->at < b->at ? -1 : a->at > b->at;
}

bool lti_epoch_seal(struct lti_epoch *e, int64_t watermark_ns) {
  int64_t least = e->begin.floor_ns;
  for (uint32_t i = 0; i < e->n_blocks; i++)
    if (e->blocks[i].head.last_ns > least)
      least = e->blocks[i].head.last_ns;
  if (e->n_blocks)
    qsort(e->blocks, e->n_blocks, sizeof *e->blocks, by_thread);
  bool makes_sense = watermark_ns >= least && watermark_ns <= LTI_TIME_MAX;
  e->watermark_ns = makes_sense ? watermark_ns : least;
  return makes_sense;
}

void lti_epoch_select(struct lti_epoch *e, uint64_t kinds, uint32_t thread) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < e->n_blocks; i++)
    if ((e->blocks[i].head.kinds & kinds) &&
        (thread == UINT32_MAX || e->blocks[i].head.index == thread))
      e->blocks[n++] = e->blocks[i];
  e->n_blocks = n;
}

/* Keep every second entry. */
static void thin_out(struct lti_index *index) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < index->n; i += 2)
    index->entries[n++] = index->entries[i];
  index->n = n;
  index->stride *= 2;
}

lt_status lti_index_add(struct lti_index *index,
                        const struct lti_epoch *epoch) {
  if (!index->stride)
    index->stride = 1;
  if (index->n == LTI_INDEX_MAX)
    thin_out(index);
  if (index->n_seen % index->stride == 0) {
    if (index->n == index->capacity) {
      uint32_t n = index->capacity ? index->capacity * 2 : 64;
      struct lti_index_entry *entries =
          realloc(index->entries, n * sizeof *entries);
      if (!entries)
        return LT_NOMEM;
      index->entries = entries;
      index->capacity = n;
    }
    index->entries[index->n++] =
        (struct lti_index_entry){epoch->begin, epoch->first_ns};
  }
  index->n_seen++;
  return LT_OK;
}

const struct lti_index_entry *lti_index_find(const struct lti_index *index,
                                             int64_t time_ns) {
  if (!index->n)
    return NULL;
  if (time_ns <= 0)
    return index->entries;
  uint32_t low = 0, high = index->n; /* entries[low] is early enough, or 0 */
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (lti_is_early(&index->entries[middle].cursor,
                     index->entries[middle].first_ns, time_ns))
      low = middle;
    else
      high = middle;
  }
  return &index->entries[low];
}
