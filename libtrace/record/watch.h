/* The watchdog of a program that records itself: what does a loop thread do that
 * does not come back?  State, system call, CPU time and run delay, from the
 * drain's thread; no stacks, since unwinding is not for somebody's program. */
#ifndef LTI_WATCH_H
#define LTI_WATCH_H

#include "drain/drain.h"

struct lti_watch;

/* arena, drain: borrowed.  Returns: owned; NULL when there is no memory. */
struct lti_watch *lti_watch_open(struct lti_arena *arena,
                                 struct lti_drain *drain);
void lti_watch_close(struct lti_watch *watch);

/* Look, on the drain's thread: one load for each slot while nobody is stuck, 40
 * us for one who is.
 * Returns: in how many ns to look again.  watch: NULL is a no-op. */
uint64_t lti_watch_look(struct lti_watch *watch);

#endif
