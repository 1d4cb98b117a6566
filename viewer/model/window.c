/* The spans of a stretch of time, for the viewer's lanes.
 *
 * Invariant: starts from the brackets open at the epoch before the stretch, so
 * it reads that epoch and those up to its end, whatever the length of the
 * trace. Called by the viewer. */
#include <stdlib.h>
#include <string.h>

#include "model/build.h"

#define OPEN_MAX 65536

struct lane {
  struct model_span *spans;
  size_t n, cap;
};

struct window {
  struct lane open; /* in the order in which they began */
  int64_t from, to;
  bool (*each)(void *context, const struct model_span *);
  void *context;
  bool is_stopped;
};

static void emit(struct window *w, const struct model_span *span) {
  if (!w->is_stopped && span->end_ns >= w->from && span->begin_ns < w->to)
    w->is_stopped = !w->each(w->context, span);
}

static lt_status begin(struct window *w, const lt_open *o) {
  struct lane *open = &w->open;
  if (open->n >= OPEN_MAX)
    return LT_OK;
  if (open->n == open->cap) {
    size_t cap = open->cap ? open->cap * 2 : 64;
    struct model_span *spans = realloc(open->spans, cap * sizeof *spans);
    if (!spans)
      return LT_NOMEM;
    open->spans = spans;
    open->cap = cap;
  }
  uint32_t depth = 0;
  for (size_t i = 0; i < open->n; i++)
    depth += open->spans[i].thread == o->thread &&
             open->spans[i].what == LT_RESUME && o->kind == LT_RESUME;
  bool has_site = o->kind == LT_RESUME || o->kind == LT_POOL_BEGIN;
  open->spans[open->n++] =
      (struct model_span){.begin_ns = o->begin_ns,
                          .end_ns = INT64_MAX,
                          .task = o->ref,
                          .thread = o->thread,
                          .what = o->kind,
                          .kind = o->x,
                          .site = has_site ? (uint32_t)o->a : 0,
                          .depth = depth};
  return LT_OK;
}

/* End the innermost span that fits; what lies inside it was left without an
 * end, and ends with it. */
static void end(struct window *w, const lt_event *e, uint32_t what,
                bool by_task) {
  struct lane *open = &w->open;
  size_t i = open->n;
  while (i > 0) {
    const struct model_span *s = &open->spans[i - 1];
    if (s->thread == e->thread && s->what == what &&
        (!by_task || s->task == e->ref) &&
        (what != LT_LOOP_BEGIN || s->kind == e->x))
      break;
    i--;
  }
  if (i == 0)
    return;
  for (size_t j = open->n; j-- > i - 1;) {
    struct model_span *s = &open->spans[j];
    if (s->thread != e->thread)
      continue;
    s->end_ns = e->time_ns;
    emit(w, s);
    memmove(s, s + 1, (open->n - j - 1) * sizeof *s);
    open->n--;
  }
}

static void call(struct window *w, const lt_event *e) {
  int64_t length = e->b > (uint64_t)INT64_MAX ? INT64_MAX : (int64_t)e->b;
  struct model_span span = {
      .begin_ns = length > e->time_ns ? 0 : e->time_ns - length,
      .end_ns = e->kind == LT_CALL ? e->time_ns : INT64_MAX,
      .thread = e->thread,
      .what = LT_CALL,
      .kind = e->x,
      .site = (uint32_t)e->a};
  for (size_t i = 0; i < w->open.n; i++)
    if (w->open.spans[i].thread == e->thread &&
        w->open.spans[i].what == LT_RESUME) {
      span.task = w->open.spans[i].task;
      span.depth++;
    }
  emit(w, &span);
}

static lt_status on_event(struct window *w, const lt_event *e) {
  lt_open o = {.begin_ns = e->time_ns,
               .ref = e->ref,
               .a = e->a,
               .thread = e->thread,
               .x = e->x,
               .kind = e->kind};
  switch (e->kind) {
  case LT_RESUME:
  case LT_LOOP_BEGIN:
  case LT_POOL_BEGIN:
  case LT_POLL_BEGIN:
    return begin(w, &o);
  case LT_AWAIT:
  case LT_DONE:
    end(w, e, LT_RESUME, true);
    break;
  case LT_POLL_END:
    end(w, e, LT_POLL_BEGIN, false);
    break;
  case LT_LOOP_END:
    end(w, e, LT_LOOP_BEGIN, false);
    break;
  case LT_POOL_END:
    end(w, e, LT_POOL_BEGIN, true);
    break;
  case LT_CALL:
  case LT_CALL_BEGIN:
    call(w, e);
    break;
  default:
    break;
  }
  return LT_OK;
}

lt_status model_window(struct model *model, int64_t from, int64_t to,
                       bool (*each)(void *context, const struct model_span *),
                       void *context) {
  struct window w = {.from = from, .to = to, .each = each, .context = context};
  const lt_open *opens;
  size_t n = 0;
  lt_event e;
  lt_status status = lt_reader_seek(model->reader, from);
  if (status == LT_OK)
    status = lt_reader_opens(model->reader, &opens, &n);
  for (size_t i = 0; i < n && status == LT_OK; i++)
    status = begin(&w, &opens[i]);
  while (status == LT_OK && !w.is_stopped) {
    status = lt_reader_next(model->reader, &e);
    /* A call is written when it ends: one that began before `to` may come
     * later, but then its slice is open and drawn. */
    if (status == LT_OK && e.time_ns >= to)
      break;
    if (status == LT_OK)
      status = on_event(&w, &e);
  }
  if (status == LT_END)
    status = LT_OK;
  for (size_t i = 0; i < w.open.n && status == LT_OK; i++)
    emit(&w, &w.open.spans[i]);
  free(w.open.spans);
  return status;
}
