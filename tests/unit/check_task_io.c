/* Tasks that wait for something outside: futures, streams, files, processes,
 * signals; and for each other. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <looptrace/task.h>

static char said[4096];

static void hear(const char *text) {
  size_t n = strlen(said);
  snprintf(said + n, sizeof said - n, "%s\n", text);
}

static int64_t run(lt_task_fn *fn, void *arg) {
  said[0] = 0;
  lt_on_misuse(hear);
  return lt_run(fn, arg);
}

#define RUNS(fn, arg, result)                                                  \
  do {                                                                         \
    ck_assert_int_eq(run(fn, arg), result);                                    \
    ck_assert_str_eq(said, "");                                                \
  } while (0)

/* --- Futures -------------------------------------------------------------- */

static void set_it(uv_timer_t *timer) {
  lt_future_set(timer->data, 5);
  lt_future_set(timer->data, 6);
}

static int64_t await_future(void *future) {
  return lt_future_await(future);
}

static int64_t callback_sets(void *arg) {
  uv_timer_t timer;
  lt_future future;
  (void)arg;
  lt_future_init(&future, 0);
  uv_timer_init(lt_loop(), &timer);
  timer.data = &future;
  uv_timer_start(&timer, set_it, 1, 0);
  lt_task *two[] = {lt_spawn(await_future, &future),
                    lt_spawn(await_future, &future)};
  int64_t got[2];
  int64_t status = lt_gather(two, 2, got);
  lt_close((uv_handle_t *)&timer); /* it lies on this stack */
  return status ? status : got[0] * 10 + lt_future_await(&future);
}

START_TEST(a_callback_sets_a_future_once_for_all) {
  RUNS(callback_sets, NULL, 55);
}
END_TEST

static void set_later(void *future) {
  usleep(1000);
  lt_future_set(future, 9);
}

static int64_t thread_sets(void *arg) {
  int64_t sum = 0;
  (void)arg;
  for (int i = 0; i < 20; i++) {
    uv_thread_t thread;
    lt_future future;
    lt_future_init(&future, LT_ANY_THREAD);
    if (uv_thread_create(&thread, set_later, &future) != 0)
      return -1;
    sum += lt_future_await(&future);
    uv_thread_join(&thread);
  }
  return sum;
}

START_TEST(another_thread_sets_a_future) {
  RUNS(thread_sets, NULL, 180);
}
END_TEST

static int64_t rename_missing(void *arg) {
  lt_future future;
  (void)arg;
  lt_future_init(&future, 0);
  uv_fs_t req = {.data = &future};
  uv_fs_rename(lt_loop(), &req, "/nowhere/a", "/nowhere/b", lt_fs_done);
  int64_t status = lt_future_await_request(&future, (uv_req_t *)&req);
  uv_fs_req_cleanup(&req);
  return status;
}

START_TEST(any_request_of_libuv_is_awaited) {
  RUNS(rename_missing, NULL, UV_ENOENT);
}
END_TEST

/* --- Streams -------------------------------------------------------------- */

static int64_t echo(void *arg) {
  lt_stream *stream = arg;
  char bytes[4096];
  int64_t n;
  while ((n = lt_read(stream, bytes, sizeof bytes)) > 0)
    if ((n = lt_write(stream, bytes, (size_t)n)) < 0)
      break;
  lt_stream_close(stream);
  return n;
}

static int64_t serve(void *arg) {
  lt_stream *listener = arg, *client;
  lt_group clients;
  int64_t status;
  lt_group_begin(&clients);
  while ((status = lt_accept(listener, &client)) == 0)
    (void)lt_group_spawn(&clients, "client", echo, client);
  lt_stream_close(listener);
  (void)lt_group_end(&clients);
  return status;
}

enum { LOAD = 3000000 };

static int64_t send_all(void *arg) {
  char *bytes = malloc(LOAD);
  if (!bytes)
    return UV_ENOMEM;
  for (int i = 0; i < LOAD; i++)
    bytes[i] = (char)(i * 31);
  int64_t status = lt_write(arg, bytes, LOAD); /* more than a socket takes */
  free(bytes);
  return status < 0 ? status : lt_shutdown(arg);
}

