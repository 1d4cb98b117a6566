/* Emit: one clock read and one fixed-size store for each event.
 *
 * Who calls it: the hooks and the public API, inside the traced program.
 * Everything here is wait-free, makes no system call, takes no lock and does not
 * allocate, except what is marked slow; slow twins make a few system calls once
 * a thread.  errno is preserved by all.  Async-signal-safe: an event emitted by
 * a signal handler in the middle of another is dropped and counted (NESTED). */
#ifndef LTI_EMIT_H
#define LTI_EMIT_H

#include <stdbool.h>
#include <stdint.h>

#include <looptrace/event.h>

#include "base/arena.h"
#include "base/regular.h"
#include "record/clock.h"

/* Per thread.  Initial-exec: the library is loaded at start-up. */
struct lti_self {
  struct lti_thread *slot;  /* NULL until the first event */
  struct lti_record *ring;
  uint64_t mask;            /* of the ring in use */
  uint64_t head;            /* next record */
  uint64_t limit;           /* head may go up to here before tail is read */
  uint64_t task;            /* running task */
  uint64_t task_next;       /* ids of this thread's block: [next, end) */
  uint64_t task_end;
  uint64_t usage_clock;     /* when USAGE was last emitted; 0 never */
  uint64_t wait_end;        /* lossless: a wait not yet recorded, its end */
  uint64_t wait_ticks;      /* and its length; 0 for none */
  struct lti_frame *top;    /* the hooks' frames: hook/scope.h */
  struct lti_frame *top_end;
  uint32_t on;              /* the lti_proc.enabled that it knows, never 0 */
  uint32_t told;            /* loops from this depth on are in the trace */
  uint32_t depth;           /* uv_run (or foreign loop) calls on the stack */
  uint32_t loop;            /* id of the innermost */
  union {
    struct {
      uint8_t busy;         /* inside an emit */
      uint8_t in_uv;        /* libuv has the thread, not the program */
      uint8_t in_call;      /* inside a wrapped blocking call */
      uint8_t claiming;     /* inside lti_process_claim() */
    };
    uint32_t state;         /* all four: hook/fast.h asks them at once */
  };
  uint8_t refused;          /* no slot to be had: count only */
  uint8_t foreign;          /* inside a callback of another loop than loop */
  uint8_t n_runs;           /* of turned, in a row, that are to go on */
  uint8_t mode;             /* of the innermost, as LOOP_BEGIN has it */
  uint8_t on_trial;         /* it may turn a loop: hook/trial.h */
  uint8_t trials;           /* that are left to it: with epoll, */
  uint8_t trials_at;        /* and with polls and selects */
  uint32_t attended;        /* blocking calls are seen: depth, or 1 on trial
                               and between two runs of a loop that is turned
                               regularly */
  uint32_t turned;          /* the loop of the last outermost run */
  int backend;              /* and between two of them its descriptor */
  uint32_t known;           /* as on, when the slot was seen to be of this
                               recording */
};
#define LTI_ON_NONE UINT32_MAX /* lti_self.on of a thread that knows none */
enum { LTI_TRIALS = 16 };      /* as many trials as each thread has at first */
extern __thread struct lti_self lti_self
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Per process.  alive lies on a page that is wiped in a forked child, so that
 * neither fork nor _Fork nor clone can make a child write to its parent's ring.
 * Behind it, wiped likewise, and when recording begins anew, are so many bytes
 * for the hooks: hook/table.h. */
enum { LTI_FRONT_BYTES = 128 << 10 };
struct lti_process {
  struct lti_arena *arena;      /* NULL: this process is not traced */
  struct lti_proc *proc;        /* NULL until claimed */
  uint32_t proc_index;
  _Atomic uint64_t early_lost;  /* events lost before proc was there */
  const _Atomic uint32_t *_Atomic enabled; /* the process slot's, the arena's
                                              while there is none, or a 0 */
  volatile uint32_t *alive;     /* never NULL; 0 in a forked child; where there
                                   is an arena, a lock is behind it */
  void *front;                  /* the bytes; NULL until the first arena */
  int clock_is_tsc;
  bool is_confined; /* system calls may be deadly: hook/confine.c */
  double ns_per_tick;
  uint64_t ticks_min_block;     /* clock ticks of arena.min_block_ns */
  uint64_t ticks_usage;         /* clock ticks of arena.usage_age_ns */
};
extern struct lti_process lti_process __attribute__((visibility("hidden")));

