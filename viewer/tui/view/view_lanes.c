/* Screen 2: what ran when, one lane for each kind of thing on each thread.
 *
 * Invariant: what a key does is a function of the cursor, the current lane and
 * the window.  Called by app.c. */
#include <string.h>

#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

/* What is in the window, and how much of it has been read. */
static void draw_title(struct app *app, const struct layout *layout,
                       int64_t column_ns) {
  char title[240];
  format_buf a, b, c;
  int64_t from = app->marks[0], to = app->marks[1];
  int used = snprintf(
      title, sizeof title, "%s on screen · 1 column = %s · cursor %s",
      format_duration(a, app->lanes.to - app->lanes.from),
      format_duration(b, column_ns), format_moment(c, app->cursor_ns, column_ns));
  if (from >= 0 && to >= 0)
    used += snprintf(title + used, sizeof title - (size_t)used, " · a–b %s",
                     format_duration(a, to > from ? to - from : from - to));
  double share = lanes_progress(app);
  if (lanes_has_work(app) && share < 1)
    snprintf(title + used, sizeof title - (size_t)used, " · reading %.0f%%",
             share * 100);
  else
    snprintf(title + used, sizeof title - (size_t)used,
             " · ▒ = several in one cell");
  grid_rule(&app->grid, layout->rule, title);
}

static void draw(struct app *app, const struct layout *layout) {
  struct layout_lanes areas;
  struct lane lanes[LANES_MAX];
  if (app->model->end_ns <= 0) {
    grid_rule(&app->grid, layout->rule, "no time passed in this recording");
    return;
  }
  int64_t column_ns =
      (app->lanes.to - app->lanes.from) / (layout->w - lanes_label_w(layout->w));
  draw_title(app, layout, column_ns);
  size_t n = lanes_list(app, lanes);
  layout_lanes(layout, n, &areas);
  lanes_draw(app, areas.axis, areas.rows, INT64_MAX);
  size_t current = lanes_current(app, lanes, n);
  if (n)
    lanes_draw_under_cursor(app, &lanes[current], &areas);
  const struct note *note = notes_near(app, app->cursor_ns, column_ns);
  if (note)
    app_note(app, layout, "◆ %s", note->text);
  else if (n)
    app_note(app, layout, "lane %zu of %zu · v lanes: %s%s%s", current + 1, n,
             lanes_set_name(app->lanes.set),
             app->lanes.hides_empty ? " · H empty ones are hidden" : "",
             app->lanes.n_trail ? " · q back along the way" : "");
}

/* Keys */

/* The window follows when the cursor leaves its inner nine tenths. */
static void move_cursor(struct app *app, int64_t by_ns) {
  struct lanes *lanes = &app->lanes;
  int64_t length = lanes->to - lanes->from, edge = length / 20;
  int64_t at = app->cursor_ns + by_ns;
  at = at < 0 ? 0 : at >= app->model->end_ns ? app->model->end_ns - 1 : at;
  app->cursor_ns = at < 0 ? 0 : at;
  if (at < lanes->from + edge)
    lanes_set_window(app, at - edge, at - edge + length);
  else if (at > lanes->to - edge)
    lanes_set_window(app, at + edge - length, at + edge);
}

/* The cursor keeps its place on the screen. */
static void zoom(struct app *app, bool in) {
  struct lanes *lanes = &app->lanes;
  int64_t length = lanes->to - lanes->from, at = app->cursor_ns;
  if (at < lanes->from || at >= lanes->to)
    at = lanes->from + length / 2;
  double share = (double)(at - lanes->from) / (double)length;
  int64_t wanted = in ? length / 2 : length * 2;
  int64_t from = at - (int64_t)(share * (double)wanted);
  lanes_set_window(app, from, from + wanted);
}

static void fit(struct app *app, const struct lane *lane) {
  const struct model_span *s = lanes_under_cursor(app, lane);
  if (!s) {
    app_say(app, "nothing under the cursor to zoom to");
    return;
  }
  int64_t end = span_is_unended(s) ? app->model->end_ns : s->end_ns;
  int64_t begin = s->begin_ns < 0 ? 0 : s->begin_ns;
  int64_t margin = (end - begin) / 8 + 1;
  lanes_push_history(app);
  app->cursor_ns = begin;
  lanes_set_window(app, begin - margin, end + margin);
}

/* Enter: a stall in all detail; of anything else what it waits for, or what it
 * came from. */
static void open_thing(struct app *app, const struct lane *lane) {
  const struct model_span *s = lanes_under_cursor(app, lane);
  bool is_loops = lane->what <= LANE_BLOCKING || (s && s->what == LT_RESUME);
  const struct model_stall *stall =
      s && is_loops ? stall_find(app->model, app->longest_ns, s->thread,
                                 s->begin_ns, s->end_ns)
                    : NULL;
  if (stall) {
    app_select_stall(app, (size_t)(stall - app->model->stalls));
    app_go(app, SCREEN_DETAIL);
    return;
  }
  if (lane->what == LANE_TASKS || lane->what == LANE_HANDLES) {
    lanes_fold(app, lane);
    return;
  }
  struct lane_cause cause = {0};
  if (s)
    cause = lanes_awaits(app, s);
  if (s && !cause.how)
    cause = lanes_cause(app, s, true);
  if (!s || !lanes_follow(app, &cause))
    app_say(app, s ? "what made it is not in this window; e: the next stall"
                   : "no stall here; e goes to the next one");
}

