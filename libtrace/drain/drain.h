/* Drain: from the rings of an arena to trace files, one for each process that
 * turned a loop.
 *
 * One piece of code with two homes: the `looptrace record` process, and a
 * thread inside a program that records itself.  Also `recover`: the same code,
 * run over an arena whose recorder died.  It never blocks on the traced
 * program, and the traced program never waits for it.
 *
 * Events of a process are kept back until it turns a loop; only then is its
 * file made.  A write error ends that file (it stays readable up to there), is
 * counted as loss with cause DISK, and is reported once through
 * lti_drain_files(). */
#ifndef LTI_DRAIN_H
#define LTI_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <looptrace/reader.h>
#include <looptrace/status.h>

#include "base/arena.h"
#include "drain/clockmap.h"
#include "drain/tail.h"

/* What an address is called.  Strings are borrowed until the next call. */
struct lti_name {
  const char *function; /* NULL unless a symbol covers the address */
  uint64_t function_offset;
  const char *file; /* NULL unless there is line information */
  uint32_t line;
  /* Of a return address: the offset of the place in the module where a traced
   * call that returns there was made, if that is another: a function that ends
   * with a call jumps to it.  0: the call before the address. */
  uint64_t jump;
};

/* Names for addresses: given by `record`, which has libdw; NULL in a linked-in
 * recorder (then `report` names what it can from the files on the disk). */
struct lti_namer {
  /* Name an offset in a module's file, seen from process pid (whose root may be
   * another).  Code that is in no file, made at run time, is asked for with
   * the path "" and its address.  false: no name. */
  bool (*site)(void *context, int32_t pid, const char *path, uint64_t offset,
               struct lti_name *name);
  /* The build-id of a module as hex; NULL where there is none. */
  const char *(*build_id)(void *context, int32_t pid, const char *path);
  /* NULL, or asked before: is what the two will say of this offset, and of its
   * module, at hand?  Waits for it until a time of CLOCK_MONOTONIC.  false: ask
   * again later. */
  bool (*prepare)(void *context, int32_t pid, const char *path, uint64_t offset,
                  uint64_t deadline_ns);
};

/* What a flight recorder keeps if not told, and at most where it is told a
 * time. */
#define LTI_FLIGHT_BYTES (UINT64_C(64) << 20)
#define LTI_FLIGHT_BYTES_MAX (UINT64_C(256) << 20)

struct lti_drain_options {
  const char *path;              /* file of the command itself; others are named
                                    x.COMM-PID.lt after x.lt */
  bool overwrite;                /* replace existing files, else EXISTS */
  int32_t command_pid;           /* the process that gets path */
  const char *recorder;          /* "looptrace 0.1.0" */
  const struct lti_namer *namer; /* or NULL */
  void *namer_context;
  bool is_flight; /* keep a window, and write it when it is asked for, to
                     x.1.lt, x.2.lt... after path x.lt */
  uint64_t window_bytes, window_ns; /* of it; ns 0: no bound by time */
  const char *window_path; /* keep it in this file, so that it outlives a
                              crash, for one process; NULL: in memory */
  lti_make_index *make_index; /* lti_index_of_file(); NULL: snapshots have none
                               */
  uint64_t stall_ns;    /* a turn of so long asks for it; 0: none does */
  uint64_t max_bytes;   /* a file that is so large is closed; 0: no bound */
  unsigned keep;        /* then the next begins, x.1.lt, x.2.lt... after path
                           x.lt, and so many are left; 0: none begins */
  bool is_recovery;     /* the arena was left behind by another recorder */
  uint64_t epoch_ns;    /* 0: 200 ms */
  uint64_t epoch_bytes; /* 0: 4 MiB of raw records */
  uint64_t pending_bytes; /* of records taken and not yet written, beyond which
                             the rings are left to; 0: 64 MiB */
};

/* One file, or one process that got none. */
struct lti_drain_file {
  const char *path; /* NULL: the process turned no loop, or no file could
                       be made (then error is set) */
  int32_t pid;
  const char *comm;
  uint64_t n_events;
  uint64_t n_lost;
  uint64_t size_bytes;
  uint32_t n_loops;
  int64_t duration_ns; /* as its trace says: from where its clock begins */
  bool is_full;            /* it was closed at max_bytes */
  uint32_t n_parts;        /* files with keep, else 0: path is the newest one's,
                              n_events and size_bytes those of all that are
                              left, n_lost also of those that were removed */
  uint32_t n_removed;      /* files, and the events in them */
  uint64_t n_removed_events;
  uint32_t n_snapshots;    /* path is the newest one's, as are n_events, n_lost,
                              size_bytes and duration_ns */
  uint32_t n_unsaved;      /* stalls that were too many to be saved */
  int error;               /* errno of the first failure, 0 for none */
  const char *error_doing; /* "write", "create"... */
};

