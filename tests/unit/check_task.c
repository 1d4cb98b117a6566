/* Tasks: spawned, awaited, in the pool, and what is said of misuse. */
#include <check.h>
#include <errno.h>
#include <fenv.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <looptrace/task.h>

#include "task_fixture.h"

/* --- Spawn and await ------------------------------------------------------ */

static int64_t await_one(void *arg) {
  return lt_await(lt_spawn(answer, arg));
}

START_TEST(await_returns_what_the_task_returned) {
  int n = 7;
  ck_assert_int_eq(run(await_one, NULL), 42);
  ck_assert_int_eq(run(await_one, &n), 7);
  n = UV_ENOENT;
  ck_assert_int_eq(run(await_one, &n), UV_ENOENT);
  said_nothing();
}
END_TEST

static int64_t spell(void *arg) {
  const char *text = arg;
  note(text[0]);
  lt_yield();
  note(text[1]);
  return 0;
}

static int64_t spell_three(void *arg) {
  (void)arg;
  static char words[3][3] = {"aA", "bB", "cC"};
  lt_task *three[] = {lt_spawn(spell, words[0]), lt_spawn(spell, words[1]),
                      lt_spawn(spell, words[2])};
  note('.');
  return lt_gather(three, 3, NULL);
}

START_TEST(tasks_run_in_the_order_of_their_spawning) {
  ck_assert_int_eq(run(spell_three, NULL), 0);
  ck_assert_str_eq(order, ".abcABC");
}
END_TEST

static int64_t deep(void *arg) {
  int n = *(int *)arg - 1;
  return n == 0 ? 0 : 1 + lt_await(lt_spawn(deep, &n));
}

START_TEST(a_thousand_tasks_await_each_other) {
  int n = 1000;
  ck_assert_int_eq(run(deep, &n), 999);
  said_nothing();
}
END_TEST

#ifdef __SANITIZE_THREAD__
enum { MANY = 2000 }; /* it is slow at making fibres */
#else
enum { MANY = 100000 };
#endif

static int64_t spawn_many(void *arg) {
  int64_t sum = 0;
  (void)arg;
  for (int i = 0; i < MANY; i++)
    sum += lt_await(lt_spawn(answer, &i));
  return sum;
}

START_TEST(blocks_and_stacks_are_used_again) {
  ck_assert_int_eq(run(spawn_many, NULL), (int64_t)MANY * (MANY - 1) / 2);
  said_nothing();
}
END_TEST

static int64_t set_rounding(void *arg) {
  (void)arg;
  fesetround(FE_UPWARD);
  lt_yield();
  int mine = fegetround();
  fesetround(FE_TONEAREST);
  return mine == FE_UPWARD;
}

static int64_t keep_rounding(void *arg) {
  (void)arg;
  lt_task *t = lt_spawn(set_rounding, NULL);
  lt_yield();
  int mine = fegetround();
  return lt_await(t) == 1 && mine == FE_TONEAREST;
}

START_TEST(each_task_has_its_own_rounding_mode) {
  lt_run_options options = {.own_rounding = true};
  quiet();
  ck_assert_int_eq(lt_run_with(&options, keep_rounding, NULL), 1);
}
END_TEST

static int64_t share(void *arg) {
  (void)arg;
  lt_task *t = lt_spawn(answer, NULL);
  lt_task *again = lt_keep(t);
  return lt_await(t) + lt_await(again);
}

START_TEST(a_kept_handle_is_awaited_separately) {
  ck_assert_int_eq(run(share, NULL), 84);
  said_nothing();
}
END_TEST

static int64_t too_many(void *arg) {
  lt_task *tasks[8];
  int failed = 0;
  (void)arg;
  for (int i = 0; i < 8; i++)
    failed += (tasks[i] = lt_spawn(answer, NULL)) == NULL;
  for (int i = 0; i < 8; i++)
    failed += 100 * (lt_await(tasks[i]) == UV_ENOMEM);
  return failed;
}

