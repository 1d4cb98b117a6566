/* TCP connections and pipes.
 *
 * A stream goes on reading between two reads, since stopping costs system calls;
 * when bytes come and nobody asked, it stops then, and they stay in the kernel.
 * Writing tries at once; what the kernel does not take is copied, so that the
 * caller's bytes are free again even if it is cancelled.  What a reader of
 * lines got beyond its line is kept for the next read, and so is what it had
 * when it was cancelled.
 * Invariant: a stream is freed in its close callback only.  Called by programs. */
#include "config.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "task/libuv.h"
#include "task/trace.h"

struct reading {
  struct lti_wait wait; /* first */
  struct lt_stream *stream;
  void *buffer;
  size_t size;
};

struct connecting {
  uv_connect_t request; /* first */
  struct lti_wait wait;
  struct lt_stream *stream;
};

struct lt_stream {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } uv; /* first */
  struct reading *reader; /* who reads or accepts */
  bool *is_gone;          /* of who gathers a line: to be set by closing */
  char *kept;             /* came already: kept_n bytes from kept_at on */
  size_t kept_at, kept_n, kept_room;
  int64_t ended;          /* 1: end of stream; an error; 0: it goes on */
  uint32_t arrived;       /* connections not accepted yet */
  bool is_reading, is_closed;
};

static lt_stream *stream_new(struct lti_sched *s, bool is_tcp) {
  lt_stream *stream = calloc(1, sizeof *stream);
  if (!stream)
    return NULL;
  int status = is_tcp ? uv_tcp_init(s->loop, &stream->uv.tcp)
                      : uv_pipe_init(s->loop, &stream->uv.pipe, 0);
  if (status < 0) {
    free(stream);
    return NULL;
  }
  return stream;
}

static void stream_closed(uv_handle_t *handle) {
  free(((lt_stream *)handle)->kept);
  free(handle);
}

static void reader_ends(lt_stream *stream, int64_t result) {
  struct reading *reader = stream->reader;
  stream->reader = NULL;
  lti_wake(&reader->wait, result);
}

/* Told twice while its memory shows it: it is freed when the loop turned. */
void lt_stream_close(lt_stream *stream) {
  if (!stream)
    return;
  if (stream->is_closed) {
    lti_misuse("lt_stream_close was given a stream that is closed");
    return;
  }
  stream->is_closed = true;
  if (stream->is_gone)
    *stream->is_gone = true;
  if (stream->reader) {
    reader_ends(stream, UV_ECANCELED);
    lti_wake_loop(lti_sched);
  }
  lti_task_uv.close(&stream->uv.handle, stream_closed);
}

int lt_stream_port(lt_stream *stream) {
  struct sockaddr_storage name;
  int size = sizeof name;
  if (stream->uv.handle.type != UV_TCP)
    return UV_EINVAL;
  int status =
      uv_tcp_getsockname(&stream->uv.tcp, (struct sockaddr *)&name, &size);
  if (status < 0)
    return status;
  if (name.ss_family == AF_INET6)
    return ntohs(((struct sockaddr_in6 *)&name)->sin6_port);
  return ntohs(((struct sockaddr_in *)&name)->sin_port);
}

uv_stream_t *lt_stream_uv(lt_stream *stream) {
  return &stream->uv.stream;
}

/* --- Reading -------------------------------------------------------------- */

static void give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buf) {
  struct reading *reader = ((lt_stream *)handle)->reader;
  (void)wanted;
  buf->base = reader ? reader->buffer : NULL;
  buf->len = reader ? reader->size : 0;
}

static void bytes_came(uv_stream_t *handle, ssize_t n, const uv_buf_t *buf) {
  lt_stream *stream = (lt_stream *)handle;
  (void)buf;
  if (n == 0)
    return; /* would block */
  if (n < 0) {
    lti_task_uv.read_stop(handle);
    stream->is_reading = false;
    if (n == UV_ENOBUFS && !stream->reader)
      return; /* nobody asked */
    stream->ended = n == UV_EOF ? 1 : n;
  }
  if (!stream->reader)
    return;
  reader_ends(stream, n == UV_EOF ? 0 : n);
  lti_drain(lti_sched);
}

static void reading_cancel(struct lti_wait *wait) {
  ((struct reading *)wait)->stream->reader = NULL;
  lti_wake(wait, UV_ECANCELED);
}

