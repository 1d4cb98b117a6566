/* What is told besides stalls, and who waited behind them: each trace states
 * its numbers, each test says what they mean. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/finding.h"
#include "output/say.h"
#include "trace_text.h"

#define MS INT64_C(1000000)

static void teardown(void) {
  memset(&trace_text_info, 0, sizeof trace_text_info);
  trace_text_info.complete = trace_text_info.ended = true;
}

static const struct model_trouble *find(const struct model *m,
                                        enum model_trouble_kind kind) {
  for (size_t i = 0; i < m->n_troubles; i++)
    if (m->troubles[i].kind == kind)
      return &m->troubles[i];
  return NULL;
}

START_TEST(each_victim_waits_from_when_it_could_have_run) {
  struct model *m = model_of_text(
      "0    loop+\n"
      "0    spawn task=9 kind=1 site=9\n" /* becomes ready in the stall */
      "0    spawn task=2 kind=2 site=2\n"
      "0    arm task=2 ms=150\n" /* due in the stall */
      "0    spawn task=3 kind=16 site=3\n"
      "0    spawn task=4 kind=2 site=4\n"
      "0    arm task=4 ms=50\n" /* was due before it */
      "0    spawn task=6 kind=16 site=6\n"
      "1    poll\n"
      "10   pool+ task=3 kind=16 site=3 thread=1\n"
      "100  wake\n"
      "100  resume task=1 kind=11 site=1\n"
      "130  pool- task=3 thread=1\n" /* done in the stall */
      "170  ready task=9 cause=1 from=1\n"
      "300  await task=1\n"
      "301  resume task=5 kind=12 site=5\n" /* of the same turn */
      "301  done task=5\n"
      "302  poll timeout=0\n"
      "303  wake\n"
      "310  resume task=4 kind=2 site=4\n"
      "310  await task=4\n"
      "310  resume task=2 kind=2 site=2\n"
      "310  await task=2\n"
      "311  resume task=3 kind=16 site=3\n"
      "311  done task=3\n"
      "312  resume task=9 kind=1 site=9\n"
      "312  await task=9\n"
      "313  resume task=7 kind=11 site=7\n" /* nobody knows since when */
      "313  await task=7\n"
      "320  resume task=8 kind=2 site=8\n"
      "320  await task=8\n"
      "321  loop-\n",
      321, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  const struct model_stall *s = &m->stalls[0];
  const struct model_victim expected[] = {
      {.task = 5, .kind = 12, .site = 5, .delay_ns = 200 * MS},
      {.task = 4, .kind = 2, .site = 4, .delay_ns = 200 * MS},
      {.task = 3, .kind = 16, .site = 3, .delay_ns = 170 * MS},
      {.task = 2, .kind = 2, .site = 2, .delay_ns = 150 * MS},
      {.task = 9, .kind = 1, .site = 9, .delay_ns = 130 * MS}};
  const int64_t since[] = {100, 50, 130, 150, 170};
  ck_assert_uint_eq(s->n_victims_all, 5);
  ck_assert_uint_eq(s->n_victims, 5);
  for (size_t i = 0; i < 5; i++) {
    ck_assert_uint_eq(s->victims[i].task, expected[i].task);
    ck_assert_uint_eq(s->victims[i].kind, expected[i].kind);
    ck_assert_uint_eq(s->victims[i].site, expected[i].site);
    ck_assert_int_eq(s->victims[i].delay_ns, expected[i].delay_ns);
    ck_assert_int_eq(s->victims[i].since_ns, since[i] * MS);
  }
  ck_assert_int_eq(s->blame_ns, (200 + 200 + 170 + 150 + 130) * MS);
  model_close(m);
}
END_TEST

/* The recording ends in it: what was due by then has waited, what is done, was
 * stopped or lies ahead has not, nor what is another thread's. */
