/* Stalls: what kept a loop from polling for too long, and who waited behind it.
 *
 * Invariant: b->records holds every stall that is kept; the newest of a thread
 * are also in its ring of recent ones (pinned), because their cause and their
 * victims are known only later.  Called by frame.c and the builder. */
#include <stdlib.h>
#include <string.h>

#include "model/build.h"

#define LATE_NS 1000000 /* libuv's resolution */

static struct model_call_sum *sum_of(struct call_set *set, unsigned callee) {
  for (size_t i = 0; i < set->n_sums; i++)
    if (set->sums[i].longest.callee == callee)
      return &set->sums[i];
  return NULL;
}

/* Where a call of a callee that has no sum is added: in the room that is left,
 * or in the place of the shortest sum, if the call is longer than that. */
static struct model_call_sum *sum_make(struct call_set *set,
                                       const struct model_call *call) {
  struct model_call_sum *sum = &set->sums[0];
  if (set->n_sums < MODEL_CALLEES_MAX) {
    sum = &set->sums[set->n_sums++];
  } else {
    for (size_t i = 1; i < MODEL_CALLEES_MAX; i++)
      if (set->sums[i].ns < sum->ns)
        sum = &set->sums[i];
    if (sum->ns >= call->duration_ns)
      return NULL;
  }
  *sum = (struct model_call_sum){.longest = {.callee = call->callee}};
  return sum;
}

void calls_add(struct call_set *set, const struct model_call *call) {
  struct model_call_sum *sum = sum_of(set, call->callee);
  if (!sum)
    sum = sum_make(set, call);
  if (sum) {
    if (sum->n++ == 0 || call->duration_ns > sum->longest.duration_ns)
      sum->longest = *call;
    sum->ns = add_ns(sum->ns, call->duration_ns);
  }
  set->n_all++;
  set->sum_ns = add_ns(set->sum_ns, call->duration_ns);
  size_t i = set->n < MODEL_CALLS_MAX ? set->n++ : MODEL_CALLS_MAX;
  if (i == MODEL_CALLS_MAX && set->calls[--i].duration_ns >= call->duration_ns)
    return;
  for (; i > 0 && set->calls[i - 1].duration_ns < call->duration_ns; i--)
    set->calls[i] = set->calls[i - 1];
  set->calls[i] = *call;
}

void calls_remove_from(struct call_set *set, int64_t begin_ns,
                       const struct call_set *inner) {
  size_t n = 0;
  for (size_t i = 0; i < set->n; i++)
    if (set->calls[i].begin_ns < begin_ns)
      set->calls[n++] = set->calls[i];
  set->n = n;
  for (size_t i = 0; i < inner->n_sums; i++) {
    const struct model_call_sum *in = &inner->sums[i];
    struct model_call_sum *sum = sum_of(set, in->longest.callee);
    if (!sum)
      continue;
    sum->n -= sum->n < in->n ? sum->n : in->n;
    sum->ns -= sum->ns < in->ns ? sum->ns : in->ns;
    if (sum->longest.begin_ns >= begin_ns) /* the longest of the others */
      sum->longest = (struct model_call){.callee = in->longest.callee};
    for (size_t k = 0; k < n && sum->longest.duration_ns == 0; k++)
      if (set->calls[k].callee == in->longest.callee)
        sum->longest = set->calls[k];
  }
  set->n_all -= set->n_all < inner->n_all ? set->n_all : inner->n_all;
  set->sum_ns -= set->sum_ns < inner->sum_ns ? set->sum_ns : inner->sum_ns;
}

static int longest_first(const void *a, const void *b) {
  const struct stall_record *const *x = a, *const *y = b;
  if (((*x)->pins > 0) != ((*y)->pins > 0))
    return (*x)->pins > 0 ? -1 : 1;
  int64_t p = (*x)->s.duration_ns, q = (*y)->s.duration_ns;
  return (p < q) - (p > q);
}

/* Too many: forget the shortest. */
static void drop_shortest(struct builder *b, size_t keep) {
  if (b->n_records <= keep)
    return;
  qsort(b->records, b->n_records, sizeof *b->records, longest_first);
  while (b->n_records > keep && b->records[b->n_records - 1]->pins == 0) {
    free(b->records[--b->n_records]);
    b->model.n_stalls_dropped++;
  }
}

