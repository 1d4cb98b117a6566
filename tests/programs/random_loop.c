/* Loops that do random things, the same for the same seed.
 *
 *   random_loop FIRST COUNT [switching]
 *
 * For each seed a loop of its own, until nothing is left in it.  An object
 * draws from dice of its own, made from its path (its parent's path and its
 * number), and does things to itself only: what each object sees is the same in
 * every run, whatever order the objects come in.  Prints a line for each
 * callback, in the order in which they ran: seed, path, use, kind, result; use
 * counts the requests of an object.  switching: a recorder is switched off and
 * on from within the callbacks, after about each fourth.  Judged by
 * test_random_loops.py. */
#include <dlfcn.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uv.h>

#define DEPTH_MAX 4
#define CHILDREN_MAX 2
#define ROOTS 3

struct object {
  uint64_t path, dice;
  unsigned depth, n_children, n_left, n_uses;
  struct object *peer;
  sem_t gate;
  union {
    union uv_any_handle handle;
    union uv_any_req req;
  } of;
  union uv_any_req extra;
  char bytes[8]; /* more than ever come at once */
  int fds[2];    /* of a poll handle, else 0 */
};

static uv_loop_t *loop;
static unsigned long seed;
static FILE *out;

/* Of the recorder: off, on.  Neither but where it is there, and asked for. */
static int (*switches[2])(void);
static uint64_t n_said;
static bool is_off;

static uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return x ^ x >> 31;
}

static void say(const struct object *o, const char *kind, long result) {
  fprintf(out, "%lu %016llx %u %s %ld\n", seed, (unsigned long long)o->path,
          o->n_uses, kind, result);
  if (switches[0] && mix(++n_said ^ seed << 32) % 4 == 0) {
    switches[is_off](); /* a status, which is nobody's affair here */
    is_off = !is_off;
  }
}

static unsigned roll(struct object *o, unsigned n) {
  o->dice += UINT64_C(0x9e3779b97f4a7c15);
  return (unsigned)(mix(o->dice) % n);
}

static struct object *object_new(struct object *parent) {
  struct object *o = calloc(1, sizeof *o);
  if (!o)
    abort();
  o->path = mix(parent->path * 31 + ++parent->n_children);
  o->depth = parent->depth + 1;
  o->dice = o->path;
  o->n_left = 1 + roll(o, 4);
  return o;
}

/* What nobody needs is made unusable first. */
static void object_free(struct object *o) {
  memset(o, 0xaa, sizeof *o);
  free(o);
}

static struct object *of_handle(const void *handle) {
  return ((const uv_handle_t *)handle)->data;
}

static void on_close(uv_handle_t *handle) {
  struct object *o = handle->data;
  say(o, "close", 0);
  for (int i = 0; i < 2; i++)
    if (o->fds[i])
      close(o->fds[i]);
  object_free(o);
}

static void end(struct object *o) {
  uv_close((uv_handle_t *)&o->of.handle, on_close);
}

static void beget(struct object *parent);

/* In each callback of a handle.  Returns: is it to go on? */
static bool goes_on(struct object *o) {
  if (roll(o, 3) == 0)
    beget(o);
  if (--o->n_left > 0)
    return true;
  end(o);
  return false;
}

/* Handles that turn with the loop, and timers. */

static void on_other_timer(uv_timer_t *timer);
static void on_timer(uv_timer_t *timer) {
  struct object *o = of_handle(timer);
  say(o, "timer", 1);
  if (!goes_on(o))
    return;
  switch (roll(o, 4)) {
  case 0:
    uv_timer_start(timer, on_other_timer, roll(o, 3), 0);
    break;
  case 1:
    uv_timer_stop(timer);
    uv_timer_start(timer, on_timer, 1, 1);
    break;
  case 2:
    uv_timer_set_repeat(timer, 1);
    uv_timer_again(timer);
    break;
  default:
    uv_timer_start(timer, on_timer, 0, roll(o, 2));
    if (!uv_timer_get_repeat(timer))
      uv_timer_start(timer, on_other_timer, 1, 0);
  }
}

static void on_other_timer(uv_timer_t *timer) {
  struct object *o = of_handle(timer);
  say(o, "timer", 2);
  if (goes_on(o))
    uv_timer_start(timer, on_timer, 1, 1);
}

