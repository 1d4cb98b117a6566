/* One lane as it is drawn: bars with names, numbers, heights.
 *
 * Invariant: a cell that holds several things says so; what is not known is
 * left blank.  Called by lanes_draw.c. */
#include <string.h>

#include "tui/lanes/lanes_plot.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

static enum role stall_or(const struct plot *p, uint32_t thread,
                          int64_t begin_ns, int64_t end_ns, enum role role) {
  const struct model_stall *stall = stall_find(
      p->app->model, p->app->longest_ns, thread, begin_ns, end_ns);
  return stall && stall_level(stall) != STALL_NOTE ? stall_role(stall) : role;
}

static enum role span_role(const struct plot *p, const struct model_span *s) {
  static const enum role roles[LANE_WHAT_COUNT] = {
      [LANE_TURN] = ROLE_RUN,     [LANE_CALLBACK] = ROLE_RUN,
      [LANE_CALLS] = ROLE_DIM,    [LANE_SEEN] = ROLE_DIM,
      [LANE_BLOCKING] = ROLE_BLOCK,
      [LANE_WORKER] = ROLE_POOL,  [LANE_TASK] = ROLE_RUN,
      [LANE_HANDLE] = ROLE_RUN,   [LANE_FD] = ROLE_BLOCK};
  enum lane_what what = p->lane->what;
  if (p->app->filter.n && what != LANE_TURN &&
      !hits_span(p->app, &p->app->filter, s))
    return ROLE_DIM;
  return what == LANE_TURN || what == LANE_CALLBACK || what == LANE_TASK
             ? stall_or(p, s->thread, s->begin_ns, s->end_ns, roles[what])
             : roles[what];
}

/* "encode → write_all → flush" */
static void called_text(const struct plot *p, const struct model_span *s,
                        char *buf, size_t size) {
  uint32_t sites[6];
  char name[96];
  const struct model *m = p->app->model;
  size_t n = model_stack_called(m, s->kind, sites, 6), used = 0;
  buf[0] = '\0';
  for (size_t i = 0; i < n && used < size; i++)
    used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? " → " : "",
                             model_site_short(m, sites[i], name, sizeof name));
}

static void span_text(const struct plot *p, const struct model_span *s,
                      char *buf, size_t size) {
  format_buf duration = "";
  char name[96];
  const struct model *m = p->app->model;
  const struct window *w = p->app->lanes.near;
  if (w && s->begin_ns >= w->from &&
      (!span_is_unended(s) || p->until < INT64_MAX))
    format_duration(duration, (s->end_ns < p->until ? s->end_ns : p->until) -
                                  s->begin_ns);
  const struct model_stall *stall =
      p->lane->what == LANE_TURN
          ? stall_find(m, p->app->longest_ns, s->thread, s->begin_ns, s->end_ns)
          : NULL;
  if (stall && stall->turn) /* others are not counted while they are read */
    snprintf(buf, size, "turn %llu %s", (unsigned long long)stall->turn,
             duration);
  else if (p->lane->what == LANE_TURN)
    snprintf(buf, size, "%s", duration);
  else if (s->what == WINDOW_CALLED)
    called_text(p, s, buf, size);
  else if (s->what == WINDOW_SEEN && s->site)
    snprintf(buf, size, "%s",
             model_site_short(m, s->site, name, sizeof name));
  else if (s->what == LT_CALL || (s->what == WINDOW_SEEN && s->kind))
    snprintf(buf, size, "%s %s",
             model_callee_name(m, s->kind, name, sizeof name),
             s->what == LT_CALL ? duration : "");
  else if (s->what == WINDOW_SEEN)
    snprintf(buf, size, "%s", model_state_word((char)s->depth));
  else if (s->site)
    snprintf(buf, size, "%s %s",
             model_site_short(m, s->site, name, sizeof name), duration);
  else
    snprintf(buf, size, "%s %s", lt_task_kind_name(s->kind), duration);
}

/* One thing over columns a..b. */
static void draw_bar(const struct plot *p, const struct model_span *s, int a,
                     int b) {
  enum role role = span_role(p, s);
  bool is_seen = s->what == WINDOW_SEEN || s->what == WINDOW_CALLED;
  char32_t line = p->lane->what == LANE_TURN ? U'█' : is_seen ? U'┄' : U'━';
  for (int c = a; c <= b; c++)
    grid_put(p->g, p->x + c, p->y, role, line);
  if (line != U'█') {
    grid_put(p->g, p->x + a, p->y, role, is_seen ? U'(' : U'[');
    grid_put(p->g, p->x + b, p->y, role, is_seen ? U')' : U']');
  }
  if (s->begin_ns < p->from)
    grid_put(p->g, p->x + a, p->y, role, U'◀');
  if (p->until == INT64_MAX && (s->end_ns > p->to || span_is_unended(s)))
    grid_put(p->g, p->x + b, p->y, role, U'▶');
  char text[160];
  span_text(p, s, text, sizeof text);
  int room = b - a - 1, x = p->x + a + 1;
  if (line == U'█') { /* a blank on both sides */
    if (!*text || room < text_width(text) + 4)
      return;
    grid_put(p->g, x + 1, p->y, role, U' ');
    x = grid_text(p->g, x + 2, p->y, role, text);
    grid_put(p->g, x, p->y, role, U' ');
  } else if (room >= 4) {
    int width = text_width(text);
    x = grid_text_max(p->g, x, p->y, room, role, text);
    if (width < room)
      grid_put(p->g, x, p->y, role, U' ');
  }
}

