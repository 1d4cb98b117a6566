/* A scheduler's life: lt_run, and attaching to a loop that is there already.
 *
 * Invariant: at the end all tasks ended, whatever it took, before anything that
 * they use goes.  Called by programs. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "task/context.h"
#include "task/fibre.h"
#include "task/libuv.h"
#include "task/overflow.h"
#include "task/trace.h"

enum {
  STACK_BYTES = 64 * 1024,
  TASKS_MAX = 1000000,
  STACKS_KEPT = 16384,
  PATIENCE = 100 /* how often a task that goes on waiting is cancelled */
};

static void dump_wanted(uv_signal_t *signal, int signum) {
  (void)signal;
  (void)signum;
  lt_dump_tasks(2);
}

/* The recorder that is attached: the one in front, unless it is idle or of
 * another build, and ours is not. */
static const struct lti_recorder *choose_recorder(void) {
  const struct lti_recorder *front = lt__recorder();
  const struct lti_recorder *own = lti_recorder_own();
  if (front->layout != LTI_RECORDER_LAYOUT ||
      (!front->process->arena && own->process->arena))
    return own;
  return front;
}

static int open_handles(struct lti_sched *s, int dump_signal) {
  int status = lti_task_uv.async_init(s->loop, &s->async, lti_posts_arrived);
  if (status < 0)
    return status;
  lti_task_uv.idle_init(s->loop, &s->idle);
  lti_task_uv.timer_init(s->loop, &s->timer);
  lti_task_uv.signal_init(s->loop, &s->dump);
  s->async.data = s->idle.data = s->timer.data = s->dump.data = s;
  uv_unref((uv_handle_t *)&s->async);
  uv_unref((uv_handle_t *)&s->dump);
  if (dump_signal)
    status = lti_task_uv.signal_start(&s->dump, dump_wanted, dump_signal);
  return status < 0 ? status : 0;
}

static void handle_closed(uv_handle_t *handle) {
  struct lti_sched *s = handle->data;
  s->handles_open--;
}

static void close_handles(struct lti_sched *s) {
  uv_handle_t *all[] = {(uv_handle_t *)&s->async, (uv_handle_t *)&s->idle,
                        (uv_handle_t *)&s->timer, (uv_handle_t *)&s->dump};
  s->handles_open = 4;
  for (int i = 0; i < 4; i++)
    lti_task_uv.close(all[i], handle_closed);
  while (s->handles_open)
    uv_run(s->loop, UV_RUN_NOWAIT);
}

static void free_sched(struct lti_sched *s) {
  lti_stacks_fini(&s->stacks);
  while (s->slabs) {
    struct lti_slab *slab = s->slabs;
    s->slabs = slab->next;
    free(slab);
  }
  free(s->overflow);
  free(s->first_modes);
  free(s);
}

int lt_loop_open(uv_loop_t *loop, const lt_run_options *options) {
  static const lt_run_options defaults;
  struct lti_sched *s = NULL;
  if (lti_sched)
    lti_misuse("lt_loop_open was called in a thread that has a loop for tasks: "
               "lt_spawn is enough there");
  if (lti_sched || !loop)
    return UV_EINVAL;
  options = options ? options : &defaults;
  int class = lti_stack_class(options->stack_bytes ? options->stack_bytes
                                                   : STACK_BYTES);
  if (class < 0)
    return UV_EINVAL;
  if (posix_memalign((void **)&s, 64, sizeof *s) != 0)
    return UV_ENOMEM;
  memset(s, 0, sizeof *s);
  s->overflow = malloc(sizeof *s->overflow);
  s->first_modes = malloc(sizeof *s->first_modes);
  lti_libuv_find();
  s->loop = loop;
  s->stack_class = class;
  s->tasks_max = options->tasks_max ? options->tasks_max : TASKS_MAX;
  s->armed_ms = UINT64_MAX;
  s->now_ms = uv_now(loop);
  s->recorder = choose_recorder();
  s->process = s->recorder->process;
  s->self = s->recorder->self();
  s->is_watched = lti_fibre_is_watched();
  lti_stacks_init(&s->stacks,
                  options->stacks_kept ? options->stacks_kept : STACKS_KEPT);
  int status = s->overflow && s->first_modes
                   ? open_handles(s, options->dump_signal)
                   : UV_ENOMEM;
  if (status == 0) {
    s->own_rounding = options->own_rounding;
    lti_modes_read(s->first_modes);
    lti_overflow_watch(s->overflow);
    lti_sched = s;
    return 0;
  }
  if (s->async.data)
    close_handles(s);
  free_sched(s);
  return status;
}

/* --- The end -------------------------------------------------------------- */

static void cancel_one(struct lti_tcb *task, void *unused) {
  (void)unused;
  if (task->state != LTI_DONE) {
    task->cancels++;
    task->pending = 0; /* again, if it went on waiting */
    lti_cancel(task, LTI_CANCEL_ASKED);
  }
}

