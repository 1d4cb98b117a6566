/* Starting the command of a recording, and being a good parent to it. */
#ifndef LTV_CHILD_H
#define LTV_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What this process does with signals while it records. */
struct child_signals {
  int fd;                      /* a signalfd of what is watched */
  sigset_t mask;               /* as inherited */
  struct sigaction actions[3]; /* as inherited: CHLD, PIPE, XFSZ */
};

/* Watch CHLD, TSTP, INT, QUIT, TERM, HUP and USR1 through signals->fd (what was
 * inherited as ignored stays ignored, CHLD excepted), and block TTOU, so that
 * the last line can be written from the background.
 * Returns: 0 or an errno; on an error nothing has changed. */
int child_signals_take(struct child_signals *signals);

/* Put everything back as it was inherited. */
void child_signals_give_back(struct child_signals *signals);

/* A command that was forked, but waits before its exec. */
struct child {
  pid_t pid;
  int gate;   /* one byte lets it go; closed, it ends */
  int report; /* gives the errno of a failed exec, else ends */
};

/* Fork, and hold the child before its exec.  It has the signals as inherited,
 * and two variables more in its environment.
 * file:    what to execute, as argv.
 * preload: goes first in LD_PRELOAD.  arena: value of LTI_ARENA_ENV.
 * Returns: 0 or an errno. */
int child_hold(struct child *child, const struct child_signals *signals,
               const char *file, char *const *argv, const char *preload,
               const char *arena);

/* Let it exec.  Returns: 0, or the errno of the exec (the child is reaped). */
int child_release(struct child *child);

/* End a held child without running anything. */
void child_abandon(struct child *child);

/* The child was stopped, and if it is still so: stop this process too, as its parent (a shell) would
 * expect, and continue with it.  Whoever continues one of the two continues the
 * other. */
void child_follow_stop(pid_t child);

/* Processes, other than pid, that have a file mapped whose name is in their
 * maps, e.g. an arena: those that were forked, but have not claimed a slot.
 * with_uv: set when one of them has libuv loaded.  Returns: how many. */
unsigned child_count_mappers(const char *file, pid_t pid, bool *with_uv);

#endif
