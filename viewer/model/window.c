/* A stretch of time, read for being drawn.
 *
 * Invariant: spans are those that touch from..to, a turn's edges those of its
 * polls; a turn whose begin was not read begins before `from`.  Bins of a track
 * hold what all its spans together hold.  Called by the viewer's lanes and
 * replay. */
#include "model/window.h"

#include <stdlib.h>
#include <string.h>

#include "model/build.h"

/* Tracks */

static size_t chain_of(const struct track_key *k) {
  uint32_t h = k->what * 31 + k->thread * 0x9e3779b1u + k->loop * 0x85ebca6bu +
               k->depth * 0xc2b2ae35u;
  return (h ^ h >> 15) % WINDOW_CHAINS;
}

struct track *window_track(const struct window *w, uint32_t what,
                           uint32_t thread, uint32_t loop, uint32_t depth) {
  const struct track_key key = {what, thread, loop, depth};
  struct track *t = w->chains[chain_of(&key)];
  while (t && memcmp(&t->key, &key, sizeof key))
    t = t->next;
  return t;
}

static struct track *track_make(struct window *w, const struct track_key *key) {
  if (w->n_tracks >= WINDOW_TRACKS_MAX)
    return NULL;
  if (w->n_tracks == w->tracks_cap) {
    size_t cap = w->tracks_cap ? w->tracks_cap * 2 : 32;
    struct track **tracks = realloc(w->tracks, cap * sizeof(*tracks));
    if (!tracks)
      return NULL;
    w->tracks = tracks;
    w->tracks_cap = cap;
  }
  struct track *t = calloc(1, sizeof *t);
  if (t && w->is_in_bins && !(t->bins = calloc(WINDOW_BINS, sizeof *t->bins))) {
    free(t);
    return NULL;
  }
  if (!t)
    return NULL;
  t->key = *key;
  t->next = w->chains[chain_of(key)];
  w->chains[chain_of(key)] = t;
  return w->tracks[w->n_tracks++] = t;
}

size_t window_bin(const struct window *w, int64_t ns) {
  int64_t bin = (ns - w->from) / w->bin_ns;
  return bin < 0 ? 0 : bin >= WINDOW_BINS ? WINDOW_BINS - 1 : (size_t)bin;
}

static bool waits(uint32_t what) {
  return what == WINDOW_WAIT || what == WINDOW_LATE || what == WINDOW_QUEUED;
}

static void add_to_bins(const struct window *w, struct track *t,
                        const struct model_span *s) {
  int64_t begin = s->begin_ns > w->from ? s->begin_ns : w->from;
  int64_t end = s->end_ns < w->to ? s->end_ns : w->to;
  size_t first = window_bin(w, begin), last = window_bin(w, end);
  int64_t duration = end - s->begin_ns;
  for (size_t i = first; i <= last; i++) {
    struct track_bin *bin = &t->bins[i];
    int64_t bin_from = w->from + (int64_t)i * w->bin_ns;
    int64_t bin_to = bin_from + w->bin_ns;
    int64_t b = begin > bin_from ? begin : bin_from;
    int64_t e = end < bin_to ? end : bin_to;
    int64_t value = t->key.what == WINDOW_LATE ? e - s->begin_ns : duration;
    bin->covered_ns += e > b ? e - b : 0;
    if (bin->longest_ns < value)
      bin->longest_ns = value;
    bin->n += waits(t->key.what) ? i > first : i == first;
  }
}

void window_add(struct window *w, uint32_t what, uint32_t loop, uint32_t depth,
                const struct model_span *span) {
  struct track *t = window_track(w, what, span->thread, loop, depth);
  const struct track_key key = {what, span->thread, loop, depth};
  if (!t && !(t = track_make(w, &key)))
    return;
  if (t->bins) {
    add_to_bins(w, t, span);
    return;
  }
  if (t->n == t->cap) {
    size_t cap = t->cap ? t->cap * 2 : 16;
    struct model_span *spans = realloc(t->spans, cap * sizeof *spans);
    if (!spans) {
      w->problem = LT_NOMEM;
      return;
    }
    t->spans = spans;
    t->cap = cap;
  }
  /* A call is told when it ends, after those inside it: it takes their place
   * in the order.  Few are, so that each looks a little way back only. */
  size_t at = t->n++;
  for (int i = 0; i < 64 && at > 0 && !waits(what) &&
                  t->spans[at - 1].begin_ns > span->begin_ns;
       i++, at--)
    t->spans[at] = t->spans[at - 1];
  t->spans[at] = *span;
  if (span->end_ns != INT64_MAX && span->end_ns - span->begin_ns > t->longest_ns)
    t->longest_ns = span->end_ns - span->begin_ns;
}

