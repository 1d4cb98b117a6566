/* drain/flight.c and snapshot.c: the newest part of a trace is kept, and
 * written when it is asked for.  rotate.c: a full file is followed by another.
 */
#include <check.h>
#include <looptrace/trace.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/drain_fixture.h"

static char snapshot[96];

static const char *numbered(unsigned n) {
  snprintf(snapshot, sizeof snapshot, "%s/x.%u.lt", dir, n);
  return snapshot;
}

static void begin_flight(uint64_t bytes, uint64_t ns) {
  more.is_flight = true;
  more.window_bytes = bytes;
  more.window_ns = ns;
  more.epoch_ns = 1; /* each step that may */
  begin(NULL);
}

/* Steps until what was asked for is written. */
static void step_until_written_out(void) {
  lti_drain_step(drain); /* meets what asks */
  while (lti_drain_is_asked(drain))
    lti_drain_step(drain);
}

static void end_flight(unsigned n_files) {
  for (unsigned i = 1; i <= n_files; i++)
    ck_assert_int_eq(unlink(numbered(i)), 0);
  end();
}

/* The numbers of the marks in a snapshot, which must be whole and without a
 * gap. Returns: how many. */
static uint64_t read_marks(unsigned file, uint64_t *first, uint64_t *last) {
  lt_reader *r = open_whole(numbered(file));
  lt_event e;
  uint64_t n = 0;
  while (lt_reader_next(r, &e) == LT_OK) {
    if (e.kind != LT_MARK)
      continue;
    if (n++ == 0)
      *first = e.b;
    else
      ck_assert_uint_eq(e.b, *last + 1);
    *last = e.b;
  }
  lt_reader_close(r);
  return n;
}

START_TEST(a_snapshot_holds_what_happened_up_to_it) {
  uint64_t first, last;
  begin_flight(1 << 20, 0);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  for (uint64_t i = 0; i < 100; i++)
    lti_emit(LT_MARK, 0, 0, 0, i);
  lti_drain_step(drain);
  ck_assert_int_eq(lt_trace_snapshot(), LT_OK);
  step_until_written_out();
  lti_emit(LT_MARK, 0, 0, 0, 100);
  ck_assert_uint_eq(read_marks(1, &first, &last), 100);
  ck_assert_uint_eq(first, 0);
  lti_drain_snapshot(drain);
  step_until_written_out();
  ck_assert_uint_eq(read_marks(2, &first, &last), 101);
  const struct lti_drain_file *f = finish();
  ck_assert_uint_eq(f->n_snapshots, 2);
  ck_assert_uint_eq(f->n_events, 102);
  ck_assert_str_eq(f->path, numbered(2));
  struct stat st;
  ck_assert_int_eq(stat(snapshot, &st), 0);
  ck_assert_uint_eq(st.st_mode & 07777, 0600);
  ck_assert_uint_eq((uint64_t)st.st_size, f->size_bytes);
  end_flight(2);
}
END_TEST

START_TEST(the_oldest_goes_and_what_is_open_stays_known) {
  uint64_t first = 0, last = 0, n = 0;
  begin_flight(64 << 10, 0);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  uint64_t task = lti_task_new();
  lti_emit(LT_SPAWN, LT_TASK_TIMER, task, 1, 1);
  while (lti_drain_step(drain), n < 400000) {
    uint64_t state = n;
    for (int i = 0; i < 2000; i++, n++) {
      state = state * UINT64_C(6364136223846793005) + 1;
      lti_emit(LT_COUNTER, 0, 0, 0, state); /* does not compress */
      lti_emit(LT_MARK, 0, 0, 0, n);
    }
  }
  lti_drain_snapshot(drain);
  step_until_written_out();
  ck_assert_uint_gt(read_marks(1, &first, &last), 0);
  ck_assert_uint_eq(last, n - 1);
  ck_assert_uint_gt(first, 0);
  lt_reader *r = open_whole(numbered(1));
  const lt_open *opens;
  const lt_task_def *tasks;
  size_t n_opens, n_tasks;
  ck_assert_int_eq(lt_reader_opens(r, &opens, &n_opens), LT_OK);
  ck_assert_uint_eq(n_opens, 1);
  ck_assert_uint_eq(opens[0].kind, LT_LOOP_BEGIN);
  ck_assert_int_eq(lt_reader_tasks(r, &tasks, &n_tasks), LT_OK);
  ck_assert_uint_eq(n_tasks, 1);
  ck_assert_uint_eq(tasks[0].id, task);
  lt_reader_close(r);
  finish();
  end_flight(1);
}
END_TEST

