/* The JSON form of report, schema looptrace.report/1.  Times are integers in
 * ns.  Called by cmd_report.c. */
#include <stdlib.h>

#include "model/finding.h"
#include "output/place.h"
#include "output/report.h"

static void stalls(struct json *json, const struct model *m) {
  json_array(json, "stalls");
  for (size_t i = 0; i < m->n_stalls; i++) {
    const struct model_stall *s = &m->stalls[i];
    json_object(json, NULL);
    json_text(json, "stall_kind", model_stall_kind_name(s->kind));
    json_text(json, "kind", lt_task_kind_name(s->slice_kind));
    json_text(json, "loop", m->loops[s->loop].name);
    json_int(json, "start_ns", s->begin_ns);
    json_int(json, "duration_ns", s->duration_ns);
    json_bool(json, "unfinished", s->unfinished);
    place_json(json, "site", m, s->site);
    place_json(json, "place", m, finding_place(m, s));
    cause_json(json, "cause", &s->cause);
    json_array(json, "calls");
    for (size_t k = 0; k < s->n_calls; k++)
      call_json(json, NULL, m, &s->calls[k]);
    json_array_end(json);
    json_object_end(json);
  }
  json_array_end(json);
}

static void sites(struct json *json, const struct model *m,
                  const struct report_how *how, bool is_call) {
  size_t n;
  const struct model_site **rows = report_sites(m, is_call, how, &n);
  char callee[128];
  json_array(json, is_call ? "calls" : "callbacks");
  for (size_t i = 0; i < n; i++) {
    const struct model_site *s = rows[i];
    json_object(json, NULL);
    json_text(json, is_call ? "callee" : "kind",
              is_call ? model_callee_name(m, s->kind, callee, sizeof callee)
                      : lt_task_kind_name(s->kind));
    place_json(json, "site", m, s->site);
    json_uint(json, "count", s->count);
    json_int(json, "total_ns", s->total_ns);
    json_int(json, "self_ns", s->self_ns);
    json_int(json, "p50_ns", model_histogram_percentile(s->time, 50));
    json_int(json, "p90_ns", model_histogram_percentile(s->time, 90));
    json_int(json, "p99_ns", model_histogram_percentile(s->time, 99));
    json_int(json, "p999_ns", model_histogram_percentile(s->time, 99.9));
    json_int(json, "max_ns", s->max_ns);
    json_object_end(json);
  }
  json_array_end(json);
  free(rows);
}

static void times(struct json *json, const char *key,
                  const struct model_histogram *h) {
  json_object(json, key);
  json_uint(json, "count", h->n);
  json_int(json, "p50_ns", model_histogram_percentile(h, 50));
  json_int(json, "p99_ns", model_histogram_percentile(h, 99));
  json_int(json, "max_ns", h->max_ns);
  json_object_end(json);
}

static void pool(struct json *json, const struct model_pool *p) {
  json_object(json, "pool");
  json_uint(json, "jobs", p->jobs);
  json_uint(json, "workers", p->workers);
  json_uint(json, "peak", p->peak);
  json_int(json, "busy_ns", p->busy_ns);
  json_int(json, "saturated_ns", p->saturated_ns);
  times(json, "queue", &p->queue);
  times(json, "service", &p->service);
  times(json, "result", &p->result);
  json_object_end(json);
}

void report_json(FILE *file, const struct model *m,
                 const struct report_how *how) {
  struct json json;
  json_init(&json, file);
  json_object(&json, NULL);
  json_text(&json, "schema", "looptrace.report/1");
  trace_json(&json, "trace", how->path, m->info);
  json_array(&json, "loops");
  for (size_t i = 0; i < m->n_loops; i++) {
    json_object(&json, NULL);
    loop_json(&json, &m->loops[i]);
    json_ratio(&json, "busy_share",
               (double)m->loops[i].busy_ns /
                   (double)(m->loops[i].busy_ns + m->loops[i].poll_ns));
    json_object_end(&json);
  }
  json_array_end(&json);
  stalls(&json, m);
  sites(&json, m, how, false);
  sites(&json, m, how, true);
  if (how->group == REPORT_BY_TASK)
    report_by_task_json(&json, m, how);
  pool(&json, &m->pool);
  json_object(&json, "tasks");
  json_uint(&json, "seen", m->n_tasks);
  json_uint(&json, "unfinished", m->n_tasks_live);
  json_object_end(&json);
  report_tasks_json(&json, m, how->top);
  json_uint(&json, "unmeasured", m->n_unmeasured);
  json_array(&json, "notes");
  for (uint32_t i = 0; i < m->info->n_notes; i++)
    json_text(&json, NULL, lt_reader_note(m->reader, i));
  json_array_end(&json);
  json_object_end(&json);
}
