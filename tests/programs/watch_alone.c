/* A program that records itself and does not come back, for test_watch_alone.py.
 *
 *   watch_alone TRACE read    300 ms in a system call that no hook sees
 *   watch_alone TRACE spin    300 ms of computation
 *   watch_alone TRACE quick   nothing of it
 *   watch_alone TRACE forgot  to start, but tells of a task */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <looptrace/trace.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

static const char *how;
static int ends[2];

static void nap_ms(int ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  nanosleep(&t, NULL);
}

static void *write_late(void *unused) {
  nap_ms(300);
  if (write(ends[1], "x", 1) != 1)
    abort();
  return unused;
}

static void on_timer(uv_timer_t *timer) {
  struct timespec t;
  pthread_t thread;
  char c;
  uv_close((uv_handle_t *)timer, NULL);
  if (strcmp(how, "read") == 0) {
    pthread_create(&thread, NULL, write_late, NULL);
    if (syscall(SYS_read, ends[0], &c, 1) != 1)
      abort();
    pthread_join(thread, NULL);
  } else if (strcmp(how, "spin") == 0) {
    do
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    while (t.tv_sec == 0 && t.tv_nsec < 300000000);
  }
}

int main(int argc, char **argv) {
  uv_timer_t timer;
  lt_trace_options options = {.path = argc > 2 ? argv[1] : NULL};
  how = argc > 2 ? argv[2] : "quick";
  if (strcmp(how, "forgot") == 0) {
    lt_task_done(lt_task_spawn("lost", 0), 0);
    return 0;
  }
  if (pipe(ends) || lt_trace_start(&options) != LT_OK)
    return 1;
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_timer, 1, 0);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  return lt_trace_stop() == LT_OK ? 0 : 1;
}
