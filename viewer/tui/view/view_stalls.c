/* Screen 3: every stall, sorted, and what is known about the selected one. */
#include <stdlib.h>
#include <string.h>

#include "model/finding.h"
#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

static const char *const sort_names[SORT_COUNT] = {"duration", "own time",
                                                   "held back", "time"};

static const struct app *sorting; /* qsort has no context */

static int64_t value(const struct model_stall *s) {
  switch (sorting->stall_sort) {
  case SORT_OWN:
    return model_attributable(&s->cause);
  case SORT_HELD:
    return (int64_t)(s->n_waited + s->n_late);
  case SORT_TIME:
    return -s->begin_ns; /* the first on top */
  default:
    return s->duration_ns;
  }
}

static int compare(const void *a, const void *b) {
  size_t i = *(const size_t *)a, j = *(const size_t *)b;
  int64_t x = value(&sorting->model->stalls[i]);
  int64_t y = value(&sorting->model->stalls[j]);
  int sign = sorting->stall_inverted ? -1 : 1;
  if (x != y)
    return x < y ? sign : -sign;
  return i < j ? -1 : i > j;
}

void stalls_sort(struct app *app) {
  for (size_t i = 0; i < app->model->n_stalls; i++)
    app->order[i] = i;
  sorting = app;
  qsort(app->order, app->model->n_stalls, sizeof *app->order, compare);
}

static size_t selected_row(const struct app *app) {
  for (size_t i = 0; i < app->n_order; i++)
    if (app->order[i] == app->stall)
      return i;
  return 0;
}

/* Columns; the last two share what is left. */
enum { LOOP_W = 8, DURATION_W = 7, OWN_W = 7, HELD_W = 6, NEW_W = 5 };

/* Moments are as wide as the last one. */
static int when_width(const struct model *m) {
  format_buf b;
  int w = text_width(format_moment(b, m->end_ns, 1000000));
  return w < 5 ? 5 : w;
}

static void draw_head(struct app *app, struct rect r, int x_culprit,
                      int x_callback) {
  struct grid *g = &app->grid;
  int x = 3 + when_width(app->model);
  grid_clip(g, r);
  grid_right(g, x, r.y, ROLE_DIM, app->groups_stalls ? "times" : "when");
  grid_text(g, x + 2, r.y, ROLE_DIM, "loop");
  x += LOOP_W + 2;
  grid_right(g, x += DURATION_W, r.y, ROLE_DIM, "dur");
  grid_right(g, x += OWN_W, r.y, ROLE_DIM, "own");
  grid_right(g, x += HELD_W, r.y, ROLE_DIM, "held");
  grid_text(g, x_culprit, r.y, ROLE_DIM, "held by");
  if (x_callback)
    grid_text(g, x_callback, r.y, ROLE_DIM, "in callback");
  if (app->compare.is_new)
    grid_right(g, r.w - 1, r.y, ROLE_DIM, "new");
}

