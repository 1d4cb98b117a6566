/* Open a trace by its index: doc/format.md, "Index".
 *
 * Invariant: an index is taken only when it fits the file's size, its end mark
 * and itself: its entries cover the blocks without a gap or an overlap and add
 * up to what the end mark says.  What it says of an epoch is compared when that
 * is read; at the first thing that differs the file is looked over as if there
 * were no index.  Called by reader.c. */
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"
#include "format/directory.h"
#include "read/decode.h"
#include "read/state.h"

#define TAIL_BYTES 1024u /* END is in them: 64 bytes and a few numbers */

struct end_mark {
  struct lti_block block;
  uint64_t reason, status, n_events, n_lost, untracked, index_at;
};

/* A whole block at an offset. Errors: NOT_FOUND where there is none, IO. */
static lt_status block_at(struct lt_reader *r, uint64_t at,
                          struct lti_block *block) {
  uint8_t bytes[LTI_BLOCK_HEADER_BYTES];
  uint64_t size = r->source.size;
  if (at > size || size - at < sizeof bytes)
    return LT_NOT_FOUND;
  lt_status status = lti_source_read(&r->source, at, bytes, sizeof bytes);
  if (status != LT_OK)
    return status;
  block->at = at;
  if (lti_block_header_get(bytes, &block->head) != LT_OK)
    return LT_NOT_FOUND;
  uint64_t whole =
      (uint64_t)block->head.header_bytes + block->head.stored_bytes;
  return whole <= size - at ? LT_OK : LT_NOT_FOUND;
}

static uint64_t end_of(const struct lti_block *block) {
  return block->at + block->head.header_bytes + block->head.stored_bytes;
}

/* Find the END block that ends where the file does. */
static lt_status find_end(struct lt_reader *r, struct end_mark *end) {
  uint64_t size = r->source.size;
  const uint8_t *payload;
  const char *wrong;
  uint64_t least = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
  uint8_t tail[TAIL_BYTES];
  if (size < LTI_BLOCK_HEADER_BYTES)
    return LT_NOT_FOUND;
  /* At once: the source then has at hand what is looked for below. */
  lt_status read = lti_source_read(&r->source, least, tail, size - least);
  if (read != LT_OK)
    return read;
  for (uint64_t at = size - LTI_BLOCK_HEADER_BYTES; at > least; at--) {
    lt_status status = block_at(r, at, &end->block);
    if (status == LT_NOT_FOUND ||
        (status == LT_OK && end_of(&end->block) != size))
      continue;
    if (status == LT_OK && end->block.head.type != LTI_BLOCK_END)
      return LT_NOT_FOUND;
    if (status == LT_OK)
      status = lti_source_payload(&r->source, &end->block, &payload, &wrong);
    if (status != LT_OK)
      return status == LT_CORRUPT ? LT_NOT_FOUND : status;
    struct lti_in in = lti_in_of(payload, end->block.head.raw_bytes);
    end->reason = lti_in_varint(&in);
    end->status = lti_in_varint(&in);
    end->n_events = lti_in_varint(&in);
    end->n_lost = lti_in_varint(&in);
    end->untracked = lti_in_varint(&in);
    end->index_at = lti_in_varint(&in);
    return in.bad || !end->index_at ? LT_NOT_FOUND : LT_OK;
  }
  return LT_NOT_FOUND;
}

/* The blocks from the index to the end mark: INDEX only, and one after another.
 */
static lt_status find_sections(struct lt_reader *r,
                               const struct end_mark *end) {
  uint64_t at = end->index_at;
  if (at < r->blocks_at)
    return LT_NOT_FOUND;
  while (at < end->block.at) {
    struct lti_block block;
    lt_status status = block_at(r, at, &block);
    if (status != LT_OK)
      return status;
    if (block.head.type != LTI_BLOCK_INDEX || end_of(&block) > end->block.at)
      return LT_NOT_FOUND;
    if (block.head.index < LTI_INDEX_SECTIONS)
      r->sections[block.head.index] = block;
    at = end_of(&block);
  }
  return at == end->block.at ? LT_OK : LT_NOT_FOUND;
}

/* Numbers of the directory; bad where one is beyond its limit. */
static uint64_t number(struct lti_in *in, uint64_t limit) {
  uint64_t n = lti_in_varint(in);
  in->bad |= n > limit;
  return in->bad ? 0 : n;
}

static int64_t time_of(struct lti_in *in, int64_t from) {
  int64_t difference = lti_in_zigzag(in);
  if (difference < -2 * LTI_TIME_MAX || difference > 2 * LTI_TIME_MAX)
    in->bad = true;
  int64_t time = in->bad ? 0 : from + difference;
  in->bad |= time < -LTI_TIME_MAX || time > LTI_TIME_MAX;
  return in->bad ? 0 : time;
}

