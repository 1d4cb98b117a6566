/* Which lanes there are, in which order, and what they are called.
 *
 * Invariant: the list is a function of what was read, of what is folded, pinned
 * and hidden, and of the set that is chosen; pinned lanes come first and stand
 * there only.  Called by the views. */
#include <string.h>

#include "model/source.h"
#include "output/inert.h"
#include "tui/app.h"
#include "tui/view/format.h"

bool lane_is_same(const struct lane *a, const struct lane *b) {
  return a->what == b->what && a->thread == b->thread && a->loop == b->loop &&
         a->depth == b->depth && a->id == b->id;
}

const char *lanes_set_name(enum lane_set set) {
  static const char *const names[] = {"all", "loops", "loops+tasks",
                                      "loops+pool"};
  return names[set];
}

struct track *lane_track(struct app *app, const struct window *w,
                         const struct lane *lane) {
  static const uint32_t kinds[LANE_WHAT_COUNT] = {
      [LANE_TURN] = MODEL_TURN,        [LANE_CALLBACK] = LT_RESUME,
      [LANE_CALLS] = WINDOW_CALLED,    [LANE_SEEN] = WINDOW_SEEN,
      [LANE_BLOCKING] = LT_CALL,
      [LANE_READY] = WINDOW_WAIT,      [LANE_LATE] = WINDOW_LATE,
      [LANE_WORKER] = LT_POOL_BEGIN,   [LANE_POOL] = WINDOW_QUEUED};
  struct lane_life *life;
  switch (lane->what) {
  case LANE_TASKS:
  case LANE_WHAT_COUNT:
    return NULL;
  case LANE_HANDLES:
    return w == app->lanes.lives_of ? &app->lanes.open : NULL;
  case LANE_TASK:
  case LANE_HANDLE:
  case LANE_FD:
    life = w == app->lanes.lives_of ? lives_find(&app->lanes, lane) : NULL;
    return life ? &life->track : NULL;
  case LANE_POOL:
    return window_track(w, WINDOW_QUEUED, 0, 0, 0);
  case LANE_WORKER:
    return window_track(w, LT_POOL_BEGIN, lane->thread, 0, 0);
  default:
    return lane->loop < app->model->n_loops
               ? window_track(w, kinds[lane->what], lane->thread,
                              app->model->loops[lane->loop].id,
                              lane->what == LANE_CALLBACK ? lane->depth : 0)
               : NULL;
  }
}

/* Nothing of it is in sight: then H hides it. */
static bool is_empty(struct app *app, const struct lane *lane) {
  const struct lanes *lanes = &app->lanes;
  const struct window *w = lanes->near;
  if (!w || !w->is_done || lane->what == LANE_TASKS)
    return false;
  const struct track *t = lane_track(app, w, lane);
  if (!t)
    return true;
  if (t->bins) {
    size_t last = window_bin(w, lanes->to - 1);
    for (size_t i = window_bin(w, lanes->from); i <= last; i++)
      if (t->bins[i].n || t->bins[i].covered_ns)
        return false;
    return true;
  }
  for (size_t i = track_first(t, lanes->from); i < t->n; i++)
    if (t->spans[i].begin_ns < lanes->to && t->spans[i].end_ns >= lanes->from)
      return false;
  return true;
}

/* The list as it is made. */
struct list {
  struct app *app;
  struct lane *out;
  size_t n;
};

static void put(struct list *list, struct lane lane) {
  struct app *app = list->app;
  if (list->n >= LANES_MAX || lanes_is_pinned(&app->lanes, &lane) ||
      (app->lanes.hides_empty && is_empty(app, &lane)))
    return;
  list->out[list->n++] = lane;
}

static void put_loop(struct list *list, size_t i) {
  const struct lanes *lanes = &list->app->lanes;
  struct lane lane = {.thread = list->app->model->loops[i].thread, .loop = i};
  put(list, lane);
  if (lanes->folded[i])
    return;
  lane.what = LANE_CALLBACK;
  if (list->app->model->loops[i].is_unseen)
    lane.depth = 4; /* its callbacks are not in the trace */
  for (; lane.depth <= lanes->max_depth[i] && lane.depth < 4; lane.depth++)
    put(list, lane);
  lane.depth = 0;
  for (lane.what = LANE_CALLS; lane.what <= LANE_LATE; lane.what++)
    if (lane.what == LANE_BLOCKING || (lanes->has[i] >> lane.what & 1))
      put(list, lane);
}

