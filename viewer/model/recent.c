/* The last ten seconds of a trace.
 *
 * How many tasks live is known at the end; going back from there, what was made
 * since was not alive, and what ended since was.  Where events were lost these
 * numbers are estimates.
 *
 * Invariant: nothing outside [from_ns, to_ns) is counted.  Called by the
 * viewer's follow.c. */
#include "model/recent.h"

#include <stdlib.h>

#include "model/stream.h"

#define SECOND_NS INT64_C(1000000000)

static int second_of(const struct recent *r, int64_t ns) {
  return ns < r->from_ns || ns >= r->to_ns
             ? -1
             : (int)((ns - r->from_ns) / SECOND_NS);
}

static struct recent_loop *loop_of(struct recent *r, uint32_t id) {
  for (size_t i = 0; i < r->n_loops; i++)
    if (r->model->loops[i].id == id)
      return &r->loops[i];
  return NULL;
}

/* Outside a run a thread polls for the loop that it left last, which its program
 * will turn again; where that was before the stretch, for the first it has. */
static struct recent_loop *waited_for(struct recent *r, uint32_t thread) {
  struct recent_loop *found = NULL;
  for (size_t i = 0; i < r->n_loops; i++)
    if (r->model->loops[i].thread == thread &&
        (!found || r->loops[i].left_ns > found->left_ns))
      found = &r->loops[i];
  return found;
}

static void add_turn(struct recent *r, struct recent_loop *loop,
                     const struct model_span *span) {
  bool is_open = span->end_ns == INT64_MAX;
  int64_t end = is_open || span->end_ns > r->to_ns ? r->to_ns : span->end_ns;
  if (end <= r->from_ns || span->begin_ns >= end)
    return;
  if (span->begin_ns >= r->from_ns)
    loop->turns += !is_open;
  model_histogram_add(&loop->turn, end - span->begin_ns);
  int64_t at = span->begin_ns > r->from_ns ? span->begin_ns : r->from_ns;
  while (at < end) {
    int k = second_of(r, at);
    int64_t next = r->from_ns + (k + 1) * SECOND_NS;
    next = next < end ? next : end;
    loop->busy_ns[k] += next - at;
    at = next;
  }
}

static bool on_end(void *context, const struct model_span *span) {
  struct recent *r = context;
  bool is_between =
      span->what == LT_POLL_BEGIN && span->loop == MODEL_NO_LOOP;
  struct recent_loop *loop = is_between ? waited_for(r, span->thread)
                                        : loop_of(r, span->loop);
  if (!loop)
    return true;
  if (is_between && span->end_ns != INT64_MAX)
    loop->left_ns = span->end_ns;
  if (span->what == MODEL_TURN && span->end_ns == INT64_MAX)
    loop->open_turn = *span;
  else if (span->what == MODEL_TURN)
    add_turn(r, loop, span);
  bool tells = span->what == MODEL_TURN || span->what == LT_RESUME ||
               span->what == LT_POLL_BEGIN;
  if (span->end_ns != INT64_MAX || !tells)
    return true;
  if (loop->now &&
      (span->begin_ns < loop->now_begin_ns ||
       (span->begin_ns == loop->now_begin_ns && span->what == MODEL_TURN)))
    return true; /* another one lies in it */
  loop->now = span->what;
  loop->now_site = span->what == LT_RESUME ? span->site : 0;
  loop->now_begin_ns = span->begin_ns;
  return true;
}

static void count_callback(struct recent *r, int k, uint32_t kind) {
  r->kinds[RECENT_CALLBACKS][k]++;
  switch (kind) {
  case LT_TASK_TIMER:
    r->kinds[RECENT_TIMERS][k]++;
    break;
  case LT_TASK_FS:
  case LT_TASK_FS_EVENT:
  case LT_TASK_FS_POLL:
    r->kinds[RECENT_FILES][k]++;
    break;
  case LT_TASK_POLL:
  case LT_TASK_LISTEN:
  case LT_TASK_CONNECT:
  case LT_TASK_READ:
  case LT_TASK_WRITE:
  case LT_TASK_SHUTDOWN:
  case LT_TASK_UDP_RECV:
  case LT_TASK_UDP_SEND:
    r->kinds[RECENT_STREAMS][k]++;
    break;
  default:
    break;
  }
}

static bool is_socket(uint32_t kind) {
  return kind == LT_TASK_LISTEN || kind == LT_TASK_READ ||
         kind == LT_TASK_UDP_RECV;
}

/* Until finish(): how many were closed, less those that were opened. */
static void count_socket(struct recent *r, int k, const struct model_task *task,
                         bool is_done) {
  uint64_t *closed = &r->kinds[RECENT_SOCKETS][k];
  if (task && is_socket(task->kind))
    *closed += is_done ? 1 : UINT64_MAX;
  else if (is_done && (!task || !task->kind))
    r->first_sockets = (unsigned)k;
}

