/* Timers: how late each place's run, and whether that is the program's doing.
 *
 * Invariant: own_ns is a lower bound: what may have been for lack of a CPU, or
 * passed in the poll, is not in it.  Called by the builder. */
#include <stdlib.h>
#include <string.h>

#include "model/build.h"

#define TIMERS_MAX 4096
#define LATE_NS 1000000  /* libuv's resolution */
#define SLOW_NS 10000000 /* nobody misses less */
#define RUNS_LEAST 10
/* Totals so shortly after a moment are as good as those of the moment. */
#define NEAR_NS 2000000

static struct timer_row *row_get(struct builder *b, uint32_t loop,
                                 const struct task *task) {
  uint64_t key = (uint64_t)task->site << 32 | loop;
  struct timer_row *row;
  HASH_FIND(hh, b->timers, &key, sizeof key, row);
  if (row || HASH_COUNT(b->timers) >= TIMERS_MAX)
    return row;
  row = calloc(1, sizeof *row);
  if (!row)
    return NULL;
  row->key = key;
  row->t = (struct model_trouble){.loop = loop,
                                  .site = task->site,
                                  .spawn_site = task->spawn_site,
                                  .task_kind = LT_TASK_TIMER};
  HASH_ADD(hh, b->timers, key, sizeof row->key, row);
  if (!row->hh.tbl) {
    free(row);
    return NULL;
  }
  return row;
}

void usages_keep(struct thread *th) {
  th->usages[th->n_usages++ % USAGES_KEPT] = th->usage;
}

/* Of the time since due: at least so much was neither for lack of a CPU nor in
 * the poll, nor stopped by a signal. */
static int64_t own_of(const struct thread *th, int64_t due_ns) {
  const struct usage *from = NULL, *last = &th->usage;
  size_t n = th->n_usages < USAGES_KEPT ? th->n_usages : USAGES_KEPT;
  for (size_t i = 1; i <= n; i++) {
    from = &th->usages[(th->n_usages - i) % USAGES_KEPT];
    if (from->time_ns <= due_ns + NEAR_NS)
      break;
  }
  if (!from || !from->has_delay || !last->has_delay ||
      last->delay_ns < from->delay_ns ||
      last->delay_ns - from->delay_ns > INT64_MAX / 4)
    return 0;
  int64_t begin = from->time_ns > due_ns ? from->time_ns : due_ns;
  int64_t own = last->time_ns - begin -
                (int64_t)(last->delay_ns - from->delay_ns) -
                (last->poll_ns - from->poll_ns) -
                samples_stopped(th, begin, last->time_ns, false);
  return own > 0 ? own : 0;
}

void timers_ran(struct builder *b, const struct thread *th, uint32_t loop,
                struct task *task, int64_t due_ns, bool is_told) {
  if (loop == NO_LOOP || b->now_ns < b->warmup_ns)
    return;
  if (!task->timer && !(task->timer = row_get(b, loop, task)))
    return;
  struct timer_row *row = task->timer;
  int64_t late = due_ns < 0 ? 0
                            : b->now_ns - due_ns -
                                  samples_stopped(th, due_ns, b->now_ns, true);
  row->t.of++;
  if (late < LATE_NS)
    return;
  row->t.count++;
  if (late < SLOW_NS)
    return;
  int64_t own = own_of(th, due_ns);
  if (own >= SLOW_NS && own >= task->delay_ns / 2) {
    row->n_starved++;
    if (row->period_ns < task->delay_ns)
      row->period_ns = task->delay_ns;
    if (row->starved_ns < own)
      row->starved_ns = own;
  }
  if (own > row->t.all_own_ns || late > row->t.all_worst_ns) {
    row->t.all_at_ns = due_ns;
    row->t.all_own_ns = own > row->t.all_own_ns ? own : row->t.all_own_ns;
    row->t.all_worst_ns =
        late > row->t.all_worst_ns ? late : row->t.all_worst_ns;
  }
  if (is_told || own <= row->t.own_ns)
    return;
  row->t.own_ns = own;
  row->t.worst_ns = late;
  row->t.at_ns = due_ns;
  row->t.task = task->id;
}

void timers_finish(struct builder *b) {
  struct timer_row *row, *next;
  HASH_ITER(hh, b->timers, row, next) {
    bool is_starved = row->t.of >= RUNS_LEAST && row->n_starved > row->t.of / 2;
    struct model_trouble *t = row->t.all_worst_ns ? troubles_add(b) : NULL;
    if (!t)
      continue;
    *t = row->t;
    if (!is_starved)
      continue;
    t->kind = MODEL_STARVED_TIMER;
    t->count = row->n_starved;
    t->period_ns = row->period_ns;
    if (t->worst_ns == 0) {
      t->at_ns = t->all_at_ns;
      t->own_ns = t->worst_ns = row->starved_ns;
    }
  }
}

void timers_fini(struct builder *b) {
  struct timer_row *row, *next;
  HASH_ITER(hh, b->timers, row, next) {
    HASH_DEL(b->timers, row);
    free(row);
  }
}