struct lti_drain;
struct lti_stack_frame; /* book.h */

/* Is the process there that began at start_ticks, as in /proc/PID/stat?  0: any.
 * A zombie is not. */
bool lti_pid_lives(int32_t pid, uint64_t start_ticks);

/* fd: the arena's file for lti_arena_grow(), or -1.  Nothing is written yet,
 * but when path exists and overwrite is not set, the status is EXISTS at once.
 */
LT_WARN_UNUSED lt_status lti_drain_open(struct lti_arena *arena, int fd,
                                        const struct lti_drain_options *options,
                                        struct lti_drain **drain);

/* Take what is in the rings; seal an epoch when it is due.
 *
 * Returns: how many ns to sleep before the next step (at most 50 ms, after how
 * fast the rings fill and when the epoch is due).  The sleep is to be one that
 * lti_nap_end() can end. */
uint64_t lti_drain_step(struct lti_drain *drain);

/* The same for a caller who puts samples in (below), and has put in all that
 * happened before known_ns: what happened since is not sealed, however long
 * this thread had no CPU. */
uint64_t lti_drain_step_until(struct lti_drain *drain, uint64_t known_ns);

/* Switch the recording of all processes on or off.  Off, the program pays next
 * to nothing; what is open is closed in the trace, and begins again with what
 * each thread does next after it is on. */
void lti_drain_switch(struct lti_drain *drain, bool on);

/* Ask for a snapshot of every process.  It is written by the steps that follow,
 * when all that happened up to now is in it.
 * Returns of lti_drain_is_asked(): is one still to be written? */
void lti_drain_snapshot(struct lti_drain *drain);
bool lti_drain_is_asked(const struct lti_drain *drain);

/* What a thread that does not come back was seen to do, from outside. */
struct lti_seen {
  uint64_t clock;  /* when, in the arena's clock */
  char state;      /* as in /proc/PID/stat */
  const char *call; /* the system call it is in, NULL for none or unknown */
  uint64_t on;     /* what that waits on, as a CALL's ref */
  const char *on_name; /* of the descriptor that this is; NULL unknown */
  bool has_usage;  /* the next four: as a USAGE's a, b, ref and x */
  uint64_t cpu_ns, delay_ns_plus_1, switches;
  uint16_t faults;
  const struct lti_stack_frame *frames; /* innermost first; may be none */
  size_t n_frames;
  const char *holder; /* the thread that has the lock; NULL unknown */
  uint64_t lock;      /* that it waits for, as a CALL's ref */
  const struct lti_stack_frame *holder_frames; /* of that thread; may be none */
  size_t n_holder_frames;
};

/* Until when, in ticks, all has been taken: nothing can be put before it. */
uint64_t lti_drain_sealed(const struct lti_drain *drain);

/* Put a SAMPLE, and a USAGE where there is one, among the events of the thread
 * that owns a slot, at their time.
 *
 * Returns: false when that is too long ago, nobody owns the slot, or its
 * process gets no file. */
bool lti_drain_sample(struct lti_drain *drain, uint32_t slot,
                      const struct lti_seen *seen);

/* The name that a loop, which the thread of a slot turns, was given; NULL for
 * none.  Raw; borrowed until the next call. */
const char *lti_drain_loop_name(struct lti_drain *drain, uint32_t slot,
                                uint32_t loop);

/* A sentence for `info` about the process of a thread slot; the same one twice
 * is told once. */
void lti_drain_note(struct lti_drain *drain, uint32_t slot,
                    const char *sentence);

/* Process pid has ended, at a moment: its slots are drained to the end and its
 * file closed.  Unknown pids are ignored. */
void lti_drain_process_ended(struct lti_drain *drain, int32_t pid,
                             lt_end_reason reason, int status,
                             struct lti_knot ended);

/* Does any process of the arena that claimed a slot still live?  Processes are
 * told apart by pid and start time; those found dead are ended (LT_END_GONE).
 */
bool lti_drain_has_live(struct lti_drain *drain);

/* Take the rest and close all files.
 * reason: for processes not yet ended. */
void lti_drain_finish(struct lti_drain *drain, lt_end_reason reason);

/* What was written: the last numbers after lti_drain_finish(), those of whole
 * epochs before.  files: owned by the drain, valid until the next call. */
const struct lti_drain_file *lti_drain_files(struct lti_drain *drain,
                                             size_t *n);

/* Free; NULL is a no-op.  (finish first, or the files stay without an end.) */
void lti_drain_close(struct lti_drain *drain);

#endif
