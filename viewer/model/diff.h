/* Two traces held against each other, site by site. */
#ifndef LTV_DIFF_H
#define LTV_DIFF_H

#include "model/model.h"

enum diff_verdict {
  DIFF_SAME,
  DIFF_FEW,    /* too few on a side to say */
  DIFF_GONE,   /* only in A */
  DIFF_FASTER, /* by the threshold or more, and not by chance */
  DIFF_SLOWER,
  DIFF_NEW /* only in B */
};
/* "same", "few", "gone", "faster", "slower", "new".  Static. */
const char *diff_verdict_name(enum diff_verdict verdict);

enum diff_unit { DIFF_PER_1000, DIFF_PER_SECOND, DIFF_PLAIN };

struct diff_options {
  double threshold;   /* 0.2: a fifth more */
  uint64_t min_count; /* fewer are not tested */
  enum diff_unit unit;
};

/* One side of a row: all sites of a name. */
struct diff_side {
  uint64_t count;
  int64_t total_ns, max_ns;
  double count_per, total_per_ns; /* in the unit asked for */
  struct model_histogram time;
};

struct diff_row {
  char name[256]; /* of the function, inert; no file and line */
  char kind[64];  /* of the callback, or the call's name; inert */
  bool is_call;
  struct diff_side a, b;
  double p;     /* of the difference being chance: Mann-Whitney, both sides */
  double ratio; /* B to A, of medians or of 99th percentiles; 0 unknown */
  bool is_tail; /* it is that of the 99th percentiles */
  enum diff_verdict verdict;
  bool is_regression; /* slower; or new, and long enough to be a stall */
};

struct diff {
  struct diff_row *rows; /* regressions first, then by change of total */
  size_t n_rows;
  size_t n_regressions;
};

/* Compare.
 *
 * diff:   to be given to diff_free(); does not point into the models.
 * Errors: NOMEM. */
LT_WARN_UNUSED lt_status diff_make(const struct model *a, const struct model *b,
                                   const struct diff_options *options,
                                   struct diff *diff);
/* Free what it holds, not itself. */
void diff_free(struct diff *diff);

/* How probable it is that two samples of one distribution differ so much, by
 * the test of Mann and Whitney with its correction for ties. */
double diff_mann_whitney(const struct model_histogram *a,
                         const struct model_histogram *b);

#endif
