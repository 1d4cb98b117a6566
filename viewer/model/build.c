/* The model's builder: one pass over the events, a handler for each kind.
 *
 * Invariant: whatever comes, also an end without a begin, a second begin or a
 * jump of the clock, changes at most numbers; memory grows with sites, threads,
 * live tasks and stalls only.  Called by model_open() and by tests. */
#include <stdlib.h>
#include <string.h>

#include "model/build.h"

#define THREADS_MAX 65536
/* A USAGE so soon after a segment began is as good as one just before it. */
#define USAGE_SLACK_NS 200000
/* A poll that came back sooner found something ready, and did not sleep; one
 * that took as long as the second may have slept. */
#define POLL_READY_NS 5000
#define POLL_SLEPT_NS 100000
/* As late as the kernel's timers are without any wait for a CPU. */
#define POLL_SLACK_NS 100000

static struct thread *thread_get(struct builder *b, uint32_t index) {
  if (index < b->n_threads)
    return &b->threads[index];
  if (index >= THREADS_MAX)
    return NULL;
  size_t n = (size_t)index + 1;
  struct thread *threads = realloc(b->threads, n * sizeof *threads);
  if (!threads) {
    b->is_out_of_memory = true;
    return NULL;
  }
  memset(threads + b->n_threads, 0, (n - b->n_threads) * sizeof *threads);
  for (size_t i = b->n_threads; i < n; i++)
    threads[i].last_loop = NO_LOOP;
  b->threads = threads;
  b->n_threads = n;
  return &threads[index];
}

/* A poll whose time is over, and that comes back late, waited for a CPU, as far
 * as it was not stopped. */
static void poll_late(struct thread *th, int64_t now, uint64_t n_ready) {
  int64_t due = th->poll_begin_ns + th->poll_ms * 1000000;
  int64_t late = now - due - samples_stopped(th, due, now, true);
  if (th->in_poll && n_ready == 0 && th->poll_ms > 0 && late > POLL_SLACK_NS)
    th->poll_late_ns = add_ns(th->poll_late_ns, late);
}

static void poll_end(struct builder *b, struct thread *th, int64_t now) {
  uint32_t loop = frames_loop(th);
  int64_t waited = th->in_poll ? now - th->poll_begin_ns : 0;
  bool has_slept = th->poll_waits && waited >= POLL_SLEPT_NS;
  if (th->in_poll) {
    th->poll_total_ns = add_ns(th->poll_total_ns, waited);
    th->n_waits += has_slept;
    th->n_short += th->poll_waits && !has_slept && waited >= POLL_READY_NS;
    if (th->poll_loop != NO_LOOP && th->poll_begin_ns >= b->warmup_ns)
      b->model.loops[th->poll_loop].poll_ns =
          add_ns(b->model.loops[th->poll_loop].poll_ns, waited);
  }
  for (size_t i = 0; i < th->n_frames; i++) {
    struct frame *f = &th->frames[i];
    if (f->loop == loop) {
      f->poll_ns += waited;
      if (!f->is_open)
        frames_open_segment(b, th, i, now);
    } else if (th->in_poll) {
      if (f->foreign_ns == 0)
        f->foreign_begin_ns = th->poll_begin_ns;
      f->foreign_ns = add_ns(f->foreign_ns, waited);
      f->n_foreign += has_slept;
    }
  }
  th->in_poll = false;
}

/* The loop is turned again, or waited for.  Returns: which. */
static uint32_t gap_end(struct builder *b, struct thread *th, uint32_t thread,
                        int64_t now) {
  if (th->last_loop == NO_LOOP)
    return NO_LOOP;
  struct model_loop *l = &b->model.loops[th->last_loop];
  if (th->last_alive && th->n_regular >= LTI_WAITS_REGULAR)
    loops_held(b, th->last_loop, th->run_end_ns, now);
  else
    l->gap_ns = add_ns(l->gap_ns, now - th->run_end_ns);
  if (th->last_alive)
    stalls_gap(b, th, thread, now, false);
  return th->last_loop;
}

static void gap_begin(struct thread *th, int64_t now) {
  th->run_end_ns = now;
  th->run_usage = th->usage;
  calls_clear(&th->between);
  th->allow.n = 0;
  th->allow.ns = 0;
}

