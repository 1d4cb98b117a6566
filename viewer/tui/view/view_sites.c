/* Screen 4: where time went, by the code that ran or blocked. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

static const char *const sort_names[SITE_SORT_COUNT] = {"total", "self", "max",
                                                        "count"};

static const struct app *sorting; /* qsort has no context */

static int64_t value(const struct model_site *s) {
  switch (sorting->site_sort) {
  case SITE_SELF:
    return s->self_ns;
  case SITE_MAX:
    return s->max_ns;
  case SITE_COUNT:
    return (int64_t)s->count;
  default:
    return s->total_ns;
  }
}

static int compare(const void *a, const void *b) {
  size_t i = *(const size_t *)a, j = *(const size_t *)b;
  int64_t x = value(&sorting->model->sites[i]);
  int64_t y = value(&sorting->model->sites[j]);
  int sign = sorting->site_inverted ? -1 : 1;
  if (x != y)
    return x < y ? sign : -sign;
  return i < j ? -1 : i > j;
}

void sites_sort(struct app *app) {
  for (size_t i = 0; i < app->model->n_sites; i++)
    app->site_order[i] = i;
  sorting = app;
  qsort(app->site_order, app->model->n_sites, sizeof *app->site_order, compare);
}

enum { NUMBER_W = 8 };

/* What fits beside the names. */
static int n_numbers(const struct layout *layout) {
  return layout->w >= 96 ? 6 : layout->w >= 76 ? 4 : 3;
}

static int kind_width(const struct layout *layout) {
  return layout->w >= 120 ? 20 : 14;
}

static const char *kind_name(const struct model *m, const struct model_site *s,
                             char *buf, size_t size) {
  if (s->is_call)
    return model_callee_name(m, s->kind, buf, size);
  snprintf(buf, size, "%s", lt_task_kind_name(s->kind));
  return buf;
}

/* The numbers stand at the right, the name takes what is left. */
static int x_numbers(const struct layout *layout) {
  return layout->w - n_numbers(layout) * NUMBER_W - 1;
}

static void draw_head(struct app *app, const struct layout *layout,
                      struct rect r) {
  static const char *const heads[] = {"count", "total", "max",
                                      "self",  "p50",   "p99"};
  int x = x_numbers(layout), n = n_numbers(layout);
  grid_clip(&app->grid, r);
  grid_text(&app->grid, 2, r.y, ROLE_DIM, "kind");
  int left = 2 + kind_width(layout);
  grid_text_max(&app->grid, left, r.y, x - left, ROLE_DIM, "function");
  for (int i = 0; i < n; i++)
    grid_right(&app->grid, x += NUMBER_W, r.y, ROLE_DIM, heads[i]);
}

static void draw_row(struct app *app, const struct layout *layout, int y,
                     size_t row) {
  const struct model *m = app->model;
  const struct model_site *s = &m->sites[app->site_order[row]];
  struct grid *g = &app->grid;
  char text[160];
  format_buf b;
  int x = x_numbers(layout);
  int left = 2 + kind_width(layout);
  grid_text_max(g, 2, y, left - 3, s->is_call ? ROLE_BLOCK : ROLE_RUN,
                kind_name(m, s, text, sizeof text));
  grid_text_max(g, left, y, x - left, ROLE_TEXT,
                model_site_name(m, s->site, text, sizeof text));
  grid_right(g, x += NUMBER_W, y, ROLE_TEXT, format_count(b, s->count));
  grid_right(g, x += NUMBER_W, y, ROLE_TEXT, format_duration(b, s->total_ns));
  enum role role = s->max_ns >= MODEL_ERROR_NS  ? ROLE_ERROR
                   : s->max_ns >= MODEL_WARN_NS ? ROLE_WARN
                                                : ROLE_TEXT;
  grid_right(g, x += NUMBER_W, y, role, format_duration(b, s->max_ns));
  int n = n_numbers(layout);
  if (n >= 4)
    grid_right(g, x += NUMBER_W, y, ROLE_TEXT, format_duration(b, s->self_ns));
  for (int i = 0; i < 2 && n >= 6 && s->time; i++)
    grid_right(
        g, x += NUMBER_W, y, ROLE_TEXT,
        format_duration(b, model_histogram_percentile(s->time, i ? 99 : 50)));
  app_hot(app, HOT_ROW, (struct rect){0, y, layout->w, 1}, row);
  if (row == app->site) {
    grid_put(g, 0, y, ROLE_KEY, U'>');
    grid_select(g, (struct rect){0, y, layout->w, 1});
  }
}

