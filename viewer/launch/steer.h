/* What a recording that runs answers to `looptrace ctl`. */
#ifndef LTV_STEER_H
#define LTV_STEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "drain/drain.h"

struct steer {
  struct lti_arena *arena; /* borrowed, as the next */
  struct lti_drain *drain;
  pid_t command;
  uint64_t began_ns;
  bool is_over; /* --duration is: nothing can be switched on again */
};

/* A control_answer; context: a struct steer.  Verbs: on, off, snapshot, status.
 *
 * The answer to each begins with "ok" or "error WHY".  That to status goes on,
 * line by line: "recorder PID", "command PID", "state on|off|over", "mode
 * NAME", "elapsed NS", and for each trace "trace PID EVENTS LOST BYTES COMM
 * PATH". */
char *steer_answer(void *context, const char *verb);

#endif
