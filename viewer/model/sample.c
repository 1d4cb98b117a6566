/* What was seen of a thread from outside while it did not come back.
 *
 * Invariant: a thread keeps its newest samples only; a stall takes those that
 * lie in it, without those of stalls inside it.  Called by the builder and by
 * stall.c. */
#include <stdlib.h>
#include <string.h>

#include "model/build.h"

/* Less than that is no call worth a name. */
#define CALL_LEAST_NS 1000000

void samples_add(struct builder *b, struct thread *th, const lt_event *e) {
  if (!th->samples && !(th->samples = calloc(1, sizeof *th->samples))) {
    b->is_out_of_memory = true;
    return;
  }
  struct sample_ring *ring = th->samples;
  if (th->usage.time_ns == e->time_ns)
    th->usage.is_outside = true;
  unsigned callee = e->a <= UINT16_MAX ? (unsigned)e->a : 0;
  uint64_t on_fd = fds_name_of(b, callee, e->ref);
  ring->samples[ring->n++ % SAMPLES_KEPT] = (struct model_sample){
      .time_ns = e->time_ns,
      .state = (char)e->x,
      .callee = callee,
      .ref = e->ref,
      .on_name = on_fd ? on_fd : holders_name_of(th, callee, e->ref),
      .stack = e->b <= UINT32_MAX ? (uint32_t)e->b : 0};
}

static bool is_blocked(const struct model_sample *s) {
  return s->state == 'S' || s->state == 'D';
}

/* Told by a stall inside this one? */
static bool is_inside(const struct stall_record *r, int64_t time_ns) {
  for (size_t i = 0; i < r->n_inner; i++)
    if (time_ns >= r->inner[i]->s.begin_ns && time_ns <= r->inner[i]->end_ns)
      return true;
  return false;
}

static bool is_stopped(const struct model_sample *s) {
  return s->state == 'T' || s->state == 't';
}

/* All that were seen in it, the newest at most MODEL_SAMPLES_MAX of them kept;
 * each stands for the time since the one before. */
void samples_take(const struct thread *th, struct stall_record *r) {
  const struct sample_ring *ring = th->samples;
  struct model_stall *s = &r->s;
  if (!ring)
    return;
  size_t first = ring->n > SAMPLES_KEPT ? ring->n - SAMPLES_KEPT : 0;
  int64_t before = s->begin_ns;
  bool was_stopped = false;
  for (size_t i = first; i < ring->n; i++) {
    struct model_sample sample = ring->samples[i % SAMPLES_KEPT];
    if (sample.time_ns < s->begin_ns || sample.time_ns > r->end_ns ||
        is_inside(r, sample.time_ns))
      continue;
    sample.stands_ns = sample.time_ns - before;
    before = sample.time_ns;
    s->n_samples_all++;
    r->seen_blocked |= is_blocked(&sample);
    r->seen_in_call |= is_blocked(&sample) && sample.callee != 0;
    r->seen_stopped |= is_stopped(&sample);
    if (was_stopped && is_stopped(&sample))
      r->stopped_ns = add_ns(r->stopped_ns, sample.stands_ns);
    was_stopped = is_stopped(&sample);
    if (s->n_samples == MODEL_SAMPLES_MAX)
      memmove(s->samples, s->samples + 1, --s->n_samples * sizeof *s->samples);
    s->samples[s->n_samples++] = sample;
  }
}

/* The stack that stands for most of the time. */
static void choose_stack(struct model_stall *s) {
  int64_t best = -1;
  for (size_t i = 0; i < s->n_samples; i++) {
    int64_t sum = 0;
    for (size_t j = 0; j < s->n_samples; j++)
      if (s->samples[j].stack == s->samples[i].stack)
        sum = add_ns(sum, s->samples[j].stands_ns);
    if (s->samples[i].stack && sum >= best) {
      best = sum;
      s->stack = s->samples[i].stack;
    }
  }
}

/* The program's innermost frame in a stack: where it made the call. */
static uint32_t program_site(const struct model *m, uint32_t stack) {
  const lt_stack_def *def = model_stack(m, stack);
  for (uint32_t i = 0; def && i < def->n_frames; i++)
    if (!model_is_runtime(m, def->frames[i].site))
      return def->frames[i].site;
  return 0;
}

/* Time that it was blocked, and no call says in what: in the system call that
 * was seen most. */
static void name_blocked(const struct model *m, struct model_stall *s) {
  int64_t left = s->cause.blocked - s->calls_ns, best = -1;
  const struct model_sample *seen = NULL;
  if (left < CALL_LEAST_NS || left < s->duration_ns / 10)
    return;
  for (size_t i = 0; i < s->n_samples; i++) {
    const struct model_sample *at = &s->samples[i];
    int64_t sum = 0;
    for (size_t j = 0; j < s->n_samples; j++)
      if (s->samples[j].callee == at->callee && is_blocked(&s->samples[j]))
        sum = add_ns(sum, s->samples[j].stands_ns);
    if (at->callee && is_blocked(at) && sum > best) {
      best = sum;
      seen = at;
    }
  }
  if (!seen)
    return;
  struct call_set set = {.n = s->n_calls,
                         .n_all = s->n_calls_all,
                         .n_sums = s->n_sums,
                         .sum_ns = s->others_ns};
  memcpy(set.calls, s->calls, sizeof set.calls);
  memcpy(set.sums, s->sums, sizeof set.sums);
  for (size_t i = 0; i < set.n_sums; i++)
    set.sum_ns = add_ns(set.sum_ns, set.sums[i].ns);
  struct model_call call = {.callee = seen->callee,
                            .ref = seen->ref,
                            .on_name = seen->on_name,
                            .site = program_site(m, seen->stack),
                            .begin_ns = s->begin_ns,
                            .duration_ns = left,
                            .is_sampled = true};
  calls_add(&set, &call);
  int64_t calls_ns = s->calls_ns + left;
  stalls_take_calls(s, &set);
  s->calls_ns = calls_ns;
}

void samples_finish(const struct model *m, struct model_stall *s) {
  choose_stack(s);
  name_blocked(m, s);
  if (s->kind == MODEL_STALL_GAP)
    s->site = program_site(m, s->stack);
}
