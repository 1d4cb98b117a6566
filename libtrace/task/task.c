/* Tasks and their handles: made, awaited, cancelled, gone.
 *
 * Invariant: a block is free when its task is done and no handle is left; it is
 * never unmapped before the scheduler closes, so that a stale handle can be
 * told by its generation.  Called by programs and by the other files of task/.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dlfcn.h>

#include "task/fibre.h"
#include "task/symbol.h"
#include "task/trace.h"

/* --- Handles -------------------------------------------------------------- */

/* User addresses have at most 47 bits here, and 48 on AArch64. */
enum { GENERATION_SHIFT = 48 };

static lt_task *handle_of(const struct lti_tcb *task) {
  return (lt_task *)((uintptr_t)task | (uintptr_t)task->generation
                                           << GENERATION_SHIFT);
}

struct lti_tcb *lti_task_of(const lt_task *handle, const char *what) {
  uintptr_t bits = (uintptr_t)handle;
  if (!handle)
    return NULL;
  struct lti_tcb *task =
      (struct lti_tcb *)(bits & (((uintptr_t)1 << GENERATION_SHIFT) - 1));
  if (__builtin_expect(lti_sched && task->state != LTI_FREE &&
                           task->generation == bits >> GENERATION_SHIFT &&
                           task->handles,
                       1))
    return task;
  lti_misuse("%s was given a handle that had been given up: a handle is used "
             "once by lt_await, lt_gather, lt_timeout, lt_shield or lt_detach",
             what);
  return NULL;
}

const char *lti_task_name(const struct lti_tcb *task, char *buffer, size_t n) {
  static __thread struct {
    void *at;
    char name[sizeof task->name]; /* "": it has none */
  } last; /* a crowd that is dumped has one function */
  Dl_info info = {0};
  if (task->name[0])
    return task->name;
  void *at = NULL;
  memcpy(&at, &task->fn, sizeof at);
  if (last.at != at && !lti_symbol_of(at, last.name, sizeof last.name))
    last.name[0] = 0;
  last.at = at;
  if (last.name[0])
    snprintf(buffer, n, "%s", last.name);
  else if (dladdr(at, &info) && info.dli_fname)
    snprintf(buffer, n, "%s+0x%zx",
             strrchr(info.dli_fname, '/') ? strrchr(info.dli_fname, '/') + 1
                                          : info.dli_fname,
             (size_t)((char *)at - (char *)info.dli_fbase));
  else
    snprintf(buffer, n, "%p", at);
  return buffer;
}

/* --- Blocks --------------------------------------------------------------- */

static __attribute__((noinline)) struct lti_tcb *
more_blocks(struct lti_sched *s) {
  struct lti_slab *slab = NULL;
  if (posix_memalign((void **)&slab, 64, sizeof *slab) != 0)
    return NULL;
  memset(slab, 0, sizeof *slab);
  slab->next = s->slabs;
  s->slabs = slab;
  for (int i = LTI_BLOCKS - 1; i >= 0; i--) {
    slab->tasks[i].generation = 1;
    slab->tasks[i].next = s->free;
    s->free = &slab->tasks[i];
  }
  return s->free;
}

void lti_tcb_free(struct lti_sched *s, struct lti_tcb *task) {
  task->state = LTI_FREE;
  if (!++task->generation)
    task->generation = 1;
  task->next = s->free;
  s->free = task;
}

void lti_tasks_each(struct lti_sched *s,
                    void (*fn)(struct lti_tcb *task, void *data), void *data) {
  for (struct lti_slab *slab = s->slabs; slab; slab = slab->next)
    for (int i = 0; i < LTI_BLOCKS; i++)
      if (slab->tasks[i].state != LTI_FREE)
        fn(&slab->tasks[i], data);
}

/* --- Spawning ------------------------------------------------------------- */

