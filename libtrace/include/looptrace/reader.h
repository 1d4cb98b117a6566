/* Read a trace file.
 *
 *   lt_reader *r;
 *   if (lt_reader_open("x.lt", &r) != LT_OK) ...
 *   lt_event e;
 *   while ((s = lt_reader_next(r, &e)) == LT_OK) ...
 *   lt_reader_close(r);
 *
 * The file is treated as hostile: whatever is in it, these functions neither
 * crash nor take more memory than one epoch needs (at most 64 MiB).  A trace that
 * was cut is read up to its last whole epoch; a damaged block is left out, and
 * said so (lt_info.problem, LOST events with cause LT_LOST_DAMAGED).
 *
 * Times are nanoseconds of CLOCK_MONOTONIC since lt_info.start_ns, so the first
 * moment of a recording is 0.  Threads: one reader belongs to one thread at a
 * time; different readers are independent.
 *
 * Part of looptrace, MIT licence. */
#ifndef LOOPTRACE_READER_H
#define LOOPTRACE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <looptrace/event.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lt_reader lt_reader;

typedef struct lt_event {
  int64_t time_ns;
  uint64_t ref;
  uint64_t a;
  uint64_t b;
  uint32_t thread; /* index for lt_reader_thread() */
  uint16_t x;
  uint8_t kind;
} lt_event;

/* A slice, poll, loop or pool job that had begun, but not ended. */
typedef struct lt_open {
  int64_t begin_ns;
  uint64_t ref;
  uint64_t a;
  uint32_t thread;
  uint16_t x;
  uint8_t kind; /* LT_RESUME, LT_POLL_BEGIN, LT_LOOP_BEGIN or LT_POOL_BEGIN */
} lt_open;

typedef struct lt_thread_def {
  uint32_t index; /* from 0 */
  int32_t tid;
  bool is_main;
  const char *name;
} lt_thread_def;

typedef struct lt_module_def {
  uint32_t id; /* from 1 */
  uint64_t start, end;
  const char *path;
  const char *build_id; /* hex, "" where unknown */
} lt_module_def;

/* Where code is.  What is unknown is NULL, "" or 0; addresses and modules are
 * always given where they were known. */
typedef struct lt_site_def {
  uint32_t id; /* from 1 */
  uint64_t address;
  uint32_t module;      /* 0 unknown */
  uint64_t offset;      /* in the module's file */
  const char *function; /* NULL when no symbol covers the address */
  uint64_t function_offset;
  const char *file; /* NULL when there is no line information */
  uint32_t line;
} lt_site_def;

/* A native stack, innermost frame first.  The site of a frame is where the call
 * in it returns to. */
typedef struct lt_stack_frame {
  uint32_t site;   /* id, 0 unknown */
  bool is_guessed; /* found by looking for return addresses; may be wrong */
} lt_stack_frame;

typedef struct lt_stack_def {
  uint32_t id; /* from 1 */
  uint32_t n_frames;
  const lt_stack_frame *frames;
} lt_stack_def;

/* A task that was alive where a generation begins. */
typedef struct lt_task_def {
  uint64_t id, parent;
  uint32_t kind;
  uint32_t site, spawn_site; /* ids of sites */
  int64_t spawn_ns;
  uint32_t thread;
  const char *label; /* NULL for none */
} lt_task_def;

typedef struct lt_loop_def {
  uint32_t id; /* as in LOOP_BEGIN's x */
  uint32_t thread; /* the last one that turned it */
  const char *name; /* NULL where the program gave none */
} lt_loop_def;