START_TEST(who_waits_at_the_end_of_the_recording_has_waited) {
  struct model *m = model_of_text("0    spawn task=2 kind=2 site=2\n"
                                  "0    arm task=2 ms=150\n"
                                  "0    spawn task=3 kind=2 site=3\n"
                                  "0    arm task=3 ms=500\n"
                                  "0    spawn task=4 kind=2 site=4\n"
                                  "0    arm task=4 ms=120\n"
                                  "0    spawn task=6 kind=2 site=6 thread=1\n"
                                  "0    arm task=6 ms=120 thread=1\n"
                                  "1    loop+\n"
                                  "1    poll\n"
                                  "100  wake\n"
                                  "100  resume task=1 kind=11 site=1\n"
                                  "110  arm task=4 ms=-1\n"
                                  "130  spawn task=5 kind=16 site=5\n"
                                  "200  pool+ task=5 kind=16 site=5 thread=1\n"
                                  "240  pool- task=5 thread=1\n",
                                  400, NULL);
  const struct model_stall *s = &m->stalls[0];
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert(s->unfinished);
  ck_assert_uint_eq(s->n_victims, 2);
  ck_assert_uint_eq(s->victims[0].task, 2);
  ck_assert_int_eq(s->victims[0].delay_ns, 250 * MS);
  ck_assert_uint_eq(s->victims[1].task, 5);
  ck_assert_int_eq(s->victims[1].delay_ns, 160 * MS);
  ck_assert_int_eq(s->blame_ns, 410 * MS);
  ck_assert_uint_eq(s->n_late, 1);
  ck_assert_int_eq(s->worst_late_ns, 250 * MS);
  ck_assert_uint_eq(m->loops[0].timers_late, 1);
  ck_assert_int_eq(m->loops[0].worst_late_ns, 250 * MS);
  model_close(m);
}
END_TEST

START_TEST(of_many_victims_the_longest_are_kept_and_all_are_blamed) {
  char text[4096], *at = text;
  at += sprintf(at, "0 loop+\n");
  for (int i = 0; i < 20; i++)
    at += sprintf(at, "0 spawn task=%d kind=2 site=%d\n0 arm task=%d ms=%d\n",
                  i + 10, i + 10, i + 10, 100 + 5 * i);
  at += sprintf(at, "1 poll\n100 wake\n100 resume task=1 kind=11 site=1\n"
                    "200 await task=1\n200 poll timeout=0\n202 wake\n");
  for (int i = 0; i < 20; i++)
    at += sprintf(at, "202 resume task=%d kind=2 site=%d\n202 await task=%d\n",
                  i + 10, i + 10, i + 10);
  sprintf(at, "203 loop-\n");
  struct model *m = model_of_text(text, 203, NULL);
  const struct model_stall *s = &m->stalls[0];
  ck_assert_uint_eq(s->n_victims_all, 20);
  ck_assert_int_eq(s->blame_ns, (20 * 100 - 5 * (19 * 20 / 2)) * MS);
  ck_assert_uint_eq(s->n_victims, MODEL_VICTIMS_MAX);
  for (size_t i = 0; i < s->n_victims; i++)
    ck_assert_int_eq(s->victims[i].delay_ns, (100 - 5 * (int64_t)i) * MS);
  model_close(m);
}
END_TEST

START_TEST(a_callee_has_the_time_of_all_its_calls) {
  char inside[2048] = "";
  for (int i = 0; i < 20; i++)
    sprintf(inside + strlen(inside), "%d call callee=5 ms=4 site=2\n",
            110 + i * 5);
  strcat(inside, "250 call callee=6 ms=20 site=3\n");
  struct model *m =
      model_of_slice("cpu=5 vsw=3", inside, "cpu=5 vsw=30 delay=0");
  const struct model_call *longest;
  int64_t ns;
  ck_assert_uint_eq(finding_callee(&m->stalls[0], &longest, &ns), 5);
  ck_assert_int_eq(ns, 80 * MS); /* not only the eight that are listed */
  ck_assert_int_eq(longest->duration_ns, 4 * MS);
  ck_assert_uint_eq(longest->site, 2);
  ck_assert_int_eq(m->stalls[0].calls_ns, 100 * MS);
  model_close(m);
}
END_TEST

START_TEST(what_a_call_waits_on_is_called_what_it_is) {
  static const struct {
    unsigned callee;
    const char *on;
  } cases[] = {{LT_CALLEE_pthread_mutex_lock, "lock 0x..7f"},
               {LT_CALLEE_pthread_rwlock_wrlock, "lock 0x..7f"},
               {LT_CALLEE_pthread_cond_wait, "condition 0x..7f"},
               {LT_CALLEE_pthread_cond_timedwait, "condition 0x..7f"},
               {LT_CALLEE_pthread_cond_clockwait, "condition 0x..7f"},
               {LT_CALLEE_sem_wait, "semaphore 0x..7f"},
               {LT_CALLEE_sem_timedwait, "semaphore 0x..7f"},
               {LT_CALLEE_pthread_barrier_wait, "barrier 0x..7f"},
               {LT_CALLEE_futex, "address 0x..7f"},
               {LT_CALLEE_waitpid, "pid 126"},
               {LT_CALLEE_read, "fd 126"}};
  struct model *m = model_of_text("0 loop+\n1 loop-\n", 1, NULL);
  char text[200];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct model_call call = {.callee = cases[i].callee, .ref = 0x7f};
    ck_assert_str_eq(model_call_on(m, &call, text, sizeof text), cases[i].on);
  }
  struct model_call call = {
      .callee = LT_CALLEE_futex, .ref = 0x7f, .on_name = 1, .is_self = true};
  ck_assert_str_eq(model_call_on(m, &call, text, sizeof text),
                   "lock 0x..7f, held by this very thread: it waits for "
                   "itself");
  model_close(m);
}
END_TEST

