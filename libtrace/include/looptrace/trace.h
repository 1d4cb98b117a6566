/* Trace your own tasks, marks and blocking calls.
 *
 *   lt_trace_start(NULL);                       // once, at the start of main
 *   ...
 *   uint64_t job = lt_task_spawn("resize", 0);
 *   lt_task_resume(job);   ... work ...   lt_task_await(job, 0);
 *   lt_task_resume(job);   ... work ...   lt_task_done(job, 0);
 *   ...
 *   lt_trace_stop();                            // or simply return from main
 *
 * A program that links liblooptrace before libuv has all its loops, callbacks
 * and blocking calls recorded by these two calls alone.  Under `looptrace record`
 * lt_trace_start() joins that recording instead of making a file of its own.
 *
 * All functions here but start and stop are wait-free, may be called from any
 * thread and any signal handler (labels: not from a handler), preserve errno,
 * and do nothing while tracing is off.  Part of looptrace, MIT licence. */
#ifndef LOOPTRACE_TRACE_H
#define LOOPTRACE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include <looptrace/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What happens to an event that finds its thread's ring full. */
typedef enum lt_trace_mode {
  LT_TRACE_DROP = 0,    /* it is counted, and the program goes on at once */
  LT_TRACE_FLIGHT = 2,  /* as drop, but nothing is written: the newest events
                           are kept, see flight_bytes, and lt_trace_snapshot()
                           writes them */
  LT_TRACE_LOSSLESS = 1 /* the thread waits until there is room, and the wait is
                           in the trace as a call of looptrace_wait.  When the
                           recorder gave no sign of life for 100 ms, events are
                           counted as lost ("nobody drained the ring") */
} lt_trace_mode;

/* What is 0, NULL or false here is taken from the environment, where the
 * variable that is named says something; sizes and times are written there as
 * for `looptrace record`: 64M, 100ms. */
typedef struct lt_trace_options {
  const char *path;      /* LOOPTRACE_OUT, else COMM-PID.lt in the working
                            directory */
  uint64_t min_block_ns; /* blocking calls shorter than this are only counted;
                            LOOPTRACE_MIN_BLOCK, else 50 us */
  bool overwrite;        /* replace an existing file; LOOPTRACE_OVERWRITE=1 */
  lt_trace_mode mode;    /* LOOPTRACE_MODE: drop, lossless, flight,
                            flight=SIZE or flight=TIME; else drop */
  uint64_t ring_bytes;   /* of a busy thread's ring, rounded up to a power of
                            two, 64 KiB to 512 MiB; LOOPTRACE_RING_SIZE, else
                            4 MiB */
  uint64_t flight_bytes; /* how much is kept, compressed; 0: 64 MiB */
  uint64_t flight_ns;    /* or for how long, in flight_bytes, 0: 256 MiB */
  uint64_t snapshot_on_stall_ns; /* a turn of a loop of so long writes a
                                    snapshot, too, the first 20 times;
                                    LOOPTRACE_SNAPSHOT_ON_STALL, else none */
  int snapshot_on_signal; /* this signal, sent to the program, writes one, too:
                             a handler of ours is put there, which only counts
                             it, until lt_trace_stop().  It interrupts what the
                             thread that gets it waits in, as any would.
                             LOOPTRACE_SNAPSHOT_ON_SIGNAL: USR2, SIGUSR2 or 12
                             (by name HUP, QUIT, USR1, USR2, PWR); else none */
  uint64_t max_bytes;    /* the file is closed with the epoch that brings it to
                            so much, and the rest not recorded;
                            LOOPTRACE_MAX_SIZE, else no bound */
  uint64_t keep;         /* with max_bytes: go on in another file instead,
                            x.1.lt, x.2.lt... where the path is x.lt, and keep
                            the newest so many (2 to 10,000) of them;
                            LOOPTRACE_KEEP, else there is one file */
  uint64_t duration_ns;  /* the file is closed after so long, and the rest not
                            recorded; LOOPTRACE_DURATION, else no bound */
  bool recoverable;      /* the rings, and in flight mode what is kept, are in
                            files on tmpfs (/dev/shm), which lt_trace_stop() and
                            exit() remove; those that a crash or SIGKILL leaves
                            there hold what was not written yet: `looptrace
                            recover`.  In flight mode this is so by itself, where
                            there is room and not 8 crashes left theirs;
                            LOOPTRACE_RECOVERABLE=1 */
} lt_trace_options;

/* Begin to record this process into a file, written by a thread of its own.
 *
 * options: NULL for the defaults; not kept.
 * Threads: one at a time.
 * Errors:  EXISTS, IO (errno tells why), NOMEM, STATE when it records already
 *          (also when duration_ns or max_bytes ended it: call lt_trace_stop()),
 *          INVALID when options, or what the environment says, make no sense,
 *          or snapshot_on_signal is one that the program handles, ignores or
 *          cannot live through.
 *          After a failure the program simply is not traced. */