/* What was kept. */
static size_t take(lt_stream *stream, char *buffer, size_t size) {
  size_t n = stream->kept_n < size ? stream->kept_n : size;
  if (n)
    memcpy(buffer, stream->kept + stream->kept_at, n);
  stream->kept_at += n;
  stream->kept_n -= n;
  return n;
}

/* Before what is still kept, which is nothing unless these were taken from
 * there: there is room in any case. */
static void put_back(lt_stream *stream, const char *bytes, size_t n) {
  if (n == 0)
    return;
  if (stream->kept_n == 0)
    stream->kept_at = n;
  stream->kept_at -= n;
  stream->kept_n += n;
  memcpy(stream->kept + stream->kept_at, bytes, n);
}

static bool make_room(lt_stream *stream, size_t size) {
  char *kept = stream->kept_room < size ? realloc(stream->kept, size) : NULL;
  if (kept) {
    stream->kept = kept;
    stream->kept_room = size;
  }
  return stream->kept_room >= size;
}

/* Wait for some bytes. */
static int64_t read_some(struct lti_tcb *task, lt_stream *stream, void *buffer,
                         size_t size) {
  if (stream->ended)
    return stream->ended == 1 ? 0 : stream->ended;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  if (!stream->is_reading) {
    int status =
        lti_task_uv.read_start(&stream->uv.stream, give_buffer, bytes_came);
    if (status < 0)
      return status;
    stream->is_reading = true;
  }
  struct reading reading = {
      .wait = {.why = LT_WAIT_READ, .cancel = reading_cancel},
      .stream = stream,
      .buffer = buffer,
      .size = size};
  stream->reader = &reading;
  return lti_block(task, &reading.wait);
}

int64_t lt_read(lt_stream *stream, void *buffer, size_t size) {
  struct lti_tcb *task = lti_running("lt_read");
  if (!task || !size)
    return UV_EINVAL;
  if (stream->reader || stream->is_gone)
    return UV_EBUSY;
  if (!stream->kept_n)
    return read_some(task, stream, buffer, size);
  return lti_take_cancel(task) ? UV_ECANCELED
                               : (int64_t)take(stream, buffer, size);
}

/* How long the line is that these bytes begin with; 0: it is not whole. */
static size_t line_length(const char *bytes, size_t n, int end) {
  const char *at = memchr(bytes, end, n);
  return at ? (size_t)(at - bytes) + 1 : 0;
}

/* Read until there are size bytes, or, where end is one, until that came. */
static int64_t gather(struct lti_tcb *task, lt_stream *stream, char *buffer,
                      size_t size, int end) {
  bool is_gone = false, is_line = end >= 0;
  if (!task || !size)
    return UV_EINVAL;
  if (stream->reader || stream->is_gone)
    return UV_EBUSY;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  if (!make_room(stream, size))
    return UV_ENOMEM;
  size_t have = take(stream, buffer, size);
  size_t n = is_line ? line_length(buffer, have, end) : 0;
  int64_t came = 1;
  stream->is_gone = &is_gone;
  while (n == 0 && have < size) {
    came = read_some(task, stream, buffer + have, size - have);
    if (is_gone)
      return UV_ECANCELED;
    if (came <= 0)
      break;
    if (is_line && (n = line_length(buffer + have, (size_t)came, end)))
      n += have;
    have += (size_t)came;
  }
  stream->is_gone = NULL;
  if (n == 0 && (is_line ? came == 0 : have == size))
    n = have; /* the last line may lack its end */
  put_back(stream, buffer + n, have - n);
  return n          ? (int64_t)n
         : came < 0 ? came
         : came > 0 ? UV_ENOBUFS
         : is_line  ? 0
                    : UV_EOF;
}

int64_t lt_read_exactly(lt_stream *stream, void *buffer, size_t size) {
  return gather(lti_running("lt_read_exactly"), stream, buffer, size, -1);
}

int64_t lt_read_until(lt_stream *stream, char end, void *buffer, size_t size) {
  return gather(lti_running("lt_read_until"), stream, buffer, size,
                (unsigned char)end);
}

/* --- Writing -------------------------------------------------------------- */

struct writing {
  uv_write_t request;    /* first */
  struct lti_wait *wait; /* NULL: the task went away */
  char bytes[];
};

static void written(uv_write_t *request, int status) {
  struct writing *writing = (struct writing *)request;
  if (writing->wait)
    lti_wake(writing->wait, status);
  free(writing);
  lti_drain(lti_sched);
}

