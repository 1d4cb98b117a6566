/* When the flight recorder's window is written, and where to.
 *
 * Invariant: a snapshot is written right behind a seal, and only once the seal
 * has passed the moment at which it was asked for: what led to it is in it.
 * Called by the drain. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/regular.h"
#include "drain/process.h"
#include "record/clock.h"

#define STUCK_NS UINT64_C(2000000000) /* longer than the threshold: now */

void lti_snapshot_ask(struct lti_recording *r, struct lti_recorded *p) {
  if (r->is_flight && !p->is_closed && !p->snapshot_clock)
    p->snapshot_clock = lti_clock_read(r->view.clock_is_tsc);
}

/* Is its program held to come back to the loop that it last turned? */
static bool is_regular(const struct lti_lane *lane) {
  return lane->n_waits >= LTI_WAITS_REGULAR;
}

/* Kept from polling, as far as the thread itself says. */
static bool is_away(const struct lti_lane *lane, const struct lti_thread *t) {
  uint32_t doing = atomic_load_explicit(&t->doing, memory_order_relaxed);
  return doing == LTI_DOING_RUN ||
         (doing == LTI_DOING_BETWEEN && is_regular(lane));
}

/* One that took so long is saved when it is over; one that does not end, then.
 */
static void ask_for_stuck(struct lti_recording *r, struct lti_recorded *p) {
  uint64_t now = lti_clock_read(r->view.clock_is_tsc);
  uint64_t ticks = (uint64_t)((double)(r->stall_ns + STUCK_NS) / 1e6 *
                              (double)r->view.arena->ticks_per_ms);
  for (struct lti_lane *l = p->lanes; l; l = l->next) {
    if (l->slot == UINT32_MAX)
      continue;
    struct lti_thread *t = &r->view.threads[l->slot];
    uint64_t since = atomic_load_explicit(&t->since, memory_order_relaxed);
    if (!is_away(l, t) || since == l->stuck_since || since >= now ||
        now - since < ticks)
      continue;
    l->stuck_since = since;
    lti_snapshot_stall(r, p);
  }
}

void lti_snapshot_stall(struct lti_recording *r, struct lti_recorded *p) {
  if (p->n_stalls++ < LTI_STALL_SNAPSHOTS)
    lti_snapshot_ask(r, p);
}

void lti_snapshot_look(struct lti_recording *r, struct lti_recorded *p) {
  if (!r->is_flight || p->slot == UINT32_MAX)
    return;
  uint32_t asked = atomic_load(&r->view.procs[p->slot].snapshots);
  if (asked != p->snapshots_seen) {
    p->snapshots_seen = asked;
    lti_snapshot_ask(r, p);
  }
  if (r->stall_ns)
    ask_for_stuck(r, p);
}

/* How many runs the thread is in, behind its last event. */
static unsigned depth_of(const struct lti_lane *lane) {
  const struct lti_brackets *open = &lane->thread.open;
  unsigned depth = 0;
  for (uint32_t i = 0; i < open->n; i++)
    depth += open->at[i].kind == LT_LOOP_BEGIN;
  return depth;
}

static void end_turn(struct lti_recording *r, struct lti_recorded *p,
                     struct lti_lane *lane, int64_t now_ns) {
  if (lane->turn_ns && (uint64_t)(now_ns - lane->turn_ns) >= r->stall_ns)
    lti_snapshot_stall(r, p);
  lane->turn_ns = 0;
}

static void run_begins(struct lti_recording *r, struct lti_recorded *p,
                       struct lti_lane *lane, const lt_event *e) {
  if (lane->turned == e->x && is_regular(lane))
    end_turn(r, p, lane, e->time_ns);
  lane->mode = (uint8_t)e->a;
  lane->has_waited = false;
  lane->in_run = true;
}

static void run_ended(struct lti_lane *lane, const lt_event *e) {
  bool goes_on = e->a != 0;
  if (!goes_on || e->x != lane->turned || lane->mode == LT_LOOP_DEFAULT)
    lane->n_waits = 0;
  lane->n_waits += goes_on && lane->mode == LT_LOOP_ONCE && lane->has_waited;
  lane->turned = goes_on ? e->x : 0;
  lane->turn_ns = goes_on ? e->time_ns : 0;
  lane->in_run = false;
}

/* From what passes by, as model/build.c has it. */
void lti_snapshot_event(struct lti_recording *r, struct lti_recorded *p,
                        struct lti_lane *lane, const lt_event *e) {
  switch (e->kind) {
  case LT_LOOP_BEGIN:
    if (depth_of(lane) == 1)
      run_begins(r, p, lane, e);
    lane->turn_ns = e->time_ns;
    break;
  case LT_POLL_BEGIN:
    lane->has_waited = (depth_of(lane) && lane->has_waited) || e->a != 1;
    if (depth_of(lane) || is_regular(lane))
      end_turn(r, p, lane, e->time_ns);
    lane->turn_ns = 0;
    break;
  case LT_POLL_END:
    if (!depth_of(lane))
      lane->n_waits += lane->turned && lane->has_waited;
    lane->turn_ns = e->time_ns;
    break;
  case LT_LOOP_END: /* or between two runs: recording is switched off */
    if (lane->in_run || is_regular(lane))
      end_turn(r, p, lane, e->time_ns);
    if (depth_of(lane))
      lane->turn_ns = e->time_ns; /* the outer loop's goes on */
    else
      run_ended(lane, e);
    break;
  case LT_LOST:
    lane->turned = lane->n_waits = 0;
    break;
  case LT_EARLY_TURN:
    if (e->b >= r->stall_ns)
      lti_snapshot_stall(r, p);
    break;
  default:
    break;
  }
}

void lti_snapshot_write(struct lti_recording *r, struct lti_recorded *p,
                        lt_end_reason reason, int status) {
  int fd;
  struct lti_snapshot told;
  char *before = p->path;
  p->snapshot_clock = 0;
  if (!p->trace.writer || p->error)
    return;
  int error = lti_place_next(r, p, &fd);
  if (error) {
    p->snapshot_error = error;
    return;
  }
  const struct lti_snapshot_end end = {.reason = reason,
                                       .status = status,
                                       .make_index = r->make_index,
                                       .breathe = r->breathe,
                                       .context = r->breathe_context};
  error = lti_flight_write(lti_flight_window(lti_writer_flight(p->trace.writer)),
                           fd, &end, &told);
  if (close(fd) != 0 && !error)
    error = errno;
  if (error) { /* the next one may fit again: recording goes on */
    p->snapshot_error = error;
    unlink(p->path);
    free(p->path);
    p->path = before;
    return;
  }
  free(before);
  p->last = told;
  p->n_snapshots++;
}

void lti_snapshot_due(struct lti_recording *r, struct lti_recorded *p,
                      uint64_t sealed_clock) {
  if (p->snapshot_clock && sealed_clock >= p->snapshot_clock)
    lti_snapshot_write(r, p, LT_END_STOPPED, 0);
}
