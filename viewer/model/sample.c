/* What was seen of a thread from outside while it did not come back.
 *
 * Invariant: a thread keeps its newest samples only; a stall takes those that
 * lie in it, without those of stalls inside it.  Called by the builder and by
 * stall.c.
 *
 * A thread is seen to be stopped (T) by who looks at it now and then, or this is
 * told of all threads of a process at once, and when it goes on (C), each as
 * early as who tells has a CPU.  Only a look has totals with it. */
#include <stdlib.h>
#include <string.h>

#include "model/build.h"

/* Less than that is no call worth a name. */
#define CALL_LEAST_NS 1000000

static bool is_stopped(char state) {
  return state == 'T' || state == 't';
}

static struct model_sample *newest(struct sample_ring *ring) {
  return &ring->samples[(ring->n - 1) % SAMPLES_KEPT];
}

/* The loop that was held up by it learns of a stop; who looks at a stopped
 * thread again and again sees the same one. */
static void tell_loop(struct builder *b, const struct thread *th) {
  struct sample_ring *ring = th->samples;
  const struct model_sample *s = newest(ring);
  uint32_t loop = th->in_poll ? th->poll_loop : frames_loop(th);
  bool is_same = ring->stop_end_ns == s->time_ns && s->time_ns > 0;
  if (!is_same)
    ring->stop_begin_ns = s->time_ns;
  ring->stop_end_ns = s->stopped_until_ns;
  if (loop == NO_LOOP || s->time_ns < b->warmup_ns)
    return;
  struct model_loop *l = &b->model.loops[loop];
  int64_t length = ring->stop_end_ns - ring->stop_begin_ns;
  l->n_stops += !is_same || l->n_stops == 0;
  l->stopped_ns = add_ns(l->stopped_ns, s->stopped_until_ns - s->time_ns);
  if (length > l->longest_stop_ns) {
    l->longest_stop_ns = length;
    l->longest_stop_at_ns = ring->stop_begin_ns;
  }
}

/* Stopped until then: whoever tells of stops would have told of its end. */
static void end_stop(struct builder *b, struct thread *th, int64_t time_ns) {
  struct sample_ring *ring = th->samples;
  if (ring->is_stopped && ring->n && time_ns > newest(ring)->time_ns) {
    newest(ring)->stopped_until_ns = time_ns;
    tell_loop(b, th);
  }
  ring->is_stopped = ring->is_told = false;
}

void samples_goes_on(struct builder *b, struct thread *th, int64_t time_ns) {
  struct sample_ring *ring = th->samples;
  if (!ring)
    return;
  ring->is_stopped &= ring->is_told; /* when, no one has seen */
  end_stop(b, th, time_ns);
}

int64_t samples_stopped(const struct thread *th, int64_t from_ns, int64_t to_ns,
                        bool with_polls) {
  const struct sample_ring *ring = th->samples;
  int64_t sum = 0;
  if (!ring)
    return 0;
  size_t n = ring->n < SAMPLES_KEPT ? ring->n : SAMPLES_KEPT;
  for (size_t i = 0; i < n; i++) {
    const struct model_sample *s = &ring->samples[i];
    int64_t from = s->time_ns > from_ns ? s->time_ns : from_ns;
    int64_t to = s->stopped_until_ns < to_ns ? s->stopped_until_ns : to_ns;
    if (to > from && (with_polls || !s->in_poll))
      sum = add_ns(sum, to - from);
  }
  return sum;
}

void samples_add(struct builder *b, struct thread *th, const lt_event *e) {
  if (!th->samples && !(th->samples = calloc(1, sizeof *th->samples))) {
    b->is_out_of_memory = true;
    return;
  }
  struct sample_ring *ring = th->samples;
  char state = (char)e->x;
  bool is_look = th->usage.time_ns == e->time_ns;
  bool is_told = is_stopped(state) && (ring->is_told || !is_look);
  if (is_look)
    th->usage.is_outside = true;
  if (is_stopped(state) || state == 'C' || ring->is_told)
    end_stop(b, th, e->time_ns);
  ring->is_stopped = is_stopped(state);
  ring->is_told = is_told;
  if (state == 'C')
    return;
  unsigned callee = e->a <= UINT16_MAX ? (unsigned)e->a : 0;
  uint64_t on_fd = fds_name_of(b, callee, e->ref);
  ring->samples[ring->n++ % SAMPLES_KEPT] = (struct model_sample){
      .time_ns = e->time_ns,
      .state = state,
      .in_poll = th->in_poll,
      .callee = callee,
      .ref = e->ref,
      .on_name = on_fd ? on_fd : holders_name_of(th, callee, e->ref),
      .is_self = holders_is_self(th, callee, e->ref),
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

/* How long it was stopped from this sample on, in the stall. */
static int64_t stopped_after(const struct sample_ring *ring, size_t i,
                             const struct stall_record *r) {
  const struct model_sample *s = &ring->samples[i % SAMPLES_KEPT];
  bool is_open = ring->is_told && i + 1 == ring->n;
  int64_t until = is_open ? r->end_ns : s->stopped_until_ns;
  if (until > r->end_ns)
    until = r->end_ns;
  return until > s->time_ns ? until - s->time_ns : 0;
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
    r->seen_stopped |= is_stopped(sample.state);
    r->stopped_ns = add_ns(r->stopped_ns, stopped_after(ring, i, r));
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
                            .is_self = seen->is_self,
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
  else if (s->is_unseen)
    s->seen_in = seen_function(m, s);
}
