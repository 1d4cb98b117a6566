/* Replay: the cursor moves on by itself, and the screen shows what was so then.
 *
 * Invariant: what is shown at a moment is a function of the cursor and of the
 * events, however the cursor came there: a paused picture is exact. Events are
 * kept around the cursor, all of a short trace. Called by app.c and
 * view_replay.c; knows nothing of columns. */
#include <stdlib.h>
#include <string.h>

#include "tui/app.h"

#define EVENTS_MAX 300000 /* kept at a time */
#define IDLE_NS 50000000  /* a gap worth skipping */
#define SPEED_MIN 0.0001
#define SPEED_MAX 1000

/* Reading */

static bool keep(struct replay *r, const lt_event *e) {
  if (r->n == r->cap) {
    size_t cap = r->cap ? r->cap * 2 : 4096;
    lt_event *events = realloc(r->events, cap * sizeof *events);
    if (!events)
      return false;
    r->events = events;
    r->cap = cap;
  }
  r->events[r->n++] = *e;
  return true;
}

static lt_status read_events(struct replay *r, lt_reader *reader,
                             int64_t cursor_ns) {
  lt_event e;
  lt_status status = lt_reader_seek(reader, r->from);
  while (status == LT_OK) {
    status = lt_reader_next(reader, &e);
    if (status != LT_OK || e.time_ns >= r->to)
      break;
    if (e.time_ns < r->from || e.kind == LT_USAGE || e.kind == LT_LOOP_NAME ||
        e.kind == LT_FD_NAME || e.kind == LT_LOCK_HOLDER ||
        e.kind == LT_AWAIT_SITE)
      continue;
    /* A denser stretch than the mean: what lies behind goes first. */
    if (r->n >= EVENTS_MAX && e.time_ns > cursor_ns) {
      r->to = e.time_ns;
      break;
    }
    if (!keep(r, &e))
      return LT_NOMEM;
    if (r->n >= 2 * EVENTS_MAX) {
      memmove(r->events, r->events + EVENTS_MAX,
              (r->n - EVENTS_MAX) * sizeof *r->events);
      r->n -= EVENTS_MAX;
      r->from = r->events[0].time_ns;
    }
  }
  return status == LT_END ? LT_OK : status;
}

void replay_load(struct app *app) {
  struct replay *r = &app->replay;
  const struct model *m = app->model;
  int64_t at = app->cursor_ns, end = m->end_ns + 1;
  int64_t length = end;
  if (m->info->n_events > EVENTS_MAX)
    length = (int64_t)((double)end * EVENTS_MAX / (double)m->info->n_events);
  int64_t before = length / 4;
  if (r->is_loaded && at < r->to && at >= r->from &&
      (r->from == 0 || at - r->from >= before / 4))
    return;
  r->from = length >= end || at < before ? 0 : at - before;
  r->to = length >= end || r->from > end - length ? end : r->from + length;
  r->n = 0;
  r->is_loaded = true;
  r->problem = read_events(r, m->reader, at);
}

size_t replay_position(const struct app *app) {
  const struct replay *r = &app->replay;
  size_t low = 0, high = r->n;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (r->events[middle].time_ns <= app->cursor_ns)
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
  replay_load(app);
}

/* A window in which single things can be seen passes in some ten seconds. */
void replay_begin(struct app *app) {
  struct lanes *lanes = &app->lanes;
  struct replay *r = &app->replay;
  if (app->model->end_ns <= 0 || !app->model->reader) {
    app_say(app, "there is nothing to play");
    return;
  }
  if (app->cursor_ns < lanes->from || app->cursor_ns >= lanes->to) {
    int64_t length = lanes->to - lanes->from;
    lanes_set_window(app, app->cursor_ns - length / 5,
                     app->cursor_ns + length * 4 / 5);
  }
  lanes_load(app);
  for (int i = 0; i < 40 && lanes->is_coarse; i++) {
    int64_t length = (lanes->to - lanes->from) / 4;
    lanes_set_window(app, app->cursor_ns - length / 5,
                     app->cursor_ns + length * 4 / 5);
    lanes_load(app);
  }
  double wanted = (double)(lanes->to - lanes->from) / 1e10;
  r->speed = 1;
  while (r->speed > wanted * 1.5 && r->speed > SPEED_MIN)
    r->speed /= 2;
  while (r->speed * 1.5 < wanted && r->speed < SPEED_MAX)
    r->speed *= 2;
  r->is_playing = true;
  app_go(app, SCREEN_REPLAY);
  replay_seek(app, app->cursor_ns);
}

struct covering {
  int64_t at_ns;
  const struct model_loop *loop; /* NULL: whatever the thread did */
  const struct model_span *found;
};

static bool cover(void *context, const struct model_span *s) {
  struct covering *c = context;
  if (s->begin_ns > c->at_ns)
    return false;
  if (s->end_ns > c->at_ns && s->what != LT_LOOP_BEGIN &&
      (!c->loop || lanes_is_of(c->loop, s)))
    c->found = s; /* the last that began is the innermost */
  return true;
}

const struct model_span *replay_now(struct app *app, uint32_t thread) {
  struct covering c = {.at_ns = app->cursor_ns};
  lanes_each_span(app, thread, cover, &c);
  return c.found;
}

const struct model_span *replay_loop_now(struct app *app, size_t loop) {
  struct covering c = {.at_ns = app->cursor_ns,
                       .loop = &app->model->loops[loop]};
  lanes_each_span(app, c.loop->thread, cover, &c);
  return c.found;
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

bool replay_tick(struct app *app, int64_t elapsed_ns) {
  struct replay *r = &app->replay;
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
  replay_load(app);
  if (r->skips_idle && r->is_playing && is_idle(app)) {
    size_t next = replay_position(app);
    int64_t gap_ns =
        (double)IDLE_NS > r->speed * 5e8 ? (int64_t)(r->speed * 5e8) : IDLE_NS;
    if (next < r->n && r->events[next].time_ns - app->cursor_ns > gap_ns)
      at = r->events[next].time_ns > at ? r->events[next].time_ns : at;
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
  replay_load(app);
  size_t at = replay_position(app);
  if (forward) {
    for (; at < r->n; at++)
      if (is_step(r, &r->events[at])) {
        replay_seek(app, r->events[at].time_ns);
        return true;
      }
  } else {
    while (at-- > 0)
      if (r->events[at].time_ns < app->cursor_ns &&
          is_step(r, &r->events[at])) {
        replay_seek(app, r->events[at].time_ns);
        return true;
      }
  }
  app_say(app, "nothing %s here", forward ? "after" : "before");
  return false;
}