static void make_timer(struct object *o) {
  uv_timer_init(loop, &o->of.handle.timer);
  o->of.handle.timer.data = o;
  uv_timer_start(&o->of.handle.timer, on_timer, roll(o, 3), roll(o, 2) + 1);
}

#define EACH_TURN(name)                                                        \
  static void on_##name(uv_##name##_t *handle) {                               \
    struct object *o = of_handle(handle);                                      \
    say(o, #name, 0);                                                          \
    if (goes_on(o) && roll(o, 2)) {                                            \
      uv_##name##_stop(handle);                                                \
      uv_##name##_start(handle, on_##name);                                    \
    }                                                                          \
  }                                                                            \
  static void make_##name(struct object *o) {                                  \
    uv_##name##_init(loop, &o->of.handle.name);                                \
    o->of.handle.name.data = o;                                                \
    uv_##name##_start(&o->of.handle.name, on_##name);                          \
  }
EACH_TURN(idle)
EACH_TURN(prepare)
EACH_TURN(check)

static void on_async(uv_async_t *async) {
  struct object *o = of_handle(async);
  say(o, "async", 0);
  if (goes_on(o))
    uv_async_send(async);
}
static void make_async(struct object *o) {
  uv_async_init(loop, &o->of.handle.async, on_async);
  o->of.handle.async.data = o;
  uv_async_send(&o->of.handle.async);
}

/* Closed before it ever ran, in the turn in which it was made. */
static void make_stillborn(struct object *o) {
  make_timer(o);
  if (roll(o, 2))
    uv_timer_stop(&o->of.handle.timer);
  end(o);
}

static void on_signal(uv_signal_t *handle, int number) {
  struct object *o = of_handle(handle);
  say(o, "signal", number);
  end(o);
}
static void make_signal(struct object *o) {
  uv_signal_init(loop, &o->of.handle.signal);
  o->of.handle.signal.data = o;
  uv_signal_start_oneshot(&o->of.handle.signal, on_signal, SIGUSR1);
  raise(SIGUSR1);
}

/* Streams: a pair of pipes; who has read a byte sends the next. */

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  struct object *o = handle->data;
  (void)size;
  say(o, "alloc", 0);
  *buf = uv_buf_init(o->bytes, sizeof o->bytes);
}

/* The request is an object of its own, which ends with it. */
#define SENT(name, type, kind)                                                 \
  static void name(type *req, int status) {                                    \
    struct object *o = req->data;                                              \
    say(o, kind, status);                                                      \
    object_free(o);                                                            \
  }
SENT(on_write, uv_write_t, "write")
SENT(on_udp_send, uv_udp_send_t, "udp-send")

static void send_byte(struct object *from) {
  struct object *o = object_new(from);
  uv_buf_t buf = uv_buf_init(from->bytes, 1);
  o->of.req.write.data = o;
  uv_write(&o->of.req.write, (uv_stream_t *)&from->of.handle, &buf, 1,
           on_write);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct object *o = of_handle(stream);
  (void)buf;
  say(o, "read", n);
  if (n < 0)
    end(o);
  else if (goes_on(o))
    send_byte(o);
}

static void make_pipes(struct object *o) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
    abort();
  struct object *all[] = {o, object_new(o)};
  for (int i = 0; i < 2; i++) {
    uv_pipe_t *pipe = &all[i]->of.handle.pipe;
    uv_pipe_init(loop, pipe, 0);
    pipe->data = all[i];
    uv_pipe_open(pipe, ends[i]);
    uv_read_start((uv_stream_t *)pipe, on_alloc, on_read);
  }
  send_byte(o);
}

/* TCP: a listener for one connection. */

static void on_shutdown(uv_shutdown_t *req, int status) {
  struct object *o = of_handle(req->handle);
  o->n_uses++;
  say(o, "shutdown", status);
  o->n_uses--;
  end(o);
}

static void on_sent(uv_write_t *req, int status) {
  struct object *o = req->data;
  struct object *client = o->peer;
  say(o, "write", status);
  object_free(o);
  uv_shutdown(&client->extra.shutdown, (uv_stream_t *)&client->of.handle,
              on_shutdown);
}

static void on_connect(uv_connect_t *req, int status) {
  struct object *client = of_handle(req->handle);
  say(client, "connect", status);
  struct object *o = object_new(client);
  uv_buf_t buf = uv_buf_init(client->bytes, 1);
  o->peer = client;
  o->of.req.write.data = o;
  uv_write(&o->of.req.write, req->handle, &buf, 1, on_sent);
}

