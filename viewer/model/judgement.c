/* Judgement: which stalls break a budget, and whether a verdict can be given.
 *
 * Invariant: only attributable time makes an error or a warning; what is not
 * attributable makes no verdict only where it could have decided, and nothing
 * is proven.  What is muted or known decides nothing.  Called by check. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "model/finding.h"
#include "model/source.h"

int64_t budget_max_stall(const struct budget *budget, const char *name) {
  const struct limit *limit =
      limit_for(budget->limits, budget->n_limits, LIMIT_STALL_MAX, 0, name);
  return limit ? limit->value : budget->max_stall_ns;
}

int64_t budget_least_stall(const struct budget *budget, bool *is_one) {
  int64_t least = budget->max_stall_ns;
  *is_one = true;
  for (size_t i = 0; i < budget->n_limits; i++) {
    const struct limit *l = &budget->limits[i];
    int64_t ns = l->kind == LIMIT_STALL_MAX     ? l->value
                 : l->kind == LIMIT_STALL_COUNT ? l->over_ns
                                                : INT64_MAX;
    *is_one &= ns == INT64_MAX;
    if (ns < least)
      least = ns;
  }
  return least < 1 ? 1 : least;
}

/* Is it worth telling?  Sets the level. */
static bool judge_stall(const struct model *m, struct finding *f) {
  const struct model_stall *s = f->stall;
  int64_t own = model_attributable(&s->cause);
  if (s->allowed_ns > 0 && s->duration_ns - s->allowed_ns <= f->budget_ns) {
    const struct model_source *source = model_source(m);
    const char *why = source->string(source->context, s->allowed_for);
    f->state = FINDING_MUTED;
    f->why = why && *why ? why : "allowed by the program";
  }
  if (model_is_aside(s)) {
    f->level = LEVEL_WARNING;
    return own > f->budget_ns;
  }
  if (own > f->budget_ns) {
    f->level = LEVEL_ERROR;
    return true;
  }
  f->is_undecided = own + s->cause.unknown > f->budget_ns;
  f->level = own > f->budget_ns / 2 ? LEVEL_WARNING : LEVEL_NOTE;
  return f->level == LEVEL_WARNING || s->duration_ns > f->budget_ns;
}

__attribute__((format(printf, 2, 3))) static void
reason(struct judgement *j, const char *format, ...) {
  if (j->n_reasons == JUDGEMENT_REASONS_MAX)
    return;
  va_list ap;
  va_start(ap, format);
  vsnprintf(j->reasons[j->n_reasons++], sizeof j->reasons[0], format, ap);
  va_end(ap);
}

/* Of the stalls that were kept; those left out were shorter. */
static int64_t shortest(const struct model *m) {
  int64_t ns = INT64_MAX;
  for (size_t i = 0; i < m->n_stalls; i++)
    if (ns > m->stalls[i].duration_ns)
      ns = m->stalls[i].duration_ns;
  return ns;
}

/* What keeps a trace from being believed.  Returns: is there a reason that
 * allow_incomplete does not lift? */
static bool find_reasons(const struct model *m, const struct budget *budget,
                         struct judgement *j) {
  const lt_info *info = m->info;
  bool is_one, has_turn = false;
  for (size_t i = 0; i < m->n_loops; i++)
    has_turn |= m->loops[i].turns > 0;
  if (info->problem == LT_CORRUPT)
    reason(j, "the trace is damaged at byte %llu",
           (unsigned long long)info->problem_at);
  else if (!info->complete)
    reason(j, "the trace is incomplete: it ends before its end mark");
  if (m->n_lost &&
      !limit_for(budget->limits, budget->n_limits, LIMIT_LOST_EVENTS, 0, NULL))
    reason(j, "%llu events were lost", (unsigned long long)m->n_lost);
  if (info->untracked)
    reason(j, "%llu callbacks could not be followed: there was no memory to "
           "note them",
           (unsigned long long)info->untracked);
  if (m->n_stalls_dropped && shortest(m) > budget_least_stall(budget, &is_one))
    reason(j, "more stalls than can be kept; %llu short ones were left out",
           (unsigned long long)m->n_stalls_dropped);
  bool is_final = !has_turn || (j->n_reasons && !budget->allow_incomplete);
  if (!has_turn)
    reason(j, m->n_loops && budget->warmup_ns ? "no loop ran after the warm-up"
                                              : "no loop ran");
  return is_final;
}

