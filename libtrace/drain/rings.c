/* Out of the rings.
 *
 * Invariant: tail never passes head, and a record is copied before tail says so
 * (the owner may overwrite it from then on).  Numbers in the arena come from
 * the traced program: where they contradict each other, everything up to head
 * is given up and one LOST (damaged) stands for it.  Called by the drain only.
 */
#include "drain/rings.h"

#include <stdlib.h>
#include <string.h>

#include "record/clock.h"

#define IDLE_RECORDS 16384u /* more room than that is not kept while empty */

/* Part of a ring, in the order of publication. */
struct stretch {
  uint64_t from, to;
  const struct lti_record *ring;
  uint64_t mask;
};

struct lti_view lti_view_of(struct lti_arena *arena) {
  struct lti_view view = {
      .arena = arena,
      .procs = lti_arena_proc(arena, 0),
      .threads = lti_arena_thread(arena, 0),
      .small = lti_arena_small(arena, 0),
      .large = lti_arena_large(arena, 0),
      .n_procs = arena->n_procs,
      .n_threads = arena->n_threads,
      .n_large = arena->n_large,
      .small_records = arena->small_records,
      .large_records = arena->large_records,
      .clock_is_tsc = arena->clock_is_tsc != 0,
  };
  return view;
}

/* What lies between tail and head: the small ring up to large_from, then the
 * large one.  Returns: how many stretches, or -1 where numbers contradict. */
static int find_stretches(const struct lti_view *view, uint32_t index,
                          uint64_t tail, uint64_t head, struct stretch s[2]) {
  const struct lti_thread *t = &view->threads[index];
  const struct lti_record *small =
      view->small + (size_t)index * view->small_records;
  /* Partner: the owner's release store when it moves on to a large ring. */
  uint32_t large = atomic_load_explicit(&t->large, memory_order_acquire);
  uint64_t from = atomic_load_explicit(&t->large_from, memory_order_relaxed);
  int n = 0;
  if (head - tail > UINT32_MAX)
    return -1;
  /* The owner may have moved on since head was read: from is then later. */
  if (large == LTI_NO_RING || (int64_t)(from - head) > 0)
    from = head;
  else if ((int64_t)(from - tail) < 0)
    from = tail;
  if (large != LTI_NO_RING && large >= view->n_large)
    return -1;
  if (from != tail)
    s[n++] = (struct stretch){tail, from, small, view->small_records - 1};
  if (from != head)
    s[n++] = (struct stretch){from, head,
                              view->large + (size_t)large * view->large_records,
                              view->large_records - 1};
  for (int i = 0; i < n; i++)
    if (s[i].to - s[i].from > s[i].mask + 1)
      return -1;
  return n;
}

static struct lti_record *start_of(const struct lti_lane *lane) {
  return lane->records ? lane->records - lane->n_gone : NULL;
}

/* What is free in front is used again where that moves less than it frees. */
static bool reserve(struct lti_lane *lane, size_t more) {
  size_t needed = lane->n + more, capacity = lane->capacity;
  struct lti_record *start = start_of(lane);
  if (lane->n_gone + needed <= capacity)
    return true;
  if (needed <= capacity && lane->n <= lane->n_gone) {
    memmove(start, lane->records, lane->n * sizeof *start);
    lane->records = start;
    lane->n_gone = 0;
    return true;
  }
  capacity = capacity ? capacity : 256;
  while (capacity < lane->n_gone + needed)
    capacity *= 2;
  start = realloc(start, capacity * sizeof *start);
  if (!start)
    return false;
  lane->records = start + lane->n_gone;
  lane->capacity = capacity;
  return true;
}

void lti_lane_drop(struct lti_lane *lane, size_t n) {
  if (!n)
    return;
  lane->n -= n;
  lane->n_held = lane->n_held > n ? lane->n_held - n : 0;
  lane->records += n;
  lane->n_gone += n;
  if (lane->n)
    return;
  lane->records -= lane->n_gone;
  lane->n_gone = 0;
  if (lane->capacity > IDLE_RECORDS) {
    free(lane->records);
    lane->records = NULL;
    lane->capacity = 0;
  }
}

