/* Progress of a long command.
 *
 * Invariant: nothing is written unless standard error is a terminal, and what
 * was is wiped in the end.  Called by check, export and report. */
#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "option.h"

#define BAR 30
#define MS INT64_C(1000000)

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void progress_init(struct progress *p, const char *what) {
  *p = (struct progress){.what = what,
                         .is_shown = !option_common.is_quiet &&
                                     isatty(STDERR_FILENO) == 1,
                         .start_ns = now_ns(),
                         .percent = -1};
}

void progress_tell(void *context, double share) {
  struct progress *p = context;
  if (!p->is_shown)
    return;
  int64_t now = now_ns();
  int percent = share < 0 ? 0 : share > 1 ? 100 : (int)(share * 100);
  if (now - p->start_ns < 200 * MS || now - p->last_ns < 100 * MS ||
      percent == p->percent)
    return;
  p->last_ns = now;
  p->percent = percent;
  int full = percent * BAR / 100;
  fprintf(stderr, "\r%s [%.*s%*s] %3d %%", p->what, full,
          "##############################", BAR - full, "", percent);
}

void progress_done(struct progress *p) {
  if (p->percent >= 0)
    fprintf(stderr, "\r%*s\r", 60, "");
  p->percent = -1;
}
