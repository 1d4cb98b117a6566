/* The minimap: always the whole trace, on every screen with tabs.
 *
 * Invariant: a column shows the busiest stretch of at most 10 ms in it, never a
 * mean over the column, so one stall in an hour is still as high as it was.
 * Called by app.c. */
#include <math.h>
#include <string.h>

#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

#define NAME_W 10
#define SHARE_W 6
#define STRETCH_NS 10000000

struct map {
  struct app *app;
  const struct model *model; /* whose map it is */
  struct grid *grid;
  int x, w; /* of the columns */
  int64_t end_ns;
};

int axis_column(int64_t ns, int64_t from, int64_t to, int w) {
  if (to <= from)
    return 0;
  double at = (double)(ns - from) / (double)(to - from) * w;
  return at < -1 ? -1 : at > w + 1 ? w + 1 : (int)floor(at);
}

/* The smallest of 1, 2, 5 times a power of ten (and of whole minutes and hours)
 * that gives at most n ticks. */
static int64_t tick_step(int64_t span_ns, int n) {
  static const int64_t longer[] = {60, 120, 300, 600, 1800, 3600, 7200, 21600};
  n = n < 1 ? 1 : n;
  for (int64_t unit = 1; unit <= 10 * INT64_C(1000000000); unit *= 10)
    for (int64_t k = 1; k <= 5; k += k == 1 ? 1 : 3)
      if (unit * k <= 30 * INT64_C(1000000000) && span_ns / (unit * k) < n)
        return unit * k;
  for (size_t i = 0; i < sizeof longer / sizeof *longer; i++)
    if (span_ns / (longer[i] * 1000000000) < n)
      return longer[i] * 1000000000;
  return span_ns;
}

void axis_draw(struct grid *grid, int x, int y, int w, int64_t from,
               int64_t to) {
  if (to <= from)
    return;
  int64_t step = tick_step(to - from, w / 12);
  int free_from = 0;
  if (step <= 0)
    return;
  for (int64_t t = (from + step - 1) / step * step; t < to; t += step) {
    format_buf text;
    int column = axis_column(t, from, to, w);
    format_moment(text, t, step);
    int width = text_width(text) + 1;
    if (column < free_from || column + width > w)
      continue;
    grid_put(grid, x + column, y, ROLE_DIM, U'╷');
    grid_text(grid, x + column + 1, y, ROLE_DIM, text);
    free_from = column + width + 1;
  }
}

void axis_mark(struct grid *grid, int x, int y, char32_t ch) {
  struct cell *cell = grid_at(grid, x, y);
  for (int left = x; cell && cell->ch != U' '; cell = grid_at(grid, --left, y))
    grid_put(grid, left, y, ROLE_TEXT, U' ');
  cell = grid_at(grid, x + 1, y);
  for (int right = x + 1; cell && cell->ch != U' ';
       cell = grid_at(grid, ++right, y))
    grid_put(grid, right, y, ROLE_TEXT, U' ');
  grid_put(grid, x, y, ROLE_CURSOR, ch);
}

void axis_notes(struct app *app, int x, int y, int w, int64_t from,
                int64_t to) {
  for (size_t i = 0; i < app->notes.n; i++) {
    int c = axis_column(app->notes.all[i].at_ns, from, to, w);
    if (c >= 0 && c < w)
      axis_mark(&app->grid, x + c, y, U'◆');
  }
  for (int i = 0; i < 26; i++) {
    int c = axis_column(app->marks[i], from, to, w);
    if (app->marks[i] >= 0 && c >= 0 && c < w)
      axis_mark(&app->grid, x + c, y, U'a' + (char32_t)i);
  }
}

/* First and last bin that a column touches. */
static void bins_of(const struct map *map, int column, int *first, int *last) {
  *first = (int)((int64_t)column * MODEL_BINS / map->w);
  *last = (int)(((int64_t)(column + 1) * MODEL_BINS - 1) / map->w);
  if (*last >= MODEL_BINS)
    *last = MODEL_BINS - 1;
}

