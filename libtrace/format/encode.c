/* The encoder of EVENTS blocks.
 *
 * Invariant: each column holds exactly the varints of the events added since
 * begin, and the sum of all columns stays below COLUMNS_MAX; so no buffer here
 * can overflow, and nothing is allocated for a block.  The deflate state is
 * kept and reset.  Called by the writer of each thread's events. */
#include "config.h"

#include "format/encode.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

#include "format/block.h"
#include "format/bytes.h"
#include "format/columns.h"

enum { TIME, REF, X, A, B, FIELDS };

#define EVENTS_MAX 16384u
#define COLUMNS_MAX (64u << 10)
#define EVENT_BYTES_MAX (1 + FIELDS * LTI_VARINT_MAX)
#define HEAD_BYTES_MAX                                                         \
  (LTI_BRACKETS_MAX * 5 * LTI_VARINT_MAX +                                     \
   LT_KIND_LIMIT * (3 + 6 * LTI_VARINT_MAX) + 2 * LTI_VARINT_MAX)
#define BLOCK_BYTES_MAX (128u << 10)
#define FLUSH_BYTES_MIN                                                        \
  128u /* a smaller column is not worth codes of its own */

_Static_assert(LTI_BLOCK_HEADER_BYTES + HEAD_BYTES_MAX + COLUMNS_MAX <=
                   BLOCK_BYTES_MAX,
               "a block fits, compressed or not");

struct column {
  struct lti_column state;
  uint8_t codec;
  uint32_t size;
  uint8_t *bytes; /* COLUMNS_MAX of them; NULL for a kind that does not exist */
};

struct kind {
  uint32_t n;
  struct column fields[FIELDS];
};

struct lti_encoder {
  struct lti_brackets *open;
  struct lti_brackets open_at_begin;
  uint32_t n;
  uint32_t size; /* of all columns */
  int64_t first_ns, last_ns;
  uint64_t kinds_present;
  uint64_t lost;
  bool stores; /* uncompressed */
  struct kind kinds[LT_KIND_LIMIT];
  uint8_t kind_column[EVENTS_MAX];
  uint8_t head[HEAD_BYTES_MAX];
  uint8_t block[BLOCK_BYTES_MAX];
  uint8_t *columns; /* one allocation; pages are touched as they are used */
  z_stream zlib;
#ifdef HAVE_LIBDEFLATE
  struct libdeflate_compressor *deflate; /* the same format, twice as fast */
  uint8_t raw[BLOCK_BYTES_MAX];
#endif
};

static void set_codecs(struct kind *kind, const lt_kind_info *info) {
  kind->fields[TIME].codec = LT_CODEC_UINT;
  kind->fields[REF].codec = info->ref;
  kind->fields[X].codec = info->x;
  kind->fields[A].codec = info->a;
  kind->fields[B].codec = info->b;
}

struct lti_encoder *lti_encoder_new(void) {
  struct lti_encoder *e = calloc(1, sizeof *e);
  if (!e)
    return NULL;
  size_t n = 0;
  for (unsigned k = 0; k < LT_KIND_LIMIT; k++)
    n += lt_kind_lookup(k) ? FIELDS : 0;
  e->columns = malloc(n * COLUMNS_MAX);
  if (!e->columns || deflateInit(&e->zlib, Z_BEST_SPEED) != Z_OK) {
    free(e->columns);
    free(e);
    return NULL;
  }
#ifdef HAVE_LIBDEFLATE
  e->deflate = libdeflate_alloc_compressor(1);
#endif
  uint8_t *at = e->columns;
  for (unsigned k = 0; k < LT_KIND_LIMIT; k++) {
    const lt_kind_info *info = lt_kind_lookup(k);
    if (!info)
      continue;
    set_codecs(&e->kinds[k], info);
    for (int f = 0; f < FIELDS; f++, at += COLUMNS_MAX)
      e->kinds[k].fields[f].bytes = at;
  }
  return e;
}

void lti_encoder_free(struct lti_encoder *e) {
  if (!e)
    return;
  deflateEnd(&e->zlib);
#ifdef HAVE_LIBDEFLATE
  libdeflate_free_compressor(e->deflate);
#endif
  free(e->columns);
  free(e);
}