typedef struct lt_info {
  uint32_t version;
  int64_t start_ns;    /* CLOCK_MONOTONIC when recording began */
  int64_t start_unix_ns; /* the same moment on the wall clock */
  int64_t end_ns;      /* last time in the file, since start */
  int32_t pid;
  const char *comm;      /* borrowed: until lt_reader_close() */
  const char *uv_version; /* "" where there is none */
  const char *recorder;  /* "looptrace 0.1.0" */
  uint64_t size_bytes;
  uint64_t n_events;     /* that can be read */
  uint64_t n_lost;       /* as counted by the recorder and by damage */
  uint64_t n_short_calls; /* blocking calls too short to be events */
  uint64_t min_block_ns;
  uint32_t n_threads, n_modules, n_sites, n_strings, n_loops;
  uint32_t n_chunks, n_epochs, n_generations;
  uint64_t untracked;    /* callbacks that could not be followed */
  bool complete;         /* the end mark is there and nothing is damaged */
  bool ended;            /* the end mark is there */
  int end_reason;        /* lt_end_reason */
  int end_status;        /* exit status or signal number */
  lt_status problem;     /* LT_OK, LT_TRUNCATED or LT_CORRUPT */
  uint64_t problem_at;   /* offset of the first byte that could not be used */
  const char *problem_text; /* "" or a sentence */
  uint32_t n_notes;      /* see lt_reader_note() */
  bool by_index; /* the counts are those of the index at the file's end; damage
                    before it is found when it is read */
  int64_t begin_ns; /* since start: the file spans from there to end_ns; 0 but
                       for a snapshot, and a later one of several files */
} lt_info;

typedef enum lt_end_reason {
  LT_END_UNKNOWN,
  LT_END_EXITED,  /* end_status is the exit status */
  LT_END_KILLED,  /* end_status is the signal */
  LT_END_STOPPED, /* recording was stopped; the program may live on */
  LT_END_EXEC,    /* the process became another program */
  LT_END_GONE,    /* the process ended, nobody knows how */
  LT_END_RECOVERED /* closed by `looptrace recover` */
} lt_end_reason;

/* Open a trace and look over its blocks (headers only, not the events).
 *
 * reader:  owned, to be closed; NULL on failure.
 * Errors:  NOT_FOUND, IO, NOT_A_TRACE (also where the header is cut), CORRUPT
 *          (the header is wrong), VERSION, NOMEM.  A file that is cut or damaged
 *          behind its header is not an error here: see lt_info.problem.  errno
 *          tells more for IO.
 *
 * Of a file above 1 MiB that has an index, only that is read, whatever the size:
 * see lt_info.by_index. */
LT_EXPORT LT_WARN_UNUSED lt_status lt_reader_open(const char *path,
                                                  lt_reader **reader);

/* The same in steps, for who does other things meanwhile: where there is no index
 * the whole file is looked over, some microseconds a block.  Between begin and
 * the END of step, only lt_reader_info() may be asked, whose counts and end_ns
 * grow, and lt_reader_close() called.
 *
 * n_blocks: to look over at most, and the rest of the last one's epoch.
 * Errors:   begin as lt_reader_open(); step: END when the trace is open, OK while
 *           there is more to do; IO, NOMEM (close it then). */
LT_EXPORT LT_WARN_UNUSED lt_status lt_reader_open_begin(const char *path,
                                                        lt_reader **reader);
LT_EXPORT LT_WARN_UNUSED lt_status lt_reader_open_step(lt_reader *reader,
                                                       uint64_t n_blocks);

/* Let a second processor help, where this thread may run on more than one: a
 * thread of the library's own, with all signals blocked, then decodes what comes
 * next.  Off at first, so that no program gets a thread that it did not ask for.
 *
 * It begins when much of a large file is read on end, and ends with a seek, a
 * selection, the end of the file and lt_reader_close().  What is read, and which
 * errors come when, is the same with and without it.  It takes 12 MiB at most.
 * Threads: not over a fork: in the child such a reader cannot be used, nor closed.
 */
LT_EXPORT void lt_reader_read_ahead(lt_reader *reader, bool may);

/* Close; NULL is a no-op. */
LT_EXPORT void lt_reader_close(lt_reader *reader);

/* What is in the file.  Borrowed until the reader is closed; counts are those of
 * the whole file and are known from the headers.  A payload that is damaged is
 * found when it is read: then problem, n_events, n_lost and complete change, so
 * look again behind the last event. */
