/* Callbacks of a libuv program, as many as asked for, and what each costs.
 *
 *   callbacks WORKLOAD COUNT      prints: WORKLOAD COUNT ns-of-CPU-per-callback
 *
 * Workloads: idle (1,000 idle handles), burst (the same, BURST callbacks at a
 * time with a pause between, in which a recorder empties its rings; the median
 * of the bursts), batch (so many timers, each due once), timer (1,000 timers
 * that start themselves again), async (a handle that sends to itself), pipe (ping-pong
 * through a socket pair), fs (64 uv_fs_stat at a time), mix (all of them, with
 * time between).  The same source is the peers' program: -DLTTNG puts a pair of
 * tracepoints into every callback, -finstrument-functions is for uftrace. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
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

static void on_due(uv_timer_t *timer) {
  BEGIN(timer);
  (void)over();
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

/* Due within 50 ms, in no order. */
QUIET static void start_batch(uint64_t n) {
  uv_timer_t *timer = calloc(n, sizeof *timer);
  for (uint64_t i = 0; timer && i < n; i++) {
    uv_timer_init(loop, &timer[i]);
    uv_timer_start(&timer[i], on_due, i * 2654435761u % 50, 0);
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
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

QUIET static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The first bursts warm up: memory is touched for the first time. */
enum { BURST = 50000, BURSTS_MAX = 1000 };
QUIET static double run_bursts(uint64_t count) {
  static double ns[BURSTS_MAX];
  const struct timespec pause = {0, 30000000};
  size_t n = 0;
  for (uint64_t done = 0; done < count && n < BURSTS_MAX; done += BURST) {
    nanosleep(&pause, NULL);
    left = BURST;
    double before = cpu_ns();
    uv_run(loop, UV_RUN_DEFAULT);
    ns[n++] = (cpu_ns() - before) / BURST;
  }
  qsort(ns, n, sizeof ns[0], compare);
  return ns[n / 2];
}

QUIET int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: callbacks idle|burst|batch|timer|async|pipe|fs|mix COUNT\n");
    return 2;
  }
  const char *what = argv[1];
  uint64_t count = left = strtoull(argv[2], NULL, 10);
  loop = uv_default_loop();
  if (strcmp(what, "idle") == 0 || strcmp(what, "burst") == 0) {
    start_idle();
  } else if (strcmp(what, "batch") == 0) {
    start_batch(count);
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
  double before = cpu_ns(), ns;
  if (strcmp(what, "burst") == 0) {
    ns = run_bursts(count);
  } else {
    uv_run(loop, UV_RUN_DEFAULT);
    ns = (cpu_ns() - before) / (double)count;
  }
  printf("%s %llu %.2f\n", what, (unsigned long long)count, ns);
  return 0;
}