static void draw_row(struct app *app, struct rect r, int y, size_t row,
                     int x_culprit, int x_callback) {
  const struct model *m = app->model;
  const struct model_stall *s = &m->stalls[app->order[row]];
  struct grid *g = &app->grid;
  char text[160], where[160], both[330];
  format_buf b;
  bool selected = app->order[row] == app->stall;
  int x = 3 + when_width(m);
  bool is_muted = muted_is(app, app->order[row]);
  uint32_t same = app->same_place[app->order[row]];
  grid_put(g, 1, y, is_muted ? ROLE_DIM : stall_role(s),
           is_muted ? U'·' : stall_mark(s));
  if (app->groups_stalls)
    snprintf(b, sizeof b, "%u ×", same);
  else
    format_moment(b, s->begin_ns, 1000000);
  grid_right(g, x, y, ROLE_TEXT, b);
  grid_name(g, x + 2, y, LOOP_W, ROLE_TEXT,
            s->loop < m->n_loops ? m->loops[s->loop].name : "?");
  x += LOOP_W + 2;
  grid_right(g, x += DURATION_W, y, stall_role(s),
             format_duration(b, s->duration_ns));
  grid_right(g, x += OWN_W, y, ROLE_TEXT,
             s->has_usage ? format_duration(b, model_attributable(&s->cause))
                          : "?");
  grid_right(g, x += HELD_W, y, ROLE_TEXT,
             s->is_unseen && !s->n_waited && !s->n_late
                 ? "?" /* who waited is not seen either */
                 : format_count(b, s->n_waited + s->n_late));
  stall_culprit(m, s, false, text, sizeof text);
  stall_where(m, s, where, sizeof where);
  snprintf(both, sizeof both, "%s%s%s", text, *where ? "  " : "", where);
  int right = r.w - 1 - (app->compare.is_new ? NEW_W : 0);
  int end = x_callback ? x_callback - 1 : right;
  grid_text_max(g, x_culprit, y, end - x_culprit, ROLE_BLOCK, both);
  if (x_callback)
    grid_text_max(g, x_callback, y, right - x_callback, ROLE_TEXT,
                  stall_callback(m, s, text, sizeof text));
  if (compare_is_new(app, app->order[row]))
    grid_right(g, r.w - 1, y, ROLE_WARN, "new");
  app_hot(app, HOT_ROW, (struct rect){0, y, r.w, 1}, row);
  if (s->unfinished)
    grid_put(g, 2, y, ROLE_ERROR, U'▶');
  if (selected) {
    grid_put(g, 0, y, ROLE_KEY, U'>');
    grid_select(g, (struct rect){0, y, r.w, 1});
  }
}

static void draw_empty(struct app *app, const struct layout *layout) {
  struct rect body = layout->body;
  char text[120];
  format_buf warn, most;
  int64_t longest = 0;
  for (size_t i = 0; i < app->model->n_loops; i++)
    if (app->model->loops[i].turn.max_ns > longest)
      longest = app->model->loops[i].turn.max_ns;
  grid_clip(&app->grid, body);
  snprintf(text, sizeof text, "✔ No loop was held for %s or more.",
           format_duration(warn, MODEL_WARN_NS));
  grid_text_max(&app->grid, 2, body.y + 1, body.w - 4, ROLE_OK, text);
  if (app->model->n_loops == 0)
    snprintf(text, sizeof text, "No loop was seen to run in this recording.");
  else
    snprintf(text, sizeof text, "The longest turn took %s.",
             format_duration(most, longest));
  grid_text_max(&app->grid, 2, body.y + 2, body.w - 4, ROLE_TEXT, text);
}

static void draw_title(struct app *app, struct rect rule) {
  const struct model *m = app->model;
  char title[400], dropped[64] = "", muted[64] = "", news[100] = "";
  format_buf warn, n;
  if (app->n_muted)
    snprintf(muted, sizeof muted, " · %zu suppressed (H %s)", app->n_muted,
             app->shows_muted ? "hides" : "shows");
  if (app->compare.is_new)
    snprintf(news, sizeof news, " · %zu new since %.60s", app->compare.n_new,
             app->compare.file);
  if (m->n_stalls_dropped)
    snprintf(dropped, sizeof dropped, " · %s shorter ones left out",
             format_count(n, m->n_stalls_dropped));
  snprintf(title, sizeof title,
           "%zu stall%s of %s or more%s%s · sort: %s %s%s%s", m->n_stalls, m->n_stalls == 1 ? "" : "s",
           format_duration(warn, MODEL_WARN_NS), news,
           app->groups_stalls ? " · by place" : "",
           sort_names[app->stall_sort], app->stall_inverted ? "▲" : "▾", muted,
           dropped);
  grid_rule(&app->grid, rule, title);
}

