/* Replay: the lanes up to the cursor, what goes on at it, what went by.
 *
 * Invariant: nothing later than the cursor is shown.  Called by app.c. */
#include <stdlib.h>
#include <string.h>

#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

static const char *const unit_names[STEP_UNIT_COUNT] = {"event", "turn",
                                                        "stall"};

static void draw_title(struct app *app, const struct layout *layout) {
  const struct replay *r = &app->replay;
  char title[200], speed[24];
  format_buf at;
  int64_t screen_ns = app->lanes.to - app->lanes.from;
  snprintf(speed, sizeof speed, r->speed < 0.01 ? "%.4f" : "%.3g", r->speed);
  snprintf(title, sizeof title, "REPLAY %s ×%s · %s · step = %s%s%s",
           r->is_playing ? "▶" : "paused", speed,
           format_moment(at, app->cursor_ns, screen_ns / 1000),
           unit_names[r->unit], r->skips_idle ? " · idle gaps are skipped" : "",
           r->repeats ? " · A–B repeats" : "");
  grid_rule(&app->grid, layout->rule, title);
}

/* What goes on */

static const char *span_name(const struct model *m, const struct model_span *s,
                             char *buf, size_t size) {
  char name[96];
  if (s->what == LT_CALL)
    return model_callee_name(m, s->kind, buf, size);
  snprintf(buf, size, "%s %s", lt_task_kind_name(s->kind),
           s->site ? model_site_short(m, s->site, name, sizeof name) : "");
  return buf;
}

/* What a loop runs, since when, and a bar that is full at 100 ms. */
static void draw_loop(struct app *app, struct rect r, int y, size_t i) {
  const struct model *m = app->model;
  struct grid *g = &app->grid;
  const struct model_span *s = replay_loop_now(app, i);
  const struct window *w = app->lanes.near;
  char name[120];
  format_buf since = "";
  int64_t took = s ? app->cursor_ns - s->begin_ns : 0;
  if (s && w && s->begin_ns >= w->from)
    format_duration(since, took);
  grid_name(g, r.x + 1, y, 8, ROLE_STRONG, m->loops[i].name);
  int x = r.x + 10, end = r.x + r.w - 1;
  if (!s) {
    grid_text_max(g, x, y, end - x, ROLE_DIM,
                  app->cursor_ns < m->loops[i].first_ns   ? "not begun yet"
                  : app->cursor_ns >= m->loops[i].last_ns ? "ended"
                                                          : "between callbacks");
    return;
  }
  if (s->what == LT_POLL_BEGIN) {
    grid_print(g, x, y, ROLE_DIM, "idle in poll  %s", since);
    return;
  }
  bool blocked = s->what == LT_CALL;
  enum role role = took >= MODEL_WARN_NS ? ROLE_ERROR
                   : blocked             ? ROLE_BLOCK
                                         : ROLE_RUN;
  x = grid_print(g, x, y, role, "%s %s ", blocked ? "BLOCKED" : "runs", since);
  if (end - x >= 18) {
    for (int c = 0; c < 8; c++)
      grid_put(g, x + c, y, ROLE_DIM, U'·');
    bar_draw(g, x, y, 8, role,
             took < MODEL_ERROR_NS ? took : MODEL_ERROR_NS, MODEL_ERROR_NS);
    x += 9;
  }
  grid_text_max(g, x, y, end - x, role, span_name(m, s, name, sizeof name));
}

/* Who waits for a loop. */
static void draw_waiting(struct app *app, struct rect r, int y, size_t loop) {
  struct moment moment;
  struct grid *g = &app->grid;
  format_buf late;
  replay_moment(app, loop, &moment);
  int x = grid_print(g, r.x + 10, y, moment.n_ready ? ROLE_TEXT : ROLE_DIM,
                     "ready queue %zu", moment.n_ready);
  x = x < r.x + 26 ? r.x + 26 : x + 2;
  if (moment.n_late)
    grid_print(g, x, y, ROLE_WARN, "timers late %zu (+%s)", moment.n_late,
               format_duration(late, moment.worst_late_ns));
  else
    grid_text(g, x, y, ROLE_DIM, "no timer late");
}

static void draw_pool(struct app *app, struct rect r, int y) {
  const struct lanes *lanes = &app->lanes;
  size_t busy = 0;
  const struct model_span *longest = NULL;
  struct moment moment;
  char text[240], name[120];
  format_buf since;
  for (size_t i = 0; i < lanes->n_pool; i++) {
    const struct model_span *s = replay_now(app, lanes->pool[i]);
    busy += s != NULL;
    if (s && (!longest || s->begin_ns < longest->begin_ns))
      longest = s;
  }
  replay_moment(app, REPLAY_ALL, &moment);
  grid_text(&app->grid, r.x + 1, y, ROLE_STRONG, "pool");
  int used =
      snprintf(text, sizeof text, "%zu of %zu busy", busy, lanes->n_pool);
  if (moment.n_queued)
    used += snprintf(text + used, sizeof text - (size_t)used, ", %zu wait",
                     moment.n_queued);
  if (longest)
    snprintf(text + used, sizeof text - (size_t)used, "  %s %s",
             span_name(app->model, longest, name, sizeof name),
             format_duration(since, app->cursor_ns - longest->begin_ns));
  grid_text_max(&app->grid, r.x + 10, y, r.w - 11, busy ? ROLE_POOL : ROLE_DIM,
                text);
}

