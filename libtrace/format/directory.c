/* Keep the directory of a trace: doc/format.md, "Directory", "Chunks".
 *
 * Invariant: entries cover the blocks up to the last EPOCH without a gap; all
 * but the last one cover `stride` epochs.  What does not fit is not kept, and
 * then not written: an index is optional.  Called for each block by
 * drain/trace.c and, to check a file, by read/. */
#include "format/directory.h"

#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"

struct lti_directory {
  bool is_broken; /* no directory */
  bool no_chunks; /* too many for the section of chunks */
  uint64_t blocks_at, sealed_end, short_calls, n_generations;
  uint64_t lost[LT_LOST_LIMIT];
  uint64_t stride;
  uint32_t n_entries;
  struct lti_directory_entry *entries;
  struct lti_directory_entry epoch; /* since the last EPOCH */
  uint32_t n_chunks, chunk_room, n_sealed_chunks;
  struct lti_directory_chunk *chunks;
  uint32_t n_threads, thread_room;
  struct lti_directory_thread *threads; /* by index */
  uint32_t n_defs, defs_room;
  uint64_t *defs; /* offsets, of the last generation */
};

struct lti_directory *lti_directory_new(uint64_t blocks_at) {
  struct lti_directory *d = calloc(1, sizeof *d);
  if (!d)
    return NULL;
  d->blocks_at = d->sealed_end = blocks_at;
  d->stride = 1;
  d->entries = malloc(LTI_DIRECTORY_ENTRIES * sizeof *d->entries);
  if (!d->entries) {
    free(d);
    return NULL;
  }
  return d;
}

void lti_directory_free(struct lti_directory *d) {
  if (!d)
    return;
  free(d->entries);
  free(d->chunks);
  free(d->threads);
  free(d->defs);
  free(d);
}

void lti_index_bytes_free(struct lti_index_bytes *index) {
  for (unsigned i = 0; i < LTI_INDEX_SECTIONS; i++) {
    free(index->bytes[i]);
    index->bytes[i] = NULL;
  }
}

/* Room for one more; false where there is none, or the limit is reached. */
static bool make_room(void **items, uint32_t n, uint32_t *room, uint32_t limit,
                      size_t size) {
  if (n < *room)
    return true;
  if (n >= limit)
    return false;
  uint32_t more = *room ? *room * 2 : 64;
  void *made = realloc(*items, more * size);
  if (!made)
    return false;
  *items = made;
  *room = more;
  return true;
}

/* Returns: NULL where there is no room. */
static struct lti_directory_thread *thread_of(struct lti_directory *d,
                                              uint32_t index) {
  uint32_t low = 0, high = d->n_threads;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (d->threads[middle].index < index)
      low = middle + 1;
    else
      high = middle;
  }
  if (low < d->n_threads && d->threads[low].index == index)
    return &d->threads[low];
  if (!make_room((void **)&d->threads, d->n_threads, &d->thread_room,
                 LTI_DIRECTORY_THREADS, sizeof *d->threads))
    return NULL;
  memmove(d->threads + low + 1, d->threads + low,
          (d->n_threads - low) * sizeof *d->threads);
  d->n_threads++;
  d->threads[low] = (struct lti_directory_thread){.index = index};
  return &d->threads[low];
}

static void take_chunk(struct lti_directory *d, uint64_t at,
                       const struct lti_block_header *h) {
  struct lti_directory_entry *e = &d->epoch;
  struct lti_directory_thread *t = thread_of(d, h->index);
  if (!e->n_chunks || h->first_ns < e->first_ns)
    e->first_ns = h->first_ns;
  e->n_chunks++;
  e->n_events += h->count;
  e->lost += h->lost;
  e->kinds |= h->kinds;
  if (!t) {
    d->is_broken = true;
    return;
  }
  if (!t->first_at) {
    t->first_at = at;
    t->first_ns = h->first_ns;
  }
  t->last_at = at;
  t->last_ns = h->last_ns;
  t->n_events += h->count;
  t->lost += h->lost;
  t->kinds |= h->kinds;
  d->no_chunks = d->no_chunks ||
                 !make_room((void **)&d->chunks, d->n_chunks, &d->chunk_room,
                            LTI_DIRECTORY_CHUNKS, sizeof *d->chunks);
  if (!d->no_chunks)
    d->chunks[d->n_chunks++] = (struct lti_directory_chunk){
        at,          h->header_bytes + h->stored_bytes,
        h->index,    h->count,
        h->lost,     h->kinds,
        h->first_ns, h->last_ns};
}

