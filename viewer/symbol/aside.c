/* One question at a time, answered by a thread.
 *
 * Invariant: what is in `question` belongs to the thread while it is asked, and
 * to who asks while it is not; the symbols are used by the thread only, or,
 * without one, by who asks.  Called by launch.c and the drain. */
#include "symbol/aside.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "record/clock.h"

struct question {
  int32_t pid;
  uint64_t offset;
  char path[PATH_MAX];
};

struct aside {
  struct symbol *symbols;
  pthread_t thread;
  bool has_thread;
  pthread_mutex_t lock;
  pthread_cond_t asked, answered;
  /* With the lock: */
  bool is_asked, is_over;
  /* Of the last question; known: there was one. */
  struct question question;
  bool is_known, is_found;
  struct lti_name name;
  const char *build_id;
};

static void answer(struct aside *a) {
  const struct question *q = &a->question;
  a->build_id = *q->path ? symbol_build_id(a->symbols, q->pid, q->path) : NULL;
  a->is_found =
      symbol_site(a->symbols, q->pid, q->path, q->offset, &a->name);
}

static void *serve(void *context) {
  struct aside *a = context;
  pthread_mutex_lock(&a->lock);
  for (;;) {
    while (!a->is_asked && !a->is_over)
      pthread_cond_wait(&a->asked, &a->lock);
    if (!a->is_asked)
      break;
    pthread_mutex_unlock(&a->lock);
    answer(a);
    pthread_mutex_lock(&a->lock);
    a->is_asked = false;
    pthread_cond_signal(&a->answered);
  }
  pthread_mutex_unlock(&a->lock);
  return NULL;
}

struct aside *aside_open(struct symbol *symbols) {
  struct aside *a = calloc(1, sizeof *a);
  pthread_condattr_t attr;
  sigset_t all, before;
  if (!a)
    return NULL;
  a->symbols = symbols;
  pthread_mutex_init(&a->lock, NULL);
  pthread_cond_init(&a->asked, NULL);
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&a->answered, &attr);
  pthread_condattr_destroy(&attr);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  a->has_thread = pthread_create(&a->thread, NULL, serve, a) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return a;
}

void aside_close(struct aside *a) {
  if (!a)
    return;
  if (a->has_thread) {
    pthread_mutex_lock(&a->lock);
    a->is_over = true;
    pthread_cond_signal(&a->asked);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
  }
  pthread_cond_destroy(&a->answered);
  pthread_cond_destroy(&a->asked);
  pthread_mutex_destroy(&a->lock);
  free(a);
}

static bool is_question(const struct aside *a, int32_t pid, const char *path,
                        uint64_t offset) {
  const struct question *q = &a->question;
  return a->is_known && q->pid == pid && q->offset == offset &&
         strcmp(q->path, path) == 0;
}

/* With the lock.  Returns: is nothing asked any more? */
static bool wait_until(struct aside *a, uint64_t deadline_ns) {
  struct timespec t = {(time_t)(deadline_ns / 1000000000),
                       (long)(deadline_ns % 1000000000)};
  while (a->is_asked &&
         pthread_cond_timedwait(&a->answered, &a->lock, &t) != ETIMEDOUT)
    continue;
  return !a->is_asked;
}

/* With the lock, while nothing is asked. */
static void ask(struct aside *a, int32_t pid, const char *path,
                uint64_t offset) {
  a->question.pid = pid;
  a->question.offset = offset;
  strcpy(a->question.path, path);
  a->is_known = true;
  if (!a->has_thread) {
    answer(a);
    return;
  }
  a->is_asked = true;
  pthread_cond_signal(&a->asked);
}

static bool prepare(void *context, int32_t pid, const char *path,
                    uint64_t offset, uint64_t deadline_ns) {
  struct aside *a = context;
  if (strlen(path) >= sizeof a->question.path)
    return true; /* it has no name */
  pthread_mutex_lock(&a->lock);
  bool is_ready = wait_until(a, deadline_ns);
  if (is_ready && !is_question(a, pid, path, offset)) {
    ask(a, pid, path, offset);
    is_ready = wait_until(a, deadline_ns);
  }
  pthread_mutex_unlock(&a->lock);
  return is_ready;
}

bool aside_site(struct aside *a, int32_t pid, const char *path,
                uint64_t offset, struct lti_name *name) {
  while (!prepare(a, pid, path, offset, lti_monotonic_ns() + 1000000000))
    continue;
  if (!is_question(a, pid, path, offset) || !a->is_found)
    return false;
  *name = a->name;
  return true;
}

static bool namer_site(void *context, int32_t pid, const char *path,
                       uint64_t offset, struct lti_name *name) {
  return aside_site(context, pid, path, offset, name);
}

/* Asked for just before a site of that module, which is what is at hand. */
static const char *namer_build_id(void *context, int32_t pid,
                                  const char *path) {
  const struct aside *a = context;
  return is_question(a, pid, path, a->question.offset) ? a->build_id : NULL;
}

const struct lti_namer aside_namer = {
    .site = namer_site, .build_id = namer_build_id, .prepare = prepare};
