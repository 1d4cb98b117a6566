/* Screen 1: what is in this trace, at first sight. */
#include <string.h>

#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/histogram.h"
#include "tui/view/stall.h"

/* Loops */

static const char loops_head[] =
    "  loop    busy  turns    p50    p99    max  late timers";

static void draw_loop(struct app *app, struct rect r, int y, size_t i) {
  const struct model_loop *loop = &app->model->loops[i];
  struct grid *g = &app->grid;
  format_buf b;
  bool selected = i == app->loop;
  if (selected)
    grid_put(g, r.x, y, app->in_loops ? ROLE_KEY : ROLE_DIM, U'>');
  grid_name(g, r.x + 2, y, 8, ROLE_TEXT, loop->name);
  int64_t whole = loop->busy_ns + loop->poll_ns;
  grid_right(g, r.x + 14, y, ROLE_TEXT, format_share(b, loop->busy_ns, whole));
  grid_right(g, r.x + 21, y, ROLE_TEXT, format_count(b, loop->turns));
  grid_right(g, r.x + 28, y, ROLE_TEXT,
             format_duration(b, model_histogram_percentile(&loop->turn, 50)));
  grid_right(g, r.x + 35, y, ROLE_TEXT,
             format_duration(b, model_histogram_percentile(&loop->turn, 99)));
  enum role role = loop->turn.max_ns >= MODEL_ERROR_NS  ? ROLE_ERROR
                   : loop->turn.max_ns >= MODEL_WARN_NS ? ROLE_WARN
                                                        : ROLE_TEXT;
  grid_right(g, r.x + 42, y, role, format_duration(b, loop->turn.max_ns));
  int x = grid_text(g, r.x + 44, y, loop->is_unseen ? ROLE_DIM : ROLE_TEXT,
                    loop->is_unseen ? "not seen"
                                    : format_count(b, loop->timers_late));
  if (loop->timers_late && x + 8 <= r.x + r.w)
    grid_print(g, x + 1, y, ROLE_DIM, "+%s",
               format_duration(b, loop->worst_late_ns));
  app_hot(app, HOT_LOOP, (struct rect){r.x, y, r.w, 1}, i);
  if (selected && app->in_loops)
    grid_select(g, (struct rect){r.x, y, r.w, 1});
}

/* Returns: the row below. */
static int draw_split(struct app *app, struct rect r, int y) {
  const struct model_loop *loop = &app->model->loops[app->loop];
  struct grid *g = &app->grid;
  int64_t whole = loop->busy_ns + loop->poll_ns + loop->gap_ns;
  int64_t blocked =
      loop->blocked_ns < loop->busy_ns ? loop->blocked_ns : loop->busy_ns;
  const struct {
    const char *name;
    int64_t ns;
    enum role role;
  } parts[] = {
      {"running callbacks", loop->busy_ns - blocked, ROLE_RUN},
      {"in blocking calls", blocked, ROLE_BLOCK},
      {"idle in poll", loop->poll_ns, ROLE_WAIT},
      {"between runs", loop->gap_ns, ROLE_WAIT},
  };
  format_buf b;
  int x = grid_print(g, r.x + 1, y++, ROLE_STRONG, "Time on %s", loop->name);
  grid_print(g, x + 1, y - 1, ROLE_DIM, "(%s)", format_duration(b, whole));
  int bar = r.w - 36 < 12 ? 12 : r.w - 36;
  for (size_t i = 0; i < 4 && y < r.y + r.h; i++) {
    if (i == 3 && parts[i].ns == 0)
      continue;
    bar_draw(g, r.x + 1, y, bar, parts[i].role, parts[i].ns, whole);
    grid_text(g, r.x + bar + 3, y, ROLE_TEXT, parts[i].name);
    grid_right(g, r.x + bar + 27, y, ROLE_STRONG,
               format_share(b, parts[i].ns, whole));
    grid_right(g, r.x + bar + 34, y, ROLE_DIM, format_duration(b, parts[i].ns));
    y++;
  }
  return y;
}

