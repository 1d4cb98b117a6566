/* Fuzz the index: whatever it says, the trace has the same events.
 *
 * An input is the number of a section and its payload; it is put into a small
 * trace (FUZZ_BASE in the environment: one without an index) in the place of
 * the right one, with CRCs that are right. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include <string.h>

#include "format/bytes.h"
#include "fuzz.h"
#include "read/rebuild.h"
#include "read/state.h"

static struct {
  struct lti_index_bytes index; /* what is true */
  uint64_t at;                  /* where it begins */
  uint64_t n_events;
  int64_t end_ns;
} base;

static const char *path;

/* Read on to the end. */
static uint64_t read_events(lt_reader *r) {
  lt_event event;
  int64_t last = INT64_MIN;
  uint64_t n = 0;
  lt_status status;
  while ((status = lt_reader_next(r, &event)) == LT_OK) {
    must(event.time_ns >= last, "time goes back");
    last = event.time_ns;
    n++;
  }
  must(status == LT_END, "no end");
  return n;
}

/* Returns: the bytes of a whole block in block. */
static size_t put_block(uint8_t *block, size_t room, unsigned type,
                        uint32_t index, const uint8_t *payload, size_t size) {
  struct lti_block_header h = {.type = (uint8_t)type,
                               .stored_bytes = (uint32_t)size,
                               .raw_bytes = (uint32_t)size,
                               .index = index,
                               .first_ns = base.end_ns,
                               .last_ns = base.end_ns,
                               .payload_crc = lti_crc32(payload, size)};
  must(size <= room - LTI_BLOCK_HEADER_BYTES, "a section is too large");
  lti_block_header_put(block, &h);
  memcpy(block + LTI_BLOCK_HEADER_BYTES, payload, size);
  return LTI_BLOCK_HEADER_BYTES + size;
}

/* The trace with an index, one section of which is the input's. */
static void put_trace(unsigned section, const uint8_t *payload, size_t size) {
  static uint8_t tail[1 << 17];
  uint8_t end[6 * LTI_VARINT_MAX];
  size_t used = 0;
  for (unsigned i = 1; i < LTI_INDEX_SECTIONS; i++) {
    bool is_given = i == section;
    used += put_block(tail + used, sizeof tail - used, LTI_BLOCK_INDEX, i,
                      is_given ? payload : base.index.bytes[i],
                      is_given ? size : base.index.size[i]);
  }
  struct lti_out out = lti_out_of(end, sizeof end);
  lti_out_varint(&out, LT_END_EXITED);
  lti_out_varint(&out, 0);
  lti_out_varint(&out, base.n_events);
  lti_out_varint(&out, 0);
  lti_out_varint(&out, 0);
  lti_out_varint(&out, base.at);
  used += put_block(tail + used, sizeof tail - used, LTI_BLOCK_END, 0, end,
                    (size_t)(out.at - end));
  int fd = scratch_file(&path);
  write_at(fd, base.at, tail, used);
  must(ftruncate(fd, (off_t)(base.at + used)) == 0, "ftruncate");
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  static uint8_t bytes[1 << 16];
  const char *from = getenv("FUZZ_BASE");
  lt_reader *r;
  (void)argc;
  (void)argv;
  must(from && lt_reader_open(from, &r) == LT_OK, "FUZZ_BASE is no trace");
  must(r->sealed_end <= sizeof bytes, "FUZZ_BASE is too large");
  must(lti_source_read(&r->source, 0, bytes, r->sealed_end) == LT_OK, "read");
  base.at = r->sealed_end;
  base.n_events = read_events(r);
  base.end_ns = lt_reader_info(r)->end_ns;
  must(base.n_events && !lt_reader_info(r)->n_lost, "FUZZ_BASE is not of use");
  must(lti_index_rebuild(&r->source, r->blocks_at, base.at, base.end_ns, NULL,
                         NULL, &base.index) == LT_OK,
       "no index");
  lt_reader_close(r);
  write_at(scratch_file(&path), 0, bytes, base.at);
  put_trace(0, NULL, 0);
  must(lti_reader_open(path, 0, &r) == LT_OK, "open");
  must(lt_reader_info(r)->by_index, "the right index is not taken");
  lt_reader_close(r);
  return 0;
}

static void look_around(lt_reader *r) {
  const lt_summary *sum;
  const lt_open *opens;
  size_t n;
  lt_status status = lt_reader_summary(r, &sum);
  must(status == LT_OK || status == LT_NOT_FOUND, "summary");
  for (uint32_t i = 0; status == LT_OK && i < sum->n_lanes; i++) {
    const lt_lane *lane = &sum->lanes[i];
    const lt_lane_bin *top = lane->level[sum->n_levels - 1];
    must(top->longest_ns == lane->longest_ns, "the longest turn");
    must(top->busy_ns <= lane->busy_ns, "busier than it was");
  }
  must(lt_reader_seek(r, base.end_ns / 2) == LT_OK, "seek");
  must(lt_reader_opens(r, &opens, &n) == LT_OK, "opens");
  must(read_events(r) <= base.n_events, "more events from the middle");
  lt_reader_select(r, UINT64_C(1) << LT_RESUME, LT_ALL_THREADS);
  must(read_events(r) <= base.n_events, "more events of one kind");
  lt_reader_select(r, UINT64_MAX, LT_ALL_THREADS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lt_reader *r;
  if (!size)
    return 0;
  put_trace(1 + data[0] % 3, data + 1, size - 1);
  must(lti_reader_open(path, 0, &r) == LT_OK, "open");
  if (data[0] & 64)
    look_around(r);
  must(lt_reader_seek(r, INT64_MIN) == LT_OK, "seek");
  must(read_events(r) == base.n_events, "the index took or made events");
  if (data[0] & 128)
    (void)lt_reader_verify(r);
  lt_reader_close(r);
  return 0;
}

/* Begin with what is true; what is not true at all has been tried soon. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed) {
  unsigned section = 1 + seed % 3;
  size_t n = base.index.size[section];
  if ((size < 4 || seed % 97 == 0) && n < max_size) {
    data[0] = (uint8_t)((section - 1) % 3 + (seed >> 8) % 2 * 66 +
                        (seed >> 9) % 2 * 129);
    memcpy(data + 1, base.index.bytes[section], n);
    size = n + 1;
  }
  return LLVMFuzzerMutate(data, size, max_size);
}