START_TEST(one_asked_for_at_the_last_moment_is_written) {
  begin_flight(1 << 20, 0);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  ck_assert_int_eq(lt_trace_snapshot(), LT_OK);
  ck_assert_uint_eq(finish()->n_snapshots, 1);
  end_flight(1);
}
END_TEST

/* Steps until so many events were in files. */
static void step_until_filed(uint64_t n_events) {
  const struct lti_drain_file *f;
  size_t n;
  do {
    lti_drain_step(drain);
    f = lti_drain_files(drain, &n);
  } while (n == 0 || f->n_events + f->n_removed_events < n_events);
}

START_TEST(a_full_file_is_followed_by_one_that_needs_no_other) {
  uint64_t first, last;
  more.keep = 3;
  more.max_bytes = 1; /* each epoch fills a file */
  more.epoch_ns = 1;
  begin(NULL);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  uint64_t task = lti_task_new();
  lti_emit(LT_SPAWN, LT_TASK_TIMER, task, 1, 1);
  step_until_filed(2);
  for (uint64_t i = 0; i < 4; i++) {
    lti_emit(LT_MARK, 0, 0, 0, i);
    step_until_filed(i + 3);
  }
  const struct lti_drain_file *f = finish();
  ck_assert_uint_eq(f->n_parts, 3);
  ck_assert_uint_eq(f->n_removed, 2);
  ck_assert_uint_eq(f->n_events, 3);
  ck_assert_uint_eq(f->n_removed_events, 3);
  ck_assert_uint_eq(f->n_lost, 0);
  ck_assert_str_eq(f->path, numbered(5));
  ck_assert_int_ne(access(numbered(2), F_OK), 0);
  for (unsigned i = 3; i <= 5; i++) {
    const lt_open *opens;
    const lt_task_def *tasks;
    size_t n_opens, n_tasks;
    ck_assert_uint_eq(read_marks(i, &first, &last), 1);
    ck_assert_uint_eq(first, i - 2);
    lt_reader *r = open_whole(numbered(i));
    ck_assert_int_eq(lt_reader_opens(r, &opens, &n_opens), LT_OK);
    ck_assert_uint_eq(n_opens, 1);
    ck_assert_uint_eq(opens[0].kind, LT_LOOP_BEGIN);
    ck_assert_int_eq(lt_reader_tasks(r, &tasks, &n_tasks), LT_OK);
    ck_assert_uint_eq(n_tasks, 1);
    ck_assert_uint_eq(tasks[0].id, task);
    lt_reader_close(r);
    ck_assert_int_eq(unlink(numbered(i)), 0);
  }
  end();
}
END_TEST

START_TEST(nothing_is_written_unasked) {
  begin_flight(1 << 20, 0);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  lti_drain_step(drain);
  const struct lti_drain_file *f = finish();
  ck_assert_uint_eq(f->n_snapshots, 0);
  ck_assert_ptr_null(f->path);
  ck_assert_int_eq(f->error, 0);
  end_flight(0);
}
END_TEST

START_TEST(a_program_that_is_killed_leaves_one) {
  begin_flight(1 << 20, UINT64_C(1000000000));
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  lti_emit(LT_MARK, 0, 0, 0, 1);
  lti_drain_process_ended(drain, getpid(), LT_END_KILLED, 11, moment());
  lt_reader *r = open_whole(numbered(1));
  ck_assert_int_eq(lt_reader_info(r)->end_reason, LT_END_KILLED);
  ck_assert_int_eq(lt_reader_info(r)->end_status, 11);
  ck_assert_uint_eq(lt_reader_info(r)->n_events, 2);
  lt_reader_close(r);
  finish();
  end_flight(1);
}
END_TEST

/* Moments of what has been: all of it is in the past. */
static uint64_t first_clock;
static uint64_t at_ms(unsigned ms) {
  return first_clock + ms * arena->ticks_per_ms;
}

static void begin_flight_with_stalls(void) {
  more.stall_ns = 5000000;
  begin_flight(1 << 20, 0);
  first_clock = lti_now();
  wait_ms(80);
}

static void end_with_one_snapshot(void) {
  while (access(numbered(1), F_OK) != 0)
    lti_drain_step(drain);
  step_until_written_out();
  ck_assert_uint_eq(finish()->n_snapshots, 1);
  end_flight(1);
}

START_TEST(a_stall_asks_for_one_when_it_is_over) {
  begin_flight_with_stalls();
  lti_emit_at(at_ms(0), LT_LOOP_BEGIN, 1, 0, 0, 0);
  lti_emit_at(at_ms(1), LT_POLL_BEGIN, 0, 0, 0, 0);
  lti_emit_at(at_ms(20), LT_POLL_END, 0, 0, 0, 0); /* that was none */
  lti_emit_at(at_ms(21), LT_POLL_BEGIN, 0, 0, 0, 0);
  lti_emit_at(at_ms(22), LT_POLL_END, 0, 0, 0, 0);
  lti_emit_at(at_ms(32), LT_POLL_BEGIN, 0, 0, 0, 0); /* that was one */
  end_with_one_snapshot();
}
END_TEST