START_TEST(what_a_call_computes_is_told_where_there_is_no_room_beside) {
  const struct {
    int call, cpu, inside;
  } cases[] = {{190, 170, 160}, {190, 10, 0}, {120, 100, 0}, {120, 110, 30}, {199, 5, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char inside[64], after[64];
    snprintf(inside, sizeof inside, "295 call callee=10 ms=%d site=2\n",
             cases[i].call);
    snprintf(after, sizeof after, "cpu=%d vsw=1 delay=0", cases[i].cpu);
    struct model *m = model_of_slice("cpu=0 delay=0", inside, after);
    ck_assert_int_eq(m->stalls[0].cause.cpu, cases[i].cpu * MS);
    ck_assert_int_eq(finding_callee_cpu(&m->stalls[0]), cases[i].inside * MS);
    model_close(m);
  }
}
END_TEST

/* Awaits */

START_TEST(waits_one_after_the_other_would_have_saved_all_but_the_longest) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    spawn task=1 kind=1 site=1\n"
                                  "0    resume task=1 kind=1 site=1\n"
                                  "10   spawn task=2 kind=1 site=2 from=11\n"
                                  "10   await task=1 for=2\n"
                                  "10   resume task=2 kind=1 site=2\n"
                                  "12   await task=2\n"
                                  "12   poll\n"
                                  "109  wake\n"
                                  "109  resume task=2 kind=1 site=2\n"
                                  "110  done task=2\n" /* took 100, ran 3 */
                                  "110  resume task=1 kind=1 site=1\n"
                                  "110  spawn task=3 kind=1 site=2 from=12\n"
                                  "110  await task=1 for=3\n"
                                  "110  resume task=3 kind=1 site=2\n"
                                  "111  await task=3\n"
                                  "111  poll\n"
                                  "170  wake\n"
                                  "170  resume task=3 kind=1 site=2\n"
                                  "170  done task=3\n" /* took 60, ran 1 */
                                  "170  resume task=1 kind=1 site=1\n"
                                  "171  spawn task=4 kind=17 site=3 from=13\n"
                                  "171  await task=1 for=4\n"
                                  "172  poll\n"
                                  "211  wake\n"
                                  "211  resume task=4 kind=17 site=3\n"
                                  "211  done task=4\n" /* took 40 */
                                  "211  resume task=1 kind=1 site=1\n"
                                  "212  done task=1\n"
                                  "213  loop-\n",
                                  213, NULL);
  ck_assert_uint_eq(m->n_gathers, 1);
  const struct model_gather *g = &m->gathers[0];
  ck_assert_uint_eq(g->site, 1);
  ck_assert_uint_eq(g->times, 1);
  ck_assert_uint_eq(g->n, 3);
  ck_assert_uint_eq(g->task, 1);
  ck_assert_int_eq(g->saved_ns, (100 + 60 + 40 - 100) * MS);
  ck_assert_int_eq(g->worst_saved_ns, 100 * MS);
  ck_assert_int_eq(g->begin_ns, 10 * MS);
  ck_assert_int_eq(g->end_ns, 211 * MS);
  ck_assert_uint_eq(g->n_sites, 3);
  ck_assert_uint_eq(g->sites[0], 11);
  ck_assert_uint_eq(g->sites[2], 13);
  model_close(m);
}
END_TEST

START_TEST(what_computes_is_not_quicker_when_it_is_gathered) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    spawn task=1 kind=1 site=1\n"
                                  "0    resume task=1 kind=1 site=1\n"
                                  "0    spawn task=2 kind=1 site=2 from=11\n"
                                  "0    await task=1 for=2\n"
                                  "0    resume task=2 kind=1 site=2\n"
                                  "30   done task=2\n"
                                  "30   resume task=1 kind=1 site=1\n"
                                  "30   spawn task=3 kind=1 site=2 from=12\n"
                                  "30   await task=1 for=3\n"
                                  "30   resume task=3 kind=1 site=2\n"
                                  "60   done task=3\n"
                                  "60   resume task=1 kind=1 site=1\n"
                                  "61   done task=1\n"
                                  "62   loop-\n",
                                  62, NULL);
  ck_assert_uint_eq(m->n_gathers, 0);
  model_close(m);
}
END_TEST

