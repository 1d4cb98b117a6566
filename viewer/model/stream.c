/* A trace as it passes by.
 *
 * Invariant: starts from the brackets open at the epoch before the stretch, so
 * it reads that epoch and those up to its end, whatever the length of the
 * trace; spans nest on each thread.  Called by the exporters and, through
 * model_window(), by the viewer's lanes. */
#include "model/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/build.h"
#include "output/inert.h"

#define OPEN_MAX 65536

struct model_stream {
  struct model *model;
  lt_reader *reader; /* borrowed */
  struct model_visitor visitor;
  struct model_span *open; /* in the order in which they began */
  size_t n_open, open_cap;
  int64_t from, to;
  struct tasks tasks;
  bool is_stopped;
  bool has_begun; /* the stretch has: what is open was told */
  int64_t now_ns; /* of the newest event */
};

static void stop_unless(struct model_stream *s, bool goes_on) {
  s->is_stopped |= !goes_on;
}

static struct model_task view_of(struct task *t) {
  return (struct model_task){.id = t->id,
                             .parent = t->parent ? t->parent->id : 0,
                             .root = t->root,
                             .kind = t->kind,
                             .site = t->site,
                             .spawn_site = t->spawn_site,
                             .thread = t->thread,
                             .spawn_ns = t->is_spawned ? t->spawn_ns : -1,
                             .end_ns = t->end_ns,
                             .label = t->label,
                             .n_resumes = t->n_resumes,
                             .own = t->own,
                             .parent_own = t->parent ? t->parent->own : NULL};
}

static void tell_end(struct model_stream *s, const struct model_span *span) {
  const struct model_visitor *v = &s->visitor;
  if (s->is_stopped || span->end_ns < s->from || span->begin_ns >= s->to)
    return;
  if (v->slice && span->what == LT_RESUME) {
    struct task *task = tasks_get(&s->tasks, span->task);
    struct model_task view;
    if (task)
      view = view_of(task);
    stop_unless(s, v->slice(v->context, span, task ? &view : NULL));
  } else if (v->end) {
    stop_unless(s, v->end(v->context, span));
  }
}

static void tell_begin(struct model_stream *s, const struct model_span *span) {
  if (!s->is_stopped && s->visitor.begin && s->has_begun)
    stop_unless(s, s->visitor.begin(s->visitor.context, span));
}

/* The stretch begins: what is open is told first. */
static void tell_open(struct model_stream *s) {
  s->has_begun = true;
  for (size_t i = 0; i < s->n_open; i++)
    tell_begin(s, &s->open[i]);
}

static void on_task_free(void *context, struct task *task) {
  struct model_stream *s = context;
  if (s->is_stopped || !s->visitor.task)
    return;
  struct model_task view = view_of(task);
  stop_unless(s, s->visitor.task(s->visitor.context, &view));
}

static bool push(struct model_stream *s, const struct model_span *span) {
  if (s->n_open >= OPEN_MAX)
    return true;
  if (s->n_open == s->open_cap) {
    size_t cap = s->open_cap ? s->open_cap * 2 : 64;
    struct model_span *open = realloc(s->open, cap * sizeof *open);
    if (!open)
      return false;
    s->open = open;
    s->open_cap = cap;
  }
  s->open[s->n_open++] = *span;
  tell_begin(s, span);
  return true;
}

static bool push_turn(struct model_stream *s, uint32_t thread, int64_t now) {
  if (!s->visitor.has_turns)
    return true;
  for (size_t i = s->n_open; i-- > 0;)
    if (s->open[i].thread == thread && s->open[i].what == LT_LOOP_BEGIN)
      return push(s, &(struct model_span){.begin_ns = now,
                                          .end_ns = INT64_MAX,
                                          .thread = thread,
                                          .what = MODEL_TURN,
                                          .kind = s->open[i].kind,
                                          .loop = s->open[i].kind});
  return true;
}

/* The loop that runs on a span's thread, and how deep in it the span lies. */
static void place(const struct model_stream *s, struct model_span *span) {
  span->loop = span->what == LT_LOOP_BEGIN ? span->kind : MODEL_NO_LOOP;
  for (size_t i = s->n_open; i-- > 0 && span->loop == MODEL_NO_LOOP;)
    if (s->open[i].thread == span->thread && s->open[i].what == LT_LOOP_BEGIN)
      span->loop = s->open[i].kind;
  for (size_t i = 0; i < s->n_open; i++)
    span->loop_depth += s->open[i].thread == span->thread &&
                        s->open[i].what == span->what &&
                        s->open[i].loop == span->loop;
}

