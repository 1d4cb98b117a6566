/* A program whose loops are held on purpose, for `looptrace selftest`.
 *
 * libuv is opened by name, as a library that comes late: looptrace itself is
 * not linked with it.  Called by cmd_selftest.c, in a process that is recorded.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "config.h"

#include "command/selftest.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

enum { WARM_UP_TURNS = 10, NO_LIBUV = 3 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static volatile unsigned sink;

static void nap(unsigned ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  while (nanosleep(&t, &t) && errno == EINTR)
    continue;
}

static int64_t cpu_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void compute(void) {
  int64_t end = cpu_ms() + SELFTEST_HOLD_MS;
  while (cpu_ms() < end)
    for (unsigned i = 0; i < 300000; i++)
      sink += i * i;
}

static void *write_late(void *fd) {
  nap(SELFTEST_HOLD_MS);
  if (write(*(int *)fd, "x", 1) != 1)
    abort();
  return NULL;
}

static void read_pipe(bool is_raw) {
  int ends[2];
  char c;
  pthread_t thread;
  if (pipe(ends) || pthread_create(&thread, NULL, write_late, &ends[1]))
    abort();
  long n = is_raw ? syscall(SYS_read, ends[0], &c, 1) : read(ends[0], &c, 1);
  sink += (unsigned)n;
  pthread_join(thread, NULL);
  close(ends[0]);
  close(ends[1]);
}

static void *hold_lock(void *ready) {
  pthread_mutex_lock(&lock);
  pthread_barrier_wait(ready);
  nap(SELFTEST_HOLD_MS);
  pthread_mutex_unlock(&lock);
  return NULL;
}

static void wait_for_lock(void) {
  pthread_barrier_t ready;
  pthread_t thread;
  pthread_barrier_init(&ready, NULL, 2);
  if (pthread_create(&thread, NULL, hold_lock, &ready))
    abort();
  pthread_barrier_wait(&ready);
  pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
  pthread_join(thread, NULL);
  pthread_barrier_destroy(&ready);
}

static void wait_for_condition(void) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += SELFTEST_HOLD_MS * 1000000L;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_mutex_lock(&own);
  while (pthread_cond_timedwait(&never, &own, &until) == 0)
    continue;
  pthread_mutex_unlock(&own);
}

static void wait_for_child(void) {
  pid_t child = fork();
  if (child == 0) {
    nap(SELFTEST_HOLD_MS);
    _exit(0);
  }
  while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
    continue;
}

static void hold(enum selftest_way way) {
  switch (way) {
  case SELFTEST_compute:
    compute();
    break;
  case SELFTEST_nap:
    nap(SELFTEST_HOLD_MS);
    break;
  case SELFTEST_pipe:
  case SELFTEST_raw:
    read_pipe(way == SELFTEST_raw);
    break;
  case SELFTEST_lock:
    wait_for_lock();
    break;
  case SELFTEST_condition:
    wait_for_condition();
    break;
  case SELFTEST_child:
    wait_for_child();
    break;
  default:
    break;
  }
}

/* libuv's functions, as the dynamic linker gives them to any program. */
static struct {
  __typeof__(uv_default_loop) *default_loop;
  __typeof__(uv_timer_init) *timer_init;
  __typeof__(uv_timer_start) *timer_start;
  __typeof__(uv_timer_stop) *timer_stop;
  __typeof__(uv_run) *run;
} uv;

static void on_timer(uv_timer_t *timer) {
  static enum selftest_way way;
  hold(way++);
  if (way == SELFTEST_WAYS)
    uv.timer_stop(timer);
}

static bool find_libuv(void) {
  const struct {
    void *slot;
    const char *name;
  } wanted[] = {{&uv.default_loop, "uv_default_loop"},
                {&uv.timer_init, "uv_timer_init"},
                {&uv.timer_start, "uv_timer_start"},
                {&uv.timer_stop, "uv_timer_stop"},
                {&uv.run, "uv_run"}};
  if (!dlopen("libuv.so.1", RTLD_NOW | RTLD_GLOBAL))
    return false;
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    void *found = dlsym(RTLD_DEFAULT, wanted[i].name);
    if (!found)
      return false;
    memcpy(wanted[i].slot, &found, sizeof found);
  }
  return true;
}

/* A loop of its own, on a thread of its own. */
static void *turn_epoll(void *unused) {
  struct epoll_event ready;
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  (void)unused;
  for (int i = 0; i < WARM_UP_TURNS; i++)
    (void)epoll_wait(epoll, &ready, 1, 1);
  for (int way = 0; way < SELFTEST_WAYS; way++) {
    (void)epoll_wait(epoll, &ready, 1, 1);
    hold((enum selftest_way)way);
  }
  (void)epoll_wait(epoll, &ready, 1, 1);
  close(epoll);
  return NULL;
}

int selftest_hold(void) {
  bool has_libuv = find_libuv();
  uv_timer_t timer;
  pthread_t thread;
  if (has_libuv) {
    uv.timer_init(uv.default_loop(), &timer);
    uv.timer_start(&timer, on_timer, 1, 1);
    uv.run(uv.default_loop(), UV_RUN_DEFAULT);
  }
  if (pthread_create(&thread, NULL, turn_epoll, NULL))
    return 1;
  pthread_join(thread, NULL);
  return has_libuv ? 0 : NO_LIBUV;
}
