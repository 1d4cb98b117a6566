/* Sum a trace up while it is written, or read: doc/format.md, "Summary".
 *
 * Invariant: a turn is added once, when it ends; bins are so wide that all
 * turns fit, and widening them later gives the same as if they had been so from
 * the start, so the order of threads makes no difference.  Called for each
 * event by drain/trace.c and, to check a file, by read/. */
#include "format/summary.h"

#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"

struct lane {
  lt_lane lane; /* totals; its bins and stalls are those below */
  bool is_open;
  int64_t begin_ns; /* of the turn */
  int64_t end_ns;   /* of the last one */
  lt_lane_stall
      slice;        /* the longest so far in it: slice_ns, task, kind, site */
  bool has_pending; /* a slice is open behind the thread's last event */
  struct lti_bracket pending;
  lt_lane_bin bins[LTI_SUMMARY_BINS];
  lt_lane_stall stalls[LTI_SUMMARY_STALLS]; /* by before() */
};

/* What a lane is called in the table; slot 0 is free. */
struct place {
  uint64_t key;      /* plus 1 */
  struct lane *lane; /* NULL: left out */
};

struct lti_summary {
  unsigned shift; /* a bin is 2^shift ns */
  uint32_t n, n_left_out;
  struct place last;         /* that was looked up */
  struct place *places;      /* a hash table */
  uint32_t n_places, n_used; /* the former a power of two */
  struct lane *lanes[LTI_SUMMARY_LANES];
};

#define PLACES_MIN 1024u
#define PLACES_MAX 131072u

struct lti_summary *lti_summary_new(void) {
  struct lti_summary *s = calloc(1, sizeof *s);
  if (!s)
    return NULL;
  s->shift = LTI_SUMMARY_SHIFT_MIN;
  s->places = calloc(PLACES_MIN, sizeof *s->places);
  s->n_places = PLACES_MIN;
  if (!s->places) {
    free(s);
    return NULL;
  }
  return s;
}

void lti_summary_free(struct lti_summary *s) {
  if (!s)
    return;
  for (uint32_t i = 0; i < s->n; i++)
    free(s->lanes[i]);
  free(s->places);
  free(s);
}

/* Where a key is, or would be. */
static struct place *find_place(struct place *places, uint32_t n,
                                uint64_t key) {
  uint32_t i = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (n - 1);
  while (places[i].key && places[i].key != key)
    i = (i + 1) & (n - 1);
  return &places[i];
}

static bool grow(struct lti_summary *s) {
  uint32_t n = s->n_places * 2;
  struct place *places = n > PLACES_MAX ? NULL : calloc(n, sizeof *places);
  if (!places)
    return false;
  for (uint32_t i = 0; i < s->n_places; i++)
    if (s->places[i].key)
      *find_place(places, n, s->places[i].key) = s->places[i];
  free(s->places);
  s->places = places;
  s->n_places = n;
  return true;
}

/* Returns: NULL where there are too many lanes. */
static struct lane *lane_of(struct lti_summary *s, bool is_pool, uint32_t loop,
                            uint32_t thread) {
  uint64_t key = 1 + ((uint64_t)is_pool << 62 | (uint64_t)loop << 32 | thread);
  if (s->last.key == key)
    return s->last.lane;
  struct place *place = find_place(s->places, s->n_places, key);
  if (!place->key && s->n_used >= s->n_places / 2) {
    if (!grow(s))
      return NULL; /* no more are counted */
    place = find_place(s->places, s->n_places, key);
  }
  if (!place->key) {
    struct lane *l = s->n < LTI_SUMMARY_LANES ? calloc(1, sizeof *l) : NULL;
    *place = (struct place){key, l};
    s->n_used++;
    if (l) {
      l->lane.is_pool = is_pool;
      l->lane.loop = loop;
      l->lane.thread = thread;
      s->lanes[s->n++] = l;
    } else {
      s->n_left_out++;
    }
  }
  s->last = *place;
  return place->lane;
}

static void widen(struct lti_summary *s) {
  s->shift++;
  for (uint32_t i = 0; i < s->n; i++) {
    lt_lane_bin *bins = s->lanes[i]->bins;
    for (uint32_t k = 0; k < LTI_SUMMARY_BINS / 2; k++) {
      const lt_lane_bin *a = &bins[2 * k], *b = a + 1;
      bins[k] = (lt_lane_bin){a->busy_ns + b->busy_ns,
                              a->longest_ns > b->longest_ns ? a->longest_ns
                                                            : b->longest_ns,
                              a->count + b->count};
    }
    memset(bins + LTI_SUMMARY_BINS / 2, 0, sizeof *bins * LTI_SUMMARY_BINS / 2);
  }
}