static bool begin(struct model_stream *s, const lt_open *o) {
  bool has_site = o->kind == LT_RESUME || o->kind == LT_POOL_BEGIN;
  struct model_span span = {.begin_ns = o->begin_ns,
                            .end_ns = INT64_MAX,
                            .task = o->ref,
                            .thread = o->thread,
                            .what = o->kind,
                            .kind = o->x,
                            .site = has_site ? (uint32_t)o->a : 0};
  for (size_t i = 0; i < s->n_open && o->kind == LT_RESUME; i++)
    span.depth +=
        s->open[i].thread == o->thread && s->open[i].what == LT_RESUME;
  place(s, &span);
  return push(s, &span) &&
         (o->kind != LT_LOOP_BEGIN || push_turn(s, o->thread, o->begin_ns));
}

/* End the span at i, and what lies inside it: that was left without an end. */
static void end_from(struct model_stream *s, size_t i, int64_t now) {
  uint32_t thread = s->open[i].thread;
  for (size_t j = s->n_open; j-- > i;) {
    struct model_span span = s->open[j];
    if (span.thread != thread)
      continue;
    memmove(&s->open[j], &s->open[j + 1],
            (s->n_open - j - 1) * sizeof *s->open);
    s->n_open--;
    span.end_ns = now;
    tell_end(s, &span);
  }
}

/* End the innermost span that fits. */
static void end(struct model_stream *s, const lt_event *e, uint32_t what,
                bool by_task) {
  for (size_t i = s->n_open; i-- > 0;) {
    const struct model_span *span = &s->open[i];
    if (span->thread == e->thread && span->what == what &&
        (!by_task || span->task == e->ref) &&
        (what != LT_LOOP_BEGIN || span->kind == e->x)) {
      end_from(s, i, e->time_ns);
      return;
    }
  }
}

/* The turn of the innermost run ends, if one is open. */
static void end_turn(struct model_stream *s, const lt_event *e) {
  for (size_t i = s->n_open; s->visitor.has_turns && i-- > 0;) {
    if (s->open[i].thread != e->thread)
      continue;
    if (s->open[i].what == LT_LOOP_BEGIN)
      return;
    if (s->open[i].what == MODEL_TURN) {
      end_from(s, i, e->time_ns);
      return;
    }
  }
}

static void call(struct model_stream *s, const lt_event *e) {
  int64_t length = e->b > (uint64_t)INT64_MAX ? INT64_MAX : (int64_t)e->b;
  struct model_span span = {
      .begin_ns = length > e->time_ns ? 0 : e->time_ns - length,
      .end_ns = e->kind == LT_CALL ? e->time_ns : INT64_MAX,
      .thread = e->thread,
      .what = LT_CALL,
      .kind = e->x,
      .site = (uint32_t)e->a};
  for (size_t i = 0; i < s->n_open; i++)
    if (s->open[i].thread == e->thread && s->open[i].what == LT_RESUME) {
      span.task = s->open[i].task;
      span.depth++;
    }
  place(s, &span);
  tell_end(s, &span);
}

static void turn_told(struct model_stream *s, const lt_event *e) {
  if (!s->visitor.has_turns || e->time_ns < 0 || e->b > e->a ||
      e->a > (uint64_t)e->time_ns)
    return;
  int64_t begin = e->time_ns - (int64_t)e->a;
  tell_end(s, &(struct model_span){.begin_ns = begin,
                                   .end_ns = begin + (int64_t)e->b,
                                   .thread = e->thread,
                                   .what = MODEL_TURN,
                                   .kind = e->x,
                                   .loop = e->x});
}

static const struct model_span *slice_on(const struct model_stream *s,
                                         uint32_t thread) {
  for (size_t i = s->n_open; i-- > 0;)
    if (s->open[i].thread == thread && s->open[i].what == LT_RESUME)
      return &s->open[i];
  return NULL;
}