static bool give_stack(struct lti_sched *s, struct lti_tcb *task,
                       size_t stack_bytes) {
  int class = stack_bytes ? lti_stack_class(stack_bytes) : s->stack_class;
  if (class < 0)
    return false;
  bool has_canary;
  task->stack =
      lti_stack_take(&s->stacks, class, &task->stack_bytes, &has_canary);
  if (!task->stack)
    return false;
  task->stack_class = (uint8_t) class;
  task->has_canary = has_canary;
  if (__builtin_expect(s->is_watched, 0))
    lti_fibre_make(task);
  task->context = lti_task_context(s, task);
  if (task->context)
    return true;
  lti_stack_give(&s->stacks, class, task->stack, has_canary);
  return false;
}

static void trace_spawn(struct lti_sched *s, struct lti_tcb *task) {
  task->id = lti_task_id(s);
  lti_task_emit(s, LT_SPAWN, LT_TASK_COROUTINE, task->id, (uintptr_t)task->fn,
                (uintptr_t)task->spawner);
  if (task->name[0])
    lti_task_emit(s, LT_LABEL, 0, task->id, s->recorder->string(task->name), 0);
}

struct lti_tcb *lti_spawn(const char *name, size_t stack_bytes, lt_task_fn *fn,
                          void *arg, void *spawner) {
  struct lti_sched *s = lti_sched;
  if (!s) {
    lti_misuse("lt_spawn was called in a thread without a loop: call lt_run or "
               "lt_loop_open first");
    return NULL;
  }
  struct lti_tcb *task = s->free;
  if (s->live >= s->tasks_max || (!task && !(task = more_blocks(s))))
    return NULL;
  if (!give_stack(s, task, stack_bytes))
    return NULL;
  s->free = task->next;
  if (++s->live > s->live_max)
    s->live_max = s->live;
  struct lti_tcb *parent = s->running;
  task->wait = NULL;
  task->id = 0;
  task->fn = fn;
  task->arg = arg;
  task->pending = 0;
  task->is_seen = 0;
  task->has_begun = 0;
  task->was_cancelled = 0;
  task->handles = 1;
  task->waiters = NULL;
  task->own_waiter.data = NULL;
  task->locals =
      parent && parent->locals ? lti_local_share(parent->locals) : NULL;
  task->group = NULL;
  task->spawner = spawner;
  task->serial = ++s->serials;
  task->parent = parent;
  task->parent_serial = parent ? parent->serial : 0;
  task->cancels = 0;
  task->scopes = 0;
  task->locks = 0;
  task->name[0] = 0;
  if (name)
    snprintf(task->name, sizeof task->name, "%s", name);
  if (lti_task_is_on(s))
    trace_spawn(s, task);
  lti_make_ready(s, task);
  lti_wake_loop(s);
  return task;
}

lt_task *lt_spawn(lt_task_fn *fn, void *arg) {
  struct lti_tcb *task =
      lti_spawn(NULL, 0, fn, arg, __builtin_return_address(0));
  return task ? handle_of(task) : NULL;
}

lt_task *lt_spawn_named(const char *name, lt_task_fn *fn, void *arg) {
  struct lti_tcb *task =
      lti_spawn(name, 0, fn, arg, __builtin_return_address(0));
  return task ? handle_of(task) : NULL;
}

lt_task *lt_spawn_with(const lt_spawn_options *options, lt_task_fn *fn,
                       void *arg) {
  struct lti_tcb *task = lti_spawn(options ? options->name : NULL,
                                   options ? options->stack_bytes : 0, fn, arg,
                                   __builtin_return_address(0));
  return task ? handle_of(task) : NULL;
}

/* --- The end -------------------------------------------------------------- */

static void report_unseen(const struct lti_tcb *task) {
  char buffer[32];
  lti_misuse("task \"%s\" failed with %s, and nobody awaited it",
             lti_task_name(task, buffer, sizeof buffer),
             lt_strerror(task->result));
}

/* What a task must not leave behind.  Groups and deadlines lay on its stack, and
 * their tasks and timers still refer to them: nothing is sound after that. */
static __attribute__((cold, noinline)) void
report_left(const struct lti_tcb *task) {
  char buffer[32];
  const char *name = lti_task_name(task, buffer, sizeof buffer);
  if (task->locks)
    lti_misuse("task \"%s\" ended and held a lock, which nobody can get now: "
               "call lt_mutex_unlock before each return",
               name);
  if (!task->scopes)
    return;
  lti_misuse("task \"%s\" returned from inside a group or a deadline: call "
             "lt_group_end or lt_deadline_end before each return",
             name);
  abort();
}