static void add_to_bins(struct lti_summary *s, struct lane *l, int64_t from,
                        int64_t to) {
  int64_t whole = to - from;
  from = from < 0 ? 0 : from;
  to = to < from ? from : to;
  while (to >> s->shift >= LTI_SUMMARY_BINS && s->shift < LTI_SUMMARY_SHIFT_MAX)
    widen(s);
  int64_t first = from >> s->shift, last = to >> s->shift;
  l->bins[first].count++;
  for (int64_t i = first; i <= last; i++) {
    int64_t begin = i << s->shift, end = (i + 1) << s->shift;
    begin = begin < from ? from : begin;
    end = end > to ? to : end;
    l->bins[i].busy_ns += end - begin;
    if (l->bins[i].longest_ns < whole)
      l->bins[i].longest_ns = whole;
  }
}

/* Longer ones first; of equal ones the earlier. */
static bool is_before(const lt_lane_stall *a, const lt_lane_stall *b) {
  return a->duration_ns != b->duration_ns ? a->duration_ns > b->duration_ns
                                          : a->begin_ns < b->begin_ns;
}

static void add_stall(struct lane *l, const lt_lane_stall *stall) {
  uint32_t i = l->lane.n_stalls;
  l->lane.n_stalls_all++;
  if (i == LTI_SUMMARY_STALLS) {
    if (!is_before(stall, &l->stalls[i - 1]))
      return;
    i--;
  } else {
    l->lane.n_stalls++;
  }
  for (; i > 0 && is_before(stall, &l->stalls[i - 1]); i--)
    l->stalls[i] = l->stalls[i - 1];
  l->stalls[i] = *stall;
}

static void begin_turn(struct lane *l, int64_t now) {
  if (!l)
    return;
  l->is_open = true;
  l->begin_ns = now;
  memset(&l->slice, 0, sizeof l->slice);
}

/* A slice is, or was, open until now: is it the turn's longest? */
static void consider(struct lane *l, const struct lti_bracket *slice,
                     int64_t now) {
  int64_t from = slice->begin_ns > l->begin_ns ? slice->begin_ns : l->begin_ns;
  if (!l->is_open || now < from || now - from <= l->slice.slice_ns)
    return;
  l->slice.slice_ns = now - from;
  l->slice.task = slice->ref;
  l->slice.slice_kind = slice->x;
  l->slice.site = slice->a <= UINT32_MAX ? (uint32_t)slice->a : 0;
}

static void end_turn(struct lti_summary *s, struct lane *l, int64_t now,
                     bool unfinished) {
  if (!l || !l->is_open || now < l->begin_ns)
    return;
  l->is_open = false;
  l->end_ns = now;
  lt_lane_stall stall = l->slice;
  stall.begin_ns = l->begin_ns;
  stall.duration_ns = now - l->begin_ns;
  stall.unfinished = unfinished;
  l->lane.busy_ns += stall.duration_ns;
  l->lane.count++;
  if (l->lane.longest_ns < stall.duration_ns)
    l->lane.longest_ns = stall.duration_ns;
  if (!l->lane.is_pool && stall.duration_ns >= LTI_SUMMARY_WARN_NS)
    add_stall(l, &stall);
  add_to_bins(s, l, l->begin_ns, now);
}

/* Brackets, from the top: the number of one plus 1, 0 for none. */
static uint32_t find_kind(const struct lti_brackets *open, uint32_t below,
                          unsigned kind) {
  while (below > 0 && open->at[below - 1].kind != kind)
    below--;
  return below;
}

static uint32_t find_run(const struct lti_brackets *open, uint32_t below,
                         unsigned loop) {
  while (below > 0 && (open->at[below - 1].kind != LT_LOOP_BEGIN ||
                       open->at[below - 1].x != loop))
    below--;
  return below;
}

static uint32_t find_ref(const struct lti_brackets *open, unsigned kind,
                         uint64_t ref) {
  uint32_t i = open->n;
  while (i > 0 && (open->at[i - 1].kind != kind || open->at[i - 1].ref != ref))
    i--;
  return i;
}

static void forget_turn(struct lane *l) {
  if (l)
    l->is_open = false;
}

/* Runs and jobs above this one were left without an end: what they took is not
 * known. */
static void drop_above(struct lti_summary *s, uint32_t thread,
                       const struct lti_brackets *open, uint32_t i) {
  for (uint32_t j = i; j < open->n; j++) {
    const struct lti_bracket *b = &open->at[j];
    if (b->kind == LT_LOOP_BEGIN && !find_run(open, i, b->x))
      forget_turn(lane_of(s, false, b->x, thread));
    else if (b->kind == LT_POOL_BEGIN)
      forget_turn(lane_of(s, true, 0, thread));
  }
}

