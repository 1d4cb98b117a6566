/* Findings: what a stall, a call or a limit is called, where it is, and which
 * are the same.
 *
 * Invariant: a fingerprint holds no address, no line and no time.  Called by
 * judgement.c; the viewer and report ask for the callee of a stall. */
#include "model/finding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/build.h"

/* A callback that ran for so long to the end of the trace. */
#define NEVER_NS 1000000000

#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)

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
  const struct model_call_sum *best = NULL;
  for (size_t i = 0; i < s->n_sums; i++)
    if (s->sums[i].ns > (best ? best->ns : 0))
      best = &s->sums[i];
  bool is_blocked = strcmp(model_cause_word(&s->cause), "blocked") == 0;
  bool is_calls = best && (s->calls_ns >= s->duration_ns / 2 ||
                           (is_blocked && s->calls_ns > s->cause.cpu));
  if (longest)
    *longest = is_calls ? &best->longest : NULL;
  if (ns)
    *ns = is_calls ? best->ns : 0;
  return is_calls ? best->longest.callee : 0;
}

int64_t finding_callee_cpu(const struct model_stall *s) {
  const struct model_call *longest;
  int64_t in_calls;
  if (!finding_callee(s, &longest, &in_calls) || longest->is_sampled)
    return 0;
  int64_t beside = in_calls < s->duration_ns ? s->duration_ns - in_calls : 0;
  int64_t inside = s->cause.cpu - beside;
  bool is_much = s->cause.cpu >= s->duration_ns / 10;
  return is_much && inside >= s->cause.cpu / 4 && inside > 0 ? inside : 0;
}

/* The program's own function made at run time, where most looks found it in
 * one; else the one of the stack that is shown. */
static uint32_t made_site(const struct model *m, const struct model_stall *s) {
  const lt_site_def *seen = model_site(m, s->seen_in);
  return seen && !seen->module && seen->file && seen->file[0] == '/'
             ? s->seen_in
             : seen_made(m, model_stack(m, s->stack), 0);
}

uint32_t finding_place(const struct model *m, const struct model_stall *s) {
  const struct model_call *call;
  uint32_t made = made_site(m, s);
  if (made)
    return made;
  if (!finding_callee(s, &call, NULL) || call->site == 0)
    return s->site ? s->site : s->seen_in;
  const lt_site_def *site = model_site(m, call->site);
  const lt_site_def *own = model_site(m, s->site);
  bool is_better = site && (site->function || !own || !own->function);
  return is_better ? call->site : s->site;
}

uint64_t finding_place_key(const struct model *m, const struct model_stall *s) {
  uint32_t site = finding_place(m, s);
  return site ? hash_site(HASH_BEGIN, m, site) : 0;
}

uint32_t finding_place_inside(const struct model *m,
                              const struct model_stall *s) {
  uint32_t place = finding_place(m, s);
  bool is_it = s->kind == MODEL_STALL_SLICE &&
               model_is_same_function(m, place, s->site);
  return is_it ? 0 : place;
}

uint32_t finding_place_of_call(const struct model *m, unsigned callee,
                               uint32_t site, int64_t duration_ns) {
  const struct model_call *call;
  for (size_t i = 0; callee && i < m->n_stalls; i++) {
    const struct model_stall *s = &m->stalls[i];
    if (s->duration_ns < duration_ns ||
        finding_callee(s, &call, NULL) != callee || call->site != site ||
        call->duration_ns != duration_ns)
      continue;
    uint32_t place = finding_place(m, s);
    return model_is_same_function(m, place, site) ? 0 : place;
  }
  return 0;
}

const char *finding_loop(const struct model *m, const struct finding *f) {
  return f->loop < m->n_loops ? m->loops[f->loop].name : "";
}

static void set_fingerprint(const struct model *m, struct finding *f) {
  char name[128];
  uint64_t h = HASH_BEGIN;
  h = hash_text(h, f->rule);
  h = hash_text(h, finding_loop(m, f));
  if (f->stall) {
    h = hash_text(h, model_stall_kind_name(f->stall->kind));
    h = hash_text(h, lt_task_kind_name(f->stall->slice_kind));
    h = hash_site(h, m, f->stall->site);
  }
  if (f->trouble) {
    h = hash_text(h, lt_task_kind_name(f->trouble->task_kind));
    h = hash_site(h, m, f->trouble->site);
    h = hash_site(h, m, f->trouble->spawn_site);
  }
  if (f->limit && f->limit->limit.over_ns) {
    snprintf(name, sizeof name, "%lld", (long long)f->limit->limit.over_ns);
    h = hash_text(h, name);
  }
  h = hash_site(h, m, f->site);
  if (f->callee)
    h = hash_text(h, model_callee_name(m, f->callee, name, sizeof name));
  f->fingerprint = h;
}

/* It had not come back when the recording ended, and that was no accident. */
static bool never_yields(const struct model_stall *s) {
  return s->kind == MODEL_STALL_SLICE && s->unfinished &&
         s->duration_ns >= NEVER_NS;
}

