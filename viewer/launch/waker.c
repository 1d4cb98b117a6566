/* The thread behind the arena's futex.
 *
 * Invariant: it touches nothing of the recording but the word asleep, and takes
 * no signal.  Called by launch.c. */
#include "launch/waker.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/nap.h"

#define LONG_NS UINT64_C(1000000000)

struct waker {
  struct lti_arena *arena;
  int fd;
  pthread_t thread;
  _Atomic bool stop;
};

static void *listen_to(void *context) {
  struct waker *w = context;
  const uint64_t one = 1;
  for (;;) {
    lti_nap_prepare(w->arena);
    if (atomic_load(&w->stop))
      return NULL;
    lti_nap(w->arena, LONG_NS);
    if (write(w->fd, &one, sizeof one) < 0) /* never full: it is not blocking */
      continue;
  }
}

struct waker *waker_open(struct lti_arena *arena) {
  sigset_t all, before;
  struct waker *w = calloc(1, sizeof *w);
  if (!w)
    return NULL;
  w->arena = arena;
  w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (w->fd < 0) {
    free(w);
    return NULL;
  }
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&w->thread, NULL, listen_to, w);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error) {
    close(w->fd);
    free(w);
    return NULL;
  }
  return w;
}

void waker_close(struct waker *w) {
  if (!w)
    return;
  atomic_store(&w->stop, true);
  lti_nap_end(w->arena);
  pthread_join(w->thread, NULL);
  close(w->fd);
  free(w);
}

int waker_fd(const struct waker *w) {
  return w ? w->fd : -1;
}

void waker_clear(const struct waker *w) {
  uint64_t n;
  if (w && read(w->fd, &n, sizeof n) < 0) /* nobody woke: nothing to clear */
    return;
}
