/* Verdicts, and how names and numbers are said. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/finding.h"
#include "output/inert.h"
#include "output/units.h"
#include "trace_text.h"

#define MS INT64_C(1000000)

static void teardown(void) {
  memset(&trace_text_info, 0, sizeof trace_text_info);
  trace_text_info.complete = trace_text_info.ended = true;
}

static struct judgement judge(struct model *m, struct budget budget) {
  struct judgement j;
  if (!budget.max_stall_ns)
    budget.max_stall_ns = 100 * MS;
  ck_assert_int_eq(judgement_make(m, &budget, &j), LT_OK);
  return j;
}

static int code_of(struct model *m, struct budget budget) {
  struct judgement j = judge(m, budget);
  judgement_free(&j);
  return j.exit_code;
}

static const struct budget standard = {.fail_on = LEVEL_ERROR};

START_TEST(a_proven_stall_fails_also_in_a_trace_that_was_cut) {
  struct model *m = model_of_text(trace_text_sleeping, 320, NULL);
  ck_assert_int_eq(code_of(m, standard), 1);
  trace_text_info.complete = false;
  ck_assert_int_eq(code_of(m, standard), 1);
  ck_assert_int_eq(code_of(m, (struct budget){.fail_on = LEVEL_ERROR,
                                              .max_stall_ns = 1000 * MS}),
                   4);
  ck_assert_int_eq(code_of(m, (struct budget){.fail_on = LEVEL_ERROR,
                                              .max_stall_ns = 1000 * MS,
                                              .allow_incomplete = true}),
                   0);
  model_close(m);
}
END_TEST

START_TEST(the_budget_itself_is_allowed) {
  struct model *m = model_of_text(trace_text_sleeping, 320, NULL);
  struct budget budget = {.fail_on = LEVEL_ERROR, .max_stall_ns = 300 * MS};
  ck_assert_int_eq(code_of(m, budget), 0);
  budget.max_stall_ns--;
  ck_assert_int_eq(code_of(m, budget), 1);
  budget.fail_on = LEVEL_NOTE;
  ck_assert_int_eq(code_of(m, budget), 0);
  budget = (struct budget){.fail_on = LEVEL_ERROR, .warmup_ns = 10 * MS + 1};
  ck_assert_int_eq(code_of(m, budget), 0);
  model_close(m);
}
END_TEST

START_TEST(warnings_fail_only_when_asked) {
  struct model *m = model_of_text(trace_text_sleeping, 320, NULL);
  struct budget budget = {.fail_on = LEVEL_ERROR, .max_stall_ns = 400 * MS};
  ck_assert_int_eq(code_of(m, budget), 0);
  budget.fail_on = LEVEL_WARNING;
  ck_assert_int_eq(code_of(m, budget), 1);
  model_close(m);
}
END_TEST

START_TEST(a_starved_stall_is_a_pass_and_an_unknown_one_no_verdict) {
  struct model *m = model_of_slice("cpu=0", "", "cpu=40 delay=160");
  ck_assert_int_eq(code_of(m, standard), 0);
  struct judgement j = judge(m, standard);
  ck_assert_uint_eq(j.n_findings, 1);
  ck_assert_int_eq(j.findings[0].level, LEVEL_NOTE);
  ck_assert_int_eq(j.longest_ns, 200 * MS);
  ck_assert_int_eq(j.longest_own_ns, 40 * MS);
  judgement_free(&j);
  model_close(m);
  m = model_of_slice("cpu=0", "", "cpu=40 delay=90");
  ck_assert_int_eq(code_of(m, standard), 4);
  model_close(m);
}
END_TEST

static struct model *model_of_gap(const char *mode, const char *poll) {
  char text[1024] = "";
  for (int i = 0; i < 4; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text),
             "%d loop+ mode=%s\n%d poll %s\n%d wake\n%d loop- alive=1\n", i,
             mode, i, poll, i, i);
  strcat(text, "3 usage\n903 loop+\n903 usage cpu=900\n904 loop-\n");
  return model_of_text(text, 904, NULL);
}

START_TEST(a_gap_of_who_waits_regularly_is_an_error) {
  struct model *m = model_of_gap("1", "");
  ck_assert_int_eq(code_of(m, standard), 1);
  struct judgement j = judge(m, standard);
  ck_assert_uint_eq(j.n_findings, 1);
  ck_assert_int_eq(j.findings[0].level, LEVEL_ERROR);
  ck_assert_int_eq(j.longest_ns, 900 * MS);
  judgement_free(&j);
  model_close(m);
  m = model_of_gap("2", "timeout=0");
  ck_assert_int_eq(code_of(m, standard), 0);
  model_close(m);
}
END_TEST

START_TEST(a_gap_is_else_a_warning_at_most) {
  struct model *m = model_of_text("0    loop+\n"
                                  "1    loop- alive=1\n"
                                  "1    usage\n"
                                  "901  loop+\n"
                                  "901  usage cpu=900\n"
                                  "902  loop-\n",
                                  902, NULL);
  ck_assert_int_eq(code_of(m, standard), 0);
  struct judgement j = judge(m, standard);
  ck_assert_uint_eq(j.n_findings, 1);
  ck_assert_int_eq(j.findings[0].level, LEVEL_WARNING);
  judgement_free(&j);
  model_close(m);
}
END_TEST

START_TEST(no_loop_is_no_verdict) {
  struct model *m = model_of_text("0 usage\n", 10, NULL);
  ck_assert_int_eq(code_of(m, standard), 4);
  ck_assert_int_eq(code_of(m, (struct budget){.fail_on = LEVEL_ERROR,
                                              .allow_incomplete = true}),
                   4);
  model_close(m);
}
END_TEST

START_TEST(lost_events_are_no_verdict) {
  trace_text_info.n_lost = 3;
  struct model *m = model_of_text("0 loop+\n1 loop-\n", 10, NULL);
  ck_assert_int_eq(code_of(m, standard), 4);
  model_close(m);
}
END_TEST

START_TEST(stalls_of_one_place_are_one_finding) {
  char text[2048] = "0 loop+\n";
  for (int i = 0; i < 5; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text),
             "%d usage cpu=%d\n%d resume task=%d kind=2 site=%d\n"
             "%d await task=%d\n%d usage cpu=%d\n%d poll\n%d wake\n",
             i * 1000, i * 200, i * 1000, i + 1, i < 4 ? 1 : 2, i * 1000 + 200,
             i + 1, i * 1000 + 200, i * 200 + 200, i * 1000 + 201,
             i * 1000 + 1000);
  strcat(text, "5000 loop-\n");
  struct model *m = model_of_text(text, 5000, NULL);
  ck_assert_uint_eq(m->n_stalls, 5);
  struct judgement j = judge(m, standard);
  ck_assert_uint_eq(j.n_findings, 2);
  ck_assert_uint_eq(j.findings[0].count + j.findings[1].count, 5);
  ck_assert_uint_eq(j.n_errors, 2); /* as many as are told */
  ck_assert_uint_ne(j.findings[0].fingerprint, j.findings[1].fingerprint);
  judgement_free(&j);
  model_close(m);
}
END_TEST

