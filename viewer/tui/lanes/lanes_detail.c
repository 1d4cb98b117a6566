/* Below the lanes: what is under the cursor, why it took so long, and what led
 * to it.
 *
 * Called by view_lanes.c. */
#include <stdlib.h>
#include <string.h>

#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

static bool has_task_kind(const struct model_span *s) {
  return s->what == LT_RESUME || s->what == LT_POOL_BEGIN;
}

static bool is_sampled(const struct model_span *s) {
  return s->what == WINDOW_SEEN || s->what == WINDOW_CALLED;
}

static const char *thing_of(struct app *app, const struct lane *lane,
                            const struct model_span *s, char *buf,
                            size_t size) {
  const struct model *m = app->model;
  if (lane->what == LANE_TURN)
    return "turn";
  if (s->what == LT_CALL || (s->what == WINDOW_SEEN && s->kind && !s->site))
    return model_callee_name(m, s->kind, buf, size);
  if (s->what == WINDOW_SEEN && !s->site)
    return model_state_word((char)s->depth);
  return model_site_name(m, s->site, buf, size);
}

static const struct model_stall *stall_of(struct app *app,
                                          const struct lane *lane,
                                          const struct model_span *s) {
  return lane->what <= LANE_BLOCKING || s->what == LT_RESUME
             ? stall_find(app->model, app->longest_ns, s->thread, s->begin_ns,
                          s->end_ns)
             : NULL;
}

static void thing_title(struct app *app, const struct lane *lane,
                        const struct model_span *s, char *buf, size_t size) {
  const struct window *w = app->lanes.near;
  const struct model_stall *stall = stall_of(app, lane, s);
  char name[128], where[96], turn[40] = "";
  format_buf at, duration = "";
  int64_t step_ns = (app->lanes.to - app->lanes.from) / 1000;
  if (s->begin_ns < w->from)
    snprintf(duration, sizeof duration, "began before");
  else if (span_is_unended(s))
    snprintf(duration, sizeof duration,
             w->to > app->model->end_ns ? "never ended" : "goes on");
  else
    format_duration(duration, s->end_ns - s->begin_ns);
  if (lane->what == LANE_WORKER)
    snprintf(where, sizeof where, "thread pool");
  else if (lane->what <= LANE_LATE)
    snprintf(where, sizeof where, "%s", app->model->loops[lane->loop].name);
  else
    lane_name(app, lane, true, where, sizeof where);
  if (stall && stall->turn)
    snprintf(turn, sizeof turn, " · turn %llu",
             (unsigned long long)stall->turn);
  snprintf(buf, size, "%s · %s%s%s%s · %s · %s",
           thing_of(app, lane, s, name, sizeof name),
           is_sampled(s)           ? "seen from outside"
           : s->what == LT_AWAIT   ? "waits"
           : s->what == LT_READY   ? "ready"
           : has_task_kind(s)      ? lt_task_kind_name(s->kind)
                                   : "",
           is_sampled(s) || s->what == LT_AWAIT ||
                   s->what == LT_READY || has_task_kind(s)
               ? " · "
               : "",
           where, turn, format_moment(at, s->begin_ns, step_ns), duration);
}

/* The calls made in a span, in the order of time. */
static void draw_calls(struct app *app, const struct lane *lane,
                       const struct model_span *in, struct rect r) {
  const struct model *m = app->model;
  struct lane calls = *lane;
  calls.what = LANE_BLOCKING;
  const struct track *t = lane_track(app, app->lanes.near, &calls);
  int y = r.y;
  for (size_t i = t ? track_first(t, in->begin_ns) : 0;
       t && i < t->n && y < r.y + r.h; i++) {
    const struct model_span *call = &t->spans[i];
    char text[128];
    format_buf duration;
    if (call->begin_ns < in->begin_ns)
      continue;
    if (call->begin_ns >= in->end_ns)
      break;
    if (!span_is_unended(call))
      grid_right(&app->grid, r.x + 8, y, ROLE_BLOCK,
                 format_duration(duration, call->end_ns - call->begin_ns));
    int x = grid_text_max(&app->grid, r.x + 10, y, 24, ROLE_BLOCK,
                          model_callee_name(m, call->kind, text, sizeof text));
    if (call->site) {
      x = x < r.x + 28 ? r.x + 28 : x + 2;
      grid_text_max(&app->grid, x, y, r.x + r.w - x, ROLE_TEXT,
                    model_site_name(m, call->site, text, sizeof text));
    }
    y++;
  }
}

static int count_callbacks(struct app *app, const struct lane *lane,
                           const struct model_span *in) {
  struct lane callbacks = *lane;
  callbacks.what = LANE_CALLBACK;
  const struct track *t = lane_track(app, app->lanes.near, &callbacks);
  int n = 0;
  for (size_t i = t ? track_first(t, in->begin_ns) : 0;
       t && i < t->n && t->spans[i].begin_ns < in->end_ns; i++)
    n += t->spans[i].begin_ns >= in->begin_ns;
  return n;
}

