/* format/: bytes, headers, columns, brackets and EVENTS blocks, there and back.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/arena.h"
#include "format/block.h"
#include "format/brackets.h"
#include "format/bytes.h"
#include "format/columns.h"
#include "format/encode.h"
#include "read/decode.h"

static const uint64_t extremes[] = {0,
                                    1,
                                    127,
                                    128,
                                    16383,
                                    16384,
                                    UINT32_MAX,
                                    (UINT64_C(1) << 40) - 1,
                                    INT64_MAX,
                                    UINT64_C(1) << 63,
                                    UINT64_MAX - 1,
                                    UINT64_MAX};
enum { N_EXTREMES = sizeof extremes / sizeof *extremes };

/* The same numbers in each run. */
static uint64_t random_u64(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

START_TEST(varints_come_back_and_end_where_they_should) {
  uint8_t bytes[N_EXTREMES * LTI_VARINT_MAX];
  struct lti_out out = lti_out_of(bytes, sizeof bytes);
  for (int i = 0; i < N_EXTREMES; i++)
    lti_out_varint(&out, extremes[i]);
  ck_assert(!out.full);
  struct lti_in in = lti_in_of(bytes, (size_t)(out.at - bytes));
  for (int i = 0; i < N_EXTREMES; i++)
    ck_assert_uint_eq(lti_in_varint(&in), extremes[i]);
  ck_assert(!in.bad);
  ck_assert_uint_eq(lti_in_left(&in), 0);
}
END_TEST

START_TEST(signed_numbers_come_back) {
  for (int i = 0; i < N_EXTREMES; i++)
    ck_assert_uint_eq(lti_unzigzag(lti_zigzag(extremes[i])), extremes[i]);
  ck_assert_uint_eq(lti_zigzag(0), 0);
  ck_assert_uint_eq(lti_zigzag((uint64_t)-1), 1);
  ck_assert_uint_eq(lti_zigzag(1), 2);
}
END_TEST

START_TEST(a_varint_of_more_than_64_bits_is_bad) {
  uint8_t bytes[11];
  memset(bytes, 0xff, sizeof bytes);
  bytes[9] = 0x02; /* the 65th bit */
  struct lti_in in = lti_in_of(bytes, 10);
  ck_assert_uint_eq(lti_in_varint(&in), 0);
  ck_assert(in.bad);
  bytes[9] = 0x81; /* an 11th byte */
  bytes[10] = 0;
  in = lti_in_of(bytes, 11);
  (void)lti_in_varint(&in);
  ck_assert(in.bad);
}
END_TEST

START_TEST(what_is_not_there_reads_as_0_and_says_so) {
  const uint8_t bytes[] = {0x80, 0x80};
  struct lti_in in = lti_in_of(bytes, sizeof bytes);
  ck_assert_uint_eq(lti_in_varint(&in), 0);
  ck_assert(in.bad);
  ck_assert_uint_eq(lti_in_u8(&in), 0);
  ck_assert_ptr_null(lti_in_bytes(&in, 1));
  in = lti_in_of(bytes, sizeof bytes);
  struct lti_in part = lti_in_part(&in, 3);
  ck_assert(part.bad);
  ck_assert(in.bad);
}
END_TEST

START_TEST(what_does_not_fit_is_not_written) {
  uint8_t bytes[2] = {7, 7};
  struct lti_out out = lti_out_of(bytes, 1);
  lti_out_varint(&out, 300);
  ck_assert(out.full);
  ck_assert_ptr_eq(out.at, bytes);
  ck_assert_uint_eq(bytes[0], 7);
}
END_TEST

START_TEST(a_file_header_comes_back) {
  uint8_t bytes[LTI_FILE_HEADER_BYTES];
  struct lti_file_header to, from = {.optional = 5,
                                     .pid = 4711,
                                     .start_ns = INT64_MIN,
                                     .start_unix_ns = INT64_MAX,
                                     .id = "0123456789abcde"};
  lti_file_header_put(bytes, &from);
  ck_assert_int_eq(lti_file_header_get(bytes, &to), LT_OK);
  ck_assert_uint_eq(to.version, 1);
  ck_assert_uint_eq(to.header_bytes, 64);
  ck_assert_uint_eq(to.pid, 4711);
  ck_assert_uint_eq(to.optional, 5);
  ck_assert_int_eq(to.start_ns, INT64_MIN);
  ck_assert_int_eq(to.start_unix_ns, INT64_MAX);
  ck_assert_mem_eq(to.id, from.id, 16);
}
END_TEST

START_TEST(a_file_header_of_another_version_says_so) {
  uint8_t bytes[LTI_FILE_HEADER_BYTES];
  struct lti_file_header to, from = {.required = 1};
  lti_file_header_put(bytes, &from);
  ck_assert_int_eq(lti_file_header_get(bytes, &to), LT_VERSION);
  from.required = 0;
  lti_file_header_put(bytes, &from);
  lti_put_u16(bytes + 8, 2);
  lti_put_u32(bytes + 60, lti_crc32(bytes, 60));
  ck_assert_int_eq(lti_file_header_get(bytes, &to), LT_VERSION);
}
END_TEST

static const struct lti_block_header some_block = {.type = LTI_BLOCK_EVENTS,
                                                   .flags = LTI_BLOCK_ZLIB,
                                                   .stored_bytes = 1000,
                                                   .raw_bytes = 5000,
                                                   .number = 12,
                                                   .index = 3,
                                                   .first_ns = -5,
                                                   .last_ns = INT64_MAX,
                                                   .kinds = UINT64_MAX,
                                                   .count = 77,
                                                   .lost = UINT32_MAX,
                                                   .payload_crc = 0xdeadbeef};

START_TEST(a_block_header_comes_back) {
  uint8_t bytes[LTI_BLOCK_HEADER_BYTES];
  struct lti_block_header to;
  lti_block_header_put(bytes, &some_block);
  ck_assert_int_eq(lti_block_header_get(bytes, &to), LT_OK);
  ck_assert_uint_eq(to.type, LTI_BLOCK_EVENTS);
  ck_assert_uint_eq(to.stored_bytes, 1000);
  ck_assert_uint_eq(to.raw_bytes, 5000);
  ck_assert_uint_eq(to.number, 12);
  ck_assert_uint_eq(to.index, 3);
  ck_assert_int_eq(to.first_ns, -5);
  ck_assert_int_eq(to.last_ns, INT64_MAX);
  ck_assert_uint_eq(to.kinds, UINT64_MAX);
  ck_assert_uint_eq(to.count, 77);
  ck_assert_uint_eq(to.lost, UINT32_MAX);
  ck_assert_uint_eq(to.payload_crc, 0xdeadbeef);
}
END_TEST

START_TEST(a_changed_bit_in_a_header_is_noticed) {
  uint8_t file[LTI_FILE_HEADER_BYTES], block[LTI_BLOCK_HEADER_BYTES];
  struct lti_file_header file_header = {.pid = 1};
  struct lti_block_header block_header;
  lti_file_header_put(file, &file_header);
  lti_block_header_put(block, &some_block);
  for (int bit = 0; bit < 64 * 8; bit++) {
    file[bit / 8] ^= (uint8_t)(1 << bit % 8);
    block[bit / 8] ^= (uint8_t)(1 << bit % 8);
    ck_assert_int_ne(lti_file_header_get(file, &file_header), LT_OK);
    ck_assert_int_eq(lti_block_header_get(block, &block_header), LT_CORRUPT);
    file[bit / 8] ^= (uint8_t)(1 << bit % 8);
    block[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}
END_TEST

START_TEST(sizes_that_disagree_without_compression_are_corrupt) {
  uint8_t bytes[LTI_BLOCK_HEADER_BYTES];
  struct lti_block_header h = some_block;
  h.flags = 0;
  lti_block_header_put(bytes, &h);
  ck_assert_int_eq(lti_block_header_get(bytes, &h), LT_CORRUPT);
}
END_TEST

START_TEST(every_codec_gives_back_what_it_was_given) {
  for (unsigned codec = LT_CODEC_UINT; codec <= LT_CODEC_TEXT; codec++) {
    struct lti_column there = {0}, back = {0};
    uint64_t state = 88172645463325252u + codec;
    uint64_t limit = codec == LT_CODEC_OPEN ? LTI_REF_MAX : UINT64_MAX;
    for (int i = 0; i < 10000; i++) {
      uint64_t value = i < N_EXTREMES ? extremes[i] : random_u64(&state);
      uint64_t task = i % 3 ? value & limit : (uint64_t)i;
      value &= limit;
      uint64_t stored = lti_column_encode(&there, codec, value, task);
      ck_assert_uint_eq(lti_column_decode(&back, codec, stored, task), value);
    }
  }
}
END_TEST

START_TEST(the_running_task_costs_nothing_to_name) {
  struct lti_column column = {0};
  ck_assert_uint_eq(lti_column_encode(&column, LT_CODEC_OPEN, 12345, 12345), 0);
  ck_assert_uint_eq(lti_column_encode(&column, LT_CODEC_OPEN, 0, 0), 0);
  ck_assert_uint_ne(lti_column_encode(&column, LT_CODEC_OPEN, 0, 1), 0);
}
END_TEST

static void apply(struct lti_brackets *open, unsigned kind, uint64_t ref) {
  lti_brackets_apply(open, 0, kind, (uint16_t)ref, ref, 0);
}

START_TEST(brackets_nest_and_close) {
  struct lti_brackets open = {0};
  apply(&open, LT_LOOP_BEGIN, 1);
  apply(&open, LT_RESUME, 10);
  apply(&open, LT_LOOP_BEGIN, 1);
  apply(&open, LT_POLL_BEGIN, 0);
  ck_assert_uint_eq(open.n, 4);
  ck_assert_uint_eq(lti_brackets_task(&open), 10);
  apply(&open, LT_POLL_END, 0);
  apply(&open, LT_RESUME, 11);
  ck_assert_uint_eq(lti_brackets_task(&open), 11);
  apply(&open, LT_DONE, 11);
  apply(&open, LT_LOOP_END, 1);
  ck_assert_uint_eq(open.n, 2);
  apply(&open, LT_AWAIT, 10);
  ck_assert_uint_eq(open.n, 1);
  ck_assert_uint_eq(lti_brackets_task(&open), 0);
}
END_TEST

START_TEST(a_closing_event_takes_all_above_what_it_closes) {
  struct lti_brackets open = {0};
  apply(&open, LT_RESUME, 1);
  apply(&open, LT_RESUME, 2);
  apply(&open, LT_POLL_BEGIN, 0);
  apply(&open, LT_AWAIT, 1);
  ck_assert_uint_eq(open.n, 0);
}
END_TEST

START_TEST(a_closing_event_without_its_bracket_does_nothing) {
  struct lti_brackets open = {0};
  apply(&open, LT_RESUME, 1);
  apply(&open, LT_LOOP_BEGIN, 2);
  apply(&open, LT_AWAIT, 3);
  apply(&open, LT_LOOP_END, 1);
  apply(&open, LT_POLL_END, 0);
  apply(&open, LT_POOL_END, 1);
  ck_assert_uint_eq(open.n, 2);
}
END_TEST

START_TEST(the_65th_bracket_is_not_pushed) {
  struct lti_brackets open = {0};
  for (unsigned i = 1; i <= 65; i++)
    apply(&open, LT_RESUME, i);
  ck_assert_uint_eq(open.n, 64);
  ck_assert_uint_eq(lti_brackets_task(&open), 64);
  apply(&open, LT_AWAIT, 65);
  ck_assert_uint_eq(open.n, 64);
  apply(&open, LT_AWAIT, 64);
  ck_assert_uint_eq(open.n, 63);
}
END_TEST

/* An EVENTS block decoded by the reader's code. */
struct decoded {
  struct lti_block_header head;
  struct lti_brackets open;
  lt_event *events;
  uint32_t n;
};

static struct decoded decode(const uint8_t *block, size_t size) {
  struct decoded d;
  ck_assert_uint_ge(size, LTI_BLOCK_HEADER_BYTES);
  ck_assert_int_eq(lti_block_header_get(block, &d.head), LT_OK);
  const uint8_t *stored = block + d.head.header_bytes;
  ck_assert_uint_eq(size, d.head.header_bytes + d.head.stored_bytes);
  ck_assert_uint_eq(lti_crc32(stored, d.head.stored_bytes), d.head.payload_crc);
  ck_assert_uint_le(d.head.raw_bytes, LTI_PAYLOAD_MAX);
  uint8_t *raw = calloc(1, d.head.raw_bytes + LTI_PAYLOAD_SLACK);
  uLongf raw_size = d.head.raw_bytes;
  if (d.head.flags & LTI_BLOCK_ZLIB)
    ck_assert_int_eq(uncompress(raw, &raw_size, stored, d.head.stored_bytes),
                     Z_OK);
  else
    memcpy(raw, stored, raw_size);
  ck_assert_uint_eq(raw_size, d.head.raw_bytes);
  d.events = calloc(d.head.count, sizeof *d.events);
  ck_assert_ptr_null(lti_events_refused(&d.head));
  const char *wrong = lti_events_decode(&d.head, raw, d.events, &d.n, &d.open);
  ck_assert_msg(!wrong, "%s", wrong ? wrong : "");
  free(raw);
  return d;
}

/* What a field can hold that is coded so. */
static uint64_t fit(unsigned codec, uint64_t value, uint64_t limit) {
  return codec == LT_CODEC_NONE ? 0 : value & limit;
}

static lt_event make_event(unsigned kind, int64_t time_ns, uint64_t *state) {
  const lt_kind_info *info = lt_kind_lookup(kind);
  uint64_t v[4];
  for (int i = 0; i < 4; i++) {
    v[i] = random_u64(state);
    v[i] = v[i] % 4 == 0   ? extremes[v[i] / 4 % N_EXTREMES]
           : v[i] % 4 == 1 ? v[i] / 4 % 8
                           : v[i];
  }
  lt_event e = {.time_ns = time_ns, .kind = (uint8_t)kind};
  e.ref = fit(info->ref, v[0], LTI_REF_MAX);
  e.x = (uint16_t)fit(info->x, v[1], UINT16_MAX);
  e.a = fit(info->a, v[2], UINT64_MAX);
  e.b = fit(info->b, v[3], UINT64_MAX);
  return e;
}

static void assert_same(const lt_event *r, const lt_event *e) {
  ck_assert_int_eq(r->time_ns, e->time_ns);
  ck_assert_uint_eq(r->kind, e->kind);
  ck_assert_uint_eq(r->ref, e->ref);
  ck_assert_uint_eq(r->x, e->x);
  ck_assert_uint_eq(r->a, e->a);
  ck_assert_uint_eq(r->b, e->b);
}

static void assert_same_brackets(const struct lti_brackets *a,
                                 const struct lti_brackets *b) {
  ck_assert_uint_eq(a->n, b->n);
  for (uint32_t i = 0; i < a->n; i++) {
    ck_assert_int_eq(a->at[i].begin_ns, b->at[i].begin_ns);
    ck_assert_uint_eq(a->at[i].ref, b->at[i].ref);
    ck_assert_uint_eq(a->at[i].kind, b->at[i].kind);
    ck_assert_uint_eq(a->at[i].x, b->at[i].x);
    ck_assert_uint_eq(a->at[i].a, b->at[i].a);
  }
}

/* Encode events in as many blocks as they need; each is decoded and compared.
 */
static uint32_t round_trip(const lt_event *events, uint32_t n,
                           struct lti_brackets *open) {
  struct lti_encoder *e = lti_encoder_new();
  uint32_t done = 0, blocks = 0;
  ck_assert_ptr_nonnull(e);
  while (done < n) {
    const uint8_t *block;
    uint32_t from = done;
    lti_encoder_begin(e, open);
    while (done < n && lti_encoder_add(e, &events[done]))
      done++;
    ck_assert_uint_gt(done, from);
    size_t size = lti_encoder_finish(e, 7, blocks++, &block);
    struct decoded d = decode(block, size);
    ck_assert_uint_eq(d.head.index, 7);
    ck_assert_uint_eq(d.n, done - from);
    for (uint32_t i = from; i < done; i++)
      assert_same(&d.events[i - from], &events[i]);
    assert_same_brackets(&d.open, open);
    free(d.events);
  }
  lti_encoder_free(e);
  return blocks;
}

START_TEST(every_kind_comes_back_with_any_values) {
  uint64_t state = 42;
  for (unsigned kind = 0; kind < LT_KIND_LIMIT; kind++) {
    struct lti_brackets open = {0};
    lt_event events[100];
    if (!lt_kind_lookup(kind))
      continue;
    for (int i = 0; i < 100; i++)
      events[i] = make_event(kind, i * i, &state);
    ck_assert_uint_eq(round_trip(events, 100, &open), 1);
  }
}
END_TEST

START_TEST(events_that_are_all_the_same_make_no_bomb) {
  enum { N = 20000 };
  struct lti_brackets open = {0};
  lt_event *events = calloc(N, sizeof *events);
  for (int i = 0; i < N; i++)
    events[i] = (lt_event){.kind = LT_MARK, .b = 1};
  /* Some hundred bytes, which no reader would take: decode() asks it. */
  ck_assert_uint_ge(round_trip(events, N, &open), 2);
  free(events);
}
END_TEST

START_TEST(a_long_mixture_is_cut_into_blocks_that_stand_alone) {
  enum { N = 60000 };
  struct lti_brackets open = {0};
  uint64_t state = 4711;
  int64_t time_ns = 0;
  lt_event *events = calloc(N, sizeof *events);
  for (int i = 0; i < N; i++) {
    unsigned kind;
    do
      kind = (unsigned)(random_u64(&state) % LT_KIND_LIMIT);
    while (!lt_kind_lookup(kind));
    time_ns += (int64_t)(random_u64(&state) % 100000);
    events[i] = make_event(kind, time_ns, &state);
  }
  ck_assert_uint_gt(round_trip(events, N, &open), 10);
  free(events);
}
END_TEST

START_TEST(sixty_four_open_brackets_go_through_a_block) {
  struct lti_brackets open = {0};
  for (unsigned i = 1; i <= 64; i++)
    lti_brackets_apply(&open, -(int64_t)i, LT_RESUME, 0xffff, LTI_REF_MAX - i,
                       UINT64_MAX);
  open.at[0].begin_ns = -(INT64_C(1) << 50);
  uint64_t state = 3;
  lt_event mark = make_event(LT_MARK, 10, &state);
  round_trip(&mark, 1, &open);
  ck_assert_uint_eq(open.n, 64);
}
END_TEST

START_TEST(a_block_holds_16384_events_of_the_smallest_sort) {
  enum { N = 16385 };
  struct lti_brackets open = {0};
  lt_event *events = calloc(N, sizeof *events);
  for (int i = 0; i < N; i++)
    events[i] = (lt_event){.time_ns = i, .kind = LT_POLL_END, .a = 1};
  ck_assert_uint_eq(round_trip(events, N, &open), 2);
  free(events);
}
END_TEST

START_TEST(the_header_sums_what_was_lost_and_saturates) {
  struct lti_brackets open = {0};
  struct lti_encoder *e = lti_encoder_new();
  struct lti_block_header head;
  const uint8_t *block;
  lt_event lost = {.kind = LT_LOST, .x = LT_LOST_FULL, .a = UINT32_MAX - 5};
  lti_encoder_begin(e, &open);
  ck_assert(lti_encoder_add(e, &lost));
  (void)lti_encoder_finish(e, 0, 0, &block);
  ck_assert_int_eq(lti_block_header_get(block, &head), LT_OK);
  ck_assert_uint_eq(head.lost, UINT32_MAX - 5);
  ck_assert_uint_eq(head.kinds, UINT64_C(1) << LT_LOST);
  lti_encoder_begin(e, &open);
  ck_assert(lti_encoder_add(e, &lost));
  ck_assert(lti_encoder_add(e, &lost));
  (void)lti_encoder_finish(e, 0, 1, &block);
  ck_assert_int_eq(lti_block_header_get(block, &head), LT_OK);
  ck_assert_uint_eq(head.lost, UINT32_MAX);
  lti_encoder_free(e);
}
END_TEST

int main(void) {
  Suite *s = suite_create("format");
  TCase *t = tcase_create("format");
  tcase_add_test(t, varints_come_back_and_end_where_they_should);
  tcase_add_test(t, signed_numbers_come_back);
  tcase_add_test(t, a_varint_of_more_than_64_bits_is_bad);
  tcase_add_test(t, what_is_not_there_reads_as_0_and_says_so);
  tcase_add_test(t, what_does_not_fit_is_not_written);
  tcase_add_test(t, a_file_header_comes_back);
  tcase_add_test(t, a_file_header_of_another_version_says_so);
  tcase_add_test(t, a_block_header_comes_back);
  tcase_add_test(t, a_changed_bit_in_a_header_is_noticed);
  tcase_add_test(t, sizes_that_disagree_without_compression_are_corrupt);
  tcase_add_test(t, every_codec_gives_back_what_it_was_given);
  tcase_add_test(t, the_running_task_costs_nothing_to_name);
  tcase_add_test(t, brackets_nest_and_close);
  tcase_add_test(t, a_closing_event_takes_all_above_what_it_closes);
  tcase_add_test(t, a_closing_event_without_its_bracket_does_nothing);
  tcase_add_test(t, the_65th_bracket_is_not_pushed);
  tcase_add_test(t, every_kind_comes_back_with_any_values);
  tcase_add_test(t, events_that_are_all_the_same_make_no_bomb);
  tcase_add_test(t, a_long_mixture_is_cut_into_blocks_that_stand_alone);
  tcase_add_test(t, sixty_four_open_brackets_go_through_a_block);
  tcase_add_test(t, a_block_holds_16384_events_of_the_smallest_sort);
  tcase_add_test(t, the_header_sums_what_was_lost_and_saturates);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
