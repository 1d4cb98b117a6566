/* viewer/launch/stops.c: stops that are shorter than the wait for a CPU, and an
 * end that is heard of later. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <check.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/stops.h"
#include "record/clock.h"

#define STOPS 100
#define TICKS_PER_MS 1000000

static pid_t child;
static struct stops *stops;

/* A child that waits, and the thread on the CPU that the test keeps busy. */
static void setup(void) {
  cpu_set_t all, one;
  child = fork();
  ck_assert_int_ge(child, 0);
  while (child == 0)
    pause();
  ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
  int cpu = sched_getcpu();
  CPU_ZERO(&one);
  CPU_SET((size_t)cpu, &one);
  ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
  stops = stops_open(child, TICKS_PER_MS, false);
  ck_assert_ptr_nonnull(stops);
}

static void end_child(void) {
  ck_assert_int_eq(kill(child, SIGKILL), 0);
  ck_assert_int_eq(waitpid(child, NULL, 0), child);
  child = 0;
}

static void teardown(void) {
  if (child)
    end_child();
  stops_close(stops);
}

static bool is_child_stopped(void) {
  char path[32], text[256] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", (int)child);
  FILE *file = fopen(path, "re");
  ck_assert_ptr_nonnull(file);
  ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
  fclose(file);
  const char *end = strrchr(text, ')');
  return end && end[2] == 'T';
}

/* Returns: when it was seen to be stopped, and for the last time. */
static void stop_shortly(uint64_t *begin_ns, uint64_t *end_ns) {
  kill(child, SIGSTOP);
  while (!is_child_stopped())
    continue;
  *begin_ns = lti_monotonic_ns();
  *end_ns = *begin_ns;
  kill(child, SIGCONT);
}

START_TEST(each_stop_is_told_with_its_end_whoever_had_the_cpu) {
  uint64_t begin_ns, end_ns, clock, ns;
  for (int i = 0; i < STOPS; i++) {
    bool stopped;
    stop_shortly(&begin_ns, &end_ns);
    stops_settle(stops);
    ck_assert(stops_take(stops, &stopped, &clock, &ns));
    ck_assert_msg(stopped, "stop %d was not told", i);
    ck_assert_uint_le(ns, end_ns + 50000000);
    ck_assert(stops_take(stops, &stopped, &clock, &ns));
    ck_assert_msg(!stopped, "the end of stop %d was not told", i);
    ck_assert_uint_ge(ns, end_ns);
    ck_assert(!stops_take(stops, &stopped, &clock, &ns));
  }
}
END_TEST

START_TEST(where_nothing_happened_there_is_nothing_to_wait_for) {
  bool stopped;
  uint64_t clock, ns;
  stops_settle(stops);
  ck_assert(!stops_take(stops, &stopped, &clock, &ns));
  stops_settle(NULL);
}
END_TEST

START_TEST(the_end_is_when_it_was_and_not_when_it_is_asked_for) {
  uint64_t before_ns = lti_monotonic_ns();
  end_child();
  uint64_t after_ns = lti_monotonic_ns();
  while (lti_monotonic_ns() - after_ns < 200000000)
    continue;
  struct lti_knot ended = stops_end(stops);
  ck_assert_uint_eq(ended.clock, ended.ns);
  ck_assert_uint_ge(ended.ns, before_ns - 100000000); /* as near as it can */
  ck_assert_uint_le(ended.ns, after_ns + 100000000);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("stops");
  TCase *tc = tcase_create("stops");
  tcase_set_timeout(tc, 60);
  tcase_add_checked_fixture(tc, setup, teardown);
  tcase_add_test(tc, each_stop_is_told_with_its_end_whoever_had_the_cpu);
  tcase_add_test(tc, where_nothing_happened_there_is_nothing_to_wait_for);
  tcase_add_test(tc, the_end_is_when_it_was_and_not_when_it_is_asked_for);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