/* On the task's own stack, which is given back later: see bury(). */
void lti_task_ended(struct lti_sched *s, struct lti_tcb *task, int64_t result) {
  struct lti_waiter *waiter = task->waiters;
  if (__builtin_expect(task->scopes | task->locks, 0))
    report_left(task);
  task->result = result;
  task->state = LTI_DONE;
  s->live--;
  if (task->locals)
    lti_local_drop(task->locals);
  task->locals = NULL;
  if (__builtin_expect(task->handles == 0 && result < 0 && !task->is_seen &&
                           result != UV_ECANCELED,
                       0))
    report_unseen(task);
  while (waiter) {
    struct lti_waiter *next = waiter->next;
    waiter->ended(waiter, task);
    waiter = next;
  }
  task->waiters = NULL;
  if (task->group)
    lti_group_ended(task->group, task);
}

void lti_drop(struct lti_tcb *task) {
  if (--task->handles == 0 && task->state == LTI_DONE && !task->stack)
    lti_tcb_free(lti_sched, task);
}

/* --- Awaiting ------------------------------------------------------------- */

bool lti_is_circle(const struct lti_tcb *task, const struct lti_tcb *until) {
  while (until && until != task)
    until =
        until->state == LTI_WAITING && until->wait ? until->wait->until : NULL;
  return until != NULL;
}

bool lti_refuse_circle(struct lti_tcb *task, struct lti_tcb *until) {
  struct lti_sched *s = lti_sched;
  char text[512], buffer[32];
  if (__builtin_expect(!lti_is_circle(task, until), 1))
    return false;
  int n = snprintf(text, sizeof text, "task \"%s\" would wait for itself: it",
                   lti_task_name(task, buffer, sizeof buffer));
  for (const struct lti_tcb *t = until; n < (int)sizeof text - 64;
       t = t->wait->until) {
    n += snprintf(text + n, sizeof text - (size_t)n, " waits for \"%s\"%s",
                  lti_task_name(t, buffer, sizeof buffer),
                  t == task ? "" : ", which");
    if (t == task)
      break;
  }
  lti_misuse("%s", text);
  if (lti_task_is_on(s) && task->id) { /* the edge that closes the circle */
    lti_task_emit(s, LT_AWAIT, LT_WAIT_TASK, task->id, until->id, 0);
    lti_task_emit(s, LT_MARK, 0, 0, s->recorder->string("await cycle"),
                  task->id);
    lti_task_emit(s, LT_RESUME, LT_TASK_COROUTINE, task->id,
                  (uintptr_t)task->fn, 0);
  }
  return true;
}

static void wake_awaiter(struct lti_waiter *waiter, struct lti_tcb *task) {
  lti_wake(waiter->data, task->result);
}

static void cancel_awaited(struct lti_wait *wait) {
  lti_cancel(wait->until, LTI_CANCEL_ASKED);
}

int64_t lti_await_end(struct lti_tcb *me, struct lti_tcb *task,
                      const void *caller) {
  if (task->state == LTI_DONE)
    return task->result;
  if ((task->state == LTI_WAITING || task == me) && lti_refuse_circle(me, task))
    return LT_EDEADLK;
  if (__builtin_expect(me->pending, 0))
    lti_cancel(task, me->pending);
  struct lti_wait wait = {.why = LT_WAIT_TASK,
                          .cancel = cancel_awaited,
                          .until = task,
                          .awaited = task->id,
                          .caller = caller};
  struct lti_waiter waiter = {task->waiters, wake_awaiter, &wait};
  task->waiters = &waiter;
  return lti_block(me, &wait);
}

int64_t lt_await(lt_task *handle) {
  struct lti_tcb *me = lti_running("lt_await");
  if (!me)
    return UV_EINVAL;
  if (!handle)
    return UV_ENOMEM;
  struct lti_tcb *task = lti_task_of(handle, "lt_await");
  if (!task)
    return UV_EINVAL;
  int64_t result = lti_await_end(me, task, __builtin_return_address(0));
  lti_drop(task);
  return result;
}

