/* Parts of a report that are the same in text, Markdown and HTML: where time
 * went by loop or by task, percentiles, waits that could have been one, and
 * what is alive at the end.
 *
 * Invariant: nothing is printed where there is nothing to tell.  Called by
 * report_text.c, report_markdown.c, report_html.c and report_json.c. */
#include <inttypes.h>
#include <stdlib.h>

#include "output/inert.h"
#include "output/place.h"
#include "output/report.h"
#include "output/table.h"
#include "output/units.h"

#define COLUMNS(array) array, sizeof array / sizeof *array

static int64_t sort_key(const struct model_site *s, enum report_sort sort) {
  switch (sort) {
  case REPORT_SELF:
    return s->self_ns;
  case REPORT_COUNT:
    return (int64_t)s->count;
  case REPORT_P99:
    return model_histogram_percentile(s->time, 99);
  case REPORT_LONGEST:
    return s->max_ns;
  default:
    return s->total_ns;
  }
}

const char *report_sort_words(enum report_sort sort) {
  static const char *const words[] = {"total time", "own time", "count",
                                      "99th percentile", "longest"};
  return words[sort];
}

struct sorted {
  int64_t key;
  const struct model_site *site;
};

static int most_first(const void *a, const void *b) {
  const struct sorted *x = a, *y = b;
  if (x->key != y->key)
    return x->key < y->key ? 1 : -1;
  return (x->site > y->site) - (x->site < y->site);
}

const struct model_site **report_sites(const struct model *m, bool is_call,
                                       const struct report_how *how,
                                       size_t *n) {
  struct sorted *rows = calloc(m->n_sites + 1, sizeof *rows);
  const struct model_site **sites = calloc(how->top + 1, sizeof(*sites));
  size_t n_rows = 0;
  for (size_t i = 0; rows && i < m->n_sites; i++)
    if (m->sites[i].is_call == is_call)
      rows[n_rows++] =
          (struct sorted){sort_key(&m->sites[i], how->sort), &m->sites[i]};
  *n = rows && sites ? n_rows < how->top ? n_rows : how->top : 0;
  if (rows)
    qsort(rows, n_rows, sizeof *rows, most_first);
  for (size_t i = 0; i < *n; i++)
    sites[i] = rows[i].site;
  free(rows);
  return sites;
}

static void percentile_row(struct table *t, const struct model_histogram *h,
                           const char *name) {
  static const double shares[] = {50, 75, 90, 99, 99.9};
  units_buf u;
  table_cell(t, units_count(u, h->n));
  for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
    table_cell(t, units_ns(u, model_histogram_percentile(h, shares[i])));
  table_cell(t, units_ns(u, h->max_ns));
  table_cell(t, name);
}

static void percentiles(FILE *file, enum table_style style,
                        const struct model *m, const struct report_how *how) {
  static const struct table_column columns[] = {
      {"count", 9}, {"p50", 9},   {"p75", 9},     {"p90", 9},
      {"p99", 9},   {"p99.9", 9}, {"longest", 9}, {"of", -1}};
  struct table t;
  char name[600], text[700];
  table_begin(&t, file, style, "Percentiles", COLUMNS(columns));
  for (size_t i = 0; i < m->n_loops; i++) {
    snprintf(text, sizeof text, "turns of %s", m->loops[i].name);
    percentile_row(&t, &m->loops[i].turn, text);
  }
  percentile_row(&t, &m->callbacks, "all callbacks");
  for (int is_call = 0; is_call < 2; is_call++) {
    size_t n;
    const struct model_site **sites = report_sites(m, is_call, how, &n);
    for (size_t i = 0; i < n; i++) {
      const struct model_site *s = sites[i];
      char callee[128];
      snprintf(text, sizeof text, is_call ? "%s in %s" : "%s %s",
               is_call ? model_callee_name(m, s->kind, callee, sizeof callee)
                       : lt_task_kind_name(s->kind),
               model_site_name(m, s->site, name, sizeof name));
      percentile_row(&t, s->time, text);
    }
    free(sites);
  }
  table_end(&t);
}

