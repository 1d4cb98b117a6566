/* The inside of tasks: what the files of task/ share.
 *
 * One scheduler a thread.  A task is in one state; it lies in one place at a
 * time: in the ready queue, on the processor, or where lti_wait says.  All is
 * touched by the loop's thread only, except what is marked.
 *
 * Names: lti_tcb is a task's control block, lt_task* its public handle: the
 * block's address with the block's generation in the upper 16 bits, so that a
 * handle which was given up is recognised although blocks are used again. */
#ifndef LTI_SCHED_H
#define LTI_SCHED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <looptrace/task.h>

#include "record/recorder.h"
#include "task/stack.h"

struct lti_sched;
struct lti_tcb;
struct lti_modes;

enum lti_state { LTI_FREE, LTI_READY, LTI_RUNNING, LTI_WAITING, LTI_DONE };

/* Why a task waits: on its own stack, for as long as it waits. */
struct lti_wait {
  lt_wait_kind why;
  /* Called when the task is to be cancelled: end the wait now (lti_wake with
   * UV_ECANCELED), or only make it end soon.  NULL: it must be waited out. */
  void (*cancel)(struct lti_wait *wait);
  struct lti_tcb *task;  /* who waits */
  struct lti_tcb *until; /* the task that must act first; NULL when unknown */
  uint64_t awaited;      /* trace id of what is awaited, 0 for none */
  const void *caller;    /* where it awaits other tasks; NULL: not told */
  int64_t value;         /* what the wait comes back with */
};

/* Somebody to be told when a task ends. */
struct lti_waiter {
  struct lti_waiter *next;
  /* Called by the end of task; must not run tasks. */
  void (*ended)(struct lti_waiter *waiter, struct lti_tcb *task);
  void *data;
};

struct lti_tcb {
  /* Touched by each switch. */
  void *context;        /* where it goes on */
  struct lti_tcb *next; /* in the ready queue or the free list */
  struct lti_wait *wait;
  uint64_t id; /* in the trace, 0 for none */
  lt_task_fn *fn;
  void *arg;
  int64_t result;
  uint8_t state;
  uint8_t pending; /* LTI_CANCEL_*: to be delivered at the next wait */
  uint8_t stack_class;
  uint8_t is_seen : 1; /* its result is, although it has no handle */
  uint8_t has_begun : 1;
  uint8_t was_cancelled : 1;
  uint8_t has_canary : 1; /* no guard page below its stack */
  uint16_t generation;
  uint16_t handles; /* given out and not given up; 0 and done: free */

  struct lti_waiter *waiters;
  struct lti_waiter own_waiter; /* spares gather an allocation */
  char *stack;                  /* lowest usable byte */
  size_t stack_bytes;
  struct lti_local *locals;
  struct lti_group_head *group;
  struct lti_tcb *group_next, *group_prev;
  void *spawner;          /* return address of lt_spawn */
  struct lti_tcb *parent; /* may have been used again: see parent_serial */
  uint64_t serial, parent_serial;
  uint64_t since_ms; /* it waits or is ready since; loop time */
  uint32_t cancels;  /* how often lt_cancel was called */
  uint16_t scopes;   /* groups and deadlines that it began and did not end */
  uint16_t locks;    /* that it holds */
  char name[32];
  void *fibre; /* of the thread sanitizer */
  void *fake;  /* of the address sanitizer */
};

enum { LTI_CANCEL_ASKED = 1, LTI_CANCEL_DEADLINE = 2 };

/* The sleepers: a pairing heap, by time and then by order. */
struct lti_timer {
  struct lti_timer *child, *next, *prev; /* prev: parent where first child */
  uint64_t when_ms;
  uint64_t order;
  void (*due)(struct lti_timer *timer);
};

enum { LTI_BLOCKS = 256 };
struct lti_slab {
  struct lti_slab *next;
  struct lti_tcb tasks[LTI_BLOCKS];
};

struct lti_queue_ends {
  struct lti_tcb *first, *last;
};

struct lti_sched {
  void *context; /* the loop's, while tasks run; first: see switch.S */
  struct lti_tcb *running; /* NULL in the loop */
  struct lti_queue_ends ready;
  struct lti_queue_ends later; /* yielded: after the loop looked for events */
  uint32_t budget;             /* resumes left before the loop gets its turn */
  bool draining;
  bool idle_on;
  int handles_open; /* at the end */
  bool closing;
  bool own_rounding;
  bool is_watched;      /* by a sanitizer or valgrind: fibre.h */
  struct lti_tcb *dead; /* gives its stack back once we are off it */

  /* The recorder's block of this thread. */
  const struct lti_recorder *recorder;
  struct lti_self *self;
  const struct lti_process *process;
  uint64_t outer_task, outer_since, slice_began;

  struct lti_tcb *free;
  struct lti_slab *slabs;
  size_t live, live_max, tasks_max;
  uint64_t serials;
  struct lti_stacks stacks;
  int stack_class; /* of tasks that do not say */

  uv_loop_t *loop;
  uv_idle_t idle;
  uv_timer_t timer;
  uv_async_t async;
  uv_signal_t dump;
  uint32_t posts_expected; /* futures that other threads may set */
  _Atomic(void *) posted;  /* those that they did set: any thread */
  struct lti_timer *timers;
  uint64_t timer_order, armed_ms;
  uint64_t now_ms;

