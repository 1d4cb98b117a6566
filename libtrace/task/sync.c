/* Between tasks: mutex, semaphore, event flag, channel.
 *
 * Invariant: what a waiter is woken with is already its own (the lock, a unit, an
 * item): it was handed over, so nobody can overtake, and a cancel that comes
 * after the waking loses nothing.  Called by programs. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "task/trace.h"

struct waiting {
  struct lti_wait wait; /* first */
  struct waiting *next;
  struct queue *queue;
  void *item;
};

struct queue {
  struct waiting *first, *last;
};
_Static_assert(sizeof(struct queue) <= sizeof(lt_queue), "room");

static void leave(struct waiting *me) {
  struct queue *queue = me->queue;
  struct waiting *before = NULL;
  for (struct waiting *w = queue->first; w != me; w = w->next)
    before = w;
  if (before)
    before->next = me->next;
  else
    queue->first = me->next;
  if (queue->last == me)
    queue->last = before;
}

static void wait_cancel(struct lti_wait *wait) {
  leave((struct waiting *)wait);
  lti_wake(wait, UV_ECANCELED);
}

static int64_t wait_in(struct queue *queue, struct lti_tcb *task,
                       struct waiting *waiting) {
  waiting->wait.cancel = wait_cancel;
  waiting->queue = queue;
  waiting->next = NULL;
  if (queue->first)
    queue->last->next = waiting;
  else
    queue->first = waiting;
  queue->last = waiting;
  return lti_block(task, &waiting->wait);
}

/* The first in the queue goes on.  Returns it; NULL where nobody waits. */
static struct waiting *wake_first(struct queue *queue, int64_t value) {
  struct waiting *first = queue->first;
  struct lti_sched *s = lti_sched;
  if (!first)
    return NULL;
  queue->first = first->next;
  lti_task_ready(s, first->wait.task, LT_READY_SENT, s->self->task);
  lti_wake(&first->wait, value);
  lti_wake_loop(s);
  return first;
}

/* --- Mutex ---------------------------------------------------------------- */

int64_t lt_mutex_lock(lt_mutex *mutex) {
  struct lti_tcb *task = lti_running("lt_mutex_lock");
  if (!task)
    return UV_EINVAL;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  struct lti_tcb *owner = mutex->owner;
  if (!owner) {
    mutex->owner = task;
    task->locks++;
    return 0;
  }
  if (lti_refuse_circle(task, owner))
    return LT_EDEADLK;
  struct waiting waiting = {.wait = {.why = LT_WAIT_LOCK,
                                     .until = owner,
                                     .awaited = owner->id}};
  return wait_in((struct queue *)&mutex->queue, task, &waiting);
}

void lt_mutex_unlock(lt_mutex *mutex) {
  struct queue *queue = (struct queue *)&mutex->queue;
  struct lti_tcb *task = lti_running("lt_mutex_unlock");
  if (task && mutex->owner != task)
    lti_misuse("lt_mutex_unlock was called by a task that does not hold the "
               "lock");
  if (!task || mutex->owner != task)
    return;
  struct waiting *next = wake_first(queue, 0);
  task->locks--;
  mutex->owner = next ? next->wait.task : NULL;
  if (next)
    next->wait.task->locks++;
  for (struct waiting *w = queue->first; w; w = w->next)
    w->wait.until = mutex->owner;
}

/* --- Semaphore ------------------------------------------------------------ */

int64_t lt_semaphore_take(lt_semaphore *semaphore) {
  struct lti_tcb *task = lti_running("lt_semaphore_take");
  if (!task)
    return UV_EINVAL;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  if (semaphore->value) {
    semaphore->value--;
    return 0;
  }
  struct waiting waiting = {.wait = {.why = LT_WAIT_SEMAPHORE}};
  return wait_in((struct queue *)&semaphore->queue, task, &waiting);
}

void lt_semaphore_give(lt_semaphore *semaphore) {
  if (!wake_first((struct queue *)&semaphore->queue, 0))
    semaphore->value++;
}

/* --- Event flag ----------------------------------------------------------- */

int64_t lt_event_flag_wait(lt_event_flag *flag) {
  struct lti_tcb *task = lti_running("lt_event_flag_wait");
  if (!task)
    return UV_EINVAL;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  if (flag->is_set)
    return 0;
  struct waiting waiting = {.wait = {.why = LT_WAIT_FLAG}};
  return wait_in((struct queue *)&flag->queue, task, &waiting);
}

void lt_event_flag_set(lt_event_flag *flag) {
  flag->is_set = true;
  while (wake_first((struct queue *)&flag->queue, 0))
    continue;
}

void lt_event_flag_clear(lt_event_flag *flag) {
  flag->is_set = false;
}

/* --- Channel -------------------------------------------------------------- */

struct lt_channel {
  struct queue senders, receivers; /* at most one of them is not empty */
  size_t capacity, first, count;
  bool is_closed;
  void *items[];
};

lt_channel *lt_channel_open(size_t capacity) {
  if (capacity > (SIZE_MAX - sizeof(lt_channel)) / sizeof(void *))
    return NULL;
  lt_channel *channel =
      malloc(sizeof *channel + capacity * sizeof channel->items[0]);
  if (!channel)
    return NULL;
  memset(channel, 0, sizeof *channel);
  channel->capacity = capacity;
  return channel;
}

static void put(lt_channel *channel, void *item) {
  size_t at = channel->first + channel->count++;
  channel->items[at < channel->capacity ? at : at - channel->capacity] = item;
}

static void *take(lt_channel *channel) {
  void *item = channel->items[channel->first];
  if (++channel->first == channel->capacity)
    channel->first = 0;
  channel->count--;
  return item;
}

int64_t lt_channel_send(lt_channel *channel, void *item) {
  struct lti_tcb *task = lti_running("lt_channel_send");
  if (!task)
    return UV_EINVAL;
  if (channel->is_closed)
    return UV_EPIPE;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  struct waiting *receiver = channel->receivers.first;
  if (receiver) {
    receiver->item = item;
    wake_first(&channel->receivers, 0);
    return 0;
  }
  if (channel->count < channel->capacity) {
    put(channel, item);
    return 0;
  }
  struct waiting waiting = {.wait = {.why = LT_WAIT_SEND}, .item = item};
  return wait_in(&channel->senders, task, &waiting);
}

int64_t lt_channel_receive(lt_channel *channel, void **item) {
  struct lti_tcb *task = lti_running("lt_channel_receive");
  if (!task)
    return UV_EINVAL;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  struct waiting *sender = channel->senders.first;
  if (channel->count) {
    *item = take(channel);
    if (sender) {
      put(channel, sender->item);
      wake_first(&channel->senders, 0);
    }
    return 0;
  }
  if (sender) { /* capacity 0 */
    *item = sender->item;
    wake_first(&channel->senders, 0);
    return 0;
  }
  if (channel->is_closed)
    return UV_EOF;
  struct waiting waiting = {.wait = {.why = LT_WAIT_RECEIVE}};
  int64_t status = wait_in(&channel->receivers, task, &waiting);
  if (status == 0)
    *item = waiting.item;
  return status;
}

size_t lt_channel_count(const lt_channel *channel) {
  return channel->count;
}

void lt_channel_close(lt_channel *channel) {
  channel->is_closed = true;
  while (wake_first(&channel->senders, UV_EPIPE))
    continue;
  while (wake_first(&channel->receivers, UV_EOF))
    continue;
}

void lt_channel_free(lt_channel *channel) {
  free(channel);
}
