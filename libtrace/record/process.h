/* The process's place in the arena.  Used inside record/ only. */
#ifndef LTI_PROCESS_H
#define LTI_PROCESS_H

#include <stdbool.h>

/* Claim a process slot, the first time; cheap afterwards.
 * Returns: false when there is none: the process then records nothing.
 * Threads: any; async-signal-safe. */
bool lti_process_claim(void);

/* Record from now on, or no more until then.  Threads: any.
 * Returns: false where this process is not traced at all. */
bool lti_process_switch(bool on);

/* Ask for a snapshot.  Threads: any.  Returns: as lti_process_switch(). */
bool lti_process_ask_snapshot(void);

#endif
