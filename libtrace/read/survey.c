/* Look over a file when it is opened: headers, definitions, ends of epochs.
 *
 * Invariant: only what an EPOCH block seals is counted; a payload of EVENTS is
 * not read here.  Called by lt_reader_open() and lt_reader_follow();
 * lti_reader_collect() also for each epoch that is read later. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/bytes.h"
#include "read/decode.h"
#include "read/state.h"

#define DAMAGED_MAX 65536u

static void note(struct lt_reader *r, const struct lti_block *block,
                 const char *wrong) {
  lti_problem_note(&r->problem, LT_CORRUPT, block->at,
                   "block %" PRIu32 " at byte %" PRIu64 ": %s",
                   block->head.number, block->at, wrong);
}

void lti_reader_refresh(struct lt_reader *r) {
  lt_info *info = &r->info;
  uint64_t said = r->lost_said > r->lost_at_end ? r->lost_said : r->lost_at_end;
  info->n_lost = said + r->lost_damage;
  info->problem = r->problem.status;
  info->problem_at = r->problem.at;
  info->problem_text = r->problem.text;
  info->complete = info->ended && r->problem.status == LT_OK;
  info->by_index = r->by_index;
}

/* Is this the first time that this block is said to be damaged? */
static bool is_new_damage(struct lt_reader *r, uint64_t at) {
  uint32_t i = 0, end = r->n_damaged; /* all before i are before at */
  while (i < end) {
    uint32_t middle = i + (end - i) / 2;
    if (r->damaged[middle] < at)
      i = middle + 1;
    else
      end = middle;
  }
  if (i < r->n_damaged && r->damaged[i] == at)
    return false;
  if (r->n_damaged == r->damaged_capacity) {
    uint32_t n = r->damaged_capacity ? r->damaged_capacity * 2 : 16;
    uint64_t *made =
        n > DAMAGED_MAX ? NULL : realloc(r->damaged, n * sizeof *made);
    if (!made)
      return false; /* the count is then too low */
    r->damaged = made;
    r->damaged_capacity = n;
  }
  memmove(r->damaged + i + 1, r->damaged + i,
          (r->n_damaged - i) * sizeof *r->damaged);
  r->damaged[i] = at;
  r->n_damaged++;
  return true;
}

void lti_reader_damaged(struct lt_reader *r, const struct lti_block *block,
                        const char *wrong, bool was_counted) {
  note(r, block, wrong);
  if (is_new_damage(r, block->at)) {
    uint32_t n = lti_events_count(&block->head);
    r->lost_damage += n;
    if (was_counted) {
      n = n < r->info.n_events ? n : (uint32_t)r->info.n_events;
      r->info.n_events -= n;
      r->events_damaged += n;
    }
  }
  lti_reader_refresh(r);
}

lt_status lti_reader_collect(struct lt_reader *r, struct lti_scan *scan,
                             lti_visit *visit) {
  struct lti_epoch *e = &r->epoch;
  struct lti_block block;
  const char *wrong;
  for (;;) {
    lt_status status = lti_scan_next(scan, &block);
    if (status != LT_OK)
      return status;
    if (block.head.type == LTI_BLOCK_EVENTS) {
      status = lti_epoch_add(e, &block, &wrong);
      if (status != LT_OK && status != LT_CORRUPT)
        return status;
      /* By the index, it may be that what lies: then the survey will say. */
      if (status == LT_CORRUPT && !r->by_index)
        lti_reader_damaged(r, &block, wrong, false);
      continue;
    }
    if (block.head.type == LTI_BLOCK_GENERATION) {
      r->cursor.generation_at = block.at;
      if (!e->n_blocks)
        e->generation_at = block.at;
    }
    bool is_epoch = block.head.type == LTI_BLOCK_EPOCH;
    if (is_epoch && !lti_epoch_seal(e, block.head.last_ns)) {
      if (r->by_index)
        e->n_refused++;
      else
        note(r, &block, "the watermark is older than an event, or too late");
    }
    status = visit ? visit(r, scan, &block) : LT_OK;
    if (status != LT_OK)
      return status;
    if (is_epoch) {
      r->cursor.at = scan->at;
      r->cursor.number = scan->number;
      r->cursor.floor_ns = e->watermark_ns;
      return LT_OK;
    }
  }
}

