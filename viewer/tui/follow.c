/* Reading in the background: a trace that is opened, and one that still grows.
 *
 * A file that grows is read anew when it has grown, at most a fifth of the
 * time; the picture is exchanged when the new model is complete.  What was
 * chosen stays chosen.
 *
 * Invariant: app->model is either complete or is_loading says that it is not.
 * Called by app.c and cmd_view.c. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "tui/app.h"

#define REST_NS 500000000 /* between two looks at the file */

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t file_size(const char *path) {
  struct stat s;
  return path && stat(path, &s) == 0 ? (int64_t)s.st_size : -1;
}

bool follow_is_live(const struct app *app) {
  return app->follow.is_on && !app->model->info->ended;
}

bool follow_goes_on(const struct app *app) {
  return follow_is_live(app) && !app->follow.is_held;
}

int64_t follow_lag_ns(const struct app *app) {
  const lt_info *info = app->model->info;
  int64_t lag = now_ns() - (info->start_ns + info->end_ns);
  return lag < 0 || lag > INT64_C(3600) * 1000000000 ? -1 : lag;
}

/* The new model takes the place of the old one. */
static void exchange(struct app *app) {
  struct follow *f = &app->follow;
  struct model *old = app->model;
  struct lanes *lanes = &app->lanes;
  bool had_all = lanes->from == 0 && lanes->to >= old->end_ns;
  bool had_end = lanes->to >= old->end_ns;
  int64_t length = lanes->to - lanes->from;
  int64_t grown_ns = f->next->end_ns - old->end_ns;
  uint64_t size = f->next->info->size_bytes, grown = old->info->size_bytes;
  grown = size > grown ? size - grown : 0;
  if (grown_ns > 0)
    f->bytes_per_s = (double)grown * 1e9 / (double)grown_ns;
  if (!app_set_model(app, f->next)) {
    model_close(f->next);
    recent_close(f->next_recent); /* its loops are those of the new one */
    f->next_recent = NULL;
  } else if (old != f->next)
    model_close(old);
  f->next = NULL;
  if (had_all)
    lanes_set_window(app, 0, app->model->end_ns);
  else if (had_end)
    lanes_set_window(app, app->model->end_ns - length, app->model->end_ns);
}

/* A live picture also tells of the last seconds: they are read when the model
 * is complete, and change with it.  Returns: whether there is more to do. */
static bool read_recent(struct app *app, struct model *model,
                        uint64_t n_events) {
  struct follow *f = &app->follow;
  if (!f->next_recent && f->is_on && !model->info->ended)
    f->next_recent = recent_begin(model);
  return f->next_recent && recent_step(f->next_recent, n_events);
}

static lt_status read_on(struct app *app, struct model *model,
                         uint64_t n_events) {
  struct follow *f = &app->follow;
  lt_status status = f->next_recent ? LT_END : model_step(model, n_events);
  if (status == LT_END && read_recent(app, model, n_events))
    return LT_OK;
  return status;
}

static void take_recent(struct follow *f) {
  recent_close(f->recent);
  f->recent = f->next_recent;
  f->next_recent = NULL;
}

bool follow_work(struct app *app, uint64_t n_events) {
  struct follow *f = &app->follow;
  struct model *model = app->is_loading ? app->model : f->next;
  if (!model)
    return false;
  lt_status status = read_on(app, model, n_events);
  if (status == LT_OK)
    return true;
  int64_t took_ns = app->is_loading ? 0 : now_ns() - f->begun_ns;
  f->rest_until_ns = now_ns() + REST_NS + 4 * took_ns;
  if (app->is_loading) {
    app->is_loading = status != LT_END;
    app->load_problem = status == LT_END ? LT_OK : status;
    if (status == LT_END && !app_set_model(app, model))
      app->load_problem = LT_NOMEM;
    if (!app->is_loading)
      problem_make(app);
    take_recent(f);
  } else if (status == LT_END) {
    exchange(app);
    take_recent(f);
  } else {
    model_close(f->next);
    f->next = NULL;
  }
  return false;
}

bool follow_look(struct app *app) {
  struct follow *f = &app->follow;
  if (!follow_goes_on(app) || f->next || app->is_loading ||
      now_ns() < f->rest_until_ns)
    return false;
  int64_t size = file_size(app->path);
  f->rest_until_ns = now_ns() + REST_NS;
  if (size <= (int64_t)app->model->info->size_bytes || size == f->size)
    return true; /* the lag has grown */
  f->size = size;
  f->begun_ns = now_ns();
  if (model_begin(app->path, NULL, &f->next) != LT_OK)
    f->next = NULL;
  return true;
}

void follow_fini(struct app *app) {
  recent_close(app->follow.recent);
  recent_close(app->follow.next_recent);
  model_close(app->follow.next);
  app->follow.next = NULL;
}
