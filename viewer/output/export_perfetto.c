/* Perfetto's own format: a track for each thread, task and counter; arrows from
 * a spawn or a wake-up to the callback that follows.
 *
 * Invariant: packets are written as they come, each whole; an arrow's id is
 * used for one arrow.  Called by cmd_export.c. */
#include "config.h"

#include <stdlib.h>

#include "output/export.h"
#include "output/inert.h"
#include "output/perfetto.pb-c.h"

#define SEQUENCE 1
#define CLOCK_MONOTONIC_ID 3
#define STATE_CLEARED 1
#define TASK_TRACK (UINT64_C(1) << 62)    /* plus a task's id */
#define COUNTER_TRACK (UINT64_C(1) << 61) /* plus a string's id */
#define THREAD_TRACK UINT64_C(2)          /* plus a thread's index */
#define PROCESS_TRACK UINT64_C(1)
#define COUNTERS_MAX 4096

struct perfetto {
  struct export *x;
  uint64_t n_flows;
  bool has_begun;
  bool is_out_of_memory;
  size_t n_counters;
  uint64_t counters[COUNTERS_MAX]; /* that have a track */
};

/* own[0]: the arrow that leads to a task's next callback. */

static void put(struct perfetto *p, LtPerfetto__TracePacket *packet) {
  uint8_t small[4096], *buf = small;
  packet->has_trusted_packet_sequence_id = 1;
  packet->trusted_packet_sequence_id = SEQUENCE;
  if (!p->has_begun) {
    packet->has_sequence_flags = 1;
    packet->sequence_flags = STATE_CLEARED;
    p->has_begun = true;
  }
  size_t size = lt_perfetto__trace_packet__get_packed_size(packet), n = size;
  if (size > sizeof small && !(buf = malloc(size))) {
    p->is_out_of_memory = true;
    return;
  }
  lt_perfetto__trace_packet__pack(packet, buf);
  putc(1 << 3 | 2, p->x->file); /* field 1 of Trace, with a length */
  for (; n >= 0x80; n >>= 7)
    putc((int)(n & 0x7f) | 0x80, p->x->file);
  putc((int)n, p->x->file);
  fwrite(buf, 1, size, p->x->file);
  if (buf != small)
    free(buf);
}

static void put_track(struct perfetto *p, LtPerfetto__TrackDescriptor *track,
                      uint64_t uuid, uint64_t parent) {
  LtPerfetto__TracePacket packet = LT_PERFETTO__TRACE_PACKET__INIT;
  track->has_uuid = 1;
  track->uuid = uuid;
  track->has_parent_uuid = parent != 0;
  track->parent_uuid = parent;
  packet.track_descriptor = track;
  put(p, &packet);
}

static void put_event(struct perfetto *p, LtPerfetto__TrackEvent *event,
                      LtPerfetto__TrackEvent__Type type, uint64_t track,
                      int64_t ns) {
  LtPerfetto__TracePacket packet = LT_PERFETTO__TRACE_PACKET__INIT;
  event->has_type = event->has_track_uuid = 1;
  event->type = type;
  event->track_uuid = track;
  packet.has_timestamp = packet.has_timestamp_clock_id = 1;
  packet.timestamp = (uint64_t)(p->x->model->info->start_ns + ns);
  packet.timestamp_clock_id = CLOCK_MONOTONIC_ID;
  packet.track_event = event;
  put(p, &packet);
}

