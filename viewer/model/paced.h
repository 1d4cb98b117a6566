/* Sorting that can pause: somebody presses keys meanwhile. */
#ifndef LTV_MODEL_PACED_H
#define LTV_MODEL_PACED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Compare two things by their numbers, as qsort's. */
typedef int paced_compare(const void *context, uint32_t a, uint32_t b);

struct paced {
  uint32_t *order; /* after the last step: the numbers 0 .. n-1 in order */
  uint32_t *spare;
  size_t n;
  size_t width;             /* runs of so many are in order, */
  size_t low, left, right;  /* two of them are being merged from here, */
  size_t out;               /* to here */
  paced_compare *compare;
  const void *context;
};

/* Begin; equals keep their order.  context: borrowed until the last step.
 * Returns: false without memory. */
bool paced_begin(struct paced *paced, size_t n, paced_compare *compare,
                 const void *context);
/* Go on for so many comparisons.  Returns: whether there is more to do. */
bool paced_step(struct paced *paced, uint64_t n_steps);
/* Free all; also what was never begun, if it is zero. */
void paced_end(struct paced *paced);

#endif
