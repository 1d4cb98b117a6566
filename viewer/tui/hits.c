/* Search and filter on the things that the screens list.
 *
 * Invariant: a list never becomes empty by a filter without saying so; the
 * selection stays on its thing where that is still listed.  A key begins, and
 * what it begins goes on between keys: there may be a million tasks.  Called by
 * prompt.c and app.c. */
#include "tui/hits.h"

#include <stdlib.h>
#include <string.h>

#include "model/finding.h"
#include "model/source.h"
#include "output/inert.h"
#include "tui/app.h"
#include "tui/view/stall.h"

#define AT_ONCE 4000 /* by a key itself: what most lists need */

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
          .rule =
              s->kind == MODEL_STALL_GAP ? "stall gap" : finding_rule(s)});
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

/* Around the end, back to itself. */
static bool seek_some(struct app *app, uint64_t rows) {
  struct seek *seek = &app->seek;
  enum list list = list_of(app);
  size_t n = size_of(app, list);
  if (seek->n_seen == 0)
    seek->row = row_of(app, list);
  for (; seek->n_seen < n && rows > 0; rows--) {
    size_t i = ++seek->n_seen;
    size_t at = (seek->forward ? seek->row + i : seek->row + n - i % n) % n;
    if (!hits(app, list, &app->search, at))
      continue;
    seek->is_on = false;
    select_row(app, list, at);
    return false;
  }
  if (seek->n_seen < n)
    return true;
  seek->is_on = false;
  app_say(app, "no hit for %s here", app->search.text);
  return false;
}

void hits_go(struct app *app, bool forward) {
  if (list_of(app) != LIST_SPANS)
    app->seek = (struct seek){.is_on = true, .forward = forward};
  else if (!step_span(app, forward))
    app_say(app, "no hit for %s here", app->search.text);
  hits_at_once(app);
}

/* How many what is being typed would find. */

static bool is_counted(const struct model_span *s) {
  return s->what == LT_RESUME || s->what == LT_CALL || s->what == LT_POOL_BEGIN;
}

static bool is_track_counted(const struct track *t) {
  return t->n && is_counted(&t->spans[0]);
}

static size_t count_spans(const struct window *w) {
  size_t n = 0;
  for (size_t i = 0; w && i < w->n_tracks; i++)
    n += is_track_counted(w->tracks[i]) ? w->tracks[i]->n : 0;
  return n;
}

/* Of what it is a preview. */
static struct preview_of preview_of(const struct app *app) {
  enum list list = list_of(app);
  const struct window *w = app->lanes.near;
  if (list == LIST_SPANS)
    return (struct preview_of){list, w && w->is_done ? w : NULL,
                               w && w->is_done ? count_spans(w) : 0};
  return (struct preview_of){list, NULL, size_of(app, list)};
}

static bool is_preview(const struct app *app) {
  const struct preview *p = &app->preview;
  struct preview_of of = preview_of(app);
  return p->is_on && !strcmp(p->text, app->prompt.text) &&
         p->of.list == of.list && p->of.near == of.near && p->of.n == of.n;
}

static void begin_preview(struct app *app) {
  struct preview *p = &app->preview;
  filter_free(&p->filter);
  *p = (struct preview){.is_on = true, .of = preview_of(app)};
  memcpy(p->text, app->prompt.text, sizeof p->text);
  if (!filter_parse(&p->filter, p->text, p->error, sizeof p->error))
    p->n_seen = p->of.n;
}

static void preview_spans(struct app *app, uint64_t rows) {
  struct preview *p = &app->preview;
  for (; p->n_seen < p->of.n; p->track++, p->span = 0) {
    const struct track *t = p->of.near->tracks[p->track];
    for (; is_track_counted(t) && p->span < t->n; p->span++, p->n_seen++) {
      if (rows-- == 0)
        return;
      p->found += hits_span(app, &p->filter, &t->spans[p->span]);
    }
  }
}

static bool wants_preview(const struct app *app) {
  const struct preview *p = &app->preview;
  return (app->prompt.kind == '/' || app->prompt.kind == '&') &&
         (!is_preview(app) || p->n_seen < p->of.n);
}

static void preview_some(struct app *app, uint64_t rows) {
  struct preview *p = &app->preview;
  if (!is_preview(app))
    begin_preview(app);
  if (p->of.list == LIST_SPANS)
    preview_spans(app, rows);
  else
    for (; p->n_seen < p->of.n && rows > 0; rows--)
      p->found += hits(app, (enum list)p->of.list, &p->filter, p->n_seen++);
}

const struct preview *hits_preview(const struct app *app) {
  return is_preview(app) ? &app->preview : NULL;
}

/* Slices */

bool hits_has_work(const struct app *app) {
  return app->sift.stage != SIFT_DONE || app->seek.is_on || wants_preview(app);
}

bool hits_work(struct app *app, uint64_t n) {
  if (app->sift.stage != SIFT_DONE) {
    if (sift_work(app, n))
      return true;
  }
  uint64_t rows = n / 8 + 1; /* as dear as eight events */
  if (app->seek.is_on)
    seek_some(app, rows);
  else if (wants_preview(app))
    preview_some(app, rows);
  return hits_has_work(app);
}

void hits_at_once(struct app *app) {
  hits_work(app, AT_ONCE);
}

void hits_apply(struct app *app) {
  app->seek.is_on = false;
  sift_begin(app);
  hits_at_once(app);
}

void hits_fini(struct app *app) {
  sift_drop(app);
  filter_free(&app->preview.filter);
}
