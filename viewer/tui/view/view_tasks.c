/* Screen 5: the tasks, who made them, and where their time went.
 *
 * Invariant: a task's time is split into parts that add up to its life: it ran,
 * the pool worked for it, it could have run and others did, it waited.  Called
 * by app.c. */
#include <string.h>

#include "model/source.h"
#include "output/inert.h"
#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

static const char *const sort_names[TASK_SORT_COUNT] = {
    "tree", "time it ran", "longest run", "ready, but waiting", "age"};

static const char *task_name(const struct app *app, const struct census_task *t,
                             char *buf, size_t size) {
  const struct model_source *source = model_source(app->model);
  const char *label =
      t->label ? source->string(source->context, t->label) : NULL;
  if (label && *label)
    return inert(label, buf, size);
  return t->site ? model_site_name(app->model, t->site, buf, size)
                 : (snprintf(buf, size, "?"), buf);
}

static const char *task_state(const struct census_task *t, enum role *role) {
  *role = ROLE_DIM;
  if (t->done_ns >= 0)
    return t->is_cancelled ? "cancelled" : "done";
  *role = ROLE_RUN;
  if (t->is_running)
    return "runs ▶";
  *role = ROLE_TEXT;
  if (t->is_idle)
    return "idle"; /* a timer that is not started */
  if (t->is_ready)
    return "ready";
  return t->n_runs ? "waits" : "not run yet";
}

enum { AGE_W = 8, RUN_W = 8, READY_W = 8, RUNS_W = 7, STATE_W = 10 };

struct columns {
  int state, name, end;
  bool has_runs;
};

static struct columns columns_of(int w) {
  bool wide = w >= 90;
  int numbers = AGE_W + RUN_W + READY_W + (wide ? RUNS_W : 0);
  return (struct columns){.state = 2 + numbers + 2,
                          .name = 2 + numbers + 2 + STATE_W + 2,
                          .end = w - 1,
                          .has_runs = wide};
}

static void draw_head(struct app *app, struct rect r) {
  struct grid *g = &app->grid;
  struct columns c = columns_of(r.w);
  int x = 2;
  grid_clip(g, r);
  grid_right(g, x += AGE_W, r.y, ROLE_DIM, "life");
  grid_right(g, x += RUN_W, r.y, ROLE_DIM, "ran");
  grid_right(g, x += READY_W, r.y, ROLE_DIM, "ready");
  if (c.has_runs)
    grid_right(g, x + RUNS_W, r.y, ROLE_DIM, "runs");
  grid_text(g, c.state, r.y, ROLE_DIM, "state");
  grid_text(g, c.name, r.y, ROLE_DIM, "task");
}

static void draw_row(struct app *app, struct rect r, int y,
                     const struct task_row *row) {
  const struct census_task *t = &app->tasks.all[row->index];
  struct grid *g = &app->grid;
  struct columns c = columns_of(r.w);
  char text[200], name[160];
  format_buf b;
  enum role role;
  int x = 2;
  grid_right(g, x += AGE_W, y, ROLE_TEXT,
             format_duration(b, tasks_life_ns(t, app->model->end_ns)));
  grid_right(g, x += RUN_W, y,
             t->longest_ns >= MODEL_ERROR_NS  ? ROLE_ERROR
             : t->longest_ns >= MODEL_WARN_NS ? ROLE_WARN
                                              : ROLE_TEXT,
             t->run_ns ? format_duration(b, t->run_ns) : "·");
  grid_right(g, x += READY_W, y, ROLE_TEXT,
             t->ready_ns ? format_duration(b, t->ready_ns) : "·");
  if (c.has_runs)
    grid_right(g, x + RUNS_W, y, ROLE_TEXT, format_count(b, t->n_runs));
  const char *state = task_state(t, &role);
  grid_text_max(g, c.state, y, STATE_W + 1, role, state);
  int indent = (int)(row->depth < 12 ? row->depth : 12) * 2;
  x = c.name + indent;
  if (row->depth)
    grid_put(g, x - 2, y, ROLE_BORDER, U'└');
  snprintf(text, sizeof text, "#%llu %s ", (unsigned long long)t->id,
           lt_task_kind_name(t->kind));
  x = grid_text_max(g, x, y, c.end - x, ROLE_STRONG, text);
  grid_text_max(g, x, y, c.end - x, ROLE_TEXT,
                task_name(app, t, name, sizeof name));
  if (t->id == app->tasks.selected) {
    grid_put(g, 0, y, ROLE_KEY, U'>');
    grid_select(g, (struct rect){0, y, r.w, 1});
  }
}

