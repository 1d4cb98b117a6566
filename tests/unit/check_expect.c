/* lt_expect_no_stall() with Check and libuv, and nothing recorded. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <looptrace/expect.h>
#include <uv.h>

static uint64_t hold_ns;
static unsigned n_left;

static void hold(uv_timer_t *timer) {
  struct timespec t = {(time_t)(hold_ns / 1000000000),
                       (long)(hold_ns % 1000000000)};
  nanosleep(&t, NULL);
  if (--n_left == 0)
    uv_close((uv_handle_t *)timer, NULL);
}

/* n callbacks, each in a turn of its own, that take so long. */
static const char *run(uint64_t each_ns, unsigned n, uint64_t limit_ns) {
  uv_loop_t loop;
  uv_timer_t timer;
  hold_ns = each_ns;
  n_left = n;
  ck_assert_int_eq(uv_loop_init(&loop), 0);
  uv_timer_init(&loop, &timer);
  uv_timer_start(&timer, hold, 1, 1);
  lt_expect *expect = lt_expect_begin(&loop, limit_ns);
  uv_run(&loop, UV_RUN_DEFAULT);
  const char *why = lt_expect_end(expect);
  ck_assert_int_eq(uv_loop_close(&loop), 0); /* nothing of ours is in it */
  return why;
}

START_TEST(short_turns_keep_it_however_many_there_are) {
  const char *why = run(30 * LT_MS, 20, 500 * LT_MS); /* 600 ms in all */
  ck_assert_msg(!why, "%s", why);
}
END_TEST

START_TEST(a_long_turn_breaks_it_and_is_told) {
  const char *why = run(300 * LT_MS, 1, 100 * LT_MS);
  ck_assert_ptr_nonnull(why);
  ck_assert_ptr_nonnull(strstr(why, "100.0 ms are allowed"));
  ck_assert_ptr_nonnull(strstr(why, "ms blocked; turn "));
  ck_assert_ptr_null(strstr(why, "never seen to poll"));
}
END_TEST

START_TEST(code_without_a_loop_is_one_turn) {
  lt_expect *expect = lt_expect_begin(NULL, 100 * LT_MS);
  usleep(200000);
  ck_assert_ptr_nonnull(lt_expect_end(expect));
  ck_assert_ptr_null(lt_expect_end(lt_expect_begin(NULL, UINT64_MAX)));
}
END_TEST

START_TEST(expectations_nest_and_judge_their_own) {
  uv_loop_t other;
  ck_assert_int_eq(uv_loop_init(&other), 0);
  lt_expect *outer = lt_expect_begin(NULL, 100 * LT_MS);
  lt_expect *inner = lt_expect_begin(&other, 3600 * 1000 * LT_MS);
  ck_assert_ptr_nonnull(run(150 * LT_MS, 1, 100 * LT_MS));
  ck_assert_ptr_null(lt_expect_end(inner));
  ck_assert_ptr_nonnull(lt_expect_end(outer));
  uv_loop_close(&other);
}
END_TEST

START_TEST(one_that_was_jumped_out_of_does_no_harm) {
  lt_expect *outer = lt_expect_begin(NULL, UINT64_MAX);
  ck_assert_ptr_nonnull(lt_expect_begin(NULL, 1)); /* never ended */
  ck_assert_ptr_null(lt_expect_end(outer));
  const char *why = run(1 * LT_MS, 3, 3600 * 1000 * LT_MS);
  ck_assert_msg(!why, "%s", why);
}
END_TEST

START_TEST(no_memory_and_wrong_use_are_told) {
  ck_assert_ptr_nonnull(lt_expect_end(NULL));
  lt_expect *expect = lt_expect_begin(NULL, UINT64_MAX);
  ck_assert_ptr_null(lt_expect_end(expect));
}
END_TEST

static char told[600];
static int told_line;

static void failed(const char *file, int line, const char *why) {
  snprintf(told, sizeof told, "%s: %s", file, why);
  told_line = line;
}

START_TEST(the_statement_tells_the_handler_where) {
  lt_expect_handler(failed);
  int n = 0;
  lt_expect_no_stall(NULL, 3600 * 1000 * LT_MS) {
    n++;
  }
  ck_assert_str_eq(told, "");
  lt_expect_no_stall(NULL, 1 * LT_MS) {
    usleep(20000);
    n++;
  }
  ck_assert_int_eq(n, 2);
  ck_assert_ptr_nonnull(strstr(told, "check_expect.c: the loop was held for"));
  ck_assert_int_gt(told_line, 0);
  lt_expect_handler(NULL);
}
END_TEST

START_TEST(without_a_handler_the_process_aborts) {
  fclose(stderr);
  lt_expect_no_stall(NULL, 1 * LT_MS) {
    usleep(20000);
  }
}
END_TEST

int main(void) {
  Suite *s = suite_create("expect");
  TCase *t = tcase_create("expect");
  tcase_set_timeout(t, 60);
  tcase_add_test(t, short_turns_keep_it_however_many_there_are);
  tcase_add_test(t, a_long_turn_breaks_it_and_is_told);
  tcase_add_test(t, code_without_a_loop_is_one_turn);
  tcase_add_test(t, expectations_nest_and_judge_their_own);
  tcase_add_test(t, one_that_was_jumped_out_of_does_no_harm);
  tcase_add_test(t, no_memory_and_wrong_use_are_told);
  tcase_add_test(t, the_statement_tells_the_handler_where);
  tcase_add_test_raise_signal(t, without_a_handler_the_process_aborts, 6);
  suite_add_tcase(s, t);
  SRunner *runner = srunner_create(s);
  srunner_run_all(runner, CK_ENV);
  int n_failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return n_failed != 0;
}
