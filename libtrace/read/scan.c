/* Find the blocks of a file, whatever state it is in.
 *
 * Invariant: each step moves on by at least one header (64 bytes), or ends; the
 * blocks that are given out have ascending offsets and numbers.  Called when a
 * file is opened, and again for each epoch that is read. */
#include "read/scan.h"

#include <inttypes.h>
#include <string.h>

static const uint8_t magic[4] = {0x4c, 0x54, 0x62, 0x01};

/* Find the next valid header behind a damaged one.
 * Errors: END where there is none, IO. */
static lt_status find_header(struct lti_scan *scan, uint64_t from) {
  uint8_t bytes[LTI_WINDOW_BYTES];
  struct lti_block_header head;
  uint64_t at = from;
  while (at < scan->end && scan->end - at >= LTI_BLOCK_HEADER_BYTES) {
    uint64_t data = lti_source_data(scan->source, at);
    if (data > at) {
      at = data;
      continue;
    }
    uint64_t left = scan->end - at;
    size_t n = left < sizeof bytes ? (size_t)left : sizeof bytes;
    lt_status status = lti_source_read(scan->source, at, bytes, n);
    if (status != LT_OK)
      return status;
    size_t i = 0;
    for (; n - i >= LTI_BLOCK_HEADER_BYTES; i++) {
      const uint8_t *p = memchr(bytes + i, magic[0], n - i);
      i = p ? (size_t)(p - bytes) : n;
      if (n - i < LTI_BLOCK_HEADER_BYTES)
        break;
      if (memcmp(p, magic, sizeof magic) == 0 &&
          lti_block_header_get(p, &head) == LT_OK) {
        scan->at = at + i;
        return LT_OK;
      }
    }
    at += i; /* at least n - 63 */
  }
  return LT_END;
}

static lt_status cut_here(struct lti_scan *scan) {
  lti_problem_note(scan->problem, LT_TRUNCATED, scan->at,
                   "the file ends at byte %" PRIu64
                   ", before its end mark; whole up to byte %" PRIu64,
                   scan->source->size, scan->at);
  return LT_END;
}

/* Read the header at scan.at, or find the next one behind it. */
static lt_status read_header(struct lti_scan *scan, struct lti_block *block) {
  for (;;) {
    if (scan->at >= scan->end)
      return scan->end < scan->source->size ? LT_END : cut_here(scan);
    if (scan->end - scan->at < LTI_BLOCK_HEADER_BYTES)
      return cut_here(scan);
    uint8_t bytes[LTI_BLOCK_HEADER_BYTES];
    lt_status status =
        lti_source_read(scan->source, scan->at, bytes, sizeof bytes);
    if (status != LT_OK)
      return status;
    if (lti_block_header_get(bytes, &block->head) == LT_OK) {
      block->at = scan->at;
      return LT_OK;
    }
    lti_problem_note(scan->problem, LT_CORRUPT, scan->at,
                     "block %" PRIu64 " at byte %" PRIu64 ": header is damaged",
                     scan->number, scan->at);
    scan->n_damaged++;
    status = find_header(scan, scan->at + 1);
    if (status != LT_OK)
      return status;
  }
}

/* Does this block's number fit?  Notes what is wrong with it. */
static bool is_in_order(struct lti_scan *scan, const struct lti_block *block) {
  uint32_t number = block->head.number;
  if (number < scan->number) {
    lti_problem_note(scan->problem, LT_CORRUPT, block->at,
                     "block %" PRIu32 " at byte %" PRIu64
                     ": stands there a second time, or at a wrong place",
                     number, block->at);
    return false;
  }
  if (number > scan->number)
    lti_problem_note(scan->problem, LT_CORRUPT, block->at,
                     "block %" PRIu32 " at byte %" PRIu64 ": blocks %" PRIu64
                     " to %" PRIu32 " before it are missing",
                     number, block->at, scan->number, number - 1);
  scan->number = (uint64_t)number + 1;
  return true;
}

lt_status lti_scan_next(struct lti_scan *scan, struct lti_block *block) {
  for (;;) {
    lt_status status = read_header(scan, block);
    if (status != LT_OK)
      return status;
    uint64_t size =
        (uint64_t)block->head.header_bytes + block->head.stored_bytes;
    if (size > scan->end - scan->at)
      return cut_here(scan);
    scan->at += size;
    if (is_in_order(scan, block))
      return LT_OK;
  }
}
