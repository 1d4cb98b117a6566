/* Totals of a trace as OpenMetrics text: for Prometheus's textfile collector or
 * a push gateway, and readable as Prometheus's older format, too.
 *
 * A finished trace does not count on, so its totals are gauges.
 *
 * Invariant: base units (seconds), samples of one metric stand together, label
 * values are inert and quoted.  Called by cmd_export.c. */
#include <inttypes.h>

#include "output/export.h"
#include "output/inert.h"
#include "output/json.h"

#define SITES_MAX 100 /* rows of callbacks, and of calls */

static void metric(FILE *file, const char *name, const char *type,
                   const char *help) {
  fprintf(file, "# HELP looptrace_%s %s\n# TYPE looptrace_%s %s\n", name, help,
          name, type);
}

/* Labels are escaped as in JSON: \\ and \" (an inert text has no newline). */
static void label(FILE *file, const char *lead, const char *key,
                  const char *value) {
  fprintf(file, "%s%s=", lead, key);
  json_quote_inert(file, value);
}

static void seconds(FILE *file, int64_t ns) {
  fprintf(file, " %.9g\n", (double)ns / 1e9);
}

static void about(struct export *x) {
  const lt_info *info = x->model->info;
  char text[256];
  metric(x->file, "trace_info", "gauge", "The trace; its value is always 1.");
  fputs("looptrace_trace_info", x->file);
  label(x->file, "{", "comm", inert(info->comm, text, sizeof text));
  label(x->file, ",", "recorder", inert(info->recorder, text, sizeof text));
  label(x->file, ",", "libuv", inert(info->uv_version, text, sizeof text));
  fprintf(x->file, ",pid=\"%d\"} 1\n", (int)info->pid);
  metric(x->file, "trace_duration_seconds", "gauge", "Length of the trace.");
  fputs("looptrace_trace_duration_seconds", x->file);
  seconds(x->file, info->end_ns - info->begin_ns);
  metric(x->file, "trace_complete", "gauge", "1 where nothing is missing.");
  fprintf(x->file, "looptrace_trace_complete %d\n", info->complete);
  metric(x->file, "trace_events", "gauge", "Events in the trace.");
  fprintf(x->file, "looptrace_trace_events %" PRIu64 "\n", info->n_events);
  metric(x->file, "trace_lost_events", "gauge", "Events that are missing.");
  fprintf(x->file, "looptrace_trace_lost_events %" PRIu64 "\n",
          x->model->n_lost);
  metric(x->file, "tasks_alive", "gauge", "Tasks alive at the trace's end.");
  fprintf(x->file, "looptrace_tasks_alive %" PRIu64 "\n",
          x->model->n_tasks_live);
}

