/* The tasks of a trace that still matter: those alive, and their ancestors.
 *
 * Invariant: a task is freed when it is done and no task has it as parent; a
 * chain of parents is never longer than MODEL_ANCESTRY_MAX behind a new task,
 * so a program whose every request makes the next one stays bounded.  Called by
 * the builder and the stream. */
#include <stdlib.h>
#include <unistd.h>

#include "model/build.h"

/* The table */

#define LOG2_LEAST 10

/* Where the search for an id begins: nobody who makes a file knows the seed.
 * Ids are counted up by each thread, with its number above: one multiplication
 * would lay a thread's over another's, for many a seed. */
static size_t home_of(const struct tasks *tasks, uint64_t id) {
  uint64_t hash = id * tasks->seed;
  hash = (hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15);
  return (size_t)(hash >> (64 - tasks->log2_slots));
}

static size_t after(const struct tasks *tasks, size_t slot) {
  return (slot + 1) & (((size_t)1 << tasks->log2_slots) - 1);
}

struct task *tasks_known(struct tasks *tasks, uint64_t id) {
  if (!tasks->slots)
    return NULL;
  size_t i = home_of(tasks, id);
  while (tasks->slots[i].task && tasks->slots[i].id != id)
    i = after(tasks, i);
  return tasks->slots[i].task;
}

static void enter(struct tasks *tasks, struct task *task) {
  size_t i = home_of(tasks, task->id);
  while (tasks->slots[i].task)
    i = after(tasks, i);
  tasks->slots[i] = (struct task_slot){task->id, task};
}

/* Take an id out; what was put behind it for want of room moves up. */
static void take_out(struct tasks *tasks, uint64_t id) {
  size_t mask = ((size_t)1 << tasks->log2_slots) - 1;
  size_t hole = home_of(tasks, id);
  while (tasks->slots[hole].id != id || !tasks->slots[hole].task)
    hole = after(tasks, hole);
  for (size_t i = after(tasks, hole); tasks->slots[i].task;
       i = after(tasks, i)) {
    size_t home = home_of(tasks, tasks->slots[i].id);
    if (((i - home) & mask) < ((i - hole) & mask))
      continue;
    tasks->slots[hole] = tasks->slots[i];
    hole = i;
  }
  tasks->slots[hole].task = NULL;
}

static bool grow(struct tasks *tasks) {
  unsigned log2 = tasks->slots ? tasks->log2_slots + 1 : LOG2_LEAST;
  struct task_slot *slots = calloc((size_t)1 << log2, sizeof *slots);
  if (!slots)
    return false;
  if (!tasks->seed && getentropy(&tasks->seed, sizeof tasks->seed) != 0)
    tasks->seed = (uint64_t)(uintptr_t)slots * UINT64_C(0x9e3779b97f4a7c15);
  tasks->seed |= 1;
  free(tasks->slots);
  tasks->slots = slots;
  tasks->log2_slots = log2;
  for (struct task *task = tasks->oldest; task; task = task->newer)
    enter(tasks, task);
  return true;
}

/* Tasks */

static void forget(struct tasks *tasks, struct task *task) {
  take_out(tasks, task->id);
  tasks->n--;
  *(task->older ? &task->older->newer : &tasks->oldest) = task->newer;
  *(task->newer ? &task->newer->older : &tasks->newest) = task->older;
  free(task->run);
  task->id = 0; /* tasks_still() */
  task->newer = tasks->spare;
  tasks->spare = task;
}

static void unref(struct tasks *tasks, struct task *task) {
  while (task && --task->refs == 0) {
    struct task *parent = task->parent;
    if (tasks->on_free)
      tasks->on_free(tasks->context, task);
    forget(tasks, task);
    task = parent;
  }
}

static struct task *make(struct tasks *tasks, uint64_t id) {
  bool is_full =
      !tasks->slots || tasks->n >= (size_t)1 << tasks->log2_slots >> 1;
  if (is_full && !grow(tasks))
    return NULL;
  struct task *task = tasks->spare;
  if (task)
    tasks->spare = task->newer;
  else if (!(task = malloc(sizeof *task)))
    return NULL;
  *task = (struct task){.id = id, .older = tasks->newest};
  task->refs = 1; /* being alive */
  task->alive = true;
  task->due_ns = task->ran_ns = task->end_ns = task->ready_ns = -1;
  task->root = id;
  *(task->older ? &task->older->newer : &tasks->oldest) = task;
  tasks->newest = task;
  enter(tasks, task);
  tasks->n++;
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

void tasks_done(struct tasks *tasks, struct task *task, int64_t now_ns) {
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
  struct task **alive = calloc(tasks->n + 1, sizeof(*alive));
  size_t n = 0;
  if (!alive)
    return; /* then they are told in any order */
  for (struct task *task = tasks->oldest; task; task = task->newer)
    if (task->alive)
      alive[n++] = task;
  for (size_t i = 0; i < n; i++) {
    alive[i]->alive = false;
    unref(tasks, alive[i]);
  }
  free(alive);
}

void tasks_fini(struct tasks *tasks) {
  if (tasks->on_free)
    release_all(tasks);
  while (tasks->oldest) {
    if (tasks->on_free)
      tasks->on_free(tasks->context, tasks->oldest);
    forget(tasks, tasks->oldest);
  }
  while (tasks->spare) {
    struct task *task = tasks->spare;
    tasks->spare = task->newer;
    free(task);
  }
  free(tasks->slots);
  tasks->slots = NULL;
}
