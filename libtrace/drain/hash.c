/* The hash table of the drain.
 *
 * Invariant: from a key's home row to the row where it stands no row is empty;
 * remove shifts rows back to keep it so.  Keys come from the traced program:
 * the hash is seeded by nothing, since a program that slows its own recorder
 * down harms itself only. */
#include "drain/hash.h"

#include <stdlib.h>

struct lti_hash_row {
  uint64_t key;
  uint32_t value;
  uint32_t used;
};

static size_t home(const struct lti_hash *t, uint64_t key) {
  key ^= key >> 32;
  key *= UINT64_C(0x9e3779b97f4a7c15);
  return (size_t)(key ^ key >> 29) & (t->capacity - 1);
}

static struct lti_hash_row *find(const struct lti_hash *t, uint64_t key) {
  size_t at = home(t, key);
  while (t->rows[at].used && t->rows[at].key != key)
    at = (at + 1) & (t->capacity - 1);
  return &t->rows[at];
}

uint32_t *lti_hash_get(const struct lti_hash *t, uint64_t key) {
  if (!t->rows)
    return NULL;
  struct lti_hash_row *row = find(t, key);
  return row->used ? &row->value : NULL;
}

static bool grow(struct lti_hash *t) {
  struct lti_hash bigger = {.capacity = t->capacity ? t->capacity * 2 : 64};
  bigger.rows = calloc(bigger.capacity, sizeof *bigger.rows);
  if (!bigger.rows)
    return false;
  for (size_t i = 0; i < t->capacity; i++)
    if (t->rows[i].used)
      *find(&bigger, t->rows[i].key) = t->rows[i];
  bigger.n = t->n;
  free(t->rows);
  *t = bigger;
  return true;
}

bool lti_hash_put(struct lti_hash *t, uint64_t key, uint32_t value) {
  if ((t->n + 1) * 2 > t->capacity && !grow(t))
    return false;
  struct lti_hash_row *row = find(t, key);
  t->n += !row->used;
  row->key = key;
  row->value = value;
  row->used = 1;
  return true;
}

void lti_hash_remove(struct lti_hash *t, uint64_t key) {
  if (!t->rows)
    return;
  struct lti_hash_row *row = find(t, key);
  if (!row->used)
    return;
  t->n--;
  size_t mask = t->capacity - 1;
  size_t hole = (size_t)(row - t->rows);
  for (size_t at = (hole + 1) & mask; t->rows[at].used; at = (at + 1) & mask)
    /* A row may move into the hole unless its home lies behind the hole. */
    if (((at - home(t, t->rows[at].key)) & mask) >= ((at - hole) & mask)) {
      t->rows[hole] = t->rows[at];
      hole = at;
    }
  t->rows[hole].used = 0;
}

void lti_hash_clear(struct lti_hash *t) {
  free(t->rows);
  *t = (struct lti_hash){0};
}
