/* Callbacks of a libuv program, as many as asked for, and what each costs.
 *
 *   callbacks WORKLOAD COUNT      prints: WORKLOAD COUNT ns-of-CPU-per-callback
 *
 * Workloads: idle (1,000 idle handles), timer (1,000 timers that start
 * themselves again), async (a handle that sends to itself), pipe (ping-pong
 * through a socket pair), fs (64 uv_fs_stat at a time), mix (all of them, with
 * time between).  The same source is the peers' program: -DLTTNG puts a pair of
 * tracepoints into every callback, -finstrument-functions is for uftrace. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <uv.h>

#ifdef LTTNG
#include "lttng_tp.h"
#define BEGIN(h) lttng_ust_tracepoint(bench, cb, 1, 0, (uint64_t)(uintptr_t)(h))
#define END(h) lttng_ust_tracepoint(bench, cb, 2, 0, (uint64_t)(uintptr_t)(h))
#else
#define BEGIN(h) ((void)(h))
#define END(h) ((void)(h))
#endif

#define QUIET __attribute__((no_instrument_function))

static uv_loop_t *loop;
static uint64_t left;
static uint64_t again_ms; /* what a timer starts itself again with */

QUIET static int over(void) {
  if (left == 0)
    return 1;
  if (--left == 0)
    uv_stop(loop);
  return left == 0;
}

static void on_idle(uv_idle_t *idle) {
  BEGIN(idle);
  (void)over();
  END(idle);
}

static void on_timer(uv_timer_t *timer) {
  BEGIN(timer);
  if (!over())
    uv_timer_start(timer, on_timer, again_ms, 0);
  END(timer);
}

static void on_async(uv_async_t *async) {
  BEGIN(async);
  if (!over())
    uv_async_send(async);
  END(async);
}

static char byte[1] = {'x'};

static void on_written(uv_write_t *req, int status) {
  BEGIN(req);
  (void)status;
  (void)over();
  END(req);
}

QUIET static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  static char space[64];
  (void)handle;
  (void)size;
  *buf = uv_buf_init(space, sizeof space);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  BEGIN(stream);
  (void)buf;
  if (n > 0 && !over()) {
    uv_buf_t out = uv_buf_init(byte, 1);
    uv_write(stream->data, stream, &out, 1, on_written);
  }
  END(stream);
}

static void on_stat(uv_fs_t *req) {
  BEGIN(req);
  uv_fs_req_cleanup(req);
  if (!over())
    uv_fs_stat(loop, req, "/", on_stat);
  END(req);
}

QUIET static void start_idle(void) {
  static uv_idle_t idle[1000];
  for (int i = 0; i < 1000; i++) {
    uv_idle_init(loop, &idle[i]);
    uv_idle_start(&idle[i], on_idle);
  }
}

QUIET static void start_timer(int n) {
  static uv_timer_t timer[1000];
  for (int i = 0; i < n; i++) {
    uv_timer_init(loop, &timer[i]);
    uv_timer_start(&timer[i], on_timer, again_ms, 0);
  }
}

QUIET static void start_async(void) {
  static uv_async_t async;
  uv_async_init(loop, &async, on_async);
  uv_async_send(&async);
}

QUIET static void start_pipe(void) {
  static uv_tcp_t end[2];
  static uv_write_t req[2];
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
    abort();
  for (int i = 0; i < 2; i++) {
    uv_tcp_init(loop, &end[i]);
    uv_tcp_open(&end[i], fds[i]);
    end[i].data = &req[i];
    uv_read_start((uv_stream_t *)&end[i], on_alloc, on_read);
  }
  uv_buf_t out = uv_buf_init(byte, 1);
  uv_write(&req[0], (uv_stream_t *)&end[0], &out, 1, on_written);
}

QUIET static void start_fs(void) {
  static uv_fs_t req[64];
  for (int i = 0; i < 64; i++)
    uv_fs_stat(loop, &req[i], "/", on_stat);
}

QUIET static double cpu_ns(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return 1e9 * (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         1e3 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

QUIET int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: callbacks idle|timer|async|pipe|fs|mix COUNT\n");
    return 2;
  }
  const char *what = argv[1];
  uint64_t count = left = strtoull(argv[2], NULL, 10);
  loop = uv_default_loop();
  if (strcmp(what, "idle") == 0) {
    start_idle();
  } else if (strcmp(what, "timer") == 0) {
    start_timer(1000);
  } else if (strcmp(what, "async") == 0) {
    start_async();
  } else if (strcmp(what, "pipe") == 0) {
    start_pipe();
  } else if (strcmp(what, "fs") == 0) {
    start_fs();
  } else if (strcmp(what, "mix") == 0) {
    again_ms = 1;
    start_timer(50);
    start_async();
    start_pipe();
    start_fs();
  } else {
    return 2;
  }
  double before = cpu_ns();
  uv_run(loop, UV_RUN_DEFAULT);
  printf("%s %llu %.2f\n", what, (unsigned long long)count,
         (cpu_ns() - before) / (double)count);
  return 0;
}
