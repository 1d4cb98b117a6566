/* Children: one that goes on with its parent's loop, one that makes a loop of
 * its own, one forked in a callback, and one that leaves at once.  Prints what
 * happened, a child before its parent. */
#include <stdio.h>
#include <stdlib.h>
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

int main(void) {
  static uv_timer_t once;
  int main_pid = getpid();
  setvbuf(stdout, NULL, _IOLBF, 0);
  loop = uv_default_loop();
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
