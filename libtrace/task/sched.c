/* The scheduler: who runs next.
 *
 * Invariant: s->running is the task whose stack is in use, NULL on the loop's.
 * A task that gives the thread away goes straight on to the next ready one; the
 * loop gets the thread back when none is ready or the budget is used up.
 * Called by everything in task/ that waits or wakes. */
#include "config.h"

#include "task/sched.h"

#include <stdlib.h>

#include "task/context.h"
#include "task/fibre.h"
#include "task/libuv.h"
#include "task/trace.h"

/* When the loop looks for events again, though tasks are ready: after so many
 * resumes, or as soon as they took so long.  The clock is read after 4 of them,
 * 8, 16...: hardly ever for quick ones, soon for slow ones. */
enum { FIRST_LOOK = 4, BUDGET = 1024, PATIENCE_NS = 500000 };

__thread struct lti_sched *lti_sched
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

static void push(struct lti_queue_ends *queue, struct lti_tcb *task) {
  task->next = NULL;
  if (queue->first)
    queue->last->next = task;
  else
    queue->first = task;
  queue->last = task;
}

static struct lti_tcb *pop(struct lti_sched *s) {
  struct lti_tcb *task = s->ready.first;
  if (!task || !s->budget)
    return NULL;
  s->budget--;
  s->ready.first = task->next;
  return task;
}

/* --- Events --------------------------------------------------------------- */

static void trace_resume(struct lti_sched *s, struct lti_tcb *task,
                         uint64_t now) {
  struct lti_self *self = s->self;
  if (__builtin_expect(!task->id, 0)) { /* made before recording began */
    task->id = lti_task_id(s);
    lti_task_emit_at(s, now, LT_SPAWN, LT_TASK_COROUTINE, task->id,
                     (uintptr_t)task->fn, (uintptr_t)task->spawner);
  }
  lti_task_emit_at(s, now, LT_RESUME, LT_TASK_COROUTINE, task->id,
                   (uintptr_t)task->fn, 0);
  self->task = task->id;
  s->slice_began = now;
  if (self->slot) {
    atomic_store_explicit(&self->slot->task_since, now, memory_order_relaxed);
    atomic_store_explicit(&self->slot->task, task->id, memory_order_relaxed);
  }
}

/* The end of a slice, and the begin of the next, if any, at the same clock. */
static void trace_switch(struct lti_sched *s, struct lti_tcb *from,
                         unsigned kind, unsigned x, uint64_t value,
                         struct lti_tcb *to) {
  uint64_t now = lti_task_clock(s);
  struct lti_self *self = s->self;
  if (from && from->id) {
    lti_task_emit_at(s, now, kind, x, from->id, value, 0);
    if (__builtin_expect(now - s->slice_began > s->process->ticks_usage, 0))
      s->recorder->usage();
  } else if (!from) {
    s->outer_task = self->task;
    s->outer_since = self->slot ? atomic_load_explicit(&self->slot->task_since,
                                                       memory_order_relaxed)
                                : 0;
  }
  if (to) {
    trace_resume(s, to, now);
    return;
  }
  self->task = s->outer_task;
  if (self->slot) {
    atomic_store_explicit(&self->slot->task, s->outer_task,
                          memory_order_relaxed);
    atomic_store_explicit(&self->slot->task_since, s->outer_since,
                          memory_order_relaxed);
  }
}

/* --- Switching ------------------------------------------------------------ */

/* What the task that ended could not do on its own stack. */
static void bury(struct lti_sched *s) {
  struct lti_tcb *task = s->dead;
  s->dead = NULL;
  if (__builtin_expect(s->is_watched, 0))
    lti_fibre_free(task);
  lti_stack_give(&s->stacks, task->stack_class, task->stack, task->has_canary);
  task->stack = NULL;
  if (!task->handles)
    lti_tcb_free(s, task);
}