START_TEST(a_task_that_could_not_be_made_is_awaited_as_out_of_memory) {
  lt_run_options options = {.tasks_max = 4};
  quiet();
  ck_assert_int_eq(lt_run_with(&options, too_many, NULL), 505);
  said_nothing();
}
END_TEST

/* --- Time ----------------------------------------------------------------- */

static int64_t sleep_three(void *arg) {
  int ms[] = {30, 10, 20};
  int64_t got[3];
  lt_task *three[3];
  (void)arg;
  for (int i = 0; i < 3; i++)
    three[i] = lt_spawn(sleeper, &ms[i]);
  int64_t status = lt_gather(three, 3, got);
  return status || got[0] != 30 || got[1] != 10 || got[2] != 20;
}

START_TEST(gather_gives_results_in_the_order_of_its_arguments) {
  uint64_t began = uv_hrtime();
  ck_assert_int_eq(run(sleep_three, NULL), 0);
  ck_assert_str_eq(order, "123");
  ck_assert_uint_ge(uv_hrtime() - began, 29000000);
  said_nothing();
}
END_TEST

static int64_t many_sleepers(void *arg) {
  enum { N = 2000 };
  static int ms[N];
  static lt_task *tasks[N];
  (void)arg;
  for (int i = 0; i < N; i++) {
    ms[i] = (i * 7919) % 50;
    tasks[i] = lt_spawn(sleeper, &ms[i]);
  }
  for (int i = 0; i < N; i += 3)
    lt_cancel(tasks[i]);
  int bad = 0;
  for (int i = 0; i < N; i++) {
    int64_t result = lt_await(tasks[i]);
    bad += result != (i % 3 ? ms[i] : UV_ECANCELED);
  }
  return bad;
}

START_TEST(thousands_sleep_and_a_third_is_cancelled) {
  ck_assert_int_eq(run(many_sleepers, NULL), 0);
  said_nothing();
}
END_TEST

/* --- The pool ------------------------------------------------------------- */

static int64_t compute(void *arg) {
  return *(int *)arg * 2;
}

static int64_t offload(void *arg) {
  return lt_to_thread(compute, arg);
}

START_TEST(to_thread_returns_what_the_job_returned) {
  int n = 21;
  ck_assert_int_eq(run(offload, &n), 42);
}
END_TEST

static uv_sem_t gate;

static int64_t hold_thread(void *arg) {
  (void)arg;
  uv_sem_wait(&gate);
  return 1;
}

static int64_t hold_task(void *arg) {
  return lt_to_thread(hold_thread, arg);
}

/* All threads are held; the job that waits behind them never runs. */
static int64_t cancel_queued(void *arg) {
  enum { THREADS = 4 };
  lt_task *held[THREADS];
  int n = 1, bad = 0;
  (void)arg;
  for (int i = 0; i < THREADS; i++)
    held[i] = lt_spawn(hold_task, NULL);
  lt_task *queued = lt_spawn(offload, &n);
  lt_sleep(5);
  lt_cancel(queued);
  bad += lt_await(queued) != UV_ECANCELED;
  lt_cancel(held[0]); /* it has begun: it is waited for */
  for (int i = 0; i < THREADS; i++)
    uv_sem_post(&gate);
  for (int i = 0; i < THREADS; i++)
    bad += lt_await(held[i]) != 1;
  return bad;
}

START_TEST(a_job_is_cancelled_before_it_begins_and_waited_for_after) {
  setenv("UV_THREADPOOL_SIZE", "4", 1);
  uv_sem_init(&gate, 0);
  ck_assert_int_eq(run(cancel_queued, NULL), 0);
  uv_sem_destroy(&gate);
}
END_TEST

/* --- Misuse --------------------------------------------------------------- */

START_TEST(waiting_outside_a_task_is_refused) {
  quiet();
  ck_assert_int_eq(lt_sleep(1), UV_EINVAL);
  SAID("lt_sleep was called outside a task");
  ck_assert_ptr_null(lt_spawn(answer, NULL));
  SAID("without a loop");
  ck_assert_int_eq(lt_await(NULL), UV_EINVAL);
}
END_TEST