START_TEST(what_was_made_together_or_with_work_between_is_no_such_run) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    spawn task=1 kind=1 site=1\n"
                                  "0    resume task=1 kind=1 site=1\n"
                                  "0    spawn task=2 kind=1 site=2 from=11\n"
                                  "0    spawn task=3 kind=1 site=2 from=11\n"
                                  "0    await task=1 for=2\n"
                                  "0    poll\n"
                                  "50   wake\n"
                                  "50   resume task=2 kind=1 site=2\n"
                                  "50   done task=2\n"
                                  "50   resume task=1 kind=1 site=1\n"
                                  "50   await task=1 for=3\n"
                                  "50   poll\n"
                                  "90   wake\n"
                                  "90   resume task=3 kind=1 site=2\n"
                                  "90   done task=3\n"
                                  "90   resume task=1 kind=1 site=1\n"
                                  "130  spawn task=4 kind=1 site=2 from=12\n"
                                  "130  await task=1 for=4\n"
                                  "130  poll\n"
                                  "160  wake\n"
                                  "160  resume task=4 kind=1 site=2\n"
                                  "160  done task=4\n"
                                  "160  resume task=1 kind=1 site=1\n"
                                  "161  done task=1\n"
                                  "162  loop-\n",
                                  162, NULL);
  ck_assert_uint_eq(m->n_gathers, 0);
  model_close(m);
}
END_TEST

START_TEST(tasks_that_wait_for_each_other_are_a_cycle) {
  struct model *m = model_of_text("0  loop+\n"
                                  "0  spawn task=1 kind=1 site=1\n"
                                  "0  spawn task=2 kind=1 site=2\n"
                                  "0  spawn task=3 kind=1 site=3\n"
                                  "0  resume task=1 kind=1 site=1\n"
                                  "1  await task=1 for=2\n"
                                  "1  resume task=2 kind=1 site=2\n"
                                  "2  await task=2 for=3\n"
                                  "2  resume task=3 kind=1 site=3\n"
                                  "3  await task=3 for=1\n"
                                  "4  poll\n",
                                  50, NULL);
  ck_assert_uint_eq(m->n_troubles, 1);
  const struct model_trouble *t = find(m, MODEL_AWAIT_CYCLE);
  ck_assert_ptr_nonnull(t);
  ck_assert_uint_eq(t->n_cycle, 3);
  ck_assert_uint_eq(t->cycle[0], 3);
  ck_assert_uint_eq(t->cycle[1], 1);
  ck_assert_uint_eq(t->cycle[2], 2);
  ck_assert_uint_eq(t->cycle_sites[2], 2);
  ck_assert_int_eq(t->at_ns, 3 * MS);
  struct budget budget = {.max_stall_ns = 100 * MS, .fail_on = LEVEL_ERROR};
  struct judgement j;
  ck_assert_int_eq(judgement_make(m, &budget, &j), LT_OK);
  ck_assert_int_eq(j.verdict, VERDICT_FAIL);
  ck_assert_str_eq(j.findings[0].rule, "await-cycle");
  judgement_free(&j);
  model_close(m);
}
END_TEST

START_TEST(a_wait_that_ended_closes_no_cycle) {
  struct model *m = model_of_text("0  loop+\n"
                                  "0  spawn task=1 kind=1 site=1\n"
                                  "0  spawn task=2 kind=1 site=2\n"
                                  "0  resume task=1 kind=1 site=1\n"
                                  "1  await task=1 for=2\n"
                                  "2  resume task=1 kind=1 site=1\n"
                                  "2  await task=1\n"
                                  "2  resume task=2 kind=1 site=2\n"
                                  "3  await task=2 for=1\n"
                                  "4  poll\n",
                                  50, NULL);
  ck_assert_uint_eq(m->n_troubles, 0);
  model_close(m);
}
END_TEST

START_TEST(tasks_without_an_end_are_told_where_the_program_exited) {
  static const char text[] = "0  loop+\n"
                             "0  spawn task=1 kind=1 site=1 from=5\n"
                             "0  spawn task=2 kind=1 site=1 from=5\n"
                             "0  spawn task=3 kind=1 site=1 from=5\n"
                             "0  spawn task=4 kind=2 site=4 from=5\n"
                             "1  resume task=1 kind=1 site=1\n"
                             "1  done task=1\n"
                             "9  loop-\n";
  trace_text_info.end_reason = LT_END_EXITED;
  struct model *m = model_of_text(text, 9, NULL);
  ck_assert_uint_eq(m->n_troubles, 1);
  const struct model_trouble *t = find(m, MODEL_NEVER_FINISHED);
  ck_assert_ptr_nonnull(t);
  ck_assert_uint_eq(t->count, 2);
  ck_assert_uint_eq(t->of, 3);
  ck_assert_uint_eq(t->site, 1);
  ck_assert_uint_eq(t->spawn_site, 5);
  ck_assert_uint_eq(t->task, 3);
  ck_assert_uint_eq(m->n_lives, 2);
  ck_assert_uint_eq(m->lives[0].alive, 2);
  ck_assert_uint_eq(m->lives[1].kind, LT_TASK_TIMER);
  model_close(m);
  trace_text_info.end_reason = LT_END_KILLED;
  m = model_of_text(text, 9, NULL);
  ck_assert_uint_eq(m->n_troubles, 0);
  model_close(m);
}
END_TEST

