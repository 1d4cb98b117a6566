/* What check would complain of, and what else is worth to be known, by number;
 * below it the calls that blocked loops.
 *
 * Invariant: counts are those of the model, levels those of check with its
 * default budget.  Called by view_overview.c. */
#include "model/finding.h"
#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

/* Troubles, as check calls them. */
static const struct {
  enum model_trouble_kind kind;
  const char *text;
} trouble_texts[] = {
    {MODEL_AWAIT_CYCLE, "tasks wait for each other"},
    {MODEL_HANDLE_LEAK, "ever more handles of a place"},
    {MODEL_NEVER_CLOSED, "handles never closed"},
    {MODEL_NEVER_FINISHED, "tasks never finished"},
    {MODEL_POOL_SATURATED, "the pool was full"},
    {MODEL_STARVED_TIMER, "timers mostly late"},
    {MODEL_LATE_TIMER, "timers late without a stall"},
};

/* Where there is room: the calls that blocked loops, by place. */
static void draw_callers(struct app *app, struct rect r, int y) {
  const struct model *m = app->model;
  struct grid *g = &app->grid;
  char name[160];
  format_buf b;
  int end = r.y + r.h;
  if (end - y < 4 || !m->n_callers)
    return;
  grid_text(g, r.x + 1, ++y, ROLE_STRONG, "Calls that blocked a loop most");
  for (size_t i = 0; i < m->n_callers && ++y < end; i++) {
    const struct model_caller *c = &m->callers[i];
    grid_right(g, r.x + 8, y, ROLE_TEXT, format_duration(b, c->total_ns));
    grid_right(g, r.x + 15, y, ROLE_DIM, format_count(b, c->count));
    grid_put(g, r.x + 15, y, ROLE_DIM, U'×');
    int x = grid_text_max(g, r.x + 17, y, 20, ROLE_BLOCK,
                          model_callee_name(m, c->callee, name, sizeof name));
    x = (x < r.x + 34 ? r.x + 34 : x) + 2;
    uint32_t place = finding_place_of_call(m, c->callee, c->site, c->max_ns);
    grid_text_max(g, x, y, r.x + r.w - x - 1, ROLE_TEXT,
                  model_site_name(m, place ? place : c->site, name,
                                  sizeof name));
  }
}

static int put(struct app *app, struct rect r, int y, uint64_t n,
               enum role role, const char *level, const char *text) {
  format_buf b;
  if (n == 0 || y >= r.y + r.h)
    return y;
  grid_right(&app->grid, r.x + 6, y, ROLE_STRONG, format_count(b, n));
  grid_text(&app->grid, r.x + 7, y, role, level);
  grid_text_max(&app->grid, r.x + 13, y, r.w - 13, ROLE_TEXT, text);
  return y + 1;
}

struct counts {
  uint64_t levels[3], undecided, late;
  int64_t worst_late_ns;
};

static struct counts count(const struct model *m) {
  struct counts c = {0};
  for (size_t i = 0; i < m->n_stalls; i++)
    if (stall_is_undecided(&m->stalls[i]))
      c.undecided++;
    else
      c.levels[stall_level(&m->stalls[i])]++;
  for (size_t i = 0; i < m->n_loops; i++) {
    c.late += m->loops[i].timers_late;
    if (m->loops[i].worst_late_ns > c.worst_late_ns)
      c.worst_late_ns = m->loops[i].worst_late_ns;
  }
  return c;
}

static int put_stalls(struct app *app, struct rect r, int y,
                      const struct counts *c) {
  char text[96];
  format_buf b;
  snprintf(text, sizeof text, "stall of %s or more",
           format_duration(b, MODEL_ERROR_NS));
  y = put(app, r, y, c->levels[STALL_ERROR], ROLE_ERROR, "error", text);
  snprintf(text, sizeof text, "stall of %s or more",
           format_duration(b, MODEL_WARN_NS));
  y = put(app, r, y, c->levels[STALL_WARN], ROLE_WARN, "warn", text);
  y = put(app, r, y, c->undecided, ROLE_WARN, "warn",
          "stalls whose cause is not known");
  y = put(app, r, y, app->model->n_blocking, ROLE_WARN, "warn",
          "long calls beside lost events");
  return put(app, r, y, c->levels[STALL_NOTE], ROLE_DIM, "note",
             "stall, the machine's doing");
}

/* As judgement.c tells them where no budget says otherwise. */
static bool is_told(const struct model_trouble *t) {
  return (t->kind != MODEL_LATE_TIMER && t->kind != MODEL_POOL_SATURATED) ||
         t->own_ns > MODEL_ERROR_NS;
}

static int put_troubles(struct app *app, struct rect r, int y) {
  const struct model *m = app->model;
  for (size_t i = 0; i < sizeof trouble_texts / sizeof *trouble_texts; i++) {
    uint64_t n = 0;
    for (size_t k = 0; k < m->n_troubles; k++)
      n += m->troubles[k].kind == trouble_texts[i].kind &&
           is_told(&m->troubles[k]);
    y = put(app, r, y, n, ROLE_WARN, "warn", trouble_texts[i].text);
  }
  return y;
}

static int put_stops(struct app *app, struct rect r, int y) {
  const struct model *m = app->model;
  char text[96];
  format_buf b;
  uint64_t n = 0;
  int64_t longest = 0;
  for (size_t i = 0; i < m->n_loops; i++) {
    n += m->loops[i].n_stops;
    if (longest < m->loops[i].longest_stop_ns)
      longest = m->loops[i].longest_stop_ns;
  }
  snprintf(text, sizeof text, "stopped by a signal, for up to %s",
           format_duration(b, longest));
  return put(app, r, y, n, ROLE_DIM, "note", text);
}

void findings_draw(struct app *app, struct rect rect) {
  const struct model *m = app->model;
  struct counts c = count(m);
  char text[96];
  format_buf b;
  if (rect.h < 3)
    return;
  struct rect r = grid_box(&app->grid, rect, "Findings");
  int y = put_stalls(app, r, r.y, &c);
  snprintf(text, sizeof text, "timers late, worst +%s",
           format_duration(b, c.worst_late_ns));
  y = put(app, r, y, c.late, ROLE_DIM, "note", text);
  y = put_troubles(app, r, y);
  y = put_stops(app, r, y);
  y = put(app, r, y, m->n_calls, ROLE_DIM, "note", "blocking calls on a loop");
  y = put(app, r, y, m->n_lost, ROLE_WARN, "warn",
          "events lost: counts are lower bounds");
  y = put(app, r, y, m->info->n_sites == 0, ROLE_DIM, "note",
          "no names were recorded");
  if (y == r.y)
    grid_text_max(&app->grid, r.x + 1, y, r.w - 2,
                  m->n_loops ? ROLE_OK : ROLE_WARN,
                  m->n_loops ? "✔ nothing to complain about"
                             : "⚠ no loop ran: nothing can be judged");
  draw_callers(app, r, y);
}
