/* OpenTelemetry's OTLP as JSON: a span for each callback and blocking call that
 * took the floor or longer, and for each task that one of them belongs to or
 * descends from.
 *
 * A trace of OTLP is a chain of tasks with one root.  Ids are made from the
 * recording's start and the task or moment, so that two exports agree.
 *
 * Invariant: the parent of a span is written, too: what lies around a long span
 * is longer, and a task is told behind its descendants.  Called by
 * cmd_export.c.
 */
#include <inttypes.h>

#include "output/export.h"
#include "output/inert.h"
#include "output/json.h"

struct otlp {
  struct export *x;
  FILE *file;
  uint64_t seed; /* of this recording */
  bool has_span;
};

/* Each number has one image, and only 0 has 0. */
static uint64_t mix(uint64_t n) {
  n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
  return n ^ n >> 31;
}

/* Odd numbers are tasks; those of callbacks and calls are even. */
static uint64_t task_id(uint64_t task) {
  return mix(task << 1 | 1);
}
static uint64_t span_id(const struct model_span *span) {
  uint64_t where = (uint64_t)span->thread << 12 | (span->depth & 0x3ff) << 2 |
                   (span->what == LT_CALL) << 1;
  return mix((mix((uint64_t)span->begin_ns + 1) ^ where << 8) << 1 | 2);
}

static void attribute(struct otlp *o, const char *comma, const char *key,
                      const char *value) {
  fprintf(o->file, "%s{\"key\":\"%s\",\"value\":{\"stringValue\":", comma, key);
  json_quote_inert(o->file, value);
  fputs("}}", o->file);
}

struct span {
  uint64_t root, id, parent; /* root: a task's id; parent 0 none */
  const char *name, *category;
  int64_t begin_ns, end_ns;
};

/* A span up to its attributes' first one; the rest is the caller's. */
static void head(struct otlp *o, const struct span *s) {
  int64_t unix_ns = o->x->model->info->start_unix_ns;
  fprintf(o->file,
          "%s\n{\"traceId\":\"%016" PRIx64 "%016" PRIx64
          "\",\"spanId\":\"%016" PRIx64 "\"",
          o->has_span ? "," : "", o->seed, mix(s->root << 1 | 1), s->id);
  if (s->parent)
    fprintf(o->file, ",\"parentSpanId\":\"%016" PRIx64 "\"", s->parent);
  fputs(",\"name\":", o->file);
  json_quote_inert(o->file, s->name);
  fprintf(o->file,
          ",\"kind\":1,\"startTimeUnixNano\":\"%" PRId64
          "\",\"endTimeUnixNano\":\"%" PRId64 "\",\"attributes\":[",
          unix_ns + s->begin_ns, unix_ns + s->end_ns);
  attribute(o, "", "looptrace.category", s->category);
  o->has_span = true;
}

/* What did not end, ended with the stretch; status 2 is an error. */
static void tail(struct otlp *o, bool is_finished) {
  fputs(is_finished ? "],\"status\":{}}"
                    : "],\"status\":{\"code\":2,\"message\":\"did not end\"}}",
        o->file);
}

static int64_t end_of(const struct otlp *o, const struct model_span *span) {
  int64_t end = span->end_ns == INT64_MAX ? o->x->to_ns : span->end_ns;
  return end < span->begin_ns ? span->begin_ns : end;
}

static void write_span(struct otlp *o, const struct model_span *span,
                       uint64_t root, uint64_t parent) {
  head(o, &(struct span){.root = root,
                         .id = span_id(span),
                         .parent = parent,
                         .name = export_span_name(o->x, span),
                         .category = export_span_category(span),
                         .begin_ns = span->begin_ns,
                         .end_ns = end_of(o, span)});
  attribute(o, ",", "thread.name", export_thread(o->x, span->thread));
  if (span->site)
    attribute(o, ",", "code.location", export_site_long(o->x, span->site));
  tail(o, span->end_ns != INT64_MAX);
}

