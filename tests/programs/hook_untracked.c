/* No memory is to be had while handles and requests are made: each callback must
 * come all the same, with its own function and object.
 *
 *   hook_untracked [RUNS]
 *
 * Then memory is to be had again, and the loop goes on as before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <uv.h>

enum { MANY = 9000 }; /* more than what is there before any are made */

static uv_loop_t *loop;
static uv_timer_t timers[MANY];
static uv_work_t works[MANY];
static uv_idle_t bare[MANY]; /* closed without having been armed */
static uv_work_t first;
static int n_timers, n_worked, n_after, n_closed, n_wrong;

static void on_close(uv_handle_t *handle) {
  n_wrong += handle->data != handle;
  n_closed++;
}

static void on_timer(uv_timer_t *timer) {
  n_wrong += timer->data != timer;
  n_timers++;
  uv_close((uv_handle_t *)timer, on_close);
}

static void on_other_timer(uv_timer_t *timer) {
  n_wrong++; /* it was armed again with another function */
  (void)timer;
}

static void on_work(uv_work_t *work) {
  __atomic_fetch_add(&n_worked, work->data == work, __ATOMIC_RELAXED);
}

static void on_after(uv_work_t *work, int status) {
  n_wrong += work->data != work || status;
  n_after++;
}

/* All that is mapped now, and no more. */
static void limit_memory(int on) {
  static struct rlimit before;
  struct rlimit limit;
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (!on) {
    setrlimit(RLIMIT_AS, &before);
  } else if (file && fscanf(file, "%lu", &pages) == 1) {
    getrlimit(RLIMIT_AS, &before);
    limit = before;
    limit.rlim_cur = pages * 4096;
    setrlimit(RLIMIT_AS, &limit);
  }
  if (file)
    fclose(file);
}

static void round_of_all(void) {
  for (int i = 0; i < MANY; i++) {
    timers[i].data = &timers[i];
    uv_timer_init(loop, &timers[i]);
    uv_timer_start(&timers[i], on_other_timer, 1000, 1000);
    uv_timer_start(&timers[i], on_timer, 1, 0);
    works[i].data = &works[i];
    uv_queue_work(loop, &works[i], on_work, on_after);
    bare[i].data = &bare[i];
    uv_idle_init(loop, &bare[i]);
    uv_close((uv_handle_t *)&bare[i], on_close);
  }
}

static void turn(const char *title) {
  n_timers = n_worked = n_after = n_closed = 0;
  round_of_all();
  int left = uv_run(loop, UV_RUN_DEFAULT);
  printf("%s: %d left, %d timers, %d worked, %d after, %d closed, %d wrong\n",
         title, left, n_timers, n_worked, n_after, n_closed, n_wrong);
}

int main(int argc, char **argv) {
  int runs = argc > 1 ? atoi(argv[1]) : 2;
  loop = uv_default_loop();
  first.data = &first;
  uv_queue_work(loop, &first, on_work, on_after); /* the pool's threads */
  uv_run(loop, UV_RUN_DEFAULT);
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("without memory\n");
  limit_memory(1);
  for (int i = 0; i < runs; i++)
    turn("again");
  limit_memory(0);
  turn("with memory");
  return n_wrong != 0;
}
