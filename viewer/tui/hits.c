/* Search and filter on the things that the screens list.
 *
 * Invariant: a list never becomes empty by a filter without saying so; the
 * selection stays on its thing where that is still listed.  Called by prompt.c
 * and app.c. */
#include "tui/hits.h"

#include <stdlib.h>
#include <string.h>

#include "model/finding.h"
#include "model/source.h"
#include "output/inert.h"
#include "tui/app.h"
#include "tui/view/stall.h"

#define COUNT_MAX 10000 /* for a preview: some milliseconds */

static const char *loop_name(const struct app *app, uint32_t thread) {
  for (size_t i = 0; i < app->model->n_loops; i++)
    if (app->model->loops[i].thread == thread)
      return app->model->loops[i].name;
  return NULL;
}

bool hits_stall(const struct app *app, const struct filter *filter, size_t i) {
  const struct model *m = app->model;
  const struct model_stall *s = &m->stalls[i];
  char name[400], culprit[160], callback[160], site[160], other[160];
  stall_culprit(m, s, false, culprit, sizeof culprit);
  stall_callback(m, s, callback, sizeof callback);
  snprintf(name, sizeof name, "%s %s", culprit, callback);
  return filter_match(
      filter,
      &(struct filter_thing){
          .duration_ns = s->duration_ns,
          .task = s->task,
          .kind = s->slice_kind ? lt_task_kind_name(s->slice_kind)
                                : model_stall_kind_name(s->kind),
          .loop = s->loop < m->n_loops ? m->loops[s->loop].name : NULL,
          .site = stall_where(m, s, site, sizeof site),
          .other_site =
              s->site ? model_site_name(m, s->site, other, sizeof other) : NULL,
          .name = name,
          .rule = s->kind == MODEL_STALL_TURN  ? "long-turn"
                  : s->kind == MODEL_STALL_GAP ? "stall gap"
                                               : "stall"});
}

bool hits_site(const struct app *app, const struct filter *filter, size_t i) {
  const struct model_site *s = &app->model->sites[i];
  char site[200], callee[64];
  const char *kind =
      s->is_call ? model_callee_name(app->model, s->kind, callee, sizeof callee)
                 : lt_task_kind_name(s->kind);
  return filter_match(filter, &(struct filter_thing){
                                  .duration_ns = s->max_ns,
                                  .kind = kind,
                                  .site = model_site_name(app->model, s->site,
                                                          site, sizeof site),
                                  .name = kind,
                                  .rule = s->is_call ? "blocking-call" : NULL});
}

bool hits_task(const struct app *app, const struct filter *filter,
               const struct census_task *t) {
  char site[200], label[128] = "";
  const struct model_source *source = model_source(app->model);
  const char *text =
      t->label ? source->string(source->context, t->label) : NULL;
  if (!filter_may_match(filter, t->run_ns, t->id))
    return false;
  if (text)
    inert(text, label, sizeof label);
  return filter_match(filter, &(struct filter_thing){
                                  .duration_ns = t->run_ns,
                                  .task = t->id,
                                  .kind = lt_task_kind_name(t->kind),
                                  .loop = loop_name(app, t->thread),
                                  .site = model_site_name(app->model, t->site,
                                                          site, sizeof site),
                                  .name = label});
}

bool hits_span(const struct app *app, const struct filter *filter,
               const struct model_span *s) {
  char site[200], callee[64];
  int64_t duration_ns = s->end_ns - (s->begin_ns < 0 ? 0 : s->begin_ns);
  if ((s->what != LT_RESUME && s->what != LT_CALL &&
       s->what != LT_POOL_BEGIN) ||
      !filter_may_match(filter, duration_ns, s->task))
    return false;
  const char *kind =
      s->what == LT_CALL
          ? model_callee_name(app->model, s->kind, callee, sizeof callee)
          : lt_task_kind_name(s->kind);
  const char *loop = loop_name(app, s->thread);
  return filter_match(
      filter,
      &(struct filter_thing){
          .duration_ns = duration_ns,
          .task = s->task,
          .kind = kind,
          .loop = loop ? loop : "pool",
          .site = model_site_name(app->model, s->site, site, sizeof site),
          .name = kind,
          .rule = s->what == LT_CALL ? "blocking-call" : NULL});
}

