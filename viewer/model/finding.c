/* Findings: which stalls break a budget, and whether a verdict can be given.
 *
 * Invariant: only attributable time makes an error or a warning; what is not
 * attributable makes no verdict only where it could have decided, and nothing
 * is proven.  Called by check. */
#include "model/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static uint64_t hash_text(uint64_t hash, const char *text) {
  for (; *text; text++)
    hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
  return (hash ^ 0xff) * UINT64_C(0x100000001b3); /* ends it */
}

static uint64_t hash_site(uint64_t hash, const struct model *m, uint32_t site) {
  char name[512];
  return hash_text(hash, model_site_short(m, site, name, sizeof name));
}

unsigned finding_callee(const struct model_stall *s,
                        const struct model_call **longest, int64_t *ns) {
  size_t best = 0;
  int64_t best_ns = 0;
  for (size_t i = 0; i < s->n_calls; i++) {
    int64_t sum = 0;
    for (size_t j = 0; j < s->n_calls; j++)
      if (s->calls[j].callee == s->calls[i].callee)
        sum += s->calls[j].duration_ns;
    if (sum > best_ns) {
      best = i;
      best_ns = sum;
    }
  }
  bool is_blocked = strcmp(model_cause_word(&s->cause), "blocked") == 0;
  bool is_calls = best_ns > 0 && (s->calls_ns >= s->duration_ns / 2 ||
                                  (is_blocked && s->calls_ns > s->cause.cpu));
  if (longest)
    *longest = is_calls ? &s->calls[best] : NULL;
  if (ns)
    *ns = is_calls ? best_ns : 0;
  return is_calls ? s->calls[best].callee : 0;
}

/* Where the time went: at the call, where that has a name, else the callback.
 */
static uint32_t place(const struct model *m, const struct finding *f,
                      uint32_t callback) {
  if (!f->call || f->call->site == 0)
    return callback;
  const lt_site_def *call = model_site(m, f->call->site);
  const lt_site_def *own = model_site(m, callback);
  bool is_better = call && (call->function || !own || !own->function);
  return is_better ? f->call->site : callback;
}

static void set_fingerprint(const struct model *m, struct finding *f) {
  char name[128];
  uint64_t h = UINT64_C(0xcbf29ce484222325);
  h = hash_text(h, f->rule);
  h = hash_text(h, m->loops[f->loop].name);
  if (f->stall) {
    h = hash_text(h, model_stall_kind_name(f->stall->kind));
    h = hash_text(h, lt_task_kind_name(f->stall->slice_kind));
    h = hash_site(h, m, f->stall->site);
  }
  h = hash_site(h, m, f->site);
  if (f->callee)
    h = hash_text(h, model_callee_name(m, f->callee, name, sizeof name));
  f->fingerprint = h;
}

/* Is it worth telling?  Sets the level. */
static bool judge_stall(const struct budget *budget, struct finding *f) {
  const struct model_stall *s = f->stall;
  int64_t own = model_attributable(&s->cause);
  if (s->kind == MODEL_STALL_GAP) {
    f->level = LEVEL_WARNING;
    return own > budget->max_stall_ns;
  }
  if (own > budget->max_stall_ns) {
    f->level = LEVEL_ERROR;
    return true;
  }
  f->is_undecided = own + s->cause.unknown > budget->max_stall_ns;
  f->level = own > budget->max_stall_ns / 2 ? LEVEL_WARNING : LEVEL_NOTE;
  return f->level == LEVEL_WARNING || s->duration_ns > budget->max_stall_ns;
}

static struct finding of_stall(const struct model *m,
                               const struct model_stall *s) {
  struct finding f = {.rule =
                          s->kind == MODEL_STALL_TURN ? "long-turn" : "stall",
                      .stall = s,
                      .begin_ns = s->begin_ns,
                      .duration_ns = s->duration_ns,
                      .loop = s->loop,
                      .count = 1};
  f.callee = finding_callee(s, &f.call, &f.callee_ns);
  f.site = place(m, &f, s->site);
  set_fingerprint(m, &f);
  return f;
}

static struct finding of_blocking(const struct model *m,
                                  const struct model_blocking *call,
                                  const struct budget *budget) {
  struct finding f = {.rule = "blocking-call",
                      .level = call->call.duration_ns > budget->max_stall_ns
                                   ? LEVEL_ERROR
                                   : LEVEL_WARNING,
                      .blocking = call,
                      .begin_ns = call->call.begin_ns,
                      .duration_ns = call->call.duration_ns,
                      .loop = call->loop,
                      .site = call->call.site,
                      .callee = call->call.callee,
                      .call = &call->call,
                      .callee_ns = call->call.duration_ns,
                      .count = 1};
  set_fingerprint(m, &f);
  return f;
}

/* Worse: a higher level, then an undecided one, then longer. */
static bool is_worse(const struct finding *a, const struct finding *b) {
  if (a->level != b->level)
    return a->level > b->level;
  if (a->is_undecided != b->is_undecided)
    return a->is_undecided;
  return a->duration_ns > b->duration_ns;
}

static int worst_first(const void *a, const void *b) {
  const struct finding *x = a, *y = b;
  if (is_worse(x, y))
    return -1;
  if (is_worse(y, x))
    return 1;
  return (x->begin_ns > y->begin_ns) - (x->begin_ns < y->begin_ns);
}

static int by_fingerprint(const void *a, const void *b) {
  const struct finding *x = a, *y = b;
  if (x->fingerprint != y->fingerprint)
    return x->fingerprint < y->fingerprint ? -1 : 1;
  return (x->begin_ns > y->begin_ns) - (x->begin_ns < y->begin_ns);
}

