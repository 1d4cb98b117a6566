/* Which modules lack symbols: of what ran, called, or stood in a stall's stack.
 *
 * A name that is not in the trace may be in a file of this machine; such a look
 * costs milliseconds, so that it is taken a place at a time, between keys.
 *
 * Invariant: each place is counted once.  Called by app.c and view_file.c. */
#include <stdlib.h>

#include "tui/app.h"

void nameless_fini(struct app *app) {
  free(app->nameless.seen);
  app->nameless = (struct nameless){0};
}

/* The last count stays in sight until the new one is complete. */
void nameless_begin(struct app *app) {
  struct nameless *n = &app->nameless;
  free(n->seen);
  *n = (struct nameless){0};
  n->seen = calloc((size_t)app->model->info->n_sites + 1, sizeof *n->seen);
  n->is_done = !n->seen;
}

bool nameless_has_work(const struct app *app) {
  return app->nameless.seen != NULL;
}

bool nameless_is(const struct nameless_module *module) {
  return module->n_nameless && 2 * module->n_nameless >= module->n;
}

size_t nameless_modules(const struct app *app) {
  size_t n = 0;
  for (size_t i = 0; app->nameless.is_done && i < app->nameless.n; i++)
    n += nameless_is(&app->nameless.modules[i]);
  return n;
}

/* Code of the runtime is no place that one would look at. */
static void look(struct app *app, uint32_t site) {
  struct nameless *n = &app->nameless;
  if (site == 0 || site > app->model->info->n_sites || n->seen[site])
    return;
  n->seen[site] = true;
  const lt_site_def *def = model_site(app->model, site);
  if (!def || !def->module || model_is_runtime(app->model, site))
    return;
  size_t i = 0;
  while (i < n->n && n->modules[i].module != def->module)
    i++;
  if (i == NAMELESS_MAX)
    return;
  if (i == n->n)
    n->modules[n->n++] = (struct nameless_module){.module = def->module};
  n->modules[i].n++;
  n->modules[i].n_nameless += !def->function || !*def->function;
}

void nameless_work(struct app *app) {
  struct nameless *n = &app->nameless;
  const struct model *m = app->model;
  if (n->at < m->n_sites) {
    look(app, m->sites[n->at++].site);
    return;
  }
  size_t i = n->at - m->n_sites;
  const lt_stack_def *stack =
      i < m->n_stalls ? model_stack(m, m->stalls[i].stack) : NULL;
  if (stack && n->at_in_stack < stack->n_frames) {
    look(app, stack->frames[n->at_in_stack++].site);
    return;
  }
  n->at_in_stack = 0;
  n->at++;
  if (i < m->n_stalls)
    return;
  free(n->seen);
  n->seen = NULL;
  n->is_done = true;
}
