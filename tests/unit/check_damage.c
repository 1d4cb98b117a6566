/* read/: traces that are cut, damaged, from the future, or made to do harm. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "format/defs.h"
#include "read_fixture.h"

#define MAGIC_BYTES 8

static struct fixture f, spoiled;
static lt_event events[64], others[64];

static size_t read_all(lt_reader *r, lt_event *into) {
  return fixture_read(r, into, 64);
}

/* Compare what tests can see; padding is not it. */
static bool are_equal(const lt_event *a, const lt_event *b, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (a[i].time_ns != b[i].time_ns || a[i].thread != b[i].thread ||
        a[i].kind != b[i].kind || a[i].ref != b[i].ref || a[i].x != b[i].x ||
        a[i].a != b[i].a || a[i].b != b[i].b)
      return false;
  return true;
}

/* Events of the epochs that end at or before an offset of the small fixture. */
static size_t sealed_before(size_t size) {
  size_t n = 0, sealed = 0;
  for (uint32_t i = 0; i < f.number; i++) {
    size_t end = i + 1 < f.number ? f.at[i + 1] : f.size;
    if (end > size)
      break;
    if (f.bytes[f.at[i] + 4] == LTI_BLOCK_EVENTS)
      n += lti_get_u32(f.bytes + f.at[i] + 48);
    if (f.bytes[f.at[i] + 4] == LTI_BLOCK_EPOCH)
      sealed = n;
  }
  return sealed;
}

START_TEST(a_trace_cut_anywhere_is_read_to_its_last_whole_epoch) {
  fixture_small(&f);
  lt_reader *r = fixture_open(&f);
  ck_assert_uint_eq(read_all(r, events), 21);
  lt_reader_close(r);
  for (size_t size = 0; size < f.size; size++) {
    lt_status status = lt_reader_open(fixture_file(f.bytes, size), &r);
    if (size < LTI_FILE_HEADER_BYTES) {
      ck_assert_int_eq(status, LT_NOT_A_TRACE);
      continue;
    }
    ck_assert_int_eq(status, LT_OK);
    const lt_info *i = lt_reader_info(r);
    size_t n = read_all(r, others);
    ck_assert_uint_eq(n, sealed_before(size));
    ck_assert_uint_eq(i->n_events, n);
    ck_assert(are_equal(events, others, n));
    ck_assert(!i->complete && !i->ended);
    ck_assert_int_eq(i->problem, LT_TRUNCATED);
    ck_assert_uint_le(i->problem_at, size);
    ck_assert_int_eq(lt_reader_verify(r), LT_TRUNCATED);
    lt_reader_close(r);
  }
}
END_TEST

/* Spoil one byte; what is then read must be the same, or said to be not. */
static void flip(size_t at, uint8_t mask, size_t n_whole) {
  lt_reader *r;
  spoiled = f;
  spoiled.bytes[at] ^= mask;
  lt_status status =
      lt_reader_open(fixture_file(spoiled.bytes, spoiled.size), &r);
  if (at < LTI_FILE_HEADER_BYTES) {
    ck_assert_int_eq(status, at < MAGIC_BYTES ? LT_NOT_A_TRACE : LT_CORRUPT);
    return;
  }
  ck_assert_int_eq(status, LT_OK);
  size_t n = read_all(r, others);
  const lt_info *i = lt_reader_info(r);
  if (i->problem == LT_OK)
    ck_assert(n == n_whole && are_equal(events, others, n));
  else
    ck_assert(i->problem_at <= at && i->problem_text[0] && !i->complete);
  ck_assert_int_ne(lt_reader_verify(r), LT_OK);
  ck_assert_int_ne(i->problem, LT_OK);
  ck_assert(!i->complete);
  lt_reader_close(r);
}

START_TEST(no_changed_byte_goes_unnoticed) {
  fixture_small(&f);
  lt_reader *r = fixture_open(&f);
  size_t n = read_all(r, events);
  lt_reader_close(r);
  for (size_t at = 0; at < f.size; at++) {
    flip(at, 0x01, n);
    flip(at, 0x80, n);
    flip(at, 0xff, n);
  }
}
END_TEST

