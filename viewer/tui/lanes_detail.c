/* Below the lanes: what is under the cursor, and why it took so long.
 *
 * Called by view_lanes.c. */
#include "tui/app.h"
#include "tui/format.h"
#include "tui/stall.h"

static void thing_title(struct app *app, const struct lane *lane,
                        const struct model_span *s, char *buf, size_t size) {
  const struct model *m = app->model;
  char name[128];
  format_buf at, duration = "";
  const char *thing;
  int64_t step_ns = (app->lanes.to - app->lanes.from) / 1000;
  const char *loop =
      lane->what == LANE_POOL ? "thread pool" : m->loops[lane->loop].name;
  if (s->begin_ns < app->lanes.loaded_from)
    snprintf(duration, sizeof duration, "began before");
  else if (span_is_unended(s))
    snprintf(duration, sizeof duration,
             app->lanes.loaded_to > m->end_ns ? "never ended" : "goes on");
  else
    format_duration(duration, s->end_ns - s->begin_ns);
  if (lane->what == LANE_TURN)
    thing = "turn";
  else if (lane->what == LANE_BLOCKING)
    thing = model_callee_name(m, s->kind, name, sizeof name);
  else
    thing = model_site_name(m, s->site, name, sizeof name);
  snprintf(buf, size, "%s · %s%s%s · %s · %s", thing,
           s->what == LT_RESUME || s->what == LT_POOL_BEGIN
               ? lt_task_kind_name(s->kind)
               : "",
           s->what == LT_RESUME || s->what == LT_POOL_BEGIN ? " · " : "", loop,
           format_moment(at, s->begin_ns, step_ns), duration);
}

/* The calls made in a span, in the order of time. */
struct call_list {
  struct app *app;
  const struct model_span *in;
  struct rect rect;
  int n, callbacks;
};

static bool list_call(void *context, const struct model_span *call) {
  struct call_list *list = context;
  const struct model *m = list->app->model;
  struct grid *g = &list->app->grid;
  if (call->begin_ns < list->in->begin_ns)
    return true;
  if (call->begin_ns >= list->in->end_ns || list->n >= list->rect.h)
    return false;
  int y = list->rect.y + list->n++;
  char text[128];
  format_buf duration;
  if (!span_is_unended(call))
    grid_right(g, list->rect.x + 8, y, ROLE_BLOCK,
               format_duration(duration, call->end_ns - call->begin_ns));
  int x = grid_text_max(g, list->rect.x + 10, y, 24, ROLE_BLOCK,
                        model_callee_name(m, call->kind, text, sizeof text));
  if (call->site) {
    x = x < list->rect.x + 28 ? list->rect.x + 28 : x + 2;
    grid_text_max(g, x, y, list->rect.x + list->rect.w - x, ROLE_TEXT,
                  model_site_name(m, call->site, text, sizeof text));
  }
  return true;
}

static bool count_callback(void *context, const struct model_span *s) {
  struct call_list *list = context;
  if (s->begin_ns >= list->in->end_ns)
    return false;
  list->callbacks += s->begin_ns >= list->in->begin_ns;
  return true;
}

static void draw_thing(struct app *app, const struct lane *lane,
                       const struct model_span *s, struct rect r) {
  const struct model_stall *stall =
      lane->what == LANE_POOL ? NULL
                              : stall_find(app->model, app->longest_ns,
                                           s->thread, s->begin_ns, s->end_ns);
  struct call_list list = {.app = app, .in = s, .rect = r};
  char text[160];
  grid_clip(&app->grid, r);
  if (stall) {
    stall_draw_summary(&app->grid, r, app->model, stall);
    return;
  }
  struct lane other = *lane;
  if (lane->what == LANE_TURN) {
    other.what = LANE_CALLBACK;
    lanes_each(app, &other, count_callback, &list);
    grid_print(&app->grid, 1, list.rect.y++, ROLE_TEXT, "%d callback%s",
               list.callbacks, list.callbacks == 1 ? "" : "s");
    list.rect.h--;
  } else if (s->task) {
    snprintf(text, sizeof text, "task #%llu%s", (unsigned long long)s->task,
             lane->what == LANE_BLOCKING ? ", made the call at" : "");
    int x = grid_text(&app->grid, 1, list.rect.y, ROLE_TEXT, text);
    if (lane->what == LANE_BLOCKING && s->site)
      grid_text_max(&app->grid, x + 1, list.rect.y, r.w - x - 2, ROLE_TEXT,
                    model_site_name(app->model, s->site, text, sizeof text));
    list.rect.y++;
    list.rect.h--;
  }
  other.what = LANE_BLOCKING;
  if (lane->what == LANE_TURN || lane->what == LANE_CALLBACK)
    lanes_each(app, &other, list_call, &list);
}

void lanes_draw_under_cursor(struct app *app, const struct lane *lane,
                             const struct layout_lanes *areas) {
  const struct model_span *s = lanes_under_cursor(app, lane);
  char title[256];
  format_buf at;
  if (s) {
    thing_title(app, lane, s, title, sizeof title);
    grid_rule(&app->grid, areas->rule, title);
    draw_thing(app, lane, s, areas->detail);
    return;
  }
  snprintf(title, sizeof title, "nothing in this lane at %s",
           format_moment(at, app->cursor_ns,
                         (app->lanes.to - app->lanes.from) / 1000));
  grid_rule(&app->grid, areas->rule, title);
  grid_clip(&app->grid, areas->detail);
  const char *help = ". and , go to the next and the previous event of the "
                     "lane, e and E to stalls.";
  if (app->lanes.is_coarse)
    help =
        "Too many events for single callbacks: zoom in (+), or press e for a "
        "stall.";
  else if (app->lanes.problem != LT_OK)
    help = lt_status_text(app->lanes.problem);
  grid_text_max(&app->grid, 1, areas->detail.y, areas->detail.w - 2, ROLE_DIM,
                help);
}
