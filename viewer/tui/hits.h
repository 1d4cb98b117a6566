/* What a filter or a search finds on a screen. */
#ifndef LTV_TUI_HITS_H
#define LTV_TUI_HITS_H

#include "cli/filter.h"
#include "model/census.h"
#include "model/model.h"

struct app;

/* Does the filter keep it? */
bool hits_stall(const struct app *app, const struct filter *filter,
                size_t stall);
bool hits_site(const struct app *app, const struct filter *filter, size_t site);
bool hits_task(const struct app *app, const struct filter *filter,
               const struct census_task *task);
bool hits_span(const struct app *app, const struct filter *filter,
               const struct model_span *span);

/* How many on the screen that is shown.  is_all: else of the first so many. */
size_t hits_count(const struct app *app, const struct filter *filter,
                  size_t *n_all, bool *is_all);

/* Select the next (or previous) hit of the search.  false: there is none. */
bool hits_step(struct app *app, bool forward);
/* Go on with that in the lanes, for so many spans.  Returns: whether there is
 * more to do. */
bool hits_hunt(struct app *app, bool forward, uint64_t n_spans);
/* Step, and say so where there is no hit. */
void hits_go(struct app *app, bool forward);

/* The filter leaves nothing of the list that is shown. */
bool hits_is_empty(const struct app *app);
/* Select the thing of a row of the list that is shown. */
void hits_select(struct app *app, size_t row);

/* The filter changed: lists show what is left. */
void hits_apply(struct app *app);

#endif
