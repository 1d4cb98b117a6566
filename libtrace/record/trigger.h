/* A signal that asks the flight recorder in the program for a snapshot. */
#ifndef LTI_TRIGGER_H
#define LTI_TRIGGER_H

#include <looptrace/status.h>

/* Put a handler there.
 *
 * signal: 0 for none.
 * Threads: as lt_trace_start().
 * Errors:  INVALID where the program has a handler, or ignores the signal, or
 *          where it is one that is not sent to ask for something. */
LT_WARN_UNUSED lt_status lti_trigger_set(int signal);

/* Take it away again, unless the program has put another there since. */
void lti_trigger_clear(void);

#endif
