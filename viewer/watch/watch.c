/* Who is stuck, when to look at it, and where to put what was seen.
 *
 * Invariant: what a sample says was so while its thread was in one and the same
 * slice: else it is dropped.  Whatever is refused or fails makes less evidence
 * and a note, never an error.  Called by launch.c between the drain's steps. */
#include "config.h"

#include "watch/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drain/clockmap.h"
#include "drain/look.h"
#include "drain/stuck.h"
#include "record/clock.h"
#include "watch/perf.h"
#include "watch/tell.h"
#include "watch/unwind.h"

#define CODES 32u
#define CODE_AGE_NS UINT64_C(1000000000)
#define LOOK_MIN_NS UINT64_C(1000000)
#define LOOK_TORN_NS UINT64_C(1000000)
#define PERF_LOOK_NS UINT64_C(5000000)
#define PERF_MOST_NS UINT64_C(100000000)
#define PERF_SAMPLES 3u
#define PERFS_MAX 4u
/* What is only maybe a loop, and does not come back for so long, is told of. */
#define WATCH_MAYBE_NS UINT64_C(1000000000)
#define CREDIT_MAX_NS INT64_C(100000000)
#define CREDIT_SHARE 20 /* one in 20: 5 % */

struct watched {
  struct lti_stuck stuck;
  bool is_checked, is_ours; /* the pid is whose it seems to be */
  bool is_told;
  struct perf *perf;
  struct lti_knot perf_from;
  uint64_t perf_until_ns;
  unsigned n_perf;
  uint64_t stopped; /* with its process, at this clock; 0: it is not */
  uint64_t resumed; /* since when it was first seen to be so no more; or 0 */
};

struct watch {
  struct lti_arena *arena;
  struct lti_drain *drain;
  struct tell tell;
  uint64_t threshold_ns;
  bool is_tsc;
  uint64_t ticks_per_ms;
  struct watched *threads; /* by slot */
  uint32_t n_threads;
  struct code_files *files;
  struct code codes[CODES];
  unsigned next_code;
  struct memory memory;
  unsigned n_perfs;
  bool has_no_perf;
  int perf_error;
  int64_t credit_ns;
  uint64_t credit_at_ns;
};

struct watch *watch_open(const struct watch_options *o) {
  struct watch *w = calloc(1, sizeof *w);
  if (!w)
    return NULL;
  w->arena = o->arena;
  w->drain = o->drain;
  w->tell = (struct tell){.names = o->names, .is_on = o->is_verbose};
  w->threshold_ns = o->threshold_ns ? o->threshold_ns : WATCH_THRESHOLD_NS;
  w->is_tsc = o->arena->clock_is_tsc != 0;
  w->ticks_per_ms = o->arena->ticks_per_ms ? o->arena->ticks_per_ms : 1000000;
  w->n_threads = o->arena->n_threads;
  w->threads = calloc(w->n_threads, sizeof *w->threads);
  w->files = code_files_open();
  w->tell.files = w->files;
  w->credit_ns = CREDIT_MAX_NS;
  w->credit_at_ns = lti_monotonic_ns();
  w->has_no_perf = !perf_is_supported();
  w->perf_error = ENOSYS;
  if (!w->threads || !w->files) {
    watch_close(w);
    return NULL;
  }
  return w;
}

static void end_perf(struct watch *w, struct watched *t) {
  if (!t->perf)
    return;
  perf_close(t->perf);
  t->perf = NULL;
  w->n_perfs--;
}

void watch_close(struct watch *w) {
  if (!w)
    return;
  for (uint32_t i = 0; w->threads && i < w->n_threads; i++)
    end_perf(w, &w->threads[i]);
  for (unsigned i = 0; i < CODES; i++)
    code_fini(&w->codes[i]);
  code_files_close(w->files);
  free(w->threads);
  free(w);
}

static struct lti_stuck_now moment(const struct watch *w, uint64_t clock) {
  return (struct lti_stuck_now){clock, lti_monotonic_ns(), w->ticks_per_ms,
                                w->threshold_ns};
}

/* Time that unwinding may take: it grows with the time that passes. */
static bool has_credit(struct watch *w, uint64_t now_ns) {
  w->credit_ns += (int64_t)((now_ns - w->credit_at_ns) / CREDIT_SHARE);
  w->credit_at_ns = now_ns;
  if (w->credit_ns > CREDIT_MAX_NS)
    w->credit_ns = CREDIT_MAX_NS;
  return w->credit_ns > 0;
}

