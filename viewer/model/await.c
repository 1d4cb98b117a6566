/* Who waits for whom: circles, and waits one after the other that could have
 * been one.
 *
 * Invariant: a task's run of waits goes on only while each awaited task was
 * made when the one before was done, and it did little in between.  What it
 * would save: the awaited tasks' time, less the longest of them, and never less
 * than what they kept the thread for.  Called by the builder. */
#include <stdlib.h>
#include <string.h>

#include "model/build.h"

#define CIRCLE_MAX 256
/* Between two waits the task may do so much: a loop over what it waits for. */
#define BETWEEN_NS 1000000
#define CYCLES_MAX 16

/* b waits for a, directly or through others, and now a waits for b. */
static void find_circle(struct builder *b, struct task *task) {
  struct model_trouble t = {.kind = MODEL_AWAIT_CYCLE,
                            .loop = MODEL_NO_LOOP,
                            .site = task->site,
                            .spawn_site = task->spawn_site,
                            .task_kind = task->kind,
                            .task = task->id,
                            .at_ns = b->now_ns};
  struct task *at = task;
  do {
    if (t.n_cycle < MODEL_CYCLE_MAX) {
      t.cycle[t.n_cycle] = at->id;
      t.cycle_sites[t.n_cycle] = at->site;
    }
    t.n_cycle++;
    at = at->awaits ? tasks_known(&b->tasks, at->awaits) : NULL;
  } while (at && at != task && t.n_cycle < CIRCLE_MAX);
  if (at != task || b->n_cycles++ >= CYCLES_MAX)
    return;
  struct model_trouble *kept = troubles_add(b);
  t.count = t.n_cycle;
  if (kept)
    *kept = t;
}

static struct gather_row *row_get(struct builder *b, uint32_t site) {
  struct gather_row *row;
  HASH_FIND(hh, b->gathers, &site, sizeof site, row);
  if (row || HASH_COUNT(b->gathers) >= MODEL_GATHERS_MAX)
    return row;
  row = calloc(1, sizeof *row);
  if (!row)
    return NULL;
  row->site = site;
  row->g.site = site;
  HASH_ADD(hh, b->gathers, site, sizeof row->site, row);
  if (!row->hh.tbl) {
    free(row);
    return NULL;
  }
  return row;
}

/* A run of waits is over. */
static void settle(struct builder *b, const struct task *task) {
  const struct await_run *run = task->run;
  int64_t least = run->max_ns > run->busy_ns ? run->max_ns : run->busy_ns;
  int64_t saved = run->sum_ns - least;
  if (run->n < 2 || saved < MODEL_GATHER_LEAST_NS)
    return;
  struct gather_row *row = row_get(b, task->site);
  if (!row)
    return;
  row->g.times++;
  row->g.saved_ns = add_ns(row->g.saved_ns, saved);
  if (saved <= row->g.worst_saved_ns)
    return;
  row->g.worst_saved_ns = saved;
  row->g.task = task->id;
  row->g.begin_ns = run->begin_ns;
  row->g.end_ns = run->end_ns;
  row->g.n = run->n;
  row->g.n_sites = run->n_sites;
  memcpy(row->g.sites, run->sites, sizeof row->g.sites);
}

/* task was awaited by its parent, and is done. */
static void add_to_run(struct builder *b, struct task *task,
                       struct task *parent) {
  struct await_run *run = parent->run;
  if (!run && !(run = parent->run = calloc(1, sizeof *run)))
    return;
  if (run->n && (task->spawn_ns < run->end_ns ||
                 task->spawn_ns - run->end_ns > BETWEEN_NS)) {
    settle(b, parent);
    run->n = 0;
  }
  if (run->n++ == 0)
    *run = (struct await_run){.n = 1, .begin_ns = task->spawn_ns};
  int64_t took = b->now_ns - task->spawn_ns;
  run->end_ns = b->now_ns;
  run->sum_ns = add_ns(run->sum_ns, took);
  run->busy_ns = add_ns(run->busy_ns, task->ran_total_ns);
  if (run->max_ns < took)
    run->max_ns = took;
  bool is_known = false;
  for (size_t i = 0; i < run->n_sites; i++)
    is_known |= run->sites[i] == task->spawn_site;
  if (!is_known && run->n_sites < MODEL_GATHER_SITES)
    run->sites[run->n_sites++] = task->spawn_site;
}

void awaits_at(struct builder *b, const lt_event *e) {
  struct task *task = tasks_known(&b->tasks, e->ref);
  if (task)
    task->await_site = (uint32_t)e->a;
}

void awaits_begin(struct builder *b, const lt_event *e) {
  struct task *task = e->a ? tasks_known(&b->tasks, e->ref) : NULL;
  if (!task)
    return;
  task->awaits = e->a;
  struct task *awaited = tasks_known(&b->tasks, e->a);
  if (awaited)
    awaited->awaiter = task->id;
  find_circle(b, task);
}

void awaits_done(struct builder *b, struct task *task) {
  struct task *parent = task->parent;
  if (parent && parent->alive && parent->awaits) {
    parent->ready_ns = b->now_ns; /* of several, the last one counts */
    if (parent->awaits == task->id && task->is_spawned)
      add_to_run(b, task, parent);
  }
  awaits_end(b, task);
}

void awaits_end(struct builder *b, struct task *task) {
  if (!task->run)
    return;
  settle(b, task);
  free(task->run);
  task->run = NULL;
}

static int most_first(const void *a, const void *b) {
  const struct model_gather *x = a, *y = b;
  if (x->saved_ns != y->saved_ns)
    return x->saved_ns < y->saved_ns ? 1 : -1;
  return (x->site > y->site) - (x->site < y->site);
}

void awaits_finish(struct builder *b) {
  struct model *m = &b->model;
  for (struct task *task = b->tasks.oldest; task; task = task->newer)
    awaits_end(b, task);
  struct gather_row *row, *next;
  size_t n = HASH_COUNT(b->gathers);
  m->gathers = calloc(n ? n : 1, sizeof *m->gathers);
  if (!m->gathers) {
    b->is_out_of_memory = true;
    return;
  }
  HASH_ITER(hh, b->gathers, row, next)
  m->gathers[m->n_gathers++] = row->g;
  qsort(m->gathers, m->n_gathers, sizeof *m->gathers, most_first);
}

void awaits_fini(struct builder *b) {
  struct gather_row *row, *next;
  HASH_ITER(hh, b->gathers, row, next) {
    HASH_DEL(b->gathers, row);
    free(row);
  }
}
