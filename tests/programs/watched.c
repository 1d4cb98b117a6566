/* A loop that is held up in one way, for test_watch.py.
 *
 *   watched HOW MS [OPTION...]
 *
 * HOW: rawread, fgets, cond, spin, vdso, nap, hang; turn: in a loop of its own,
 * between two polls and in no callback.  OPTION: undumpable.
 * Below the callback lie functions whose names a stack is to show. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

/* In the library that is loaded into it. */
extern uint32_t lt_loop_begin(uint32_t, const char *) __attribute__((weak));
extern void lt_loop_end(uint32_t) __attribute__((weak));
extern void lt_poll_begin(int) __attribute__((weak));
extern void lt_poll_end(int) __attribute__((weak));

#ifdef __clang__
#define NAMED __attribute__((noinline))
#else
#define NAMED __attribute__((noinline, noclone))
#endif

static const char *how;
static unsigned hold_ms;
static int pipe_fds[2];
static volatile unsigned sink;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

static double now_ms(void) {
  struct timespec ts;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void *writer(void *unused) {
  struct timespec t = {hold_ms / 1000, hold_ms % 1000 * 1000000L};
  (void)unused;
  nanosleep(&t, NULL);
  if (write(pipe_fds[1], "x\n", 2) != 2)
    abort();
  return NULL;
}

static NAMED void planted_spin(void) {
  double end = now_ms() + hold_ms;
  while (now_ms() < end)
    for (unsigned i = 0; i < 3000000; i++)
      sink += i * i;
}

static NAMED void planted_clock(void) {
  struct timespec ts;
  double end = now_ms() + hold_ms;
  do
    for (unsigned i = 0; i < 10000; i++)
      clock_gettime(CLOCK_MONOTONIC, &ts);
  while (now_ms() < end);
}

static NAMED void planted_wait(void) {
  char line[16];
  if (strcmp(how, "rawread") == 0) {
    sink += (unsigned)syscall(SYS_read, pipe_fds[0], line, sizeof line);
  } else if (strcmp(how, "fgets") == 0) {
    FILE *file = fdopen(pipe_fds[0], "r");
    sink += fgets(line, sizeof line, file) != NULL;
  } else if (strcmp(how, "cond") == 0) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += hold_ms / 1000;
    until.tv_nsec += hold_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000) {
      until.tv_nsec -= 1000000000;
      until.tv_sec++;
    }
    pthread_mutex_lock(&lock);
    pthread_cond_timedwait(&never, &lock, &until);
    pthread_mutex_unlock(&lock);
  } else if (strcmp(how, "hang") == 0) {
    for (;;)
      syscall(SYS_pause);
  } else {
    usleep(hold_ms * 1000);
  }
  sink++;
}

static NAMED void planted_inner(void) {
  if (strcmp(how, "spin") == 0)
    planted_spin();
  else if (strcmp(how, "vdso") == 0)
    planted_clock();
  else
    planted_wait();
  sink++;
}

static NAMED void planted_outer(void) {
  planted_inner();
  sink++;
}

static void on_timer(uv_timer_t *timer) {
  planted_outer();
  sink++;
  uv_close((uv_handle_t *)timer, NULL);
}

/* A loop that is not libuv's. */
static void turn(void) {
  if (!lt_loop_begin)
    return;
  uint32_t loop = lt_loop_begin(0, "own");
  lt_poll_begin(0);
  lt_poll_end(0);
  planted_outer();
  sink++;
  lt_poll_begin(0);
  lt_poll_end(0);
  lt_loop_end(loop);
}

int main(int argc, char **argv) {
  uv_timer_t timer;
  pthread_t thread;
  if (argc < 3 || pipe(pipe_fds))
    return 2;
  how = argv[1];
  hold_ms = (unsigned)atoi(argv[2]);
  if (argc > 3 && strcmp(argv[3], "undumpable") == 0)
    prctl(PR_SET_DUMPABLE, 0);
  if (strcmp(how, "turn") == 0) {
    turn();
    puts("done");
    return 0;
  }
  bool writes = strcmp(how, "rawread") == 0 || strcmp(how, "fgets") == 0;
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_timer, 5, 0);
  if (writes && pthread_create(&thread, NULL, writer, NULL))
    return 2;
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  if (writes)
    pthread_join(thread, NULL);
  puts("done");
  return 0;
}
