/* delay_server: GET /400 is answered after 400 ms; a task for each client.
 *
 *   samples/delay_server                 says its port; until SIGINT
 *   curl http://127.0.0.1:PORT/1000
 *
 * What fetch_sync and fetch_all fetch from. */
#include <signal.h>

#include "delay_server.h"

static int64_t start(void *unused) {
  lt_stream *listener;
  (void)unused;
  int64_t status = lt_tcp_listen("127.0.0.1", 0, &listener);
  if (status < 0)
    return status;
  printf("port %d\n", lt_stream_port(listener));
  lt_task *serving = lt_spawn_named("accept", delay_serve, listener);
  lt_signal_wait(SIGINT);
  lt_cancel(serving);
  lt_await(serving);
  return 0;
}

int main(int argc, char **argv) {
  return sample_run(argc, argv, start);
}