static void put_lives(struct list *list, enum lane_what from,
                      enum lane_what to) {
  const struct lanes *lanes = &list->app->lanes;
  for (size_t i = 0; i < lanes->n_lives; i++)
    if (lanes->lives[i].lane.what >= from && lanes->lives[i].lane.what <= to)
      put(list, lanes->lives[i].lane);
}

static void put_groups(struct list *list) {
  const struct lanes *lanes = &list->app->lanes;
  enum lane_set set = lanes->set;
  if (lanes->n_pool && (set == SET_ALL || set == SET_LOOPS_POOL)) {
    put(list, (struct lane){.what = LANE_POOL});
    for (size_t i = 0; i < lanes->n_pool && !lanes->is_pool_folded; i++)
      put(list, (struct lane){.what = LANE_WORKER, .thread = lanes->pool[i]});
  }
  if (lanes->n_tasks && (set == SET_ALL || set == SET_LOOPS_TASKS)) {
    put(list, (struct lane){.what = LANE_TASKS});
    if (!lanes->are_tasks_folded)
      put_lives(list, LANE_TASK, LANE_TASK);
  }
  if (lanes->n_handles && set == SET_ALL) {
    put(list, (struct lane){.what = LANE_HANDLES});
    if (lanes->are_handles_open)
      put_lives(list, LANE_HANDLE, LANE_FD);
  }
}

size_t lanes_list(struct app *app, struct lane out[LANES_MAX]) {
  struct lanes *lanes = &app->lanes;
  struct list list = {app, out, 0};
  for (size_t i = 0; i < lanes->n_pinned; i++)
    out[list.n++] = lanes->pinned[i];
  for (size_t i = 0; i < app->model->n_loops && list.n + 8 < LANES_MAX; i++)
    put_loop(&list, i);
  put_groups(&list);
  return list.n;
}

size_t lanes_current(struct app *app, const struct lane *lanes, size_t n) {
  const struct lane *now = &app->lanes.current;
  size_t same_loop = 0;
  for (size_t i = 0; i < n; i++) {
    if (lane_is_same(&lanes[i], now))
      return i;
    if (lanes[i].what == LANE_TURN && now->what <= LANE_LATE &&
        lanes[i].thread == now->thread && lanes[i].loop == now->loop)
      same_loop = i;
  }
  return same_loop;
}

/* Folding */

void lanes_fold(struct app *app, const struct lane *lane) {
  struct lanes *lanes = &app->lanes;
  switch (lane->what) {
  case LANE_POOL:
  case LANE_WORKER:
    lanes->is_pool_folded = !lanes->is_pool_folded;
    lanes->current = (struct lane){.what = LANE_POOL};
    break;
  case LANE_TASKS:
  case LANE_TASK:
    lanes->are_tasks_folded = !lanes->are_tasks_folded;
    lanes->current = (struct lane){.what = LANE_TASKS};
    break;
  case LANE_HANDLES:
  case LANE_HANDLE:
  case LANE_FD:
    lanes->are_handles_open = !lanes->are_handles_open;
    lanes->current = (struct lane){.what = LANE_HANDLES};
    break;
  default:
    lanes->folded[lane->loop] = !lanes->folded[lane->loop];
    if (lanes->folded[lane->loop])
      lanes->current = (struct lane){.thread = lane->thread,
                                     .loop = lane->loop};
  }
}

void lanes_fold_all(struct app *app, bool folds) {
  struct lanes *lanes = &app->lanes;
  for (size_t i = 0; i < app->model->n_loops; i++)
    lanes->folded[i] = folds;
  lanes->is_pool_folded = lanes->are_tasks_folded = folds;
  lanes->are_handles_open = !folds;
}

/* Pins */

bool lanes_is_pinned(const struct lanes *lanes, const struct lane *lane) {
  for (size_t i = 0; i < lanes->n_pinned; i++)
    if (lane_is_same(&lanes->pinned[i], lane))
      return true;
  return false;
}

