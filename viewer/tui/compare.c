/* The comparison: reading A, making the rows, their order.
 *
 * Invariant: is_made only while both models are complete; rows do not point
 * into either.  Called by app.c, hits.c and view_compare.c. */
#include "tui/compare.h"

#include <stdlib.h>
#include <string.h>

#include "model/finding.h"
#include "output/inert.h"
#include "tui/app.h"

lt_status compare_open(struct app *app, const char *path) {
  struct compare *c = &app->compare;
  struct model *base = NULL;
  lt_status status = model_begin(path, NULL, &base);
  if (status != LT_OK)
    return status;
  compare_close(c);
  const char *slash = strrchr(path, '/');
  inert(slash && slash[1] ? slash + 1 : path, c->file, sizeof c->file);
  c->base = base;
  c->is_loading = true;
  return LT_OK;
}

static void forget(struct compare *c) {
  diff_free(&c->diff);
  free(c->is_new);
  c->is_new = NULL;
  c->n_new = 0;
  free(c->order);
  c->order = NULL;
  c->n_order = 0;
  c->is_made = false;
}

void compare_close(struct compare *c) {
  forget(c);
  model_close(c->base);
  *c = (struct compare){.sort = c->sort, .unit = c->unit};
}

bool compare_has_work(const struct app *app) {
  return app->compare.base && app->compare.is_loading &&
         app->compare.problem == LT_OK;
}

bool compare_work(struct app *app, uint64_t n_events) {
  struct compare *c = &app->compare;
  if (!compare_has_work(app))
    return false;
  lt_status status = model_step(c->base, n_events);
  if (status == LT_OK)
    return true;
  c->is_loading = status != LT_END;
  c->problem = status == LT_END ? LT_OK : status;
  compare_make(app);
  return false;
}

static int by_fingerprint(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static uint64_t fingerprint(const struct model *m, size_t stall) {
  const struct budget budget = {.max_stall_ns = MODEL_ERROR_NS};
  return finding_of_stall(m, &budget, &m->stalls[stall]).fingerprint;
}

/* As `check --baseline A` would tell them apart. */
static void find_new(struct compare *c, const struct model *b) {
  const struct model *a = c->base;
  uint64_t *known = calloc(a->n_stalls + 1, sizeof *known);
  c->is_new = calloc(b->n_stalls + 1, sizeof *c->is_new);
  for (size_t i = 0; known && i < a->n_stalls; i++)
    known[i] = fingerprint(a, i);
  if (known)
    qsort(known, a->n_stalls, sizeof *known, by_fingerprint);
  for (size_t i = 0; known && c->is_new && i < b->n_stalls; i++) {
    uint64_t key = fingerprint(b, i);
    c->is_new[i] = !bsearch(&key, known, a->n_stalls, sizeof key,
                            by_fingerprint);
    c->n_new += c->is_new[i];
  }
  free(known);
}

bool compare_is_new(const struct app *app, size_t stall) {
  return app->compare.is_new && app->compare.is_new[stall];
}

void compare_make(struct app *app) {
  struct compare *c = &app->compare;
  const struct diff_options options = {
      .threshold = 0.2, .min_count = 30, .unit = c->unit};
  if (!c->base || c->is_loading || app->is_loading)
    return;
  forget(c);
  c->problem = diff_make(c->base, app->model, &options, &c->diff);
  if (c->problem != LT_OK)
    return;
  find_new(c, app->model);
  c->order = calloc(c->diff.n_rows + 1, sizeof *c->order);
  c->is_made = c->order != NULL;
  if (!c->is_made)
    c->problem = LT_NOMEM;
  compare_order(app);
}

static const struct compare *sorting; /* qsort has no context */

static double value(const struct diff_row *r) {
  const struct diff_side *s = r->b.count ? &r->b : &r->a;
  switch (sorting->sort) {
  case COMPARE_TOTAL:
    return s->total_per_ns;
  case COMPARE_P99:
    return (double)model_histogram_percentile(&s->time, 99);
  case COMPARE_MAX:
    return (double)s->max_ns;
  case COMPARE_COUNT:
    return s->count_per;
  default:
    return 0; /* as they are */
  }
}

static int by_value(const void *a, const void *b) {
  size_t i = *(const size_t *)a, j = *(const size_t *)b;
  double x = value(&sorting->diff.rows[i]), y = value(&sorting->diff.rows[j]);
  int sign = sorting->is_inverted ? -1 : 1;
  if (x < y || x > y)
    return x < y ? sign : -sign;
  return i < j ? -sign : i > j ? sign : 0;
}

void compare_order(struct app *app) {
  struct compare *c = &app->compare;
  if (!c->is_made)
    return;
  size_t chosen = c->row < c->n_order ? c->order[c->row] : 0, n = 0;
  c->n_order = c->diff.n_rows;
  for (size_t i = 0; i < c->diff.n_rows; i++)
    c->order[i] = i;
  sorting = c;
  qsort(c->order, c->n_order, sizeof *c->order, by_value);
  for (size_t i = 0; i < c->diff.n_rows; i++)
    if (app->filter.n == 0 ||
        hits_row(app, &app->filter, &c->diff.rows[c->order[i]]))
      c->order[n++] = c->order[i];
  c->n_order = n;
  c->row = 0;
  for (size_t i = 0; i < n; i++)
    if (c->order[i] == chosen)
      c->row = i;
}

bool hits_row(const struct app *app, const struct filter *filter,
              const struct diff_row *r) {
  (void)app;
  return filter_match(
      filter,
      &(struct filter_thing){
          .duration_ns = r->b.max_ns > r->a.max_ns ? r->b.max_ns : r->a.max_ns,
          .kind = r->kind,
          .site = r->name,
          .name = diff_verdict_name(r->verdict),
          .rule = r->is_call ? "blocking-call" : NULL});
}

/* The names that diff gave the row, of a stall. */
static bool lies_in(const struct app *app, const struct model_stall *s,
                    const struct diff_row *row) {
  char name[256], kind[64];
  const struct model_call *call;
  unsigned callee = finding_callee(s, &call, NULL);
  if (row->is_call) {
    if (!callee || !call)
      return false;
    model_callee_name(app->model, callee, kind, sizeof kind);
    model_site_short(app->model, call->site, name, sizeof name);
  } else {
    snprintf(kind, sizeof kind, "%s", lt_task_kind_name(s->slice_kind));
    model_site_short(app->model, s->site, name, sizeof name);
  }
  return !strcmp(name, row->name) && !strcmp(kind, row->kind);
}

size_t compare_stall(const struct app *app, const struct diff_row *row) {
  size_t found = NO_STALL;
  for (size_t i = 0; i < app->model->n_stalls; i++) {
    size_t at = app->worst[i];
    if (found == NO_STALL && lies_in(app, &app->model->stalls[at], row))
      found = at;
  }
  return found;
}