void lti_lane_free(struct lti_lane *lane) {
  free(start_of(lane));
  free(lane);
}

bool lti_lane_insert(struct lti_lane *lane, const struct lti_record *record) {
  if (!reserve(lane, 1))
    return false;
  size_t at = lane->n;
  while (at > lane->n_held && lane->records[at - 1].clock > record->clock)
    at--;
  memmove(&lane->records[at + 1], &lane->records[at],
          (lane->n - at) * sizeof *record);
  lane->records[at] = *record;
  lane->n++;
  if (record->clock > lane->last_clock)
    lane->last_clock = record->clock;
  return true;
}

/* A text on its way to a definition; its bytes stand in the n records behind.
 */
static void take_data(const struct lti_record *r, const struct stretch *s,
                      uint64_t at, struct lti_taken *taken) {
  char bytes[LTI_DATA_MAX + sizeof(struct lti_record)];
  size_t size = LTI_HEAD_X(r->head);
  for (size_t done = 0; done < size; done += sizeof *r)
    memcpy(bytes + done, &s->ring[++at & s->mask], sizeof *r);
  switch (LTI_HEAD_KIND(r->head)) {
  case LTI_DATA_STRING:
    lti_book_string(taken->book, r->a, bytes, size);
    break;
  case LTI_DATA_MODULE:
    lti_book_module(taken->book, r->a, r->b, bytes, size);
    break;
  default:
    lti_book_note(taken->book, bytes, size);
    break;
  }
}

/* Events keep their order even where a signal handler's came first. */
static void take_event(struct lti_lane *lane, const struct lti_record *r,
                       uint64_t now, struct lti_taken *taken) {
  struct lti_record *to = &lane->records[lane->n++];
  *to = *r;
  if (to->clock < lane->last_clock) {
    taken->late += to->clock < taken->sealed_clock;
    to->clock = lane->last_clock;
  } else if (to->clock > now) {
    to->clock = now > lane->last_clock ? now : lane->last_clock;
  }
  lane->last_clock = to->clock;
  taken->turned_a_loop |= LTI_HEAD_KIND(r->head) == LT_LOOP_BEGIN;
}

#define KIND_BIT(id, NAME, text, ref, x, a, b, doc) | UINT64_C(1) << id
static const uint64_t known_kinds = 0 LT_EVENT_MAP(KIND_BIT);
#undef KIND_BIT

static bool is_event(uint64_t head) {
  unsigned kind = LTI_HEAD_KIND(head);
  return kind < LT_KIND_LIMIT && known_kinds >> kind & 1;
}

static bool is_data(uint64_t head) {
  unsigned kind = LTI_HEAD_KIND(head);
  return kind >= LTI_DATA_STRING && kind <= LTI_DATA_NOTE;
}

/* How many records of bytes are behind one; false where they do not fit. */
static bool data_fits(const struct lti_record *r, uint64_t left, uint64_t *n) {
  *n = (LTI_HEAD_X(r->head) + sizeof *r - 1) / sizeof *r;
  return LTI_HEAD_X(r->head) <= LTI_DATA_MAX && *n < left;
}

/* Taken by a recorder that died, which wrote it, too. */
static bool is_filed(const struct lti_slot *slot, uint64_t at, uint64_t clock,
                     uint64_t filed_clock) {
  return (int64_t)(slot->again_end - at) > 0 && clock <= filed_clock;
}

