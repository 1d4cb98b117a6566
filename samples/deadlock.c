/* deadlock: two tasks that wait for each other.
 *
 *   looptrace record -o deadlock.lt -- samples/deadlock
 *
 * The wait that would close the circle is refused (LT_EDEADLK) and explained on
 * stderr; in the trace the two await edges point at each other, with a mark
 * "await cycle".  Without that, both would be silent for ever. */
#include "sample.h"

static lt_task *hen, *egg;

static int64_t lay_egg(void *unused) {
  (void)unused;
  lt_sleep(scaled_ms(100));
  return lt_await(egg);
}

static int64_t hatch(void *unused) {
  (void)unused;
  lt_sleep(scaled_ms(200));
  return lt_await(hen);
}

static int64_t start(void *unused) {
  (void)unused;
  hen = lt_spawn_named("hen", lay_egg, NULL);
  egg = lt_spawn_named("egg", hatch, NULL);
  int64_t result = lt_await(lt_keep(hen));
  printf("the hen's result: %s\n", lt_strerror(result));
  return result == LT_EDEADLK ? 0 : result;
}

int main(int argc, char **argv) {
  return sample_run(argc, argv, start);
}
