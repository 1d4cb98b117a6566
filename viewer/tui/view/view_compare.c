/* Screen 6: what got slower since another trace, place by place.
 *
 * Invariant: the verdicts are those of `looptrace diff`.  Called by app.c. */
#include <math.h>
#include <string.h>

#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/histogram.h"

static const char *const sort_names[COMPARE_SORT_COUNT] = {
    "change", "total", "p99", "max", "count"};
static const char *const unit_names[] = {"per 1000 callbacks", "per second",
                                         "in all"};

/* A pair of columns. */
enum column { COLUMN_COUNT, COLUMN_P99, COLUMN_MAX, COLUMN_TOTAL };
enum { PAIR_W = 15, A_W = 8, VERDICT_W = 12 };

static int n_columns(int w) {
  return w >= 98 ? 4 : w >= 80 ? 3 : 2;
}

static int x_pairs(int w) {
  return w - n_columns(w) * PAIR_W - VERDICT_W;
}

static void draw_head(struct app *app, struct rect r) {
  static const char *const names[] = {"count", "p99", "max", "total"};
  struct grid *g = &app->grid;
  int x = x_pairs(r.w);
  grid_clip(g, r);
  grid_text(g, 2, r.y, ROLE_DIM, "place");
  for (int i = 0; i < n_columns(r.w); i++, x += PAIR_W) {
    char a[16];
    snprintf(a, sizeof a, "%s A", names[i]);
    grid_right(g, x + A_W, r.y, ROLE_DIM, a);
    grid_right(g, x + PAIR_W, r.y, ROLE_DIM, "B");
  }
  grid_text(g, x + 2, r.y, ROLE_DIM, "verdict");
}

static void cell_text(const struct diff_side *side, enum column column,
                      format_buf buf) {
  if (side->count == 0)
    snprintf(buf, sizeof(format_buf), "—");
  else if (column == COLUMN_COUNT && side->count_per < 10)
    snprintf(buf, sizeof(format_buf), "%.1f", side->count_per);
  else if (column == COLUMN_COUNT)
    format_count(buf, (uint64_t)(side->count_per + 0.5));
  else
    format_duration(buf, column == COLUMN_P99
                             ? model_histogram_percentile(&side->time, 99)
                         : column == COLUMN_MAX ? side->max_ns
                                                : (int64_t)side->total_per_ns);
}

static enum role verdict_text(const struct diff_row *r, char *buf,
                              size_t size) {
  const char *sign = r->verdict == DIFF_SAME     ? "≈"
                     : r->verdict == DIFF_FEW    ? "·"
                     : r->verdict >= DIFF_SLOWER ? "▲"
                                                 : "▼";
  if (r->verdict == DIFF_SLOWER || r->verdict == DIFF_FASTER)
    snprintf(buf, size, "%s ×%.2f%s", sign, r->ratio, r->is_tail ? " p99" : "");
  else
    snprintf(buf, size, "%s %s", sign, diff_verdict_name(r->verdict));
  return r->is_regression            ? ROLE_ERROR
         : r->verdict == DIFF_FASTER ? ROLE_OK
         : r->verdict <= DIFF_FEW    ? ROLE_DIM
                                     : ROLE_TEXT;
}

static void draw_row(struct app *app, struct rect r, int y, size_t at) {
  const struct compare *c = &app->compare;
  const struct diff_row *row = &c->diff.rows[c->order[at]];
  struct grid *g = &app->grid;
  char text[400];
  format_buf b;
  int x = x_pairs(r.w);
  snprintf(text, sizeof text, "%s%s %s", row->kind, row->is_call ? " in" : "",
           row->name);
  grid_text_max(g, 2, y, x - 1, row->is_call ? ROLE_BLOCK : ROLE_TEXT, text);
  for (int i = 0; i < n_columns(r.w); i++, x += PAIR_W) {
    cell_text(&row->a, (enum column)i, b);
    grid_right(g, x + A_W, y, ROLE_DIM, b);
    cell_text(&row->b, (enum column)i, b);
    grid_right(g, x + PAIR_W, y, ROLE_TEXT, b);
  }
  app_hot(app, HOT_ROW, (struct rect){0, y, r.w, 1}, at);
  enum role role = verdict_text(row, text, sizeof text);
  grid_text_max(g, x + 2, y, VERDICT_W - 2, role, text);
  if (at == c->row) {
    grid_put(g, 0, y, ROLE_KEY, U'>');
    grid_select(g, (struct rect){0, y, r.w, 1});
  }
}

/* The times of both sides over one axis. */

#define COLUMNS_MAX 512
struct bars {
  uint64_t counts[2][COLUMNS_MAX];
  uint64_t most;
};
static struct bars bars; /* of the row that is drawn */

static void count_bars(const struct histogram_plot *p,
                       const struct diff_row *row, int first) {
  const struct diff_side *sides[] = {&row->a, &row->b};
  memset(&bars, 0, sizeof bars);
  for (int k = 0; k < 2; k++)
    for (int i = first; i < p->n_bins; i++) {
      int c = (int)((int64_t)i * p->plot.w / p->n_bins);
      if (c < COLUMNS_MAX)
        bars.counts[k][c] += sides[k]->time.bins[i];
    }
  for (int c = 0; c < COLUMNS_MAX; c++)
    for (int k = 0; k < 2; k++)
      bars.most = bars.counts[k][c] > bars.most ? bars.counts[k][c] : bars.most;
}