static int64_t talk(void *arg) {
  lt_stream *stream;
  char bytes[16384];
  int64_t status = lt_tcp_connect("127.0.0.1", *(int *)arg, &stream);
  if (status < 0)
    return status;
  lt_task *sender = lt_spawn(send_all, stream);
  int64_t at = 0, n;
  int bad = 0;
  while ((n = lt_read(stream, bytes, sizeof bytes)) > 0)
    for (int64_t i = 0; i < n; i++, at++)
      bad += bytes[i] != (char)(at * 31);
  status = lt_await(sender);
  lt_stream_close(stream);
  return status < 0 ? status : at == LOAD ? bad : -1000;
}

static int64_t echo_all(void *arg) {
  lt_stream *listener;
  (void)arg;
  int64_t status = lt_tcp_listen("127.0.0.1", 0, &listener);
  if (status < 0)
    return status;
  int port = lt_stream_port(listener);
  lt_task *server = lt_spawn(serve, listener);
  lt_task *clients[5];
  for (int i = 0; i < 5; i++)
    clients[i] = lt_spawn(talk, &port);
  status = lt_gather(clients, 5, NULL);
  lt_cancel(server);
  int64_t end = lt_await(server);
  return status ? status : end == UV_ECANCELED ? 0 : end;
}

START_TEST(what_is_sent_comes_back_whole) {
  RUNS(echo_all, NULL, 0);
}
END_TEST

static int64_t refused(void *arg) {
  lt_stream *stream;
  (void)arg;
  return lt_tcp_connect("127.0.0.1", 1, &stream);
}

START_TEST(a_refused_connection_is_an_error) {
  RUNS(refused, NULL, UV_ECONNREFUSED);
}
END_TEST

static int64_t read_idle(void *arg) {
  char byte;
  return lt_read(arg, &byte, 1);
}

/* Nobody sends: the reader is cancelled, then one reads while it is closed. */
static int64_t idle_stream(void *arg) {
  lt_stream *listener, *one, *two;
  (void)arg;
  if (lt_tcp_listen("127.0.0.1", 0, &listener) < 0 ||
      lt_tcp_connect("127.0.0.1", lt_stream_port(listener), &one) < 0 ||
      lt_accept(listener, &two) < 0)
    return -1;
  int bad = lt_timeout(lt_spawn(read_idle, one), 5) != UV_ETIMEDOUT;
  if (lt_write(two, "x", 1) < 0)
    return -1;
  bad += lt_await(lt_spawn(read_idle, one)) != 1;
  lt_task *reader = lt_spawn(read_idle, one);
  lt_yield();
  char byte;
  bad += lt_read(one, &byte, 1) != UV_EBUSY;
  lt_stream_close(one);
  bad += lt_await(reader) != UV_ECANCELED;
  bad += lt_read(two, &byte, 1) != 0; /* its end */
  lt_stream_close(two);
  lt_stream_close(listener);
  return bad;
}

START_TEST(a_read_is_cancelled_and_ended_by_closing) {
  RUNS(idle_stream, NULL, 0);
}
END_TEST

/* Both ends of a connection to oneself. */
static int64_t make_pair(lt_stream **one, lt_stream **two) {
  lt_stream *listener;
  int64_t status = lt_tcp_listen("127.0.0.1", 0, &listener);
  if (status < 0)
    return status;
  status = lt_tcp_connect("127.0.0.1", lt_stream_port(listener), one);
  if (status == 0)
    status = lt_accept(listener, two);
  lt_stream_close(listener);
  return status;
}

static void close_pair(lt_stream *one, lt_stream *two) {
  lt_stream_close(one);
  lt_stream_close(two);
}

static int64_t listen_by_name(void *host) {
  lt_stream *listener, *one, *two;
  int64_t status = lt_tcp_listen(host, 0, &listener);
  if (status < 0)
    return status;
  status = lt_tcp_connect("localhost", lt_stream_port(listener), &one);
  if (status == 0)
    status = lt_accept(listener, &two);
  lt_stream_close(listener);
  if (status < 0)
    return status;
  close_pair(one, two);
  return 0;
}

