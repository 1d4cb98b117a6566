/* Screen 6: another trace that this one is held against, with the logic of
 * `looptrace diff`. */
#ifndef LTV_TUI_COMPARE_H
#define LTV_TUI_COMPARE_H

#include "cli/filter.h"
#include "model/diff.h"

enum compare_sort {
  COMPARE_WORST, /* as diff: regressions first, then by change of total */
  COMPARE_TOTAL,
  COMPARE_P99,
  COMPARE_MAX,
  COMPARE_COUNT,
  COMPARE_SORT_COUNT
};

struct compare {
  struct model *base; /* A; owned; NULL: there is none */
  char file[256];     /* its name to show */
  bool is_loading;
  lt_status problem;
  bool is_made; /* diff is there */
  struct diff diff;
  bool *is_new; /* owned: of each stall of B, that A has none like it; NULL: not
                   known */
  size_t n_new;
  enum diff_unit unit;
  size_t *order, n_order; /* rows that the filter leaves */
  size_t row;             /* of order */
  enum compare_sort sort;
  bool is_inverted;
};

struct app;

/* Begin to read the trace that is to be A.  Errors: as model_begin(); what was
 * compared before stays then. */
LT_WARN_UNUSED lt_status compare_open(struct app *app, const char *path);
void compare_close(struct compare *compare);
/* Read on.  Returns: whether there is more to do. */
bool compare_work(struct app *app, uint64_t n_events);
bool compare_has_work(const struct app *app);
/* Compare anew: the model or the unit is another one. */
void compare_make(struct app *app);
/* Put the rows in order; the selection stays on its row. */
void compare_order(struct app *app);
/* A has no stall like this one of B: the same fingerprint. */
bool compare_is_new(const struct app *app, size_t stall);
/* The longest stall of B that lies in what a row is of, or NO_STALL. */
size_t compare_stall(const struct app *app, const struct diff_row *row);
/* Does a filter keep it? */
bool hits_row(const struct app *app, const struct filter *filter,
              const struct diff_row *row);

#endif
