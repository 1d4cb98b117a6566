/* The JSON form of check, schema looptrace.check/1: members may be added, never
 * changed.  Times are integers in ns.  Called by cmd_check.c. */
#include <inttypes.h>

#include "model/advice.h"
#include "output/check_json.h"
#include "output/place.h"
#include "output/say.h"

static void ancestry(struct json *json, const struct model *m,
                     const struct model_stall *s) {
  json_array(json, "ancestry");
  for (size_t i = 0; i < s->n_ancestors; i++) {
    const struct model_ancestor *a = &s->ancestors[i];
    json_object(json, NULL);
    json_uint(json, "task", a->task);
    json_text(json, "kind", lt_task_kind_name(a->kind));
    json_text(json, "label", a->label);
    json_int(json, "spawn_ns", a->spawn_ns);
    place_json(json, "site", m, a->site);
    place_json(json, "spawn_site", m, a->spawn_site);
    json_uint(json, "awaited_by", a->awaiter);
    place_json(json, "await_site", m, a->await_site);
    json_object_end(json);
  }
  json_array_end(json);
}

static void samples(struct json *json, const struct model *m,
                    const struct model_stall *s) {
  char text[320];
  stack_json(json, "stack", m, s->stack);
  json_array(json, "samples");
  for (size_t i = 0; i < s->n_samples; i++) {
    const struct model_sample *at = &s->samples[i];
    const struct model_call call = {
        .callee = at->callee,
        .ref = at->ref,
        .on_name = at->on_name,
        .is_self = at->is_self};
    char state[2] = {at->state > ' ' && at->state < 127 ? at->state : '?', 0};
    json_object(json, NULL);
    json_int(json, "at_ns", at->time_ns);
    json_text(json, "state", state);
    json_text(json, "call",
              at->callee ? model_callee_name(m, at->callee, text, sizeof text)
                         : NULL);
    model_call_on(m, &call, text, sizeof text);
    if (*text)
      json_inert(json, "on", text);
    else
      json_null(json, "on");
    json_bool(json, "has_stack", at->stack != 0);
    json_object_end(json);
  }
  json_array_end(json);
}

/* What only a stall has. */
static void victim(struct json *json, const struct model *m,
                   const struct model_victim *v) {
  json_object(json, NULL);
  json_uint(json, "task", v->task);
  json_text(json, "kind", lt_task_kind_name(v->kind));
  place_json(json, "callback", m, v->site);
  json_int(json, "since_ns", v->since_ns);
  json_int(json, "delay_ns", v->delay_ns);
  json_object_end(json);
}

static void stall(struct json *json, const struct model *m,
                  const struct model_stall *s) {
  json_text(json, "stall_kind", model_stall_kind_name(s->kind));
  json_text(json, "kind",
            s->kind == MODEL_STALL_SLICE ? lt_task_kind_name(s->slice_kind)
                                         : NULL);
  json_uint(json, "task", s->task);
  json_uint(json, "turn", s->turn);
  json_uint(json, "callbacks", s->n_callbacks);
  json_bool(json, "callbacks_seen", !s->is_unseen);
  json_bool(json, "unfinished", s->unfinished);
  place_json(json, "callback", m, s->kind == MODEL_STALL_SLICE ? s->site : 0);
  json_int(json, "attributable_ns", model_attributable(&s->cause));
  cause_json(json, "cause", &s->cause);
  json_int(json, "calls_ns", s->calls_ns);
  json_uint(json, "calls_count", s->n_calls_all);
  if (s->n_others) {
    json_object(json, "calls_others");
    json_uint(json, "count", s->n_others);
    json_int(json, "ns", s->others_ns);
    json_object_end(json);
  }
  json_array(json, "calls");
  for (size_t i = 0; i < s->n_calls; i++)
    call_json(json, NULL, m, &s->calls[i]);
  json_array_end(json);
  samples(json, m, s);
  json_object(json, "cost");
  json_uint(json, "waited", s->n_waited);
  json_uint(json, "timers_late", s->n_late);
  json_int(json, "worst_late_ns", s->worst_late_ns);
  json_int(json, "blame_ns", s->blame_ns);
  json_uint(json, "victims_count", s->n_victims_all);
  json_array(json, "victims");
  for (size_t i = 0; i < s->n_victims; i++)
    victim(json, m, &s->victims[i]);
  json_array_end(json);
  json_object_end(json);
  ancestry(json, m, s);
}

