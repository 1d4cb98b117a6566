/* The model: the one place where the meaning of a trace is computed.
 *
 * Check, report, the viewer and every exporter show what stands here; none
 * reads events to a truth of its own.  Built in one pass over the reader, in
 * memory that does not grow with the number of events (only with sites, live
 * tasks and findings). */
#ifndef LTV_MODEL_H
#define LTV_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <looptrace/reader.h>

#include "model/trouble.h"

/* Thresholds (50 ms: what browsers call a long task; 100 ms: asyncio's debug
 * mode; both are judged on attributable time). */
#define MODEL_WARN_NS 50000000
#define MODEL_ERROR_NS 100000000

/* A request that libuv runs in its thread pool, where it is not followed: from
 * when it is made to its callback it may be on a pool thread, or wait for one.
 * (libuv gives some to the kernel instead, where it uses io_uring.) */
#define MODEL_POOL_UNSEEN "in the pool, or queued"
static inline bool model_is_pool_unseen(uint32_t kind) {
  return kind == LT_TASK_FS || kind == LT_TASK_GETADDRINFO ||
         kind == LT_TASK_GETNAMEINFO || kind == LT_TASK_RANDOM;
}

/* Why time passed; doc/architecture.md, "Why a stall happened". Parts of a
 * stall's wall time, in ns; they add up to it. */
struct model_cause {
  int64_t cpu, blocked, paging; /* the program's own: attributable */
  int64_t starved, suspended, unknown;
};
static inline int64_t model_attributable(const struct model_cause *cause) {
  return cause->cpu + cause->blocked + cause->paging;
}
/* The largest part, as a word: "cpu", "blocked", "paging", "starved",
 * "suspended", "unknown". */
const char *model_cause_word(const struct model_cause *cause);

enum model_stall_kind {
  MODEL_STALL_SLICE, /* one callback held the loop */
  MODEL_STALL_TURN,  /* many callbacks in one turn, none of them alone */
  MODEL_STALL_GAP    /* the loop was not turned between two runs */
};

/* One blocking call inside a stall. */
struct model_call {
  unsigned callee;
  uint64_t ref;     /* as in LT_CALL */
  uint64_t on_name; /* string: what the descriptor in ref is, or which thread
                       held the lock in ref; 0 unknown */
  uint32_t site;
  uint32_t holder_stack; /* of that thread; 0 none */
  int64_t begin_ns, duration_ns;
  bool unfinished;
  bool is_self; /* the lock in ref is held by the thread that waits for it */
  bool is_sampled; /* no hook saw it: the watchdog saw the thread in it, and it
                      has all the time that is blocked and nothing else's */
};

/* All calls of one callee inside a stall. */
struct model_call_sum {
  uint64_t n;
  int64_t ns;
  struct model_call longest;
};

/* What could have run while a stall held the loop up, and had to wait. */
struct model_victim {
  uint64_t task;
  uint32_t kind; /* lt_task_kind */
  uint32_t site;
  int64_t since_ns; /* it could have run from then on */
  int64_t delay_ns; /* of the stall's time, after that */
};

/* What a thread was seen to do, from outside. */
struct model_sample {
  int64_t time_ns, stands_ns; /* since the one before */
  char state;                 /* 'R' running, 'S' or 'D' blocked, 'T' stopped */
  int64_t stopped_until_ns;   /* where that is known; 0 not */
  bool in_poll;               /* the thread was, then */
  unsigned callee;            /* the system call; 0 none */
  uint64_t ref;               /* what that waits on, as in LT_CALL */
  uint64_t on_name;           /* as in model_call */
  bool is_self;               /* likewise */
  uint32_t stack;             /* 0 none */
};

/* One step of the way that led to a task, newest first. */
struct model_ancestor {
  uint64_t task;
  uint32_t kind; /* lt_task_kind */
  uint32_t site, spawn_site;
  int64_t spawn_ns;
  const char *label; /* NULL or borrowed */
  bool is_awaiting;  /* it waits for the task before it in the list */
  uint64_t awaiter;  /* the task that waits for this one, 0 none */
  uint32_t await_site; /* where that one does, 0 unknown */
};

#define MODEL_CALLS_MAX 8
#define MODEL_CALLEES_MAX 8
#define MODEL_VICTIMS_MAX 8
#define MODEL_ANCESTRY_MAX 16
#define MODEL_SAMPLES_MAX 16

