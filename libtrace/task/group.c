/* Groups: a scope that waits for its tasks.  Invariant: a task of a group has
 * no handle; it is in the group's list until it ended.  Called by programs, and
 * by task.c when a task of a group ends. */
#include "config.h"

#include <string.h>

#include "task/trace.h"

_Static_assert(sizeof(struct lti_group_head) <= sizeof(lt_group), "room");

void lt_group_begin(lt_group *group) {
  struct lti_group_head *head = (struct lti_group_head *)group;
  memset(group, 0, sizeof *group);
  head->opener = lti_running("lt_group_begin");
  if (head->opener)
    head->opener->scopes++;
}

int lt_group_spawn(lt_group *group, const char *name, lt_task_fn *fn,
                   void *arg) {
  struct lti_group_head *head = (struct lti_group_head *)group;
  if (!head->opener) {
    lti_misuse("lt_group_spawn was given a group that is not open");
    return UV_EINVAL;
  }
  struct lti_tcb *task =
      lti_spawn(name, 0, fn, arg, __builtin_return_address(0));
  if (!task) {
    if (!head->failure)
      head->failure = UV_ENOMEM;
    lt_group_cancel(group);
    return UV_ENOMEM;
  }
  task->handles = 0;
  task->group = head;
  task->is_seen = 1;
  task->group_prev = NULL;
  task->group_next = head->first;
  if (head->first)
    head->first->group_prev = task;
  head->first = task;
  head->live++;
  if (head->failure) /* too late: it may still clean up */
    lti_cancel(task, LTI_CANCEL_ASKED);
  return 0;
}

/* Cancelling ends no task at once, so the list stays as it is meanwhile. */
void lt_group_cancel(lt_group *group) {
  struct lti_group_head *head = (struct lti_group_head *)group;
  for (struct lti_tcb *t = head->first; t; t = t->group_next)
    lti_cancel(t, LTI_CANCEL_ASKED);
  if (lti_sched)
    lti_wake_loop(lti_sched);
}

void lti_group_ended(struct lti_group_head *head, struct lti_tcb *task) {
  if (task->group_prev)
    task->group_prev->group_next = task->group_next;
  else
    head->first = task->group_next;
  if (task->group_next)
    task->group_next->group_prev = task->group_prev;
  head->live--;
  if (task->result < 0 && head->failure == 0 &&
      !(task->result == UV_ECANCELED && task->was_cancelled)) {
    head->failure = task->result;
    lt_group_cancel((lt_group *)head);
  }
  if (head->live == 0 && head->closer)
    lti_wake(head->closer, 0);
}

static void end_cancel(struct lti_wait *wait) {
  struct lti_group_head *head =
      *(struct lti_group_head **)(wait + 1); /* see lt_group_end */
  lt_group_cancel((lt_group *)head);
}

int64_t lt_group_end(lt_group *group) {
  struct lti_group_head *head = (struct lti_group_head *)group;
  struct lti_tcb *me = lti_running("lt_group_end");
  struct {
    struct lti_wait wait;
    struct lti_group_head *head;
  } end = {{.why = LT_WAIT_GROUP,
            .cancel = end_cancel,
            .caller = __builtin_return_address(0)},
           head};
  if (me && me != head->opener)
    lti_misuse("lt_group_end was called by a task that did not open the group%s",
               head->opener ? "" : ", or twice");
  if (!me || me != head->opener)
    return UV_EINVAL;
  if (me->pending)
    lt_group_cancel(group);
  if (head->live) {
    head->closer = &end.wait;
    end.wait.until = head->first;
    end.wait.awaited = head->first->id;
    (void)lti_block(me, &end.wait);
  }
  head->opener = NULL;
  me->scopes--;
  if (me->pending && !head->failure) {
    me->pending = 0; /* delivered here */
    return UV_ECANCELED;
  }
  return head->failure;
}
