/* The frame around the screens: title, tabs, hints, what is shown while a trace
 * is read.
 *
 * Invariant: what app_draw() shows is a function of the model and of struct
 * app.  Called by cmd_view.c and by the tests. */
#include <stdlib.h>
#include <string.h>

#include "output/inert.h"
#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

static void badges(const struct app *app, char *buf, size_t size,
                   enum role *role) {
  const lt_info *info = app->model->info;
  format_buf n;
  int used = 0;
  buf[0] = '\0';
  *role = ROLE_WARN;
  if (app->is_loading) {
    snprintf(buf, size, "… reading %.0f%%",
             model_progress(app->model).share * 100);
    return;
  }
  if (follow_goes_on(app)) {
    int64_t lag = follow_lag_ns(app);
    used = snprintf(buf, size, "● LIVE");
    if (lag >= 0)
      used += snprintf(buf + used, size - (size_t)used, "  lag %s",
                       format_duration(n, lag));
    *role = ROLE_OK;
  } else if (app->follow.is_on && app->follow.is_held && !info->ended)
    used = snprintf(buf, size, "= HELD");
  else if (info->problem == LT_TRUNCATED || (!info->ended && !info->problem))
    used = snprintf(buf, size, "⚠ TRUNCATED");
  else if (info->problem != LT_OK)
    used = snprintf(buf, size, "⚠ DAMAGED");
  if (app->model->n_lost)
    used += snprintf(buf + used, size - (size_t)used, "%s⚠ LOST %s",
                     used ? "  " : "", format_count(n, app->model->n_lost));
  if (!used) {
    snprintf(buf, size, "✔ complete");
    *role = ROLE_OK;
  }
}

static void draw_title(struct app *app, struct rect r) {
  const struct model *m = app->model;
  char badge[80], part[160], name[64];
  enum role role;
  format_buf a, b;
  grid_clip(&app->grid, r);
  badges(app, badge, sizeof badge, &role);
  int end = r.w - text_width(badge) - 1;
  grid_text(&app->grid, end, r.y, role, badge);
  size_t nameless = nameless_modules(app);
  if (nameless && r.w >= 80) {
    snprintf(part, sizeof part, "⚠ %zu module%s without symbols", nameless,
             nameless == 1 ? "" : "s");
    end -= text_width(part) + 2;
    grid_text(&app->grid, end, r.y, ROLE_WARN, part);
  }
  int x = grid_text(&app->grid, 1, r.y, ROLE_TITLE, "looptrace") + 2;
  x = grid_text_max(&app->grid, x, r.y, end - x - 2, ROLE_STRONG, app->file);
  for (int i = 0; i < 4; i++) {
    if (i == 0)
      snprintf(part, sizeof part, "%s pid %d",
               inert(m->info->comm, name, sizeof name), m->info->pid);
    else if (i == 1)
      snprintf(part, sizeof part, "%s", format_duration(a, model_length_ns(m)));
    else if (i == 2)
      snprintf(part, sizeof part, "%s events",
               format_count(a, m->info->n_events));
    else
      snprintf(part, sizeof part, "%s loop%s, %s thread%s",
               format_count(a, m->n_loops), m->n_loops == 1 ? "" : "s",
               format_count(b, m->info->n_threads),
               m->info->n_threads == 1 ? "" : "s");
    if (x + 3 + text_width(part) + 2 > end)
      break; /* whole or not at all */
    x = grid_text(&app->grid, x + 3, r.y, ROLE_TEXT, part);
  }
}

static void draw_breadcrumb(struct app *app, struct rect r) {
  int x = grid_text(&app->grid, 1, r.y, ROLE_DIM, "Stalls › ");
  if (app_screen(app) == SCREEN_EXPLAIN) {
    grid_field(&app->grid, 1, r.y, r.w - 1, ROLE_STRONG, "Rules of check");
    return;
  }
  if (app_screen(app) == SCREEN_FILE) {
    grid_field(&app->grid, 1, r.y, r.w - 1, ROLE_STRONG, "The file");
    return;
  }
  if (app_screen(app) == SCREEN_HELP || app->stall == NO_STALL) {
    grid_field(&app->grid, 1, r.y, r.w - 1, ROLE_STRONG, "Keys");
    return;
  }
  const struct model_stall *s = &app->model->stalls[app->stall];
  char text[200];
  format_buf at, duration;
  snprintf(text, sizeof text, "%s %s %s › ",
           format_moment(at, s->begin_ns, 1000000),
           s->loop < app->model->n_loops ? app->model->loops[s->loop].name : "",
           format_duration(duration, s->duration_ns));
  x = grid_text(&app->grid, x, r.y, stall_role(s), text);
  grid_text_max(&app->grid, x, r.y, r.w - x - 1, ROLE_STRONG,
                stall_callback(app->model, s, text, sizeof text));
}

enum tab_form { TAB_WHOLE, TAB_NAME, TAB_NUMBER };

static void tab_text(const struct app *app, int i, enum tab_form form, bool on,
                     char *buf, size_t size) {
  static const char *const names[] = {"Overview", "Lanes", "Stalls",
                                      "Sites",    "Tasks", "Compare"};
  char count[FORMAT_SIZE + 2] = "";
  format_buf n;
  if (i >= SCREEN_STALLS && i != SCREEN_COMPARE && form == TAB_WHOLE)
    snprintf(count, sizeof count, " %s",
             format_count(n, i == SCREEN_STALLS  ? app->model->n_stalls
                             : i == SCREEN_SITES ? app->model->n_sites
                                                 : app->model->n_tasks));
  if (form == TAB_NUMBER && !on)
    snprintf(buf, size, " %d", i + 1);
  else
    snprintf(buf, size, on ? "[%d %s%s]" : " %d %s%s ", i + 1, names[i], count);
}

