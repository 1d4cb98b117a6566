/* The callbacks in which planted's stalls lie, one of each kind.
 *
 * Each place has a start, which makes libuv call its callback soon.  A callback
 * asks planted_at() whether it is meant.  Called by planted.c. */
#include "planted.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIGNAL_OF(lane) (SIGRTMIN + 4 + (int)(lane)->index)

struct places {
  uv_timer_t timer;
  uv_idle_t idle;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_async_t async;
  uv_poll_t poll;
  uv_pipe_t pipe;
  uv_tcp_t tcp, listener;
  uv_udp_t udp;
  uv_tty_t tty;
  uv_signal_t signal;
  uv_fs_event_t fs_event;
  uv_fs_poll_t fs_poll;
  uv_process_t process;
  int poll_ends[2], pipe_peer, tcp_peer, tty_peer;
  char path[64], buf[4096];
  struct sockaddr_in tcp_at, udp_at;
  uv_write_t write;
  uv_connect_t connect;
  uv_shutdown_t shutdown;
  uv_fs_t fs;
  uv_work_t work;
  uv_getaddrinfo_t getaddrinfo;
  uv_getnameinfo_t getnameinfo;
  uv_random_t random;
  uv_udp_send_t udp_send;
  uv_loop_t inner;
  uv_timer_t inner_timer;
};

static void must(int result, const char *what) {
  if (result >= 0)
    return;
  fprintf(stderr, "planted: %s: %s\n", what, uv_strerror(result));
  _exit(3);
}

static void free_handle(uv_handle_t *handle) {
  free(handle);
}

/* Handles that run in each turn, and timers. */

static NAMED void on_timer(uv_timer_t *timer) {
  planted_at(timer->data, AT_timer);
}

#define LOOP_PLACE(name)                                                       \
  static NAMED void on_##name(uv_##name##_t *handle) {                         \
    uv_##name##_stop(handle);                                                  \
    planted_at(handle->data, AT_##name);                                       \
  }                                                                            \
  static void start_##name(struct lane *lane) {                                \
    uv_##name##_start(&lane->places->name, on_##name);                         \
  }
LOOP_PLACE(idle)
LOOP_PLACE(prepare)
LOOP_PLACE(check)

static void start_timer(struct lane *lane) {
  uv_timer_start(&lane->places->timer, on_timer, 1, 0);
}

/* A loop that is turned in a callback: the same, or another. */

static NAMED void on_nested_idle(uv_idle_t *idle) {
  uv_idle_stop(idle);
  planted_at(idle->data, AT_nested);
}
static NAMED void on_nesting(uv_timer_t *timer) {
  struct lane *lane = timer->data;
  uv_idle_start(&lane->places->idle, on_nested_idle);
  uv_run(lane->loop, UV_RUN_NOWAIT);
}
static void start_nested(struct lane *lane) {
  uv_timer_start(&lane->places->timer, on_nesting, 1, 0);
}

static NAMED void on_inner_timer(uv_timer_t *timer) {
  planted_at(timer->data, AT_nested_loop);
  uv_close((uv_handle_t *)timer, NULL);
}
static NAMED void on_outer_timer(uv_timer_t *timer) {
  struct lane *lane = timer->data;
  struct totals begin = totals_take();
  struct places *p = lane->places;
  must(uv_loop_init(&p->inner), "uv_loop_init");
  uv_timer_init(&p->inner, &p->inner_timer);
  p->inner_timer.data = lane;
  uv_timer_start(&p->inner_timer, on_inner_timer, 1, 0);
  uv_run(&p->inner, UV_RUN_DEFAULT);
  uv_loop_close(&p->inner);
  planted_other(lane, &begin);
}
static void start_nested_loop(struct lane *lane) {
  uv_timer_start(&lane->places->timer, on_outer_timer, 1, 0);
}

/* What is told from outside. */

