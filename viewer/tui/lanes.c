/* What the lanes show: spans of a window of time, by thread and depth.
 *
 * Invariant: spans are those of loaded_from..loaded_to: the whole of a short
 * trace; of a long one what surrounds the window far enough that whatever began
 * in it and took less than a stall has its end, and stalls are read to theirs.
 * Where that would be too many events, is_coarse says so and the lanes draw the
 * bins of the model instead. Called by view_lanes.c; knows nothing of columns.
 */
#include <stdlib.h>
#include <string.h>

#include "tui/app.h"

/* Events that are read for one picture at most: some 30 ms of work. */
#define EVENTS_MAX 400000
#define WINDOW_MIN_NS 100

/* Reading */

static bool keep(void *context, const struct model_span *span) {
  struct lanes *lanes = context;
  if (lanes->n_spans == lanes->spans_cap) {
    size_t cap = lanes->spans_cap ? lanes->spans_cap * 2 : 1024;
    struct model_span *spans = realloc(lanes->spans, cap * sizeof *spans);
    if (!spans) {
      lanes->problem = LT_NOMEM;
      return false;
    }
    lanes->spans = spans;
    lanes->spans_cap = cap;
  }
  lanes->spans[lanes->n_spans++] = *span;
  return true;
}

static int by_thread_and_time(const void *a, const void *b) {
  const struct model_span *x = a, *y = b;
  if (x->thread != y->thread)
    return x->thread < y->thread ? -1 : 1;
  if (x->begin_ns != y->begin_ns)
    return x->begin_ns < y->begin_ns ? -1 : 1;
  if (x->end_ns != y->end_ns)
    return x->end_ns > y->end_ns ? -1 : 1;
  return x->depth < y->depth ? -1 : x->depth > y->depth;
}

static void add_turn(struct lanes *lanes, const struct model_span *run,
                     int64_t begin_ns, int64_t end_ns) {
  if (end_ns <= begin_ns)
    return;
  if (lanes->n_turns == lanes->turns_cap) {
    size_t cap = lanes->turns_cap ? lanes->turns_cap * 2 : 256;
    struct model_span *turns = realloc(lanes->turns, cap * sizeof *turns);
    if (!turns) {
      lanes->problem = LT_NOMEM;
      return;
    }
    lanes->turns = turns;
    lanes->turns_cap = cap;
  }
  lanes->turns[lanes->n_turns++] = (struct model_span){.begin_ns = begin_ns,
                                                       .end_ns = end_ns,
                                                       .thread = run->thread,
                                                       .loop = run->loop};
}

/* Turns are what lies between the polls of a run. Where a run began before, or
 * goes on after, what was read, its first and last turn have no known edge.
 * Runs of the same loop inside one are part of it; those of another loop have
 * turns of their own. */
static void make_turns(struct lanes *lanes, const struct model *m) {
  lanes->n_turns = 0;
  for (size_t i = 0; i < lanes->n_spans; i++) {
    const struct model_span *run = &lanes->spans[i];
    if (run->what != LT_LOOP_BEGIN || run->loop_depth > 0)
      continue;
    int64_t at = run->begin_ns;
    if (at < lanes->loaded_from)
      at = lanes->loaded_from - 1;
    for (size_t j = i + 1;
         j < lanes->n_spans && lanes->spans[j].thread == run->thread &&
         lanes->spans[j].begin_ns < run->end_ns;
         j++) {
      const struct model_span *poll = &lanes->spans[j];
      if (poll->what != LT_POLL_BEGIN || poll->loop != run->loop)
        continue;
      add_turn(lanes, run, at, poll->begin_ns);
      at = poll->end_ns;
    }
    /* A poll that belongs to this run may have begun before what was read. */
    if (at != INT64_MAX)
      add_turn(lanes, run, at,
               run->end_ns == INT64_MAX && lanes->loaded_to < m->end_ns
                   ? lanes->loaded_to + 1
                   : run->end_ns);
  }
}

bool lanes_is_of(const struct model_loop *loop, const struct model_span *span) {
  return span->thread == loop->thread &&
         (span->loop == loop->id || span->loop == MODEL_NO_LOOP);
}

static void note_lanes(struct lanes *lanes, const struct model *m) {
  for (size_t i = 0; i < lanes->n_spans; i++) {
    const struct model_span *span = &lanes->spans[i];
    if (span->what == LT_POOL_BEGIN) {
      size_t k = 0;
      while (k < lanes->n_pool && lanes->pool[k] != span->thread)
        k++;
      if (k == lanes->n_pool && k < sizeof lanes->pool / sizeof *lanes->pool)
        lanes->pool[lanes->n_pool++] = span->thread;
    }
    for (size_t k = 0; k < m->n_loops && span->what == LT_RESUME; k++)
      if (lanes_is_of(&m->loops[k], span) &&
          lanes->max_depth[k] < span->loop_depth)
        lanes->max_depth[k] = span->loop_depth;
  }
}

static bool is_too_much(const struct model *m, int64_t from, int64_t to) {
  return m->end_ns > 0 &&
         (double)m->info->n_events * (double)(to - from) / (double)m->end_ns >
             EVENTS_MAX;
}