/* About the selected one */

struct part {
  const char *name;
  int64_t ns;
  enum role role;
};

static int draw_parts(struct app *app, struct rect r, int y,
                      const struct census_task *t) {
  struct grid *g = &app->grid;
  format_buf b;
  int64_t life = tasks_life_ns(t, app->model->end_ns);
  int64_t rest = life - t->run_ns - t->pool_ns - t->ready_ns;
  int64_t blocked = t->blocked_ns < t->run_ns ? t->blocked_ns : t->run_ns;
  bool is_unseen = model_is_pool_unseen(t->kind) && t->pool_ns == 0;
  const struct part parts[] = {
      {"ran", t->run_ns - blocked, ROLE_RUN},
      {"in blocking calls", blocked, ROLE_BLOCK},
      {"in the thread pool", t->pool_ns, ROLE_POOL},
      {"ready, others ran", t->ready_ns, ROLE_WARN},
      {is_unseen ? MODEL_POOL_UNSEEN : "waited", rest > 0 ? rest : 0,
       is_unseen ? ROLE_POOL : ROLE_WAIT},
  };
  for (size_t i = 0; i < sizeof parts / sizeof *parts && y < r.y + r.h; i++) {
    if (parts[i].ns <= 0)
      continue;
    grid_text(g, r.x + 1, y, ROLE_TEXT, parts[i].name);
    grid_right(g, r.x + 31, y, ROLE_STRONG, format_duration(b, parts[i].ns));
    grid_right(g, r.x + 37, y, ROLE_TEXT, format_share(b, parts[i].ns, life));
    bar_draw(g, r.x + 39, y++, r.w - 41, parts[i].role, parts[i].ns, life);
  }
  return y;
}

static int draw_behind(struct app *app, struct rect r, int y,
                       const struct census_task *t) {
  struct grid *g = &app->grid;
  char text[300], name[120];
  format_buf a, b;
  if (t->worst_ready_ns <= 0 || y >= r.y + r.h)
    return y;
  snprintf(text, sizeof text, "%s at %s", format_duration(a, t->worst_ready_ns),
           format_moment(b, t->worst_ready_at_ns, 1000000));
  int x = grid_text(g, r.x + 1, y, ROLE_DIM, "longest wait  ");
  x = grid_text(g, x, y, ROLE_STRONG, text);
  if (!tasks_knows_behind(&app->tasks)) {
    grid_text_max(g, x, y, r.x + r.w - x, ROLE_DIM,
                  ", what ran then is being read");
    return y + 1;
  }
  if (app->tasks.n_behind == 0)
    grid_text_max(g, x, y, r.x + r.w - x, ROLE_TEXT,
                  ", behind no callback that was seen");
  else
    x = grid_text(g, x, y, ROLE_TEXT, ", behind ");
  for (size_t i = 0; i < app->tasks.n_behind; i++) {
    const struct task_behind *behind = &app->tasks.behind[i];
    snprintf(text, sizeof text, "%s%s %s (%s)", i ? ", " : "",
             lt_task_kind_name(behind->kind),
             behind->site
                 ? model_site_short(app->model, behind->site, name, sizeof name)
                 : "?",
             format_duration(a, behind->ns));
    x = grid_text_max(g, x, y, r.x + r.w - x, ROLE_TEXT, text);
  }
  return y + 1;
}