/* Where there is room: the functions that took most. */
static void draw_most(struct app *app, struct rect r, int y) {
  const struct model *m = app->model;
  struct grid *g = &app->grid;
  char name[160];
  format_buf b;
  int64_t most_ns = 0;
  int end = r.y + r.h, x_bar = r.x + r.w * 2 / 3, bar = r.x + r.w - x_bar - 9;
  if (end - y < 5)
    return;
  grid_text(g, r.x + 1, y + 1, ROLE_STRONG, "Functions that took most");
  y += 2;
  for (size_t i = 0; i < m->n_sites && y < end; i++) {
    const struct model_site *s = &m->sites[i];
    if (s->is_call)
      continue;
    most_ns = most_ns ? most_ns : s->total_ns;
    int x = grid_print(g, r.x + 1, y, ROLE_RUN, "%s",
                       lt_task_kind_name(s->kind));
    x = (x < r.x + 9 ? r.x + 9 : x) + 1;
    grid_text_max(g, x, y, x_bar - x - 1, ROLE_TEXT,
                  model_site_name(m, s->site, name, sizeof name));
    for (int c = 0; c < (int)((double)s->total_ns / (double)most_ns * bar); c++)
      grid_put(g, x_bar + c, y, ROLE_RUN, U'━');
    grid_right(g, r.x + r.w - 1, y++, ROLE_DIM,
               format_duration(b, s->total_ns));
  }
}

static void draw_no_loop(struct app *app, struct rect r) {
  bool is_empty = app->model->info->n_events == 0;
  const char *const lines[] = {
      is_empty ? "0 events: it was recorded, but no loop turned."
               : "No loop was seen to run in this recording.",
      "Was it long enough? looptrace record --help tells",
      "of --duration and --delay; I, what was seen of libuv",
      "(one that is linked in statically is not)."};
  for (int i = 0; i < 4; i++)
    grid_text_max(&app->grid, r.x + 1, r.y + i, r.w - 2,
                  i ? ROLE_DIM : ROLE_TEXT, lines[i]);
}

static void draw_loops(struct app *app, struct rect rect) {
  if (rect.h < 3)
    return;
  struct rect r = grid_box(&app->grid, rect, "Loops");
  size_t n = app->model->n_loops;
  if (n == 0) {
    draw_no_loop(app, r);
    return;
  }
  int rows = r.h - 1 >= (int)n + 5 ? (int)n : r.h - 7;
  bool split = rows >= 1;
  rows = split ? rows : r.h - 1;
  grid_text(&app->grid, r.x, r.y, ROLE_DIM, loops_head);
  size_t first = layout_scroll(app->loop, n, rows);
  for (int i = 0; i < rows && first + (size_t)i < n; i++)
    draw_loop(app, r, r.y + 1 + i, first + (size_t)i);
  if (split)
    draw_most(app, r, draw_split(app, r, r.y + 2 + rows));
}

/* Worst stalls */

static size_t worst_row(const struct app *app) {
  for (size_t i = 0; i < app->model->n_stalls; i++)
    if (app->worst[i] == app->stall)
      return i;
  return 0;
}

static void draw_worst_row(struct app *app, struct rect r, int y, size_t row) {
  const struct model *m = app->model;
  const struct model_stall *s = &m->stalls[app->worst[row]];
  struct grid *g = &app->grid;
  char text[160];
  format_buf b;
  bool selected = app->worst[row] == app->stall;
  grid_put(g, r.x, y, stall_role(s), stall_mark(s));
  format_moment(b, m->end_ns, 1000000);
  int x = r.x + 2 + text_width(b), bar = r.w >= 50 ? 9 : 5;
  grid_right(g, x, y, ROLE_DIM, format_moment(b, s->begin_ns, 1000000));
  grid_right(g, x + 6, y, stall_role(s), format_duration(b, s->duration_ns));
  x += 7;
  bar_draw(g, x, y, bar, stall_role(s), s->duration_ns, app->longest_ns);
  x += bar + 1;
  stall_culprit(m, s, false, text, sizeof text);
  x = grid_text_max(g, x, y, r.x + r.w - x, ROLE_BLOCK, text) + 1;
  if (r.x + r.w - x >= 10)
    grid_text_max(g, x + 1, y, r.x + r.w - x - 1, ROLE_DIM,
                  stall_inside(m, s, text, sizeof text));
  app_hot(app, HOT_WORST, (struct rect){r.x, y, r.w, 1}, row);
  if (selected && !app->in_loops)
    grid_select(g, (struct rect){r.x, y, r.w, 1});
}

