/* What the mouse does: wheel, click, double click, drag.
 *
 * Each screen says, while it draws, where the things are that can be clicked;
 * what is under the mouse is thus what was seen there.
 *
 * Invariant: without --mouse (or :set mouse yes) nothing here is called.
 * Called by app.c. */
#include <string.h>

#include "tui/app.h"

#define DOUBLE_NS 400000000 /* between two clicks that are one */
#define WHEEL_ROWS 3

void app_hot(struct app *app, enum hot_what what, struct rect rect,
             size_t index) {
  struct mouse *m = &app->mouse;
  if (m->n_hot < sizeof m->hot / sizeof *m->hot)
    m->hot[m->n_hot++] = (struct hot){what, rect, index};
}

static bool is_in(struct rect r, int x, int y) {
  return x >= r.x && x < r.x + r.w && y >= r.y && y < r.y + r.h;
}

static const struct hot *under(const struct app *app, int x, int y) {
  const struct mouse *m = &app->mouse;
  for (size_t i = 0; i < m->n_hot; i++)
    if (is_in(m->hot[i].rect, x, y))
      return &m->hot[i];
  return NULL;
}

static const struct hot *find(const struct app *app, enum hot_what what) {
  for (size_t i = 0; i < app->mouse.n_hot; i++)
    if (app->mouse.hot[i].what == what)
      return &app->mouse.hot[i];
  return NULL;
}

static int64_t time_at(struct rect r, int x, int64_t from, int64_t to) {
  x = x < r.x ? r.x : x >= r.x + r.w ? r.x + r.w - 1 : x;
  double share = (x - r.x + .5) / r.w;
  return from + (int64_t)(share * (double)(to - from));
}

static void set_cursor(struct app *app, int64_t at_ns) {
  int64_t end = app->model->end_ns;
  at_ns = at_ns >= end ? end - 1 : at_ns;
  app->cursor_ns = at_ns < 0 ? 0 : at_ns;
}

/* The window goes where the mouse is. */
static void go_in_map(struct app *app, const struct hot *map, int x) {
  struct lanes *lanes = &app->lanes;
  int64_t half = (lanes->to - lanes->from) / 2;
  set_cursor(app, time_at(map->rect, x, 0, app->model->end_ns));
  lanes_set_window(app, app->cursor_ns - half, app->cursor_ns + half);
}

static void choose_lane(struct app *app, const struct hot *hot, int x) {
  struct lane lanes[LANES_MAX];
  size_t n = lanes_list(app, lanes);
  if (hot->index >= n)
    return;
  app->lanes.current = lanes[hot->index];
  if (app_screen(app) == SCREEN_REPLAY)
    return; /* there the cursor is what plays */
  set_cursor(app, time_at(hot->rect, x, app->lanes.from, app->lanes.to));
}

static void choose(struct app *app, const struct hot *hot, int x) {
  switch (hot->what) {
  case HOT_TAB:
    app_key(app, U'1' + (char32_t)hot->index);
    break;
  case HOT_MAP:
    go_in_map(app, hot, x);
    break;
  case HOT_LANE:
    choose_lane(app, hot, x);
    break;
  case HOT_ROW:
    hits_select(app, hot->index);
    break;
  case HOT_WORST:
    app->in_loops = false;
    if (hot->index < app->model->n_stalls)
      app_select_stall(app, app->worst[hot->index]);
    break;
  case HOT_LOOP:
    app->in_loops = true;
    app->loop = hot->index;
    break;
  }
}

static void open_it(struct app *app, const struct hot *hot) {
  const struct view *view = app_views[app_screen(app)];
  if (hot->what == HOT_LANE)
    view->key(app, ACTION_ZOOM_FIT);
  else if (hot->what == HOT_MAP)
    lanes_set_window(app, 0, app->model->end_ns);
  else if (hot->what != HOT_TAB)
    view->key(app, ACTION_ENTER);
}

static void click(struct app *app, const struct key_press *press) {
  struct mouse *m = &app->mouse;
  const struct hot *hot = under(app, press->w, press->h);
  bool is_second = m->was_click && m->x == press->w && m->y == press->h &&
                   app->now_ns - m->clicked_ns < DOUBLE_NS;
  m->was_click = !is_second;
  m->x = press->w;
  m->y = press->h;
  m->clicked_ns = app->now_ns;
  m->is_dragging = hot && hot->what == HOT_MAP;
  if (!hot)
    return;
  struct hot copy = *hot; /* opening a screen may draw */
  if (is_second)
    open_it(app, &copy);
  else
    choose(app, &copy, press->w);
}

/* Where the lanes are: their window moves; elsewhere rows do. */
static void wheel(struct app *app, const struct key_press *press) {
  const struct view *view = app_views[app_screen(app)];
  bool up =
      press->key == TK_WHEEL_UP || press->key == TK_CTRL_WHEEL_UP;
  bool zooms = press->key == TK_CTRL_WHEEL_UP ||
               press->key == TK_CTRL_WHEEL_DOWN;
  const struct hot *lane = find(app, HOT_LANE);
  struct lanes *lanes = &app->lanes;
  int64_t length = lanes->to - lanes->from;
  if (!lane) {
    for (int i = 0; i < WHEEL_ROWS; i++)
      view->key(app, up ? ACTION_UP : ACTION_DOWN);
    return;
  }
  if (!zooms) {
    int64_t by = (length / 10 + 1) * (up ? -1 : 1);
    lanes_set_window(app, lanes->from + by, lanes->to + by);
    return;
  }
  int64_t at = time_at(lane->rect, press->w, lanes->from, lanes->to);
  double share = (double)(at - lanes->from) / (double)length;
  int64_t wanted = up ? length / 2 : length * 2;
  int64_t from = at - (int64_t)(share * (double)wanted);
  lanes_set_window(app, from, from + wanted);
}

bool app_press(struct app *app, const struct key_press *press) {
  struct mouse *m = &app->mouse;
  if (!key_is_mouse(press->key)) {
    m->was_click = false;
    return app_key(app, press->key);
  }
  if (app->prompt.kind || app->is_loading || app->model->end_ns <= 0)
    return true;
  const struct hot *map = find(app, HOT_MAP);
  app->message[0] = '\0';
  if (press->key == TK_CLICK)
    click(app, press);
  else if (press->key == TK_RELEASE)
    m->is_dragging = false;
  else if (press->key != TK_DRAG)
    wheel(app, press);
  else if (m->is_dragging && map)
    go_in_map(app, map, press->w);
  return app->depth > 0;
}