/* Things by number, on the screen that is shown. */

enum list { LIST_STALLS, LIST_SITES, LIST_TASKS, LIST_ROWS, LIST_SPANS };

static enum list list_of(const struct app *app) {
  switch (app_screen(app)) {
  case SCREEN_LANES:
  case SCREEN_REPLAY:
    return LIST_SPANS;
  case SCREEN_SITES:
    return LIST_SITES;
  case SCREEN_TASKS:
    return LIST_TASKS;
  case SCREEN_COMPARE:
    return LIST_ROWS;
  default:
    return LIST_STALLS;
  }
}

static size_t size_of(const struct app *app, enum list list) {
  switch (list) {
  case LIST_STALLS:
    return app->n_order;
  case LIST_SITES:
    return app->n_site_order;
  case LIST_TASKS:
    return app->tasks.n_rows;
  case LIST_ROWS:
    return app->compare.n_order;
  default:
    return 0;
  }
}

static bool hits(const struct app *app, enum list list,
                 const struct filter *filter, size_t row) {
  switch (list) {
  case LIST_STALLS:
    return hits_stall(app, filter, app->order[row]);
  case LIST_SITES:
    return hits_site(app, filter, app->site_order[row]);
  case LIST_TASKS:
    return hits_task(app, filter, &app->tasks.all[app->tasks.rows[row].index]);
  case LIST_ROWS:
    return hits_row(app, filter,
                    &app->compare.diff.rows[app->compare.order[row]]);
  default:
    return false;
  }
}

/* Spans are no list. */
struct span_count {
  const struct app *app;
  const struct filter *filter;
  size_t n, found;
};

static bool count_span(void *context, const struct model_span *span) {
  struct span_count *c = context;
  if (c->n++ < COUNT_MAX)
    c->found += hits_span(c->app, c->filter, span);
  return true;
}

size_t hits_count(const struct app *app, const struct filter *filter,
                  size_t *n_all, bool *is_all) {
  enum list list = list_of(app);
  size_t n = size_of(app, list), found = 0;
  if (list == LIST_SPANS) {
    struct span_count c = {app, filter, 0, 0};
    lanes_each_span(app, LT_ALL_THREADS, count_span, &c);
    *n_all = c.n;
    *is_all = c.n <= COUNT_MAX;
    return c.found;
  }
  *n_all = n;
  *is_all = n <= COUNT_MAX;
  for (size_t i = 0; i < n && i < COUNT_MAX; i++)
    found += hits(app, list, filter, i);
  return found;
}

static size_t row_of(const struct app *app, enum list list) {
  if (list == LIST_SITES)
    return app->site;
  if (list == LIST_ROWS)
    return app->compare.row;
  if (list == LIST_TASKS)
    return tasks_row(&app->tasks, app->tasks.selected);
  for (size_t i = 0; i < app->n_order; i++)
    if (app->order[i] == app->stall)
      return i;
  return 0;
}

static void select_row(struct app *app, enum list list, size_t row) {
  if (list == LIST_STALLS)
    app_select_stall(app, app->order[row]);
  else if (list == LIST_SITES)
    app->site = row;
  else if (list == LIST_ROWS)
    app->compare.row = row;
  else
    app->tasks.selected = app->tasks.all[app->tasks.rows[row].index].id;
}

/* In the lanes: the nearest in time, on whatever lane it is. */
static void consider(struct app *app, const struct model_span *s,
                     bool forward) {
  struct lanes_hunt *hunt = &app->lanes.hunt;
  int64_t at = app->cursor_ns;
  bool is_ahead =
      forward ? s->begin_ns > at : s->begin_ns < at && s->begin_ns >= 0;
  bool is_nearer =
      !hunt->found || (forward ? s->begin_ns < hunt->found->begin_ns
                               : s->begin_ns > hunt->found->begin_ns);
  if (is_ahead && is_nearer && hits_span(app, &app->search, s))
    hunt->found = s;
}

