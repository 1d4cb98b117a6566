/* Inside the model: what its files share while a model is built.
 *
 * A thread has a stack of frames: a RUN for each uv_run on it, a SLICE for each
 * callback.  A frame's *segment* is the stretch in which it kept its loop from
 * polling: it ends where that loop polls (also in a nested run) and begins
 * again after.  So a slice that pumps the loop is not charged for the nested
 * wait, the outermost run's segments are the turns, and a segment that is too
 * long is a stall.  A nested run of *another* loop ends nothing: the outer loop
 * waits. */
#ifndef LTV_BUILD_H
#define LTV_BUILD_H

#include <stdint.h>
#include <string.h>

/* Out of memory is an error, not the end of the process. */
#define HASH_NONFATAL_OOM 1
/* Most keys here are numbers of 4 to 16 bytes, several looked up for each
 * event: one multiplication for them instead of uthash's own function. */
#define HASH_FUNCTION(key, bytes, hash)                                        \
  do {                                                                         \
    if ((bytes) > 16)                                                          \
      HASH_JEN(key, bytes, hash);                                              \
    else                                                                       \
      (hash) = hash_number(key, bytes);                                        \
  } while (0)
static inline unsigned hash_number(const void *key, size_t bytes) {
  uint64_t low = 0, high = 0;
  memcpy(&low, key, bytes < 8 ? bytes : 8);
  if (bytes > 8)
    memcpy(&high, (const char *)key + 8, bytes < 16 ? bytes - 8 : 8);
  low = (low ^ high * UINT64_C(0x9e3779b97f4a7c15)) *
        UINT64_C(0xd6e8feb86659fd93);
  return (unsigned)(low >> 32);
}
#include <uthash.h>

#include "base/regular.h"
#include "model/source.h"

#define NO_LOOP UINT32_MAX

/* Sums of what a hostile file says end at 2^61 ns (73 years), so that two of
 * them can still be added. */
static inline int64_t add_ns(int64_t a, int64_t b) {
  const int64_t most = INT64_MAX / 4;
  return a > most - b ? most : a + b;
}

struct live_key {
  uint32_t kind, site, spawn_site;
};
/* With fewer loops it may be how a program ends. */
#define LIVE_LOOPS_LEAST 3
struct live_row {
  struct model_live live;
  struct live_key key;
  uint64_t newest; /* id of a task that is alive */
  /* Handles that are alive although their loop has ended, and its threads. */
  uint64_t unclosed;
  uint32_t left[LIVE_LOOPS_LEAST], n_left;
  UT_hash_handle hh;
};
struct timer_row {
  struct model_trouble t;
  uint64_t n_starved;
  int64_t period_ns, starved_ns; /* of those */
  uint64_t key;
  UT_hash_handle hh;
};
struct gather_row {
  struct model_gather g;
  uint32_t site;
  UT_hash_handle hh;
};
/* Waits of a task one after the other. */
struct await_run {
  uint64_t n;
  int64_t begin_ns, end_ns; /* of the first, of the last so far */
  int64_t sum_ns, max_ns;   /* what the awaited tasks took */
  int64_t busy_ns;          /* and kept the thread for */
  size_t n_sites;
  uint32_t sites[MODEL_GATHER_SITES];
};

/* A task, kept while it is alive or has a descendant that is.  What each run
 * needs comes first. */
struct task {
  uint64_t id;
  uint32_t kind, site;
  bool alive, is_spawned, has_worked;
  int64_t due_ns; /* -1: waits for no time */
  /* A timer that repeats is armed once: its period is the shortest time seen
   * between two runs without an ARM; 0 unknown. */
  int64_t period_ns, ran_ns; /* ran: -1 since it was armed */
  int64_t ready_ns;          /* it could run from then on; -1 unknown */
  int64_t worked_ns;         /* a worker was done with it, where has_worked */
  uint64_t awaits;           /* the task that it waits for, 0 none */
  int64_t delay_ns; /* for which its timer was armed, or its period */
  int64_t ran_total_ns;
  struct timer_row *timer;
  struct task *parent; /* counted in its refs */
  struct live_row *live;
  uint32_t spawn_site, refs;
  int64_t spawn_ns;
  uint64_t root; /* the first of its chain, itself where it has no parent */
  const char *label;
  uint32_t thread; /* that spawned it */
  int64_t end_ns;  /* -1: alive */
  uint64_t n_resumes;
  uint64_t own[2];      /* of who visits a stream; of the builder, own[0]: its
                           loop's index plus 1, 0 unknown */
  uint64_t awaiter;     /* who waits for it, if it still does; 0 none */
  uint32_t await_site;  /* where this task waits, 0 unknown */
  int64_t saturated_ns; /* the pool's total when it was made */
  struct await_run *run; /* owned; NULL none */
  struct task *older, *newer; /* in the order in which they were made */
};

