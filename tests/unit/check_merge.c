/* read/merge.c: the threads of an epoch in one order, however they mix. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "read_fixture.h"

enum { EPOCHS = 3, BLOCKS = 2, MOST = 1200 };

static struct fixture f;
static lt_event expected[EPOCHS * FIXTURE_THREADS * BLOCKS * MOST];
static size_t n_expected;
static uint64_t state;

static unsigned below(unsigned n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(state >> 33) % n;
}

static int by_time(const void *one, const void *other) {
  const lt_event *a = one, *b = other;
  if (a->time_ns != b->time_ns)
    return a->time_ns < b->time_ns ? -1 : 1;
  if (a->thread != b->thread)
    return a->thread < b->thread ? -1 : 1;
  return a->b < b->b ? -1 : a->b > b->b; /* b counts within a thread */
}

/* Some threads: one may be dense, another has bursts far apart, and many times
 * are those of others. */
static void make_epoch(unsigned n_threads, int64_t begin_ns) {
  static lt_event events[MOST];
  int64_t last_ns = begin_ns;
  for (uint32_t thread = 0; thread < n_threads; thread++) {
    int64_t now = begin_ns;
    unsigned step = 1 + below(4), burst = 1 + below(400), gap = below(2000);
    for (unsigned block = 1 + below(BLOCKS), b = 0; block; block--) {
      size_t n = 1 + below(MOST);
      for (size_t i = 0; i < n; i++) {
        now += below(step) + (below(burst) ? 0 : gap);
        events[i] = (lt_event){.time_ns = now,
                               .thread = thread,
                               .kind = below(3) ? LT_MARK : LT_LABEL,
                               .a = below(9),
                               .b = b++};
        if (events[i].kind == LT_LABEL) { /* has no b */
          events[i].ref = 1 + b;
          events[i].b = 0;
        }
      }
      fixture_events(&f, thread, events, n);
      memcpy(expected + n_expected, events, n * sizeof *events);
      for (size_t i = 0; i < n; i++) /* what tells them apart when sorted */
        expected[n_expected + i].b = b - n + i;
      n_expected += n;
    }
    last_ns = now > last_ns ? now : last_ns;
  }
  fixture_epoch(&f, last_ns);
}

static void make(unsigned n_threads) {
  n_expected = 0;
  fixture_begin(&f);
  fixture_generation(&f);
  for (int64_t epoch = 0; epoch < EPOCHS; epoch++)
    make_epoch(n_threads, epoch * 10000000);
  fixture_end(&f);
  qsort(expected, n_expected, sizeof *expected, by_time);
}

static void assert_is(const lt_event *e, size_t i) {
  ck_assert_uint_lt(i, n_expected);
  ck_assert_int_eq(e->time_ns, expected[i].time_ns);
  ck_assert_uint_eq(e->thread, expected[i].thread);
  ck_assert_uint_eq(e->kind, expected[i].kind);
  ck_assert_uint_eq(e->a, expected[i].a);
  ck_assert_uint_eq(e->ref, expected[i].ref);
  ck_assert_uint_eq(e->b, e->kind == LT_MARK ? expected[i].b : 0);
}

START_TEST(any_mix_of_threads_comes_in_one_order) {
  for (int round = 0; round < 40; round++) {
    make(1 + (unsigned)round % FIXTURE_THREADS);
    lt_reader *r = fixture_open(&f);
    lt_event e;
    size_t n = 0;
    while (lt_reader_next(r, &e) == LT_OK)
      assert_is(&e, n++);
    ck_assert_uint_eq(n, n_expected);
    lt_reader_close(r);
  }
}
END_TEST

START_TEST(some_at_once_are_the_same_as_one_by_one) {
  for (int round = 0; round < 40; round++) {
    make(1 + (unsigned)round % FIXTURE_THREADS);
    lt_reader *r = fixture_open(&f);
    const lt_event *some;
    lt_event e;
    size_t n = 0, n_some = 0;
    lt_status status = LT_OK;
    while (status == LT_OK) {
      for (unsigned i = below(3); i && status == LT_OK; i--)
        if ((status = lt_reader_next(r, &e)) == LT_OK)
          assert_is(&e, n++);
      if (status == LT_OK)
        status = lt_reader_next_some(r, &some, &n_some);
      for (size_t i = 0; i < n_some && status == LT_OK; i++)
        assert_is(&some[i], n++);
    }
    ck_assert_int_eq(status, LT_END);
    ck_assert_uint_eq(n, n_expected);
    lt_reader_close(r);
  }
}
END_TEST

START_TEST(a_selection_leaves_out_the_others) {
  const uint64_t kinds = UINT64_C(1) << LT_LABEL;
  make(3);
  lt_reader *r = fixture_open(&f);
  lt_event e;
  lt_reader_select(r, kinds, 1);
  for (size_t i = 0; i < n_expected; i++) {
    if (expected[i].thread != 1 || expected[i].kind != LT_LABEL)
      continue;
    ck_assert_int_eq(lt_reader_next(r, &e), LT_OK);
    assert_is(&e, i);
  }
  ck_assert_int_eq(lt_reader_next(r, &e), LT_END);
  lt_reader_close(r);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("merge");
  TCase *mix = tcase_create("mix");
  tcase_set_timeout(mix, 60);
  tcase_add_checked_fixture(mix, NULL, fixture_remove);
  tcase_add_test(mix, any_mix_of_threads_comes_in_one_order);
  tcase_add_test(mix, some_at_once_are_the_same_as_one_by_one);
  tcase_add_test(mix, a_selection_leaves_out_the_others);
  suite_add_tcase(suite, mix);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