void lanes_load(struct app *app) {
  struct lanes *lanes = &app->lanes;
  struct model *m = app->model;
  int64_t around = (lanes->to - lanes->from) / 2;
  if (lanes->is_loaded && lanes->loaded_from <= lanes->from &&
      lanes->loaded_to >= lanes->to &&
      !(lanes->is_coarse && !is_too_much(m, lanes->from, lanes->to)))
    return;
  if (around < MODEL_WARN_NS)
    around = MODEL_WARN_NS;
  int64_t from = lanes->from > around ? lanes->from - around : 0;
  int64_t to =
      lanes->to < m->end_ns - around ? lanes->to + around : m->end_ns + 1;
  for (size_t i = 0; i < m->n_stalls; i++) {
    const struct model_stall *s = &m->stalls[i];
    int64_t end_ns = s->begin_ns + s->duration_ns;
    if (s->begin_ns < lanes->to && end_ns > lanes->from && end_ns >= to)
      to = end_ns + 1;
  }
  if (!is_too_much(m, 0, m->end_ns)) { /* then no pan reads again */
    from = 0;
    to = m->end_ns + 1;
  }
  lanes->loaded_from = from;
  lanes->loaded_to = to;
  lanes->n_spans = lanes->n_turns = 0;
  lanes->is_loaded = true;
  lanes->problem = LT_OK;
  lanes->is_coarse = is_too_much(m, lanes->from, lanes->to);
  if (lanes->is_coarse)
    return;
  lt_status status = model_window(m, from, to, keep, lanes);
  if (lanes->problem == LT_OK)
    lanes->problem = status;
  if (lanes->n_spans)
    qsort(lanes->spans, lanes->n_spans, sizeof *lanes->spans,
          by_thread_and_time);
  make_turns(lanes, m);
  note_lanes(lanes, m);
}

/* The window */

void lanes_set_window(struct app *app, int64_t from, int64_t to) {
  int64_t end = app->model->end_ns > 0 ? app->model->end_ns : 1;
  int64_t length = to - from;
  length = length < WINDOW_MIN_NS ? WINDOW_MIN_NS : length;
  length = length > end ? end : length;
  if (from > end - length)
    from = end - length;
  if (from < 0)
    from = 0;
  app->lanes.from = from;
  app->lanes.to = from + length;
}

void lanes_push_history(struct app *app) {
  struct lanes *lanes = &app->lanes;
  if (lanes->n_history == LANES_HISTORY) {
    memmove(lanes->history, lanes->history + 1,
            (LANES_HISTORY - 1) * sizeof *lanes->history);
    lanes->n_history--;
  }
  lanes->history[lanes->n_history].from = lanes->from;
  lanes->history[lanes->n_history++].to = lanes->to;
}

void lanes_show_stall(struct app *app, size_t stall) {
  const struct model_stall *s = &app->model->stalls[stall];
  struct lanes *lanes = &app->lanes;
  int64_t end_ns = s->begin_ns + s->duration_ns;
  int64_t length = lanes->to - lanes->from;
  app_select_stall(app, stall);
  if (s->loop < app->model->n_loops && lanes->current.thread != s->thread)
    lanes->current = (struct lane){.thread = s->thread, .loop = s->loop};
  if (s->begin_ns >= lanes->from && end_ns <= lanes->to &&
      s->duration_ns >= length / 10)
    return;
  lanes_push_history(app);
  /* Half the width for the stall: what led to it and what came after too. */
  lanes_set_window(app, s->begin_ns - s->duration_ns / 2,
                   end_ns + s->duration_ns / 2);
}

/* Lanes */

size_t lanes_list(struct app *app, struct lane out[LANES_MAX]) {
  const struct lanes *lanes = &app->lanes;
  size_t n = 0;
  for (size_t i = 0; i < app->model->n_loops && n + 8 < LANES_MAX; i++) {
    struct lane lane = {.thread = app->model->loops[i].thread, .loop = i};
    out[n++] = lane;
    if (lanes->folded[i])
      continue;
    lane.what = LANE_CALLBACK;
    for (; lane.depth <= lanes->max_depth[i] && lane.depth < 4; lane.depth++)
      out[n++] = lane;
    lane.depth = 0;
    lane.what = LANE_BLOCKING;
    out[n++] = lane;
  }
  for (size_t i = 0; i < lanes->n_pool && n < LANES_MAX; i++)
    out[n++] = (struct lane){.what = LANE_POOL, .thread = lanes->pool[i]};
  return n;
}

size_t lanes_current(struct app *app, const struct lane *lanes, size_t n) {
  const struct lane *now = &app->lanes.current;
  size_t same_thread = 0;
  for (size_t i = 0; i < n; i++) {
    bool same = lanes[i].thread == now->thread && lanes[i].loop == now->loop;
    if (same && lanes[i].what == now->what && lanes[i].depth == now->depth)
      return i;
    if (same && lanes[i].what == LANE_TURN)
      same_thread = i;
  }
  return same_thread;
}

/* Spans of a lane */

