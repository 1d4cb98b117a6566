/* Tasks that are cancelled, timed out, shielded, gathered and grouped. */
#include <check.h>
#include <stdlib.h>

#include <looptrace/task.h>

#include "task_fixture.h"

/* --- Cancelling ----------------------------------------------------------- */

static int64_t cancel_sleeper(void *arg) {
  lt_task *t = lt_spawn(cleaner, arg);
  lt_yield();
  lt_cancel(t);
  return lt_await(t);
}

START_TEST(a_cancelled_task_cleans_up) {
  int cleaned = 0;
  ck_assert_int_eq(run(cancel_sleeper, &cleaned), UV_ECANCELED);
  ck_assert_str_eq(order, "xy");
  ck_assert_int_eq(cleaned, 1);
  said_nothing();
}
END_TEST

static int64_t cancel_before(void *arg) {
  lt_task *t = lt_spawn(cleaner, arg);
  lt_cancel(t);
  return lt_await(t);
}

START_TEST(a_task_cancelled_before_it_began_begins_and_hears_of_it) {
  int cleaned = 0;
  ck_assert_int_eq(run(cancel_before, &cleaned), UV_ECANCELED);
  ck_assert_int_eq(cleaned, 1);
}
END_TEST

static int64_t cancel_awaiter(void *arg) {
  lt_task *t = lt_spawn(awaiter, arg);
  lt_sleep(1);
  lt_cancel(t);
  return lt_await(t);
}

START_TEST(cancelling_who_awaits_cancels_what_is_awaited) {
  int cleaned = 0;
  ck_assert_int_eq(run(cancel_awaiter, &cleaned), UV_ECANCELED);
  ck_assert_int_eq(cleaned, 1);
  said_nothing();
}
END_TEST

static int64_t stubborn(void *arg) {
  (void)arg;
  lt_sleep(100000);
  return 5;
}

static int64_t await_stubborn(void *arg) {
  int64_t got = lt_await(lt_spawn(stubborn, arg));
  return got == 5 ? lt_sleep(100000) : 1;
}

static int64_t cancel_stubborn(void *arg) {
  lt_task *t = lt_spawn(await_stubborn, arg);
  lt_sleep(1);
  lt_cancel(t);
  return lt_await(t);
}

START_TEST(a_result_that_came_nevertheless_is_kept_and_the_cancel_waits) {
  ck_assert_int_eq(run(cancel_stubborn, NULL), UV_ECANCELED);
}
END_TEST

static int64_t slow_cleanup(void *arg) {
  return lt_timeout(lt_spawn(cleaner, arg), 5);
}

START_TEST(a_timeout_cancels_and_says_so) {
  int cleaned = 0;
  ck_assert_int_eq(run(slow_cleanup, &cleaned), UV_ETIMEDOUT);
  ck_assert_int_eq(cleaned, 1);
  said_nothing();
}
END_TEST

static int64_t in_time(void *arg) {
  int ms = 1;
  (void)arg;
  return lt_timeout(lt_spawn(sleeper, &ms), 10000);
}

START_TEST(a_timeout_that_is_not_needed_leaves_nothing) {
  ck_assert_int_eq(run(in_time, NULL), 1);
}
END_TEST

static int64_t two_deadlines(void *arg) {
  lt_deadline outer, inner;
  (void)arg;
  lt_deadline_begin(&outer, 5);
  lt_deadline_begin(&inner, 10000);
  int64_t status = lt_deadline_end(&inner, lt_sleep(20000));
  note(status == UV_ECANCELED ? 'c' : '?');
  status = lt_deadline_end(&outer, status);
  note(status == UV_ETIMEDOUT ? 't' : '?');
  return lt_sleep(1);
}

START_TEST(deadlines_nest) {
  ck_assert_int_eq(run(two_deadlines, NULL), 0);
  ck_assert_str_eq(order, "ct");
}
END_TEST

static int64_t survivor(void *arg) {
  int64_t status = lt_sleep(20);
  note('s');
  *(int64_t *)arg = status;
  return status;
}

