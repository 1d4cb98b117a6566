/* The filter at work: lists are put in order, and what it leaves is kept.
 *
 * Invariant: a row that is listed is one that the filter leaves; while there is
 * work, rows behind those may be missing, and hits_has_work() says so.  In
 * slices, because there may be a million tasks.  Called by hits.c and app.c. */
#include <stdlib.h>

#include "model/finding.h"
#include "tui/app.h"

/* Rows of one place are one row: that of its first stall.
 * Returns: whether this one is another's. */
static bool is_grouped(struct app *app, size_t stall) {
  struct sift *s = &app->sift;
  size_t k = 0;
  if (!s->places)
    return false;
  uint64_t place = finding_place_key(app->model, &app->model->stalls[stall]);
  while (k < app->n_order && (!place || s->places[k] != place))
    k++;
  if (k < app->n_order)
    app->same_place[app->order[k]]++;
  else
    s->places[k] = place;
  return k < app->n_order;
}

static void take_stall(struct app *app, size_t stall) {
  const struct filter *f = &app->filter;
  app->same_place[stall] = 1;
  if ((app->shows_muted || !muted_is(app, stall)) &&
      (f->n == 0 || hits_stall(app, f, stall)) && !is_grouped(app, stall))
    app->order[app->n_order++] = stall;
}

static void end_stalls(struct app *app) {
  bool is_listed = false;
  for (size_t i = 0; i < app->n_order; i++)
    is_listed |= app->order[i] == app->stall;
  if (!is_listed && app->n_order)
    app->stall = app->order[0];
}

static void take_site(struct app *app, size_t site) {
  if (app->filter.n && !hits_site(app, &app->filter, site))
    return;
  if (site == app->sift.site)
    app->site = app->n_site_order;
  app->site_order[app->n_site_order++] = site;
}

static void take_task(struct app *app, struct task_row row) {
  struct tasks_pane *pane = &app->tasks;
  if (app->filter.n == 0 ||
      hits_task(app, &app->filter, &pane->all[row.index]))
    pane->rows[pane->n_rows++] = row;
}

static void end_tasks(struct tasks_pane *pane) {
  if (!tasks_find(pane, pane->selected) && pane->n_rows)
    pane->selected = pane->all[pane->rows[0].index].id;
}

/* The next stage.  What is there of its list is sifted in its own place. */
static void begin_stage(struct app *app, enum sift_stage stage) {
  struct sift *s = &app->sift;
  s->stage = stage;
  s->at = 0;
  switch (stage) {
  case SIFT_STALLS:
    app->n_order = 0;
    break;
  case SIFT_SITES:
    app->n_site_order = app->site = 0;
    break;
  case SIFT_ORDER:
    tasks_order_begin(&app->tasks, app->model->end_ns);
    break;
  case SIFT_TASKS:
    s->n = app->tasks.n_rows;
    app->tasks.n_rows = 0;
    break;
  default:
    break;
  }
}

void sift_begin(struct app *app) {
  struct sift *s = &app->sift;
  s->site = app->site < app->n_site_order ? app->site_order[app->site] : 0;
  sift_drop(app);
  app_sort(app);
  compare_order(app);
  if (app->groups_stalls)
    s->places = calloc(app->model->n_stalls + 1, sizeof *s->places);
  begin_stage(app, SIFT_STALLS);
}

void sift_drop(struct app *app) {
  free(app->sift.places);
  app->sift.places = NULL;
  app->sift.stage = SIFT_DONE;
}

double sift_share(const struct app *app) {
  const struct sift *s = &app->sift;
  size_t n = s->stage == SIFT_STALLS  ? app->model->n_stalls
             : s->stage == SIFT_SITES ? app->model->n_sites
                                      : s->n;
  return s->stage == SIFT_DONE ? 1 : n && s->stage != SIFT_ORDER
             ? (double)s->at / (double)n
             : 0;
}

bool sift_work(struct app *app, uint64_t n) {
  struct sift *s = &app->sift;
  /* To look at a row costs as much as eight events. */
  uint64_t rows = app->filter.n ? n / 8 + 1 : n;
  if (s->stage == SIFT_STALLS) {
    for (; s->at < app->model->n_stalls && rows > 0; rows--)
      take_stall(app, app->order[s->at++]);
    if (s->at < app->model->n_stalls)
      return true;
    end_stalls(app);
    begin_stage(app, SIFT_SITES);
  }
  if (s->stage == SIFT_SITES) {
    for (; s->at < app->model->n_sites && rows > 0; rows--)
      take_site(app, app->site_order[s->at++]);
    if (s->at < app->model->n_sites)
      return true;
    begin_stage(app, app->tasks.rows ? SIFT_ORDER : SIFT_DONE);
  }
  if (s->stage == SIFT_ORDER) {
    if (tasks_order_work(&app->tasks, n))
      return true;
    begin_stage(app, SIFT_TASKS);
  }
  if (s->stage == SIFT_TASKS) {
    for (; s->at < s->n && rows > 0; rows--)
      take_task(app, app->tasks.rows[s->at++]);
    if (s->at < s->n)
      return true;
    end_tasks(&app->tasks);
  }
  sift_drop(app);
  return false;
}
