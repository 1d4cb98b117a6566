/* read/ahead.c: with a second thread, what is read is the same. */
#include <check.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "read/state.h"
#include "read_fixture.h"

enum { EPOCHS = 4, MOST = 2000, ROUNDS = 18 };

static struct fixture f, spoiled;
static uint64_t state = 1;

static unsigned below(unsigned n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(state >> 33) % n;
}

/* Some epochs of three threads; some blocks are too small to be handed over.
 * Numbers without sense, so that the file is large. */
static void make(void) {
  static lt_event events[MOST];
  fixture_begin(&f);
  fixture_generation(&f);
  for (int64_t epoch = 0; epoch < EPOCHS; epoch++) {
    int64_t last_ns = 0;
    for (uint32_t thread = 0; thread < 3; thread++) {
      int64_t now = epoch * 100000;
      for (int block = 0; block < 2; block++) {
        size_t n = below(6) ? MOST - below(900) : 1 + below(100);
        for (size_t i = 0; i < n; i++) {
          now += below(9);
          events[i] = (lt_event){.time_ns = now,
                                 .kind = LT_MARK,
                                 .a = state,
                                 .b = state * 88172645463325252u};
        }
        fixture_events(&f, thread, events, n);
      }
      last_ns = now > last_ns ? now : last_ns;
    }
    fixture_epoch(&f, last_ns);
  }
  fixture_end(&f);
}

static void start(lt_reader *r) {
  r->ahead = lti_ahead_start(&r->source, &r->cursor, r->sealed_end);
  ck_assert_ptr_nonnull(r->ahead);
}

/* The second thread stands still in the first payload that it reads, as if it had
 * no processor from then on. */
static atomic_bool is_held;
static sem_t stands, goes_on;

ssize_t pread(int fd, void *bytes, size_t n, off_t at) {
  if (n > LTI_WINDOW_BYTES && syscall(SYS_gettid) != getpid() &&
      atomic_exchange(&is_held, false)) {
    sem_post(&stands);
    sem_wait(&goes_on);
  }
  return syscall(SYS_pread64, fd, bytes, n, at);
}

/* Read both to the end; each event and each word on damage must be the same at
 * the same time. */
static void assert_same(lt_reader *with, lt_reader *without) {
  lt_event a, b;
  lt_status status;
  do {
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    status = lt_reader_next(with, &a);
    if (lt_reader_next(without, &b) != status || memcmp(&a, &b, sizeof a) ||
        lt_reader_info(with)->problem_at != lt_reader_info(without)->problem_at)
      ck_abort_msg("not the same at %lld ns", (long long)b.time_ns);
  } while (status == LT_OK);
  const lt_info *i = lt_reader_info(with), *k = lt_reader_info(without);
  ck_assert_str_eq(i->problem_text, k->problem_text);
  ck_assert_uint_eq(i->n_events, k->n_events);
  ck_assert_uint_eq(i->n_lost, k->n_lost);
  ck_assert_int_eq(i->complete, k->complete);
}

START_TEST(events_are_the_same_with_and_without) {
  for (int round = 0; round < 3; round++) {
    make();
    lt_reader *with = fixture_open(&f), *without = fixture_open(&f);
    start(with);
    assert_same(with, without);
    lt_reader_close(with);
    lt_reader_close(without);
  }
}
END_TEST

START_TEST(damage_is_found_at_the_same_place_and_time) {
  make();
  for (int round = 0; round < ROUNDS; round++) {
    spoiled = f;
    for (unsigned n = 1 + below(4); n; n--) /* headers, payloads, what comes */
      spoiled.bytes[200 + below((unsigned)f.size - 200)] ^= 1u << below(8);
    if (below(5) == 0)
      spoiled.size -= below((unsigned)f.size / 2);
    lt_reader *with = fixture_open(&spoiled), *without = fixture_open(&spoiled);
    start(with);
    assert_same(with, without);
    lt_reader_close(with);
    lt_reader_close(without);
  }
}
END_TEST