static void draw_about(struct app *app, struct rect r,
                       const struct census_task *t) {
  struct grid *g = &app->grid;
  char text[300], name[160];
  format_buf at, took, when;
  int y = r.y;
  grid_clip(g, r);
  y = draw_parts(app, r, y, t);
  y = draw_behind(app, r, y, t);
  if (t->n_runs && y < r.y + r.h) {
    snprintf(text, sizeof text, "longest run   %s at %s, of %llu",
             format_duration(took, t->longest_ns),
             format_moment(when, t->longest_at_ns, 1000000),
             (unsigned long long)t->n_runs);
    grid_text_max(g, r.x + 1, y++, r.w - 2, ROLE_TEXT, text);
  }
  if (y < r.y + r.h) {
    snprintf(text, sizeof text, "made          %s%s%s",
             t->spawn_ns < 0 ? "before the recording"
                             : format_moment(at, t->spawn_ns, 1000000),
             t->spawn_site ? " at " : "",
             t->spawn_site
                 ? model_site_name(app->model, t->spawn_site, name, sizeof name)
                 : "");
    grid_text_max(g, r.x + 1, y++, r.w - 2, ROLE_TEXT, text);
  }
  if (y >= r.y + r.h || !t->parent)
    return;
  int x = grid_text(g, r.x + 1, y, ROLE_DIM, "by            ");
  const struct census_task *p = t;
  for (int i = 0; i < 16 && p->parent && x < r.x + r.w - 4; i++) {
    uint64_t id = p->parent;
    const struct census_task *older = tasks_find(&app->tasks, id);
    snprintf(text, sizeof text, "◀ #%llu %s %s ", (unsigned long long)id,
             older ? lt_task_kind_name(older->kind) : "(not kept)",
             older ? task_name(app, older, name, sizeof name) : "");
    x = grid_text_max(g, x, y, r.x + r.w - x - 1, ROLE_TEXT, text);
    if (!older || older->id >= p->id)
      break;
    p = older;
  }
}

static void draw_reading(struct app *app, const struct layout *layout) {
  struct rect body = layout->body;
  grid_rule(&app->grid, layout->rule, "tasks");
  grid_clip(&app->grid, body);
  if (app->tasks.problem != LT_OK) {
    grid_text_max(&app->grid, 2, body.y + 1, body.w - 4, ROLE_ERROR,
                  lt_status_text(app->tasks.problem));
    return;
  }
  double share = app->tasks.census ? census_share(app->tasks.census) : 0;
  grid_print(&app->grid, 2, body.y + 1, ROLE_TEXT,
             "reading the tasks: %.0f%%; other screens can be used meanwhile",
             share * 100);
  bar_draw(&app->grid, 2, body.y + 2, body.w - 4, ROLE_RUN,
           (int64_t)(share * 1000), 1000);
}

static bool is_all_unseen(const struct model *m) {
  for (size_t i = 0; i < m->n_loops; i++)
    if (!m->loops[i].is_unseen)
      return false;
  return m->n_loops > 0;
}

