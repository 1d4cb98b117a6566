/* The tasks of a trace that still matter: those alive, and their ancestors.
 *
 * Invariant: a task is freed when it is done and no task has it as parent; a
 * chain of parents is never longer than MODEL_ANCESTRY_MAX behind a new task,
 * so a program whose every request makes the next one stays bounded.  Called by
 * the builder. */
#include <stdlib.h>

#include "model/build.h"

static void unref(struct tasks *tasks, struct task *task) {
  while (task && --task->refs == 0) {
    struct task *parent = task->parent;
    if (tasks->on_free)
      tasks->on_free(tasks->context, task);
    HASH_DEL(tasks->by_id, task);
    if (tasks->cached[task->id % TASKS_CACHED] == task)
      tasks->cached[task->id % TASKS_CACHED] = NULL;
    free(task->run);
    free(task);
    task = parent;
  }
}

struct task *tasks_known(struct tasks *tasks, uint64_t id) {
  struct task *task = tasks->cached[id % TASKS_CACHED];
  if (task && task->id == id)
    return task;
  HASH_FIND(hh, tasks->by_id, &id, sizeof id, task);
  if (task)
    tasks->cached[id % TASKS_CACHED] = task;
  return task;
}

static struct task *make(struct tasks *tasks, uint64_t id) {
  struct task *task = calloc(1, sizeof *task);
  if (!task)
    return NULL;
  task->id = id;
  task->refs = 1; /* being alive */
  task->alive = true;
  task->due_ns = task->ran_ns = task->end_ns = task->ready_ns = -1;
  task->root = id;
  HASH_ADD(hh, tasks->by_id, id, sizeof task->id, task);
  if (!task->hh.tbl) { /* no memory for the table */
    free(task);
    return NULL;
  }
  tasks->n_seen++;
  tasks->n_live++;
  return task;
}

struct task *tasks_get(struct tasks *tasks, uint64_t id) {
  if (id == 0)
    return NULL;
  struct task *task = tasks_known(tasks, id);
  return task ? task : make(tasks, id);
}

/* Forget what lies too far behind a new task. */
static void cut_chain(struct tasks *tasks, struct task *task) {
  for (int i = 1; task && i < MODEL_ANCESTRY_MAX; i++)
    task = task->parent;
  if (task && task->parent) {
    struct task *parent = task->parent;
    task->parent = NULL;
    unref(tasks, parent);
  }
}

struct task *tasks_spawn(struct tasks *tasks, const lt_event *e,
                         struct task *parent) {
  if (e->ref == 0)
    return NULL;
  struct task *task = tasks_known(tasks, e->ref);
  if (!task)
    task = make(tasks, e->ref);
  if (!task)
    return NULL;
  task->kind = e->x;
  task->site = (uint32_t)e->a;
  task->spawn_site = (uint32_t)e->b;
  task->spawn_ns = e->time_ns;
  task->thread = e->thread;
  task->is_spawned = true;
  /* A hostile file may make a task its own ancestor: only a task that has no
   * parent yet, and is not the running one's ancestor, gets one. */
  for (struct task *t = parent; t; t = t->parent)
    if (t == task)
      return task;
  if (!task->parent && parent) {
    task->parent = parent;
    task->root = parent->root;
    parent->refs++;
    cut_chain(tasks, task);
  }
  return task;
}

void tasks_done(struct tasks *tasks, uint64_t id, int64_t now_ns) {
  struct task *task = tasks_known(tasks, id);
  if (!task || !task->alive)
    return;
  task->alive = false;
  task->end_ns = now_ns;
  tasks->n_live--;
  unref(tasks, task);
}

size_t tasks_ancestry(struct tasks *tasks, uint64_t id,
                      struct model_ancestor *out, size_t max) {
  size_t n = 0;
  for (struct task *t = tasks_known(tasks, id); t && n < max;
       t = t->parent, n++) {
    const struct task *by = t->awaiter ? tasks_known(tasks, t->awaiter) : NULL;
    bool is_awaited = by && by->alive && by->awaits == t->id;
    out[n] = (struct model_ancestor){
        .task = t->id,
        .kind = t->kind,
        .site = t->site,
        .spawn_site = t->spawn_site,
        .spawn_ns = t->spawn_ns,
        .label = t->label,
        .is_awaiting = n > 0 && t->awaits == out[n - 1].task,
        .awaiter = is_awaited ? by->id : 0,
        .await_site = is_awaited ? by->await_site : 0};
  }
  return n;
}

/* Let go of those that are alive, so that each is told behind its descendants.
 */
static void release_all(struct tasks *tasks) {
  struct task *task, *next, **alive;
  size_t n = 0;
  alive = calloc(HASH_COUNT(tasks->by_id) + 1, sizeof(*alive));
  if (!alive)
    return; /* then they are told in any order */
  HASH_ITER(hh, tasks->by_id, task, next)
  if (task->alive)
    alive[n++] = task;
  for (size_t i = 0; i < n; i++) {
    alive[i]->alive = false;
    unref(tasks, alive[i]);
  }
  free(alive);
}

void tasks_fini(struct tasks *tasks) {
  struct task *task, *next;
  if (tasks->on_free)
    release_all(tasks);
  HASH_ITER(hh, tasks->by_id, task, next) {
    if (tasks->on_free)
      tasks->on_free(tasks->context, task);
    HASH_DEL(tasks->by_id, task);
    free(task->run);
    free(task);
  }
}