static NAMED void on_async(uv_async_t *async) {
  planted_at(async->data, AT_async);
}
static void start_async(struct lane *lane) {
  uv_async_send(&lane->places->async);
}

static NAMED void on_signal(uv_signal_t *handle, int number) {
  (void)number;
  planted_at(handle->data, AT_signal);
}
static void start_signal(struct lane *lane) {
  kill(getpid(), SIGNAL_OF(lane));
}

static NAMED void on_process_exit(uv_process_t *process, int64_t status,
                                  int signal) {
  (void)status, (void)signal;
  planted_at(process->data, AT_process_exit);
  uv_close((uv_handle_t *)process, free_handle);
}
static void start_process_exit(struct lane *lane) {
  char name[] = "true", *arguments[] = {name, NULL};
  uv_process_options_t options = {
      .file = name, .args = arguments, .exit_cb = on_process_exit};
  uv_process_t *process = calloc(1, sizeof *process);
  must(uv_spawn(lane->loop, process, &options), "uv_spawn");
  process->data = lane;
}

static void put_byte(int fd) {
  if (write(fd, "x\n", 2) != 2)
    die("write");
}

static NAMED void on_poll(uv_poll_t *handle, int status, int events) {
  struct lane *lane = handle->data;
  char buf[2];
  (void)status, (void)events;
  if (read(lane->places->poll_ends[0], buf, 2) == 2)
    planted_at(lane, AT_poll);
}
static void start_poll(struct lane *lane) {
  put_byte(lane->places->poll_ends[1]);
}

/* Streams. */

static NAMED void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  struct lane *lane = handle->data;
  (void)size;
  *buf = uv_buf_init(lane->places->buf, sizeof lane->places->buf);
  planted_at(lane, AT_alloc);
}
static NAMED void on_plain_alloc(uv_handle_t *handle, size_t size,
                                 uv_buf_t *buf) {
  struct lane *lane = handle->data;
  (void)size;
  *buf = uv_buf_init(lane->places->buf, sizeof lane->places->buf);
}

