/* TCP echo: a task for each client, beside the plain callback version on libuv.
 *
 *   task_echo tasks|callbacks CLIENTS SECONDS     one process: the server in
 * this thread, its clients in another
 *
 * The clients are the same for both: plain libuv, one request of 64 bytes at a
 * time each.  Prints the requests per second that the server answered, and the
 * CPU time of its thread for each.  For bench/task.py. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <looptrace/task.h>

enum { REQUEST = 64, CLIENTS_MAX = 1000 };

static int port, n_clients;
static double seconds;
static uint64_t n_answered;
static double cpu_began;

static double cpu_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- Clients: in a loop and a thread of their own ------------------------- */

struct client {
  uv_tcp_t tcp; /* first */
  uv_write_t write;
  uv_connect_t connect;
  size_t n_got;
  char buffer[REQUEST];
};

static struct client clients[CLIENTS_MAX];
static char request[REQUEST];
static bool is_over;

static void give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buf) {
  struct client *client = (struct client *)handle;
  (void)wanted;
  *buf = uv_buf_init(client->buffer, sizeof client->buffer);
}

static void ask(struct client *client) {
  uv_buf_t buf = uv_buf_init(request, sizeof request);
  client->n_got = 0;
  if (uv_try_write((uv_stream_t *)&client->tcp, &buf, 1) != REQUEST)
    abort(); /* 64 bytes fit */
}

static void answered(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct client *client = (struct client *)stream;
  (void)buf;
  if (n < 0) {
    uv_close((uv_handle_t *)stream, NULL);
    return;
  }
  client->n_got += (size_t)n;
  if (client->n_got < REQUEST)
    return;
  n_answered++;
  if (is_over)
    uv_close((uv_handle_t *)stream, NULL);
  else
    ask(client);
}

static void connected(uv_connect_t *connect, int status) {
  struct client *client = connect->data;
  if (status < 0)
    abort();
  uv_tcp_nodelay(&client->tcp, 1);
  uv_read_start((uv_stream_t *)&client->tcp, give_buffer, answered);
  ask(client);
}

static void time_is_up(uv_timer_t *timer) {
  is_over = true;
  uv_close((uv_handle_t *)timer, NULL);
}

static void run_clients(void *unused) {
  struct sockaddr_in address;
  uv_loop_t loop;
  uv_timer_t timer;
  (void)unused;
  uv_loop_init(&loop);
  uv_ip4_addr("127.0.0.1", port, &address);
  for (int i = 0; i < n_clients; i++) {
    uv_tcp_init(&loop, &clients[i].tcp);
    clients[i].connect.data = &clients[i];
    uv_tcp_connect(&clients[i].connect, &clients[i].tcp,
                   (const struct sockaddr *)&address, connected);
  }
  uv_timer_init(&loop, &timer);
  uv_timer_start(&timer, time_is_up, (uint64_t)(seconds * 1000), 0);
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_loop_close(&loop);
}

static void tell(double began_ns) {
  double took = ((double)uv_hrtime() - began_ns) / 1e9;
  printf("echo %.0f requests/s\necho-cpu %.1f ns\n", (double)n_answered / took,
         (cpu_now() - cpu_began) * 1e9 / (double)n_answered);
}

/* --- The server, with tasks ----------------------------------------------- */

static int64_t serve_client(void *stream) {
  char buffer[4096];
  int64_t n;
  while ((n = lt_read(stream, buffer, sizeof buffer)) > 0)
    if (lt_write(stream, buffer, (size_t)n) < 0)
      break;
  lt_stream_close(stream);
  return 0;
}

static int64_t serve(void *unused) {
  lt_stream *listener, *stream;
  uv_thread_t thread;
  lt_group group;
  (void)unused;
  if (lt_tcp_listen("127.0.0.1", 0, &listener) < 0)
    return UV_EIO;
  port = lt_stream_port(listener);
  double began = (double)uv_hrtime();
  cpu_began = cpu_now();
  uv_thread_create(&thread, run_clients, NULL);
  lt_group_begin(&group);
  for (int i = 0; i < n_clients && lt_accept(listener, &stream) == 0; i++) {
    uv_tcp_nodelay((uv_tcp_t *)lt_stream_uv(stream), 1);
    lt_group_spawn(&group, NULL, serve_client, stream);
  }
  int64_t status = lt_group_end(&group);
  tell(began);
  uv_thread_join(&thread);
  lt_stream_close(listener);
  return status;
}

/* --- The server, with callbacks ------------------------------------------- */

struct peer {
  uv_tcp_t tcp; /* first */
  char buffer[4096];
};

static int n_accepted;

static void peer_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buf) {
  struct peer *peer = (struct peer *)handle;
  (void)wanted;
  *buf = uv_buf_init(peer->buffer, sizeof peer->buffer);
}

static void peer_closed(uv_handle_t *handle) {
  free(handle);
}

/* As lt_write(): at once, and what does not fit later (here: never). */
static void peer_said(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  if (n == 0)
    return;
  if (n > 0) {
    uv_buf_t back = uv_buf_init(buf->base, (unsigned)n);
    if (uv_try_write(stream, &back, 1) == n)
      return;
  }
  uv_close((uv_handle_t *)stream, peer_closed);
}

static void peer_came(uv_stream_t *listener, int status) {
  struct peer *peer = status < 0 ? NULL : malloc(sizeof *peer);
  if (!peer)
    return;
  uv_tcp_init(listener->loop, &peer->tcp);
  if (uv_accept(listener, (uv_stream_t *)&peer->tcp) < 0)
    abort();
  uv_tcp_nodelay(&peer->tcp, 1);
  uv_read_start((uv_stream_t *)&peer->tcp, peer_buffer, peer_said);
  if (++n_accepted == n_clients)
    uv_close((uv_handle_t *)listener, NULL);
}

static int serve_callbacks(void) {
  struct sockaddr_in address;
  struct sockaddr_storage name;
  int size = sizeof name;
  uv_loop_t loop;
  uv_tcp_t listener;
  uv_thread_t thread;
  uv_loop_init(&loop);
  uv_tcp_init(&loop, &listener);
  uv_ip4_addr("127.0.0.1", 0, &address);
  if (uv_tcp_bind(&listener, (const struct sockaddr *)&address, 0) < 0 ||
      uv_listen((uv_stream_t *)&listener, 511, peer_came) < 0)
    return 1;
  uv_tcp_getsockname(&listener, (struct sockaddr *)&name, &size);
  port = ntohs(((struct sockaddr_in *)&name)->sin_port);
  double began = (double)uv_hrtime();
  cpu_began = cpu_now();
  uv_thread_create(&thread, run_clients, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  tell(began);
  uv_thread_join(&thread);
  return uv_loop_close(&loop) != 0;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: %s tasks|callbacks CLIENTS SECONDS\n", argv[0]);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  n_clients = atoi(argv[2]);
  seconds = atof(argv[3]);
  if (n_clients < 1 || n_clients > CLIENTS_MAX || !(seconds > 0))
    return 2;
  return strcmp(argv[1], "tasks") == 0 ? lt_run(serve, NULL) < 0
                                       : serve_callbacks();
}
