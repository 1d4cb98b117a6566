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
#include <string.h>

#include "output/export.h"
#include "output/inert.h"
#include "output/json.h"

struct chrome {
  struct export *x;
  FILE *file;
  uint64_t n_flows;
};

/* own[0]: the arrow that leads to the next callback of a task; own[1]: the one
 * from its spawn. */

static void stamp(FILE *file, const char *key, int64_t ns) {
  fprintf(file, ",\"%s\":%s%" PRId64 ".%03d", key, ns < 0 ? "-" : "",
          (ns < 0 ? -ns : ns) / 1000, (int)((ns < 0 ? -ns : ns) % 1000));
}

/* Readers add the two as doubles, in us.  What ends where the next begins, or
 * with what it is in, must still do so then, or the next seems to lie in it: so
 * there are more digits where three give another sum. */
static void duration(FILE *file, int64_t begin_ns, int64_t end_ns) {
  double begin = (double)begin_ns / 1000, end = (double)end_ns / 1000;
  double took = (double)(end_ns - begin_ns) / 1000;
  if (begin + took == end) {
    stamp(file, "dur", end_ns - begin_ns);
    return;
  }
  took = end - begin;
  for (int i = 0; i < 4 && begin + took != end; i++)
    took = nextafter(took, begin + took < end ? INFINITY : 0);
  fprintf(file, ",\"dur\":%.17g", took);
}

/* One event up to its members "args" and such; they follow with a comma. */
static void head(struct chrome *c, const char *phase, const char *category,
                 const char *name, uint32_t thread, int64_t ns) {
  FILE *file = c->file;
  fprintf(file, ",\n{\"ph\":\"%s\",\"cat\":\"%s\",\"name\":", phase, category);
  json_quote_inert(file, name);
  fprintf(file, ",\"pid\":%d,\"tid\":%" PRId64, (int)c->x->model->info->pid,
          export_tid(c->x, thread));
  stamp(file, "ts", ns);
}

static void site(struct chrome *c, const char *key, uint32_t id) {
  fprintf(c->file, "\"%s\":", key);
  json_quote_inert(c->file, export_site_long(c->x, id));
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
  duration(c->file, span->begin_ns, end);
  fputs(",\"args\":{", c->file);
  const char *comma = "";
  if (span->what == LT_RESUME || span->what == LT_POOL_BEGIN) {
    fprintf(c->file, "\"kind\":\"%s\",\"task\":%" PRIu64 ",",
            lt_task_kind_name(span->kind), span->task);
    site(c, "site", span->site);
    comma = ",";
  } else if (span->what == LT_CALL && span->site) {
    site(c, "site", span->site);
    comma = ",";
  }
  if (span->end_ns == INT64_MAX)
    fprintf(c->file, "%s\"%s\":true", comma,
            c->x->to_ns > c->x->model->info->end_ns ? "unfinished" : "cut");
  fputs("}}", c->file);
  return !ferror(c->file);
}

static void flow(struct chrome *c, const char *phase, const char *name,
                 uint64_t id, const lt_event *e) {
  head(c, phase, "flow", name, e->thread, e->time_ns);
  fprintf(c->file, ",\"id\":%" PRIu64 "%s}", id,
          phase[0] == 'f' ? ",\"bp\":\"e\"" : "");
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
  fputs(",\"s\":\"t\"", c->file);
}

static void on_sample(struct chrome *c, const lt_event *e) {
  const lt_stack_def *stack = lt_reader_stack(c->x->model->reader, e->b);
  const char *name = stack && stack->n_frames
                         ? export_site(c->x, stack->frames[0].site)
                         : "sample";
  instant(c, "sample", name, e);
  fputs(",\"args\":{\"stack\":[", c->file);
  for (uint32_t i = 0; stack && i < stack->n_frames; i++) {
    fputs(i ? "," : "", c->file);
    json_quote_inert(c->file, export_site_long(c->x, stack->frames[i].site));
  }
  fputs("]}}", c->file);
}

/* An arrow between slices that may both be left out is none. */
static bool is_arrow(const lt_event *e) {
  return e->kind == LT_SPAWN || e->kind == LT_READY ||
         e->kind == LT_POOL_BEGIN || e->kind == LT_RESUME;
}

