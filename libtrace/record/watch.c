/* Looking at threads of our own process.
 *
 * Invariant: what a sample says was so while its thread was in one and the same
 * slice: else it is dropped.  Nothing is said to the threads.  Called by
 * linked.c between the drain's steps. */
#include "record/watch.h"

#include <stdlib.h>

#include "drain/look.h"
#include "drain/stuck.h"
#include "record/clock.h"
#include "record/emit.h"

struct lti_watch {
  struct lti_arena *arena;
  struct lti_drain *drain;
  struct lti_stuck threads[]; /* by slot */
};

struct lti_watch *lti_watch_open(struct lti_arena *arena,
                                 struct lti_drain *drain) {
  struct lti_watch *w =
      calloc(1, sizeof *w + arena->n_threads * sizeof w->threads[0]);
  if (w) {
    w->arena = arena;
    w->drain = drain;
  }
  return w;
}

void lti_watch_close(struct lti_watch *w) {
  free(w);
}

/* As far as the thread that waits has told in its slot. */
static void see_holder(const struct lti_proc *p, const struct lti_thread *t,
                       struct lti_seen *seen,
                       char name[LTI_LOOK_THREAD_BYTES]) {
  /* Partner: the wrapper's release store, before it tells the holder. */
  uint64_t call = atomic_load_explicit(&t->call, memory_order_acquire);
  uint32_t tid = atomic_load_explicit(&t->holder, memory_order_relaxed);
  if (!call || !tid || tid > INT32_MAX)
    return;
  seen->holder = lti_look_thread(p->pid, (int32_t)tid, name);
  seen->lock = LTI_HEAD_REF(call);
}

static void sample(struct lti_watch *w, uint32_t slot,
                   const struct lti_thread *t, const struct lti_state *state) {
  const struct lti_proc *p = lti_arena_proc(w->arena, t->proc);
  struct lti_look look;
  char buf[32], name[256], holder[LTI_LOOK_THREAD_BYTES];
  struct lti_seen seen = {
      .clock = lti_clock_read(w->arena->clock_is_tsc != 0)};
  if (!lti_look_take(p->pid, t->tid, &look))
    return;
  seen.call = lti_look_call(&look, buf, &seen.on);
  if (!w->arena->no_fd_names)
    seen.on_name = lti_look_fd_name(p->pid, &look, name, sizeof name);
  if (look.has_call)
    see_holder(p, t, &seen, holder);
  if (!lti_state_is(t, state))
    return;
  seen.state = look.has_call && look.state == 'R' ? 'S' : look.state;
  seen.has_usage = look.has_usage;
  seen.cpu_ns = look.cpu_ns;
  seen.delay_ns_plus_1 = look.delay_ns + 1;
  seen.switches = look.switches;
  seen.faults = (uint16_t)look.faults;
  (void)lti_drain_sample(w->drain, slot, &seen);
}

static uint64_t look_at_slot(struct lti_watch *w, uint32_t slot,
                             const struct lti_stuck_now *now) {
  const struct lti_thread *t = lti_arena_thread(w->arena, slot);
  uint64_t wait = now->threshold_ns / 2;
  /* Partner: the owner's release store when it has filled the slot in. */
  if (atomic_load_explicit(&t->state, memory_order_acquire) !=
          LTI_SLOT_CLAIMED ||
      t->proc >= w->arena->n_procs)
    return UINT64_MAX;
  struct lti_state state = lti_state_of(t);
  if (state.doing == LTI_DOING_NOTHING)
    return UINT64_MAX;
  if (lti_state_is_away(&state) &&
      lti_stuck_is_due(&w->threads[slot], &state, now, &wait))
    sample(w, slot, t, &state);
  return wait;
}

uint64_t lti_watch_look(struct lti_watch *w) {
  uint64_t wait = UINT64_MAX;
  if (!w || lti_process.is_confined)
    return wait;
  struct lti_stuck_now now = {lti_clock_read(w->arena->clock_is_tsc != 0),
                              lti_monotonic_ns(),
                              w->arena->ticks_per_ms, LTI_STUCK_THRESHOLD_NS};
  uint32_t n = atomic_load_explicit(&w->arena->threads_committed,
                                    memory_order_relaxed);
  for (uint32_t i = 0; i < n && i < w->arena->n_threads; i++) {
    uint64_t next = look_at_slot(w, i, &now);
    wait = next < wait ? next : wait;
  }
  return wait;
}