struct write_wait {
  struct lti_wait wait; /* first */
  struct writing *writing;
};

static void write_cancel(struct lti_wait *wait) {
  ((struct write_wait *)wait)->writing->wait = NULL;
  lti_wake(wait, UV_ECANCELED);
}

static int64_t write_rest(struct lti_tcb *task, lt_stream *stream,
                          const char *bytes, size_t size) {
  struct writing *writing = malloc(sizeof *writing + size);
  if (!writing)
    return UV_ENOMEM;
  memcpy(writing->bytes, bytes, size);
  uv_buf_t buf = {.base = writing->bytes, .len = size};
  struct write_wait wait = {
      .wait = {.why = LT_WAIT_WRITE, .cancel = write_cancel},
      .writing = writing};
  writing->wait = &wait.wait;
  int status = lti_task_uv.write(&writing->request, &stream->uv.stream, &buf, 1,
                               written);
  if (status < 0) {
    free(writing);
    return status;
  }
  return lti_block(task, &wait.wait);
}

int64_t lt_write(lt_stream *stream, const void *bytes, size_t size) {
  struct lti_tcb *task = lti_running("lt_write");
  if (!task)
    return UV_EINVAL;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  char *at;
  memcpy(&at, &bytes, sizeof at); /* uv_buf_t knows no const */
  while (size) {
    uv_buf_t buf = {.base = at, .len = size};
    int n = lti_task_uv.try_write(&stream->uv.stream, &buf, 1);
    if (n == UV_EAGAIN)
      return write_rest(task, stream, at, size);
    if (n < 0)
      return n;
    at += n;
    size -= (size_t)n;
  }
  return 0;
}

struct shutting {
  uv_shutdown_t request; /* first */
  struct lti_wait wait;
};

static void was_shut(uv_shutdown_t *request, int status) {
  lti_wake(&((struct shutting *)request)->wait, status);
  lti_drain(lti_sched);
}

int64_t lt_shutdown(lt_stream *stream) {
  struct lti_tcb *task = lti_running("lt_shutdown");
  if (!task)
    return UV_EINVAL;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  /* Not cancelled but by closing: it is short unless writes are pending. */
  struct shutting shutting = {.wait = {.why = LT_WAIT_SHUTDOWN}};
  int status =
      lti_task_uv.shutdown(&shutting.request, &stream->uv.stream, was_shut);
  return status < 0 ? status : lti_block(task, &shutting.wait);
}

/* --- Listening ------------------------------------------------------------ */

static void connection_came(uv_stream_t *handle, int status) {
  lt_stream *listener = (lt_stream *)handle;
  if (status < 0)
    listener->ended = status;
  else
    listener->arrived++;
  if (listener->reader)
    reader_ends(listener, status);
  lti_drain(lti_sched);
}

int64_t lt_accept(lt_stream *listener, lt_stream **out) {
  struct lti_tcb *task = lti_running("lt_accept");
  if (!task)
    return UV_EINVAL;
  if (listener->reader)
    return UV_EBUSY;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  if (!listener->arrived && !listener->ended) {
    struct reading accepting = {
        .wait = {.why = LT_WAIT_ACCEPT, .cancel = reading_cancel},
        .stream = listener};
    listener->reader = &accepting;
    int64_t status = lti_block(task, &accepting.wait);
    if (status == UV_ECANCELED) /* the listener may be gone */
      return status;
  }
  if (!listener->arrived) {
    int64_t status = listener->ended;
    listener->ended = 0; /* such as too many open files: it may pass */
    return status;
  }
  listener->arrived--;
  lt_stream *stream =
      stream_new(lti_sched, listener->uv.handle.type == UV_TCP);
  if (!stream)
    return UV_ENOMEM;
  int status = lti_task_uv.accept(&listener->uv.stream, &stream->uv.stream);
  if (status < 0) {
    lt_stream_close(stream);
    return status;
  }
  *out = stream;
  return 0;
}

static int address_of(const char *host, int port,
                      struct sockaddr_storage *out) {
  if (uv_ip4_addr(host, port, (struct sockaddr_in *)out) == 0)
    return 0;
  return uv_ip6_addr(host, port, (struct sockaddr_in6 *)out);
}

static int64_t look_up(const char *host, int port, struct addrinfo **found) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  char service[16];
  snprintf(service, sizeof service, "%d", port);
  return lt_getaddrinfo(host, service, &hints, found);
}

