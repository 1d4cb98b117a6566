/* More handles than the front of the table has places, armed again with another
 * function each time, and their memory used again for handles of another kind:
 * each call must be of the function that was asked for last. */
#include <stdio.h>

#include <uv.h>

enum { HANDLES = 6000, ROUNDS = 3, FUNCTIONS = 3 };

static union {
  uv_timer_t timer;
  uv_idle_t idle;
} all[HANDLES];
static uv_loop_t *loop;
static long calls[FUNCTIONS], wrong, closed;
static int n_round;

static void called(const void *handle, int function) {
  long i = (long)(((const char *)handle - (const char *)all) / sizeof all[0]);
  calls[function]++;
  wrong += (i + n_round) % FUNCTIONS != function;
}

static void timer_0(uv_timer_t *timer) { called(timer, 0); }
static void timer_1(uv_timer_t *timer) { called(timer, 1); }
static void timer_2(uv_timer_t *timer) { called(timer, 2); }
static void idle_0(uv_idle_t *idle) { called(idle, 0), uv_idle_stop(idle); }
static void idle_1(uv_idle_t *idle) { called(idle, 1), uv_idle_stop(idle); }
static void idle_2(uv_idle_t *idle) { called(idle, 2), uv_idle_stop(idle); }
static const uv_timer_cb timers[] = {timer_0, timer_1, timer_2};
static const uv_idle_cb idles[] = {idle_0, idle_1, idle_2};

static void count_closed(uv_handle_t *handle) {
  (void)handle;
  closed++;
}

static void close_all(void) {
  for (int i = 0; i < HANDLES; i++)
    uv_close((uv_handle_t *)&all[i], count_closed);
  uv_run(loop, UV_RUN_DEFAULT);
}

int main(void) {
  loop = uv_default_loop();
  for (int i = 0; i < HANDLES; i++)
    uv_timer_init(loop, &all[i].timer);
  for (n_round = 0; n_round < ROUNDS; n_round++) {
    for (int i = 0; i < HANDLES; i++)
      uv_timer_start(&all[i].timer, timers[(i + n_round) % FUNCTIONS], 0, 0);
    uv_run(loop, UV_RUN_DEFAULT);
  }
  close_all();
  for (int i = 0; i < HANDLES; i++) {
    uv_idle_init(loop, &all[i].idle);
    uv_idle_start(&all[i].idle, idles[(i + n_round) % FUNCTIONS]);
  }
  uv_run(loop, UV_RUN_DEFAULT);
  close_all();
  printf("called %ld %ld %ld, wrong %ld, closed %ld\n", calls[0], calls[1],
         calls[2], wrong, closed);
  return wrong != 0;
}
