/* A loop that turns 200 times a second for half a second, and in the middle:
 *
 *   noise clean      nothing
 *   noise sleep MS   sleeps for so long in a callback
 *   noise cpu MS     computes for so much CPU time in a callback
 *   noise allow MS   sleeps, where LT_ALLOW_BLOCKING says that it may */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include <looptrace/trace.h>

static const char *what;
static long amount_ms;
static unsigned ticks;

static int64_t cpu_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void nap(void) {
  usleep((useconds_t)amount_ms * 1000);
}

static volatile unsigned sum;

static void compute(void) {
  for (int64_t end = cpu_ms() + amount_ms; cpu_ms() < end;)
    for (unsigned i = 0; i < 10000; i++)
      sum += i;
}

static void allowed(void) {
  LT_ALLOW_BLOCKING("a nap that the test knows of");
  nap();
}

static void on_tick(uv_timer_t *timer) {
  if (++ticks == 50) {
    if (strcmp(what, "sleep") == 0)
      nap();
    else if (strcmp(what, "cpu") == 0)
      compute();
    else if (strcmp(what, "allow") == 0)
      allowed();
  }
  if (ticks == 100)
    uv_close((uv_handle_t *)timer, NULL);
}

int main(int argc, char **argv) {
  uv_timer_t timer;
  what = argc > 1 ? argv[1] : "clean";
  amount_ms = argc > 2 ? atol(argv[2]) : 0;
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_tick, 5, 5);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  return uv_loop_close(uv_default_loop());
}