START_TEST(no_changed_bit_of_a_header_goes_unnoticed) {
  fixture_small(&f);
  lt_reader *r = fixture_open(&f);
  size_t n = read_all(r, events);
  lt_reader_close(r);
  for (size_t bit = 0; bit < 8 * LTI_FILE_HEADER_BYTES; bit++)
    flip(bit / 8, (uint8_t)(1u << bit % 8), n);
  for (size_t i = 0; i < f.number; i++)
    for (size_t bit = 0; bit < 8 * LTI_BLOCK_HEADER_BYTES; bit++)
      flip(f.at[i] + bit / 8, (uint8_t)(1u << bit % 8), n);
}
END_TEST

START_TEST(a_damaged_payload_becomes_one_lost_event) {
  fixture_small(&f);
  f.bytes[f.at[1] + LTI_BLOCK_HEADER_BYTES] ^= 1; /* three events of thread 0 */
  lt_reader *r = fixture_open(&f);
  const lt_info *i = lt_reader_info(r);
  ck_assert_int_eq(i->problem, LT_OK); /* payloads are not looked at yet */
  for (int turn = 0; turn < 2; turn++) {
    ck_assert_uint_eq(read_all(r, events), 19);
    ck_assert_int_eq(events[0].time_ns, 10); /* of thread 1 */
    ck_assert_int_eq(events[1].kind, LT_LOST);
    ck_assert_int_eq(events[1].x, LT_LOST_DAMAGED);
    ck_assert_int_eq(events[1].time_ns, 20);
    ck_assert_uint_eq(events[1].thread, 0);
    ck_assert_uint_eq(events[1].a, 3);
    ck_assert_uint_eq(events[1].b, 15);
    ck_assert_int_eq(i->problem, LT_CORRUPT);
    ck_assert_uint_eq(i->problem_at, f.at[1]);
    ck_assert_uint_eq(i->n_events, 18);
    ck_assert_uint_eq(i->n_lost, 4 + 3);
    ck_assert(!i->complete);
    ck_assert_int_eq(lt_reader_seek(r, 0), LT_OK);
  }
  ck_assert_ptr_nonnull(strstr(i->problem_text, "payload CRC is wrong"));
  ck_assert_ptr_nonnull(strstr(i->problem_text, "block 1 at byte"));
  lt_reader_close(r);
}
END_TEST

START_TEST(behind_a_damaged_header_the_rest_is_read) {
  fixture_small(&f);
  f.bytes[f.at[1] + 30] ^= 1;
  lt_reader *r = fixture_open(&f);
  const lt_info *i = lt_reader_info(r);
  ck_assert_uint_eq(read_all(r, events), 18);
  ck_assert_int_eq(events[0].time_ns, 10);
  ck_assert_uint_eq(i->n_lost, 4 + 3); /* the EPOCH block knows how many */
  ck_assert_int_eq(i->problem, LT_CORRUPT);
  ck_assert_uint_eq(i->problem_at, f.at[1]);
  ck_assert_ptr_nonnull(strstr(i->problem_text, "header is damaged"));
  lt_reader_close(r);
}
END_TEST

START_TEST(without_its_epoch_block_an_epoch_joins_the_next) {
  fixture_small(&f);
  ck_assert_uint_eq(f.bytes[f.at[4] + 4], LTI_BLOCK_EPOCH);
  f.bytes[f.at[4] + 2] ^= 1;
  lt_reader *r = fixture_open(&f);
  ck_assert_uint_eq(read_all(r, events), 21);
  ck_assert_uint_eq(lt_reader_info(r)->n_epochs, 4);
  ck_assert_int_eq(lt_reader_info(r)->problem, LT_CORRUPT);
  lt_reader_close(r);
}
END_TEST

/* Copy block i of f to the end of spoiled. */
static void copy_block(uint32_t i) {
  size_t end = i + 1 < f.number ? f.at[i + 1] : f.size;
  size_t n = end - f.at[i];
  memcpy(spoiled.bytes + spoiled.size, f.bytes + f.at[i], n);
  spoiled.size += n;
}

static void begin_copy(void) {
  fixture_small(&f);
  memset(&spoiled, 0, sizeof spoiled);
  memcpy(spoiled.bytes, f.bytes, LTI_FILE_HEADER_BYTES);
  spoiled.size = LTI_FILE_HEADER_BYTES;
}