/* --- limits --- */

/* The verdict on one limit of the only loop. */
static enum verdict limit_of(struct model *m, struct limit limit,
                             int64_t *measured) {
  struct judgement j = judge(
      m, (struct budget){
             .fail_on = LEVEL_ERROR, .limits = &limit, .n_limits = 1,
             .max_stall_ns = 10000 * MS});
  ck_assert_uint_eq(j.n_limits, 2); /* and the longest stall */
  ck_assert_int_eq(j.limits[0].limit.kind, limit.kind);
  ck_assert_int_eq(j.limits[1].limit.kind, LIMIT_STALL_MAX);
  enum verdict verdict = j.limits[0].verdict;
  ck_assert_int_eq(j.verdict, verdict);
  if (measured)
    *measured = j.limits[0].measured;
  judgement_free(&j);
  return verdict;
}

START_TEST(utilization_is_judged_without_what_was_starved) {
  /* Busy for 200 of 400 ms, and for 150 of them starved. */
  struct model *m = model_of_slice("cpu=0", "", "cpu=40 delay=150");
  struct limit l = {.kind = LIMIT_UTILIZATION};
  int64_t measured;
  l.value = 1000 * m->loops[0].busy_ns /
            (m->loops[0].busy_ns + m->loops[0].poll_ns);
  l.value++; /* it was rounded down */
  ck_assert_int_eq(limit_of(m, l, &measured), VERDICT_PASS);
  ck_assert_int_eq(measured, l.value - 1);
  l.value--;
  ck_assert_int_eq(limit_of(m, l, NULL), VERDICT_INCONCLUSIVE);
  l.value = 10;
  ck_assert_int_eq(limit_of(m, l, NULL), VERDICT_FAIL);
  model_close(m);
}
END_TEST

