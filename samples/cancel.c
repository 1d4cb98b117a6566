/* cancel: timeouts, cancellation, and what cleans up.
 *
 *   looptrace record -o cancel.lt -- samples/cancel
 *
 * A cancelled task hears of it at the wait it is in, cleans up (it may wait while
 * it does), and ends; in the trace it is marked cancelled.  A shield keeps a task
 * going although who awaited it was cancelled. */
#include "sample.h"

static int64_t download(void *name) {
  int64_t status = lt_sleep(scaled_ms(10000));
  if (status == UV_ECANCELED) {
    lt_sleep(scaled_ms(50));
    printf("%s: partial file removed\n", (char *)name);
  }
  return status;
}

static int64_t save(void *unused) {
  (void)unused;
  int64_t status = lt_sleep(scaled_ms(300));
  puts(status == 0 ? "saved in peace" : "saving was disturbed");
  return status;
}

static int64_t shielded(void *unused) {
  (void)unused;
  return lt_shield(lt_spawn_named("save", save, NULL));
}

static int64_t start(void *unused) {
  static char slow[] = "slow", unwanted[] = "unwanted";
  (void)unused;
  lt_task *t = lt_spawn_named("slow", download, slow);
  printf("slow: %s\n", uv_err_name((int)lt_timeout(t, scaled_ms(200))));

  t = lt_spawn_named("unwanted", download, unwanted);
  lt_sleep(scaled_ms(100));
  lt_cancel(t);
  printf("unwanted: %s\n", uv_err_name((int)lt_await(t)));

  t = lt_spawn_named("shielded", shielded, NULL);
  lt_sleep(scaled_ms(100));
  lt_cancel(t);
  printf("shielded: %s\n", uv_err_name((int)lt_await(t)));
  return lt_sleep(scaled_ms(400));
}

int main(int argc, char **argv) {
  return sample_run(argc, argv, start);
}