static bool on_moment(void *context, const struct model_moment *m) {
  struct chrome *c = context;
  const lt_event *e = m->event;
  if (c->x->filter && (is_arrow(e) || !export_wants_moment(c->x, m)))
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
    fprintf(c->file, ",\"args\":{\"value\":%" PRIu64 "}}", e->b);
    break;
  case LT_COUNTER:
    head(c, "C", "counter", export_string(c->x, e->a), e->thread, e->time_ns);
    fprintf(c->file, ",\"args\":{\"value\":%" PRId64 "}}", (int64_t)e->b);
    break;
  case LT_LOST:
    instant(c, "lost", "events lost", e);
    fprintf(c->file,
            ",\"args\":{\"events\":%" PRIu64 ",\"within_ns\":%" PRIu64
            ",\"cause\":\"%s\"}}",
            e->a, e->b, lt_lost_text(e->x));
    break;
  case LT_SAMPLE:
    on_sample(c, e);
    break;
  default:
    break;
  }
  return !ferror(c->file);
}

static bool on_task(void *context, const struct model_task *t) {
  struct chrome *c = context;
  char name[600];
  int64_t end = t->end_ns < 0 ? c->x->to_ns : t->end_ns;
  if (t->spawn_ns < 0 || end < t->spawn_ns || !export_wants_task(c->x, t))
    return true;
  export_task_name(c->x, t, name, sizeof name);
  head(c, "b", "task", name, t->thread, t->spawn_ns);
  fprintf(c->file, ",\"id\":\"0x%" PRIx64 "\",\"args\":{\"parent\":%" PRIu64,
          t->id, t->parent);
  if (t->site) {
    putc(',', c->file);
    site(c, "site", t->site);
  }
  if (t->spawn_site) {
    putc(',', c->file);
    site(c, "spawned_at", t->spawn_site);
  }
  fputs(t->end_ns < 0 ? ",\"unfinished\":true}}" : "}}", c->file);
  head(c, "e", "task", name, t->thread, end);
  fprintf(c->file, ",\"id\":\"0x%" PRIx64 "\"}", t->id);
  return !ferror(c->file);
}

static void metadata(struct chrome *c) {
  const lt_info *info = c->x->model->info;
  char name[64];
  fprintf(c->file,
          "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%d,\"tid\":0,"
          "\"args\":{\"name\":",
          (int)info->pid);
  json_quote_inert(c->file, inert(info->comm, name, sizeof name));
  fputs("}}", c->file);
  for (uint32_t i = 0; i < info->n_threads; i++) {
    fprintf(
        c->file,
        ",\n{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":%d,\"tid\":%" PRId64
        ",\"args\":{\"name\":",
        (int)info->pid, export_tid(c->x, i));
    json_quote_inert(c->file, export_thread(c->x, i));
    fprintf(c->file,
            "}},\n{\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":%d,"
            "\"tid\":%" PRId64 ",\"args\":{\"sort_index\":%u}}",
            (int)info->pid, export_tid(c->x, i), i);
  }
}

static lt_status write_chrome(struct export *x) {
  struct chrome c = {.x = x, .file = x->file};
  const lt_info *info = x->model->info;
  struct model_visitor visitor = {.context = &c,
                                  .has_turns = true,
                                  .has_tasks = true,
                                  .end = on_end,
                                  .moment = on_moment,
                                  .task = on_task};
  fputs("{\"displayTimeUnit\":\"ms\",\"otherData\":{\"producer\":", x->file);
  json_quote(x->file, info->recorder ? info->recorder : "");
  fprintf(x->file, ",\"complete\":%s,\"lost_events\":%" PRIu64 "},\n",
          info->complete ? "true" : "false", info->n_lost);
  fputs("\"traceEvents\":[\n", x->file);
  metadata(&c);
  lt_status status = export_stream(x, &visitor);
  fputs("\n]}\n", x->file);
  return status;
}

const struct export_format export_chrome = {
    .has_range = true,
    .has_filter = true,
    .is_streaming = true,
    .write = write_chrome,
};
