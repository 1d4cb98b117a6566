/* Recordings of one process, one after the other, for test_linked.py.
 *
 *   record_again N         x0.lt to xN-1.lt: the main thread turns its loop, a
 *                          thread a loop of its own, all the time, and another
 *                          one has no loop and makes marks
 *   record_again race N    N recordings that are ended while two threads emit
 *                          events, ask for snapshots, and switch it off and on */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <looptrace/trace.h>
#include <uv.h>

enum { MAIN_TURNS = 50, OTHER_TURNS = 10 };

static _Atomic bool is_over;
static _Atomic unsigned n_turns; /* of the other thread's loop */

static void on_main(uv_timer_t *timer) {
  unsigned *n_left = timer->data;
  if (--*n_left == 0)
    uv_close((uv_handle_t *)timer, NULL);
}

static void on_other(uv_timer_t *timer) {
  n_turns++;
  if (is_over)
    uv_close((uv_handle_t *)timer, NULL);
}

static void *turn_loop(void *unused) {
  uv_loop_t loop;
  uv_timer_t timer;
  uv_loop_init(&loop);
  uv_timer_init(&loop, &timer);
  uv_timer_start(&timer, on_other, 1, 1);
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_loop_close(&loop);
  return unused;
}

static void *make_marks(void *unused) {
  for (uint64_t i = 0; !is_over; i++) {
    lt_mark("mark", i);
    usleep(500);
  }
  return unused;
}

static void *disturb(void *unused) {
  while (!is_over) {
    for (int i = 0; i < 100; i++)
      lt_mark("mark", (uint64_t)i);
    (void)lt_trace_snapshot();
    (void)lt_trace_pause();
    (void)lt_trace_resume();
  }
  return unused;
}

static void turn(void) {
  unsigned n_left = MAIN_TURNS;
  uv_timer_t timer;
  uv_timer_init(uv_default_loop(), &timer);
  timer.data = &n_left;
  uv_timer_start(&timer, on_main, 1, 1);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

/* Each begins and ends while the other thread turns its loop. */
static lt_status record(int n) {
  lt_status status = LT_OK;
  for (int i = 0; i < n && status == LT_OK; i++) {
    char path[16];
    snprintf(path, sizeof path, "x%d.lt", i);
    lt_trace_options options = {.path = path};
    if ((status = lt_trace_start(&options)) == LT_OK) {
      unsigned before = n_turns;
      turn();
      while (n_turns < before + OTHER_TURNS)
        usleep(1000);
      status = lt_trace_stop();
    }
  }
  return status;
}

static lt_status race(int n) {
  lt_trace_options options = {
      .path = "x.lt", .mode = LT_TRACE_FLIGHT, .ring_bytes = 1 << 20};
  lt_status status = LT_OK;
  for (int i = 0; i < n && status == LT_OK; i++)
    if ((status = lt_trace_start(&options)) == LT_OK)
      status = lt_trace_stop();
  return status;
}

int main(int argc, char **argv) {
  bool is_race = argc == 3 && strcmp(argv[1], "race") == 0;
  pthread_t threads[2];
  if (argc < 2)
    return 2;
  for (int i = 0; i < 2; i++)
    if (pthread_create(&threads[i], NULL,
                       is_race ? disturb
                       : i     ? make_marks
                               : turn_loop,
                       NULL))
      abort();
  lt_status status =
      is_race ? race(atoi(argv[2])) : record(atoi(argv[1]));
  is_over = true;
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  if (status != LT_OK)
    fprintf(stderr, "%s\n", lt_status_text(status));
  return status != LT_OK;
}