struct model_stall {
  enum model_stall_kind kind;
  int64_t begin_ns, duration_ns; /* nested polls excluded from duration */
  uint32_t thread, loop;         /* loop: index into model.loops */
  uint64_t turn;                 /* number of the turn, from 1 */
  uint64_t task;
  uint32_t slice_kind; /* lt_task_kind of the callback; 0 for a turn or gap */
  uint32_t site;       /* the callback's function; 0 for a turn; for a gap the
                          program's innermost in stack */
  bool unfinished;     /* never came back: the recording ended first */
  bool is_unseen;      /* its loop is */
  bool is_early;       /* before its loop was known to be one */
  bool is_regular;     /* of a gap: the loop was waited for again and again
                          before, and turned again afterwards */
  bool has_usage;      /* USAGE events cover it; else all of cause is unknown */
  struct model_cause cause;
  size_t n_calls; /* longest first; n_calls_all counts those left out too */
  struct model_call calls[MODEL_CALLS_MAX];
  size_t n_calls_all;
  int64_t calls_ns; /* in all of them */
  size_t n_sums;    /* by callee, of all calls; a long one is among them */
  struct model_call_sum sums[MODEL_CALLEES_MAX];
  uint64_t n_others; /* calls that are in no sum: there are more callees, */
  int64_t others_ns; /* and all of them together */
  int64_t inner_max_ns; /* longest stall inside that is told by itself */
  int64_t allowed_ns;   /* of duration: where the program allowed it */
  uint64_t allowed_for; /* id of the string that says why, 0 none */
  size_t n_samples; /* the newest, in order; n_samples_all counts them all */
  struct model_sample samples[MODEL_SAMPLES_MAX];
  size_t n_samples_all;
  uint32_t stack;       /* that stands for most of its time, 0 none */
  uint32_t seen_in;     /* of a turn whose callbacks are not seen: the function
                           that most looks found it in; 0 not known */
  uint64_t n_callbacks; /* that began during it (nested ones, or the turn's) */
  uint64_t n_waited;    /* callbacks of the same turn that ran after it */
  uint64_t n_late;      /* timers that were due and could not run */
  int64_t worst_late_ns;
  /* Tasks that were ready, timers that were due, jobs that the pool had done,
   * and the callbacks of the same turn: the delay of all of them, and the
   * longest.  When a descriptor became ready is not known, so that those behind
   * the next poll are none. */
  uint64_t n_victims_all;
  int64_t blame_ns;
  size_t n_victims; /* longest delay first */
  struct model_victim victims[MODEL_VICTIMS_MAX];
  size_t n_ancestors; /* [0] is the task itself */
  struct model_ancestor ancestors[MODEL_ANCESTRY_MAX];
};

/* Nobody can say that the program held its loop up: a gap that may be meant. */
static inline bool model_is_aside(const struct model_stall *stall) {
  return stall->kind == MODEL_STALL_GAP && !stall->is_regular;
}

/* Log-linear histogram: 16 steps an octave from 1 us, relative error <= 3 %. */
#define MODEL_HISTOGRAM_BINS 448
struct model_histogram {
  uint64_t n;
  int64_t max_ns, sum_ns;
  uint32_t bins[MODEL_HISTOGRAM_BINS];
};
void model_histogram_add(struct model_histogram *h, int64_t ns);
/* The same for two of them; the second may be NULL. */
void model_histogram_add_both(struct model_histogram *h,
                              struct model_histogram *other, int64_t ns);
int64_t model_histogram_percentile(const struct model_histogram *h, double p);
/* The shortest time that is counted in a bin (in bin 0 also shorter ones). */
int64_t model_histogram_floor(unsigned bin);
/* How many were not longer; those of the bin that ns lies in are not counted.
 */
uint64_t model_histogram_below(const struct model_histogram *h, int64_t ns);

/* The minimap: the whole trace in equal bins. */
#define MODEL_BINS 2048
struct model_loop {
  uint32_t id;     /* as in the trace */
  uint32_t thread; /* the last that turned it */
  char name[32];   /* "main", or the thread's name; made inert */
  uint64_t turns, slices, calls, stalls;
  int64_t busy_ns;    /* out of the poll, inside a run, or between two of those
                         that its program is held to come back to */
  int64_t poll_ns;    /* in the poll */
  int64_t gap_ns;     /* between others */
  int64_t blocked_ns; /* in blocking calls of at least min_block_ns */
  int64_t starved_ns; /* its threads were ready, and no CPU was free: at most
                         so much of busy_ns */
  bool has_starved;   /* that is known */
  bool is_unseen;     /* not libuv's: its callbacks are not in the trace */
  int64_t first_ns, last_ns;
  /* Stops by a signal that its threads were seen in, and the longest. */
  uint64_t n_stops;
  int64_t stopped_ns, longest_stop_ns, longest_stop_at_ns;
  uint64_t timers_late; /* by 1 ms or more: libuv's resolution; what passed in
                           stops does not count */
  int64_t worst_late_ns;
  struct model_histogram turn; /* busy time of a turn */
  float busy[MODEL_BINS];      /* share of the bin spent out of the poll */
  int64_t longest[MODEL_BINS]; /* longest slice or turn that touches the bin */
};

