/* Make trace files for the tests of read/.
 *
 * EVENTS blocks come from the recorder's encoder, all else is put together here
 * from doc/format.md, so that it can be wrong where a test wants it to be. */
#include "read_fixture.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "format/defs.h"
#include "format/encode.h"

static char path[64];

void fixture_begin(struct fixture *f) {
  struct lti_file_header h = {
      .pid = 4711, .start_ns = 1000, .start_unix_ns = 1700000000};
  memset(f, 0, sizeof *f);
  lti_file_header_put(f->bytes, &h);
  f->size = LTI_FILE_HEADER_BYTES;
}

static void append(struct fixture *f, const void *bytes, size_t n) {
  ck_assert_uint_le(n, FIXTURE_BYTES - f->size);
  memcpy(f->bytes + f->size, bytes, n);
  f->size += n;
}

void fixture_block(struct fixture *f, struct lti_block_header h,
                   const void *payload, size_t size, bool deflate) {
  static uint8_t packed[FIXTURE_BYTES];
  uLongf packed_size = sizeof packed;
  uint8_t bytes[LTI_BLOCK_HEADER_BYTES];
  if (deflate) {
    ck_assert_int_eq(compress2(packed, &packed_size, payload, size, 6), Z_OK);
    h.flags |= LTI_BLOCK_ZLIB;
    h.raw_bytes = h.raw_bytes ? h.raw_bytes : (uint32_t)size;
    payload = packed;
    size = packed_size;
  }
  h.stored_bytes = h.stored_bytes ? h.stored_bytes : (uint32_t)size;
  h.raw_bytes = h.raw_bytes ? h.raw_bytes : (uint32_t)size;
  h.number = h.number ? h.number : f->number;
  h.payload_crc = h.payload_crc ? h.payload_crc : lti_crc32(payload, size);
  lti_block_header_put(bytes, &h);
  ck_assert_uint_lt(f->number, FIXTURE_BLOCKS);
  f->at[f->number++] = f->size;
  append(f, bytes, sizeof bytes);
  append(f, payload, size);
}

void fixture_def(struct lti_out *out, unsigned type, const struct lti_out *body,
                 const uint8_t *start) {
  lti_out_varint(out, type);
  lti_out_sized(out, start, (size_t)(body->at - start));
}

void fixture_string(struct lti_out *out, uint64_t id, const char *text) {
  uint8_t bytes[256];
  struct lti_out body = lti_out_of(bytes, sizeof bytes);
  lti_out_varint(&body, id);
  lti_out_bytes(&body, text, strlen(text));
  fixture_def(out, LTI_DEF_STRING, &body, bytes);
}

void fixture_numbers(struct lti_out *out, unsigned type, const uint64_t *values,
                     int n) {
  uint8_t bytes[256];
  struct lti_out body = lti_out_of(bytes, sizeof bytes);
  for (int i = 0; i < n; i++)
    lti_out_varint(&body, values[i]);
  fixture_def(out, type, &body, bytes);
}

void fixture_defs(struct fixture *f, unsigned type, const uint8_t *start,
                  const struct lti_out *out, uint32_t n) {
  struct lti_block_header h = {.type = (uint8_t)type, .count = n};
  ck_assert(!out->full);
  if (type == LTI_BLOCK_GENERATION)
    h.index = f->n_generations++;
  fixture_block(f, h, start, (size_t)(out->at - start), true);
}

void fixture_generation(struct fixture *f) {
  uint8_t bytes[1024];
  struct lti_out out = lti_out_of(bytes, sizeof bytes);
  fixture_string(&out, 1, "tick");
  fixture_numbers(&out, LTI_DEF_SITE, (uint64_t[]){1, 0x1000, 0, 0, 1, 4, 0, 0},
                  8);
  fixture_numbers(&out, LTI_DEF_THREAD, (uint64_t[]){0, 4711, 1, 'm'}, 4);
  fixture_numbers(&out, LTI_DEF_THREAD, (uint64_t[]){1, 4712, 0, 'w'}, 4);
  fixture_numbers(&out, LTI_DEF_LOOP, (uint64_t[]){1, 0, 1}, 3);
  fixture_numbers(&out, LTI_DEF_TASK, (uint64_t[]){5, 0, 2, 1, 1, 200, 0}, 7);
  fixture_numbers(&out, LTI_DEF_LABEL, (uint64_t[]){5, 1}, 2);
  fixture_defs(f, LTI_BLOCK_GENERATION, bytes, &out, 7);
}

