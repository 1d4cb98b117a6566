/* Task-local values: a list that a task shares with those it spawned until one of
 * them sets something.  Invariant: a node never changes but for its count; the
 * count is of lists and nodes that begin with it.  Called by task.c. */
#include "config.h"

#include <stdlib.h>

#include "task/sched.h"

struct lti_local {
  struct lti_local *next;
  const void *key;
  void *value;
  size_t users;
};

struct lti_local *lti_local_share(struct lti_local *local) {
  if (local)
    local->users++;
  return local;
}

void lti_local_drop(struct lti_local *local) {
  while (local && --local->users == 0) {
    struct lti_local *next = local->next;
    free(local);
    local = next;
  }
}

/* The list without key; what lay before it is copied.  Returns NULL also for an
 * empty list: *failed says. */
static struct lti_local *without(struct lti_local *local, const void *key,
                                 bool *failed) {
  if (!local)
    return NULL;
  if (local->key == key)
    return lti_local_share(local->next);
  struct lti_local *copy = malloc(sizeof *copy);
  if (!copy) {
    *failed = true;
    return NULL;
  }
  *copy = *local;
  copy->users = 1;
  copy->next = without(local->next, key, failed);
  return copy;
}

int lt_local_set(const void *key, void *value) {
  struct lti_tcb *task = lti_running("lt_local_set");
  bool failed = false;
  if (!task)
    return UV_EINVAL;
  struct lti_local *node = malloc(sizeof *node);
  if (!node)
    return UV_ENOMEM;
  struct lti_local *rest;
  if (lt_local_get(key))
    rest = without(task->locals, key, &failed);
  else
    rest = lti_local_share(task->locals);
  if (failed) {
    lti_local_drop(rest);
    free(node);
    return UV_ENOMEM;
  }
  *node = (struct lti_local){rest, key, value, 1};
  lti_local_drop(task->locals);
  task->locals = node;
  return 0;
}

void *lt_local_get(const void *key) {
  struct lti_sched *s = lti_sched;
  struct lti_local *local = s && s->running ? s->running->locals : NULL;
  while (local && local->key != key)
    local = local->next;
  return local ? local->value : NULL;
}
