/* Spans of the lanes: the one under the cursor, the next one, and what led to
 * one.
 *
 * Invariant: a cause is an event of the trace, never a guess; where events
 * before the window would tell it, it is not known.  Called by the views and
 * by actions.c. */
#include <stdlib.h>
#include <string.h>

#include "tui/app.h"

bool lanes_is_of(const struct model_loop *loop, const struct model_span *span) {
  return span->thread == loop->thread &&
         (span->loop == loop->id || span->loop == MODEL_NO_LOOP);
}

void lanes_each_span(const struct app *app, uint32_t thread,
                     bool (*each)(void *context, const struct model_span *span),
                     void *context) {
  const struct window *w = app->lanes.near;
  for (size_t i = 0; w && i < w->n_tracks; i++) {
    const struct track *t = w->tracks[i];
    if ((t->key.what != LT_RESUME && t->key.what != LT_CALL &&
         t->key.what != LT_POOL_BEGIN) ||
        (thread != LT_ALL_THREADS && t->key.thread != thread))
      continue;
    for (size_t k = 0; k < t->n; k++)
      if (!each(context, &t->spans[k]))
        return;
  }
}

/* Under the cursor */

static struct track *track_of(struct app *app, const struct lane *lane) {
  return app->lanes.near ? lane_track(app, app->lanes.near, lane) : NULL;
}

static int64_t distance_to(const struct model_span *s, int64_t at_ns) {
  return s->begin_ns > at_ns ? s->begin_ns - at_ns
         : s->end_ns < at_ns ? at_ns - s->end_ns
                             : 0;
}

/* The last that began of those that cover it, else the nearest within half a
 * column. */
const struct model_span *lanes_under_cursor(struct app *app,
                                            const struct lane *lane) {
  const struct track *t = track_of(app, lane);
  const struct model_span *inside = NULL, *near = NULL;
  int64_t at = app->cursor_ns;
  int64_t slack = (app->lanes.to - app->lanes.from) / 200;
  for (size_t i = t ? track_first(t, at - slack) : 0; t && i < t->n; i++) {
    const struct model_span *s = &t->spans[i];
    if (s->begin_ns > at + slack && t->key.what != WINDOW_WAIT &&
        t->key.what != WINDOW_LATE)
      break;
    if (s->begin_ns <= at && s->end_ns > at &&
        (!inside || s->begin_ns >= inside->begin_ns))
      inside = s;
    if (distance_to(s, at) <= slack &&
        (!near || distance_to(s, at) < distance_to(near, at)))
      near = s;
  }
  return inside ? inside : near;
}

/* Along a lane */

#define STEPS_MAX 8 /* windows that are looked at */

static const struct model_span *next_of(const struct track *t, int64_t at_ns,
                                        bool forward) {
  const struct model_span *found = NULL;
  for (size_t i = 0; t && i < t->n; i++) {
    const struct model_span *s = &t->spans[i];
    bool is_ahead =
        forward ? s->begin_ns > at_ns : s->begin_ns < at_ns && s->begin_ns >= 0;
    if (is_ahead && (!found || (forward ? s->begin_ns < found->begin_ns
                                        : s->begin_ns > found->begin_ns)))
      found = s;
  }
  return found;
}

static void end_step(struct app *app, int64_t length) {
  struct lanes *lanes = &app->lanes;
  lanes->steps_left = 0;
  if (app->cursor_ns < lanes->from || app->cursor_ns >= lanes->to)
    lanes_set_window(app, app->cursor_ns - length / 2,
                     app->cursor_ns + length / 2);
}

void lanes_step(struct app *app, bool forward) {
  struct lanes *lanes = &app->lanes;
  struct lane list[LANES_MAX];
  size_t n = lanes_list(app, list);
  int64_t length = lanes->to - lanes->from;
  bool is_first = lanes->steps_left == 0;
  if (n == 0)
    return;
  if (lanes_are_reading(app)) { /* from app_work() then */
    lanes->steps_left = STEPS_MAX + 1;
    lanes->steps_forward = forward;
    return;
  }
  const struct track *t = track_of(app, &list[lanes_current(app, list, n)]);
  const struct model_span *found = next_of(t, app->cursor_ns, forward);
  if (found) {
    app->cursor_ns = found->begin_ns;
    end_step(app, length);
    return;
  }
  lanes->steps_left = is_first ? STEPS_MAX : lanes->steps_left - 1;
  lanes->steps_forward = forward;
  int64_t at = lanes->from;
  lanes_set_window(app, forward ? lanes->to : lanes->from - length,
                   forward ? lanes->to + length : lanes->from);
  if (lanes->from != at && lanes->steps_left > 0)
    return;
  end_step(app, length);
  app_say(app, "nothing %s within some windows of this length",
          forward ? "later" : "earlier");
}