struct task_slot {
  uint64_t id;
  struct task *task; /* NULL: free */
};

struct tasks {
  struct task_slot *slots; /* by a hash of the id; at most half are taken */
  unsigned log2_slots;     /* where there are any */
  uint64_t seed;           /* odd */
  size_t n;
  struct task *oldest, *newest;
  struct task *spare; /* to be used again, chained by newer */
  uint64_t n_seen, n_live;
  /* NULL, or called when a task and all its descendants are done; and by
   * tasks_fini() for those that are not. */
  void (*on_free)(void *context, struct task *task);
  void *context;
};

/* Find a task; make it when it is not known (its spawn was lost).
 * Returns: NULL for id 0 or without memory. */
struct task *tasks_get(struct tasks *tasks, uint64_t id);
/* The same, but NULL where it is not known. */
struct task *tasks_known(struct tasks *tasks, uint64_t id);
/* A task comes into being; an older one of the same id is forgotten. */
struct task *tasks_spawn(struct tasks *tasks, const lt_event *e,
                         struct task *parent);
/* The same, where it was found before: its memory is kept, for this or another
 * task, until tasks_fini().  seen: NULL, or what was found. */
static inline struct task *tasks_still(struct tasks *tasks, struct task *seen,
                                       uint64_t id) {
  return seen && seen->id == id ? seen : tasks_known(tasks, id);
}
/* It will never run again.  task: NULL is a no-op. */
void tasks_done(struct tasks *tasks, struct task *task, int64_t now_ns);
/* The chain of parents, newest first.  Returns: how many. */
size_t tasks_ancestry(struct tasks *tasks, uint64_t id,
                      struct model_ancestor *out, size_t max);
void tasks_fini(struct tasks *tasks);

/* An ARM: when it is due from now on. */
static inline void tasks_arm(struct task *task, const lt_event *e) {
  bool has_time = e->b != 0 && e->b <= INT64_MAX / 2;
  task->due_ns = has_time ? e->time_ns + (int64_t)(e->b - 1) : -1;
  task->delay_ns = has_time ? (int64_t)(e->b - 1) : 0;
  task->ran_ns = -1;
  task->period_ns = 0;
}

/* It runs now; when should it have: as armed, or a period after it last ran.  A
 * period is only inferred, so small delays (libuv counts in whole ms) are none.
 * Returns: -1 when that is not known, or it is not late. */
static inline int64_t tasks_due(struct task *task, uint32_t kind,
                                int64_t now_ns) {
  int64_t due = task->due_ns;
  task->due_ns = -1; /* a run is what it was armed for, also a task's */
  if (kind != LT_TASK_TIMER)
    return due;
  if (due < 0 && task->period_ns)
    task->delay_ns = task->period_ns;
  if (due < 0 && task->ran_ns >= 0) {
    int64_t took = now_ns - task->ran_ns, period = task->period_ns;
    if (period && took - period >= 2000000 && took - period >= period / 2)
      due = task->ran_ns + period;
    if (period == 0 || took < period)
      task->period_ns = took;
  }
  task->ran_ns = now_ns;
  return due;
}

/* From when on a task could have run; -1 unknown. */
static inline int64_t tasks_since(const struct task *task, int64_t due_ns) {
  return task->has_worked      ? task->worked_ns
         : task->ready_ns >= 0 ? task->ready_ns
                               : due_ns;
}

