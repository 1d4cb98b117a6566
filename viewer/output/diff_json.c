/* The JSON form of diff, schema looptrace.diff/1.  Times are integers in ns.
 * Called by cmd_diff.c. */
#include "output/diff.h"
#include "output/place.h"

static void side(struct json *json, const char *key,
                 const struct diff_side *s) {
  json_object(json, key);
  json_uint(json, "count", s->count);
  json_ratio(json, "count_normalised", s->count_per);
  json_int(json, "total_ns", s->total_ns);
  json_ratio(json, "total_ns_normalised", s->total_per_ns);
  json_int(json, "p50_ns", model_histogram_percentile(&s->time, 50));
  json_int(json, "p99_ns", model_histogram_percentile(&s->time, 99));
  json_int(json, "max_ns", s->max_ns);
  json_object_end(json);
}

static void row(struct json *json, const struct diff_row *r) {
  json_object(json, NULL);
  json_inert(json, "function", r->name);
  json_inert(json, r->is_call ? "callee" : "kind", r->kind);
  json_text(json, "verdict", diff_verdict_name(r->verdict));
  json_bool(json, "regression", r->is_regression);
  if (r->ratio > 0)
    json_ratio(json, "ratio", r->ratio);
  else
    json_null(json, "ratio");
  json_text(json, "ratio_of", r->is_tail ? "p99" : "p50");
  json_ratio(json, "p", r->p);
  side(json, "a", &r->a);
  side(json, "b", &r->b);
  json_object_end(json);
}

void diff_json(FILE *file, const struct diff_page *page) {
  static const char *const units[] = {"count", "time", "none"};
  struct json json;
  json_init(&json, file);
  json_object(&json, NULL);
  json_text(&json, "schema", "looptrace.diff/1");
  trace_json(&json, "a", page->a_path, page->a->info);
  trace_json(&json, "b", page->b_path, page->b->info);
  json_text(&json, "normalize", units[page->options->unit]);
  json_ratio(&json, "threshold", page->options->threshold);
  json_uint(&json, "min_count", page->options->min_count);
  json_uint(&json, "regressions", page->diff->n_regressions);
  json_array(&json, "sites");
  for (size_t i = 0; i < page->diff->n_rows; i++)
    row(&json, &page->diff->rows[i]);
  json_array_end(&json);
  json_object_end(&json);
}