/* The lane that a span is drawn in. */
static struct lane lane_of(struct app *app, const struct model_span *s) {
  struct lane lane = {.what = s->what == LT_CALL         ? LANE_BLOCKING
                              : s->what == LT_POOL_BEGIN ? LANE_WORKER
                                                         : LANE_CALLBACK,
                      .thread = s->thread,
                      .depth = s->what == LT_RESUME ? s->loop_depth : 0};
  for (size_t i = 0; i < app->model->n_loops && lane.what != LANE_WORKER; i++)
    if (lanes_is_of(&app->model->loops[i], s))
      lane.loop = i;
  return lane;
}

static void show(struct app *app, int64_t at_ns) {
  struct lanes *lanes = &app->lanes;
  int64_t length = lanes->to - lanes->from;
  app->cursor_ns = at_ns < 0 ? 0 : at_ns;
  if (app->cursor_ns < lanes->from || app->cursor_ns >= lanes->to)
    lanes_set_window(app, app->cursor_ns - length / 2,
                     app->cursor_ns + length / 2);
}

void lanes_select(struct app *app, const struct model_span *s) {
  app->lanes.current = lane_of(app, s);
  show(app, s->begin_ns);
}

/* What is missing */

const struct window_loss *lanes_loss(struct app *app, const struct lane *lane,
                                     int64_t at_ns) {
  const struct window *w = app->lanes.near;
  int64_t slack = (app->lanes.to - app->lanes.from) / 200;
  for (size_t i = 0; w && lane->what <= LANE_LATE && i < w->n_losses; i++) {
    const struct window_loss *loss = &w->losses[i];
    if ((loss->thread == lane->thread || loss->thread == UINT32_MAX) &&
        loss->from_ns <= at_ns + slack && loss->to_ns >= at_ns - slack)
      return loss;
  }
  return NULL;
}

/* Causes */

const struct model_span *lanes_slice_at(struct app *app, uint32_t thread,
                                        int64_t at_ns) {
  const struct window *w = app->lanes.near;
  const struct model_span *found = NULL, *ended = NULL;
  for (size_t i = 0; w && i < w->n_tracks; i++) {
    const struct track *t = w->tracks[i];
    if (t->key.what != LT_RESUME || t->key.thread != thread)
      continue;
    for (size_t k = track_first(t, at_ns);
         k < t->n && t->spans[k].begin_ns <= at_ns; k++) {
      const struct model_span *s = &t->spans[k];
      if (s->end_ns > at_ns && (!found || s->depth >= found->depth))
        found = s;
      if (s->end_ns == at_ns && (!ended || s->depth >= ended->depth))
        ended = s; /* its last event has the time of its end */
    }
  }
  return found ? found : ended;
}

/* The newest event about a task before a moment, of some kinds. */
static const lt_event *newest(const struct window *w, uint64_t task,
                              int64_t before_ns, uint64_t kinds) {
  size_t low = 0, high = w->n_events;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (w->events[middle].time_ns <= before_ns)
      low = middle + 1;
    else
      high = middle;
  }
  while (low-- > 0) {
    const lt_event *e = &w->events[low];
    if (e->ref == task && (kinds >> e->kind & 1))
      return e;
  }
  return NULL;
}

#define KIND(k) (UINT64_C(1) << LT_##k)

