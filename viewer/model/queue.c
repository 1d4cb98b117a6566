/* Who waited for a loop, since when, and where its turns begin and end.
 *
 * Invariant: only what ran later, or what the loop never came back to, has
 * waited: a timer that was stopped, or a descriptor whose callback did not run,
 * tells nothing.  A loop's turns are what lies between its polls.  Fed by
 * window.c in the order of time. */
#include <stdlib.h>

#include "model/build.h"
#include "model/window.h"

#define LATE_NS 1000000 /* libuv's resolution */
#define WAIT_NS 5000    /* libuv itself takes that long between two callbacks */
#define THREADS_MAX 65536

/* A loop on a thread that turns it. */
struct run {
  uint32_t loop, depth; /* how many runs of it are open */
  int64_t turn_ns;      /* INT64_MAX: no turn goes on */
  int64_t poll_end_ns;  /* -1: not seen */
  uint64_t n_polled;    /* descriptors that the poll found ready */
  struct run *next;
};

struct queue {
  struct window *window;
  struct tasks tasks; /* own[0]: id of its loop plus 1, 0 unknown */
  struct run **runs;  /* by thread */
  size_t n_runs;
};

static struct run *run_of(struct queue *q, uint32_t thread, uint32_t loop) {
  if (thread >= THREADS_MAX)
    return NULL;
  if (thread >= q->n_runs) {
    size_t n = thread + 16;
    struct run **runs = realloc(q->runs, n * sizeof(*runs));
    if (!runs)
      return NULL;
    while (q->n_runs < n)
      runs[q->n_runs++] = NULL;
    q->runs = runs;
  }
  for (struct run *r = q->runs[thread]; r; r = r->next)
    if (r->loop == loop || loop == MODEL_NO_LOOP)
      return r;
  struct run *r = loop == MODEL_NO_LOOP ? NULL : calloc(1, sizeof *r);
  if (!r)
    return NULL;
  *r = (struct run){.loop = loop,
                    .turn_ns = INT64_MAX,
                    .poll_end_ns = -1,
                    .next = q->runs[thread]};
  return q->runs[thread] = r;
}

/* The loop of the last run that began, or last polled, stands first. */
static void to_front(struct queue *q, uint32_t thread, struct run *run) {
  struct run **at = &q->runs[thread];
  while (*at != run)
    at = &(*at)->next;
  *at = run->next;
  run->next = q->runs[thread];
  q->runs[thread] = run;
}

static void end_turn(struct queue *q, uint32_t thread, struct run *r,
                     int64_t end_ns) {
  if (end_ns > r->turn_ns)
    window_add(q->window, MODEL_TURN, r->loop, 0,
               &(struct model_span){.begin_ns = r->turn_ns,
                                    .end_ns = end_ns,
                                    .thread = thread,
                                    .what = MODEL_TURN,
                                    .loop = r->loop});
  r->turn_ns = INT64_MAX;
}

/* Kinds of callbacks that a poll brings. */
static bool is_polled(uint32_t kind) {
  switch (kind) {
  case LT_TASK_POLL:
  case LT_TASK_SIGNAL:
  case LT_TASK_LISTEN:
  case LT_TASK_CONNECT:
  case LT_TASK_READ:
  case LT_TASK_WRITE:
  case LT_TASK_SHUTDOWN:
  case LT_TASK_UDP_RECV:
  case LT_TASK_UDP_SEND:
  case LT_TASK_FS_EVENT:
    return true;
  default:
    return false;
  }
}

static void tell(struct queue *q, uint32_t what, uint32_t loop,
                 const struct model_span *slice, int64_t since_ns,
                 int64_t until_ns) {
  struct model_span wait = *slice;
  wait.begin_ns = since_ns;
  wait.end_ns = until_ns;
  wait.what = what;
  window_add(q->window, what, loop, 0, &wait);
}

static void on_resume(struct queue *q, const struct model_span *s) {
  struct task *task = tasks_get(&q->tasks, s->task);
  struct run *run = run_of(q, s->thread, s->loop);
  uint32_t loop = run ? run->loop : s->loop;
  int64_t now = s->begin_ns, due = -1, since = -1;
  if (task) {
    due = tasks_due(task, s->kind, now);
    since = tasks_since(task, due);
    task->ready_ns = -1;
    task->has_worked = false;
    task->kind = s->kind;
    task->site = s->site;
    task->own[0] = (uint64_t)loop + 1;
  }
  if (run && since < 0 && s->loop_depth == 0 && run->n_polled &&
      is_polled(s->kind))
    since = run->poll_end_ns;
  if (since >= 0 && now - since >= WAIT_NS)
    tell(q, WINDOW_WAIT, loop, s, since, now);
  if (due >= 0 && now - due >= LATE_NS)
    tell(q, WINDOW_LATE, loop, s, due, now);
}