#define READ_PLACE(name)                                                       \
  static NAMED void on_##name(uv_stream_t *stream, ssize_t n,                  \
                              const uv_buf_t *buf) {                           \
    (void)buf;                                                                 \
    if (n > 0)                                                                 \
      planted_at(stream->data, AT_##name);                                     \
  }
READ_PLACE(pipe_read)
READ_PLACE(tcp_read)
READ_PLACE(tty_read)

static void start_pipe_read(struct lane *lane) {
  put_byte(lane->places->pipe_peer);
}
static void start_alloc(struct lane *lane) {
  put_byte(lane->places->pipe_peer);
}
static void start_tcp_read(struct lane *lane) {
  put_byte(lane->places->tcp_peer);
}
static void start_tty_read(struct lane *lane) {
  put_byte(lane->places->tty_peer);
}

static NAMED void on_write(uv_write_t *write, int status) {
  (void)status;
  planted_at(write->data, AT_write);
}
static void start_write(struct lane *lane) {
  struct places *p = lane->places;
  static char byte = 'x';
  uv_buf_t buf = uv_buf_init(&byte, 1);
  while (recv(p->pipe_peer, p->buf, sizeof p->buf, MSG_DONTWAIT) > 0)
    continue;
  p->write.data = lane;
  uv_write(&p->write, (uv_stream_t *)&p->pipe, &buf, 1, on_write);
}

static NAMED void on_shutdown(uv_shutdown_t *req, int status) {
  struct totals begin = totals_take();
  (void)status;
  planted_at(req->data, AT_shutdown);
  uv_close((uv_handle_t *)req->handle, free_handle);
  planted_other(req->data, &begin);
}

static NAMED void on_connect(uv_connect_t *req, int status) {
  struct lane *lane = req->data;
  struct totals begin = totals_take();
  (void)status;
  planted_at(lane, AT_connect);
  lane->places->shutdown.data = lane;
  if (uv_shutdown(&lane->places->shutdown, req->handle, on_shutdown))
    uv_close((uv_handle_t *)req->handle, free_handle);
  planted_other(lane, &begin);
}

static NAMED void on_connection(uv_stream_t *server, int status) {
  struct lane *lane = server->data;
  struct totals begin = totals_take();
  uv_tcp_t *client = calloc(1, sizeof *client);
  (void)status;
  uv_tcp_init(lane->loop, client);
  uv_accept(server, (uv_stream_t *)client);
  planted_at(lane, AT_connection);
  uv_close((uv_handle_t *)client, free_handle);
  planted_other(lane, &begin);
}

static void start_connect(struct lane *lane) {
  struct places *p = lane->places;
  uv_tcp_t *client = calloc(1, sizeof *client);
  uv_tcp_init(lane->loop, client);
  p->connect.data = lane;
  must(uv_tcp_connect(&p->connect, client,
                      (const struct sockaddr *)&p->tcp_at, on_connect),
       "uv_tcp_connect");
}

static NAMED void on_close(uv_handle_t *handle) {
  planted_at(handle->data, AT_close);
  free(handle);
}
static void start_close(struct lane *lane) {
  uv_timer_t *timer = calloc(1, sizeof *timer);
  uv_timer_init(lane->loop, timer);
  timer->data = lane;
  uv_timer_start(timer, on_timer, 10000, 0);
  uv_close((uv_handle_t *)timer, on_close);
}

/* Datagrams. */

static NAMED void on_udp_alloc(uv_handle_t *handle, size_t size,
                               uv_buf_t *buf) {
  struct lane *lane = handle->data;
  (void)size;
  *buf = uv_buf_init(lane->places->buf, sizeof lane->places->buf);
  planted_at(lane, AT_udp_alloc);
}
static NAMED void on_udp_recv(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf,
                              const struct sockaddr *from, unsigned flags) {
  (void)buf, (void)from, (void)flags;
  if (n > 0)
    planted_at(udp->data, AT_udp_recv);
}
static NAMED void on_udp_send(uv_udp_send_t *req, int status) {
  (void)status;
  planted_at(req->data, AT_udp_send);
}
static void start_udp_send(struct lane *lane) {
  struct places *p = lane->places;
  static char byte = 'x';
  uv_buf_t buf = uv_buf_init(&byte, 1);
  p->udp_send.data = lane;
  must(uv_udp_send(&p->udp_send, &p->udp, &buf, 1,
                   (const struct sockaddr *)&p->udp_at, on_udp_send),
       "uv_udp_send");
}

/* The pool. */

static NAMED void on_fs(uv_fs_t *req) {
  planted_at(req->data, AT_fs);
  uv_fs_req_cleanup(req);
}
static void start_fs(struct lane *lane) {
  lane->places->fs.data = lane;
  uv_fs_stat(lane->loop, &lane->places->fs, ".", on_fs);
}

static NAMED void on_work(uv_work_t *work) {
  planted_at(work->data, AT_pool);
}
static NAMED void on_work_after(uv_work_t *work, int status) {
  (void)status;
  planted_at(work->data, AT_work_after);
}
static void start_work_after(struct lane *lane) {
  lane->places->work.data = lane;
  uv_queue_work(lane->loop, &lane->places->work, on_work, on_work_after);
}

static NAMED void on_getaddrinfo(uv_getaddrinfo_t *req, int status,
                                 struct addrinfo *found) {
  (void)status;
  planted_at(req->data, AT_getaddrinfo);
  uv_freeaddrinfo(found);
}
static void start_getaddrinfo(struct lane *lane) {
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};
  lane->places->getaddrinfo.data = lane;
  uv_getaddrinfo(lane->loop, &lane->places->getaddrinfo, on_getaddrinfo,
                 "127.0.0.1", NULL, &hints);
}