/* How often the same place held a loop. */
static void draw_note(struct app *app, const struct layout *layout,
                      const struct model_stall *s, size_t row) {
  const struct model *m = app->model;
  uint32_t site = finding_place(m, s);
  uint64_t same = 0;
  int64_t sum_ns = 0;
  format_buf n, sum;
  for (size_t i = 0; i < m->n_stalls && site; i++)
    if (model_is_same_function(m, finding_place(m, &m->stalls[i]), site)) {
      same++;
      sum_ns += m->stalls[i].duration_ns;
    }
  if (same > 1)
    app_note(app, layout, "stall %zu of %zu · same place: %s stalls, %s in all",
             row + 1, app->n_order, format_count(n, same),
             format_duration(sum, sum_ns));
  else
    app_note(app, layout, "stall %zu of %zu", row + 1, app->n_order);
}

static void draw(struct app *app, const struct layout *layout) {
  const struct model *m = app->model;
  struct layout_list areas;
  draw_title(app, layout->rule);
  if (m->n_stalls == 0) {
    draw_empty(app, layout);
    return;
  }
  if (app->n_order == 0) {
    app_draw_none(app, layout);
    return;
  }
  layout_list(layout, app->n_order, &areas);
  int x_culprit =
      3 + when_width(m) + LOOP_W + 2 + DURATION_W + OWN_W + HELD_W + 2;
  int x_callback =
      layout->w >= 90 ? x_culprit + (layout->w - x_culprit) * 3 / 5 : 0;
  draw_head(app, areas.head, x_culprit, x_callback);
  size_t row = selected_row(app);
  size_t first = layout_scroll(row, app->n_order, areas.rows.h);
  grid_clip(&app->grid, areas.rows);
  for (int i = 0; i < areas.rows.h && first + (size_t)i < app->n_order; i++)
    draw_row(app, areas.rows, areas.rows.y + i, first + (size_t)i, x_culprit,
             x_callback);
  const struct model_stall *s = &m->stalls[app->stall];
  char text[200];
  if (areas.detail.h > 0) {
    stall_callback(m, s, text, sizeof text);
    grid_rule(&app->grid, areas.rule, text);
    stall_draw_summary(&app->grid, areas.detail, m, s, app->shows_frames);
  }
  draw_note(app, layout, s, row);
}

static bool key(struct app *app, enum action action) {
  size_t n = app->n_order;
  struct layout layout;
  struct layout_list areas;
  if (action == ACTION_MUTED) {
    app->shows_muted = !app->shows_muted;
    hits_apply(app);
    if (!app->n_muted)
      app_say(app, "nothing here is suppressed; x does that");
    return true;
  }
  if (n == 0)
    return false;
  app_layout(app, &layout);
  layout_list(&layout, n, &areas);
  size_t row = selected_row(app);
  if (app_move(action, n, areas.rows.h, &row)) {
    app_select_stall(app, app->order[row]);
    return true;
  }
  switch (action) {
  case ACTION_SORT_NEXT:
    app->stall_sort = (app->stall_sort + 1) % SORT_COUNT;
    hits_apply(app);
    return true;
  case ACTION_SORT_PREV:
    app->stall_sort = (app->stall_sort + SORT_COUNT - 1) % SORT_COUNT;
    hits_apply(app);
    return true;
  case ACTION_INVERT:
    app->stall_inverted = !app->stall_inverted;
    hits_apply(app);
    return true;
  case ACTION_GROUP:
    app->groups_stalls = !app->groups_stalls;
    hits_apply(app);
    return true;
  case ACTION_NEXT_STALL:
  case ACTION_PREV_STALL:
    app_step_stall(app, action == ACTION_NEXT_STALL);
    return true;
  case ACTION_ENTER:
    app_select_stall(app, app->stall);
    app_go(app, SCREEN_DETAIL);
    return true;
  case ACTION_TO_LANES:
    lanes_show_stall(app, app->stall);
    app_go(app, SCREEN_LANES);
    return true;
  default:
    return false;
  }
}

const struct view view_stalls = {"stalls", AT_STALLS, true, draw, key};