/* "3 this minute, 0.8 a minute before": is it worse than usual? */
static void draw_rate(struct app *app, struct rect r, int y) {
  const struct model *m = app->model;
  const int64_t minute_ns = INT64_C(60000000000);
  int64_t from_ns = m->end_ns - minute_ns;
  size_t n = 0;
  while (n < m->n_stalls && m->stalls[m->n_stalls - 1 - n].begin_ns >= from_ns)
    n++;
  int x = grid_print(&app->grid, r.x + 1, y, ROLE_DIM, "%zu this minute", n);
  if (from_ns >= minute_ns)
    grid_print(&app->grid, x, y, ROLE_DIM, ", %.1f a minute before",
               (double)(m->n_stalls - n) * (double)minute_ns / (double)from_ns);
}

static void draw_worst(struct app *app, struct rect rect) {
  if (rect.h < 3)
    return;
  char title[80];
  format_buf warn;
  snprintf(title, sizeof title, "%s stalls, of %s or more",
           follow_is_live(app) ? "Newest" : "Worst", format_duration(warn, MODEL_WARN_NS));
  struct rect r = grid_box(&app->grid, rect, title);
  size_t n = app->model->n_stalls, row = worst_row(app);
  if (n == 0) {
    if (app->model->n_loops)
      grid_text_max(&app->grid, r.x + 1, r.y, r.w - 2, ROLE_OK,
                    "✔ none: no loop was held for so long");
    return;
  }
  bool is_live = follow_is_live(app);
  int rows = is_live ? r.h - 1 : n > (size_t)r.h ? r.h - 1 : r.h;
  size_t first = layout_scroll(row, n, rows);
  for (int i = 0; i < rows && first + (size_t)i < n; i++)
    draw_worst_row(app, r, r.y + i, first + (size_t)i);
  int used = (int)n < rows ? (int)n : rows, left = r.h - used - 1;
  if (!is_live && left >= 6 && app->stall != NO_STALL) {
    int x = grid_text(&app->grid, r.x + 1, r.y + used + 1, ROLE_STRONG,
                      "The selected one");
    grid_text(&app->grid, x, r.y + used + 1, ROLE_DIM, "  Enter opens it");
    stall_draw_summary(
        &app->grid, (struct rect){r.x, r.y + used + 2, r.w, left - 1},
        app->model, &app->model->stalls[app->stall], app->shows_frames);
  }
  if (is_live) {
    draw_rate(app, r, r.y + rows);
  } else if (n > (size_t)r.h) {
    format_buf more;
    grid_print(&app->grid, r.x + 1, r.y + rows, ROLE_DIM,
               "… %s in all; 3 lists them", format_count(more, n));
  }
}

/* Histogram of callbacks */

static void draw_histogram(struct app *app, struct rect rect) {
  const struct model *m = app->model;
  const struct model_histogram *h = &m->callbacks;
  if (rect.h < 6)
    return;
  char title[120];
  format_buf n, a;
  snprintf(title, sizeof title, "Callback time, %s callbacks",
           format_count(n, h->n));
  if (h->n == 0 && app->loop < m->n_loops && m->loops[app->loop].is_unseen) {
    h = &m->loops[app->loop].turn;
    snprintf(title, sizeof title, "Time of %s's %s turns; callbacks not seen",
             m->loops[app->loop].name, format_count(n, h->n));
  }
  struct rect r = grid_box(&app->grid, rect, title);
  struct grid *g = &app->grid;
  if (h->n == 0) {
    grid_text_max(g, r.x + 1, r.y, r.w - 2, ROLE_DIM,
                  "No callback was recorded.");
    return;
  }
  struct histogram_plot p = {
      .plot = {r.x + 2, r.y + 1, r.w - 4, r.h - 2},
      .n_bins = histogram_bins(h->max_ns, 1000000000),
  };
  int x = grid_text(g, r.x + 1, r.y, ROLE_DIM, "count (log)");
  int budget = histogram_column(&p, MODEL_ERROR_NS);
  for (int y = 0; y < p.plot.h; y++)
    grid_put(g, budget, p.plot.y + y, ROLE_DIM, U'┊');
  histogram_draw(g, &p, h);
  grid_print(g, budget > x ? budget : x + 1, r.y, ROLE_DIM, "%s",
             format_duration(a, MODEL_ERROR_NS));
  histogram_axis(g, &p, r.x + r.w, r.y + r.h - 1);
}