/* Busiest stretch of 10 ms (or the whole column where that is shorter). */
static double column_busy(const struct map *map, const struct model_loop *loop,
                          int column) {
  int first, last;
  bins_of(map, column, &first, &last);
  double bin_ns = (double)map->end_ns / MODEL_BINS;
  int n = bin_ns > 0 ? (int)ceil(STRETCH_NS / bin_ns) : 1;
  n = n > last - first + 1 ? last - first + 1 : n < 1 ? 1 : n;
  double sum = 0, most = 0;
  /* Shares come at the end; until then these are times. */
  double unit =
      map->app->is_loading ? (double)model_progress(map->model).bin_ns : 1;
  for (int i = first; i <= last; i++) {
    sum += (double)loop->busy[i] / unit;
    if (i - first >= n)
      sum -= (double)loop->busy[i - n] / unit;
    if (i - first + 1 >= n && sum / n > most)
      most = sum / n;
  }
  return most > 1 ? 1 : most;
}

/* Per column: the worst level of the stalls in it, and whether one begins
 * there. */
struct mark {
  bool any, begins;
  enum stall_level level;
};
#define COLUMNS_MAX 1024
static struct mark marks[COLUMNS_MAX]; /* of the row that is being drawn */

static void make_marks(const struct map *map, size_t first_loop,
                       size_t last_loop) {
  const struct model *m = map->model;
  memset(marks, 0, sizeof marks);
  for (size_t i = 0; i < m->n_stalls; i++) {
    const struct model_stall *s = &m->stalls[i];
    if (s->loop < first_loop || s->loop > last_loop)
      continue;
    int first = axis_column(s->begin_ns, 0, map->end_ns, map->w);
    int last =
        axis_column(s->begin_ns + s->duration_ns - 1, 0, map->end_ns, map->w);
    enum stall_level level = stall_level(s);
    for (int c = first < 0 ? 0 : first; c <= last && c < map->w; c++) {
      if (!marks[c].any || level > marks[c].level)
        marks[c].level = level;
      marks[c].any = true;
      marks[c].begins |= c == first;
    }
  }
}

static void draw_height(const struct map *map, int column, int y, double busy,
                        struct mark mark) {
  int level = (int)ceil(busy * 8 - 1e-6);
  if (level <= 0)
    return;
  enum role role = (enum role)(ROLE_HEAT0 + (level - 1) * 5 / 8);
  if (mark.any && mark.level != STALL_NOTE)
    role = mark.level == STALL_ERROR ? ROLE_ERROR : ROLE_WARN;
  grid_put(map->grid, map->x + column, y, role, U" ▁▂▃▄▅▆▇█"[level]);
}

static void draw_stalls(const struct map *map, int y) {
  format_buf n;
  grid_text(map->grid, 1, y, ROLE_DIM, "stalls");
  make_marks(map, 0, SIZE_MAX);
  for (int c = 0; c < map->w; c++) {
    struct mark mark = marks[c];
    enum role role = mark.level == STALL_ERROR  ? ROLE_ERROR
                     : mark.level == STALL_WARN ? ROLE_WARN
                                                : ROLE_DIM;
    char32_t ch = !mark.any ? U'·' : !mark.begins ? U'─' : U"~!‼"[mark.level];
    grid_put(map->grid, map->x + c, y, mark.any ? role : ROLE_DIM, ch);
  }
  if (!map->model->info->ended && !follow_is_live(map->app))
    grid_put(map->grid, map->x + map->w - 1, y, ROLE_ERROR, U'╳');
  grid_right(map->grid, map->x + map->w + SHARE_W - 1, y, ROLE_DIM,
             format_count(n, map->model->n_stalls));
}

static void name_loops(const struct map *map, int y, size_t first,
                       size_t last) {
  char name[48];
  if (first == last)
    snprintf(name, sizeof name, "%s", map->model->loops[first].name);
  else
    snprintf(name, sizeof name, "%zu loops", last - first + 1);
  grid_name(map->grid, 1, y, NAME_W - 2, ROLE_TEXT, name);
}