/* Take definitions in, within limits. */
static lt_status add_defs(struct lt_reader *r, const struct lti_block *block,
                          bool *is_damaged) {
  const uint8_t *payload;
  const char *wrong;
  if (r->defs_are_known)
    return LT_OK;
  if (block->head.raw_bytes > r->defs_raw_left) {
    note(r, block, "definitions are too large; they are not known from here");
    return LT_OK;
  }
  lt_status status = lti_source_payload(&r->source, block, &payload, &wrong);
  if (status == LT_CORRUPT) {
    note(r, block, wrong);
    *is_damaged = true;
    return LT_OK;
  }
  if (status != LT_OK)
    return status;
  r->defs_raw_left -= block->head.raw_bytes;
  lti_defs_add(&r->defs, block, payload, &r->problem);
  return LT_OK;
}

static lt_status visit_generation(struct lt_reader *r,
                                  const struct lti_block *block) {
  bool ignored = false;
  r->info.n_generations++;
  /* Each repeats what is known: the first is read here, the last one at the
   * end, those between are not needed. */
  return r->info.n_generations == 1 ? add_defs(r, block, &ignored) : LT_OK;
}

static lt_status visit_epoch(struct lt_reader *r,
                             const struct lti_block *block) {
  const struct lti_epoch *e = &r->epoch;
  const uint8_t *payload;
  const char *wrong;
  lt_status status = lti_source_payload(&r->source, block, &payload, &wrong);
  if (status == LT_CORRUPT)
    note(r, block, wrong);
  else if (status != LT_OK)
    return status;
  else {
    struct lti_in in = lti_in_of(payload, block->head.raw_bytes);
    uint64_t n = lti_in_varint(&in), found = e->n_events + e->n_refused;
    (void)lti_in_varint(&in); /* late ones are in their places all the same */
    r->info.n_short_calls += lti_in_varint(&in);
    if (in.bad || n != found || block->head.count != e->n_blocks)
      note(r, block, "the blocks of the epoch do not add up");
    if (!in.bad && n > found && n <= LTI_EPOCH_EVENTS_MAX)
      r->lost_damage += n - found;
  }
  return LT_OK;
}

static lt_status visit_end(struct lt_reader *r, const struct lti_block *block) {
  const uint8_t *payload;
  const char *wrong;
  r->info.ended = true;
  lt_status status = lti_source_payload(&r->source, block, &payload, &wrong);
  if (status == LT_CORRUPT)
    note(r, block, wrong);
  if (status != LT_OK)
    return status == LT_CORRUPT ? LT_END : status;
  struct lti_in in = lti_in_of(payload, block->head.raw_bytes);
  uint64_t reason = lti_in_varint(&in), end_status = lti_in_varint(&in);
  uint64_t n_events = lti_in_varint(&in), n_lost = lti_in_varint(&in);
  r->info.untracked = lti_in_varint(&in);
  if (in.bad)
    note(r, block, "the end mark is too short");
  else if (n_events != r->info.n_events && r->problem.status == LT_OK)
    note(r, block, "the file has another number of events than it says");
  r->info.end_reason =
      reason <= LT_END_RECOVERED ? (int)reason : LT_END_UNKNOWN;
  r->info.end_status = (int)(uint32_t)end_status;
  r->lost_at_end = n_lost < UINT64_MAX / 2 ? n_lost : UINT64_MAX / 2;
  if (block->head.last_ns > r->info.end_ns &&
      block->head.last_ns <= LTI_TIME_MAX)
    r->info.end_ns = block->head.last_ns;
  return LT_END; /* nothing follows */
}

static lt_status visit(struct lt_reader *r, struct lti_scan *scan,
                       const struct lti_block *block) {
  bool ignored = false;
  if (block->head.number == 0 && block->head.type != LTI_BLOCK_GENERATION)
    note(r, block, "the first block is not a generation");
  switch (block->head.type) {
  case LTI_BLOCK_GENERATION:
    return visit_generation(r, block);
  case LTI_BLOCK_DEFS:
    return add_defs(r, block, &ignored);
  case LTI_BLOCK_INDEX:
    if (block->head.index < LTI_INDEX_SECTIONS)
      r->sections[block->head.index] = *block;
    return LT_OK;
  case LTI_BLOCK_EPOCH: /* an index before it would not know of it */
    memset(r->sections, 0, sizeof r->sections);
    r->sealed_end = scan->at;
    return visit_epoch(r, block);
  case LTI_BLOCK_END:
    if (scan->at != r->source.size)
      lti_problem_note(&r->problem, LT_CORRUPT, scan->at,
                       "byte %" PRIu64 ": something follows the end mark",
                       scan->at);
    return visit_end(r, block);
  default:
    return LT_OK;
  }
}

