/* The ways in which `looptrace selftest` holds a loop, and what each must be
 * reported as. */
#ifndef LTV_SELFTEST_H
#define LTV_SELFTEST_H

#include <stdbool.h>

#define SELFTEST_HOLD_MS 150

/* X(name, text, callee that it must be found in, NULL for none, "" where
 * only the watchdog knows it, if it may) */
#define SELFTEST_MAP(X)                                                        \
  X(compute, "computation", NULL)                                              \
  X(nap, "sleep", "nanosleep")                                                 \
  X(pipe, "read from a pipe", "read")                                          \
  X(lock, "a lock that another thread holds", "pthread_mutex_lock")            \
  X(condition, "a condition variable", "pthread_cond_timedwait")               \
  X(child, "wait for a process", "waitpid")                                    \
  X(raw, "a system call past the C library", "")

enum selftest_way {
#define SELFTEST_ENUM(name, text, callee) SELFTEST_##name,
  SELFTEST_MAP(SELFTEST_ENUM)
#undef SELFTEST_ENUM
      SELFTEST_WAYS
};

/* The program that is recorded: holds a libuv loop in each way where libuv is
 * there, and one of its own in each way behind that.  Returns: an exit status,
 * 3 where there is no libuv. */
int selftest_hold(void);

#endif