static void counts(struct export *x) {
#define COUNT_MAP(X)                                                           \
  X(turns, turns, "Turns of the loop.")                                        \
  X(callbacks, slices, "Callbacks that it ran.")                               \
  X(blocking_calls, calls, "Blocking calls made on it.")                       \
  X(stalls, stalls,                                                            \
    "Callbacks, turns and gaps between runs, 50 ms or longer.")                \
  X(late_timers, timers_late, "Timers that ran 1 ms or more too late.")
#define COUNT_METRIC(word, member, help)                                       \
  metric(x->file, "loop_" #word, "gauge", help);                               \
  for (size_t i = 0; i < x->model->n_loops; i++) {                             \
    label(x->file, "looptrace_loop_" #word "{", "loop",                        \
          x->model->loops[i].name);                                            \
    fprintf(x->file, "} %" PRIu64 "\n", x->model->loops[i].member);            \
  }
  COUNT_MAP(COUNT_METRIC)
}

static void times(struct export *x) {
#define TIME_MAP(X)                                                            \
  X(busy, busy_ns, "Time out of the poll.")                                    \
  X(poll, poll_ns, "Time in the poll.")                                        \
  X(gap, gap_ns, "Time between runs of the loop.")                             \
  X(blocked, blocked_ns, "Time in blocking calls.")                            \
  X(worst_late, worst_late_ns, "What the latest timer was late by.")
#define TIME_METRIC(word, member, help)                                        \
  metric(x->file, "loop_" #word "_seconds", "gauge", help);                    \
  for (size_t i = 0; i < x->model->n_loops; i++) {                             \
    label(x->file, "looptrace_loop_" #word "_seconds{", "loop",                \
          x->model->loops[i].name);                                            \
    putc('}', x->file);                                                        \
    seconds(x->file, x->model->loops[i].member);                               \
  }
  TIME_MAP(TIME_METRIC)
}

static void stall_causes(struct export *x) {
  static const char *const words[] = {"cpu",     "blocked",   "paging",
                                      "starved", "suspended", "unknown"};
  const struct model *m = x->model;
  metric(x->file, "stall_seconds", "gauge",
         "Time in stalls of 50 ms or longer, by loop and cause.");
  for (uint32_t loop = 0; loop < m->n_loops; loop++) {
    int64_t sums[6] = {0};
    for (size_t i = 0; i < m->n_stalls; i++) {
      const struct model_cause *c = &m->stalls[i].cause;
      const int64_t parts[] = {c->cpu,     c->blocked,   c->paging,
                               c->starved, c->suspended, c->unknown};
      for (int k = 0; k < 6 && m->stalls[i].loop == loop; k++)
        sums[k] += parts[k];
    }
    for (int k = 0; k < 6; k++) {
      label(x->file, "looptrace_stall_seconds{", "loop", m->loops[loop].name);
      label(x->file, ",", "cause", words[k]);
      putc('}', x->file);
      seconds(x->file, sums[k]);
    }
  }
}

static void turn_histogram(struct export *x) {
  static const int64_t edges_us[] = {100,   1000,   5000,   10000,  25000,
                                     50000, 100000, 250000, 1000000};
  const struct model *m = x->model;
  metric(x->file, "loop_turn_seconds", "histogram", "How long turns took.");
  for (size_t i = 0; i < m->n_loops; i++) {
    const struct model_histogram *h = &m->loops[i].turn;
    for (size_t k = 0; k < sizeof edges_us / sizeof *edges_us; k++) {
      label(x->file, "looptrace_loop_turn_seconds_bucket{", "loop",
            m->loops[i].name);
      fprintf(x->file, ",le=\"%.9g\"} %" PRIu64 "\n", (double)edges_us[k] / 1e6,
              model_histogram_below(h, edges_us[k] * 1000));
    }
    label(x->file, "looptrace_loop_turn_seconds_bucket{", "loop",
          m->loops[i].name);
    fprintf(x->file, ",le=\"+Inf\"} %" PRIu64 "\n", h->n);
    label(x->file, "looptrace_loop_turn_seconds_sum{", "loop",
          m->loops[i].name);
    putc('}', x->file);
    seconds(x->file, h->sum_ns);
    label(x->file, "looptrace_loop_turn_seconds_count{", "loop",
          m->loops[i].name);
    fprintf(x->file, "} %" PRIu64 "\n", h->n);
  }
}

enum measure { COUNT, TOTAL, LONGEST };

static void site_rows(struct export *x, const char *name, bool is_call,
                      enum measure measure) {
  const struct model *m = x->model;
  unsigned shown = 0;
  for (size_t i = 0; i < m->n_sites && shown < SITES_MAX; i++) {
    const struct model_site *s = &m->sites[i];
    if (s->is_call != is_call)
      continue;
    shown++;
    fprintf(x->file, "looptrace_%s{id=\"%u\"", name, (unsigned)i);
    label(x->file, ",", is_call ? "call" : "kind",
          is_call ? export_callee(x, s->kind) : lt_task_kind_name(s->kind));
    label(x->file, ",", "site", export_site_long(x, s->site));
    putc('}', x->file);
    if (measure == COUNT)
      fprintf(x->file, " %" PRIu64 "\n", s->count);
    else
      seconds(x->file, measure == TOTAL ? s->total_ns : s->max_ns);
  }
}

static lt_status write_openmetrics(struct export *x) {
  about(x);
  counts(x);
  times(x);
  stall_causes(x);
  turn_histogram(x);
  metric(x->file, "callbacks", "gauge", "Callbacks, by function and kind.");
  site_rows(x, "callbacks", false, COUNT);
  metric(x->file, "callback_seconds", "gauge", "Time in them.");
  site_rows(x, "callback_seconds", false, TOTAL);
  metric(x->file, "callback_longest_seconds", "gauge", "The longest of them.");
  site_rows(x, "callback_longest_seconds", false, LONGEST);
  metric(x->file, "blocking_calls", "gauge", "Blocking calls, by place.");
  site_rows(x, "blocking_calls", true, COUNT);
  metric(x->file, "blocking_call_seconds", "gauge", "Time in them.");
  site_rows(x, "blocking_call_seconds", true, TOTAL);
  fputs("# EOF\n", x->file);
  return LT_OK;
}

const struct export_format export_openmetrics = {
    .write = write_openmetrics,
};