static int64_t cpu_ns(void) {
  struct timespec ts = {0};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static struct code *code_of(struct watch *w, const struct lti_proc *p,
                            uint64_t now_ns) {
  struct code *c = NULL;
  for (unsigned i = 0; i < CODES && !c; i++)
    if (w->codes[i].pid == p->pid && w->codes[i].start_ticks == p->start_ticks)
      c = &w->codes[i];
  if (!c) {
    c = &w->codes[w->next_code++ % CODES];
    code_fini(c);
    c->pid = p->pid;
    c->start_ticks = p->start_ticks;
  } else if (now_ns - c->read_ns > CODE_AGE_NS) {
    code_fini(c); /* libraries come and go */
  }
  return c;
}

static size_t stack_of(struct watch *w, const struct lti_proc *p,
                       const struct registers *r, const struct anchor *anchor,
                       struct lti_stack_frame *frames) {
  uint64_t now_ns = lti_monotonic_ns();
  if (!has_credit(w, now_ns))
    return 0;
  int64_t before = cpu_ns();
  size_t n = unwind(w->files, code_of(w, p, now_ns), &w->memory, r, anchor,
                    frames);
  w->credit_ns -= cpu_ns() - before;
  return n;
}

/* Where the wrapper of a blocking call returns to. */
static struct anchor anchor_of(const struct lti_thread *t) {
  struct anchor a = {0};
  /* Partner: the wrapper's release store behind the frame. */
  if (atomic_load_explicit(&t->call, memory_order_acquire)) {
    a.pc = atomic_load_explicit(&t->frame[0], memory_order_relaxed);
    a.sp = atomic_load_explicit(&t->frame[1], memory_order_relaxed);
    a.fp = atomic_load_explicit(&t->frame[2], memory_order_relaxed);
  }
  return a;
}

static size_t blocked_stack(struct watch *w, const struct lti_proc *p,
                            int32_t tid, struct anchor anchor,
                            const struct lti_look *look,
                            struct lti_stack_frame *frames) {
  struct registers r = {.pc = look->pc};
  registers_set(&r, REG_SP_, look->sp);
  memory_init(&w->memory, p->pid);
  memory_take_stack(&w->memory, look->sp);
  size_t n = stack_of(w, p, &r, &anchor, frames);
  return lti_look_is_same(p->pid, tid, look) ? n : 0;
}

/* Where the thread is that holds the lock which another one waits for. */
static size_t holder_stack(struct watch *w, const struct lti_proc *p,
                           int32_t tid, struct lti_stack_frame *frames) {
  struct anchor anchor = {0};
  struct lti_look look;
  if (!lti_look_take(p->pid, tid, &look) || !look.has_call)
    return 0;
  for (uint32_t i = 0; i < w->n_threads; i++) {
    const struct lti_thread *t = lti_arena_thread(w->arena, i);
    if (t->tid == tid && t->proc < w->arena->n_procs &&
        lti_arena_proc(w->arena, t->proc)->pid == p->pid)
      anchor = anchor_of(t);
  }
  return blocked_stack(w, p, tid, anchor, &look, frames);
}

/* As far as the thread that waits has told in its slot. */
static void see_holder(struct watch *w, const struct lti_proc *p,
                       const struct lti_thread *thread, struct lti_seen *seen,
                       char name[LTI_LOOK_THREAD_BYTES],
                       struct lti_stack_frame *frames) {
  /* Partner: the wrapper's release store, before it tells the holder. */
  uint64_t call = atomic_load_explicit(&thread->call, memory_order_acquire);
  uint32_t tid = atomic_load_explicit(&thread->holder, memory_order_relaxed);
  if (!call || !tid || tid > INT32_MAX)
    return;
  seen->holder = lti_look_thread(p->pid, (int32_t)tid, name);
  if (!seen->holder)
    return;
  seen->lock = LTI_HEAD_REF(call);
  if ((int32_t)tid == thread->tid)
    return; /* it waits for itself: its stack is told already */
  seen->holder_frames = frames;
  seen->n_holder_frames = holder_stack(w, p, (int32_t)tid, frames);
}

static void note_denied(struct watch *w, uint32_t slot) {
  lti_drain_note(w->drain, slot,
                 "the system does not show the recorder this process's memory "
                 "and system calls (it changed its user, or is not to be "
                 "traced): its stalls have no stacks");
}

static void note_no_perf(struct watch *w, uint32_t slot) {
  char text[200];
  snprintf(text, sizeof text,
           "the system does not let the recorder sample running threads "
           "(perf_event_open: %s): stalls that compute have no stacks",
           strerror(w->perf_error));
  lti_drain_note(w->drain, slot, text);
}

static void begin_perf(struct watch *w, struct watched *t, uint32_t slot,
                       int32_t tid) {
  if (t->perf || w->n_perfs >= PERFS_MAX)
    return;
  if (!w->has_no_perf && !(t->perf = perf_open(tid))) {
    w->perf_error = errno;
    if (errno == ESRCH || errno == EMFILE || errno == ENOMEM)
      return;
    w->has_no_perf = true;
  }
  if (w->has_no_perf) {
    note_no_perf(w, slot);
    return;
  }
  w->n_perfs++;
  t->n_perf = 0;
  t->perf_from = lti_knot_take(w->is_tsc);
  t->perf_until_ns = t->perf_from.ns + PERF_MOST_NS;
}

static void tell_once(struct watch *w, struct watched *t, uint32_t slot,
                      const struct lti_proc *p, const struct lti_thread *thread,
                      const struct lti_seen *seen) {
  if (t->is_told || !w->tell.is_on)
    return;
  const char *name = lti_drain_loop_name(
      w->drain, slot, atomic_load_explicit(&thread->loop, memory_order_relaxed));
  bool is_maybe = lti_state_of(thread).doing == LTI_DOING_MAYBE;
  int32_t holder =
      (int32_t)atomic_load_explicit(&thread->holder, memory_order_relaxed);
  struct lti_stuck_now now = moment(w, seen->clock);
  struct tell_who who = {.pid = p->pid,
                         .comm = p->comm,
                         .loop = is_maybe          ? NULL
                                 : name            ? name
                                 : thread->is_main ? "main"
                                                   : thread->name,
                         .age_ns = lti_stuck_age_ns(&now, t->stuck.since),
                         .waits_for_itself =
                             seen->holder && holder == thread->tid};
  if (is_maybe && who.age_ns < WATCH_MAYBE_NS)
    return;
  t->is_told = true;
  tell_stuck(&w->tell, &who, seen, code_of(w, p, lti_monotonic_ns()));
}

/* Put what perf has copied among the thread's events: by its time, since it is
 * taken out later. */
static void take_perf(struct watch *w, struct watched *t, uint32_t slot,
                      const struct lti_proc *p,
                      const struct lti_thread *thread) {
  struct lti_stack_frame frames[UNWIND_MAX];
  struct registers r;
  uint64_t time_ns;
  struct lti_knot now = lti_knot_take(w->is_tsc);
  struct lti_knot from = t->perf_from;
  memory_init(&w->memory, p->pid);
  while (t->n_perf < PERF_SAMPLES &&
         perf_next(t->perf, &r, &w->memory, &time_ns)) {
    double share = now.ns > from.ns && time_ns > from.ns
                       ? (double)(time_ns - from.ns) /
                             (double)(now.ns - from.ns)
                       : 0;
    struct lti_seen seen = {
        .clock = from.clock +
                 (uint64_t)(share * (double)(now.clock - from.clock)),
        .state = 'R',
        .frames = frames,
        .n_frames = stack_of(w, p, &r, NULL, frames),
    };
    t->n_perf++;
    if (lti_drain_sample(w->drain, slot, &seen))
      tell_once(w, t, slot, p, thread, &seen);
  }
  if (t->n_perf >= PERF_SAMPLES || now.ns >= t->perf_until_ns)
    end_perf(w, t);
}

/* What is seen belongs together, and to the clock: where no CPU was free in
 * between, look again. */
static bool look_at_once(const struct watch *w, const struct lti_proc *p,
                         const struct lti_thread *thread, struct lti_look *look,
                         uint64_t *clock) {
  for (int i = 0; i < 3; i++) {
    *clock = lti_clock_read(w->is_tsc);
    if (!lti_look_take(p->pid, thread->tid, look))
      return false;
    struct lti_stuck_now now = moment(w, lti_clock_read(w->is_tsc));
    if (lti_stuck_age_ns(&now, *clock) < LOOK_TORN_NS)
      return true;
  }
  look->has_usage = false;
  return true;
}

/* The thread is stuck: look at it from outside. */
static void sample(struct watch *w, struct watched *t, uint32_t slot,
                   const struct lti_proc *p, const struct lti_thread *thread,
                   const struct lti_state *doing) {
  struct lti_stack_frame frames[UNWIND_MAX], of_holder[UNWIND_MAX];
  struct lti_look look;
  char buf[32], name[256], holder[LTI_LOOK_THREAD_BYTES];
  struct lti_seen seen = {.frames = frames};
  if (!look_at_once(w, p, thread, &look, &seen.clock) || look.state == 'Z')
    return;
  seen.call = lti_look_call(&look, buf, &seen.on);
  if (!w->arena->no_fd_names)
    seen.on_name = lti_look_fd_name(p->pid, &look, name, sizeof name);
  if (look.has_call)
    seen.n_frames = blocked_stack(w, p, thread->tid, anchor_of(thread), &look,
                                  frames);
  bool is_denied =
      look.is_denied || (look.has_call && w->memory.error == EPERM);
  if (look.has_call)
    see_holder(w, p, thread, &seen, holder, of_holder);
  if (!lti_state_is(thread, doing))
    return;
  if (look.has_call && look.state == 'R')
    look.state = 'S'; /* it went to sleep between the two files */
  if (t->stopped && !t->resumed && look.state != 'T')
    t->resumed = seen.clock;
  seen.state = look.state;
  seen.has_usage = look.has_usage;
  seen.cpu_ns = look.cpu_ns;
  seen.delay_ns_plus_1 = look.delay_ns + 1;
  seen.switches = look.switches;
  seen.faults = (uint16_t)look.faults;
  bool is_kept = lti_drain_sample(w->drain, slot, &seen);
  if (is_denied)
    note_denied(w, slot);
  /* One that waits for its pages again and again runs between them. */
  bool is_in_call = look.has_call && look.number >= 0;
  if (!is_in_call && !seen.n_frames && !look.is_denied)
    begin_perf(w, t, slot, thread->tid);
  if (is_kept && !t->perf)
    tell_once(w, t, slot, p, thread, &seen);
}

/* A pid may be another's: in another namespace, or given out again. */
static bool is_ours(struct watched *t, const struct lti_proc *p) {
  if (!t->is_checked) {
    uint64_t ticks = lti_look_start_ticks(p->pid);
    t->is_ours = ticks && (!p->start_ticks || ticks == p->start_ticks);
    t->is_checked = true;
  }
  return t->is_ours;
}

static uint64_t min64(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* Returns: ns until this thread is to be looked at again. */
static uint64_t look_at_slot(struct watch *w, uint32_t slot,
                             const struct lti_stuck_now *now) {
  struct watched *t = &w->threads[slot];
  const struct lti_thread *thread = lti_arena_thread(w->arena, slot);
  /* Partner: the owner's release store when it has filled the slot in. */
  uint32_t state = atomic_load_explicit(&thread->state, memory_order_acquire);
  struct lti_state doing = lti_state_of(thread);
  if (state != LTI_SLOT_CLAIMED || thread->proc >= w->arena->n_procs) {
    end_perf(w, t);
    t->stuck.since = 0;
    return UINT64_MAX;
  }
  const struct lti_proc *p = lti_arena_proc(w->arena, thread->proc);
  if (t->perf)
    take_perf(w, t, slot, p, thread);
  if (doing.doing == LTI_DOING_NOTHING)
    return UINT64_MAX;
  if (!lti_state_is_away(&doing)) {
    end_perf(w, t);
    return w->threshold_ns / 2;
  }
  uint64_t before = t->stuck.since, wait;
  bool is_due = lti_stuck_is_due(&t->stuck, &doing, now, &wait);
  if (t->stuck.since != before)
    t->is_checked = t->is_told = false;
  if (is_due && is_ours(t, p))
    sample(w, t, slot, p, thread, &doing);
  return t->perf ? min64(wait, PERF_LOOK_NS) : wait;
}

uint64_t watch_look(struct watch *w) {
  struct lti_stuck_now now = moment(w, lti_clock_read(w->is_tsc));
  uint64_t wait = UINT64_MAX;
  uint32_t n = atomic_load_explicit(&w->arena->threads_committed,
                                    memory_order_relaxed);
  for (uint32_t i = 0; i < n && i < w->n_threads; i++)
    wait = min64(wait, look_at_slot(w, i, &now));
  return wait < LOOK_MIN_NS ? LOOK_MIN_NS : wait;
}

static struct lti_record *record_at(const struct watch *w, uint32_t slot,
                                    uint64_t at) {
  struct lti_arena *a = w->arena;
  const struct lti_thread *thread = lti_arena_thread(a, slot);
  uint32_t large = atomic_load_explicit(&thread->large, memory_order_acquire);
  if (large >= a->n_large ||
      at < atomic_load_explicit(&thread->large_from, memory_order_relaxed))
    return &lti_arena_small(a, slot)[at & (a->small_records - 1)];
  return &lti_arena_large(a, large)[at & (a->large_records - 1)];
}

/* When a thread said something for the first time after a moment; what has not
 * been taken yet is looked at only.  UINT64_MAX: it did not. */
static uint64_t spoke_after(const struct watch *w, uint32_t slot,
                            uint64_t clock) {
  const struct lti_thread *thread = lti_arena_thread(w->arena, slot);
  uint64_t at = atomic_load_explicit(&thread->tail, memory_order_relaxed);
  /* Partner: the owner's release store behind each record. */
  uint64_t head = atomic_load_explicit(&thread->head, memory_order_acquire);
  while (at < head) {
    const struct lti_record *r = record_at(w, slot, at);
    uint64_t size = LTI_HEAD_X(r->head);
    if (r->clock > clock)
      return r->clock;
    at += 1 + (LTI_HEAD_KIND(r->head) >= LTI_DATA_STRING
                   ? (size + sizeof *r - 1) / sizeof *r
                   : 0); /* its text */
  }
  return UINT64_MAX;
}

/* What a thread of the process says it does; NOTHING for any other. */
static struct lti_state state_in(const struct watch *w, uint32_t slot,
                                 int32_t pid) {
  const struct lti_thread *thread = lti_arena_thread(w->arena, slot);
  /* Partner: the owner's release store when it has filled the slot in. */
  if (atomic_load_explicit(&thread->state, memory_order_acquire) !=
          LTI_SLOT_CLAIMED ||
      thread->proc >= w->arena->n_procs ||
      lti_arena_proc(w->arena, thread->proc)->pid != pid)
    return (struct lti_state){.doing = LTI_DOING_NOTHING};
  return lti_state_of(thread);
}

uint64_t watch_maybe_ns(const struct watch *w, int32_t pid, uint64_t clock) {
  uint64_t most = 0;
  for (uint32_t i = 0; w && i < w->n_threads; i++) {
    struct lti_state state = state_in(w, i, pid);
    struct lti_stuck_now now = moment(w, clock);
    uint64_t age = lti_stuck_age_ns(&now, state.since);
    if (state.doing == LTI_DOING_MAYBE && age > most)
      most = age;
  }
  return most >= WATCH_MAYBE_NS ? most : 0;
}

void watch_stops(struct watch *w, int32_t pid, uint64_t clock) {
  struct lti_seen seen = {.state = 'T'};
  for (uint32_t i = 0; w && i < w->n_threads; i++) {
    if (state_in(w, i, pid).doing == LTI_DOING_NOTHING)
      continue;
    seen.clock = clock;
    if (seen.clock <= lti_drain_sealed(w->drain))
      seen.clock = lti_drain_sealed(w->drain) + 1;
    if (lti_drain_sample(w->drain, i, &seen))
      w->threads[i].stopped = seen.clock;
    w->threads[i].resumed = 0;
  }
}

/* Until then, or until it did something or was seen to go on: a process that
 * goes on is told of when one of its threads runs. */
void watch_continues(struct watch *w, uint64_t clock) {
  struct lti_seen seen = {.state = 'C'};
  for (uint32_t i = 0; w && i < w->n_threads; i++) {
    uint64_t from = w->threads[i].stopped, resumed = w->threads[i].resumed;
    w->threads[i].stopped = 0;
    if (!from)
      continue;
    seen.clock = min64(clock, spoke_after(w, i, from) - 1);
    if (resumed)
      seen.clock = min64(seen.clock, resumed - 1);
    if (seen.clock <= lti_drain_sealed(w->drain))
      seen.clock = lti_drain_sealed(w->drain) + 1;
    (void)lti_drain_sample(w->drain, i, &seen);
  }
}
