/* Detail of one stall: since when and how it came to run, why it took so long,
 * who waited, and the line of source that held the loop. */
#include <string.h>

#include "model/advice.h"
#include "model/finding.h"
#include "output/excerpt.h"
#include "output/inert.h"
#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

/* The oldest ancestor on top, the stall itself below all. */
static void draw_ancestry(struct app *app, struct rect rect,
                          const struct model_stall *s) {
  struct grid *g = &app->grid;
  const struct model *m = app->model;
  struct rect r = grid_box(g, rect, "How it came to run (newest last)");
  char text[200], name[128];
  format_buf at;
  int n = (int)s->n_ancestors, right = r.x + r.w, y = r.y;
  int shown = n < (r.h - 1) / 2 ? n : (r.h - 1) / 2;
  if (n > shown && y < r.y + r.h)
    grid_print(g, r.x + 1, y++, ROLE_DIM, "… %d older", n - shown);
  for (int i = shown - 1; i >= 0; i--) {
    const struct model_ancestor *a = &s->ancestors[i];
    int x = r.x + 1 + (shown - 1 - i < 8 ? shown - 1 - i : 8) * 2;
    if (i < shown - 1)
      grid_put(g, x - 1, y, ROLE_BORDER, U'└');
    snprintf(text, sizeof text, "#%llu %s ", (unsigned long long)a->task,
             lt_task_kind_name(a->kind));
    x = grid_text_max(g, x + 1, y, right - x - 1, ROLE_STRONG, text);
    inert(a->label ? a->label : "", name, sizeof name);
    if (!*name && a->site)
      model_site_name(m, a->site, name, sizeof name);
    grid_text_max(g, x, y++, right - x, ROLE_TEXT, name);
    x = r.x + 4 + (shown - 1 - i < 8 ? shown - 1 - i : 8) * 2;
    snprintf(text, sizeof text, "begun %s%s",
             format_moment(at, a->spawn_ns, 1000000),
             a->spawn_site ? " at " : "");
    x = grid_text_max(g, x, y, right - x, ROLE_DIM, text);
    if (a->spawn_site)
      x = grid_text_max(g, x, y, right - x, ROLE_DIM,
                        model_site_name(m, a->spawn_site, name, sizeof name));
    if (a->await_site) {
      x = grid_text_max(g, x, y, right - x, ROLE_DIM, ", awaited at ");
      grid_text_max(g, x, y, right - x, ROLE_DIM,
                    model_site_name(m, a->await_site, name, sizeof name));
    }
    y++;
  }
  if (y >= r.y + r.h)
    return;
  int x = r.x + 1 + (shown < 8 ? shown : 8) * 2;
  grid_put(g, x - 1, y, stall_role(s), U'►');
  format_buf duration;
  snprintf(text, sizeof text, "%s, %s",
           s->slice_kind ? "its callback" : stall_callback(m, s, name, 128),
           format_duration(duration, s->duration_ns));
  grid_text_max(g, x + 1, y, right - x - 1, stall_role(s), text);
}

static int draw_parts(struct app *app, struct rect r, int y,
                      const struct model_stall *s) {
  struct grid *g = &app->grid;
  struct cause_part parts[CAUSE_PARTS];
  format_buf b;
  stall_parts(s, parts);
  int bar = r.w - 36;
  for (size_t i = 0; i < CAUSE_PARTS && y < r.y + r.h; i++) {
    if (parts[i].ns <= 0)
      continue;
    char name[96];
    grid_text_max(g, r.x + 1, y, 18, ROLE_TEXT,
                  stall_part_name(app->model, s, &parts[i], name, sizeof name));
    grid_right(g, r.x + 27, y, ROLE_STRONG, format_duration(b, parts[i].ns));
    grid_right(g, r.x + 33, y, ROLE_TEXT,
               format_share(b, parts[i].ns, s->duration_ns));
    bar_draw(g, r.x + 35, y++, bar, parts[i].role, parts[i].ns, s->duration_ns);
  }
  if (!s->has_usage && y < r.y + r.h)
    grid_text_max(g, r.x + 1, y++, r.w - 2, ROLE_DIM,
                  "CPU time was not recorded around it.");
  return y;
}

