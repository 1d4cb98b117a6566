/* What a key does, and what the screens share: the chosen stall, the orders.
 *
 * Invariant: nothing in struct app depends on the size of the window but w, h
 * and grid. Called by cmd_view.c and by the tests. */
#include "tui/app.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "output/inert.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

const struct view *const app_views[SCREEN_COUNT] = {
    [SCREEN_OVERVIEW] = &view_overview, [SCREEN_LANES] = &view_lanes,
    [SCREEN_STALLS] = &view_stalls,     [SCREEN_SITES] = &view_sites,
    [SCREEN_TASKS] = &view_tasks,       [SCREEN_COMPARE] = &view_compare,
    [SCREEN_DETAIL] = &view_detail,     [SCREEN_HELP] = &view_help,
    [SCREEN_REPLAY] = &view_replay,     [SCREEN_EXPLAIN] = &view_explain,
    [SCREEN_FILE] = &view_file,
};

static const struct model_stall *sorting; /* qsort has no context */

static int by_newest(const void *a, const void *b) {
  return *(const size_t *)a > *(const size_t *)b ? -1 : 1;
}

static int by_duration(const void *a, const void *b) {
  const struct model_stall *x = &sorting[*(const size_t *)a];
  const struct model_stall *y = &sorting[*(const size_t *)b];
  if (x->duration_ns != y->duration_ns)
    return x->duration_ns < y->duration_ns ? 1 : -1;
  return *(const size_t *)a < *(const size_t *)b ? -1 : 1;
}

static size_t *indices(size_t n) {
  size_t *all = calloc(n ? n : 1, sizeof *all);
  for (size_t i = 0; all && i < n; i++)
    all[i] = i;
  return all;
}

/* What belongs to a model, without what was chosen in it. */
static bool make_orders(struct app *app, const struct model *model) {
  size_t n = model->n_stalls, loops = model->n_loops ? model->n_loops : 1;
  struct app made = {.worst = indices(n),
                     .order = indices(n),
                     .site_order = indices(model->n_sites),
                     .same_place = calloc(n ? n : 1, sizeof(uint32_t))};
  made.lanes.folded = calloc(loops, sizeof *made.lanes.folded);
  made.lanes.max_depth = calloc(loops, sizeof *made.lanes.max_depth);
  made.lanes.has = calloc(loops, sizeof *made.lanes.has);
  bool ok = made.worst && made.order && made.same_place && made.site_order &&
            made.lanes.folded && made.lanes.max_depth && made.lanes.has;
  struct app *old = ok ? app : &made;
  free(old->worst);
  free(old->order);
  free(old->same_place);
  free(old->site_order);
  free(old->lanes.folded);
  free(old->lanes.max_depth);
  free(old->lanes.has);
  if (!ok)
    return false;
  app->worst = made.worst;
  app->order = made.order;
  app->same_place = made.same_place;
  app->site_order = made.site_order;
  app->lanes.folded = made.lanes.folded;
  app->lanes.max_depth = made.lanes.max_depth;
  app->lanes.has = made.lanes.has;
  return true;
}

static size_t same_stall(const struct model *m, int64_t begin_ns,
                         uint32_t thread) {
  for (size_t i = 0; i < m->n_stalls; i++)
    if (m->stalls[i].begin_ns == begin_ns && m->stalls[i].thread == thread)
      return i;
  return NO_STALL;
}

/* The same function as the chosen one, else the first. */
static size_t same_site(const struct app *app, const struct model *m) {
  const struct model_site *chosen =
      app->n_site_order ? &app->model->sites[app->site_order[app->site]] : NULL;
  for (size_t i = 0; chosen && i < m->n_sites; i++)
    if (m->sites[i].site == chosen->site && m->sites[i].kind == chosen->kind &&
        m->sites[i].is_call == chosen->is_call)
      return i;
  return 0;
}