static void arrived(struct lti_sched *s, struct lti_tcb *self) {
  if (__builtin_expect(s->is_watched, 0))
    lti_fibre_arrive(s, self);
  if (s->dead)
    bury(s);
}

static __attribute__((always_inline)) inline void
go(struct lti_sched *s, struct lti_tcb *from, struct lti_tcb *to, bool ends) {
  struct lti_modes modes;
  if (__builtin_expect(s->own_rounding, 0))
    lti_modes_read(&modes);
  if (__builtin_expect(s->is_watched, 0))
    lti_fibre_leave(s, from, ends, to);
  lti_switch_to(from ? &from->context : &s->context,
                to ? to->context : s->context);
  arrived(s, from);
  if (__builtin_expect(s->own_rounding, 0))
    lti_modes_set(&modes);
}

static __attribute__((cold, noinline)) void answer_probe(struct lti_sched *s,
                                                         struct lti_tcb *task) {
  struct lti_probe *probe = s->probe;
  s->probe = NULL;
  lti_probe_take(probe);
  go(s, task, s->running, false);
}

void lti_probe_task(struct lti_sched *s, struct lti_tcb *task,
                    struct lti_probe *probe) {
  s->probe = probe;
  go(s, s->running, task, false);
}

static void check_canary(const struct lti_tcb *task) {
  char buffer[32];
  if (lti_stack_is_sound(task->stack))
    return;
  lti_misuse("task \"%s\" overflowed its stack of %zu KiB: spawn it with a "
             "larger stack_bytes",
             lti_task_name(task, buffer, sizeof buffer),
             task->stack_bytes >> 10);
  abort();
}

/* Give the thread away; back when the task is resumed. */
static void depart(struct lti_sched *s, struct lti_tcb *task, unsigned why,
                   uint64_t awaited) {
  struct lti_tcb *next = pop(s);
  if (lti_task_is_on(s))
    trace_switch(s, task, LT_AWAIT, why, awaited, next);
  if (__builtin_expect(task->has_canary, 0))
    check_canary(task);
  s->running = next;
  if (next)
    next->state = LTI_RUNNING;
  go(s, task, next, false);
  while (__builtin_expect(s->probe != NULL, 0))
    answer_probe(s, task);
}

/* The first and only function on a task's stack. */
static void begin(void *arg) {
  struct lti_tcb *task = arg;
  struct lti_sched *s = lti_sched;
  arrived(s, task);
  if (s->own_rounding)
    lti_modes_set(s->first_modes);
  task->has_begun = 1;
  int64_t result = task->fn(task->arg);
  if (__builtin_expect(task->has_canary, 0))
    check_canary(task);
  lti_task_ended(s, task, result);
  struct lti_tcb *next = pop(s);
  if (lti_task_is_on(s))
    trace_switch(s, task, LT_DONE,
                 result == UV_ECANCELED && task->was_cancelled,
                 (uint64_t)result, next);
  s->dead = task;
  s->running = next;
  if (next)
    next->state = LTI_RUNNING;
  go(s, task, next, true);
  __builtin_unreachable();
}

/* Each begins a little lower than its neighbour: else what tasks touch most would
 * lie in the same few lines of the cache for all of them. */
void *lti_task_context(struct lti_sched *s, struct lti_tcb *task) {
  enum { LINE = 64, COLOURS = 16 };
  size_t colour = ((uintptr_t)task / sizeof *task) % COLOURS;
  char *top = task->stack + task->stack_bytes - LTI_STACK_OURS;
  return lti_context_make(top - colour * LINE, begin, task, &s->context);
}

/* --- Waiting and waking --------------------------------------------------- */

struct lti_tcb *lti_running(const char *what) {
  struct lti_sched *s = lti_sched;
  if (__builtin_expect(s && s->running, 1))
    return s->running;
  lti_misuse("%s was called outside a task: only a function that was given to "
             "lt_run or lt_spawn can wait",
             what);
  return NULL;
}