static void on_got(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct object *o = of_handle(stream);
  (void)buf;
  say(o, "read", n);
  if (n < 0)
    end(o);
}

static void on_listen(uv_stream_t *server, int status) {
  struct object *o = of_handle(server);
  say(o, "listen", status);
  struct object *got = object_new(o);
  uv_tcp_init(loop, &got->of.handle.tcp);
  got->of.handle.tcp.data = got;
  uv_accept(server, (uv_stream_t *)&got->of.handle);
  uv_read_start((uv_stream_t *)&got->of.handle, on_alloc, on_got);
  end(o);
}

static void make_tcp(struct object *o) {
  struct object *client = object_new(o);
  struct sockaddr_in at;
  int size = sizeof at;
  uv_ip4_addr("127.0.0.1", 0, &at);
  uv_tcp_init(loop, &o->of.handle.tcp);
  o->of.handle.tcp.data = o;
  uv_tcp_bind(&o->of.handle.tcp, (struct sockaddr *)&at, 0);
  uv_listen((uv_stream_t *)&o->of.handle, 4, on_listen);
  uv_tcp_getsockname(&o->of.handle.tcp, (struct sockaddr *)&at, &size);
  uv_tcp_init(loop, &client->of.handle.tcp);
  client->of.handle.tcp.data = client;
  uv_tcp_connect(&client->extra.connect, &client->of.handle.tcp,
                 (struct sockaddr *)&at, on_connect);
}

/* UDP: a socket that sends to itself; who has a byte sends the next.  That
 * there is none left is told, too, as 0. */

static void send_to_itself(struct object *from) {
  struct object *o = object_new(from);
  uv_buf_t buf = uv_buf_init(from->bytes, 1);
  struct sockaddr_in at;
  int size = sizeof at;
  uv_udp_getsockname(&from->of.handle.udp, (struct sockaddr *)&at, &size);
  o->of.req.udp_send.data = o;
  if (uv_udp_send(&o->of.req.udp_send, &from->of.handle.udp, &buf, 1,
                  (struct sockaddr *)&at, on_udp_send))
    abort();
}

static void on_udp_recv(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf,
                        const struct sockaddr *from, unsigned flags) {
  struct object *o = of_handle(udp);
  (void)buf, (void)from, (void)flags;
  say(o, "udp-recv", n);
  if (n == 0 || !goes_on(o))
    return;
  if (roll(o, 3) == 0) {
    uv_udp_recv_stop(udp);
    uv_udp_recv_start(udp, on_alloc, on_udp_recv);
  }
  send_to_itself(o);
}

static void make_udp(struct object *o) {
  struct sockaddr_in at;
  uv_ip4_addr("127.0.0.1", 0, &at);
  uv_udp_init(loop, &o->of.handle.udp);
  o->of.handle.udp.data = o;
  uv_udp_bind(&o->of.handle.udp, (struct sockaddr *)&at, 0);
  uv_udp_recv_start(&o->of.handle.udp, on_alloc, on_udp_recv);
  send_to_itself(o);
}

/* Descriptors of the program's own: one that can be read all the time. */

static void on_other_poll(uv_poll_t *poll, int status, int events);
static void on_poll(uv_poll_t *poll, int status, int events) {
  struct object *o = of_handle(poll);
  say(o, "poll", status);
  if (events == 0 || !goes_on(o))
    return;
  if (roll(o, 2))
    uv_poll_stop(poll);
  uv_poll_start(poll, UV_READABLE | (roll(o, 2) ? UV_WRITABLE : 0),
                roll(o, 2) ? on_poll : on_other_poll);
}

static void on_other_poll(uv_poll_t *poll, int status, int events) {
  (void)events;
  say(of_handle(poll), "poll", status);
  if (goes_on(of_handle(poll)))
    uv_poll_start(poll, UV_READABLE, on_poll);
}

static void make_poll(struct object *o) {
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, o->fds) ||
      write(o->fds[1], "x", 1) != 1)
    abort();
  uv_poll_init(loop, &o->of.handle.poll, o->fds[0]);
  o->of.handle.poll.data = o;
  uv_poll_start(&o->of.handle.poll, UV_READABLE, on_poll);
}

/* Requests: submitted again in their own callback, cancelled, freed. */