/* Slices that the runs of a loop are in the middle of, outermost first. */
static void consider_open(struct lane *l, const struct lti_brackets *open,
                          int64_t now) {
  for (uint32_t i = 1; l && i < open->n; i++)
    if (open->at[i].kind == LT_RESUME &&
        open->at[i - 1].kind == LT_LOOP_BEGIN &&
        open->at[i - 1].x == l->lane.loop)
      consider(l, &open->at[i], now);
}

static void take_slice_end(struct lti_summary *s, uint32_t thread,
                           const struct lti_brackets *open, const lt_event *e) {
  uint32_t i = find_ref(open, LT_RESUME, e->ref);
  if (i < open->n && i)
    drop_above(s, thread, open, i);
  if (i < 2 || open->at[i - 2].kind != LT_LOOP_BEGIN)
    return;
  struct lane *l = lane_of(s, false, open->at[i - 2].x, thread);
  if (l)
    consider(l, &open->at[i - 1], e->time_ns);
}

static void take_run(struct lti_summary *s, uint32_t thread,
                     const struct lti_brackets *open, const lt_event *e) {
  uint32_t i = find_run(open, open->n, e->x);
  if (e->kind == LT_LOOP_BEGIN) {
    if (!i)
      begin_turn(lane_of(s, false, e->x, thread), e->time_ns);
    return;
  }
  if (!i)
    return;
  drop_above(s, thread, open, i);
  if (!find_run(open, i - 1, e->x))
    end_turn(s, lane_of(s, false, e->x, thread), e->time_ns, false);
}

static void take_poll(struct lti_summary *s, uint32_t thread,
                      const struct lti_brackets *open, const lt_event *e) {
  uint32_t below = open->n;
  if (e->kind == LT_POLL_END) {
    uint32_t poll = find_kind(open, open->n, LT_POLL_BEGIN);
    if (poll) {
      drop_above(s, thread, open, poll);
      below = poll;
    }
  }
  uint32_t run = find_kind(open, below, LT_LOOP_BEGIN);
  if (!run)
    return;
  struct lane *l = lane_of(s, false, open->at[run - 1].x, thread);
  if (e->kind == LT_POLL_END) {
    begin_turn(l, e->time_ns);
    return;
  }
  consider_open(l, open, e->time_ns);
  end_turn(s, l, e->time_ns, false);
}

static void take_job(struct lti_summary *s, uint32_t thread,
                     const struct lti_brackets *open, const lt_event *e) {
  if (e->kind == LT_POOL_BEGIN) {
    begin_turn(lane_of(s, true, 0, thread), e->time_ns);
    return;
  }
  uint32_t i = find_ref(open, LT_POOL_BEGIN, e->ref);
  if (!i)
    return;
  drop_above(s, thread, open, i);
  end_turn(s, lane_of(s, true, 0, thread), e->time_ns, false);
}

/* Where the file says what cannot be, there was none. */
static void take_early(struct lti_summary *s, uint32_t thread,
                       const lt_event *e) {
  struct lane *l = lane_of(s, false, e->x, thread);
  if (!l || l->is_open || e->time_ns < 0 || e->b > e->a ||
      e->a > (uint64_t)e->time_ns || e->time_ns - (int64_t)e->a < l->end_ns)
    return;
  begin_turn(l, e->time_ns - (int64_t)e->a);
  end_turn(s, l, l->begin_ns + (int64_t)e->b, false);
}

static void take_loss(struct lti_summary *s, uint32_t thread,
                      const lt_event *e) {
  for (uint32_t i = 0; i < s->n && e->x != LT_LOST_NESTED; i++)
    if (s->lanes[i]->lane.thread == thread)
      s->lanes[i]->is_open = false;
}

void lti_summary_take(struct lti_summary *s, uint32_t thread,
                      const struct lti_brackets *open, const lt_event *e) {
  switch (e->kind) {
  case LT_AWAIT:
  case LT_DONE:
    take_slice_end(s, thread, open, e);
    break;
  case LT_LOOP_BEGIN:
  case LT_LOOP_END:
    take_run(s, thread, open, e);
    break;
  case LT_POLL_BEGIN:
  case LT_POLL_END:
    take_poll(s, thread, open, e);
    break;
  case LT_POOL_BEGIN:
  case LT_POOL_END:
    take_job(s, thread, open, e);
    break;
  case LT_EARLY_TURN:
    take_early(s, thread, e);
    break;
  default:
    take_loss(s, thread, e);
    break;
  }
}