/* Ticks of the recording's clock as nanoseconds, within 1 %: for thresholds and
 * durations; times are converted by the drain, exactly. */
static inline uint64_t lti_clock_ns(uint64_t ticks) {
  return lti_process.clock_is_tsc
             ? (uint64_t)((double)ticks * lti_process.ns_per_tick)
             : ticks;
}

/* The number of times it was switched on, 0 while it is off. */
static inline uint32_t lti_times_on(void) {
  const _Atomic uint32_t *enabled =
      atomic_load_explicit(&lti_process.enabled, memory_order_relaxed);
  return atomic_load_explicit(enabled, memory_order_relaxed);
}

/* Is anything to be recorded by this process now?  A few ns, no side effect. */
static inline bool lti_is_on(void) {
  return *lti_process.alive && lti_times_on();
}

static inline uint64_t lti_now(void) {
  return lti_clock_read(lti_process.clock_is_tsc);
}

/* Tracing is on: tell where the thread is, if it was switched on since the
 * thread last did.  What it had begun before is closed in the trace, and the
 * loop that it turns begins there.  Called where slices, polls, loops and jobs
 * begin or end. */
void lti_sync_slow(uint32_t times) __attribute__((cold, noinline));
static inline void lti_sync(void) {
  uint32_t times = lti_times_on();
  if (__builtin_expect(times != lti_self.on, 0))
    lti_sync_slow(times);
}

/* The slow twin: first event of a thread, ring full, larger ring, forked child.
 * Returns: true when there is room for n records now. */
bool lti_emit_room_slow(uint64_t n) __attribute__((cold, noinline));

/* A thread may have a slot of a recording that is over: it is to have one of the
 * recording that goes on, with its next event. */
void lti_slot_check_slow(void) __attribute__((cold, noinline));
static inline void lti_slot_check(void) {
  if (__builtin_expect(lti_times_on() != lti_self.known, 0))
    lti_slot_check_slow();
}

/* The drain is not to wait until its sleep is over, where that can be said. */
void lti_drain_wake(void);

/* Count a loss.  Not for the ring itself. */
void lti_emit_lost(lt_lost cause) __attribute__((cold, noinline));

/* Store and publish one record; there is room for it. */
static inline void lti_record_put(struct lti_self *self, uint64_t clock,
                                  unsigned kind, unsigned x, uint64_t ref,
                                  uint64_t a, uint64_t b) {
  struct lti_record *r = &self->ring[self->head & self->mask];
  r->clock = clock;
  r->head = LTI_HEAD(kind, x, ref);
  r->a = a;
  r->b = b;
  /* Partner: the drain's acquire load of head. */
  atomic_store_explicit(&self->slot->head, ++self->head, memory_order_release);
}

/* As lti_emit_at(), for callers that have just asked lti_is_on(). */
static inline void lti_emit_on(uint64_t clock, unsigned kind, unsigned x,
                               uint64_t ref, uint64_t a, uint64_t b) {
  struct lti_self *self = &lti_self;
  if (__builtin_expect(self->busy, 0)) {
    lti_emit_lost(LT_LOST_NESTED);
    return;
  }
  self->busy = 1;
  atomic_signal_fence(memory_order_seq_cst); /* against our own handlers */
  if (__builtin_expect(self->head < self->limit, 1) ||
      lti_emit_room_slow(1))
    lti_record_put(self, clock, kind, x, ref, a, b);
  atomic_signal_fence(memory_order_seq_cst);
  self->busy = 0;
}

/* Emit one event stamped with a clock value read by the caller.
 * Threads: any.  Errors: none; what cannot be stored is counted. */