static void on_fs(uv_fs_t *req) {
  struct object *o = req->data;
  say(o, "fs", (long)req->result);
  uv_fs_req_cleanup(req);
  if (roll(o, 3) == 0)
    beget(o);
  if (--o->n_left == 0) {
    object_free(o);
    return;
  }
  o->n_uses++;
  uv_fs_stat(loop, req, roll(o, 2) ? "/" : "/no such file", on_fs);
  req->data = o;
}
static void make_fs(struct object *o) {
  uv_fs_access(loop, &o->of.req.fs, "/", R_OK, on_fs);
  o->of.req.fs.data = o;
}

static void work(uv_work_t *req) {
  (void)req;
}
static void after_work(uv_work_t *req, int status) {
  struct object *o = req->data;
  say(o, "work", status);
  if (roll(o, 3) == 0)
    beget(o);
  if (status == 0 && --o->n_left > 0) {
    o->n_uses++;
    uv_queue_work(loop, req, work, after_work);
    return;
  }
  object_free(o);
}
static void make_work(struct object *o) {
  o->of.req.work.data = o;
  uv_queue_work(loop, &o->of.req.work, work, after_work);
}

static void on_getaddrinfo(uv_getaddrinfo_t *req, int status,
                           struct addrinfo *found) {
  struct object *o = req->data;
  const struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST};
  say(o, "getaddrinfo", status);
  uv_freeaddrinfo(found);
  if (roll(o, 3) == 0)
    beget(o);
  if (--o->n_left == 0) {
    object_free(o);
    return;
  }
  o->n_uses++;
  if (uv_getaddrinfo(loop, req, on_getaddrinfo, roll(o, 2) ? "::1" : "no name",
                     NULL, &numeric))
    abort();
}
static void make_getaddrinfo(struct object *o) {
  const struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST};
  o->of.req.getaddrinfo.data = o;
  if (uv_getaddrinfo(loop, &o->of.req.getaddrinfo, on_getaddrinfo, "127.0.0.1",
                     NULL, &numeric))
    abort();
}

static void on_getnameinfo(uv_getnameinfo_t *req, int status, const char *host,
                           const char *service) {
  struct object *o = req->data;
  (void)host, (void)service;
  say(o, "getnameinfo", status);
  beget(o);
  object_free(o);
}
static void make_getnameinfo(struct object *o) {
  struct sockaddr_in at;
  uv_ip4_addr("127.0.0.1", 80, &at);
  o->of.req.getnameinfo.data = o;
  uv_getnameinfo(loop, &o->of.req.getnameinfo, on_getnameinfo,
                 (struct sockaddr *)&at, NI_NUMERICHOST | NI_NUMERICSERV);
}

/* The pool has one thread: what comes behind one that waits can be cancelled.
 */
static void wait_at_gate(uv_work_t *req) {
  struct object *o = req->data;
  while (sem_wait(&o->gate))
    continue;
}
static void make_cancelled(struct object *o) {
  struct object *behind = object_new(o);
  sem_init(&o->gate, 0, 0);
  o->n_left = 1;
  o->of.req.work.data = o;
  uv_queue_work(loop, &o->of.req.work, wait_at_gate, after_work);
  unsigned which = roll(o, 3);
  if (which == 0) {
    make_work(behind);
  } else {
    behind->n_left = 1;
    which == 1 ? make_fs(behind) : make_getaddrinfo(behind);
  }
  if (uv_cancel((uv_req_t *)&behind->of.req))
    abort();
  sem_post(&o->gate);
}

/* Processes. */

static void on_exit_(uv_process_t *process, int64_t status, int signal) {
  struct object *o = of_handle(process);
  (void)signal;
  say(o, "process-exit", (long)status);
  end(o);
}
static void make_process(struct object *o) {
  if (roll(o, 6)) {
    make_timer(o);
    return;
  }
  char name[] = "false", *arguments[] = {name, NULL};
  uv_process_options_t options = {
      .file = name, .args = arguments, .exit_cb = on_exit_};
  uv_spawn(loop, &o->of.handle.process, &options);
  o->of.handle.process.data = o;
}

