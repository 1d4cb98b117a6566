/* Screen 2: what ran when, one lane for each kind of thing on each thread.
 *
 * Invariant: a cell that holds several things says so; nothing is left out
 * without a sign. Called by app.c. */
#include <string.h>

#include "model/source.h"
#include "tui/app.h"
#include "tui/format.h"
#include "tui/stall.h"

#define LABEL_W 16

struct plot {
  struct app *app;
  struct grid *g;
  const struct lane *lane;
  int x, y, w;
  int64_t from, to;
  int64_t until; /* what comes later is not known yet */
};

#define COLUMNS_MAX 1024
/* What a column holds: how many things, and the one that fills most of it. */
struct column {
  const struct model_span *most;
  int64_t covered_ns, most_ns;
  int n;
};
static struct column columns[COLUMNS_MAX]; /* of the lane that is being drawn */

static bool collect(void *context, const struct model_span *span) {
  const struct plot *p = context;
  if (span->begin_ns >= p->to || span->begin_ns > p->until)
    return false;
  if (span->end_ns <= p->from && span->end_ns > span->begin_ns)
    return true;
  int64_t span_end = span->end_ns < p->until ? span->end_ns : p->until;
  int first = axis_column(span->begin_ns, p->from, p->to, p->w);
  int last = axis_column(span_end - 1, p->from, p->to, p->w);
  first = first < 0 ? 0 : first;
  last = last < first ? first : last >= p->w ? p->w - 1 : last;
  double cell_ns = (double)(p->to - p->from) / p->w;
  for (int c = first; c <= last; c++) {
    int64_t begin = p->from + (int64_t)(c * cell_ns);
    int64_t end = p->from + (int64_t)((c + 1) * cell_ns);
    begin = span->begin_ns > begin ? span->begin_ns : begin;
    end = span->end_ns < end ? span->end_ns : end;
    int64_t covered = end > begin ? end - begin : 0;
    struct column *column = &columns[c];
    column->n++;
    column->covered_ns += covered;
    if (!column->most || covered > column->most_ns) {
      column->most = span;
      column->most_ns = covered;
    }
  }
  return true;
}

static enum role span_role(const struct plot *p, const struct model_span *s) {
  static const enum role roles[] = {
      [LANE_TURN] = ROLE_RUN,
      [LANE_CALLBACK] = ROLE_RUN,
      [LANE_BLOCKING] = ROLE_BLOCK,
      [LANE_POOL] = ROLE_POOL,
  };
  if (p->app->filter.n && p->lane->what != LANE_TURN &&
      !hits_span(p->app, &p->app->filter, s))
    return ROLE_DIM;
  const struct model_stall *stall =
      p->lane->what == LANE_TURN || p->lane->what == LANE_CALLBACK
          ? stall_find(p->app->model, p->app->longest_ns, s->thread,
                       s->begin_ns, s->end_ns)
          : NULL;
  return stall && stall_level(stall) != STALL_NOTE ? stall_role(stall)
                                                   : roles[p->lane->what];
}

