/* Every family of libuv's callbacks once or more, with what programs do in
 * them: free and poison the object, submit it again, arm another callback,
 * close. Prints what happened, in an order that does not depend on time. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

static uv_loop_t *loop;

static void turn(const char *title) {
  printf("-- %s\n", title);
  int alive = uv_run(loop, UV_RUN_DEFAULT);
  printf("   alive %d\n", alive);
}

/* What libuv no longer needs is made unusable before it is freed. */
static void poison(void *object, size_t size) {
  memset(object, 0xaa, size);
  free(object);
}

static void closed(uv_handle_t *handle) {
  printf("closed %s\n", uv_handle_type_name(handle->type));
}

static void closed_and_freed(uv_handle_t *handle) {
  size_t size = uv_handle_size(handle->type);
  closed(handle);
  poison(handle, size);
}

/* Timers, and the three that run in every turn. */

static void second_cb(uv_timer_t *timer) {
  printf("timer, other callback\n");
  uv_close((uv_handle_t *)timer, closed_and_freed);
}

static void timer_cb(uv_timer_t *timer) {
  int *count = timer->data;
  printf("timer %d\n", ++*count);
  if (*count == 2) {
    printf("again %d\n", uv_timer_again(timer));
  } else if (*count == 4) {
    printf("null %d\n", uv_timer_start(timer, NULL, 1, 0) == UV_EINVAL);
    printf("rearm %d\n", uv_timer_start(timer, second_cb, 1, 0));
  }
}

static void once_idle(uv_idle_t *idle) {
  printf("idle\n");
  uv_close((uv_handle_t *)idle, NULL);
}

static void never_idle(uv_idle_t *idle) {
  (void)idle;
  printf("the second callback of an active handle must not run\n");
}

static void once_prepare(uv_prepare_t *prepare) {
  printf("prepare\n");
  uv_prepare_stop(prepare);
  uv_close((uv_handle_t *)prepare, closed);
}

static void once_check(uv_check_t *check) {
  printf("check\n");
  uv_close((uv_handle_t *)check, closed); /* the last call of a callback */
}

static void timers(void) {
  static int count;
  static uv_idle_t idle;
  static uv_prepare_t prepare;
  static uv_check_t check;
  uv_timer_t *timer = malloc(sizeof *timer);
  uv_timer_init(loop, timer);
  timer->data = &count;
  uv_timer_start(timer, timer_cb, 1, 1);
  turn("timer");
  uv_idle_init(loop, &idle);
  uv_idle_start(&idle, once_idle);
  uv_idle_start(&idle, never_idle);
  uv_prepare_init(loop, &prepare);
  uv_prepare_start(&prepare, once_prepare);
  uv_check_init(loop, &check);
  uv_check_start(&check, once_check);
  turn("idle, prepare, check");
}

/* Async and signals. */

static void async_cb(uv_async_t *async) {
  printf("async\n");
  uv_close((uv_handle_t *)async, closed_and_freed);
}

static void sender(void *async) {
  uv_async_send(async);
}

static void signal_cb(uv_signal_t *handle, int signum) {
  printf("signal %d\n", signum == SIGUSR1);
  uv_signal_stop(handle);
  uv_close((uv_handle_t *)handle, closed);
}

static void asyncs(void) {
  static uv_signal_t watcher, oneshot;
  uv_thread_t thread;
  uv_async_t *async = malloc(sizeof *async);
  uv_async_init(loop, async, async_cb);
  uv_thread_create(&thread, sender, async);
  uv_thread_join(&thread);
  turn("async");
  uv_signal_init(loop, &watcher);
  uv_signal_start(&watcher, signal_cb, SIGUSR1);
  raise(SIGUSR1);
  turn("signal");
  uv_signal_init(loop, &oneshot);
  uv_signal_start_oneshot(&oneshot, signal_cb, SIGUSR1);
  raise(SIGUSR1);
  turn("signal once");
}

/* Streams. */

static void alloc_cb(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void)handle;
  *buf = uv_buf_init(malloc(suggested), (unsigned)suggested);
}

static void write_cb(uv_write_t *req, int status) {
  printf("written %d\n", status);
  poison(req, sizeof *req);
}

static void shutdown_cb(uv_shutdown_t *req, int status) {
  printf("shut down %d\n", status);
  poison(req, sizeof *req);
}

static void say(uv_stream_t *stream, const char *text) {
  uv_write_t *req = malloc(sizeof *req);
  uv_buf_t buf = uv_buf_init((char *)text, (unsigned)strlen(text));
  printf("write %d\n", uv_write(req, stream, &buf, 1, write_cb));
}