bool hits_hunt(struct app *app, bool forward, uint64_t n_spans) {
  struct lanes_hunt *hunt = &app->lanes.hunt;
  const struct window *w = app->lanes.near;
  for (; w && hunt->track < w->n_tracks; hunt->track++, hunt->span = 0)
    for (; hunt->span < w->tracks[hunt->track]->n; hunt->span++) {
      if (n_spans-- == 0)
        return true;
      consider(app, &w->tracks[hunt->track]->spans[hunt->span], forward);
    }
  if (hunt->found)
    lanes_select(app, hunt->found);
  else
    app_say(app, "no hit for %s here", app->search.text);
  return false;
}

/* Between keys: the window may still be read, and holds many. */
static bool step_span(struct app *app, bool forward) {
  if (app->model->end_ns <= 0 || !app->model->reader)
    return false;
  app->lanes.hunt = (struct lanes_hunt){.found = NULL};
  app->lanes.then = forward ? THEN_NEXT_HIT : THEN_PREV_HIT;
  return true;
}

bool hits_is_empty(const struct app *app) {
  enum list list = list_of(app);
  return app->filter.n && list != LIST_SPANS && size_of(app, list) == 0;
}

void hits_select(struct app *app, size_t row) {
  enum list list = list_of(app);
  if (list != LIST_SPANS && row < size_of(app, list))
    select_row(app, list, row);
}

bool hits_step(struct app *app, bool forward) {
  enum list list = list_of(app);
  if (list == LIST_SPANS)
    return step_span(app, forward);
  size_t n = size_of(app, list), row = row_of(app, list);
  for (size_t i = 1; i <= n; i++) { /* around the end, back to itself */
    size_t at = (forward ? row + i : row + n - i % n) % n;
    if (hits(app, list, &app->search, at)) {
      select_row(app, list, at);
      return true;
    }
  }
  return false;
}

void hits_go(struct app *app, bool forward) {
  if (!hits_step(app, forward))
    app_say(app, "no hit for %s here", app->search.text);
}

/* Of each place the stall that comes first in the order.  Returns: how many are
 * left of n. */
static size_t group_stalls(struct app *app, size_t n) {
  const struct model *m = app->model;
  uint32_t *places = calloc(n ? n : 1, sizeof *places);
  size_t left = 0;
  for (size_t i = 0; places && i < n; i++) {
    size_t stall = app->order[i], k = 0;
    uint32_t place = finding_place(m, &m->stalls[stall]);
    while (k < left && (!place || places[k] != place))
      k++;
    if (k < left) {
      app->same_place[app->order[k]]++;
      continue;
    }
    places[left] = place;
    app->order[left++] = stall;
  }
  free(places);
  return places ? left : n;
}

void hits_apply(struct app *app) {
  const struct filter *f = &app->filter;
  struct tasks_pane *pane = &app->tasks;
  size_t n = 0;
  app_sort(app);
  for (size_t i = 0; i < app->model->n_stalls; i++) {
    size_t stall = app->order[i];
    app->same_place[stall] = 1;
    if ((app->shows_muted || !muted_is(app, stall)) &&
        (f->n == 0 || hits_stall(app, f, stall)))
      app->order[n++] = stall;
  }
  app->n_order = app->groups_stalls ? group_stalls(app, n) : n;
  n = app->n_order;
  bool is_listed = false;
  for (size_t i = 0; i < n; i++)
    is_listed |= app->order[i] == app->stall;
  if (!is_listed && n)
    app->stall = app->order[0];
  size_t site = app->site < app->n_site_order ? app->site_order[app->site] : 0;
  n = 0;
  for (size_t i = 0; i < app->model->n_sites; i++)
    if (f->n == 0 || hits_site(app, f, app->site_order[i]))
      app->site_order[n++] = app->site_order[i];
  app->n_site_order = n;
  app->site = 0;
  for (size_t i = 0; i < n; i++)
    if (app->site_order[i] == site)
      app->site = i;
  compare_order(app);
  if (!pane->rows)
    return;
  tasks_order(pane, app->model->end_ns);
  n = 0;
  for (size_t i = 0; i < pane->n; i++)
    if (f->n == 0 || hits_task(app, f, &pane->all[pane->rows[i].index]))
      pane->rows[n++] = pane->rows[i];
  pane->n_rows = n;
}
