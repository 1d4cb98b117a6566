/* model/task.c: tasks are found by their ids, whatever came and went. */
#include <check.h>
#include <stdlib.h>

#include "model/build.h"

enum { IDS = 6000, STEPS = 200000 };

static uint64_t state = 1;

static unsigned below(unsigned n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(state >> 33) % n;
}

/* As recorders give them: dense within a thread, threads far apart. */
static uint64_t id_of(unsigned i) {
  return (uint64_t)(i % 7 + 1) << 24 | i;
}

START_TEST(tasks_are_found_whatever_came_and_went) {
  static struct tasks tasks;
  static bool is_alive[IDS];
  uint64_t n_alive = 0;
  for (int step = 0; step < STEPS; step++) {
    /* More come than go, then more go than come. */
    bool comes = below(100) < (step < STEPS / 2 ? 60 : 35);
    unsigned i = below(IDS);
    if (comes && !is_alive[i]) {
      struct task *task = tasks_get(&tasks, id_of(i));
      ck_assert_ptr_nonnull(task);
      ck_assert_uint_eq(task->id, id_of(i));
      ck_assert_int_eq(task->due_ns, -1); /* as new, also where used before */
      ck_assert_uint_eq(task->site, 0);
      task->site = i + 1;
      task->due_ns = i;
      is_alive[i] = true;
      n_alive++;
    } else if (!comes && is_alive[i]) {
      tasks_done(&tasks, id_of(i), step);
      is_alive[i] = false;
      n_alive--;
    }
    unsigned k = below(IDS);
    struct task *known = tasks_known(&tasks, id_of(k));
    ck_assert_int_eq(known != NULL, is_alive[k]);
    ck_assert(!known || known->site == k + 1);
    ck_assert_uint_eq(tasks.n_live, n_alive);
  }
  ck_assert_uint_gt(n_alive, 100);
  uint64_t n = 0;
  for (struct task *t = tasks.oldest; t; t = t->newer, n++)
    ck_assert(!t->newer || t->newer->older == t);
  ck_assert_uint_eq(n, n_alive);
  tasks_fini(&tasks);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("model_task");
  TCase *table = tcase_create("table");
  tcase_set_timeout(table, 60);
  tcase_add_test(table, tasks_are_found_whatever_came_and_went);
  suite_add_tcase(suite, table);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