static int64_t shielder(void *arg) {
  int64_t status = lt_shield(lt_spawn(survivor, arg));
  note('c');
  return status;
}

static int64_t cancel_shielder(void *arg) {
  lt_task *t = lt_spawn(shielder, arg);
  lt_sleep(1);
  lt_cancel(t);
  int64_t status = lt_await(t);
  lt_sleep(40);
  return status;
}

START_TEST(a_shielded_task_goes_on) {
  int64_t inner = 1;
  ck_assert_int_eq(run(cancel_shielder, &inner), UV_ECANCELED);
  ck_assert_int_eq(inner, 0);
  ck_assert_str_eq(order, "cs");
}
END_TEST

/* --- Many ----------------------------------------------------------------- */

static int64_t gather_failing(void *arg) {
  int64_t got[3];
  lt_task *three[] = {lt_spawn(cleaner, arg), lt_spawn(fail_soon, NULL),
                      lt_spawn(answer, NULL)};
  int64_t status = lt_gather(three, 3, got);
  ck_assert_int_eq(got[0], UV_ECANCELED);
  ck_assert_int_eq(got[1], UV_EIO);
  ck_assert_int_eq(got[2], 42);
  return status;
}

START_TEST(the_first_failure_cancels_the_rest_of_a_gather) {
  int cleaned = 0;
  ck_assert_int_eq(run(gather_failing, &cleaned), UV_EIO);
  ck_assert_int_eq(cleaned, 1);
  said_nothing();
}
END_TEST

static int64_t gather_everything(void *arg) {
  int ms = 20;
  int64_t got[3];
  (void)arg;
  lt_task *three[] = {lt_spawn(sleeper, &ms), lt_spawn(fail_soon, NULL), NULL};
  int64_t status = lt_gather_all(three, 3, got);
  ck_assert_int_eq(got[0], 20);
  ck_assert_int_eq(got[1], UV_EIO);
  ck_assert_int_eq(got[2], UV_ENOMEM);
  return status;
}

START_TEST(gather_all_collects_failures) {
  ck_assert_int_eq(run(gather_everything, NULL), 0);
}
END_TEST

static int64_t cancel_gather(void *arg) {
  lt_task *t = lt_spawn(gather_everything, arg);
  lt_yield();
  lt_cancel(t);
  return lt_await(t);
}

static int64_t gather_two(void *arg) {
  lt_task *two[] = {lt_spawn(cleaner, arg), lt_spawn(cleaner, arg)};
  return lt_gather_all(two, 2, NULL);
}

static int64_t cancel_two(void *arg) {
  lt_task *t = lt_spawn(gather_two, arg);
  lt_yield();
  lt_yield();
  lt_cancel(t);
  return lt_await(t);
}

START_TEST(cancelling_a_gather_cancels_all_and_waits) {
  int cleaned = 0;
  ck_assert_int_eq(run(cancel_two, &cleaned), UV_ECANCELED);
  ck_assert_int_eq(cleaned, 2);
  (void)cancel_gather;
}
END_TEST

static int64_t wait_first(void *arg) {
  int ms[] = {30, 5, 20};
  lt_task *three[3];
  (void)arg;
  for (int i = 0; i < 3; i++)
    three[i] = lt_spawn(sleeper, &ms[i]);
  int64_t first = lt_wait(three, 3);
  int64_t again = lt_wait(three, 3);
  (void)lt_gather(three, 3, NULL);
  return first * 10 + again;
}

START_TEST(wait_names_the_first_and_keeps_the_handles) {
  ck_assert_int_eq(run(wait_first, NULL), 11);
  said_nothing();
}
END_TEST

static int64_t wait_for_flag(void *flag) {
  return lt_event_flag_wait(flag);
}

