/* blocking: what must not be done inside a task, with a heartbeat beside it.
 *
 *   looptrace record -o blocking.lt -- samples/blocking
 *   looptrace check blocking.lt
 *
 * A call that waits in the kernel and a computation both keep the thread, and the
 * heartbeat is their victim.  samples/to_thread does the same work well. */
#include "work.h"

static int64_t ask_database(void *unused) {
  lt_sleep(scaled_ms(60));
  return slow_query(unused);
}

static int64_t compute(void *unused) {
  lt_sleep(scaled_ms(60));
  return count_primes(unused);
}

static int64_t start(void *unused) {
  (void)unused;
  lt_task *heart = lt_spawn_named("heartbeat", heartbeat, NULL);
  lt_await(lt_spawn_named("ask database", ask_database, NULL));
  lt_await(lt_spawn_named("compute", compute, NULL));
  lt_sleep(scaled_ms(60));
  lt_cancel(heart);
  lt_await(heart);
  return 0;
}

int main(int argc, char **argv) {
  return sample_run(argc, argv, start);
}
