/* Without memory: whichever allocation of the task library fails, a status
 * comes back, everything ends, and nothing is left behind.
 *
 * The linker leads the library's allocations here (--wrap), and libuv's come
 * through uv_replace_allocator(); but for realloc(), whose failure libuv
 * answers with abort(). */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <looptrace/task.h>

#include "task_fixture.h"

/* --- Allocations, counted and refused ------------------------------------- */

static _Atomic long n_seen, fail_at, n_held; /* fail_at 0: none */

static bool is_refused(void) {
  long at = atomic_load(&fail_at);
  return at && atomic_fetch_add(&n_seen, 1) + 1 == at;
}

static void *held(void *at) {
  if (at)
    atomic_fetch_add(&n_held, 1);
  return at;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *at, size_t size);
void __real_free(void *at);
int __real_posix_memalign(void **at, size_t align, size_t size);
void *__real_mmap(void *at, size_t size, int prot, int flags, int fd,
                  off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *at, size_t size);
void __wrap_free(void *at);
int __wrap_posix_memalign(void **at, size_t align, size_t size);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd,
                  off_t offset);

void *__wrap_malloc(size_t size) {
  return is_refused() ? NULL : held(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size) {
  return is_refused() ? NULL : held(__real_calloc(n, size));
}

void *__wrap_realloc(void *at, size_t size) {
  if (is_refused())
    return NULL;
  return at ? __real_realloc(at, size) : held(__real_malloc(size));
}

void __wrap_free(void *at) {
  if (at)
    atomic_fetch_sub(&n_held, 1);
  __real_free(at);
}

int __wrap_posix_memalign(void **at, size_t align, size_t size) {
  if (is_refused())
    return ENOMEM;
  int error = __real_posix_memalign(at, align, size);
  if (error == 0)
    held(*at);
  return error;
}

void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd,
                  off_t offset) {
  if (!is_refused())
    return __real_mmap(at, size, prot, flags, fd, offset);
  errno = ENOMEM;
  return MAP_FAILED;
}

static void *uv_realloc_unrefused(void *at, size_t size) {
  return at ? __real_realloc(at, size) : held(__real_malloc(size));
}

/* Run fn once for each of its allocations, which fails, until none is left.
 * Returns: how many there were. */
static long fail_each(lt_task_fn *fn, const lt_run_options *options,
                      void *arg) {
  uv_replace_allocator(__wrap_malloc, uv_realloc_unrefused, __wrap_calloc,
                       __wrap_free);
  quiet();
  ck_assert_int_eq(lt_run_with(options, fn, arg), 0); /* libuv's own, once */
  said_nothing();
  for (long n = 1; n < 10000; n++) {
    long before = atomic_load(&n_held);
    n_seen = 0;
    fail_at = n;
    int64_t result = lt_run_with(options, fn, arg);
    bool was_refused = atomic_load(&n_seen) >= n;
    fail_at = 0;
    long after = atomic_load(&n_held); /* Check allocates, too */
    ck_assert_msg(result <= 0, "allocation %ld: %lld", n, (long long)result);
    ck_assert_msg(after == before, "allocation %ld: %ld more are held", n,
                  after - before);
    if (!was_refused) {
      ck_assert_int_eq(result, 0);
      return n - 1;
    }
  }
  ck_abort_msg("there is no end of allocations");
  return 0;
}

/* --- What is run ---------------------------------------------------------- */

static int64_t nap(void *arg) {
  (void)arg;
  return lt_sleep(1);
}

static int64_t wait_long(void *arg) {
  (void)arg;
  return lt_sleep(100000);
}

static int64_t first_failure(int64_t a, int64_t b) {
  return a < 0 ? a : b < 0 ? b : 0;
}

static int64_t gather_and_wait(void *arg) {
  lt_task *three[] = {lt_spawn(nap, arg), lt_spawn(nap, arg),
                      lt_spawn(nap, arg)};
  int64_t any = lt_wait(three, 3);
  lt_task *also[] = {lt_keep(three[0]), lt_keep(three[1])};
  lt_task *other = lt_spawn(nap, arg);
  int64_t twice = lt_gather(also, 2, NULL);
  int64_t all = lt_gather(three, 3, NULL);
  return first_failure(
      any, first_failure(twice, first_failure(all, lt_await(other))));
}