static void draw(struct app *app, const struct layout *layout) {
  struct tasks_pane *pane = &app->tasks;
  struct layout_list areas;
  char title[200], dropped[80] = "";
  format_buf n, out;
  if (!pane->is_done || pane->problem != LT_OK) {
    draw_reading(app, layout);
    return;
  }
  if (census_dropped(pane->census))
    snprintf(dropped, sizeof dropped, " · %s that ran little are left out",
             format_count(out, census_dropped(pane->census)));
  snprintf(title, sizeof title, "%s tasks%s · sort: %s%s",
           format_count(n, census_seen(pane->census)), dropped,
           sort_names[pane->sort],
           pane->sort == TASK_TREE ? ""
           : pane->is_inverted     ? " ▲"
                                   : " ▾");
  grid_rule(&app->grid, layout->rule, title);
  if (pane->n == 0) {
    grid_clip(&app->grid, layout->body);
    grid_text_max(&app->grid, 2, layout->body.y + 1, layout->w - 4, ROLE_TEXT,
                  is_all_unseen(app->model)
                      ? "No task is known: its loops are not libuv's, and "
                        "their callbacks are not seen."
                      : "No task was recorded.");
    return;
  }
  if (pane->n_rows == 0) {
    app_draw_none(app, layout);
    return;
  }
  layout_list(layout, pane->n_rows, &areas);
  draw_head(app, areas.head);
  size_t row = tasks_row(pane, pane->selected);
  size_t first = layout_scroll(row, pane->n_rows, areas.rows.h);
  grid_clip(&app->grid, areas.rows);
  for (int i = 0; i < areas.rows.h && first + (size_t)i < pane->n_rows; i++) {
    app_hot(app, HOT_ROW, (struct rect){0, areas.rows.y + i, layout->w, 1},
            first + (size_t)i);
    draw_row(app, areas.rows, areas.rows.y + i, &pane->rows[first + (size_t)i]);
  }
  const struct census_task *t = tasks_find(pane, pane->selected);
  if (t && areas.detail.h > 0) {
    char name[160];
    bool path = tasks_shows_path(pane);
    snprintf(title, sizeof title, "#%llu %s · %s", (unsigned long long)t->id,
             task_name(app, t, name, sizeof name),
             path ? "critical path" : "where its time went");
    grid_rule(&app->grid, areas.rule, title);
    if (path)
      task_path_draw(app, areas.detail);
    else
      draw_about(app, areas.detail, t);
  }
  app_note(app, layout, "task %zu of %zu%s", row + 1, pane->n_rows,
           app->sift.stage == SIFT_ORDER   ? "; they are being put in order"
           : app->sift.stage == SIFT_TASKS ? " so far"
                                           : "");
}

/* The lanes around its longest run, or where it was made. */
static void to_lanes(struct app *app, const struct census_task *t) {
  int64_t at = t->n_runs ? t->longest_at_ns : t->spawn_ns < 0 ? 0 : t->spawn_ns;
  int64_t length = t->longest_ns * 2;
  if (length < 2000000)
    length = 2000000;
  app->cursor_ns = at;
  lanes_push_history(app);
  lanes_set_window(app, at - length / 4, at - length / 4 + length);
  for (size_t i = 0; i < app->model->n_loops; i++)
    if (app->model->loops[i].thread == t->thread)
      app->lanes.current =
          (struct lane){.what = LANE_CALLBACK, .thread = t->thread, .loop = i};
  app_go(app, SCREEN_LANES);
}

static bool key(struct app *app, enum action action) {
  struct tasks_pane *pane = &app->tasks;
  struct layout layout;
  struct layout_list areas;
  const struct census_task *t = tasks_find(pane, pane->selected);
  if (!pane->rows || pane->n_rows == 0)
    return false;
  app_layout(app, &layout);
  layout_list(&layout, pane->n_rows, &areas);
  size_t row = tasks_row(pane, pane->selected);
  if (app_move(action, pane->n_rows, areas.rows.h, &row)) {
    pane->selected = pane->all[pane->rows[row].index].id;
    return true;
  }
  switch (action) {
  case ACTION_SORT_NEXT:
    pane->sort = (pane->sort + 1) % TASK_SORT_COUNT;
    break;
  case ACTION_SORT_PREV:
    pane->sort = (pane->sort + TASK_SORT_COUNT - 1) % TASK_SORT_COUNT;
    break;
  case ACTION_INVERT:
    pane->is_inverted = !pane->is_inverted;
    break;
  case ACTION_PARENT:
    if (t && tasks_find(pane, t->parent))
      pane->selected = t->parent;
    else
      app_say(app, "who made it is not known");
    return true;
  case ACTION_PATH:
    if (areas.detail.h > 0)
      tasks_path(pane, app->path);
    else
      app_say(app, "no room for its path here; a higher terminal has it");
    return true;
  case ACTION_ENTER:
  case ACTION_TO_LANES:
    if (t)
      to_lanes(app, t);
    return true;
  default:
    return false;
  }
  hits_apply(app);
  return true;
}

const struct view view_tasks = {"tasks", AT_TASKS, true, draw, key};