static void span_text(const struct plot *p, const struct model_span *s,
                      char *buf, size_t size) {
  format_buf duration = "";
  char name[96];
  const struct model *m = p->app->model;
  if (s->begin_ns >= p->app->lanes.loaded_from &&
      (!span_is_unended(s) || p->until < INT64_MAX))
    format_duration(duration, (s->end_ns < p->until ? s->end_ns : p->until) -
                                  s->begin_ns);
  if (p->lane->what == LANE_TURN)
    snprintf(buf, size, "%s", duration);
  else if (p->lane->what == LANE_BLOCKING)
    snprintf(buf, size, "%s %s",
             model_callee_name(m, s->kind, name, sizeof name), duration);
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
  char32_t line = p->lane->what == LANE_TURN ? U'█' : U'━';
  for (int c = a; c <= b; c++)
    grid_put(p->g, p->x + c, p->y, role, line);
  if (line != U'█') {
    grid_put(p->g, p->x + a, p->y, role, U'[');
    grid_put(p->g, p->x + b, p->y, role, U']');
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

static void draw_columns(const struct plot *p) {
  double cell_ns = (double)(p->to - p->from) / p->w;
  for (int c = 0; c < p->w; c++) {
    const struct column *column = &columns[c];
    if (column->n == 0)
      continue;
    int last = c;
    while (last + 1 < p->w && columns[last + 1].most == column->most)
      last++;
    if (last > c) {
      draw_bar(p, column->most, c, last);
      c = last;
      continue;
    }
    bool full = (double)column->covered_ns >= cell_ns / 2;
    enum role role = span_role(p, column->most);
    if (column->n > 1)
      grid_put(p->g, p->x + c, p->y, role, U'▒');
    else
      grid_put(p->g, p->x + c, p->y, role, full ? U'█' : U'▌');
  }
}

/* Too many events for single things: the model's bins, as in the minimap. */
static void draw_coarse(const struct plot *p) {
  const struct model *m = p->app->model;
  const struct model_loop *loop = &m->loops[p->lane->loop];
  if (p->lane->what != LANE_TURN)
    return;
  for (int c = 0; c < p->w && m->end_ns > 0; c++) {
    double begin = (double)p->from + (double)(p->to - p->from) * c / p->w;
    if (begin > (double)p->until)
      return;
    double end = (double)p->from + (double)(p->to - p->from) * (c + 1) / p->w;
    int first = (int)(begin / (double)m->end_ns * MODEL_BINS);
    int last = (int)(end / (double)m->end_ns * MODEL_BINS);
    double most = 0;
    for (int i = first; i <= last && i < MODEL_BINS; i++)
      most = (double)loop->busy[i] > most ? (double)loop->busy[i] : most;
    const struct model_stall *s = stall_find(
        m, p->app->longest_ns, p->lane->thread, (int64_t)begin, (int64_t)end);
    int level = (int)(most * 8 + 0.99);
    if (level > 0)
      grid_put(p->g, p->x + c, p->y, s ? stall_role(s) : ROLE_RUN,
               U" ▁▂▃▄▅▆▇█"[level > 8 ? 8 : level]);
  }
}

static void draw_label(struct plot *p, bool current, bool is_last) {
  const struct app *app = p->app;
  const struct lane *lane = p->lane;
  char text[64];
  if (lane->what == LANE_TURN) {
    grid_put(p->g, 1, p->y, ROLE_DIM,
             app->lanes.folded[lane->loop] ? U'▸' : U'▾');
    int x = grid_text_max(p->g, 2, p->y, LABEL_W - 8, ROLE_STRONG,
                          app->model->loops[lane->loop].name);
    grid_text(p->g, x < 9 ? 9 : x + 1, p->y, ROLE_TEXT, "turn");
  } else if (lane->what == LANE_POOL) {
    const struct model_source *source = model_source(app->model);
    const lt_thread_def *thread = source->thread(source->context, lane->thread);
    if (thread)
      snprintf(text, sizeof text, "pool %d", (int)thread->tid);
    else
      snprintf(text, sizeof text, "pool %u", lane->thread);
    grid_text_max(p->g, 1, p->y, LABEL_W - 2, ROLE_TEXT, text);
  } else {
    grid_put(p->g, 2, p->y, ROLE_BORDER, is_last ? U'└' : U'├');
    grid_text(p->g, 4, p->y, ROLE_TEXT,
              lane->what == LANE_BLOCKING ? "blocking"
              : lane->depth == 0          ? "callback"
                                          : "nested");
  }
  grid_put(p->g, LABEL_W - 1, p->y, ROLE_BORDER, U'│');
  if (current) {
    grid_select(p->g, (struct rect){1, p->y, LABEL_W - 2, 1});
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

static void draw_rows(struct plot *p, const struct lane *lanes, size_t n,
                      size_t current, struct rect rows) {
  size_t first = layout_scroll(current, n, rows.h);
  grid_clip(p->g, rows);
  for (int i = 0; i < rows.h && first + (size_t)i < n; i++) {
    size_t at = first + (size_t)i;
    p->lane = &lanes[at];
    p->y = rows.y + i;
    draw_label(p, at == current,
               at + 1 == n || lanes[at + 1].loop != p->lane->loop ||
                   lanes[at + 1].what == LANE_POOL);
    app_hot(p->app, HOT_LANE, (struct rect){p->x, p->y, p->w, 1}, at);
    memset(columns, 0, (size_t)p->w * sizeof *columns);
    if (p->app->lanes.is_coarse) {
      draw_coarse(p);
    } else {
      lanes_each(p->app, p->lane, collect, p);
      draw_columns(p);
    }
  }
}

void lanes_draw(struct app *app, struct rect axis, struct rect rows,
                int64_t until_ns) {
  struct lane lanes[LANES_MAX];
  struct plot p = {.app = app,
                   .g = &app->grid,
                   .x = LABEL_W,
                   .w = rows.w - LABEL_W,
                   .from = app->lanes.from,
                   .to = app->lanes.to,
                   .until = until_ns};
  p.w = p.w > COLUMNS_MAX ? COLUMNS_MAX : p.w;
  grid_clip(p.g, axis);
  axis_draw(p.g, p.x, axis.y, p.w, p.from, p.to);
  axis_notes(app, p.x, axis.y, p.w, p.from, p.to);
  size_t n = lanes_list(app, lanes);
  size_t current = lanes_current(app, lanes, n);
  draw_rows(&p, lanes, n, current, rows);
  draw_cursor(
      &p, (struct rect){0, rows.y, rows.w, (int)n < rows.h ? (int)n : rows.h},
      axis.y);
}

static void draw(struct app *app, const struct layout *layout) {
  struct layout_lanes areas;
  struct lane lanes[LANES_MAX];
  struct grid *g = &app->grid;
  char title[200];
  format_buf a, b, c;
  layout_lanes(layout, &areas);
  if (app->model->end_ns <= 0) {
    grid_rule(g, layout->rule, "no time passed in this recording");
    return;
  }
  int64_t length = app->lanes.to - app->lanes.from;
  int64_t column_ns = length / (layout->w - LABEL_W);
  snprintf(title, sizeof title,
           "%s on screen · 1 column = %s · cursor %s · ▒ = several in one cell",
           format_duration(a, length), format_duration(b, column_ns),
           format_moment(c, app->cursor_ns, column_ns));
  grid_rule(g, layout->rule, title);
  lanes_draw(app, areas.axis, areas.rows, INT64_MAX);
  size_t n = lanes_list(app, lanes);
  size_t current = lanes_current(app, lanes, n);
  if (n)
    lanes_draw_under_cursor(app, &lanes[current], &areas);
  const struct note *note = notes_near(app, app->cursor_ns, column_ns);
  if (note)
    app_note(app, layout, "◆ %s", note->text);
  else if (n)
    app_note(app, layout, "lane %zu of %zu", current + 1, n);
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

static void open_stall(struct app *app, const struct lane *lane) {
  const struct model_span *s = lanes_under_cursor(app, lane);
  const struct model_stall *stall =
      s && lane->what != LANE_POOL
          ? stall_find(app->model, app->longest_ns, s->thread, s->begin_ns,
                       s->end_ns)
          : NULL;
  if (!stall) {
    app_say(app, "no stall here; e goes to the next one");
    return;
  }
  app_select_stall(app, (size_t)(stall - app->model->stalls));
  app_go(app, SCREEN_DETAIL);
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

static bool key(struct app *app, enum action action) {
  struct lane lanes[LANES_MAX];
  size_t n, current;
  if (key_window(app, action))
    return true;
  lanes_load(app);
  n = lanes_list(app, lanes);
  if (n == 0)
    return false;
  current = lanes_current(app, lanes, n);
  const struct lane *lane = &lanes[current];
  switch (action) {
  case ACTION_DOWN:
  case ACTION_UP:
    app_move(action, n, 2, &current);
    app->lanes.current = lanes[current];
    return true;
  case ACTION_FOLD:
    if (lane->what != LANE_POOL)
      app->lanes.folded[lane->loop] = !app->lanes.folded[lane->loop];
    return true;
  case ACTION_ZOOM_FIT:
    fit(app, lane);
    return true;
  case ACTION_ENTER:
    open_stall(app, lane);
    return true;
  case ACTION_NEXT_EVENT:
  case ACTION_PREV_EVENT:
    if (!lanes_step(app, lane, action == ACTION_NEXT_EVENT))
      app_say(app, "nothing %s within some windows of this length",
              action == ACTION_NEXT_EVENT ? "later" : "earlier");
    return true;
  default:
    return false;
  }
}

const struct view view_lanes = {"lanes", AT_LANES, true, draw, key};
