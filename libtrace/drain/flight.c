/* Generations in memory, and out of it.
 *
 * Invariant: each part begins with a GENERATION block and holds whole blocks,
 * as they would stand in a file but for their numbers, which a snapshot gives
 * them. Called by the writer and by snapshot.c. */
#include "drain/flight.h"

#include <stdlib.h>
#include <string.h>

#include "drain/tail.h"

struct part {
  struct part *next;
  uint8_t *bytes;
  size_t size, capacity;
  int64_t last_ns;
};

struct lti_flight {
  uint64_t max_bytes, max_ns;
  uint64_t size; /* of all parts */
  struct part *first, *last;
  uint8_t header[LTI_FILE_HEADER_BYTES];
};

struct lti_flight *lti_flight_new(uint64_t bytes, uint64_t ns) {
  struct lti_flight *f = calloc(1, sizeof *f);
  if (f) {
    f->max_bytes = bytes ? bytes : UINT64_MAX;
    f->max_ns = ns ? ns : UINT64_MAX;
  }
  return f;
}

static void drop_first(struct lti_flight *f) {
  struct part *part = f->first;
  f->first = part->next;
  f->size -= part->size;
  free(part->bytes);
  free(part);
}

void lti_flight_free(struct lti_flight *f) {
  if (!f)
    return;
  while (f->first)
    drop_first(f);
  free(f);
}

void lti_flight_header(struct lti_flight *f,
                       const uint8_t bytes[LTI_FILE_HEADER_BYTES]) {
  memcpy(f->header, bytes, sizeof f->header);
}

/* The rest is a window without it? */
static bool first_is_over(const struct lti_flight *f) {
  const struct part *first = f->first;
  return first && first->next &&
         (f->size - first->size >= f->max_bytes ||
          (uint64_t)(f->last->last_ns - first->last_ns) >= f->max_ns);
}

static bool begin_part(struct lti_flight *f) {
  struct part *part = calloc(1, sizeof *part);
  if (!part)
    return false;
  if (f->first)
    f->last->next = part;
  else
    f->first = part;
  f->last = part;
  return true;
}

static bool add(struct part *part, const void *bytes, size_t size) {
  if (part->size + size > part->capacity) {
    size_t capacity = part->capacity ? part->capacity * 2 : 65536;
    while (capacity < part->size + size)
      capacity *= 2;
    uint8_t *more = realloc(part->bytes, capacity);
    if (!more)
      return false;
    part->bytes = more;
    part->capacity = capacity;
  }
  if (size)
    memcpy(part->bytes + part->size, bytes, size);
  part->size += size;
  return true;
}

bool lti_flight_keep(struct lti_flight *f, const uint8_t *header,
                     const void *payload, size_t size) {
  struct lti_block_header h;
  if (lti_block_header_get(header, &h) != LT_OK ||
      (h.type == LTI_BLOCK_GENERATION && !begin_part(f)) || !f->last ||
      !add(f->last, header, LTI_BLOCK_HEADER_BYTES) ||
      !add(f->last, payload, size))
    return false;
  f->size += LTI_BLOCK_HEADER_BYTES + size;
  f->last->last_ns = h.last_ns;
  while (first_is_over(f))
    drop_first(f);
  return true;
}

/* What a snapshot is being written with. */
struct out {
  int fd, error;
  ssize_t (*write)(int, const void *, size_t);
  uint32_t n_generations;
  bool seen_events;
  struct lti_snapshot told;
};

static void put(struct out *o, const void *bytes, size_t size) {
  if (!o->error)
    o->error = lti_tail_write(o->fd, o->write, bytes, size);
  o->told.size_bytes += size;
}

static void put_block(struct out *o, struct lti_block_header *h,
                      const uint8_t *payload) {
  uint8_t header[LTI_BLOCK_HEADER_BYTES];
  h->number = o->told.n_blocks++;
  if (h->type == LTI_BLOCK_GENERATION)
    h->index = o->n_generations++;
  if (h->type == LTI_BLOCK_EVENTS) {
    if (!o->seen_events || h->first_ns < o->told.first_ns)
      o->told.first_ns = h->first_ns;
    o->seen_events = true;
    o->told.n_events += h->count;
    o->told.n_lost += h->lost;
  }
  o->told.last_ns = h->last_ns;
  lti_block_header_put(header, h);
  put(o, header, sizeof header);
  put(o, payload, h->stored_bytes);
}

static void put_part(struct out *o, const struct part *part) {
  struct lti_block_header h;
  for (size_t at = 0; at < part->size && !o->error;) {
    if (lti_block_header_get(part->bytes + at, &h) != LT_OK)
      return; /* we made it: it is whole */
    put_block(o, &h, part->bytes + at + LTI_BLOCK_HEADER_BYTES);
    at += LTI_BLOCK_HEADER_BYTES + h.stored_bytes;
  }
}

int lti_flight_write(const struct lti_flight *f, int fd,
                     ssize_t (*write_bytes)(int, const void *, size_t),
                     struct lti_snapshot *snapshot) {
  struct out o = {.fd = fd, .write = write_bytes};
  put(&o, f->header, sizeof f->header);
  for (const struct part *part = f->first; part; part = part->next)
    put_part(&o, part);
  *snapshot = o.told;
  return o.error;
}
