/* What each column of a lane holds.
 *
 * Invariant: a column is told from single spans where all of its time was read
 * so, from bins else, and is not known where neither was.  Called by
 * lanes_draw.c; draws nothing. */
#include <stdlib.h>
#include <string.h>

#include "tui/lanes/lanes_plot.h"

static bool waits(const struct track *t) {
  return t->key.what == WINDOW_WAIT || t->key.what == WINDOW_LATE ||
         t->key.what == WINDOW_QUEUED;
}

/* First and last column that a span touches. */
static bool range_of(const struct plot *p, const struct model_span *s,
                     int *first, int *last) {
  int64_t end = s->end_ns < p->until ? s->end_ns : p->until;
  *first = axis_column(s->begin_ns, p->from, p->to, p->w);
  *last = axis_column(end - 1, p->from, p->to, p->w);
  *first = *first < 0 ? 0 : *first;
  *last = *last < *first ? *first : *last >= p->w ? p->w - 1 : *last;
  return *first < p->w;
}

static bool is_out(const struct plot *p, const struct model_span *s) {
  return s->begin_ns >= p->to || s->begin_ns > p->until ||
         (s->end_ns <= p->from && s->end_ns > s->begin_ns) ||
         s->end_ns < p->from;
}

static void take(const struct plot *p, struct column *columns,
                 const struct model_span *s) {
  int first, last;
  if (is_out(p, s) || !range_of(p, s, &first, &last))
    return;
  for (int c = first; c <= last; c++) {
    int64_t begin = plot_time(p, c), end = plot_time(p, c + 1);
    struct column *column = &columns[c];
    begin = s->begin_ns > begin ? s->begin_ns : begin;
    end = s->end_ns < end ? s->end_ns : end;
    int64_t covered = end > begin ? end - begin : 0;
    column->n++;
    column->covered_ns += covered;
    if (!column->most || covered > column->most_ns) {
      column->most = s;
      column->most_ns = covered;
    }
  }
}

/* How late what is late is at the end of each column. */
static void take_late(const struct plot *p, struct column *columns,
                      const struct model_span *s) {
  int first, last;
  if (is_out(p, s) || !range_of(p, s, &first, &last))
    return;
  for (int c = first; c <= last; c++) {
    int64_t end = plot_time(p, c + 1);
    end = s->end_ns < end ? s->end_ns : end;
    end = p->until < end ? p->until : end;
    columns[c].n++;
    if (columns[c].longest_ns < end - s->begin_ns)
      columns[c].longest_ns = end - s->begin_ns;
  }
}

/* The most that wait at a time, in each column.  Ends are in the order of time
 * already; begins are put in it. */
#define SWEEP_MAX 8192