/* Between two runs the program has waited for the loop on its own. */
static void gap_waited(struct thread *th, int64_t now) {
  th->n_regular += th->last_alive && th->poll_waits;
  gap_begin(th, now);
}

static void on_poll_begin(struct builder *b, struct thread *th,
                          const lt_event *e) {
  if (th->in_poll) /* its end was lost */
    poll_end(b, th, e->time_ns);
  while (th->n_frames && !frames_top(th)->is_run && frames_top(th)->is_tainted)
    frames_pop(b, th, e->thread, e->time_ns, false);
  uint32_t loop = frames_loop(th);
  for (size_t i = th->n_frames; i-- > 0;) {
    struct frame *f = &th->frames[i];
    if (f->loop != loop)
      continue;
    frames_close_segment(b, th, e->thread, i, e->time_ns, false);
    if (f->is_run)
      f->is_tainted = false; /* the next segment is whole */
  }
  if (th->n_frames == 0)
    loop = gap_end(b, th, e->thread, e->time_ns);
  th->in_poll = true;
  th->poll_loop = loop;
  th->poll_begin_ns = e->time_ns;
  th->poll_waits = e->a != 1;
  if (th->n_frames && th->frames->loop == loop)
    th->has_waited |= th->poll_waits;
  th->poll_ms = e->a > 0 && e->a <= INT32_MAX ? (int64_t)e->a - 1 : 0;
}

static void on_loop_begin(struct builder *b, struct thread *th,
                          const lt_event *e) {
  uint32_t loop = loops_index(b, e->x);
  if (loop == NO_LOOP)
    return;
  struct model_loop *l = &b->model.loops[loop];
  l->thread = e->thread;
  l->is_unseen = e->a == LT_LOOP_UNSEEN;
  if (th->n_frames == 0) {
    if (th->in_poll) /* its end was lost */
      poll_end(b, th, e->time_ns);
    if (th->last_loop == loop)
      (void)gap_end(b, th, e->thread, e->time_ns);
    th->mode = e->a;
    th->has_waited = false;
  }
  early_free(b, th);
  frames_push(b, th, e->time_ns, true, loop);
}

static void on_loop_end(struct builder *b, struct thread *th,
                        const lt_event *e) {
  uint32_t loop = loops_index(b, e->x);
  size_t i = th->n_frames;
  while (i > 0 && !(th->frames[i - 1].is_run && th->frames[i - 1].loop == loop))
    i--;
  if (i == 0 && loop == th->last_loop && e->a == 0)
    th->last_alive = false; /* what came since then is not in the trace */
  if (i == 0 || loop == NO_LOOP)
    return;
  if (th->in_poll)
    poll_end(b, th, e->time_ns);
  while (th->n_frames > i)
    frames_pop(b, th, e->thread, e->time_ns, false);
  if (b->model.loops[loop].is_unseen && e->a)
    frames_top(th)->is_open = false; /* it was left, nobody knows when */
  frames_pop(b, th, e->thread, e->time_ns, true);
  b->model.loops[loop].last_ns = e->time_ns;
  if (th->n_frames)
    return;
  th->last_alive = e->a != 0;
  if (!th->last_alive || th->last_loop != loop || th->mode == LT_LOOP_DEFAULT)
    th->n_regular = 0;
  th->n_regular +=
      th->last_alive && th->mode == LT_LOOP_ONCE && th->has_waited;
  th->last_loop = loop;
  gap_begin(th, e->time_ns);
}

/* The loop that the thread runs is the task's. */
static void note_loop(const struct thread *th, struct task *task) {
  uint32_t loop = task ? frames_loop(th) : NO_LOOP;
  if (loop != NO_LOOP)
    task->own[0] = (uint64_t)loop + 1;
}