LT_EXPORT const lt_info *lt_reader_info(const lt_reader *reader);

/* The next event in the order of time, all threads merged; events of one thread
 * keep their order.
 *
 * Errors: END after the last readable one; IO, NOMEM.  Damaged blocks are passed
 *         over and show as LOST events. */
LT_EXPORT LT_WARN_UNUSED lt_status lt_reader_next(lt_reader *reader,
                                                  lt_event *event);

/* The next events, some at once: cheaper for those who read all.  In the same
 * order as lt_reader_next() gives them, behind the one that it gave last.
 *
 * events: at least one; borrowed until the next call that moves the reader.
 * Errors: as lt_reader_next(). */
LT_EXPORT LT_WARN_UNUSED lt_status lt_reader_next_some(lt_reader *reader,
                                                       const lt_event **events,
                                                       size_t *n);

/* Go to the last epoch that has, with those behind it, everything from a time
 * on; the next event is the first of that epoch.  Time 0 (or less) is the
 * beginning.
 *
 * Errors: IO, NOMEM, CORRUPT. */
LT_EXPORT LT_WARN_UNUSED lt_status lt_reader_seek(lt_reader *reader,
                                                  int64_t time_ns);

/* Let only some events be given: those of some kinds, or of one thread.  What
 * cannot hold any is not inflated, and by the index not looked at.  Losses by
 * damage (LOST, LT_LOST_DAMAGED) are given whatever the kinds.  Goes back to the
 * beginning; holds until it is called again, also over a seek.
 *
 * kinds:  bit k for events of kind k; UINT64_MAX for all.
 * thread: an index; LT_ALL_THREADS for all. */
#define LT_ALL_THREADS UINT32_MAX
LT_EXPORT void lt_reader_select(lt_reader *reader, uint64_t kinds,
                                uint32_t thread);

/* How many events were lost, by cause; they add up to lt_info.n_lost where
 * nothing is damaged.  From the index, or by reading the blocks that tell of
 * losses; then goes back to the beginning.  A selection stays as it is.
 *
 * lost:   LT_LOST_LIMIT of them, by lt_lost.
 * Errors: IO, NOMEM. */
LT_EXPORT LT_WARN_UNUSED lt_status lt_reader_losses(lt_reader *reader,
                                                    uint64_t *lost);

/* Look whether a file that is still written has grown, and take in the whole
 * epochs that came: the next event is the one behind the last that was given,
 * also where that was the last there was.  To be called now and then, behind
 * LT_END; the file has its end when lt_info.ended says so.
 *
 * has_grown: whether there are more epochs, or the end, than before.  Then
 *            pointers to definitions (strings, sites...) are not good any more.
 * Errors:    IO (errno 0: the file has become shorter), NOMEM. */
LT_EXPORT LT_WARN_UNUSED lt_status lt_reader_follow(lt_reader *reader,
                                                    bool *has_grown);

/* What was open where the epoch of the next event begins: the brackets that a
 * reader who starts here must know.  Outermost first within a thread.
 *
 * opens: borrowed, until the next call of next or seek. */
LT_EXPORT LT_WARN_UNUSED lt_status lt_reader_opens(lt_reader *reader,
                                                   const lt_open **opens,
                                                   size_t *n);

/* The tasks alive at the last generation that begins at or before the reader's
 * position, so that ancestry is known without reading from the start.
 *
 * tasks: borrowed, until the next call of next or seek. */
LT_EXPORT LT_WARN_UNUSED lt_status lt_reader_tasks(lt_reader *reader,
                                                   const lt_task_def **tasks,
                                                   size_t *n);

/* Definitions.  All of the file are known after lt_reader_open(); a later one
 * replaces an earlier one with the same id (names come in after the event that
 * needed them).  Borrowed until the reader is closed; NULL where there is none. */
LT_EXPORT const char *lt_reader_string(const lt_reader *reader, uint64_t id);
LT_EXPORT const lt_thread_def *lt_reader_thread(const lt_reader *reader,
                                                uint32_t index);
