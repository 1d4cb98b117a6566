/* chat: a TCP server with a task for each client.
 *
 *   samples/chat                     the server and five clients, in one
 * process samples/chat --serve [PORT]      the server alone, until SIGINT
 *   samples/chat --load PORT CLIENTS SECONDS     load for it: clients come,
 * talk, and go without a word
 *
 * What one says, all others hear.  The trace shows who accepted whom, and what
 * each client's task did. */
#include <signal.h>

#include "sample.h"

enum { LINE = 128 };

/* --- The server ----------------------------------------------------------- */

struct client {
  lt_stream *stream;
  struct client *next, *prev;
};

static struct client room = {.next = &room, .prev = &room};

static void tell_others(const struct client *me, const char *bytes,
                        size_t size) {
  for (struct client *c = room.next, *next; c != &room; c = next) {
    next = c->next; /* a wait: only ours must still be there after it */
    if (c == me)
      continue;
    uv_buf_t buf = {.len = size};
    memcpy(&buf.base, &bytes, sizeof bytes);
    /* Who does not listen fast enough misses it; nobody waits for him. */
    (void)uv_try_write(lt_stream_uv(c->stream), &buf, 1);
  }
}

static int64_t serve_client(void *arg) {
  struct client me = {.stream = arg, .next = &room, .prev = room.prev};
  char line[LINE];
  int64_t n;
  me.prev->next = room.prev = &me;
  while ((n = lt_read_until(me.stream, '\n', line, sizeof line)) > 0)
    tell_others(&me, line, (size_t)n);
  me.prev->next = me.next;
  me.next->prev = me.prev;
  lt_stream_close(me.stream);
  /* A client that breaks off, or never ends its line, is no failure. */
  return n == UV_ECANCELED ? n : 0;
}

static int64_t serve(void *listener) {
  lt_group clients;
  lt_stream *stream;
  int64_t status;
  lt_group_begin(&clients);
  while ((status = lt_accept(listener, &stream)) != UV_ECANCELED) {
    if (status == 0)
      status = lt_group_spawn(&clients, "client", serve_client, stream);
    else /* such as too many open files */
      lt_sleep(10);
  }
  lt_stream_close(listener);
  lt_group_cancel(&clients);
  lt_group_end(&clients);
  return status;
}

/* --- Clients -------------------------------------------------------------- */

static int port, n_load;
static uint64_t until_ms; /* of the load */
static unsigned heard, talks;

static int64_t listen_to(void *stream) {
  char line[LINE];
  while (lt_read(stream, line, sizeof line) > 0)
    heard++;
  return 0;
}

static int64_t talk(void *arg) {
  static char hello[] = "hello\n";
  lt_stream *stream;
  int number = *(int *)arg;
  int64_t status = lt_tcp_connect("127.0.0.1", port, &stream);
  if (status < 0)
    return status;
  lt_task *ears = lt_spawn(listen_to, stream);
  for (int i = 0; i < 3 && status == 0; i++) {
    status = lt_sleep(scaled_ms(100 + 20 * (uint64_t)number));
    if (status == 0)
      status = lt_write(stream, hello, sizeof hello - 1);
  }
  lt_stream_close(stream);
  lt_await(ears);
  talks++;
  return status;
}

/* Comes again and again; goes at a random moment.  The more there are, the less
 * each says: all hear it. */
static int64_t load_client(void *arg) {
  static char noise[] = "noise\n";
  int pause_ms = 400 + 8 * n_load, lines = n_load > 100 ? 4 : 20;
  unsigned seed = *(unsigned *)arg;
  while (uv_now(lt_loop()) < until_ms) {
    lt_stream *stream;
    if (lt_tcp_connect("127.0.0.1", port, &stream) < 0) {
      if (lt_sleep(50) < 0)
        break;
      continue;
    }
    lt_task *ears = lt_spawn(listen_to, stream);
    for (int i = rand_r(&seed) % lines; i >= 0; i--)
      if (lt_sleep((uint64_t)(rand_r(&seed) % pause_ms)) < 0 ||
          lt_write(stream, noise, sizeof noise - 1) < 0)
        break;
    lt_stream_close(stream);
    lt_await(ears);
    talks++;
  }
  return 0;
}

/* --- Modes ---------------------------------------------------------------- */

static int64_t start(void *unused) {
  enum { CLIENTS = 5 };
  int numbers[CLIENTS];
  lt_task *clients[CLIENTS];
  lt_stream *listener;
  (void)unused;
  int64_t status = lt_tcp_listen("127.0.0.1", 0, &listener);
  if (status < 0)
    return status;
  port = lt_stream_port(listener);
  lt_task *server = lt_spawn_named("server", serve, listener);
  for (int i = 0; i < CLIENTS; i++) {
    numbers[i] = i;
    clients[i] = lt_spawn_named("visitor", talk, &numbers[i]);
  }
  status = lt_gather(clients, CLIENTS, NULL);
  lt_cancel(server);
  lt_await(server);
  printf("%u clients talked; lines %s\n", talks, heard ? "heard" : "lost");
  return status;
}

static int64_t start_server(void *unused) {
  lt_stream *listener;
  (void)unused;
  int64_t status = lt_tcp_listen("127.0.0.1", port, &listener);
  if (status < 0)
    return status;
  printf("port %d\n", lt_stream_port(listener));
  lt_task *server = lt_spawn_named("server", serve, listener);
  lt_signal_wait(SIGINT);
  lt_cancel(server);
  lt_await(server);
  return 0;
}

static int64_t start_load(void *count) {
  int n = n_load = *(int *)count;
  unsigned *seeds = calloc((size_t)n, sizeof *seeds);
  lt_group clients;
  if (!seeds)
    return UV_ENOMEM;
  until_ms += uv_now(lt_loop());
  lt_group_begin(&clients);
  for (int i = 0; i < n; i++) {
    seeds[i] = (unsigned)i + 1;
    if (lt_group_spawn(&clients, "load", load_client, &seeds[i]) < 0)
      break;
  }
  int64_t status = lt_group_end(&clients);
  printf("%u visits, %u lines heard\n", talks, heard);
  free(seeds);
  return status;
}

int main(int argc, char **argv) {
  if (argc >= 2 && strcmp(argv[1], "--serve") == 0) {
    port = argc > 2 ? atoi(argv[2]) : 0;
    return sample_run(1, argv, start_server);
  }
  if (argc == 5 && strcmp(argv[1], "--load") == 0) {
    int clients = atoi(argv[3]);
    port = atoi(argv[2]);
    until_ms = (uint64_t)(atof(argv[4]) * 1000);
    int64_t result = lt_run(start_load, &clients);
    return result < 0;
  }
  return sample_run(argc, argv, start);
}