static inline void lti_emit_at(uint64_t clock, unsigned kind, unsigned x,
                               uint64_t ref, uint64_t a, uint64_t b) {
  if (lti_is_on())
    lti_emit_on(clock, kind, x, ref, a, b);
}

static inline void lti_emit(unsigned kind, unsigned x, uint64_t ref, uint64_t a,
                            uint64_t b) {
  if (!lti_is_on())
    return;
  lti_slot_check();
  lti_emit_on(lti_now(), kind, x, ref, a, b);
}

/* Emit a text that belongs to a definition (LTI_DATA_*).  At most LTI_DATA_MAX
 * bytes are kept.  Seldom: memcpy of the bytes. */
void lti_emit_data(unsigned kind, uint64_t a, uint64_t b, const void *bytes,
                   size_t size);

/* Give a string an id and emit it.  The same text twice gets two ids: callers
 * keep theirs.  Returns: the id, 0 when tracing is off or the text is NULL. */
uint64_t lti_emit_string(const char *text);

/* A new task id, never used again in this process.  0 only when off. */
uint64_t lti_task_new_slow(void) __attribute__((cold, noinline));
static inline uint64_t lti_task_new(void) {
  struct lti_self *self = &lti_self;
  if (__builtin_expect(!lti_is_on(), 0))
    return 0;
  if (__builtin_expect(self->task_next < self->task_end, 1))
    return self->task_next++;
  return lti_task_new_slow();
}

/* A new loop id of this process, from 1 on (at most 65535, which is then
 * shared), also while tracing is off.  Slow: once a loop. */
uint32_t lti_loop_new(void);

/* For how long this thread could have run and had no CPU, in ns plus 1; 0 where
 * the kernel does not tell.  Three system calls; changes errno. */
uint64_t lti_run_delay(void);

/* Read this thread's CPU time, run delay, switches and faults, and emit them as
 * USAGE (about 8 us: four system calls).  Called at a turn's begin when the last
 * one is older than arena.usage_age_ns, and after a slice or a turn that was
 * longer than it: never for every callback.  See doc/architecture.md. */
void lti_usage_emit(void) __attribute__((noinline));
static inline void lti_usage_refresh(uint64_t now) {
  if (now - lti_self.usage_clock > lti_process.ticks_usage)
    lti_usage_emit();
}

/* A slice: the loop gives the thread to a task, and gets it back.  Slices nest.
 * begin: returns the clock it was stamped with, and in *outer what end needs.
 * end:   done emits DONE with status, else AWAIT. */
struct lti_slice {
  uint64_t task;      /* the task that runs in it */
  uint64_t outer;     /* the task that ran before */
  uint64_t outer_since;
  uint64_t began;
};
static inline void lti_slice_begin(struct lti_slice *slice, uint64_t task,
                                   unsigned kind, const void *site) {
  struct lti_self *self = &lti_self;
  slice->task = task;
  slice->outer = self->task;
  slice->began = 0;
  if (!lti_is_on())
    return;
  lti_sync();
  uint64_t now = lti_now();
  slice->began = now;
  lti_emit_on(now, LT_RESUME, kind, task, (uint64_t)(uintptr_t)site, 0);
  self->task = task;
  if (self->slot) {
    slice->outer_since = atomic_load_explicit(&self->slot->task_since,
                                              memory_order_relaxed);
    atomic_store_explicit(&self->slot->task_since, now, memory_order_relaxed);
    atomic_store_explicit(&self->slot->task, task, memory_order_relaxed);
  }
}

static inline void lti_slice_end(struct lti_slice *slice, bool done,
                                 unsigned x, int64_t value) {
  struct lti_self *self = &lti_self;
  self->task = slice->outer;
  if (!slice->began || !lti_is_on())
    return;
  uint64_t now = lti_now();
  lti_emit_on(now, done ? LT_DONE : LT_AWAIT, x, slice->task, (uint64_t)value,
              0);
  if (self->slot) {
    atomic_store_explicit(&self->slot->task, slice->outer,
                          memory_order_relaxed);
    atomic_store_explicit(&self->slot->task_since, slice->outer_since,
                          memory_order_relaxed);
  }
  if (now - slice->began > lti_process.ticks_usage)
    lti_usage_emit();
}