LT_EXPORT const lt_module_def *lt_reader_module(const lt_reader *reader,
                                                uint32_t id);
LT_EXPORT const lt_site_def *lt_reader_site(const lt_reader *reader,
                                            uint64_t id);
LT_EXPORT const lt_stack_def *lt_reader_stack(const lt_reader *reader,
                                              uint64_t id);
LT_EXPORT const lt_loop_def *lt_reader_loop(const lt_reader *reader,
                                            uint32_t id);
LT_EXPORT const char *lt_reader_note(const lt_reader *reader, uint32_t index);

/* The name of a blocking call in this trace, the program's own ones included.
 * Never NULL. */
LT_EXPORT const char *lt_reader_callee(const lt_reader *reader, unsigned callee);

/* A summary of the whole trace, for a first picture that needs no events.
 *
 * A lane is a loop on a thread that turned it, or a thread that ran jobs of the
 * pool.  It is busy from LOOP_BEGIN or POLL_END to POLL_BEGIN or LOOP_END (its
 * own, at whatever depth): a turn; or from POOL_BEGIN to POOL_END: a job.  A
 * turn that events were lost in is not counted. */
typedef struct lt_lane_bin {
  int64_t busy_ns;    /* of turns, in this bin */
  int64_t longest_ns; /* the longest turn that touches this bin, as a whole */
  uint32_t count;     /* turns that begin in it */
} lt_lane_bin;

/* A turn of at least lt_summary.warn_ns. */
typedef struct lt_lane_stall {
  int64_t begin_ns;
  int64_t duration_ns;
  int64_t slice_ns;    /* the part of it in its longest callback; 0 for none */
  uint64_t task;       /* of that callback */
  uint32_t slice_kind; /* lt_task_kind */
  uint32_t site;       /* of its function */
  bool unfinished;     /* the recording ended in it */
} lt_lane_stall;

#define LT_SUMMARY_LEVELS 12

typedef struct lt_lane {
  bool is_pool;    /* jobs of the thread pool, else turns of a loop */
  uint32_t loop;   /* id; 0 for a pool lane */
  uint32_t thread; /* index */
  int64_t busy_ns; /* in all */
  int64_t longest_ns;
  uint64_t count; /* turns or jobs */
  /* The pyramid: level[0] has lt_summary.n_bins bins of bin_ns from time 0,
   * each level above half as many of twice the width, the last one bin. */
  const lt_lane_bin *level[LT_SUMMARY_LEVELS];
  uint64_t n_stalls_all; /* of loops only */
  uint32_t n_stalls;     /* the longest of them, longest first */
  const lt_lane_stall *stalls;
} lt_lane;

typedef struct lt_summary {
  int64_t bin_ns;
  uint32_t n_bins; /* of level 0; a power of two, at most 2,048 */
  uint32_t n_levels;
  int64_t warn_ns; /* shorter turns are no stalls: 50 ms */
  uint32_t n_lanes;
  uint32_t n_lanes_left_out; /* there were more than an index holds */
  const lt_lane *lanes;      /* loops first, by id and thread; then the pool */
} lt_summary;

/* The summary that the recorder left in the file's index; read when first asked
 * for, and checked: one that contradicts itself is not given out.
 *
 * summary: borrowed until the reader is closed.
 * Errors:  NOT_FOUND (the file has none that can be used: it was cut, or made
 *          without one; compute what is needed from the events), IO, NOMEM. */
LT_EXPORT LT_WARN_UNUSED lt_status
lt_reader_summary(lt_reader *reader, const lt_summary **summary);

/* Check every block's CRC and decode everything.  The next event is then the
 * first of the file.
 *
 * Errors: CORRUPT or TRUNCATED as lt_info.problem then says; OK when whole. */
LT_EXPORT LT_WARN_UNUSED lt_status lt_reader_verify(lt_reader *reader);

#ifdef __cplusplus
}
#endif
#endif