START_TEST(a_p99_is_broken_only_where_starvation_cannot_explain_it) {
  struct model *m = model_of_slice("cpu=0", "", "cpu=40 delay=150");
  struct limit l = {.kind = LIMIT_TURN_P99, .value = 300 * MS};
  ck_assert_int_eq(limit_of(m, l, NULL), VERDICT_PASS);
  l.value = 100 * MS; /* 200 ms minus 150 would be within it */
  ck_assert_int_eq(limit_of(m, l, NULL), VERDICT_INCONCLUSIVE);
  l.value = 30 * MS;
  ck_assert_int_eq(limit_of(m, l, NULL), VERDICT_FAIL);
  model_close(m);
}
END_TEST

START_TEST(stalls_over_a_time_are_counted) {
  struct model *m = model_of_text(trace_text_sleeping, 320, NULL);
  struct limit l = {.kind = LIMIT_STALL_COUNT, .over_ns = 50 * MS};
  int64_t measured;
  ck_assert_int_eq(limit_of(m, l, &measured), VERDICT_FAIL);
  ck_assert_int_eq(measured, 1);
  l.value = 1;
  ck_assert_int_eq(limit_of(m, l, NULL), VERDICT_PASS);
  l = (struct limit){.kind = LIMIT_STALL_COUNT, .over_ns = 300 * MS};
  ck_assert_int_eq(limit_of(m, l, NULL), VERDICT_PASS);
  model_close(m);
}
END_TEST

START_TEST(blocking_calls_are_counted) {
  struct model *m = model_of_text(trace_text_sleeping, 320, NULL);
  struct limit l = {.kind = LIMIT_BLOCKING_COUNT, .value = 0};
  ck_assert_int_eq(limit_of(m, l, NULL), VERDICT_FAIL);
  l.value = 1;
  ck_assert_int_eq(limit_of(m, l, NULL), VERDICT_PASS);
  model_close(m);
}
END_TEST

START_TEST(a_limit_holds_for_the_loops_it_names_and_the_last_one_wins) {
  struct model *m = model_of_text(trace_text_sleeping, 320, NULL);
  struct limit limits[] = {
      {.kind = LIMIT_STALL_MAX, .value = 400 * MS},
      {.kind = LIMIT_STALL_MAX, .value = 200 * MS, .loops = "wor*"}};
  struct budget budget = {
      .fail_on = LEVEL_ERROR, .limits = limits, .n_limits = 2};
  ck_assert_int_eq(code_of(m, budget), 0);
  limits[1].loops = "ma?n";
  ck_assert_int_eq(code_of(m, budget), 1);
  bool is_one;
  ck_assert_int_eq(budget_least_stall(&budget, &is_one), 1);
  ck_assert(!is_one);
  model_close(m);
}
END_TEST

