/* The causes of stalls: where their time went, and what proves it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/build.h"
#include "model/finding.h"
#include "trace_text.h"

#define MS INT64_C(1000000)

static void teardown(void) {
  memset(&trace_text_info, 0, sizeof trace_text_info);
  trace_text_info.complete = trace_text_info.ended = true;
}

START_TEST(computing_is_cpu) {
  struct model *m = model_of_slice("cpu=5 vsw=3", "", "cpu=205 vsw=3");
  assert_cause(&m->stalls[0], 200, 0, 0, 0, 0);
  ck_assert_str_eq(model_cause_word(&m->stalls[0].cause), "cpu");
  model_close(m);
}
END_TEST

START_TEST(waiting_for_a_cpu_is_not_the_programs) {
  struct model *m = model_of_slice("cpu=5 delay=7", "", "cpu=45 delay=167");
  assert_cause(&m->stalls[0], 40, 0, 0, 160, 0);
  ck_assert_int_eq(model_attributable(&m->stalls[0].cause), 40 * MS);
  model_close(m);
}
END_TEST

START_TEST(off_the_cpu_without_evidence_is_unknown) {
  struct model *m = model_of_slice("cpu=0 vsw=3", "", "cpu=50 vsw=3");
  assert_cause(&m->stalls[0], 50, 0, 0, 0, 150);
  model_close(m);
}
END_TEST

START_TEST(a_voluntary_switch_is_evidence_of_blocking) {
  struct model *m = model_of_slice("cpu=0 vsw=3", "", "cpu=50 vsw=4");
  assert_cause(&m->stalls[0], 50, 150, 0, 0, 0);
  model_close(m);
}
END_TEST

START_TEST(without_run_delay_a_switch_is_no_evidence) {
  struct model *m =
      model_of_slice("cpu=0 delay=-1 vsw=3", "", "cpu=50 delay=-1 vsw=4");
  assert_cause(&m->stalls[0], 50, 0, 0, 0, 150);
  model_close(m);
}
END_TEST

/* Stopped by a signal, also in the middle of a call; and gone on when this is
 * told, or when it was seen to run, or when it did something: who tells may have
 * had no CPU.  A look has totals. */
START_TEST(being_stopped_is_not_the_programs_time) {
  static const char *const ends[] = {
      "250 sample n=67\n300 call callee=5 ms=190 site=2\n",
      "180 usage cpu=5\n180 sample n=84\n250 usage cpu=5\n250 sample n=83\n"
      "300 call callee=5 ms=190 site=2\n299 sample n=67\n",
      "180 usage cpu=5\n180 sample n=84\n250 call callee=5 ms=140 site=2\n"
      "270 sample n=67\n290 call callee=5 ms=30 site=2\n"
      "300 call callee=5 ms=10 site=2\n"};
  char text[1000];
  snprintf(text, sizeof text, "150 sample n=84\n%s", ends[_i]);
  struct model *m =
      model_of_slice("cpu=0 delay=0", text, "cpu=10 delay=0 vsw=1");
  const struct model_cause *c = &m->stalls[0].cause;
  ck_assert_int_eq(c->suspended, 100 * MS);
  ck_assert_int_eq(c->cpu, 10 * MS);
  ck_assert_int_eq(c->blocked, 90 * MS);
  ck_assert_int_eq(c->unknown, 0);
  model_close(m);
}
END_TEST

START_TEST(who_is_told_to_go_on_too_late_had_gone_on) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    resume task=1 kind=2 site=1\n"
                                  "1    sample n=84\n"
                                  "61   call callee=5 ms=60 site=2\n"
                                  "61.1 await task=1\n"
                                  "61.2 usage\n"
                                  "61.3 sample n=67\n"
                                  "62   loop-\n",
                                  62, NULL);
  ck_assert_int_eq(m->stalls[0].cause.suspended, 60 * MS);
  model_close(m);
}
END_TEST

/* Two looks, and no one who tells: it may have run after the second. */
START_TEST(what_was_only_looked_at_was_stopped_in_between) {
  struct model *m =
      model_of_slice("cpu=0 delay=0",
                     "150 usage\n150 sample n=84\n"
                     "250 usage\n250 sample n=84\n"
                     "300 call callee=5 ms=190 site=2\n",
                     "cpu=10 delay=0");
  ck_assert_int_eq(m->stalls[0].cause.suspended, 100 * MS);
  model_close(m);
}
END_TEST

