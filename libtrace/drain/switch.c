/* A recording that is switched on and off while the program runs.
 *
 * Invariant: nothing stays open on a lane over a stretch that was not recorded.
 * Off is told to threads by a word in the process's slot; what they had begun
 * is closed here, since they do not say how it ended.  Called by the drain. */
#include <inttypes.h>
#include <stdio.h>

#include "drain/process.h"
#include "record/clock.h"

static double seconds(const struct lti_recording *r, uint64_t ns) {
  return ns > r->start.ns ? (double)(ns - r->start.ns) / 1e9 : 0;
}

static void note_stretch(struct lti_recording *r, struct lti_recorded *p,
                         uint64_t until_ns) {
  char note[96];
  int size =
      until_ns
          ? snprintf(note, sizeof note, "switched off from %.3f s to %.3f s",
                     seconds(r, p->off_ns), seconds(r, until_ns))
          : snprintf(note, sizeof note, "switched off from %.3f s on",
                     seconds(r, p->off_ns));
  lti_book_note(&p->trace.book, note, (size_t)size);
}

/* What was published before the word said off is taken first, and what an event
 * in the making adds behind it is closed at the next step.  The watchdog, too,
 * is to see no more than what is. */
static void close_lane(struct lti_recording *r, struct lti_recorded *p,
                       struct lti_lane *lane, uint64_t sealed_clock) {
  double fullest = 0;
  if (lane->slot == UINT32_MAX)
    return;
  (void)lti_recorded_take(r, p, lane->slot, sealed_clock, &fullest);
  if (lane->ended_clock && lane->last_clock <= lane->ended_clock)
    return;
  struct lti_thread *t = &r->view.threads[lane->slot];
  atomic_store_explicit(&t->doing, LTI_DOING_NOTHING, memory_order_relaxed);
  atomic_store_explicit(&t->task, 0, memory_order_relaxed);
  atomic_store_explicit(&t->call, 0, memory_order_relaxed);
  const struct lti_record all_ended = {lti_clock_read(r->view.clock_is_tsc),
                                       LTI_ALL_ENDED, 0, 0};
  if (lti_lane_insert(lane, &all_ended)) {
    lane->ended_clock = lane->last_clock;
    lti_recorded_count(r, p, 1);
  }
}

/* The word as it has to be. */
static bool settle(struct lti_arena *arena, struct lti_proc *proc) {
  bool wanted = atomic_load(&arena->enabled) && !atomic_load(&proc->paused);
  bool is = atomic_load(&proc->enabled);
  if (is && !wanted)
    atomic_store(&proc->enabled, 0);
  else if (wanted && !is)
    atomic_store(&proc->enabled, atomic_fetch_add(&proc->times_on, 1) + 1);
  return wanted;
}

void lti_recorded_switch(struct lti_recording *r, struct lti_recorded *p,
                         uint64_t sealed_clock) {
  if (p->slot == UINT32_MAX || r->is_recovery)
    return;
  bool on = settle(r->view.arena, &r->view.procs[p->slot]);
  for (struct lti_lane *l = p->lanes; l; l = l->next)
    if (on)
      l->ended_clock = 0;
    else
      close_lane(r, p, l, sealed_clock);
  if (on != p->is_off)
    return;
  if (on)
    note_stretch(r, p, lti_monotonic_ns());
  else
    p->off_ns = lti_monotonic_ns();
  p->is_off = !on;
}

void lti_recorded_switch_end(struct lti_recording *r, struct lti_recorded *p) {
  if (p->is_off)
    note_stretch(r, p, 0);
  p->is_off = false;
}

/* What ends a bracket.  Returns: false for none that is known. */
static bool end_of(const struct lti_bracket *open, lt_event *e) {
  switch (open->kind) {
  case LT_RESUME:
    e->kind = LT_AWAIT;
    e->ref = open->ref;
    return true;
  case LT_POLL_BEGIN:
    e->kind = LT_POLL_END;
    return true;
  case LT_LOOP_BEGIN:
    e->kind = LT_LOOP_END;
    e->x = open->x; /* a: 0, or the time until it begins again would be busy */
    return true;
  case LT_POOL_BEGIN:
    e->kind = LT_POOL_END;
    e->ref = open->ref;
    return true;
  default:
    return false;
  }
}

void lti_recorded_end_open(struct lti_recording *r, struct lti_recorded *p,
                           struct lti_lane *lane, int64_t time_ns) {
  struct lti_brackets *open = &lane->thread.open;
  uint64_t n = 0;
  while (open->n) {
    uint32_t before = open->n;
    lt_event e = {.time_ns = time_ns};
    if (end_of(&open->at[open->n - 1], &e)) {
      lti_trace_event(&p->trace, &e);
      n++;
    }
    if (open->n >= before)
      open->n = before - 1;
  }
  lti_recorded_count(r, p, n - 1); /* for the one that stood for them */
}
