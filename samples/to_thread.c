/* to_thread: the work of samples/blocking, offloaded to the thread pool.
 *
 *   looptrace record -o to_thread.lt -- samples/to_thread
 *   looptrace check to_thread.lt
 *
 * The heart beats on; the trace shows the jobs on the pool's lanes. */
#include "work.h"

static int64_t ask_database(void *unused) {
  return lt_to_thread(slow_query, unused);
}

static int64_t compute(void *unused) {
  return lt_to_thread(count_primes, unused);
}

static int64_t start(void *unused) {
  (void)unused;
  lt_task *heart = lt_spawn_named("heartbeat", heartbeat, NULL);
  lt_task *both[] = {lt_spawn_named("ask database", ask_database, NULL),
                     lt_spawn_named("compute", compute, NULL)};
  int64_t status = lt_gather(both, 2, NULL);
  lt_sleep(scaled_ms(60));
  lt_cancel(heart);
  lt_await(heart);
  return status;
}

int main(int argc, char **argv) {
  return sample_run(argc, argv, start);
}
