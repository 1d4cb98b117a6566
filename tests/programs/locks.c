/* A loop that waits for locks which another thread holds, for test_locks.py.
 *
 *   locks KIND    normal, checked, recursive, timed, clock, reader, writer: held
 *                 for 200 ms
 *   locks join    it waits for the thread to end
 *   locks dead    held for ever; the program kills itself after 400 ms
 *   locks self    likewise, and by the thread that waits */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

static const char *kind;
static pthread_mutex_t mutex;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t held;

static bool is(const char *name) {
  return strcmp(kind, name) == 0;
}

static bool is_rwlock(void) {
  return is("reader") || is("writer");
}

static bool is_dead(void) {
  return is("dead") || is("self");
}

static void nap(unsigned ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  nanosleep(&t, NULL);
}

__attribute__((noinline)) static void planted_keep(void) {
  nap(is_dead() ? 400 : 200);
  if (is_dead())
    kill(getpid(), SIGKILL);
  __asm__ volatile("");
}

static void *keeper(void *unused) {
  pthread_setname_np(pthread_self(), "kee\033per");
  if (is_rwlock())
    pthread_rwlock_wrlock(&rwlock);
  else if (!is("self"))
    pthread_mutex_lock(&mutex);
  pthread_barrier_wait(&held);
  planted_keep();
  if (is_rwlock())
    pthread_rwlock_unlock(&rwlock);
  else
    pthread_mutex_unlock(&mutex);
  return unused;
}

static int take(pthread_t thread) {
  struct timespec until;
  if (is("join"))
    return pthread_join(thread, NULL);
  clock_gettime(is("clock") ? CLOCK_MONOTONIC : CLOCK_REALTIME, &until);
  until.tv_sec += 60;
  return is("timed")    ? pthread_mutex_timedlock(&mutex, &until)
         : is("clock")  ? pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &until)
         : is("reader") ? pthread_rwlock_rdlock(&rwlock)
         : is("writer") ? pthread_rwlock_wrlock(&rwlock)
                        : pthread_mutex_lock(&mutex);
}

static void on_timer(uv_timer_t *timer) {
  pthread_t thread;
  pthread_create(&thread, NULL, keeper, NULL);
  pthread_barrier_wait(&held);
  if (is("self"))
    pthread_mutex_lock(&mutex);
  printf("took %d\n", take(thread));
  if (is_rwlock())
    pthread_rwlock_unlock(&rwlock);
  else if (!is("join"))
    pthread_mutex_unlock(&mutex);
  if (!is("join"))
    pthread_join(thread, NULL);
  uv_close((uv_handle_t *)timer, NULL);
}

int main(int argc, char **argv) {
  uv_timer_t timer;
  pthread_mutexattr_t attributes;
  kind = argc > 1 ? argv[1] : "normal";
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes,
                            is("checked")     ? PTHREAD_MUTEX_ERRORCHECK
                            : is("recursive") ? PTHREAD_MUTEX_RECURSIVE
                                              : PTHREAD_MUTEX_NORMAL);
  pthread_mutex_init(&mutex, &attributes);
  pthread_barrier_init(&held, NULL, 2);
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_timer, 1, 0);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  return 0;
}
