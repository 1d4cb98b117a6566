/* What was open on every thread where an epoch begins.
 *
 * A thread's EVENTS block says what is open where it begins, and nothing
 * happens on a thread between its blocks.  So for a thread with a block in the
 * epoch its first one says it; else its next one behind the epoch; else, when
 * it has no more, what was open behind its last one.  Called after a seek. */
#include <stdlib.h>

#include "read/decode.h"
#include "read/state.h"

/* More cannot be open in a real program; memory is bounded by it. */
#define OPENS_MAX 262144u

static lt_status add_opens(struct lt_reader *r, uint32_t thread,
                           const struct lti_brackets *open) {
  for (uint32_t i = 0; i < open->n; i++) {
    const struct lti_bracket *b = &open->at[i];
    if (!lti_bracket_opens(b->kind) || b->begin_ns > r->epoch.first_ns)
      continue;
    if (r->n_opens == r->opens_capacity) {
      size_t n = r->opens_capacity ? r->opens_capacity * 2 : 64;
      lt_open *made =
          n > OPENS_MAX ? NULL : realloc(r->opens, n * sizeof *made);
      if (!made)
        return n > OPENS_MAX ? LT_OK : LT_NOMEM;
      r->opens = made;
      r->opens_capacity = n;
    }
    r->opens[r->n_opens++] =
        (lt_open){b->begin_ns, b->ref, b->a, thread, b->x, b->kind};
  }
  return LT_OK;
}

/* Read the block at an offset, if it is one that holds events of this thread.
 * Errors: CORRUPT where it is not. */
static lt_status events_at(struct lt_reader *r, uint64_t at, uint32_t thread,
                           struct lti_block *block, const uint8_t **payload) {
  uint8_t bytes[LTI_BLOCK_HEADER_BYTES];
  const char *wrong;
  lt_status status = lti_source_read(&r->source, at, bytes, sizeof bytes);
  if (status != LT_OK)
    return status;
  block->at = at;
  if (lti_block_header_get(bytes, &block->head) != LT_OK ||
      block->head.type != LTI_BLOCK_EVENTS || block->head.index != thread ||
      lti_events_refused(&block->head))
    return LT_CORRUPT;
  return lti_source_payload(&r->source, block, payload, &wrong);
}

/* What is open where the block at an offset begins; nothing if it is damaged.
 */
static lt_status open_before(struct lt_reader *r, uint64_t at, uint32_t thread,
                             struct lti_brackets *open) {
  struct lti_block block;
  const uint8_t *payload;
  open->n = 0;
  lt_status status = events_at(r, at, thread, &block, &payload);
  if (status == LT_OK && lti_events_opens(&block.head, payload, open))
    open->n = 0;
  return status == LT_CORRUPT ? LT_OK : status;
}

/* What is open behind the last block of a thread. */
static lt_status open_behind(struct lt_reader *r, struct lti_span *span,
                             struct lti_brackets *open) {
  struct lti_block block;
  const uint8_t *payload;
  uint32_t n;
  open->n = 0;
  if (span->ends_empty)
    return LT_OK;
  lt_status status = events_at(r, span->last_at, span->index, &block, &payload);
  if (status != LT_OK)
    return status == LT_CORRUPT ? LT_OK : status;
  lt_event *events = malloc(block.head.count * sizeof *events);
  if (!events)
    return LT_NOMEM;
  if (lti_events_decode(&block.head, payload, events, &n, open))
    open->n = 0;
  free(events);
  span->ends_empty = open->n == 0;
  return LT_OK;
}

struct search {
  struct lt_reader *r;
  uint32_t missing; /* threads whose next block is still to be found */
};

static bool is_met(void *context, uint64_t at, uint32_t thread) {
  struct search *s = context;
  struct lti_span *span = lti_idmap_get(&s->r->spans, thread);
  if (span && !span->next_at) {
    span->next_at = at;
    s->missing -= span->first_at < s->r->epoch.begin.at &&
                  span->last_at >= s->r->epoch.begin.at;
  }
  return s->missing > 0;
}

/* Let next_at of each thread be its first block in or behind the epoch; 0 for
 * none. */
static lt_status find_next(struct lt_reader *r) {
  uint64_t begin = r->epoch.begin.at;
  struct search search = {.r = r};
  for (uint32_t i = 0; i < r->spans.n; i++) {
    struct lti_span *span = lti_idmap_at(&r->spans, i);
    span->next_at = span->first_at >= begin ? span->first_at : 0;
    search.missing += span->first_at < begin && span->last_at >= begin;
  }
  struct lti_problem known = {0}; /* all that is wrong was noted before */
  struct lti_scan scan = {.source = &r->source,
                          .problem = &known,
                          .at = begin,
                          .number = r->epoch.begin.number,
                          .end = r->sealed_end};
  if (!search.missing)
    return LT_OK;
  lt_status status = lti_index_chunks(r, begin, is_met, &search);
  if (status != LT_NOT_FOUND)
    return status;
  while (search.missing) {
    struct lti_block block;
    status = lti_scan_next(&scan, &block);
    if (status != LT_OK)
      return status == LT_END ? LT_OK : status;
    if (block.head.type == LTI_BLOCK_EVENTS)
      (void)is_met(&search, block.at, block.head.index);
  }
  return LT_OK;
}

static int by_index(const void *one, const void *other) {
  uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
  return a < b ? -1 : a > b;
}

/* The threads in ascending order; made once. */
static bool order_spans(struct lt_reader *r) {
  if (r->span_order || !r->spans.n)
    return true;
  r->span_order = malloc(r->spans.n * sizeof *r->span_order);
  if (!r->span_order)
    return false;
  for (uint32_t i = 0; i < r->spans.n; i++)
    r->span_order[i] = ((struct lti_span *)lti_idmap_at(&r->spans, i))->index;
  qsort(r->span_order, r->spans.n, sizeof *r->span_order, by_index);
  return true;
}

lt_status lt_reader_opens(lt_reader *r, const lt_open **opens, size_t *n) {
  r->n_opens = 0;
  lt_status status = lti_reader_refill(r);
  if (status == LT_OK)
    status = order_spans(r) ? find_next(r) : LT_NOMEM;
  else if (status == LT_END) { /* nothing comes: nothing is open before it */
    *opens = r->opens;
    *n = 0;
    return LT_OK;
  }
  for (uint32_t i = 0; status == LT_OK && i < r->spans.n; i++) {
    struct lti_span *span = lti_idmap_get(&r->spans, r->span_order[i]);
    struct lti_brackets open;
    if (span->next_at)
      status = open_before(r, span->next_at, span->index, &open);
    else
      status = open_behind(r, span, &open);
    if (status == LT_OK)
      status = add_opens(r, span->index, &open);
  }
  if (status != LT_OK)
    return status;
  *opens = r->opens;
  *n = r->n_opens;
  return LT_OK;
}