/* Sum without passing the range of numbers. */
static void add(struct lti_in *in, uint64_t *sum, uint64_t n) {
  in->bad |= n > UINT64_MAX - *sum;
  *sum += n;
}

struct directory {
  struct lt_reader *r;
  struct lti_in in;
  uint64_t sealed_end;
  uint64_t n_defs, *defs;
  uint64_t thread_events, thread_lost;
  uint64_t n_chunks, n_epochs, n_events, lost, n_blocks;
};

static void read_defs(struct directory *d, uint64_t index_at) {
  uint64_t at = 0;
  d->n_defs = number(&d->in, LTI_DIRECTORY_DEFS);
  if (d->in.bad || d->n_defs == 0) {
    d->in.bad = true;
    return;
  }
  d->defs = malloc(d->n_defs * sizeof *d->defs);
  for (uint64_t i = 0; d->defs && i < d->n_defs && !d->in.bad; i++) {
    at += number(&d->in, index_at - at);
    d->in.bad |= at < d->r->blocks_at || (i && at == d->defs[i - 1]);
    d->defs[i] = at;
  }
}

static void read_threads(struct directory *d) {
  struct lti_in *in = &d->in;
  uint64_t n = number(in, LTI_DIRECTORY_THREADS), index = 0;
  for (; n && !in->bad; n--, index++) {
    index += number(in, UINT32_MAX);
    in->bad |= index > UINT32_MAX;
    uint64_t first_at = number(in, d->sealed_end);
    uint64_t last_at = first_at + number(in, d->sealed_end - first_at);
    uint64_t events = lti_in_varint(in), lost = lti_in_varint(in);
    (void)lti_in_varint(in);
    int64_t first_ns = time_of(in, 0);
    (void)number(in, (uint64_t)(LTI_TIME_MAX - first_ns));
    in->bad |= first_at < d->r->blocks_at || last_at >= d->sealed_end;
    add(in, &d->thread_events, events);
    add(in, &d->thread_lost, lost);
    if (in->bad)
      return;
    struct lti_span *span =
        lti_idmap_put(&d->r->spans, &d->r->spans_budget, (uint32_t)index);
    if (!span)
      continue;
    *span = (struct lti_span){
        .index = (uint32_t)index, .first_at = first_at, .last_at = last_at};
  }
}

static struct lti_directory_entry read_entry(struct directory *d,
                                             int64_t before_ns) {
  struct lti_in *in = &d->in;
  struct lti_directory_entry e = {.bytes = lti_in_varint(in)};
  e.n_epochs = lti_in_varint(in);
  e.n_blocks = number(in, e.bytes / LTI_BLOCK_HEADER_BYTES);
  e.n_chunks = number(in, e.n_blocks);
  e.n_events = number(in, e.n_chunks * LTI_BLOCK_EVENTS_MAX);
  e.lost = lti_in_varint(in);
  e.kinds = lti_in_varint(in);
  e.first_ns = time_of(in, before_ns);
  e.watermark_ns =
      e.first_ns + (int64_t)number(in, (uint64_t)(LTI_TIME_MAX - e.first_ns));
  e.generation = number(in, e.bytes);
  in->bad |= e.n_epochs == 0 || e.n_epochs > e.n_blocks - e.n_chunks ||
             e.n_events < e.n_chunks || (e.n_events == 0) != (e.kinds == 0);
  return e;
}

/* Entries become the table in which times are found. */
static lt_status read_entries(struct directory *d) {
  struct lt_reader *r = d->r;
  struct lti_cursor at = {.at = r->blocks_at, .floor_ns = -LTI_TIME_MAX};
  uint64_t n = number(&d->in, LTI_DIRECTORY_ENTRIES);
  int64_t before_ns = 0;
  if (d->in.bad)
    return LT_NOT_FOUND;
  r->parts = malloc((n + 1) * sizeof *r->parts);
  r->index.entries = malloc((n + 1) * sizeof *r->index.entries);
  if (!r->parts || !r->index.entries)
    return LT_NOMEM;
  r->index.capacity = (uint32_t)n + 1;
  r->index.stride = 1;
  for (uint64_t i = 0; i < n && !d->in.bad; i++) {
    struct lti_directory_entry e = read_entry(d, before_ns);
    if (e.bytes > d->sealed_end - at.at || e.first_ns < at.floor_ns)
      return LT_NOT_FOUND;
    r->parts[i] = e;
    r->index.entries[i] = (struct lti_index_entry){at, e.first_ns};
    if (e.generation)
      at.generation_at = at.at + e.generation - 1;
    at.at += e.bytes;
    at.number += e.n_blocks;
    at.floor_ns = before_ns = e.watermark_ns;
    r->index.stride =
        e.n_epochs > r->index.stride ? e.n_epochs : r->index.stride;
    add(&d->in, &d->n_epochs, e.n_epochs);
    add(&d->in, &d->n_chunks, e.n_chunks);
    add(&d->in, &d->n_events, e.n_events);
    add(&d->in, &d->lost, e.lost);
  }
  r->n_parts = r->index.n = (uint32_t)n;
  r->index.n_seen = d->n_epochs;
  return d->in.bad || at.at != d->sealed_end ? LT_NOT_FOUND : LT_OK;
}