static int64_t await_twice(void *arg) {
  lt_task *t = lt_spawn(answer, arg);
  lt_await(t);
  lt_detach(lt_spawn(answer, arg)); /* uses the block again */
  return lt_await(t);
}

START_TEST(a_handle_is_not_used_twice) {
  ck_assert_int_eq(run(await_twice, NULL), UV_EINVAL);
  SAID("lt_await was given a handle that had been given up");
}
END_TEST

static int64_t await_self(void *arg) {
  (void)arg;
  return lt_await(lt_self());
}

START_TEST(a_task_cannot_await_itself) {
  ck_assert_int_eq(run(await_self, NULL), LT_EDEADLK);
  SAID("would wait for itself");
}
END_TEST

static lt_task *left, *right;

static int64_t await_right(void *arg) {
  (void)arg;
  return lt_await(right);
}

static int64_t await_left(void *arg) {
  (void)arg;
  return lt_await(left);
}

static int64_t make_circle(void *arg) {
  (void)arg;
  left = lt_spawn_named("left", await_right, NULL);
  right = lt_spawn_named("right", await_left, NULL);
  lt_task *left_too = lt_keep(left);
  int64_t status = lt_await(left_too);
  return status;
}

START_TEST(a_circle_of_awaits_is_refused_and_explained) {
  ck_assert_int_eq(run(make_circle, NULL), LT_EDEADLK);
  SAID("\"right\" would wait for itself: it waits for \"left\", which waits "
       "for \"right\"");
}
END_TEST

static int64_t forget_failure(void *arg) {
  (void)arg;
  lt_detach(lt_spawn_named("lost", fail_soon, NULL));
  return lt_sleep(20);
}

START_TEST(a_failure_that_nobody_saw_is_reported) {
  ck_assert_int_eq(run(forget_failure, NULL), 0);
  SAID("task \"lost\" failed with i/o error, and nobody awaited it");
}
END_TEST

static int64_t leave_task(void *arg) {
  if (!lt_spawn_named("forgotten", cleaner, arg))
    return UV_ENOMEM;
  return lt_yield();
}

START_TEST(tasks_left_at_the_end_are_cancelled_and_reported) {
  int cleaned = 0;
  ck_assert_int_eq(run(leave_task, &cleaned), 0);
  ck_assert_int_eq(cleaned, 1);
  SAID("\"forgotten\" was left when the loop ended (it sleeps)");
}
END_TEST

static int64_t wait_for_ever(void *arg) {
  lt_future never;
  (void)arg;
  lt_future_init(&never, 0);
  return lt_future_await(&never);
}

START_TEST(nothing_left_to_wake_main_is_a_deadlock) {
  ck_assert_int_eq(run(wait_for_ever, NULL), LT_EDEADLK);
  SAID("nothing is left that could wake task");
}
END_TEST

static int64_t eat_stack(void *arg) {
  volatile char buffer[4096];
  buffer[0] = buffer[4095] = 1;
  return arg ? eat_stack(arg) + buffer[0] : 0;
}

static int64_t overflow(void *arg) {
  return lt_await(lt_spawn_named("eater", eat_stack, arg));
}

START_TEST(an_overflow_names_the_task) {
  int ends[2];
  char text[512] = "";
#ifdef __SANITIZE_ADDRESS__
  return; /* its own handler has the last word */
#endif
  if (getenv("LT_TEST_SANITIZED")) /* by valgrind and its like */
    return;
  ck_assert_int_eq(pipe(ends), 0);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], 2);
    signal(SIGSEGV, SIG_DFL);
    lt_on_misuse(NULL);
    _exit(lt_run(overflow, text) == 0);
  }
  close(ends[1]);
  int status;
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ssize_t n = read(ends[0], text, sizeof text - 1);
  close(ends[0]);
  ck_assert(n > 0);
  ck_assert_msg(strstr(text, "task \"eater\" overflowed its stack of 64 KiB"),
                "%s", text);
  ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}
