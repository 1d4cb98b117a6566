/* Run a command and record it: the engine of `record` and of `check -- CMD`.
 *
 * Makes the arena, starts the command with the preload, drains until the last
 * traced process has ended, and takes everything away again.  Prints nothing
 * but one line when the command ended and others of its processes live on. */
#ifndef LTV_LAUNCH_H
#define LTV_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "command.h"

#define LAUNCH_THRESHOLD_MIN_NS 1000000u

struct launch_options {
  const char *who;       /* begins messages: "looptrace record" */
  char *const *argv;     /* the command and its arguments, NULL-terminated */
  const char *path;      /* trace of the command; NULL: COMM-PID.lt here */
  bool overwrite;        /* replace existing traces */
  bool no_follow;        /* children are not recorded */
  bool no_fd_names;      /* nor what descriptors are */
  bool quiet;            /* no line while it runs */
  bool verbose;          /* a line for each thread found stuck */
  uint64_t stall_threshold_ns; /* 0: the default, 50 ms */
  uint64_t min_block_ns; /* 0: the default, 50 us */
  uint64_t max_bytes;    /* of each trace; 0: no bound */
  unsigned keep;         /* files of so much each; 0: one only */
  uint64_t delay_ns;     /* switched off for so long at first */
  uint64_t duration_ns;  /* of the recording; 0: until the command's end */
  enum lti_mode mode;
  uint64_t flight_bytes, flight_ns; /* the window of mode flight; 0: 64 MiB */
  uint64_t snapshot_stall_ns;       /* 0: a stall writes no snapshot */
  /* The command runs; this is to be its trace.  NULL: nobody asks. */
  void (*started)(void *context, pid_t command, const char *path);
  void *started_context;
  uint64_t ring_bytes; /* of a busy thread; 0: 8 MiB, or 4 where memory is
                          short */
};

/* One trace, or (path NULL, error set) one that could not be written. */
struct launch_file {
  char *path;
  char *comm;
  pid_t pid;
  uint64_t n_events;
  uint64_t n_lost;
  uint64_t size_bytes;
  int64_t duration_ns;
  bool is_full;      /* it was closed at max_bytes */
  unsigned n_parts;  /* files that are left of a row; 0: there is one only */
  unsigned n_removed; /* older ones, and the events in them */
  uint64_t n_removed_events;
  unsigned n_snapshots; /* path and numbers are the newest one's */
  unsigned n_unsaved;   /* stalls that were too many for one each */
  int error;         /* errno of what went wrong midway, 0 for nothing */
  char *error_doing; /* "write", "create"... */
};

struct launch_result {
  int status;       /* of the command as a shell says it: 128+n on a signal */
  pid_t pid;        /* of the command */
  bool was_stopped; /* recording was ended from outside, see launch_run() */
  size_t n_files;   /* the command's own first */
  struct launch_file *files;
  char *why_empty; /* when no file has a path: the sentence to tell, e.g.
                      "no event loop ran in /bin/true: it does not use libuv" */
  char *message;   /* when the command was not started: why */
};

/* Run a command recorded.
 *
 * Signals: INT and QUIT are left to the command; TERM, HUP and USR1 are passed
 *         on to it (in mode flight USR1 asks for a snapshot); when it is
 * stopped, so is this process, and SIGCONT continues both.  Once the command
 * has ended and others of its processes are still recorded, any of the four
 * ends the recording; so does a second TERM that comes more than a second after
 * the first.  The processes themselves go on then.  Dispositions and mask are
 * as before on return, and the command starts with them. result: to be freed by
 * launch_free(), whatever is returned. Returns: EXIT_OK when the command was
 * run (result->status is its status); EXIT_RECORDER, EXIT_CANNOT_RUN or
 * EXIT_NOT_FOUND when it was not started, with result->message. */
int launch_run(const struct launch_options *options,
               struct launch_result *result);

/* Free what a result holds; the struct itself is the caller's. */
void launch_free(struct launch_result *result);

#endif
