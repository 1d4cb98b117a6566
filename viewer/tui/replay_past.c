/* What went by: the events up to the cursor, and timers that came due and could
 * not run.
 *
 * Invariant: nothing later than the cursor is shown; "held" is what had waited
 * for a millisecond by then.  Called by view_replay.c. */
#include <string.h>

#include "model/source.h"
#include "output/inert.h"
#include "tui/app.h"
#include "tui/view/format.h"

#define HELD_NS 1000000
#define ROWS_MAX 128

struct past {
  int64_t time_ns;
  const lt_event *event;         /* NULL: came due */
  const struct model_span *wait; /* then; else of what was held */
};

static const char *thread_name(const struct model *m, uint32_t thread,
                               char *buf, size_t size) {
  for (size_t i = 0; i < m->n_loops; i++)
    if (m->loops[i].thread == thread)
      return m->loops[i].name;
  const struct model_source *source = model_source(m);
  const lt_thread_def *def = source->thread(source->context, thread);
  return def && def->name && *def->name ? inert(def->name, buf, size)
         : def ? (snprintf(buf, size, "%d", (int)def->tid), buf)
               : "?";
}

static const char *string_of(const struct model *m, uint64_t id, char *buf,
                             size_t size) {
  const struct model_source *source = model_source(m);
  const char *text = source->string(source->context, id);
  return inert(text ? text : "?", buf, size);
}

static enum role event_text(const struct model *m, const lt_event *e, char *buf,
                            size_t size) {
  char name[96], site[96];
  format_buf b;
  unsigned long long ref = (unsigned long long)e->ref;
  const char *kind = lt_task_kind_name(e->x);
  model_site_short(m, (uint32_t)e->a, site, sizeof site);
  switch (e->kind) {
  case LT_SPAWN:
    snprintf(buf, size, "new    #%llu %s %s", ref, kind, site);
    return ROLE_TEXT;
  case LT_ARM:
    if (e->b)
      snprintf(buf, size, "arm    #%llu %s in %s", ref, kind,
               format_duration(b, (int64_t)((e->b - 1) & INT64_MAX)));
    else
      snprintf(buf, size, "arm    #%llu %s", ref, kind);
    return ROLE_DIM;
  case LT_READY:
    snprintf(buf, size, "ready  #%llu %s", ref,
             e->x == LT_READY_SENT  ? "woken"
             : e->x == LT_READY_DUE ? "due"
                                    : "its job is done");
    return ROLE_TEXT;
  case LT_RESUME:
    snprintf(buf, size, "run    #%llu %s %s", ref, kind, site);
    return ROLE_RUN;
  case LT_AWAIT:
    snprintf(buf, size, "back   #%llu%s", ref, e->x ? " (jumped out)" : "");
    return ROLE_DIM;
  case LT_DONE:
    snprintf(buf, size, "done   #%llu%s", ref, e->x ? " (cancelled)" : "");
    return ROLE_DIM;
  case LT_CALL:
    snprintf(buf, size, "block  %s %s",
             model_callee_name(m, e->x, name, sizeof name),
             format_duration(b, (int64_t)(e->b & INT64_MAX)));
    return ROLE_BLOCK;
  case LT_CALL_BEGIN:
    snprintf(buf, size, "block  %s, never came back",
             model_callee_name(m, e->x, name, sizeof name));
    return ROLE_ERROR;
  case LT_POLL_BEGIN:
    snprintf(buf, size, "poll");
    return ROLE_WAIT;
  case LT_POLL_END:
    snprintf(buf, size, "woke   %llu ready", (unsigned long long)e->a);
    return ROLE_WAIT;
  case LT_POOL_BEGIN:
    snprintf(buf, size, "work   #%llu %s %s", ref, kind, site);
    return ROLE_POOL;
  case LT_POOL_END:
    snprintf(buf, size, "worked #%llu", ref);
    return ROLE_POOL;
  case LT_MARK:
    snprintf(buf, size, "mark   %s %llu", string_of(m, e->a, name, sizeof name),
             (unsigned long long)e->b);
    return ROLE_STRONG;
  case LT_COUNTER:
    snprintf(buf, size, "count  %s = %lld",
             string_of(m, e->a, name, sizeof name), (long long)e->b);
    return ROLE_TEXT;
  case LT_LABEL:
    snprintf(buf, size, "name   #%llu %s", ref,
             string_of(m, e->a, name, sizeof name));
    return ROLE_DIM;
  case LT_SAMPLE:
    snprintf(buf, size, "seen   %s %s",
             model_state_word((char)e->x),
             e->a && e->a <= UINT16_MAX
                 ? model_callee_name(m, (unsigned)e->a, name, sizeof name)
                 : "");
    return ROLE_DIM;
  case LT_FD_NAME:
    snprintf(buf, size, "fd     %llu is %s", ref - 1,
             string_of(m, e->a, name, sizeof name));
    return ROLE_DIM;
  case LT_LOST:
    snprintf(buf, size, "LOST   %llu events", (unsigned long long)e->a);
    return ROLE_WARN;
  default: {
    const lt_kind_info *info = lt_kind_lookup(e->kind);
    snprintf(buf, size, "%s", info ? info->name : "?");
    return ROLE_DIM;
  }
  }
}