static char32_t height_of(int64_t part, int64_t whole) {
  int level = whole > 0 ? (int)((double)part / (double)whole * 8 + 0.99) : 0;
  return U" ▁▂▃▄▅▆▇█"[level > 8 ? 8 : level < 0 ? 0 : level];
}

/* A column that is known in bins only. */
static void draw_binned(const struct plot *p, const struct column *column,
                        int c) {
  int64_t begin = plot_time(p, c), end = plot_time(p, c + 1);
  enum lane_what what = p->lane->what;
  enum role role = what == LANE_BLOCKING ? ROLE_BLOCK
                   : what == LANE_WORKER ? ROLE_POOL
                   : what == LANE_SEEN || what == LANE_CALLS ? ROLE_DIM
                                         : ROLE_RUN;
  if (column->is_rough)
    role = ROLE_DIM;
  if (what == LANE_TURN || what == LANE_CALLBACK)
    role = stall_or(p, p->lane->thread, begin, end, role);
  char32_t ch = what == LANE_TURN ? height_of(column->covered_ns, end - begin)
                : column->n > 1   ? U'▒'
                : column->covered_ns * 2 >= end - begin ? U'█'
                                                        : U'▌';
  if (what != LANE_TURN && column->n == 0)
    ch = U'━';
  grid_put(p->g, p->x + c, p->y, role, ch);
}

void plot_bars(const struct plot *p, const struct column *columns) {
  for (int c = 0; c < p->w; c++) {
    const struct column *column = &columns[c];
    if (column->n == 0 && column->covered_ns == 0)
      continue;
    if (!column->most) {
      draw_binned(p, column, c);
      continue;
    }
    int last = c;
    while (last + 1 < p->w && columns[last + 1].most == column->most)
      last++;
    if (last > c) {
      draw_bar(p, column->most, c, last);
      c = last;
      continue;
    }
    int64_t cell_ns = plot_time(p, c + 1) - plot_time(p, c);
    enum role role = span_role(p, column->most);
    if (p->lane->what == LANE_SEEN || p->lane->what == LANE_CALLS)
      grid_put(p->g, p->x + c, p->y, role, U'┊');
    else if (column->n > 1)
      grid_put(p->g, p->x + c, p->y, role, U'▒');
    else
      grid_put(p->g, p->x + c, p->y, role,
               column->covered_ns >= cell_ns / 2 ? U'█' : U'▌');
  }
}

/* The largest number of so many columns as it takes to write it. */
void plot_numbers(const struct plot *p, const struct column *columns) {
  for (int c = 0; c < p->w;) {
    uint32_t most = columns[c].n;
    char text[16];
    int width = 0, n = 1;
    for (; n < width + 1 || n < 2; n++) {
      if (c + n < p->w && columns[c + n].n > most)
        most = columns[c + n].n;
      width = snprintf(text, sizeof text, "%u", most);
    }
    width = snprintf(text, sizeof text, "%u", most);
    if (!columns[c].is_known || plot_time(p, c) > p->until)
      ;
    else if (most == 0)
      grid_put(p->g, p->x + c, p->y, ROLE_DIM, U'·');
    else if (c + width <= p->w)
      grid_text(p->g, p->x + c, p->y,
                most >= 10 ? ROLE_WARN : ROLE_TEXT, text);
    c += n > width + 1 ? n : width + 1;
  }
}

void plot_lateness(const struct plot *p, const struct column *columns) {
  for (int c = 0; c < p->w; c++) {
    int64_t late = columns[c].longest_ns;
    enum role role = late >= MODEL_ERROR_NS  ? ROLE_ERROR
                     : late >= MODEL_WARN_NS ? ROLE_WARN
                                             : ROLE_TEXT;
    if (late > 0)
      grid_put(p->g, p->x + c, p->y, role, height_of(late, MODEL_ERROR_NS));
  }
}

/* Tasks and handles: each is in one state at a time. */

static char32_t state_char(const struct plot *p, const struct column *column,
                           int c) {
  int64_t cell_ns = plot_time(p, c + 1) - plot_time(p, c);
  const struct model_span *s = column->most;
  switch (s->what) {
  case LT_RESUME:
    return column->n > 3 ? U'▒'
           : s->end_ns - s->begin_ns >= cell_ns / 2 ? U'█'
                                                    : U'▌';
  case LT_READY:
    return U'·';
  case LT_AWAIT:
    return p->lane->what == LANE_HANDLE ? U'─' : U'═';
  default:
    return U'●';
  }
}