/* Numbers of which each rule has some. */
static void trouble(struct json *json, const struct model *m,
                    const struct model_trouble *t) {
  json_object(json, "trouble");
  json_text(json, "kind", lt_task_kind_name(t->task_kind));
  json_uint(json, "task", t->task);
  place_json(json, "callback", m, t->site);
  place_json(json, "made_at", m, t->spawn_site);
  json_uint(json, "count", t->count);
  json_uint(json, "of", t->of);
  json_int(json, "worst_ns", t->worst_ns);
  json_int(json, "attributable_ns", t->own_ns);
  json_int(json, "period_ns", t->period_ns);
  place_json(json, "behind", m, t->behind);
  json_array(json, "alive_by_eighths");
  for (size_t i = 0; i < MODEL_LEVELS && t->kind == MODEL_HANDLE_LEAK; i++)
    json_uint(json, NULL, t->levels[i]);
  json_array_end(json);
  json_array(json, "cycle");
  for (size_t i = 0; i < t->n_cycle && i < MODEL_CYCLE_MAX; i++) {
    json_object(json, NULL);
    json_uint(json, "task", t->cycle[i]);
    place_json(json, "site", m, t->cycle_sites[i]);
    json_object_end(json);
  }
  json_array_end(json);
  json_object_end(json);
}

static void limit(struct json *json, const char *key, const struct model *m,
                  const struct limit_result *r) {
  char text[120];
  json_object(json, key);
  json_text(json, "budget", say_limit(&r->limit, text, sizeof text));
  json_text(json, "rule", limit_rule(r->limit.kind));
  json_text(json, "loop", r->loop < m->n_loops ? m->loops[r->loop].name : NULL);
  json_text(json, "unit",
            r->limit.kind == LIMIT_UTILIZATION ? "permille"
            : limit_is_time(r->limit.kind)     ? "ns"
                                               : "count");
  json_int(json, "limit", r->limit.value);
  json_int(json, "measured", r->measured);
  if (r->possible > r->measured)
    json_int(json, "measured_at_most", r->possible);
  json_text(json, "verdict", say_verdict(r->verdict));
  json_bool(json, "excused", r->is_excused);
  json_object_end(json);
}

void check_json_finding(struct json *json, const struct checked *trace,
                        const struct finding *f) {
  const struct model *m = trace->model;
  char text[128];
  json_object(json, NULL);
  json_text(json, "rule", f->rule);
  json_text(json, "level", finding_level_name(f->level));
  snprintf(text, sizeof text, "%016" PRIx64, f->fingerprint);
  json_text(json, "fingerprint", text);
  json_text(json, "trace", trace->path);
  if (f->loop < m->n_loops)
    json_text(json, "loop", m->loops[f->loop].name);
  else
    json_null(json, "loop");
  json_int(json, "start_ns", f->begin_ns);
  json_int(json, "duration_ns", f->duration_ns);
  json_bool(json, "undecided", f->is_undecided);
  json_uint(json, "count", f->count);
  json_array(json, "durations_ns");
  for (size_t i = 0; i < f->n_durations; i++)
    json_int(json, NULL, f->durations[i]);
  json_array_end(json);
  place_json(json, "site", m, f->site);
  json_text(json, "callee",
            f->callee ? model_callee_name(m, f->callee, text, sizeof text)
                      : NULL);
  json_int(json, "callee_ns", f->callee_ns);
  json_int(json, "callee_cpu_at_least_ns",
           f->stall ? finding_callee_cpu(f->stall) : 0);
  bool is_own = !(f->stall && f->stall->is_unseen) || advice_compute(m);
  json_text(json, "advice",
            f->callee && is_own ? advice_call(m, f->callee, f->call) : NULL);
  if (f->stall)
    stall(json, m, f->stall);
  if (f->caller) {
    json_uint(json, "calls_count", f->caller->count);
    json_int(json, "calls_ns", f->caller->total_ns);
  }
  if (f->limit)
    limit(json, "limit", m, f->limit);
  if (f->trouble)
    trouble(json, m, f->trouble);
  if (f->state == FINDING_MUTED)
    json_text(json, "muted_because", f->why);
  json_text(json, "state", finding_state_name(f->state));
  json_object_end(json);
}