/* Keep the table of tasks; what is not known of them, events fill in. */
static struct task *track(struct model_stream *s, const lt_event *e) {
  const lt_kind_info *info = lt_kind_lookup(e->kind);
  if (!s->visitor.has_tasks || !info ||
      (info->ref != LT_CODEC_TASK && info->ref != LT_CODEC_OPEN))
    return NULL;
  if (e->kind == LT_SPAWN) {
    const struct model_span *slice = slice_on(s, e->thread);
    return tasks_spawn(&s->tasks, e,
                       slice ? tasks_get(&s->tasks, slice->task) : NULL);
  }
  struct task *task = tasks_get(&s->tasks, e->ref);
  if (!task)
    return NULL;
  if (e->kind == LT_RESUME || e->kind == LT_POOL_BEGIN) {
    task->kind = task->kind ? task->kind : e->x;
    task->site = task->site ? task->site : (uint32_t)e->a;
    task->n_resumes += e->kind == LT_RESUME;
  } else if (e->kind == LT_LABEL) {
    task->label =
        model_source(s->model)->string(model_source(s->model)->context, e->a);
  }
  return task;
}

static void before(struct model_stream *s, const lt_event *e) {
  switch (e->kind) {
  case LT_AWAIT:
  case LT_DONE:
    end(s, e, LT_RESUME, true);
    break;
  case LT_POLL_BEGIN:
    end(s, e, LT_POLL_BEGIN, false); /* where its end was lost */
    end_turn(s, e);
    break;
  case LT_POLL_END:
    end(s, e, LT_POLL_BEGIN, false);
    break;
  case LT_LOOP_END:
    end(s, e, LT_LOOP_BEGIN, false);
    break;
  case LT_POOL_END:
    end(s, e, LT_POOL_BEGIN, true);
    break;
  case LT_CALL:
  case LT_CALL_BEGIN:
    call(s, e);
    break;
  case LT_EARLY_TURN:
    turn_told(s, e);
    break;
  default:
    break;
  }
}

static bool after(struct model_stream *s, const lt_event *e) {
  if (e->kind == LT_POLL_END)
    return push_turn(s, e->thread, e->time_ns);
  if (e->kind == LT_DONE && s->visitor.has_tasks)
    tasks_done(&s->tasks, tasks_known(&s->tasks, e->ref), e->time_ns);
  if (e->kind != LT_RESUME && e->kind != LT_LOOP_BEGIN &&
      e->kind != LT_POOL_BEGIN && e->kind != LT_POLL_BEGIN)
    return true;
  return begin(s, &(lt_open){.begin_ns = e->time_ns,
                             .ref = e->ref,
                             .a = e->a,
                             .thread = e->thread,
                             .x = e->x,
                             .kind = e->kind});
}

static lt_status on_event(struct model_stream *s, const lt_event *e) {
  if (!s->has_begun && e->time_ns >= s->from)
    tell_open(s);
  before(s, e);
  struct task *task = track(s, e);
  if (s->visitor.moment && e->time_ns >= s->from && !s->is_stopped) {
    struct model_task view;
    if (task)
      view = view_of(task);
    struct model_moment moment = {.event = e,
                                  .task = task ? &view : NULL,
                                  .slice = slice_on(s, e->thread)};
    struct task *runs = moment.slice && s->visitor.has_tasks
                            ? tasks_get(&s->tasks, moment.slice->task)
                            : NULL;
    moment.slice_root = runs ? runs->root : 0;
    stop_unless(s, s->visitor.moment(s->visitor.context, &moment));
  }
  return after(s, e) ? LT_OK : LT_NOMEM;
}

/* Where it starts: brackets that are open, tasks that are alive. */
static lt_status enter(struct model_stream *s) {
  const lt_open *opens;
  const lt_task_def *alive;
  size_t n = 0;
  lt_status status = lt_reader_seek(s->reader, s->from);
  if (status == LT_OK)
    status = lt_reader_opens(s->reader, &opens, &n);
  for (size_t i = 0; i < n && status == LT_OK; i++)
    status = begin(s, &opens[i]) ? LT_OK : LT_NOMEM;
  n = 0;
  if (status == LT_OK && s->visitor.has_tasks)
    status = lt_reader_tasks(s->reader, &alive, &n);
  for (size_t i = 0; i < n && status == LT_OK; i++) {
    const lt_event spawn = {.kind = LT_SPAWN,
                            .time_ns = alive[i].spawn_ns,
                            .ref = alive[i].id,
                            .x = (uint16_t)alive[i].kind,
                            .a = alive[i].site,
                            .b = alive[i].spawn_site,
                            .thread = alive[i].thread};
    struct task *parent = tasks_get(&s->tasks, alive[i].parent);
    struct task *task = tasks_spawn(&s->tasks, &spawn, parent);
    if (task)
      task->label = alive[i].label;
  }
  return status;
}

