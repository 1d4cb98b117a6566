/* Memory for decoded events, to be used again. */
#ifndef LTI_READ_BUFFER_H
#define LTI_READ_BUFFER_H

#include <looptrace/reader.h>

struct lti_buffer {
  lt_event *events;
  uint32_t capacity;
};

/* Make room for n events; what was in it is gone.
 * Returns: false without memory; then it is empty. */
bool lti_buffer_reserve(struct lti_buffer *buffer, uint32_t n);

/* Buffers that are not needed now: the newest is used first. */
#define LTI_SPARE_BUFFERS 32
struct lti_spares {
  struct lti_buffer at[LTI_SPARE_BUFFERS];
  uint32_t n, n_events; /* that they have room for */
};

/* Put a buffer there, as long as they have room for limit events in all, or free
 * it; then it is empty. */
void lti_spares_put(struct lti_spares *spares, struct lti_buffer *buffer,
                    uint32_t limit);

/* Take one, of any size; an empty one where there is none. */
struct lti_buffer lti_spares_take(struct lti_spares *spares);

/* Free all. */
void lti_spares_free(struct lti_spares *spares);

#endif