/* Where not all have room, counts go first, then names: never the tab that is
 * shown. */
static void draw_tabs(struct app *app, struct rect r) {
  enum screen_id now = app_screen(app);
  int form = TAB_WHOLE, x = 1;
  char text[FILTER_TEXT_MAX + 10];
  if (now == SCREEN_REPLAY)
    now = SCREEN_LANES;
  grid_clip(&app->grid, r);
  if (!app_views[now]->is_tab) {
    draw_breadcrumb(app, r);
    return;
  }
  int n = SCREEN_COMPARE + (app->compare.base != NULL || now == SCREEN_COMPARE);
  for (; form < TAB_NUMBER; form++) {
    int width = 0;
    for (int i = 0; i < n; i++) {
      tab_text(app, i, (enum tab_form)form, (int)now == i, text, sizeof text);
      width += text_width(text) + 1;
    }
    if (width <= r.w)
      break;
  }
  for (int i = 0; i < n; i++) {
    bool on = (int)now == i;
    tab_text(app, i, (enum tab_form)form, on, text, sizeof text);
    app_hot(app, HOT_TAB, (struct rect){x, r.y, text_width(text), 1},
            (size_t)i);
    x = grid_text(&app->grid, x, r.y, on ? ROLE_TAB : ROLE_TEXT, text) + 1;
  }
  if (app->filter.n) {
    snprintf(text, sizeof text, "filter: %s", app->filter.text);
    int room = r.w - x - 1, w = text_width(text);
    grid_text_max(&app->grid, w < room ? r.w - 1 - w : x, r.y, room, ROLE_WARN,
                  text);
  }
}

/* The keys that work here, as many as fit; how to leave is always said. */
static void draw_keys(struct app *app, struct rect r) {
  unsigned where = app_views[app_screen(app)]->where;
  const char *leave = app_screen(app) == SCREEN_HELP ? "q back"
                      : app->depth > 1               ? "? help  q back"
                                                     : "? help  q quit";
  int x = 1, end = r.w - text_width(leave) - 3;
  grid_clip(&app->grid, r);
  for (size_t i = 0; i < keymap_n_rows; i++) {
    char own[80];
    const char *hint = keymap_hint(&keymap_rows[i], own, sizeof own);
    if (!hint || !(keymap_rows[i].where & where) || x + text_width(hint) > end)
      continue;
    const char *word = strrchr(hint, ' ');
    int key_w = (int)(word - hint);
    grid_text_max(&app->grid, x, r.y, 40, ROLE_DIM, hint);
    for (int k = 0; k < key_w; k++)
      grid_at(&app->grid, x + k, r.y)->role = ROLE_KEY;
    x += text_width(hint) + 2;
  }
  grid_text(&app->grid, x, r.y, ROLE_DIM, leave);
  grid_at(&app->grid, x, r.y)->role = ROLE_KEY;
  grid_at(&app->grid, x + text_width(leave) - 6, r.y)->role = ROLE_KEY;
}

static void draw_too_small(struct app *app) {
  char text[300];
  snprintf(text, sizeof text, "looptrace needs %dx%d, this terminal is %dx%d.",
           LAYOUT_MIN_W, LAYOUT_MIN_H, app->w, app->h);
  grid_text_max(&app->grid, 0, 0, app->w, ROLE_TEXT, text);
  snprintf(text, sizeof text, "Enlarge it, or run: looptrace report %s",
           app->file);
  grid_text_max(&app->grid, 0, 1, app->w, ROLE_TEXT, text);
}

/* The minimap fills up above it. */
static void draw_loading(struct app *app, const struct layout *layout) {
  struct model_progress p = model_progress(app->model);
  struct rect body = layout->body;
  format_buf n, all;
  grid_rule(&app->grid, layout->rule, "reading the trace");
  grid_clip(&app->grid, body);
  if (app->load_problem != LT_OK) {
    grid_text_max(&app->grid, 2, body.y + 1, body.w - 4, ROLE_ERROR,
                  lt_status_text(app->load_problem));
    return;
  }
  grid_print(&app->grid, 2, body.y + 1, ROLE_TEXT,
             "%s of %s events, %zu stall%s so far", format_count(n, p.n_events),
             format_count(all, app->model->info->n_events), p.n_stalls,
             p.n_stalls == 1 ? "" : "s");
  bar_draw(&app->grid, 2, body.y + 2, body.w - 4, ROLE_RUN,
           (int64_t)(p.share * 1000), 1000);
  grid_text_max(&app->grid, 2, body.y + 4, body.w - 4, ROLE_DIM,
                "1 to 6 choose the screen to begin with; q quits.");
  if (app->summary)
    summary_draw_stalls(app,
                        (struct rect){body.x, body.y + 6, body.w, body.h - 6});
}

void app_draw(struct app *app) {
  struct layout layout;
  app_layout(app, &layout);
  grid_clear(&app->grid);
  app->mouse.n_hot = 0;
  if (layout.too_small) {
    draw_too_small(app);
    return;
  }
  draw_title(app, layout.title);
  draw_tabs(app, layout.tabs);
  minimap_draw(app, &layout);
  if (app->is_loading) {
    draw_loading(app, &layout);
    draw_keys(app, layout.keys);
    return;
  }
  app_views[app_screen(app)]->draw(app, &layout);
  if (app->message[0]) {
    grid_clip(&app->grid, layout.message);
    grid_field(&app->grid, 1, layout.message.y, layout.w - 2, ROLE_STRONG,
               app->message);
  }
  if (app->prompt.kind)
    prompt_draw(app, &layout);
  else
    draw_keys(app, layout.keys);
}