static void write_in(const struct plot *p, enum role role, int a, int b,
                     const char *text) {
  int width = text_width(text);
  if (b - a + 1 < width + 6)
    return;
  grid_put(p->g, p->x + a + 2, p->y, role, U' ');
  int x = grid_text(p->g, p->x + a + 3, p->y, role, text);
  grid_put(p->g, x, p->y, role, U' ');
}

static void draw_state(const struct plot *p, const struct column *columns,
                       int a, int b) {
  const struct model_span *s = columns[a].most;
  enum role role = s->what == LT_RESUME  ? span_role(p, s)
                   : s->what == LT_AWAIT ? ROLE_WAIT
                   : s->what == LT_READY ? ROLE_TEXT
                                         : ROLE_STRONG;
  char text[160] = "";
  for (int c = a; c <= b; c++)
    grid_put(p->g, p->x + c, p->y, role, state_char(p, &columns[c], c));
  if (s->begin_ns < p->from)
    grid_put(p->g, p->x + a, p->y, role, U'◀');
  if (p->until == INT64_MAX && (s->end_ns > p->to || span_is_unended(s)))
    grid_put(p->g, p->x + b, p->y, role, U'▶');
  uint64_t awaits = s->depth | (uint64_t)s->loop_depth << 32;
  if (s->what == LT_RESUME)
    span_text(p, s, text, sizeof text);
  else if (s->what == LT_AWAIT && awaits)
    snprintf(text, sizeof text, "await #%llu", (unsigned long long)awaits);
  else if (s->what == LT_AWAIT && p->lane->what == LANE_TASK)
    snprintf(text, sizeof text, "waits");
  if (*text)
    write_in(p, role, a, b, text);
}

/* Running shows, however short: of a column that has a run, the run. */
void plot_life(const struct plot *p, const struct column *columns) {
  const struct track *t = p->app->lanes.near
                              ? lane_track(p->app, p->app->lanes.near, p->lane)
                              : NULL;
  for (int c = 0; c < p->w; c++) {
    int last = c;
    if (!columns[c].most)
      continue;
    while (last + 1 < p->w && columns[last + 1].most == columns[c].most)
      last++;
    draw_state(p, columns, c, last);
    c = last;
  }
  for (size_t i = t ? track_first(t, p->from) : 0; t && i < t->n; i++) {
    const struct model_span *s = &t->spans[i];
    int c = axis_column(s->begin_ns, p->from, p->to, p->w);
    if (s->begin_ns >= p->to || s->begin_ns > p->until)
      break;
    if (c < 0 || c >= p->w)
      continue;
    if (s->what == LT_SPAWN)
      grid_put(p->g, p->x + c, p->y, ROLE_STRONG, U'●');
    else if (s->what == LT_RESUME && columns[c].most != s)
      grid_put(p->g, p->x + c, p->y, span_role(p, s),
               columns[c].n > 3 ? U'▒' : U'▌');
  }
}

/* Losses */

static bool is_blank(const struct plot *p, int from, int n) {
  for (int c = from; c < from + n; c++) {
    const struct cell *cell = grid_at(p->g, p->x + c, p->y);
    if (c < 0 || c >= p->w || !cell || cell->ch != U' ')
      return false;
  }
  return true;
}

static void draw_loss(const struct plot *p, const struct window_loss *loss,
                      uint64_t bit) {
  int a = axis_column(loss->from_ns, p->from, p->to, p->w);
  int b = axis_column(loss->to_ns, p->from, p->to, p->w);
  char text[64];
  format_buf n;
  a = a < 0 ? 0 : a;
  b = b >= p->w ? p->w - 1 : b;
  if (b < 0 || a >= p->w || loss->from_ns > p->until)
    return;
  for (int c = a; c <= b; c++)
    grid_put(p->g, p->x + c, p->y, ROLE_WARN, U'▒');
  if (p->lane->what == LANE_TURN)
    *p->unnamed |= bit;
  if (!(*p->unnamed & bit))
    return;
  snprintf(text, sizeof text, "lost %s", format_count(n, loss->n));
  int width = text_width(text);
  int x = b - a + 1 >= width + 4            ? a + 1
          : is_blank(p, b + 1, width + 2)   ? b + 1
          : is_blank(p, a - width - 2, width + 2) ? a - width - 2
                                                  : -1;
  if (x < 0)
    return; /* a lane below may have room */
  *p->unnamed &= ~bit;
  grid_put(p->g, p->x + x, p->y, ROLE_WARN, U' ');
  x = grid_text(p->g, p->x + x + 1, p->y, ROLE_WARN, text);
  grid_put(p->g, x, p->y, ROLE_WARN, U' ');
}

void plot_losses(const struct plot *p) {
  const struct lanes *lanes = &p->app->lanes;
  const struct window *w = lanes->near && lanes->near->from <= p->from &&
                                   lanes->near->to >= p->to
                               ? lanes->near
                               : lanes->whole;
  for (size_t i = 0; w && i < w->n_losses; i++)
    if (w->losses[i].thread == p->lane->thread ||
        w->losses[i].thread == UINT32_MAX)
      draw_loss(p, &w->losses[i], i < 64 ? UINT64_C(1) << i : 0);
}