static void server_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  if (n > 0) {
    printf("server got %.*s\n", (int)n, buf->base);
    say(stream, "pong");
  } else if (n < 0) {
    printf("server sees the end %d\n", n == UV_EOF);
    uv_close((uv_handle_t *)stream, closed_and_freed);
  }
  free(buf->base);
}

static void connection_cb(uv_stream_t *server, int status) {
  printf("connection %d\n", status);
  size_t size = uv_handle_size(server->type);
  uv_stream_t *client = malloc(size);
  if (server->type == UV_TCP)
    uv_tcp_init(loop, (uv_tcp_t *)client);
  else
    uv_pipe_init(loop, (uv_pipe_t *)client, 0);
  uv_accept(server, client);
  uv_read_start(client, alloc_cb, server_read);
  uv_close((uv_handle_t *)server, closed);
}

static void client_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  if (n > 0) {
    printf("client got %.*s\n", (int)n, buf->base);
    printf("twice %d\n",
           uv_read_start(stream, alloc_cb, client_read) == UV_EALREADY);
    uv_shutdown_t *req = malloc(sizeof *req);
    uv_shutdown(req, stream, shutdown_cb);
  } else if (n < 0) {
    printf("client sees the end %d\n", n == UV_EOF);
    uv_close((uv_handle_t *)stream, closed);
  }
  free(buf->base);
}

static void connect_cb(uv_connect_t *req, int status) {
  printf("connected %d\n", status);
  uv_stream_t *stream = req->handle;
  poison(req, sizeof *req);
  if (status == 0) {
    uv_read_start(stream, alloc_cb, client_read);
    say(stream, "ping");
  } else {
    uv_close((uv_handle_t *)stream, closed);
  }
}

static void tcp(void) {
  static uv_tcp_t server, client;
  struct sockaddr_in addr;
  int size = sizeof addr;
  uv_ip4_addr("127.0.0.1", 0, &addr);
  uv_tcp_init(loop, &server);
  uv_tcp_bind(&server, (struct sockaddr *)&addr, 0);
  uv_tcp_getsockname(&server, (struct sockaddr *)&addr, &size);
  uv_listen((uv_stream_t *)&server, 4, connection_cb);
  uv_tcp_init(loop, &client);
  uv_tcp_connect(malloc(sizeof(uv_connect_t)), &client,
                 (struct sockaddr *)&addr, connect_cb);
  turn("tcp");
}

static void pipes(const char *dir) {
  static uv_pipe_t server, client, nobody;
  char path[512];
  snprintf(path, sizeof path, "%s/socket", dir);
  uv_pipe_init(loop, &server, 0);
  uv_pipe_bind(&server, path);
  uv_listen((uv_stream_t *)&server, 4, connection_cb);
  uv_pipe_init(loop, &client, 0);
  uv_pipe_connect(malloc(sizeof(uv_connect_t)), &client, path, connect_cb);
  turn("pipe");
  uv_pipe_init(loop, &nobody, 0);
  uv_pipe_connect(malloc(sizeof(uv_connect_t)), &nobody, "/nobody/here",
                  connect_cb);
  turn("pipe to nobody");
}

static uv_udp_t udp_from, udp_to;

static void udp_sent(uv_udp_send_t *req, int status) {
  printf("sent %d\n", status);
  poison(req, sizeof *req);
  uv_close((uv_handle_t *)&udp_from, closed);
}

static void udp_got(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf,
                    const struct sockaddr *addr, unsigned flags) {
  (void)flags;
  if (addr) {
    printf("datagram %.*s\n", (int)n, buf->base);
    uv_udp_recv_stop(udp);
    uv_close((uv_handle_t *)udp, closed);
  }
  free(buf->base);
}

static void udp(void) {
  struct sockaddr_in addr;
  int size = sizeof addr;
  uv_buf_t buf = uv_buf_init((char *)"hello", 5);
  uv_ip4_addr("127.0.0.1", 0, &addr);
  uv_udp_init(loop, &udp_to);
  uv_udp_bind(&udp_to, (struct sockaddr *)&addr, 0);
  uv_udp_getsockname(&udp_to, (struct sockaddr *)&addr, &size);
  uv_udp_recv_start(&udp_to, alloc_cb, udp_got);
  uv_udp_init(loop, &udp_from);
  uv_udp_send(malloc(sizeof(uv_udp_send_t)), &udp_from, &buf, 1,
              (struct sockaddr *)&addr, udp_sent);
  turn("udp");
}

static void poll_cb(uv_poll_t *poll, int status, int events) {
  printf("poll %d %d\n", status, events & UV_READABLE);
  uv_poll_stop(poll);
  uv_close((uv_handle_t *)poll, closed);
}