static void on_resume(struct builder *b, struct thread *th, const lt_event *e) {
  struct task *task = tasks_get(&b->tasks, e->ref);
  uint32_t loop = frames_loop(th);
  note_loop(th, task);
  if (th->in_poll) /* its end was lost */
    poll_end(b, th, e->time_ns);
  b->model.n_slices++;
  if (loop != NO_LOOP)
    b->model.loops[loop].slices++;
  for (size_t i = 0; i < th->n_frames; i++)
    th->frames[i].n_callbacks++;
  int64_t due = task ? tasks_due(task, e->x, e->time_ns) : -1;
  int64_t since = task ? tasks_since(task, due) : -1;
  bool is_told = stalls_resume(b, th, loop, task, e, due, since);
  if (task) {
    pool_resume(b, task, e->time_ns);
    if (e->x == LT_TASK_TIMER)
      timers_ran(b, th, loop, task, due, is_told);
    task->ready_ns = -1;
    task->awaits = 0;
    task->await_site = 0;
    if (task->kind == LT_TASK_UNKNOWN)
      task->kind = e->x;
    if (task->site == 0)
      task->site = (uint32_t)e->a;
  }
  struct frame *f = frames_push(b, th, e->time_ns, false, loop);
  if (f) {
    f->task = e->ref;
    f->seen = task;
    f->kind = e->x;
    f->site = (uint32_t)e->a;
  }
}

/* The slice of task ref ends, if one is open; what is above it was left without
 * an end.
 * Returns: the task; NULL where none is known. */
static struct task *end_slice(struct builder *b, struct thread *th,
                              const lt_event *e) {
  size_t i = th->n_frames;
  while (i > 0 &&
         (th->frames[i - 1].is_run || th->frames[i - 1].task != e->ref))
    i--;
  if (i == 0)
    return tasks_known(&b->tasks, e->ref);
  while (th->n_frames > i)
    frames_pop(b, th, e->thread, e->time_ns, false);
  struct task *task = tasks_still(&b->tasks, th->frames[i - 1].seen, e->ref);
  if (task)
    task->ran_total_ns =
        add_ns(task->ran_total_ns, e->time_ns - th->frames[i - 1].begin_ns);
  frames_pop(b, th, e->thread, e->time_ns, true);
  return task;
}

/* The recorder turns a call's clock ticks into ns by a rate that it took at its
 * start, a few parts in 100,000 off; times lie between knots and are exact.  A
 * call that fills its slice may so seem to begin before it: it does not. */
static void fit_call(const struct thread *th, struct model_call *call) {
  int64_t slack = call->duration_ns / 1000 + 1000;
  for (size_t i = 0; i < th->n_frames; i++) {
    const struct frame *f = &th->frames[i];
    int64_t early = f->segment_ns - call->begin_ns;
    if (f->is_open && early > 0 && early <= slack &&
        early <= call->duration_ns) {
      call->begin_ns += early;
      call->duration_ns -= early;
    }
  }
}

/* Of a call whose own caller is not known, such as one that a function ends with:
 * the callback that it was made in. */
static uint32_t site_of_callback(const struct thread *th) {
  for (size_t i = th->n_frames; i-- > 0;)
    if (th->frames[i].is_open && !th->frames[i].is_run)
      return th->frames[i].site;
  return 0;
}

static void on_call(struct builder *b, struct thread *th, const lt_event *e) {
  int64_t duration = e->b > INT64_MAX ? INT64_MAX : (int64_t)e->b;
  if (duration > e->time_ns)
    duration = e->time_ns < 0 ? 0 : e->time_ns;
  struct model_call call = {.callee = e->x,
                            .ref = e->ref,
                            .on_name = fds_name_of(b, e->x, e->ref),
                            .site = (uint32_t)e->a,
                            .begin_ns = e->time_ns - duration,
                            .duration_ns = duration,
                            .unfinished = e->kind == LT_CALL_BEGIN};
  if (!call.site)
    call.site = site_of_callback(th);
  holders_give(th, &call);
  fit_call(th, &call);
  th->calls_ns = add_ns(th->calls_ns, call.duration_ns);
  if (early_is(b, th) && call.callee < LT_CALLEE_OWN) {
    early_call(b, th, &call);
    return;
  }
  b->model.n_calls++;
  sites_add(&b->sites, call.site, call.callee, true, duration, duration, NULL);
  uint32_t loop = frames_loop(th);
  bool is_between = loop == NO_LOOP;
  if (is_between) {
    calls_add(&th->between, &call);
    if (th->n_regular < LTI_WAITS_REGULAR)
      return;
    loop = th->last_loop;
  }
  if (call.begin_ns >= b->warmup_ns) {
    struct model_loop *l = &b->model.loops[loop];
    l->calls++;
    l->blocked_ns = add_ns(l->blocked_ns, duration);
    callers_add(&b->callers, loop, allows_is_open(th), &call);
  }
  bool is_inside = is_between;
  for (size_t i = 0; i < th->n_frames; i++) {
    struct frame *f = &th->frames[i];
    if (f->is_open && !f->is_tainted && call.begin_ns >= f->segment_ns) {
      calls_add(&f->calls, &call);
      is_inside |= f->loop == loop;
    }
  }
  if (!is_inside && duration >= b->warn_ns) {
    struct task *task = frames_task(b, th);
    stalls_blocking(b, e->thread, loop, task ? task->id : 0, &call);
  }
}