static bool on_slice(void *context, const struct model_span *span,
                     const struct model_task *task) {
  struct otlp *o = context;
  if (end_of(o, span) - span->begin_ns < o->x->floor_ns ||
      !export_wants_span(o->x, span))
    return true;
  if (task)
    task->own[0] = 1; /* it will be written */
  write_span(o, span, task ? task->root : span->task,
             task ? task_id(task->id) : 0);
  return !ferror(o->file);
}

static bool on_moment(void *context, const struct model_moment *m) {
  struct otlp *o = context;
  const lt_event *e = m->event;
  if ((e->kind != LT_CALL && e->kind != LT_CALL_BEGIN) ||
      e->b < (uint64_t)o->x->floor_ns || e->b > (uint64_t)e->time_ns)
    return true;
  const struct model_span call = {
      .begin_ns = e->time_ns - (int64_t)e->b,
      .end_ns = e->kind == LT_CALL ? e->time_ns : INT64_MAX,
      .thread = e->thread,
      .what = LT_CALL,
      .kind = e->x,
      .site = (uint32_t)e->a,
      .loop = m->slice ? m->slice->loop : MODEL_NO_LOOP,
      .depth = m->slice ? m->slice->depth + 1 : 0};
  if (!export_wants_span(o->x, &call))
    return true;
  bool is_inside = m->slice && m->slice->begin_ns <= call.begin_ns;
  uint64_t root = is_inside && m->slice_root ? m->slice_root
                  : is_inside                ? m->slice->task
                                             : 0;
  write_span(o, &call, root, is_inside ? span_id(m->slice) : 0);
  return !ferror(o->file);
}

static bool on_task(void *context, const struct model_task *t) {
  struct otlp *o = context;
  char name[600];
  if (!t->own[0])
    return true;
  if (t->parent_own)
    t->parent_own[0] = 1;
  int64_t begin = t->spawn_ns < 0 ? o->x->from_ns : t->spawn_ns;
  int64_t end = t->end_ns < 0 ? o->x->to_ns : t->end_ns;
  head(o, &(struct span){.root = t->root,
                         .id = task_id(t->id),
                         .parent = t->parent ? task_id(t->parent) : 0,
                         .name = export_task_name(o->x, t, name, sizeof name),
                         .category = "task",
                         .begin_ns = begin,
                         .end_ns = end < begin ? begin : end});
  attribute(o, ",", "looptrace.task.kind", lt_task_kind_name(t->kind));
  if (t->spawn_site)
    attribute(o, ",", "looptrace.spawned_at",
              export_site_long(o->x, t->spawn_site));
  tail(o, t->end_ns >= 0);
  return !ferror(o->file);
}

static lt_status write_otlp(struct export *x) {
  const lt_info *info = x->model->info;
  struct otlp o = {.x = x,
                   .file = x->file,
                   .seed = mix((uint64_t)info->start_unix_ns ^
                               (uint64_t)info->pid << 40 ^ 1)};
  struct model_visitor visitor = {.context = &o,
                                  .has_tasks = true,
                                  .slice = on_slice,
                                  .moment = on_moment,
                                  .task = on_task};
  char name[64];
  fputs("{\"resourceSpans\":[{\"resource\":{\"attributes\":[", x->file);
  attribute(&o, "", "service.name", inert(info->comm, name, sizeof name));
  fprintf(x->file,
          ",{\"key\":\"process.pid\",\"value\":{\"intValue\":\"%d\"}}]},"
          "\"scopeSpans\":[{\"scope\":{\"name\":\"looptrace\"},\"spans\":[",
          (int)info->pid);
  lt_status status = export_stream(x, &visitor);
  fputs("\n]}]}]}\n", x->file);
  return status;
}

const struct export_format export_otlp = {
    .has_range = true,
    .has_filter = true,
    .has_floor = true,
    .is_streaming = true,
    .write = write_otlp,
};
