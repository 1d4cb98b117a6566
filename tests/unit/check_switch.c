/* drain/switch.c and the host's part in it: recording switched on and off while
 * the program runs. */
#include <check.h>
#include <looptrace/trace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/drain_fixture.h"

/* What the trace holds: its kinds in order, as letters, and the brackets that
 * are open at its end. */
struct story {
  char text[64];
  unsigned open;
};

static char letter(unsigned kind) {
  static const char letters[][2] = {
      {LT_LOOP_BEGIN, 'L'}, {LT_LOOP_END, 'l'}, {LT_RESUME, 'R'},
      {LT_AWAIT, 'r'},      {LT_DONE, 'd'},     {LT_POLL_BEGIN, 'P'},
      {LT_POLL_END, 'p'},   {LT_MARK, 'M'},     {LT_SPAWN, 's'},
      {LT_POOL_BEGIN, 'J'}, {LT_POOL_END, 'j'}};
  for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
    if ((unsigned)letters[i][0] == kind)
      return letters[i][1];
  return 0; /* USAGE comes as it likes */
}

static struct story tell(void) {
  struct story s = {"", 0};
  size_t n = 0;
  lt_event e;
  finish();
  lt_reader *r = open_whole(path);
  while (lt_reader_next(r, &e) == LT_OK) {
    char c = letter(e.kind);
    if (c && n < sizeof s.text - 1)
      s.text[n++] = c;
    s.open += c && strchr("LRPJ", c);
    s.open -= c && strchr("lrdpj", c);
  }
  lt_reader_close(r);
  return s;
}

START_TEST(what_is_open_when_it_is_switched_off_is_closed_there) {
  struct lti_outer outer;
  struct lti_slice slice;
  begin(NULL);
  lti_loop_enter(&outer, lti_loop_new(), 0);
  lti_poll_enter(-1);
  lti_poll_leave(1);
  lti_slice_begin(&slice, lti_task_new(), LT_TASK_TIMER, NULL);
  lti_drain_switch(drain, false);
  ck_assert(!lt_trace_is_on());
  lt_mark("not seen", 0);
  lti_slice_end(&slice, false, 0, 0);
  lti_poll_enter(-1);
  struct story s = tell();
  ck_assert_str_eq(s.text, "LPpRrl");
  ck_assert_uint_eq(s.open, 0);
  end();
}
END_TEST

START_TEST(a_loop_that_turns_is_told_of_when_it_is_switched_on) {
  struct lti_outer outer;
  struct lti_slice slice;
  const struct lti_arena_options off = {.is_off = 1};
  begin(&off);
  ck_assert_uint_eq(lti_task_new(), 0); /* told of later */
  lti_loop_enter(&outer, lti_loop_new(), 0);
  lti_poll_enter(-1); /* and stays there meanwhile */
  lti_drain_switch(drain, true);
  lti_poll_leave(1);
  lti_slice_begin(&slice, lti_task_new(), LT_TASK_TIMER, NULL);
  lti_slice_end(&slice, false, 0, 0);
  lti_loop_leave(&outer, 0);
  struct story s = tell();
  ck_assert_str_eq(s.text, "LpRrl");
  end();
}
END_TEST

START_TEST(each_loop_of_nested_ones_is_told_of_when_it_goes_on) {
  struct lti_outer outer, inner;
  begin(NULL);
  lti_loop_enter(&outer, lti_loop_new(), 0);
  lti_drain_switch(drain, false);
  lti_loop_enter(&inner, lti_loop_new(), 0);
  lti_drain_switch(drain, true);
  lti_poll_enter(0);
  lti_poll_leave(0);
  lti_loop_leave(&inner, 0);
  lti_poll_enter(0);
  lti_poll_leave(0);
  lti_loop_leave(&outer, 0);
  struct story s = tell();
  ck_assert_str_eq(s.text, "LlLPplLPpl");
  ck_assert_uint_eq(s.open, 0);
  end();
}
END_TEST

START_TEST(a_short_pause_that_the_drain_does_not_see_is_closed_too) {
  struct lti_outer outer;
  struct lti_slice slice;
  begin(NULL);
  lti_loop_enter(&outer, lti_loop_new(), 0);
  lti_slice_begin(&slice, lti_task_new(), LT_TASK_TIMER, NULL);
  ck_assert_int_eq(lt_trace_pause(), LT_OK);
  ck_assert(!lt_trace_is_on());
  lti_slice_end(&slice, false, 0, 0);
  ck_assert_int_eq(lt_trace_resume(), LT_OK);
  ck_assert(lt_trace_is_on());
  lti_poll_enter(0);
  lti_poll_leave(0);
  lti_loop_leave(&outer, 0);
  struct story s = tell();
  ck_assert_str_eq(s.text, "LRrlLPpl");
  ck_assert_uint_eq(s.open, 0);
  end();
}
END_TEST

START_TEST(what_the_program_paused_is_not_switched_on_from_outside) {
  begin(NULL);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  ck_assert_int_eq(lt_trace_pause(), LT_OK);
  lti_drain_switch(drain, false);
  lti_drain_switch(drain, true);
  ck_assert(!lt_trace_is_on());
  lti_drain_switch(drain, false);
  ck_assert_int_eq(lt_trace_resume(), LT_OK);
  ck_assert(!lt_trace_is_on()); /* nor the other way round */
  lti_drain_switch(drain, true);
  ck_assert(lt_trace_is_on());
  finish();
  end();
}
END_TEST

START_TEST(the_stretch_that_is_missing_is_noted) {
  begin(NULL);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  lti_drain_switch(drain, false);
  lti_drain_switch(drain, true);
  lti_emit(LT_MARK, 0, 0, 0, 0);
  lti_drain_switch(drain, false);
  finish();
  lt_reader *r = open_whole(path);
  ck_assert_uint_eq(lt_reader_info(r)->n_notes, 2);
  double from, to;
  ck_assert_int_eq(sscanf(lt_reader_note(r, 0),
                          "switched off from %lf s to %lf s", &from, &to),
                   2);
  ck_assert(from <= to);
  ck_assert_ptr_nonnull(strstr(lt_reader_note(r, 1), " s on"));
  lt_reader_close(r);
  end();
}
END_TEST

START_TEST(without_a_recording_there_is_nothing_to_pause) {
  ck_assert_int_eq(lt_trace_pause(), LT_STATE);
  ck_assert_int_eq(lt_trace_resume(), LT_STATE);
}
END_TEST

int main(void) {
  Suite *s = suite_create("switch");
  TCase *t = tcase_create("switch");
  tcase_set_timeout(t, 60);
  tcase_add_test(t, what_is_open_when_it_is_switched_off_is_closed_there);
  tcase_add_test(t, a_loop_that_turns_is_told_of_when_it_is_switched_on);
  tcase_add_test(t, each_loop_of_nested_ones_is_told_of_when_it_goes_on);
  tcase_add_test(t, a_short_pause_that_the_drain_does_not_see_is_closed_too);
  tcase_add_test(t, what_the_program_paused_is_not_switched_on_from_outside);
  tcase_add_test(t, the_stretch_that_is_missing_is_noted);
  tcase_add_test(t, without_a_recording_there_is_nothing_to_pause);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