/* Count a sealed epoch. */
static lt_status take_epoch(struct lt_reader *r) {
  const struct lti_epoch *e = &r->epoch;
  r->info.n_epochs++;
  r->info.n_chunks += e->n_blocks;
  r->info.n_events += e->n_events;
  if (e->watermark_ns > r->info.end_ns)
    r->info.end_ns = e->watermark_ns;
  for (uint32_t i = 0; i < e->n_blocks; i++) {
    const struct lti_block *b = &e->blocks[i];
    r->lost_said += b->head.lost;
    struct lti_span *span =
        lti_idmap_put(&r->spans, &r->spans_budget, b->head.index);
    if (!span)
      continue; /* then opens.c does not know this thread */
    span->index = b->head.index;
    if (!span->first_at)
      span->first_at = b->at;
    span->last_at = b->at;
  }
  return e->n_blocks ? lti_index_add(&r->index, e) : LT_OK;
}

/* Read all definitions from an offset on. */
static lt_status reload_defs(struct lt_reader *r, uint64_t from,
                             bool *is_damaged) {
  struct lti_problem known = {0}; /* all that is wrong was noted before */
  struct lti_scan scan = {.source = &r->source,
                          .problem = &known,
                          .at = from,
                          .end = r->source.size};
  struct lti_block block;
  lt_status status = LT_OK;
  while (status == LT_OK && (status = lti_scan_next(&scan, &block)) == LT_OK) {
    unsigned type = block.head.type;
    if (type == LTI_BLOCK_END)
      break;
    if (type == LTI_BLOCK_GENERATION || type == LTI_BLOCK_DEFS)
      status = add_defs(r, &block, is_damaged);
  }
  return status == LT_END ? LT_OK : status;
}

/* The last generation and what follows it say all that is known then.  Where
 * that is damaged, everything is read. */
static lt_status finish_defs(struct lt_reader *r) {
  bool is_damaged = r->info.n_generations == 0;
  lt_status status = LT_OK;
  r->defs_raw_left = LTI_DEFS_RAW_MAX;
  if (r->info.n_generations > 1)
    status = reload_defs(r, r->cursor.generation_at, &is_damaged);
  if (status == LT_OK && is_damaged) {
    lti_defs_free(&r->defs);
    lti_defs_init(&r->defs);
    r->defs_raw_left = LTI_DEFS_RAW_MAX;
    status = reload_defs(r, r->blocks_at, &is_damaged);
  }
  lti_defs_finish(&r->defs);
  return status;
}

/* Until when all had been taken as its first generation began. */
static int64_t begin_of(struct lt_reader *r) {
  struct lti_problem aside = {0};
  struct lti_scan scan = {.source = &r->source,
                          .problem = &aside,
                          .at = r->blocks_at,
                          .end = r->source.size};
  struct lti_block first = {0};
  if (lti_scan_next(&scan, &first) != LT_OK ||
      first.head.type != LTI_BLOCK_GENERATION ||
      first.head.first_ns > r->info.end_ns)
    return 0;
  return first.head.first_ns > 0 ? first.head.first_ns : 0;
}

void lti_reader_fill_info(struct lt_reader *r) {
  lt_info *info = &r->info;
  const struct lti_defs *d = &r->defs;
  info->comm = d->comm;
  info->uv_version = d->uv_version;
  info->recorder = d->recorder;
  info->min_block_ns = d->min_block_ns;
  info->n_threads = d->threads.n;
  info->n_modules = d->modules.n;
  info->n_sites = d->sites.n;
  info->n_strings = d->strings.n;
  info->n_loops = d->loops.n;
  info->n_notes = d->notes.n;
  info->begin_ns = begin_of(r);
  lti_reader_refresh(r);
}

/* What no EPOCH block sealed is not part of the trace. */
static void drop_tail(struct lt_reader *r) {
  const struct lti_epoch *e = &r->epoch;
  if (!e->n_blocks)
    return;
  uint64_t at = e->blocks[0].at;
  if (r->info.ended) {
    r->lost_damage += e->n_events;
    note(r, &e->blocks[0], "no epoch seals these events");
  } else
    lti_problem_note(&r->problem, LT_TRUNCATED, at,
                     "the file ends at byte %" PRIu64
                     ", before its end mark; whole up to byte %" PRIu64,
                     r->source.size, at);
}

/* Look over so many blocks behind r->cursor, an end of an epoch, and the rest of
 * the last one's epoch.
 * Errors: END when all is looked over; OK while there is more; IO, NOMEM. */