  struct lti_modes *first_modes; /* what a task begins with */
  struct lti_overflow *overflow;
  struct lti_probe *probe; /* a dump wants the stack of who is resumed */
  void *fibre, *fake;      /* the loop's, for sanitizers */
  const void *loop_stack;
  size_t loop_stack_bytes;
};

extern __thread struct lti_sched *lti_sched
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* --- sched.c -------------------------------------------------------------- */

/* The running task; reports misuse of what and returns NULL outside tasks. */
struct lti_tcb *lti_running(const char *what);

/* Wait.  The caller put wait where lti_wake will find its task, after it asked
 * lti_take_cancel().  Returns wait->value. */
int64_t lti_block(struct lti_tcb *task, struct lti_wait *wait);

/* Deliver a pending cancel: true when the wait that is about to begin must
 * return UV_ECANCELED instead. */
static inline bool lti_take_cancel(struct lti_tcb *task) {
  if (__builtin_expect(!task->pending, 1))
    return false;
  task->pending = 0;
  return true;
}

/* End a wait.  The task runs later: in lti_drain(), or by itself when a
 * callback of the program's does this. */
void lti_wake(struct lti_wait *wait, int64_t value);

/* Make sure that ready tasks get their turn though no lti_drain() follows. */
void lti_wake_loop(struct lti_sched *s);

/* Run what is ready.  Called last in each of our callbacks, and by the idle
 * handle.  No effect inside a task. */
void lti_drain(struct lti_sched *s);

/* The idle handle's callback: yielded tasks get their turn. */
void lti_idle(uv_idle_t *idle);

/* A task's first context. */
void *lti_task_context(struct lti_sched *s, struct lti_tcb *task);

/* Put a new task behind those that are ready. */
void lti_make_ready(struct lti_sched *s, struct lti_tcb *task);

/* --- task.c --------------------------------------------------------------- */

/* A new task, ready to run.  spawner: the code address to record.  Returns:
 * NULL when there is no memory or tasks_max is reached. */
struct lti_tcb *lti_spawn(const char *name, size_t stack_bytes, lt_task_fn *fn,
                          void *arg, void *spawner);
/* A handle's task, or NULL for NULL and (reported) for one that was given up.
 */
struct lti_tcb *lti_task_of(const lt_task *handle, const char *what);
/* Ask it to end; reason: LTI_CANCEL_*. */
void lti_cancel(struct lti_tcb *task, unsigned reason);
/* Wait for the task's end, however long it takes; the handle is not given up.
 */
int64_t lti_await_end(struct lti_tcb *me, struct lti_tcb *task,
                      const void *caller);
/* One handle less.  Frees the block when it was the last and the task is done.
 */
void lti_drop(struct lti_tcb *task);
/* What the scheduler calls on a task's own stack when fn returned. */
void lti_task_ended(struct lti_sched *s, struct lti_tcb *task, int64_t result);
/* Give a block back to the pool. */
void lti_tcb_free(struct lti_sched *s, struct lti_tcb *task);
/* Its name for people; the buffer is used when it has none. */
const char *lti_task_name(const struct lti_tcb *task, char *buffer, size_t n);
/* Call fn for each block that is in use. */
void lti_tasks_each(struct lti_sched *s,
                    void (*fn)(struct lti_tcb *task, void *data), void *data);
/* Would the task wait for itself, if it waited until other acts? */
bool lti_is_circle(const struct lti_tcb *task, const struct lti_tcb *until);
/* The same, and then reports it and puts it into the trace.  true: a circle. */
bool lti_refuse_circle(struct lti_tcb *task, struct lti_tcb *until);

/* --- timer.c -------------------------------------------------------------- */

/* Timers of tasks, all behind one handle of the loop: set one, take one back
 * (harmless when it fired), and the handle's callback. */
void lti_timer_add(struct lti_sched *s, struct lti_timer *timer, uint64_t ms);
void lti_timer_remove(struct lti_sched *s, struct lti_timer *timer);
void lti_timer_fired(uv_timer_t *handle);

/* --- group.c -------------------------------------------------------------- */

struct lti_group_head {
  struct lti_tcb *first;
  size_t live;
  int64_t failure;
  struct lti_wait *closer;
  struct lti_tcb *opener;
};
/* A child of the group has ended: count it, and wake who waits for the last. */
void lti_group_ended(struct lti_group_head *group, struct lti_tcb *task);

/* --- local.c -------------------------------------------------------------- */

struct lti_local;
/* Task-local values are shared with children, and counted. */
struct lti_local *lti_local_share(struct lti_local *local);
void lti_local_drop(struct lti_local *local);

/* --- future.c ------------------------------------------------------------- */

/* The async handle's callback: what other threads completed. */
void lti_posts_arrived(uv_async_t *async);

/* --- misuse.c ------------------------------------------------------------- */

/* Tell the program's author of a mistake, on stderr, with the task's name. */
void lti_misuse(const char *format, ...) __attribute__((format(printf, 1, 2)))
__attribute__((cold));

/* --- dump.c --------------------------------------------------------------- */

enum { LTI_PROBE_FRAMES = 48 };
struct lti_probe {
  void *frames[LTI_PROBE_FRAMES];
  int n;
};
/* Called by a task that was resumed only to tell its stack. */
void lti_probe_take(struct lti_probe *probe);
/* Resume a waiting task only for that. */
void lti_probe_task(struct lti_sched *s, struct lti_tcb *task,
                    struct lti_probe *probe);

#endif
