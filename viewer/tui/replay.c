/* Replay: the cursor moves on by itself, and the screen shows what was so then.
 *
 * Invariant: what is shown at a moment is a function of the cursor and of the
 * events, however the cursor came there: a paused picture is exact. Events are
 * those of the window of the lanes.  Called by app.c and view_replay.c; knows
 * nothing of columns. */

#include "tui/app.h"

#define IDLE_NS 50000000  /* a gap worth skipping */
#define ZOOMS_MAX 40

const lt_event *replay_events(const struct app *app, size_t *n) {
  const struct window *w = app->lanes.near;
  bool has = w && w->is_done && !w->is_in_bins;
  *n = has ? w->n_events : 0;
  return has ? w->events : NULL;
}

size_t replay_position(const struct app *app) {
  size_t low = 0, high;
  const lt_event *events = replay_events(app, &high);
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (events[middle].time_ns <= app->cursor_ns)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Moving */

/* The window turns over like a page, so that little changes between frames. */
void replay_seek(struct app *app, int64_t at_ns) {
  struct lanes *lanes = &app->lanes;
  int64_t end = app->model->end_ns, length = lanes->to - lanes->from;
  at_ns = at_ns >= end ? end - 1 : at_ns;
  app->cursor_ns = at_ns < 0 ? 0 : at_ns;
  if (app->cursor_ns < lanes->from)
    lanes_set_window(app, app->cursor_ns - length * 4 / 5,
                     app->cursor_ns + length / 5);
  else if (app->cursor_ns > lanes->to - length / 50)
    lanes_set_window(app, app->cursor_ns - length / 5,
                     app->cursor_ns + length * 4 / 5);
}

static void look_closer(struct app *app, int64_t length) {
  lanes_set_window(app, app->cursor_ns - length / 5,
                   app->cursor_ns + length * 4 / 5);
}

void replay_begin(struct app *app) {
  struct lanes *lanes = &app->lanes;
  struct replay *r = &app->replay;
  if (app->model->end_ns <= 0 || !app->model->reader) {
    app_say(app, "there is nothing to play");
    return;
  }
  if (app->cursor_ns < lanes->from || app->cursor_ns >= lanes->to)
    look_closer(app, lanes->to - lanes->from);
  r->is_playing = true;
  r->zooms_left = ZOOMS_MAX;
  lanes->then = THEN_PLAY;
  app_go(app, SCREEN_REPLAY);
}

/* A window in which single things can be seen passes in some ten seconds. */
void replay_settle(struct app *app) {
  struct lanes *lanes = &app->lanes;
  struct replay *r = &app->replay;
  if (app_screen(app) != SCREEN_REPLAY)
    return;
  if (!lanes_are_single(app) && r->zooms_left-- > 0) {
    look_closer(app, (lanes->to - lanes->from) / 4);
    lanes->then = THEN_PLAY;
    return;
  }
  double wanted = (double)(lanes->to - lanes->from) / 1e10;
  r->speed = 1;
  while (r->speed > wanted * 1.5 && r->speed > REPLAY_SPEED_MIN)
    r->speed /= 2;
  while (r->speed * 1.5 < wanted && r->speed < REPLAY_SPEED_MAX)
    r->speed *= 2;
  if (r->asked_speed > 0)
    r->speed = r->asked_speed;
  replay_seek(app, app->cursor_ns);
}

/* The innermost of what covers the cursor. */
static const struct model_span *now_of(struct app *app, uint32_t thread,
                                       uint32_t loop) {
  const struct window *w = app->lanes.near;
  const struct model_span *found = NULL;
  int64_t at = app->cursor_ns;
  for (size_t i = 0; w && i < w->n_tracks; i++) {
    const struct track *t = w->tracks[i];
    if (t->key.thread != thread ||
        (t->key.what != LT_RESUME && t->key.what != LT_CALL &&
         t->key.what != LT_POOL_BEGIN && t->key.what != LT_POLL_BEGIN) ||
        (loop != MODEL_NO_LOOP && t->key.loop != loop))
      continue;
    for (size_t k = track_first(t, at); k < t->n; k++) {
      const struct model_span *s = &t->spans[k];
      if (s->begin_ns > at)
        break;
      if (s->end_ns > at && (!found || s->begin_ns > found->begin_ns ||
                             (s->begin_ns == found->begin_ns &&
                              (s->depth > found->depth ||
                               s->what == LT_CALL))))
        found = s;
    }
  }
  return found;
}

const struct model_span *replay_now(struct app *app, uint32_t thread) {
  return now_of(app, thread, MODEL_NO_LOOP);
}

const struct model_span *replay_loop_now(struct app *app, size_t loop) {
  return now_of(app, app->model->loops[loop].thread,
                app->model->loops[loop].id);
}

/* Whether every thread sleeps at the cursor. */
static bool is_idle(struct app *app) {
  for (size_t i = 0; i < app->model->n_loops; i++) {
    const struct model_span *s = replay_now(app, app->model->loops[i].thread);
    if (s && s->what != LT_POLL_BEGIN)
      return false;
  }
  for (size_t i = 0; i < app->lanes.n_pool; i++)
    if (replay_now(app, app->lanes.pool[i]))
      return false;
  return true;
}

/* Time waits for what it would show. */
bool replay_tick(struct app *app, int64_t elapsed_ns) {
  struct replay *r = &app->replay;
  if (lanes_are_reading(app) || app->lanes.then != THEN_NOTHING)
    return true;
  int64_t step = (int64_t)((double)elapsed_ns * r->speed) + 1;
  int64_t at = app->cursor_ns + step;
  if (r->repeats && r->b_ns > r->a_ns && r->a_ns >= 0 &&
      (at >= r->b_ns || at < r->a_ns)) {
    replay_seek(app, r->a_ns);
    return true;
  }
  if (at >= app->model->end_ns - 1) {
    r->is_playing = false;
    app_say(app, "the end of the recording");
  }
  if (r->skips_idle && r->is_playing && is_idle(app)) {
    size_t n, next = replay_position(app);
    const lt_event *events = replay_events(app, &n);
    int64_t gap_ns =
        (double)IDLE_NS > r->speed * 5e8 ? (int64_t)(r->speed * 5e8) : IDLE_NS;
    if (r->idle_limit_ns)
      gap_ns = r->idle_limit_ns;
    if (next < n && events[next].time_ns - app->cursor_ns > gap_ns)
      at = events[next].time_ns > at ? events[next].time_ns : at;
  }
  replay_seek(app, at);
  return true;
}

static bool is_step(const struct replay *r, const lt_event *e) {
  return r->unit == STEP_EVENT || e->kind == LT_POLL_END ||
         e->kind == LT_LOOP_BEGIN;
}

bool replay_step(struct app *app, bool forward) {
  struct replay *r = &app->replay;
  r->is_playing = false;
  if (r->unit == STEP_STALL) {
    if (!app_step_stall(app, forward))
      return false;
    replay_seek(app, app->cursor_ns);
    return true;
  }
  if (lanes_are_reading(app)) {
    app->lanes.then = forward ? THEN_STEP : THEN_STEP_BACK;
    return true;
  }
  size_t n, at = replay_position(app);
  const lt_event *events = replay_events(app, &n);
  if (forward) {
    for (; at < n; at++)
      if (is_step(r, &events[at])) {
        replay_seek(app, events[at].time_ns);
        return true;
      }
  } else {
    while (at-- > 0)
      if (events[at].time_ns < app->cursor_ns && is_step(r, &events[at])) {
        replay_seek(app, events[at].time_ns);
        return true;
      }
  }
  app_say(app, "nothing %s here", forward ? "after" : "before");
  return false;
}
