/* Registers and stack of a running thread, copied by the kernel. */
#ifndef LTV_WATCH_PERF_H
#define LTV_WATCH_PERF_H

#include "watch/unwind.h"

struct perf; /* one thread under sampling */

/* Begin to sample a thread while it runs in user mode.
 * Returns: owned; NULL with errno where it is not possible. */
struct perf *perf_open(int32_t tid);

/* End it; NULL is a no-op. */
void perf_close(struct perf *perf);

/* The next sample: registers, the stack into memory, and when (CLOCK_MONOTONIC
 * ns).  Returns: false when there is none yet. */
bool perf_next(struct perf *perf, struct registers *registers,
               struct memory *memory, uint64_t *time_ns);

/* Can it be had on this kind of machine at all? */
bool perf_is_supported(void);

#endif
