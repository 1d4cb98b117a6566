/* Children: one that goes on with its parent's loop, one that makes a loop of
 * its own, one forked in a callback, and one that leaves at once.  Prints what
 * happened, a child before its parent.
 *
 *   hook_forks [workers]
 *
 * workers: children that begin loops on many threads at once, as a server does
 * that has become a daemon; then the thread that was forked turns one, too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uv.h>

static uv_loop_t *loop;
static uv_timer_t timer;
static uv_async_t async;

static void closed(uv_handle_t *handle) {
  printf("closed %s\n", uv_handle_type_name(handle->type));
}

static void child_ended(int pid) {
  int status;
  waitpid(pid, &status, 0);
  printf("child %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void ticks(uv_timer_t *handle) {
  static int n;
  printf("tick %d\n", ++n);
  if (n == 3) {
    uv_close((uv_handle_t *)handle, closed);
  }
}

static void ticks_quietly(uv_timer_t *handle) {
  static _Thread_local int n;
  if (++n % 3 == 0)
    uv_close((uv_handle_t *)handle, NULL);
}

static void woken(uv_async_t *handle) {
  printf("woken\n");
  uv_timer_start(&timer, ticks, 1, 1);
  uv_close((uv_handle_t *)handle, closed);
}

static void quick(uv_timer_t *handle) {
  printf("quick %d\n", uv_is_active((uv_handle_t *)handle));
}

static int finish(int code) {
  printf("ran %d\n", uv_run(loop, UV_RUN_DEFAULT));
  fflush(stdout);
  return code;
}

static void goes_on(void) {
  int pid = fork();
  if (pid == 0) {
    printf("fork %d\n", uv_loop_fork(loop));
    uv_async_send(&async);
    _exit(finish(11));
  }
  child_ended(pid);
}

static void own_loop(void) {
  int pid = fork();
  if (pid == 0) {
    static uv_loop_t own;
    static uv_timer_t mine;
    loop = &own;
    uv_loop_init(&own);
    uv_timer_init(&own, &mine);
    uv_timer_start(&mine, quick, 1, 0);
    _exit(finish(12));
  }
  child_ended(pid);
}

static void in_callback(uv_timer_t *handle) {
  int pid = fork();
  if (pid == 0) {
    static uv_timer_t inner;
    uv_loop_fork(loop);
    uv_timer_init(loop, &inner);
    uv_timer_start(&inner, quick, 0, 0);
    uv_run(loop, UV_RUN_NOWAIT);
    uv_close((uv_handle_t *)handle, closed);
    return; /* into the parent's uv_run, which is the child's now */
  }
  child_ended(pid);
  uv_close((uv_handle_t *)handle, closed);
}

enum { CHILDREN = 10, WORKERS = 8 };
static uv_barrier_t gate;

static void turn_short(void) {
  uv_loop_t own;
  uv_timer_t mine;
  uv_loop_init(&own);
  uv_timer_init(&own, &mine);
  uv_timer_start(&mine, ticks_quietly, 1, 1);
  uv_run(&own, UV_RUN_DEFAULT);
  uv_loop_close(&own);
}

static void on_worker(void *unused) {
  (void)unused;
  uv_barrier_wait(&gate);
  turn_short();
}

static int have_workers(void) {
  uv_thread_t threads[WORKERS];
  uv_barrier_init(&gate, WORKERS);
  for (int i = 0; i < WORKERS; i++)
    uv_thread_create(&threads[i], on_worker, NULL);
  for (int i = 0; i < WORKERS; i++)
    uv_thread_join(&threads[i]);
  turn_short();
  printf("%d loops\n", WORKERS + 1);
  fflush(stdout);
  return 15;
}

/* Forked in a callback: its parent's frames are on its stack. */
static void in_workers_callback(uv_timer_t *handle) {
  int pid = fork();
  if (pid == 0)
    _exit(have_workers());
  child_ended(pid);
  uv_close((uv_handle_t *)handle, closed);
}

static int workers(void) {
  uv_timer_t last;
  turn_short();
  for (int i = 0; i < CHILDREN; i++) {
    int pid = fork();
    if (pid == 0)
      _exit(have_workers());
    child_ended(pid);
    turn_short();
  }
  uv_timer_init(loop, &last);
  uv_timer_start(&last, in_workers_callback, 0, 0);
  return finish(0);
}

int main(int argc, char **argv) {
  static uv_timer_t once;
  int main_pid = getpid();
  setvbuf(stdout, NULL, _IOLBF, 0);
  loop = uv_default_loop();
  if (argc > 1 && strcmp(argv[1], "workers") == 0)
    return workers();
  uv_timer_init(loop, &timer);
  uv_timer_start(&timer, ticks, 1000000, 1); /* woken() makes it soon */
  uv_async_init(loop, &async, woken);
  goes_on();
  own_loop();
  int pid = fork();
  if (pid == 0)
    _exit(13);
  child_ended(pid);
  uv_async_send(&async);
  finish(0);
  uv_timer_init(loop, &once);
  uv_timer_start(&once, in_callback, 0, 0);
  finish(0);
  return getpid() == main_pid ? 0 : 14;
}
