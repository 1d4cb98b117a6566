/* Two traces, site by site.
 *
 * Sites are matched by function and kind, so that a row survives edits and
 * another address.  What a call takes is compared, not what all took: how often
 * something happens depends on the load.
 *
 * Invariant: a difference is told only where it is as large as the threshold
 * and not by chance (p < 0.01).  Called by cmd_diff.c. */
#include "model/diff.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/build.h"

#define CHANCE 0.01

struct pair {
  struct diff_row row;
  char key[384];
  UT_hash_handle hh;
};

const char *diff_verdict_name(enum diff_verdict verdict) {
  static const char *const names[] = {"same",   "few",    "gone",
                                      "faster", "slower", "new"};
  return names[verdict];
}

static double chance_of(double z) {
  return erfc(fabs(z) / sqrt(2));
}

double diff_mann_whitney(const struct model_histogram *a,
                         const struct model_histogram *b) {
  double n = (double)a->n, m = (double)b->n, all = n + m;
  double rank_sum = 0, before = 0, ties = 0;
  if (a->n == 0 || b->n == 0)
    return 1;
  for (unsigned i = 0; i < MODEL_HISTOGRAM_BINS; i++) {
    double t = (double)a->bins[i] + (double)b->bins[i];
    rank_sum += (double)a->bins[i] * (before + (t + 1) / 2);
    ties += t * t * t - t;
    before += t;
  }
  double u = rank_sum - n * (n + 1) / 2;
  double variance = n * m / 12 * (all + 1 - ties / (all * (all - 1)));
  if (!(variance > 0))
    return 1;
  double off = fabs(u - n * m / 2) - 0.5; /* it is counted in steps of one */
  return chance_of((off > 0 ? off : 0) / sqrt(variance));
}

/* Is the share of long ones another?  Long: beyond all but 2 % of both. */
static double tail_chance(const struct model_histogram *a,
                          const struct model_histogram *b) {
  struct model_histogram both = *a;
  both.n += b->n;
  both.max_ns = a->max_ns > b->max_ns ? a->max_ns : b->max_ns;
  for (unsigned i = 0; i < MODEL_HISTOGRAM_BINS; i++)
    both.bins[i] += b->bins[i];
  int64_t edge = model_histogram_percentile(&both, 98) - 1;
  double n = (double)a->n, m = (double)b->n;
  double x = n - (double)model_histogram_below(a, edge);
  double y = m - (double)model_histogram_below(b, edge);
  double share = (x + y) / (n + m);
  double variance = share * (1 - share) * (1 / n + 1 / m);
  return variance > 0 ? chance_of((x / n - y / m) / sqrt(variance)) : 1;
}

static double ratio_at(const struct diff_row *r, double percent) {
  double a = (double)model_histogram_percentile(&r->a.time, percent);
  double b = (double)model_histogram_percentile(&r->b.time, percent);
  return a > 0 ? b / a : 0;
}

static enum diff_verdict by_ratio(double ratio, double p, double threshold) {
  if (p >= CHANCE || ratio <= 0)
    return DIFF_SAME;
  return ratio >= 1 + threshold         ? DIFF_SLOWER
         : ratio <= 1 / (1 + threshold) ? DIFF_FASTER
                                        : DIFF_SAME;
}

static void judge(struct diff_row *r, const struct diff_options *options) {
  r->p = 1;
  if (r->a.count == 0) {
    r->verdict = DIFF_NEW;
    r->is_regression = r->b.max_ns >= MODEL_WARN_NS;
    return;
  }
  if (r->b.count == 0) {
    r->verdict = DIFF_GONE;
    return;
  }
  r->ratio = ratio_at(r, 50);
  if (r->a.count < options->min_count || r->b.count < options->min_count) {
    r->verdict = DIFF_FEW;
    return;
  }
  r->p = diff_mann_whitney(&r->a.time, &r->b.time);
  r->verdict = by_ratio(r->ratio, r->p, options->threshold);
  double tail = ratio_at(r, 99), tail_p = tail_chance(&r->a.time, &r->b.time);
  enum diff_verdict at_tail = by_ratio(tail, tail_p, options->threshold);
  if (at_tail == DIFF_SLOWER
          ? tail > r->ratio || r->verdict != DIFF_SLOWER
          : at_tail == DIFF_FASTER && r->verdict == DIFF_SAME) {
    r->verdict = at_tail;
    r->ratio = tail;
    r->p = tail_p;
    r->is_tail = true;
  }
  r->is_regression = r->verdict == DIFF_SLOWER;
}