void fixture_events(struct fixture *f, uint32_t thread, const lt_event *events,
                    size_t n) {
  const uint8_t *bytes;
  struct lti_encoder *e = lti_encoder_new();
  lti_encoder_begin(e, &f->open[thread]);
  for (size_t i = 0; i < n; i++)
    ck_assert(lti_encoder_add(e, &events[i]));
  size_t size = lti_encoder_finish(e, thread, f->number, &bytes);
  ck_assert_uint_lt(f->number, FIXTURE_BLOCKS);
  f->at[f->number++] = f->size;
  append(f, bytes, size);
  lti_encoder_free(e);
  f->n_events += (uint32_t)n;
  f->total += n;
  f->n_blocks++;
}

void fixture_epoch(struct fixture *f, int64_t watermark_ns) {
  uint8_t bytes[32];
  struct lti_out out = lti_out_of(bytes, sizeof bytes);
  struct lti_block_header h = {
      .type = LTI_BLOCK_EPOCH, .last_ns = watermark_ns, .count = f->n_blocks};
  lti_out_varint(&out, f->n_events);
  lti_out_varint(&out, 0);
  lti_out_varint(&out, 3);
  fixture_block(f, h, bytes, (size_t)(out.at - bytes), false);
  f->n_events = f->n_blocks = 0;
}

void fixture_end(struct fixture *f) {
  uint8_t bytes[64];
  struct lti_out out = lti_out_of(bytes, sizeof bytes);
  struct lti_block_header h = {.type = LTI_BLOCK_END};
  lti_out_varint(&out, LT_END_EXITED);
  lti_out_varint(&out, 7);
  lti_out_varint(&out, f->total);
  lti_out_varint(&out, 0);
  lti_out_varint(&out, 2);
  fixture_block(f, h, bytes, (size_t)(out.at - bytes), false);
}

/* Two slices of thread 0, and one of thread 1 at the same times. */
static void small_epoch(struct fixture *f, int64_t t) {
  fixture_events(f, 0,
                 (lt_event[]){
                     {.time_ns = t + 5, .kind = LT_LOOP_BEGIN, .x = 1},
                     {.time_ns = t + 10, .kind = LT_RESUME, .ref = 5, .a = 1},
                     {.time_ns = t + 20, .kind = LT_AWAIT, .ref = 5},
                 },
                 3);
  fixture_events(f, 1,
                 (lt_event[]){
                     {.time_ns = t + 10, .kind = LT_POOL_BEGIN, .ref = 9},
                     {.time_ns = t + 30, .kind = LT_POOL_END, .ref = 9},
                 },
                 2);
  fixture_events(f, 0,
                 (lt_event[]){
                     {.time_ns = t + 30, .kind = LT_RESUME, .ref = 6, .a = 1},
                     {.time_ns = t + 40, .kind = LT_DONE, .ref = 6},
                     {.time_ns = t + 41, .kind = LT_LOOP_END, .x = 1},
                 },
                 3);
  fixture_epoch(f, t + 50);
}

void fixture_small(struct fixture *f) {
  fixture_begin(f);
  fixture_generation(f);
  small_epoch(f, 0);
  small_epoch(f, 100);
  fixture_generation(f);
  fixture_events(f, 0,
                 (lt_event[]){
                     {.time_ns = 205, .kind = LT_LOOP_BEGIN, .x = 1},
                     {.time_ns = 210, .kind = LT_RESUME, .ref = 5, .a = 1},
                 },
                 2);
  fixture_epoch(f, 250);
  fixture_events(f, 1, (lt_event[]){{.time_ns = 260, .kind = LT_MARK, .a = 1}},
                 1);
  fixture_epoch(f, 300);
  fixture_events(f, 0,
                 (lt_event[]){{.time_ns = 310, .kind = LT_AWAIT, .ref = 5}}, 1);
  fixture_events(
      f, 1,
      (lt_event[]){
          {.time_ns = 311, .kind = LT_LOST, .x = LT_LOST_FULL, .a = 4, .b = 1},
      },
      1);
  fixture_epoch(f, 350);
  fixture_end(f);
}

const char *fixture_file(const void *bytes, size_t size) {
  if (!path[0]) {
    const char *dir = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.40s/check_read.XXXXXX", dir ? dir : "/tmp");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
  }
  /* In place: file systems flush a file that was emptied and written again. */
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(pwrite(fd, bytes, size, 0), (ssize_t)size);
  ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
  close(fd);
  return path;
}

void fixture_remove(void) {
  if (path[0])
    unlink(path);
  path[0] = 0;
}

lt_reader *fixture_open(const struct fixture *f) {
  lt_reader *r;
  ck_assert_int_eq(lt_reader_open(fixture_file(f->bytes, f->size), &r), LT_OK);
  return r;
}

size_t fixture_read(lt_reader *r, lt_event *events, size_t max) {
  size_t n = 0;
  lt_status status = LT_OK;
  while (n < max && (status = lt_reader_next(r, &events[n])) == LT_OK)
    n++;
  ck_assert(status == LT_END || n == max);
  return n;
}