lt_status model_stream_begin(struct model *model, lt_reader *reader,
                             int64_t from, int64_t to,
                             const struct model_visitor *visitor,
                             struct model_stream **stream) {
  struct model_stream *s = calloc(1, sizeof *s);
  *stream = NULL;
  if (!s)
    return LT_NOMEM;
  s->model = model;
  s->reader = reader ? reader : model->reader;
  s->visitor = *visitor;
  s->from = s->now_ns = from;
  s->to = to;
  s->tasks.on_free = on_task_free;
  s->tasks.context = s;
  lt_status status = enter(s);
  if (status == LT_OK)
    *stream = s;
  else
    model_stream_end(s);
  return status;
}

/* All has passed: what is still open is told. */
static void leave(struct model_stream *s) {
  if (!s->has_begun)
    tell_open(s);
  for (size_t i = 0; i < s->n_open; i++)
    tell_end(s, &s->open[i]);
  tasks_fini(&s->tasks);
  s->tasks = (struct tasks){0};
  s->n_open = 0;
}

lt_status model_stream_step(struct model_stream *s, uint64_t n_events) {
  lt_status status = LT_OK;
  lt_event e;
  while (n_events-- > 0 && status == LT_OK && !s->is_stopped) {
    status = lt_reader_next(s->reader, &e);
    /* A call is written when it ends: one that began before `to` may come
     * later, but then its slice is open and drawn. */
    if (status == LT_OK && e.time_ns >= s->to)
      status = LT_END;
    if (status != LT_OK)
      break;
    s->now_ns = e.time_ns;
    status = on_event(s, &e);
  }
  if (status == LT_END)
    leave(s);
  return s->is_stopped ? LT_END : status;
}

int64_t model_stream_at(const struct model_stream *s) {
  return s->now_ns;
}

void model_stream_end(struct model_stream *s) {
  if (!s)
    return;
  s->is_stopped = true; /* nobody is told of what is left */
  tasks_fini(&s->tasks);
  free(s->open);
  free(s);
}

lt_status model_stream(struct model *model, int64_t from, int64_t to,
                       const struct model_visitor *visitor) {
  struct model_stream *s;
  int64_t end = model->info->end_ns;
  double length = (double)(to < end ? to : end) - (double)from + 1;
  lt_status status = model_stream_begin(model, NULL, from, to, visitor, &s);
  while (status == LT_OK) {
    status = model_stream_step(s, 0x10000);
    if (status == LT_OK && visitor->progress)
      visitor->progress(visitor->progress_context,
                        (double)(s->now_ns - from) / length);
  }
  if (status == LT_END)
    status = LT_OK;
  model_stream_end(s);
  return status;
}

lt_status model_window(struct model *model, int64_t from, int64_t to,
                       bool (*each)(void *context, const struct model_span *),
                       void *context) {
  const struct model_visitor visitor = {.context = context, .end = each};
  return model_stream(model, from, to, &visitor);
}

const char *model_thread_name(const struct model *model, uint32_t index,
                              char *buf, size_t size) {
  const struct model_source *s = model_source(model);
  const lt_thread_def *def = s->thread(s->context, index);
  if (def && def->name && *def->name)
    return inert(def->name, buf, size);
  snprintf(buf, size, "thread %u", index);
  return buf;
}

const char *model_loop_name(const struct model *model, uint32_t id, char *buf,
                            size_t size) {
  const struct model_source *s = model_source(model);
  const lt_loop_def *def = s->loop(s->context, id);
  if (def && def->name && *def->name)
    return inert(def->name, buf, size);
  const lt_thread_def *thread = def ? s->thread(s->context, def->thread) : NULL;
  if (thread && thread->is_main)
    snprintf(buf, size, "main");
  else if (thread && thread->name && *thread->name)
    return inert(thread->name, buf, size);
  else
    snprintf(buf, size, "loop %u", id);
  return buf;
}
