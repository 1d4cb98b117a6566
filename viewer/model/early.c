/* What a thread did before it was known to turn a loop.
 *
 * Invariant: what is kept is bounded, for each thread and in all; nothing of it
 * counts until EARLY_TURN says that it was a turn.  Called by the builder. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "model/build.h"

#define CALLS_MAX 4096 /* of a thread */
#define CALLS_ALL_MAX 262144
#define PAIRS_MAX 16

struct early {
  struct model_call *calls; /* oldest first */
  size_t n_calls, calls_cap;
  /* Totals that follow each other, so far apart that a stall is between. */
  struct usage_pair {
    struct usage before, after;
  } pairs[PAIRS_MAX]; /* the newest, in a ring */
  size_t n_pairs;     /* so far */
  int64_t told_ns;    /* until when turns were told; */
  unsigned n_told;    /* so many */
};

bool early_is(const struct builder *b, const struct thread *th) {
  return th->n_frames == 0 && (th->last_loop == NO_LOOP ||
                               b->model.loops[th->last_loop].is_unseen);
}

static struct early *early_of(struct builder *b, struct thread *th) {
  if (!th->early && !(th->early = calloc(1, sizeof *th->early)))
    b->is_out_of_memory = true;
  return th->early;
}

static bool grow(struct builder *b, struct early *early) {
  size_t cap = early->calls_cap ? early->calls_cap * 2 : 16;
  if (cap > CALLS_MAX || b->n_early_calls + cap > CALLS_ALL_MAX)
    return false;
  struct model_call *calls = realloc(early->calls, cap * sizeof *calls);
  if (!calls)
    return false;
  b->n_early_calls += cap - early->calls_cap;
  early->calls = calls;
  early->calls_cap = cap;
  return true;
}

void early_call(struct builder *b, struct thread *th,
                const struct model_call *call) {
  struct early *early = early_of(b, th);
  if (!early)
    return;
  if (early->n_calls == early->calls_cap && !grow(b, early)) {
    if (!early->calls)
      return;
    size_t old = (early->n_calls + 1) / 2;
    early->n_calls -= old;
    memmove(early->calls, early->calls + old,
            early->n_calls * sizeof *early->calls);
  }
  if (early->n_calls < early->calls_cap)
    early->calls[early->n_calls++] = *call;
}

void early_usage(struct builder *b, struct thread *th) {
  const struct usage *before = &th->own_usage, *after = &th->usage;
  if (!early_is(b, th) || th->is_worker || !before->known ||
      after->time_ns - before->time_ns < b->warn_ns / 2)
    return;
  struct early *early = early_of(b, th);
  if (early)
    early->pairs[early->n_pairs++ % PAIRS_MAX] =
        (struct usage_pair){*before, *after};
}

static bool is_around(const struct usage *before, const struct usage *after,
                      const struct early_turn *turn) {
  int64_t slack = (turn->end_ns - turn->begin_ns) / 100;
  return before->known && before->time_ns <= turn->begin_ns + slack &&
         after->known && after->time_ns >= turn->end_ns - slack;
}

/* The totals around it. */
static void find_usages(const struct thread *th, struct early_turn *turn) {
  const struct early *early = th->early;
  if (!th->usage.is_outside && is_around(&th->own_usage, &th->usage, turn)) {
    turn->before = &th->own_usage;
    turn->after = &th->usage;
  }
  for (size_t i = 0; early && i < early->n_pairs && i < PAIRS_MAX; i++)
    if (is_around(&early->pairs[i].before, &early->pairs[i].after, turn)) {
      turn->before = &early->pairs[i].before;
      turn->after = &early->pairs[i].after;
    }
}

/* A call that fills the turn may seem to begin before it: see fit_call().
 * Returns: is it in the turn? */
static bool fit(struct model_call *call, const struct early_turn *turn) {
  int64_t slack = call->duration_ns / 1000 + 1000;
  int64_t early = turn->begin_ns - call->begin_ns;
  if (early > slack || early > call->duration_ns ||
      call->begin_ns > turn->end_ns)
    return false;
  if (early > 0) {
    call->begin_ns += early;
    call->duration_ns -= early;
  }
  return true;
}

static void take_calls(struct builder *b, struct thread *th,
                       const struct early_turn *turn, struct call_set *set) {
  struct model_loop *l = &b->model.loops[turn->loop];
  calls_clear(set);
  for (size_t i = 0; th->early && i < th->early->n_calls; i++) {
    struct model_call call = th->early->calls[i];
    if (!fit(&call, turn))
      continue;
    calls_add(set, &call);
    b->model.n_calls++;
    sites_add(&b->sites, call.site, call.callee, true, call.duration_ns,
              call.duration_ns, NULL);
    if (call.begin_ns < b->warmup_ns)
      continue;
    l->calls++;
    l->blocked_ns = add_ns(l->blocked_ns, call.duration_ns);
    callers_add(&b->callers, turn->loop, false, &call);
  }
}

/* Turns are told one behind the other, and only as many as a recorder keeps:
 * each goes through all calls. */
static bool take_place(struct builder *b, struct thread *th,
                       const struct early_turn *turn) {
  struct early *early = early_of(b, th);
  if (!early || early->n_told == LTI_EARLY || turn->begin_ns < early->told_ns)
    return false;
  early->n_told++;
  early->told_ns = turn->end_ns;
  return true;
}

void early_turn(struct builder *b, struct thread *th, const lt_event *e) {
  struct call_set calls;
  uint32_t loop = loops_index(b, e->x);
  if (loop == NO_LOOP || th->n_frames || e->time_ns < 0 || e->b > e->a ||
      e->a > (uint64_t)e->time_ns)
    return;
  struct early_turn turn = {.thread = e->thread,
                            .loop = loop,
                            .begin_ns = e->time_ns - (int64_t)e->a,
                            .calls = &calls};
  turn.end_ns = turn.begin_ns + (int64_t)e->b;
  if (!take_place(b, th, &turn))
    return;
  turn.number = ++b->loop_extra[loop].turn_no;
  struct model_loop *l = &b->model.loops[loop];
  l->thread = e->thread;
  l->is_unseen = true;
  if (l->first_ns > turn.begin_ns)
    l->first_ns = turn.begin_ns;
  loops_turn(b, loop, turn.begin_ns, turn.end_ns);
  take_calls(b, th, &turn, &calls);
  find_usages(th, &turn);
  if (turn.end_ns - turn.begin_ns >= b->warn_ns)
    stalls_early(b, th, &turn);
}

void early_free(struct builder *b, struct thread *th) {
  if (!th->early)
    return;
  b->n_early_calls -= th->early->calls_cap;
  free(th->early->calls);
  free(th->early);
  th->early = NULL;
}