const char *finding_rule(const struct model_stall *s) {
  bool is_sum = s->kind == MODEL_STALL_TURN && !s->is_unseen;
  return is_sum ? "long-turn" : never_yields(s) ? "never-yields" : "stall";
}

struct finding finding_of_stall(const struct model *m,
                                const struct budget *budget,
                                const struct model_stall *s) {
  struct finding f = {.rule = finding_rule(s),
                      .stall = s,
                      .budget_ns =
                          budget_max_stall(budget, m->loops[s->loop].name),
                      .begin_ns = s->begin_ns,
                      .duration_ns = s->duration_ns,
                      .loop = s->loop,
                      .count = 1};
  f.callee = finding_callee(s, &f.call, &f.callee_ns);
  f.site = finding_place(m, s);
  set_fingerprint(m, &f);
  return f;
}

struct finding finding_of_blocking(const struct model *m,
                                   const struct budget *budget,
                                   const struct model_blocking *call) {
  struct finding f = {.rule = "blocking-call",
                      .blocking = call,
                      .budget_ns =
                          budget_max_stall(budget, m->loops[call->loop].name),
                      .begin_ns = call->call.begin_ns,
                      .duration_ns = call->call.duration_ns,
                      .loop = call->loop,
                      .site = call->call.site,
                      .callee = call->call.callee,
                      .call = &call->call,
                      .callee_ns = call->call.duration_ns,
                      .count = 1};
  f.level = f.duration_ns > f.budget_ns ? LEVEL_ERROR : LEVEL_WARNING;
  set_fingerprint(m, &f);
  return f;
}

struct finding finding_of_caller(const struct model *m,
                                 const struct model_caller *c) {
  struct finding f = {.rule = "blocking-call",
                      .level = LEVEL_ERROR,
                      .caller = c,
                      .begin_ns = c->worst.begin_ns,
                      .duration_ns = c->max_ns,
                      .loop = c->loop,
                      .site = c->site,
                      .callee = c->callee,
                      .call = &c->worst,
                      .callee_ns = c->total_ns,
                      .count = 1};
  set_fingerprint(m, &f);
  return f;
}

struct finding finding_of_limit(const struct model *m,
                                const struct limit_result *r) {
  struct finding f = {.rule = limit_rule(r->limit.kind),
                      .level = LEVEL_ERROR,
                      .limit = r,
                      .loop = r->loop,
                      .count = 1};
  set_fingerprint(m, &f);
  return f;
}

struct finding finding_of_trouble(const struct model *m,
                                  const struct model_trouble *t) {
  bool is_made = t->kind == MODEL_HANDLE_LEAK ||
                 t->kind == MODEL_NEVER_CLOSED ||
                 t->kind == MODEL_NEVER_FINISHED;
  struct finding f = {
      .rule = model_trouble_rule(t->kind),
      .level = t->kind == MODEL_AWAIT_CYCLE ? LEVEL_ERROR : LEVEL_WARNING,
      .trouble = t,
      .begin_ns = t->at_ns > 0 ? t->at_ns : 0,
      .duration_ns = t->worst_ns,
      .loop = t->loop,
      .site = is_made && t->spawn_site ? t->spawn_site : t->site,
      .count = 1};
  set_fingerprint(m, &f);
  return f;
}

/* Worse: new, then a higher level, then an undecided one, then longer. */
static bool is_worse(const struct finding *a, const struct finding *b) {
  if (a->state != b->state)
    return a->state < b->state;
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
  if (x->state != y->state)
    return x->state < y->state ? -1 : 1;
  return (x->begin_ns > y->begin_ns) - (x->begin_ns < y->begin_ns);
}

size_t findings_group(struct finding *findings, size_t n_findings) {
  size_t n = 0;
  qsort(findings, n_findings, sizeof *findings, by_fingerprint);
  for (size_t i = 0; i < n_findings; i++) {
    struct finding f = findings[i];
    f.durations[f.n_durations++] = f.duration_ns;
    if (n == 0 || findings[n - 1].fingerprint != f.fingerprint ||
        findings[n - 1].state != f.state) {
      findings[n++] = f;
      continue;
    }
    struct finding *into = &findings[n - 1];
    struct finding both = is_worse(&f, into) ? f : *into;
    both.count = into->count + f.count;
    both.n_undecided = into->n_undecided + f.n_undecided;
    both.n_durations = into->n_durations;
    memcpy(both.durations, into->durations, sizeof both.durations);
    if (both.n_durations < FINDING_OTHERS_MAX)
      both.durations[both.n_durations++] = f.duration_ns;
    *into = both;
  }
  findings_sort(findings, n);
  return n;
}

void findings_sort(struct finding *findings, size_t n) {
  qsort(findings, n, sizeof *findings, worst_first);
}

const char *finding_state_name(enum finding_state state) {
  return state == FINDING_NEW     ? "new"
         : state == FINDING_KNOWN ? "known"
                                  : "muted";
}

const char *finding_level_name(enum finding_level level) {
  return level == LEVEL_ERROR     ? "error"
         : level == LEVEL_WARNING ? "warning"
                                  : "note";
}