int64_t lti_block(struct lti_tcb *task, struct lti_wait *wait) {
  struct lti_sched *s = lti_sched;
  wait->task = task;
  task->wait = wait;
  task->state = LTI_WAITING;
  task->since_ms = s->now_ms;
  if (wait->caller)
    lti_task_awaits_at(s, task, wait->caller);
  depart(s, task, wait->why, wait->awaited);
  if (__builtin_expect(task->pending, 0) && wait->value == UV_ECANCELED)
    task->pending = 0; /* delivered; with any other value it stays */
  return wait->value;
}

void lti_wake(struct lti_wait *wait, int64_t value) {
  struct lti_sched *s = lti_sched;
  struct lti_tcb *task = wait->task;
  wait->value = value;
  task->wait = NULL;
  task->state = LTI_READY;
  push(&s->ready, task);
}

void lti_make_ready(struct lti_sched *s, struct lti_tcb *task) {
  task->state = LTI_READY;
  task->since_ms = s->now_ms;
  push(&s->ready, task);
}

int64_t lt_yield(void) {
  struct lti_tcb *task = lti_running("lt_yield");
  struct lti_sched *s = lti_sched;
  if (!task)
    return UV_EINVAL;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  task->state = LTI_READY;
  task->since_ms = s->now_ms;
  push(&s->later, task);
  depart(s, task, 0, 0);
  return lti_take_cancel(task) ? UV_ECANCELED : 0;
}

/* --- The loop ------------------------------------------------------------- */

void lti_wake_loop(struct lti_sched *s) {
  if (s->draining || s->idle_on)
    return;
  s->idle_on = true;
  lti_task_uv.idle_start(&s->idle, lti_idle);
}

static void run_some(struct lti_sched *s, uint32_t n) {
  s->budget = n;
  struct lti_tcb *first = pop(s);
  if (lti_task_is_on(s))
    trace_switch(s, NULL, 0, 0, 0, first);
  s->running = first;
  first->state = LTI_RUNNING;
  go(s, NULL, first, false);
}

/* A callback of the loop's, and yet a task runs: it called uv_run, and no other
 * task can run before that returns. */
static __attribute__((cold, noinline)) void
leave_nested_run(struct lti_sched *s) {
  char buffer[32];
  lti_misuse("task \"%s\" called uv_run on the loop that runs it: lt_await, "
             "lt_sleep and the like wait, and let the loop turn",
             lti_task_name(s->running, buffer, sizeof buffer));
  uv_stop(s->loop);
}

void lti_drain(struct lti_sched *s) {
  if (__builtin_expect(s->running != NULL, 0))
    leave_nested_run(s);
  if (s->draining || !s->ready.first)
    return;
  s->draining = true;
  s->now_ms = uv_now(s->loop);
  uint8_t in_uv = s->self->in_uv; /* what tasks do is the program's doing */
  s->self->in_uv = 0;
  run_some(s, FIRST_LOOK);
  uint64_t began = s->ready.first ? lti_monotonic_ns() : 0;
  for (uint32_t n = FIRST_LOOK; s->ready.first && n < BUDGET; n *= 2) {
    run_some(s, n);
    if (s->ready.first && lti_monotonic_ns() - began > PATIENCE_NS)
      break;
  }
  s->self->in_uv = in_uv;
  s->draining = false;
  if (s->ready.first || s->later.first)
    lti_wake_loop(s);
}

void lti_idle(uv_idle_t *idle) {
  struct lti_sched *s = idle->data;
  if (s->later.first) {
    if (s->ready.first)
      s->ready.last->next = s->later.first;
    else
      s->ready.first = s->later.first;
    s->ready.last = s->later.last;
    s->later.first = NULL;
  }
  lti_drain(s);
  if (!s->ready.first && !s->later.first) {
    s->idle_on = false;
    lti_task_uv.idle_stop(idle);
  }
}