static void unpin(struct stall_record *r) {
  while (r->n_inner)
    r->inner[--r->n_inner]->pins--;
  r->pins--;
}

static struct stall_record *record_new(struct builder *b, struct thread *th,
                                       int64_t end_ns, uint64_t turn) {
  if (b->n_records >= 2 * MODEL_STALLS_MAX)
    drop_shortest(b, MODEL_STALLS_MAX);
  if (b->n_records == b->records_cap) {
    size_t cap = b->records_cap ? b->records_cap * 2 : 64;
    struct stall_record **records = realloc(b->records, cap * sizeof(*records));
    if (!records)
      return NULL;
    b->records = records;
    b->records_cap = cap;
  }
  struct stall_record *r = calloc(1, sizeof *r);
  if (!r)
    return NULL;
  b->records[b->n_records++] = r;
  struct stall_record *oldest = th->recent[RECENT_MAX - 1];
  if (oldest) {
    if (oldest->is_pending)
      cause_compute(oldest, NULL);
    unpin(oldest);
  }
  memmove(th->recent + 1, th->recent, sizeof th->recent - sizeof *th->recent);
  th->recent[0] = r;
  r->pins = 1;
  r->is_pending = true;
  r->end_ns = end_ns;
  if (th->recent_end_ns < end_ns)
    th->recent_end_ns = end_ns;
  if (th->recent_turn < turn)
    th->recent_turn = turn;
  return r;
}

void stalls_take_calls(struct model_stall *s, const struct call_set *calls) {
  s->n_calls = calls->n;
  s->n_calls_all = calls->n_all;
  s->n_sums = calls->n_sums;
  memcpy(s->calls, calls->calls, calls->n * sizeof *calls->calls);
  memcpy(s->sums, calls->sums, calls->n_sums * sizeof *calls->sums);
  s->n_others = calls->n_all;
  s->others_ns = calls->sum_ns;
  for (size_t i = 0; i < calls->n_sums; i++) {
    const struct model_call_sum *sum = &calls->sums[i];
    s->n_others -= s->n_others < sum->n ? s->n_others : sum->n;
    s->others_ns -= s->others_ns < sum->ns ? s->others_ns : sum->ns;
  }
  s->calls_ns = calls->sum_ns < s->duration_ns ? calls->sum_ns : s->duration_ns;
}

/* The outer segments learn what has been reported inside them. */
static void tell_outer(struct thread *th, size_t frame, struct stall_record *r,
                       const struct call_set *calls) {
  for (size_t j = 0; j < frame; j++) {
    struct frame *outer = &th->frames[j];
    if (!outer->is_open)
      continue;
    outer->reported_ns = add_ns(outer->reported_ns, r->s.duration_ns);
    if (outer->reported_max_ns < r->s.duration_ns)
      outer->reported_max_ns = r->s.duration_ns;
    outer->reported_foreign_ns =
        add_ns(outer->reported_foreign_ns, r->foreign_ns);
    if (outer->is_run)
      continue; /* a turn is reported with all that is in it */
    calls_remove_from(&outer->calls, r->s.begin_ns, calls);
    if (outer->n_inner < STALL_INNER_MAX) {
      outer->inner[outer->n_inner++] = r;
      r->pins++;
    }
  }
}

/* A callback that turns another loop waits in its poll: a blocking call, too.
 */
static void add_nested_run(struct frame *f) {
  int64_t waited = f->foreign_ns - f->reported_foreign_ns;
  if (waited > 0)
    calls_add(&f->calls, &(struct model_call){.callee = LT_CALLEE_uv_run,
                                              .begin_ns = f->foreign_begin_ns,
                                              .duration_ns = waited});
}

/* The thread often reads its totals just before it writes the end: then these
 * are as good as the next ones, and nothing else has happened since.  Not so
 * what the recorder read: the thread may have been about to wait for a CPU. */
static void settle_early(struct thread *th, struct stall_record *r) {
  int64_t slack = r->s.duration_ns / 100;
  if (slack > 200000)
    slack = 200000;
  if (th->usage.known && !th->usage.is_outside &&
      th->usage.time_ns > r->s.begin_ns &&
      th->usage.time_ns >= r->end_ns - slack)
    cause_compute(r, &th->usage);
}

