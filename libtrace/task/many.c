/* Waiting for many: gather and wait.
 *
 * A waiter hangs on each task; a task lends its own first one, so that
 * gathering allocates nothing unless two gather the same task.  Called by
 * programs. */
#include "config.h"

#include <stdlib.h>

#include "task/trace.h"

struct many {
  struct lti_wait wait; /* first */
  lt_task *const *tasks;
  size_t n;
  size_t pending;
  int64_t failure; /* the first */
  bool has_unhung; /* there was no memory to be told of some task's end */
  bool is_strict;  /* a failure cancels the rest */
  bool is_first_enough;
  bool is_awake;
};

static void cancel_all(struct many *many) {
  for (size_t i = 0; i < many->n; i++) {
    struct lti_tcb *task = lti_task_of(many->tasks[i], "lt_gather");
    if (task)
      lti_cancel(task, LTI_CANCEL_ASKED);
  }
}

/* Cancelling may end nothing at once: tasks end in their own turn. */
static void one_ended(struct lti_waiter *waiter, struct lti_tcb *task) {
  struct many *many = waiter->data;
  if (waiter == &task->own_waiter)
    waiter->data = NULL;
  else
    free(waiter);
  many->pending--;
  if (task->result < 0 && many->is_strict && many->failure == 0) {
    many->failure = task->result;
    cancel_all(many);
  }
  if (!many->is_awake && (many->pending == 0 || many->is_first_enough)) {
    many->is_awake = true;
    lti_wake(&many->wait, 0);
  }
}

static bool hang(struct many *many, struct lti_tcb *task) {
  struct lti_waiter *waiter = &task->own_waiter;
  if (waiter->data && !(waiter = malloc(sizeof *waiter)))
    return false;
  waiter->ended = one_ended;
  waiter->data = many;
  waiter->next = task->waiters;
  task->waiters = waiter;
  many->pending++;
  return true;
}

static void unhang(struct many *many) {
  for (size_t i = 0; i < many->n; i++) {
    struct lti_tcb *task = lti_task_of(many->tasks[i], "lt_wait");
    struct lti_waiter **at = task ? &task->waiters : NULL;
    while (at && *at) {
      struct lti_waiter *waiter = *at;
      if (waiter->ended != one_ended || waiter->data != many) {
        at = &waiter->next;
        continue;
      }
      *at = waiter->next;
      if (waiter == &task->own_waiter)
        waiter->data = NULL;
      else
        free(waiter);
    }
  }
}

/* Cancelled while gathering: the tasks are, and their end is still awaited. */
static void gather_cancel(struct lti_wait *wait) {
  struct many *many = (struct many *)wait;
  many->failure = UV_ECANCELED;
  cancel_all(many);
}

static int64_t gather(lt_task *const *tasks, size_t n, int64_t *results,
                      bool is_strict, const void *caller) {
  struct lti_tcb *me = lti_running("lt_gather");
  if (!me)
    return UV_EINVAL;
  struct many many = {
      .wait = {.why = LT_WAIT_ALL, .cancel = gather_cancel, .caller = caller},
      .tasks = tasks,
      .n = n,
      .is_strict = is_strict};
  for (size_t i = 0; i < n; i++) {
    struct lti_tcb *task = lti_task_of(tasks[i], "lt_gather");
    int64_t failure = 0;
    if (!task)
      failure = tasks[i] ? UV_EINVAL : UV_ENOMEM;
    else if (task->state == LTI_DONE)
      failure = task->result < 0 ? task->result : 0;
    else if (lti_refuse_circle(me, task))
      failure = LT_EDEADLK;
    else if (!hang(&many, task)) {
      failure = UV_ENOMEM;
      many.has_unhung = true;
    } else if (!many.wait.until) {
      many.wait.until = task;
      many.wait.awaited = task->id;
    }
    if (results)
      results[i] = failure;
    if (failure && is_strict && !many.failure)
      many.failure = failure;
  }
  if (many.failure || me->pending)
    cancel_all(&many);
  bool was_pending = me->pending;
  if (many.pending)
    (void)lti_block(me, &many.wait);
  for (size_t i = 0; i < n; i++) {
    struct lti_tcb *task = lti_task_of(tasks[i], "lt_gather");
    if (!task)
      continue;
    if (many.has_unhung && task->state != LTI_DONE)
      (void)lti_await_end(me, task, caller);
    if (results && task->state == LTI_DONE)
      results[i] = task->result;
    lti_drop(task);
  }
  if ((was_pending || me->pending) &&
      (many.failure == 0 || many.failure == UV_ECANCELED)) {
    me->pending = 0; /* delivered here */
    return UV_ECANCELED;
  }
  return many.failure;
}

int64_t lt_gather(lt_task *const *tasks, size_t n, int64_t *results) {
  return gather(tasks, n, results, true, __builtin_return_address(0));
}

int64_t lt_gather_all(lt_task *const *tasks, size_t n, int64_t *results) {
  return gather(tasks, n, results, false, __builtin_return_address(0));
}

static void wait_cancel(struct lti_wait *wait) {
  struct many *many = (struct many *)wait;
  if (many->is_awake)
    return;
  many->is_awake = true;
  lti_wake(wait, UV_ECANCELED);
}

static int64_t first_done(lt_task *const *tasks, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (lt_is_done(tasks[i]))
      return (int64_t)i;
  return -1;
}

int64_t lt_wait(lt_task *const *tasks, size_t n) {
  struct lti_tcb *me = lti_running("lt_wait");
  if (!me || n == 0)
    return UV_EINVAL;
  int64_t done = first_done(tasks, n);
  if (done >= 0)
    return done;
  if (lti_take_cancel(me))
    return UV_ECANCELED;
  struct many many = {.wait = {.why = LT_WAIT_ANY,
                               .cancel = wait_cancel,
                               .caller = __builtin_return_address(0)},
                      .tasks = tasks,
                      .n = n,
                      .is_first_enough = true};
  int64_t result = 0;
  for (size_t i = 0; i < n && result == 0; i++)
    if (!hang(&many, lti_task_of(tasks[i], "lt_wait")))
      result = UV_ENOMEM;
  if (result == 0)
    result = lti_block(me, &many.wait);
  unhang(&many);
  return result < 0 ? result : first_done(tasks, n);
}
