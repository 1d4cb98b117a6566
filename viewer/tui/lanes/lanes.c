/* The window of the lanes, and what is read for it.
 *
 * Invariant: `near` is what surrounds the window, span by span where that is
 * few enough events, in bins else; `whole` is a long trace in bins.  Both are
 * read in steps from app_work(), so that a key may come in between; what is not
 * read yet is drawn from the bins of the model.  Called by app.c, frame.c and
 * the views; knows nothing of columns. */
#include <stdlib.h>
#include <string.h>

#include "tui/app.h"

/* In a window: kept one by one; read at all.  Beyond that `whole` will do. */
#define SINGLE_MAX 150000
#define READ_MAX 4000000
/* What is denser than the mean is read without what surrounds the window, or goes
 * into bins. */
#define KEPT_MAX 400000 /* 90 bytes each */
#define WINDOW_MIN_NS 100

enum reads { READ_SINGLE, READ_BINS, READ_WHOLE };

static double events_in(const struct model *m, int64_t from, int64_t to) {
  return m->end_ns > 0 ? (double)m->info->n_events * (double)(to - from) /
                             (double)m->end_ns
                       : 0;
}

static enum reads wanted(const struct app *app) {
  const struct lanes *lanes = &app->lanes;
  double n = events_in(app->model, lanes->from, lanes->to);
  return n <= SINGLE_MAX ? READ_SINGLE : n <= READ_MAX ? READ_BINS : READ_WHOLE;
}

/* Around the window; of a short trace all, then no pan reads again.  Stalls are
 * read to their end. */
static void around(const struct app *app, int64_t margin, int64_t *from,
                   int64_t *to) {
  const struct lanes *lanes = &app->lanes;
  const struct model *m = app->model;
  *from = lanes->from > margin ? lanes->from - margin : 0;
  *to = lanes->to < m->end_ns - margin ? lanes->to + margin : m->end_ns + 1;
  for (size_t i = 0; i < m->n_stalls; i++) {
    const struct model_stall *s = &m->stalls[i];
    int64_t end_ns = s->begin_ns + s->duration_ns;
    if (s->begin_ns < lanes->to && end_ns > lanes->from && end_ns >= *to)
      *to = end_ns + 1;
  }
  if (m->info->n_events <= SINGLE_MAX) {
    *from = 0;
    *to = m->end_ns + 1;
  }
}

/* So much on both sides. */
static int64_t margin_of(const struct app *app) {
  const struct lanes *lanes = &app->lanes;
  int64_t margin = (lanes->to - lanes->from) / 2;
  double n = events_in(app->model, lanes->from, lanes->to);
  return margin < MODEL_WARN_NS && n < SINGLE_MAX / 8 ? MODEL_WARN_NS : margin;
}

/* A stretch of half the length may do. */
static bool is_too_dense(const struct app *app) {
  const struct lanes *lanes = &app->lanes;
  return lanes->near->dense_ns > 0 &&
         lanes->to - lanes->from > lanes->near->dense_ns / 2;
}

static bool is_near(const struct app *app) {
  const struct lanes *lanes = &app->lanes;
  const struct window *w = lanes->near;
  int64_t end = app->model->end_ns + 1;
  return w && w->from <= lanes->from &&
         w->to >= (lanes->to < end ? lanes->to : end) &&
         (!w->is_in_bins || wanted(app) != READ_SINGLE ||
          is_too_dense(app));
}

static bool needs_near(const struct app *app) {
  return wanted(app) != READ_WHOLE && !is_near(app) &&
         app->lanes.problem == LT_OK;
}

static bool needs_whole(const struct app *app) {
  return app->lanes.whole ? !app->lanes.whole->is_done
                          : wanted(app) == READ_WHOLE &&
                                app->lanes.problem == LT_OK;
}

bool lanes_are_reading(const struct app *app) {
  return needs_near(app) || (app->lanes.near && !app->lanes.near->is_done);
}

bool lanes_are_too_many(const struct app *app) {
  return wanted(app) != READ_SINGLE || (is_near(app) && is_too_dense(app));
}

/* Of many events it takes some milliseconds. */
static bool needs_lives(const struct app *app) {
  const struct window *w = app->lanes.near;
  return w && w->is_done && lives_are_old(&app->lanes);
}

bool lanes_has_work(const struct app *app) {
  enum screen_id screen = app_screen(app);
  if ((screen != SCREEN_LANES && screen != SCREEN_REPLAY) ||
      app->is_loading || app->model->end_ns <= 0 || !app->model->reader)
    return false;
  return lanes_are_reading(app) || needs_lives(app) || needs_whole(app) ||
         app->lanes.steps_left > 0 || app->lanes.then != THEN_NOTHING;
}

/* Readers of their own: another part of the viewer may move that of the model.
 * Without an index a file is looked over before it can be read.
 * Returns: whether reader_of() tells now which it is. */
