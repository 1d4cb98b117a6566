/* What is said of mistakes, beyond the common ones in check_task.c; and that
 * errors have texts. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <looptrace/task.h>

#include "task_fixture.h"

/* --- Outside a task ------------------------------------------------------- */

#define REFUSED(call)                                                          \
  do {                                                                         \
    said[0] = 0;                                                               \
    ck_assert_int_eq(call, UV_EINVAL);                                         \
    SAID(                                                                      \
        "was called outside a task: only a function that was given to lt_run " \
        "or lt_spawn can wait");                                               \
    ck_assert_int_eq(strncmp(said, #call, strcspn(#call, "(")), 0);            \
  } while (0)

/* With a loop: the common case, a callback of the program's. */
static void wait_everywhere(uv_timer_t *timer) {
  lt_stream *stream = NULL;
  lt_mutex mutex = {0};
  lt_semaphore semaphore = {0};
  lt_event_flag flag = {0};
  lt_group group;
  lt_future future;
  void *item;
  uv_stat_t stat;
  struct addrinfo *found;
  uv_process_options_t process = {0};
  lt_future_init(&future, 0);
  lt_channel *channel = lt_channel_open(1);
  REFUSED(lt_await(NULL));
  REFUSED(lt_timeout(NULL, 1));
  REFUSED(lt_shield(NULL));
  REFUSED(lt_gather(NULL, 0, NULL));
  REFUSED(lt_sleep(1));
  REFUSED(lt_yield());
  REFUSED(lt_to_thread(answer, NULL));
  REFUSED(lt_future_await(&future));
  REFUSED(lt_future_await_request(&future, NULL));
  REFUSED(lt_close((uv_handle_t *)timer));
  REFUSED(lt_channel_send(channel, NULL));
  REFUSED(lt_channel_receive(channel, &item));
  REFUSED(lt_mutex_lock(&mutex));
  REFUSED(lt_semaphore_take(&semaphore));
  REFUSED(lt_event_flag_wait(&flag));
  REFUSED(lt_local_set(&item, NULL));
  REFUSED(lt_tcp_connect("127.0.0.1", 1, &stream));
  REFUSED(lt_tcp_listen("127.0.0.1", 0, &stream));
  REFUSED(lt_pipe_connect("x", &stream));
  REFUSED(lt_pipe_listen("x", &stream));
  REFUSED(lt_accept(stream, &stream));
  REFUSED(lt_read(stream, &item, 1));
  REFUSED(lt_read_exactly(stream, &item, 1));
  REFUSED(lt_read_until(stream, '\n', &item, 1));
  REFUSED(lt_write(stream, "", 1));
  REFUSED(lt_shutdown(stream));
  REFUSED(lt_fs_open("x", 0, 0));
  REFUSED(lt_fs_close(-1));
  REFUSED(lt_fs_read(-1, &item, 1, 0));
  REFUSED(lt_fs_write(-1, "", 1, 0));
  REFUSED(lt_fs_fsync(-1));
  REFUSED(lt_fs_stat("x", &stat));
  REFUSED(lt_fs_unlink("x"));
  REFUSED(lt_fs_rename("x", "y"));
  REFUSED(lt_fs_mkdir("x", 0));
  REFUSED(lt_getaddrinfo("x", NULL, NULL, &found));
  REFUSED(lt_process_run(&process));
  REFUSED(lt_signal_wait(1));
  lt_group_begin(&group);
  REFUSED(lt_group_end(&group));
  lt_channel_free(channel);
  uv_close((uv_handle_t *)timer, NULL);
}

START_TEST(every_wait_outside_a_task_is_refused_by_name) {
  uv_loop_t loop;
  uv_timer_t timer;
  quiet();
  uv_loop_init(&loop);
  ck_assert_int_eq(lt_loop_open(&loop, NULL), 0);
  uv_timer_init(&loop, &timer);
  uv_timer_start(&timer, wait_everywhere, 0, 0);
  uv_run(&loop, UV_RUN_DEFAULT);
  lt_loop_close();
  ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

START_TEST(a_future_without_a_loop_is_refused) {
  lt_future future;
  quiet();
  lt_future_init(&future, 0);
  SAID("lt_future_init was called in a thread without a loop");
}
END_TEST

/* --- By the wrong task ---------------------------------------------------- */

static int64_t unlock(void *mutex) {
  lt_mutex_unlock(mutex);
  return 0;
}

static int64_t lock_and_let_unlock(void *unused) {
  lt_mutex mutex = {0};
  (void)unused;
  if (lt_mutex_lock(&mutex) != 0)
    return 1;
  int64_t status = lt_await(lt_spawn(unlock, &mutex));
  return status == 0 && mutex.owner ? 0 : 1;
}

START_TEST(a_lock_is_given_back_by_its_holder_only) {
  ck_assert_int_eq(run(lock_and_let_unlock, NULL), 0);
  SAID("lt_mutex_unlock was called by a task that does not hold the lock");
}
END_TEST

static int64_t end_group(void *group) {
  return lt_group_end(group);
}

static int64_t let_end_group(void *unused) {
  lt_group group;
  (void)unused;
  lt_group_begin(&group);
  int64_t status = lt_await(lt_spawn(end_group, &group));
  return status == UV_EINVAL ? lt_group_end(&group) : 1;
}

START_TEST(a_group_is_ended_by_who_opened_it_only) {
  ck_assert_int_eq(run(let_end_group, NULL), 0);
  SAID("lt_group_end was called by a task that did not open the group");
}
END_TEST

static int64_t close_loop(void *unused) {
  (void)unused;
  lt_loop_close();
  return lt_sleep(1);
}

START_TEST(a_task_does_not_close_its_loop) {
  ck_assert_int_eq(run(close_loop, NULL), 0);
  SAID("lt_loop_close was called by a task");
}
END_TEST

/* --- A loop in a loop ------------------------------------------------------ */

static int64_t run_again(void *unused) {
  return lt_run(answer, unused);
}

START_TEST(lt_run_inside_a_task_is_refused) {
  ck_assert_int_eq(run(run_again, NULL), UV_EINVAL);
  SAID("lt_run was called in a thread that has a loop for tasks");
}
END_TEST

START_TEST(a_thread_has_one_loop_for_tasks) {
  uv_loop_t loop;
  quiet();
  uv_loop_init(&loop);
  ck_assert_int_eq(lt_loop_open(&loop, NULL), 0);
  said_nothing();
  ck_assert_int_eq(lt_loop_open(&loop, NULL), UV_EINVAL);
  SAID("lt_loop_open was called in a thread that has a loop for tasks");
  lt_loop_close();
  ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

/* It would turn for ever: the task that it waits for cannot run. */
static int64_t turn_loop(void *unused) {
  int ms = 10;
  lt_task *other = lt_spawn(sleeper, &ms);
  (void)unused;
  if (uv_run(lt_loop(), UV_RUN_DEFAULT) == 0)
    return 1;
  return lt_await(other) == ms ? 0 : 2;
}

START_TEST(uv_run_inside_a_task_comes_back_and_is_explained) {
  ck_assert_int_eq(run(turn_loop, NULL), 0);
  SAID("task \"turn_loop\" called uv_run on the loop that runs it");
}
END_TEST

/* --- Scopes ---------------------------------------------------------------- */

static int64_t end_twice(void *unused) {
  lt_group group;
  lt_deadline deadline;
  (void)unused;
  lt_group_begin(&group);
  lt_deadline_begin(&deadline, 1000);
  if (lt_deadline_end(&deadline, 7) != 7 || lt_deadline_end(&deadline, 7) != 7)
    return 1;
  if (lt_group_end(&group) != 0)
    return 2;
  said_nothing();
  if (lt_group_spawn(&group, NULL, answer, NULL) != UV_EINVAL)
    return 3;
  SAID("lt_group_spawn was given a group that is not open");
  return lt_group_end(&group) == UV_EINVAL ? 0 : 4;
}

START_TEST(a_scope_ends_once) {
  ck_assert_int_eq(run(end_twice, NULL), 0);
  SAID("lt_group_end was called by a task that did not open the group, or "
       "twice");
}
END_TEST

static int64_t leave_group(void *unused) {
  lt_group group;
  lt_group_begin(&group);
  return lt_group_spawn(&group, NULL, fail_soon, unused);
}

static int64_t leave_deadline(void *unused) {
  lt_deadline deadline;
  (void)unused;
  lt_deadline_begin(&deadline, 1000);
  return lt_yield();
}

static int64_t leave_scope(void *in_group) {
  lt_task_fn *leaver = in_group ? leave_group : leave_deadline;
  return lt_await(lt_spawn_named("hasty", leaver, NULL));
}

/* In a process of its own, which it ends. */
static void ends_with(bool in_group, const char *words) {
  int ends[2], status;
  char text[512] = "";
  ck_assert_int_eq(pipe(ends), 0);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], 2);
    signal(SIGABRT, SIG_DFL);
    lt_on_misuse(NULL);
    _exit(lt_run(leave_scope, in_group ? &ends : NULL) == 0);
  }
  close(ends[1]);
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert_int_gt(read(ends[0], text, sizeof text - 1), 0);
  close(ends[0]);
  ck_assert_msg(strstr(text, words), "%s", text);
  ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

START_TEST(a_task_that_returns_from_inside_a_scope_ends_the_process) {
  ends_with(true, "task \"hasty\" returned from inside a group");
  ends_with(false, "task \"hasty\" returned from inside a group or a deadline");
}
END_TEST

/* --- Locks and streams ------------------------------------------------------ */

static lt_mutex forgotten;

static int64_t keep_lock(void *unused) {
  (void)unused;
  return lt_mutex_lock(&forgotten);
}

static int64_t want_lock(void *unused) {
  lt_await(lt_spawn_named("keeper", keep_lock, unused));
  return lt_mutex_lock(&forgotten);
}

START_TEST(a_lock_that_its_holder_took_along_is_reported) {
  ck_assert_int_eq(run(want_lock, NULL), LT_EDEADLK);
  SAID("task \"keeper\" ended and held a lock, which nobody can get now");
  SAID("which waits for the lock of a task that ended");
}
END_TEST

static int64_t hand_lock_over(void *mutex) {
  if (lt_mutex_lock(mutex) != 0)
    return 1;
  int64_t status = lt_yield();
  lt_mutex_unlock(mutex);
  return status;
}

static int64_t share_lock(void *unused) {
  lt_mutex mutex = {0};
  lt_task *both[] = {lt_spawn(hand_lock_over, &mutex),
                     lt_spawn(hand_lock_over, &mutex)};
  (void)unused;
  return lt_gather(both, 2, NULL);
}

START_TEST(a_lock_that_is_handed_over_is_the_next_ones) {
  ck_assert_int_eq(run(share_lock, NULL), 0);
  said_nothing();
}
END_TEST

static int64_t close_twice(void *unused) {
  lt_stream *stream;
  (void)unused;
  int64_t status = lt_tcp_listen("127.0.0.1", 0, &stream);
  if (status < 0)
    return status;
  lt_stream_close(stream);
  lt_stream_close(stream);
  return 0;
}

START_TEST(a_stream_is_closed_once) {
  ck_assert_int_eq(run(close_twice, NULL), 0);
  SAID("lt_stream_close was given a stream that is closed");
}
END_TEST

/* --- At the end ----------------------------------------------------------- */

static int64_t forget_handle(void *unused) {
  return lt_spawn_named("dropped", fail_soon, unused) ? lt_sleep(20) : 1;
}

START_TEST(a_failure_whose_handle_was_forgotten_is_reported_at_the_end) {
  ck_assert_int_eq(run(forget_handle, NULL), 0);
  SAID("task \"dropped\" failed with i/o error, and nobody awaited it");
}
END_TEST

static int64_t deaf(void *unused) {
  lt_future never;
  (void)unused;
  lt_future_init(&never, 0);
  for (;;)
    lt_future_await(&never);
  return 0;
}

static int64_t leave_deaf(void *unused) {
  return lt_spawn_named("deaf", deaf, unused) ? lt_yield() : 1;
}

START_TEST(a_task_that_does_not_end_is_given_up) {
  ck_assert_int_eq(run(leave_deaf, NULL), 0);
  SAID("task \"deaf\" was left when the loop ended (it waits for a "
       "future)");
  SAID("1 task does not end although cancelled 100 times");
}
END_TEST

static uv_timer_t left_open;

static int64_t leave_handle(void *unused) {
  (void)unused;
  return uv_timer_init(lt_loop(), &left_open);
}

START_TEST(a_handle_that_was_left_open_is_reported) {
  ck_assert_int_eq(run(leave_handle, NULL), 0);
  SAID("handles were left open on the loop of lt_run");
}
END_TEST

/* --- Texts ---------------------------------------------------------------- */

START_TEST(errors_have_texts) {
  ck_assert_str_eq(lt_strerror(UV_ENOENT), "no such file or directory");
  ck_assert_str_eq(lt_strerror(UV_EOF), "end of file");
  ck_assert_str_eq(lt_strerror(LT_EDEADLK),
                   "tasks wait for each other in a circle");
  ck_assert_str_eq(lt_strerror(3), "no error");
  ck_assert_str_eq(lt_strerror(INT64_MIN), "an error that libuv does not know");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("task_misuse");
  TCase *tests = tcase_create("task_misuse");
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, every_wait_outside_a_task_is_refused_by_name);
  tcase_add_test(tests, a_future_without_a_loop_is_refused);
  tcase_add_test(tests, a_lock_is_given_back_by_its_holder_only);
  tcase_add_test(tests, a_group_is_ended_by_who_opened_it_only);
  tcase_add_test(tests, a_task_does_not_close_its_loop);
  tcase_add_test(tests, lt_run_inside_a_task_is_refused);
  tcase_add_test(tests, a_thread_has_one_loop_for_tasks);
  tcase_add_test(tests, uv_run_inside_a_task_comes_back_and_is_explained);
  tcase_add_test(tests, a_scope_ends_once);
  tcase_add_test(tests, a_task_that_returns_from_inside_a_scope_ends_the_process);
  tcase_add_test(tests, a_lock_that_its_holder_took_along_is_reported);
  tcase_add_test(tests, a_lock_that_is_handed_over_is_the_next_ones);
  tcase_add_test(tests, a_stream_is_closed_once);
  tcase_add_test(tests,
                 a_failure_whose_handle_was_forgotten_is_reported_at_the_end);
  tcase_add_test(tests, a_task_that_does_not_end_is_given_up);
  tcase_add_test(tests, a_handle_that_was_left_open_is_reported);
  tcase_add_test(tests, errors_have_texts);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
