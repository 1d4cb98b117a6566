/* Names of descriptors.
 *
 * Taken where the call was made, right after it: from outside, or later, the
 * number may be another file's.  Invariant: no data, only what /proc/self/fd
 * and the socket's address say.  Called by lti_call_end(). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "hook/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "hook/scope.h"

enum { NAME_MAX_BYTES = 256, TOLD = 1024 };

/* What was told of a descriptor last, as a hash; by number modulo TOLD. */
static _Atomic uint64_t told[TOLD];

static uint64_t hash(uint64_t h, const char *text) {
  for (; *text; text++)
    h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
  return h;
}

union address {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
  struct sockaddr_un un;
};

/* Returns: false where it says nothing. */
static bool put_address(const char *how, const union address *a, socklen_t size,
                        char *to, size_t n) {
  char host[INET6_ADDRSTRLEN] = "";
  size_t at = offsetof(struct sockaddr_un, sun_path);
  switch (a->any.sa_family) {
  case AF_INET:
    (void)inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof host);
    (void)snprintf(to, n, "%s %s:%u", how, host, ntohs(a->in.sin_port));
    return a->in.sin_port != 0;
  case AF_INET6:
    (void)inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof host);
    (void)snprintf(to, n, "%s [%s]:%u", how, host, ntohs(a->in6.sin6_port));
    return a->in6.sin6_port != 0;
  case AF_UNIX:
    if (size <= at)
      return false;
    size_t length = size - at;
    bool is_abstract = !a->un.sun_path[0];
    (void)snprintf(to, n, "%s %s%.*s", how, is_abstract ? "@" : "",
                   (int)(length - is_abstract), a->un.sun_path + is_abstract);
    return length > 1;
  default:
    return false;
  }
}

static void name_socket(int fd, char *to, size_t n) {
  union address a = {.any = {.sa_family = AF_UNSPEC}};
  socklen_t size = sizeof a;
  if (getpeername(fd, &a.any, &size) == 0 &&
      put_address("socket to", &a, size, to, n))
    return;
  size = sizeof a;
  if (getsockname(fd, &a.any, &size) == 0 &&
      put_address("socket at", &a, size, to, n))
    return;
  (void)snprintf(to, n, "socket");
}

/* link: as /proc shows it, "pipe:[4711]" or "anon_inode:[eventfd]". */
static void name_other(const char *link, char *to, size_t n) {
  static const char anonymous[] = "anon_inode:";
  if (strncmp(link, anonymous, sizeof anonymous - 1) == 0)
    link += sizeof anonymous - 1;
  bool is_framed = *link == '[';
  (void)snprintf(to, n, "%.*s", (int)strcspn(link + is_framed, ":]"),
                 link + is_framed);
}

void lti_fd_tell(int fd, uint64_t now) {
  char path[32], link[NAME_MAX_BYTES], name[NAME_MAX_BYTES];
  int saved = errno;
  const struct lti_arena *arena =
      __atomic_load_n(&lti_process.arena, __ATOMIC_RELAXED);
  if (fd < 0 || !arena || arena->no_fd_names || lti_process.is_confined)
    return;
  (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  long n = syscall(SYS_readlinkat, AT_FDCWD, path, link, sizeof link - 1);
  errno = saved;
  if (n <= 0)
    return; /* it was closed by this call */
  link[n] = 0;
  uint64_t h = hash((uint64_t)fd * 4096 + lti_epoch() + 1, link);
  if (atomic_exchange_explicit(&told[fd % TOLD], h, memory_order_relaxed) == h)
    return;
  if (*link == '/')
    (void)snprintf(name, sizeof name, "%s", link);
  else if (strncmp(link, "socket:", 7) == 0)
    name_socket(fd, name, sizeof name);
  else
    name_other(link, name, sizeof name);
  lti_emit_at(now, LT_FD_NAME, 0, (uint64_t)fd + 1, lti_emit_string(name), 0);
  errno = saved;
}
