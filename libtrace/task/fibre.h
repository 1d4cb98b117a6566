/* Telling sanitizers and valgrind about stacks.
 *
 * The sanitizers' functions are there when the program was built with them, even
 * if this library was not: weak references say.  One flag makes the rest cheap. */
#ifndef LTI_FIBRE_H
#define LTI_FIBRE_H

#include "task/sched.h"

/* Are any of the functions there? */
bool lti_fibre_is_watched(void);

#define LTI_WEAK extern __attribute__((weak))
LTI_WEAK void __sanitizer_start_switch_fiber(void **fake, const void *bottom,
                                             size_t size);
LTI_WEAK void *__tsan_get_current_fiber(void);
LTI_WEAK void __tsan_switch_to_fiber(void *fibre, unsigned flags);

/* Around a switch.  from: the task that is left, NULL for the loop; ends: it will
 * never be switched to again; to: NULL for the loop.  Inlined, because a function
 * must not end on another fibre than it began on. */
static inline __attribute__((always_inline)) void
lti_fibre_leave(struct lti_sched *s, struct lti_tcb *from, bool ends,
                struct lti_tcb *to) {
  if (__sanitizer_start_switch_fiber)
    __sanitizer_start_switch_fiber(ends   ? NULL
                                   : from ? &from->fake
                                          : &s->fake,
                                   to ? to->stack : s->loop_stack,
                                   to ? to->stack_bytes : s->loop_stack_bytes);
  if (__tsan_switch_to_fiber) {
    if (!from)
      s->fibre = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to ? to->fibre : s->fibre, 0);
  }
}

/* First thing on the stack that was switched to. */
void lti_fibre_arrive(struct lti_sched *s, struct lti_tcb *self);

/* A stack is about to be used by a task, and is not any more. */
void lti_fibre_make(struct lti_tcb *task);
void lti_fibre_free(struct lti_tcb *task);

#endif