void lti_summary_pause(struct lti_summary *s, uint32_t thread,
                       const struct lti_brackets *open) {
  for (uint32_t i = 0; s && i < s->n; i++) {
    struct lane *l = s->lanes[i];
    if (l->lane.thread != thread)
      continue;
    l->has_pending = false;
    for (uint32_t j = 1; j < open->n && !l->has_pending; j++)
      if (open->at[j].kind == LT_RESUME &&
          open->at[j - 1].kind == LT_LOOP_BEGIN &&
          open->at[j - 1].x == l->lane.loop && !l->lane.is_pool) {
        l->pending = open->at[j];
        l->has_pending = true;
      }
  }
}

void lti_summary_end(struct lti_summary *s, int64_t time_ns) {
  for (uint32_t i = 0; s && i < s->n; i++) {
    struct lane *l = s->lanes[i];
    if (l->has_pending)
      consider(l, &l->pending, time_ns);
    end_turn(s, l, time_ns, true);
  }
}

/* Encoding */

static int by_place(const void *one, const void *other) {
  const lt_lane *a = &(*(struct lane *const *)one)->lane;
  const lt_lane *b = &(*(struct lane *const *)other)->lane;
  if (a->is_pool != b->is_pool)
    return a->is_pool - b->is_pool;
  if (a->loop != b->loop)
    return a->loop < b->loop ? -1 : 1;
  return a->thread < b->thread ? -1 : a->thread > b->thread;
}

static void put_bins(struct lti_out *out, const struct lane *l) {
  uint32_t n = 0, next = 0;
  for (uint32_t i = 0; i < LTI_SUMMARY_BINS; i++)
    n += l->bins[i].longest_ns || l->bins[i].count;
  lti_out_varint(out, n);
  for (uint32_t i = 0; i < LTI_SUMMARY_BINS; i++) {
    const lt_lane_bin *bin = &l->bins[i];
    if (!bin->longest_ns && !bin->count)
      continue;
    lti_out_varint(out, i - next);
    lti_out_varint(out, (uint64_t)bin->busy_ns);
    lti_out_varint(out, (uint64_t)bin->longest_ns);
    lti_out_varint(out, bin->count);
    next = i + 1;
  }
}

static void put_lane(struct lti_out *out, const struct lane *l) {
  lti_out_varint(out, l->lane.is_pool);
  lti_out_varint(out, l->lane.loop);
  lti_out_varint(out, l->lane.thread);
  lti_out_varint(out, (uint64_t)l->lane.busy_ns);
  lti_out_varint(out, (uint64_t)l->lane.longest_ns);
  lti_out_varint(out, l->lane.count);
  put_bins(out, l);
  lti_out_varint(out, l->lane.n_stalls_all);
  lti_out_varint(out, l->lane.n_stalls);
  for (uint32_t i = 0; i < l->lane.n_stalls; i++) {
    const lt_lane_stall *stall = &l->stalls[i];
    lti_out_zigzag(out, stall->begin_ns);
    lti_out_varint(out, (uint64_t)stall->duration_ns);
    lti_out_varint(out, stall->unfinished);
    lti_out_varint(out, (uint64_t)stall->slice_ns);
    lti_out_varint(out, stall->task);
    lti_out_varint(out, stall->slice_kind);
    lti_out_varint(out, stall->site);
  }
}

size_t lti_summary_encode(const struct lti_summary *s, uint8_t **bytes) {
  const size_t lane_max = LTI_SUMMARY_BINS * 4 * LTI_VARINT_MAX +
                          LTI_SUMMARY_STALLS * 7 * LTI_VARINT_MAX + 128;
  struct lane *lanes[LTI_SUMMARY_LANES];
  uint32_t n = 0;
  size_t size = 64 + s->n * lane_max;
  uint8_t *made = malloc(size);
  if (!made)
    return 0;
  struct lti_out out = lti_out_of(made, size);
  lti_out_varint(&out, s->shift);
  lti_out_varint(&out, LTI_SUMMARY_BINS);
  lti_out_varint(&out, LTI_SUMMARY_WARN_NS);
  lti_out_varint(&out, s->n_left_out);
  for (uint32_t i = 0; i < s->n; i++)
    if (s->lanes[i]->lane.count)
      lanes[n++] = s->lanes[i];
  lti_out_varint(&out, n);
  if (n)
    qsort(lanes, n, sizeof *lanes, by_place);
  for (uint32_t i = 0; i < n; i++)
    put_lane(&out, lanes[i]);
  *bytes = made;
  return (size_t)(out.at - made);
}
