/* Names of the threads that others wait for.
 *
 * Taken before the wait, while the thread has the lock: it may be gone soon after
 * it gave the lock back.  Called by lti_call_held(). */
#include "hook/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hook/scope.h"

enum { KNOWN = 64, TID_BITS = 22, EPOCH_BITS = 18, STRING_BITS = 24 };

/* By thread id modulo KNOWN: of which thread in which recording, and the
 * string; all in one word, so that nobody sees a half. */
static _Atomic uint64_t known[KNOWN];

static uint64_t key_of(uint32_t tid) {
  uint64_t epoch = lti_epoch() & ((UINT64_C(1) << EPOCH_BITS) - 1);
  return (epoch << TID_BITS | tid) << STRING_BITS;
}

static void read_comm(uint32_t tid, char *comm, size_t size) {
  char path[48];
  (void)snprintf(path, sizeof path, "/proc/self/task/%u/comm", tid);
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  long n = fd < 0 ? -1 : syscall(SYS_read, fd, comm, size - 1);
  if (fd >= 0)
    (void)syscall(SYS_close, fd);
  comm[n > 0 ? n : 0] = '\0';
  comm[strcspn(comm, "\n")] = '\0';
}

uint64_t lti_holder_text(uint32_t tid) {
  char comm[32], text[80];
  if (tid == 0 || tid >> TID_BITS || !lti_is_on() || lti_process.is_confined)
    return 0;
  uint64_t key = key_of(tid), string_mask = (UINT64_C(1) << STRING_BITS) - 1;
  uint64_t word = atomic_load_explicit(&known[tid % KNOWN],
                                       memory_order_relaxed);
  if ((word & ~string_mask) == key)
    return word & string_mask;
  int saved = errno;
  read_comm(tid, comm, sizeof comm);
  (void)snprintf(text, sizeof text, *comm ? "%s (thread %u)" : "%sthread %u",
                 comm, tid);
  uint64_t id = lti_emit_string(text);
  if (id && id <= string_mask)
    atomic_store_explicit(&known[tid % KNOWN], key | id, memory_order_relaxed);
  errno = saved;
  return id;
}
