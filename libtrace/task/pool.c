/* lt_to_thread: a job in libuv's pool.  The job lies on its task's stack, which
 * waits until the pool is done with it.  In the trace it is a piece of work of its
 * own, as uv_queue_work()'s are, but with the program's function.
 * Called by programs. */
#include "config.h"

#include "task/libuv.h"
#include "task/trace.h"

struct job {
  uv_work_t request; /* first */
  struct lti_wait wait;
  lt_task_fn *fn;
  void *arg;
  int64_t result;
  const struct lti_recorder *recorder;
};

/* In a thread of the pool. */
static void job_run(uv_work_t *request) {
  struct job *job = (struct job *)request;
  uint64_t id = job->wait.awaited;
  if (id)
    job->recorder->emit(LT_POOL_BEGIN, LT_TASK_WORK, id, (uintptr_t)job->fn, 0);
  job->result = job->fn(job->arg);
  if (id)
    job->recorder->emit(LT_POOL_END, 0, id, 0, 0);
}

static void job_done(uv_work_t *request, int status) {
  struct job *job = (struct job *)request;
  struct lti_sched *s = lti_sched;
  int64_t result = status < 0 ? status : job->result;
  lti_work_end(s, job->wait.awaited, result);
  if (status == 0)
    lti_task_ready(s, job->wait.task, LT_READY_WORKED, job->wait.awaited);
  lti_wake(&job->wait, result);
  lti_drain(s);
}

/* It works only before the pool began; else the job is waited for. */
static void job_cancel(struct lti_wait *wait) {
  struct job *job = (struct job *)((char *)wait - offsetof(struct job, wait));
  (void)lti_task_uv.cancel((uv_req_t *)&job->request);
}

int64_t lt_to_thread(lt_task_fn *fn, void *arg) {
  struct lti_tcb *task = lti_running("lt_to_thread");
  struct lti_sched *s = lti_sched;
  if (!task)
    return UV_EINVAL;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  struct job job = {.wait = {.why = LT_WAIT_POOL,
                             .cancel = job_cancel},
                    .fn = fn,
                    .arg = arg,
                    .recorder = s->recorder};
  job.wait.awaited = lti_work_begin(s, LT_TASK_WORK, (const void *)(uintptr_t)fn,
                                    __builtin_return_address(0));
  int status = lti_task_uv.queue_work(s->loop, &job.request, job_run, job_done);
  if (status < 0) {
    lti_work_end(s, job.wait.awaited, status);
    return status;
  }
  return lti_block(task, &job.wait);
}