END_TEST

/* --- Attached to a loop --------------------------------------------------- */

static int64_t add_one(void *arg) {
  int64_t status = lt_sleep(1);
  *(int *)arg += 1;
  return status;
}

static void spawn_from_timer(uv_timer_t *timer) {
  lt_detach(lt_spawn(add_one, timer->data));
  uv_close((uv_handle_t *)timer, NULL);
}

START_TEST(a_loop_of_the_programs_runs_tasks) {
  uv_loop_t loop;
  uv_timer_t timer;
  int n = 0;
  quiet();
  uv_loop_init(&loop);
  ck_assert_int_eq(lt_loop_open(&loop, NULL), 0);
  uv_timer_init(&loop, &timer);
  timer.data = &n;
  uv_timer_start(&timer, spawn_from_timer, 1, 0);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ck_assert_int_eq(n, 1);
  lt_loop_close();
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  said_nothing();
}
END_TEST

/* --- The dump ------------------------------------------------------------- */

static int dump_fd;

static int64_t dump(void *arg) {
  int n = 1;
  (void)arg;
  lt_task *t = lt_spawn_named("cleaner", cleaner, &n);
  lt_task *u = lt_spawn_named("boss", awaiter, &n);
  lt_sleep(1);
  lt_dump_tasks(dump_fd);
  lt_cancel(t);
  lt_cancel(u);
  lt_task *both[] = {t, u};
  return lt_gather_all(both, 2, NULL);
}

START_TEST(the_dump_shows_the_tree_and_what_is_awaited) {
  char text[8192];
  FILE *file = tmpfile();
  ck_assert_ptr_nonnull(file);
  dump_fd = fileno(file);
  ck_assert_int_eq(run(dump, NULL), 0);
  rewind(file);
  text[fread(text, 1, sizeof text - 1, file)] = 0;
  fclose(file);
  ck_assert_msg(strstr(text, "4 tasks\n"), "%s", text);
  ck_assert_msg(strstr(text, "  #2 cleaner sleeps, for "), "%s", text);
  ck_assert_msg(strstr(text, "  #3 boss awaits \""), "%s", text);
  ck_assert_msg(strstr(text, "    #4 "), "%s", text);
  ck_assert_msg(strstr(text, "spawned at "), "%s", text);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("task");
  TCase *tests = tcase_create("task");
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, await_returns_what_the_task_returned);
  tcase_add_test(tests, tasks_run_in_the_order_of_their_spawning);
  tcase_add_test(tests, a_thousand_tasks_await_each_other);
  tcase_add_test(tests, blocks_and_stacks_are_used_again);
  tcase_add_test(tests, each_task_has_its_own_rounding_mode);
  tcase_add_test(tests, a_kept_handle_is_awaited_separately);
  tcase_add_test(tests,
                 a_task_that_could_not_be_made_is_awaited_as_out_of_memory);
  tcase_add_test(tests, gather_gives_results_in_the_order_of_its_arguments);
  tcase_add_test(tests, thousands_sleep_and_a_third_is_cancelled);
  tcase_add_test(tests, to_thread_returns_what_the_job_returned);
  tcase_add_test(tests,
                 a_job_is_cancelled_before_it_begins_and_waited_for_after);
  tcase_add_test(tests, waiting_outside_a_task_is_refused);
  tcase_add_test(tests, a_handle_is_not_used_twice);
  tcase_add_test(tests, a_task_cannot_await_itself);
  tcase_add_test(tests, a_circle_of_awaits_is_refused_and_explained);
  tcase_add_test(tests, a_failure_that_nobody_saw_is_reported);
  tcase_add_test(tests, tasks_left_at_the_end_are_cancelled_and_reported);
  tcase_add_test(tests, nothing_left_to_wake_main_is_a_deadlock);
  tcase_add_test(tests, an_overflow_names_the_task);
  tcase_add_test(tests, a_loop_of_the_programs_runs_tasks);
  tcase_add_test(tests, the_dump_shows_the_tree_and_what_is_awaited);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
