/* Read a trace: the calls of looptrace/reader.h that give events.
 *
 * Invariant: cursor is behind the current epoch, whose events are in merge and
 * from next to end; everything before sealed_end was looked over once by survey.c, but is
 * checked again when it is read, because a file may change.  Called by programs
 * and by the viewer. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "read/decode.h"
#include "read/rebuild.h"
#include "read/state.h"

#define AHEAD_EPOCHS 3
#define AHEAD_BYTES (UINT64_C(256) << 10)

/* Read the file header.  One that is not whole is NOT_A_TRACE. */
static lt_status read_header(struct lt_reader *r) {
  uint8_t bytes[LTI_FILE_HEADER_BYTES];
  struct lti_file_header h;
  if (r->source.size < sizeof bytes)
    return LT_NOT_A_TRACE;
  lt_status status = lti_source_read(&r->source, 0, bytes, sizeof bytes);
  if (status != LT_OK)
    return status;
  status = lti_file_header_get(bytes, &h);
  if (status != LT_OK)
    return status;
  r->blocks_at = h.header_bytes;
  r->info.version = h.version;
  r->info.start_ns = h.start_ns;
  r->info.start_unix_ns = h.start_unix_ns;
  r->info.pid = (int32_t)h.pid;
  r->info.size_bytes = r->source.size;
  return LT_OK;
}

static void stop_ahead(struct lt_reader *r) {
  lti_ahead_stop(r->ahead);
  r->ahead = NULL;
}

/* Who reads on will go on reading: from the third epoch in a row, and where
 * much of the file is left, blocks are decoded ahead.  A thread that cannot be had is
 * asked for again with the next epoch. */
static void start_ahead(struct lt_reader *r) {
  if (++r->epochs_in_a_row < AHEAD_EPOCHS || r->ahead || !r->may_read_ahead ||
      r->kinds != UINT64_MAX || r->thread != LT_ALL_THREADS ||
      r->sealed_end - r->epoch.begin.at < AHEAD_BYTES)
    return;
  if (lti_ahead_pays())
    r->ahead = lti_ahead_start(&r->source, &r->epoch.begin, r->sealed_end);
}

static void begin_at(struct lt_reader *r, const struct lti_cursor *cursor) {
  lti_merge_stop(&r->merge);
  stop_ahead(r);
  r->epochs_in_a_row = 0;
  r->next = r->end = NULL;
  r->cursor = *cursor;
  lti_epoch_begin(&r->epoch, cursor);
}

static struct lti_cursor first_cursor(const struct lt_reader *r) {
  return (struct lti_cursor){.at = r->blocks_at, .floor_ns = -LTI_TIME_MAX};
}

/* By the index where that pays and works, else block by block, in steps. */
static lt_status begin_look_over(struct lt_reader *r, uint64_t survey_bytes) {
  if (r->source.size > survey_bytes) {
    lt_status status = lti_reader_by_index(r);
    r->is_open = status == LT_OK;
    if (status != LT_NOT_FOUND)
      return status;
    lti_index_drop(r);
  }
  lti_reader_fill_info(r);
  lti_reader_survey_begin(r);
  return LT_OK;
}

static struct lt_reader *make(void) {
  struct lt_reader *r = calloc(1, sizeof *r);
  if (!r)
    return NULL;
  lti_defs_init(&r->defs);
  r->spans.item_bytes = sizeof(struct lti_span);
  r->spans_budget.left = LTI_SPANS_BUDGET;
  r->tasks.item_bytes = sizeof(lt_task_def);
  r->kinds = UINT64_MAX;
  r->thread = LT_ALL_THREADS;
  return r;
}

static void close_keeping_errno(struct lt_reader *r) {
  int error = errno;
  lt_reader_close(r);
  errno = error;
}

lt_status lti_reader_open_begin(const char *path, uint64_t survey_bytes,
                                lt_reader **reader) {
  struct lti_source source;
  *reader = NULL;
  lt_status status = lti_source_open(&source, path);
  if (status != LT_OK)
    return status;
  struct lt_reader *r = make();
  if (!r) {
    lti_source_close(&source);
    return LT_NOMEM;
  }
  r->source = source;
  status = read_header(r);
  if (status == LT_OK) {
    struct lti_cursor first = first_cursor(r);
    begin_at(r, &first);
    status = begin_look_over(r, survey_bytes);
    if (r->is_open)
      begin_at(r, &first);
  }
  if (status == LT_OK)
    *reader = r;
  else
    close_keeping_errno(r);
  return status;
}

