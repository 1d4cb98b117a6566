/* Chrome's trace event format: opens in Perfetto's UI, chrome://tracing and
 * speedscope.
 *
 * A track for each thread, on which runs, turns, polls, callbacks and calls
 * nest; an async span for each task; arrows from a spawn to the first callback,
 * and from who woke a task to the callback that follows.
 *
 * Invariant: ids are distinct; an arrow begins and ends in a slice.  Called by
 * cmd_export.c. */
#include <inttypes.h>
#include <math.h>

#include "output/export.h"
#include "output/inert.h"
#include "output/json.h"
#include "output/writer.h"

struct chrome {
  struct export *x;
  uint64_t n_flows;
  struct writer out;
};

/* own[0]: the arrow that leads to the next callback of a task; own[1]: the one
 * from its spawn. */

/* Append what a row's braces hold: a text of our own, and a number. */
static void text(struct chrome *c, const char *text) {
  writer_text(&c->out, text);
}
static void text_uint(struct chrome *c, const char *text, uint64_t n) {
  writer_text(&c->out, text);
  writer_uint(&c->out, n);
}
static void text_int(struct chrome *c, const char *text, int64_t n) {
  writer_text(&c->out, text);
  writer_int(&c->out, n);
}
static void text_name(struct chrome *c, const char *text, const char *name) {
  writer_text(&c->out, text);
  writer_json(&c->out, name);
}

/* Readers add the two as doubles, in us.  What ends where the next begins, or
 * with what it is in, must still do so then, or the next seems to lie in it: so
 * there are more digits where three give another sum. */
static void duration(struct chrome *c, int64_t begin_ns, int64_t end_ns) {
  double begin = (double)begin_ns / 1000, end = (double)end_ns / 1000;
  double took = (double)(end_ns - begin_ns) / 1000;
  text(c, ",\"dur\":");
  if (begin + took == end) {
    writer_us(&c->out, end_ns - begin_ns);
    return;
  }
  took = end - begin;
  for (int i = 0; i < 4 && begin + took != end; i++)
    took = nextafter(took, begin + took < end ? INFINITY : 0);
  char digits[32];
  snprintf(digits, sizeof digits, "%.17g", took);
  text(c, digits);
}

/* One event up to its members "args" and such; they follow with a comma. */
static void head(struct chrome *c, const char *phase, const char *category,
                 const char *name, uint32_t thread, int64_t ns) {
  text(c, ",\n{\"ph\":\"");
  text(c, phase);
  text(c, "\",\"cat\":\"");
  text(c, category);
  text_name(c, "\",\"name\":", name);
  text_int(c, ",\"pid\":", c->x->model->info->pid);
  text_int(c, ",\"tid\":", export_tid(c->x, thread));
  text(c, ",\"ts\":");
  writer_us(&c->out, ns);
}

static bool on_end(void *context, const struct model_span *span) {
  struct chrome *c = context;
  int64_t end = span->end_ns == INT64_MAX ? c->x->to_ns : span->end_ns;
  if (!export_wants_span(c->x, span))
    return true;
  if (end < span->begin_ns)
    end = span->begin_ns;
  head(c, "X", export_span_category(span), export_span_name(c->x, span),
       span->thread, span->begin_ns);
  duration(c, span->begin_ns, end);
  text(c, ",\"args\":{");
  const char *comma = "";
  if (span->what == LT_RESUME || span->what == LT_POOL_BEGIN) {
    text(c, "\"kind\":\"");
    text(c, lt_task_kind_name(span->kind));
    text_uint(c, "\",\"task\":", span->task);
    text_name(c, ",\"site\":", export_site_long(c->x, span->site));
    comma = ",";
  } else if (span->what == LT_CALL && span->site) {
    text_name(c, "\"site\":", export_site_long(c->x, span->site));
    comma = ",";
  }
  if (span->end_ns == INT64_MAX) {
    text(c, comma);
    text(c, c->x->to_ns > c->x->model->info->end_ns ? "\"unfinished\":true"
                                                    : "\"cut\":true");
  }
  text(c, "}}");
  return !ferror(c->out.file);
}

static void flow(struct chrome *c, const char *phase, const char *name,
                 uint64_t id, const lt_event *e) {
  head(c, phase, "flow", name, e->thread, e->time_ns);
  text_uint(c, ",\"id\":", id);
  text(c, phase[0] == 'f' ? ",\"bp\":\"e\"}" : "}");
}

/* The task may run: an arrow leads there from the slice that made it so. */
static void on_spawn(struct chrome *c, const struct model_moment *m) {
  if (!m->task || !m->slice)
    return;
  m->task->own[1] = ++c->n_flows;
  flow(c, "s", "spawn", m->task->own[1], m->event);
}

static void on_ready(struct chrome *c, const struct model_moment *m) {
  if (!m->task || !m->slice || m->task->own[0])
    return;
  m->task->own[0] = ++c->n_flows;
  flow(c, "s", "wake", m->task->own[0], m->event);
}

static void on_resume(struct chrome *c, const struct model_moment *m) {
  for (int i = 0; m->task && i < 2; i++)
    if (m->task->own[i]) {
      flow(c, "f", i ? "spawn" : "wake", m->task->own[i], m->event);
      m->task->own[i] = 0;
    }
}

static void instant(struct chrome *c, const char *category, const char *name,
                    const lt_event *e) {
  head(c, "i", category, name, e->thread, e->time_ns);
  text(c, ",\"s\":\"t\"");
}

