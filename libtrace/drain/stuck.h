/* When to look at a loop thread that does not come back: at 1, 2, 4... times a
 * threshold, of its turn and of the slice that it is in. */
#ifndef LTI_STUCK_H
#define LTI_STUCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

#define LTI_STUCK_THRESHOLD_NS 50000000u

/* What the owner of a slot says it does. */
struct lti_state {
  uint32_t doing; /* lti_doing */
  uint64_t since, task_since;
};
struct lti_state lti_state_of(const struct lti_thread *thread);
/* Out of the poll, with the loop waiting for it? */
bool lti_state_is_away(const struct lti_state *state);
bool lti_state_is(const struct lti_thread *thread,
                  const struct lti_state *before);

/* One moment in both clocks, and what there is to know of them. */
struct lti_stuck_now {
  uint64_t clock, ns;    /* the arena's, CLOCK_MONOTONIC */
  uint64_t ticks_per_ms; /* of the arena's */
  uint64_t threshold_ns;
};

/* Of one slot; all zero at first. */
struct lti_stuck {
  uint64_t since, task_since; /* of the turn and slice that are watched */
  uint64_t turn_due_ns, slice_due_ns;
  uint64_t last_ns; /* when it was last looked at */
};

/* Is the thread, which is out of the poll, to be looked at now?
 *
 * wait_ns: in how many ns to ask again.  A turn that is new begins anew, which is
 * seen by stuck->since. */
bool lti_stuck_is_due(struct lti_stuck *stuck, const struct lti_state *state,
                      const struct lti_stuck_now *now, uint64_t *wait_ns);

/* How many ns a moment of the arena's clock is ago. */
uint64_t lti_stuck_age_ns(const struct lti_stuck_now *now, uint64_t clock);

#endif
