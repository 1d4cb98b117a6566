/* Waiting for descriptors: the poll phase of loops, libuv's and others', and
 * close(), which may end one of the others.
 *
 * libuv calls epoll_pwait on its backend through the PLT.  A wait in a loop
 * that is not its poll is a blocking call.  errno is what the real function
 * left. The program and its libraries call these, libuv among them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#undef _FORTIFY_SOURCE /* its inline functions have the names defined here */
#include "hook/call.h"
#include "hook/expect.h"
#include "hook/foreign.h"

static int ms_of(const struct timespec *t) {
  if (!t)
    return -1;
  if (t->tv_sec < 0 || t->tv_sec >= INT32_MAX / 1000)
    return t->tv_sec < 0 ? 0 : INT32_MAX;
  return (int)(t->tv_sec * 1000 + (t->tv_nsec + 999999) / 1000000);
}

static int ms_of_us(const struct timeval *t) {
  struct timespec ts = {t ? t->tv_sec : 0, t ? t->tv_usec * 1000 : 0};
  return t ? ms_of(&ts) : -1;
}

static inline struct lti_waits one(int fd) {
  return (struct lti_waits){.n = 1, .fd = {fd}};
}

/* A bad address is the kernel's to refuse: where nothing can be mapped, nothing
 * is read.  (A time limit is read by libc itself.) */
static bool may_read(const void *p) {
  return (uintptr_t)p >= 1 << 16 && (uintptr_t)p >> 56 == 0;
}

enum { POLLS_LOOKED_AT = 64 };

/* at: a number, since libc's headers have it that poll() only writes there. */
static struct lti_waits in_polls(uintptr_t at, nfds_t n) {
  const struct pollfd *fds = (const struct pollfd *)at;
  struct lti_waits waits = {.n = 0};
  if (!may_read(fds))
    return waits;
  for (nfds_t i = 0; i < n && i < POLLS_LOOKED_AT && waits.n < LTI_WAITS_MAX;
       i++)
    if (fds[i].fd >= 0)
      waits.fd[waits.n++] = fds[i].fd;
  return waits;
}

/* Not beyond what every set has: the kernel, too, looks at no more than the
 * process has descriptors, whatever n is. */
static struct lti_waits in_sets(int n, const fd_set *in, const fd_set *out) {
  struct lti_waits waits = {.n = 0};
  in = may_read(in) ? in : NULL;
  out = may_read(out) ? out : NULL;
  for (int fd = 0; fd < n && fd < FD_SETSIZE && waits.n < LTI_WAITS_MAX; fd++)
    if ((in && FD_ISSET(fd, in)) || (out && FD_ISSET(fd, out)))
      waits.fd[waits.n++] = fd;
  return waits;
}

/* Is this call the running uv_run's poll phase? */
static inline bool is_poll_phase(int fd) {
  return lti_self.in_uv == LTI_IN_LOOP && lti_hook.loop &&
         fd == lti_uv.uv_backend_fd(lti_hook.loop);
}

/* site, what: as lti_foreign_waited().  waits, ms: what it waits for, and how
 * long.  Outside loops they are read from the program's memory when the call
 * has succeeded, so that a bad address is the kernel's to refuse; is_early:
 * that would be too late, the call changes them. */