/* Four runs, from a ms on: each takes one, in its poll.  poll: POLL_BEGIN's a. */
static void turn_four_times(unsigned from_ms, unsigned loop, unsigned mode,
                            unsigned poll, unsigned result) {
  for (unsigned ms = from_ms; ms < from_ms + 4; ms++) {
    lti_emit_at(at_ms(ms), LT_LOOP_BEGIN, loop, 0, mode, 0);
    lti_emit_at(at_ms(ms), LT_POLL_BEGIN, 0, 0, poll, 0);
    lti_emit_at(at_ms(ms + 1), LT_POLL_END, 0, 0, 1, 0);
    lti_emit_at(at_ms(ms + 1), LT_LOOP_END, loop, 0, result, 0);
  }
}

START_TEST(a_stall_between_two_runs_asks_for_one) {
  begin_flight_with_stalls();
  turn_four_times(0, 1, LT_LOOP_ONCE, 0, 1);
  lti_emit_at(at_ms(30), LT_POLL_BEGIN, 0, 0, 0, 0); /* held up until here */
  lti_emit_at(at_ms(50), LT_POLL_END, 0, 0, 1, 0); /* that was none */
  lti_emit_at(at_ms(51), LT_LOOP_BEGIN, 1, 0, LT_LOOP_NOWAIT, 0);
  lti_emit_at(at_ms(51), LT_LOOP_END, 1, 0, 1, 0);
  end_with_one_snapshot();
}
END_TEST

/* Nor where the loop was not waited for, or is not to go on. */
START_TEST(what_nobody_is_held_to_come_back_from_asks_for_none) {
  begin_flight_with_stalls();
  turn_four_times(0, 1, LT_LOOP_NOWAIT, 1, 1);
  turn_four_times(20, 1, LT_LOOP_ONCE, 1, 1); /* there was something to do */
  turn_four_times(40, 1, LT_LOOP_ONCE, 0, 0);
  turn_four_times(60, 1, LT_LOOP_DEFAULT, 0, 1);
  lti_emit_at(at_ms(79), LT_LOOP_BEGIN, 1, 0, LT_LOOP_ONCE, 0);
  ck_assert_uint_eq(finish()->n_snapshots, 0);
  end_flight(0);
}
END_TEST

/* Recording is, by the program itself: its loop is in no run. */
START_TEST(switching_off_between_two_runs_asks_for_none) {
  begin_flight_with_stalls();
  turn_four_times(0, 1, LT_LOOP_NOWAIT, 1, 1);
  for (int i = 0; i < 40; i++) {
    if (i == 20)
      lti_drain_switch(drain, false);
    wait_ms(10);
    lti_drain_step(drain);
  }
  ck_assert_uint_eq(finish()->n_snapshots, 0);
  end_flight(0);
}
END_TEST

START_TEST(what_cannot_be_written_is_told_and_the_next_one_may) {
  begin_flight(1 << 20, 0);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  ck_assert_int_eq(mkdir(numbered(1), 0700), 0); /* the name is taken */
  lti_drain_step(drain);
  lti_drain_snapshot(drain);
  step_until_written_out();
  ck_assert_int_eq(rmdir(numbered(1)), 0);
  const struct lti_drain_file *f = finish();
  ck_assert_uint_eq(f->n_snapshots, 1);
  ck_assert_str_eq(f->path, numbered(2));
  ck_assert_int_eq(unlink(snapshot), 0);
  end_flight(0);
}
END_TEST

int main(void) {
  Suite *s = suite_create("flight");
  TCase *t = tcase_create("flight");
  tcase_set_timeout(t, 60);
  tcase_add_test(t, a_snapshot_holds_what_happened_up_to_it);
  tcase_add_test(t, the_oldest_goes_and_what_is_open_stays_known);
  tcase_add_test(t, one_asked_for_at_the_last_moment_is_written);
  tcase_add_test(t, a_full_file_is_followed_by_one_that_needs_no_other);
  tcase_add_test(t, nothing_is_written_unasked);
  tcase_add_test(t, a_program_that_is_killed_leaves_one);
  tcase_add_test(t, a_stall_asks_for_one_when_it_is_over);
  tcase_add_test(t, a_stall_between_two_runs_asks_for_one);
  tcase_add_test(t, what_nobody_is_held_to_come_back_from_asks_for_none);
  tcase_add_test(t, switching_off_between_two_runs_asks_for_none);
  tcase_add_test(t, what_cannot_be_written_is_told_and_the_next_one_may);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