void lti_encoder_begin(struct lti_encoder *e, struct lti_brackets *open) {
  for (unsigned k = 0; k < LT_KIND_LIMIT; k++) {
    e->kinds[k].n = 0;
    for (int f = 0; f < FIELDS; f++) {
      e->kinds[k].fields[f].size = 0;
      e->kinds[k].fields[f].state.previous = 0;
    }
  }
  e->open = open;
  e->open_at_begin.n = open->n;
  memcpy(e->open_at_begin.at, open->at, open->n * sizeof open->at[0]);
  e->n = e->size = 0;
  e->kinds_present = e->lost = 0;
}

/* Returns: how many bytes it took.  Most numbers take one or two. */
static inline uint32_t append(struct column *column, uint64_t value) {
  uint8_t *at = column->bytes + column->size;
  uint32_t n = 1;
  if (value < 0x80)
    *at = (uint8_t)value;
  else
    n = (uint32_t)(lti_put_varint(at, value) - at);
  column->size += n;
  return n;
}

static inline uint32_t add_field(struct column *c, uint64_t value,
                                 const struct lti_brackets *open) {
  switch (c->codec) {
  case LT_CODEC_NONE:
    return 0;
  case LT_CODEC_DELTA:
  case LT_CODEC_TASK:
    return append(c, lti_column_encode(&c->state, LT_CODEC_DELTA, value, 0));
  case LT_CODEC_OPEN:
    return append(c, lti_column_encode(&c->state, LT_CODEC_OPEN, value,
                                       lti_brackets_task(open)));
  default:
    return append(c, value);
  }
}

bool lti_encoder_add(struct lti_encoder *e, const lt_event *event) {
  struct kind *kind = &e->kinds[event->kind];
  if (e->n == EVENTS_MAX || e->size + EVENT_BYTES_MAX > COLUMNS_MAX)
    return false;
  if (e->n == 0)
    e->first_ns = e->last_ns = event->time_ns;
  struct column *c = kind->fields;
  uint32_t size = append(&c[TIME], (uint64_t)(event->time_ns - e->last_ns));
  size += add_field(&c[REF], event->ref, e->open);
  size += add_field(&c[X], event->x, e->open);
  size += add_field(&c[A], event->a, e->open);
  size += add_field(&c[B], event->b, e->open);
  e->kind_column[e->n++] = event->kind;
  e->size += size + 1;
  e->last_ns = event->time_ns;
  kind->n++;
  e->kinds_present |= UINT64_C(1) << event->kind;
  if (event->kind == LT_LOST)
    e->lost = e->lost + event->a < e->lost ? UINT64_MAX : e->lost + event->a;
  lti_brackets_apply(e->open, event->time_ns, event->kind, event->x, event->ref,
                     event->a);
  return true;
}

void lti_encoder_compress(struct lti_encoder *e, bool compress) {
  e->stores = !compress;
}

uint32_t lti_encoder_count(const struct lti_encoder *e) {
  return e->n;
}

/* What stands before the columns. */
static size_t put_head(struct lti_encoder *e) {
  struct lti_out out = lti_out_of(e->head, sizeof e->head);
  lti_out_varint(&out, e->open_at_begin.n);
  for (uint32_t i = 0; i < e->open_at_begin.n; i++) {
    const struct lti_bracket *b = &e->open_at_begin.at[i];
    lti_out_varint(&out, b->kind);
    lti_out_varint(&out, b->x);
    lti_out_varint(&out, b->ref);
    lti_out_varint(&out, b->a);
    lti_out_varint(&out, (uint64_t)(e->first_ns - b->begin_ns));
  }
  lti_out_varint(&out, (uint64_t)__builtin_popcountll(e->kinds_present));
  for (unsigned k = 0; k < LT_KIND_LIMIT; k++) {
    const struct column *c = e->kinds[k].fields;
    if (!e->kinds[k].n)
      continue;
    lti_out_u8(&out, (uint8_t)k);
    lti_out_u8(&out, (uint8_t)(c[REF].codec | c[X].codec << 4));
    lti_out_u8(&out, (uint8_t)(c[A].codec | c[B].codec << 4));
    lti_out_varint(&out, e->kinds[k].n);
    for (int f = 0; f < FIELDS; f++)
      if (c[f].codec != LT_CODEC_NONE)
        lti_out_varint(&out, c[f].size);
  }
  return (size_t)(out.at - e->head);
}