static NAMED void on_getnameinfo(uv_getnameinfo_t *req, int status,
                                 const char *host, const char *service) {
  (void)status, (void)host, (void)service;
  planted_at(req->data, AT_getnameinfo);
}
static void start_getnameinfo(struct lane *lane) {
  struct places *p = lane->places;
  p->getnameinfo.data = lane;
  uv_getnameinfo(lane->loop, &p->getnameinfo, on_getnameinfo,
                 (const struct sockaddr *)&p->udp_at,
                 NI_NUMERICHOST | NI_NUMERICSERV);
}

static NAMED void on_random(uv_random_t *req, int status, void *buf,
                            size_t size) {
  (void)status, (void)buf, (void)size;
  planted_at(req->data, AT_random);
}
static void start_random(struct lane *lane) {
  struct places *p = lane->places;
  p->random.data = lane;
  uv_random(lane->loop, &p->random, p->buf, 8, 0, on_random);
}

/* Files that change. */

static void change(struct lane *lane) {
  int fd = open(lane->places->path, O_WRONLY | O_APPEND | O_CLOEXEC);
  put_byte(fd);
  close(fd);
}
static NAMED void on_fs_event(uv_fs_event_t *handle, const char *name,
                              int events, int status) {
  (void)name, (void)events, (void)status;
  planted_at(handle->data, AT_fs_event);
}
static NAMED void on_fs_poll(uv_fs_poll_t *handle, int status,
                             const uv_stat_t *before, const uv_stat_t *now) {
  (void)status, (void)before, (void)now;
  uv_fs_poll_stop(handle);
  planted_at(handle->data, AT_fs_poll);
}
static void start_fs_poll(struct lane *lane) {
  uv_fs_poll_start(&lane->places->fs_poll, on_fs_poll, lane->places->path, 5);
}

/* Nothing happens, for so long. */
static void start_wait(struct lane *lane) {
  uv_timer_set_repeat(lane->drive, lane->line->ms);
  uv_timer_again(lane->drive);
}

static void start_turn(struct lane *lane) {
  (void)lane;
}

#define start_connection start_connect
#define start_shutdown start_connect
#define start_udp_recv start_udp_send
#define start_udp_alloc start_udp_send
#define start_fs_event change
#define start_pool start_work_after

static const struct {
  const char *name;
  void (*start)(struct lane *);
} places[] = {
#define X(name) {#name, start_##name},
    PLACE_MAP(X)
#undef X
};

enum place place_find(const char *name) {
  int i = 0;
  while (i < N_PLACES && strcmp(places[i].name, name))
    i++;
  return (enum place)i;
}

const char *place_name(enum place place) {
  return places[place].name;
}

void place_start(struct lane *lane) {
  places[lane->line->place].start(lane);
}

/* While its callback is waited for. */
void place_tick(struct lane *lane) {
  if (lane->line->place == AT_fs_poll) {
    change(lane);
  } else if (lane->line->place == AT_wait) {
    uv_timer_set_repeat(lane->drive, TICK_MS);
    uv_timer_again(lane->drive);
    lane->line->begin = lane->line->end = totals_take();
    lane->is_held = true;
  }
}

/* Handles. */