START_TEST(it_can_be_closed_and_moved_at_any_time) {
  lt_event e;
  make();
  for (int round = 0; round < ROUNDS; round++) {
    lt_reader *r = fixture_open(&f), *other = fixture_open(&f);
    start(r);
    for (unsigned n = below(16000); n && lt_reader_next(r, &e) == LT_OK; n--)
      ;
    if (round % 3 == 0) {
      int64_t to = below(EPOCHS * 100000);
      ck_assert_int_eq(lt_reader_seek(r, to), LT_OK);
      ck_assert_int_eq(lt_reader_seek(other, to), LT_OK);
      ck_assert_ptr_null(r->ahead);
      assert_same(r, other);
    } else if (round % 3 == 1) {
      lt_reader_select(r, UINT64_MAX, 1);
      lt_reader_select(other, UINT64_MAX, 1);
      assert_same(r, other);
    }
    lt_reader_close(r);
    lt_reader_close(other);
  }
}
END_TEST

START_TEST(a_file_that_shrinks_meanwhile_is_an_error) {
  lt_event e;
  lt_status status;
  make();
  lt_reader *r = fixture_open(&f);
  start(r);
  for (int i = 0; i < 3000; i++)
    ck_assert_int_eq(lt_reader_next(r, &e), LT_OK);
  ck_assert_int_eq(truncate(fixture_file(f.bytes, f.size), 300), 0);
  do
    status = lt_reader_next(r, &e);
  while (status == LT_OK); /* what was decoded is given, or nothing more */
  ck_assert(status == LT_IO || status == LT_END);
  lt_reader_close(r);
}
END_TEST

START_TEST(who_reads_does_not_wait_for_a_thread_that_stands_still) {
  lt_event a, b;
  make();
  sem_init(&stands, 0, 0);
  sem_init(&goes_on, 0, 0);
  lt_reader *with = fixture_open(&f), *without = fixture_open(&f);
  atomic_store(&is_held, true);
  start(with);
  sem_wait(&stands);
  memset(&a, 0, sizeof a);
  memset(&b, 0, sizeof b);
  for (uint64_t n = lt_reader_info(with)->n_events; n > 1; n--) {
    ck_assert_int_eq(lt_reader_next(with, &a), LT_OK);
    ck_assert_int_eq(lt_reader_next(without, &b), LT_OK);
    ck_assert_mem_eq(&a, &b, sizeof a);
  }
  sem_post(&goes_on); /* at the end it is waited for */
  assert_same(with, without);
  lt_reader_close(with);
  lt_reader_close(without);
}
END_TEST

START_TEST(only_who_asks_for_it_gets_a_thread) {
  lt_event e;
  lt_status status;
  for (int asked = 0; asked < 2; asked++) {
    bool was_there = false;
    make();
    lt_reader *r = fixture_open(&f);
    lt_reader_read_ahead(r, asked);
    while ((status = lt_reader_next(r, &e)) == LT_OK)
      was_there |= r->ahead != NULL;
    ck_assert_int_eq(status, LT_END);
    ck_assert_int_eq(was_there, asked && lti_ahead_pays());
    ck_assert_ptr_null(r->ahead);
    lt_reader_close(r);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("ahead");
  TCase *same = tcase_create("same");
  tcase_set_timeout(same, 120);
  tcase_add_checked_fixture(same, NULL, fixture_remove);
  tcase_add_test(same, events_are_the_same_with_and_without);
  tcase_add_test(same, damage_is_found_at_the_same_place_and_time);
  tcase_add_test(same, it_can_be_closed_and_moved_at_any_time);
  tcase_add_test(same, a_file_that_shrinks_meanwhile_is_an_error);
  tcase_add_test(same, who_reads_does_not_wait_for_a_thread_that_stands_still);
  tcase_add_test(same, only_who_asks_for_it_gets_a_thread);
  suite_add_tcase(suite, same);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