static void by_loop(FILE *file, enum table_style style, const struct model *m) {
  static const struct table_column columns[] = {
      {"busy", 9},      {"blocked", 9}, {"no CPU", 9}, {"idle", 9},
      {"callbacks", 9}, {"calls", 9},   {"stalls", 7}, {"loop", -1}};
  struct table t;
  units_buf u;
  table_begin(&t, file, style, "Time by loop", COLUMNS(columns));
  for (size_t i = 0; i < m->n_loops; i++) {
    const struct model_loop *l = &m->loops[i];
    table_cell(&t, units_ns(u, l->busy_ns));
    table_cell(&t, units_ns(u, l->blocked_ns));
    table_cell(&t, l->has_starved
                       ? units_ns(u, l->starved_ns < l->busy_ns ? l->starved_ns
                                                                : l->busy_ns)
                       : "unknown");
    table_cell(&t, units_ns(u, l->poll_ns));
    table_cell(&t, l->is_unseen ? "not seen" : units_count(u, l->slices));
    table_cell(&t, units_count(u, l->calls));
    table_cell(&t, units_count(u, l->stalls));
    table_cell(&t, l->name);
  }
  table_end(&t);
}

static int64_t task_key(const struct census_task *t, enum report_sort sort) {
  return sort == REPORT_COUNT     ? (int64_t)t->n_runs
         : sort == REPORT_LONGEST ? t->longest_ns
         : sort == REPORT_SELF    ? t->run_ns - t->blocked_ns
                                  : t->run_ns;
}

struct sorted_task {
  int64_t key;
  const struct census_task *task;
};

static int busiest_first(const void *a, const void *b) {
  const struct sorted_task *x = a, *y = b;
  if (x->key != y->key)
    return x->key < y->key ? 1 : -1;
  return (x->task->id > y->task->id) - (x->task->id < y->task->id);
}

/* Returns: to be freed; NULL where there are none. */
static struct sorted_task *sorted_tasks(const struct report_how *how,
                                        size_t *n) {
  const struct census_task *all = census_tasks(how->census, n);
  struct sorted_task *rows = *n ? calloc(*n, sizeof *rows) : NULL;
  for (size_t i = 0; rows && i < *n; i++)
    rows[i] = (struct sorted_task){task_key(&all[i], how->sort), &all[i]};
  if (rows)
    qsort(rows, *n, sizeof *rows, busiest_first);
  *n = !rows ? 0 : *n < how->top ? *n : how->top;
  return rows;
}

const char *report_task_name(const struct model *m,
                             const struct census_task *task, char *buf,
                             size_t size) {
  char site[600], label[300] = "";
  const char *raw =
      task->label ? lt_reader_string(m->reader, task->label) : NULL;
  if (raw)
    inert(raw, label, sizeof label);
  snprintf(buf, size, "#%" PRIu64 " %s%s%s%s %s", task->id,
           lt_task_kind_name(task->kind), raw ? " \"" : "", label,
           raw ? "\"" : "", model_site_name(m, task->site, site, sizeof site));
  return buf;
}

static bool is_pool_unseen(const struct census_task *task) {
  return model_is_pool_unseen(task->kind) && task->pool_ns == 0;
}

static void by_task(FILE *file, enum table_style style, const struct model *m,
                    const struct report_how *how) {
  static const struct table_column columns[] = {
      {"ran", 9},  {"blocked", 9}, {"ready", 9}, {"in pool", 9},
      {"runs", 7}, {"longest", 9}, {"task", -1}};
  struct table t;
  units_buf u;
  char name[1000];
  size_t n;
  struct sorted_task *rows = sorted_tasks(how, &n);
  if (!rows)
    return;
  table_begin(&t, file, style, "Time by task", COLUMNS(columns));
  for (size_t i = 0; i < n; i++) {
    const struct census_task *task = rows[i].task;
    table_cell(&t, units_ns(u, task->run_ns));
    table_cell(&t, units_ns(u, task->blocked_ns));
    table_cell(&t, units_ns(u, task->ready_ns));
    table_cell(&t, is_pool_unseen(task) ? "not seen"
                                        : units_ns(u, task->pool_ns));
    table_cell(&t, units_count(u, task->n_runs));
    table_cell(&t, units_ns(u, task->longest_ns));
    table_cell(&t, report_task_name(m, task, name, sizeof name));
  }
  table_end(&t);
  free(rows);
}

