/* Lanes of tasks, handles and descriptors: what each was doing when.
 *
 * Invariant: made of the events of `near` alone, so that what began before it,
 * or has no event in it, is not claimed to be known; at most LANES_TASKS tasks
 * and LANES_HANDLES others have a lane, those in focus and the busiest.  Called
 * by lanes.c while the window is read, and by lanes_list.c. */
#include <stdlib.h>
#include <string.h>

#include "tui/app.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define FD_BIT (UINT64_C(1) << 63) /* no task has such an id */
#define SEEN_MAX 20000
#define CHAIN_MAX 5

struct life_seen {
  uint64_t id;
  uint32_t kind, site;
  uint64_t label;
  int64_t begin_ns, end_ns; /* -1, INT64_MAX: not seen */
  int64_t since_ns;         /* runs since; -1: does not */
  int64_t active_ns;
  UT_hash_handle hh;
};

enum { GROUP_NONE, GROUP_TASK, GROUP_HANDLE };

static int group_of(uint32_t kind) {
  switch (kind) {
  case LT_TASK_COROUTINE:
    return GROUP_TASK;
  case LT_TASK_POLL:
  case LT_TASK_LISTEN:
  case LT_TASK_READ:
  case LT_TASK_UDP_RECV:
  case LT_TASK_FS_EVENT:
    return GROUP_HANDLE;
  default:
    return GROUP_NONE;
  }
}

static struct life_seen *seen_get(struct lanes *lanes, uint64_t id,
                                  bool makes) {
  struct life_seen *s;
  HASH_FIND(hh, lanes->seen, &id, sizeof id, s);
  if (s || !makes || HASH_COUNT(lanes->seen) >= SEEN_MAX)
    return s;
  s = calloc(1, sizeof *s);
  if (!s)
    return NULL;
  *s = (struct life_seen){
      .id = id, .begin_ns = -1, .end_ns = INT64_MAX, .since_ns = -1};
  HASH_ADD(hh, lanes->seen, id, sizeof s->id, s);
  if (!s->hh.tbl) {
    free(s);
    return NULL;
  }
  return s;
}

static void see_call(struct lanes *lanes, const lt_event *e) {
  if (!model_waits_for_fd(e->x, e->ref))
    return;
  struct life_seen *s = seen_get(lanes, FD_BIT | e->ref, true);
  if (s)
    s->active_ns += (int64_t)(e->b & INT64_MAX) >> 8; /* only to compare */
}

static void see(struct lanes *lanes, const lt_event *e) {
  struct life_seen *s;
  switch (e->kind) {
  case LT_SPAWN:
  case LT_ARM:
  case LT_RESUME:
    if (group_of(e->x) == GROUP_NONE ||
        !(s = seen_get(lanes, e->ref, true)))
      break;
    s->kind = e->x;
    s->site = (uint32_t)e->a;
    if (e->kind == LT_SPAWN)
      s->begin_ns = e->time_ns;
    if (e->kind == LT_RESUME)
      s->since_ns = e->time_ns;
    break;
  case LT_AWAIT:
  case LT_DONE:
    if (!(s = seen_get(lanes, e->ref, false)))
      break;
    if (s->since_ns >= 0)
      s->active_ns += e->time_ns - s->since_ns;
    s->since_ns = -1;
    if (e->kind == LT_DONE)
      s->end_ns = e->time_ns;
    break;
  case LT_LABEL:
    if ((s = seen_get(lanes, e->ref, false)))
      s->label = e->a;
    break;
  case LT_FD_NAME:
    if ((s = seen_get(lanes, FD_BIT | e->ref, true)))
      s->label = e->a;
    break;
  case LT_CALL:
  case LT_CALL_BEGIN:
    see_call(lanes, e);
    break;
  default:
    break;
  }
}

void lives_scan(struct app *app) {
  struct lanes *lanes = &app->lanes;
  const struct window *w = lanes->near;
  for (; lanes->n_scanned < w->n_events; lanes->n_scanned++)
    see(lanes, &w->events[lanes->n_scanned]);
}

/* Choosing */

struct choice {
  uint64_t ids[LANES_TASKS + LANES_HANDLES];
  size_t n;
};

