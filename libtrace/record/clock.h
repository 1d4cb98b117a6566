/* The clock that stamps events.
 *
 * The TSC where it is invariant and the kernel itself uses it as clock source
 * (11 ns), else CLOCK_MONOTONIC (27 ns).  The arena says which; the drain turns
 * either into CLOCK_MONOTONIC nanoseconds.  Used by the hooks and by the drain. */
#ifndef LTI_CLOCK_H
#define LTI_CLOCK_H

#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

static inline uint64_t lti_monotonic_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline uint64_t lti_clock_read(int clock_is_tsc) {
#if defined(__x86_64__)
  if (__builtin_expect(clock_is_tsc, 1))
    return __rdtsc();
#endif
  (void)clock_is_tsc;
  return lti_monotonic_ns();
}

/* Can the TSC be trusted here?  Reads cpuid and the kernel's clock source.
 * Returns: 1 or 0.  Threads: any; not async-signal-safe. */
int lti_clock_tsc_usable(void);

#endif
