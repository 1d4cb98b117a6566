/* Stalls that .looptrace-suppress accepts: hidden, until H shows them.
 *
 * Invariant: muted has a place for each stall of the model, or is NULL: then
 * none is.  Called by app.c, actions.c, hits.c and cmd_view.c. */
#include <stdlib.h>

#include "model/finding.h"
#include "tui/app.h"

void muted_apply(struct app *app) {
  const struct model *m = app->model;
  const struct budget budget = {.max_stall_ns = MODEL_ERROR_NS};
  free(app->muted);
  app->muted = NULL;
  app->n_muted = 0;
  if (app->suppressions.n == 0 || m->n_stalls == 0)
    return;
  app->muted = calloc(m->n_stalls, sizeof *app->muted);
  for (size_t i = 0; app->muted && i < m->n_stalls; i++) {
    struct finding f = finding_of_stall(m, &budget, &m->stalls[i]);
    suppressions_apply(&app->suppressions, m, &f);
    app->muted[i] = f.state == FINDING_MUTED;
    app->n_muted += app->muted[i];
  }
}

void muted_read(struct app *app) {
  if (app->has_bad_suppressions)
    return; /* it was told, before there was a screen */
  suppressions_free(&app->suppressions);
  app->has_bad_suppressions = suppressions_read(NULL, &app->suppressions) != 0;
  if (app->has_bad_suppressions)
    suppressions_free(&app->suppressions);
  muted_apply(app);
  hits_apply(app);
}

bool muted_is(const struct app *app, size_t stall) {
  return app->muted && app->muted[stall];
}

void muted_fini(struct app *app) {
  free(app->muted);
  suppressions_free(&app->suppressions);
}