struct lane_cause lanes_cause(struct app *app, const struct model_span *span,
                              bool only_spawn) {
  const struct window *w = app->lanes.near;
  struct lane_cause c = {0};
  uint64_t kinds = KIND(SPAWN);
  if (!w || !span->task || w->is_in_bins)
    return c;
  if (!only_spawn)
    kinds |= KIND(READY) | KIND(ARM) | KIND(POOL_END);
  c.event = newest(w, span->task, span->begin_ns, kinds);
  if (!c.event)
    return c;
  const struct model_span *by =
      lanes_slice_at(app, c.event->thread, c.event->time_ns);
  c.how = c.event->kind == LT_SPAWN      ? "made by"
          : c.event->kind == LT_ARM      ? "armed by"
          : c.event->kind == LT_POOL_END ? "its job was done by"
          : c.event->x == LT_READY_DUE   ? "its time came in"
                                         : "woken by";
  c.task = c.event->kind == LT_READY ? c.event->a : 0;
  if (by) {
    c.task = c.task ? c.task : by->task;
    if (c.task == by->task) {
      c.kind = by->kind;
      c.site = by->site;
    }
  }
  return c;
}

struct lane_cause lanes_awaits(struct app *app, const struct model_span *span) {
  const struct window *w = app->lanes.near;
  struct lane_cause c = {0};
  if (!w || !span->task || w->is_in_bins)
    return c;
  /* It waits for one from its end on, or one waits for it. */
  for (size_t i = 0; i < w->n_events; i++) {
    const lt_event *e = &w->events[i];
    if (e->kind != LT_AWAIT || !e->a)
      continue;
    if (e->ref == span->task && e->time_ns >= span->begin_ns) {
      const lt_event *ran = newest(w, e->a, INT64_MAX, KIND(RESUME));
      if (ran) {
        c = (struct lane_cause){"awaits", ran, e->a, ran->x, (uint32_t)ran->a};
        return c;
      }
    }
    if (e->a == span->task && e->time_ns <= span->begin_ns) {
      const struct model_span *by =
          lanes_slice_at(app, e->thread, e->time_ns - 1);
      c = (struct lane_cause){"awaited by", e, e->ref, by ? by->kind : 0,
                              by ? by->site : 0};
    }
  }
  return c;
}

/* Following */

static void remember(struct app *app) {
  struct lanes *lanes = &app->lanes;
  size_t max = sizeof lanes->trail / sizeof *lanes->trail;
  if (lanes->n_trail == max)
    memmove(lanes->trail, lanes->trail + 1,
            --lanes->n_trail * sizeof *lanes->trail);
  lanes->trail[lanes->n_trail++] = (struct lane_place){
      lanes->current, app->cursor_ns, lanes->from, lanes->to, lanes->focus};
  app->came_from_ns = app->cursor_ns;
}

bool lanes_follow(struct app *app, const struct lane_cause *cause) {
  struct lanes *lanes = &app->lanes;
  const lt_event *e = cause->event;
  if (!e)
    return false;
  const struct model_span *slice =
      e->kind == LT_AWAIT ? lanes_slice_at(app, e->thread, e->time_ns - 1)
                          : lanes_slice_at(app, e->thread, e->time_ns);
  remember(app);
  if (e->kind == LT_POOL_END) {
    lanes->current = (struct lane){.what = LANE_WORKER, .thread = e->thread};
    lanes->is_pool_folded = false;
  } else if (slice) {
    lanes->current = lane_of(app, slice);
    lanes->focus = slice->task;
  } else {
    for (size_t i = 0; i < app->model->n_loops; i++)
      if (app->model->loops[i].thread == e->thread)
        lanes->current = (struct lane){.thread = e->thread, .loop = i};
  }
  if (lanes->current.what <= LANE_LATE &&
      lanes->current.loop < app->model->n_loops &&
      lanes->current.what != LANE_TURN)
    lanes->folded[lanes->current.loop] = false;
  show(app, e->kind == LT_POOL_END || e->kind == LT_AWAIT ? e->time_ns - 1
                                                          : e->time_ns);
  return true;
}

bool lanes_go_back(struct app *app) {
  struct lanes *lanes = &app->lanes;
  if (lanes->n_trail == 0)
    return false;
  const struct lane_place *place = &lanes->trail[--lanes->n_trail];
  lanes->current = place->lane;
  lanes->focus = place->focus;
  app->cursor_ns = place->cursor_ns;
  lanes_set_window(app, place->from, place->to);
  return true;
}