/* What the thread's loop was starved of since the last totals. */
static void starve(struct builder *b, const struct thread *th,
                   const lt_event *e) {
  uint32_t loop = frames_loop(th);
  const struct usage *last = &th->usage;
  if (loop == NO_LOOP || e->b == 0 || !last->known || !last->has_delay)
    return;
  struct model_loop *l = &b->model.loops[loop];
  l->has_starved = true;
  if (e->b - 1 > last->delay_ns && e->b - 1 - last->delay_ns < INT64_MAX)
    l->starved_ns = add_ns(l->starved_ns, (int64_t)(e->b - 1 - last->delay_ns));
}

/* Between two of these no code of the program has run. */
static bool is_step(unsigned kind) {
  const uint64_t steps =
      UINT64_C(1) << LT_RESUME | UINT64_C(1) << LT_AWAIT |
      UINT64_C(1) << LT_DONE | UINT64_C(1) << LT_CALL |
      UINT64_C(1) << LT_CALL_BEGIN | UINT64_C(1) << LT_POLL_BEGIN |
      UINT64_C(1) << LT_POLL_END | UINT64_C(1) << LT_LOOP_BEGIN |
      UINT64_C(1) << LT_LOOP_END | UINT64_C(1) << LT_LOST;
  return kind < LT_KIND_LIMIT && steps >> kind & 1;
}

static void on_usage(struct builder *b, struct thread *th, const lt_event *e) {
  starve(b, th, e);
  if (!th->usage.is_outside) {
    early_usage(b, th);
    th->own_usage = th->usage;
  }
  th->usage = (struct usage){.known = true,
                             .time_ns = e->time_ns,
                             .cpu_ns = e->a,
                             .delay_ns = e->b ? e->b - 1 : 0,
                             .has_delay = e->b != 0,
                             .switches = e->ref,
                             .faults = e->x,
                             .poll_ns = th->poll_total_ns,
                             .poll_late_ns = th->poll_late_ns,
                             .calls_ns = th->calls_ns,
                             .n_waits = th->n_waits,
                             .n_short = th->n_short,
                             .n_losses = th->n_losses,
                             .n_own = th->n_own};
  usages_keep(th);
  for (size_t i = 0; i < th->n_frames; i++) {
    struct frame *f = &th->frames[i];
    if (f->is_open && f->n_callbacks == 0 &&
        e->time_ns - f->segment_ns <= USAGE_SLACK_NS)
      f->usage = th->usage;
  }
  if (th->n_frames == 0 && e->time_ns - th->run_end_ns <= USAGE_SLACK_NS)
    th->run_usage = th->usage;
  stalls_usage(th);
}

/* From here on no open bracket can be trusted.  What had lasted until the first
 * lost event, had. */
static void lose(struct builder *b, struct thread *th, const lt_event *e) {
  int64_t from = e->b > (uint64_t)e->time_ns ? 0 : e->time_ns - (int64_t)e->b;
  th->n_losses++;
  th->last_alive = false;
  th->n_regular = 0;
  for (size_t i = th->n_frames; i-- > 0;) {
    struct frame *f = &th->frames[i];
    if (f->is_open && from > f->segment_ns)
      frames_close_segment(b, th, e->thread, i, from, true);
    f->is_open = false;
    f->is_tainted = true;
  }
  th->in_poll = false;
}

static void on_lost(struct builder *b, struct thread *th, const lt_event *e) {
  lost_note(b, e);
  if (e->x == LT_LOST_NESTED) /* a handler's events: no brackets */
    return;
  if (e->x != LT_LOST_DAMAGED) {
    lose(b, th, e);
    return;
  }
  for (uint32_t i = 0; i < b->n_threads; i++) {
    lt_event each = *e;
    each.thread = i;
    lose(b, &b->threads[i], &each);
  }
}

