/* pool_full: more jobs than the pool has threads.
 *
 *   looptrace record -o pool_full.lt -- samples/pool_full
 *
 * Twelve jobs of 200 ms on four threads take three rounds: the last ones wait
 * 400 ms in the queue before a thread begins them.  UV_THREADPOOL_SIZE says how
 * many threads there are. */
#include "work.h"

enum { JOBS = 12 };

static int64_t job(void *unused) {
  (void)unused;
  usleep((useconds_t)scaled_ms(200) * 1000);
  return 0;
}

static int64_t offload(void *unused) {
  return lt_to_thread(job, unused);
}

static int64_t start(void *unused) {
  lt_task *tasks[JOBS];
  uint64_t began = clock_ms(CLOCK_MONOTONIC);
  (void)unused;
  for (int i = 0; i < JOBS; i++)
    tasks[i] = lt_spawn_named("offload", offload, NULL);
  int64_t status = lt_gather(tasks, JOBS, NULL);
  double took = (double)(clock_ms(CLOCK_MONOTONIC) - began);
  printf("%d jobs took %s three rounds\n", JOBS,
         took > 590 * scale ? "at least" : "less than");
  return status;
}

int main(int argc, char **argv) {
  setenv("UV_THREADPOOL_SIZE", "4", 0);
  return sample_run(argc, argv, start);
}