/* How many rows a count fills, on a logarithmic scale: one beside a million is
 * to be seen. */
static int height(uint64_t count, int h) {
  if (count == 0 || bars.most == 0)
    return 0;
  return (int)ceil(log2(1 + (double)count) / log2(1 + (double)bars.most) * h);
}

static void draw_bars(struct grid *g, const struct histogram_plot *p) {
  for (int c = 0; c < p->plot.w && c < COLUMNS_MAX; c++) {
    int a = height(bars.counts[0][c], p->plot.h);
    int b = height(bars.counts[1][c], p->plot.h);
    for (int i = 0; i < p->plot.h; i++) {
      bool in_a = i < a, in_b = i < b;
      if (in_a || in_b)
        grid_put(g, p->plot.x + c, p->plot.y + p->plot.h - 1 - i,
                 in_b ? ROLE_RUN : ROLE_DIM,
                 in_a && in_b ? U'▒'
                 : in_b       ? U'█'
                              : U'░');
    }
  }
}

static void change_text(const struct diff_row *row, double percent, char *buf,
                        size_t size) {
  format_buf a = "—", b = "—";
  if (row->a.count)
    format_duration(a, model_histogram_percentile(&row->a.time, percent));
  if (row->b.count)
    format_duration(b, model_histogram_percentile(&row->b.time, percent));
  snprintf(buf, size, "%s → %s", a, b);
}

static void draw_numbers(struct grid *g, struct rect r, int y,
                         const struct diff_row *row) {
  char median[64], tail[64], text[300], chance[48];
  format_buf a, b;
  change_text(row, 50, median, sizeof median);
  change_text(row, 99, tail, sizeof tail);
  if (row->a.count == 0 || row->b.count == 0)
    snprintf(chance, sizeof chance, "only in %s", row->a.count ? "A" : "B");
  else if (row->verdict == DIFF_FEW)
    snprintf(chance, sizeof chance, "too few to tell it from chance");
  else
    snprintf(chance, sizeof chance, row->p < 0.001 ? "p < 0.001" : "p = %.3f",
             row->p);
  snprintf(text, sizeof text, "median %s   p99 %s   n %s → %s   %s", median,
           tail, format_count(a, row->a.count), format_count(b, row->b.count),
           chance);
  grid_text_max(g, r.x + 2, y, r.w - 3, ROLE_TEXT, text);
}

static void draw_about(struct app *app, struct rect r,
                       const struct diff_row *row) {
  struct grid *g = &app->grid;
  int64_t longest =
      row->a.max_ns > row->b.max_ns ? row->a.max_ns : row->b.max_ns;
  struct histogram_plot p = {
      .plot = {r.x + 2, r.y + 2, r.w - 4, r.h < 16 ? r.h - 3 : 13},
      .n_bins = histogram_bins(longest, 10000000),
  };
  grid_clip(g, r);
  draw_numbers(g, r, r.y, row);
  if (p.plot.h < 2)
    return;
  grid_text(g, r.x + 2, r.y + 1, ROLE_DIM, "░ A  █ B  ▒ both · count (log)");
  count_bars(&p, row, 0);
  draw_bars(g, &p);
  histogram_axis(g, &p, r.x + r.w, p.plot.y + p.plot.h);
}

static const struct model_loop *same_loop(const struct model *m,
                                          const char *name) {
  for (size_t i = 0; i < m->n_loops; i++)
    if (!strcmp(m->loops[i].name, name))
      return &m->loops[i];
  return NULL;
}

/* "main: busy 58% → 71%, ..." */
static void draw_note(struct app *app, const struct layout *layout) {
  const struct model *m = app->model;
  const struct model_loop *b =
      app->loop < m->n_loops ? &m->loops[app->loop] : NULL;
  const struct model_loop *a = b ? same_loop(app->compare.base, b->name) : NULL;
  format_buf busy_a, busy_b, p99_a, p99_b, blocked_a, blocked_b;
  if (!a) {
    app_note(app, layout, "%zu of %zu", app->compare.row + 1,
             app->compare.n_order);
    return;
  }
  app_note(app, layout,
           "%s: busy %s → %s   turns p99 %s → %s   blocked %s → %s", b->name,
           format_share(busy_a, a->busy_ns, a->busy_ns + a->poll_ns),
           format_share(busy_b, b->busy_ns, b->busy_ns + b->poll_ns),
           format_duration(p99_a, model_histogram_percentile(&a->turn, 99)),
           format_duration(p99_b, model_histogram_percentile(&b->turn, 99)),
           format_duration(blocked_a, a->blocked_ns),
           format_duration(blocked_b, b->blocked_ns));
}

