/* What the address and thread sanitizers and valgrind need to know of a switch:
 * see fibre.h.  Called by sched.c and task.c. */
#include "config.h"

#include "task/fibre.h"

#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0u
#define VALGRIND_STACK_DEREGISTER(id) (void)(id)
#define RUNNING_ON_VALGRIND 0
#endif

LTI_WEAK void __sanitizer_finish_switch_fiber(void *fake,
                                              const void **bottom_old,
                                              size_t *size_old);
LTI_WEAK void __asan_unpoison_memory_region(const volatile void *at,
                                            size_t size);
LTI_WEAK void *__tsan_create_fiber(unsigned flags);
LTI_WEAK void __tsan_destroy_fiber(void *fibre);

bool lti_fibre_is_watched(void) {
  return __sanitizer_start_switch_fiber || __tsan_create_fiber ||
         RUNNING_ON_VALGRIND;
}

void lti_fibre_arrive(struct lti_sched *s, struct lti_tcb *self) {
  if (!__sanitizer_finish_switch_fiber)
    return;
  const void *bottom;
  size_t size;
  __sanitizer_finish_switch_fiber(self ? self->fake : s->fake, &bottom, &size);
  if (!s->loop_stack && self) { /* the first arrival is from the loop */
    s->loop_stack = bottom;
    s->loop_stack_bytes = size;
  }
}

void lti_fibre_make(struct lti_tcb *task) {
  task->fake = NULL;
  if (__asan_unpoison_memory_region)
    __asan_unpoison_memory_region(task->stack, task->stack_bytes);
  if (__tsan_create_fiber)
    task->fibre = __tsan_create_fiber(0);
  else if (RUNNING_ON_VALGRIND)
    task->fibre = (void *)(uintptr_t)VALGRIND_STACK_REGISTER(
        task->stack, task->stack + task->stack_bytes);
}

void lti_fibre_free(struct lti_tcb *task) {
  if (__tsan_destroy_fiber)
    __tsan_destroy_fiber(task->fibre);
  else if (RUNNING_ON_VALGRIND)
    VALGRIND_STACK_DEREGISTER((unsigned)(uintptr_t)task->fibre);
  task->fibre = NULL;
}