static struct pair *pair_get(struct pair **pairs, const struct model *m,
                             const struct model_site *s) {
  struct pair *pair, *made = calloc(1, sizeof *made);
  if (!made)
    return NULL;
  made->row.is_call = s->is_call;
  model_site_short(m, s->site, made->row.name, sizeof made->row.name);
  if (s->is_call)
    model_callee_name(m, s->kind, made->row.kind, sizeof made->row.kind);
  else
    snprintf(made->row.kind, sizeof made->row.kind, "%s",
             lt_task_kind_name(s->kind));
  snprintf(made->key, sizeof made->key, "%d %s %s", s->is_call, made->row.kind,
           made->row.name);
  HASH_FIND_STR(*pairs, made->key, pair);
  if (pair) {
    free(made);
    return pair;
  }
  HASH_ADD_STR(*pairs, key, made);
  if (!made->hh.tbl) { /* no memory for the table */
    free(made);
    return NULL;
  }
  return made;
}

static lt_status add_sites(struct pair **pairs, const struct model *m,
                           bool is_b) {
  for (size_t i = 0; i < m->n_sites; i++) {
    const struct model_site *s = &m->sites[i];
    struct pair *pair = pair_get(pairs, m, s);
    if (!pair)
      return LT_NOMEM;
    struct diff_side *side = is_b ? &pair->row.b : &pair->row.a;
    side->count += s->count;
    side->total_ns = add_ns(side->total_ns, s->total_ns);
    if (side->max_ns < s->max_ns)
      side->max_ns = s->max_ns;
    side->time.n += s->time->n;
    side->time.sum_ns = side->total_ns;
    side->time.max_ns = side->max_ns;
    for (unsigned k = 0; k < MODEL_HISTOGRAM_BINS; k++)
      side->time.bins[k] += s->time->bins[k];
  }
  return LT_OK;
}

static void normalise(struct diff_side *side, const struct model *m,
                      enum diff_unit unit) {
  double whole = unit == DIFF_PER_1000     ? (double)m->n_slices / 1000
                 : unit == DIFF_PER_SECOND ? (double)model_length_ns(m) / 1e9
                                           : 1;
  if (whole <= 0)
    whole = 1;
  side->count_per = (double)side->count / whole;
  side->total_per_ns = (double)side->total_ns / whole;
}

static int worst_first(const void *a, const void *b) {
  const struct diff_row *x = a, *y = b;
  if (x->is_regression != y->is_regression)
    return x->is_regression ? -1 : 1;
  double p = fabs(x->b.total_per_ns - x->a.total_per_ns);
  double q = fabs(y->b.total_per_ns - y->a.total_per_ns);
  if (p > q || p < q)
    return p > q ? -1 : 1;
  int order = strcmp(x->name, y->name);
  return order ? order : strcmp(x->kind, y->kind);
}

lt_status diff_make(const struct model *a, const struct model *b,
                    const struct diff_options *options, struct diff *diff) {
  struct pair *pairs = NULL, *pair, *next;
  struct diff made = {0};
  lt_status status = add_sites(&pairs, a, false);
  if (status == LT_OK)
    status = add_sites(&pairs, b, true);
  if (status == LT_OK) {
    made.rows = calloc(HASH_COUNT(pairs) + 1, sizeof *made.rows);
    status = made.rows ? LT_OK : LT_NOMEM;
  }
  HASH_ITER(hh, pairs, pair, next) {
    if (status == LT_OK) {
      normalise(&pair->row.a, a, options->unit);
      normalise(&pair->row.b, b, options->unit);
      judge(&pair->row, options);
      made.n_regressions += pair->row.is_regression;
      made.rows[made.n_rows++] = pair->row;
    }
    HASH_DEL(pairs, pair);
    free(pair);
  }
  if (status != LT_OK)
    return status;
  qsort(made.rows, made.n_rows, sizeof *made.rows, worst_first);
  *diff = made;
  return LT_OK;
}

void diff_free(struct diff *diff) {
  free(diff->rows);
  diff->rows = NULL;
  diff->n_rows = 0;
}
