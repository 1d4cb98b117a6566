/* One switch between two stacks, in ns: ours, Boost.Context's where it is
 * installed (LT_HAVE_FCONTEXT), swapcontext.  For bench/task.py. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <ucontext.h>

#include "task/context.h"

enum { ROUNDS = 9, SWITCHES = 1000000, STACK = 65536 };

static double now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *ours_main, *ours_task;

static void ours_entry(void *unused) {
  (void)unused;
  for (;;)
    lti_switch_to(&ours_task, ours_main);
}

static void ours_round(void) {
  for (int i = 0; i < SWITCHES; i += 2)
    lti_switch_to(&ours_main, ours_task);
}

#ifdef LT_HAVE_FCONTEXT
/* As its C interface is documented: boost/context/detail/fcontext.hpp. */
typedef struct {
  void *context, *data;
} transfer;
transfer jump_fcontext(void *to, void *data);
void *make_fcontext(void *top, size_t size, void (*fn)(transfer));

static void *boost_task;

static void boost_entry(transfer t) {
  for (;;)
    t = jump_fcontext(t.context, NULL);
}

static void boost_round(void) {
  for (int i = 0; i < SWITCHES; i += 2)
    boost_task = jump_fcontext(boost_task, NULL).context;
}
#endif

static ucontext_t u_main, u_task;

static void u_entry(void) {
  for (;;)
    swapcontext(&u_task, &u_main);
}

static void u_round(void) {
  for (int i = 0; i < SWITCHES; i += 2)
    swapcontext(&u_main, &u_task);
}

static void measure(double *best, void (*round)(void)) {
  double began = now_ns();
  round();
  double each = (now_ns() - began) / SWITCHES;
  if (*best == 0 || each < *best)
    *best = each;
}

static double ours, theirs, u;

int main(void) {
  char *stacks = malloc(3 * STACK);
  if (!stacks)
    return 1;
  ours_task =
      lti_context_make(stacks + STACK, ours_entry, NULL, &ours_main);
#ifdef LT_HAVE_FCONTEXT
  boost_task = make_fcontext(stacks + 2 * STACK, STACK, boost_entry);
#endif
  getcontext(&u_task);
  u_task.uc_stack.ss_sp = stacks + 2 * STACK;
  u_task.uc_stack.ss_size = STACK;
  makecontext(&u_task, u_entry, 0);
  for (int r = 0; r < ROUNDS; r++) {
    measure(&ours, ours_round);
#ifdef LT_HAVE_FCONTEXT
    measure(&theirs, boost_round);
#endif
    if (r < 3)
      measure(&u, u_round);
  }
  printf("ours %.2f\nucontext %.2f\n", ours, u);
  if (theirs > 0)
    printf("fcontext %.2f\n", theirs);
  return 0;
}