START_TEST(a_block_that_comes_twice_is_read_once) {
  begin_copy();
  for (uint32_t i = 0; i < f.number; i++)
    for (int k = 0; k < 2; k++)
      copy_block(i);
  /* All but END, behind which nothing is looked at. */
  lt_reader *r = fixture_open(&spoiled);
  ck_assert_uint_eq(read_all(r, events), 21);
  ck_assert_int_eq(lt_reader_info(r)->problem, LT_CORRUPT);
  ck_assert_uint_eq(lt_reader_info(r)->n_lost, 4);
  lt_reader_close(r);
}
END_TEST

START_TEST(blocks_that_changed_places_are_noticed) {
  for (uint32_t at = 0; at + 1 < f.number || !at; at++) {
    begin_copy();
    for (uint32_t i = 0; i < f.number; i++)
      copy_block(i == at ? at + 1 : i == at + 1 ? at : i);
    lt_reader *r = fixture_open(&spoiled);
    size_t n = read_all(r, events);
    ck_assert_uint_lt(n, 22);
    ck_assert_int_ne(lt_reader_info(r)->problem, LT_OK);
    for (size_t i = 1; i < n; i++)
      ck_assert_int_le(events[i - 1].time_ns, events[i].time_ns);
    lt_reader_close(r);
  }
}
END_TEST

START_TEST(a_missing_block_is_noticed) {
  for (uint32_t without = 0; without < f.number || !without; without++) {
    begin_copy();
    for (uint32_t i = 0; i < f.number; i++)
      if (i != without)
        copy_block(i);
    lt_reader *r = fixture_open(&spoiled);
    read_all(r, events);
    ck_assert_int_ne(lt_reader_info(r)->problem, LT_OK);
    lt_reader_close(r);
  }
}
END_TEST

START_TEST(definitions_survive_a_damaged_generation) {
  for (int which = 0; which < 2; which++) {
    fixture_small(&f);
    size_t at = f.at[which ? 9 : 0];
    ck_assert_uint_eq(f.bytes[at + 4], LTI_BLOCK_GENERATION);
    f.bytes[at + LTI_BLOCK_HEADER_BYTES + 3] ^= 1;
    lt_reader *r = fixture_open(&f);
    ck_assert_str_eq(lt_reader_site(r, 1)->function, "tick");
    ck_assert_uint_eq(lt_reader_info(r)->n_threads, 2);
    ck_assert_int_eq(lt_reader_info(r)->problem, LT_CORRUPT);
    ck_assert_uint_eq(read_all(r, events), 21);
    lt_reader_close(r);
  }
}
END_TEST

START_TEST(what_follows_the_end_mark_is_noticed) {
  fixture_small(&f);
  f.size += 1;
  lt_reader *r = fixture_open(&f);
  ck_assert_uint_eq(lt_reader_info(r)->problem_at, f.size - 1);
  ck_assert(lt_reader_info(r)->ended);
  ck_assert_uint_eq(read_all(r, events), 21);
  lt_reader_close(r);
}
END_TEST

START_TEST(events_that_no_epoch_seals_are_lost) {
  fixture_begin(&f);
  fixture_generation(&f);
  fixture_events(&f, 0, (lt_event[]){{.time_ns = 1, .kind = LT_MARK}}, 1);
  fixture_end(&f);
  lt_reader *r = fixture_open(&f);
  ck_assert_uint_eq(read_all(r, events), 0);
  ck_assert_int_eq(lt_reader_info(r)->problem, LT_CORRUPT);
  ck_assert_uint_eq(lt_reader_info(r)->n_lost, 1);
  lt_reader_close(r);
}
END_TEST

/* What a hand-made EVENTS block says; 0 takes what is right. */
struct events_spec {
  uint64_t n_open, n_kinds, count, header_count, kinds, time_size, a_size;
  uint8_t kind, codecs_low, codecs_high, listed_kind;
  int64_t first, last;
  uint64_t delta;
  uint32_t raw_bytes;
};