/* Returns: how many records made no sense. */
static uint64_t take_stretch(const struct lti_slot *slot,
                             const struct stretch *s, uint64_t now,
                             struct lti_taken *taken) {
  uint64_t damaged = 0, n;
  for (uint64_t at = s->from; at != s->to; at++) {
    struct lti_record r = s->ring[at & s->mask];
    if (is_event(r.head)) {
      if (!is_filed(slot, at, r.clock, taken->filed_clock))
        take_event(slot->lane, &r, now, taken);
    } else if (!is_data(r.head)) {
      damaged++;
    } else if (!data_fits(&r, s->to - at, &n)) {
      return damaged + 1; /* what follows may be text: give it up */
    } else {
      take_data(&r, s, at, taken);
      at += n;
    }
  }
  return damaged;
}

/* The events of a stretch that were taken and not written; what makes no sense
 * ends it. */
static uint64_t count_again(const struct lti_slot *slot,
                            const struct stretch *s, uint64_t filed_clock) {
  uint64_t again = 0, n;
  for (uint64_t at = s->from; (int64_t)(slot->again_end - at) > 0; at++) {
    if (at == s->to)
      break;
    const struct lti_record *r = &s->ring[at & s->mask];
    if (is_event(r->head))
      again += !is_filed(slot, at, r->clock, filed_clock);
    else if (!is_data(r->head) || !data_fits(r, s->to - at, &n))
      break;
    else
      at += n;
  }
  return again;
}

/* The owner may be in the middle of so many records that it will publish. */
#define UNPUBLISHED (1 + LTI_DATA_MAX / sizeof(struct lti_record))

uint64_t lti_rings_go_back(const struct lti_view *view, struct lti_slot *slot,
                           uint32_t index, uint64_t filed_clock) {
  const struct lti_thread *t = &view->threads[index];
  uint64_t head = atomic_load_explicit(&t->head, memory_order_acquire);
  uint64_t tail = slot->tail, again = 0;
  struct stretch s[2], best[2];
  int n_best = 0;
  for (unsigned i = 0; i < LTI_BACK; i++) {
    uint64_t at = atomic_load_explicit(&t->back[i], memory_order_relaxed);
    int n = at == head ? 0 : find_stretches(view, index, at, head, s);
    if (n <= 0 || head - at < head - slot->tail || tail - at > head - at ||
        s[n - 1].to - s[n - 1].from + UNPUBLISHED > s[n - 1].mask + 1)
      continue;
    slot->tail = at;
    memcpy(best, s, sizeof best);
    n_best = n;
  }
  slot->again_end = tail;
  for (int i = 0; i < n_best; i++)
    again += count_again(slot, &best[i], filed_clock);
  return again;
}

/* Before the arena says that it was taken: a recorder that is killed in between
 * leaves a loss that did not happen, never one that nobody counts. */
static void account(const struct lti_taken *taken, uint64_t n) {
  if (n)
    atomic_fetch_add_explicit(taken->account, n, memory_order_release);
}

static void insert_lost(struct lti_lane *lane, unsigned cause, uint64_t n,
                        uint64_t clock, uint64_t ticks) {
  struct lti_record r = {clock, LTI_HEAD(LT_LOST, cause, 0), n, ticks};
  (void)lti_lane_insert(lane, &r);
}

struct losses {
  uint64_t n[LT_LOST_LIMIT];
  uint64_t first, last;
  bool any;
};

/* Read before head: then every record published before the newest loss counted
 * here is taken too, and stands before it. */
static struct losses read_losses(struct lti_thread *t,
                                 const struct lti_slot *slot) {
  struct losses l = {0};
  /* Partner: the owner's release store behind its counters. */
  l.last = atomic_load_explicit(&t->lost_last, memory_order_acquire);
  for (unsigned c = 1; c < LT_LOST_LIMIT; c++) {
    l.n[c] =
        atomic_load_explicit(&t->lost[c], memory_order_relaxed) - slot->lost[c];
    l.any |= l.n[c] != 0;
  }
  if (l.any)
    l.first = atomic_exchange_explicit(&t->lost_first, 0, memory_order_relaxed);
  return l;
}