static void polls(void) {
  static uv_poll_t poll;
  int fds[2];
  if (pipe(fds) != 0 || write(fds[1], "x", 1) != 1)
    exit(1);
  uv_poll_init(loop, &poll, fds[0]);
  uv_poll_start(&poll, UV_READABLE, poll_cb);
  turn("poll");
  close(fds[0]);
  close(fds[1]);
}

/* The pool. */

static void work(uv_work_t *req) {
  *(int *)req->data += 1;
}

static void after_work(uv_work_t *req, int status) {
  int *runs = req->data;
  printf("worked %d %d\n", *runs, status);
  if (*runs < 3)
    uv_queue_work(loop, req, work, after_work);
  else
    poison(req, sizeof *req);
}

static void addrinfo_cb(uv_getaddrinfo_t *req, int status,
                        struct addrinfo *found) {
  printf("getaddrinfo %d %d\n", status, found != NULL);
  uv_freeaddrinfo(found);
  poison(req, sizeof *req);
}

static void nameinfo_cb(uv_getnameinfo_t *req, int status, const char *host,
                        const char *service) {
  printf("getnameinfo %d %s %s\n", status, host, service);
  poison(req, sizeof *req);
}

static void random_cb(uv_random_t *req, int status, void *buf, size_t n) {
  printf("random %d %d %zu\n", status, buf != NULL, n);
  poison(req, sizeof *req);
}

static void pool(void) {
  static int runs, alone;
  static char bytes[16];
  static uv_work_t quiet;
  struct sockaddr_in addr;
  struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST};
  uv_work_t *req = malloc(sizeof *req);
  req->data = &runs;
  uv_queue_work(loop, req, work, after_work);
  turn("work");
  quiet.data = &alone;
  uv_queue_work(loop, &quiet, work, NULL);
  turn("work that nobody waits for");
  printf("done %d, null %d\n", alone,
         uv_queue_work(loop, &quiet, NULL, NULL) == UV_EINVAL);
  uv_getaddrinfo(loop, malloc(sizeof(uv_getaddrinfo_t)), addrinfo_cb,
                 "127.0.0.1", "80", &numeric);
  turn("getaddrinfo");
  uv_ip4_addr("127.0.0.1", 80, &addr);
  uv_getnameinfo(loop, malloc(sizeof(uv_getnameinfo_t)), nameinfo_cb,
                 (struct sockaddr *)&addr, NI_NUMERICHOST | NI_NUMERICSERV);
  turn("getnameinfo");
  uv_random(loop, malloc(sizeof(uv_random_t)), bytes, sizeof bytes, 0,
            random_cb);
  turn("random");
}

/* Files: one request goes through many hands. */

static char file_path[512], file_text[16];
static uv_file file;
static int step;

static void fs_cb(uv_fs_t *req);

static void fs_next(uv_fs_t *req) {
  uv_buf_t buf = uv_buf_init(file_text, 5);
  switch (++step) {
  case 1:
    uv_fs_open(loop, req, file_path, O_RDWR | O_CREAT, 0600, fs_cb);
    break;
  case 2:
    buf.base = (char *)"files";
    uv_fs_write(loop, req, file, &buf, 1, 0, fs_cb);
    break;
  case 3:
    uv_fs_fsync(loop, req, file, fs_cb);
    break;
  case 4:
    uv_fs_read(loop, req, file, &buf, 1, 0, fs_cb);
    break;
  case 5:
    uv_fs_fstat(loop, req, file, fs_cb);
    break;
  case 6:
    uv_fs_close(loop, req, file, fs_cb);
    break;
  case 7:
    uv_fs_unlink(loop, req, file_path, fs_cb);
    break;
  case 8:
    uv_fs_stat(loop, req, file_path, fs_cb);
    break;
  default:
    poison(req, sizeof *req);
  }
}

static void fs_cb(uv_fs_t *req) {
  if (step == 1)
    file = (uv_file)req->result;
  printf("fs %d: %d\n", step, step == 1 ? req->result >= 0 : (int)req->result);
  uv_fs_req_cleanup(req);
  fs_next(req);
}

static void files(const char *dir) {
  uv_fs_t req;
  snprintf(file_path, sizeof file_path, "%s/file", dir);
  fs_next(malloc(sizeof(uv_fs_t)));
  turn("fs");
  printf("read %.5s\n", file_text);
  printf("synchronous %d\n", uv_fs_stat(NULL, &req, dir, NULL));
  uv_fs_req_cleanup(&req);
  printf("refused %d\n",
         uv_fs_read(loop, &req, 0, NULL, 0, 0, fs_cb) == UV_EINVAL);
}

