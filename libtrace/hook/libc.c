/* libc's blocking calls, from libc_map.h: times, descriptors, sockets, waits,
 * locks, names.
 *
 * Off a loop thread a wrapper is a load, a branch and a jump.  errno is what
 * the real function left.  The program and its libraries call these, libuv
 * among them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#undef _FORTIFY_SOURCE /* its inline functions have the names defined here */
#include "hook/call.h"

#include <errno.h>

#define WRAP_CALL(ret, name, params, args, callee, ref)                        \
  LTI_INTERPOSE ret name params {                                              \
    if (__builtin_expect(!lti_self.attended, 1))                               \
      return lti_libc.name args;                                               \
    const void *site = __builtin_return_address(0);                            \
    if (!lti_call_wanted(site))                                                \
      return lti_libc.name args;                                               \
    LTI_CALL(LT_CALLEE_##callee, ref, site);                                   \
    return lti_libc.name args;                                                 \
  }

/* Who holds a lock, as glibc keeps it there itself: its tid.  0: nobody, or
 * readers, of whom there may be many. */
static uint32_t mutex_holder(const pthread_mutex_t *lock) {
  return (uint32_t)__atomic_load_n(&lock->__data.__owner, __ATOMIC_RELAXED);
}
static uint32_t rwlock_holder(const pthread_rwlock_t *lock) {
  return (uint32_t)__atomic_load_n(&lock->__data.__cur_writer,
                                   __ATOMIC_RELAXED);
}
#define HOLDER(lock)                                                           \
  _Generic((lock), pthread_mutex_t *: mutex_holder,                            \
           pthread_rwlock_t *: rwlock_holder)(lock)

/* The try gives every answer that the lock itself would but "wait". */
#define WRAP_LOCK(ret, name, params, args, callee, try)                        \
  LTI_INTERPOSE ret name params {                                              \
    if (__builtin_expect(!lti_self.attended, 1))                               \
      return lti_libc.name args;                                               \
    const void *site = __builtin_return_address(0);                            \
    if (!lti_call_wanted(site))                                                \
      return lti_libc.name args;                                               \
    int result = lti_libc.try(lock);                                           \
    if (result != EBUSY)                                                       \
      return result;                                                           \
    LTI_CALL(LT_CALLEE_##callee, LTI_LOCK(lock), site);                        \
    lti_call_held(&call, HOLDER(lock));                                        \
    return lti_libc.name args;                                                 \
  }
#define WRAP_HAND(...)
#define WRAP_ONLY(...)
#define WRAP_VOID(...)
#define WRAP(how, ...) WRAP_##how(__VA_ARGS__)
LTI_LIBC_TIME(WRAP)
LTI_LIBC_FD(WRAP)
LTI_LIBC_SOCKET(WRAP)
LTI_LIBC_WAIT(WRAP)
LTI_LIBC_LOCK(WRAP)
LTI_LIBC_PATH(WRAP)
LTI_LIBC_STDIO(WRAP)
LTI_LIBC_NAMES(WRAP)
