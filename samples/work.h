/* A blocking wait and a long computation, as samples need them. */
#ifndef WORK_H
#define WORK_H

#include <time.h>
#include <unistd.h>

#include "sample.h"

static inline uint64_t clock_ms(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* As a client library that knows no loop: it waits for its server. */
static inline int64_t slow_query(void *unused) {
  (void)unused;
  usleep((useconds_t)scaled_ms(400) * 1000);
  return 0;
}

/* Some 400 ms of the processor's time. */
static inline int64_t count_primes(void *unused) {
  uint64_t until = clock_ms(CLOCK_THREAD_CPUTIME_ID) + scaled_ms(400);
  int64_t found = 0;
  (void)unused;
  for (unsigned n = 2; clock_ms(CLOCK_THREAD_CPUTIME_ID) < until; n++) {
    unsigned d = 2;
    while (d * d <= n && n % d)
      d++;
    found += d * d > n;
  }
  return found;
}

/* Beats every 20 ms until it is cancelled, and tells the longest gap. */
static inline int64_t heartbeat(void *unused) {
  uint64_t last = clock_ms(CLOCK_MONOTONIC), worst = 0;
  (void)unused;
  while (lt_sleep(scaled_ms(20)) == 0) {
    uint64_t now = clock_ms(CLOCK_MONOTONIC);
    worst = now - last > worst ? now - last : worst;
    last = now;
  }
  printf("longest gap of the heartbeat: %s than 200 ms\n",
         (double)worst > 200 * scale ? "more" : "less");
  return UV_ECANCELED;
}

#endif
