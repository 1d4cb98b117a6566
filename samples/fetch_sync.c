/* fetch_sync: three URLs, one after another, with a client that blocks.
 *
 *   looptrace record -o fetch_sync.lt -- samples/fetch_sync
 *   looptrace check fetch_sync.lt
 *
 * libcurl's easy interface waits in poll() for its server, here inside a task:
 * the loop is held three times, in all for the sum of the three, and the
 * heartbeat is the victim.  samples/fetch_all fetches the same well. */
#include "fetch.h"

static int64_t fetch(void *ms) {
  CURL *easy = fetch_new(*(unsigned *)ms);
  if (!easy)
    return UV_ENOMEM;
  CURLcode code = curl_easy_perform(easy); /* blocks */
  curl_easy_cleanup(easy);
  return code == CURLE_OK ? 0 : UV_EIO;
}

static int64_t fetch_three(void) {
  unsigned ms[3];
  int64_t status = 0;
  fetch_times(ms);
  uint64_t began = clock_ms(CLOCK_MONOTONIC);
  for (int i = 0; i < 3 && status == 0; i++) {
    status = lt_await(lt_spawn_named("fetch", fetch, &ms[i]));
    if (status == 0)
      status = lt_sleep(scaled_ms(100)); /* the heart beats again */
  }
  if (status == 0)
    fetch_say(ms, began);
  return status;
}

static int64_t start(void *unused) {
  (void)unused;
  int64_t status = delay_server_start(&server);
  if (status < 0)
    return status;
  lt_task *heart = lt_spawn_named("heartbeat", heartbeat, NULL);
  lt_sleep(scaled_ms(100));
  status = fetch_three();
  lt_cancel(heart);
  lt_await(heart);
  delay_server_stop(&server);
  return status;
}

int main(int argc, char **argv) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  int status = sample_run(argc, argv, start);
  curl_global_cleanup();
  return status;
}