bool app_set_model(struct app *app, struct model *model) {
  app->summary = NULL; /* its reader may go */
  size_t n = model->n_stalls, chosen = NO_STALL;
  bool was_first =
      app->worst && app->model->n_stalls && app->stall == app->worst[0];
  bool was_chosen = app->stall != NO_STALL && app->order && app->n_order;
  if (was_chosen)
    chosen = same_stall(model, app->model->stalls[app->stall].begin_ns,
                        app->model->stalls[app->stall].thread);
  size_t site = same_site(app, model);
  if (!make_orders(app, model))
    return false;
  app->model = model;
  app->site = site; /* in an order that is none yet */
  app->n_site_order = model->n_sites;
  muted_apply(app);
  sorting = model->stalls;
  qsort(app->worst, n, sizeof *app->worst, by_duration);
  app->longest_ns = n ? model->stalls[app->worst[0]].duration_ns : 0;
  bool is_live = app->follow.is_on && !model->info->ended;
  if (is_live) /* what is new is on top */
    qsort(app->worst, n, sizeof *app->worst, by_newest);
  if (chosen == NO_STALL || (is_live && was_first))
    chosen = n ? app->worst[0] : NO_STALL;
  app->stall = chosen;
  app->in_loops = n == 0;
  app->shows_problem =
      (model->info->problem != LT_OK || model->n_lost) && !app->follow.is_on;
  if (app->loop >= model->n_loops)
    app->loop = 0;
  lanes_close(&app->lanes);
  if (app->lanes.to <= app->lanes.from + 1) /* its length was not known */
    app->lanes.to = model->end_ns > 0 ? model->end_ns : 1;
  if (model->n_loops && app->lanes.current.loop >= model->n_loops)
    app->lanes.current = (struct lane){.thread = model->loops[0].thread};
  tasks_close(&app->tasks);
  if (app_screen(app) == SCREEN_TASKS)
    tasks_open(&app->tasks, app->path);
  hits_apply(app);
  compare_make(app);
  nameless_begin(app);
  return true;
}

bool app_init(struct app *app, struct model *model, const char *file, int w,
              int h) {
  *app = (struct app){
      .model = model, .file = file, .w = w, .h = h, .stall = NO_STALL};
  app->lanes.current.thread = model->n_loops ? model->loops[0].thread : 0;
  for (size_t i = 0; i < sizeof app->marks / sizeof *app->marks; i++)
    app->marks[i] = -1;
  app->came_from_ns = -1;
  app->replay.speed = 1;
  app->replay.skips_idle = true;
  app->replay.a_ns = app->replay.b_ns = -1;
  app->stack[0] = SCREEN_OVERVIEW;
  app->depth = 1;
  if (!app_set_model(app, model) || !grid_init(&app->grid, w, h)) {
    app_fini(app);
    return false;
  }
  return true;
}

void app_fini(struct app *app) {
  free(app->worst);
  free(app->order);
  free(app->same_place);
  muted_fini(app);
  nameless_fini(app);
  free(app->details.text);
  free(app->problem);
  free(app->site_order);
  free(app->lanes.folded);
  free(app->lanes.max_depth);
  free(app->lanes.has);
  lanes_close(&app->lanes);
  tasks_close(&app->tasks);
  compare_close(&app->compare);
  notes_free(&app->notes);
  follow_fini(app);
  hits_fini(app);
  filter_free(&app->filter);
  filter_free(&app->search);
  grid_fini(&app->grid);
  *app = (struct app){0};
}

/* A moment is looked at closely: a fiftieth of the whole around it. */
void app_begin(struct app *app, enum screen_id screen, int64_t at_ns) {
  int64_t end = app->model->end_ns;
  app->stack[0] = screen;
  if (screen == SCREEN_TASKS)
    app_open_tasks(app, 0);
  if (at_ns < 0)
    return;
  app->shows_problem = false;
  app->cursor_ns = at_ns < end ? at_ns : end > 0 ? end - 1 : 0;
  lanes_set_window(app, app->cursor_ns - end / 100, app->cursor_ns + end / 100);
  for (size_t i = 0; i < app->model->n_stalls; i++)
    if (app->model->stalls[i].begin_ns <= app->cursor_ns)
      app->stall = i;
}

void app_resize(struct app *app, int w, int h) {
  if (!grid_resize(&app->grid, w, h))
    return; /* the old size is drawn, clipped by the terminal */
  app->w = w;
  app->h = h;
}

void app_layout(const struct app *app, struct layout *layout) {
  size_t n = app->model->n_loops;
  if (app->is_loading && app->summary) /* no row comes and goes */
    n = summary_loops(app->summary);
  layout_frame(app->w, app->h, n, layout);
}

enum screen_id app_screen(const struct app *app) {
  return app->depth ? app->stack[app->depth - 1] : SCREEN_OVERVIEW;
}

/* A screen that is open already is gone back to. */
void app_go(struct app *app, enum screen_id screen) {
  for (size_t i = 0; i < app->depth; i++)
    if (app->stack[i] == screen) {
      app->depth = i + 1;
      return;
    }
  if (app->depth < sizeof app->stack / sizeof *app->stack)
    app->stack[app->depth++] = screen;
}