/* The parts of the payload in order; calls use() for each. */
static void each_part(struct lti_encoder *e, size_t head_size,
                      void (*use)(struct lti_encoder *, const uint8_t *,
                                  size_t)) {
  use(e, e->head, head_size);
  use(e, e->kind_column, e->n);
  for (unsigned k = 0; k < LT_KIND_LIMIT; k++)
    if (e->kinds[k].n)
      for (int f = 0; f < FIELDS; f++)
        if (e->kinds[k].fields[f].codec != LT_CODEC_NONE)
          use(e, e->kinds[k].fields[f].bytes, e->kinds[k].fields[f].size);
}

/* Columns differ in kind: a large one gets Huffman codes of its own. */
static void deflate_part(struct lti_encoder *e, const uint8_t *bytes,
                         size_t size) {
  e->zlib.next_in = (Bytef *)(uintptr_t)bytes;
  e->zlib.avail_in = (uInt)size;
  (void)deflate(&e->zlib, size < FLUSH_BYTES_MIN ? Z_NO_FLUSH : Z_BLOCK);
}

static void copy_part(struct lti_encoder *e, const uint8_t *bytes,
                      size_t size) {
  memcpy(e->zlib.next_out, bytes, size);
  e->zlib.next_out += size;
}

#ifdef HAVE_LIBDEFLATE
/* The whole payload at once: it finds the borders of columns by itself.
 * Returns: the size, 0 where it would not be smaller. */
static size_t deflate_all(struct lti_encoder *e, size_t head_size,
                          size_t raw_size, uint8_t *payload) {
  e->zlib.next_out = e->raw;
  each_part(e, head_size, copy_part);
  return libdeflate_zlib_compress(e->deflate, e->raw, raw_size, payload,
                                  raw_size - 1);
}
#endif

/* The payload behind the block's header, compressed.
 * Returns: its size, 0 where it would not be smaller. */
static size_t put_packed(struct lti_encoder *e, size_t head_size,
                         size_t raw_size) {
  uint8_t *payload = e->block + LTI_BLOCK_HEADER_BYTES;
#ifdef HAVE_LIBDEFLATE
  if (e->deflate)
    return deflate_all(e, head_size, raw_size, payload);
#endif
  deflateReset(&e->zlib);
  e->zlib.next_out = payload;
  e->zlib.avail_out = BLOCK_BYTES_MAX - LTI_BLOCK_HEADER_BYTES;
  each_part(e, head_size, deflate_part);
  e->zlib.avail_in = 0;
  int done = deflate(&e->zlib, Z_FINISH);
  return done == Z_STREAM_END && e->zlib.total_out < raw_size
             ? e->zlib.total_out
             : 0;
}

/* As it is where that is not larger, and where so few bytes would hold so many
 * events that a reader would take them for a bomb.
 * Returns: its size as stored. */
static size_t put_payload(struct lti_encoder *e, size_t head_size,
                          size_t raw_size, uint8_t *flags) {
  size_t packed = e->stores ? 0 : put_packed(e, head_size, raw_size);
  *flags = packed && !lti_block_is_dense(e->n, packed) ? LTI_BLOCK_ZLIB : 0;
  if (*flags)
    return packed;
  e->zlib.next_out = e->block + LTI_BLOCK_HEADER_BYTES;
  each_part(e, head_size, copy_part);
  return raw_size;
}

size_t lti_encoder_finish(struct lti_encoder *e, uint32_t thread,
                          uint32_t number, const uint8_t **bytes) {
  size_t head_size = put_head(e);
  size_t raw_size = head_size + e->size;
  struct lti_block_header header = {
      .type = LTI_BLOCK_EVENTS,
      .raw_bytes = (uint32_t)raw_size,
      .number = number,
      .index = thread,
      .first_ns = e->first_ns,
      .last_ns = e->last_ns,
      .kinds = e->kinds_present,
      .count = e->n,
      .lost = e->lost > UINT32_MAX ? UINT32_MAX : (uint32_t)e->lost,
  };
  size_t size = put_payload(e, head_size, raw_size, &header.flags);
  header.stored_bytes = (uint32_t)size;
  header.payload_crc = lti_crc32(e->block + LTI_BLOCK_HEADER_BYTES, size);
  lti_block_header_put(e->block, &header);
  *bytes = e->block;
  return LTI_BLOCK_HEADER_BYTES + size;
}
