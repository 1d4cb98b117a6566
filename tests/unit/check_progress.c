/* progress.c: in the log of a CI a line each ten seconds, else nothing. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/option.h"
#include "cli/progress.h"

struct option_common option_common;

static int64_t now;
static int64_t clock_now(void) {
  return now;
}

/* What is written to standard error in 35 seconds, one call in each. */
static const char *told(const char *ci, bool is_quiet) {
  static char text[1024];
  FILE *file = tmpfile();
  ck_assert_ptr_nonnull(file);
  fflush(stderr);
  int before = dup(STDERR_FILENO);
  ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
  ck_assert_int_eq(ci ? setenv("CI", ci, 1) : unsetenv("CI"), 0);
  option_common.is_quiet = is_quiet;
  struct progress p;
  progress_init(&p, "checking");
  p.now_ns = clock_now;
  p.start_ns = p.last_ns = now = 0;
  for (int second = 1; second <= 35; second++) {
    now = second * INT64_C(1000000000);
    progress_tell(&p, second / 40.0);
  }
  progress_done(&p);
  fflush(stderr);
  dup2(before, STDERR_FILENO);
  close(before);
  rewind(file);
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  return text;
}

START_TEST(a_log_of_a_ci_has_a_line_each_ten_seconds) {
  ck_assert_str_eq(told("true", false), "looptrace: checking, 25 %\n"
                                        "looptrace: checking, 50 %\n"
                                        "looptrace: checking, 75 %\n");
}
END_TEST

START_TEST(other_files_and_quiet_commands_have_none) {
  ck_assert_str_eq(told(NULL, false), "");
  ck_assert_str_eq(told("", false), "");
  ck_assert_str_eq(told("true", true), "");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("progress");
  TCase *log = tcase_create("log");
  tcase_add_test(log, a_log_of_a_ci_has_a_line_each_ten_seconds);
  tcase_add_test(log, other_files_and_quiet_commands_have_none);
  suite_add_tcase(suite, log);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