void app_say(struct app *app, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(app->message, sizeof app->message, format, args);
  va_end(args);
}

void app_note(struct app *app, const struct layout *layout, const char *format,
              ...) {
  char text[300];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  grid_clip(&app->grid, layout->message);
  grid_text_max(&app->grid, 1, layout->message.y, layout->w - 2, ROLE_DIM,
                text);
}

void app_select_stall(struct app *app, size_t stall) {
  const struct model_stall *s = &app->model->stalls[stall];
  app->stall = stall;
  app->cursor_ns = s->begin_ns;
  if (s->loop < app->model->n_loops)
    app->loop = s->loop;
}

bool app_step_stall(struct app *app, bool forward) {
  const struct model *m = app->model;
  size_t found = NO_STALL;
  for (size_t i = 0; i < m->n_stalls; i++) {
    if (forward && m->stalls[i].begin_ns > app->cursor_ns) {
      found = i;
      break;
    }
    if (!forward && m->stalls[i].begin_ns < app->cursor_ns)
      found = i;
  }
  if (found == NO_STALL) {
    app_say(app, "no stall %s this moment", forward ? "after" : "before");
    return false;
  }
  app_select_stall(app, found);
  return true;
}

bool app_move(enum action action, size_t n, int page, size_t *row) {
  size_t half = page > 3 ? (size_t)page / 2 : 1, at = *row;
  switch (action) {
  case ACTION_DOWN:
    at++;
    break;
  case ACTION_UP:
    at -= at > 0;
    break;
  case ACTION_PAGE_DOWN:
    at += half;
    break;
  case ACTION_PAGE_UP:
    at -= at > half ? half : at;
    break;
  case ACTION_FIRST:
    at = 0;
    break;
  case ACTION_LAST:
    at = n;
    break;
  default:
    return false;
  }
  *row = n == 0 ? 0 : at >= n ? n - 1 : at;
  return true;
}

void app_draw_none(struct app *app, const struct layout *layout) {
  char text[FILTER_TEXT_MAX + 80];
  grid_clip(&app->grid, layout->body);
  if (app->sift.stage != SIFT_DONE)
    snprintf(text, sizeof text, "Looking for %s: %.0f%%", app->filter.text,
             sift_share(app) * 100);
  else if (app->filter.n)
    snprintf(text, sizeof text,
             "Nothing here matches the filter %s; ^U drops it, & changes it.",
             app->filter.text);
  else
    snprintf(text, sizeof text, "All %zu are suppressed; H shows them.",
             app->n_muted);
  grid_text_max(&app->grid, 2, layout->body.y + 1, layout->w - 4, ROLE_TEXT,
                text);
}

void app_sort(struct app *app) {
  stalls_sort(app);
  sites_sort(app);
}

/* Keys */

static bool wants_behind(const struct app *app) {
  return app_screen(app) == SCREEN_TASKS && !tasks_knows_behind(&app->tasks);
}

bool app_has_work(const struct app *app) {
  return (app->is_loading && app->load_problem == LT_OK) || app->follow.next ||
         hits_has_work(app) || tasks_has_work(&app->tasks) || app->tasks.walk ||
         lanes_has_work(app) || wants_behind(app) || compare_has_work(app) ||
         nameless_has_work(app);
}

bool app_work(struct app *app, uint64_t n_events) {
  if (!app_has_work(app))
    return false;
  if (hits_has_work(app) && !app->is_loading) { /* what a key asked for */
    hits_work(app, n_events);
    return app_has_work(app);
  }
  if (app->is_loading || app->follow.next)
    return follow_work(app, n_events) || app_has_work(app);
  if (lanes_has_work(app)) { /* what is looked at goes first */
    lanes_work(app, n_events);
    return app_has_work(app);
  }
  if (nameless_has_work(app)) {
    nameless_work(app);
    return app_has_work(app);
  }
  if (wants_behind(app)) {
    tasks_find_behind(&app->tasks, app->model, app->path, n_events);
    return app_has_work(app);
  }
  if (app->tasks.walk && !tasks_has_work(&app->tasks))
    return tasks_path_work(&app->tasks, n_events) || app_has_work(app);
  if (!tasks_has_work(&app->tasks))
    return compare_work(app, n_events) || app_has_work(app);
  bool more = tasks_work(&app->tasks, n_events);
  if (!more)
    hits_apply(app);
  return more || app_has_work(app);
}