/* One edge, and the key that follows it. */
static void draw_edge(struct app *app, struct rect *r,
                      const struct lane_cause *cause, const char *key) {
  char site[120], task[32] = "";
  format_buf at;
  if (!cause->how || r->h <= 0)
    return;
  if (cause->task)
    snprintf(task, sizeof task, " #%llu", (unsigned long long)cause->task);
  bool forward = !strcmp(cause->how, "awaits");
  int x = grid_print(&app->grid, r->x, r->y, ROLE_DIM, "%s ",
                     forward ? "▶" : "◀");
  x = grid_print(&app->grid, x, r->y, ROLE_TEXT, "%s%s", cause->how, task);
  if (cause->event->kind == LT_POOL_END)
    x = grid_text(&app->grid, x, r->y, ROLE_TEXT, " a worker");
  else if (cause->site)
    x = grid_print(&app->grid, x, r->y, ROLE_TEXT, " %s %s",
                   lt_task_kind_name(cause->kind),
                   model_site_name(app->model, cause->site, site, sizeof site));
  x = grid_print(&app->grid, x, r->y, ROLE_DIM, " at %s",
                 format_moment(at, cause->event->time_ns,
                               (app->lanes.to - app->lanes.from) / 1000));
  if (key)
    grid_print(&app->grid, x, r->y, ROLE_KEY, "  %s", key);
  r->y++;
  r->h--;
}

static void draw_edges(struct app *app, const struct model_span *s,
                       struct rect *r) {
  struct lane_cause woken = lanes_cause(app, s, false);
  struct lane_cause made = lanes_cause(app, s, true);
  struct lane_cause awaits = lanes_awaits(app, s);
  draw_edge(app, r, &woken, "r");
  if (awaits.how)
    draw_edge(app, r, &awaits, "Enter");
  if (made.event != woken.event)
    draw_edge(app, r, &made, awaits.how ? NULL : "Enter");
}

static void draw_thing(struct app *app, const struct lane *lane,
                       const struct model_span *s, struct rect r) {
  const struct model_stall *stall = stall_of(app, lane, s);
  char text[160];
  grid_clip(&app->grid, r);
  if (is_sampled(s) && r.h > 0) {
    grid_text_max(&app->grid, 1, r.y++, r.w - 2, ROLE_DIM,
                  "Samples, taken from outside: in between it may have done "
                  "something else.");
    r.h--;
  }
  if (stall) {
    stall_draw_summary(&app->grid, r, app->model, stall, app->shows_frames);
    return;
  }
  struct rect rest = {1, r.y, r.w - 1, r.h};
  if (lane->what == LANE_TURN) {
    int n = count_callbacks(app, lane, s);
    grid_print(&app->grid, 1, rest.y++, ROLE_TEXT, "%d callback%s", n,
               n == 1 ? "" : "s");
    rest.h--;
  } else if (s->task || s->site) {
    int x = 1;
    if (s->task)
      x = grid_print(&app->grid, x, rest.y, ROLE_TEXT, "task #%llu%s",
                     (unsigned long long)s->task,
                     s->what == LT_CALL ? ", made the call at " : "");
    if (s->what == LT_CALL && s->site)
      grid_text_max(&app->grid, x, rest.y, r.w - x - 1, ROLE_TEXT,
                    model_site_name(app->model, s->site, text, sizeof text));
    rest.y++;
    rest.h--;
  }
  if (s->what != LT_CALL && s->what != MODEL_TURN)
    draw_edges(app, s, &rest);
  if (lane->what == LANE_TURN || lane->what == LANE_CALLBACK)
    draw_calls(app, lane, s, (struct rect){r.x, rest.y, r.w, rest.h});
}

/* Who waits at the cursor */

static int by_begin(const void *a, const void *b) {
  const struct model_span *x = *(const struct model_span *const *)a;
  const struct model_span *y = *(const struct model_span *const *)b;
  return x->begin_ns < y->begin_ns ? -1 : x->begin_ns > y->begin_ns;
}

#define WAITING_MAX 2048

static size_t waiting(struct app *app, const struct lane *lane,
                      const struct model_span *out[WAITING_MAX]) {
  const struct track *t =
      app->lanes.near ? lane_track(app, app->lanes.near, lane) : NULL;
  int64_t at = app->cursor_ns;
  size_t n = 0;
  for (size_t i = t && t->spans ? track_first(t, at) : 0;
       t && i < t->n && n < WAITING_MAX; i++)
    if (t->spans[i].begin_ns <= at && t->spans[i].end_ns > at)
      out[n++] = &t->spans[i];
  qsort(out, n, sizeof(*out), by_begin);
  return n;
}