size_t track_first(const struct track *t, int64_t from_ns) {
  bool by_end = waits(t->key.what);
  size_t low = 0, high = t->n;
  while (low < high) {
    size_t middle = (low + high) / 2;
    const struct model_span *s = &t->spans[middle];
    if (by_end ? s->end_ns < from_ns : s->begin_ns < from_ns)
      low = middle + 1;
    else
      high = middle;
  }
  for (int i = 0; i < 64 && low > 0 && !by_end; i++)
    if (t->spans[low - 1].end_ns <= from_ns && i > 0)
      break;
    else
      low--;
  return low;
}

/* What passes */

/* A span that no loop ran for is told in the first loop of its thread. */
static uint32_t loop_for(const struct window *w,
                         const struct model_span *span) {
  const struct model *m = w->model;
  if (span->loop != MODEL_NO_LOOP)
    return span->loop;
  for (size_t i = 0; i < m->n_loops; i++)
    if (m->loops[i].thread == span->thread)
      return m->loops[i].id;
  return MODEL_NO_LOOP;
}

/* The turn that goes on in a track of turns, as its last span without an end.
 */
static void turn_begin(struct window *w, const struct model_span *run,
                       int64_t at_ns) {
  if (at_ns < w->from)
    at_ns = w->from - 1;
  struct model_span turn = {.begin_ns = at_ns,
                            .end_ns = INT64_MAX,
                            .thread = run->thread,
                            .what = MODEL_TURN,
                            .loop = run->loop};
  queue_begin(w->queue, &turn);
}

static bool on_begin(void *context, const struct model_span *span) {
  struct window *w = context;
  if (span->what == LT_LOOP_BEGIN && span->loop_depth == 0)
    turn_begin(w, span, span->begin_ns);
  queue_begin(w->queue, span);
  return true;
}

static bool on_end(void *context, const struct model_span *span) {
  struct window *w = context;
  switch (span->what) {
  case LT_RESUME:
    window_add(w, LT_RESUME, loop_for(w, span), span->loop_depth, span);
    break;
  case LT_CALL:
    window_add(w, LT_CALL, loop_for(w, span), 0, span);
    break;
  case LT_POOL_BEGIN:
    window_add(w, LT_POOL_BEGIN, 0, 0, span);
    break;
  case LT_POLL_BEGIN:
    if (!w->is_in_bins)
      window_add(w, LT_POLL_BEGIN, loop_for(w, span), 0, span);
    break;
  default:
    break;
  }
  return w->problem == LT_OK;
}

static void lose(struct window *w, const lt_event *e) {
  if (!w->losses)
    w->losses = calloc(WINDOW_LOSSES_MAX, sizeof *w->losses);
  w->n_lost += e->a;
  if (!w->losses || w->n_losses >= WINDOW_LOSSES_MAX)
    return;
  int64_t length = e->b > (uint64_t)e->time_ns ? e->time_ns : (int64_t)e->b;
  w->losses[w->n_losses++] = (struct window_loss){
      .from_ns = e->time_ns - length,
      .to_ns = e->time_ns,
      .n = e->a,
      .thread = e->x == LT_LOST_DAMAGED ? UINT32_MAX : e->thread,
      .cause = e->x};
}

/* Of samples in one callback that follow each other in the same function. */
static void see_called(struct window *w, const lt_event *e,
                       const struct model_span *slice, uint32_t loop,
                       int64_t before_ns) {
  uint32_t site, stack = (uint32_t)e->b;
  if (!slice || !model_stack_called(w->model, stack, &site, 1))
    return;
  struct model_span called = {.begin_ns = e->time_ns,
                              .end_ns = e->time_ns,
                              .thread = e->thread,
                              .what = WINDOW_CALLED,
                              .kind = stack,
                              .site = site,
                              .task = slice->task,
                              .loop = slice->loop};
  struct track *t = window_track(w, WINDOW_CALLED, e->thread, loop, 0);
  struct model_span *last = t && t->n ? &t->spans[t->n - 1] : NULL;
  if (last && last->end_ns == before_ns && before_ns >= slice->begin_ns &&
      model_is_same_function(w->model, last->site, site))
    last->end_ns = e->time_ns;
  else
    window_add(w, WINDOW_CALLED, loop, 0, &called);
}