static bool belongs(const struct app *app, const struct lane *lane,
                    const struct model_span *span) {
  if (lane->what != LANE_POOL && lane->loop < app->model->n_loops &&
      !lanes_is_of(&app->model->loops[lane->loop], span))
    return false;
  switch (lane->what) {
  case LANE_TURN:
    return true;
  case LANE_CALLBACK:
    return span->what == LT_RESUME && span->loop_depth == lane->depth;
  case LANE_BLOCKING:
    return span->what == LT_CALL;
  case LANE_POOL:
    return span->what == LT_POOL_BEGIN;
  }
  return false;
}

/* To the first of a thread. */
static size_t first_of(const struct model_span *spans, size_t n,
                       uint32_t thread) {
  size_t low = 0, high = n;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (spans[middle].thread < thread)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void lanes_each_span(struct app *app, uint32_t thread,
                     bool (*each)(void *context, const struct model_span *span),
                     void *context) {
  const struct lanes *lanes = &app->lanes;
  size_t i = first_of(lanes->spans, lanes->n_spans, thread);
  for (; i < lanes->n_spans && lanes->spans[i].thread == thread; i++)
    if (!each(context, &lanes->spans[i]))
      return;
}

void lanes_each(struct app *app, const struct lane *lane,
                bool (*each)(void *context, const struct model_span *span),
                void *context) {
  const struct lanes *lanes = &app->lanes;
  bool turns = lane->what == LANE_TURN;
  const struct model_span *spans = turns ? lanes->turns : lanes->spans;
  size_t n = turns ? lanes->n_turns : lanes->n_spans;
  size_t low = first_of(spans, n, lane->thread);
  for (; low < n && spans[low].thread == lane->thread; low++)
    if (belongs(app, lane, &spans[low]) && !each(context, &spans[low]))
      return;
}

/* Looking for a span: the one under a moment, or next to it. */
struct search {
  int64_t at_ns, slack_ns;
  const struct model_span *inside, *near, *before, *after;
  int64_t distance_ns;
};

static bool search_each(void *context, const struct model_span *span) {
  struct search *s = context;
  if (span->begin_ns < s->at_ns)
    s->before = span;
  if (span->begin_ns > s->at_ns && !s->after)
    s->after = span;
  if (span->begin_ns <= s->at_ns && span->end_ns > s->at_ns)
    s->inside = span; /* the last one that began is the innermost */
  int64_t distance = span->begin_ns > s->at_ns ? span->begin_ns - s->at_ns
                     : span->end_ns < s->at_ns ? s->at_ns - span->end_ns
                                               : 0;
  if (distance <= s->slack_ns && (!s->near || distance < s->distance_ns)) {
    s->near = span;
    s->distance_ns = distance;
  }
  return span->begin_ns <= s->at_ns + s->slack_ns || !s->after;
}

static struct search search(struct app *app, const struct lane *lane) {
  struct search s = {
      .at_ns = app->cursor_ns,
      .slack_ns = (app->lanes.to - app->lanes.from) / 200,
  };
  lanes_each(app, lane, search_each, &s);
  return s;
}

const struct model_span *lanes_under_cursor(struct app *app,
                                            const struct lane *lane) {
  struct search s = search(app, lane);
  return s.inside ? s.inside : s.near;
}

bool lanes_step(struct app *app, const struct lane *lane, bool forward) {
  /* What is not in sight may be in the windows next to it. */
  struct lanes *lanes = &app->lanes;
  int64_t from = lanes->from, to = lanes->to, length = to - from;
  for (int i = 0; i < 8; i++) {
    lanes_load(app);
    struct search s = search(app, lane);
    const struct model_span *found = forward ? s.after : s.before;
    if (found && found->begin_ns >= 0) {
      app->cursor_ns = found->begin_ns;
      if (app->cursor_ns < lanes->from || app->cursor_ns >= lanes->to)
        lanes_set_window(app, app->cursor_ns - length / 2,
                         app->cursor_ns + length / 2);
      return true;
    }
    int64_t at = lanes->from;
    lanes_set_window(app, forward ? lanes->to : lanes->from - length,
                     forward ? lanes->to + length : lanes->from);
    if (lanes->from == at)
      break;
  }
  lanes_set_window(app, from, to);
  return false;
}

/* The lane that a span is drawn in. */
void lanes_select(struct app *app, const struct model_span *s) {
  struct lanes *lanes = &app->lanes;
  int64_t length = lanes->to - lanes->from;
  struct lane lane = {.thread = s->thread,
                      .what = s->what == LT_CALL         ? LANE_BLOCKING
                              : s->what == LT_POOL_BEGIN ? LANE_POOL
                                                         : LANE_CALLBACK,
                      .depth = s->what == LT_RESUME ? s->loop_depth : 0};
  for (size_t i = 0; i < app->model->n_loops && lane.what != LANE_POOL; i++)
    if (lanes_is_of(&app->model->loops[i], s))
      lane.loop = i;
  lanes->current = lane;
  app->cursor_ns = s->begin_ns;
  if (app->cursor_ns < lanes->from || app->cursor_ns >= lanes->to)
    lanes_set_window(app, app->cursor_ns - length / 2,
                     app->cursor_ns + length / 2);
}