/* Put those of one place together, under the worst of them. */
static void group(struct judgement *j) {
  size_t n = 0;
  qsort(j->findings, j->n_findings, sizeof *j->findings, by_fingerprint);
  for (size_t i = 0; i < j->n_findings; i++) {
    struct finding f = j->findings[i];
    f.durations[f.n_durations++] = f.duration_ns;
    if (n == 0 || j->findings[n - 1].fingerprint != f.fingerprint) {
      j->findings[n++] = f;
      continue;
    }
    struct finding *into = &j->findings[n - 1];
    struct finding both = is_worse(&f, into) ? f : *into;
    both.count = into->count + 1;
    both.n_durations = into->n_durations;
    memcpy(both.durations, into->durations, sizeof both.durations);
    if (both.n_durations < FINDING_OTHERS_MAX)
      both.durations[both.n_durations++] = f.duration_ns;
    *into = both;
  }
  j->n_findings = n;
  qsort(j->findings, j->n_findings, sizeof *j->findings, worst_first);
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
  uint64_t turns = 0;
  for (size_t i = 0; i < m->n_loops; i++)
    turns += m->loops[i].turns;
  if (info->problem == LT_CORRUPT)
    reason(j, "the trace is damaged at byte %llu",
           (unsigned long long)info->problem_at);
  else if (!info->complete)
    reason(j, "the trace is incomplete: it ends before its end mark");
  if (m->n_lost)
    reason(j, "%llu events were lost", (unsigned long long)m->n_lost);
  if (info->untracked)
    reason(j, "%llu callbacks could not be followed",
           (unsigned long long)info->untracked);
  if (m->n_stalls_dropped && shortest(m) > budget->max_stall_ns)
    reason(j, "more stalls than can be kept; %llu short ones were left out",
           (unsigned long long)m->n_stalls_dropped);
  bool is_final = turns == 0 || (j->n_reasons && !budget->allow_incomplete);
  if (turns == 0)
    reason(j, "no loop ran");
  return is_final;
}

static void measure_longest(const struct model *m, const struct budget *budget,
                            struct judgement *j) {
  for (size_t i = 0; i < m->n_stalls; i++) {
    const struct model_stall *s = &m->stalls[i];
    if (s->begin_ns < budget->warmup_ns || s->kind == MODEL_STALL_GAP)
      continue;
    int64_t own = model_attributable(&s->cause);
    if (s->duration_ns > j->longest_ns)
      j->longest_ns = s->duration_ns;
    if (own > j->longest_own_ns)
      j->longest_own_ns = own;
  }
  if (j->longest_ns == 0) { /* then no turn is as long as a stall */
    for (size_t i = 0; i < m->n_loops; i++)
      if (j->longest_ns < m->loops[i].turn.max_ns &&
          m->loops[i].first_ns >= budget->warmup_ns)
        j->longest_ns = m->loops[i].turn.max_ns;
    j->longest_own_ns = j->longest_ns;
  }
}

static void collect(const struct model *m, const struct budget *budget,
                    struct judgement *j) {
  for (size_t i = 0; i < m->n_stalls; i++) {
    struct finding f = of_stall(m, &m->stalls[i]);
    if (!judge_stall(budget, &f))
      continue;
    if (f.begin_ns < budget->warmup_ns)
      j->n_warmup++;
    else
      j->findings[j->n_findings++] = f;
  }
  for (size_t i = 0; i < m->n_blocking; i++) {
    struct finding f = of_blocking(m, &m->blocking[i], budget);
    if (f.duration_ns <= budget->max_stall_ns / 2)
      continue;
    if (f.begin_ns < budget->warmup_ns)
      j->n_warmup++;
    else
      j->findings[j->n_findings++] = f;
  }
  for (size_t i = 0; i < j->n_findings; i++) {
    j->n_errors += j->findings[i].level == LEVEL_ERROR;
    j->n_warnings += j->findings[i].level == LEVEL_WARNING;
    j->n_undecided += j->findings[i].is_undecided;
  }
}

lt_status judgement_make(const struct model *m, const struct budget *budget,
                         struct judgement *j) {
  size_t most = m->n_stalls + m->n_blocking;
  memset(j, 0, sizeof *j);
  j->findings = calloc(most ? most : 1, sizeof *j->findings);
  if (!j->findings)
    return LT_NOMEM;
  collect(m, budget, j);
  group(j);
  measure_longest(m, budget, j);
  bool is_open = find_reasons(m, budget, j);
  bool is_proven = (budget->fail_on != LEVEL_NOTE && j->n_errors) ||
                   (budget->fail_on == LEVEL_WARNING && j->n_warnings);
  if (j->n_undecided && budget->fail_on != LEVEL_NOTE && !is_proven) {
    is_open = true;
    reason(j, "%llu stalls may have been the machine's doing or the program's",
           (unsigned long long)j->n_undecided);
  }
  j->verdict = is_proven ? VERDICT_FAIL
               : is_open ? VERDICT_INCONCLUSIVE
                         : VERDICT_PASS;
  j->exit_code = is_proven ? EXIT_FINDINGS
                 : is_open ? EXIT_NO_VERDICT
                           : EXIT_OK;
  return LT_OK;
}

void judgement_free(struct judgement *j) {
  free(j->findings);
  j->findings = NULL;
}

const char *finding_level_name(enum finding_level level) {
  return level == LEVEL_ERROR     ? "error"
         : level == LEVEL_WARNING ? "warning"
                                  : "note";
}