static bool open_on(struct app *app, int which, uint64_t n_events) {
  struct lanes *lanes = &app->lanes;
  lt_reader **reader = &lanes->readers[which];
  if (!app->path || lanes->are_open[which])
    return true;
  lt_status status = *reader ? LT_OK : lt_reader_open_begin(app->path, reader);
  if (status == LT_OK)
    status = lt_reader_open_step(*reader, n_events / MODEL_BLOCK_EVENTS + 1);
  if (status == LT_OK)
    return false;
  if (status != LT_END) {
    lt_reader_close(*reader);
    *reader = NULL;
  }
  lanes->are_open[which] = true;
  return true;
}

static lt_reader *reader_of(struct app *app, int which) {
  lt_reader *reader = app->lanes.readers[which];
  return reader ? reader : app->model->reader;
}

static void close_reader(struct lanes *lanes, int which) {
  lt_reader_close(lanes->readers[which]);
  lanes->readers[which] = NULL;
  lanes->are_open[which] = false;
}

static void note_worker(struct lanes *lanes, uint32_t thread) {
  size_t k = 0;
  while (k < lanes->n_pool && lanes->pool[k] < thread)
    k++;
  if ((k < lanes->n_pool && lanes->pool[k] == thread) ||
      lanes->n_pool == sizeof lanes->pool / sizeof *lanes->pool)
    return;
  memmove(lanes->pool + k + 1, lanes->pool + k,
          (lanes->n_pool++ - k) * sizeof *lanes->pool);
  lanes->pool[k] = thread;
}

/* What the index tells of the workers stands there until it is read. */
static void take_summary(struct app *app) {
  struct lanes *lanes = &app->lanes;
  const lt_summary *s;
  if (lanes->has_summary)
    return;
  lanes->has_summary = true;
  if (lt_reader_summary(app->model->reader, &s) != LT_OK)
    return;
  lanes->summary = s;
  for (uint32_t i = 0; i < s->n_lanes; i++)
    if (s->lanes[i].is_pool)
      note_worker(lanes, s->lanes[i].thread);
}

/* Lanes that come with what was read. */
static void note_tracks(struct app *app, const struct window *w) {
  struct lanes *lanes = &app->lanes;
  const struct model *m = app->model;
  for (size_t i = 0; i < w->n_tracks; i++) {
    const struct track_key *key = &w->tracks[i]->key;
    size_t k = 0;
    if (key->what == LT_POOL_BEGIN)
      note_worker(lanes, key->thread);
    unsigned met = key->what == LT_RESUME     ? 1u << LANE_CALLBACK
                   : key->what == WINDOW_SEEN ? 1u << LANE_SEEN
                   : key->what == WINDOW_CALLED ? 1u << LANE_CALLS
                   : key->what == WINDOW_WAIT ? 1u << LANE_READY
                   : key->what == WINDOW_LATE ? 1u << LANE_LATE
                                              : 0;
    if (!met)
      continue;
    while (k < m->n_loops && (m->loops[k].id != key->loop ||
                              m->loops[k].thread != key->thread))
      k++;
    if (k == m->n_loops)
      continue;
    lanes->has[k] |= met;
    if (key->what == LT_RESUME && lanes->max_depth[k] < key->depth)
      lanes->max_depth[k] = key->depth;
  }
}

/* What refers to its spans goes with it; a hunt for a hit begins anew. */
static void close_near(struct lanes *lanes) {
  lives_free(lanes);
  lives_forget(lanes);
  lanes->hunt = (struct lanes_hunt){.found = NULL};
  window_close(lanes->near);
  lanes->near = NULL;
}

static void begin_near(struct app *app) {
  struct lanes *lanes = &app->lanes;
  int64_t from, to;
  bool in_bins = wanted(app) == READ_BINS;
  around(app, margin_of(app), &from, &to);
  close_near(lanes);
  lanes->near =
      window_begin(app->model, reader_of(app, 0), from, to, in_bins);
  if (!lanes->near)
    lanes->problem = LT_IO;
}

/* More events than the mean told: without the margin; where that was it already,
 * in bins. */
static void take_less(struct app *app) {
  struct lanes *lanes = &app->lanes;
  int64_t from, to;
  around(app, 0, &from, &to);
  bool in_bins = lanes->near->from >= from && lanes->near->to <= to;
  close_near(lanes);
  lanes->near = window_begin(app->model, reader_of(app, 0), from, to, in_bins);
  if (!lanes->near)
    lanes->problem = LT_IO;
  else if (in_bins)
    lanes->near->dense_ns = lanes->to - lanes->from;
}

static void work_near(struct app *app, uint64_t n_events) {
  struct window *w = app->lanes.near;
  bool goes_on = window_step(w, n_events);
  if (w->n_events > KEPT_MAX) {
    take_less(app);
    return;
  }
  lives_scan(app);
  if (goes_on)
    return;
  if (w->problem != LT_OK)
    app->lanes.problem = w->problem;
  note_tracks(app, w);
}