START_TEST(names_can_be_listened_at) {
  char host[] = "localhost";
  RUNS(listen_by_name, host, 0);
}
END_TEST

/* bad is one more where a line is not as it should be. */
#define LINE_IS(stream, room, text)                                            \
  bad += lt_read_until(stream, '\n', line, room) != (int64_t)strlen(text) ||   \
         memcmp(line, text, strlen(text)) != 0

static int64_t send_slowly(void *arg) {
  static const char text[] = "b\n\ncc\nrest of it\nend";
  int64_t status = 0;
  for (size_t i = 0; i + 1 < sizeof text && status == 0; i++) {
    status = lt_write(arg, &text[i], 1);
    if (status == 0)
      status = lt_yield();
  }
  return status ? status : lt_shutdown(arg);
}

static int64_t read_lines(void *arg) {
  lt_stream *one, *two;
  char line[32];
  int bad = 0;
  (void)arg;
  if (make_pair(&one, &two) < 0 || lt_write(one, "aa\n", 3) < 0)
    return -1;
  lt_task *sender = lt_spawn(send_slowly, one);
  LINE_IS(two, sizeof line, "aa\n");
  LINE_IS(two, sizeof line, "b\n");
  LINE_IS(two, 1, "\n");
  bad += lt_read_until(two, '\n', line, 2) != UV_ENOBUFS;
  bad += lt_read_until(two, '\n', line, 1) != UV_ENOBUFS;
  LINE_IS(two, 3, "cc\n");
  bad += lt_read_exactly(two, line, 5) != 5 || memcmp(line, "rest ", 5) != 0;
  bad += lt_read(two, line, 0) != UV_EINVAL;
  LINE_IS(two, sizeof line, "of it\n");
  bad += lt_read_exactly(two, line, 4) != UV_EOF; /* three are there */
  LINE_IS(two, sizeof line, "end");
  bad += lt_read_until(two, '\n', line, sizeof line) != 0;
  bad += lt_read_exactly(two, line, 1) != UV_EOF;
  bad += lt_await(sender) != 0;
  close_pair(one, two);
  return bad;
}

START_TEST(lines_and_records_are_read_whole) {
  RUNS(read_lines, NULL, 0);
}
END_TEST

static int64_t read_a_line(void *arg) {
  char line[32];
  return lt_read_until(arg, '\n', line, sizeof line);
}

/* Cancelled in the middle of a line nothing of it is lost; others must not read
 * meanwhile; closing ends it, though bytes came at that moment. */
static int64_t interrupted_line(void *arg) {
  lt_stream *one, *two;
  char line[32];
  int bad = 0;
  (void)arg;
  if (make_pair(&one, &two) < 0 || lt_write(one, "half ", 5) < 0)
    return -1;
  bad += lt_timeout(lt_spawn(read_a_line, two), 20) != UV_ETIMEDOUT;
  bad += lt_read(two, line, 2) != 2 || memcmp(line, "ha", 2) != 0;
  lt_task *reader = lt_spawn(read_a_line, two);
  lt_sleep(1);
  bad += lt_read(two, line, 1) != UV_EBUSY;
  bad += lt_read_exactly(two, line, 1) != UV_EBUSY;
  lt_cancel(reader);
  bad += lt_await(reader) != UV_ECANCELED;
  if (lt_write(one, "a line\nmore", 11) < 0)
    return -1;
  LINE_IS(two, sizeof line, "lf a line\n");
  reader = lt_spawn(read_a_line, two);
  lt_sleep(1);
  lt_stream_close(two);
  bad += lt_await(reader) != UV_ECANCELED;
  lt_stream_close(one);
  return bad;
}

START_TEST(a_line_that_is_interrupted_is_not_lost) {
  RUNS(interrupted_line, NULL, 0);
}
END_TEST