/* r: who woke it. */
static void go_to_cause(struct app *app, const struct lane *lane) {
  const struct model_span *s = lanes_under_cursor(app, lane);
  struct lane_cause cause = {0};
  if (s)
    cause = lanes_cause(app, s, false);
  if (!s || !lanes_follow(app, &cause))
    app_say(app, s ? "what woke it is not in this window"
                   : "nothing under the cursor");
}

static void pin(struct app *app, const struct lane *lane) {
  char name[96];
  lane_name(app, lane, true, name, sizeof name);
  size_t before = app->lanes.n_pinned;
  app->lanes.current = *lane;
  if (lanes_pin(app, lane))
    app_say(app, "%s stays on top; p lets it go", name);
  else if (app->lanes.n_pinned < before)
    app_say(app, "%s is where it was", name);
}

static void zoom_back(struct app *app) {
  struct lanes *lanes = &app->lanes;
  if (lanes->n_history == 0) {
    app_say(app, "there is no earlier zoom");
    return;
  }
  lanes->n_history--;
  lanes_set_window(app, lanes->history[lanes->n_history].from,
                   lanes->history[lanes->n_history].to);
}

static bool key_window(struct app *app, enum action action) {
  struct lanes *lanes = &app->lanes;
  int64_t length = lanes->to - lanes->from, step = length / 100;
  step = step ? step : 1;
  switch (action) {
  case ACTION_LEFT:
    move_cursor(app, -step);
    break;
  case ACTION_RIGHT:
    move_cursor(app, step);
    break;
  case ACTION_PAGE_UP:
    move_cursor(app, -length / 2);
    break;
  case ACTION_PAGE_DOWN:
    move_cursor(app, length / 2);
    break;
  case ACTION_FIRST:
    move_cursor(app, -app->model->end_ns);
    break;
  case ACTION_LAST:
    move_cursor(app, app->model->end_ns);
    break;
  case ACTION_ZOOM_IN:
    zoom(app, true);
    break;
  case ACTION_ZOOM_OUT:
    zoom(app, false);
    break;
  case ACTION_ZOOM_ALL:
    lanes_push_history(app);
    lanes_set_window(app, 0, app->model->end_ns);
    break;
  case ACTION_ZOOM_BACK:
    zoom_back(app);
    break;
  case ACTION_NEXT_STALL:
  case ACTION_PREV_STALL:
    if (app_step_stall(app, action == ACTION_NEXT_STALL))
      lanes_show_stall(app, app->stall);
    break;
  default:
    return false;
  }
  return true;
}

/* Keys of the lane that is chosen. */
static bool key_lane(struct app *app, enum action action,
                     const struct lane *lane) {
  switch (action) {
  case ACTION_FOLD:
    lanes_fold(app, lane);
    break;
  case ACTION_PIN:
    pin(app, lane);
    break;
  case ACTION_ZOOM_FIT:
    fit(app, lane);
    break;
  case ACTION_ENTER:
    open_thing(app, lane);
    break;
  case ACTION_CAUSE:
    go_to_cause(app, lane);
    break;
  case ACTION_NEXT_EVENT:
  case ACTION_PREV_EVENT:
    app->lanes.current = *lane;
    app->lanes.steps_left = 0;
    lanes_step(app, action == ACTION_NEXT_EVENT);
    break;
  default:
    return false;
  }
  return true;
}

static bool key(struct app *app, enum action action) {
  struct lane lanes[LANES_MAX];
  size_t n, current;
  app->lanes.steps_left = 0; /* a key ends what goes on */
  if (key_window(app, action))
    return true;
  n = lanes_list(app, lanes);
  if (n == 0)
    return false;
  current = lanes_current(app, lanes, n);
  switch (action) {
  case ACTION_DOWN:
  case ACTION_UP:
    app_move(action, n, 2, &current);
    app->lanes.current = lanes[current];
    return true;
  case ACTION_FOLD_ALL:
  case ACTION_UNFOLD_ALL:
    lanes_fold_all(app, action == ACTION_FOLD_ALL);
    return true;
  case ACTION_HIDE_EMPTY:
    app->lanes.hides_empty = !app->lanes.hides_empty;
    return true;
  case ACTION_LANE_SET:
    app->lanes.set = (app->lanes.set + 1) % SET_COUNT;
    return true;
  default:
    return key_lane(app, action, &lanes[current]);
  }
}

const struct view view_lanes = {"lanes", AT_LANES, true, draw, key};
