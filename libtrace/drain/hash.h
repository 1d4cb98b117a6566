/* A hash table from numbers to small numbers: addresses to sites, ids of tasks
 * to their places.  Open addressing, at most half full. */
#ifndef LTI_HASH_H
#define LTI_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lti_hash {
  struct lti_hash_row *rows; /* NULL while empty */
  size_t capacity;           /* a power of two */
  size_t n;
};

/* The value of a key, or NULL; valid until the next put or remove. */
uint32_t *lti_hash_get(const struct lti_hash *table, uint64_t key);

/* Set a key's value.  Returns: false when there is no memory. */
bool lti_hash_put(struct lti_hash *table, uint64_t key, uint32_t value);

/* Take a key out; one that is not there is passed over. */
void lti_hash_remove(struct lti_hash *table, uint64_t key);

/* Empty the table and free its memory. */
void lti_hash_clear(struct lti_hash *table);

#endif
