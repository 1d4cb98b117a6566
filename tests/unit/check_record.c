/* record/: events in the rings of an arena, looked at without a drain. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <looptrace/trace.h>

#include "record/emit.h"

static struct lti_arena *arena;

/* A small arena, so that rings fill up: 8 records, then 64. */
static void attach(void) {
  struct lti_arena_options options = {.n_procs = 4,
                                      .n_threads = 16,
                                      .n_large = 2,
                                      .small_records = 8,
                                      .large_records = 64};
  arena = lti_arena_create(-1, &options);
  ck_assert_ptr_nonnull(arena);
  ck_assert(lti_process_attach_to(arena));
}

static const struct lti_record *record_at(uint64_t i) {
  struct lti_thread *slot = lti_self.slot;
  if (slot->large != LTI_NO_RING && i >= slot->large_from)
    return lti_arena_large(arena, slot->large) + i % arena->large_records;
  return lti_arena_small(arena, 0) + i % arena->small_records;
}

START_TEST(nothing_is_claimed_before_the_first_event) {
  attach();
  ck_assert_ptr_null(lti_process.proc);
  ck_assert_ptr_null(lti_self.slot);
  ck_assert_uint_eq(arena->n_attached, 1);
}
END_TEST

START_TEST(an_event_is_one_record_with_all_its_fields) {
  attach();
  uint64_t before = lti_now();
  lti_emit(LT_MARK, 0xffff, LTI_REF_MAX, UINT64_MAX, 42);
  const struct lti_record *r = record_at(0);
  ck_assert_uint_eq(lti_self.slot->head, 1);
  ck_assert_uint_ge(r->clock, before);
  ck_assert_uint_le(r->clock, lti_now());
  ck_assert_uint_eq(LTI_HEAD_KIND(r->head), LT_MARK);
  ck_assert_uint_eq(LTI_HEAD_X(r->head), 0xffff);
  ck_assert_uint_eq(LTI_HEAD_REF(r->head), LTI_REF_MAX);
  ck_assert_uint_eq(r->a, UINT64_MAX);
  ck_assert_uint_eq(r->b, 42);
  ck_assert_int_eq(lti_process.proc->pid, getpid());
  ck_assert_int_eq(lti_self.slot->is_main, 1);
}
END_TEST

START_TEST(a_full_small_ring_moves_on_to_a_large_one) {
  attach();
  for (uint64_t i = 0; i < 8 + 64; i++)
    lti_emit(LT_MARK, 0, 0, i, 0);
  struct lti_thread *slot = lti_self.slot;
  ck_assert_uint_eq(slot->large, 0);
  ck_assert_uint_eq(slot->large_from, 8);
  ck_assert_uint_eq(slot->head, 72);
  ck_assert_uint_eq(slot->lost[LT_LOST_FULL], 0);
  for (uint64_t i = 0; i < 72; i++)
    ck_assert_uint_eq(record_at(i)->a, i);
}
END_TEST

START_TEST(a_full_ring_counts_every_drop_and_when) {
  attach();
  for (uint64_t i = 0; i < 100; i++)
    lti_emit(LT_MARK, 0, 0, i, 0);
  struct lti_thread *slot = lti_self.slot;
  ck_assert_uint_eq(slot->head, 72);
  ck_assert_uint_eq(slot->lost[LT_LOST_FULL], 28);
  ck_assert_uint_gt(slot->lost_first, 0);
  ck_assert_uint_gt(slot->lost_last, slot->lost_first);
  slot->tail = 70; /* what the drain does */
  lti_emit(LT_MARK, 0, 0, 777, 0);
  ck_assert_uint_eq(slot->head, 73);
  ck_assert_uint_eq(record_at(72)->a, 777);
}
END_TEST

START_TEST(an_event_inside_an_event_is_counted_as_nested) {
  attach();
  lti_emit(LT_MARK, 0, 0, 1, 0);
  lti_self.busy = 1; /* a signal handler came in between */
  lti_emit(LT_MARK, 0, 0, 2, 0);
  lti_self.busy = 0;
  ck_assert_uint_eq(lti_self.slot->head, 1);
  ck_assert_uint_eq(lti_self.slot->lost[LT_LOST_NESTED], 1);
}
END_TEST

START_TEST(a_text_takes_the_records_it_needs) {
  attach();
  const char text[] = "forty characters, which is two records.";
  lti_emit_data(LTI_DATA_NOTE, 5, 6, text, sizeof text);
  ck_assert_uint_eq(lti_self.slot->head, 3);
  const struct lti_record *r = record_at(0);
  ck_assert_uint_eq(LTI_HEAD_KIND(r->head), LTI_DATA_NOTE);
  ck_assert_uint_eq(LTI_HEAD_X(r->head), sizeof text);
  ck_assert_str_eq((const char *)record_at(1), text);
}
END_TEST

