/* The thread pool: how long jobs waited for a worker, how long they took, and
 * how long their result waited for the loop.
 *
 * Invariant: level_ns adds up to the time since the first job; a worker has one
 * job at a time, so one that begins another has ended the last.  Called by the
 * builder. */
#include "model/build.h"

/* The number of jobs that run changes. */
static void step(struct builder *b, int by) {
  struct pool_state *p = &b->pool;
  struct model_pool *pool = &b->model.pool;
  if (p->is_counting) {
    size_t level =
        p->n_running < MODEL_POOL_LEVELS ? p->n_running : MODEL_POOL_LEVELS - 1;
    pool->level_ns[level] =
        add_ns(pool->level_ns[level], b->now_ns - p->since_ns);
  }
  p->is_counting = true;
  p->since_ns = b->now_ns;
  if (by > 0)
    p->n_running++;
  else if (by < 0 && p->n_running)
    p->n_running--;
  if (pool->peak < p->n_running)
    pool->peak = p->n_running;
}

void pool_begin(struct builder *b, struct thread *th, const lt_event *e) {
  struct model_pool *pool = &b->model.pool;
  struct task *task = tasks_get(&b->tasks, e->ref);
  if (th->job)
    step(b, -1);
  if (!th->is_worker)
    pool->workers++;
  th->is_worker = true;
  th->job = e->ref;
  th->job_ns = e->time_ns;
  pool->jobs++;
  if (task && task->kind == LT_TASK_UNKNOWN)
    task->kind = e->x;
  if (task && task->spawn_site + task->site && task->spawn_ns <= e->time_ns)
    model_histogram_add(&pool->queue, e->time_ns - task->spawn_ns);
  step(b, 1);
}

void pool_end(struct builder *b, struct thread *th, const lt_event *e) {
  struct task *task = tasks_get(&b->tasks, e->ref);
  if (th->job == 0 || th->job != e->ref)
    return;
  model_histogram_add(&b->model.pool.service, e->time_ns - th->job_ns);
  th->job = 0;
  if (task) {
    task->worked_ns = e->time_ns;
    task->has_worked = true;
  }
  step(b, -1);
}

void pool_resume(struct builder *b, struct task *task, int64_t now_ns) {
  if (task->has_worked && now_ns >= task->worked_ns)
    model_histogram_add(&b->model.pool.result, now_ns - task->worked_ns);
  task->has_worked = false;
}

void pool_finish(struct builder *b) {
  struct model_pool *pool = &b->model.pool;
  if (pool->jobs == 0)
    return;
  step(b, 0);
  for (size_t i = 1; i < MODEL_POOL_LEVELS; i++)
    pool->busy_ns = add_ns(pool->busy_ns, pool->level_ns[i]);
  if (pool->workers < MODEL_POOL_LEVELS)
    pool->saturated_ns = pool->level_ns[pool->workers];
}