static void put_begin(struct perfetto *p, const struct model_span *span,
                      uint64_t flow) {
  LtPerfetto__TrackEvent event = LT_PERFETTO__TRACK_EVENT__INIT;
  LtPerfetto__DebugAnnotation task = LT_PERFETTO__DEBUG_ANNOTATION__INIT;
  LtPerfetto__DebugAnnotation site = LT_PERFETTO__DEBUG_ANNOTATION__INIT;
  LtPerfetto__DebugAnnotation *notes[] = {&task, &site};
  char *category = (char *)(uintptr_t)export_span_category(span);
  char task_key[] = "task", site_key[] = "site", name[600];
  snprintf(name, sizeof name, "%s", export_span_name(p->x, span));
  event.name = name;
  event.categories = &category;
  event.n_categories = 1;
  task.name = task_key;
  task.has_uint_value = 1;
  task.uint_value = span->task;
  site.name = site_key;
  site.string_value =
      (char *)(uintptr_t)(span->site ? export_site_long(p->x, span->site) : "");
  event.debug_annotations = notes;
  event.n_debug_annotations = span->site ? 2 : 0;
  event.n_terminating_flow_ids = flow != 0;
  event.terminating_flow_ids = &flow;
  put_event(p, &event, LT_PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN,
            THREAD_TRACK + span->thread, span->begin_ns);
}

static void put_end(struct perfetto *p, uint64_t track, int64_t ns) {
  LtPerfetto__TrackEvent event = LT_PERFETTO__TRACK_EVENT__INIT;
  put_event(p, &event, LT_PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END, track,
            ns);
}

static void put_instant(struct perfetto *p, const char *category,
                        const char *name, const lt_event *e, uint64_t flow) {
  LtPerfetto__TrackEvent event = LT_PERFETTO__TRACK_EVENT__INIT;
  char *categories = (char *)(uintptr_t)category;
  event.name = (char *)(uintptr_t)name;
  event.categories = &categories;
  event.n_categories = 1;
  event.n_flow_ids = flow != 0;
  event.flow_ids = &flow;
  put_event(p, &event, LT_PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT,
            THREAD_TRACK + e->thread, e->time_ns);
}

/* A callback begins where its task is known: at its event. */
static bool on_begin(void *context, const struct model_span *span) {
  struct perfetto *p = context;
  if (span->what != LT_RESUME || span->begin_ns < p->x->from_ns)
    put_begin(p, span, 0);
  return !p->is_out_of_memory && !ferror(p->x->file);
}

static bool on_end(void *context, const struct model_span *span) {
  struct perfetto *p = context;
  if (span->what == LT_CALL)
    put_begin(p, span, 0);
  if (span->end_ns != INT64_MAX)
    put_end(p, THREAD_TRACK + span->thread, span->end_ns);
  return !p->is_out_of_memory && !ferror(p->x->file);
}

static void on_counter(struct perfetto *p, const lt_event *e) {
  LtPerfetto__TrackEvent event = LT_PERFETTO__TRACK_EVENT__INIT;
  size_t i = 0;
  while (i < p->n_counters && p->counters[i] != e->a)
    i++;
  if (i == COUNTERS_MAX)
    return;
  if (i == p->n_counters) {
    LtPerfetto__TrackDescriptor track = LT_PERFETTO__TRACK_DESCRIPTOR__INIT;
    LtPerfetto__CounterDescriptor counter =
        LT_PERFETTO__COUNTER_DESCRIPTOR__INIT;
    p->counters[p->n_counters++] = e->a;
    track.name = (char *)(uintptr_t)export_string(p->x, e->a);
    track.counter = &counter;
    put_track(p, &track, COUNTER_TRACK + e->a, PROCESS_TRACK);
  }
  event.has_counter_value = 1;
  event.counter_value = (int64_t)e->b;
  put_event(p, &event, LT_PERFETTO__TRACK_EVENT__TYPE__TYPE_COUNTER,
            COUNTER_TRACK + e->a, e->time_ns);
}

static void on_resume(struct perfetto *p, const struct model_moment *m) {
  const lt_event *e = m->event;
  put_begin(p,
            &(struct model_span){.begin_ns = e->time_ns,
                                 .task = e->ref,
                                 .thread = e->thread,
                                 .what = LT_RESUME,
                                 .kind = e->x,
                                 .site = (uint32_t)e->a},
            m->task ? m->task->own[0] : 0);
  if (m->task)
    m->task->own[0] = 0;
}