static void take_defs(struct lti_directory *d, uint64_t at, bool is_first) {
  if (is_first) {
    d->n_defs = 0;
    d->n_generations++;
    d->epoch.generation = at - d->sealed_end + 1;
  }
  if (make_room((void **)&d->defs, d->n_defs, &d->defs_room, LTI_DIRECTORY_DEFS,
                sizeof *d->defs))
    d->defs[d->n_defs++] = at;
  else
    d->is_broken = true;
}

/* Let an entry cover what another one behind it covers too. */
static void join(struct lti_directory_entry *a,
                 const struct lti_directory_entry *b) {
  if (b->generation)
    a->generation = a->bytes + b->generation;
  a->bytes += b->bytes;
  a->n_epochs += b->n_epochs;
  a->n_blocks += b->n_blocks;
  a->n_chunks += b->n_chunks;
  a->n_events += b->n_events;
  a->lost += b->lost;
  a->kinds |= b->kinds;
  a->watermark_ns = b->watermark_ns;
}

static void halve(struct lti_directory *d) {
  for (uint32_t i = 0; i < d->n_entries; i += 2) {
    d->entries[i / 2] = d->entries[i];
    if (i + 1 < d->n_entries)
      join(&d->entries[i / 2], &d->entries[i + 1]);
  }
  d->n_entries = (d->n_entries + 1) / 2;
  d->stride *= 2;
}

static void seal(struct lti_directory *d, uint64_t end,
                 const struct lti_block_header *h) {
  struct lti_directory_entry *e = &d->epoch;
  e->n_epochs = 1;
  e->bytes = end - d->sealed_end;
  e->watermark_ns = h->last_ns;
  if (!e->n_chunks)
    e->first_ns = h->last_ns;
  d->sealed_end = end;
  d->n_sealed_chunks = d->n_chunks;
  if (d->n_entries && d->entries[d->n_entries - 1].n_epochs < d->stride) {
    join(&d->entries[d->n_entries - 1], e);
  } else {
    if (d->n_entries == LTI_DIRECTORY_ENTRIES)
      halve(d);
    d->entries[d->n_entries++] = *e;
  }
  memset(e, 0, sizeof *e);
}

void lti_directory_block(struct lti_directory *d, uint64_t at,
                         const struct lti_block_header *h,
                         uint64_t short_calls) {
  if (!d)
    return;
  d->epoch.n_blocks++;
  switch (h->type) {
  case LTI_BLOCK_EVENTS:
    take_chunk(d, at, h);
    break;
  case LTI_BLOCK_GENERATION:
  case LTI_BLOCK_DEFS:
    take_defs(d, at, h->type == LTI_BLOCK_GENERATION);
    break;
  case LTI_BLOCK_EPOCH:
    d->short_calls += short_calls;
    seal(d, at + h->header_bytes + h->stored_bytes, h);
    break;
  default:
    break;
  }
}

void lti_directory_lost(struct lti_directory *d, unsigned cause, uint64_t n) {
  if (d && cause < LT_LOST_LIMIT)
    d->lost[cause] = d->lost[cause] + n < n ? UINT64_MAX : d->lost[cause] + n;
}

/* Encoding */

