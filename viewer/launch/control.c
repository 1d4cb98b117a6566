/* A UNIX socket, one short question at a time.
 *
 * Invariant: only a process of the same user (or root) is answered, and nobody
 * holds the recording up for longer than PATIENCE_MS.  Called by launch.c and,
 * for the other side, by cmd_ctl.c. */
#include "config.h"

#include "launch/control.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 1000
#define ASK_PATIENCE_MS 30000
#define ANSWER_MAX (64u << 10)

struct control {
  int fd;
  char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static bool address_of(const char *path, struct sockaddr_un *address) {
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  size_t size = strlen(path);
  if (size >= sizeof address->sun_path) {
    errno = ENAMETOOLONG;
    return false;
  }
  memcpy(address->sun_path, path, size + 1);
  return true;
}

/* The folder is one where others may make files: the umask keeps them out. */
struct control *control_open(const char *arena_path) {
  char path[PATH_MAX];
  struct sockaddr_un address;
  struct control *c = calloc(1, sizeof *c);
  snprintf(path, sizeof path, "%s" CONTROL_SUFFIX, arena_path);
  if (!c || !address_of(path, &address)) {
    free(c);
    return NULL;
  }
  memcpy(c->path, address.sun_path, sizeof c->path);
  c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (c->fd >= 0 &&
      bind(c->fd, (const struct sockaddr *)&address, sizeof address) == 0) {
    if (listen(c->fd, 8) == 0)
      return c;
    unlink(c->path);
  }
  if (c->fd >= 0)
    close(c->fd);
  free(c);
  return NULL;
}

void control_close(struct control *c) {
  if (!c)
    return;
  close(c->fd);
  unlink(c->path);
  free(c);
}

int control_fd(const struct control *c) {
  return c ? c->fd : -1;
}

static bool is_ours(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == geteuid() || peer.uid == 0);
}

/* Read until the other side has said all, or a line's end where one is wanted.
 * Returns: how many bytes, -1 on an error. */
static ssize_t hear(int fd, char *text, size_t size, bool one_line,
                    int patience_ms) {
  size_t n = 0;
  while (n + 1 < size) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, patience_ms) <= 0)
      return -1;
    ssize_t got = recv(fd, text + n, size - 1 - n, 0);
    if (got < 0)
      return -1;
    if (got == 0)
      break;
    n += (size_t)got;
    if (one_line && memchr(text, '\n', n))
      break;
  }
  text[n] = 0;
  return (ssize_t)n;
}

static bool say(int fd, const char *text, int patience_ms) {
  size_t left = strlen(text);
  while (left) {
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    if (poll(&wait, 1, patience_ms) <= 0)
      return false;
    ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
    if (n < 0)
      return false;
    text += n;
    left -= (size_t)n;
  }
  return true;
}

void control_serve(const struct control *c, control_answer *answer,
                   void *context) {
  char line[CONTROL_LINE_MAX];
  int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0)
    return;
  if (is_ours(fd) && hear(fd, line, sizeof line, true, PATIENCE_MS) > 0) {
    line[strcspn(line, "\n")] = 0;
    char *text = answer(context, line);
    if (text)
      (void)say(fd, text, PATIENCE_MS);
    free(text);
  }
  close(fd);
}

bool control_ask(const char *socket_path, const char *verb, char **answer) {
  struct sockaddr_un address;
  char line[CONTROL_LINE_MAX];
  char *text = malloc(ANSWER_MAX);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool done = false;
  snprintf(line, sizeof line, "%s\n", verb);
  if (text && fd >= 0 && address_of(socket_path, &address) &&
      connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
      say(fd, line, ASK_PATIENCE_MS)) {
    errno = ECONNRESET;
    done = hear(fd, text, ANSWER_MAX, false, ASK_PATIENCE_MS) > 0;
  }
  int error = errno;
  if (fd >= 0)
    close(fd);
  if (done)
    *answer = text;
  else
    free(text);
  errno = error;
  return done;
}