#define WAIT(real, name, params, args, callee, ref, is_uv, is_early, what,     \
             site, waits, ms)                                                  \
  LTI_INTERPOSE int name params {                                              \
    if (__builtin_expect(!lti_process.arena, 0))                               \
      return real args;                                                        \
    if (is_uv && !lti_self.foreign) {                                          \
      lti_poll_enter(ms);                                                      \
      int n_ready = real args;                                                 \
      lti_poll_leave(n_ready);                                                 \
      return n_ready;                                                          \
    }                                                                          \
    const void *caller = __builtin_return_address(0);                          \
    bool is_now = (is_early) || lti_self.attended;                             \
    bool is_libuvs = is_uv;                                                    \
    struct lti_waits fds_waited = {.n = 0};                                    \
    int timeout = is_now ? (ms) : 0, ready;                                    \
    if (is_now && !is_libuvs)                                                  \
      fds_waited = waits;                                                      \
    enum lti_way way =                                                         \
        is_libuvs ? LTI_POLLS                                                  \
                  : lti_foreign_way(site, &fds_waited, timeout, what, caller); \
    if (way == LTI_POLLS) {                                                    \
      lti_poll_enter(timeout);                                                 \
      lti_nested_show(lti_self.foreign ? lti_nested_run : NULL);               \
      ready = real args;                                                       \
      lti_nested_hide(lti_self.foreign ? lti_nested_run : NULL);               \
      lti_poll_leave(ready);                                                   \
      return ready;                                                            \
    }                                                                          \
    if (way == LTI_WAITS) {                                                    \
      lti_wait_enter(timeout);                                                 \
      ready = real args;                                                       \
      lti_wait_leave(ready);                                                   \
      return ready;                                                            \
    }                                                                          \
    if (way == LTI_BLOCKS) {                                                   \
      LTI_CALL(LT_CALLEE_##callee, ref, caller);                               \
      ready = real args;                                                       \
    } else {                                                                   \
      ready = real args;                                                       \
    }                                                                          \
    if (ready < 0 && !(is_now && lti_self.on_trial))                           \
      return ready;                                                            \
    if (!is_now)                                                               \
      timeout = (ms);                                                          \
    if (timeout != 0 || lti_foreign_looks(site)) {                             \
      if (!is_now)                                                             \
        fds_waited = waits;                                                    \
      lti_foreign_waited(site, &fds_waited, timeout, ready, what, caller);     \
    }                                                                          \
    return ready;                                                              \
  }

#define WAIT_HERE(name, params, args, callee, is_early, what, waits, ms)       \
  WAIT(lti_libc.name, name, params, args, callee, 0, false, is_early, what,    \
       caller, waits, ms)
WAIT_HERE(poll, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms), poll,
          false, "poll", in_polls((uintptr_t)fds, n), ms)
WAIT_HERE(__poll_chk, (struct pollfd * fds, nfds_t n, int ms, size_t size),
          (fds, n, ms, size), poll, false, "poll", in_polls((uintptr_t)fds, n),
          ms)
WAIT_HERE(ppoll,
          (struct pollfd * fds, nfds_t n, const struct timespec *t,
           const sigset_t *mask),
          (fds, n, t, mask), ppoll, false, "poll", in_polls((uintptr_t)fds, n),
          ms_of(t))
WAIT_HERE(__ppoll_chk,
          (struct pollfd * fds, nfds_t n, const struct timespec *t,
           const sigset_t *mask, size_t size),
          (fds, n, t, mask, size), ppoll, false, "poll",
          in_polls((uintptr_t)fds, n), ms_of(t))
WAIT_HERE(select,
          (int n, fd_set *in, fd_set *out, fd_set *err, struct timeval *t),
          (n, in, out, err, t), select, true, "select", in_sets(n, in, out),
          ms_of_us(t))
WAIT_HERE(pselect,
          (int n, fd_set *in, fd_set *out, fd_set *err,
           const struct timespec *t, const sigset_t *mask),
          (n, in, out, err, t, mask), pselect, true, "select",
          in_sets(n, in, out), ms_of(t))

/* A test's expectation is told of the poll, whether anything is recorded or
 * not. */
#define WAIT_EPOLL(name, params, args)                                         \
  static inline int real_##name params {                                       \
    if (__builtin_expect(!lti_expected, 1))                                    \
      return lti_libc.name args;                                               \
    lti_expect_poll(fd);                                                       \
    int ready = lti_libc.name args;                                            \
    lti_expect_woke(fd);                                                       \
    return ready;                                                              \
  }                                                                            \
  WAIT(real_##name, name, params, args, name, LTI_FD(fd), is_poll_phase(fd),   \
       true, "epoll", NULL, one(fd), ms)
WAIT_EPOLL(epoll_wait, (int fd, struct epoll_event *ev, int n, int ms),
           (fd, ev, n, ms))
WAIT_EPOLL(epoll_pwait,
           (int fd, struct epoll_event *ev, int n, int ms,
            const sigset_t *mask),
           (fd, ev, n, ms, mask))

LTI_INTERPOSE int close(int fd) {
  const void *site = __builtin_return_address(0);
  if (__builtin_expect(!lti_self.attended, 1))
    return lti_libc.close(fd);
  lti_foreign_closed(fd, site);
  if (!lti_self.attended || !lti_call_wanted(site))
    return lti_libc.close(fd);
  LTI_CALL(LT_CALLEE_close, LTI_FD(fd), site);
  return lti_libc.close(fd);
}