static lt_status survey_some(struct lt_reader *r, uint64_t n_blocks) {
  struct lti_scan scan = {.source = &r->source,
                          .problem = &r->problem,
                          .at = r->cursor.at,
                          .number = r->cursor.number,
                          .end = r->source.size};
  lt_status status;
  lti_epoch_begin(&r->epoch, &r->cursor);
  r->surveyed = r->cursor;
  r->generations_surveyed = r->info.n_generations;
  while ((status = lti_reader_collect(r, &scan, visit)) == LT_OK) {
    uint64_t n = r->epoch.n_blocks + 1;
    status = take_epoch(r);
    if (status != LT_OK)
      return status;
    r->surveyed = r->cursor;
    r->generations_surveyed = r->info.n_generations;
    lti_epoch_begin(&r->epoch, &r->cursor);
    if (n >= n_blocks)
      return LT_OK;
    n_blocks -= n;
  }
  if (status == LT_END)
    drop_tail(r);
  return status;
}

static lt_status survey_on(struct lt_reader *r) {
  lt_status status = survey_some(r, UINT64_MAX);
  return status == LT_END ? LT_OK : status;
}

void lti_reader_survey_begin(struct lt_reader *r) {
  r->sealed_end = r->blocks_at;
  r->defs_raw_left = LTI_DEFS_RAW_MAX;
}

lt_status lti_reader_survey_step(struct lt_reader *r, uint64_t n_blocks) {
  lt_status status = survey_some(r, n_blocks);
  if (status == LT_END && !r->defs_are_known) {
    status = finish_defs(r);
    status = status == LT_OK ? LT_END : status;
    r->defs_are_known = true;
  }
  lti_reader_fill_info(r);
  return status;
}

lt_status lti_reader_survey(struct lt_reader *r) {
  lti_reader_survey_begin(r);
  lt_status status = lti_reader_survey_step(r, UINT64_MAX);
  return status == LT_END ? LT_OK : status;
}

/* Survey behind a cursor; what is being read stays as it is. */
static lt_status survey_aside(struct lt_reader *r,
                              const struct lti_cursor *from, bool anew) {
  struct lti_epoch epoch = r->epoch;
  struct lti_cursor cursor = r->cursor;
  memset(&r->epoch, 0, sizeof r->epoch);
  r->cursor = *from;
  lt_status status = anew ? lti_reader_survey(r) : survey_on(r);
  free(r->epoch.blocks);
  r->epoch = epoch;
  r->cursor = cursor;
  return status;
}

lt_status lt_reader_follow(lt_reader *r, bool *has_grown) {
  struct stat st;
  uint64_t before = r->info.n_epochs;
  *has_grown = false;
  if (r->info.ended)
    return LT_OK;
  if (fstat(r->source.fd, &st) != 0)
    return LT_IO;
  if ((uint64_t)st.st_size < r->source.size) {
    errno = 0;
    return LT_IO;
  }
  if ((uint64_t)st.st_size == r->source.size)
    return LT_OK;
  r->source.size = r->info.size_bytes = (uint64_t)st.st_size;
  if (r->problem.status == LT_TRUNCATED) /* that was where it ended then */
    r->problem = (struct lti_problem){0};
  r->info.n_generations = r->generations_surveyed;
  free(r->span_order);
  r->span_order = NULL;
  r->defs_are_known = false;
  const struct lti_cursor from = r->surveyed;
  lt_status status = survey_aside(r, &from, false);
  r->defs_are_known = true;
  lti_defs_finish(&r->defs);
  lti_reader_fill_info(r);
  *has_grown = r->info.n_epochs != before || r->info.ended;
  return status;
}

void lti_index_drop(struct lt_reader *r) {
  free(r->index.entries);
  free(r->parts);
  free(r->span_order);
  lti_idmap_free(&r->spans);
  r->spans.item_bytes = sizeof(struct lti_span);
  r->spans_budget = (struct lti_budget){.left = LTI_SPANS_BUDGET};
  r->index = (struct lti_index){0};
  r->parts = NULL;
  r->span_order = NULL;
  r->n_parts = 0;
  r->by_index = false;
  memset(r->sections, 0, sizeof r->sections);
  r->info.n_events = r->info.n_short_calls = r->lost_said = 0;
  r->info.n_chunks = r->info.n_epochs = r->info.n_generations = 0;
  r->info.begin_ns = r->info.end_ns = 0;
  r->info.ended = false;
  if (r->defs_are_known)
    return;
  lti_defs_free(&r->defs);
  lti_defs_init(&r->defs);
  r->problem = (struct lti_problem){0};
}

lt_status lti_reader_resurvey(struct lt_reader *r) {
  const struct lti_cursor first = {.at = r->blocks_at,
                                   .floor_ns = -LTI_TIME_MAX};
  lti_index_drop(r);
  lt_status status = survey_aside(r, &first, true);
  uint64_t n = r->events_damaged;
  r->info.n_events -= n < r->info.n_events ? n : r->info.n_events;
  return status;
}
