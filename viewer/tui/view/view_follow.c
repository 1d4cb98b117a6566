/* The Overview of a live picture: what the loops do of late, what is counted in
 * each second.
 *
 * Invariant: what is not known is not shown; a number stands for the last whole
 * second, or for as many of the last ten as there were.  Called by
 * view_overview.c. */
#include <string.h>

#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

void follow_rule(struct app *app, char *buf, size_t size) {
  const struct follow *f = &app->follow;
  format_buf n, lost;
  char grows[60] = "";
  if (f->bytes_per_s > 0)
    snprintf(grows, sizeof grows, " · file grows %.1f %s/s",
             f->bytes_per_s >= 1e5 ? f->bytes_per_s / 1e6
                                   : f->bytes_per_s / 1e3,
             f->bytes_per_s >= 1e5 ? "MB" : "kB");
  snprintf(buf, size, "%s%s · %s events/s · lost %s · = %s",
           f->is_held ? "HELD" : "FOLLOW", grows,
           format_count(n, f->recent->events[RECENT_SECONDS - 1]),
           format_count(lost, app->model->n_lost),
           f->is_held ? "goes on" : "holds the view");
}

/* One column a second; blank before the beginning, and before `first`. */
static void draw_seconds(struct app *app, int x, int y, enum role role,
                         const double *shares, unsigned first) {
  unsigned begin = RECENT_SECONDS - app->follow.recent->n_seconds;
  for (unsigned k = first > begin ? first : begin; k < RECENT_SECONDS; k++) {
    double share = shares[k] < 0 ? 0 : shares[k] > 1 ? 1 : shares[k];
    int eighths = share > 0 ? 1 + (int)(share * 6.999) : 0;
    grid_put(&app->grid, x + (int)k, y, role,
             share >= 1 ? U'█' : U" ▁▂▃▄▅▆▇█"[eighths]);
  }
}

static void draw_now(struct app *app, int x, int y, int w,
                     const struct recent_loop *loop) {
  char text[200], name[160];
  format_buf since;
  enum role role = loop->now == LT_POLL_BEGIN ? ROLE_WAIT : ROLE_RUN;
  bool is_between = loop->now == 0 && loop->left_ns > 0;
  format_duration(since, app->follow.recent->to_ns - 1 -
                             (is_between ? loop->left_ns : loop->now_begin_ns));
  if (is_between)
    snprintf(text, sizeof text, "%s between two runs", since);
  else if (loop->now == 0)
    snprintf(text, sizeof text, "not running");
  else if (loop->now == LT_POLL_BEGIN)
    snprintf(text, sizeof text, "poll");
  else if (loop->now == LT_RESUME)
    snprintf(text, sizeof text, "%s %s", since,
             model_site_short(app->model, loop->now_site, name, sizeof name));
  else
    snprintf(text, sizeof text, "%s in a turn", since);
  grid_text_max(&app->grid, x, y, w, role, text);
}

static void draw_loop(struct app *app, struct rect r, int y, size_t i) {
  const struct recent_loop *loop = &app->follow.recent->loops[i];
  struct grid *g = &app->grid;
  format_buf b;
  bool selected = i == app->loop;
  if (selected)
    grid_put(g, r.x, y, app->in_loops ? ROLE_KEY : ROLE_DIM, U'>');
  grid_name(g, r.x + 2, y, 8, ROLE_TEXT, app->model->loops[i].name);
  grid_right(g, r.x + 14, y, ROLE_TEXT,
             format_share(b,
                          (int64_t)(recent_busy(app->follow.recent, i) * 1e6),
                          1000000));
  grid_right(g, r.x + 21, y, ROLE_TEXT, format_count(b, loop->turns));
  if (loop->turn.n) {
    grid_right(g, r.x + 28, y, ROLE_TEXT,
               format_duration(b, model_histogram_percentile(&loop->turn, 50)));
    grid_right(g, r.x + 35, y, ROLE_TEXT,
               format_duration(b, model_histogram_percentile(&loop->turn, 99)));
    grid_right(g, r.x + 42, y,
               loop->turn.max_ns >= MODEL_ERROR_NS  ? ROLE_ERROR
               : loop->turn.max_ns >= MODEL_WARN_NS ? ROLE_WARN
                                                    : ROLE_TEXT,
               format_duration(b, loop->turn.max_ns));
  }
  draw_now(app, r.x + 44, y, r.w - 44, loop);
  app_hot(app, HOT_LOOP, (struct rect){r.x, y, r.w, 1}, i);
  if (selected && app->in_loops)
    grid_select(g, (struct rect){r.x, y, r.w, 1});
}