/* One event, MARK with a and b unless it says otherwise. */
static void put_events(const struct events_spec *s) {
  uint8_t bytes[256];
  struct lti_out out = lti_out_of(bytes, sizeof bytes);
  uint8_t kind = s->kind ? s->kind : LT_MARK;
  lti_out_varint(&out, s->n_open);
  lti_out_varint(&out, s->n_kinds ? s->n_kinds : 1);
  lti_out_u8(&out, s->listed_kind ? s->listed_kind : kind);
  lti_out_u8(&out, s->codecs_low);
  lti_out_u8(&out, s->codecs_high ? s->codecs_high : 0x16);
  lti_out_varint(&out, s->count ? s->count : 1);
  lti_out_varint(&out, s->time_size ? s->time_size : s->delta > 127 ? 10 : 1);
  if (s->codecs_low)
    lti_out_varint(&out, 1);
  lti_out_varint(&out, s->a_size ? s->a_size : 1);
  lti_out_varint(&out, 1);
  lti_out_u8(&out, kind);
  lti_out_varint(&out, s->delta);
  if (s->codecs_low)
    lti_out_u8(&out, 2);
  lti_out_varint(&out, 1);
  lti_out_varint(&out, 7);
  struct lti_block_header h = {
      .type = LTI_BLOCK_EVENTS,
      .count = (uint32_t)(s->header_count ? s->header_count : 1),
      .kinds = s->kinds ? s->kinds : UINT64_C(1) << (kind & 63),
      .first_ns = s->first ? s->first : 5,
      .last_ns = s->last ? s->last : 5,
      .raw_bytes = s->raw_bytes};
  fixture_block(&f, h, bytes, (size_t)(out.at - bytes), true);
  f.n_events++;
  f.total++;
  f.n_blocks++;
}

static lt_reader *open_with(const struct events_spec *s) {
  fixture_begin(&f);
  fixture_generation(&f);
  put_events(s);
  fixture_epoch(&f, 10);
  fixture_events(&f, 0, (lt_event[]){{.time_ns = 15, .kind = LT_MARK, .a = 1}},
                 1);
  fixture_epoch(&f, 20);
  fixture_end(&f);
  return fixture_open(&f);
}

START_TEST(kinds_and_codecs_from_the_future_are_passed_over) {
  static const struct events_spec whole = {0}, kind = {.kind = 63},
                                  codec = {.codecs_high = 0x1f};
  lt_reader *r = open_with(&whole);
  ck_assert_uint_eq(read_all(r, events), 2);
  ck_assert_uint_eq(events[0].a, 1);
  ck_assert_uint_eq(events[0].b, 7);
  ck_assert_int_eq(lt_reader_verify(r), LT_OK);
  lt_reader_close(r);
  r = open_with(&kind);
  ck_assert_uint_eq(read_all(r, events), 1);
  ck_assert_int_eq(events[0].time_ns, 15);
  ck_assert_int_eq(lt_reader_verify(r), LT_OK);
  lt_reader_close(r);
  r = open_with(&codec);
  ck_assert_uint_eq(read_all(r, events), 2);
  ck_assert_uint_eq(events[0].a, 0);
  ck_assert_uint_eq(events[0].b, 7);
  ck_assert_int_eq(lt_reader_verify(r), LT_OK);
  lt_reader_close(r);
}
END_TEST

START_TEST(malformed_events_are_left_out_as_a_block) {
  static const struct events_spec specs[] = {
      {.n_open = 1},
      {.n_open = UINT64_MAX},
      {.n_kinds = 2},
      {.n_kinds = UINT64_MAX},
      {.count = 2},
      {.count = UINT64_MAX},
      {.header_count = 2},
      {.kinds = 1},
      {.time_size = 2},
      {.time_size = UINT64_MAX},
      {.a_size = UINT64_MAX},
      {.a_size = 3},
      {.kind = 64},
      {.kind = 255},
      {.listed_kind = LT_MARK + 1},
      {.delta = 1},
      {.delta = UINT64_MAX},
      {.raw_bytes = 21},
      {.raw_bytes = 4000},
  };
  for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
    lt_reader *r = open_with(&specs[i]);
    ck_assert_uint_eq(read_all(r, events), 2);
    ck_assert_int_eq(events[0].kind, LT_LOST);
    ck_assert_int_eq(events[0].time_ns, 5);
    ck_assert_int_eq(events[1].time_ns, 15);
    ck_assert_int_eq(lt_reader_info(r)->problem, LT_CORRUPT);
    ck_assert_int_eq(lt_reader_verify(r), LT_CORRUPT);
    lt_reader_close(r);
  }
}
END_TEST

