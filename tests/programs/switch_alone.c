/* Three stacks that take turns, without the rest of the library: what
 * test_aarch64.py builds for another machine and runs there. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "task/context.h"

enum { STACKS = 3, TURNS = 3000, BYTES = 65536 };

static void *loop, *task[STACKS];
static double sum;
static int turns;

/* The value lives in a register that a switch has to keep. */
static void take_turns(void *arg) {
  intptr_t number = (intptr_t)arg;
  for (double value = (double)number;;) {
    value += 0.5;
    sum += value;
    turns++;
    lti_switch_to(&task[number], loop);
  }
}

int main(void) {
  double kept = 0.25;
  for (intptr_t i = 0; i < STACKS; i++) {
    char *stack = malloc(BYTES);
    if (!stack)
      return 1;
    task[i] = lti_context_make(stack + BYTES, take_turns, (void *)i, &loop);
  }
  for (int i = 0; i < TURNS; i++) {
    lti_switch_to(&loop, task[i % STACKS]);
    kept += 1;
  }
  printf("%d turns, sum %.1f, kept %.2f\n", turns, sum, kept);
  return 0;
}