static void measure_longest(const struct model *m, const struct budget *budget,
                            const unsigned char *out, struct judgement *j) {
  for (size_t i = 0; i < m->n_stalls; i++) {
    const struct model_stall *s = &m->stalls[i];
    if (s->begin_ns < budget->warmup_ns || model_is_aside(s) || out[i])
      continue;
    int64_t own = model_attributable(&s->cause);
    if (s->duration_ns > j->longest_ns)
      j->longest_ns = s->duration_ns;
    if (own > j->longest_own_ns)
      j->longest_own_ns = own;
  }
  if (j->longest_ns == 0) { /* then no other turn is as long as a stall */
    bool is_one;
    int64_t most =
        m->n_stalls ? budget_least_stall(budget, &is_one) / 2 : INT64_MAX;
    for (size_t i = 0; i < m->n_loops; i++)
      if (j->longest_ns < m->loops[i].turn.max_ns &&
          m->loops[i].first_ns >= budget->warmup_ns)
        j->longest_ns = m->loops[i].turn.max_ns;
    if (j->longest_ns > most) {
      j->longest_ns = most;
      j->longest_is_bound = true;
    }
    j->longest_own_ns = j->longest_ns;
  }
}

/* Returns: does the finding count? */
static bool add(const struct model *m, const struct budget *budget,
                struct judgement *j, struct finding f) {
  if (f.state == FINDING_NEW && budget->review &&
      !budget->review(budget->context, m, &f))
    return false;
  f.n_undecided = f.is_undecided;
  j->findings[j->n_findings++] = f;
  return f.state == FINDING_NEW;
}

/* out[i]: why stall i decides nothing. */
static void collect(const struct model *m, const struct budget *budget,
                    struct judgement *j, unsigned char *out) {
  for (size_t i = 0; i < m->n_stalls; i++) {
    struct finding f = finding_of_stall(m, budget, &m->stalls[i]);
    bool is_told = judge_stall(m, &f);
    out[i] = f.begin_ns < budget->warmup_ns        ? OUT_WARMUP
             : f.state != FINDING_NEW              ? OUT_EXCUSED
             : limit_is_told(f.stall, f.budget_ns) ? OUT_TOLD
                                                   : OUT_NOT;
    if (is_told && f.begin_ns < budget->warmup_ns)
      j->n_warmup++;
    else if (is_told && !limit_is_told(f.stall, f.budget_ns))
      out[i] = add(m, budget, j, f) ? OUT_NOT : OUT_EXCUSED;
  }
  for (size_t i = 0; i < m->n_blocking; i++) {
    struct finding f = finding_of_blocking(m, budget, &m->blocking[i]);
    if (f.duration_ns <= f.budget_ns / 2)
      continue;
    if (f.begin_ns < budget->warmup_ns)
      j->n_warmup++;
    else
      add(m, budget, j, f);
  }
}

/* What a timer may be late by: where no budget says so, as a loop may stall. */
static bool is_too_late(const struct model *m, const struct budget *budget,
                        struct finding *f) {
  const struct model_trouble *t = f->trouble;
  const char *name = m->loops[t->loop].name;
  const struct limit *l =
      limit_for(budget->limits, budget->n_limits, LIMIT_TIMER_LATE, 0, name);
  int64_t most = l ? l->value : budget_max_stall(budget, name);
  if (l && t->all_own_ns > most) {
    f->level = LEVEL_ERROR;
    f->begin_ns = t->all_at_ns;
    f->duration_ns = t->all_worst_ns;
    return true;
  }
  return t->kind == MODEL_STARVED_TIMER || (!l && t->own_ns > most);
}

static bool is_trouble(const struct model *m, const struct budget *budget,
                       struct finding *f) {
  const struct limit *l;
  switch (f->trouble->kind) {
  case MODEL_LATE_TIMER:
  case MODEL_STARVED_TIMER:
    return is_too_late(m, budget, f);
  case MODEL_POOL_SATURATED:
    l = limit_for(budget->limits, budget->n_limits, LIMIT_POOL_QUEUE, 0, NULL);
    f->level = l ? LEVEL_ERROR : LEVEL_WARNING;
    return f->trouble->own_ns > (l ? l->value : budget->max_stall_ns);
  default:
    return true;
  }
}

static void collect_troubles(const struct model *m, const struct budget *budget,
                             struct judgement *j) {
  for (size_t i = 0; i < m->n_troubles; i++) {
    struct finding f = finding_of_trouble(m, &m->troubles[i]);
    if (is_trouble(m, budget, &f))
      add(m, budget, j, f);
  }
}