START_TEST(a_header_that_promises_too_much_costs_its_block) {
  static const struct events_spec specs[] = {
      {.header_count = LTI_BLOCK_EVENTS_MAX + 1},
      {.header_count = UINT32_MAX},
      {.raw_bytes = UINT32_MAX},
      {.raw_bytes = LTI_PAYLOAD_MAX},
      {.last = INT64_MAX},
      {.first = INT64_MIN},
      {.first = 9, .last = 8},
  };
  for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
    lt_reader *r = open_with(&specs[i]);
    ck_assert_int_eq(lt_reader_info(r)->problem, LT_CORRUPT);
    ck_assert_uint_eq(lt_reader_info(r)->problem_at, f.at[1]);
    ck_assert_uint_eq(read_all(r, events), 1);
    ck_assert_int_eq(events[0].time_ns, 15);
    lt_reader_close(r);
  }
}
END_TEST

START_TEST(blocks_definitions_and_flags_from_the_future_are_passed_over) {
  uint8_t bytes[64];
  struct lti_out out = lti_out_of(bytes, sizeof bytes);
  fixture_begin(&f);
  fixture_generation(&f);
  fixture_numbers(&out, 99, (uint64_t[]){1, 2, 3}, 3);
  fixture_string(&out, 7, "seven");
  fixture_defs(&f, LTI_BLOCK_DEFS, bytes, &out, 2);
  fixture_block(&f, (struct lti_block_header){.type = 77}, "abc", 3, true);
  fixture_block(&f, (struct lti_block_header){.type = LTI_BLOCK_INDEX}, "abc",
                3, false);
  fixture_events(&f, 0, (lt_event[]){{.time_ns = 1, .kind = LT_MARK}}, 1);
  fixture_epoch(&f, 10);
  fixture_end(&f);
  lt_reader *r = fixture_open(&f);
  ck_assert_str_eq(lt_reader_string(r, 7), "seven");
  ck_assert_uint_eq(read_all(r, events), 1);
  ck_assert(lt_reader_info(r)->complete);
  ck_assert_int_eq(lt_reader_verify(r), LT_OK);
  lt_reader_close(r);
  f.bytes[f.at[2] + LTI_BLOCK_HEADER_BYTES] ^= 1;
  r = fixture_open(&f);
  ck_assert_int_eq(lt_reader_verify(r), LT_CORRUPT);
  lt_reader_close(r);
}
END_TEST

START_TEST(malformed_definitions_are_noted_and_the_others_kept) {
  static const struct {
    uint8_t bytes[16];
    size_t size;
    uint32_t n;
  } cases[] = {
      {{1, 2, 9, 'a'}, 4, 2},                    /* fewer than announced */
      {{1, 200, 1, 9, 'a'}, 5, 1},               /* over the end */
      {{3, 1, 1, 1, 2, 9, 'a'}, 7, 2},           /* a site too short */
      {{2, 4, 1, 1, 1, 9, 1, 2, 9, 'a'}, 10, 2}, /* a path too long */
      {{1, 10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 127, 1, 2, 9, 'a'},
       16,
       2}, /* an id of 70 bits */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fixture_begin(&f);
    fixture_generation(&f);
    fixture_block(
        &f,
        (struct lti_block_header){.type = LTI_BLOCK_DEFS, .count = cases[i].n},
        cases[i].bytes, cases[i].size, false);
    fixture_end(&f);
    lt_reader *r = fixture_open(&f);
    ck_assert_int_eq(lt_reader_info(r)->problem, LT_CORRUPT);
    ck_assert_uint_eq(lt_reader_info(r)->problem_at, f.at[1]);
    ck_assert_str_eq(lt_reader_string(r, 1), "tick");
    if (i != 1)
      ck_assert_str_eq(lt_reader_string(r, 9), "a");
    lt_reader_close(r);
  }
}
END_TEST