/* Before the first cancel: what was forgotten. */
static void report_one(struct lti_tcb *task, void *unused) {
  char buffer[32];
  (void)unused;
  if (task->state == LTI_DONE && task->handles && task->result < 0 &&
      task->result != UV_ECANCELED)
    lti_misuse("task \"%s\" failed with %s, and nobody awaited it",
               lti_task_name(task, buffer, sizeof buffer),
               lt_strerror(task->result));
  else if (task->state != LTI_DONE && task->handles)
    lti_misuse("task \"%s\" was left when the loop ended (it %s): await or "
               "detach it",
               lti_task_name(task, buffer, sizeof buffer),
               task->wait ? lt_wait_text(task->wait->why) : "was ready");
}

static void end_tasks(struct lti_sched *s) {
  s->closing = true;
  for (int i = 0; s->live && i < PATIENCE; i++) {
    lti_tasks_each(s, cancel_one, NULL);
    lti_wake_loop(s);
    while (s->live && uv_run(s->loop, UV_RUN_ONCE))
      continue;
  }
  if (s->live)
    lti_misuse("%zu %s end although cancelled %d times", s->live,
               s->live == 1 ? "task does not" : "tasks do not", PATIENCE);
}

void lt_loop_close(void) {
  struct lti_sched *s = lti_sched;
  if (!s)
    return;
  if (s->running) {
    lti_misuse("lt_loop_close was called by a task");
    return;
  }
  lti_tasks_each(s, report_one, NULL);
  end_tasks(s);
  close_handles(s);
  lti_overflow_unwatch(s->overflow);
  lti_sched = NULL;
  free_sched(s);
}

uv_loop_t *lt_loop(void) {
  return lti_sched ? lti_sched->loop : NULL;
}

/* --- lt_run --------------------------------------------------------------- */

struct main_end {
  struct lti_waiter waiter; /* first */
  uv_loop_t *loop;
  int64_t result;
  bool is_done;
};

static void main_ended(struct lti_waiter *waiter, struct lti_tcb *task) {
  struct main_end *end = (struct main_end *)waiter;
  end->result = task->result;
  end->is_done = true;
  uv_stop(end->loop);
}

static void say_deadlock(struct lti_tcb *task, void *unused) {
  char buffer[32], other[32];
  (void)unused;
  if (task->state != LTI_WAITING)
    return;
  const struct lti_tcb *until = task->wait->until;
  bool is_alive = until && until->state != LTI_FREE && until->state != LTI_DONE;
  lti_misuse("nothing is left that could wake task \"%s\", which %s%s%s%s",
             lti_task_name(task, buffer, sizeof buffer),
             lt_wait_text(task->wait->why), is_alive ? " \"" : "",
             is_alive ? lti_task_name(until, other, sizeof other) : "",
             is_alive ? "\""
             : until  ? " a task that ended"
                      : "");
}

static int64_t run_main(struct lti_sched *s, struct lti_tcb *task) {
  struct main_end end = {.waiter.ended = main_ended, .loop = s->loop};
  end.waiter.next = task->waiters;
  task->waiters = &end.waiter;
  task->handles = 0; /* its result is seen here */
  task->is_seen = 1;
  while (!end.is_done && (uv_run(s->loop, UV_RUN_DEFAULT) || end.is_done))
    continue;
  if (!end.is_done) {
    lti_tasks_each(s, say_deadlock, NULL);
    end_tasks(s);
    end.result = LT_EDEADLK;
  }
  return end.result;
}

/* A peer that went away is UV_EPIPE, not the end of the program. */
static void ignore_sigpipe(struct sigaction *before) {
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  if (sigaction(SIGPIPE, NULL, before) == 0 && before->sa_handler == SIG_DFL)
    sigaction(SIGPIPE, &ignore, NULL);
}

int64_t lt_run_with(const lt_run_options *options, lt_task_fn *fn, void *arg) {
  struct sigaction before;
  if (lti_sched) {
    lti_misuse("lt_run was called in a thread that has a loop for tasks: call "
               "the function there, or lt_spawn it");
    return UV_EINVAL;
  }
  uv_loop_t *loop = malloc(sizeof *loop);
  if (!loop)
    return UV_ENOMEM;
  int64_t result = uv_loop_init(loop);
  if (result < 0)
    goto fail;
  result = lt_loop_open(loop, options);
  if (result < 0)
    goto fail_loop;
  struct lti_tcb *task =
      lti_spawn(NULL, 0, fn, arg, __builtin_return_address(0));
  ignore_sigpipe(&before);
  if (task)
    result = run_main(lti_sched, task);
  else
    result = UV_ENOMEM;
  lt_loop_close();
  if (before.sa_handler == SIG_DFL)
    sigaction(SIGPIPE, &before, NULL);
fail_loop:
  (void)uv_run(loop, UV_RUN_NOWAIT); /* what closes in these moments */
  if (uv_loop_close(loop) != 0) {
    lti_misuse("handles were left open on the loop of lt_run");
    return result; /* they refer to it */
  }
fail:
  free(loop);
  return result;
}

int64_t lt_run(lt_task_fn *fn, void *arg) {
  return lt_run_with(NULL, fn, arg);
}