static int64_t wait_with_a_limit(void *arg) {
  lt_event_flag flag = {0};
  lt_task *two[] = {lt_spawn(wait_for_flag, &flag),
                    lt_spawn(wait_for_flag, &flag)};
  lt_deadline deadline;
  int bad = 0;
  (void)arg;
  lt_deadline_begin(&deadline, 5);
  bad += lt_deadline_end(&deadline, lt_wait(two, 2)) != UV_ETIMEDOUT;
  bad += lt_is_done(two[0]) || lt_is_done(two[1]) || lt_is_cancelled();
  lt_event_flag_set(&flag);
  lt_deadline_begin(&deadline, 60000);
  bad += lt_deadline_end(&deadline, lt_wait(two, 2)) != 0;
  bad += lt_gather(two, 2, NULL) != 0;
  return bad;
}

START_TEST(a_wait_with_a_limit_leaves_the_tasks_alone) {
  ck_assert_int_eq(run(wait_with_a_limit, NULL), 0);
  said_nothing();
}
END_TEST

static int64_t group_of_three(void *arg) {
  lt_group group;
  int ms[] = {3, 1};
  (void)arg;
  lt_group_begin(&group);
  (void)lt_group_spawn(&group, "a", sleeper, &ms[0]);
  (void)lt_group_spawn(&group, "b", sleeper, &ms[1]);
  (void)lt_group_spawn(&group, NULL, answer, NULL);
  int64_t status = lt_group_end(&group);
  return status * 10 + (int64_t)lt_task_count();
}

START_TEST(a_group_does_not_end_before_its_tasks) {
  ck_assert_int_eq(run(group_of_three, NULL), 1);
}
END_TEST

static int64_t failing_group(void *arg) {
  lt_group group;
  lt_group_begin(&group);
  (void)lt_group_spawn(&group, NULL, cleaner, arg);
  (void)lt_group_spawn(&group, NULL, fail_soon, NULL);
  (void)lt_group_spawn(&group, NULL, cleaner, arg);
  return lt_group_end(&group);
}

START_TEST(a_failure_cancels_the_group) {
  int cleaned = 0;
  ck_assert_int_eq(run(failing_group, &cleaned), UV_EIO);
  ck_assert_int_eq(cleaned, 2);
  said_nothing();
}
END_TEST

static int64_t cancel_group(void *arg) {
  lt_task *t = lt_spawn(failing_group, arg);
  lt_yield();
  lt_yield();
  lt_cancel(t);
  return lt_await(t);
}

START_TEST(cancelling_a_group_waits_for_its_tasks) {
  int cleaned = 0;
  int64_t status = run(cancel_group, &cleaned);
  ck_assert(status == UV_ECANCELED || status == UV_EIO);
  ck_assert_int_eq(cleaned, 2);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("task_cancel");
  TCase *tests = tcase_create("cancel");
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, a_cancelled_task_cleans_up);
  tcase_add_test(tests,
                 a_task_cancelled_before_it_began_begins_and_hears_of_it);
  tcase_add_test(tests, cancelling_who_awaits_cancels_what_is_awaited);
  tcase_add_test(tests,
                 a_result_that_came_nevertheless_is_kept_and_the_cancel_waits);
  tcase_add_test(tests, a_timeout_cancels_and_says_so);
  tcase_add_test(tests, a_timeout_that_is_not_needed_leaves_nothing);
  tcase_add_test(tests, deadlines_nest);
  tcase_add_test(tests, a_shielded_task_goes_on);
  tcase_add_test(tests, the_first_failure_cancels_the_rest_of_a_gather);
  tcase_add_test(tests, gather_all_collects_failures);
  tcase_add_test(tests, cancelling_a_gather_cancels_all_and_waits);
  tcase_add_test(tests, wait_names_the_first_and_keeps_the_handles);
  tcase_add_test(tests, a_wait_with_a_limit_leaves_the_tasks_alone);
  tcase_add_test(tests, a_group_does_not_end_before_its_tasks);
  tcase_add_test(tests, a_failure_cancels_the_group);
  tcase_add_test(tests, cancelling_a_group_waits_for_its_tasks);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