int64_t lt_timeout(lt_task *handle, uint64_t ms) {
  lt_deadline deadline;
  struct lti_tcb *me = lti_running("lt_timeout");
  if (!me)
    return UV_EINVAL;
  if (!handle)
    return UV_ENOMEM;
  struct lti_tcb *task = lti_task_of(handle, "lt_timeout");
  if (!task)
    return UV_EINVAL;
  lt_deadline_begin(&deadline, ms);
  int64_t result = lt_deadline_end(
      &deadline, lti_await_end(me, task, __builtin_return_address(0)));
  lti_drop(task);
  return result;
}

static void cancel_shielded(struct lti_wait *wait) {
  struct lti_waiter **at = &wait->until->waiters;
  while ((*at)->data != wait)
    at = &(*at)->next;
  *at = (*at)->next;
  lti_wake(wait, UV_ECANCELED);
}

int64_t lt_shield(lt_task *handle) {
  struct lti_tcb *me = lti_running("lt_shield");
  if (!me)
    return UV_EINVAL;
  if (!handle)
    return UV_ENOMEM;
  struct lti_tcb *task = lti_task_of(handle, "lt_shield");
  if (!task)
    return UV_EINVAL;
  int64_t result;
  if (task->state == LTI_DONE) {
    result = task->result;
  } else if (lti_take_cancel(me)) {
    result = UV_ECANCELED;
  } else if (lti_refuse_circle(me, task)) {
    result = LT_EDEADLK;
  } else {
    struct lti_wait wait = {.why = LT_WAIT_SHIELDED,
                            .cancel = cancel_shielded,
                            .until = task,
                            .awaited = task->id,
                            .caller = __builtin_return_address(0)};
    struct lti_waiter waiter = {task->waiters, wake_awaiter, &wait};
    task->waiters = &waiter;
    result = lti_block(me, &wait);
  }
  lti_drop(task);
  return result;
}

/* --- Cancelling and the rest ---------------------------------------------- */

void lti_cancel(struct lti_tcb *task, unsigned reason) {
  bool is_first = !task->pending;
  if (task->state == LTI_DONE || task->state == LTI_FREE)
    return;
  task->was_cancelled = 1;
  task->pending |= (uint8_t)reason;
  if (is_first && task->state == LTI_WAITING && task->wait->cancel)
    task->wait->cancel(task->wait);
}

void lt_cancel(lt_task *handle) {
  struct lti_tcb *task = lti_task_of(handle, "lt_cancel");
  if (!task || task->state == LTI_DONE)
    return;
  task->cancels++;
  lti_cancel(task, LTI_CANCEL_ASKED);
  lti_wake_loop(lti_sched);
}

void lt_detach(lt_task *handle) {
  struct lti_tcb *task = lti_task_of(handle, "lt_detach");
  if (!task)
    return;
  if (task->state == LTI_DONE && task->handles == 1 && task->result < 0 &&
      task->result != UV_ECANCELED)
    report_unseen(task);
  lti_drop(task);
}

lt_task *lt_keep(lt_task *handle) {
  struct lti_tcb *task = lti_task_of(handle, "lt_keep");
  if (!task || task->handles == UINT16_MAX)
    return NULL;
  task->handles++;
  return handle;
}

bool lt_is_done(lt_task *handle) {
  struct lti_tcb *task = lti_task_of(handle, "lt_is_done");
  return !task || task->state == LTI_DONE;
}

lt_task *lt_self(void) {
  struct lti_sched *s = lti_sched;
  if (!s || !s->running || s->running->handles == UINT16_MAX)
    return NULL;
  s->running->handles++;
  return handle_of(s->running);
}

bool lt_is_cancelled(void) {
  struct lti_sched *s = lti_sched;
  return s && s->running && s->running->pending;
}

size_t lt_task_count(void) {
  return lti_sched ? lti_sched->live : 0;
}