/* One timer each ms for 800 ms; of each ten so many are closed. */
static struct model *growing(int closed) {
  static char text[200000];
  char *at = text;
  at += sprintf(at, "0 loop+\n");
  for (int i = 1; i < 800; i++) {
    at += sprintf(at, "%d spawn task=%d kind=2 site=3 from=7\n", i, i);
    if (i % 10 < closed)
      at += sprintf(at, "%d done task=%d\n", i, i);
  }
  sprintf(at, "800 loop- alive=1\n");
  return model_of_text(text, 800, NULL);
}

/* Loops of threads, one after the other, each with a timer that is closed or
 * not; alive: what each run returns. */
static struct model *loops(int n, bool is_closed, int alive) {
  static char text[4000];
  char *at = text;
  for (int i = 1; i <= n; i++) {
    at += sprintf(at,
                  "%d loop+ loop=%d thread=%d\n"
                  "%d spawn task=%d kind=2 site=3 from=7 thread=%d\n",
                  i * 10, i, i, i * 10 + 1, i, i);
    if (is_closed)
      at += sprintf(at, "%d done task=%d thread=%d\n", i * 10 + 2, i, i);
    at += sprintf(at, "%d loop- loop=%d alive=%d thread=%d\n", i * 10 + 5, i,
                  alive, i);
  }
  return model_of_text(text, n * 10 + 9, NULL);
}

START_TEST(handles_of_loop_after_loop_that_ended_leak) {
  struct model *m = loops(4, false, 0);
  const struct model_trouble *t = find(m, MODEL_NEVER_CLOSED);
  ck_assert_ptr_nonnull(t);
  ck_assert_uint_eq(t->count, 4);
  ck_assert_uint_eq(t->of, 4);
  ck_assert_uint_eq(t->task, 4);
  ck_assert_uint_eq(t->spawn_site, 7);
  ck_assert_str_eq(model_trouble_rule(t->kind), "handle-leak");
  model_close(m);
  const struct {
    int n;
    bool is_closed;
    int alive;
  } fine[] = {{4, true, 0},   /* closed */
              {4, false, 1},  /* stopped, and may go on */
              {2, false, 0}}; /* the program's end, perhaps */
  for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
    m = loops(fine[i].n, fine[i].is_closed, fine[i].alive);
    ck_assert_ptr_null(find(m, MODEL_NEVER_CLOSED));
    model_close(m);
  }
}
END_TEST

START_TEST(what_is_made_and_not_closed_leaks) {
  struct model *m = growing(4);
  const struct model_trouble *t = find(m, MODEL_HANDLE_LEAK);
  ck_assert_ptr_nonnull(t);
  ck_assert_uint_eq(t->of, 799);
  ck_assert_uint_eq(t->count, 799 - 4 * 80 + 1); /* there is no task 0 */
  ck_assert_uint_eq(t->spawn_site, 7);
  for (int i = 0; i < MODEL_LEVELS; i++) /* before what happens then */
    ck_assert_uint_eq(t->levels[i], 60 * (unsigned)(i + 1));
  model_close(m);
  m = growing(10);
  ck_assert_ptr_null(find(m, MODEL_HANDLE_LEAK));
  model_close(m);
  m = growing(9); /* 79 in all */
  ck_assert_ptr_null(find(m, MODEL_HANDLE_LEAK));
  model_close(m);
}
END_TEST

/* Timers */

/* A timer of 20 ms; each of n runs comes late by so much, behind a callback
 * that computes. */
static struct model *beating(int n, int late, const char *usage) {
  static char text[20000];
  char *at = text;
  double now = 0, cpu = 0;
  at += sprintf(at, "0 loop+\n0 spawn task=1 kind=2 site=1 from=9\n"
                    "0 usage cpu=0 delay=0\n");
  for (int i = 0; i < n; i++) {
    at += sprintf(at, "%g arm task=1 ms=20\n%g poll\n", now, now);
    now += 20;
    at += sprintf(at, "%g wake\n%g usage cpu=%g delay=%g\n", now, now, cpu,
                  *usage == 'd' ? cpu : 0);
    at += sprintf(at, "%g resume task=2 kind=11 site=2\n", now);
    now += late;
    cpu += late;
    at += sprintf(at, "%g await task=2\n%g usage cpu=%g delay=%g\n", now, now,
                  cpu, *usage == 'd' ? cpu : 0);
    at += sprintf(at, "%g resume task=1 kind=2 site=1\n%g await task=1\n", now,
                  now);
  }
  sprintf(at, "%g loop-\n", now);
  return model_of_text(text, now, NULL);
}