/* Time by site. */
struct site_row {
  struct model_site site;
  uint64_t key;
  UT_hash_handle hh;
};
#define SITES_MAX 16384 /* beyond: all in the rows of site 0 */
#define SITES_CACHED 512
struct sites {
  struct site_row *rows;
  struct site_row *cached[SITES_CACHED]; /* by a hash of the key; or NULL */
};
/* all: NULL, or a histogram of several sites. */
void sites_add(struct sites *sites, uint32_t site, uint32_t kind, bool is_call,
               int64_t total_ns, int64_t self_ns, struct model_histogram *all);
/* Flatten into an array by total_ns, largest first.  false: no memory. */
bool sites_finish(struct sites *sites, struct model *model);
void sites_fini(struct sites *sites);

/* caller.c: blocking calls by loop, place and callee. */
struct caller_row {
  struct model_caller caller;
  uint64_t key;
  UT_hash_handle hh;
};
void callers_add(struct caller_row **rows, uint32_t loop, bool is_allowed,
                 const struct model_call *call);
/* Flatten into an array by total_ns, largest first.  false: no memory. */
bool callers_finish(struct caller_row **rows, struct model *model);
void callers_fini(struct caller_row **rows);

/* The blocking calls inside something: the longest, and the sum of all. */
struct call_set {
  size_t n, n_all;
  int64_t sum_ns;
  size_t n_sums;
  struct model_call calls[MODEL_CALLS_MAX]; /* longest first */
  struct model_call_sum sums[MODEL_CALLEES_MAX];
};
/* Empties it; cheaper than to clear it. */
static inline void calls_clear(struct call_set *set) {
  set->n = set->n_all = set->n_sums = 0;
  set->sum_ns = 0;
}
void calls_add(struct call_set *set, const struct model_call *call);
/* Take out what began at or after a moment: it is evidence elsewhere. */
void calls_remove_from(struct call_set *set, int64_t begin_ns,
                       const struct call_set *inner);

/* Between two steps outside of slices a loop does next to nothing: so much. */
#define LOOPS_OWN_NS 100000

/* Totals of a thread at a USAGE event, and of what else is known then. */
struct usage {
  bool known;
  int64_t time_ns;
  uint64_t cpu_ns, delay_ns, switches;
  bool has_delay;
  uint16_t faults;
  int64_t poll_ns;   /* in polls so far */
  int64_t poll_late_ns; /* of that, after their time was over */
  int64_t calls_ns;  /* in blocking calls so far */
  uint64_t n_waits;  /* polls so far that slept */
  uint64_t n_short;  /* that may have, for a moment */
  uint32_t n_losses; /* LOST events so far */
  uint64_t n_own;    /* of the thread, then */
  bool is_outside;   /* read by the recorder: a delay that lasts is not in it */
};

/* A stall on its way: its cause is known at the next USAGE, its victims later.
 * Not freed while pins is not 0. */
struct stall_record {
  struct model_stall s;
  unsigned pins;
  bool is_pending;
  int64_t end_ns;
  uint64_t n_begin, n_end; /* the thread's steps, with these */
  int64_t foreign_ns; /* in polls of another loop, inside it */
  uint64_t n_foreign;
  struct usage before;
  bool seen_blocked, seen_in_call, seen_stopped; /* from outside */
  int64_t stopped_ns; /* from when it was seen or told to be, see sample.c */
#define STALL_INNER_MAX 4
  struct stall_record *inner[STALL_INNER_MAX]; /* reported by themselves */
  size_t n_inner;
};

struct frame {
  bool is_run;
  bool is_tainted; /* events were lost: its brackets cannot be trusted */
  bool is_open;    /* its segment is */
  uint64_t task;
  struct task *seen; /* what tasks_still() takes */
  uint32_t kind, site;
  uint32_t loop; /* index, or NO_LOOP */
  uint64_t turn; /* of the loop when the segment began */
  int64_t begin_ns, segment_ns;
  uint64_t n_begin; /* the thread's steps when the segment began */
  int64_t poll_ns, child_ns; /* inside, since begin_ns */
  /* Of the segment: */
  int64_t foreign_ns, foreign_begin_ns; /* in polls of another loop */
  uint64_t n_foreign;
  int64_t reported_foreign_ns;          /* of foreign_ns: in stalls inside it */
  int64_t reported_ns, reported_max_ns; /* stalls inside it */
  struct stall_record *inner[STALL_INNER_MAX];
  size_t n_inner;
  int64_t allowed_ns;
  uint64_t allowed_for;
  /* Scopes that the program opened in this slice: how many, since when. */
  uint32_t n_allows;
  int64_t allow_ns;
  uint64_t allow_for;
  uint64_t n_callbacks;
  struct usage usage;    /* last one at or before it */
  struct call_set calls; /* last: not cleared as a whole */
};

