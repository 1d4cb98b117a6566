/* pipeline: a producer, a queue of three places, two workers.
 *
 *   looptrace record -o pipeline.lt -- samples/pipeline
 *
 * The producer is faster than the workers, so it waits for a place: that is
 * back-pressure, and the trace shows who waits on whom. */
#include "sample.h"

enum { ITEMS = 20, PLACES = 3, WORKERS = 2 };

static lt_channel *queue;
static int waits; /* how often the producer found the queue full */

static int64_t produce(void *unused) {
  int64_t status = 0;
  (void)unused;
  for (intptr_t i = 1; i <= ITEMS && status == 0; i++) {
    waits += lt_channel_count(queue) == PLACES;
    status = lt_channel_send(queue, lt_ptr(i));
  }
  lt_channel_close(queue);
  return status;
}

static int64_t work(void *unused) {
  int64_t sum = 0, status;
  void *item;
  (void)unused;
  while ((status = lt_channel_receive(queue, &item)) == 0) {
    lt_sleep(scaled_ms(50));
    sum += LT_PTR(item);
  }
  return status == UV_EOF ? sum : status;
}

static int64_t start(void *unused) {
  lt_task *tasks[1 + WORKERS];
  int64_t results[1 + WORKERS], sum = 0;
  (void)unused;
  queue = lt_channel_open(PLACES);
  if (!queue)
    return UV_ENOMEM;
  tasks[0] = lt_spawn_named("producer", produce, NULL);
  for (int i = 1; i <= WORKERS; i++)
    tasks[i] = lt_spawn_named("worker", work, NULL);
  int64_t status = lt_gather(tasks, 1 + WORKERS, results);
  for (int i = 1; i <= WORKERS; i++)
    sum += results[i];
  lt_channel_free(queue);
  printf("sum %d; the producer %s\n", (int)sum,
         waits > ITEMS / 4 ? "waited again and again" : "hardly waited");
  return status;
}

int main(int argc, char **argv) {
  return sample_run(argc, argv, start);
}