static void choose(struct choice *c, uint64_t id, size_t max) {
  for (size_t i = 0; i < c->n; i++)
    if (c->ids[i] == id)
      return;
  if (id && c->n < max)
    c->ids[c->n++] = id;
}

static uint64_t parent_of(struct app *app, uint64_t id) {
  const struct window *w = app->lanes.near;
  for (size_t i = 0; i < w->n_events; i++) {
    const lt_event *e = &w->events[i];
    if (e->kind != LT_SPAWN || e->ref != id)
      continue;
    const struct model_span *s = lanes_slice_at(app, e->thread, e->time_ns);
    return s ? s->task : 0;
  }
  return 0;
}

/* The way that led to the task in focus, oldest first, and who it waits for or
 * who waits for it. */
static void choose_focus(struct app *app, struct choice *c) {
  const struct lanes *lanes = &app->lanes;
  const struct window *w = lanes->near;
  const struct model *m = app->model;
  uint64_t chain[CHAIN_MAX] = {lanes->focus}, id;
  size_t n = lanes->focus != 0;
  for (size_t i = 0; i < m->n_stalls && n == 1; i++)
    for (size_t k = 1; m->stalls[i].task == lanes->focus && n < CHAIN_MAX &&
                       k < m->stalls[i].n_ancestors;
         k++)
      chain[n++] = m->stalls[i].ancestors[k].task;
  while (n && n < CHAIN_MAX && (id = parent_of(app, chain[n - 1])))
    chain[n++] = id;
  while (n)
    choose(c, chain[--n], LANES_TASKS);
  for (size_t i = 0; i < w->n_events && lanes->focus; i++) {
    const lt_event *e = &w->events[i];
    if (e->kind == LT_AWAIT && e->a &&
        (e->ref == lanes->focus || e->a == lanes->focus))
      choose(c, e->ref == lanes->focus ? e->a : e->ref, LANES_TASKS);
  }
}

static int by_activity(const void *a, const void *b) {
  const struct life_seen *x = *(const struct life_seen *const *)a;
  const struct life_seen *y = *(const struct life_seen *const *)b;
  if (x->active_ns != y->active_ns)
    return x->active_ns < y->active_ns ? 1 : -1;
  return x->id < y->id ? -1 : x->id > y->id;
}

