/* A timer of 10 ms, 20 times, beside one that holds the loop for 50 ms once.
 * After 12 runs its period becomes 20 ms, and the last run ends it. */
#include <stdio.h>

#include <uv.h>

static int runs;

static void tick(uv_timer_t *timer) {
  runs++;
  if (runs == 12)
    uv_timer_set_repeat(timer, 20);
  if (runs == 20)
    uv_close((uv_handle_t *)timer, NULL);
}

static void hold(uv_timer_t *timer) {
  uv_sleep(50);
  uv_close((uv_handle_t *)timer, NULL);
}

int main(void) {
  uv_loop_t *loop = uv_default_loop();
  uv_timer_t ticker, holder;
  uv_timer_init(loop, &ticker);
  uv_timer_init(loop, &holder);
  uv_timer_start(&ticker, tick, 10, 10);
  uv_timer_start(&holder, hold, 45, 0);
  uv_run(loop, UV_RUN_DEFAULT);
  printf("%d runs\n", runs);
  return 0;
}