static void draw_tasks(struct app *app, struct rect r, int y) {
  struct moment moment;
  struct grid *g = &app->grid;
  format_buf live, waits;
  replay_moment(app, REPLAY_ALL, &moment);
  const char *least = moment.is_whole ? "" : "≥";
  size_t busy = moment.n_running + moment.n_ready;
  grid_text(g, r.x + 1, y, ROLE_STRONG, "tasks");
  grid_print(g, r.x + 10, y, ROLE_TEXT, "%s%s live: %zu run, %zu ready, %s%s wait",
             least, format_count(live, moment.n_live), moment.n_running,
             moment.n_ready, least,
             format_count(waits,
                          moment.n_live > busy ? moment.n_live - busy : 0));
}

static int by_begin(const void *a, const void *b) {
  const struct model_span *x = *(const struct model_span *const *)a;
  const struct model_span *y = *(const struct model_span *const *)b;
  return x->begin_ns < y->begin_ns ? -1 : x->begin_ns > y->begin_ns;
}

#define WAITERS_MAX 512

/* Who waits now, the longest first, in the room that is left. */
static void draw_waiters(struct app *app, struct rect r, int y) {
  static const struct model_span *all[WAITERS_MAX];
  const struct window *w = app->lanes.near;
  struct grid *g = &app->grid;
  int end = r.y + r.h;
  size_t n = 0;
  char name[120];
  format_buf since;
  for (size_t i = 0; w && !w->is_in_bins && i < w->n_tracks; i++) {
    const struct track *t = w->tracks[i];
    for (size_t k = track_first(t, app->cursor_ns);
         t->key.what == WINDOW_WAIT && k < t->n && n < WAITERS_MAX; k++)
      if (t->spans[k].begin_ns <= app->cursor_ns &&
          t->spans[k].end_ns > app->cursor_ns)
        all[n++] = &t->spans[k];
  }
  if (n == 0 || end - y < 3)
    return;
  qsort(all, n, sizeof *all, by_begin);
  grid_text(g, r.x + 1, ++y, ROLE_STRONG, "who waits");
  for (size_t i = 0; i < n && ++y < end; i++) {
    const struct model_span *s = all[i];
    int64_t waited_ns = app->cursor_ns - s->begin_ns;
    enum role role = waited_ns >= MODEL_WARN_NS ? ROLE_WARN : ROLE_TEXT;
    grid_right(g, r.x + 8, y, role, format_duration(since, waited_ns));
    int x = grid_print(g, r.x + 10, y, ROLE_DIM, "#%llu ",
                       (unsigned long long)s->task);
    grid_text_max(g, x, y, r.x + r.w - x - 1, ROLE_TEXT,
                  span_name(app->model, s, name, sizeof name));
  }
}

/* Two rows a loop where there is room: what it does, and who waits for it. */
static void draw_now(struct app *app, struct rect rect) {
  struct rect r = grid_box(&app->grid, rect, "now");
  if (lanes_are_reading(app)) { /* what is half read is not shown as known */
    grid_print(&app->grid, r.x + 1, r.y, ROLE_DIM, "… reading");
    return;
  }
  const struct model *m = app->model;
  int y = r.y, end = r.y + r.h, room = r.h - 1 - (app->lanes.n_pool > 0);
  int n = m->n_loops < 1000 ? (int)m->n_loops : 1000;
  int shown = n <= room ? n : room - 1;
  int pairs = room - shown - (shown < n); /* loops with a second row */
  for (int i = 0; i < shown && y < end; i++) {
    draw_loop(app, r, y++, (size_t)i);
    if (i < pairs && y < end)
      draw_waiting(app, r, y++, (size_t)i);
  }
  if (shown < n && y < end)
    grid_print(&app->grid, r.x + 1, y++, ROLE_DIM, "… %zu more loops",
               m->n_loops - (size_t)(shown > 0 ? shown : 0));
  if (app->lanes.n_pool && y < end)
    draw_pool(app, r, y++);
  if (y < end)
    draw_tasks(app, r, y++);
  draw_waiters(app, r, y);
}