static bool on_moment(void *context, const struct model_moment *m) {
  struct perfetto *p = context;
  const lt_event *e = m->event;
  switch (e->kind) {
  case LT_SPAWN:
  case LT_READY:
    if (m->task && m->task->own[0] == 0) {
      m->task->own[0] = ++p->n_flows;
      put_instant(p, "task", e->kind == LT_SPAWN ? "spawn" : "wake", e,
                  m->task->own[0]);
    }
    break;
  case LT_RESUME:
    on_resume(p, m);
    break;
  case LT_MARK:
    put_instant(p, "mark", export_string(p->x, e->a), e, 0);
    break;
  case LT_LOST:
    put_instant(p, "lost", "events lost", e, 0);
    break;
  case LT_COUNTER:
    on_counter(p, e);
    break;
  default:
    break;
  }
  return !p->is_out_of_memory && !ferror(p->x->file);
}

static bool on_task(void *context, const struct model_task *t) {
  struct perfetto *p = context;
  LtPerfetto__TrackDescriptor track = LT_PERFETTO__TRACK_DESCRIPTOR__INIT;
  LtPerfetto__TrackEvent event = LT_PERFETTO__TRACK_EVENT__INIT;
  char name[600], category[] = "task", *categories = category;
  if (t->spawn_ns < 0)
    return true;
  track.name = event.name =
      (char *)(uintptr_t)export_task_name(p->x, t, name, sizeof name);
  event.categories = &categories;
  event.n_categories = 1;
  put_track(p, &track, TASK_TRACK + t->id, PROCESS_TRACK);
  put_event(p, &event, LT_PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN,
            TASK_TRACK + t->id, t->spawn_ns);
  if (t->end_ns >= t->spawn_ns)
    put_end(p, TASK_TRACK + t->id, t->end_ns);
  return !p->is_out_of_memory && !ferror(p->x->file);
}

static void put_threads(struct perfetto *p) {
  const lt_info *info = p->x->model->info;
  LtPerfetto__ProcessDescriptor process = LT_PERFETTO__PROCESS_DESCRIPTOR__INIT;
  LtPerfetto__TrackDescriptor track = LT_PERFETTO__TRACK_DESCRIPTOR__INIT;
  char name[64];
  process.has_pid = 1;
  process.pid = info->pid;
  process.process_name =
      (char *)(uintptr_t)inert(info->comm, name, sizeof name);
  track.process = &process;
  put_track(p, &track, PROCESS_TRACK, 0);
  for (uint32_t i = 0; i < info->n_threads; i++) {
    LtPerfetto__TrackDescriptor own = LT_PERFETTO__TRACK_DESCRIPTOR__INIT;
    LtPerfetto__ThreadDescriptor thread = LT_PERFETTO__THREAD_DESCRIPTOR__INIT;
    thread.has_pid = thread.has_tid = 1;
    thread.pid = info->pid;
    thread.tid = (int32_t)(export_tid(p->x, i) & INT32_MAX);
    thread.thread_name = (char *)(uintptr_t)export_thread(p->x, i);
    own.thread = &thread;
    put_track(p, &own, THREAD_TRACK + i, PROCESS_TRACK);
  }
}

static lt_status write_perfetto(struct export *x) {
  struct perfetto *p = calloc(1, sizeof *p);
  if (!p)
    return LT_NOMEM;
  p->x = x;
  struct model_visitor visitor = {.context = p,
                                  .has_turns = true,
                                  .has_tasks = true,
                                  .begin = on_begin,
                                  .end = on_end,
                                  .moment = on_moment,
                                  .task = on_task};
  put_threads(p);
  lt_status status = export_stream(x, &visitor);
  if (p->is_out_of_memory)
    status = LT_NOMEM;
  free(p);
  return status;
}

const struct export_format export_perfetto = {
    .has_range = true,
    .is_streaming = true,
    .is_binary = true,
    .write = write_perfetto,
};