/* The newest samples of a thread. */
#define SAMPLES_KEPT 64
struct sample_ring {
  size_t n; /* so far */
  /* It is stopped since the newest of them, or before; and who says so knows
   * of each stop. */
  bool is_stopped, is_told;
  int64_t stop_begin_ns, stop_end_ns; /* of the last stop that has ended */
  struct model_sample samples[SAMPLES_KEPT];
};

#define USAGES_KEPT 16
#define FRAMES_MAX 256
#define RECENT_MAX 8

struct thread {
  uint64_t job; /* that it works on, 0 none */
  int64_t job_ns;
  uint32_t job_site;
  bool is_worker;
  struct frame *frames;
  size_t n_frames, frames_cap;
  struct usage usage; /* last seen; poll_ns etc. are kept in the next three */
  struct usage own_usage; /* the last before it that the thread read itself */
  struct usage usages[USAGES_KEPT]; /* the newest, in a ring */
  size_t n_usages;                  /* so far */
  int64_t poll_total_ns;
  uint64_t n_waits, n_short;
  uint32_t n_losses;
  uint64_t n_own; /* steps so far: see is_step() */
  bool in_poll, poll_waits;
  uint32_t poll_loop;
  int64_t poll_begin_ns, poll_ms; /* its timeout; 0: none, or no wait */
  int64_t poll_late_ns, calls_ns; /* in all so far */
  struct stall_record *recent[RECENT_MAX]; /* newest first; pinned */
  int64_t recent_end_ns;                   /* the last of their ends */
  uint64_t recent_turn;                    /* and of their turns */
  struct sample_ring *samples;             /* NULL until the first */
  struct early *early;                     /* likewise */
  /* Between two runs: */
  uint32_t last_loop; /* or NO_LOOP */
  bool last_alive;    /* the loop had something to wait for */
  uint64_t mode;      /* of the outermost run */
  bool has_waited;    /* for its loop, in it */
  unsigned n_regular; /* so many waits for the loop, run after run */
  int64_t run_end_ns; /* or when the program had waited for it on its own */
  struct usage run_usage;
  struct call_set between;
  struct {
    uint32_t n; /* scopes that the program opened */
    int64_t since_ns, ns;
    uint64_t why;
  } allow;
  struct {
    uint64_t lock, name;
    uint32_t stack;
    bool is_self;
  } holder; /* of a lock that it waits for; lock 0: of none */
};

struct loop_extra { /* beside model.loops[i] */
  uint64_t turn_no;
  uint64_t name; /* string id of LOOP_NAME, 0 none */
};

struct pool_state {
  uint32_t n_running;
  bool is_counting; /* since the first job */
  int64_t since_ns;
  int64_t saturated_ns; /* all workers had a job, since the last one came */
  int64_t last_new_ns;  /* a worker was seen for the first time */
  struct model_trouble worst;
};

struct builder {
  struct model model; /* first: a struct model * is a struct builder * */
  struct model_source source;
  int64_t warn_ns, budget_ns, warmup_ns;
  bool keep_turns;
  int64_t bin_ns;
  int64_t now_ns;
  size_t last_bin; /* loop.c: the one that was asked for last, */
  int64_t last_bin_ns, last_bin_end_ns; /* and what it spans */
  const lt_event *next_event, *events_end; /* of the source's last ones */
  uint64_t n_taken; /* events so far */
  struct thread *threads;
  size_t n_threads;
  struct loop_extra *loop_extra;
  struct tasks tasks;
  struct pool_state pool;
  struct sites sites;
  struct caller_row *callers;
  struct live_row *lives, *last_live;
  struct timer_row *timers;
  struct gather_row *gathers;
  size_t n_marks; /* of the levels of lives */
  int64_t next_mark_ns;
  uint64_t n_cycles;
  struct stall_record **records;
  size_t n_records, records_cap;
  uint64_t *fd_names; /* strings, by descriptor; 0 unknown */
  size_t n_fd_names;
  size_t n_early_calls; /* that there is room for, of all threads */
  bool is_out_of_memory;
  struct resolved *resolved; /* names.c: names found on the disk */
  void *symbols;             /* names.c */
};