/* --- what the program allows --- */

START_TEST(a_stall_that_the_program_allows_is_muted_with_its_reason) {
  static const struct {
    double begin, end;
    enum finding_state state;
  } cases[] = {{10, 310, FINDING_MUTED},
               {110, 310, FINDING_MUTED}, /* 100 ms are left: the budget */
               {111, 310, FINDING_NEW}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[512];
    snprintf(text, sizeof text,
             "0 loop+\n10 usage cpu=1\n10 resume task=1 kind=2 site=3\n"
             "%g allow+ text=1\n%g allow-\n310 usage cpu=301\n"
             "310 await task=1\n320 loop-\n",
             cases[i].begin, cases[i].end);
    struct model *m = model_of_text(text, 320, NULL);
    struct judgement j = judge(m, standard);
    ck_assert_uint_eq(j.n_findings, 1);
    ck_assert_int_eq(j.findings[0].state, cases[i].state);
    if (cases[i].state == FINDING_MUTED)
      ck_assert_str_eq(j.findings[0].why, "GET /export");
    ck_assert_int_eq(j.exit_code, cases[i].state == FINDING_NEW);
    judgement_free(&j);
    model_close(m);
  }
}
END_TEST

START_TEST(a_scope_that_was_left_hides_nothing_later) {
  struct model *m =
      model_of_text("0   loop+\n"
                    "10  resume task=1 kind=2 site=3\n"
                    "10  allow+ text=1\n"
                    "20  await task=1\n"
                    "20  usage cpu=1\n"
                    "20  resume task=2 kind=2 site=4\n"
                    "320 await task=2\n"
                    "320 usage cpu=301\n"
                    "320 allow-\n"
                    "330 loop-\n",
                    330, NULL);
  struct judgement j = judge(m, standard);
  ck_assert_uint_eq(j.n_muted, 0);
  ck_assert_int_eq(j.verdict, VERDICT_FAIL);
  judgement_free(&j);
  model_close(m);
}
END_TEST

/* --- numbers and texts --- */

START_TEST(percentiles_are_within_three_percent) {
  static struct model_histogram h;
  memset(&h, 0, sizeof h);
  for (int64_t i = 1; i <= 100000; i++)
    model_histogram_add(&h, i * 1000);
  for (int p = 1; p < 100; p++) {
    double exact = p * 1e6, found = (double)model_histogram_percentile(&h, p);
    ck_assert_double_le(found, exact * 1.033);
    ck_assert_double_ge(found, exact * 0.967);
  }
  ck_assert_int_eq(model_histogram_percentile(&h, 100), 100000000);
  model_histogram_add(&h, INT64_MAX / 4);
  ck_assert_int_eq(h.max_ns, INT64_MAX / 4);
}
END_TEST

