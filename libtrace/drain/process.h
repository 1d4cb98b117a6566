/* A process under recording: its lanes, its trace, and what became of it. */
#ifndef LTI_DRAIN_PROCESS_H
#define LTI_DRAIN_PROCESS_H

#define LTI_STALL_SNAPSHOTS 20u /* more than so many stalls are not saved */

#include <stdbool.h>
#include <stdint.h>

#include "drain/clockmap.h"
#include "drain/drain.h"
#include "drain/rings.h"
#include "drain/trace.h"

/* What all processes of a recording share; all borrowed. */
struct lti_recording {
  struct lti_view view;
  struct lti_slot *slots; /* of threads, view.n_threads */
  struct lti_encoder *encoder;
  struct lti_knot start; /* time 0 of every file */
  int64_t start_unix_ns;
  const char *path;
  bool overwrite;
  int32_t command_pid;
  bool path_is_taken; /* by the command */
  const char *recorder;
  uint64_t min_block_ns;
  bool is_recovery;
  uint64_t max_bytes; /* 0: no bound */
  unsigned keep;      /* files of so much, the newest; 0: there is one only */
  const struct lti_namer *namer; /* or NULL */
  void *namer_context;
  bool is_flight;     /* the window is kept, and written when asked for */
  uint64_t window_bytes, window_ns; /* its bounds; ns 0 for none */
  const char *window_path;          /* where it is kept; NULL: in memory */
  uint64_t stall_ns; /* a turn of so long asks for it; 0: none does */
  lti_make_index *make_index; /* for snapshots; or NULL */
  void (*breathe)(void *context); /* called while much is written: take the
                                     rings */
  void *breathe_context;
};

/* A file that is closed, and another of the process behind it. */
struct lti_part {
  struct lti_part *next;
  char *path;
  uint64_t n_events, size_bytes;
  int64_t first_ns;
};

struct lti_recorded {
  struct lti_recorded *next;
  uint32_t slot; /* of the process; UINT32_MAX when it was given back */
  int32_t pid;
  uint64_t start_ticks;
  uint64_t start_clock;
  char comm[17];
  char uv_version[17];

  struct lti_lane *lanes; /* in the order of their index */
  struct lti_lane **lanes_end;
  struct lti_trace trace;
  uint64_t sealed_clock; /* of its own last epoch */
  bool in_hurry;         /* too far behind to compress */
  bool is_off;           /* switched off */
  uint64_t off_ns;       /* since when, CLOCK_MONOTONIC */
  uint64_t snapshot_clock;  /* when one was asked for; 0: none is */
  uint32_t snapshots_seen;  /* of those that the program asked for */
  uint32_t n_stalls;        /* that asked */
  uint32_t n_snapshots;     /* written; path is the newest's */
  uint32_t snapshot_number; /* of the file that was tried last */
  int snapshot_error;       /* errno of the last that failed */
  struct lti_snapshot last;
  struct lti_knot lived; /* when it was last seen to live; 0: never */
  bool turned;           /* it turned a loop: it gets a file */
  uint64_t late, calls_short;
  uint64_t no_ring_seen;
  uint64_t owed; /* recovery: taken by a recorder that died, and not written */
  uint64_t n_good;      /* events in whole epochs */
  uint64_t n_disk_lost; /* events behind a write error */
  char *path;           /* NULL until the file is made */
  char *stem;           /* x.lt of x.1.lt, once there was one */
  bool stem_is_given;   /* by the user */
  struct lti_part *parts; /* before path, the oldest first */
  uint32_t n_parts;
  uint64_t parts_events, parts_bytes; /* in them */
  uint64_t parts_lost, parts_filed;   /* also in those that were removed */
  uint32_t n_removed;
  uint64_t n_removed_events;
  int remove_error; /* errno of the first that could not be */
  int error;
  const char *error_doing;
  bool is_full; /* the file has its end mark, what comes now is passed over */
  bool is_closed;
  int64_t end_ns;      /* when drained: up to when it is known */
  uint64_t size_bytes; /* when closed */
  uint64_t n_lost;
  uint32_t n_loops;
};

/* A process claimed a slot.  Returns: owned; NULL when there is no memory. */
struct lti_recorded *lti_recorded_new(struct lti_recording *recording,
                                      uint32_t slot);
void lti_recorded_free(struct lti_recorded *process);

/* So many events were put among its own: for recovery's books. */
void lti_recorded_count(struct lti_recording *recording,
                        struct lti_recorded *process, uint64_t n);

/* A thread of it claimed a slot.  Returns: false when there is no memory. */
bool lti_recorded_lane(struct lti_recording *recording,
                       struct lti_recorded *process, uint32_t slot);

