/* Stacks: guarded by markers, by mprotect, and by canaries where neither is
 * left; a hundred thousand of them within the limits of a default Linux. */
#include "config.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "task/sched.h"
#include "task_fixture.h"

/* How stacks are guarded, chosen for a pool that is empty yet. */
enum mode { MARKERS, MPROTECT, CANARIES, MODES };

static void choose(struct lti_stacks *stacks, enum mode mode) {
  stacks->no_markers = mode != MARKERS;
  if (mode == CANARIES)
    stacks->guarded_max = 0;
}

/* --- The pool ------------------------------------------------------------- */

START_TEST(neighbours_do_not_touch_each_other) {
  enum { N = 200 };
  static char *stack[N];
  static bool has_canary[N];
  struct lti_stacks stacks;
  size_t bytes = 0;
  int class = lti_stack_class(16384);
  lti_stacks_init(&stacks, 10);
  choose(&stacks, (enum mode)_i);
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < N; i++) {
      stack[i] = lti_stack_take(&stacks, class, &bytes, &has_canary[i]);
      ck_assert_ptr_nonnull(stack[i]);
      ck_assert_uint_eq(bytes, 16384);
      memset(stack[i], i, bytes - LTI_STACK_OURS);
      if (_i == CANARIES)
        ck_assert(has_canary[i]);
    }
    for (int i = 0; i < N; i++) {
      ck_assert_int_eq(stack[i][0], (char)i);
      ck_assert_int_eq(stack[i][bytes - LTI_STACK_OURS - 1], (char)i);
      ck_assert(!has_canary[i] || lti_stack_is_sound(stack[i]));
    }
    for (int i = 0; i < N; i++) /* most of them become cold */
      lti_stack_give(&stacks, class, stack[(i * 7) % N],
                     has_canary[(i * 7) % N]);
  }
  lti_stacks_fini(&stacks);
}
END_TEST

START_TEST(what_is_written_below_a_stack_is_noticed) {
  struct lti_stacks stacks;
  size_t bytes;
  bool has_canary;
  lti_stacks_init(&stacks, 10);
  choose(&stacks, CANARIES);
  char *stack = lti_stack_take(&stacks, 0, &bytes, &has_canary);
  ck_assert(has_canary && lti_stack_is_sound(stack));
  stack[-1] = 1;
  ck_assert(!lti_stack_is_sound(stack));
  lti_stacks_fini(&stacks);
}
END_TEST

START_TEST(the_guard_below_a_stack_is_told_from_others) {
  struct lti_stacks stacks;
  size_t bytes;
  bool has_canary;
  lti_stacks_init(&stacks, 10);
  choose(&stacks, MPROTECT);
  char *one = lti_stack_take(&stacks, 0, &bytes, &has_canary);
  char *other = lti_stack_take(&stacks, 0, &bytes, &has_canary);
  ck_assert_ptr_eq(lti_stack_guarded_by(&stacks, one - 1), one);
  ck_assert_ptr_eq(lti_stack_guarded_by(&stacks, other - 8), other);
  ck_assert_ptr_null(lti_stack_guarded_by(&stacks, one));
  ck_assert_ptr_null(lti_stack_guarded_by(&stacks, &stacks));
  lti_stacks_fini(&stacks);
}
END_TEST

/* --- Tasks on it ---------------------------------------------------------- */

static long number_in(const char *path, const char *format) {
  long n = 0;
  FILE *file = fopen(path, "r");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_eq(fscanf(file, format, &n), 1);
  fclose(file);
  return n;
}

static long count_mappings(void) {
  long n = 0;
  int c;
  FILE *file = fopen("/proc/self/maps", "r");
  ck_assert_ptr_nonnull(file);
  while ((c = getc(file)) != EOF)
    n += c == '\n';
  fclose(file);
  return n;
}

static lt_event_flag go;