LT_EXPORT LT_WARN_UNUSED lt_status
lt_trace_start(const lt_trace_options *options);

/* End the recording and close the file.  Called by itself at exit().
 * Errors: STATE when nothing is recorded; IO when the file is incomplete. */
LT_EXPORT lt_status lt_trace_stop(void);

/* Record nothing more in this process, and go on again; nothing begins or ends
 * by it but what is recorded.  The trace notes the stretch that is missing.
 * What the program does meanwhile costs next to nothing.  lt_trace_resume()
 * leaves a recording off that was switched off from outside (`looptrace ctl`).
 *
 * Threads: any.  Errors: STATE when the process is not recorded at all. */
LT_EXPORT lt_status lt_trace_pause(void);
LT_EXPORT lt_status lt_trace_resume(void);

/* Ask the flight recorder for a snapshot: what is kept, up to now, is written
 * as a trace, x.1.lt and so on where the path is x.lt.  It is written by the
 * recorder soon after, at lt_trace_stop() at the latest.  Nothing happens in
 * other modes.
 *
 * Threads: any.  Errors: STATE when the process is not recorded at all. */
LT_EXPORT lt_status lt_trace_snapshot(void);

/* Is this process being recorded (and not switched off)? */
LT_EXPORT bool lt_trace_is_on(void);

/* A task comes into being; its parent is the task that runs on this thread.
 *
 * label:   copied; NULL for none.  site: the address of its function, or 0 for
 *          the caller's.
 * Returns: its id, 0 while tracing is off. */
LT_EXPORT uint64_t lt_task_spawn(const char *label, uintptr_t site);

/* The task gets the thread.  Slices nest; end them in reverse order. */
LT_EXPORT void lt_task_resume(uint64_t task);

/* The task gives the thread back, waiting for another (0: for anything). */
LT_EXPORT void lt_task_await(uint64_t task, uint64_t awaited);

/* The task could run from now on, because of what runs on this thread. */
LT_EXPORT void lt_task_ready(uint64_t task);

/* The task ends, with a status of its own; ends its slice too, if it runs. */
LT_EXPORT void lt_task_done(uint64_t task, int64_t status);

/* The task that runs on this thread, 0 for none. */
LT_EXPORT uint64_t lt_task_current(void);

/* The program's own blocking call, around what the tracer cannot see.
 *
 * name:    a string that lives as long as the program, such as "db_query".
 * Returns: from begin what end needs; 0 while tracing is off. */
LT_EXPORT uint64_t lt_call_begin(const char *name);
LT_EXPORT void lt_call_end(const char *name, uint64_t begun);

/* A moment worth remembering, with a number.  name: as in lt_call_begin(). */
LT_EXPORT void lt_mark(const char *name, uint64_t value);

/* The value of something from now on.  name: as in lt_call_begin(). */
LT_EXPORT void lt_counter(const char *name, int64_t value);

/* From here to the end of the block this code may keep its loop from polling,
 * for the reason given: looptrace check mutes a stall that is within its budget
 * without the time in such blocks, tells the reason, and does not count the
 * blocking calls made in them.
 *
 *   void load(void) {
 *     LT_ALLOW_BLOCKING("configuration is read once, at the start");
 *     ...
 *   }
 *
 * why: as name in lt_call_begin().  Blocks nest; one ends with the callback that
 * it is in at the latest, so that no task may await inside one.  gcc and clang;
 * elsewhere call lt_allow_begin() and lt_allow_end(). */
#define LT_ALLOW_BLOCKING(why)                                                 \
  __attribute__((cleanup(lt_allow_leave), unused)) int LT_ALLOW_NAME(          \
      __LINE__) = (lt_allow_begin(why), 0)
#define LT_ALLOW_NAME(line) LT_ALLOW_NAME_(line)
#define LT_ALLOW_NAME_(line) lt_allow_##line

/* The same by hand, where a block of C is not the scope that is meant. */
LT_EXPORT void lt_allow_begin(const char *why);
LT_EXPORT void lt_allow_end(void);

static inline void lt_allow_leave(const int *scope) {
  (void)scope;
  lt_allow_end();
}

/* For event loops that are not libuv's: the thread begins to turn a loop, and
 * leaves it; it enters the wait for events, and comes back.
 *
 * loop:       0 the first time; keep what begin returns for the next time.
 * timeout_ms: -1 for endless.  n_ready: how many events were ready. */
LT_EXPORT uint32_t lt_loop_begin(uint32_t loop, const char *name);
LT_EXPORT void lt_loop_end(uint32_t loop);
LT_EXPORT void lt_poll_begin(int timeout_ms);
LT_EXPORT void lt_poll_end(int n_ready);

#ifdef __cplusplus
}
#endif
#endif
