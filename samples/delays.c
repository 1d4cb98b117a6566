/* delays: tasks of 3, 1 and 2 seconds, gathered.
 *
 *   looptrace record -o delays.lt -- samples/delays
 *
 * They end in the order 1, 2, 3; the results come in the order of the calls; all
 * takes 3 seconds, not 6. */
#include "sample.h"

static int64_t delay(void *seconds) {
  int n = *(int *)seconds;
  int64_t status = lt_sleep(scaled_ms((uint64_t)n * 1000));
  printf("%d done\n", n);
  return status < 0 ? status : n;
}

static int64_t start(void *unused) {
  static int seconds[] = {3, 1, 2};
  int64_t results[3];
  lt_task *tasks[3];
  (void)unused;
  for (int i = 0; i < 3; i++) {
    char name[32];
    snprintf(name, sizeof name, "delay %d", seconds[i]);
    tasks[i] = lt_spawn_named(name, delay, &seconds[i]);
  }
  int64_t status = lt_gather(tasks, 3, results);
  if (status == 0)
    printf("results %d, %d, %d\n", (int)results[0], (int)results[1],
           (int)results[2]);
  return status;
}

int main(int argc, char **argv) {
  return sample_run(argc, argv, start);
}