static void on_spawn(struct builder *b, struct thread *th, const lt_event *e) {
  struct task *task = tasks_spawn(&b->tasks, e, frames_task(b, th));
  if (!task) {
    b->is_out_of_memory |= e->ref != 0;
    return;
  }
  note_loop(th, task);
  lives_spawn(b, task);
  pool_spawn(b, task);
}

static void on_ready(struct builder *b, const lt_event *e) {
  struct task *task = tasks_known(&b->tasks, e->ref);
  if (task && task->ready_ns < 0)
    task->ready_ns = e->time_ns;
}

static void on_done(struct builder *b, struct thread *th, const lt_event *e) {
  struct task *task = end_slice(b, th, e);
  if (!task || !task->alive)
    return;
  awaits_done(b, task);
  lives_done(task);
  tasks_done(&b->tasks, task, e->time_ns);
}

/* Mostly a timer's own callback arms it. */
static void on_arm(struct builder *b, struct thread *th, const lt_event *e) {
  const struct frame *f = frames_top(th);
  struct task *task = f && f->task == e->ref ? f->seen : NULL;
  if (!task || task->id != e->ref)
    task = tasks_get(&b->tasks, e->ref);
  note_loop(th, task);
  if (task)
    tasks_arm(task, e);
}

static void on_label(struct builder *b, const lt_event *e) {
  struct task *task = tasks_get(&b->tasks, e->ref);
  if (task)
    task->label = b->source.string(b->source.context, e->a);
}

static void on_loop_name(struct builder *b, const lt_event *e) {
  uint32_t loop = loops_index(b, e->x);
  if (loop != NO_LOOP)
    b->loop_extra[loop].name = e->a;
}

static void on_event(struct builder *b, const lt_event *e) {
  struct thread *th = thread_get(b, e->thread);
  if (!th)
    return;
  b->now_ns = e->time_ns;
  if (b->now_ns >= b->next_mark_ns)
    lives_mark(b);
  if (is_step(e->kind)) {
    th->n_own++;
    if (th->samples && th->samples->is_stopped)
      samples_goes_on(b, th, e->time_ns);
  }
  switch (e->kind) {
  case LT_SPAWN:
    on_spawn(b, th, e);
    break;
  case LT_ARM:
    on_arm(b, th, e);
    break;
  case LT_RESUME:
    on_resume(b, th, e);
    break;
  case LT_READY:
    on_ready(b, e);
    break;
  case LT_AWAIT_SITE:
    awaits_at(b, e);
    break;
  case LT_AWAIT:
    end_slice(b, th, e);
    awaits_begin(b, e);
    break;
  case LT_DONE:
    on_done(b, th, e);
    break;
  case LT_CALL:
  case LT_CALL_BEGIN:
    on_call(b, th, e);
    break;
  case LT_POLL_BEGIN:
    on_poll_begin(b, th, e);
    break;
  case LT_POLL_END:
    poll_late(th, e->time_ns, e->a);
    poll_end(b, th, e->time_ns);
    if (th->n_frames == 0)
      gap_waited(th, e->time_ns);
    break;
  case LT_LOOP_BEGIN:
    on_loop_begin(b, th, e);
    break;
  case LT_LOOP_END:
    on_loop_end(b, th, e);
    break;
  case LT_EARLY_TURN:
    early_turn(b, th, e);
    break;
  case LT_USAGE:
    on_usage(b, th, e);
    break;
  case LT_POOL_BEGIN:
    pool_begin(b, th, e);
    break;
  case LT_POOL_END:
    pool_end(b, th, e);
    break;
  case LT_LABEL:
    on_label(b, e);
    break;
  case LT_LOST:
    on_lost(b, th, e);
    break;
  case LT_ALLOW_BEGIN:
    allows_begin(th, e);
    break;
  case LT_ALLOW_END:
    allows_end(th, e->time_ns);
    break;
  case LT_SAMPLE:
    samples_add(b, th, e);
    break;
  case LT_FD_NAME:
    fds_name(b, e);
    break;
  case LT_LOCK_HOLDER:
    holders_note(b, th, e);
    break;
  case LT_LOOP_NAME:
    on_loop_name(b, e);
    break;
  default:
    break; /* MARK, COUNTER change no number here */
  }
}