START_TEST(a_timer_that_is_late_in_most_runs_is_starved) {
  struct model *m = beating(12, 15, "cpu");
  const struct model_trouble *t = find(m, MODEL_STARVED_TIMER);
  ck_assert_ptr_nonnull(t);
  ck_assert_uint_eq(t->site, 1);
  ck_assert_uint_eq(t->count, 12);
  ck_assert_uint_eq(t->of, 12);
  ck_assert_int_eq(t->period_ns, 20 * MS);
  ck_assert_int_eq(t->worst_ns, 15 * MS);
  ck_assert_int_eq(t->own_ns, 15 * MS);
  ck_assert_uint_eq(m->n_troubles, 1);
  model_close(m);
  m = beating(12, 9, "cpu"); /* less than half of its interval */
  ck_assert_ptr_null(find(m, MODEL_STARVED_TIMER));
  model_close(m);
  m = beating(9, 15, "cpu"); /* too few to say */
  ck_assert_ptr_null(find(m, MODEL_STARVED_TIMER));
  model_close(m);
  m = beating(12, 15, "delay"); /* the machine's doing */
  ck_assert_ptr_null(find(m, MODEL_STARVED_TIMER));
  model_close(m);
}
END_TEST

/* Six callbacks of 40 ms in as many turns, and a timer that is due meanwhile.
 */
static const char crowded[] = "0    loop+\n"
                              "0    usage cpu=0 delay=0\n"
                              "0    spawn task=1 kind=2 site=1 from=9\n"
                              "0    arm task=1 ms=20\n"
                              "1    poll\n"
                              "10   wake\n"
                              "10   usage cpu=0 delay=0\n"
                              "10   resume task=2 kind=11 site=2\n"
                              "50   await task=2\n"
                              "50   usage cpu=40 delay=0\n"
                              "50   resume task=3 kind=11 site=2\n"
                              "90   await task=3\n"
                              "90   usage cpu=80 delay=0\n"
                              "90   resume task=4 kind=11 site=2\n"
                              "130  await task=4\n"
                              "130  usage cpu=120 delay=0\n"
                              "130  poll timeout=0\n"
                              "130  wake\n"
                              "130  resume task=1 kind=2 site=1\n"
                              "131  await task=1\n"
                              "132  loop-\n";

static void judge(const char *text, double end_ms, const struct limit *limits,
                  size_t n_limits, struct model **m, struct judgement *j) {
  struct model_options options = {.warn_ns = 100 * MS};
  struct budget budget = {.max_stall_ns = 200 * MS,
                          .fail_on = LEVEL_ERROR,
                          .limits = limits,
                          .n_limits = n_limits};
  *m = model_of_text(text, end_ms, &options);
  ck_assert_int_eq(judgement_make(*m, &budget, j), LT_OK);
}

START_TEST(a_late_timer_is_an_error_where_a_budget_says_so) {
  struct limit limit = {.kind = LIMIT_TIMER_LATE, .value = 109 * MS};
  struct model *m;
  struct judgement j;
  judge(crowded, 132, &limit, 1, &m, &j);
  const struct model_trouble *t = find(m, MODEL_LATE_TIMER);
  ck_assert_ptr_nonnull(t);
  ck_assert_int_eq(t->all_worst_ns, 110 * MS);
  ck_assert_int_eq(t->all_own_ns, 110 * MS);
  ck_assert_int_eq(t->all_at_ns, 20 * MS);
  ck_assert_int_eq(j.verdict, VERDICT_FAIL);
  ck_assert_uint_eq(j.n_errors, 1);
  judgement_free(&j);
  model_close(m);
  limit.value = 110 * MS;
  judge(crowded, 132, &limit, 1, &m, &j);
  ck_assert_int_eq(j.verdict, VERDICT_PASS);
  judgement_free(&j);
  model_close(m);
}
END_TEST

START_TEST(a_late_timer_behind_a_stall_is_told_by_the_stall) {
  struct model *m = model_of_text(trace_text_sleeping, 320, NULL);
  struct budget budget = {.max_stall_ns = 100 * MS, .fail_on = LEVEL_ERROR};
  struct judgement j;
  ck_assert_int_eq(judgement_make(m, &budget, &j), LT_OK);
  ck_assert_uint_eq(j.n_findings, 1);
  ck_assert_str_eq(j.findings[0].rule, "stall");
  judgement_free(&j);
  model_close(m);
}
END_TEST

