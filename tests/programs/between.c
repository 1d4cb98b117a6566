/* Loops that are turned by one uv_run after the other, and what the program does
 * in between, for test_between.py.
 *
 *   between WHAT
 *
 * What takes HOLD_MS is held(), or stands in the name of the test. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

enum { TURNS = 12, TICK_MS = 2, HOLD_MS = 300 };

static uv_loop_t loop;
static uv_timer_t timer;

static void on_timer(uv_timer_t *handle) {
  (void)handle;
}

static void begin(unsigned tick_ms) {
  uv_loop_init(&loop);
  uv_timer_init(&loop, &timer);
  uv_timer_start(&timer, on_timer, tick_ms, tick_ms);
}

static void turn(uv_run_mode mode) {
  for (int i = 0; i < TURNS; i++)
    uv_run(&loop, mode);
}

static void nap(int ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  nanosleep(&t, NULL);
}

__attribute__((noinline)) static void held_computing(void) {
  struct timespec from, t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
  do
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  while ((t.tv_sec - from.tv_sec) * 1000 + (t.tv_nsec - from.tv_nsec) / 1000000 <
         HOLD_MS);
}

__attribute__((noinline)) static void held_asleep(void) {
  nap(HOLD_MS);
  __asm__ volatile(""); /* no jump to nap() */
}

static void between(void (*held)(void)) {
  begin(TICK_MS);
  turn(UV_RUN_ONCE);
  held();
  turn(UV_RUN_ONCE);
}

/* Its start turns the loop, too. */
static void start(void) {
  begin(TICK_MS);
  turn(UV_RUN_NOWAIT);
  held_asleep();
  turn(UV_RUN_NOWAIT);
  held_computing();
  turn(UV_RUN_ONCE);
}

/* A frame at a time: what it waits for is not the loop. */
static void frames(void) {
  begin(TICK_MS);
  for (int i = 0; i < TURNS; i++) {
    uv_run(&loop, UV_RUN_NOWAIT);
    nap(60);
  }
}

static int wait_poll(int timeout_ms) {
  struct pollfd p = {.fd = uv_backend_fd(&loop), .events = POLLIN};
  return poll(&p, 1, timeout_ms);
}

static int wait_epoll(int timeout_ms) {
  static int own = -1;
  struct epoll_event ready = {.events = EPOLLIN};
  if (own < 0) {
    own = epoll_create1(0);
    epoll_ctl(own, EPOLL_CTL_ADD, uv_backend_fd(&loop), &ready);
  }
  return epoll_wait(own, &ready, 1, timeout_ms);
}

/* As a program does that has libuv in a loop of its own. */
static void embed(int (*wait)(int), unsigned tick_ms, int turns) {
  uv_timer_set_repeat(&timer, tick_ms);
  for (int i = 0; i < turns; i++) {
    wait(uv_backend_timeout(&loop));
    uv_run(&loop, UV_RUN_NOWAIT);
  }
}

static void own(int (*wait)(int)) {
  begin(TICK_MS);
  embed(wait, TICK_MS, TURNS);
  embed(wait, HOLD_MS, 4);
}

static void own_held(void) {
  begin(TICK_MS);
  embed(wait_poll, TICK_MS, TURNS);
  held_computing();
  embed(wait_poll, TICK_MS, TURNS);
}

static void wait_for_nothing(int times) {
  for (int i = 0; i < times; i++)
    wait_poll(HOLD_MS / 10);
}

/* A loop with nothing to do is only waited for; the recorder is off and on
 * again meanwhile. */
static void off(void) {
  int (*pause_it)(void), (*resume_it)(void);
  *(void **)&pause_it = dlsym(RTLD_DEFAULT, "lt_trace_pause");
  *(void **)&resume_it = dlsym(RTLD_DEFAULT, "lt_trace_resume");
  begin(TICK_MS);
  embed(wait_poll, TICK_MS, TURNS);
  wait_for_nothing(2);
  if (!pause_it || !resume_it || pause_it())
    abort();
  wait_for_nothing(12);
  (void)resume_it();
  wait_for_nothing(2);
  embed(wait_poll, TICK_MS, TURNS);
}

static void twice(void) {
  begin(TICK_MS);
  uv_unref((uv_handle_t *)&timer);
  for (int i = 0; i < TURNS; i++) {
    uv_run(&loop, UV_RUN_DEFAULT);
    nap(i == TURNS / 2 ? HOLD_MS : 0);
  }
}

static void over(void) {
  begin(TICK_MS);
  turn(UV_RUN_ONCE);
  held_asleep();
}

static void killed(void) {
  over();
  raise(SIGKILL);
}

int main(int argc, char **argv) {
  const char *what = argc == 2 ? argv[1] : "";
  if (strcmp(what, "asleep") == 0)
    between(held_asleep);
  else if (strcmp(what, "computing") == 0)
    between(held_computing);
  else if (strcmp(what, "start") == 0)
    start();
  else if (strcmp(what, "frames") == 0)
    frames();
  else if (strcmp(what, "poll") == 0)
    own(wait_poll);
  else if (strcmp(what, "epoll") == 0)
    own(wait_epoll);
  else if (strcmp(what, "poll-held") == 0)
    own_held();
  else if (strcmp(what, "off") == 0)
    off();
  else if (strcmp(what, "twice") == 0)
    twice();
  else if (strcmp(what, "over") == 0)
    over();
  else if (strcmp(what, "killed") == 0)
    killed();
  else
    return 2;
  puts("done");
  return 0;
}