static int64_t live(void *unused) {
  (void)unused;
  return lt_event_flag_wait(&go);
}

static long rss_bytes(void) {
  return number_in("/proc/self/statm", "%*d %ld") * sysconf(_SC_PAGESIZE);
}

enum { MANY = 100000, EACH_BYTES = 5 * 1024, NEEDED_KIB = 1500000 };

/* Of the machine; a container may have less, and then this is not the place. */
static long free_kib(void) {
  return number_in("/proc/meminfo", "MemTotal: %*d kB MemFree: %*d kB "
                                    "MemAvailable: %ld");
}

static int64_t live_many(void *mode) {
  lt_task **tasks = calloc(MANY, sizeof *tasks);
  ck_assert_ptr_nonnull(tasks);
  memset(tasks, 0xff, MANY * sizeof *tasks); /* its pages are there */
  choose(&lti_sched->stacks, *(enum mode *)mode);
  long before = rss_bytes();
  for (int i = 0; i < MANY; i++)
    ck_assert_ptr_nonnull(tasks[i] = lt_spawn(live, NULL));
  while (lt_yield() == 0 && lti_sched->ready.first)
    continue;
  ck_assert_uint_eq(lt_task_count(), MANY + 1);
  ck_assert_int_le((rss_bytes() - before) / MANY, EACH_BYTES);
  ck_assert_int_lt(count_mappings(),
                   number_in("/proc/sys/vm/max_map_count", "%ld"));
  lt_event_flag_set(&go);
  int64_t status = lt_gather(tasks, MANY, NULL);
  free(tasks);
  return status;
}

START_TEST(a_hundred_thousand_tasks_live_in_5_kib_each) {
  enum mode mode = (enum mode)_i;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return; /* their memory counts, too */
#endif
  if (free_kib() < NEEDED_KIB)
    return;
  ck_assert_int_eq(run(live_many, &mode), 0);
  said_nothing();
}
END_TEST

/* A little further than its stack, and without a hole. */
static int64_t eat_all(void *unused) {
  (void)unused;
  char *here = __builtin_frame_address(0);
  size_t bytes = (size_t)(here - lti_sched->running->stack) + 48;
  volatile char *all = __builtin_alloca(bytes);
  for (size_t i = bytes; i-- > 0;)
    all[i] = 1;
  return lt_yield() + all[0];
}

static int64_t overflow(void *unused) {
  choose(&lti_sched->stacks, CANARIES);
  lt_task *neighbour =
      lt_spawn_with(&(lt_spawn_options){.stack_bytes = 16384}, live, unused);
  lt_task *eater =
      lt_spawn_with(&(lt_spawn_options){.name = "eater", .stack_bytes = 16384},
                    eat_all, unused);
  lt_await(eater);
  return lt_await(neighbour);
}

START_TEST(an_overflow_without_a_guard_names_the_task) {
  int ends[2], status;
  char text[512] = "";
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return; /* they have the last word */
#endif
  ck_assert_int_eq(pipe(ends), 0);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], 2);
    signal(SIGABRT, SIG_DFL);
    lt_on_misuse(NULL);
    _exit(lt_run(overflow, NULL) == 0);
  }
  close(ends[1]);
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert_int_gt(read(ends[0], text, sizeof text - 1), 0);
  close(ends[0]);
  ck_assert_msg(strstr(text, "task \"eater\" overflowed its stack of 16 KiB"),
                "%s", text);
  ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("task_stack");
  TCase *tests = tcase_create("task_stack");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, neighbours_do_not_touch_each_other, 0, MODES);
  tcase_add_test(tests, what_is_written_below_a_stack_is_noticed);
  tcase_add_test(tests, the_guard_below_a_stack_is_told_from_others);
  tcase_add_loop_test(tests, a_hundred_thousand_tasks_live_in_5_kib_each, 0,
                      MODES);
  tcase_add_test(tests, an_overflow_without_a_guard_names_the_task);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
