/* What one event costs: ns of a loop of emits, medians of rounds that alternate.
 *
 *   emit ROUNDS EVENTS
 *
 * bare: rdtsc and a 24-byte store into a ring, the least a recorder can do; ours;
 * ours switched off; with -DLTTNG also one tracepoint with three integers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/emit.h"

#ifdef LTTNG
#include "lttng_tp.h"
#endif

struct bare {
  uint64_t clock, a, b;
};
static struct bare bare_ring[1u << 17];

/* Each way of emitting is a loop of its own, so that inlining is the same. */
static void run_bare(uint64_t n) {
  for (uint64_t i = 0; i < n; i++) {
    struct bare *r = &bare_ring[i & ((1u << 17) - 1)];
    r->clock = lti_clock_read(lti_process.clock_is_tsc);
    r->a = i;
    r->b = 42;
    __asm__ volatile("" ::: "memory");
  }
}

static void run_ours(uint64_t n) {
  for (uint64_t i = 0; i < n; i++) {
    lti_emit(LT_MARK, 0, 0, i, 42);
    /* A ring that is always drained, without a second thread's noise. */
    if ((i & 0xffff) == 0xffff)
      atomic_store_explicit(&lti_self.slot->tail, lti_self.slot->head,
                            memory_order_relaxed);
    __asm__ volatile("" ::: "memory");
  }
}

#ifdef LTTNG
static void run_lttng(uint64_t n) {
  for (uint64_t i = 0; i < n; i++)
    lttng_ust_tracepoint(bench, cb, 1, 2, i);
}
#endif

static void run_off(uint64_t n) {
  atomic_store(&lti_process.proc->enabled, 0);
  run_ours(n);
  atomic_store(&lti_process.proc->enabled, 1);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static const struct way {
  const char *name;
  void (*run)(uint64_t n);
} ways[] = {
    {"bare", run_bare},
    {"ours", run_ours},
    {"off", run_off},
#ifdef LTTNG
    {"lttng", run_lttng},
#endif
};
enum { WAYS = sizeof ways / sizeof *ways, ROUNDS_MAX = 101 };

int main(int argc, char **argv) {
  static double ns[WAYS][ROUNDS_MAX];
  int rounds = argc > 1 ? atoi(argv[1]) : 9;
  uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 2000000;
  if (rounds < 1 || rounds > ROUNDS_MAX || n == 0)
    return 2;
  struct lti_arena *arena = lti_arena_create(-1, NULL);
  if (!arena || !lti_process_attach_to(arena))
    return 1;
  lti_emit(LT_MARK, 0, 0, 0, 0);
  run_ours(1u << 18); /* the ring's pages are there */
  for (int r = 0; r < rounds; r++)
    for (int w = 0; w < WAYS; w++) {
      uint64_t t = lti_monotonic_ns();
      ways[w].run(n);
      ns[w][r] = (double)(lti_monotonic_ns() - t) / (double)n;
    }
  for (int w = 0; w < WAYS; w++) {
    qsort(ns[w], (size_t)rounds, sizeof(double), ascending);
    printf("%s %.2f\n", ways[w].name, ns[w][rounds / 2]);
  }
  return 0;
}
