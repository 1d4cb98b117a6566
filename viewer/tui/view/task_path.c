/* Screen 5: the critical path of the chosen task.
 *
 * Invariant: the file is read for it in the background, and only after the key
 * for it; the path is kept until another one is asked for.  Called by app.c and
 * view_tasks.c. */
#include <string.h>

#include "model/source.h"
#include "output/inert.h"
#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

#define STEPS_MAX 64 /* on any screen */

void tasks_path_forget(struct tasks_pane *pane) {
  path_end(pane->walk);
  path_free(pane->path);
  pane->walk = NULL;
  pane->path = NULL;
  pane->path_of = 0;
  pane->path_problem = LT_OK;
}

bool tasks_shows_path(const struct tasks_pane *pane) {
  return pane->shows_path && pane->path_of && pane->path_of == pane->selected;
}

void tasks_path(struct tasks_pane *pane, const char *file) {
  bool shown = tasks_shows_path(pane);
  pane->shows_path = !shown;
  if (shown || pane->path_of == pane->selected)
    return;
  tasks_path_forget(pane);
  pane->path_of = pane->selected;
  pane->path_problem =
      file ? path_begin(file, pane->selected, STEPS_MAX, &pane->walk) : LT_NOT_FOUND;
}

bool tasks_path_work(struct tasks_pane *pane, uint64_t n_events) {
  if (!pane->walk)
    return false;
  lt_status status = path_go_on(pane->walk, n_events, &pane->path);
  if (status == LT_OK)
    return true;
  path_end(pane->walk);
  pane->walk = NULL;
  pane->path_problem = status == LT_END ? LT_OK : status;
  return false;
}

static const enum role state_roles[PATH_STATES] = {
    [PATH_RUN] = ROLE_RUN,   [PATH_READY] = ROLE_WARN, [PATH_QUEUE] = ROLE_WARN,
    [PATH_POOL] = ROLE_POOL, [PATH_TIMER] = ROLE_WAIT, [PATH_POLL] = ROLE_WAIT,
    [PATH_WAIT] = ROLE_WAIT, [PATH_UNSEEN] = ROLE_POOL};

static int64_t length_of(const struct path_step *s) {
  return s->end_ns - s->begin_ns;
}

/* The longest steps, n at most, in order of time.  Returns: how many. */
static size_t choose(const struct path *p, size_t n, size_t out[STEPS_MAX]) {
  size_t used = 0;
  if (n > STEPS_MAX)
    n = STEPS_MAX;
  for (size_t i = 0; i < p->n_steps && n > 0; i++) {
    int64_t ns = length_of(&p->steps[i]);
    if (used == n && length_of(&p->steps[out[n - 1]]) >= ns)
      continue;
    size_t at = used < n ? used++ : n - 1;
    for (; at > 0 && length_of(&p->steps[out[at - 1]]) < ns; at--)
      out[at] = out[at - 1];
    out[at] = i;
  }
  for (size_t i = 1; i < used; i++)
    for (size_t k = i; k > 0 && out[k - 1] > out[k]; k--) {
      size_t swap = out[k];
      out[k] = out[k - 1];
      out[k - 1] = swap;
    }
  return used;
}

static const char *name_of(struct app *app, const struct path_step *s,
                           char *buf, size_t size) {
  const struct model_source *source = model_source(app->model);
  const struct census_task *t = tasks_find(&app->tasks, s->task);
  bool knows = s->kind || !t; /* more than the census does */
  const char *label =
      s->label ? source->string(source->context, s->label) : NULL;
  char name[160];
  if (label && *label)
    inert(label, name, sizeof name);
  else
    model_site_name(app->model, knows ? s->site : t->site, name, sizeof name);
  snprintf(buf, size, "#%llu %s %s", (unsigned long long)s->task,
           lt_task_kind_name(knows ? s->kind : t->kind), name);
  return buf;
}

/* What else is known of a step, or "". */
static const char *why(struct app *app, const struct path_step *s, char *buf,
                       size_t size) {
  char name[160];
  format_buf took;
  *buf = '\0';
  if (s->state == PATH_RUN && s->blocked_ns)
    snprintf(buf, size, ", %s in blocking calls",
             format_duration(took, s->blocked_ns));
  if (s->state == PATH_READY && s->behind_ns)
    snprintf(buf, size, ", %s behind #%llu %s",
             format_duration(took, s->behind_ns), (unsigned long long)s->behind,
             model_site_short(app->model, s->behind_site, name, sizeof name));
  if (s->state == PATH_WAIT)
    snprintf(buf, size, ", for #%llu %s", (unsigned long long)s->behind,
             model_site_short(app->model, s->behind_site, name, sizeof name));
  return buf;
}