/* Two that gather the same tasks: the second needs a waiter of its own. */
static int64_t gather_again(void *arg) {
  return lt_gather(arg, 2, NULL);
}

static int64_t gather_both(void *arg) {
  lt_task *two[] = {lt_spawn(nap, arg), lt_spawn(nap, arg)};
  lt_task *same[] = {lt_keep(two[0]), lt_keep(two[1])};
  lt_task *again = lt_spawn(gather_again, same);
  if (!again) { /* then they are ours */
    (void)lt_gather(same, 2, NULL);
    (void)lt_gather(two, 2, NULL);
    return UV_ENOMEM;
  }
  int64_t mine = lt_gather(two, 2, NULL);
  return first_failure(mine, lt_await(again));
}

static int64_t use_group(void *arg) {
  lt_group group;
  lt_group_begin(&group);
  for (int i = 0; i < 300; i++) /* more than a slab of blocks */
    if (lt_group_spawn(&group, "member", nap, arg) < 0)
      break;
  return lt_group_end(&group);
}

static int64_t child(void *key) {
  return lt_local_get(key) ? 0 : UV_ENOENT;
}

static int64_t use_locals(void *arg) {
  static int a, b;
  (void)arg;
  int status = lt_local_set(&a, &a);
  status = status ? status : lt_local_set(&b, &b);
  status = status ? status : lt_local_set(&a, &b);
  status = status ? status : lt_local_set(&b, NULL);
  return status ? status : lt_await(lt_spawn(child, &a));
}

static int64_t sender(void *channel) {
  int64_t status = 0;
  for (int i = 0; i < 5 && status == 0; i++)
    status = lt_channel_send(channel, &order[i]);
  lt_channel_close(channel);
  return status;
}

static int64_t use_channel(void *arg) {
  void *item;
  (void)arg;
  lt_channel *channel = lt_channel_open(2);
  if (!channel)
    return UV_ENOMEM;
  lt_task *task = lt_spawn(sender, channel);
  int64_t status = task ? 0 : UV_ENOMEM;
  while (task && (status = lt_channel_receive(channel, &item)) == 0)
    continue;
  int64_t sent = lt_await(task);
  lt_channel_free(channel);
  return first_failure(status == UV_EOF ? 0 : status, sent);
}

static int64_t cancel_and_time_out(void *arg) {
  lt_task *task = lt_spawn(wait_long, arg);
  int64_t late = lt_timeout(task, 1);
  lt_task *other = lt_spawn(wait_long, arg);
  lt_cancel(other);
  int64_t cancelled = lt_await(other);
  int64_t shielded = lt_shield(lt_spawn(nap, arg));
  return first_failure(
      late == UV_ETIMEDOUT ? 0 : late,
      first_failure(cancelled == UV_ECANCELED ? 0 : cancelled, shielded));
}

START_TEST(tasks_bear_it) {
  ck_assert_int_gt(fail_each(gather_and_wait, NULL, NULL), 4);
  ck_assert_int_gt(fail_each(gather_both, NULL, NULL), 4);
  ck_assert_int_gt(fail_each(use_group, NULL, NULL), 4);
  ck_assert_int_gt(fail_each(use_locals, NULL, NULL), 6);
  ck_assert_int_gt(fail_each(use_channel, NULL, NULL), 4);
  ck_assert_int_gt(fail_each(cancel_and_time_out, NULL, NULL), 4);
}
END_TEST

/* --- What talks ----------------------------------------------------------- */

static int64_t echo_once(void *listener) {
  char buffer[64];
  lt_stream *stream;
  int64_t status = lt_accept(listener, &stream);
  if (status < 0)
    return status;
  int64_t n = lt_read(stream, buffer, sizeof buffer);
  if (n > 0)
    n = lt_write(stream, buffer, (size_t)n);
  lt_stream_close(stream);
  return n;
}

