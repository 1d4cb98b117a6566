/* The tasks that are alive, so that each generation can tell of them. */
#ifndef LTI_TASKS_H
#define LTI_TASKS_H

#include <stddef.h>
#include <stdint.h>

#include "drain/hash.h"

struct lti_task {
  uint64_t id; /* 0: a free place */
  uint64_t parent;
  int64_t spawn_ns;
  uint64_t label; /* string of the file, 0 for none */
  uint32_t kind;
  uint32_t site, spawn_site;
  uint32_t thread;
};

/* All zero is an empty set.  A program that leaks tasks is remembered up to a
 * bound; later ones are then missing in generations, not in the events. */
struct lti_tasks {
  struct lti_task *places;
  size_t n, capacity; /* places in use at least once */
  uint32_t *free_places;
  size_t n_free, free_capacity;
  uint64_t *ended_early; /* DONE came before SPAWN, on another thread */
  size_t n_ended_early, ended_early_capacity;
  struct lti_hash ids; /* id -> place */
};

/* A task was spawned. */
void lti_tasks_spawn(struct lti_tasks *tasks, const struct lti_task *task);

/* A task got a label; unknown ones are passed over. */
void lti_tasks_label(struct lti_tasks *tasks, uint64_t id, uint64_t label);

/* A task will never run again.  Threads are translated one after the other, so
 * its SPAWN may come later in the same epoch. */
void lti_tasks_done(struct lti_tasks *tasks, uint64_t id);

/* The epoch ends: what was done in it is gone, in whatever order it came. */
void lti_tasks_settle(struct lti_tasks *tasks);

/* Free everything. */
void lti_tasks_fini(struct lti_tasks *tasks);

#endif