/* Stopped by a signal while it waits in its poll, and while it computes: the
 * second stop is looked at once more meanwhile. */
static const char stopped[] = "0    loop+\n"
                              "0    usage cpu=0 delay=0\n"
                              "0    spawn task=1 kind=2 site=1 from=9\n"
                              "0    arm task=1 ms=20\n"
                              "1    poll timeout=19\n"
                              "15   sample n=84\n"
                              "715  sample n=67\n"
                              "715  wake n=0\n"
                              "716  usage cpu=1 delay=0\n"
                              "716  resume task=1 kind=2 site=1\n"
                              "716  arm task=1 ms=10\n"
                              "717  await task=1\n"
                              "717  resume task=2 kind=11 site=2\n"
                              "718  sample n=84\n"
                              "780  usage cpu=2 delay=0\n"
                              "780  sample n=84\n"
                              "798  sample n=67\n"
                              "800  await task=2\n"
                              "800  usage cpu=5 delay=0\n"
                              "801  poll timeout=0\n"
                              "801  wake\n"
                              "802  resume task=1 kind=2 site=1\n"
                              "802  await task=1\n"
                              "803  loop-\n";

START_TEST(a_timer_is_not_late_for_what_a_stop_took) {
  const struct limit limit = {.kind = LIMIT_TIMER_LATE, .value = 4 * MS};
  char text[400];
  struct model *m;
  struct judgement j;
  judge(stopped, 803, &limit, 1, &m, &j);
  const struct model_loop *l = &m->loops[0];
  ck_assert_uint_eq(l->n_stops, 2);
  ck_assert_int_eq(l->stopped_ns, 780 * MS);
  ck_assert_int_eq(l->longest_stop_ns, 700 * MS);
  ck_assert_int_eq(l->longest_stop_at_ns, 15 * MS);
  ck_assert_uint_eq(l->timers_late, 2); /* by 1 ms, and 4 of 76 */
  ck_assert_int_eq(l->worst_late_ns, 4 * MS);
  ck_assert_int_eq(j.verdict, VERDICT_PASS);
  ck_assert_str_eq(say_stops(l, text, sizeof text),
                   "`main` was stopped by a signal for 700 ms, from "
                   "0.015 s on, 2 times, 780 ms in all: neither that nor a "
                   "timer that is late for it counts");
  judgement_free(&j);
  model_close(m);
}
END_TEST

START_TEST(what_a_late_timer_may_be_the_machines_is_told) {
  const struct limit limit = {.kind = LIMIT_TIMER_LATE, .value = 50 * MS};
  char text[200];
  struct model *m;
  struct judgement j;
  judge("0    loop+\n"
        "0    spawn task=1 kind=2 site=1 from=9\n"
        "0    arm task=1 ms=20\n"
        "1    poll timeout=19\n"
        "90   wake n=0\n"
        "90   resume task=1 kind=2 site=1\n"
        "91   await task=1\n"
        "92   loop-\n",
        92, &limit, 1, &m, &j);
  ck_assert_uint_eq(m->loops[0].n_stops, 0);
  ck_assert_int_eq(j.verdict, VERDICT_INCONCLUSIVE);
  ck_assert_str_eq(say_result(&j.limits[0], text, sizeof text),
                   "0 ns, or up to 70 ms: what was for lack of a CPU is not "
                   "known");
  judgement_free(&j);
  model_close(m);
}
END_TEST

/* The pool */

/* Two workers, each with a job of 150 ms, and a third job behind them. */
static const char full_pool[] = "0    loop+\n"
                                "0    spawn task=1 kind=16 site=1 from=9\n"
                                "0    spawn task=2 kind=16 site=2 from=9\n"
                                "1    pool+ task=1 kind=16 site=1 thread=1\n"
                                "2    pool+ task=2 kind=16 site=2 thread=2\n"
                                "5    spawn task=3 kind=17 site=3 from=9\n"
                                "6    poll\n"
                                "151  pool- task=1 thread=1\n"
                                "151  pool+ task=3 kind=17 site=3 thread=1\n"
                                "152  pool- task=2 thread=2\n"
                                "153  pool- task=3 thread=1\n"
                                "154  wake\n"
                                "155  loop-\n";