static void title_of(struct app *app, const struct layout *layout, char *buf,
                     size_t size) {
  format_buf column, warn, error;
  int columns = layout->w - 16;
  if (app->model->end_ns <= 0)
    snprintf(buf, size, "nothing was recorded");
  else
    snprintf(buf, size,
             "whole run · 1 column = %s%s · ! over %s ‼ over %s",
             format_duration(column, app->model->end_ns / columns),
             layout->w >= 96 ? " · height = busiest 10ms in it" : "",
             format_duration(warn, MODEL_WARN_NS),
             format_duration(error, MODEL_ERROR_NS));
}

static void draw_live(struct app *app, const struct layout *layout) {
  char title[160];
  struct layout_overview panes;
  follow_rule(app, title, sizeof title);
  grid_rule(&app->grid, layout->rule, title);
  layout_overview(layout, app->model->n_loops, &panes);
  follow_draw_loops(app, panes.loops);
  draw_worst(app, panes.worst);
  struct rect lower = panes.histogram;
  lower.w += panes.findings.w;
  follow_draw_kinds(app, lower);
  app_note(app, layout,
           app->follow.is_held
               ? "Held: = or G goes on. The program runs meanwhile."
               : "F follows, = holds the picture. q leaves; the program runs "
                 "on.");
}

static void draw(struct app *app, const struct layout *layout) {
  char title[160];
  if (follow_is_live(app) && app->follow.recent) {
    draw_live(app, layout);
    return;
  }
  title_of(app, layout, title, sizeof title);
  grid_rule(&app->grid, layout->rule, title);
  if (app->shows_problem) {
    problem_draw(app, layout);
    return;
  }
  struct layout_overview panes;
  layout_overview(layout, app->model->n_loops, &panes);
  draw_loops(app, panes.loops);
  draw_worst(app, panes.worst);
  draw_histogram(app, panes.histogram);
  findings_draw(app, panes.findings);
  size_t n = app->model->n_stalls;
  if (n)
    app_note(app, layout,
             "%zu stall%s. Enter opens the selected one, e goes to the first, "
             "3 lists all.",
             n, n == 1 ? "" : "s");
}

/* Keys */

static bool key(struct app *app, enum action action) {
  struct model *m = app->model;
  if (app->shows_problem) {
    app->shows_problem = false;
    if (action == ACTION_ENTER)
      return true;
  }
  if (action == ACTION_LAST && app->path && !m->info->ended) {
    app->follow.is_on = true; /* the end of a file that grows is ahead */
    app->follow.is_held = false;
    return true;
  }
  size_t row = app->in_loops ? app->loop : worst_row(app);
  size_t n = app->in_loops ? m->n_loops : m->n_stalls;
  if (app_move(action, n, 6, &row)) {
    if (n && app->in_loops)
      app->loop = row;
    else if (n)
      app_select_stall(app, app->worst[row]);
    return true;
  }
  switch (action) {
  case ACTION_NEXT_PANE:
    app->in_loops = !app->in_loops;
    return true;
  case ACTION_NEXT_STALL:
  case ACTION_PREV_STALL:
    if (app_step_stall(app, action == ACTION_NEXT_STALL)) {
      lanes_show_stall(app, app->stall);
      app_go(app, SCREEN_LANES);
    }
    return true;
  case ACTION_ENTER:
    if (!app->in_loops && app->stall != NO_STALL) {
      app_select_stall(app, app->stall);
      app_go(app, SCREEN_DETAIL);
      return true;
    }
    /* fall through */
  case ACTION_TO_LANES:
    if (!app->in_loops && app->stall != NO_STALL)
      lanes_show_stall(app, app->stall);
    else if (app->loop < m->n_loops)
      app->lanes.current = (struct lane){.thread = m->loops[app->loop].thread,
                                         .loop = app->loop};
    app_go(app, SCREEN_LANES);
    return true;
  default:
    return false;
  }
}

const struct view view_overview = {"overview", AT_OVERVIEW, true, draw, key};