bool lanes_pin(struct app *app, const struct lane *lane) {
  struct lanes *lanes = &app->lanes;
  for (size_t i = 0; i < lanes->n_pinned; i++)
    if (lane_is_same(&lanes->pinned[i], lane)) {
      memmove(lanes->pinned + i, lanes->pinned + i + 1,
              (--lanes->n_pinned - i) * sizeof *lanes->pinned);
      return false;
    }
  if (lanes->n_pinned == LANES_PINNED) {
    app_say(app, "%d lanes are pinned already; p on one of them unpins it",
            LANES_PINNED);
    return false;
  }
  lanes->pinned[lanes->n_pinned++] = *lane;
  return true;
}

/* Names */

/* What most jobs of a worker are: "fs", "dns", "work". */
static const char *job_of(struct app *app, const struct lane *lane) {
  const struct window *w = app->lanes.near;
  const struct track *t = w ? lane_track(app, w, lane) : NULL;
  size_t counts[4] = {0}, best = 0;
  static const char *const names[] = {"work", "fs", "dns", "random"};
  for (size_t i = 0; t && i < t->n && i < 10000; i++) {
    uint32_t kind = t->spans[i].kind;
    size_t k = kind == LT_TASK_FS            ? 1
               : kind == LT_TASK_GETADDRINFO ||
                       kind == LT_TASK_GETNAMEINFO
                   ? 2
               : kind == LT_TASK_RANDOM ? 3
                                        : 0;
    if (++counts[k] > counts[best])
      best = k;
  }
  return t && t->n ? names[best] : "";
}

static void name_life(struct app *app, const struct lane *lane, char *buf,
                      size_t size) {
  const struct lane_life *life = lives_find(&app->lanes, lane);
  const struct model_source *source = model_source(app->model);
  char name[96] = "";
  if (lane->what == LANE_FD) {
    const char *text =
        life && life->label ? source->string(source->context, life->label) : "";
    const char *slash = text ? strrchr(text, '/') : NULL;
    inert(slash && slash[1] ? slash + 1 : text ? text : "", name, sizeof name);
    snprintf(buf, size, "fd %llu %s", (unsigned long long)lane->id - 1, name);
    return;
  }
  const char *label =
      life && life->label ? source->string(source->context, life->label) : NULL;
  if (label)
    inert(label, name, sizeof name);
  else if (life && lane->what == LANE_HANDLE)
    snprintf(name, sizeof name, "%s", lt_task_kind_name(life->kind));
  else if (life && life->site)
    model_site_short(app->model, life->site, name, sizeof name);
  else if (life)
    snprintf(name, sizeof name, "%s", lt_task_kind_name(life->kind));
  snprintf(buf, size, "#%llu %s", (unsigned long long)lane->id, name);
}

const char *lane_name(struct app *app, const struct lane *lane, bool is_whole,
                      char *buf, size_t size) {
  static const char *const names[LANE_WHAT_COUNT] = {
      [LANE_TURN] = "turn",         [LANE_CALLBACK] = "callback",
      [LANE_CALLS] = "calls",       [LANE_SEEN] = "seen",
      [LANE_BLOCKING] = "blocking",
      [LANE_READY] = "ready q",     [LANE_LATE] = "timers late"};
  const struct lanes *lanes = &app->lanes;
  size_t at = 0;
  switch (lane->what) {
  case LANE_POOL:
    snprintf(buf, size, "pool %zu thr", lanes->n_pool);
    break;
  case LANE_WORKER:
    while (at < lanes->n_pool && lanes->pool[at] != lane->thread)
      at++;
    snprintf(buf, size, "w%zu %s", at, job_of(app, lane));
    break;
  case LANE_TASKS:
    snprintf(buf, size, "tasks %zu", lanes->n_tasks);
    break;
  case LANE_HANDLES:
    snprintf(buf, size, "open %zu", lanes->n_handles);
    break;
  case LANE_TASK:
  case LANE_HANDLE:
  case LANE_FD:
    name_life(app, lane, buf, size);
    break;
  default: {
    const char *name = lane->what == LANE_CALLBACK && lane->depth
                           ? "nested"
                           : names[lane->what];
    if (is_whole && lane->loop < app->model->n_loops)
      snprintf(buf, size, "%s %s", app->model->loops[lane->loop].name, name);
    else
      snprintf(buf, size, "%s", name);
  }
  }
  return buf;
}