/* Where in the whole, and between which moments it repeats. */
static void draw_bar(struct app *app, struct rect r) {
  struct grid *g = &app->grid;
  const struct replay *replay = &app->replay;
  int64_t end = app->model->end_ns;
  int x = 2, w = r.w - 4;
  grid_clip(g, r);
  int a = replay->a_ns < 0 ? -1 : axis_column(replay->a_ns, 0, end, w);
  int b = replay->b_ns < 0 ? -1 : axis_column(replay->b_ns, 0, end, w);
  int at = axis_column(app->cursor_ns, 0, end, w);
  for (int c = 0; c < w; c++)
    grid_put(g, x + c, r.y, ROLE_BORDER,
             a >= 0 && b > a && c > a && c < b ? U'━' : U'─');
  if (a >= 0)
    grid_put(g, x + a, r.y, ROLE_KEY, U'A');
  if (b >= 0)
    grid_put(g, x + b, r.y, ROLE_KEY, U'B');
  grid_put(g, x + at, r.y, ROLE_CURSOR, U'●');
  if (r.h > 1) {
    format_buf length;
    grid_text(g, x, r.y + 1, ROLE_DIM, "0s");
    grid_right(g, x + w, r.y + 1, ROLE_DIM,
               format_moment(length, end, 1000000));
  }
}

static void draw(struct app *app, const struct layout *layout) {
  struct layout_replay areas;
  struct lane lanes[LANES_MAX];
  if (app->model->end_ns <= 0)
    return;
  layout_replay(layout, lanes_list(app, lanes), &areas);
  draw_title(app, layout);
  lanes_draw(app, areas.axis, areas.rows, app->cursor_ns);
  if (areas.now.h >= 3)
    draw_now(app, areas.now);
  if (areas.past.w > 0 && areas.past.h >= 3)
    replay_draw_past(app, areas.past);
  draw_bar(app, areas.bar);
  const struct window *w = app->lanes.near;
  if (app->lanes.problem != LT_OK)
    app_note(app, layout, "%s", lt_status_text(app->lanes.problem));
  else if (lanes_are_reading(app) || app->lanes.then == THEN_PLAY)
    app_note(app, layout, "reading %.0f%%", lanes_progress(app) * 100);
  else if (!lanes_are_single(app))
    app_note(app, layout, "too many events here: zoom in (+)");
  else if (!app->replay.is_playing && w->from > 0)
    app_note(app, layout,
             "paused frames are exact; ≥: counted in the last %s only",
             format_duration((format_buf){0}, app->cursor_ns - w->from));
  else if (!app->replay.is_playing)
    app_note(app, layout, "paused frames are exact; between events nothing is "
                          "made up");
}

static void set_ab(struct app *app, bool is_a) {
  struct replay *r = &app->replay;
  format_buf at;
  *(is_a ? &r->a_ns : &r->b_ns) = app->cursor_ns;
  if (r->a_ns >= 0 && r->b_ns >= 0 && r->b_ns <= r->a_ns)
    *(is_a ? &r->b_ns : &r->a_ns) = -1;
  r->repeats = r->a_ns >= 0 && r->b_ns > r->a_ns;
  app_say(app, "%c is at %s%s", is_a ? 'A' : 'B',
          format_moment(at, app->cursor_ns, 100000),
          r->repeats ? "; what lies between repeats, L stops that" : "");
}

static void set_speed(struct replay *r, double speed) {
  r->speed = speed < 0.0001 ? 0.0001 : speed > 1000 ? 1000 : speed;
}

static bool key(struct app *app, enum action action) {
  struct replay *r = &app->replay;
  int64_t tenth = (app->lanes.to - app->lanes.from) / 10;
  switch (action) {
  case ACTION_STEP:
  case ACTION_STEP_BACK:
    return replay_step(app, action == ACTION_STEP);
  case ACTION_STEP_UNIT:
    r->unit = (r->unit + 1) % STEP_UNIT_COUNT;
    return true;
  case ACTION_SLOWER:
  case ACTION_FASTER:
    set_speed(r, action == ACTION_FASTER ? r->speed * 1.1 : r->speed / 1.1);
    return true;
  case ACTION_HALF_SPEED:
  case ACTION_TWICE_SPEED:
    set_speed(r, action == ACTION_TWICE_SPEED ? r->speed * 2 : r->speed / 2);
    return true;
  case ACTION_REAL_SPEED:
    r->speed = 1;
    return true;
  case ACTION_EARLIER:
  case ACTION_LATER:
    replay_seek(app,
                app->cursor_ns + (action == ACTION_LATER ? tenth : -tenth));
    return true;
  case ACTION_FIRST:
  case ACTION_LAST:
    replay_seek(app, action == ACTION_LAST ? app->model->end_ns : 0);
    return true;
  case ACTION_MARK_A:
  case ACTION_MARK_B:
    set_ab(app, action == ACTION_MARK_A);
    return true;
  case ACTION_REPEAT:
    if (r->a_ns < 0 || r->b_ns <= r->a_ns)
      app_say(app, "set A with a and B with b first");
    else
      r->repeats = !r->repeats;
    return true;
  case ACTION_SKIP_IDLE:
    r->skips_idle = !r->skips_idle;
    return true;
  default: /* zoom, fold, the next stall: as in the lanes */
    return view_lanes.key(app, action);
  }
}

const struct view view_replay = {"replay", AT_REPLAY, true, draw, key};