static void cancelled_cb(uv_work_t *req, int status) {
  (void)req;
  printf("cancelled %d\n", status == UV_ECANCELED);
}

static void hold(uv_work_t *req) {
  uv_sem_wait(req->data);
}

static void held(uv_work_t *req, int status) {
  (void)req;
  (void)status;
}

static void cancels(void) {
  static uv_work_t busy[4], late;
  uv_sem_t go;
  uv_sem_init(&go, 0);
  for (int i = 0; i < 4; i++) {
    busy[i].data = &go;
    uv_queue_work(loop, &busy[i], hold, held);
  }
  uv_queue_work(loop, &late, work, cancelled_cb);
  printf("cancel %d\n", uv_cancel((uv_req_t *)&late));
  for (int i = 0; i < 4; i++)
    uv_sem_post(&go);
  turn("cancel");
  uv_sem_destroy(&go);
}

/* Processes and watches. */

static void exit_cb(uv_process_t *process, int64_t status, int signum) {
  printf("exit %d %d\n", (int)status, signum);
  uv_close((uv_handle_t *)process, closed);
}

static void processes(void) {
  static uv_process_t process, none;
  char sh[] = "sh", c[] = "-c", script[] = "exit 7", nobody[] = "/nobody/here";
  char *good[] = {sh, c, script, NULL};
  char *bad[] = {nobody, NULL};
  uv_process_options_t options = {
      .exit_cb = exit_cb, .file = good[0], .args = good};
  printf("spawn %d\n", uv_spawn(loop, &process, &options));
  turn("spawn");
  options.file = bad[0];
  options.args = bad;
  printf("spawn nobody %d\n", uv_spawn(loop, &none, &options) == UV_ENOENT);
  uv_close((uv_handle_t *)&none, closed);
  turn("spawn nobody");
}

static void event_cb(uv_fs_event_t *event, const char *name, int events,
                     int status) {
  printf("event on %s %d %d\n", name, events != 0, status);
  uv_close((uv_handle_t *)event, closed);
}

static void fs_poll_cb(uv_fs_poll_t *poll, int status, const uv_stat_t *before,
                       const uv_stat_t *after) {
  printf("changed %d %d\n", status, before->st_ino == after->st_ino);
  uv_close((uv_handle_t *)poll, closed);
}

static void append(uv_timer_t *timer) {
  FILE *f = fopen(file_path, "a");
  if (f) {
    fputs("more", f);
    fclose(f);
  }
  uv_close((uv_handle_t *)timer, NULL);
}

static void watches(const char *dir) {
  static uv_fs_event_t event;
  static uv_fs_poll_t poll;
  static uv_timer_t timer;
  snprintf(file_path, sizeof file_path, "%s/watched", dir);
  FILE *f = fopen(file_path, "w");
  uv_fs_event_init(loop, &event);
  uv_fs_event_start(&event, event_cb, file_path, 0);
  printf("busy %d\n",
         uv_fs_event_start(&event, event_cb, file_path, 0) == UV_EINVAL);
  if (f) {
    fputs("some", f);
    fclose(f);
  }
  turn("fs event");
  uv_fs_poll_init(loop, &poll);
  uv_fs_poll_start(&poll, fs_poll_cb, file_path, 5);
  uv_timer_init(loop, &timer);
  uv_timer_start(&timer, append, 50, 0);
  turn("fs poll");
  remove(file_path);
}

/* Walking, and a loop of one's own. */

static void count_cb(uv_handle_t *handle, void *arg) {
  *(int *)arg += 1;
  uv_close(handle, closed);
}

static void walks(void) {
  static uv_timer_t timers[3];
  uv_loop_t own;
  int n = 0;
  uv_loop_init(&own);
  for (int i = 0; i < 3; i++)
    uv_timer_init(&own, &timers[i]);
  uv_walk(&own, count_cb, &n);
  printf("walked %d\n", n);
  printf("run %d\n", uv_run(&own, UV_RUN_DEFAULT));
  printf("loop closed %d\n", uv_loop_close(&own));
}

int main(int argc, char **argv) {
  const char *dir = argc > 1 ? argv[1] : ".";
  loop = uv_default_loop();
  setvbuf(stdout, NULL, _IOLBF, 0);
  timers();
  asyncs();
  tcp();
  pipes(dir);
  udp();
  polls();
  pool();
  files(dir);
  cancels();
  processes();
  watches(dir);
  walks();
  printf("loop closed %d\n", uv_loop_close(loop));
  return 5;
}
