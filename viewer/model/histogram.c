/* Log-linear histogram: 16 steps in each octave, from 1.024 us up.
 *
 * Invariant: n is the sum of all bins; what is below the first step is in bin
 * 0, what is above the last in the last bin, and max_ns is exact.  Called by
 * the builder for every slice and turn, so adding is a shift and an increment.
 */
#include "model/model.h"

#define FIRST_OCTAVE 10 /* 2^10 ns */
#define STEPS 16

static unsigned bin_of(int64_t ns) {
  if (ns < (int64_t)1 << FIRST_OCTAVE)
    return 0;
  unsigned log2 = 63 - (unsigned)__builtin_clzll((uint64_t)ns);
  unsigned step = (unsigned)((uint64_t)ns >> (log2 - 4)) & (STEPS - 1);
  unsigned bin = (log2 - FIRST_OCTAVE) * STEPS + step;
  return bin < MODEL_HISTOGRAM_BINS ? bin : MODEL_HISTOGRAM_BINS - 1;
}

int64_t model_histogram_floor(unsigned bin) {
  unsigned log2 = bin / STEPS + FIRST_OCTAVE;
  return ((int64_t)1 << log2) + ((int64_t)(bin % STEPS) << (log2 - 4));
}

/* The middle of a bin. */
static int64_t value_of(unsigned bin) {
  unsigned log2 = bin / STEPS + FIRST_OCTAVE;
  int64_t width = (int64_t)1 << (log2 - 4);
  return ((int64_t)1 << log2) + (int64_t)(bin % STEPS) * width + width / 2;
}

static inline void add_to_bin(struct model_histogram *h, int64_t ns,
                              unsigned bin) {
  h->n++;
  h->sum_ns = h->sum_ns > INT64_MAX - ns ? INT64_MAX : h->sum_ns + ns;
  if (ns > h->max_ns)
    h->max_ns = ns;
  h->bins[bin]++;
}

void model_histogram_add_both(struct model_histogram *h,
                              struct model_histogram *other, int64_t ns) {
  if (ns < 0)
    ns = 0;
  unsigned bin = bin_of(ns);
  add_to_bin(h, ns, bin);
  if (other)
    add_to_bin(other, ns, bin);
}

void model_histogram_add(struct model_histogram *h, int64_t ns) {
  model_histogram_add_both(h, NULL, ns);
}

int64_t model_histogram_percentile(const struct model_histogram *h, double p) {
  if (h->n == 0)
    return 0;
  uint64_t rank = (uint64_t)((double)h->n * p / 100.0);
  if (rank + 1 >= h->n) /* the last one, which is known exactly */
    return h->max_ns;
  uint64_t seen = 0;
  for (unsigned i = 0; i < MODEL_HISTOGRAM_BINS; i++) {
    seen += h->bins[i];
    if (seen > rank) {
      int64_t v = value_of(i);
      return v < h->max_ns ? v : h->max_ns;
    }
  }
  return h->max_ns;
}

uint64_t model_histogram_below(const struct model_histogram *h, int64_t ns) {
  uint64_t n = 0;
  if (h->max_ns <= ns)
    return h->n;
  for (unsigned i = 0; i + 1 < MODEL_HISTOGRAM_BINS; i++)
    if (model_histogram_floor(i + 1) <= ns)
      n += h->bins[i];
  return n;
}