static void draw_step(struct app *app, struct rect r, int y,
                      const struct path_step *s) {
  struct grid *g = &app->grid;
  char text[400];
  format_buf b;
  enum { AT_W = 10, TOOK_W = 9, STATE_W = 20 };
  int indent = (int)(s->depth < 8 ? s->depth : 8) * 2;
  int x = r.x + AT_W;
  grid_right(g, x, y, ROLE_DIM, format_moment(b, s->begin_ns, 1000000));
  grid_right(g, x += TOOK_W, y, ROLE_STRONG, format_duration(b, length_of(s)));
  grid_text_max(g, x + 2, y, STATE_W, state_roles[s->state],
                path_state_text(s->state));
  x += 2 + STATE_W + 1 + indent;
  if (indent)
    grid_put(g, x - 2, y, ROLE_BORDER, U'└');
  x = grid_text_max(g, x, y, r.x + r.w - x, ROLE_TEXT,
                    name_of(app, s, text, sizeof text));
  grid_text_max(g, x, y, r.x + r.w - x, ROLE_DIM,
                why(app, s, text, sizeof text));
}

/* Where the path's time went, in one line. */
static void draw_totals(struct app *app, struct rect r, const struct path *p) {
  struct grid *g = &app->grid;
  char text[120];
  format_buf a, b;
  int64_t whole = p->end_ns - p->spawn_ns;
  int x = r.x + 1;
  for (int i = 0; i < PATH_STATES && x < r.x + r.w; i++) {
    if (!p->total_ns[i])
      continue;
    snprintf(text, sizeof text, "%s%s %s %s", x > r.x + 1 ? " · " : "",
             path_state_text((enum path_state)i),
             format_duration(a, p->total_ns[i]),
             format_share(b, p->total_ns[i], whole));
    x = grid_text_max(g, x, r.y, r.x + r.w - x, state_roles[i], text);
  }
}

/* The model's advice for who waits as this one does. */
static int draw_gather(struct app *app, struct rect r, int y,
                       const struct path *p) {
  const struct model *m = app->model;
  char text[200];
  format_buf a, b;
  for (size_t i = 0; i < m->n_gathers && r.h > 3; i++) {
    const struct model_gather *gather = &m->gathers[i];
    if (gather->task != p->task)
      continue;
    snprintf(
        text, sizeof text,
        "it awaited %llu tasks one by one; together: up to %s less, if none "
        "needs another (%s)",
        (unsigned long long)gather->n,
        format_duration(a, gather->worst_saved_ns),
        format_moment(b, gather->begin_ns, 1000000));
    grid_text_max(&app->grid, r.x + 1, y++, r.w - 2, ROLE_WARN, text);
    break;
  }
  return y;
}

void task_path_draw(struct app *app, struct rect r) {
  const struct tasks_pane *pane = &app->tasks;
  const struct path *p = pane->path;
  struct grid *g = &app->grid;
  size_t chosen[STEPS_MAX];
  grid_clip(g, r);
  if (pane->path_problem != LT_OK) {
    grid_text_max(g, r.x + 1, r.y, r.w - 2, ROLE_ERROR,
                  lt_status_text(pane->path_problem));
    return;
  }
  if (!p) {
    grid_print(g, r.x + 1, r.y, ROLE_TEXT,
               "following it through the trace: %.0f%%",
               pane->walk ? path_share(pane->walk) * 100 : 0.0);
    return;
  }
  if (p->n_steps == 0) {
    grid_text_max(g, r.x + 1, r.y, r.w - 2, ROLE_TEXT,
                  "The trace does not say what it did and waited for.");
    return;
  }
  draw_totals(app, r, p);
  int y = draw_gather(app, r, r.y + 1, p), room = r.y + r.h - y;
  if (room < 1)
    return;
  size_t n_all = p->n_steps + p->n_left_out;
  bool fits = n_all <= (size_t)room && n_all <= STEPS_MAX;
  size_t n = choose(p, fits ? p->n_steps : (size_t)room - 1, chosen);
  for (size_t i = 0; i < n; i++)
    draw_step(app, r, y++, &p->steps[chosen[i]]);
  if (!fits)
    grid_print(g, r.x + 1, y, ROLE_DIM,
               "%zu shorter steps left out: looptrace report --task %llu "
               "--top %zu",
               n_all - n, (unsigned long long)p->task, n_all);
}