static void on_sample(struct chrome *c, const lt_event *e) {
  const lt_stack_def *stack = lt_reader_stack(c->x->model->reader, e->b);
  const char *name = stack && stack->n_frames
                         ? export_site(c->x, stack->frames[0].site)
                         : "sample";
  instant(c, "sample", name, e);
  text(c, ",\"args\":{\"stack\":[");
  for (uint32_t i = 0; stack && i < stack->n_frames; i++)
    text_name(c, i ? "," : "", export_site_long(c->x, stack->frames[i].site));
  text(c, "]}}");
}

/* What is a mark by itself: an arrow between slices that may both be left out
 * is none. */
static bool is_alone(const lt_event *e) {
  return e->kind == LT_MARK || e->kind == LT_COUNTER || e->kind == LT_LOST ||
         e->kind == LT_SAMPLE;
}

static bool on_moment(void *context, const struct model_moment *m) {
  struct chrome *c = context;
  const lt_event *e = m->event;
  if (c->x->filter && (!is_alone(e) || !export_wants_moment(c->x, m)))
    return true;
  switch (e->kind) {
  case LT_SPAWN:
    on_spawn(c, m);
    break;
  case LT_READY:
    on_ready(c, m);
    break;
  case LT_POOL_BEGIN:
    if (m->task && m->task->own[1])
      flow(c, "t", "spawn", m->task->own[1], e);
    break;
  case LT_RESUME:
    on_resume(c, m);
    break;
  case LT_MARK:
    instant(c, "mark", export_string(c->x, e->a), e);
    text_uint(c, ",\"args\":{\"value\":", e->b);
    text(c, "}}");
    break;
  case LT_COUNTER:
    head(c, "C", "counter", export_string(c->x, e->a), e->thread, e->time_ns);
    text_int(c, ",\"args\":{\"value\":", (int64_t)e->b);
    text(c, "}}");
    break;
  case LT_LOST:
    instant(c, "lost", "events lost", e);
    text_uint(c, ",\"args\":{\"events\":", e->a);
    text_uint(c, ",\"within_ns\":", e->b);
    text_name(c, ",\"cause\":", lt_lost_text(e->x));
    text(c, "}}");
    break;
  case LT_SAMPLE:
    on_sample(c, e);
    break;
  default:
    break;
  }
  return !ferror(c->out.file);
}

static bool on_task(void *context, const struct model_task *t) {
  struct chrome *c = context;
  char name[600];
  int64_t end = t->end_ns < 0 ? c->x->to_ns : t->end_ns;
  if (t->spawn_ns < 0 || end < t->spawn_ns || !export_wants_task(c->x, t))
    return true;
  export_task_name(c->x, t, name, sizeof name);
  head(c, "b", "task", name, t->thread, t->spawn_ns);
  text(c, ",\"id\":\"0x");
  writer_hex(&c->out, t->id);
  text_uint(c, "\",\"args\":{\"parent\":", t->parent);
  if (t->site)
    text_name(c, ",\"site\":", export_site_long(c->x, t->site));
  if (t->spawn_site)
    text_name(c, ",\"spawned_at\":", export_site_long(c->x, t->spawn_site));
  text(c, t->end_ns < 0 ? ",\"unfinished\":true}}" : "}}");
  head(c, "e", "task", name, t->thread, end);
  text(c, ",\"id\":\"0x");
  writer_hex(&c->out, t->id);
  text(c, "\"}");
  return !ferror(c->out.file);
}

static void metadata(struct chrome *c) {
  const lt_info *info = c->x->model->info;
  char name[64];
  text_int(c, "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":", info->pid);
  text_name(c, ",\"tid\":0,\"args\":{\"name\":",
            inert(info->comm, name, sizeof name));
  text(c, "}}");
  for (uint32_t i = 0; i < info->n_threads; i++) {
    text_int(c,
             ",\n{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":", info->pid);
    text_int(c, ",\"tid\":", export_tid(c->x, i));
    text_name(c, ",\"args\":{\"name\":", export_thread(c->x, i));
    text_int(c, "}},\n{\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":",
             info->pid);
    text_int(c, ",\"tid\":", export_tid(c->x, i));
    text_uint(c, ",\"args\":{\"sort_index\":", i);
    text(c, "}}");
  }
}

static lt_status write_chrome(struct export *x) {
  struct chrome c = {.x = x};
  const lt_info *info = x->model->info;
  struct model_visitor visitor = {.context = &c,
                                  .has_turns = true,
                                  .has_tasks = true,
                                  .end = on_end,
                                  .moment = on_moment,
                                  .task = on_task};
  fputs("{\"displayTimeUnit\":\"ms\",\"otherData\":{\"producer\":", x->file);
  json_quote(x->file, info->recorder ? info->recorder : "");
  writer_init(&c.out, x->file);
  text(&c, info->complete ? ",\"complete\":true" : ",\"complete\":false");
  text_uint(&c, ",\"lost_events\":", info->n_lost);
  text(&c, "},\n\"traceEvents\":[\n");
  metadata(&c);
  lt_status status = export_stream(x, &visitor);
  text(&c, "\n]}\n");
  writer_flush(&c.out);
  return status;
}

const struct export_format export_chrome = {
    .has_range = true,
    .has_filter = true,
    .is_streaming = true,
    .write = write_chrome,
};