/* How long it took, from the shortest to the longest. */
static void draw_about(struct app *app, struct rect r,
                       const struct model_site *s) {
  static const double points[] = {1, 10, 25, 50, 75, 90, 99, 99.9, 100};
  struct grid *g = &app->grid;
  format_buf b;
  grid_clip(g, r);
  if (!s->time || s->time->n == 0)
    return;
  for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
    int y = r.y + (int)i;
    int64_t at = i + 1 == sizeof points / sizeof *points
                     ? s->time->max_ns
                     : model_histogram_percentile(s->time, points[i]);
    if (y >= r.y + r.h)
      break;
    grid_print(g, 2, y, ROLE_DIM, points[i] > 99.95 ? "max" : "%g %%",
               points[i]);
    grid_right(g, 17, y, ROLE_TEXT, format_duration(b, at));
    /* From a microsecond on, logarithmic: as the times differ. */
    double share = at > 1000 ? log2((double)at / 1000.0) / 24 : 0;
    enum role role = at >= MODEL_ERROR_NS  ? ROLE_ERROR
                     : at >= MODEL_WARN_NS ? ROLE_WARN
                                           : ROLE_RUN;
    bar_draw(g, 19, y, r.w - 21, role, (int64_t)(share * 1000), 1000);
  }
}

static void draw(struct app *app, const struct layout *layout) {
  const struct model *m = app->model;
  struct layout_list areas;
  char title[200], name[160];
  snprintf(title, sizeof title, "%zu functions and calls · sort: %s %s",
           m->n_sites, sort_names[app->site_sort],
           app->site_inverted ? "▲" : "▾");
  grid_rule(&app->grid, layout->rule, title);
  if (m->n_sites == 0) {
    grid_clip(&app->grid, layout->body);
    grid_text_max(&app->grid, 2, layout->body.y + 1, layout->w - 4, ROLE_TEXT,
                  "No callback was recorded.");
    return;
  }
  if (app->n_site_order == 0) {
    app_draw_none(app, layout);
    return;
  }
  layout_list(layout, app->n_site_order, &areas);
  draw_head(app, layout, areas.head);
  size_t first = layout_scroll(app->site, app->n_site_order, areas.rows.h);
  grid_clip(&app->grid, areas.rows);
  for (int i = 0; i < areas.rows.h && first + (size_t)i < app->n_site_order;
       i++)
    draw_row(app, layout, areas.rows.y + i, first + (size_t)i);
  const struct model_site *s = &m->sites[app->site_order[app->site]];
  if (areas.detail.h > 0) {
    snprintf(title, sizeof title, "time of each, logarithmic · %s",
             model_site_name(m, s->site, name, sizeof name));
    grid_rule(&app->grid, areas.rule, title);
    draw_about(app, areas.detail, s);
  }
  app_note(app, layout, "%zu of %zu", app->site + 1, app->n_site_order);
}

static bool key(struct app *app, enum action action) {
  struct layout layout;
  struct layout_list areas;
  size_t n = app->n_site_order;
  if (n == 0)
    return false;
  app_layout(app, &layout);
  layout_list(&layout, n, &areas);
  if (app_move(action, n, areas.rows.h, &app->site))
    return true;
  if (action == ACTION_SORT_NEXT)
    app->site_sort = (app->site_sort + 1) % SITE_SORT_COUNT;
  else if (action == ACTION_SORT_PREV)
    app->site_sort = (app->site_sort + SITE_SORT_COUNT - 1) % SITE_SORT_COUNT;
  else if (action == ACTION_INVERT)
    app->site_inverted = !app->site_inverted;
  else
    return false;
  hits_apply(app); /* the selection stays on its site */
  return true;
}

const struct view view_sites = {"sites", AT_SITES, true, draw, key};
