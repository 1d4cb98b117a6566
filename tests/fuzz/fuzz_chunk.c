/* Fuzz what is inside a block: the columns of events, and definitions.
 *
 * Much faster than a whole file (fuzz_reader.c), since nothing is inflated or
 * checked before.  The first byte of an input says which it is: see struct
 * chunk; what the decoder takes must be in order, and be the same again when it
 * is coded by the recorder's own encoder. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include <string.h>

#include "format/block.h"
#include "format/bytes.h"
#include "format/encode.h"
#include "fuzz.h"
#include "read/decode.h"
#include "read/defs.h"

/* An input of events: 0, count (2 bytes), duration (4), kinds (8), payload;
 * one of definitions: 1, count (2), payload. */
enum { EVENTS_HEAD = 15, DEFS_HEAD = 3 };

#define FIRST_NS 1000000

struct decoded {
  lt_event *events;
  uint32_t n;
  struct lti_brackets open;
};

/* A copy that ends where the decoder may read no further. */
static uint8_t *copy_of(const uint8_t *bytes, size_t n) {
  uint8_t *copy = malloc(n + LTI_PAYLOAD_SLACK);
  must(copy != NULL, "malloc");
  memcpy(copy, bytes, n);
  memset(copy + n, 0, LTI_PAYLOAD_SLACK);
  return copy;
}

/* Each event has its kind in the payload: there cannot be more of them.
 * Returns: NULL, or what is wrong. */
static const char *decode(const struct lti_block_header *head,
                          const uint8_t *payload, struct decoded *to) {
  uint32_t most = head->count < head->raw_bytes ? head->count : head->raw_bytes;
  to->events = malloc((most ? most : 1) * sizeof *to->events);
  must(to->events != NULL, "malloc");
  return lti_events_decode(head, payload, to->events, &to->n, &to->open);
}

/* In order, and between the times of the header. */
static void check_events(const struct lti_block_header *head,
                          const struct decoded *d) {
  int64_t last = head->first_ns;
  must(d->n <= head->count, "more events than the header says");
  must(d->open.n <= LTI_BRACKETS_MAX, "too many brackets");
  for (uint32_t i = 0; i < d->n; i++) {
    lt_event e = d->events[i];
    must(e.time_ns >= last && e.time_ns <= head->last_ns, "a time is out");
    must(lt_kind_lookup(e.kind) != NULL, "an unknown kind");
    must(e.ref >> 40 == 0, "a ref is too large");
    last = e.time_ns;
  }
}

static void must_be_same(const lt_event *one, const lt_event *two) {
  const lt_kind_info *info = lt_kind_lookup(one->kind);
  must(one->kind == two->kind && one->time_ns == two->time_ns, "another event");
  must(!info->ref || one->ref == two->ref, "another ref");
  must(!info->x || one->x == two->x, "another x");
  must(!info->a || one->a == two->a, "another a");
  must(!info->b || one->b == two->b, "another b");
}

/* Do they survive the recorder's encoder? */
static void code_again(const struct lti_block_header *head,
                       const uint8_t *payload, const struct decoded *d) {
  static struct lti_encoder *encoder;
  if (!encoder) {
    encoder = lti_encoder_new();
    must(encoder != NULL, "lti_encoder_new");
    lti_encoder_compress(encoder, false);
  }
  struct lti_brackets open;
  const uint8_t *bytes;
  must(!lti_events_opens(head, payload, &open), "opens alone are wrong");
  lti_encoder_begin(encoder, &open);
  uint32_t n = 0;
  for (; n < d->n; n++) {
    if (!lti_encoder_add(encoder, &d->events[n]))
      break;
  }
  if (!n)
    return;
  size_t size = lti_encoder_finish(encoder, 0, 0, &bytes);
  struct lti_block_header again;
  must(lti_block_header_get(bytes, &again) == LT_OK, "a header of ours");
  must(!lti_events_refused(&again), "a block of ours is refused");
  must(size == LTI_BLOCK_HEADER_BYTES + again.raw_bytes, "a size of ours");
  uint8_t *copy = copy_of(bytes + LTI_BLOCK_HEADER_BYTES, again.raw_bytes);
  struct decoded second;
  must(!decode(&again, copy, &second), "a block of ours is not understood");
  must(second.n == n, "another number of events");
  for (uint32_t i = 0; i < n; i++)
    must_be_same(&d->events[i], &second.events[i]);
  free(second.events);
  free(copy);
}

static void try_events(const uint8_t *data, size_t size) {
  struct lti_block_header head = {
      .type = LTI_BLOCK_EVENTS,
      .count = lti_get_u16(data + 1),
      .first_ns = FIRST_NS,
      .last_ns = FIRST_NS + (int64_t)lti_get_u32(data + 3),
      .kinds = lti_get_u64(data + 7),
      .raw_bytes = (uint32_t)(size - EVENTS_HEAD),
      .stored_bytes = (uint32_t)(size - EVENTS_HEAD),
  };
  if (lti_events_refused(&head))
    return;
  uint8_t *payload = copy_of(data + EVENTS_HEAD, size - EVENTS_HEAD);
  struct decoded d;
  if (!decode(&head, payload, &d)) {
    check_events(&head, &d);
    code_again(&head, payload, &d);
  }
  free(d.events);
  free(payload);
}

static size_t length(const char *text) {
  return text ? strlen(text) : 0;
}

static void try_defs(const uint8_t *data, size_t size) {
  struct lti_block block = {
      .head = {.type = LTI_BLOCK_DEFS,
               .count = lti_get_u16(data + 1),
               .raw_bytes = (uint32_t)(size - DEFS_HEAD)}};
  uint8_t *payload = copy_of(data + DEFS_HEAD, size - DEFS_HEAD);
  struct lti_problem problem = {0};
  struct lti_defs defs;
  lti_defs_init(&defs);
  for (int twice = 0; twice < 2; twice++)
    lti_defs_add(&defs, &block, payload, &problem);
  lti_defs_finish(&defs);
  size_t n = 0;
  for (uint32_t i = 0; i < defs.strings.n; i++) {
    const struct lti_string *s = lti_idmap_at(&defs.strings, i);
    must(s->text && s->text[s->size] == '\0', "a text does not end");
    n += length(s->text);
  }
  for (uint32_t i = 0; i < defs.modules.n; i++) {
    const lt_module_def *m = lti_idmap_at(&defs.modules, i);
    n += length(m->path) + length(m->build_id);
  }
  for (uint32_t i = 0; i < defs.sites.n; i++) {
    const struct lti_site *s = lti_idmap_at(&defs.sites, i);
    n += length(s->def.function) + length(s->def.file);
  }
  must(n < (size_t)1 << 32, "texts without end");
  lti_defs_free(&defs);
  free(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size >= EVENTS_HEAD && data[0] % 2 == 0)
    try_events(data, size);
  else if (size >= DEFS_HEAD && data[0] % 2 == 1)
    try_defs(data, size);
  return 0;
}