/* A stack, innermost first, if there is room for a few lines.
 * Returns: the row below. */
static int draw_stack(struct app *app, struct rect r, const char *title,
                      uint32_t stack) {
  if (r.h < 4 || !model_stack(app->model, stack))
    return r.y;
  grid_text(&app->grid, r.x + 1, r.y + 1, ROLE_STRONG, title);
  struct rect rows = {r.x + 1, r.y + 2, r.w - 2, r.h - 2};
  return rows.y + stall_draw_stack(&app->grid, rows, app->model, stack,
                                   app->shows_frames);
}

/* How many waited, and those that waited longest as far as there is room. */
static void draw_victims(struct app *app, struct rect r,
                         const struct model_stall *s) {
  struct grid *g = &app->grid;
  char text[200];
  int y = r.y, end = r.y + r.h;
  if (y + 1 < end)
    grid_text(g, r.x + 1, y++, ROLE_STRONG, "Who waited");
  if (y < end)
    grid_text_max(g, r.x + 1, y++, r.w - 2, ROLE_TEXT,
                  stall_victims(s, text, sizeof text));
  stall_draw_victims(g, (struct rect){r.x, y, r.w, end - y}, app->model, s);
}

static void draw_causes(struct app *app, struct rect rect,
                        const struct model_stall *s) {
  struct grid *g = &app->grid;
  char title[120], text[160];
  format_buf own, calls, n;
  snprintf(title, sizeof title, "Why · the program's own part: %s",
           format_duration(own, model_attributable(&s->cause)));
  struct rect r = grid_box(g, rect, title);
  int y = draw_parts(app, r, r.y, s);
  y += y + 4 < r.y + r.h;
  if (s->n_calls && y + 1 < r.y + r.h) {
    snprintf(text, sizeof text, "%s blocking call%s, %s in all",
             format_count(n, s->n_calls_all), s->n_calls_all == 1 ? "" : "s",
             format_duration(calls, s->calls_ns));
    grid_text_max(g, r.x + 1, y++, r.w - 2, ROLE_STRONG, text);
    y += stall_draw_calls(g, (struct rect){r.x, y, r.w, r.y + r.h - y - 3},
                          app->model, s);
  } else if (y < r.y + r.h && !s->n_calls) {
    grid_text_max(g, r.x + 1, y++, r.w - 2, ROLE_DIM,
                  "No blocking call was seen in it.");
  }
  int names = s->n_victims < 2 ? (int)s->n_victims : 2;
  int end = r.y + r.h - 3 - names;
  y = draw_stack(app, (struct rect){r.x, y, r.w, end - y}, "Where it was seen",
                 s->stack);
  if (s->n_calls)
    y = draw_stack(app, (struct rect){r.x, y, r.w, end - y},
                   model_waits_for_thread(s->calls[0].callee, s->calls[0].ref)
                       ? "The thread that was to end"
                       : "Who held the lock",
                   s->calls[0].holder_stack);
  y += y + 1 < r.y + r.h;
  draw_victims(app, (struct rect){r.x, y, r.w, r.y + r.h - y}, s);
}

/* Instead of the source.  Returns: false when nothing is known of it. */
static bool draw_stack_box(struct app *app, struct rect rect,
                           const struct model_stall *s) {
  if (!model_stack(app->model, s->stack))
    return false;
  struct rect r = grid_box(&app->grid, rect, "Where it was seen");
  stall_draw_stack(&app->grid, (struct rect){r.x + 1, r.y, r.w - 2, r.h},
                   app->model, s->stack, app->shows_frames);
  return true;
}

