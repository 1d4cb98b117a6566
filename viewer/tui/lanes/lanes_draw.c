/* The lanes, one under the other: names at the left, what they hold, the cursor.
 *
 * Called by view_lanes.c and view_replay.c. */
#include <string.h>

#include "tui/lanes/lanes_plot.h"

static bool is_head(enum lane_what what) {
  return what == LANE_TURN || what == LANE_POOL || what == LANE_TASKS ||
         what == LANE_HANDLES;
}

static bool is_folded(const struct lanes *lanes, const struct lane *lane) {
  return lane->what == LANE_TURN    ? lanes->folded[lane->loop]
         : lane->what == LANE_POOL  ? lanes->is_pool_folded
         : lane->what == LANE_TASKS ? lanes->are_tasks_folded
                                    : !lanes->are_handles_open;
}

/* next: the lane below it, or NULL. */
static void draw_label(struct plot *p, const struct lane *next, bool current) {
  struct app *app = p->app;
  const struct lane *lane = p->lane;
  char text[160];
  bool is_pinned = lanes_is_pinned(&app->lanes, lane);
  lane_name(app, lane, is_pinned, text, sizeof text);
  if (is_pinned) {
    grid_put(p->g, 1, p->y, ROLE_KEY, U'▲');
    grid_text_max(p->g, 2, p->y, p->x - 3, ROLE_TEXT, text);
  } else if (is_head(lane->what)) {
    grid_put(p->g, 1, p->y, ROLE_DIM,
             is_folded(&app->lanes, lane) ? U'▸' : U'▾');
    if (lane->what == LANE_TURN) {
      int x = grid_name(p->g, 2, p->y, p->x - 8, ROLE_STRONG,
                        app->model->loops[lane->loop].name);
      grid_text(p->g, x < 9 ? 9 : x + 1, p->y, ROLE_TEXT, text);
    } else {
      grid_text_max(p->g, 2, p->y, p->x - 3, ROLE_STRONG, text);
    }
  } else {
    bool is_last = !next || is_head(next->what);
    grid_put(p->g, 2, p->y, ROLE_BORDER, is_last ? U'└' : U'├');
    grid_text_max(p->g, 4, p->y, p->x - 5, ROLE_TEXT, text);
  }
  grid_put(p->g, p->x - 1, p->y, ROLE_BORDER, U'│');
  if (current) {
    grid_select(p->g, (struct rect){1, p->y, p->x - 2, 1});
    grid_put(p->g, 0, p->y, ROLE_KEY, U'>');
  }
}

static void draw_cursor(const struct plot *p, struct rect rows, int axis_y) {
  int c = axis_column(p->app->cursor_ns, p->from, p->to, p->w);
  if (c < 0 || c >= p->w)
    return;
  for (int y = rows.y; y < rows.y + rows.h; y++) {
    struct cell *cell = grid_at(p->g, p->x + c, y);
    if (cell && p->until < INT64_MAX)
      grid_put(p->g, p->x + c, y, ROLE_CURSOR, U'│');
    else if (cell && cell->ch == U' ')
      grid_put(p->g, p->x + c, y, ROLE_DIM, U'┊');
    else if (cell)
      cell->selected = true;
  }
  grid_clip(p->g, (struct rect){p->x, axis_y, p->w, 1});
  axis_mark(p->g, p->x + c, axis_y, U'▼');
}

static void draw_lane(const struct plot *p) {
  static struct column columns[COLUMNS_MAX + 1]; /* of one lane at a time */
  plot_columns(p, columns);
  switch (p->lane->what) {
  case LANE_HANDLES:
    if (p->app->lanes.open.n) /* else descriptors only: who knows since when */
      plot_numbers(p, columns);
    break;
  case LANE_READY:
  case LANE_POOL:
    plot_numbers(p, columns);
    break;
  case LANE_LATE:
    plot_lateness(p, columns);
    break;
  case LANE_TASK:
  case LANE_HANDLE:
    plot_life(p, columns);
    break;
  case LANE_TASKS:
    break;
  default:
    plot_bars(p, columns);
  }
  if (p->lane->what <= LANE_LATE)
    plot_losses(p);
}

void lanes_draw(struct app *app, struct rect axis, struct rect rows,
                int64_t until_ns) {
  struct lane lanes[LANES_MAX];
  int label_w = lanes_label_w(rows.w);
  uint64_t unnamed = 0;
  struct plot p = {.app = app,
                   .g = &app->grid,
                   .x = label_w,
                   .w = rows.w - label_w,
                   .from = app->lanes.from,
                   .to = app->lanes.to,
                   .until = until_ns,
                   .unnamed = &unnamed};
  p.w = p.w > COLUMNS_MAX ? COLUMNS_MAX : p.w;
  grid_clip(p.g, axis);
  axis_draw(p.g, p.x, axis.y, p.w, p.from, p.to);
  axis_notes(app, p.x, axis.y, p.w, p.from, p.to);
  size_t n = lanes_list(app, lanes);
  size_t current = lanes_current(app, lanes, n);
  /* Those on top stay there, the others scroll. */
  size_t top = app->lanes.n_pinned, half = (size_t)(rows.h > 1 ? rows.h / 2 : 0);
  top = top < half ? top : half;
  size_t first = layout_scroll(current > top ? current - top : 0, n - top,
                               rows.h - (int)top);
  grid_clip(p.g, rows);
  for (int i = 0; i < rows.h; i++) {
    size_t at = (size_t)i + ((size_t)i < top ? 0 : first);
    if (at >= n)
      break;
    p.lane = &lanes[at];
    p.y = rows.y + i;
    draw_label(&p, at + 1 < n ? &lanes[at + 1] : NULL, at == current);
    app_hot(app, HOT_LANE, (struct rect){p.x, p.y, p.w, 1}, at);
    draw_lane(&p);
  }
  draw_cursor(
      &p, (struct rect){0, rows.y, rows.w, (int)n < rows.h ? (int)n : rows.h},
      axis.y);
}
