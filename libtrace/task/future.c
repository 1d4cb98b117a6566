/* Futures: what a callback completes, in this thread or in another.
 *
 * Invariant: value is set before is_set, and the waiters are woken by the loop's
 * thread only; another thread merely pushes the future onto s->posted.
 * Called by programs and their callbacks. */
#include "config.h"

#include <pthread.h>
#include <string.h>

#include "task/libuv.h"
#include "task/trace.h"

struct future {
  struct lti_sched *sched;
  struct waiting *first, *last;
  int64_t value;
  _Atomic uint32_t state; /* any thread */
  uint32_t is_shared;
  struct future *next; /* in s->posted */
  pthread_t thread;    /* the loop's */
};
_Static_assert(sizeof(struct future) <= sizeof(lt_future), "room");

enum { UNSET, POSTED, SET };

struct waiting {
  struct lti_wait wait; /* first */
  struct waiting *next;
  struct future *future;
};

void lt_future_init(lt_future *public, unsigned flags) {
  struct future *future = (struct future *)public;
  struct lti_sched *s = lti_sched;
  memset(public, 0, sizeof *public);
  future->sched = s;
  future->thread = pthread_self();
  if (!s) {
    lti_misuse("lt_future_init was called in a thread without a loop");
    return;
  }
  if ((flags & LT_ANY_THREAD) == 0)
    return;
  future->is_shared = 1;
  if (s->posts_expected++ == 0)
    uv_ref((uv_handle_t *)&s->async);
}

static void complete(struct lti_sched *s, struct future *future) {
  struct waiting *waiting = future->first;
  atomic_store(&future->state, SET);
  future->first = NULL;
  while (waiting) {
    struct waiting *next = waiting->next;
    lti_task_ready(s, waiting->wait.task, LT_READY_SENT, s->self->task);
    lti_wake(&waiting->wait, future->value);
    waiting = next;
  }
  if (future->is_shared && --s->posts_expected == 0)
    uv_unref((uv_handle_t *)&s->async);
}

void lt_future_set(lt_future *public, int64_t result) {
  struct future *future = (struct future *)public;
  struct lti_sched *s = future->sched;
  uint32_t unset = UNSET;
  if (!s || !atomic_compare_exchange_strong(&future->state, &unset, POSTED))
    return;
  future->value = result;
  if (!future->is_shared || pthread_equal(pthread_self(), future->thread)) {
    complete(s, future);
    lti_wake_loop(s);
    return;
  }
  void *head = atomic_load(&s->posted);
  do
    future->next = head;
  while (!atomic_compare_exchange_weak(&s->posted, &head, future));
  lti_task_uv.async_send(&s->async);
}

void lti_posts_arrived(uv_async_t *async) {
  struct lti_sched *s = async->data;
  struct future *newest = atomic_exchange(&s->posted, NULL), *oldest = NULL;
  while (newest) { /* turn them round: first come, first served */
    struct future *next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest) {
    struct future *next = oldest->next;
    complete(s, oldest);
    oldest = next;
  }
  lti_drain(s);
}

bool lt_future_is_set(const lt_future *public) {
  const struct future *future = (const struct future *)public;
  return atomic_load(&future->state) == SET;
}

static void leave(struct future *future, struct waiting *me) {
  struct waiting *before = NULL;
  for (struct waiting *w = future->first; w != me; w = w->next)
    before = w;
  if (before)
    before->next = me->next;
  else
    future->first = me->next;
  if (future->last == me)
    future->last = before;
}

static void future_cancel(struct lti_wait *wait) {
  struct waiting *waiting = (struct waiting *)wait;
  leave(waiting->future, waiting);
  lti_wake(wait, UV_ECANCELED);
}

static int64_t await(struct lti_tcb *task, struct future *future,
                     struct waiting *waiting) {
  waiting->future = future;
  waiting->next = NULL;
  if (future->first)
    future->last->next = waiting;
  else
    future->first = waiting;
  future->last = waiting;
  return lti_block(task, &waiting->wait);
}

int64_t lt_future_await(lt_future *public) {
  struct future *future = (struct future *)public;
  struct lti_tcb *task = lti_running("lt_future_await");
  if (!task || !future->sched)
    return UV_EINVAL;
  if (lt_future_is_set(public))
    return future->value;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  struct waiting waiting = {
      .wait = {.why = LT_WAIT_FUTURE, .cancel = future_cancel}};
  return await(task, future, &waiting);
}

struct request_waiting {
  struct waiting waiting; /* first */
  uv_req_t *request;
};

static void request_cancel(struct lti_wait *wait) {
  (void)uv_cancel(((struct request_waiting *)wait)->request);
}

int64_t lt_future_await_request(lt_future *public, uv_req_t *request) {
  struct future *future = (struct future *)public;
  struct lti_tcb *task = lti_running("lt_future_await_request");
  if (!task || !future->sched)
    return UV_EINVAL;
  if (lt_future_is_set(public))
    return future->value;
  if (task->pending)
    (void)uv_cancel(request);
  struct request_waiting waiting = {
      .waiting.wait = {.why = LT_WAIT_REQUEST,
                       .cancel = request_cancel},
      .request = request};
  return await(task, future, &waiting.waiting);
}

void lt_fs_done(uv_fs_t *req) {
  lt_future_set(req->data, req->result);
}

void lt_write_done(uv_write_t *req, int status) {
  lt_future_set(req->data, status);
}

void lt_connect_done(uv_connect_t *req, int status) {
  lt_future_set(req->data, status);
}

void lt_work_done(uv_work_t *req, int status) {
  lt_future_set(req->data, status);
}
