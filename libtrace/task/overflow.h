/* Saying which task's stack overflowed: see overflow.c. */
#ifndef LTI_OVERFLOW_H
#define LTI_OVERFLOW_H

#include "task/sched.h"

struct lti_overflow {
  char *stack; /* of the handler, where the thread had none */
};

/* From now on, in the calling thread; and no longer.  A process's handler that was
 * set later is left alone. */
void lti_overflow_watch(struct lti_overflow *mine);
void lti_overflow_unwatch(struct lti_overflow *mine);

#endif