static void take_losses(struct lti_thread *t, struct lti_slot *slot,
                        const struct losses *l, uint64_t now,
                        struct lti_taken *taken) {
  struct lti_lane *lane = slot->lane;
  uint64_t last = l->last < now ? l->last : now;
  if (last < taken->sealed_clock)
    last = taken->sealed_clock;
  uint64_t first = l->first > slot->look_clock ? l->first : slot->look_clock;
  for (unsigned c = 1; c < LT_LOST_LIMIT; c++)
    if (l->n[c]) {
      insert_lost(lane, c, l->n[c], last, first < last ? last - first : 0);
      slot->lost[c] += l->n[c];
      account(taken, l->n[c]);
      atomic_store_explicit(&t->told[c], slot->lost[c], memory_order_relaxed);
    }
}

/* Places to go back to, so far apart that they cover the ring. */
static void note_back(struct lti_thread *t, struct lti_slot *slot,
                      uint64_t ring_records) {
  if (slot->tail - slot->back_last < ring_records / LTI_BACK)
    return;
  slot->back_last = slot->tail;
  atomic_store_explicit(&t->back[slot->back_at++ % LTI_BACK], slot->tail,
                        memory_order_relaxed);
}

void lti_rings_take(const struct lti_view *view, struct lti_slot *slot,
                    uint32_t index, struct lti_taken *taken) {
  struct lti_thread *t = &view->threads[index];
  struct lti_lane *lane = slot->lane;
  struct stretch s[2];
  struct losses losses = read_losses(t, slot);
  /* Partner: the owner's release store behind each record. */
  uint64_t head = atomic_load_explicit(&t->head, memory_order_acquire);
  uint64_t now = lti_clock_read(view->clock_is_tsc);
  int n = find_stretches(view, index, slot->tail, head, s);
  size_t published = n < 0 ? 0 : (size_t)(head - slot->tail);
  if (!reserve(lane, published))
    return;
  if (lane->last_clock < taken->sealed_clock)
    lane->last_clock = taken->sealed_clock;
  uint64_t damaged = n < 0;
  size_t n_before = lane->n;
  for (int i = 0; i < n; i++) {
    double share = (double)(s[i].to - s[i].from) / (double)(s[i].mask + 1);
    if (share > taken->fullest)
      taken->fullest = share;
    damaged += take_stretch(slot, &s[i], now, taken);
  }
  slot->tail = head;
  if (n > 0)
    note_back(t, slot, s[n - 1].mask + 1);
  account(taken, lane->n - n_before + damaged);
  /* Partner: the owner's acquire load before it writes there again. */
  atomic_store_explicit(&t->tail, head, memory_order_release);
  if (losses.any)
    take_losses(t, slot, &losses, now, taken);
  if (damaged)
    insert_lost(lane, LT_LOST_DAMAGED, damaged, lane->last_clock, 0);
  slot->look_clock = now;
  uint64_t calls = atomic_load_explicit(&t->calls_short, memory_order_relaxed);
  taken->calls_short += calls - slot->calls_short;
  slot->calls_short = calls;
  taken->n_records += published;
}

void lti_rings_release(const struct lti_view *view, struct lti_slot *slot,
                       uint32_t index) {
  struct lti_thread *t = &view->threads[index];
  uint32_t large = atomic_load_explicit(&t->large, memory_order_relaxed);
  if (large < view->n_large && large < 64) {
    atomic_store_explicit(&t->large, LTI_NO_RING, memory_order_relaxed);
    atomic_fetch_and(&view->arena->large_used, ~(UINT64_C(1) << large));
  }
  slot->lane->slot = UINT32_MAX;
  slot->lane = NULL;
  slot->back_last = slot->tail; /* the next owner's records begin here */
  for (unsigned i = 0; i < LTI_BACK; i++)
    atomic_store_explicit(&t->back[i], slot->tail, memory_order_relaxed);
  /* Partner: the next owner's CAS. */
  atomic_store_explicit(&t->state, LTI_SLOT_FREE, memory_order_release);
}
