/* Progress of a long command.
 *
 * Invariant: nothing is written unless standard error is a terminal, and what
 * was is wiped in the end; or it is the log of a CI, where a job that says
 * nothing is taken for dead: there a line each ten seconds.  Called by check,
 * export and report. */
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli/option.h"

#define BAR 30
#define MS INT64_C(1000000)

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void progress_init(struct progress *p, const char *what) {
  const char *ci = getenv("CI");
  bool is_terminal = isatty(STDERR_FILENO) == 1;
  *p = (struct progress){.what = what,
                         .is_shown = !option_common.is_quiet && is_terminal,
                         .is_logged = !option_common.is_quiet &&
                                      !is_terminal && ci && *ci,
                         .now_ns = now_ns,
                         .percent = -1};
  p->start_ns = p->last_ns = p->now_ns();
}

static int percent_of(double share) {
  return share < 0 ? 0 : share > 1 ? 100 : (int)(share * 100);
}

/* A line of its own, which stays. */
static void tell_log(struct progress *p, double share) {
  int64_t now = p->now_ns();
  if (now - p->last_ns < 10000 * MS)
    return;
  p->last_ns = now;
  fprintf(stderr, "looptrace: %s, %d %%\n", p->what, percent_of(share));
}

void progress_tell(void *context, double share) {
  struct progress *p = context;
  if (p->is_logged)
    tell_log(p, share);
  if (!p->is_shown)
    return;
  int64_t now = p->now_ns();
  int percent = percent_of(share);
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