START_TEST(a_watermark_that_goes_back_does_not_disturb_the_order) {
  fixture_begin(&f);
  fixture_generation(&f);
  fixture_events(&f, 0, (lt_event[]){{.time_ns = 50, .kind = LT_MARK}}, 1);
  fixture_epoch(&f, 40);
  fixture_events(&f, 1, (lt_event[]){{.time_ns = 45, .kind = LT_MARK}}, 1);
  fixture_epoch(&f, 60);
  fixture_end(&f);
  lt_reader *r = fixture_open(&f);
  ck_assert_uint_eq(read_all(r, events), 1);
  ck_assert_int_eq(events[0].time_ns, 50);
  ck_assert_uint_eq(lt_reader_info(r)->n_lost, 1);
  ck_assert_int_eq(lt_reader_info(r)->problem, LT_CORRUPT);
  lt_reader_close(r);
}
END_TEST

START_TEST(blocks_of_a_thread_that_overlap_do_not_disturb_the_order) {
  fixture_begin(&f);
  fixture_generation(&f);
  fixture_events(&f, 0, (lt_event[]){{.time_ns = 50, .kind = LT_MARK}}, 1);
  fixture_events(&f, 0, (lt_event[]){{.time_ns = 45, .kind = LT_MARK}}, 1);
  fixture_events(&f, 0, (lt_event[]){{.time_ns = 52, .kind = LT_MARK}}, 1);
  fixture_epoch(&f, 60);
  fixture_end(&f);
  lt_reader *r = fixture_open(&f);
  ck_assert_uint_eq(read_all(r, events), 3);
  ck_assert_int_eq(events[0].time_ns, 50);
  ck_assert_int_eq(events[1].kind, LT_LOST);
  ck_assert_int_eq(events[1].time_ns, 50);
  ck_assert_int_eq(events[2].time_ns, 52);
  lt_reader_close(r);
}
END_TEST

START_TEST(a_file_that_shrinks_meanwhile_is_an_error_not_a_crash) {
  fixture_small(&f);
  lt_reader *r = fixture_open(&f);
  fixture_file(f.bytes, 100);
  lt_status status;
  while ((status = lt_reader_next(r, events)) == LT_OK)
    ;
  ck_assert(status == LT_IO || status == LT_END);
  lt_reader_close(r);
}
END_TEST

static TCase *cases_of_damage(void) {
  TCase *c = tcase_create("damage");
  tcase_set_timeout(c, 60);
  tcase_add_checked_fixture(c, NULL, fixture_remove);
  tcase_add_test(c, a_trace_cut_anywhere_is_read_to_its_last_whole_epoch);
  tcase_add_test(c, no_changed_byte_goes_unnoticed);
  tcase_add_test(c, no_changed_bit_of_a_header_goes_unnoticed);
  tcase_add_test(c, a_damaged_payload_becomes_one_lost_event);
  tcase_add_test(c, behind_a_damaged_header_the_rest_is_read);
  tcase_add_test(c, without_its_epoch_block_an_epoch_joins_the_next);
  tcase_add_test(c, a_block_that_comes_twice_is_read_once);
  tcase_add_test(c, blocks_that_changed_places_are_noticed);
  tcase_add_test(c, a_missing_block_is_noticed);
  tcase_add_test(c, definitions_survive_a_damaged_generation);
  tcase_add_test(c, what_follows_the_end_mark_is_noticed);
  tcase_add_test(c, events_that_no_epoch_seals_are_lost);
  tcase_add_test(c, a_file_that_shrinks_meanwhile_is_an_error_not_a_crash);
  return c;
}

static TCase *cases_of_harm(void) {
  TCase *c = tcase_create("harm");
  tcase_set_timeout(c, 60);
  tcase_add_checked_fixture(c, NULL, fixture_remove);
  tcase_add_test(c, kinds_and_codecs_from_the_future_are_passed_over);
  tcase_add_test(c, malformed_events_are_left_out_as_a_block);
  tcase_add_test(c, a_header_that_promises_too_much_costs_its_block);
  tcase_add_test(c,
                 blocks_definitions_and_flags_from_the_future_are_passed_over);
  tcase_add_test(c, malformed_definitions_are_noted_and_the_others_kept);
  tcase_add_test(c, a_watermark_that_goes_back_does_not_disturb_the_order);
  tcase_add_test(c, blocks_of_a_thread_that_overlap_do_not_disturb_the_order);
  return c;
}

int main(void) {
  Suite *suite = suite_create("damage");
  suite_add_tcase(suite, cases_of_damage());
  suite_add_tcase(suite, cases_of_harm());
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