/* How long it had waited by now. */
static int64_t waited(const struct app *app, const struct model_span *s) {
  int64_t end = s->end_ns < app->cursor_ns ? s->end_ns : app->cursor_ns;
  return end - s->begin_ns;
}

/* What an event made ready had to wait. */
static const struct model_span *held(const struct app *app,
                                     const lt_event *e) {
  const struct window *w = app->lanes.near;
  if (e->kind != LT_READY && e->kind != LT_POOL_END)
    return NULL;
  for (size_t i = 0; i < w->n_tracks; i++) {
    const struct track *t = w->tracks[i];
    for (size_t k = track_first(t, e->time_ns);
         t->key.what == WINDOW_WAIT && k < t->n; k++) {
      const struct model_span *s = &t->spans[k];
      if (s->task == e->ref && s->begin_ns == e->time_ns)
        return waited(app, s) >= HELD_NS ? s : NULL;
    }
  }
  return NULL;
}

/* In the order of time; what has no room falls out at the old end. */
static void insert(struct past *rows, size_t *n, size_t max, struct past row) {
  size_t at = *n;
  while (at > 0 && rows[at - 1].time_ns > row.time_ns)
    at--;
  if (*n == max) {
    if (at == 0)
      return;
    memmove(rows, rows + 1, (at - 1) * sizeof *rows);
    rows[at - 1] = row;
    return;
  }
  memmove(rows + at + 1, rows + at, (*n - at) * sizeof *rows);
  rows[at] = row;
  ++*n;
}

static size_t gather(const struct app *app, struct past *rows, size_t max) {
  const struct window *w = app->lanes.near;
  size_t n_all, at = replay_position(app), n = 0;
  const lt_event *events = replay_events(app, &n_all);
  for (size_t i = at > max ? at - max : 0; i < at; i++)
    rows[n++] = (struct past){events[i].time_ns, &events[i],
                              held(app, &events[i])};
  int64_t oldest = n == max && n ? rows[0].time_ns : INT64_MIN;
  for (size_t i = 0; events && i < w->n_tracks; i++) {
    const struct track *t = w->tracks[i];
    for (size_t k = 0; t->key.what == WINDOW_LATE && k < t->n; k++)
      if (t->spans[k].begin_ns > oldest &&
          t->spans[k].begin_ns <= app->cursor_ns &&
          waited(app, &t->spans[k]) >= HELD_NS)
        insert(rows, &n, max,
               (struct past){t->spans[k].begin_ns, NULL, &t->spans[k]});
  }
  return n;
}

static enum role row_text(const struct model *m, const struct past *row,
                          char *buf, size_t size) {
  char site[96];
  if (row->event)
    return event_text(m, row->event, buf, size);
  snprintf(buf, size, "due    #%llu %s %s", (unsigned long long)row->wait->task,
           lt_task_kind_name(row->wait->kind),
           model_site_short(m, row->wait->site, site, sizeof site));
  return ROLE_WARN;
}

void replay_draw_past(struct app *app, struct rect rect) {
  struct grid *g = &app->grid;
  struct rect r = grid_box(g, rect, "events ↑ past");
  struct past rows[ROWS_MAX];
  size_t max = r.h < ROWS_MAX ? (size_t)r.h : ROWS_MAX;
  size_t n = gather(app, rows, max);
  int64_t step_ns = (app->lanes.to - app->lanes.from) / 1000;
  for (size_t i = 0; i < n; i++) {
    const struct past *row = &rows[i];
    char text[240], name[64];
    format_buf at;
    int y = r.y + (int)i, end = r.x + r.w;
    uint32_t thread = row->event ? row->event->thread : row->wait->thread;
    enum role role = row_text(app->model, row, text, sizeof text);
    if (i + 1 == n)
      grid_put(g, r.x, y, ROLE_KEY, U'>');
    int x = grid_text(g, r.x + 1, y, ROLE_DIM,
                      format_moment(at, row->time_ns, step_ns));
    x = grid_field(g, x + 1, y, 7, ROLE_TEXT,
                   thread_name(app->model, thread, name, sizeof name)) + 1;
    int room = end - x - (row->wait ? 7 : 0);
    x = grid_text_max(g, x, y, room, role, text);
    if (row->wait)
      grid_text(g, x + 1, y, ROLE_WARN, "(held)");
  }
  if (n == 0)
    grid_text_max(g, r.x + 1, r.y, r.w - 2, ROLE_DIM,
                  lanes_are_reading(app) ? "… reading" : "nothing yet");
}