static void put_threads(struct lti_out *out, const struct lti_directory *d) {
  uint32_t next = 0;
  lti_out_varint(out, d->n_threads);
  for (uint32_t i = 0; i < d->n_threads; i++) {
    const struct lti_directory_thread *t = &d->threads[i];
    lti_out_varint(out, t->index - next);
    lti_out_varint(out, t->first_at);
    lti_out_varint(out, t->last_at - t->first_at);
    lti_out_varint(out, t->n_events);
    lti_out_varint(out, t->lost);
    lti_out_varint(out, t->kinds);
    lti_out_zigzag(out, t->first_ns);
    lti_out_varint(out, (uint64_t)(t->last_ns - t->first_ns));
    next = t->index + 1;
  }
}

static void put_entries(struct lti_out *out, const struct lti_directory *d) {
  int64_t before_ns = 0;
  lti_out_varint(out, d->n_entries);
  for (uint32_t i = 0; i < d->n_entries; i++) {
    const struct lti_directory_entry *e = &d->entries[i];
    lti_out_varint(out, e->bytes);
    lti_out_varint(out, e->n_epochs);
    lti_out_varint(out, e->n_blocks);
    lti_out_varint(out, e->n_chunks);
    lti_out_varint(out, e->n_events);
    lti_out_varint(out, e->lost);
    lti_out_varint(out, e->kinds);
    lti_out_zigzag(out, e->first_ns - before_ns);
    lti_out_varint(out, (uint64_t)(e->watermark_ns - e->first_ns));
    lti_out_varint(out, e->generation);
    before_ns = e->watermark_ns;
  }
}

static void put_directory(struct lti_out *out, const struct lti_directory *d) {
  lti_out_varint(out, d->sealed_end);
  lti_out_varint(out, d->short_calls);
  lti_out_varint(out, d->n_generations);
  lti_out_varint(out, LT_LOST_LIMIT);
  for (unsigned i = 0; i < LT_LOST_LIMIT; i++)
    lti_out_varint(out, d->lost[i]);
  uint64_t before = 0;
  lti_out_varint(out, d->n_defs);
  for (uint32_t i = 0; i < d->n_defs; i++) {
    lti_out_varint(out, d->defs[i] - before);
    before = d->defs[i];
  }
  put_threads(out, d);
  put_entries(out, d);
}

static void put_chunks(struct lti_out *out, const struct lti_directory *d) {
  uint64_t end = d->blocks_at;
  int64_t before_ns = 0;
  lti_out_varint(out, d->n_sealed_chunks);
  for (uint32_t i = 0; i < d->n_sealed_chunks; i++) {
    const struct lti_directory_chunk *c = &d->chunks[i];
    lti_out_varint(out, c->at - end);
    lti_out_varint(out, c->bytes);
    lti_out_varint(out, c->thread);
    lti_out_varint(out, c->n_events);
    lti_out_varint(out, c->lost);
    lti_out_varint(out, c->kinds);
    lti_out_zigzag(out, c->first_ns - before_ns);
    lti_out_varint(out, (uint64_t)(c->last_ns - c->first_ns));
    end = c->at + c->bytes;
    before_ns = c->first_ns;
  }
}

size_t lti_directory_encode(const struct lti_directory *d,
                            enum lti_index_section section, uint8_t **bytes) {
  bool is_chunks = section == LTI_INDEX_CHUNKS;
  if (!d || d->is_broken || (is_chunks && d->no_chunks))
    return 0;
  size_t numbers = is_chunks ? 1 + (size_t)d->n_sealed_chunks * 8
                             : 8 + LT_LOST_LIMIT + (size_t)d->n_defs +
                                   (size_t)d->n_threads * 8 +
                                   (size_t)d->n_entries * 10;
  uint8_t *made = malloc(numbers * LTI_VARINT_MAX);
  if (!made)
    return 0;
  struct lti_out out = lti_out_of(made, numbers * LTI_VARINT_MAX);
  if (is_chunks)
    put_chunks(&out, d);
  else
    put_directory(&out, d);
  *bytes = made;
  return (size_t)(out.at - made);
}