START_TEST(major_faults_outside_calls_are_paging) {
  struct model *m =
      model_of_slice("cpu=0 faults=65535", "200 call callee=6 ms=30 on=4\n",
                     "cpu=50 faults=3 vsw=9");
  assert_cause(&m->stalls[0], 50, 30, 120, 0, 0);
  model_close(m);
}
END_TEST

START_TEST(the_longest_calls_are_kept_and_all_are_counted) {
  char calls[1024] = "";
  for (int i = 1; i <= 12; i++)
    snprintf(calls + strlen(calls), sizeof calls - strlen(calls),
             "%d call callee=15 ms=%d\n", 110 + i * 15, i);
  struct model *m = model_of_slice("cpu=0", calls, "cpu=122 vsw=12");
  const struct model_stall *s = &m->stalls[0];
  ck_assert_uint_eq(s->n_calls, MODEL_CALLS_MAX);
  ck_assert_uint_eq(s->n_calls_all, 12);
  ck_assert_int_eq(s->calls_ns, 78 * MS);
  for (int i = 0; i < MODEL_CALLS_MAX; i++)
    ck_assert_int_eq(s->calls[i].duration_ns, (12 - i) * MS);
  assert_cause(s, 122, 78, 0, 0, 0);
  model_close(m);
}
END_TEST

static void assert_sums_add_up(const struct model_stall *s) {
  uint64_t n = s->n_others;
  int64_t ns = s->others_ns;
  for (size_t i = 0; i < s->n_sums; i++) {
    n += s->sums[i].n;
    ns += s->sums[i].ns;
  }
  ck_assert_uint_eq(n, s->n_calls_all);
  ck_assert_int_eq(ns, s->calls_ns);
}

/* Nine callees, the fifth and sixth with a call more; the last is the longest
 * (_i 0) or the shortest. */
START_TEST(callees_beyond_the_eighth_are_others) {
  char calls[1024] = "";
  int last = _i ? 1 : 40;
  for (int i = 0; i < 11; i++)
    snprintf(calls + strlen(calls), sizeof calls - strlen(calls),
             "%d call callee=%d ms=%d\n", i == 10 ? 298 : 110 + i * 11,
             10 + (i < 8    ? i
                   : i < 10 ? i - 4
                            : 8),
             i == 10 ? last : 2 + i);
  struct model *m = model_of_slice("cpu=0", calls, "cpu=100 vsw=11");
  const struct model_stall *s = &m->stalls[0];
  const struct model_call *longest;
  ck_assert_uint_eq(s->n_sums, MODEL_CALLEES_MAX);
  ck_assert_uint_eq(s->n_calls_all, 11);
  ck_assert_int_eq(s->calls_ns, (65 + last) * MS);
  /* Others: the first callee, with 2 ms, or the last. */
  ck_assert_uint_eq(s->n_others, 1);
  ck_assert_int_eq(s->others_ns, (_i ? 1 : 2) * MS);
  assert_sums_add_up(s);
  if (_i == 0) {
    int64_t ns;
    ck_assert_uint_eq(finding_callee(s, &longest, &ns), 18);
    ck_assert_int_eq(ns, 40 * MS);
    ck_assert_int_eq(longest->duration_ns, 40 * MS);
  }
  model_close(m);
}
END_TEST

START_TEST(a_call_that_seems_to_begin_before_its_slice_is_inside) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    usage\n"
                                  "100  resume task=1 kind=2 site=1\n"
                                  "400  call callee=5 ms=300.004\n"
                                  "400  await task=1\n"
                                  "400  usage cpu=0 vsw=1\n"
                                  "400  loop-\n",
                                  400, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert_uint_eq(m->stalls[0].n_calls, 1);
  ck_assert_int_eq(m->stalls[0].calls[0].begin_ns, 100 * MS);
  ck_assert_int_eq(m->stalls[0].calls_ns, 300 * MS);
  model_close(m);
}
END_TEST