/* Take everything that a thread published; fullest is raised to the share of
 * its ring that was in use.  Returns: how many records. */
size_t lti_recorded_take(struct lti_recording *recording,
                         struct lti_recorded *process, uint32_t slot,
                         uint64_t sealed_clock, double *fullest);

/* Seal everything up to the end of span; before the process turned a loop, keep
 * it back.  late and short calls go with it. */
void lti_recorded_seal(struct lti_recording *recording,
                       struct lti_recorded *process,
                       const struct lti_span *span);

/* The process ended, or recording does: take the rest, tell what is in the
 * middle of a call, seal, and give its slots back.  The trace ends where nothing
 * more is known of it: when it last lived, or with its last event.
 * sealed: the last watermark. */
void lti_recorded_drain(struct lti_recording *recording,
                        struct lti_recorded *process, struct lti_knot sealed);

/* Write the end mark and close the file; the results stay. */
void lti_recorded_close(struct lti_recording *recording,
                        struct lti_recorded *process, lt_end_reason reason,
                        int status);

/* Remember the first failure.  doing: static, for lti_drain_file.
 * Returns: false, for the caller to return. */
bool lti_recorded_fail(struct lti_recorded *process, int error,
                       const char *doing);

/* Begin the file of a process, or its next one.  Returns: false when it cannot
 * be made; that is remembered. */
bool lti_recorded_start(struct lti_recording *recording,
                        struct lti_recorded *process);

/* rotate.c: go on in another file where this one is full and that is wanted,
 * and remove the oldest.  Before an epoch is written.  Returns: false when a
 * file cannot be ended or made; that is remembered. */
bool lti_rotate(struct lti_recording *recording, struct lti_recorded *process);
void lti_rotate_free(struct lti_recorded *process);

/* place.c: make the file of a process and remember its path: the given one for
 * the command, x.COMM-PID.lt beside it for others.
 *
 * fd: owned.  Returns: false when none can be made; the failure is remembered.
 */
bool lti_place_create(struct lti_recording *recording,
                      struct lti_recorded *process, int *fd);

/* switch.c: has the process, or everything, been switched on or off?  Then what
 * is open is closed.  At each step. */
void lti_recorded_switch(struct lti_recording *recording,
                         struct lti_recorded *process, uint64_t sealed_clock);

/* switch.c: it ends while it is off. */
void lti_recorded_switch_end(struct lti_recording *recording,
                             struct lti_recorded *process);

/* switch.c: LTI_ALL_ENDED is among the events of a lane: write what it stands
 * for.  Between lti_trace_thread_begin() and _end(). */
void lti_recorded_end_open(struct lti_recording *recording,
                           struct lti_recorded *process, struct lti_lane *lane,
                           int64_t time_ns);

/* place.c: make the next file of a process that has several, x.1.lt after x.lt,
 * and remember its path; the one before is the caller's.
 *
 * fd: owned.  Returns: 0, or the errno of why none can be made. */
int lti_place_next(struct lti_recording *recording,
                   struct lti_recorded *process, int *fd);

/* snapshot.c: the window is to be written when what happened up to now is in
 * it. Nothing where no window is kept. */
void lti_snapshot_ask(struct lti_recording *recording,
                      struct lti_recorded *process);

/* snapshot.c: a stall asks for it, unless many did. */
void lti_snapshot_stall(struct lti_recording *recording,
                        struct lti_recorded *process);

/* snapshot.c: has the program asked, or does a loop not come back?  At each
 * step.
 */
void lti_snapshot_look(struct lti_recording *recording,
                       struct lti_recorded *process);

/* snapshot.c: an event on its way to the window may end a stall. */
void lti_snapshot_event(struct lti_recording *recording,
                        struct lti_recorded *process, struct lti_lane *lane,
                        const lt_event *event);

/* snapshot.c: write the window, behind a seal: now, or if it is due. */
void lti_snapshot_write(struct lti_recording *recording,
                        struct lti_recorded *process, lt_end_reason reason,
                        int status);
void lti_snapshot_due(struct lti_recording *recording,
                      struct lti_recorded *process, uint64_t sealed_clock);

/* Records that were taken and not yet sealed. */
size_t lti_recorded_pending(const struct lti_recorded *process);

/* Is the process still there?  A zombie with other threads is. */
bool lti_recorded_lives(const struct lti_recorded *process);

/* The same; when it did is remembered, in lived. */
bool lti_recorded_look(const struct lti_recording *recording,
                       struct lti_recorded *process);

/* What one of its threads is called now: many are named by another thread after
 * they began.  name: unchanged where that cannot be told. */
void lti_recorded_thread_name(const struct lti_recorded *process, int32_t tid,
                              char name[16]);

#endif