static int64_t listen_on(lt_stream *stream, int status, lt_stream **out) {
  enum { BACKLOG = 511 };
  if (status == 0)
    status =
        lti_task_uv.listen(&stream->uv.stream, BACKLOG, connection_came);
  if (status < 0) {
    lt_stream_close(stream);
    return status;
  }
  *out = stream;
  return 0;
}

static int64_t listen_at(const struct sockaddr *address, lt_stream **out) {
  lt_stream *stream = stream_new(lti_sched, true);
  if (!stream)
    return UV_ENOMEM;
  return listen_on(stream, uv_tcp_bind(&stream->uv.tcp, address, 0), out);
}

int64_t lt_tcp_listen(const char *host, int port, lt_stream **out) {
  struct sockaddr_storage address;
  struct addrinfo *found;
  if (!lti_running("lt_tcp_listen"))
    return UV_EINVAL;
  if (address_of(host, port, &address) == 0)
    return listen_at((const struct sockaddr *)&address, out);
  int64_t status = look_up(host, port, &found);
  if (status < 0)
    return status;
  for (const struct addrinfo *a = found; a; a = a->ai_next)
    if ((status = listen_at(a->ai_addr, out)) == 0)
      break;
  uv_freeaddrinfo(found);
  return status;
}

int64_t lt_pipe_listen(const char *path, lt_stream **out) {
  if (!lti_running("lt_pipe_listen"))
    return UV_EINVAL;
  lt_stream *stream = stream_new(lti_sched, false);
  if (!stream)
    return UV_ENOMEM;
  return listen_on(stream, uv_pipe_bind(&stream->uv.pipe, path), out);
}

/* --- Connecting ----------------------------------------------------------- */

static void connected(uv_connect_t *request, int status) {
  struct connecting *connecting = (struct connecting *)request;
  lti_work_end(lti_sched, connecting->wait.awaited, status);
  lti_wake(&connecting->wait, status);
  lti_drain(lti_sched);
}

/* Closing makes libuv call back with UV_ECANCELED. */
static void connect_cancel(struct lti_wait *wait) {
  struct connecting *connecting =
      (struct connecting *)((char *)wait - offsetof(struct connecting, wait));
  lt_stream_close(connecting->stream);
  connecting->stream = NULL;
}

/* address NULL: a pipe at path. */
static int64_t connect_to(struct lti_tcb *task, const struct sockaddr *address,
                          const char *path, lt_stream **out) {
  lt_stream *stream = stream_new(lti_sched, address != NULL);
  if (!stream)
    return UV_ENOMEM;
  struct connecting connecting = {
      .wait = {.why = LT_WAIT_CONNECT, .cancel = connect_cancel},
      .stream = stream};
  int64_t status = 0;
  if (address)
    status = lti_task_uv.tcp_connect(&connecting.request, &stream->uv.tcp,
                                   address, connected);
  else
    lti_task_uv.pipe_connect(&connecting.request, &stream->uv.pipe, path,
                           connected);
  if (status == 0) {
    connecting.wait.awaited = lti_work_begin(
        lti_sched, LT_TASK_CONNECT, __extension__(void *) lt_tcp_connect,
        task->spawner);
    status = lti_block(task, &connecting.wait);
  }
  if (status == 0)
    *out = stream;
  else
    lt_stream_close(connecting.stream); /* NULL: it was cancelled */
  return status;
}

int64_t lt_pipe_connect(const char *path, lt_stream **out) {
  struct lti_tcb *task = lti_running("lt_pipe_connect");
  if (!task)
    return UV_EINVAL;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  return connect_to(task, NULL, path, out);
}

int64_t lt_tcp_connect(const char *host, int port, lt_stream **out) {
  struct lti_tcb *task = lti_running("lt_tcp_connect");
  struct sockaddr_storage address;
  struct addrinfo *found = NULL;
  if (!task)
    return UV_EINVAL;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  if (address_of(host, port, &address) == 0)
    return connect_to(task, (const struct sockaddr *)&address, NULL, out);
  int64_t status = look_up(host, port, &found);
  for (struct addrinfo *a = found; status == 0 && a; a = a->ai_next) {
    status = connect_to(task, a->ai_addr, NULL, out);
    if (status == 0 || status == UV_ECANCELED)
      break;
    if (a->ai_next)
      status = 0; /* the next one, then */
  }
  if (found)
    uv_freeaddrinfo(found);
  return status;
}
