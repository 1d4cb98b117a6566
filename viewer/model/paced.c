/* A merge sort, bottom up, of numbers.
 *
 * Invariant: spare[0 .. out-1] has the pairs of runs that were merged in this
 * pass; order is whole, but for the pass that is not over, at any moment.
 * Called by census.c and tui/tasks_order.c. */
#include "model/paced.h"

#include <stdlib.h>

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* The pair of runs that begins at low. */
static void begin_pair(struct paced *p, size_t low) {
  p->low = p->left = low;
  p->right = least(low + p->width, p->n);
}

bool paced_begin(struct paced *p, size_t n, paced_compare *compare,
                 const void *context) {
  *p = (struct paced){.n = n, .width = 1, .compare = compare,
                      .context = context};
  p->order = calloc(n + 1, sizeof *p->order);
  p->spare = calloc(n + 1, sizeof *p->spare);
  if (!p->order || !p->spare || n > UINT32_MAX) {
    paced_end(p);
    return false;
  }
  for (size_t i = 0; i < n; i++)
    p->order[i] = (uint32_t)i;
  begin_pair(p, 0);
  return true;
}

static void end_pass(struct paced *p) {
  uint32_t *sorted = p->spare;
  p->spare = p->order;
  p->order = sorted;
  p->width *= 2;
  p->out = 0;
  begin_pair(p, 0);
}

bool paced_step(struct paced *p, uint64_t n_steps) {
  for (; p->width < p->n; n_steps--) {
    if (n_steps == 0)
      return true;
    size_t middle = least(p->low + p->width, p->n);
    size_t end = least(middle + p->width, p->n);
    bool takes_left =
        p->left < middle &&
        (p->right == end || p->compare(p->context, p->order[p->left],
                                       p->order[p->right]) <= 0);
    p->spare[p->out++] = p->order[takes_left ? p->left++ : p->right++];
    if (p->out == p->n)
      end_pass(p);
    else if (p->out == end)
      begin_pair(p, end);
  }
  return false;
}

void paced_end(struct paced *p) {
  free(p->order);
  free(p->spare);
  *p = (struct paced){.n = 0};
}
