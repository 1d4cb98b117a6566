/* Time: sleeping and deadlines, on one libuv timer for all.
 *
 * Invariant: the timer is armed for the first of the heap, and stopped when the
 * heap is empty.  A pairing heap, whose nodes lie on the stacks of those who
 * wait: nothing is allocated, adding is O(1).  Called by programs. */
#include "config.h"

#include "task/libuv.h"
#include "task/trace.h"

static bool is_before(const struct lti_timer *a, const struct lti_timer *b) {
  return a->when_ms != b->when_ms ? a->when_ms < b->when_ms
                                  : a->order < b->order;
}

static struct lti_timer *meld(struct lti_timer *a, struct lti_timer *b) {
  if (!a || !b)
    return a ? a : b;
  if (is_before(b, a)) {
    struct lti_timer *swap = a;
    a = b;
    b = swap;
  }
  b->prev = a;
  b->next = a->child;
  if (a->child)
    a->child->prev = b;
  a->child = b;
  a->next = a->prev = NULL;
  return a;
}

/* Two passes: pairs from the left, then all from the right. */
static struct lti_timer *meld_children(struct lti_timer *first) {
  struct lti_timer *pairs = NULL;
  while (first) {
    struct lti_timer *second = first->next;
    struct lti_timer *rest = second ? second->next : NULL;
    first->next = first->prev = NULL;
    if (second)
      second->next = second->prev = NULL;
    struct lti_timer *pair = meld(first, second);
    pair->next = pairs;
    pairs = pair;
    first = rest;
  }
  struct lti_timer *all = NULL;
  while (pairs) {
    struct lti_timer *next = pairs->next;
    pairs->next = NULL;
    all = meld(all, pairs);
    pairs = next;
  }
  return all;
}

static void arm(struct lti_sched *s) {
  if (!s->timers) {
    lti_task_uv.timer_stop(&s->timer);
    s->armed_ms = UINT64_MAX;
  } else if (s->timers->when_ms != s->armed_ms) {
    uint64_t now = uv_now(s->loop);
    s->armed_ms = s->timers->when_ms;
    lti_task_uv.timer_start(&s->timer, lti_timer_fired,
                       s->armed_ms > now ? s->armed_ms - now : 0, 0);
  }
}

void lti_timer_add(struct lti_sched *s, struct lti_timer *timer, uint64_t ms) {
  uv_update_time(s->loop); /* whatever ran since the loop last looked */
  s->now_ms = uv_now(s->loop);
  timer->child = timer->next = timer->prev = NULL;
  timer->when_ms = s->now_ms + ms < ms ? UINT64_MAX - 1 : s->now_ms + ms;
  timer->order = s->timer_order++;
  s->timers = meld(s->timers, timer);
  arm(s);
}

static void unlink_timer(struct lti_sched *s, struct lti_timer *timer) {
  struct lti_timer *rest = meld_children(timer->child);
  timer->child = NULL;
  if (timer == s->timers) {
    s->timers = rest;
    return;
  }
  if (timer->prev->child == timer)
    timer->prev->child = timer->next;
  else
    timer->prev->next = timer->next;
  if (timer->next)
    timer->next->prev = timer->prev;
  timer->next = timer->prev = NULL;
  s->timers = meld(s->timers, rest);
}

/* The timer may fire for nothing then, which is cheaper than arming it again. */
void lti_timer_remove(struct lti_sched *s, struct lti_timer *timer) {
  unlink_timer(s, timer);
  if (!s->timers)
    arm(s);
}

void lti_timer_fired(uv_timer_t *handle) {
  struct lti_sched *s = handle->data;
  uint64_t now = uv_now(s->loop);
  s->now_ms = now;
  s->armed_ms = UINT64_MAX;
  while (s->timers && s->timers->when_ms <= now) {
    struct lti_timer *timer = s->timers;
    unlink_timer(s, timer);
    timer->due(timer);
  }
  arm(s);
  lti_drain(s);
}

/* --- Sleeping ------------------------------------------------------------- */

struct sleep {
  struct lti_timer timer; /* first */
  struct lti_wait wait;
};

static void sleep_due(struct lti_timer *timer) {
  struct sleep *sleep = (struct sleep *)timer;
  lti_task_ready(lti_sched, sleep->wait.task, LT_READY_DUE, 0);
  lti_wake(&sleep->wait, 0);
}

static void sleep_cancel(struct lti_wait *wait) {
  struct sleep *sleep =
      (struct sleep *)((char *)wait - offsetof(struct sleep, wait));
  lti_timer_remove(lti_sched, &sleep->timer);
  lti_wake(wait, UV_ECANCELED);
}

int64_t lt_sleep(uint64_t ms) {
  struct lti_tcb *task = lti_running("lt_sleep");
  struct lti_sched *s = lti_sched;
  if (!task)
    return UV_EINVAL;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  struct sleep sleep = {.timer.due = sleep_due,
                        .wait = {.why = LT_WAIT_SLEEP, .cancel = sleep_cancel}};
  lti_timer_add(s, &sleep.timer, ms);
  if (task->id)
    lti_task_emit(s, LT_ARM, LT_TASK_COROUTINE, task->id, (uintptr_t)task->fn,
                  ms * 1000000 + 1);
  return lti_block(task, &sleep.wait);
}

/* --- Deadlines ------------------------------------------------------------ */

struct deadline {
  struct lti_timer timer; /* first */
  struct lti_tcb *task;
  uint32_t cancels;
  bool has_passed;
};
_Static_assert(sizeof(struct deadline) <= sizeof(lt_deadline), "room");

static void deadline_due(struct lti_timer *timer) {
  struct deadline *deadline = (struct deadline *)timer;
  deadline->has_passed = true;
  lti_cancel(deadline->task, LTI_CANCEL_DEADLINE);
}

void lt_deadline_begin(lt_deadline *public, uint64_t ms) {
  struct deadline *deadline = (struct deadline *)public;
  struct lti_tcb *task = lti_running("lt_deadline_begin");
  deadline->task = task;
  if (!task)
    return;
  deadline->timer.due = deadline_due;
  task->scopes++;
  deadline->cancels = task->cancels;
  deadline->has_passed = false;
  lti_timer_add(lti_sched, &deadline->timer, ms);
}

int64_t lt_deadline_end(lt_deadline *public, int64_t result) {
  struct deadline *deadline = (struct deadline *)public;
  struct lti_tcb *task = deadline->task;
  if (!task)
    return result;
  deadline->task = NULL; /* a second end is none */
  task->scopes--;
  if (!deadline->has_passed) {
    lti_timer_remove(lti_sched, &deadline->timer);
    return result;
  }
  task->pending &= (uint8_t)~LTI_CANCEL_DEADLINE;
  if (task->cancels != deadline->cancels)
    return result; /* somebody asked for it, too */
  if (!task->pending)
    task->was_cancelled = 0;
  return result == UV_ECANCELED ? UV_ETIMEDOUT : result;
}