static void draw_source(struct app *app, struct rect rect,
                        const struct model_stall *s) {
  struct grid *g = &app->grid;
  const lt_site_def *def = model_site(app->model, finding_place(app->model, s));
  char path[512];
  if (rect.h < 3)
    return;
  if (!def || !def->file || !*def->file) {
    if (draw_stack_box(app, rect, s))
      return;
    struct rect r = grid_box(g, rect, "Source");
    grid_text_max(g, r.x + 1, r.y, r.w - 2, ROLE_DIM,
                  def ? "The line is not known: the program has no debug "
                        "information."
                      : "The place is not known.");
    return;
  }
  inert(excerpt_path(def->file), path, sizeof path);
  struct rect r = grid_box(g, rect, path);
  if (stall_draw_source(g, r, app->model, s) > 0)
    return;
  grid_print(g, r.x + 1, r.y, ROLE_DIM, "line %u; the file is not here%s",
             def->line, s->stack ? ". It was seen in" : "");
  stall_draw_stack(g, (struct rect){r.x + 3, r.y + 1, r.w - 4, r.h - 1},
                   app->model, s->stack, app->shows_frames);
}

static void draw_advice(struct app *app, struct rect r,
                        const struct model_stall *s) {
  struct grid *g = &app->grid;
  const struct model_call *call;
  unsigned callee = finding_callee(s, &call, NULL);
  const char *advice = callee ? advice_call(app->model, callee, call) : NULL;
  const char *compute = advice_compute(app->model);
  char text[300], name[64];
  grid_clip(g, r);
  if (callee && s->is_unseen && !compute)
    snprintf(text, sizeof text, "make this call on another thread");
  else if (callee && advice)
    snprintf(text, sizeof text, "instead of %s use %s",
             model_callee_name(app->model, callee, name, sizeof name), advice);
  else if (stall_level(s) == STALL_NOTE)
    snprintf(text, sizeof text,
             "the machine held it, not the program: nothing "
             "to change here");
  else if (stall_is_undecided(s))
    snprintf(text, sizeof text, "too little of the cause is known to judge it");
  else if (compute)
    snprintf(text, sizeof text, "%s", compute);
  else
    snprintf(text, sizeof text, "do the work in smaller steps, or %s",
             s->is_unseen ? "on another thread"
                          : "in the thread pool (uv_queue_work)");
  int x = grid_text(g, 1, r.y, ROLE_DIM, "try: ");
  grid_text_max(g, x, r.y, r.w - x - 1, ROLE_TEXT, text);
}

static void draw(struct app *app, const struct layout *layout) {
  struct layout_detail areas;
  char title[300], text[160];
  format_buf from, to;
  if (app->stall == NO_STALL) {
    grid_rule(&app->grid, layout->rule, "no loop was held: no stall to show");
    return;
  }
  const struct model_stall *s = &app->model->stalls[app->stall];
  layout_detail(layout, &areas);
  snprintf(title, sizeof title, "held by %s, %s to %s · turn %llu%s",
           stall_culprit(app->model, s, true, text, sizeof text),
           format_moment(from, s->begin_ns, 1000000),
           format_moment(to, s->begin_ns + s->duration_ns, 1000000),
           (unsigned long long)s->turn,
           s->unfinished ? " · ▶ it never came back" : "");
  grid_rule(&app->grid, layout->rule, title);
  if (areas.ancestry.h >= 3)
    draw_ancestry(app, areas.ancestry, s);
  draw_causes(app, areas.causes, s);
  draw_source(app, areas.source, s);
  if (areas.text.h)
    draw_advice(app, areas.text, s);
  app_note(app, layout,
           "stall %zu of %zu in time · j and k go through the list",
           app->stall + 1, app->model->n_stalls);
}

static bool key(struct app *app, enum action action) {
  if (app->stall == NO_STALL)
    return false;
  switch (action) {
  case ACTION_NEXT_STALL:
  case ACTION_PREV_STALL:
    app_step_stall(app, action == ACTION_NEXT_STALL);
    return true;
  case ACTION_ENTER:
  case ACTION_TO_LANES:
    lanes_show_stall(app, app->stall);
    app_go(app, SCREEN_LANES);
    return true;
  default:
    return view_stalls.key(app, action); /* j, k, g, G as in the list */
  }
}

const struct view view_detail = {"detail", AT_DETAIL, false, draw, key};