START_TEST(a_text_that_does_not_fit_is_one_loss) {
  attach();
  char text[LTI_DATA_MAX] = {0};
  lti_emit_data(LTI_DATA_NOTE, 0, 0, text, sizeof text);
  ck_assert_uint_eq(lti_self.slot->lost[LT_LOST_FULL], 1);
  ck_assert_uint_eq(lti_self.slot->head, 0);
}
END_TEST

START_TEST(task_ids_are_never_given_twice) {
  attach();
  uint64_t last = 0;
  for (int i = 0; i < 5000; i++) {
    uint64_t id = lti_task_new();
    ck_assert_uint_gt(id, last);
    last = id;
  }
}
END_TEST

START_TEST(errno_is_preserved_whatever_happens) {
  attach();
  for (int i = 0; i < 200; i++) {
    errno = 77;
    lti_emit(LT_MARK, 0, 0, 0, 0);
    ck_assert_int_eq(errno, 77);
    lti_usage_emit();
    ck_assert_int_eq(errno, 77);
    (void)lti_emit_string("x");
    ck_assert_int_eq(errno, 77);
    lti_modules_emit();
    ck_assert_int_eq(errno, 77);
  }
}
END_TEST

static void *emit_one(void *unused) {
  (void)unused;
  lti_emit(LT_MARK, 0, 0, 1, 0);
  return lti_self.slot;
}

START_TEST(a_thread_that_ends_gives_its_slot_back) {
  attach();
  pthread_t thread;
  void *slot;
  lti_emit(LT_MARK, 0, 0, 0, 0);
  ck_assert_int_eq(pthread_create(&thread, NULL, emit_one, NULL), 0);
  ck_assert_int_eq(pthread_join(thread, &slot), 0);
  ck_assert_ptr_ne(slot, lti_self.slot);
  ck_assert_uint_eq(((struct lti_thread *)slot)->state, LTI_SLOT_ENDED);
  ck_assert_uint_eq(lti_self.slot->state, LTI_SLOT_CLAIMED);
}
END_TEST

START_TEST(threads_without_a_slot_are_counted) {
  attach();
  for (uint32_t i = 0; i < arena->n_threads; i++)
    lti_arena_thread(arena, i)->state = LTI_SLOT_CLAIMED;
  lti_emit(LT_MARK, 0, 0, 0, 0);
  lti_emit(LT_MARK, 0, 0, 0, 0);
  ck_assert_ptr_null(lti_self.slot);
  ck_assert_uint_eq(lti_process.proc->no_ring, 2);
}
END_TEST

START_TEST(a_forked_child_writes_nothing_to_its_parents_ring) {
  attach();
  lti_emit(LT_MARK, 0, 0, 0, 0);
  pid_t pid = fork();
  if (pid == 0) {
    lti_emit(LT_MARK, 0, 0, 1, 0);
    _exit(lti_is_on() ? 1 : 0);
  }
  int status;
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert_int_eq(status, 0);
  ck_assert_uint_eq(lti_self.slot->head, 1);
}
END_TEST

START_TEST(a_forked_child_that_goes_on_gets_slots_of_its_own) {
  attach();
  lti_emit(LT_MARK, 0, 0, 0, 0);
  uint64_t id = lti_task_new();
  pid_t pid = fork();
  if (pid == 0) {
    lti_process_revive();
    lti_emit(LT_MARK, 0, 0, 1, 0);
    _exit(lti_process.proc_index == 1 && lti_self.slot->proc == 1 &&
                  lti_task_new() > id
              ? 0
              : 1);
  }
  int status;
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert_int_eq(status, 0);
  ck_assert_int_eq(lti_arena_proc(arena, 1)->pid, pid);
  ck_assert_uint_eq(lti_self.slot->head, 1);
}
END_TEST

START_TEST(slices_of_the_public_api_nest) {
  attach();
  uint64_t a = lt_task_spawn(NULL, 0), b = lt_task_spawn(NULL, 0);
  lt_task_resume(a);
  ck_assert_uint_eq(lt_task_current(), a);
  lt_task_resume(b);
  ck_assert_uint_eq(lt_task_current(), b);
  lt_task_done(b, -3);
  ck_assert_uint_eq(lt_task_current(), a);
  lt_task_await(a, b);
  ck_assert_uint_eq(lt_task_current(), 0);
  const unsigned want[] = {LT_SPAWN,  LT_SPAWN, LT_RESUME,
                           LT_RESUME, LT_DONE,  LT_AWAIT};
  for (unsigned i = 0; i < 6; i++)
    ck_assert_uint_eq(LTI_HEAD_KIND(record_at(i)->head), want[i]);
  ck_assert_int_eq((int64_t)record_at(4)->a, -3);
  ck_assert_uint_eq(record_at(5)->a, b);
}
END_TEST

START_TEST(a_name_is_told_once) {
  attach();
  static const char name[] = "requests";
  for (int i = 0; i < 3; i++)
    lt_counter(name, i);
  ck_assert_uint_eq(lti_self.slot->head, 2 + 3); /* text and its bytes, once */
  ck_assert_uint_eq(lti_process.proc->strings, 1);
}
END_TEST

