/* The futex in the arena.
 *
 * Invariant: asleep is 1 only between lti_nap_prepare() and the end of
 * lti_nap(); whoever sets it to 0 in between wakes the sleeper.  Called by the
 * drain's homes and by threads of the traced program whose ring fills. */
#include "base/nap.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Not FUTEX_PRIVATE: the two sides are two processes. */
static void futex(struct lti_arena *arena, int operation, uint32_t value,
                  const struct timespec *timeout) {
  (void)syscall(SYS_futex, &arena->asleep, operation, value, timeout, NULL, 0);
}

void lti_nap(struct lti_arena *arena, uint64_t ns) {
  const struct timespec timeout = {(time_t)(ns / 1000000000u),
                                   (long)(ns % 1000000000u)};
  futex(arena, FUTEX_WAIT, 1, &timeout);
  atomic_store(&arena->asleep, 0);
}

void lti_nap_end(struct lti_arena *arena) {
  if (atomic_load_explicit(&arena->asleep, memory_order_relaxed) &&
      atomic_exchange(&arena->asleep, 0))
    futex(arena, FUTEX_WAKE, 1, NULL);
}