static void draw_waiting(struct app *app, const struct lane *lane,
                         const struct layout_lanes *areas) {
  static const struct model_span *all[WAITING_MAX];
  size_t n = waiting(app, lane, all);
  char title[200], name[96];
  format_buf at, since;
  const char *what = lane->what == LANE_LATE      ? "late"
                     : lane->what == LANE_POOL    ? "waiting for a worker"
                     : lane->what == LANE_HANDLES ? "open"
                                                  : "waiting for the loop";
  bool is_least = lane->what == LANE_HANDLES && app->lanes.near &&
                  app->lanes.near->from > 0;
  snprintf(title, sizeof title, "%s · %s · %s%zu %s",
           lane_name(app, lane, true, name, sizeof name),
           format_moment(at, app->cursor_ns,
                         (app->lanes.to - app->lanes.from) / 1000),
           is_least ? "≥" : "", n, what);
  grid_rule(&app->grid, areas->rule, title);
  grid_clip(&app->grid, areas->detail);
  for (size_t i = 0; i < n && (int)i < areas->detail.h; i++) {
    const struct model_span *s = all[i];
    int y = areas->detail.y + (int)i;
    bool is_late = app->cursor_ns - s->begin_ns >= MODEL_WARN_NS;
    if (s->begin_ns < app->lanes.near->from)
      grid_right(&app->grid, 11, y, ROLE_DIM, "before");
    else
      grid_right(&app->grid, 11, y,
                 is_late && lane->what != LANE_HANDLES ? ROLE_WARN : ROLE_TEXT,
                 format_duration(since, app->cursor_ns - s->begin_ns));
    int x = grid_print(&app->grid, 13, y, ROLE_TEXT, "#%llu %s ",
                       (unsigned long long)s->task,
                       lt_task_kind_name(s->kind));
    if (s->site)
      grid_text_max(&app->grid, x, y, areas->detail.w - x - 1, ROLE_TEXT,
                    model_site_name(app->model, s->site, name, sizeof name));
  }
  if (n == 0)
    grid_text_max(&app->grid, 1, areas->detail.y, areas->detail.w - 2, ROLE_DIM,
                  lane->what == LANE_READY
                      ? "What ran later and could have run now: woken, due, "
                        "its job done, or found by the poll."
                  : lane->what == LANE_LATE
                      ? "Timers that ran a millisecond or more after they were "
                        "due; full height: 100 ms."
                      : "");
}

static void draw_loss(struct app *app, const struct window_loss *loss,
                      const struct layout_lanes *areas) {
  char title[200];
  format_buf n, at;
  snprintf(title, sizeof title, "lost · %s · %s events",
           format_moment(at, loss->to_ns,
                         (app->lanes.to - app->lanes.from) / 1000),
           format_count(n, loss->n));
  grid_rule(&app->grid, areas->rule, title);
  grid_clip(&app->grid, areas->detail);
  snprintf(title, sizeof title, "They are missing because %s.",
           lt_lost_text(loss->cause));
  grid_text_max(&app->grid, 1, areas->detail.y, areas->detail.w - 2, ROLE_WARN,
                title);
  grid_text_max(&app->grid, 1, areas->detail.y + 1, areas->detail.w - 2,
                ROLE_TEXT, "Counts there are lower bounds.");
}

static void draw_nothing(struct app *app, const struct layout_lanes *areas) {
  char title[160];
  format_buf at;
  snprintf(title, sizeof title, "nothing in this lane at %s",
           format_moment(at, app->cursor_ns,
                         (app->lanes.to - app->lanes.from) / 1000));
  grid_rule(&app->grid, areas->rule, title);
  grid_clip(&app->grid, areas->detail);
  const char *help = ". and , go to the next and the previous event of the "
                     "lane, e and E to stalls.";
  if (app->lanes.problem != LT_OK)
    help = lt_status_text(app->lanes.problem);
  else if (lanes_are_reading(app))
    help = "What is around here is being read.";
  else if (!lanes_are_single(app))
    help = "Too many events for single callbacks: zoom in (+), or press e for "
           "a stall.";
  grid_text_max(&app->grid, 1, areas->detail.y, areas->detail.w - 2, ROLE_DIM,
                help);
}

void lanes_draw_under_cursor(struct app *app, const struct lane *lane,
                             const struct layout_lanes *areas) {
  char title[320];
  const struct window_loss *loss = lanes_loss(app, lane, app->cursor_ns);
  if (loss) {
    draw_loss(app, loss, areas);
    return;
  }
  if (lanes_are_single(app) &&
      (lane->what == LANE_READY || lane->what == LANE_LATE ||
       lane->what == LANE_POOL || lane->what == LANE_HANDLES)) {
    draw_waiting(app, lane, areas);
    return;
  }
  const struct model_span *s = lanes_under_cursor(app, lane);
  if (!s) {
    draw_nothing(app, areas);
    return;
  }
  thing_title(app, lane, s, title, sizeof title);
  grid_rule(&app->grid, areas->rule, title);
  draw_thing(app, lane, s, areas->detail);
}