struct model_site {
  uint32_t site; /* 0: unknown */
  uint32_t kind; /* lt_task_kind of its slices; of calls: callee */
  bool is_call;  /* a row for a blocking call made at this site */
  uint64_t count;
  int64_t total_ns, self_ns, max_ns;
  struct model_histogram *time; /* owned by the model */
};

/* A blocking call of at least the warn threshold that lies in no stall: events
 * around it were lost, so that its slice could not be measured. */
struct model_blocking {
  struct model_call call;
  uint32_t thread, loop;
  uint64_t task; /* that made it, 0 unknown */
};

/* The blocking calls of one loop, place and callee. */
struct model_caller {
  uint32_t loop, site;
  unsigned callee;
  bool is_allowed; /* made where the program allowed it */
  uint64_t count;
  int64_t total_ns, max_ns;
  struct model_call worst;
};

/* The thread pool: jobs of all loops. */
#define MODEL_POOL_LEVELS 129
struct model_pool {
  uint64_t jobs;
  uint32_t workers, peak;              /* threads seen; most jobs at a time */
  struct model_histogram queue;        /* from the request to a worker */
  struct model_histogram service;      /* on the worker */
  struct model_histogram result;       /* from there to its callback */
  int64_t busy_ns;                     /* at least one job ran */
  int64_t saturated_ns;                /* all workers that were seen had one */
  int64_t level_ns[MODEL_POOL_LEVELS]; /* so many jobs ran */
};

/* Events that are missing for one cause, and between when. */
struct model_loss {
  uint64_t n;
  int64_t first_ns, last_ns;
};

struct model {
  lt_reader *reader; /* borrowed by everybody until model_close() */
  const lt_info *info;
  int64_t end_ns; /* times are since the recorder's start */
  struct model_loop *loops;
  size_t n_loops;
  struct model_stall
      *stalls; /* by begin_ns; at least the warn threshold long */
  size_t n_stalls;
  uint64_t n_stalls_dropped; /* beyond MODEL_STALLS_MAX, shortest first */
  struct model_site *sites;  /* by total_ns, largest first */
  size_t n_sites;
  struct model_histogram callbacks; /* all slices, all loops */
  uint64_t n_slices, n_calls, n_tasks, n_tasks_live;
  uint64_t n_lost;
  struct model_loss lost[LT_LOST_LIMIT]; /* by cause; of n_lost, those whose
                                            time is known */
  bool *has_lost; /* by bin of the minimap; NULL: nowhere */
  struct model_blocking *blocking; /* in no stall; by begin_ns */
  size_t n_blocking;
  struct model_caller *callers; /* by total_ns, largest first */
  size_t n_callers;
  struct model_pool pool;
  struct model_trouble *troubles; /* in no order */
  size_t n_troubles;
  struct model_live *lives; /* most alive first */
  size_t n_lives;
  struct model_gather *gathers; /* by saved_ns, most first */
  size_t n_gathers;
  uint64_t n_unmeasured; /* slices whose begin or end is not in the trace */
};
#define MODEL_STALLS_MAX 10000
#define MODEL_BLOCKING_MAX 1000
#define MODEL_CALLERS_MAX 4096 /* beyond: all in one of site 0 */

struct model_options {
  int64_t warn_ns; /* shorter stalls are not kept; 0: MODEL_WARN_NS */
  int64_t
      budget_ns;     /* a turn longer than this is a stall of its own although a
                        slice in it is one that keeps to it; 0: MODEL_ERROR_NS */
  int64_t warmup_ns; /* turns, polls and calls that begin before it are in no
                        loop's totals */
  bool keep_turns;   /* every turn of warn_ns is a stall, also where slices in
                        it tell the same: for budgets that differ by loop */
  void (*progress)(void *context, double share); /* or NULL */
  void *context;
};

/* Read a trace and compute everything.
 *
 * model:  owned, to be closed; NULL on failure.
 * Errors: as lt_reader_open(); a cut or damaged trace is no error. */
LT_WARN_UNUSED lt_status model_open(const char *path,
                                    const struct model_options *options,
                                    struct model **model);
/* The same in steps, so that something can be shown meanwhile.  Until
 * model_step() returns END, info, end_ns and the numbers of loops can be read:
 * busy holds nanoseconds then, not shares, and there are no names, no stalls
 * and no sites.  A step takes so many events.
 *
 * Errors: begin as model_open(); step: END when the model is complete, OK while
 *         there is more, IO, NOMEM (close the model then). */
LT_WARN_UNUSED lt_status model_begin(const char *path,
                                     const struct model_options *options,
                                     struct model **model);