/* loop.c */
uint32_t loops_index(struct builder *b, uint32_t id); /* NO_LOOP: no memory */
void loops_turn(struct builder *b, uint32_t loop, int64_t from, int64_t to);
/* Between two runs it was held up. */
void loops_held(struct builder *b, uint32_t loop, int64_t from, int64_t to);
void loops_longest(struct builder *b, uint32_t loop, int64_t from, int64_t to,
                   int64_t duration_ns);
void loops_finish(struct builder *b);

/* stall.c: judge a segment that ends, a gap that ends. */
void stalls_segment(struct builder *b, struct thread *th, uint32_t thread,
                    size_t frame, int64_t end_ns, bool unfinished);
void stalls_gap(struct builder *b, struct thread *th, uint32_t thread,
                int64_t end_ns, bool unfinished);
/* A turn that is told late: what explains it was kept. */
struct early_turn {
  uint32_t thread, loop;
  uint64_t number;
  int64_t begin_ns, end_ns;
  const struct call_set *calls;
  const struct usage *before, *after; /* NULL: not known */
};
void stalls_early(struct builder *b, struct thread *th,
                  const struct early_turn *turn);
/* A callback begins: it may have waited behind a stall, or be late.
 * due_ns, since_ns: when it was due, when it could have run; -1 unknown.
 * Returns: is it late behind a stall? */
bool stalls_resume(struct builder *b, struct thread *th, uint32_t loop,
                   const struct task *task, const lt_event *e, int64_t due_ns,
                   int64_t since_ns);
/* The recording ended in stalls of the thread: what could have run by then has
 * waited.  To be called while its frames are open still. */
void stalls_end_open(struct builder *b, const struct thread *th,
                     int64_t end_ns);
/* A stall takes what its calls add up to. */
void stalls_take_calls(struct model_stall *s, const struct call_set *calls);
/* A USAGE came: causes can be computed. */
void stalls_usage(struct thread *th);
void stalls_blocking(struct builder *b, uint32_t thread, uint32_t loop,
                     uint64_t task, const struct model_call *call);
void stalls_finish(struct builder *b);
void stalls_fini(struct builder *b);

/* sample.c: what was seen from outside: remember it; give a stall what lies in
 * it; when its cause is known, name its stack and what it was blocked in. */
void samples_add(struct builder *b, struct thread *th, const lt_event *e);
/* The thread did something: it is not stopped any more. */
void samples_goes_on(struct builder *b, struct thread *th, int64_t time_ns);
/* How long the thread was seen to be stopped in a time; or without what of it
 * was in polls. */
int64_t samples_stopped(const struct thread *th, int64_t from_ns, int64_t to_ns,
                        bool with_polls);
void samples_take(const struct thread *th, struct stall_record *r);
void samples_finish(const struct model *m, struct model_stall *s);

/* seen.c: the function that most looks at a stall found it in; 0 not known. */
uint32_t seen_function(const struct model *m, const struct model_stall *s);
/* The innermost function of code made at run time, in the frames from first on:
 * in a program whose language is compiled as it runs, its callbacks are all the
 * runtime's own.  One from a file comes before it: "node:timers" is the
 * runtime's too.  def: NULL for none.  Returns: a site, 0 none. */
uint32_t seen_made(const struct model *m, const lt_stack_def *def,
                   uint32_t first);
/* stack.c: is it in a shared library that the system has? */
bool model_is_library(const struct model *m, uint32_t site);

/* cause.c: why the time of a stall passed. */
void cause_compute(struct stall_record *r, const struct usage *after);

/* frame.c: the stack of a thread. */
static inline struct frame *frames_top(struct thread *th) {
  return th->n_frames ? &th->frames[th->n_frames - 1] : NULL;
}
/* The loop of the innermost run, NO_LOOP outside any. */
static inline uint32_t frames_loop(const struct thread *th) {
  for (size_t i = th->n_frames; i-- > 0;)
    if (th->frames[i].is_run)
      return th->frames[i].loop;
  return NO_LOOP;
}
struct frame *frames_push(struct builder *b, struct thread *th, int64_t now,
                          bool is_run, uint32_t loop);
