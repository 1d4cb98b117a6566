/* What the two halves of probe_errno share: libc's functions, and libuv's. */
#ifndef PROBE_ERRNO_H
#define PROBE_ERRNO_H

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <uv.h>

#define MARK 4321

/* A descriptor is told as one, not by its number. */
#define TRY_AS(call, shown)                                                    \
  do {                                                                         \
    errno = MARK;                                                              \
    long long result __attribute__((unused)) = (long long)(call);              \
    int after = errno;                                                         \
    printf("  %s = %lld, errno %d\n", #call, (long long)(shown), after);       \
  } while (0)
#define TRY(call) TRY_AS(call, result)
#define TRY_FD(call)                                                           \
  do {                                                                         \
    errno = MARK;                                                              \
    int fd_made = call;                                                        \
    int after = errno;                                                         \
    printf("  %s = %d, errno %d\n", #call, fd_made < 0 ? -1 : 0, after);       \
    if (fd_made >= 0)                                                          \
      close(fd_made);                                                          \
  } while (0)
#define TRY_VOID(call)                                                         \
  do {                                                                         \
    errno = MARK;                                                              \
    call;                                                                      \
    int after = errno;                                                         \
    printf("  %s, errno %d\n", #call, after);                                  \
  } while (0)

#define NOWHERE "/nowhere/at/all"

/* Each of libuv's functions that is wrapped, in a loop of its own. */
void call_libuv(void);

#endif