/* By itself. */
static bool has_ended(const struct model *m) {
  return m->info->ended && (m->info->end_reason == LT_END_EXITED ||
                            m->info->end_reason == LT_END_EXEC ||
                            m->info->end_reason == LT_END_GONE);
}

/* A loop that is not libuv's is seen to be left only when its descriptors are
 * closed: where the program then ended by itself, its last turn tells nothing.
 */
static bool is_left(const struct model *m, uint32_t loop) {
  return loop != NO_LOOP && m->loops[loop].is_unseen && has_ended(m);
}

/* What is open at the end never came back. */
static void finish(struct builder *b) {
  struct model *m = &b->model;
  m->end_ns = m->info->end_ns > b->now_ns ? m->info->end_ns : b->now_ns;
  b->now_ns = m->end_ns;
  for (uint32_t t = 0; t < b->n_threads; t++) {
    struct thread *th = &b->threads[t];
    uint32_t loop = frames_loop(th);
    samples_goes_on(b, th, m->end_ns); /* stopped until then, and longer */
    if (loop != NO_LOOP)
      m->loops[loop].last_ns = m->end_ns;
    if (th->in_poll)
      poll_end(b, th, m->end_ns); /* and no turn after it */
    else if (th->n_frames == 0 && th->last_alive && !has_ended(m) &&
             th->n_regular >= LTI_WAITS_REGULAR)
      stalls_gap(b, th, t, m->end_ns, true);
    else
      for (size_t i = th->n_frames; i-- > 0;)
        if (!is_left(m, th->frames[i].loop))
          frames_close_segment(b, th, t, i, m->end_ns, true);
    stalls_end_open(b, th, m->end_ns);
    while (th->n_frames)
      frames_pop(b, th, t, m->end_ns, false);
  }
  lives_mark(b);
  stalls_finish(b);
  pool_finish(b);
  timers_finish(b);
  awaits_finish(b);
  lives_finish(b);
  loops_finish(b);
  if (!sites_finish(&b->sites, m) || !callers_finish(&b->callers, m))
    b->is_out_of_memory = true;
  m->n_tasks = b->tasks.n_seen;
  m->n_tasks_live = b->tasks.n_live;
  m->n_lost = m->info->n_lost;
}

/* How long it is, is known. */
static void begin_time(struct builder *b) {
  b->model.end_ns = b->source.info->end_ns;
  b->bin_ns = b->source.info->end_ns / MODEL_BINS + 1;
  b->next_mark_ns = b->source.info->end_ns / MODEL_LEVELS;
}

static struct builder *begin(const struct model_source *source,
                             const struct model_options *options) {
  static const struct model_options defaults;
  struct builder *b = calloc(1, sizeof *b);
  if (!b)
    return NULL;
  if (!options)
    options = &defaults;
  b->source = *source;
  b->model.info = source->info;
  b->warn_ns = options->warn_ns ? options->warn_ns : MODEL_WARN_NS;
  b->budget_ns = options->budget_ns ? options->budget_ns : MODEL_ERROR_NS;
  b->warmup_ns = options->warmup_ns;
  b->keep_turns = options->keep_turns;
  begin_time(b);
  return b;
}

lt_status model_begin_source(const struct model_source *source,
                             const struct model_options *options,
                             struct model **model) {
  struct builder *b = begin(source, options);
  *model = b ? &b->model : NULL;
  return b ? LT_OK : LT_NOMEM;
}

/* Where a trace begins in the middle (a snapshot of a flight recorder), what is
 * open and alive there is told as if it began there: when it did is not known
 * of the loops, whose turns would be too long. */
struct prelude {
  lt_event *events;
  size_t n;
};

static void take_prelude(const struct builder *b, struct prelude *p) {
  const struct model_source *s = &b->source;
  const lt_open *opens = NULL;
  const lt_task_def *tasks = NULL;
  size_t n_opens = 0, n_tasks = 0;
  if (s->tasks(s->context, &tasks, &n_tasks) != LT_OK)
    n_tasks = 0;
  p->events = n_tasks ? calloc(n_tasks, sizeof *p->events) : NULL;
  for (; p->events && p->n < n_tasks; p->n++, tasks++)
    p->events[p->n] = (lt_event){.kind = LT_SPAWN,
                                 .thread = tasks->thread,
                                 .ref = tasks->id,
                                 .x = (uint16_t)tasks->kind,
                                 .a = tasks->site,
                                 .b = tasks->spawn_site};
  if (s->opens(s->context, &opens, &n_opens) != LT_OK || !n_opens)
    return;
  size_t n = p->n + n_opens;
  lt_event *more = realloc(p->events, n * sizeof *more);
  p->events = more ? more : p->events;
  for (; more && p->n < n; p->n++, opens++)
    more[p->n] = (lt_event){.kind = opens->kind,
                            .thread = opens->thread,
                            .ref = opens->ref,
                            .x = opens->x,
                            .a = opens->a};
}