static int by_id(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static bool is_there(const struct lanes *lanes, const struct life_seen *s) {
  return s->end_ns >= lanes->from && s->begin_ns < lanes->to;
}

/* What was there in the window, of both groups: the busiest. */
static void choose_busiest(struct lanes *lanes, struct choice *tasks,
                           struct choice *handles) {
  size_t n = HASH_COUNT(lanes->seen), i = 0;
  struct life_seen **all = calloc(n + 1, sizeof(*all)), *s, *next;
  if (!all)
    return;
  HASH_ITER(hh, lanes->seen, s, next) {
    all[i] = s;
    i += is_there(lanes, s);
  }
  n = i;
  qsort(all, n, sizeof(*all), by_activity);
  size_t n_focus = tasks->n;
  for (i = 0; i < n; i++)
    if (all[i]->id & FD_BIT)
      choose(handles, all[i]->id, LANES_HANDLES);
    else if (group_of(all[i]->kind) == GROUP_TASK)
      choose(tasks, all[i]->id, LANES_TASKS);
    else
      choose(handles, all[i]->id, LANES_HANDLES);
  qsort(tasks->ids + n_focus, tasks->n - n_focus, sizeof *tasks->ids, by_id);
  qsort(handles->ids, handles->n, sizeof *handles->ids, by_id);
  free(all);
}

/* What each did */

static void add(struct lane_life *life, uint32_t what, int64_t begin_ns,
                int64_t end_ns) {
  struct track *t = &life->track;
  if (t->n == t->cap) {
    size_t cap = t->cap ? t->cap * 2 : 16;
    struct model_span *spans = realloc(t->spans, cap * sizeof *spans);
    if (!spans)
      return;
    t->spans = spans;
    t->cap = cap;
  }
  t->spans[t->n++] = (struct model_span){
      .begin_ns = begin_ns,
      .end_ns = end_ns,
      .task = life->lane.what == LANE_FD ? 0 : life->lane.id,
      .thread = life->lane.thread,
      .what = what,
      .kind = life->kind,
      .site = life->site,
      .loop = MODEL_NO_LOOP,
      /* who it waits for, in two halves */
      .depth = what == LT_AWAIT ? (uint32_t)life->awaits : 0,
      .loop_depth = what == LT_AWAIT ? (uint32_t)(life->awaits >> 32) : 0};
}

/* It is in another state from now on. */
static void turn_to(struct lane_life *life, int state, int64_t now_ns) {
  static const uint32_t kinds[] = {0, LT_READY, LT_RESUME, LT_AWAIT};
  if (life->state != LIFE_NONE && now_ns > life->at_ns)
    add(life, kinds[life->state], life->at_ns, now_ns);
  life->state = state;
  life->at_ns = now_ns;
}

static void live(struct lane_life *life, const lt_event *e) {
  int waits = life->kind == LT_TASK_COROUTINE ? LIFE_READY : LIFE_AWAITS;
  switch (e->kind) {
  case LT_SPAWN:
    life->kind = e->x;
    life->site = (uint32_t)e->a;
    life->lane.thread = e->thread;
    waits = life->kind == LT_TASK_COROUTINE ? LIFE_READY : LIFE_AWAITS;
    life->begin_ns = life->at_ns = e->time_ns;
    life->state = LIFE_NONE;
    add(life, LT_SPAWN, e->time_ns, e->time_ns);
    turn_to(life, waits, e->time_ns);
    break;
  case LT_READY:
  case LT_POOL_END:
    if (life->state == LIFE_AWAITS)
      turn_to(life, LIFE_READY, e->time_ns);
    break;
  case LT_RESUME:
    life->kind = e->x;
    life->site = (uint32_t)e->a;
    life->lane.thread = e->thread;
    turn_to(life, LIFE_RUNS, e->time_ns);
    break;
  case LT_AWAIT:
    turn_to(life, LIFE_AWAITS, e->time_ns);
    life->awaits = e->a;
    break;
  case LT_DONE:
    turn_to(life, LIFE_NONE, e->time_ns);
    life->end_ns = e->time_ns;
    break;
  case LT_CALL:
  case LT_CALL_BEGIN:
    life->kind = e->x;
    life->site = (uint32_t)e->a;
    life->lane.thread = e->thread;
    add(life, LT_CALL, e->time_ns - (int64_t)(e->b & INT64_MAX),
        e->kind == LT_CALL ? e->time_ns : INT64_MAX);
    break;
  default:
    break;
  }
}

static bool is_of(const struct lane_life *life, const lt_event *e) {
  bool is_call = e->kind == LT_CALL || e->kind == LT_CALL_BEGIN;
  if (life->lane.what == LANE_FD)
    return is_call && e->ref == life->lane.id &&
           model_waits_for_fd(e->x, e->ref);
  return !is_call && e->kind != LT_FD_NAME && e->kind != LT_SAMPLE &&
         e->ref == life->lane.id;
}

static void fill(struct lanes *lanes) {
  const struct window *w = lanes->near;
  uint64_t mask = 0; /* most events are of none of them */
  for (size_t i = 0; i < lanes->n_lives; i++)
    mask |= UINT64_C(1) << (lanes->lives[i].lane.id & 63);
  for (size_t i = 0; i < w->n_events; i++) {
    const lt_event *e = &w->events[i];
    if (!(mask >> (e->ref & 63) & 1))
      continue;
    for (size_t k = 0; k < lanes->n_lives; k++)
      if (is_of(&lanes->lives[k], e))
        live(&lanes->lives[k], e);
  }
  for (size_t k = 0; k < lanes->n_lives; k++)
    if (lanes->lives[k].state != LIFE_NONE)
      turn_to(&lanes->lives[k], LIFE_NONE, INT64_MAX);
}

/* How many handles are open, as overlapping spans by their ends. */
static int by_end(const void *a, const void *b) {
  const struct model_span *x = a, *y = b;
  return x->end_ns < y->end_ns ? -1 : x->end_ns > y->end_ns;
}

static void count_open(struct lanes *lanes) {
  struct life_seen *s, *next;
  struct track *t = &lanes->open;
  t->key.what = WINDOW_WAIT; /* they touch each other, and are by end */
  t->spans = calloc(HASH_COUNT(lanes->seen) + 1, sizeof *t->spans);
  lanes->n_handles = 0;
  HASH_ITER(hh, lanes->seen, s, next) {
    bool is_fd = (s->id & FD_BIT) != 0;
    lanes->n_handles += is_fd || group_of(s->kind) == GROUP_HANDLE;
    if (!t->spans || is_fd || group_of(s->kind) != GROUP_HANDLE)
      continue;
    t->spans[t->n++] = (struct model_span){
        .begin_ns = s->begin_ns < 0 ? lanes->near->from - 1 : s->begin_ns,
        .end_ns = s->end_ns,
        .task = s->id,
        .what = LT_SPAWN,
        .kind = s->kind,
        .site = s->site};
  }
  if (t->n)
    qsort(t->spans, t->n, sizeof *t->spans, by_end);
}

static void begin_life(struct lanes *lanes, uint64_t id, bool is_task) {
  struct lane_life *life = &lanes->lives[lanes->n_lives++];
  const struct life_seen *s = seen_get(lanes, id, false);
  *life = (struct lane_life){
      .lane = {.what = is_task          ? LANE_TASK
                       : id & FD_BIT    ? LANE_FD
                                        : LANE_HANDLE,
               .id = id & ~FD_BIT},
      .kind = s ? s->kind : 0,
      .site = s ? s->site : 0,
      .label = s ? s->label : 0,
      .begin_ns = -1,
      .end_ns = INT64_MAX};
  /* What was there before waits, as far as is known. */
  if (life->lane.what != LANE_FD && lanes->near->from > 0) {
    life->state = LIFE_AWAITS;
    life->at_ns = lanes->near->from - 1;
  }
}

/* The lane's own thread is no part of what it is. */
static void settle(struct lanes *lanes) {
  for (size_t i = 0; i < lanes->n_lives; i++)
    lanes->lives[i].lane.thread = 0;
}

bool lives_are_old(const struct lanes *lanes) {
  return lanes->lives_of != lanes->near ||
         lanes->lives_focus != lanes->focus ||
         lanes->lives_from != lanes->from || lanes->lives_to != lanes->to;
}

void lives_make(struct app *app) {
  struct lanes *lanes = &app->lanes;
  struct choice tasks = {.n = 0}, handles = {.n = 0};
  lives_free(lanes);
  lanes->lives_of = lanes->near;
  lanes->lives_focus = lanes->focus;
  lanes->lives_from = lanes->from;
  lanes->lives_to = lanes->to;
  if (lanes->near->is_in_bins)
    return;
  lives_scan(app);
  choose_focus(app, &tasks);
  choose_busiest(lanes, &tasks, &handles);
  lanes->lives = calloc(tasks.n + handles.n + 1, sizeof *lanes->lives);
  if (!lanes->lives)
    return;
  for (size_t i = 0; i < tasks.n; i++)
    begin_life(lanes, tasks.ids[i], true);
  for (size_t i = 0; i < handles.n; i++)
    begin_life(lanes, handles.ids[i], false);
  fill(lanes);
  settle(lanes);
  count_open(lanes);
  struct life_seen *s, *next;
  lanes->n_tasks = 0;
  HASH_ITER(hh, lanes->seen, s, next)
    lanes->n_tasks += group_of(s->kind) == GROUP_TASK;
  if (lanes->n_tasks < tasks.n)
    lanes->n_tasks = tasks.n;
}

void lives_forget(struct lanes *lanes) {
  struct life_seen *s, *next;
  HASH_ITER(hh, lanes->seen, s, next) {
    HASH_DEL(lanes->seen, s);
    free(s);
  }
  lanes->seen = NULL;
  lanes->n_scanned = 0;
}

void lives_free(struct lanes *lanes) {
  for (size_t i = 0; i < lanes->n_lives; i++)
    free(lanes->lives[i].track.spans);
  free(lanes->lives);
  free(lanes->open.spans);
  lanes->open = (struct track){0};
  lanes->lives = NULL;
  lanes->n_lives = lanes->n_tasks = lanes->n_handles = 0;
  lanes->lives_of = NULL;
}

struct lane_life *lives_find(struct lanes *lanes, const struct lane *lane) {
  for (size_t i = 0; i < lanes->n_lives; i++)
    if (lane_is_same(&lanes->lives[i].lane, lane))
      return &lanes->lives[i];
  return NULL;
}
