/* Screen 4: where time went, by the code that ran or blocked. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/finding.h"
#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/histogram.h"
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
  return layout->w >= 120 ? 20 : layout->w >= 96 ? 18 : 14;
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
  int end = grid_text_max(g, left, y, x - left, ROLE_TEXT,
                          model_site_name(m, s->site, text, sizeof text));
  uint32_t place =
      s->is_call ? finding_place_of_call(m, s->kind, s->site, s->max_ns) : 0;
  if (place && x - end > 20) { /* what the longest was a part of */
    end = grid_text(g, end, y, ROLE_DIM, ", longest in ");
    grid_text_max(g, end, y, x - end, ROLE_DIM,
                  model_site_name(m, place, text, sizeof text));
  }
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

/* How long it took, from the shortest to the longest: logarithmic from a
 * microsecond on, as the times differ. */
static void draw_percentiles(struct app *app, struct rect r,
                             const struct model_site *s) {
  static const double points[] = {1, 10, 25, 50, 75, 90, 99, 99.9, 100};
  struct grid *g = &app->grid;
  format_buf b;
  const size_t n = sizeof points / sizeof *points;
  size_t first = s->time->n == 1 ? n - 1 : 0; /* no percentiles of one */
  for (size_t i = first; i < n; i++) {
    int y = r.y + (int)(i - first);
    int64_t at = i + 1 == n
                     ? s->time->max_ns
                     : model_histogram_percentile(s->time, points[i]);
    if (y >= r.y + r.h)
      break;
    if (i + 1 == n)
      grid_text(g, r.x, y, ROLE_DIM, first ? "once" : "max");
    else
      grid_print(g, r.x, y, ROLE_DIM, "%g %%", points[i]);
    grid_right(g, r.x + 15, y, ROLE_TEXT, format_duration(b, at));
    double share = at > 1000 ? log2((double)at / 1000.0) / 24 : 0;
    enum role role = at >= MODEL_ERROR_NS  ? ROLE_ERROR
                     : at >= MODEL_WARN_NS ? ROLE_WARN
                                           : ROLE_RUN;
    for (int c = 0; c < (int)(share * (r.w - 18) + 0.5); c++)
      grid_put(g, r.x + 17 + c, y, role, U'━');
  }
}

static void draw_histogram(struct app *app, struct rect r,
                           const struct model_site *s) {
  struct histogram_plot p = {
      .plot = {r.x, r.y, r.w, r.h - 1},
      .n_bins = histogram_bins(s->time->max_ns, 10000000)};
  if (p.plot.h < 2 || p.plot.w < 12)
    return;
  histogram_draw(&app->grid, &p, s->time);
  histogram_axis(&app->grid, &p, r.x + r.w, r.y + r.h - 1);
}

/* A stall's callback, or the call in it that took most. */
static bool is_in(const struct model_stall *stall, const struct model_site *s) {
  const struct model_call *call;
  if (!s->is_call)
    return stall->site == s->site && stall->slice_kind == s->kind;
  return finding_callee(stall, &call, NULL) == s->kind && call &&
         call->site == s->site;
}

/* The longest stall in it; NO_STALL: it held no loop for long. */
static size_t longest_in(const struct app *app, const struct model_site *s) {
  for (size_t i = 0; i < app->model->n_stalls; i++)
    if (is_in(&app->model->stalls[app->worst[i]], s))
      return app->worst[i];
  return NO_STALL;
}

/* The stalls that it made, the longest first. */
static void draw_stalls(struct app *app, struct rect r,
                        const struct model_site *s) {
  const struct model *m = app->model;
  struct grid *g = &app->grid;
  char text[160];
  format_buf b;
  int y = r.y, end = r.y + r.h;
  for (size_t i = 0; i < m->n_stalls && y < end; i++) {
    const struct model_stall *stall = &m->stalls[app->worst[i]];
    if (!is_in(stall, s))
      continue;
    if (y == r.y)
      grid_text(g, r.x, y++, ROLE_STRONG, "Stalls in it");
    grid_put(g, r.x, y, stall_role(stall), stall_mark(stall));
    grid_right(g, r.x + 12, y, ROLE_DIM,
               format_moment(b, stall->begin_ns, 1000000));
    grid_right(g, r.x + 20, y, stall_role(stall),
               format_duration(b, stall->duration_ns));
    int x = grid_text_max(g, r.x + 22, y, r.w - 22, ROLE_BLOCK,
                          stall_culprit(m, stall, true, text, sizeof text));
    uint32_t place = finding_place_inside(m, stall);
    if (place && !model_is_same_function(m, place, s->site))
      x = grid_text_max(g, x + 2, y, r.x + r.w - x - 2, ROLE_TEXT,
                        stall_inside(m, stall, text, sizeof text));
    grid_text_max(g, x + 2, y++, r.x + r.w - x - 2, ROLE_DIM,
                  stall_victims(stall, text, sizeof text));
  }
}

/* Percentiles beside the histogram, the stalls below. */
static void draw_about(struct app *app, struct rect r,
                       const struct model_site *s) {
  grid_clip(&app->grid, r);
  if (!s->time || s->time->n == 0)
    return;
  bool is_wide = r.w >= 96;
  int left = is_wide ? r.w * 2 / 5 : r.w - 4, h = r.h < 10 ? r.h : 10;
  draw_percentiles(app, (struct rect){2, r.y, left, h}, s);
  if (is_wide)
    draw_histogram(app,
                   (struct rect){left + 4, r.y, r.w - left - 6, h < 9 ? h : 9},
                   s);
  if (r.h - h >= 2)
    draw_stalls(app, (struct rect){2, r.y + h, r.w - 4, r.h - h}, s);
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
  app_note(app, layout, "%zu of %zu · Enter shows %s in the lanes",
           app->site + 1, app->n_site_order,
           longest_in(app, s) != NO_STALL ? "its longest stall" : "it");
}

/* Its longest stall, or the next time that it ran. */
static void open_site(struct app *app, const struct model_site *s) {
  char name[160], text[200];
  size_t stall = longest_in(app, s);
  if (stall != NO_STALL) {
    lanes_show_stall(app, stall);
    app_go(app, SCREEN_LANES);
    return;
  }
  model_site_short(app->model, s->site, name, sizeof name);
  name[strcspn(name, " ,*?[\\")] = '\0'; /* as far as the search has no other
                                          meaning for it */
  snprintf(text, sizeof text, "site:%s*", name);
  app_go(app, SCREEN_LANES);
  prompt_search(app, text);
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
  else if (action == ACTION_ENTER || action == ACTION_TO_LANES) {
    open_site(app, &app->model->sites[app->site_order[app->site]]);
    return true;
  } else
    return false;
  hits_apply(app); /* the selection stays on its site */
  return true;
}

const struct view view_sites = {"sites", AT_SITES, true, draw, key};