static bool go_tab(struct app *app, enum action action) {
  if (action < ACTION_GO_OVERVIEW || action > ACTION_GO_COMPARE)
    return false;
  enum screen_id screen = (enum screen_id)(action - ACTION_GO_OVERVIEW);
  /* Numbers change between tabs; only what was opened from one is deeper. */
  app->depth = 1;
  app->shows_problem = false;
  if (screen == SCREEN_TASKS)
    app_open_tasks(app, 0);
  else if (screen != app->stack[0])
    app_go(app, screen);
  return true;
}

bool app_is_moving(const struct app *app) {
  return app_screen(app) == SCREEN_REPLAY && app->replay.is_playing;
}

bool app_tick(struct app *app, int64_t elapsed_ns) {
  bool looked = follow_look(app);
  return (app_is_moving(app) && replay_tick(app, elapsed_ns)) || looked;
}

static void app_toggle_mouse(struct app *app) {
  bool on = !options_is(&app->options, OPTION_MOUSE, "yes");
  options_set(&app->options, "mouse", on ? "yes" : "no");
  app_say(app, on ? "mouse: wheel pans, ^wheel zooms, a click selects, two "
                    "open; M ends it"
                  : "no mouse: the terminal selects text again");
}

bool app_key(struct app *app, char32_t key) {
  app->seek.is_on = false;
  if (app->lanes.then != THEN_PLAY)
    app->lanes.then = THEN_NOTHING;
  if (app->prompt.kind) {
    app->message[0] = '\0';
    bool goes_on = prompt_key(app, key);
    hits_at_once(app);
    return goes_on;
  }
  const struct view *view = app_views[app_screen(app)];
  enum action action = keymap_find(key, view->where);
  app->message[0] = '\0';
  if (app->is_loading && action != ACTION_BACK && action != ACTION_QUIT &&
      action != ACTION_REDRAW && action != ACTION_SUSPEND) {
    go_tab(app, action);
    return true;
  }
  switch (action) {
  case ACTION_HOLD:
  case ACTION_FOLLOW:
    if (!app->path || app->model->info->ended)
      app_say(app, "this recording is over");
    else if (!app->follow.is_on)
      app->follow.is_on = true;
    else
      app->follow.is_held = !app->follow.is_held;
    break;
  case ACTION_NONE:
    return true;
  case ACTION_BACK: /* the way along edges first */
    if (app_screen(app) != SCREEN_LANES || !lanes_go_back(app))
      app->depth--;
    break;
  case ACTION_QUIT:
    app->depth = 0;
    break;
  case ACTION_HELP:
    app_go(app, SCREEN_HELP);
    break;
  case ACTION_REDRAW:
    app->wants_redraw = true;
    break;
  case ACTION_SUSPEND:
    app->wants_suspend = true;
    break;
  case ACTION_MOUSE:
    app_toggle_mouse(app);
    break;
  case ACTION_PLAY:
    app->replay.is_playing = !app->replay.is_playing;
    break;
  case ACTION_REPLAY:
    replay_begin(app);
    break;
  case ACTION_TO_TASK:
    action_task(app);
    break;
  case ACTION_COPY:
    action_copy(app);
    break;
  case ACTION_FILE:
    file_open_details(app);
    break;
  case ACTION_FRAMES:
    app->shows_frames = !app->shows_frames;
    app_say(app, app->shows_frames ? "stacks with all frames; R folds those of "
                                     "the system"
                                   : "frames of the system are folded");
    break;
  case ACTION_EXPLAIN:
    action_explain(app);
    break;
  case ACTION_EDIT:
    action_edit(app);
    break;
  case ACTION_MUTE:
    action_mute(app);
    break;
  case ACTION_SEARCH:
  case ACTION_FILTER:
  case ACTION_COMMAND:
  case ACTION_SET_MARK:
  case ACTION_GO_MARK:
    prompt_open(app, (char)key);
    hits_at_once(app);
    break;
  case ACTION_NEXT_HIT:
  case ACTION_PREV_HIT:
    if (!app->search.n)
      app_say(app, "search for something with / first");
    else
      hits_go(app, action == ACTION_NEXT_HIT);
    break;
  default:
    if (action == ACTION_PAGE_UP && hits_is_empty(app))
      prompt_drop_filter(app);
    else if (!go_tab(app, action))
      view->key(app, action);
  }
  return app->depth > 0;
}