/* Large records, as they come in pieces of a size of their own. */
static int64_t read_records(void *arg) {
  enum { RECORD = 70001 };
  lt_stream *one, *two;
  char *record = malloc(RECORD);
  int bad = 0;
  (void)arg;
  if (!record || make_pair(&one, &two) < 0)
    return -1;
  lt_task *sender = lt_spawn(send_all, one);
  int at = 0;
  for (; at + RECORD <= LOAD; at += RECORD) {
    bad += lt_read_exactly(two, record, RECORD) != RECORD;
    for (int i = 0; i < RECORD; i++)
      bad += record[i] != (char)((at + i) * 31);
  }
  bad += lt_read_exactly(two, record, RECORD) != UV_EOF;
  bad += lt_read_exactly(two, record, (size_t)(LOAD - at)) != LOAD - at;
  bad += lt_await(sender) != 0;
  close_pair(one, two);
  free(record);
  return bad;
}

START_TEST(records_are_read_whole_however_they_come) {
  RUNS(read_records, NULL, 0);
}
END_TEST

static int64_t send_some(void *arg) {
  static const char bytes[100000];
  return lt_write(arg, bytes, sizeof bytes);
}

/* The other side does not read; a write that waits is cancelled. */
static int64_t stuck_write(void *arg) {
  lt_stream *one, *two;
  (void)arg;
  if (make_pair(&one, &two) < 0)
    return -1;
  int64_t status;
  lt_deadline deadline;
  lt_deadline_begin(&deadline, 20);
  do
    status = lt_await(lt_spawn(send_some, one));
  while (status == 0);
  status = lt_deadline_end(&deadline, status);
  close_pair(one, two);
  return status;
}

START_TEST(a_write_that_waits_is_cancelled) {
  RUNS(stuck_write, NULL, UV_ETIMEDOUT);
}
END_TEST

static int64_t pipe_talk(void *path) {
  lt_stream *listener, *one, *two;
  char byte = 0;
  int64_t status = lt_pipe_listen(path, &listener);
  if (status < 0 || (status = lt_pipe_connect(path, &one)) < 0 ||
      (status = lt_accept(listener, &two)) < 0 ||
      (status = lt_write(one, "y", 1)) < 0 ||
      (status = lt_read(two, &byte, 1)) < 0)
    return status;
  close_pair(one, two);
  lt_stream_close(listener);
  return byte;
}

START_TEST(pipes_talk) {
  char path[64] = "/tmp/lt-task-XXXXXX";
  ck_assert_ptr_nonnull(mkdtemp(path));
  char name[80];
  snprintf(name, sizeof name, "%s/pipe", path);
  RUNS(pipe_talk, name, 'y');
  unlink(name);
  rmdir(path);
}
END_TEST

/* --- Files, names, processes, signals ------------------------------------- */

static int64_t file_round(void *arg) {
  char path[96], other[96], back[8] = "";
  uv_stat_t stat;
  snprintf(path, sizeof path, "%s/a", (char *)arg);
  snprintf(other, sizeof other, "%s/b", (char *)arg);
  int64_t fd = lt_fs_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (fd < 0)
    return fd;
  int bad = lt_fs_write((int)fd, "hello", 5, 0) != 5;
  bad += lt_fs_fsync((int)fd) != 0;
  bad += lt_fs_read((int)fd, back, 5, 0) != 5 || strcmp(back, "hello") != 0;
  bad += lt_fs_close((int)fd) != 0;
  bad += lt_fs_rename(path, other) != 0;
  bad += lt_fs_stat(path, &stat) != UV_ENOENT;
  bad += lt_fs_stat(other, &stat) != 0 || stat.st_size != 5;
  bad += lt_fs_mkdir(other, 0700) != UV_EEXIST;
  bad += lt_fs_unlink(other) != 0;
  return bad;
}

