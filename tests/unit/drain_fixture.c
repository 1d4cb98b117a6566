/* The recording that the tests of the drain share.
 *
 * Invariant: between begin() and end() this process is attached to arena, and
 * drain writes into path.  Called by check_drain.c and its neighbours. */
#include "tests/unit/drain_fixture.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

char dir[] = "/tmp/check_drain.XXXXXX";
char path[64];
struct lti_arena *arena;
struct lti_drain *drain;

const struct lti_arena_options small = {.n_procs = 8,
                                        .n_threads = 16,
                                        .n_large = 4,
                                        .small_records = 16,
                                        .large_records = 256};

struct lti_drain_options more;

struct lti_drain_options options_of_test(void) {
  struct lti_drain_options o = more;
  o.path = path;
  o.command_pid = getpid();
  o.recorder = "looptrace test";
  return o;
}

void begin(const struct lti_arena_options *arena_options) {
  ck_assert_ptr_nonnull(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/x.lt", dir);
  arena = lti_arena_create(-1, arena_options);
  ck_assert_ptr_nonnull(arena);
  struct lti_drain_options o = options_of_test();
  ck_assert_int_eq(lti_drain_open(arena, -1, &o, &drain), LT_OK);
  ck_assert(lti_process_attach_to(arena));
}

const struct lti_drain_file *finish(void) {
  size_t n;
  lti_drain_finish(drain, LT_END_STOPPED);
  const struct lti_drain_file *files = lti_drain_files(drain, &n);
  ck_assert_uint_ge(n, 1);
  return files;
}

void end(void) {
  lti_drain_close(drain);
  lti_process_detach();
  lti_arena_unmap(arena);
  unlink(path);
  ck_assert_int_eq(rmdir(dir), 0);
}

lt_reader *open_whole(const char *file) {
  lt_reader *r;
  ck_assert_int_eq(lt_reader_open(file, &r), LT_OK);
  lt_status status = lt_reader_verify(r);
  ck_assert_msg(status == LT_OK, "%s", lt_reader_info(r)->problem_text);
  ck_assert(lt_reader_info(r)->complete);
  return r;
}

struct lti_knot moment(void) {
  return lti_knot_take(arena->clock_is_tsc != 0);
}

void wait_ms(unsigned ms) {
  uint64_t from = lti_now();
  while (lti_now() - from < ms * arena->ticks_per_ms)
    continue;
}

int64_t end_after(struct lti_knot moment) {
  lt_reader *r = open_whole(path);
  int64_t end_ns = lt_reader_info(r)->end_ns;
  lt_reader_close(r);
  return end_ns - (int64_t)(moment.ns - arena->made_ns);
}

pid_t fork_hanging(void) {
  int ends[2];
  char byte;
  ck_assert_int_eq(pipe(ends), 0);
  pid_t pid = fork();
  if (pid == 0) {
    lti_process_revive();
    lti_emit(LT_LOOP_BEGIN, lti_loop_new(), 0, 0, 0);
    (void)!write(ends[1], "", 1);
    for (;;)
      pause();
  }
  ck_assert_int_gt(pid, 0);
  ck_assert_int_eq(read(ends[0], &byte, 1), 1);
  close(ends[0]);
  close(ends[1]);
  return pid;
}

void kill_and_reap(pid_t pid) {
  ck_assert_int_eq(kill(pid, SIGKILL), 0);
  ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

void step_until_written(void) {
  struct stat st = {0};
  off_t before = stat(path, &st) == 0 ? st.st_size : 0;
  while (stat(path, &st) != 0 || st.st_size == before)
    lti_drain_step(drain);
}