/* A drain that takes everything, now and then. */
struct drain_plan {
  struct lti_thread *slot;
  _Atomic int stop;
};
static void *drain_slowly(void *arg) {
  struct drain_plan *plan = arg;
  while (!atomic_load(&plan->stop)) {
    atomic_store(&arena->heartbeat_ns, lti_monotonic_ns());
    usleep(2000); /* slower than the program: it has to wait */
    atomic_store(&plan->slot->tail, atomic_load(&plan->slot->head));
  }
  return NULL;
}

START_TEST(lossless_waits_for_the_drain_and_records_the_wait) {
  attach();
  arena->mode = LTI_MODE_LOSSLESS;
  lti_emit(LT_MARK, 0, 0, 0, 0);
  struct drain_plan plan = {.slot = lti_self.slot};
  pthread_t thread;
  atomic_store(&arena->heartbeat_ns, lti_monotonic_ns());
  ck_assert_int_eq(pthread_create(&thread, NULL, drain_slowly, &plan), 0);
  for (uint64_t i = 1; i < 1000; i++)
    lti_emit(LT_MARK, 0, 0, i, 0);
  struct lti_thread *slot = lti_self.slot;
  atomic_store(&plan.stop, 1);
  pthread_join(thread, NULL);
  ck_assert_uint_eq(slot->lost[LT_LOST_FULL], 0);
  ck_assert_uint_eq(slot->lost[LT_LOST_WRITER_GONE], 0);
  ck_assert_uint_gt(slot->head, 1000); /* and the waits */
}
END_TEST

START_TEST(lossless_gives_up_when_nobody_drains) {
  attach();
  arena->mode = LTI_MODE_LOSSLESS;
  atomic_store(&arena->heartbeat_ns, lti_monotonic_ns());
  for (uint64_t i = 0; i < 10000; i++)
    lti_emit(LT_MARK, 0, 0, i, 0);
  struct lti_thread *slot = lti_self.slot;
  ck_assert_uint_eq(slot->lost[LT_LOST_FULL], 0);
  ck_assert_uint_eq(slot->head + slot->lost[LT_LOST_WRITER_GONE], 10000);
}
END_TEST

static volatile sig_atomic_t handled;
static void on_signal(int number) {
  (void)number;
  handled++;
  lti_emit(LT_MARK, 0, 0, 2, 0);
}

static _Atomic int storm_over;
static void *storm(void *target) {
  while (!atomic_load(&storm_over))
    pthread_kill(*(pthread_t *)target, SIGUSR1);
  return NULL;
}

START_TEST(a_storm_of_signals_loses_nothing_uncounted) {
  attach();
  pthread_t self = pthread_self(), thread;
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  ck_assert_int_eq(pthread_create(&thread, NULL, storm, &self), 0);
  uint64_t mine = 0;
  while (handled < 1000) {
    lti_emit(LT_MARK, 0, 0, 1, 0);
    mine++;
    /* An empty ring again: what the drain does. */
    atomic_store(&lti_self.slot->tail, atomic_load(&lti_self.slot->head));
  }
  atomic_store(&storm_over, 1);
  pthread_join(thread, NULL);
  struct lti_thread *slot = lti_self.slot;
  ck_assert_uint_eq(mine + (uint64_t)handled,
                    slot->head + slot->lost[LT_LOST_FULL] +
                        slot->lost[LT_LOST_NESTED] + lti_process.proc->no_ring);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("record");
  TCase *tc = tcase_create("emit");
  tcase_add_test(tc, nothing_is_claimed_before_the_first_event);
  tcase_add_test(tc, an_event_is_one_record_with_all_its_fields);
  tcase_add_test(tc, a_full_small_ring_moves_on_to_a_large_one);
  tcase_add_test(tc, a_full_ring_counts_every_drop_and_when);
  tcase_add_test(tc, an_event_inside_an_event_is_counted_as_nested);
  tcase_add_test(tc, a_text_takes_the_records_it_needs);
  tcase_add_test(tc, a_text_that_does_not_fit_is_one_loss);
  tcase_add_test(tc, task_ids_are_never_given_twice);
  tcase_add_test(tc, errno_is_preserved_whatever_happens);
  tcase_add_test(tc, a_thread_that_ends_gives_its_slot_back);
  tcase_add_test(tc, threads_without_a_slot_are_counted);
  tcase_add_test(tc, a_forked_child_writes_nothing_to_its_parents_ring);
  tcase_add_test(tc, a_forked_child_that_goes_on_gets_slots_of_its_own);
  tcase_add_test(tc, slices_of_the_public_api_nest);
  tcase_add_test(tc, a_name_is_told_once);
  tcase_add_test(tc, lossless_waits_for_the_drain_and_records_the_wait);
  tcase_add_test(tc, lossless_gives_up_when_nobody_drains);
  tcase_add_test(tc, a_storm_of_signals_loses_nothing_uncounted);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