static void work_whole(struct app *app, uint64_t n_events) {
  struct lanes *lanes = &app->lanes;
  if (!open_on(app, 1, n_events))
    return;
  if (!lanes->whole && lanes->readers[1])
    lt_reader_read_ahead(lanes->readers[1], true);
  if (!lanes->whole)
    lanes->whole = window_begin(app->model, reader_of(app, 1), 0,
                                app->model->end_ns + 1, true);
  if (!lanes->whole)
    lanes->problem = LT_IO;
  else if (!window_step(lanes->whole, n_events)) {
    note_tracks(app, lanes->whole);
    close_reader(lanes, 1); /* its buffers are as large as an epoch */
  }
}

/* What a key asked for goes on with what has been read now. */
static void go_on(struct app *app, uint64_t n_events) {
  enum lanes_then then = app->lanes.then;
  app->lanes.then = THEN_NOTHING;
  switch (then) {
  case THEN_PLAY:
    replay_settle(app);
    break;
  case THEN_STEP:
  case THEN_STEP_BACK:
    replay_step(app, then == THEN_STEP);
    break;
  case THEN_NEXT_HIT:
  case THEN_PREV_HIT:
    if (hits_hunt(app, then == THEN_NEXT_HIT, n_events))
      app->lanes.then = then;
    break;
  default:
    break;
  }
}

void lanes_work(struct app *app, uint64_t n_events) {
  struct lanes *lanes = &app->lanes;
  if (!lanes_has_work(app))
    return;
  take_summary(app);
  if (lanes->then == THEN_PLAY && lanes_are_too_many(app)) {
    go_on(app, n_events); /* not to read what will not do */
    return;
  }
  if (needs_near(app)) {
    if (!open_on(app, 0, n_events))
      return;
    begin_near(app);
  }
  if (lanes->near && !lanes->near->is_done)
    work_near(app, n_events);
  else if (lanes->then != THEN_NOTHING)
    go_on(app, n_events);
  else if (needs_lives(app))
    lives_make(app);
  else if (lanes->steps_left > 0)
    lanes_step(app, lanes->steps_forward);
  else if (needs_whole(app))
    work_whole(app, n_events);
}

double lanes_progress(const struct app *app) {
  const struct lanes *lanes = &app->lanes;
  const struct window *w =
      wanted(app) == READ_WHOLE ? lanes->whole : lanes->near;
  if (w == lanes->near && needs_near(app))
    return 0;
  if (!w || w->is_done || w->to <= w->from)
    return w && w->is_done ? 1 : 0;
  return (double)(w->at_ns - w->from) / (double)(w->to - w->from);
}

bool lanes_are_single(const struct app *app) {
  const struct window *w = app->lanes.near;
  return is_near(app) && w->is_done && !w->is_in_bins;
}

void lanes_close(struct lanes *lanes) {
  close_near(lanes);
  window_close(lanes->whole);
  lanes->whole = NULL;
  for (int i = 0; i < 2; i++)
    close_reader(lanes, i);
  lanes->problem = LT_OK;
  lanes->n_pool = 0;
  lanes->summary = NULL;
  lanes->has_summary = false;
  lanes->steps_left = 0;
  lanes->n_trail = 0;
  if (lanes->then != THEN_PLAY)
    lanes->then = THEN_NOTHING;
}

/* The window */

void lanes_set_window(struct app *app, int64_t from, int64_t to) {
  int64_t end = app->model->end_ns > 0 ? app->model->end_ns : 1;
  int64_t length = to - from;
  length = length < WINDOW_MIN_NS ? WINDOW_MIN_NS : length;
  length = length > end ? end : length;
  if (from > end - length)
    from = end - length;
  if (from < 0)
    from = 0;
  app->lanes.from = from;
  app->lanes.to = from + length;
}

void lanes_push_history(struct app *app) {
  struct lanes *lanes = &app->lanes;
  if (lanes->n_history == LANES_HISTORY) {
    memmove(lanes->history, lanes->history + 1,
            (LANES_HISTORY - 1) * sizeof *lanes->history);
    lanes->n_history--;
  }
  lanes->history[lanes->n_history].from = lanes->from;
  lanes->history[lanes->n_history++].to = lanes->to;
}

void lanes_show_stall(struct app *app, size_t stall) {
  const struct model_stall *s = &app->model->stalls[stall];
  struct lanes *lanes = &app->lanes;
  int64_t end_ns = s->begin_ns + s->duration_ns;
  int64_t length = lanes->to - lanes->from;
  app_select_stall(app, stall);
  if (s->task)
    lanes->focus = s->task;
  if (s->loop < app->model->n_loops && lanes->current.thread != s->thread)
    lanes->current = (struct lane){.thread = s->thread, .loop = s->loop};
  if (s->begin_ns >= lanes->from && end_ns <= lanes->to &&
      s->duration_ns >= length / 10)
    return;
  lanes_push_history(app);
  /* Half the width for the stall: what led to it and what came after too. */
  lanes_set_window(app, s->begin_ns - s->duration_ns / 2,
                   end_ns + s->duration_ns / 2);
}