START_TEST(jobs_behind_a_full_pool_are_told_with_what_filled_it) {
  struct model *m;
  struct judgement j;
  struct limit limit = {.kind = LIMIT_POOL_QUEUE, .value = 145 * MS};
  judge(full_pool, 155, NULL, 0, &m, &j);
  ck_assert_uint_eq(j.n_findings, 0); /* 146 ms, and 200 are allowed */
  ck_assert_uint_eq(m->n_troubles, 1);
  const struct model_trouble *t = find(m, MODEL_POOL_SATURATED);
  ck_assert_int_eq(t->worst_ns, 146 * MS);
  ck_assert_int_eq(t->own_ns, 146 * MS);
  ck_assert_int_eq(t->at_ns, 5 * MS);
  ck_assert_uint_eq(t->count, 1);
  ck_assert_uint_eq(t->of, 3);
  ck_assert_uint_eq(t->site, 3);
  ck_assert_uint_eq(t->behind, 1);
  judgement_free(&j);
  model_close(m);
  judge(full_pool, 155, &limit, 1, &m, &j);
  ck_assert_int_eq(j.verdict, VERDICT_FAIL);
  ck_assert_str_eq(j.findings[0].rule, "pool-saturated");
  judgement_free(&j);
  model_close(m);
}
END_TEST

START_TEST(a_job_that_waits_beside_an_idle_worker_waits_for_the_machine) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    spawn task=1 kind=16 site=1\n"
                                  "0    spawn task=2 kind=16 site=1\n"
                                  "1    pool+ task=1 kind=16 site=1 thread=1\n"
                                  "2    pool+ task=2 kind=16 site=1 thread=2\n"
                                  "3    pool- task=1 thread=1\n"
                                  "5    spawn task=3 kind=16 site=1\n"
                                  "200  pool+ task=3 kind=16 site=1 thread=1\n"
                                  "201  loop-\n",
                                  201, NULL);
  ck_assert_ptr_null(find(m, MODEL_POOL_SATURATED));
  model_close(m);
}
END_TEST

START_TEST(a_callback_that_never_came_back_never_yields) {
  struct model *m;
  struct judgement j;
  judge("0 loop+\n1 poll\n2 wake\n2 usage cpu=1 delay=0\n"
        "2 resume task=1 kind=2 site=1\n"
        "1100 usage cpu=1099 delay=0\n",
        1102, NULL, 0, &m, &j);
  ck_assert_uint_eq(j.n_findings, 1);
  ck_assert_str_eq(j.findings[0].rule, "never-yields");
  judgement_free(&j);
  model_close(m);
}
END_TEST

static Suite *suite(void) {
  Suite *s = suite_create("trouble");
  TCase *t = tcase_create("trouble");
  tcase_add_checked_fixture(t, teardown, teardown);
  tcase_add_test(t, each_victim_waits_from_when_it_could_have_run);
  tcase_add_test(t, who_waits_at_the_end_of_the_recording_has_waited);
  tcase_add_test(t, of_many_victims_the_longest_are_kept_and_all_are_blamed);
  tcase_add_test(t, a_callee_has_the_time_of_all_its_calls);
  tcase_add_test(t, what_a_call_waits_on_is_called_what_it_is);
  tcase_add_test(t, what_a_call_computes_is_told_where_there_is_no_room_beside);
  tcase_add_test(
      t, waits_one_after_the_other_would_have_saved_all_but_the_longest);
  tcase_add_test(t, what_computes_is_not_quicker_when_it_is_gathered);
  tcase_add_test(t, what_was_made_together_or_with_work_between_is_no_such_run);
  tcase_add_test(t, tasks_that_wait_for_each_other_are_a_cycle);
  tcase_add_test(t, a_wait_that_ended_closes_no_cycle);
  tcase_add_test(t, tasks_without_an_end_are_told_where_the_program_exited);
  tcase_add_test(t, what_is_made_and_not_closed_leaks);
  tcase_add_test(t, handles_of_loop_after_loop_that_ended_leak);
  tcase_add_test(t, a_timer_that_is_late_in_most_runs_is_starved);
  tcase_add_test(t, a_late_timer_is_an_error_where_a_budget_says_so);
  tcase_add_test(t, a_late_timer_behind_a_stall_is_told_by_the_stall);
  tcase_add_test(t, a_timer_is_not_late_for_what_a_stop_took);
  tcase_add_test(t, what_a_late_timer_may_be_the_machines_is_told);
  tcase_add_test(t, jobs_behind_a_full_pool_are_told_with_what_filled_it);
  tcase_add_test(t,
                 a_job_that_waits_beside_an_idle_worker_waits_for_the_machine);
  tcase_add_test(t, a_callback_that_never_came_back_never_yields);
  suite_add_tcase(s, t);
  return s;
}

int main(void) {
  SRunner *runner = srunner_create(suite());
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
