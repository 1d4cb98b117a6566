/* The thread pool: how long jobs waited for a worker, how long they took, and
 * how long their result waited for the loop.
 *
 * Invariant: level_ns adds up to the time since the first job; a worker has one
 * job at a time, so one that begins another has ended the last.  Called by the
 * builder. */
#include "model/build.h"

/* A job that waited for less did not wait. */
#define QUEUED_NS 1000000

/* The number of jobs that run changes. */
static void step(struct builder *b, int by) {
  struct pool_state *p = &b->pool;
  struct model_pool *pool = &b->model.pool;
  if (p->is_counting) {
    size_t level =
        p->n_running < MODEL_POOL_LEVELS ? p->n_running : MODEL_POOL_LEVELS - 1;
    pool->level_ns[level] =
        add_ns(pool->level_ns[level], b->now_ns - p->since_ns);
    if (pool->workers && p->n_running >= pool->workers)
      p->saturated_ns = add_ns(p->saturated_ns, b->now_ns - p->since_ns);
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

void pool_spawn(struct builder *b, struct task *task) {
  const struct pool_state *p = &b->pool;
  task->saturated_ns = p->saturated_ns;
  if (p->is_counting && p->n_running >= b->model.pool.workers)
    task->saturated_ns = add_ns(task->saturated_ns, b->now_ns - p->since_ns);
}

/* The job that has kept a worker for longest: the one before on this thread, or
 * one that still runs. */
static uint32_t behind(const struct builder *b, const struct thread *th) {
  int64_t since = th->job_site ? th->job_ns : INT64_MAX;
  uint32_t site = th->job_site;
  for (size_t i = 0; i < b->n_threads; i++) {
    const struct thread *other = &b->threads[i];
    if (other != th && other->job && other->job_ns < since) {
      since = other->job_ns;
      site = other->job_site;
    }
  }
  return site;
}

/* A job had to wait; was it because all workers had one? */
static void queued(struct builder *b, const struct thread *th,
                   const struct task *task) {
  struct model_trouble *t = &b->pool.worst;
  int64_t own = b->pool.saturated_ns;
  if (task->spawn_ns >= b->pool.last_new_ns)
    own -= task->saturated_ns;
  int64_t waited = b->now_ns - task->spawn_ns;
  if (own < QUEUED_NS || task->spawn_ns < b->warmup_ns)
    return;
  t->count++;
  if (own <= t->own_ns)
    return;
  t->own_ns = own < waited ? own : waited;
  t->worst_ns = waited;
  t->at_ns = task->spawn_ns;
  t->task = task->id;
  t->site = task->site;
  t->spawn_site = task->spawn_site;
  t->task_kind = task->kind;
  t->behind = behind(b, th);
}

void pool_begin(struct builder *b, struct thread *th, const lt_event *e) {
  struct model_pool *pool = &b->model.pool;
  struct task *task = tasks_get(&b->tasks, e->ref);
  step(b, th->job ? -1 : 0);
  if (task && task->is_spawned && task->spawn_ns <= e->time_ns)
    queued(b, th, task);
  if (!th->is_worker) { /* libuv starts all at once: until now it was idle */
    pool->workers++;
    b->pool.saturated_ns = 0;
    b->pool.last_new_ns = e->time_ns;
    b->pool.worst = (struct model_trouble){.count = 0};
  }
  th->is_worker = true;
  th->job = e->ref;
  th->job_ns = e->time_ns;
  th->job_site = (uint32_t)e->a;
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
  struct model_trouble *t = b->pool.worst.count ? troubles_add(b) : NULL;
  if (t) {
    *t = b->pool.worst;
    t->kind = MODEL_POOL_SATURATED;
    t->loop = MODEL_NO_LOOP;
    t->of = pool->jobs;
  }
  if (pool->workers < MODEL_POOL_LEVELS)
    pool->saturated_ns = pool->level_ns[pool->workers];
}