START_TEST(totals_that_are_wider_than_the_stall_are_shared_out) {
  struct model *m = model_of_text("0   loop+\n"
                                  "0   usage cpu=0\n"
                                  "9   resume task=2 kind=2 site=1\n"
                                  "9   await task=2\n"
                                  "20  resume task=1 kind=2 site=1\n"
                                  "80  await task=1\n"
                                  "100 poll\n"
                                  "140 wake\n" /* the poll is known */
                                  "160 usage cpu=60 delay=30 vsw=1\n"
                                  "160 loop-\n",
                                  160, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  const struct model_stall *s = &m->stalls[0];
  /* 120 ms out of polls, half of them in the stall, so are the totals; and a
   * wait in a poll is one voluntary switch, so there is none to explain. */
  assert_cause(s, 30, 0, 0, 15, 15);
  model_close(m);
}
END_TEST

START_TEST(totals_read_just_before_the_end_will_do) {
  struct model *m = model_of_text("0   loop+\n"
                                  "0   usage\n"
                                  "0   resume task=1 kind=2 site=1\n"
                                  "200 usage cpu=200\n"
                                  "200.01 await task=1\n"
                                  "201 poll\n"
                                  "900 wake\n"
                                  "1900 usage cpu=200 delay=1000\n"
                                  "1900 loop-\n",
                                  1900, NULL);
  ck_assert_int_eq(m->stalls[0].cause.cpu, 200 * MS);
  ck_assert_int_eq(m->stalls[0].cause.starved, 0);
  model_close(m);
}
END_TEST

START_TEST(what_the_recorder_reads_just_before_the_end_will_not_do) {
  struct model *m = model_of_slice("cpu=0 delay=0 vsw=3",
                                   "299.9 usage cpu=0 delay=0 vsw=4\n"
                                   "299.9 sample n=82\n",
                                   "cpu=0 delay=20 vsw=4");
  assert_cause(&m->stalls[0], 0, 180, 0, 20, 0);
  model_close(m);
}
END_TEST

START_TEST(a_wait_for_a_cpu_beside_a_slice_is_not_in_it) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    usage\n"
                                  "20.1 resume task=1 kind=2 site=1\n"
                                  "80.1 await task=1\n"
                                  "90.2 usage cpu=60.2 delay=30\n"
                                  "91   loop-\n",
                                  91, NULL);
  assert_cause(&m->stalls[0], 60, 0, 0, 0, 0);
  model_close(m);
}
END_TEST

/* The thread lost its CPU between its poll and the callback; looked at is where
 * the recorder looked at it meanwhile. */
static struct model *model_of_delay(const char *looked_at, const char *usage) {
  char text[1000];
  snprintf(text, sizeof text,
           "0    loop+\n"
           "0    usage vsw=1\n"
           "0    poll timeout=2\n"
           "1    wake n=1\n"
           "%s"
           "21.1 resume task=1 kind=2 site=1\n"
           "81.1 await task=1\n"
           "81.1 usage %s\n"
           "82   loop-\n",
           looked_at, usage);
  return model_of_text(text, 82, NULL);
}

START_TEST(a_wait_for_a_cpu_in_the_loops_own_code_is_not_the_slices) {
  static const char *const looks[] = {"", "18 usage vsw=1\n18 sample n=82\n"};
  struct model *m = model_of_delay(looks[_i], "delay=40 vsw=3");
  const struct model_cause *cause = &m->stalls[0].cause;
  ck_assert_int_eq(m->stalls[0].duration_ns, 60 * MS);
  ck_assert_int_le(llabs(cause->starved - 20 * MS), MS / 4);
  ck_assert_int_le(llabs(cause->blocked - 40 * MS), MS / 4);
  model_close(m);
}
END_TEST

/* The totals were read before a callback that was short enough not to have them
 * read again. */
START_TEST(a_wait_for_a_cpu_in_the_callback_before_is_not_in_the_next) {
  static const char *const calls[] = {"", "4 call callee=6 ms=4 site=4\n"};
  char text[1000];
  snprintf(text, sizeof text,
           "0    loop+\n"
           "0    usage vsw=1\n"
           "0    resume task=1 kind=2 site=1\n"
           "%s"
           "4    await task=1\n"
           "4    resume task=2 kind=2 site=2\n"
           "64   call callee=5 ms=60 site=3\n"
           "64   await task=2\n"
           "64   usage cpu=0.5 delay=3.3 vsw=2\n"
           "65   loop-\n",
           calls[_i]);
  struct model *m = model_of_text(text, 65, NULL);
  ck_assert_int_eq(m->stalls[0].duration_ns, 60 * MS);
  ck_assert_int_le(m->stalls[0].cause.starved, MS / 4);
  model_close(m);
}
END_TEST