/* The program may be at work between two runs. */
static void note_run(struct recent *r, const lt_event *e) {
  struct recent_loop *loop = loop_of(r, e->x);
  if (loop)
    loop->left_ns = e->kind == LT_LOOP_END && e->a ? e->time_ns : 0;
}

static bool on_moment(void *context, const struct model_moment *moment) {
  struct recent *r = context;
  const lt_event *e = moment->event;
  int k = second_of(r, e->time_ns);
  if (e->kind == LT_LOOP_BEGIN || e->kind == LT_LOOP_END)
    note_run(r, e);
  if (k < 0)
    return true;
  r->events[k]++;
  switch (e->kind) {
  case LT_RESUME:
    count_callback(r, k, e->x);
    break;
  case LT_CALL:
    r->kinds[RECENT_CALLS][k]++;
    break;
  case LT_POOL_BEGIN:
    r->kinds[RECENT_JOBS][k]++;
    break;
  case LT_SPAWN:
    r->kinds[RECENT_SPAWNS][k]++;
    count_socket(r, k, moment->task, false);
    break;
  case LT_DONE:
    r->kinds[RECENT_LIVE][k]++; /* ended, until finish() */
    count_socket(r, k, moment->task, true);
    break;
  default:
    break;
  }
  return true;
}

static void finish_sockets(struct recent *r) {
  uint64_t open = 0;
  for (size_t i = 0; i < r->model->n_lives; i++)
    if (is_socket(r->model->lives[i].kind)) {
      open += r->model->lives[i].alive;
      r->has_sockets = true;
    }
  for (int k = RECENT_SECONDS - 1; k >= 0; k--) {
    uint64_t closed = r->kinds[RECENT_SOCKETS][k];
    r->kinds[RECENT_SOCKETS][k] = open;
    open += closed; /* modulo 2^64: less those that were opened */
    if (open > INT64_MAX)
      open = 0; /* an opening is told of, and not what was opened */
  }
}

/* A turn whose end was lost seems open behind the poll that came after it. */
static void finish(struct recent *r) {
  for (size_t i = 0; i < r->n_loops; i++)
    if (r->loops[i].open_turn.end_ns == INT64_MAX &&
        r->loops[i].now != LT_POLL_BEGIN)
      add_turn(r, &r->loops[i], &r->loops[i].open_turn);
  uint64_t live = r->model->n_tasks_live;
  for (int k = RECENT_SECONDS - 1; k >= 0; k--) {
    uint64_t ended = r->kinds[RECENT_LIVE][k],
             made = r->kinds[RECENT_SPAWNS][k];
    r->kinds[RECENT_LIVE][k] = live;
    live += ended;
    live -= made < live ? made : live;
  }
  finish_sockets(r);
  model_stream_end(r->stream);
  r->stream = NULL;
  r->model = NULL;
}

struct recent *recent_begin(struct model *model) {
  struct recent *r = calloc(1, sizeof *r);
  if (!r)
    return NULL;
  r->model = model;
  r->to_ns = model->end_ns + 1;
  r->from_ns = r->to_ns - RECENT_SECONDS * SECOND_NS;
  r->n_seconds = model->end_ns >= RECENT_SECONDS * SECOND_NS
                     ? RECENT_SECONDS
                     : (unsigned)((model->end_ns + SECOND_NS - 1) / SECOND_NS);
  r->n_loops = model->n_loops;
  r->loops = calloc(r->n_loops ? r->n_loops : 1, sizeof *r->loops);
  struct model_visitor visitor = {
      .context = r, .has_turns = true, .has_tasks = true,
      .end = on_end, .moment = on_moment};
  int64_t from = r->from_ns > 0 ? r->from_ns : 0;
  if (!r->loops || model_stream_begin(model, NULL, from, r->to_ns, &visitor,
                                      &r->stream) != LT_OK) {
    r->stream = NULL;
    recent_close(r);
    return NULL;
  }
  return r;
}

bool recent_step(struct recent *r, uint64_t n_events) {
  if (r->stream && model_stream_step(r->stream, n_events) == LT_OK)
    return true;
  if (r->stream)
    finish(r);
  return false;
}

void recent_close(struct recent *r) {
  if (!r)
    return;
  model_stream_end(r->stream);
  free(r->loops);
  free(r);
}

bool recent_is_growing(const struct recent *r) {
  const uint64_t *live = r->kinds[RECENT_LIVE];
  int first = RECENT_SECONDS - (int)r->n_seconds;
  for (int k = first + 1; k < RECENT_SECONDS; k++)
    if (live[k] < live[k - 1])
      return false;
  return r->n_seconds >= 5 &&
         live[RECENT_SECONDS - 1] > live[first] + live[first] / 10;
}

double recent_busy(const struct recent *r, size_t loop) {
  int64_t busy = 0, length = r->to_ns - (r->from_ns > 0 ? r->from_ns : 0);
  for (int k = 0; k < RECENT_SECONDS; k++)
    busy += r->loops[loop].busy_ns[k];
  return length > 0 ? (double)busy / (double)length : 0;
}