START_TEST(files_are_written_and_read) {
  char path[64] = "/tmp/lt-task-XXXXXX";
  ck_assert_ptr_nonnull(mkdtemp(path));
  RUNS(file_round, path, 0);
  ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

static int64_t look_up(void *arg) {
  struct addrinfo *found = NULL;
  (void)arg;
  int64_t status = lt_getaddrinfo("127.0.0.1", "80", NULL, &found);
  if (status == 0)
    uv_freeaddrinfo(found);
  return status;
}

START_TEST(a_name_is_looked_up) {
  RUNS(look_up, NULL, 0);
}
END_TEST

static int64_t run_shell(void *script) {
  char shell[] = "/bin/sh", option[] = "-c";
  char *args[] = {shell, option, script, NULL};
  uv_process_options_t options = {.file = shell, .args = args};
  return lt_process_run(&options);
}

static int64_t kill_slow(void *script) {
  return lt_timeout(lt_spawn(run_shell, script), 20);
}

static int64_t run_missing(void *arg) {
  char name[] = "/nowhere/program";
  char *args[] = {name, NULL};
  uv_process_options_t options = {.file = name, .args = args};
  (void)arg;
  return lt_process_run(&options);
}

START_TEST(processes_end_with_a_status) {
  char three[] = "exit 3", term[] = "kill -9 $$", slow[] = "exec sleep 100";
  RUNS(run_shell, three, 3);
  RUNS(run_shell, term, 137);
  RUNS(kill_slow, slow, UV_ETIMEDOUT);
  RUNS(run_missing, NULL, UV_ENOENT);
}
END_TEST

static int64_t hear_signal(void *arg) {
  (void)arg;
  return lt_signal_wait(SIGUSR1);
}

static int64_t signals(void *arg) {
  (void)arg;
  lt_task *t = lt_spawn(hear_signal, NULL);
  lt_yield();
  kill(getpid(), SIGUSR1);
  int64_t got = lt_await(t);
  return got == SIGUSR1 ? lt_timeout(lt_spawn(hear_signal, NULL), 2) : got;
}

START_TEST(a_signal_is_awaited) {
  RUNS(signals, NULL, UV_ETIMEDOUT);
}
END_TEST

/* --- Between tasks -------------------------------------------------------- */

static lt_channel *channel;

static int64_t produce(void *arg) {
  for (intptr_t i = 1; i <= *(int *)arg; i++) {
    int64_t status = lt_channel_send(channel, (void *)i);
    if (status < 0)
      return status;
  }
  lt_channel_close(channel);
  return lt_channel_send(channel, NULL) == UV_EPIPE ? 0 : -1;
}

static int64_t consume(void *arg) {
  int64_t sum = 0, status;
  void *item;
  (void)arg;
  while ((status = lt_channel_receive(channel, &item)) == 0)
    sum += (intptr_t)item;
  return status == UV_EOF ? sum : status;
}

static int64_t pipeline(void *arg) {
  int n = 1000;
  int64_t sums[4];
  channel = lt_channel_open(*(size_t *)arg);
  lt_task *four[] = {lt_spawn(produce, &n), lt_spawn(consume, NULL),
                     lt_spawn(consume, NULL), lt_spawn(consume, NULL)};
  int64_t status = lt_gather(four, 4, sums);
  lt_channel_free(channel);
  return status ? status : sums[1] + sums[2] + sums[3];
}

START_TEST(nothing_is_lost_in_a_channel) {
  size_t capacities[] = {0, 1, 7, 2000};
  for (int i = 0; i < 4; i++)
    RUNS(pipeline, &capacities[i], 500500);
}
END_TEST

static lt_mutex mutex;
static int inside, worst;

static int64_t critical(void *arg) {
  (void)arg;
  int64_t status = lt_mutex_lock(&mutex);
  if (status < 0)
    return status;
  worst = ++inside > worst ? inside : worst;
  lt_sleep(1);
  inside--;
  lt_mutex_unlock(&mutex);
  return 0;
}

static int64_t contend(void *arg) {
  lt_task *tasks[5];
  (void)arg;
  for (int i = 0; i < 5; i++)
    tasks[i] = lt_spawn(critical, NULL);
  lt_yield();
  lt_cancel(tasks[3]);
  int64_t got[5];
  int64_t status = lt_gather_all(tasks, 5, got);
  return status ? status : worst * 10 + (got[3] == UV_ECANCELED);
}

START_TEST(one_task_at_a_time_holds_a_mutex) {
  RUNS(contend, NULL, 11);
}
END_TEST

static lt_mutex first, second;

static int64_t lock_two(void *arg) {
  lt_mutex *a = arg ? &first : &second, *b = arg ? &second : &first;
  int64_t status = lt_mutex_lock(a);
  lt_sleep(1);
  status = status ? status : lt_mutex_lock(b);
  if (status == 0)
    lt_mutex_unlock(b);
  lt_mutex_unlock(a);
  return status;
}

static int64_t deadlock(void *arg) {
  int64_t got[2];
  lt_task *two[] = {lt_spawn_named("ab", lock_two, &got),
                    lt_spawn_named("ba", lock_two, NULL)};
  (void)arg;
  (void)lt_gather_all(two, 2, got);
  return got[0] == 0 && got[1] == LT_EDEADLK;
}

START_TEST(a_circle_of_locks_is_refused) {
  ck_assert_int_eq(run(deadlock, NULL), 1);
  ck_assert_msg(strstr(said, "\"ba\" would wait for itself"), "%s", said);
}
END_TEST

static lt_semaphore three_seats = {.value = 3};
static lt_event_flag opened;

static int64_t sit(void *arg) {
  int64_t status = lt_event_flag_wait(&opened);
  status = status ? status : lt_semaphore_take(&three_seats);
  if (status)
    return status;
  worst = ++inside > worst ? inside : worst;
  lt_yield();
  inside--;
  lt_semaphore_give(&three_seats);
  return LT_PTR(arg) ? 0 : 0;
}

static int64_t theatre(void *arg) {
  lt_task *tasks[10];
  (void)arg;
  worst = 0;
  for (int i = 0; i < 10; i++)
    tasks[i] = lt_spawn(sit, NULL);
  lt_yield();
  int early = worst;
  lt_event_flag_set(&opened);
  int64_t status = lt_gather(tasks, 10, NULL);
  return status ? status : early * 100 + worst * 10 + (int)three_seats.value;
}

START_TEST(a_semaphore_admits_so_many_after_the_flag_is_set) {
  RUNS(theatre, NULL, 33);
}
END_TEST

static const char color, shape;

static int64_t see(void *arg) {
  static char blue[] = "blue";
  (void)arg;
  int bad = strcmp(lt_local_get(&color), "red") != 0;
  bad += lt_local_get(&shape) != NULL;
  bad += lt_local_set(&color, blue) != 0;
  bad += strcmp(lt_local_get(&color), "blue") != 0;
  return bad;
}

static int64_t locals(void *arg) {
  static char red[] = "red", round[] = "round";
  (void)arg;
  int bad = lt_local_set(&color, red) != 0;
  lt_task *child = lt_spawn(see, NULL);
  bad += lt_local_set(&shape, round) != 0;
  bad += (int)lt_await(child);
  bad += strcmp(lt_local_get(&color), "red") != 0;
  bad += strcmp(lt_local_get(&shape), "round") != 0;
  return bad;
}

START_TEST(children_inherit_local_values) {
  RUNS(locals, NULL, 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("task_io");
  TCase *tests = tcase_create("task_io");
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, a_callback_sets_a_future_once_for_all);
  tcase_add_test(tests, another_thread_sets_a_future);
  tcase_add_test(tests, any_request_of_libuv_is_awaited);
  tcase_add_test(tests, what_is_sent_comes_back_whole);
  tcase_add_test(tests, a_refused_connection_is_an_error);
  tcase_add_test(tests, a_read_is_cancelled_and_ended_by_closing);
  tcase_add_test(tests, lines_and_records_are_read_whole);
  tcase_add_test(tests, names_can_be_listened_at);
  tcase_add_test(tests, a_line_that_is_interrupted_is_not_lost);
  tcase_add_test(tests, records_are_read_whole_however_they_come);
  tcase_add_test(tests, a_write_that_waits_is_cancelled);
  tcase_add_test(tests, pipes_talk);
  tcase_add_test(tests, files_are_written_and_read);
  tcase_add_test(tests, a_name_is_looked_up);
  tcase_add_test(tests, processes_end_with_a_status);
  tcase_add_test(tests, a_signal_is_awaited);
  tcase_add_test(tests, nothing_is_lost_in_a_channel);
  tcase_add_test(tests, one_task_at_a_time_holds_a_mutex);
  tcase_add_test(tests, a_circle_of_locks_is_refused);
  tcase_add_test(tests, a_semaphore_admits_so_many_after_the_flag_is_set);
  tcase_add_test(tests, children_inherit_local_values);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