static int by_value(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

static void sweep(const struct plot *p, struct column *columns,
                  int64_t *begins, const int64_t *ends, size_t n) {
  size_t b = 0, e = 0; /* begun, ended: as many wait as lie between */
  qsort(begins, n, sizeof *begins, by_value);
  for (int c = 0; c < p->w; c++) {
    int64_t from = plot_time(p, c), to = plot_time(p, c + 1);
    while (b < n && begins[b] <= from)
      b++;
    while (e < n && ends[e] <= from)
      e++;
    size_t most = b - e;
    for (; b < n && begins[b] < to; b++) {
      while (e < n && ends[e] <= begins[b])
        e++;
      most = b + 1 - e > most ? b + 1 - e : most;
    }
    columns[c].n = from > p->until ? 0 : (uint32_t)most;
  }
}

/* Too many for that: those at the begin of each column. */
static void count(const struct plot *p, struct column *columns,
                  const struct model_span *s) {
  int first, last;
  if (is_out(p, s) || !range_of(p, s, &first, &last))
    return;
  for (int c = first; c <= last; c++)
    columns[c].n += plot_time(p, c) >= s->begin_ns;
}

static void take_waits(const struct plot *p, struct column *columns,
                       const struct track *t, size_t first) {
  static int64_t begins[SWEEP_MAX], ends[SWEEP_MAX];
  size_t n = 0;
  for (size_t i = first; i < t->n; i++) {
    const struct model_span *s = &t->spans[i];
    if (s->begin_ns >= p->to || s->end_ns <= s->begin_ns)
      continue;
    if (n < SWEEP_MAX) {
      begins[n] = s->begin_ns;
      ends[n] = s->end_ns;
    }
    n++;
  }
  if (n <= SWEEP_MAX)
    sweep(p, columns, begins, ends, n);
  else
    for (size_t i = first; i < t->n; i++)
      count(p, columns, &t->spans[i]);
}

static void from_bins(const struct plot *p, const struct window *w,
                      const struct track *t, int c, struct column *column) {
  size_t last = window_bin(w, plot_time(p, c + 1) - 1);
  double share = 0;
  for (size_t i = window_bin(w, plot_time(p, c)); i <= last; i++) {
    const struct track_bin *bin = &t->bins[i];
    double of = (double)bin->covered_ns / (double)w->bin_ns;
    share = of > share ? of : share;
    if (waits(t) ? bin->n > column->n : true)
      column->n = waits(t) ? bin->n : column->n + bin->n;
    if (column->longest_ns < bin->longest_ns)
      column->longest_ns = bin->longest_ns;
  }
  /* The busiest bin, as in the minimap. */
  double column_ns = (double)(p->to - p->from) / p->w;
  column->covered_ns = (int64_t)((share > 1 ? 1 : share) * column_ns);
  if (waits(t) && column->n == 0 && column->longest_ns > 0)
    column->n = 1;
}

/* Nothing but the model's own bins: turns. */
static void from_model(const struct plot *p, int c, struct column *column) {
  const struct model *m = p->app->model;
  if (p->lane->what != LANE_TURN || m->end_ns <= 0)
    return;
  const struct model_loop *loop = &m->loops[p->lane->loop];
  int first = (int)((double)plot_time(p, c) / (double)m->end_ns * MODEL_BINS);
  int last =
      (int)((double)plot_time(p, c + 1) / (double)m->end_ns * MODEL_BINS);
  double most = 0;
  for (int i = first; i <= last && i < MODEL_BINS; i++)
    most = (double)loop->busy[i] > most ? (double)loop->busy[i] : most;
  column->covered_ns = (int64_t)(most * (double)(p->to - p->from) / p->w);
  column->n = most > 0;
  column->is_known = column->is_rough = true;
}

/* Jobs of the pool, as the index's summary has them. */
static void from_summary(const struct plot *p, int c, struct column *column) {
  const lt_summary *s = p->app->lanes.summary;
  const lt_lane *lane = NULL;
  for (uint32_t i = 0; s && i < s->n_lanes && p->lane->what == LANE_WORKER; i++)
    if (s->lanes[i].is_pool && s->lanes[i].thread == p->lane->thread)
      lane = &s->lanes[i];
  if (!lane || s->bin_ns <= 0)
    return;
  int64_t last = (plot_time(p, c + 1) - 1) / s->bin_ns;
  double most = 0;
  for (int64_t i = plot_time(p, c) / s->bin_ns; i <= last && i < s->n_bins; i++) {
    const lt_lane_bin *bin = &lane->level[0][i];
    double share = (double)bin->busy_ns / (double)s->bin_ns;
    most = share > most ? share : most;
    column->n += bin->count;
  }
  most = most > 1 ? 1 : most;
  column->covered_ns = (int64_t)(most * (double)(p->to - p->from) / p->w);
  column->n += column->n == 0 && most > 0;
  column->is_known = column->is_rough = true;
}

/* Whether a window tells all of a column, by now. */
static bool tells(const struct plot *p, const struct window *w, int c) {
  int64_t end = p->app->model->end_ns, to = plot_time(p, c + 1);
  return w && w->from <= plot_time(p, c) && w->at_ns >= (to < end ? to : end);
}

static void from_spans(const struct plot *p, struct column *columns,
                       const struct track *t) {
  size_t first = track_first(t, p->from);
  if (t->key.what == WINDOW_LATE) {
    for (size_t i = first; i < t->n; i++)
      take_late(p, columns, &t->spans[i]);
  } else if (waits(t)) {
    take_waits(p, columns, t, first);
  } else {
    for (size_t i = first; i < t->n && t->spans[i].begin_ns < p->to; i++)
      take(p, columns, &t->spans[i]);
  }
}

void plot_columns(const struct plot *p, struct column *columns) {
  const struct lanes *lanes = &p->app->lanes;
  memset(columns, 0, (size_t)p->w * sizeof *columns);
  if (lanes->near && !lanes->near->is_in_bins) {
    const struct track *t = lane_track(p->app, lanes->near, p->lane);
    if (t)
      from_spans(p, columns, t);
  }
  for (int c = 0; c < p->w; c++) {
    struct column *column = &columns[c];
    const struct window *w = tells(p, lanes->near, c)    ? lanes->near
                             : tells(p, lanes->whole, c) ? lanes->whole
                                                         : NULL;
    column->is_known = w != NULL;
    if (w && !w->is_in_bins)
      continue;
    *column = (struct column){.is_known = w != NULL};
    if (plot_time(p, c) > p->until)
      continue;
    const struct track *t = w ? lane_track(p->app, w, p->lane) : NULL;
    if (t && t->bins)
      from_bins(p, w, t, c, column);
    else if (!w) {
      from_model(p, c, column);
      from_summary(p, c, column);
    }
  }
}
