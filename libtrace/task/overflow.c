/* A stack that overflows into its guard page ends the process by SIGSEGV, as ever,
 * but not without a word.
 *
 * The handler is the process's from the first scheduler on, and hands on to the
 * one that was there before.  Called by run.c. */
#include "config.h"

#include "task/overflow.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned users;
static struct sigaction before;

static void say_overflow(struct lti_sched *s, const char *stack) {
  char buffer[32];
  const struct lti_tcb *task = s->running;
  if (!task || task->stack != stack)
    return;
  lti_misuse("task \"%s\" overflowed its stack of %zu KiB: spawn it with a "
             "larger stack_bytes",
             lti_task_name(task, buffer, sizeof buffer),
             task->stack_bytes >> 10);
}

static void faulted(int signum, siginfo_t *info, void *context) {
  struct lti_sched *s = lti_sched;
  char *stack = s ? lti_stack_guarded_by(&s->stacks, info->si_addr) : NULL;
  if (stack)
    say_overflow(s, stack);
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(signum, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signum);
  } else { /* the same instruction faults again, and that is then the end */
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigaction(signum, &plain, NULL);
  }
}

void lti_overflow_watch(struct lti_overflow *mine) {
  enum { BYTES = 64 * 1024 };
  stack_t now;
  memset(mine, 0, sizeof *mine);
  if (sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_DISABLE) &&
      (mine->stack = malloc(BYTES)) != NULL) {
    stack_t ours = {.ss_sp = mine->stack, .ss_size = BYTES};
    sigaltstack(&ours, NULL);
  }
  pthread_mutex_lock(&lock);
  if (users++ == 0) {
    struct sigaction action = {.sa_sigaction = faulted,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigaction(SIGSEGV, &action, &before);
  }
  pthread_mutex_unlock(&lock);
}

void lti_overflow_unwatch(struct lti_overflow *mine) {
  pthread_mutex_lock(&lock);
  if (--users == 0) {
    struct sigaction now;
    if (sigaction(SIGSEGV, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
        now.sa_sigaction == faulted) /* else somebody came after us */
      sigaction(SIGSEGV, &before, NULL);
  }
  pthread_mutex_unlock(&lock);
  if (mine->stack) {
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    free(mine->stack);
    mine->stack = NULL;
  }
}