void frames_open_segment(struct builder *b, struct thread *th, size_t i,
                         int64_t now);
void frames_close_segment(struct builder *b, struct thread *th, uint32_t thread,
                          size_t i, int64_t now, bool unfinished);
void frames_pop(struct builder *b, struct thread *th, uint32_t thread,
                int64_t now, bool is_measured);
struct task *frames_task(struct builder *b, struct thread *th);
bool frames_is_outermost(const struct thread *th, size_t i);

/* early.c: a thread that may yet turn out to turn a loop that is not libuv's.
 * It has made a call; its totals are about to be replaced by new ones; one of
 * its turns is told. */
bool early_is(const struct builder *b, const struct thread *th);
void early_call(struct builder *b, struct thread *th,
                const struct model_call *call);
void early_usage(struct builder *b, struct thread *th);
void early_turn(struct builder *b, struct thread *th, const lt_event *e);
void early_free(struct builder *b, struct thread *th);

/* allow.c: the program says that blocking is allowed, and no longer. */
void allows_begin(struct thread *th, const lt_event *e);
void allows_end(struct thread *th, int64_t now_ns);
/* The slice at frames[i], which has some, ends: so do its scopes. */
void allows_leave(struct thread *th, size_t i, int64_t now_ns);
/* Between two runs: so much was allowed up to now. */
int64_t allows_between(const struct thread *th, int64_t now_ns);
/* Is any scope open on the thread? */
bool allows_is_open(const struct thread *th);

/* pool.c: a task is made, its job begins, ends, its callback begins. */
void pool_spawn(struct builder *b, struct task *task);
void pool_begin(struct builder *b, struct thread *th, const lt_event *e);
void pool_end(struct builder *b, struct thread *th, const lt_event *e);
void pool_resume(struct builder *b, struct task *task, int64_t now_ns);
void pool_finish(struct builder *b);

/* trouble.c.  NULL: there are too many, or no memory. */
struct model_trouble *troubles_add(struct builder *b);

/* lost.c: events are missing. */
void lost_note(struct builder *b, const lt_event *event);

/* live.c: a task is made, is done; an eighth of the trace has passed. */
void lives_spawn(struct builder *b, struct task *task);
void lives_done(struct task *task);
void lives_mark(struct builder *b);
void lives_finish(struct builder *b);
void lives_fini(struct builder *b);

/* timer.c: the totals of a thread; a timer's callback begins, due_ns -1 if that
 * is not known; is_told: it is late behind a stall. */
void usages_keep(struct thread *th);
void timers_ran(struct builder *b, const struct thread *th, uint32_t loop,
                struct task *task, int64_t due_ns, bool is_told);
void timers_finish(struct builder *b);
void timers_fini(struct builder *b);

/* await.c: a task waits; a task is done, and may be what another waits for; a
 * task is forgotten. */
void awaits_at(struct builder *b, const lt_event *e);
void awaits_begin(struct builder *b, const lt_event *e);
void awaits_done(struct builder *b, struct task *task);
void awaits_end(struct builder *b, struct task *task);
void awaits_finish(struct builder *b);
void awaits_fini(struct builder *b);

/* fd.c: what descriptors are, as the events say it.  Returns: 0 where a call
 * waits for none, or it is unknown. */
void fds_name(struct builder *b, const lt_event *e);
uint64_t fds_name_of(const struct builder *b, unsigned callee, uint64_t ref);
void fds_fini(struct builder *b);

/* Who holds a lock that a thread waits for: kept until that call is told. */
void holders_note(struct builder *b, struct thread *th, const lt_event *e);
void holders_give(struct thread *th, struct model_call *call);
uint64_t holders_name_of(const struct thread *th, unsigned callee,
                         uint64_t ref);
/* Is it the one that waits for it? */
bool holders_is_self(const struct thread *th, unsigned callee, uint64_t ref);

/* names.c */
void names_fini(struct builder *b);

#endif