/* A limit on what troubles measure: it is broken where a finding says so. */
static void judge_troubles(const struct model *m, struct judgement *j,
                           const struct limit *limit, uint32_t loop) {
  struct limit_result r = {.limit = *limit, .loop = loop};
  bool is_open = false;
  for (size_t i = 0; i < m->n_troubles; i++) {
    const struct model_trouble *t = &m->troubles[i];
    bool is_timer =
        t->kind == MODEL_LATE_TIMER || t->kind == MODEL_STARVED_TIMER;
    if (is_timer != (limit->kind == LIMIT_TIMER_LATE) || t->loop != loop ||
        (!is_timer && t->kind != MODEL_POOL_SATURATED))
      continue;
    int64_t own = is_timer ? t->all_own_ns : t->own_ns;
    is_open |= (is_timer ? t->all_worst_ns : own) > limit->value;
    if (is_timer && r.possible < t->all_worst_ns)
      r.possible = t->all_worst_ns;
    if (r.measured < own)
      r.measured = own;
  }
  r.is_excused = r.measured > limit->value;
  for (size_t i = 0; i < j->n_findings; i++)
    if (j->findings[i].trouble && j->findings[i].loop == loop &&
        j->findings[i].state == FINDING_NEW &&
        j->findings[i].level == LEVEL_ERROR &&
        j->findings[i].duration_ns > limit->value &&
        (limit->kind == LIMIT_POOL_QUEUE) ==
            (j->findings[i].trouble->kind == MODEL_POOL_SATURATED))
      r.verdict = VERDICT_FAIL;
  if (r.verdict == VERDICT_FAIL)
    r.is_excused = false;
  else if (is_open && !r.is_excused)
    r.verdict = VERDICT_INCONCLUSIVE;
  j->limits[j->n_limits++] = r;
}

/* All blocking calls of one loop, where there is a limit on their number. */
static void count_calls(const struct model *m, const struct budget *budget,
                        struct judgement *j, const struct limit *limit,
                        uint32_t loop) {
  struct limit_result r = {.limit = *limit, .loop = loop};
  size_t first = j->n_findings;
  for (size_t i = 0; i < m->n_callers; i++) {
    const struct model_caller *c = &m->callers[i];
    if (c->loop != loop || c->is_allowed)
      continue;
    if (add(m, budget, j, finding_of_caller(m, c)))
      r.measured += (int64_t)c->count;
  }
  if (r.measured > limit->value)
    r.verdict = VERDICT_FAIL;
  for (size_t i = first; r.verdict == VERDICT_PASS && i < j->n_findings; i++)
    if (j->findings[i].state == FINDING_NEW)
      j->findings[i--] = j->findings[--j->n_findings];
  j->limits[j->n_limits++] = r;
}

static void judge_limits(const struct model *m, const struct budget *budget,
                         struct judgement *j, const unsigned char *out) {
  const struct limit *limits = budget->limits;
  size_t n = budget->n_limits;
  for (uint32_t loop = 0; loop < m->n_loops; loop++)
    for (size_t i = 0; i < n; i++) {
      const struct limit *l = &limits[i];
      if (l->kind == LIMIT_STALL_MAX || l->kind == LIMIT_LOST_EVENTS ||
          l->kind == LIMIT_POOL_QUEUE ||
          limit_for(limits, n, l->kind, l->over_ns, m->loops[loop].name) != l)
        continue;
      if (l->kind == LIMIT_BLOCKING_COUNT)
        count_calls(m, budget, j, l, loop);
      else if (l->kind == LIMIT_TIMER_LATE)
        judge_troubles(m, j, l, loop);
      else
        j->limits[j->n_limits++] = limit_judge(m, l, loop, out);
    }
  const struct limit *queue = limit_for(limits, n, LIMIT_POOL_QUEUE, 0, NULL);
  if (queue)
    judge_troubles(m, j, queue, LIMIT_NO_LOOP);
  const struct limit *lost = limit_for(limits, n, LIMIT_LOST_EVENTS, 0, NULL);
  if (lost)
    j->limits[j->n_limits++] = (struct limit_result){
        .limit = *lost,
        .loop = LIMIT_NO_LOOP,
        .measured = (int64_t)m->n_lost,
        .verdict =
            (int64_t)m->n_lost > lost->value ? VERDICT_FAIL : VERDICT_PASS};
  for (size_t i = 0; i < j->n_limits; i++)
    if (j->limits[i].verdict == VERDICT_FAIL &&
        j->limits[i].limit.kind != LIMIT_BLOCKING_COUNT &&
        j->limits[i].limit.kind != LIMIT_TIMER_LATE &&
        j->limits[i].limit.kind != LIMIT_POOL_QUEUE &&
        !add(m, budget, j, finding_of_limit(m, &j->limits[i]))) {
      j->limits[i].is_excused = true;
      j->limits[i].verdict = VERDICT_PASS;
    }
}

/* The longest stall of each loop, as a limit like the others: behind the
 * findings, which say whether it was kept. */