/* More than the kernel takes at once, to one who leaves. */
static int64_t talk(void *port) {
  enum { MUCH = 8 << 20 };
  static char much[MUCH];
  char back[8];
  lt_stream *stream;
  int64_t status = lt_tcp_connect("127.0.0.1", *(int *)port, &stream);
  if (status < 0)
    return status;
  status = lt_write(stream, "hello", 5);
  if (status == 0 && (status = lt_read(stream, back, sizeof back)) >= 0)
    status = lt_write(stream, much, sizeof much);
  lt_stream_close(stream);
  return status == UV_EPIPE || status == UV_ECONNRESET ? 0 : status;
}

static int64_t use_tcp(void *arg) {
  lt_stream *listener;
  (void)arg;
  int64_t status = lt_tcp_listen("127.0.0.1", 0, &listener);
  if (status < 0)
    return status;
  int port = lt_stream_port(listener);
  /* The one that fails cancels the other, which would wait for it. */
  lt_task *both[] = {lt_spawn(echo_once, listener), lt_spawn(talk, &port)};
  status = lt_gather(both, 2, NULL);
  lt_stream_close(listener);
  return status;
}

static int64_t use_pipe(void *folder) {
  char path[96];
  lt_stream *listener, *stream;
  snprintf(path, sizeof path, "%s/p", (char *)folder);
  unlink(path);
  int64_t status = lt_pipe_listen(path, &listener);
  if (status < 0)
    return status;
  status = lt_pipe_connect(path, &stream);
  if (status == 0)
    lt_stream_close(stream);
  lt_stream_close(listener);
  unlink(path);
  return status;
}

static int64_t use_files(void *folder) {
  char path[96];
  uv_stat_t stat;
  snprintf(path, sizeof path, "%s/f", (char *)folder);
  int64_t fd = lt_fs_open(path, O_RDWR | O_CREAT, 0600);
  if (fd < 0)
    return fd;
  int64_t status = lt_fs_write((int)fd, "x", 1, 0);
  int64_t closed = lt_fs_close((int)fd);
  status =
      first_failure(status, first_failure(closed, lt_fs_stat(path, &stat)));
  unlink(path);
  return status;
}

static int64_t look_up(void *arg) {
  struct addrinfo *found;
  (void)arg;
  int64_t status = lt_getaddrinfo("127.0.0.1", "80", NULL, &found);
  if (status == 0)
    uv_freeaddrinfo(found);
  return status;
}

static int64_t job(void *arg) {
  (void)arg;
  return 0;
}

static int64_t raise_it(void *arg) {
  (void)arg;
  lt_sleep(1);
  return kill(getpid(), SIGUSR1);
}

static int64_t use_the_rest(void *arg) {
  char *args[] = {(char *)(uintptr_t) "true", NULL};
  uv_process_options_t options = {.file = "true", .args = args};
  signal(SIGUSR1, SIG_IGN); /* when nobody waits for it */
  int64_t status = first_failure(look_up(arg), lt_to_thread(job, arg));
  status = first_failure(status, lt_process_run(&options));
  lt_task *killer = lt_spawn(raise_it, arg);
  int64_t got = killer ? lt_signal_wait(SIGUSR1) : UV_ENOMEM;
  return first_failure(status, first_failure(got, lt_await(killer)));
}

START_TEST(streams_files_and_processes_bear_it) {
  char folder[] = "/tmp/lt-memory-XXXXXX";
  ck_assert_ptr_nonnull(mkdtemp(folder));
  ck_assert_int_gt(fail_each(use_tcp, NULL, NULL), 6);
  ck_assert_int_gt(fail_each(use_pipe, NULL, folder), 5);
  ck_assert_int_gt(fail_each(use_files, NULL, folder), 4);
  ck_assert_int_gt(fail_each(use_the_rest, NULL, NULL), 5);
  ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* --- What is said --------------------------------------------------------- */

static int64_t leave_and_dump(void *arg) {
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  lt_task *task = lt_spawn(nap, arg);
  lt_yield();
  lt_dump_tasks(null);
  close(null);
  return lt_await(task);
}

START_TEST(a_dump_bears_it) {
  ck_assert_int_gt(fail_each(leave_and_dump, NULL, NULL), 4);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("task_memory");
  TCase *tests = tcase_create("task_memory");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, tasks_bear_it);
  tcase_add_test(tests, streams_files_and_processes_bear_it);
  tcase_add_test(tests, a_dump_bears_it);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