/* A child with a loop of its own; waited for on the spot. */
static void make_fork(struct object *o) {
  if (roll(o, 6) == 0) {
    pid_t pid = fork();
    if (pid == 0) {
      uv_loop_t own;
      uv_timer_t timer;
      uv_loop_init(&own);
      uv_timer_init(&own, &timer);
      uv_run(&own, UV_RUN_DEFAULT);
      _exit(0);
    }
    waitpid(pid, NULL, 0);
  }
  make_idle(o);
}

static void on_sign(uv_async_t *async) {
  uv_close((uv_handle_t *)async, NULL);
}
static void on_due(uv_timer_t *timer) {
  uv_async_send(timer->data);
  uv_close((uv_handle_t *)timer, NULL);
}

/* A child goes on with a loop of its parent's, as uv_loop_fork() allows. */
static void make_loop_fork(struct object *o) {
  uv_loop_t own;
  uv_timer_t timer;
  uv_async_t async;
  int status = 0;
  if (roll(o, 6) == 0) {
    uv_loop_init(&own);
    uv_timer_init(&own, &timer);
    uv_async_init(&own, &async, on_sign);
    timer.data = &async;
    uv_timer_start(&timer, on_due, 1, 0);
    pid_t pid = fork();
    if (pid == 0) {
      bool is_whole = uv_loop_fork(&own) == 0 &&
                      uv_run(&own, UV_RUN_DEFAULT) == 0 &&
                      uv_loop_close(&own) == 0;
      _exit(is_whole ? 0 : 1);
    }
    if (waitpid(pid, &status, 0) != pid || status)
      abort();
    uv_close((uv_handle_t *)&timer, NULL);
    uv_close((uv_handle_t *)&async, NULL);
    uv_run(&own, UV_RUN_DEFAULT);
    if (uv_loop_close(&own))
      abort();
  }
  make_check(o);
}

static void beget(struct object *parent) {
  static void (*const makers[])(struct object *) = {
      make_timer,       make_timer,       make_idle,      make_prepare,
      make_check,       make_async,       make_pipes,     make_tcp,
      make_fs,          make_work,        make_stillborn, make_fork,
      make_cancelled,   make_process,     make_udp,       make_poll,
      make_getaddrinfo, make_getnameinfo, make_loop_fork};
  const unsigned n = sizeof makers / sizeof *makers;
  if (parent->n_children >= CHILDREN_MAX || parent->depth >= DEPTH_MAX)
    return;
  struct object *o = object_new(parent);
  makers[roll(o, n)](o);
}

/* A prepare or a check alone does not make a loop turn: this does.  How often
 * is up to the machine. */
static void on_clock(uv_timer_t *timer) {
  say(timer->data, "timer", 0);
}

static void run_seed(void) {
  struct object root = {.path = seed}, ticking = {0};
  uv_loop_t own;
  uv_timer_t clock;
  loop = &own;
  if (uv_loop_init(&own))
    abort();
  uv_timer_init(&own, &clock);
  clock.data = &ticking;
  uv_timer_start(&clock, on_clock, 1, 1);
  uv_unref((uv_handle_t *)&clock);
  for (unsigned i = 0; i < ROOTS; i++) {
    struct object *o = object_new(&root);
    unsigned which = roll(o, i == 0 ? 5 : 4); /* one watches signals */
    (which == 0   ? make_timer
     : which == 1 ? make_pipes
     : which == 2 ? make_fs
     : which == 3 ? make_idle
                  : make_signal)(o);
  }
  uv_run(&own, UV_RUN_DEFAULT);
  uv_close((uv_handle_t *)&clock, NULL);
  uv_run(&own, UV_RUN_DEFAULT);
  if (uv_loop_close(&own))
    abort();
}

int main(int argc, char **argv) {
  if (argc < 3 || argc > 4)
    return 2;
  if (argc == 4) {
    *(void **)&switches[0] = dlsym(RTLD_DEFAULT, "lt_trace_pause");
    *(void **)&switches[1] = dlsym(RTLD_DEFAULT, "lt_trace_resume");
  }
  unsigned long first = strtoul(argv[1], NULL, 10);
  unsigned long end_seed = first + strtoul(argv[2], NULL, 10);
  char *text = NULL;
  size_t size;
  setenv("UV_THREADPOOL_SIZE", "1", 1);
  if (!(out = open_memstream(&text, &size)))
    return 3;
  for (seed = first; seed < end_seed; seed++)
    run_seed();
  fclose(out);
  fwrite(text, 1, size, stdout);
  free(text);
  return 0;
}
