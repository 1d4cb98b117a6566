/* A small HTTP server that takes its time: GET /400 is answered after 400 ms.
 *
 * samples/delay_server is this alone; the fetch_* samples run it in a thread of
 * their own, so that they need no network. */
#ifndef DELAY_SERVER_H
#define DELAY_SERVER_H

#include "sample.h"

/* Where it listens, and how it ends: for the thread that started it. */
struct delay_server {
  uv_thread_t thread;
  uv_sem_t is_up;
  int port; /* below 0: an error */
  lt_future stop;
};

static inline int64_t delay_serve_client(void *stream) {
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                               "Connection: close\r\n\r\ndone\n";
  char request[2048];
  size_t n = 0;
  int64_t got = 1;
  while (got > 0 && n < sizeof request - 1) {
    got = lt_read(stream, request + n, sizeof request - 1 - n);
    n += got > 0 ? (size_t)got : 0;
    request[n] = 0;
    if (strstr(request, "\r\n\r\n"))
      break;
  }
  int64_t status = got < 0 ? got : 0;
  if (got > 0 && strncmp(request, "GET /", 5) == 0)
    status = lt_sleep(strtoul(request + 5, NULL, 10));
  if (got > 0 && status == 0)
    status = lt_write(stream, answer, sizeof answer - 1);
  lt_stream_close(stream);
  return status == UV_ECANCELED ? status
                                : 0; /* a client that left: its right */
}

static inline int64_t delay_serve(void *listener) {
  lt_group clients;
  lt_stream *stream;
  int64_t status;
  lt_group_begin(&clients);
  while ((status = lt_accept(listener, &stream)) == 0)
    if (lt_group_spawn(&clients, "serve", delay_serve_client, stream) < 0)
      lt_stream_close(stream);
  lt_stream_close(listener);
  lt_group_cancel(&clients);
  lt_group_end(&clients);
  return status;
}

static inline int64_t delay_server_main(void *arg) {
  struct delay_server *server = arg;
  lt_stream *listener;
  int64_t status = lt_tcp_listen("127.0.0.1", 0, &listener);
  server->port = status < 0 ? (int)status : lt_stream_port(listener);
  lt_future_init(&server->stop, LT_ANY_THREAD);
  uv_sem_post(&server->is_up);
  if (status < 0)
    return status;
  lt_task *serving = lt_spawn_named("accept", delay_serve, listener);
  lt_future_await(&server->stop);
  lt_cancel(serving);
  lt_await(serving);
  return 0;
}

static inline void delay_server_thread(void *server) {
  pthread_setname_np(pthread_self(), "server");
  if (lt_run(delay_server_main, server) < 0)
    fputs("the server failed\n", stderr);
}

/* Returns: 0 or an error; then nothing is left to stop. */
static inline int delay_server_start(struct delay_server *server) {
  uv_sem_init(&server->is_up, 0);
  int status = uv_thread_create(&server->thread, delay_server_thread, server);
  if (status < 0)
    return status;
  uv_sem_wait(&server->is_up);
  return server->port < 0 ? server->port : 0;
}

static inline void delay_server_stop(struct delay_server *server) {
  lt_future_set(&server->stop, 0);
  uv_thread_join(&server->thread);
  uv_sem_destroy(&server->is_up);
}

#endif
