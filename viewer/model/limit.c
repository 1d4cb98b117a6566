/* Limits on what a loop does in sum: percentiles, counts, utilization.
 *
 * Invariant: a limit is broken only where it is broken without the time that
 * the loop's threads were ready and had no CPU; that time is assumed to lie
 * where it excuses most.  Called by finding.c. */
#include "model/limit.h"

#include <fnmatch.h>
#include <string.h>

const char *limit_name(enum limit_kind kind) {
  static const char *const names[] = {
#define LIMIT_NAME(name, text, rule) text,
      LIMIT_MAP(LIMIT_NAME)
#undef LIMIT_NAME
  };
  return names[kind];
}

const char *limit_rule(enum limit_kind kind) {
  static const char *const rules[] = {
#define LIMIT_RULE(name, text, rule) rule,
      LIMIT_MAP(LIMIT_RULE)
#undef LIMIT_RULE
  };
  return rules[kind];
}

const struct limit *limit_for(const struct limit *limits, size_t n,
                              enum limit_kind kind, int64_t over_ns,
                              const char *name) {
  const struct limit *found = NULL;
  for (size_t i = 0; i < n; i++)
    if (limits[i].kind == kind && limits[i].over_ns == over_ns &&
        (!limits[i].loops || (name && fnmatch(limits[i].loops, name, 0) == 0)))
      found = &limits[i];
  return found;
}

bool limit_is_told(const struct model_stall *s, int64_t max_stall_ns) {
  return s->kind == MODEL_STALL_TURN && s->inner_max_ns > 0 &&
         (s->inner_max_ns > max_stall_ns || s->duration_ns <= max_stall_ns);
}

static enum verdict verdict_of(bool is_over, bool is_proven) {
  return !is_over    ? VERDICT_PASS
         : is_proven ? VERDICT_FAIL
                     : VERDICT_INCONCLUSIVE;
}

/* How many turns more than 1 % took longer than a value, n_out of them left
 * out; first: the bin of the shortest. */
static uint64_t too_many(const struct model_loop *l, int64_t value,
                         uint64_t n_out, unsigned *first) {
  uint64_t over = 0, allowed = l->turn.n - (uint64_t)((double)l->turn.n * 0.99);
  *first = MODEL_HISTOGRAM_BINS;
  while (*first > 0 && model_histogram_floor(*first - 1) >= value)
    over += l->turn.bins[--*first];
  allowed = (allowed ? allowed - 1 : 0) + n_out;
  return over > allowed ? over - allowed : 0;
}

/* Could starvation have made the p99 what it is?  The turns that would have to
 * be excused are taken from the shortest up. */
static bool is_p99_proven(const struct model_loop *l, int64_t value,
                          uint64_t excuse, unsigned first) {
  int64_t needed = 0;
  for (unsigned i = first; i < MODEL_HISTOGRAM_BINS && excuse; i++) {
    uint64_t n = l->turn.bins[i] < excuse ? l->turn.bins[i] : excuse;
    int64_t each = model_histogram_floor(i) - value;
    if (each > 0 && (int64_t)n > (INT64_MAX - needed) / each)
      return true;
    needed += (int64_t)n * each;
    excuse -= n;
  }
  return l->has_starved && needed >= l->starved_ns;
}

static struct limit_result judge_p99(const struct model *m,
                                     struct limit_result r,
                                     const unsigned char *out) {
  const struct model_loop *l = &m->loops[r.loop];
  uint64_t n_out = 0;
  for (size_t i = 0; i < m->n_stalls; i++)
    n_out += m->stalls[i].loop == r.loop &&
             m->stalls[i].duration_ns > r.limit.value && out[i] == OUT_EXCUSED;
  r.measured = model_histogram_percentile(&l->turn, 99);
  unsigned first;
  uint64_t excuse = too_many(l, r.limit.value, n_out, &first);
  r.verdict =
      verdict_of(excuse > 0, is_p99_proven(l, r.limit.value, excuse, first));
  return r;
}

static struct limit_result judge_count(const struct model *m,
                                       struct limit_result r,
                                       const unsigned char *out) {
  int64_t proven = 0, possible = 0;
  for (size_t i = 0; i < m->n_stalls; i++) {
    const struct model_stall *s = &m->stalls[i];
    if (s->loop != r.loop || model_is_aside(s) ||
        limit_is_told(s, r.limit.over_ns) || out[i] == OUT_EXCUSED ||
        out[i] == OUT_WARMUP)
      continue;
    int64_t own = model_attributable(&s->cause);
    proven += own > r.limit.over_ns;
    possible += own + s->cause.unknown > r.limit.over_ns;
  }
  r.measured = proven;
  r.verdict = verdict_of(possible > r.limit.value, proven > r.limit.value);
  return r;
}

static struct limit_result judge_use(const struct model *m,
                                     struct limit_result r) {
  const struct model_loop *l = &m->loops[r.loop];
  double whole = (double)l->busy_ns + (double)l->poll_ns;
  double own = (double)l->busy_ns -
               (l->has_starved ? (double)l->starved_ns : (double)l->busy_ns);
  r.measured = whole > 0 ? (int64_t)(1000 * (double)l->busy_ns / whole) : 0;
  r.verdict = verdict_of(
      whole > 0 && 1000 * (double)l->busy_ns / whole > (double)r.limit.value,
      whole > 0 && 1000 * own / whole > (double)r.limit.value);
  return r;
}

struct limit_result limit_judge(const struct model *m,
                                const struct limit *limit, uint32_t loop,
                                const unsigned char *out) {
  struct limit_result r = {.limit = *limit, .loop = loop};
  switch (limit->kind) {
  case LIMIT_TURN_P99:
    return judge_p99(m, r, out);
  case LIMIT_STALL_COUNT:
    return judge_count(m, r, out);
  case LIMIT_UTILIZATION:
    return judge_use(m, r);
  default:
    return r;
  }
}
