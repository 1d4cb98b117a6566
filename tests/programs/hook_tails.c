/* What test_tails.py records: calls that functions end with.  Where each task
 * was made is in its callback's name: on_X in X, in the line marked so. */
#include <unistd.h>
#include <uv.h>

#define APART __attribute__((noinline, noclone, noipa))

static uv_timer_t timers[9];
static volatile int n;

#define CALLBACK(name)                                                         \
  static void on_##name(uv_timer_t *timer) {                                   \
    uv_close((uv_handle_t *)timer, NULL);                                      \
    n++;                                                                       \
  }
CALLBACK(direct)
CALLBACK(tail)
CALLBACK(inner)
CALLBACK(exported)
CALLBACK(first)
CALLBACK(second)
CALLBACK(among)
CALLBACK(pointed)
CALLBACK(last)

APART static int direct(uv_timer_t *t) {
  int result = uv_timer_start(t, on_direct, 1, 0); /* direct */
  n++;
  return result;
}

APART static int tail(uv_timer_t *t) {
  n++;
  return uv_timer_start(t, on_tail, 1, 0); /* tail */
}

APART static int inner(uv_timer_t *t, uint64_t ms) {
  return uv_timer_start(t, on_inner, ms, 0); /* inner */
}

APART static int outer(uv_timer_t *t) {
  n++;
  return inner(t, 2);
}

APART int exported(uv_timer_t *t) {
  return uv_timer_start(t, on_exported, 1, 0); /* exported */
}

/* One or the other: only the function is known. */
APART static int ambiguous(uv_timer_t *t, int which) {
  if (which == 1)
    return uv_timer_start(t, on_first, 1, 0);
  n += which;
  return uv_timer_start(t, on_second, 2, 0);
}

/* The other jump leads nowhere near. */
APART static int harmless(int x) {
  n += x;
  return n;
}

APART static int among(uv_timer_t *t, int which) {
  if (which > 1)
    return harmless(which);
  return uv_timer_start(t, on_among, 1, 0); /* among */
}

static int (*volatile start)(uv_timer_t *, uv_timer_cb, uint64_t, uint64_t) =
    uv_timer_start;

/* A jump through a pointer is not seen. */
APART static int pointed(uv_timer_t *t) {
  return start(t, on_pointed, 1, 0);
}

APART static int sleeps(unsigned us) {
  n++;
  return usleep(us); /* sleeps */
}

static void on_idle(uv_idle_t *idle) {
  int failed = sleeps(20000);
  uv_close((uv_handle_t *)idle, NULL);
  n += failed;
  uv_timer_start(&timers[8], on_last, 1, 0); /* jumps, to return to us */
}

int main(void) {
  uv_idle_t idle;
  int failed = 0;
  for (int i = 0; i < 9; i++)
    failed += uv_timer_init(uv_default_loop(), &timers[i]);
  failed += uv_idle_init(uv_default_loop(), &idle);
  failed += uv_idle_start(&idle, on_idle);
  failed += direct(&timers[0]);
  failed += tail(&timers[1]);
  failed += outer(&timers[2]);
  failed += exported(&timers[3]);
  failed += ambiguous(&timers[4], 1);
  failed += ambiguous(&timers[5], 0);
  failed += among(&timers[6], n > 100);
  failed += pointed(&timers[7]);
  return failed + uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
