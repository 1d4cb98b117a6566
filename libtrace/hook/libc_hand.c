/* libc's blocking calls that C cannot make from a table: with a variable number
 * of arguments, without a result, or with a try that sets errno.  As libc.c. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#undef _FORTIFY_SOURCE
#include "hook/call.h"

#include <errno.h>

static inline bool is_wanted(const void *site) {
  return __builtin_expect(lti_self.attended != 0, 0) && lti_call_wanted(site);
}

/* The mode is there only if the flags say so: reading it otherwise is harmless
 * in registers, but not on every machine. */
#define OPENING(name, params, args)                                            \
  LTI_INTERPOSE int name params {                                              \
    const void *site = __builtin_return_address(0);                            \
    mode_t mode = 0;                                                           \
    if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {                 \
      va_list more;                                                            \
      va_start(more, flags);                                                   \
      mode = va_arg(more, mode_t);                                             \
      va_end(more);                                                            \
    }                                                                          \
    if (!is_wanted(site))                                                      \
      return lti_libc.name args;                                               \
    LTI_CALL(LT_CALLEE_open, 0, site);                                         \
    return lti_libc.name args;                                                 \
  }
OPENING(open, (const char *path, int flags, ...), (path, flags, mode))
OPENING(open64, (const char *path, int flags, ...), (path, flags, mode))
OPENING(openat, (int at, const char *path, int flags, ...),
        (at, path, flags, mode))
OPENING(openat64, (int at, const char *path, int flags, ...),
        (at, path, flags, mode))

/* Only waiting for a lock blocks.  An argument that is not there is read as
 * garbage, which the kernel ignores, as it does with libc's own fcntl. */
#define CONTROLLING(name)                                                      \
  LTI_INTERPOSE int name(int fd, int op, ...) {                                \
    const void *site = __builtin_return_address(0);                            \
    va_list more;                                                              \
    va_start(more, op);                                                        \
    void *arg = va_arg(more, void *);                                          \
    va_end(more);                                                              \
    if ((op != F_SETLKW && op != F_OFD_SETLKW) || !is_wanted(site))            \
      return lti_libc.name(fd, op, arg);                                       \
    LTI_CALL(LT_CALLEE_fcntl, LTI_FD(fd), site);                               \
    return lti_libc.name(fd, op, arg);                                         \
  }
CONTROLLING(fcntl)
CONTROLLING(fcntl64)

/* 0: it was free, or was no semaphore; else the wait is still to come.  Waiting
 * is a cancellation point even when there is nothing to wait for. */
static int sem_try(sem_t *sem) {
  int before = errno;
  pthread_testcancel();
  int result = lti_libc.sem_trywait(sem);
  if (result == 0)
    return 0;
  if (errno != EAGAIN)
    return -1;
  errno = before;
  return 1;
}

LTI_INTERPOSE int sem_wait(sem_t *sem) {
  const void *site = __builtin_return_address(0);
  if (!is_wanted(site))
    return lti_libc.sem_wait(sem);
  int result = sem_try(sem);
  if (result <= 0)
    return result;
  LTI_CALL(LT_CALLEE_sem_wait, LTI_LOCK(sem), site);
  return lti_libc.sem_wait(sem);
}

LTI_INTERPOSE int sem_timedwait(sem_t *sem, const struct timespec *t) {
  const void *site = __builtin_return_address(0);
  if (!is_wanted(site))
    return lti_libc.sem_timedwait(sem, t);
  int result = sem_try(sem);
  if (result <= 0)
    return result;
  LTI_CALL(LT_CALLEE_sem_timedwait, LTI_LOCK(sem), site);
  return lti_libc.sem_timedwait(sem, t);
}

/* A thread's id is in the number of its CPU clock; one that has ended has none. */
static uint32_t tid_of(pthread_t thread) {
  clockid_t clock;
  return lti_libc.pthread_getcpuclockid(thread, &clock) == 0
             ? ~(uint32_t)(clock >> 3)
             : 0;
}

LTI_INTERPOSE int pthread_join(pthread_t thread, void **value) {
  const void *site = __builtin_return_address(0);
  if (!is_wanted(site))
    return lti_libc.pthread_join(thread, value);
  LTI_CALL(LT_CALLEE_pthread_join, LTI_LOCK(thread), site);
  lti_call_held(&call, tid_of(thread));
  return lti_libc.pthread_join(thread, value);
}

LTI_INTERPOSE void sync(void) {
  const void *site = __builtin_return_address(0);
  if (!is_wanted(site)) {
    lti_libc.sync();
    return;
  }
  LTI_CALL(LT_CALLEE_sync, 0, site);
  lti_libc.sync();
}

static void log_plain(int priority, const char *format, va_list args,
                      const void *site) {
  if (!is_wanted(site)) {
    lti_libc.vsyslog(priority, format, args);
    return;
  }
  LTI_CALL(LT_CALLEE_syslog, 0, site);
  lti_libc.vsyslog(priority, format, args);
}

static void log_checked(int priority, int flag, const char *format,
                        va_list args, const void *site) {
  if (!is_wanted(site)) {
    lti_libc.__vsyslog_chk(priority, flag, format, args);
    return;
  }
  LTI_CALL(LT_CALLEE_syslog, 0, site);
  lti_libc.__vsyslog_chk(priority, flag, format, args);
}

LTI_INTERPOSE void vsyslog(int priority, const char *format, va_list args) {
  log_plain(priority, format, args, __builtin_return_address(0));
}

LTI_INTERPOSE void syslog(int priority, const char *format, ...) {
  va_list args;
  va_start(args, format);
  log_plain(priority, format, args, __builtin_return_address(0));
  va_end(args);
}

LTI_INTERPOSE void __vsyslog_chk(int priority, int flag, const char *format,
                                 va_list args) {
  log_checked(priority, flag, format, args, __builtin_return_address(0));
}

LTI_INTERPOSE void __syslog_chk(int priority, int flag, const char *format,
                                ...) {
  va_list args;
  va_start(args, format);
  log_checked(priority, flag, format, args, __builtin_return_address(0));
  va_end(args);
}