START_TEST(control_characters_become_visible) {
  static const char *const cases[][2] = {
      {"plain on_read", "plain on_read"},
      {"\033]0;x\007", "\\x1b]0;x\\x07"},
      {"a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f"},
      {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
      {"\xc2\x9b"
       "31m",
       "\\xc2\\x9b31m"}, /* C1 CSI */
      {"\xe2\x80\xae"
       "cba",
       "\\xe2\\x80\\xae"
       "cba"},                             /* right to left */
      {"\xff\xc3", "\\xff\\xc3"},          /* no UTF-8 */
      {"\xc0\x80", "\\xc0\\x80"},          /* overlong */
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* surrogate */
      {"\xef\xbf\xbe", "\\xef\\xbf\\xbe"}, /* U+FFFE */
      {"back\\slash", "back\\\\slash"}};
  char buf[64];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    ck_assert_str_eq(inert(cases[i][0], buf, sizeof buf), cases[i][1]);
  ck_assert_str_eq(inert(NULL, buf, sizeof buf), "");
}
END_TEST

START_TEST(a_source_line_keeps_its_backslashes) {
  char buf[64];
  ck_assert_str_eq(inert_source("printf(\"%d\\n\", n); /*\033[31m*/", buf,
                                sizeof buf),
                   "printf(\"%d\\n\", n); /*\\x1b[31m*/");
}
END_TEST

START_TEST(long_texts_are_cut_at_a_character) {
  char buf[10];
  ck_assert_str_eq(inert("123456789", buf, sizeof buf), "123456789");
  ck_assert_str_eq(inert("1234567890", buf, sizeof buf), "123456...");
  ck_assert_str_eq(inert("12345\xc3\xbc\xc3\xbc\xc3\xbc", buf, sizeof buf),
                   "12345...");
  ck_assert_str_eq(inert("\001\002\003", buf, sizeof buf), "\\x01...");
}
END_TEST

START_TEST(durations_are_said_with_three_digits_or_so) {
  static const struct {
    int64_t ns;
    const char *text;
  } cases[] = {{0, "0 ns"},
               {840, "840 ns"},
               {1200, "1.2 us"},
               {999499, "999 us"},
               {999500, "1 ms"},
               {100 * MS, "100 ms"},
               {100 * MS + 400000, "100.4 ms"},
               {199960000, "200 ms"},
               {300 * MS + 400000, "300 ms"},
               {999500000, "1.00 s"},
               {1234 * MS, "1.23 s"},
               {59960 * MS, "1m00.0s"},
               {64200 * MS, "1m04.2s"},
               {7384 * 1000 * MS, "2h03m04s"}};
  units_buf buf;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    ck_assert_str_eq(units_ns(buf, cases[i].ns), cases[i].text);
  ck_assert_str_eq(units_count(buf, 9604), "9 604");
  ck_assert_str_eq(units_count(buf, 18400000), "18.4 M");
  ck_assert_str_eq(units_at(buf, 31286 * MS), "31.286 s");
}
END_TEST

static TCase *verdict_tests(void) {
  TCase *t = tcase_create("verdicts");
  tcase_add_checked_fixture(t, NULL, teardown);
  tcase_add_test(t, a_proven_stall_fails_also_in_a_trace_that_was_cut);
  tcase_add_test(t, the_budget_itself_is_allowed);
  tcase_add_test(t, warnings_fail_only_when_asked);
  tcase_add_test(t, a_starved_stall_is_a_pass_and_an_unknown_one_no_verdict);
  tcase_add_test(t, a_gap_is_else_a_warning_at_most);
  tcase_add_test(t, a_gap_of_who_waits_regularly_is_an_error);
  tcase_add_test(t, no_loop_is_no_verdict);
  tcase_add_test(t, lost_events_are_no_verdict);
  tcase_add_test(t, stalls_of_one_place_are_one_finding);
  tcase_add_test(t, utilization_is_judged_without_what_was_starved);
  tcase_add_test(t, a_p99_is_broken_only_where_starvation_cannot_explain_it);
  tcase_add_test(t, stalls_over_a_time_are_counted);
  tcase_add_test(t, blocking_calls_are_counted);
  tcase_add_test(t, a_limit_holds_for_the_loops_it_names_and_the_last_one_wins);
  tcase_add_test(t, a_stall_that_the_program_allows_is_muted_with_its_reason);
  tcase_add_test(t, a_scope_that_was_left_hides_nothing_later);
  return t;
}

static TCase *text_tests(void) {
  TCase *t = tcase_create("texts");
  tcase_add_test(t, percentiles_are_within_three_percent);
  tcase_add_test(t, control_characters_become_visible);
  tcase_add_test(t, a_source_line_keeps_its_backslashes);
  tcase_add_test(t, long_texts_are_cut_at_a_character);
  tcase_add_test(t, durations_are_said_with_three_digits_or_so);
  return t;
}

int main(void) {
  Suite *suite = suite_create("finding");
  suite_add_tcase(suite, verdict_tests());
  suite_add_tcase(suite, text_tests());
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