LT_WARN_UNUSED lt_status model_step(struct model *model, uint64_t n_events);
/* To look over a block of a file costs as much as so many events. */
#define MODEL_BLOCK_EVENTS 16
struct model_progress {
  double share; /* of the trace's time, 0 to 1 */
  uint64_t n_events;
  size_t n_stalls; /* found so far */
  int64_t bin_ns;  /* what a bin of busy stands for */
};
struct model_progress model_progress(const struct model *model);
void model_close(struct model *model);

/* How long the trace is: a snapshot begins later than the recording. */
static inline int64_t model_length_ns(const struct model *model) {
  return model->end_ns - model->info->begin_ns;
}

/* Names, made inert (output/inert.h) and ready for a screen or a file, into
 * buf. site: "on_timer (stall.c:41)", "on_timer", "libluv.so.1+0x1a2f3" or "?".
 * Returns: buf. */
const char *model_site_name(const struct model *model, uint32_t site, char *buf,
                            size_t size);
/* The same without file and line. */
const char *model_site_short(const struct model *model, uint32_t site,
                             char *buf, size_t size);
/* The name of a blocking call; never NULL; made inert, into buf. */
const char *model_callee_name(const struct model *model, unsigned callee,
                              char *buf, size_t size);
/* A site's definition with what could be found out since; NULL for none. Its
 * texts are raw: to be made inert before they are shown. */
const lt_site_def *model_site(const struct model *model, uint32_t site);
/* A site's module; NULL where unknown.  Raw texts, as above. */
const lt_module_def *model_module(const struct model *model, uint32_t module);
/* A native stack's definition; NULL for none. */
const lt_stack_def *model_stack(const struct model *model, uint32_t stack);
/* Is it in the C library, libuv or looptrace itself: no place that the
 * program's author would look at? */
bool model_is_runtime(const struct model *model, uint32_t site);
/* A stack for reading, innermost first: the program's frames, runs of others in
 * one line, and nothing of what is below main. */
struct model_stack_line {
  uint32_t site; /* 0: only folded ones */
  bool is_guessed;
  uint32_t
      n_folded;    /* runtime frames, behind the one of site if there is one */
  uint32_t n_more; /* frames left out behind the last line */
};
#define MODEL_STACK_LINES 8
size_t model_stack_lines(const struct model *model, uint32_t stack,
                         struct model_stack_line *lines, size_t max);
/* The same with every frame in a line of its own. */
size_t model_stack_frames(const struct model *model, uint32_t stack,
                          struct model_stack_line *lines, size_t max);
/* The program's functions that a callback had called, outermost first, as far
 * as they can be told from it: what is inside of the frame that the loop calls.
 * Returns: how many, at most max. */
size_t model_stack_called(const struct model *model, uint32_t stack,
                          uint32_t *sites, size_t max);
/* The same function? */
bool model_is_same_function(const struct model *model, uint32_t a, uint32_t b);
const char *model_stack_text(const struct model *model,
                             const struct model_stack_line *line, char *buf,
                             size_t size);
/* "slice", "turn", "gap".  Static. */
const char *model_stall_kind_name(enum model_stall_kind kind);
/* Of a SAMPLE: "running", "asleep", "stopped", or "continued". */
const char *model_state_word(char state);
/* What it waited on, such as "fd 7 /var/log/x", "lock 0x...", "condition 0x...";
 * "" for nothing.
 * Inert. */
const char *model_call_on(const struct model *model,
                          const struct model_call *call, char *buf,
                          size_t size);
/* Does a call with this callee and ref wait for a descriptor? */
bool model_waits_for_fd(unsigned callee, uint64_t ref);
/* Or for a futex, which may be one's. */
bool model_waits_for_lock(unsigned callee, uint64_t ref);
/* Or for a thread to end: then on_name is that one's, and holder_stack. */
bool model_waits_for_thread(unsigned callee, uint64_t ref);

/* One slice, poll or call as it is drawn in a lane. */
struct model_span {
  int64_t begin_ns, end_ns; /* end INT64_MAX: not ended */
  uint64_t task;
  uint32_t thread;
  uint32_t what; /* LT_RESUME, LT_POLL_BEGIN, LT_CALL, LT_LOOP_BEGIN or
                    LT_POOL_BEGIN */
  uint32_t kind; /* lt_task_kind, or callee */
  uint32_t site;
  uint32_t depth;      /* 0 outermost slice */
  uint32_t loop;       /* id of the innermost that ran; MODEL_NO_LOOP: none */
  uint32_t loop_depth; /* how many of this kind and loop it lies in */
};

/* All spans that touch [from, to), in the order in which they end (those that
 * do not end in it last).  Reads only the epochs that are needed.  The model's
 * reader is moved.  each returns false to stop. */
LT_WARN_UNUSED lt_status model_window(
    struct model *model, int64_t from, int64_t to,
    bool (*each)(void *context, const struct model_span *), void *context);

#endif
