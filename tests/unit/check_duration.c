/* viewer/duration.c: a number and a unit. */
#include <check.h>
#include <stdlib.h>

#include "base/duration.h"

static const struct {
  const char *text;
  uint64_t ns;
} good[] = {{"0", 0},
            {"0.0", 0},
            {"1ns", 1},
            {"250us", 250000},
            {"100ms", 100000000},
            {".5ms", 500000},
            {"5.s", 5000000000},
            {"1.000000001s", 1000000001},
            {"0.1s", 100000000},
            {"0.123456789123s", 123456789},
            {"2m", 120000000000},
            {"0.123456789m", 7407407340},
            {"1.5h", 5400000000000},
            {"9223372036854775807ns", INT64_MAX}};

static const char *const bad[] = {"",         "100",
                                  "ms",       "1 s",
                                  " 1s",      "-1s",
                                  "+1s",      "1.2.3s",
                                  "1sec",     "1S",
                                  "1e3s",     "0x1s",
                                  "1s ",      ".s",
                                  ".",        "9223372036854775808ns",
                                  "2562048h", "99999999999999999999999s"};

START_TEST(a_number_with_a_unit_is_nanoseconds) {
  uint64_t ns = 7;
  ck_assert_int_eq(duration_parse(good[_i].text, &ns), LT_OK);
  ck_assert_uint_eq(ns, good[_i].ns);
}
END_TEST

START_TEST(anything_else_is_refused_and_sets_nothing) {
  uint64_t ns = 7;
  ck_assert_int_eq(duration_parse(bad[_i], &ns), LT_INVALID);
  ck_assert_uint_eq(ns, 7);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("duration");
  TCase *tc = tcase_create("parse");
  tcase_add_loop_test(tc, a_number_with_a_unit_is_nanoseconds, 0,
                      sizeof good / sizeof *good);
  tcase_add_loop_test(tc, anything_else_is_refused_and_sets_nothing, 0,
                      sizeof bad / sizeof *bad);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
