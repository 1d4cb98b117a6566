/* viewer/output/writer.c: what printf would have written. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>

#include "output/writer.h"

static struct writer w;
static char *got;
static size_t got_size;

static void begin(void) {
  writer_init(&w, open_memstream(&got, &got_size));
}

/* What was written; the caller frees it. */
static char *end(void) {
  writer_flush(&w);
  ck_assert_int_eq(fclose(w.file), 0);
  ck_assert_uint_eq(strlen(got), got_size);
  return got;
}

static void ck_written(const char *expected) {
  char *text = end();
  ck_assert_str_eq(text, expected);
  free(text);
}

/* Each count of digits, and its neighbours. */
static const int64_t numbers[] = {
    0,      1,      9,          10,         11,        99,       100,
    101,    999,    1000,       1001,       9999,      10000,    99999,
    100000, 999999, 1234567890, 4294967296, INT64_MAX, INT64_MIN};

START_TEST(numbers_are_what_printf_makes_of_them) {
  for (int sign = 1; sign >= -1; sign -= 2) {
    int64_t n = numbers[_i] == INT64_MIN ? numbers[_i] : sign * numbers[_i];
    uint64_t us = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    char expected[200];
    snprintf(expected, sizeof expected,
             "%" PRId64 " %" PRIu64 " %" PRIx64 " %s%" PRIu64 ".%03d", n,
             (uint64_t)n, (uint64_t)n, n < 0 ? "-" : "", us / 1000,
             (int)(us % 1000));
    begin();
    writer_int(&w, n);
    writer_char(&w, ' ');
    writer_uint(&w, (uint64_t)n);
    writer_char(&w, ' ');
    writer_hex(&w, (uint64_t)n);
    writer_char(&w, ' ');
    writer_us(&w, n);
    ck_written(expected);
  }
}
END_TEST

START_TEST(quotes_are_escaped_wherever_they_stand) {
  static const struct {
    const char *text, *json, *csv;
  } rows[] = {
      {"", "\"\"", "\"\""},
      {"a", "\"a\"", "\"a\""},
      {"\"", "\"\\\"\"", "\"\"\"\""},
      {"\\", "\"\\\\\"", "\"\\\""},
      {"12345678", "\"12345678\"", "\"12345678\""},
      {"1234567\"", "\"1234567\\\"\"", "\"1234567\"\"\""},
      {"\"2345678", "\"\\\"2345678\"", "\"\"\"2345678\""},
      {"12345678\\\"#!", "\"12345678\\\\\\\"#!\"", "\"12345678\\\"\"#!\""},
      {"\"\"\"\"\"\"\"\"\"", "\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\"",
       "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""},
      {"caf\xc3\xa9 ]\xe2\x82\xac", "\"caf\xc3\xa9 ]\xe2\x82\xac\"",
       "\"caf\xc3\xa9 ]\xe2\x82\xac\""}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    begin();
    writer_json(&w, rows[i].text);
    ck_written(rows[i].json);
    begin();
    writer_csv(&w, rows[i].text);
    ck_written(rows[i].csv);
  }
}
END_TEST

/* Pieces of all lengths, so that the buffer's end falls into each kind. */
START_TEST(all_arrives_in_order_across_the_buffers_end) {
  static char expected[WRITER_SIZE * 8];
  FILE *model = fmemopen(expected, sizeof expected, "w");
  begin();
  for (unsigned i = 0; i < 4000; i++) {
    const char *text = "a\"bcdefghijklmnop" + i % 17;
    writer_uint(&w, i);
    writer_json(&w, text);
    writer_text(&w, text);
    writer_char(&w, '\n');
    fprintf(model, "%u\"%s%s\"%s\n", i,
            *text == '"'   ? "\\"
            : *text == 'a' ? "a\\"
                           : "",
            *text == 'a' ? text + 1 : text, text);
  }
  fclose(model);
  ck_assert_uint_gt(strlen(expected), 4 * WRITER_SIZE);
  ck_written(expected);
}
END_TEST

START_TEST(a_text_longer_than_the_buffer_is_whole) {
  static char text[WRITER_SIZE + 2];
  memset(text, 'x', sizeof text - 1);
  begin();
  writer_char(&w, '<');
  writer_text(&w, text);
  writer_json(&w, text);
  writer_char(&w, '>');
  char *all = end();
  ck_assert_uint_eq(strlen(all), 2 * strlen(text) + 4);
  ck_assert_int_eq(all[0], '<');
  ck_assert_uint_eq(strspn(all + 1, "x"), strlen(text));
  ck_assert_str_eq(all + strlen(all) - 2, "\">");
  free(all);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("writer");
  TCase *tc = tcase_create("write");
  tcase_add_loop_test(tc, numbers_are_what_printf_makes_of_them, 0,
                      sizeof numbers / sizeof *numbers);
  tcase_add_test(tc, quotes_are_escaped_wherever_they_stand);
  tcase_add_test(tc, all_arrives_in_order_across_the_buffers_end);
  tcase_add_test(tc, a_text_longer_than_the_buffer_is_whole);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