/* One row for loops first..last together: the highest of them. */
static void draw_loops(const struct map *map, int y, size_t first,
                       size_t last) {
  const struct model *m = map->model;
  int64_t busy = 0, whole = 0;
  make_marks(map, first, last);
  for (int c = 0; c < map->w; c++) {
    double most = 0;
    for (size_t i = first; i <= last; i++) {
      double b = column_busy(map, &m->loops[i], c);
      most = b > most ? b : most;
    }
    draw_height(map, c, y, most, marks[c]);
  }
  for (size_t i = first; i <= last; i++) {
    busy += m->loops[i].busy_ns;
    whole += m->loops[i].busy_ns + m->loops[i].poll_ns;
  }
  format_buf share;
  grid_right(map->grid, map->x + map->w + SHARE_W - 1, y, ROLE_TEXT,
             format_share(share, busy, whole));
}

/* The part of the whole that a screen is about: the window of the lanes, what
 * the replay repeats, the seconds that a live picture tells of. */
struct stretch {
  int64_t from, to;
  char32_t left, line, right;
  const char *name; /* or NULL */
};

static bool stretch_of(const struct app *app, int64_t end_ns,
                       struct stretch *s) {
  const struct lanes *lanes = &app->lanes;
  const struct replay *replay = &app->replay;
  enum screen_id screen = app_screen(app);
  *s = (struct stretch){lanes->from, lanes->to, U'└', U'─', U'┘', NULL};
  if (screen == SCREEN_LANES)
    return lanes->from > 0 || lanes->to < end_ns;
  if (screen == SCREEN_REPLAY) {
    *s = (struct stretch){replay->a_ns, replay->b_ns, U'A', U'═', U'B', NULL};
    return replay->a_ns >= 0 && replay->b_ns > replay->a_ns;
  }
  if (screen != SCREEN_OVERVIEW || !follow_is_live(app) || !app->follow.recent)
    return false;
  s->from = app->follow.recent->from_ns;
  s->to = end_ns;
  s->name = "last 10s";
  return s->from > 0;
}

/* Words on the axis: times that they would hit go. */
static void put_words(const struct map *map, int column, int y, enum role role,
                      const char *text) {
  int end = column + text_width(text) - 1;
  if (column < 0 || end >= map->w)
    return;
  axis_mark(map->grid, map->x + column - (column > 0), y, U' ');
  axis_mark(map->grid, map->x + end, y, U' ');
  grid_field(map->grid, map->x + column, y, end - column + 1, role, text);
}

static void draw_stretch(const struct map *map, int y,
                         const struct stretch *s) {
  int a = axis_column(s->from, 0, map->end_ns, map->w);
  int b = axis_column(s->to - 1, 0, map->end_ns, map->w);
  axis_mark(map->grid, map->x + a, y, U'▲');
  axis_mark(map->grid, map->x + b, y, U'▲');
  for (int c = a; c <= b && a < b; c++)
    grid_put(map->grid, map->x + c, y, ROLE_CURSOR,
             c == a   ? s->left
             : c == b ? s->right
                      : s->line);
  if (s->name)
    put_words(map, a - text_width(s->name) - 1, y, ROLE_DIM, s->name);
}

/* No mark stands there, and nothing that is lost. */
static bool is_free(const struct map *map, int y, int from, int to) {
  for (int c = from; c < to; c++) {
    const struct cell *cell = grid_at(map->grid, map->x + c, y);
    if (!cell || c < 0 || c >= map->w || cell->role == ROLE_CURSOR ||
        cell->role == ROLE_WARN)
      return false;
  }
  return true;
}

static bool put_words_if_free(const struct map *map, int column, int y,
                              enum role role, const char *text) {
  bool fits = is_free(map, y, column, column + text_width(text));
  if (fits)
    put_words(map, column, y, role, text);
  return fits;
}

/* Where events are missing, and that the file ends without an end: as far as
 * there is room beside the marks. */
