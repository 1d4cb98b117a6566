/* model/paced.c: whatever the pauses, what comes out is in order. */
#include <check.h>
#include <stdlib.h>

#include "model/paced.h"

enum { MOST = 3000 };

static uint32_t values[MOST];
static uint64_t state = 1;

static unsigned below(unsigned n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(state >> 33) % n;
}

static int by_value(const void *context, uint32_t a, uint32_t b) {
  const uint32_t *v = context;
  return v[a] < v[b] ? -1 : v[a] > v[b];
}

START_TEST(it_is_in_order_and_equals_stay_as_they_were) {
  for (size_t n = 0; n < MOST; n += 1 + n / 7) {
    struct paced p;
    size_t rounds = 0;
    for (size_t i = 0; i < n; i++)
      values[i] = below((unsigned)n / 3 + 1);
    ck_assert(paced_begin(&p, n, by_value, values));
    while (paced_step(&p, 1 + below(50)))
      rounds++;
    for (size_t i = 1; i < n; i++) {
      uint32_t a = p.order[i - 1], b = p.order[i];
      ck_assert(values[a] < values[b] || (values[a] == values[b] && a < b));
    }
    ck_assert(rounds > 1 || n < 100);
    paced_end(&p);
  }
}
END_TEST

START_TEST(it_can_be_left_at_any_time) {
  struct paced p;
  ck_assert(paced_begin(&p, MOST, by_value, values));
  ck_assert(paced_step(&p, 77));
  paced_end(&p);
  paced_end(&p);
  ck_assert_ptr_null(p.order);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("paced");
  TCase *sorts = tcase_create("sorts");
  tcase_add_test(sorts, it_is_in_order_and_equals_stay_as_they_were);
  tcase_add_test(sorts, it_can_be_left_at_any_time);
  suite_add_tcase(suite, sorts);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
