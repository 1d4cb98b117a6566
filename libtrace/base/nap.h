/* The drain's sleep, which a ring that fills may cut short.
 *
 * The word asleep in the arena is a futex: 1 while the drain sleeps and wants
 * to be woken.  A thread of the traced program looks at it only where it looks
 * at the drain's progress anyway (a ring is half full, or full), and makes a
 * system call only when it is 1: nothing is paid for an event. */
#ifndef LTI_NAP_H
#define LTI_NAP_H

#include <stdint.h>

#include "base/arena.h"

/* Before a nap: whoever wakes from here on ends it, also before it begins.  The
 * caller looks at its own reasons not to sleep between this and lti_nap(). */
static inline void lti_nap_prepare(struct lti_arena *arena) {
  atomic_store(&arena->asleep, 1);
}

/* Sleep for at most so many ns.  Threads: one at a time.
 * Returns: when woken, when the time is over, or on a signal. */
void lti_nap(struct lti_arena *arena, uint64_t ns);

/* Wake the drain if it sleeps.  Threads and signal handlers: any.  May change
 * errno. */
void lti_nap_end(struct lti_arena *arena);

#endif