/* Take the next events from the source. */
static lt_status refill(struct builder *b) {
  size_t n = 0;
  lt_status status = b->source.next(b->source.context, &b->next_event, &n);
  b->events_end = status == LT_OK ? b->next_event + n : b->next_event;
  return status;
}

static lt_status step_first(struct builder *b) {
  struct prelude p = {NULL, 0};
  if (b->source.opens)
    take_prelude(b, &p);
  lt_status status = refill(b);
  for (size_t i = 0; status == LT_OK && i < p.n; i++) {
    p.events[i].time_ns = b->next_event->time_ns;
    on_event(b, &p.events[i]);
  }
  free(p.events);
  return status;
}

/* Returns: OK while there is more to do, END when it is open. */
static lt_status open_on(struct builder *b, uint64_t n_events) {
  lt_status status =
      b->source.open(b->source.context, n_events / MODEL_BLOCK_EVENTS + 1);
  if (status == LT_END) {
    b->source.open = NULL;
    begin_time(b);
  }
  return status;
}

lt_status model_step(struct model *model, uint64_t n_events) {
  struct builder *b = (struct builder *)model;
  lt_status status = b->source.open ? open_on(b, n_events) : LT_END;
  if (status != LT_END)
    return status;
  status = b->n_taken ? LT_OK : step_first(b);
  while (status == LT_OK && n_events > 0 && !b->is_out_of_memory) {
    size_t n = (size_t)(b->events_end - b->next_event);
    if (n > n_events)
      n = (size_t)n_events;
    for (const lt_event *end = b->next_event + n; b->next_event < end;)
      on_event(b, b->next_event++);
    b->n_taken += n;
    n_events -= n;
    if (n_events > 0)
      status = refill(b);
  }
  if (status == LT_END)
    finish(b);
  return b->is_out_of_memory ? LT_NOMEM : status;
}

struct model_progress model_progress(const struct model *model) {
  const struct builder *b = (const struct builder *)model;
  return (struct model_progress){.share = (double)b->now_ns /
                                          (double)(model->info->end_ns + 1),
                                 .n_events = b->n_taken,
                                 .n_stalls = b->n_records,
                                 .bin_ns = b->bin_ns};
}

lt_status model_build(const struct model_source *source,
                      const struct model_options *options,
                      struct model **model) {
  struct model *made;
  lt_status status = model_begin_source(source, options, &made);
  *model = NULL;
  while (status == LT_OK) {
    status = model_step(made, 0x10000);
    if (status == LT_OK && options && options->progress)
      options->progress(options->context, model_progress(made).share);
  }
  if (status != LT_END) {
    model_close(made);
    return status;
  }
  *model = made;
  return LT_OK;
}

const struct model_source *model_source(const struct model *model) {
  return &((const struct builder *)model)->source;
}

void model_close(struct model *model) {
  if (!model)
    return;
  struct builder *b = (struct builder *)model;
  stalls_fini(b);
  sites_fini(&b->sites);
  callers_fini(&b->callers);
  tasks_fini(&b->tasks);
  lives_fini(b);
  timers_fini(b);
  awaits_fini(b);
  names_fini(b);
  fds_fini(b);
  for (size_t i = 0; i < b->n_threads; i++) {
    free(b->threads[i].frames);
    free(b->threads[i].samples);
    early_free(b, &b->threads[i]);
  }
  free(b->threads);
  free(b->loop_extra);
  for (size_t i = 0; i < model->n_sites; i++)
    free(model->sites[i].time);
  free(model->sites);
  free(model->stalls);
  free(model->blocking);
  free(model->callers);
  free(model->has_lost);
  free(model->troubles);
  free(model->lives);
  free(model->gathers);
  free(model->loops);
  lt_reader_close(model->reader);
  free(b);
}
