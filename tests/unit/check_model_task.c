/* The model, whatever comes: tasks are found by their ids, and numbers add up.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "model/build.h"
#include "model/finding.h"
#include "trace_text.h"

#define MS INT64_C(1000000)

enum { IDS = 6000, STEPS = 200000 };

static uint64_t dice = 1;

static unsigned below(unsigned n) {
  dice = dice * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(dice >> 33) % n;
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
      tasks_done(&tasks, tasks_known(&tasks, id_of(i)), step);
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

/* Events without sense: any kind, any number, time only goes on. */
static lt_status next_wild(void *context, const lt_event **events, size_t *n) {
  uint64_t *left = context, r[4];
  static lt_event event, *const e = &event;
  static uint64_t state;
  *events = e;
  *n = 1;
  static int64_t now[3];
  if ((*left)-- == 0)
    return LT_END;
  if (*left % 400 == 399)
    memset(now, 0, sizeof now);
  for (int i = 0; i < 4; i++) { /* xorshift* */
    state = state ? state : 88172645463325252u + *left;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    r[i] = state * UINT64_C(2685821657736338717) >> 8;
  }
  bool is_huge = r[0] % 50 == 0;
  uint32_t thread = (uint32_t)(r[0] >> 8) % 3;
  now[thread] += (int64_t)(r[1] % (is_huge ? 1u << 30 : 30000000));
  *e = (lt_event){.time_ns = now[thread],
                  .ref = is_huge ? r[2] >> 16 : r[2] % 6,
                  .a = is_huge ? r[3] << 8 : r[3] % 5,
                  .b = is_huge ? UINT64_MAX - r[2] % 9 : r[3] % 100000000,
                  .thread = thread,
                  .x = (uint16_t)(is_huge ? r[2] : r[2] % 4),
                  .kind = (uint8_t)(r[0] >> 16) % 24};
  return LT_OK;
}

START_TEST(whatever_comes_the_parts_add_up) {
  for (int round = 0; round < 300; round++) {
    struct model *m = model_of_text("", 1, NULL);
    struct model_source source = *model_source(m);
    model_close(m);
    uint64_t left = 400;
    source.context = &left;
    source.next = next_wild;
    struct model_options options = {.warn_ns = 1 + round * 100000};
    ck_assert_int_eq(model_build(&source, &options, &m), LT_OK);
    for (size_t i = 0; i < m->n_stalls; i++) {
      const struct model_stall *s = &m->stalls[i];
      const struct model_cause *c = &s->cause;
      ck_assert_int_ge(s->duration_ns, options.warn_ns);
      ck_assert(c->cpu >= 0 && c->blocked >= 0 && c->paging >= 0 &&
                c->starved >= 0 && c->unknown >= 0);
      ck_assert_int_eq(model_attributable(c) + c->starved + c->unknown,
                       s->duration_ns);
      ck_assert(i == 0 || m->stalls[i - 1].begin_ns <= s->begin_ns);
      ck_assert_uint_lt(s->loop, m->n_loops);
    }
    struct budget budget = {.max_stall_ns = 50 * MS};
    struct judgement j;
    ck_assert_int_eq(judgement_make(m, &budget, &j), LT_OK);
    judgement_free(&j);
    model_close(m);
  }
}
END_TEST

START_TEST(what_was_found_is_not_another_task_later) {
  struct tasks tasks = {0};
  struct task *seen = tasks_get(&tasks, id_of(1));
  ck_assert_ptr_eq(tasks_still(&tasks, seen, id_of(1)), seen);
  ck_assert_ptr_eq(tasks_still(&tasks, NULL, id_of(1)), seen);
  tasks_done(&tasks, seen, 1);
  ck_assert_ptr_null(tasks_still(&tasks, seen, id_of(1)));
  ck_assert_ptr_eq(tasks_get(&tasks, id_of(2)), seen); /* its memory again */
  ck_assert_ptr_null(tasks_still(&tasks, seen, id_of(1)));
  ck_assert_ptr_eq(tasks_still(&tasks, seen, id_of(2)), seen);
  tasks_done(&tasks, NULL, 2);
  ck_assert_uint_eq(tasks.n_live, 1);
  tasks_fini(&tasks);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("model_task");
  TCase *table = tcase_create("whatever");
  tcase_set_timeout(table, 60);
  tcase_add_test(table, tasks_are_found_whatever_came_and_went);
  tcase_add_test(table, what_was_found_is_not_another_task_later);
  tcase_add_test(table, whatever_comes_the_parts_add_up);
  suite_add_tcase(suite, table);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