static void draw_busy(struct app *app, struct rect r, int y, size_t i) {
  const struct recent_loop *loop = &app->follow.recent->loops[i];
  double shares[RECENT_SECONDS];
  for (int k = 0; k < RECENT_SECONDS; k++)
    shares[k] = (double)loop->busy_ns[k] / 1e9;
  grid_name(&app->grid, r.x + 2, y, 9, ROLE_TEXT, app->model->loops[i].name);
  draw_seconds(app, r.x + 12, y, ROLE_RUN, shares, 0);
}

/* The loops that have room, each with its row of seconds below where all have
 * it. */
void follow_draw_loops(struct app *app, struct rect rect) {
  char title[80];
  format_buf all;
  const struct recent *recent = app->follow.recent;
  size_t n = recent->n_loops;
  if (rect.h < 3)
    return;
  snprintf(title, sizeof title, "Loops, last %s",
           recent->from_ns >= 0 ? "10s" : format_duration(all, recent->to_ns));
  struct rect r = grid_box(&app->grid, rect, title);
  if (n == 0) {
    grid_text_max(&app->grid, r.x + 1, r.y, r.w - 2, ROLE_TEXT,
                  "No loop was seen to run until now.");
    return;
  }
  bool has_seconds = (size_t)r.h >= 2 * n + 3;
  int rows = has_seconds || n < (size_t)r.h ? (int)n : r.h - 1;
  rows = rows < r.h - 1 ? rows : r.h - 1;
  grid_text(&app->grid, r.x, r.y, ROLE_DIM,
            "  loop    busy  turns    p50    p99    max  now");
  size_t first = layout_scroll(app->loop, n, rows);
  for (int i = 0; i < rows && first + (size_t)i < n; i++)
    draw_loop(app, r, r.y + 1 + i, first + (size_t)i);
  if (!has_seconds)
    return;
  grid_text(&app->grid, r.x + 1, r.y + rows + 2, ROLE_DIM,
            "busy, 1s per column");
  for (int i = 0; i < rows; i++)
    draw_busy(app, r, r.y + rows + 3 + i, (size_t)i);
}

static void draw_kind(struct app *app, int x, int y, const char *name,
                      enum recent_kind kind) {
  const struct recent *recent = app->follow.recent;
  const uint64_t *counts = recent->kinds[kind];
  double shares[RECENT_SECONDS];
  uint64_t most = 1, last = counts[RECENT_SECONDS - 1];
  format_buf n;
  for (int k = 0; k < RECENT_SECONDS; k++)
    most = counts[k] > most ? counts[k] : most;
  for (int k = 0; k < RECENT_SECONDS; k++)
    shares[k] = (double)counts[k] / (double)most;
  grid_text(&app->grid, x, y, ROLE_TEXT, name);
  draw_seconds(app, x + 16, y, kind == RECENT_CALLS ? ROLE_BLOCK : ROLE_RUN,
               shares, kind == RECENT_SOCKETS ? recent->first_sockets : 0);
  if (kind == RECENT_SOCKETS && !recent->has_sockets) {
    grid_text(&app->grid, x + 26, y, ROLE_DIM, "none seen");
    return;
  }
  grid_right(&app->grid, x + 35, y, ROLE_STRONG, format_count(n, last));
  if (kind != RECENT_LIVE && kind != RECENT_SOCKETS)
    grid_text(&app->grid, x + 35, y, ROLE_DIM, "/s");
  else if (app->model->n_lost)
    grid_text(&app->grid, x + 36, y, ROLE_DIM, "or so");
  else if (kind == RECENT_LIVE && recent_is_growing(recent))
    grid_text(&app->grid, x + 36, y, ROLE_WARN, "growing");
}

void follow_draw_kinds(struct app *app, struct rect rect) {
  static const char *const names[] = {
#define NAME(id, name) name,
      RECENT_MAP(NAME)
#undef NAME
  };
  if (rect.h < 4)
    return;
  struct rect r =
      grid_box(&app->grid, rect, "Events per second by kind, 1s per column");
  int rows = (RECENT_KINDS + 1) / 2;
  for (int i = 0; i < RECENT_KINDS; i++)
    draw_kind(app, r.x + 1 + (i / rows) * (r.w / 2), r.y + i % rows, names[i],
              (enum recent_kind)i);
}