void queue_begin(struct queue *q, const struct model_span *s) {
  struct run *run;
  switch (s->what) {
  case LT_RESUME:
    on_resume(q, s);
    break;
  case LT_LOOP_BEGIN:
  case MODEL_TURN:
  case LT_POLL_BEGIN:
    run = run_of(q, s->thread, s->loop);
    if (!run)
      break;
    to_front(q, s->thread, run);
    if (s->what == LT_LOOP_BEGIN)
      run->depth = s->loop_depth + 1;
    else if (s->what == MODEL_TURN)
      run->turn_ns = s->begin_ns;
    else
      end_turn(q, s->thread, run, s->begin_ns);
    break;
  default:
    break;
  }
}

static void on_poll_end(struct queue *q, const lt_event *e) {
  struct run *run = run_of(q, e->thread, MODEL_NO_LOOP);
  if (!run)
    return;
  run->turn_ns = run->poll_end_ns = e->time_ns;
  run->n_polled = e->a;
}

static void on_loop_end(struct queue *q, const lt_event *e) {
  struct run *run = run_of(q, e->thread, e->x);
  if (!run || (run->depth && --run->depth))
    return;
  end_turn(q, e->thread, run, e->time_ns);
  /* Whoever was inside may go on. */
  for (struct run *r = run->next; r; r = r->next)
    if (r->depth) {
      to_front(q, e->thread, r);
      break;
    }
}

static void on_pool_begin(struct queue *q, const lt_event *e) {
  struct task *task = tasks_known(&q->tasks, e->ref);
  struct model_span job = {.what = WINDOW_QUEUED,
                           .task = e->ref,
                           .kind = e->x,
                           .site = (uint32_t)e->a};
  if (task && task->is_spawned && !task->has_worked)
    tell(q, WINDOW_QUEUED, 0, &job, task->spawn_ns, e->time_ns);
}

/* The loop that a thread turns, for a task that it makes. */
static void note_loop(struct queue *q, struct task *task, uint32_t thread) {
  struct run *run = task ? run_of(q, thread, MODEL_NO_LOOP) : NULL;
  if (run)
    task->own[0] = (uint64_t)run->loop + 1;
}

void queue_event(struct queue *q, const lt_event *e,
                 const struct model_span *slice) {
  struct task *task;
  (void)slice;
  switch (e->kind) {
  case LT_SPAWN:
    task = tasks_spawn(&q->tasks, e, NULL);
    note_loop(q, task, e->thread);
    break;
  case LT_ARM:
    task = tasks_get(&q->tasks, e->ref);
    if (task)
      tasks_arm(task, e);
    note_loop(q, task, e->thread);
    break;
  case LT_READY:
    task = tasks_get(&q->tasks, e->ref);
    if (task && task->ready_ns < 0)
      task->ready_ns = e->time_ns;
    break;
  case LT_POOL_BEGIN:
    on_pool_begin(q, e);
    break;
  case LT_POOL_END:
    task = tasks_get(&q->tasks, e->ref);
    if (task) {
      task->has_worked = true;
      task->worked_ns = e->time_ns;
    }
    break;
  case LT_DONE:
    tasks_done(&q->tasks, tasks_known(&q->tasks, e->ref), e->time_ns);
    break;
  case LT_POLL_END:
    on_poll_end(q, e);
    break;
  case LT_LOOP_END:
    on_loop_end(q, e);
    break;
  default:
    break;
  }
}

/* What became ready in a turn that goes on still waits. */
static void still_waits(struct queue *q, uint32_t thread,
                        const struct run *run) {
  for (const struct task *t = q->tasks.oldest; t; t = t->newer) {
    int64_t since = tasks_since(t, t->due_ns);
    const struct model_span wait = {
        .thread = thread, .task = t->id, .kind = t->kind, .site = t->site};
    if (!t->alive || t->own[0] != (uint64_t)run->loop + 1 || since < run->turn_ns ||
        since >= q->window->to)
      continue;
    tell(q, WINDOW_WAIT, run->loop, &wait, since, INT64_MAX);
    if (t->due_ns == since)
      tell(q, WINDOW_LATE, run->loop, &wait, since, INT64_MAX);
  }
}

void queue_finish(struct queue *q) {
  struct window *w = q->window;
  bool goes_on = w->to < w->model->info->end_ns;
  for (size_t i = 0; i < q->n_runs; i++)
    for (struct run *r = q->runs[i]; r; r = r->next) {
      if (r->turn_ns == INT64_MAX)
        continue;
      still_waits(q, (uint32_t)i, r);
      end_turn(q, (uint32_t)i, r, goes_on ? w->to + 1 : INT64_MAX);
    }
}

size_t queue_live(const struct queue *q) {
  return q->tasks.n_live;
}

struct queue *queue_new(struct window *window) {
  struct queue *q = calloc(1, sizeof *q);
  if (q)
    q->window = window;
  return q;
}

void queue_free(struct queue *q) {
  if (!q)
    return;
  tasks_fini(&q->tasks);
  for (size_t i = 0; i < q->n_runs; i++)
    while (q->runs[i]) {
      struct run *next = q->runs[i]->next;
      free(q->runs[i]);
      q->runs[i] = next;
    }
  free(q->runs);
  free(q);
}