/* The loop's own code computed: then the delay may be anywhere. */
START_TEST(computing_beside_a_slice_is_no_wait_for_a_cpu) {
  struct model *m = model_of_delay("", "cpu=20 delay=40 vsw=3");
  ck_assert_int_ge(m->stalls[0].cause.starved, 29 * MS);
  model_close(m);
}
END_TEST

START_TEST(a_wait_for_a_cpu_in_a_poll_is_not_in_the_next_slice) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    usage vsw=1\n"
                                  "0    poll timeout=2\n"
                                  "9    wake n=0\n"
                                  "9    resume task=1 kind=2 site=1\n"
                                  "69   await task=1\n"
                                  "69   usage delay=7 vsw=3\n"
                                  "70   loop-\n",
                                  70, NULL);
  assert_cause(&m->stalls[0], 0, 60, 0, 0, 0);
  model_close(m);
}
END_TEST

/* So many polls, of so many us each, before a callback that went away once. */
static struct model *model_after_polls(int n, int us) {
  char text[4000] = "0 loop+\n0 usage vsw=1\n";
  for (int i = 0; i < n; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text),
             "%.3f poll timeout=2\n%.3f wake n=1\n", i * 0.05,
             i * 0.05 + us / 1000.0);
  strcat(text, "1 resume task=1 kind=2 site=1\n"
               "61 await task=1\n"
               "61 usage vsw=2\n"
               "62 loop-\n");
  return model_of_text(text, 62, NULL);
}

START_TEST(a_poll_that_came_back_at_once_explains_no_switch) {
  struct model *m = model_after_polls(_i ? 2 : 10, _i ? 70 : 3);
  ck_assert_int_ge(m->stalls[0].cause.blocked, 59 * MS);
  model_close(m);
}
END_TEST

START_TEST(a_poll_that_may_have_slept_explains_a_switch) {
  struct model *m = model_after_polls(_i ? 10 : 1, _i ? 7 : 130);
  ck_assert_int_eq(m->stalls[0].cause.blocked, 0);
  model_close(m);
}
END_TEST

int main(void) {
  TCase *t = tcase_create("causes");
  tcase_add_checked_fixture(t, NULL, teardown);
  tcase_add_test(t, computing_is_cpu);
  tcase_add_test(t, waiting_for_a_cpu_is_not_the_programs);
  tcase_add_test(t, off_the_cpu_without_evidence_is_unknown);
  tcase_add_test(t, a_voluntary_switch_is_evidence_of_blocking);
  tcase_add_test(t, without_run_delay_a_switch_is_no_evidence);
  tcase_add_loop_test(t, being_stopped_is_not_the_programs_time, 0, 3);
  tcase_add_test(t, who_is_told_to_go_on_too_late_had_gone_on);
  tcase_add_test(t, what_was_only_looked_at_was_stopped_in_between);
  tcase_add_test(t, major_faults_outside_calls_are_paging);
  tcase_add_test(t, the_longest_calls_are_kept_and_all_are_counted);
  tcase_add_loop_test(t, callees_beyond_the_eighth_are_others, 0, 2);
  tcase_add_test(t, a_call_that_seems_to_begin_before_its_slice_is_inside);
  tcase_add_test(t, totals_that_are_wider_than_the_stall_are_shared_out);
  tcase_add_test(t, totals_read_just_before_the_end_will_do);
  tcase_add_test(t, what_the_recorder_reads_just_before_the_end_will_not_do);
  tcase_add_test(t, a_wait_for_a_cpu_beside_a_slice_is_not_in_it);
  tcase_add_loop_test(
      t, a_wait_for_a_cpu_in_the_loops_own_code_is_not_the_slices, 0, 2);
  tcase_add_test(t, computing_beside_a_slice_is_no_wait_for_a_cpu);
  tcase_add_loop_test(
      t, a_wait_for_a_cpu_in_the_callback_before_is_not_in_the_next, 0, 2);
  tcase_add_test(t, a_wait_for_a_cpu_in_a_poll_is_not_in_the_next_slice);
  tcase_add_loop_test(t, a_poll_that_came_back_at_once_explains_no_switch, 0,
                      2);
  tcase_add_loop_test(t, a_poll_that_may_have_slept_explains_a_switch, 0, 2);
  Suite *suite = suite_create("cause");
  suite_add_tcase(suite, t);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