void stalls_segment(struct builder *b, struct thread *th, uint32_t thread,
                    size_t frame, int64_t end_ns, bool unfinished) {
  struct frame *f = &th->frames[frame];
  int64_t duration = end_ns - f->segment_ns;
  if (f->is_run) {
    /* A turn is a stall only where no slice in it tells the same. */
    bool is_told =
        f->reported_max_ns > 0 &&
        (f->reported_max_ns > b->budget_ns || duration <= b->budget_ns);
    if ((is_told && !b->keep_turns) || !frames_is_outermost(th, frame))
      return;
  } else {
    duration -= f->reported_ns;
  }
  if (duration < b->warn_ns)
    return;
  struct stall_record *r = record_new(b, th, end_ns, f->turn);
  if (!r) {
    b->is_out_of_memory = true;
    return;
  }
  r->before = f->usage;
  r->n_begin = f->n_begin;
  r->n_end = th->n_own;
  r->foreign_ns = f->foreign_ns;
  r->n_foreign = f->n_foreign;
  r->s = (struct model_stall){
      .kind = f->is_run ? MODEL_STALL_TURN : MODEL_STALL_SLICE,
      .begin_ns = f->segment_ns,
      .duration_ns = duration,
      .thread = thread,
      .loop = f->loop,
      .turn = f->turn,
      .task = f->task,
      .slice_kind = f->kind,
      .site = f->site,
      .unfinished = unfinished,
      .is_unseen = b->model.loops[f->loop].is_unseen,
      .inner_max_ns = f->reported_max_ns,
      .allowed_ns = f->allowed_ns < duration ? f->allowed_ns : duration,
      .allowed_for = f->allowed_for,
      .n_callbacks = f->n_callbacks,
  };
  add_nested_run(f);
  stalls_take_calls(&r->s, &f->calls);
  if (!f->is_run) {
    r->s.n_ancestors =
        tasks_ancestry(&b->tasks, f->task, r->s.ancestors, MODEL_ANCESTRY_MAX);
    for (size_t i = 0; i < f->n_inner; i++) {
      r->inner[r->n_inner++] = f->inner[i];
      f->inner[i]->pins++;
    }
  }
  samples_take(th, r);
  b->model.loops[f->loop].stalls++;
  tell_outer(th, frame, r, &f->calls);
  settle_early(th, r);
}

void stalls_gap(struct builder *b, struct thread *th, uint32_t thread,
                int64_t end_ns, bool unfinished) {
  uint32_t loop = th->last_loop;
  int64_t duration = end_ns - th->run_end_ns;
  if (duration < b->warn_ns)
    return;
  uint64_t turn = b->loop_extra[loop].turn_no + 1;
  struct stall_record *r = record_new(b, th, end_ns, turn);
  if (!r) {
    b->is_out_of_memory = true;
    return;
  }
  r->before = th->run_usage;
  r->n_end = th->n_own;
  r->s = (struct model_stall){
      .kind = MODEL_STALL_GAP,
      .begin_ns = th->run_end_ns,
      .duration_ns = duration,
      .thread = thread,
      .loop = loop,
      .turn = turn,
      .unfinished = unfinished,
      .is_regular = !unfinished && th->n_regular >= LTI_WAITS_REGULAR,
      .allowed_ns = allows_between(th, end_ns),
      .allowed_for = th->allow.why,
  };
  stalls_take_calls(&r->s, &th->between);
  samples_take(th, r);
  b->model.loops[loop].stalls++;
  settle_early(th, r);
}

void stalls_early(struct builder *b, struct thread *th,
                  const struct early_turn *turn) {
  struct stall_record *r = record_new(b, th, turn->end_ns, turn->number);
  if (!r) {
    b->is_out_of_memory = true;
    return;
  }
  if (turn->before)
    r->before = *turn->before;
  if (turn->after)
    r->n_end = turn->after->n_own;
  r->s = (struct model_stall){
      .kind = MODEL_STALL_TURN,
      .begin_ns = turn->begin_ns,
      .duration_ns = turn->end_ns - turn->begin_ns,
      .thread = turn->thread,
      .loop = turn->loop,
      .turn = turn->number,
      .is_unseen = true,
      .is_early = true,
  };
  stalls_take_calls(&r->s, turn->calls);
  samples_take(th, r);
  b->model.loops[turn->loop].stalls++;
  cause_compute(r, turn->after);
}

/* What waited behind a stall: from when it could run, but not longer than the
 * stall held. */