static lt_status read_directory(struct directory *d,
                                const struct end_mark *end) {
  lt_info *info = &d->r->info;
  struct lti_in *in = &d->in;
  uint64_t lost = 0;
  d->sealed_end = number(in, end->index_at);
  info->n_short_calls = lti_in_varint(in);
  info->n_generations = (uint32_t)number(in, UINT32_MAX);
  uint64_t causes = number(in, 64);
  for (uint64_t i = 0; i < causes; i++) {
    uint64_t n = lti_in_varint(in);
    add(in, &lost, n);
    if (i < LT_LOST_LIMIT)
      d->r->lost_by_cause[i] = n;
  }
  if (in->bad || d->sealed_end < d->r->blocks_at)
    return LT_NOT_FOUND;
  read_defs(d, end->index_at);
  if (!in->bad && !d->defs)
    return LT_NOMEM;
  read_threads(d);
  lt_status status = read_entries(d);
  if (status != LT_OK)
    return status;
  return d->n_events != end->n_events || d->thread_events != d->n_events ||
                 d->thread_lost != d->lost || lost != end->n_lost ||
                 d->n_epochs > UINT32_MAX || d->n_chunks > UINT32_MAX ||
                 info->n_generations == 0
             ? LT_NOT_FOUND
             : LT_OK;
}

/* The definitions of the last generation: all that is known at the end. */
static lt_status take_defs(struct directory *d) {
  struct lt_reader *r = d->r;
  for (uint64_t i = 0; i < d->n_defs; i++) {
    struct lti_block block;
    const uint8_t *payload;
    const char *wrong;
    unsigned type = i ? LTI_BLOCK_DEFS : LTI_BLOCK_GENERATION;
    lt_status status = block_at(r, d->defs[i], &block);
    if (status == LT_OK &&
        (block.head.type != type || block.head.raw_bytes > r->defs_raw_left))
      return LT_NOT_FOUND;
    if (status == LT_OK)
      status = lti_source_payload(&r->source, &block, &payload, &wrong);
    if (status != LT_OK)
      return status == LT_CORRUPT ? LT_NOT_FOUND : status;
    r->defs_raw_left -= block.head.raw_bytes;
    lti_defs_add(&r->defs, &block, payload, &r->problem);
  }
  lti_defs_finish(&r->defs);
  return r->problem.status == LT_OK ? LT_OK : LT_NOT_FOUND;
}

static void take_info(const struct directory *d, const struct end_mark *end) {
  struct lt_reader *r = d->r;
  lt_info *info = &r->info;
  info->n_events = d->n_events;
  info->n_epochs = (uint32_t)d->n_epochs;
  info->n_chunks = (uint32_t)d->n_chunks;
  info->ended = true;
  info->end_reason =
      end->reason <= LT_END_RECOVERED ? (int)end->reason : LT_END_UNKNOWN;
  info->end_status = (int)(uint32_t)end->status;
  info->untracked = end->untracked;
  info->end_ns = r->n_parts ? r->parts[r->n_parts - 1].watermark_ns : 0;
  info->end_ns = info->end_ns < 0 ? 0 : info->end_ns;
  if (end->block.head.last_ns > info->end_ns &&
      end->block.head.last_ns <= LTI_TIME_MAX)
    info->end_ns = end->block.head.last_ns;
  r->lost_said = d->lost;
  r->lost_at_end = end->n_lost < UINT64_MAX / 2 ? end->n_lost : UINT64_MAX / 2;
  r->sealed_end = d->sealed_end;
  r->by_index = true;
}

