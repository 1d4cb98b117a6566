/* The book's native stacks, and system calls by name.
 *
 * Invariant: the sites of a stack are defined before it, and a stack never
 * changes.  Called when the thread's state is looked at from outside. */
#include <stdlib.h>
#include <string.h>

#include "drain/book.h"
#include "format/bytes.h"
#include "format/defs.h"

#define STACKS_MAX 4096u
#define FRAMES_ALL_MAX (256u << 10) /* of all stacks: each generation tells them */
#define CALLEES_NAMED 256u

void lti_book_put_stack(struct lti_book *b, uint32_t id) {
  const struct lti_stack *s = &b->stacks[id - 1];
  uint8_t body[(LTI_STACK_FRAMES_MAX + 2) * LTI_VARINT_MAX];
  struct lti_out out = lti_out_of(body, sizeof body);
  lti_out_varint(&out, id);
  lti_out_varint(&out, s->n);
  for (uint32_t i = 0; i < s->n; i++)
    lti_out_varint(&out, s->frames[i]);
  lti_book_put(b, LTI_DEF_STACK, body, (size_t)(out.at - body));
}

void lti_book_fini_stacks(struct lti_book *b) {
  for (size_t i = 0; i < b->n_stacks; i++)
    free(b->stacks[i].frames);
  free(b->stacks);
  lti_hash_clear(&b->stack_hashes);
}

static uint64_t hash_words(const uint32_t *words, size_t n) {
  uint64_t h = UINT64_C(14695981039346656037);
  for (size_t i = 0; i < n; i++)
    h = (h ^ words[i]) * UINT64_C(1099511628211);
  return h ? h : 1;
}

static uint32_t add_stack(struct lti_book *b, const uint32_t *words, size_t n,
                          uint64_t hash) {
  if (b->n_stacks >= STACKS_MAX || b->stacks_frames + n > FRAMES_ALL_MAX ||
      !lti_book_room((void **)&b->stacks, b->n_stacks, &b->stacks_capacity,
                     sizeof *b->stacks))
    return 0;
  uint32_t *copy = malloc(n * sizeof *copy);
  if (!copy)
    return 0;
  memcpy(copy, words, n * sizeof *copy);
  b->stacks[b->n_stacks++] = (struct lti_stack){(uint32_t)n, copy};
  b->stacks_frames += n;
  uint32_t id = (uint32_t)b->n_stacks;
  (void)lti_hash_put(&b->stack_hashes, hash, id);
  lti_book_put_stack(b, id);
  return id;
}

uint32_t lti_book_stack(struct lti_book *b,
                        const struct lti_stack_frame *frames, size_t n) {
  uint32_t words[LTI_STACK_FRAMES_MAX];
  if (n > LTI_STACK_FRAMES_MAX)
    n = LTI_STACK_FRAMES_MAX;
  for (size_t i = 0; i < n; i++)
    words[i] = lti_book_site(b, frames[i].address) * 2 + frames[i].is_guessed;
  if (n == 0)
    return 0;
  uint64_t hash = hash_words(words, n);
  const uint32_t *known = lti_hash_get(&b->stack_hashes, hash);
  if (known && b->stacks[*known - 1].n == n &&
      memcmp(b->stacks[*known - 1].frames, words, n * sizeof *words) == 0)
    return *known;
  return add_stack(b, words, n, hash);
}

unsigned lti_book_callee_named(struct lti_book *b, const char *name) {
  for (unsigned callee = 1; callee < CALLEES_NAMED; callee++) {
    const char *known = lt_callee_name(callee);
    if (known && strcmp(known, name) == 0)
      return lti_book_callee(b, callee);
  }
  uint64_t id = lti_book_own_string(b, name);
  return id && id < 0xffff - LT_CALLEE_OWN ? LT_CALLEE_OWN + (unsigned)id : 0;
}