static void add_victim(struct stall_record *r, const struct task *task,
                       const lt_event *e, int64_t since_ns) {
  struct model_stall *s = &r->s;
  int64_t from = since_ns > s->begin_ns ? since_ns : s->begin_ns;
  if (since_ns < 0 || from >= r->end_ns)
    return;
  struct model_victim v = {.task = e->ref,
                           .kind = e->x,
                           .site =
                               task && task->site ? task->site : (uint32_t)e->a,
                           .since_ns = since_ns,
                           .delay_ns = r->end_ns - from};
  s->n_victims_all++;
  s->blame_ns = add_ns(s->blame_ns, v.delay_ns);
  size_t i =
      s->n_victims < MODEL_VICTIMS_MAX ? s->n_victims++ : MODEL_VICTIMS_MAX;
  if (i == MODEL_VICTIMS_MAX && s->victims[--i].delay_ns >= v.delay_ns)
    return;
  for (; i > 0 && s->victims[i - 1].delay_ns < v.delay_ns; i--)
    s->victims[i] = s->victims[i - 1];
  s->victims[i] = v;
}

/* When it could have run, as far as a stall in its own turn tells: since the
 * turn began, or since it was made. */
static int64_t since_turn(const struct task *task,
                          const struct stall_record *r) {
  int64_t spawned = task && task->is_spawned ? task->spawn_ns : -1;
  return spawned > r->s.begin_ns ? spawned : r->s.begin_ns;
}

/* Can none of the recent stalls have to do with a callback that begins now? */
static bool is_past(const struct thread *th, uint64_t turn, int64_t due_ns,
                    int64_t since_ns) {
  return turn > th->recent_turn &&
         (since_ns < 0 || since_ns >= th->recent_end_ns) &&
         (due_ns < 0 || due_ns > th->recent_end_ns);
}

/* A timer of the loop runs late, without what it was stopped for. */
static void add_late(struct model_loop *l, int64_t late_ns) {
  if (late_ns < LATE_NS)
    return;
  l->timers_late++;
  if (l->worst_late_ns < late_ns)
    l->worst_late_ns = late_ns;
}

bool stalls_resume(struct builder *b, struct thread *th, uint32_t loop,
                   const struct task *task, const lt_event *e, int64_t due_ns,
                   int64_t since_ns) {
  int64_t time_ns = e->time_ns;
  bool is_told = false;
  uint64_t turn = loop == NO_LOOP ? 0 : b->loop_extra[loop].turn_no;
  bool is_late = due_ns >= 0 && time_ns - due_ns >= LATE_NS;
  for (size_t i = is_past(th, turn, due_ns, since_ns) ? RECENT_MAX : 0;
       i < RECENT_MAX && th->recent[i]; i++) {
    struct stall_record *r = th->recent[i];
    if (r->s.loop != loop || r->end_ns > time_ns)
      continue;
    bool is_in_turn = r->s.turn == turn;
    if (is_in_turn)
      r->s.n_waited++;
    add_victim(r, task, e,
               since_ns < 0 && is_in_turn ? since_turn(task, r) : since_ns);
    /* Due during it; or before, and then it was its turn, too. */
    if (is_late && due_ns <= r->end_ns &&
        (due_ns >= r->s.begin_ns || r->s.turn == turn)) {
      is_told = true;
      r->s.n_late++;
      if (r->s.worst_late_ns < time_ns - due_ns)
        r->s.worst_late_ns = time_ns - due_ns;
    }
  }
  if (is_late && loop != NO_LOOP)
    add_late(&b->model.loops[loop],
             time_ns - due_ns - samples_stopped(th, due_ns, time_ns, true));
  return is_told;
}

/* A task that was made before the loop ran is of the thread that made it. */
static bool is_of(const struct task *task, const struct model_stall *s) {
  return task->own[0] ? task->own[0] == (uint64_t)s->loop + 1
                      : task->is_spawned && task->thread == s->thread;
}

static bool is_running(const struct thread *th, uint64_t task) {
  for (size_t i = 0; i < th->n_frames; i++)
    if (!th->frames[i].is_run && th->frames[i].task == task)
      return true;
  return false;
}

/* Returns: how late the task is as a timer, 0 for not at all. */
static int64_t waits_still(struct stall_record *r, const struct task *task,
                           int64_t since_ns) {
  const lt_event e = {
      .ref = task->id, .x = (uint16_t)task->kind, .a = task->site};
  int64_t late = since_ns == task->due_ns ? r->end_ns - since_ns : 0;
  add_victim(r, task, &e, since_ns);
  if (late < LATE_NS)
    return 0;
  r->s.n_late++;
  if (r->s.worst_late_ns < late)
    r->s.worst_late_ns = late;
  return late;
}