static void gathers(FILE *file, enum table_style style, const struct model *m,
                    size_t top) {
  static const struct table_column columns[] = {
      {"saved", 9}, {"times", 8}, {"awaited", 9}, {"at", 11}, {"task", -1}};
  struct table t;
  char name[600], text[700];
  units_buf u;
  if (m->n_gathers == 0)
    return;
  table_begin(&t, file, style,
              "Waits one after the other: awaited together (lt_gather) they "
              "could save up to",
              COLUMNS(columns));
  for (size_t i = 0; i < m->n_gathers && i < top; i++) {
    const struct model_gather *g = &m->gathers[i];
    table_cell(&t, units_ns(u, g->saved_ns));
    table_cell(&t, units_count(u, g->times));
    table_cell(&t, units_count(u, g->n));
    table_cell(&t, units_at(u, g->begin_ns));
    snprintf(text, sizeof text, "#%" PRIu64 " %s", g->task,
             model_site_name(m, g->site, name, sizeof name));
    table_cell(&t, text);
  }
  table_end(&t);
}

static void lives(FILE *file, enum table_style style, const struct model *m,
                  size_t top) {
  static const struct table_column columns[] = {
      {"alive", 10}, {"made", 9}, {"kind", -14}, {"function", -1}};
  struct table t;
  char name[600], made[600], text[1300];
  units_buf u;
  if (m->n_lives == 0 || m->lives[0].alive == 0)
    return;
  table_begin(&t, file, style, "Alive at the end", COLUMNS(columns));
  for (size_t i = 0; i < m->n_lives && i < top && m->lives[i].alive; i++) {
    const struct model_live *l = &m->lives[i];
    table_cell(&t, units_count(u, l->alive));
    table_cell(&t, units_count(u, l->made));
    table_cell(&t, lt_task_kind_name(l->kind));
    snprintf(text, sizeof text, "%s%s%s",
             model_site_name(m, l->site, name, sizeof name),
             l->spawn_site ? ", made in " : "",
             l->spawn_site
                 ? model_site_name(m, l->spawn_site, made, sizeof made)
                 : "");
    table_cell(&t, text);
  }
  table_end(&t);
}

void report_by(FILE *file, enum table_style style, const struct model *m,
               const struct report_how *how) {
  if (how->group == REPORT_BY_LOOP)
    by_loop(file, style, m);
  else if (how->group == REPORT_BY_TASK)
    by_task(file, style, m, how);
}

void report_more(FILE *file, enum table_style style, const struct model *m,
                 const struct report_how *how) {
  if (how->has_percentiles)
    percentiles(file, style, m, how);
  gathers(file, style, m, how->top);
  lives(file, style, m, how->top);
}

void report_by_task_json(struct json *json, const struct model *m,
                         const struct report_how *how) {
  size_t n;
  struct sorted_task *rows = sorted_tasks(how, &n);
  json_array(json, "by_task");
  for (size_t i = 0; i < n; i++) {
    const struct census_task *task = rows[i].task;
    json_object(json, NULL);
    json_uint(json, "task", task->id);
    json_text(json, "kind", lt_task_kind_name(task->kind));
    if (task->label)
      json_text(json, "label", lt_reader_string(m->reader, task->label));
    place_json(json, "site", m, task->site);
    json_int(json, "run_ns", task->run_ns);
    json_int(json, "blocked_ns", task->blocked_ns);
    json_int(json, "ready_ns", task->ready_ns);
    json_int(json, "pool_ns", task->pool_ns);
    json_bool(json, "pool_seen", !is_pool_unseen(task));
    json_uint(json, "runs", task->n_runs);
    json_int(json, "longest_ns", task->longest_ns);
    json_object_end(json);
  }
  json_array_end(json);
  free(rows);
}
