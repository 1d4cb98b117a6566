/* greet: a task that sleeps, awaited twice, one after the other.
 *
 *   looptrace record -o greet.lt -- samples/greet
 *
 * asyncio's first example.  While a task sleeps, the loop does too: two awaits in a
 * row take two seconds, but nothing is held up. */
#include "sample.h"

static int64_t greet(void *name) {
  int64_t status = lt_sleep(scaled_ms(1000));
  printf("hello, %s\n", (char *)name);
  return status;
}

static int64_t start(void *unused) {
  static char you[] = "you", world[] = "world";
  (void)unused;
  int64_t status = lt_await(lt_spawn_named("greet you", greet, you));
  if (status < 0)
    return status;
  return lt_await(lt_spawn_named("greet world", greet, world));
}

int main(int argc, char **argv) {
  return sample_run(argc, argv, start);
}