static void one_trace(struct json *json, const struct checked *trace) {
  const struct judgement *j = &trace->judgement;
  char text[256];
  json_object(json, NULL);
  json_text(json, "path", trace->path);
  if (!trace->model) {
    json_text(json, "error", checked_problem(trace, text, sizeof text));
    json_object_end(json);
    return;
  }
  trace_json(json, "trace", trace->path, trace->model->info);
  json_text(json, "verdict", say_verdict(j->verdict));
  json_array(json, "reasons");
  for (size_t i = 0; i < j->n_reasons; i++)
    json_text(json, NULL, j->reasons[i]);
  json_array_end(json);
  json_uint(json, "errors", j->n_errors);
  json_uint(json, "warnings", j->n_warnings);
  json_uint(json, "notes", j->n_notes);
  json_uint(json, "muted", j->n_muted);
  json_uint(json, "known", j->n_known);
  json_uint(json, "warmup_left_out", j->n_warmup);
  json_int(json, "longest_ns", j->longest_ns);
  json_bool(json, "longest_is_bound", j->longest_is_bound);
  json_int(json, "longest_attributable_ns", j->longest_own_ns);
  json_array(json, "limits");
  for (size_t i = 0; i < j->n_limits; i++)
    limit(json, NULL, trace->model, &j->limits[i]);
  json_array_end(json);
  json_array(json, "loops");
  for (size_t i = 0; i < trace->model->n_loops; i++) {
    json_object(json, NULL);
    loop_json(json, &trace->model->loops[i]);
    json_object_end(json);
  }
  json_array_end(json);
  json_object_end(json);
}

void check_json(FILE *file, const struct check_result *result) {
  struct json json;
  json_init(&json, file);
  json_object(&json, NULL);
  json_text(&json, "schema", "looptrace.check/1");
  json_text(&json, "verdict", say_verdict(check_verdict(result)));
  json_int(&json, "exit_code", result->exit_code);
  if (result->has_command)
    json_int(&json, "command_status", result->command_status);
  else
    json_null(&json, "command_status");
  json_object(&json, "budget");
  json_int(&json, "max_stall_ns", result->budget->max_stall_ns);
  json_int(&json, "warmup_ns", result->budget->warmup_ns);
  json_object_end(&json);
  if (result->n_traces && result->traces[0].model)
    trace_json(&json, "trace", result->traces[0].path,
               result->traces[0].model->info);
  else
    json_null(&json, "trace");
  json_array(&json, "traces");
  for (size_t i = 0; i < result->n_traces; i++)
    one_trace(&json, &result->traces[i]);
  json_array_end(&json);
  json_array(&json, "findings");
  for (size_t i = 0; i < result->n_traces; i++)
    for (size_t k = 0; k < result->traces[i].judgement.n_findings; k++) {
      const struct finding *f = &result->traces[i].judgement.findings[k];
      if (f->state != FINDING_KNOWN || !result->is_new_only)
        check_json_finding(&json, &result->traces[i], f);
    }
  json_array_end(&json);
  json_array(&json, "notes");
  for (size_t i = 0; i < result->n_notes; i++)
    json_inert(&json, NULL, result->notes[i]);
  json_array_end(&json);
  json_object_end(&json);
}