static void init_streams(struct lane *lane) {
  struct places *p = lane->places;
  int ends[2], length = sizeof p->tcp_at;
  struct sockaddr_in any;
  uv_ip4_addr("127.0.0.1", 0, &any);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
    die("socketpair");
  p->pipe_peer = ends[1];
  uv_pipe_init(lane->loop, &p->pipe, 0);
  must(uv_pipe_open(&p->pipe, ends[0]), "uv_pipe_open");
  uv_read_start((uv_stream_t *)&p->pipe, on_alloc, on_pipe_read);

  uv_tcp_init(lane->loop, &p->listener);
  must(uv_tcp_bind(&p->listener, (struct sockaddr *)&any, 0), "uv_tcp_bind");
  must(uv_listen((uv_stream_t *)&p->listener, 16, on_connection), "uv_listen");
  uv_tcp_getsockname(&p->listener, (struct sockaddr *)&p->tcp_at, &length);

  int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  socklen_t size = sizeof any;
  p->tcp_peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(server, (struct sockaddr *)&any, sizeof any) || listen(server, 1) ||
      getsockname(server, (struct sockaddr *)&any, &size) ||
      connect(p->tcp_peer, (struct sockaddr *)&any, sizeof any))
    die("connect");
  uv_tcp_init(lane->loop, &p->tcp);
  must(uv_tcp_open(&p->tcp, accept(server, NULL, NULL)), "uv_tcp_open");
  close(server);
  uv_read_start((uv_stream_t *)&p->tcp, on_plain_alloc, on_tcp_read);
}

static void init_udp(struct lane *lane) {
  struct places *p = lane->places;
  int length = sizeof p->udp_at;
  struct sockaddr_in any;
  uv_ip4_addr("127.0.0.1", 0, &any);
  uv_udp_init(lane->loop, &p->udp);
  must(uv_udp_bind(&p->udp, (struct sockaddr *)&any, 0), "uv_udp_bind");
  uv_udp_getsockname(&p->udp, (struct sockaddr *)&p->udp_at, &length);
  uv_udp_recv_start(&p->udp, on_udp_alloc, on_udp_recv);
}

static void init_tty(struct lane *lane) {
  struct places *p = lane->places;
  char name[64];
  int fd = -1;
  p->tty_peer = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (p->tty_peer < 0 || grantpt(p->tty_peer) || unlockpt(p->tty_peer) ||
      ptsname_r(p->tty_peer, name, sizeof name) ||
      (fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0)
    die("posix_openpt");
  must(uv_tty_init(lane->loop, &p->tty, fd, 1), "uv_tty_init");
  uv_read_start((uv_stream_t *)&p->tty, on_plain_alloc, on_tty_read);
}

static void init_files(struct lane *lane) {
  struct places *p = lane->places;
  snprintf(p->path, sizeof p->path, "changes-%u", lane->index);
  int fd = open(p->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  close(fd);
  uv_fs_event_init(lane->loop, &p->fs_event);
  must(uv_fs_event_start(&p->fs_event, on_fs_event, p->path, 0),
       "uv_fs_event_start");
  uv_fs_poll_init(lane->loop, &p->fs_poll);
}

#define HANDLES(X)                                                             \
  X(timer) X(idle) X(prepare) X(check) X(async) X(poll) X(pipe) X(tcp)         \
  X(listener) X(udp) X(tty) X(signal) X(fs_event) X(fs_poll)

void places_init(struct lane *lane) {
  struct places *p = lane->places = calloc(1, sizeof *p);
  uv_loop_t *loop = lane->loop;
#define X(name) p->name.data = lane;
  HANDLES(X)
#undef X
  uv_timer_init(loop, &p->timer);
  uv_idle_init(loop, &p->idle);
  uv_prepare_init(loop, &p->prepare);
  uv_check_init(loop, &p->check);
  uv_async_init(loop, &p->async, on_async);
  if (pipe2(p->poll_ends, O_CLOEXEC))
    die("pipe2");
  uv_poll_init(loop, &p->poll, p->poll_ends[0]);
  uv_poll_start(&p->poll, UV_READABLE, on_poll);
  uv_signal_init(loop, &p->signal);
  uv_signal_start(&p->signal, on_signal, SIGNAL_OF(lane));
  init_streams(lane);
  init_udp(lane);
  init_tty(lane);
  init_files(lane);
}

void places_fini(struct lane *lane) {
  struct places *p = lane->places;
#define X(name) uv_close((uv_handle_t *)&p->name, NULL);
  HANDLES(X)
#undef X
}
