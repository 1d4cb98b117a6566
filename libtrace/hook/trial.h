/* A loop on trial: what a thread does from its first look at some descriptors
 * on may be the turns of a loop, or not.
 *
 * Invariant: where lti_self.on_trial is set, blocking calls are recorded as they
 * are in a loop.  Called by foreign.c, and by call.c, on the thread itself; the
 * former preserves errno. */
#ifndef LTI_TRIAL_H
#define LTI_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "hook/foreign.h"

/* The thread has looked at these descriptors, or waited for them: from here on
 * it is watched.  Another trial is dropped.  site: as of lti_foreign_way().
 * About 10 us, and nothing where nothing is recorded. */
void lti_trial_begin(const void *site, const struct lti_waits *fds,
                     bool is_look);

/* Is this one of its looks or waits? */
bool lti_trial_is(const void *site, const struct lti_waits *fds);
bool lti_trial_is_of_epoll(void);
/* Of epoll: has it come back at once, twice, as only who has callbacks to run? */
bool lti_trial_spins(void);
/* Is a descriptor among those of the trial? */
bool lti_trial_has(int fd);

/* It is about to look, or to wait, again: what it did since the last time may
 * have been a turn.
 * Returns: false where the trial is over, since what it rests on is. */
bool lti_trial_return(void);

/* It has done so. */
void lti_trial_go(bool is_look);

/* A blocking call has come back, after so long. */
void lti_trial_called(uint64_t ticks);

/* What it did by now were no turns. */
void lti_trial_restart(void);

/* It is no loop. */
void lti_trial_drop(void);

/* A descriptor is about to be closed.
 * Returns: is it the one of a loop that ends here?  fds: that one.  It never
 * waited, but came back at once again and again, with no call in between that
 * could have slept: so does only who has callbacks to run. */
bool lti_trial_closed(int fd, struct lti_waits *fds);

/* It is this loop, of which no LOOP_BEGIN was emitted yet: tell the turns. */
void lti_trial_tell(uint32_t loop);

/* The longest turn of a trial that took too long to be told, in ticks; forgotten
 * with the question. */
uint64_t lti_trial_unjudged(void);

#endif
