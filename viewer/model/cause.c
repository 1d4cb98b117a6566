/* Why the time of a stall passed: from the totals of its thread before and
 * after it, and from the blocking calls inside it.
 *
 * Invariant: the parts add up to the stall's duration, none is negative, and
 * nothing is called blocked or paging without evidence.  Called by stall.c. */
#include "model/build.h"

/* Where a loop sleeps for a moment again and again, so do its short polls; but
 * among so few, a switch is rather that of who was gone for long. */
#define SHORT_FEW 2

static int64_t min64(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* What a total grew by; no more than the time there was. */
static int64_t passed(uint64_t before, uint64_t after, int64_t window) {
  if (after <= before || window <= 0)
    return 0;
  return after - before > (uint64_t)window ? window : (int64_t)(after - before);
}

/* The window of the totals is wider than the stall by out ns.  Take the stall's
 * share of what passed in the window, within what must and what can be inside.
 */
static int64_t share(int64_t in_window, int64_t duration, int64_t out) {
  if (in_window <= 0 || duration <= 0)
    return 0;
  int64_t scaled = (int64_t)((double)in_window * (double)duration /
                             (double)(duration + out));
  scaled = max64(scaled, in_window - out);
  return min64(scaled, min64(in_window, duration));
}

/* CPU time: as above, but what lies in blocking calls has it last of all. */
static int64_t share_cpu(int64_t cpu, int64_t duration, int64_t calls,
                         int64_t out) {
  int64_t room = duration - calls + out;
  int64_t in_calls = max64(0, cpu - room);
  return min64(duration,
               share(cpu - in_calls, duration - calls, out) + in_calls);
}

/* Between totals and a stall that they are next to, the thread only read them:
 * what that took beyond a moment, it waited for a CPU. */
static int64_t waited_reading(const struct stall_record *r,
                              const struct usage *before,
                              const struct usage *after) {
  int64_t gap = 0;
  if (!before->is_outside && before->n_own + 1 == r->n_begin)
    gap += max64(0, r->s.begin_ns - before->time_ns - LOOPS_OWN_NS);
  if (!after->is_outside && after->n_own == r->n_end)
    gap += max64(0, after->time_ns - r->end_ns - LOOPS_OWN_NS);
  return gap;
}

/* Voluntary switches that no poll explains: where it went away by itself. */
static int64_t went_away(const struct stall_record *r,
                         const struct usage *before,
                         const struct usage *after) {
  uint64_t switches = after->switches - before->switches;
  int64_t waits = (int64_t)(after->n_waits - before->n_waits - r->n_foreign);
  int64_t n_short = (int64_t)(after->n_short - before->n_short);
  if (switches > UINT32_MAX) /* no such thread */
    return 0;
  return (int64_t)switches - waits - (n_short > SHORT_FEW ? n_short : 0);
}

/* The same where there are other callbacks and the loop's own code between: what
 * neither computing nor a call that slept explains.  What the recorder read last
 * lacks a delay that lasts. */
static int64_t waited_beside(const struct stall_record *r,
                             const struct usage *before,
                             const struct usage *after, int64_t window,
                             int64_t cpu) {
  int64_t reading = waited_reading(r, before, after);
  if (after->is_outside)
    return reading;
  int64_t beside = window - (r->end_ns - r->s.begin_ns);
  int64_t calls = after->calls_ns - before->calls_ns - r->s.calls_ns;
  if (went_away(r, before, after) <= (r->s.calls_ns > 0))
    calls = 0;
  return max64(reading, beside - cpu - max64(calls, 0));
}

/* Without totals only the calls are known to have blocked; and the thread was,
 * where it was seen in one and the same system call again and again. */
static void from_calls(struct stall_record *r, int64_t evidence) {
  const struct model_stall *s = &r->s;
  int64_t seen = 0;
  for (size_t i = 1; i < s->n_samples; i++)
    if (s->samples[i].callee && s->samples[i].state != 'R' &&
        s->samples[i].callee == s->samples[i - 1].callee &&
        s->samples[i].ref == s->samples[i - 1].ref)
      seen = add_ns(seen, s->samples[i].stands_ns);
  int64_t suspended = min64(s->duration_ns, r->stopped_ns);
  evidence = min64(s->duration_ns - suspended, max64(evidence, seen));
  r->s.cause =
      (struct model_cause){.blocked = evidence,
                           .suspended = suspended,
                           .unknown = s->duration_ns - suspended - evidence};
}

void cause_compute(struct stall_record *r, const struct usage *after) {
  const struct usage *before = &r->before;
  struct model_stall *s = &r->s;
  int64_t duration = s->duration_ns;
  int64_t evidence = min64(duration, s->calls_ns);
  r->is_pending = false;
  s->has_usage = before->known && after && after->known;
  if (!s->has_usage) {
    from_calls(r, evidence);
    return;
  }
  int64_t polls = after->poll_ns - before->poll_ns - r->foreign_ns;
  int64_t window = after->time_ns - before->time_ns - polls;
  int64_t cpu = passed(before->cpu_ns, after->cpu_ns, window);
  int64_t delay = passed(before->delay_ns, after->delay_ns, window);
  bool has_delay = before->has_delay && after->has_delay;
  if (r->foreign_ns == 0) /* no CPU was free for it in polls before */
    delay = max64(0, delay - (after->poll_late_ns - before->poll_late_ns));
  int64_t beside = min64(delay, waited_beside(r, before, after, window, cpu));
  delay -= beside;
  window -= beside;
  for (size_t i = 0; i < r->n_inner; i++)
    if (!r->inner[i]->is_pending && r->inner[i]->s.has_usage) {
      cpu -= r->inner[i]->s.cause.cpu;
      delay -= r->inner[i]->s.cause.starved;
      window -= r->inner[i]->s.duration_ns;
    }
  int64_t out = max64(0, window - duration);
  cpu = share_cpu(cpu, duration, evidence, out);
  int64_t starved = has_delay ? share(delay, duration, out) : 0;
  starved = min64(starved, duration - cpu);
  int64_t rest = duration - cpu - starved;
  /* Stopped inside a call, it was not the call that took the time. */
  int64_t suspended = min64(rest, r->stopped_ns);
  rest -= suspended;
  int64_t blocked = min64(rest, evidence), paging = 0;
  rest -= blocked;
  /* It did not come back, and was last looked at before the end. */
  int64_t tail = s->unfinished ? r->end_ns - after->time_ns : 0;
  tail = tail > 0 ? min64(rest, tail) : 0;
  rest -= tail;
  if (r->seen_stopped && !r->seen_blocked) {
    suspended += rest;
    rest = 0;
  } else if ((uint16_t)(after->faults - before->faults) > 0 &&
             !r->seen_in_call) {
    paging = rest;
    rest = 0;
  } else if (has_delay && after->n_losses == before->n_losses &&
             went_away(r, before, after) > 0) {
    blocked += rest;
    rest = 0;
  } else if (r->seen_blocked) {
    blocked += rest;
    rest = 0;
  }
  s->cause = (struct model_cause){.cpu = cpu,
                                  .blocked = blocked,
                                  .paging = paging,
                                  .starved = starved,
                                  .suspended = suspended,
                                  .unknown = rest + tail};
}

const char *model_cause_word(const struct model_cause *cause) {
  const struct {
    int64_t ns;
    const char *word;
  } parts[] = {{cause->cpu, "cpu"},
               {cause->blocked, "blocked"},
               {cause->paging, "paging"},
               {cause->starved, "starved"},
               {cause->suspended, "suspended"},
               {cause->unknown, "unknown"}};
  size_t best = 5;
  for (size_t i = 0; i < 6; i++)
    if (parts[i].ns > parts[best].ns)
      best = i;
  return parts[best].word;
}
