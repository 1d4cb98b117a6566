/* Read a trace: the calls of looptrace/reader.h that give events.
 *
 * Invariant: cursor is behind the current epoch, whose events are in merge and
 * run; everything before sealed_end was looked over once by survey.c, but is
 * checked again when it is read, because a file may change.  Called by programs
 * and by the viewer. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "read/decode.h"
#include "read/state.h"

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
    return status == LT_CORRUPT ? LT_NOT_A_TRACE : status;
  r->blocks_at = h.header_bytes;
  r->info.version = h.version;
  r->info.start_ns = h.start_ns;
  r->info.start_unix_ns = h.start_unix_ns;
  r->info.pid = (int32_t)h.pid;
  r->info.size_bytes = r->source.size;
  return LT_OK;
}

static void begin_at(struct lt_reader *r, const struct lti_cursor *cursor) {
  lti_merge_stop(&r->merge);
  memset(&r->run, 0, sizeof r->run);
  r->cursor = *cursor;
  lti_epoch_begin(&r->epoch, cursor);
}

static struct lti_cursor first_cursor(const struct lt_reader *r) {
  return (struct lti_cursor){.at = r->blocks_at, .floor_ns = -LTI_TIME_MAX};
}

lt_status lt_reader_open(const char *path, lt_reader **reader) {
  *reader = NULL;
  struct lt_reader *r = calloc(1, sizeof *r);
  if (!r)
    return LT_NOMEM;
  lt_status status = lti_source_open(&r->source, path);
  if (status != LT_OK) {
    int error = errno;
    free(r);
    errno = error;
    return status;
  }
  lti_defs_init(&r->defs);
  r->spans.item_bytes = sizeof(struct lti_span);
  r->spans_budget.left = (size_t)16 << 20;
  r->tasks.item_bytes = sizeof(lt_task_def);
  status = read_header(r);
  if (status == LT_OK) {
    struct lti_cursor first = first_cursor(r);
    begin_at(r, &first);
    status = lti_reader_survey(r);
    begin_at(r, &first);
  }
  if (status != LT_OK) {
    int error = errno;
    lt_reader_close(r);
    errno = error;
    return status;
  }
  *reader = r;
  return LT_OK;
}

void lt_reader_close(lt_reader *r) {
  if (!r)
    return;
  lti_merge_free(&r->merge);
  lti_defs_free(&r->defs);
  lti_idmap_free(&r->spans);
  lti_idmap_free(&r->tasks);
  lti_source_close(&r->source);
  lti_summary_read_free(r->summary);
  free(r->epoch.blocks);
  free(r->index.entries);
  free(r->span_order);
  free(r->damaged);
  free(r->opens);
  free(r);
}

/* Read the headers of the next epoch that has events, and begin to merge it. */
static lt_status load_epoch(struct lt_reader *r) {
  do {
    lti_epoch_begin(&r->epoch, &r->cursor);
    struct lti_scan scan = {.source = &r->source,
                            .problem = &r->problem,
                            .at = r->cursor.at,
                            .number = r->cursor.number,
                            .end = r->sealed_end};
    lt_status status = lti_reader_collect(r, &scan, NULL);
    if (status != LT_OK)
      return status;
  } while (!r->epoch.n_blocks);
  return LT_OK;
}

static void block_is_damaged(void *context, const struct lti_block *block,
                             const char *wrong) {
  lti_reader_damaged(context, block, wrong, true);
}

lt_status lti_reader_refill(struct lt_reader *r) {
  struct lti_run *run = &r->run;
  if (run->at < run->end && (int64_t)run->at->clock <= run->limit_ns)
    return LT_OK;
  const struct lti_merge_owner owner = {&r->source, block_is_damaged, r};
  for (;;) {
    if (r->merge.epoch) {
      const struct lti_record *taken = run->at;
      run->at = run->end = NULL;
      lt_status status = lti_merge_next(&r->merge, &owner, taken, run);
      if (status != LT_END)
        return status;
      lti_merge_stop(&r->merge);
    }
    lt_status status = load_epoch(r);
    if (status == LT_OK)
      status = lti_merge_begin(&r->merge, &r->epoch);
    if (status != LT_OK)
      return status;
  }
}

lt_status lt_reader_next(lt_reader *r, lt_event *e) {
  const struct lti_record *at = r->run.at;
  if (at >= r->run.end || (int64_t)at->clock > r->run.limit_ns) {
    lt_status status = lti_reader_refill(r);
    if (status != LT_OK)
      return status;
    at = r->run.at;
  }
  r->run.at = at + 1;
  e->time_ns = (int64_t)at->clock;
  e->ref = LTI_HEAD_REF(at->head);
  e->a = at->a;
  e->b = at->b;
  e->thread = r->run.thread;
  e->x = (uint16_t)LTI_HEAD_X(at->head);
  e->kind = (uint8_t)LTI_HEAD_KIND(at->head);
  return LT_OK;
}

lt_status lt_reader_seek(lt_reader *r, int64_t time_ns) {
  const struct lti_index_entry *entry = lti_index_find(&r->index, time_ns);
  struct lti_cursor target = entry ? entry->cursor : first_cursor(r);
  /* Between two entries there may be epochs that the index left out. */
  for (uint64_t i = 1; i < r->index.stride; i++) {
    begin_at(r, i == 1 ? &target : &r->cursor);
    if (i == 1 && load_epoch(r) != LT_OK)
      break;
    lt_status status = load_epoch(r);
    if (status != LT_OK && status != LT_END)
      return status;
    if (status == LT_END || r->epoch.first_ns > time_ns)
      break;
    target = r->epoch.begin;
  }
  begin_at(r, &target);
  lt_status status = load_epoch(r);
  if (status == LT_OK)
    status = lti_merge_begin(&r->merge, &r->epoch);
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
  struct lti_cursor first = first_cursor(r);
  begin_at(r, &first);
  lt_event event;
  do
    status = lt_reader_next(r, &event);
  while (status == LT_OK);
  begin_at(r, &first);
  lti_reader_refresh(r);
  return status == LT_END ? r->problem.status : status;
}