lt_status lt_reader_open_begin(const char *path, lt_reader **reader) {
  return lti_reader_open_begin(path, LTI_SURVEY_BYTES, reader);
}

lt_status lt_reader_open_step(lt_reader *r, uint64_t n_blocks) {
  if (r->is_open)
    return LT_END;
  lt_status status = lti_reader_survey_step(r, n_blocks);
  if (status == LT_END) {
    struct lti_cursor first = first_cursor(r);
    begin_at(r, &first);
    r->is_open = true;
  }
  return status;
}

lt_status lt_reader_open(const char *path, lt_reader **reader) {
  return lti_reader_open(path, LTI_SURVEY_BYTES, reader);
}

lt_status lti_reader_open(const char *path, uint64_t survey_bytes,
                          lt_reader **reader) {
  lt_status status = lti_reader_open_begin(path, survey_bytes, reader);
  if (status != LT_OK)
    return status;
  status = lt_reader_open_step(*reader, UINT64_MAX);
  if (status == LT_END)
    return LT_OK;
  close_keeping_errno(*reader);
  *reader = NULL;
  return status;
}

void lt_reader_read_ahead(lt_reader *r, bool may) {
  r->may_read_ahead = may;
  if (!may)
    stop_ahead(r);
}

void lt_reader_close(lt_reader *r) {
  if (!r)
    return;
  stop_ahead(r);
  lti_merge_free(&r->merge);
  lti_defs_free(&r->defs);
  lti_idmap_free(&r->spans);
  lti_idmap_free(&r->tasks);
  lti_source_close(&r->source);
  lti_summary_read_free(r->summary);
  free(r->epoch.blocks);
  free(r->index.entries);
  free(r->parts);
  free(r->span_order);
  free(r->damaged);
  free(r->opens);
  free(r);
}

/* Is what was collected what the index says is there? */
static bool is_as_said(struct lt_reader *r, const struct lti_scan *scan,
                       lt_status status) {
  if (scan->n_damaged)
    return false;
  if (status == LT_END)
    return r->cursor.at == r->sealed_end;
  return status != LT_OK || lti_index_agrees(r);
}

/* Stand at the begin of the epoch that an offset is in, which nothing but the
 * index said, and that lied. */
static lt_status stand_at(struct lt_reader *r, uint64_t at) {
  uint32_t n = 0;
  while (n < r->index.n && r->index.entries[n].cursor.at <= at)
    n++;
  r->cursor = n ? r->index.entries[n - 1].cursor : first_cursor(r);
  while (r->cursor.at < at) {
    struct lti_problem known = {0}; /* the survey noted what is wrong */
    struct lti_scan scan = {.source = &r->source,
                            .problem = &known,
                            .at = r->cursor.at,
                            .number = r->cursor.number,
                            .end = r->sealed_end};
    lti_epoch_begin(&r->epoch, &r->cursor);
    lt_status status = lti_reader_collect(r, &scan, NULL);
    if (status == LT_END || (status == LT_OK && r->cursor.at > at)) {
      r->cursor = r->epoch.begin;
      return LT_OK;
    }
    if (status != LT_OK)
      return status;
  }
  return LT_OK;
}

/* Read the headers of the next epoch that has events, and begin to merge it. */
static lt_status load_epoch(struct lt_reader *r) {
  for (;;) {
    struct lti_cursor behind;
    struct lti_problem aside = {0}; /* by the index: the survey will say it */
    lti_epoch_begin(&r->epoch, &r->cursor);
    if (lti_index_skips(r, &r->cursor, r->kinds, &behind)) {
      r->cursor = behind;
      continue;
    }
    struct lti_scan scan = {.source = &r->source,
                            .problem = r->by_index ? &aside : &r->problem,
                            .at = r->cursor.at,
                            .number = r->cursor.number,
                            .end = r->sealed_end};
    lt_status status = lti_reader_collect(r, &scan, NULL);
    if (r->by_index && !is_as_said(r, &scan, status)) {
      uint64_t at = r->epoch.begin.at;
      status = lti_reader_resurvey(r);
      if (status == LT_OK)
        status = stand_at(r, at);
      if (status == LT_OK)
        continue;
    }
    if (status == LT_OK &&
        (r->kinds != UINT64_MAX || r->thread != LT_ALL_THREADS))
      lti_epoch_select(&r->epoch, r->kinds, r->thread);
    if (status != LT_OK || r->epoch.n_blocks)
      return status;
  }
}

