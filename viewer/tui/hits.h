/* What a filter or a search finds on a screen. */
#ifndef LTV_TUI_HITS_H
#define LTV_TUI_HITS_H

#include "cli/filter.h"
#include "model/census.h"
#include "model/model.h"

struct app;
struct window;

/* Does the filter keep it? */
bool hits_stall(const struct app *app, const struct filter *filter,
                size_t stall);
bool hits_site(const struct app *app, const struct filter *filter, size_t site);
bool hits_task(const struct app *app, const struct filter *filter,
               const struct census_task *task);
bool hits_span(const struct app *app, const struct filter *filter,
               const struct model_span *span);

/* What is typed in the prompt, held against the list that is shown. */
struct preview {
  bool is_on;
  char text[FILTER_TEXT_MAX];
  char error[200]; /* "": it is understood */
  struct filter filter; /* owned */
  struct preview_of {
    int list;
    const struct window *near; /* in the lanes: of which stretch */
    size_t n;
  } of;
  size_t n_seen, found; /* of of.n */
  size_t track, span;
};
/* NULL where nothing has been counted yet. */
const struct preview *hits_preview(const struct app *app);

/* Search in a list. */
struct seek {
  bool is_on, forward;
  size_t row, n_seen; /* where it began; rows behind it */
};
/* Select the next (or previous) hit of the search, or say that there is none; it
 * goes on between keys, and another key ends it. */
void hits_go(struct app *app, bool forward);
/* Go on with that in the lanes, for so many spans.  Returns: whether there is
 * more to do. */
bool hits_hunt(struct app *app, bool forward, uint64_t n_spans);

/* The filter leaves nothing of the list that is shown. */
bool hits_is_empty(const struct app *app);
/* Select the thing of a row of the list that is shown. */
void hits_select(struct app *app, size_t row);

/* The filter or an order changed: lists show what is left.  What takes long goes
 * on between keys. */
void hits_apply(struct app *app);

/* Go on, as long as so many events take.  Returns: whether there is more to do. */
bool hits_work(struct app *app, uint64_t n);
bool hits_has_work(const struct app *app);
/* After a key: so much as it may wait for. */
void hits_at_once(struct app *app);
void hits_fini(struct app *app);

/* sift.c: lists in order, without what the filter leaves out. */
enum sift_stage {
  SIFT_DONE,
  SIFT_STALLS,
  SIFT_SITES,
  SIFT_ORDER, /* the tasks, */
  SIFT_TASKS  /* and which of them are left */
};
struct sift {
  enum sift_stage stage;
  size_t at, n;     /* of its rows */
  size_t site;      /* that was chosen */
  uint64_t *places; /* of the stalls that are listed; NULL: not grouped */
};
void sift_begin(struct app *app);
bool sift_work(struct app *app, uint64_t n);
void sift_drop(struct app *app);
/* How far the present list is, 0 to 1. */
double sift_share(const struct app *app);

#endif
