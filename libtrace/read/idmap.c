/* A hash table from 64-bit ids to items, and a store for texts.
 *
 * Invariant: at most three quarters of the slots are taken; the hash is seeded
 * at random, so that no file can be made whose ids all meet.  Called by defs.c
 * for definitions, and by reader.c for threads. */
#include "read/idmap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define TEXT_BLOCK_BYTES 65536u

struct lti_text_block {
  struct lti_text_block *older;
  size_t used, capacity;
  char bytes[];
};

void *lti_budget_realloc(struct lti_budget *budget, void *old, size_t old_bytes,
                         size_t new_bytes) {
  size_t more = new_bytes - old_bytes;
  void *made = more <= budget->left ? realloc(old, new_bytes) : NULL;
  if (!made) {
    budget->is_out = true;
    return NULL;
  }
  budget->left -= more;
  return made;
}

/* Every bit of the id reaches every bit of the result. */
static uint32_t slot_of(const struct lti_idmap *t, uint64_t id) {
  uint64_t h = id ^ t->seed;
  h = (h ^ h >> 32) * UINT64_C(0x9e6c63d0876a9a47);
  h = (h ^ h >> 29) * (t->seed | 1);
  return (uint32_t)(h >> 32) & (t->n_slots - 1);
}

void *lti_idmap_get(const struct lti_idmap *t, uint64_t id) {
  if (!t->n_slots)
    return NULL;
  for (uint32_t i = slot_of(t, id); t->slots[i]; i = (i + 1) & (t->n_slots - 1))
    if (t->ids[t->slots[i] - 1] == id)
      return lti_idmap_at(t, t->slots[i] - 1);
  return NULL;
}

static void enter(struct lti_idmap *t, uint64_t id, uint32_t index) {
  uint32_t i = slot_of(t, id);
  while (t->slots[i])
    i = (i + 1) & (t->n_slots - 1);
  t->slots[i] = index + 1;
}

static bool grow_slots(struct lti_idmap *t, struct lti_budget *budget) {
  uint32_t n = t->n_slots ? t->n_slots * 2 : 64;
  uint32_t *slots =
      lti_budget_realloc(budget, t->slots, (size_t)t->n_slots * sizeof *slots,
                         (size_t)n * sizeof *slots);
  if (!slots)
    return false;
  if (!t->seed && getentropy(&t->seed, sizeof t->seed) != 0)
    t->seed = (uint64_t)(uintptr_t)slots * UINT64_C(0x9e3779b97f4a7c15);
  memset(slots, 0, (size_t)n * sizeof *slots);
  t->slots = slots;
  t->n_slots = n;
  for (uint32_t i = 0; i < t->n; i++)
    enter(t, t->ids[i], i);
  return true;
}

static bool grow_items(struct lti_idmap *t, struct lti_budget *budget) {
  uint32_t n = t->capacity ? t->capacity + t->capacity / 2 : 32;
  uint8_t *items = lti_budget_realloc(
      budget, t->items, t->capacity * t->item_bytes, n * t->item_bytes);
  if (!items)
    return false;
  t->items = items;
  uint64_t *ids = lti_budget_realloc(budget, t->ids, t->capacity * sizeof *ids,
                                     n * sizeof *ids);
  if (!ids) /* items is larger than it must be: that is harmless */
    return false;
  t->ids = ids;
  t->capacity = n;
  return true;
}

void *lti_idmap_put(struct lti_idmap *t, struct lti_budget *budget,
                    uint64_t id) {
  void *item = lti_idmap_get(t, id);
  if (item)
    return item;
  if (t->n == t->capacity && !grow_items(t, budget))
    return NULL;
  if (t->n >= t->n_slots - t->n_slots / 4 && !grow_slots(t, budget))
    return NULL;
  item = lti_idmap_at(t, t->n);
  memset(item, 0, t->item_bytes);
  t->ids[t->n] = id;
  enter(t, id, t->n++);
  return item;
}

void lti_idmap_free(struct lti_idmap *t) {
  free(t->items);
  free(t->ids);
  free(t->slots);
  size_t item_bytes = t->item_bytes;
  memset(t, 0, sizeof *t);
  t->item_bytes = item_bytes;
}

char *lti_texts_copy(struct lti_texts *texts, struct lti_budget *budget,
                     const void *bytes, size_t n) {
  struct lti_text_block *block = texts->newest;
  if (!block || n + 1 > block->capacity - block->used) {
    size_t capacity = n + 1 > TEXT_BLOCK_BYTES ? n + 1 : TEXT_BLOCK_BYTES;
    block = lti_budget_realloc(budget, NULL, 0, sizeof *block + capacity);
    if (!block)
      return NULL;
    block->older = texts->newest;
    block->used = 0;
    block->capacity = capacity;
    texts->newest = block;
  }
  char *text = block->bytes + block->used;
  if (n)
    memcpy(text, bytes, n);
  text[n] = 0;
  block->used += n + 1;
  return text;
}

void lti_texts_free(struct lti_texts *texts) {
  while (texts->newest) {
    struct lti_text_block *block = texts->newest;
    texts->newest = block->older;
    free(block);
  }
}