static void block_is_damaged(void *context, const struct lti_block *block,
                             const char *wrong) {
  lti_reader_damaged(context, block, wrong, true);
}

lt_status lti_reader_refill(struct lt_reader *r) {
  if (r->next < r->end)
    return LT_OK;
  for (;;) {
    if (r->merge.epoch) {
      const struct lti_merge_owner owner = {&r->source, r->kinds, r->ahead,
                                            block_is_damaged, r};
      size_t n = 0;
      r->next = r->end = NULL;
      lt_status status = lti_merge_next(&r->merge, &owner, &r->next, &n);
      if (status == LT_OK)
        r->end = r->next + n;
      if (status != LT_END)
        return status;
      lti_merge_stop(&r->merge);
    }
    lt_status status = load_epoch(r);
    if (status == LT_OK)
      status = lti_merge_begin(&r->merge, &r->epoch);
    if (status == LT_END) { /* who has read all keeps the reader for its names */
      stop_ahead(r);
      lti_spares_free(&r->merge.spares);
    }
    if (status != LT_OK)
      return status;
    start_ahead(r);
  }
}

lt_status lt_reader_next(lt_reader *r, lt_event *e) {
  if (r->next >= r->end) {
    lt_status status = lti_reader_refill(r);
    if (status != LT_OK)
      return status;
  }
  *e = *r->next++;
  return LT_OK;
}

lt_status lt_reader_next_some(lt_reader *r, const lt_event **events,
                              size_t *n) {
  lt_status status = lti_reader_refill(r);
  if (status != LT_OK)
    return status;
  *events = r->next;
  *n = (size_t)(r->end - r->next);
  r->next = r->end;
  return LT_OK;
}

lt_status lt_reader_seek(lt_reader *r, int64_t time_ns) {
  const struct lti_index_entry *entry = lti_index_find(&r->index, time_ns);
  struct lti_cursor target = entry ? entry->cursor : first_cursor(r);
  /* Between two entries there may be epochs that the index left out. */
  for (uint64_t i = 1; i < r->index.stride && time_ns > 0; i++) {
    begin_at(r, i == 1 ? &target : &r->cursor);
    if (i == 1 && load_epoch(r) != LT_OK)
      break;
    lt_status status = load_epoch(r);
    if (status != LT_OK && status != LT_END)
      return status;
    if (status == LT_END ||
        !lti_is_early(&r->epoch.begin, r->epoch.first_ns, time_ns))
      break;
    target = r->epoch.begin;
  }
  begin_at(r, &target);
  lt_status status = load_epoch(r);
  if (status == LT_OK)
    status = lti_merge_begin(&r->merge, &r->epoch);
  return status == LT_END ? LT_OK : status;
}

void lt_reader_select(lt_reader *r, uint64_t kinds, uint32_t thread) {
  struct lti_cursor first = first_cursor(r);
  r->kinds = kinds;
  r->thread = thread;
  begin_at(r, &first);
}

lt_status lt_reader_losses(lt_reader *r, uint64_t *lost) {
  uint64_t kinds = r->kinds, by_cause[LT_LOST_LIMIT] = {0};
  uint32_t thread = r->thread;
  lt_event e;
  lt_status status = LT_END;
  if (r->by_index)
    memcpy(by_cause, r->lost_by_cause, sizeof by_cause);
  else if (r->info.n_lost) {
    lt_reader_select(r, UINT64_C(1) << LT_LOST, LT_ALL_THREADS);
    while ((status = lt_reader_next(r, &e)) == LT_OK)
      if (e.kind == LT_LOST && e.x < LT_LOST_LIMIT)
        by_cause[e.x] =
            e.a > UINT64_MAX - by_cause[e.x] ? UINT64_MAX : by_cause[e.x] + e.a;
  }
  lt_reader_select(r, kinds, thread);
  if (status == LT_END)
    memcpy(lost, by_cause, sizeof by_cause);
  return status == LT_END ? LT_OK : status;
}