static void draw_missing(const struct map *map, int y) {
  const bool *has_lost = map->model->has_lost;
  char text[48];
  format_buf n;
  int first = -1, last = -1;
  for (int c = 0; has_lost && c < map->w; c++) {
    int from, to;
    bins_of(map, c, &from, &to);
    while (from <= to && !has_lost[from])
      from++;
    if (from > to || !is_free(map, y, c, c + 1))
      continue;
    first = first < 0 ? c : first;
    last = c;
    axis_mark(map->grid, map->x + c, y, U'▒');
    grid_put(map->grid, map->x + c, y, ROLE_WARN, U'▒');
  }
  snprintf(text, sizeof text, "lost %s", format_count(n, map->model->n_lost));
  if (first >= 0 &&
      !put_words_if_free(map, last + 2, y, ROLE_WARN, text))
    put_words_if_free(map, first - text_width(text) - 1, y, ROLE_WARN, text);
  if (map->model->info->ended || follow_is_live(map->app))
    return;
  static const char *const forms[] = {"the file ends here ┘", "ends ┘"};
  for (int i = 0; i < 2; i++)
    if (put_words_if_free(map, map->w - text_width(forms[i]), y, ROLE_ERROR,
                          forms[i]))
      return;
}

static void draw_cursor(const struct map *map, int y, bool has_repeat) {
  int at = axis_column(map->app->cursor_ns, 0, map->end_ns, map->w);
  struct cell *cell = grid_at(map->grid, map->x + at, y);
  if (map->app->cursor_ns <= 0 || at < 0 || at >= map->w || !cell)
    return;
  if (has_repeat && cell->ch == U'═')
    cell->ch = U'╪';
  else if (!has_repeat || (cell->ch != U'A' && cell->ch != U'B'))
    axis_mark(map->grid, map->x + at, y, U'▲');
}

/* Where the other screens are: the stretch that they show, the shared cursor as
 * a point. */
static void draw_axis(const struct map *map, int y) {
  struct stretch s;
  bool has_stretch = stretch_of(map->app, map->end_ns, &s);
  axis_draw(map->grid, map->x, y, map->w, 0, map->end_ns);
  axis_notes(map->app, map->x, y, map->w, 0, map->end_ns);
  if (has_stretch)
    draw_stretch(map, y, &s);
  if (!has_stretch || s.line == U'═')
    draw_cursor(map, y, has_stretch);
  draw_missing(map, y);
}

static struct map map_of(struct app *app, const struct layout *layout,
                         const struct model *model) {
  int w = layout->minimap.w - NAME_W - SHARE_W;
  return (struct map){.app = app,
                      .model = model,
                      .grid = &app->grid,
                      .x = NAME_W,
                      .w = w > COLUMNS_MAX ? COLUMNS_MAX : w,
                      .end_ns = model->end_ns};
}

/* Two traces, each over its own whole length: all loops of it in one row, and
 * its stalls above where there is room. */
static void draw_pair(struct app *app, const struct layout *layout) {
  const struct model *models[] = {app->compare.base, app->model};
  int y = layout->minimap.y;
  for (int i = layout->has_stalls ? 0 : 1; i < 2; i++, y++) {
    struct map map = map_of(app, layout, models[i]);
    if (layout->minimap.h >= 4)
      draw_stalls(&map, y++);
    grid_text(&app->grid, 1, y, ROLE_STRONG, i ? "B" : "A");
    if (models[i]->n_loops)
      draw_loops(&map, y, 0, models[i]->n_loops - 1);
    else
      grid_text(&app->grid, NAME_W, y, ROLE_DIM, "no loop ran");
  }
}

void minimap_draw(struct app *app, const struct layout *layout) {
  struct map map = map_of(app, layout, app->model);
  size_t n = app->model->n_loops;
  int y = layout->minimap.y;
  grid_clip(&app->grid, layout->minimap);
  if (app_screen(app) == SCREEN_COMPARE && app->compare.is_made) {
    draw_pair(app, layout);
    return;
  }
  if (app->is_loading && app->summary) {
    summary_draw_map(app, layout, map.x, map.w);
    return;
  }
  if (app->model->end_ns > 0)
    app_hot(app, HOT_MAP,
            (struct rect){map.x, y, map.w, layout->minimap.h}, 0);
  if (layout->has_stalls)
    draw_stalls(&map, y++);
  for (int i = 0; i < layout->n_loops && (size_t)i < n; i++, y++) {
    size_t last = i == layout->n_loops - 1 ? n - 1 : (size_t)i;
    name_loops(&map, y, (size_t)i, last);
    draw_loops(&map, y, (size_t)i, last);
  }
  if (n == 0)
    grid_text(&app->grid, 1, y++, ROLE_DIM, "no loop ran");
  if (layout->has_axis)
    draw_axis(&map, y);
}
