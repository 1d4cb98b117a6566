/* Things with ids, in memory that is rationed: a file may name any ids, in any
 * number, and must neither exhaust memory nor make look-ups slow. */
#ifndef LTI_IDMAP_H
#define LTI_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What may still be allocated.  Shared by several tables. */
struct lti_budget {
  size_t left;
  bool is_out; /* something was refused, for want of budget or of memory */
};

/* realloc() within the budget.
 * Returns: NULL (and is_out) when refused; then old is as it was. */
void *lti_budget_realloc(struct lti_budget *budget, void *old, size_t old_bytes,
                         size_t new_bytes);

/* Items of one size, found by a 64-bit id.  Items never go; pointers to them
 * are good until the next put. */
struct lti_idmap {
  size_t item_bytes; /* set before the first put; all else is 0 then */
  uint32_t n, capacity;
  uint8_t *items;
  uint64_t *ids;    /* of each item */
  uint32_t *slots;  /* hash table: index of an item plus 1, 0 for none */
  uint32_t n_slots; /* a power of two, or 0 */
  uint64_t seed;
};

/* Find.  Returns: NULL where there is none. */
void *lti_idmap_get(const struct lti_idmap *map, uint64_t id);

/* Find or add, zeroed.
 * Returns: NULL when the budget is out. */
void *lti_idmap_put(struct lti_idmap *map, struct lti_budget *budget,
                    uint64_t id);

static inline void *lti_idmap_at(const struct lti_idmap *map, uint32_t i) {
  return map->items + (size_t)i * map->item_bytes;
}

/* Free all; the budget is not given back. */
void lti_idmap_free(struct lti_idmap *map);

/* Texts that stay where they are: blocks of bytes, chained. */
struct lti_texts {
  struct lti_text_block *newest;
};

/* Copy n bytes and a NUL behind them.
 * Returns: NULL when the budget is out; stable until lti_texts_free(). */
char *lti_texts_copy(struct lti_texts *texts, struct lti_budget *budget,
                     const void *bytes, size_t n);

/* Free all; the budget is not given back. */
void lti_texts_free(struct lti_texts *texts);

#endif