/* Definitions are inflated up to this, and 32 times what they are in the file:
 * more than that is none of a recorder's, and gets its CRC checked only. */
#define VERIFY_RAW_BYTES (UINT64_C(256) << 20)

/* Check the payloads that reading events does not look at.
 * raw_left: bytes that may still be inflated. */
static lt_status verify_block(struct lt_reader *r,
                              const struct lti_block *block,
                              uint64_t *raw_left) {
  const char *wrong = NULL;
  const uint8_t *payload;
  lt_status status;
  switch (block->head.type) {
  case LTI_BLOCK_GENERATION:
  case LTI_BLOCK_DEFS:
    *raw_left += 32 * (uint64_t)block->head.stored_bytes;
    if (block->head.raw_bytes > *raw_left) {
      status = lti_source_check(&r->source, block, &wrong);
      break;
    }
    *raw_left -= block->head.raw_bytes;
    status = lti_source_payload(&r->source, block, &payload, &wrong);
    if (status == LT_OK)
      lti_defs_add(NULL, block, payload, &r->problem);
    break;
  case LTI_BLOCK_EVENTS:
    if (block->at < r->sealed_end)
      return LT_OK;
    status = lti_source_check(&r->source, block, &wrong);
    break;
  default:
    status = lti_source_check(&r->source, block, &wrong);
    break;
  }
  if (status != LT_CORRUPT)
    return status;
  lti_problem_note(&r->problem, LT_CORRUPT, block->at,
                   "block %" PRIu32 " at byte %" PRIu64 ": %s",
                   block->head.number, block->at, wrong);
  return LT_OK;
}

/* Does the index say what the blocks say? */
static lt_status verify_index(struct lt_reader *r,
                              const struct lti_block *end) {
  const struct lti_block *first = NULL;
  struct lti_index_bytes made;
  const uint8_t *payload;
  const char *wrong;
  for (unsigned i = 1; i < LTI_INDEX_SECTIONS; i++)
    if (r->sections[i].at && (!first || r->sections[i].at < first->at))
      first = &r->sections[i];
  if (!first || r->problem.status != LT_OK)
    return LT_OK;
  lt_status status = lti_index_rebuild(&r->source, r->blocks_at, first->at,
                                       end->head.last_ns, NULL, NULL, &made);
  for (unsigned i = 1; i < LTI_INDEX_SECTIONS && status == LT_OK; i++) {
    const struct lti_block *block = &r->sections[i];
    if (!block->at)
      continue;
    status = lti_source_payload(&r->source, block, &payload, &wrong);
    if (status == LT_OK && (block->head.raw_bytes != made.size[i] ||
                            memcmp(payload, made.bytes[i], made.size[i]) != 0))
      lti_problem_note(&r->problem, LT_CORRUPT, block->at,
                       "block %" PRIu32 " at byte %" PRIu64
                       ": the index is not what the other blocks say",
                       block->head.number, block->at);
  }
  lti_index_bytes_free(&made);
  return status == LT_CORRUPT ? LT_OK : status;
}

lt_status lt_reader_verify(lt_reader *r) {
  struct lti_scan scan = {.source = &r->source,
                          .problem = &r->problem,
                          .at = r->blocks_at,
                          .end = r->source.size};
  struct lti_block block = {0};
  uint64_t raw_left = VERIFY_RAW_BYTES;
  lt_status status = LT_OK;
  while (status == LT_OK && block.head.type != LTI_BLOCK_END) {
    status = lti_scan_next(&scan, &block);
    if (status == LT_OK)
      status = verify_block(r, &block, &raw_left);
  }
  if (status != LT_OK && status != LT_END)
    return status;
  lt_event event;
  uint64_t kinds = r->kinds;
  uint32_t thread = r->thread;
  lt_reader_select(r, UINT64_MAX, LT_ALL_THREADS);
  do
    status = lt_reader_next(r, &event);
  while (status == LT_OK);
  lt_reader_select(r, kinds, thread);
  if (status == LT_END && block.head.type == LTI_BLOCK_END) {
    status = verify_index(r, &block);
    status = status == LT_OK ? LT_END : status;
  }
  lti_reader_refresh(r);
  return status == LT_END ? r->problem.status : status;
}