static void judge_longest(const struct model *m, const struct budget *budget,
                          struct judgement *j, const unsigned char *out) {
  for (uint32_t loop = 0; loop < m->n_loops; loop++) {
    struct limit_result r = {
        .limit = {.kind = LIMIT_STALL_MAX,
                  .value = budget_max_stall(budget, m->loops[loop].name)},
        .loop = loop};
    for (size_t i = 0; i < m->n_stalls; i++) {
      int64_t own = model_attributable(&m->stalls[i].cause);
      if (m->stalls[i].loop == loop && !out[i] &&
          !model_is_aside(&m->stalls[i]) && r.measured < own)
        r.measured = own;
    }
    for (size_t i = 0; i < j->n_findings; i++) {
      const struct finding *f = &j->findings[i];
      if (f->loop != loop || f->state != FINDING_NEW ||
          (!f->stall && !f->blocking))
        continue;
      if (f->level == LEVEL_ERROR)
        r.verdict = VERDICT_FAIL;
      else if (f->is_undecided && r.verdict == VERDICT_PASS)
        r.verdict = VERDICT_INCONCLUSIVE;
    }
    j->limits[j->n_limits++] = r;
  }
}

/* As they are told: a place is one finding, however often it stalled. */
static void count(struct judgement *j) {
  for (size_t i = 0; i < j->n_findings; i++) {
    const struct finding *f = &j->findings[i];
    bool is_new = f->state == FINDING_NEW;
    j->n_errors += is_new && f->level == LEVEL_ERROR;
    j->n_warnings += is_new && f->level == LEVEL_WARNING;
    j->n_notes += is_new && f->level == LEVEL_NOTE;
    j->n_undecided += is_new ? f->n_undecided : 0;
    j->n_muted += f->state == FINDING_MUTED;
    j->n_known += f->state == FINDING_KNOWN;
  }
}

static void decide(const struct model *m, const struct budget *budget,
                   struct judgement *j) {
  bool is_open = find_reasons(m, budget, j);
  bool is_proven = (budget->fail_on != LEVEL_NOTE && j->n_errors) ||
                   (budget->fail_on == LEVEL_WARNING && j->n_warnings);
  if (j->n_undecided && budget->fail_on != LEVEL_NOTE && !is_proven) {
    is_open = true;
    reason(j, "%llu stall%s may have been the machine's doing or the program's",
           (unsigned long long)j->n_undecided, j->n_undecided == 1 ? "" : "s");
  }
  for (size_t i = 0; i < j->n_limits && !is_proven; i++)
    if (j->limits[i].verdict == VERDICT_INCONCLUSIVE &&
        j->limits[i].limit.kind != LIMIT_STALL_MAX &&
        budget->fail_on != LEVEL_NOTE) {
      is_open = true;
      reason(j, "%s of %s `%s` may have been broken by the machine",
             limit_name(j->limits[i].limit.kind),
             j->limits[i].loop < m->n_loops ? "loop" : "the",
             j->limits[i].loop < m->n_loops ? m->loops[j->limits[i].loop].name
                                            : "pool");
    }
  j->verdict = is_proven ? VERDICT_FAIL
               : is_open ? VERDICT_INCONCLUSIVE
                         : VERDICT_PASS;
  j->exit_code = is_proven ? EXIT_FINDINGS
                 : is_open ? EXIT_NO_VERDICT
                           : EXIT_OK;
}

static void regroup(const struct model *m, const struct budget *budget,
                    struct judgement *j) {
  j->n_findings = findings_group(j->findings, j->n_findings);
  for (size_t i = 0; budget->compare && i < j->n_findings; i++)
    if (j->findings[i].state != FINDING_MUTED)
      budget->compare(budget->context, m, &j->findings[i]);
  findings_sort(j->findings, j->n_findings);
}

lt_status judgement_make(const struct model *m, const struct budget *budget,
                         struct judgement *j) {
  size_t n_limits = m->n_loops * (budget->n_limits + 1) + 2;
  size_t most =
      m->n_stalls + m->n_blocking + m->n_callers + m->n_troubles + n_limits;
  memset(j, 0, sizeof *j);
  unsigned char *out = calloc(m->n_stalls + 1, sizeof *out);
  j->findings = calloc(most, sizeof *j->findings);
  j->limits = calloc(n_limits, sizeof *j->limits);
  if (!j->findings || !j->limits || !out) {
    judgement_free(j);
    free(out);
    return LT_NOMEM;
  }
  collect(m, budget, j, out);
  collect_troubles(m, budget, j);
  judge_limits(m, budget, j, out);
  regroup(m, budget, j);
  count(j);
  judge_longest(m, budget, j, out);
  measure_longest(m, budget, out, j);
  decide(m, budget, j);
  free(out);
  return LT_OK;
}

void judgement_free(struct judgement *j) {
  free(j->findings);
  free(j->limits);
  j->findings = NULL;
  j->limits = NULL;
}
