/* The watchdog: what does a loop thread do that does not come back?
 *
 * Looks at the arena from time to time; a thread that has been out of the poll
 * for longer than the threshold is looked at from outside, again and again at
 * doubling intervals: its state, its system call, its native stack.  What was
 * seen goes among its events, while it hangs.  No signal, no stop, nothing
 * attached: the traced program does not notice. */
#ifndef LTV_WATCH_H
#define LTV_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "drain/drain.h"
#include "symbol/aside.h"

#define WATCH_THRESHOLD_NS 50000000u

struct watch_options {
  struct lti_arena *arena; /* borrowed, as the next two */
  struct lti_drain *drain;
  struct aside *names;
  uint64_t threshold_ns; /* 0: WATCH_THRESHOLD_NS */
  bool is_verbose;       /* one line on stderr for each thread that is stuck */
};

struct watch;

/* Returns: owned; NULL when there is no memory. */
struct watch *watch_open(const struct watch_options *options);
void watch_close(struct watch *watch);

/* Look.  Costs a microsecond while nobody is stuck; at most about 5 % of one
 * CPU otherwise, and one stack for each thread in an interval.
 * Returns: how many ns until the next look. */
uint64_t watch_look(struct watch *watch);

/* A process was stopped by a signal, and went on, at these clocks: what did not
 * come back meanwhile was not the program's doing.
 * watch: NULL is a no-op. */
void watch_stops(struct watch *watch, int32_t pid, uint64_t clock);
void watch_continues(struct watch *watch, uint64_t clock);

/* For how long a thread of the process, which may turn a loop, but is not known
 * to, has not come back at this clock: the longest; 0 if none. */
uint64_t watch_maybe_ns(const struct watch *watch, int32_t pid, uint64_t clock);

#endif
