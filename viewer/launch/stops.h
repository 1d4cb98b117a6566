/* When the command was stopped, when it went on, and when it ended.
 *
 * A thread that does nothing else waits for it, so that the moments are right
 * however busy the recorder is. */
#ifndef LTV_STOPS_H
#define LTV_STOPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "drain/clockmap.h"

struct stops;

/* From now on only it may wait for stops of this child.
 * Returns: owned; NULL without a thread: then stops are not seen. */
struct stops *stops_open(pid_t child, uint64_t ticks_per_ms, bool is_tsc);
/* NULL is a no-op. */
void stops_close(struct stops *stops);

/* Wait until what has happened by now is there to be taken; 0.1 s at most. */
void stops_settle(const struct stops *stops);

/* The command has ended, and was reaped: when it did, as near as can be told. */
struct lti_knot stops_end(struct stops *stops);

/* Readable while there is something to take; -1 for NULL. */
int stops_fd(const struct stops *stops);

/* Take the oldest.  stopped: or it went on; clock: when, in the recording's
 * ticks; ns: the same of CLOCK_MONOTONIC.  Returns: is there one? */
bool stops_take(struct stops *stops, bool *stopped, uint64_t *clock,
                uint64_t *ns);

#endif