/* Seen again in the same turn, at the same place: it was there in between. */
static void see(struct window *w, const lt_event *e,
                const struct model_span *slice) {
  struct model_stack_line line = {0};
  if (e->x == 'C') /* nobody looked: it was told to go on */
    return;
  if (e->b && e->b <= UINT32_MAX)
    (void)model_stack_lines(w->model, (uint32_t)e->b, &line, 1);
  struct model_span seen = {.begin_ns = e->time_ns,
                            .end_ns = e->time_ns,
                            .thread = e->thread,
                            .what = WINDOW_SEEN,
                            .kind = e->a <= UINT16_MAX ? (uint32_t)e->a : 0,
                            .site = line.site,
                            .task = slice ? slice->task : 0,
                            .depth = e->x,
                            .loop = slice ? slice->loop : MODEL_NO_LOOP};
  uint32_t loop = loop_for(w, &seen);
  struct track *t = window_track(w, WINDOW_SEEN, e->thread, loop, 0);
  struct model_span *last = t && t->n ? &t->spans[t->n - 1] : NULL;
  if (e->b && e->b <= UINT32_MAX)
    see_called(w, e, slice, loop, last ? last->end_ns : -1);
  if (last && slice && last->kind == seen.kind && last->site == seen.site &&
      last->begin_ns >= slice->begin_ns)
    last->end_ns = e->time_ns;
  else
    window_add(w, WINDOW_SEEN, loop, 0, &seen);
}

static bool keep(struct window *w, const lt_event *e) {
  if (w->n_events == w->events_cap) {
    size_t cap = w->events_cap ? w->events_cap * 2 : 4096;
    lt_event *events = realloc(w->events, cap * sizeof *events);
    w->events = events ? events : w->events;
    uint32_t *live = realloc(w->live, cap * sizeof *live);
    w->live = live ? live : w->live;
    if (!events || !live)
      return false;
    w->events_cap = cap;
  }
  w->live[w->n_events] = (uint32_t)queue_live(w->queue);
  w->events[w->n_events++] = *e;
  return true;
}

/* What tells of something that happened. */
static bool is_kept(uint8_t kind) {
  return kind != LT_USAGE && kind != LT_LOOP_NAME && kind != LT_LOCK_HOLDER &&
         kind != LT_AWAIT_SITE;
}

static bool on_moment(void *context, const struct model_moment *moment) {
  struct window *w = context;
  const lt_event *e = moment->event;
  queue_event(w->queue, e, moment->slice);
  if (e->kind == LT_LOST)
    lose(w, e);
  if (e->kind == LT_SAMPLE)
    see(w, e, moment->slice);
  if (!w->is_in_bins && is_kept(e->kind) && !keep(w, e))
    w->problem = LT_NOMEM;
  return w->problem == LT_OK;
}

/* Steps */

/* Turns that were told behind them, perhaps behind the stretch. */
static void add_early(struct window *w) {
  const struct model *m = w->model;
  for (size_t i = 0; i < m->n_stalls; i++) {
    const struct model_stall *s = &m->stalls[i];
    const struct model_span turn = {.begin_ns = s->begin_ns,
                                    .end_ns = s->begin_ns + s->duration_ns,
                                    .thread = s->thread,
                                    .what = MODEL_TURN,
                                    .loop = m->loops[s->loop].id};
    if (s->is_early && turn.begin_ns < w->to && turn.end_ns >= w->from)
      window_add(w, MODEL_TURN, turn.loop, 0, &turn);
  }
}

struct window *window_begin(struct model *model, lt_reader *reader,
                            int64_t from, int64_t to, bool is_in_bins) {
  struct window *w = calloc(1, sizeof *w);
  if (!w)
    return NULL;
  *w = (struct window){.from = from,
                       .to = to,
                       .at_ns = from,
                       .is_in_bins = is_in_bins,
                       .bin_ns = (to - from) / WINDOW_BINS + 1,
                       .model = model};
  const struct model_visitor visitor = {.context = w,
                                        .begin = on_begin,
                                        .end = on_end,
                                        .moment = on_moment};
  w->queue = queue_new(w);
  if (!w->queue || model_stream_begin(model, reader, from, to, &visitor,
                                      &w->stream) != LT_OK) {
    window_close(w);
    return NULL;
  }
  add_early(w);
  return w;
}

bool window_step(struct window *w, uint64_t n_events) {
  if (w->is_done)
    return false;
  lt_status status = model_stream_step(w->stream, n_events);
  if (status == LT_OK) {
    w->at_ns = model_stream_at(w->stream);
    return true;
  }
  if (status != LT_END && w->problem == LT_OK)
    w->problem = status;
  queue_finish(w->queue);
  model_stream_end(w->stream);
  queue_free(w->queue);
  w->stream = NULL;
  w->queue = NULL;
  w->at_ns = w->to;
  w->is_done = true;
  return false;
}

void window_close(struct window *w) {
  if (!w)
    return;
  model_stream_end(w->stream);
  queue_free(w->queue);
  for (size_t i = 0; i < w->n_tracks; i++) {
    free(w->tracks[i]->spans);
    free(w->tracks[i]->bins);
    free(w->tracks[i]);
  }
  free(w->tracks);
  free(w->events);
  free(w->live);
  free(w->losses);
  free(w);
}