void stalls_end_open(struct builder *b, const struct thread *th,
                     int64_t end_ns) {
  size_t n = 0;
  while (n < RECENT_MAX && th->recent[n] && th->recent[n]->s.unfinished &&
         th->recent[n]->end_ns == end_ns)
    n++;
  for (const struct task *t = n ? b->tasks.oldest : NULL; t; t = t->newer) {
    int64_t since = tasks_since(t, t->due_ns), late = 0;
    if (!t->alive || since < 0 || since >= end_ns || is_running(th, t->id))
      continue;
    for (size_t i = 0; i < n; i++)
      if (is_of(t, &th->recent[i]->s))
        late = waits_still(th->recent[i], t, since);
    if (late > 0)
      add_late(&b->model.loops[th->recent[0]->s.loop],
               late - samples_stopped(th, since, end_ns, true));
  }
}

/* From the oldest to the newest: an outer stall needs its inner ones' causes.
 */
void stalls_usage(struct thread *th) {
  for (size_t i = RECENT_MAX; i-- > 0;) {
    struct stall_record *r = th->recent[i];
    if (r && r->is_pending && r->end_ns <= th->usage.time_ns)
      cause_compute(r, &th->usage);
  }
}

void stalls_blocking(struct builder *b, uint32_t thread, uint32_t loop,
                     uint64_t task, const struct model_call *call) {
  struct model *m = &b->model;
  if (m->n_blocking >= MODEL_BLOCKING_MAX)
    return;
  if ((m->n_blocking & (m->n_blocking - 1)) == 0) { /* grows by doubling */
    size_t cap = m->n_blocking ? m->n_blocking * 2 : 1;
    struct model_blocking *more = realloc(m->blocking, cap * sizeof *more);
    if (!more) {
      b->is_out_of_memory = true;
      return;
    }
    m->blocking = more;
  }
  m->blocking[m->n_blocking++] = (struct model_blocking){
      .call = *call, .thread = thread, .loop = loop, .task = task};
}

static int by_begin(const void *a, const void *b) {
  const struct model_stall *x = a, *y = b;
  if (x->begin_ns != y->begin_ns)
    return x->begin_ns < y->begin_ns ? -1 : 1;
  if (x->thread != y->thread)
    return x->thread < y->thread ? -1 : 1;
  return (x->duration_ns < y->duration_ns) - (x->duration_ns > y->duration_ns);
}

void stalls_finish(struct builder *b) {
  struct model *m = &b->model;
  for (size_t t = 0; t < b->n_threads; t++)
    for (size_t i = RECENT_MAX; i-- > 0;) {
      struct stall_record *r = b->threads[t].recent[i];
      if (r && r->is_pending) /* totals that were read inside it are some */
        cause_compute(r, b->threads[t].usage.time_ns > r->s.begin_ns
                             ? &b->threads[t].usage
                             : NULL);
    }
  for (size_t t = 0; t < b->n_threads; t++)
    for (size_t i = RECENT_MAX; i-- > 0;)
      if (b->threads[t].recent[i]) {
        unpin(b->threads[t].recent[i]);
        b->threads[t].recent[i] = NULL;
      }
  drop_shortest(b, MODEL_STALLS_MAX);
  m->stalls = calloc(b->n_records ? b->n_records : 1, sizeof *m->stalls);
  if (!m->stalls) {
    b->is_out_of_memory = true;
    return;
  }
  for (size_t i = 0; i < b->n_records; i++) {
    samples_finish(m, &b->records[i]->s);
    m->stalls[m->n_stalls++] = b->records[i]->s;
  }
  qsort(m->stalls, m->n_stalls, sizeof *m->stalls, by_begin);
  stalls_fini(b);
}

void stalls_fini(struct builder *b) {
  for (size_t i = 0; i < b->n_records; i++)
    free(b->records[i]);
  free(b->records);
  b->records = NULL;
  b->n_records = 0;
}

const char *model_stall_kind_name(enum model_stall_kind kind) {
  return kind == MODEL_STALL_SLICE  ? "slice"
         : kind == MODEL_STALL_TURN ? "turn"
                                    : "gap";
}