/* A loop is turned, and left; it enters the kernel's poll, and comes back.  Both
 * libuv's hooks and the public API for other loops say it here: events, the
 * thread's state in the arena, and USAGE where it is due.  Slow once a loop (the
 * modules); the polls cost one event and a few stores.
 *
 * outer: the loop that this one is nested in, kept by the caller. */
struct lti_outer {
  uint32_t loop;
  uint32_t doing;
  uint64_t since;
  uint8_t foreign;
  uint8_t mode;
};
void lti_loop_enter(struct lti_outer *outer, uint32_t loop, unsigned mode);
void lti_loop_leave(const struct lti_outer *outer, unsigned result);
void lti_poll_enter(int timeout_ms);
void lti_poll_leave(int n_ready);

/* A loop that is turned by one uv_run after the other, each of which says that
 * there is more to wait for, is its program's also in between: the thread is
 * attended then.  It waits for the loop, on its own, in between: */
static inline bool lti_is_between(void) {
  return lti_self.attended && !lti_self.depth && !lti_self.on_trial;
}
void lti_wait_enter(int timeout_ms);
void lti_wait_leave(int n_ready);

/* Outside loops the thread may be in the turn of one that is not known yet.
 * since: this turn's begin; 0 between two. */
void lti_trial_set(bool is_on, uint64_t since);

/* A loop is left without a word. */
static inline void lti_depth_drop(void) {
  lti_self.attended = --lti_self.depth;
}

/* The end of a blocking call: CALL when it took at least min_block_ns, else one
 * more in calls_short. */
static inline void lti_call_emit_at(uint64_t now, uint64_t begun,
                                    unsigned callee, uint64_t ref,
                                    const void *site) {
  if (now - begun >= lti_process.ticks_min_block)
    lti_emit_at(now, LT_CALL, callee, ref & LTI_REF_MAX,
                (uint64_t)(uintptr_t)site, lti_clock_ns(now - begun));
  else if (lti_self.slot)
    atomic_store_explicit(
        &lti_self.slot->calls_short,
        1 + atomic_load_explicit(&lti_self.slot->calls_short,
                                 memory_order_relaxed),
        memory_order_relaxed);
}
static inline void lti_call_emit(uint64_t begun, unsigned callee, uint64_t ref,
                                 const void *site) {
  lti_call_emit_at(lti_now(), begun, callee, ref, site);
}

/* In a child that was forked and goes on without exec: begin a recording of its
 * own.  Called where a loop is made, looked for or turned. */
void lti_process_revive_slow(void) __attribute__((cold, noinline));
static inline void lti_process_revive(void) {
  if (!*lti_process.alive && lti_process.arena)
    lti_process_revive_slow();
}

/* The slot of a thread in a child that was forked, until it has its own: a
 * handler may have forked where the thread knows that it has one. */
extern struct lti_thread lti_nobodys __attribute__((visibility("hidden")));

/* In the one thread of a forked child: what it has of its parent's recording is
 * not its own.  Called by the handler of pthread_atfork(). */
void lti_thread_forked(void);

/* Attach this process to the arena that the environment names.  Called once by
 * the constructor, before the program's main; maps the file and closes it.
 * Nothing is claimed and nothing else changes until the first event.
 * Returns: true when the process is traced. */
bool lti_process_attach(void);

/* Attach to an arena made by this process itself (linked-in recording). */
bool lti_process_attach_to(struct lti_arena *arena);

/* Stop recording in this process: the slots end, the mapping stays. */
void lti_process_detach(void);

/* Emit the modules (executable and libraries) that were not emitted yet; cheap
 * when none came.  Called at each LOOP_BEGIN.  Not async-signal-safe. */
void lti_modules_emit(void);

/* A sentence for `looptrace info`: what this process could not see. */
void lti_note_emit(const char *sentence);

#endif
