/* How many tasks are alive, by the place that made them: what is never closed,
 * never finishes, or grows.
 *
 * Invariant: alive is the number of tasks whose live points here, and levels
 * holds it for each eighth of the trace that has passed.  At most
 * MODEL_LIVES_MAX rows; the rest is in one of site 0.  Called by the builder.
 */
#include <stdlib.h>
#include <string.h>

#include "model/build.h"

/* Fewer tasks than that may be a pool of them. */
#define LEAK_LEAST 100
#define LEAK_STEPS 6

static struct live_row *row_get(struct live_row **rows, uint32_t kind,
                                uint32_t site, uint32_t spawn_site) {
  struct live_row *row;
  struct live_key key;
  memset(&key, 0, sizeof key);
  key.kind = kind;
  key.site = site;
  key.spawn_site = spawn_site;
  HASH_FIND(hh, *rows, &key, sizeof key, row);
  if (row)
    return row;
  if (HASH_COUNT(*rows) >= MODEL_LIVES_MAX && (kind | site | spawn_site) != 0)
    return row_get(rows, 0, 0, 0);
  row = calloc(1, sizeof *row);
  if (!row)
    return NULL;
  row->key = key;
  row->live = (struct model_live){
      .kind = kind, .site = site, .spawn_site = spawn_site, .oldest_ns = -1};
  HASH_ADD(hh, *rows, key, sizeof row->key, row);
  if (!row->hh.tbl) {
    free(row);
    return NULL;
  }
  return row;
}

void lives_spawn(struct builder *b, struct task *task) {
  struct live_row *row = b->last_live;
  if (task->live)
    return;
  if (!row || row->key.kind != task->kind || row->key.site != task->site ||
      row->key.spawn_site != task->spawn_site)
    row = row_get(&b->lives, task->kind, task->site, task->spawn_site);
  b->last_live = row;
  if (!row) {
    b->is_out_of_memory = true;
    return;
  }
  row->live.made++;
  row->live.alive++;
  task->live = row;
}

void lives_done(struct task *task) {
  if (task->live)
    task->live->live.alive--;
  task->live = NULL;
}

void lives_mark(struct builder *b) {
  struct live_row *row, *next;
  while (b->n_marks < MODEL_LEVELS && b->now_ns >= b->next_mark_ns) {
    HASH_ITER(hh, b->lives, row, next)
    row->live.levels[b->n_marks] = row->live.alive;
    b->n_marks++;
    b->next_mark_ns =
        (int64_t)(b->n_marks + 1) * (b->model.info->end_ns / MODEL_LEVELS);
  }
  if (b->n_marks == MODEL_LEVELS)
    b->next_mark_ns = INT64_MAX;
}

/* More from eighth to eighth, and more than half as many again as at half-time:
 * not what is set up at the start. */
static bool is_leak(const struct model_live *l) {
  for (int i = MODEL_LEVELS - LEAK_STEPS; i < MODEL_LEVELS; i++)
    if (l->levels[i] <= l->levels[i - 1])
      return false;
  uint64_t half = l->levels[MODEL_LEVELS / 2 - 1];
  return l->alive >= LEAK_LEAST &&
         l->levels[MODEL_LEVELS - 1] >= half + half / 2;
}

static bool is_never_finished(const struct model *m,
                              const struct model_live *l) {
  return l->kind == LT_TASK_COROUTINE && l->alive > 0 && m->info->ended &&
         m->info->end_reason == LT_END_EXITED;
}

static int most_alive(const void *a, const void *b) {
  const struct model_live *x = a, *y = b;
  if (x->alive != y->alive)
    return x->alive < y->alive ? 1 : -1;
  if (x->made != y->made)
    return x->made < y->made ? 1 : -1;
  if (x->kind != y->kind)
    return x->kind < y->kind ? -1 : 1;
  if (x->site != y->site)
    return x->site < y->site ? -1 : 1;
  return (x->spawn_site > y->spawn_site) - (x->spawn_site < y->spawn_site);
}

static bool is_handle(uint32_t kind) {
  switch (kind) {
  case LT_TASK_TIMER:
  case LT_TASK_IDLE:
  case LT_TASK_PREPARE:
  case LT_TASK_CHECK:
  case LT_TASK_ASYNC:
  case LT_TASK_POLL:
  case LT_TASK_SIGNAL:
  case LT_TASK_LISTEN:
  case LT_TASK_READ:
  case LT_TASK_UDP_RECV:
  case LT_TASK_FS_EVENT:
  case LT_TASK_FS_POLL:
    return true;
  default:
    return false;
  }
}

/* A loop that came to its end has no use for a handle any more. */
static void look_at_loop(const struct builder *b, const struct task *task,
                         struct live_row *row) {
  const struct thread *th =
      task->thread < b->n_threads ? &b->threads[task->thread] : NULL;
  if (!th || !is_handle(row->key.kind) || th->n_frames || th->last_alive ||
      th->run_end_ns <= task->spawn_ns)
    return;
  row->unclosed++;
  for (uint32_t i = 0; i < row->n_left; i++)
    if (row->left[i] == task->thread)
      return;
  if (row->n_left < LIVE_LOOPS_LEAST)
    row->left[row->n_left++] = task->thread;
}

/* The oldest and the newest of each row that are alive. */
static void look_at_tasks(struct builder *b) {
  for (struct task *task = b->tasks.oldest; task; task = task->newer) {
    struct live_row *row = task->live;
    if (!row || !task->alive)
      continue;
    if (row->live.oldest_ns < 0 || task->spawn_ns < row->live.oldest_ns)
      row->live.oldest_ns = task->spawn_ns;
    if (row->newest < task->id)
      row->newest = task->id;
    look_at_loop(b, task, row);
  }
}

void lives_finish(struct builder *b) {
  struct model *m = &b->model;
  struct live_row *row, *next;
  size_t n = HASH_COUNT(b->lives);
  b->last_live = NULL;
  look_at_tasks(b);
  m->lives = calloc(n ? n : 1, sizeof *m->lives);
  if (!m->lives) {
    b->is_out_of_memory = true;
    return;
  }
  HASH_ITER(hh, b->lives, row, next) {
    const struct model_live *l = &row->live;
    bool is_growing = b->n_marks == MODEL_LEVELS && is_leak(l);
    bool is_unclosed = row->n_left == LIVE_LOOPS_LEAST;
    if (is_growing || is_unclosed || is_never_finished(m, l)) {
      struct model_trouble *t = troubles_add(b);
      if (t) {
        *t = (struct model_trouble){
            .kind = is_growing    ? MODEL_HANDLE_LEAK
                    : is_unclosed ? MODEL_NEVER_CLOSED
                                  : MODEL_NEVER_FINISHED,
            .loop = MODEL_NO_LOOP,
            .site = l->site,
            .spawn_site = l->spawn_site,
            .task_kind = l->kind,
            .task = row->newest,
            .at_ns = l->oldest_ns,
            .count = is_unclosed && !is_growing ? row->unclosed : l->alive,
            .of = l->made};
        memcpy(t->levels, l->levels, sizeof t->levels);
      }
    }
    m->lives[m->n_lives++] = *l;
  }
  qsort(m->lives, m->n_lives, sizeof *m->lives, most_alive);
}

void lives_fini(struct builder *b) {
  struct live_row *row, *next;
  HASH_ITER(hh, b->lives, row, next) {
    HASH_DEL(b->lives, row);
    free(row);
  }
}
