/* Who is stuck, and when to look at it.
 *
 * Invariant: each turn and each slice is first looked at when it has lasted as
 * long as the threshold.  Called by the watchdogs: of `looptrace record`, and of
 * the recorder inside a program. */
#include "drain/stuck.h"

#define DUE_MOST 10u
#define BETWEEN_MOST_NS UINT64_C(60000000000)

bool lti_state_is_away(const struct lti_state *state) {
  return state->doing == LTI_DOING_RUN || state->doing == LTI_DOING_BETWEEN ||
         state->doing == LTI_DOING_MAYBE;
}

struct lti_state lti_state_of(const struct lti_thread *t) {
  return (struct lti_state){
      atomic_load_explicit(&t->doing, memory_order_relaxed),
      atomic_load_explicit(&t->since, memory_order_relaxed),
      atomic_load_explicit(&t->task_since, memory_order_relaxed)};
}

bool lti_state_is(const struct lti_thread *t, const struct lti_state *before) {
  struct lti_state now = lti_state_of(t);
  return now.doing == before->doing && now.since == before->since &&
         now.task_since == before->task_since;
}

uint64_t lti_stuck_age_ns(const struct lti_stuck_now *now, uint64_t clock) {
  if (clock >= now->clock)
    return 0;
  return (uint64_t)((double)(now->clock - clock) * 1e6 /
                    (double)now->ticks_per_ms);
}

static void follow(struct lti_stuck *s, const struct lti_state *state,
                   uint64_t threshold_ns) {
  if (s->since != state->since) {
    s->since = state->since;
    s->turn_due_ns = s->slice_due_ns = threshold_ns;
    s->last_ns = 0;
    s->task_since = 0;
  }
  if (s->task_since != state->task_since) {
    s->task_since = state->task_since;
    s->slice_due_ns = threshold_ns;
  }
}

static uint64_t min64(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* At 1, 2, 4... times the threshold, but not seldomer than each DUE_MOST times,
 * so that little is unknown of what never comes back. */
static uint64_t next_due(uint64_t threshold_ns, uint64_t due, uint64_t age) {
  uint64_t most = DUE_MOST * threshold_ns;
  if (due < threshold_ns)
    due = threshold_ns;
  if (age > due + most)
    due = age - age % most;
  while (due <= age)
    due += due < most ? due : most;
  return due;
}

bool lti_stuck_is_due(struct lti_stuck *s, const struct lti_state *state,
                      const struct lti_stuck_now *now, uint64_t *wait_ns) {
  uint64_t threshold = now->threshold_ns;
  uint64_t age = lti_stuck_age_ns(now, state->since);
  *wait_ns = threshold / 2;
  if (state->doing != LTI_DOING_RUN && age > BETWEEN_MOST_NS)
    return false; /* it may never turn its loop again */
  if (age < threshold) {
    if (age >= threshold / 2)
      *wait_ns = threshold - age;
    return false;
  }
  follow(s, state, threshold);
  uint64_t newest =
      state->task_since > state->since ? state->task_since : state->since;
  uint64_t slice_age = lti_stuck_age_ns(now, newest);
  bool is_due = (age >= s->turn_due_ns || slice_age >= s->slice_due_ns) &&
                (!s->last_ns || now->ns - s->last_ns >= threshold);
  if (is_due) {
    s->turn_due_ns = next_due(threshold, s->turn_due_ns, age);
    s->slice_due_ns = next_due(threshold, s->slice_due_ns, slice_age);
    s->last_ns = now->ns;
  }
  if (s->turn_due_ns > age)
    *wait_ns = min64(*wait_ns, s->turn_due_ns - age);
  if (s->slice_due_ns > slice_age)
    *wait_ns = min64(*wait_ns, s->slice_due_ns - slice_age);
  return is_due;
}