lt_status lti_reader_by_index(struct lt_reader *r) {
  struct end_mark end;
  const uint8_t *payload;
  const char *wrong;
  struct directory d = {.r = r};
  lt_status status = find_end(r, &end);
  if (status == LT_OK)
    status = find_sections(r, &end);
  if (status == LT_OK && !r->sections[LTI_INDEX_DIRECTORY].at)
    status = LT_NOT_FOUND;
  if (status != LT_OK)
    return status;
  const struct lti_block *block = &r->sections[LTI_INDEX_DIRECTORY];
  status = lti_source_payload(&r->source, block, &payload, &wrong);
  if (status != LT_OK)
    return status == LT_CORRUPT ? LT_NOT_FOUND : status;
  d.in = lti_in_of(payload, block->head.raw_bytes);
  r->defs_raw_left = LTI_DEFS_RAW_MAX;
  status = read_directory(&d, &end);
  if (status == LT_OK)
    status = take_defs(&d);
  if (status == LT_OK) {
    take_info(&d, &end);
    r->defs_are_known = true;
    lti_reader_fill_info(r);
  }
  free(d.defs);
  return status;
}

/* The entry that an offset lies in. */
static uint32_t part_at(const struct lt_reader *r, uint64_t at) {
  uint32_t low = 0, high = r->n_parts;
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (r->index.entries[middle].cursor.at <= at)
      low = middle;
    else
      high = middle;
  }
  return low;
}

bool lti_index_agrees(struct lt_reader *r) {
  const struct lti_epoch *e = &r->epoch;
  struct lti_part_check *check = &r->part_check;
  if (!r->n_parts || e->n_refused)
    return false;
  uint32_t i = part_at(r, e->begin.at);
  const struct lti_directory_entry *part = &r->parts[i];
  const struct lti_cursor *begin = &r->index.entries[i].cursor;
  uint64_t end = begin->at + part->bytes;
  if (e->begin.at == begin->at)
    *check = (struct lti_part_check){
        .at = begin->at, .is_whole = true, .first_ns = e->first_ns};
  check->is_whole = check->is_whole && check->at == e->begin.at;
  check->at = r->cursor.at;
  check->n_epochs++;
  check->n_chunks += e->n_blocks;
  check->n_events += e->n_events;
  for (uint32_t b = 0; b < e->n_blocks; b++)
    check->kinds |= e->blocks[b].head.kinds;
  if (r->cursor.at != end || !check->is_whole)
    return r->cursor.at <= end && (check->kinds & ~part->kinds) == 0 &&
           (r->cursor.at != end || e->watermark_ns == part->watermark_ns);
  return check->n_epochs == part->n_epochs &&
         check->n_chunks == part->n_chunks &&
         check->n_events == part->n_events && check->kinds == part->kinds &&
         check->first_ns == part->first_ns &&
         e->watermark_ns == part->watermark_ns &&
         r->cursor.number == begin->number + part->n_blocks;
}

bool lti_index_skips(const struct lt_reader *r, const struct lti_cursor *at,
                     uint64_t kinds, struct lti_cursor *behind) {
  if (!r->by_index || !r->n_parts)
    return false;
  uint32_t i = part_at(r, at->at);
  if (r->index.entries[i].cursor.at != at->at || i + 1 >= r->n_parts ||
      (r->parts[i].kinds & kinds))
    return false;
  *behind = r->index.entries[i + 1].cursor;
  return true;
}

lt_status lti_index_chunks(struct lt_reader *r, uint64_t from,
                           bool (*each)(void *context, uint64_t at,
                                        uint32_t thread),
                           void *context) {
  const struct lti_block *block = &r->sections[LTI_INDEX_CHUNKS];
  const uint8_t *payload;
  const char *wrong;
  if (!r->by_index || !block->at)
    return LT_NOT_FOUND;
  lt_status status = lti_source_payload(&r->source, block, &payload, &wrong);
  if (status != LT_OK)
    return status == LT_CORRUPT ? LT_NOT_FOUND : status;
  struct lti_in in = lti_in_of(payload, block->head.raw_bytes);
  uint64_t n = number(&in, LTI_DIRECTORY_CHUNKS), at = r->blocks_at;
  bool goes_on = true;
  if (n != r->info.n_chunks)
    return LT_NOT_FOUND;
  for (; n && goes_on; n--) {
    at += number(&in, r->sealed_end - at);
    uint64_t bytes = number(&in, r->sealed_end - at);
    uint32_t thread = (uint32_t)number(&in, UINT32_MAX);
    for (int i = 0; i < 5; i++)
      (void)lti_in_varint(&in);
    if (in.bad || bytes < LTI_BLOCK_HEADER_BYTES)
      return LT_NOT_FOUND;
    if (at >= from)
      goes_on = each(context, at, thread);
    at += bytes;
  }
  return LT_OK;
}
