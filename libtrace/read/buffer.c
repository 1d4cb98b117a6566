/* Memory for decoded events, to be used again: what is new to the process costs
 * more than to fill it.
 *
 * Invariant: an empty buffer has no capacity.  Called by merge.c and ahead.c. */
#include "read/buffer.h"

#include <stdlib.h>

bool lti_buffer_reserve(struct lti_buffer *b, uint32_t n) {
  if (b->capacity >= n)
    return true;
  free(b->events);
  uint32_t step = 1; /* so that it fits the next block that is about as large */
  while (step <= n / 16)
    step *= 2;
  n = (n + step - 1) / step * step;
  b->events = malloc(n * sizeof *b->events);
  b->capacity = b->events ? n : 0;
  return b->events != NULL;
}

void lti_spares_put(struct lti_spares *s, struct lti_buffer *buffer,
                    uint32_t limit) {
  if (buffer->events && s->n < LTI_SPARE_BUFFERS &&
      buffer->capacity <= limit - s->n_events) {
    s->at[s->n++] = *buffer;
    s->n_events += buffer->capacity;
  } else {
    free(buffer->events);
  }
  *buffer = (struct lti_buffer){NULL, 0};
}

struct lti_buffer lti_spares_take(struct lti_spares *s) {
  if (!s->n)
    return (struct lti_buffer){NULL, 0};
  struct lti_buffer taken = s->at[--s->n];
  s->n_events -= taken.capacity;
  return taken;
}

void lti_spares_free(struct lti_spares *s) {
  while (s->n)
    free(s->at[--s->n].events);
  s->n_events = 0;
}
