/* How far a long command is: one line on a terminal's standard error; in the log
 * of a CI (CI is set) a line each ten seconds. */
#ifndef LTV_PROGRESS_H
#define LTV_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
  const char *what; /* "exporting" */
  bool is_shown;    /* standard error is a terminal */
  bool is_logged;   /* it is a log */
  int64_t (*now_ns)(void);
  int64_t start_ns, last_ns;
  int percent; /* on the screen; -1 none */
};

/* Begin; what must be inert and live as long. */
void progress_init(struct progress *progress, const char *what);
/* Say how much is done.  On a terminal written after 200 ms, and at most ten
 * times a second.
 * context: a struct progress. */
void progress_tell(void *context, double share);
/* Wipe the line. */
void progress_done(struct progress *progress);

#endif