static void draw_none(struct app *app, const struct layout *layout) {
  const struct compare *c = &app->compare;
  char text[600];
  enum role role = ROLE_TEXT;
  grid_rule(&app->grid, layout->rule, "comparison with another trace");
  grid_clip(&app->grid, layout->body);
  if (c->problem != LT_OK) {
    snprintf(text, sizeof text, "%s: %s", c->file, lt_status_text(c->problem));
    role = ROLE_ERROR;
  } else if (c->base)
    snprintf(text, sizeof text, "reading %s, %.0f%%", c->file,
             model_progress(c->base).share * 100);
  else
    snprintf(text, sizeof text,
             "Nothing to compare with yet: type  :compare FILE  with an older "
             "trace,");
  grid_text_max(&app->grid, 2, layout->body.y + 1, layout->w - 4, role, text);
  if (!c->base)
    grid_text_max(&app->grid, 2, layout->body.y + 2, layout->w - 4, ROLE_TEXT,
                  "or begin with  looptrace view OLD NEW");
}

static void draw(struct app *app, const struct layout *layout) {
  const struct compare *c = &app->compare;
  struct layout_list areas;
  char title[400];
  format_buf a, b;
  if (!c->is_made) {
    draw_none(app, layout);
    return;
  }
  snprintf(title, sizeof title,
           "A %s %s → B %s %s · %zu of %zu slower · sort: %s %s · %s", c->file,
           format_duration(a, model_length_ns(c->base)), app->file,
           format_duration(b, model_length_ns(app->model)),
           c->diff.n_regressions, c->diff.n_rows, sort_names[c->sort],
           c->is_inverted ? "▲" : "▾", unit_names[c->unit]);
  grid_rule(&app->grid, layout->rule, title);
  if (c->n_order == 0 && c->diff.n_rows) {
    app_draw_none(app, layout);
    return;
  }
  layout_list(layout, c->n_order, &areas);
  draw_head(app, areas.head);
  size_t first = layout_scroll(c->row, c->n_order, areas.rows.h);
  grid_clip(&app->grid, areas.rows);
  for (int i = 0; i < areas.rows.h && first + (size_t)i < c->n_order; i++)
    draw_row(app, areas.rows, areas.rows.y + i, first + (size_t)i);
  if (c->n_order == 0)
    return;
  const struct diff_row *row = &c->diff.rows[c->order[c->row]];
  if (areas.detail.h > 0) {
    snprintf(title, sizeof title, "%s%s %s · time of each", row->kind,
             row->is_call ? " in" : "", row->name);
    grid_rule(&app->grid, areas.rule, title);
    draw_about(app, areas.detail, row);
  }
  draw_note(app, layout);
}

/* Keys */

/* Its row among the sites, for what held no loop. */
static void open_site(struct app *app, const struct diff_row *row) {
  const struct model *m = app->model;
  char name[256], kind[64];
  for (size_t i = 0; i < app->n_site_order; i++) {
    const struct model_site *s = &m->sites[app->site_order[i]];
    if (s->is_call)
      model_callee_name(m, s->kind, kind, sizeof kind);
    else
      snprintf(kind, sizeof kind, "%s", lt_task_kind_name(s->kind));
    if (s->is_call != row->is_call || strcmp(kind, row->kind) ||
        strcmp(model_site_short(m, s->site, name, sizeof name), row->name))
      continue;
    app->site = i;
    app_go(app, SCREEN_SITES);
    return;
  }
  app_say(app, "it is not in B");
}

static void open_row(struct app *app, bool in_lanes) {
  const struct compare *c = &app->compare;
  const struct diff_row *row = &c->diff.rows[c->order[c->row]];
  size_t stall = compare_stall(app, row);
  if (stall != NO_STALL && in_lanes)
    lanes_show_stall(app, stall);
  else if (stall != NO_STALL)
    app_select_stall(app, stall);
  else if (in_lanes)
    app_say(app, "it held no loop of B; Enter shows its times");
  else
    open_site(app, row);
  if (stall != NO_STALL)
    app_go(app, in_lanes ? SCREEN_LANES : SCREEN_DETAIL);
}

static bool key(struct app *app, enum action action) {
  struct compare *c = &app->compare;
  struct layout layout;
  struct layout_list areas;
  if (!c->is_made || c->n_order == 0)
    return false;
  app_layout(app, &layout);
  layout_list(&layout, c->n_order, &areas);
  if (app_move(action, c->n_order, areas.rows.h, &c->row))
    return true;
  switch (action) {
  case ACTION_SORT_NEXT:
    c->sort = (c->sort + 1) % COMPARE_SORT_COUNT;
    break;
  case ACTION_SORT_PREV:
    c->sort = (c->sort + COMPARE_SORT_COUNT - 1) % COMPARE_SORT_COUNT;
    break;
  case ACTION_INVERT:
    c->is_inverted = !c->is_inverted;
    break;
  case ACTION_UNIT:
    c->unit = (c->unit + 1) % 3;
    compare_make(app);
    return true;
  case ACTION_ENTER:
  case ACTION_TO_LANES:
    open_row(app, action == ACTION_TO_LANES);
    return true;
  default:
    return false;
  }
  compare_order(app);
  return true;
}

const struct view view_compare = {"compare", AT_COMPARE, true, draw, key};
