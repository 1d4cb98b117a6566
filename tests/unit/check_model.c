/* The model: each trace states its numbers, each test says what they mean. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/build.h"
#include "model/finding.h"
#include "trace_text.h"

#define MS INT64_C(1000000)

static void teardown(void) {
  memset(&trace_text_info, 0, sizeof trace_text_info);
  trace_text_info.complete = trace_text_info.ended = true;
}

START_TEST(a_sleeping_timer_is_one_blocked_slice) {
  struct model *m = model_of_text(trace_text_sleeping, 320, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  const struct model_stall *s = &m->stalls[0];
  ck_assert_int_eq(s->kind, MODEL_STALL_SLICE);
  ck_assert_int_eq(s->begin_ns, 10 * MS);
  assert_cause(s, 0, 300, 0, 0, 0);
  ck_assert(s->has_usage);
  ck_assert_uint_eq(s->slice_kind, LT_TASK_TIMER);
  ck_assert_uint_eq(s->site, 1);
  ck_assert_uint_eq(s->turn, 2);
  ck_assert_uint_eq(s->n_calls, 1);
  ck_assert_uint_eq(s->calls[0].callee, LT_CALLEE_uv_sleep);
  ck_assert_int_eq(s->calls_ns, 300 * MS);
  ck_assert(!s->unfinished);
  model_close(m);
}
END_TEST

START_TEST(victims_are_what_waited_and_what_came_late) {
  struct model *m = model_of_text(trace_text_sleeping, 320, NULL);
  const struct model_stall *s = &m->stalls[0];
  ck_assert_uint_eq(s->n_waited, 1); /* task 3; task 2 ran a turn later */
  ck_assert_uint_eq(s->n_late, 1);   /* due at 60, ran at 314 */
  ck_assert_int_eq(s->worst_late_ns, 254 * MS);
  ck_assert_uint_eq(m->loops[0].timers_late, 1);
  model_close(m);
}
END_TEST

START_TEST(a_repeating_timer_is_late_by_its_own_period) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    arm task=1 ms=0\n"
                                  "1    resume task=1 kind=2 site=1\n"
                                  "1    await task=1\n"
                                  "12   resume task=1 kind=2 site=1\n"
                                  "12   await task=1\n"
                                  "22   resume task=1 kind=2 site=1\n"
                                  "22   await task=1\n"
                                  "23   poll\n"
                                  "25   wake\n"
                                  "25   resume task=2 kind=11 site=2\n"
                                  "125  await task=2\n"
                                  "125  poll timeout=0\n"
                                  "125  wake\n"
                                  "126  resume task=1 kind=2 site=1\n"
                                  "126  await task=1\n"
                                  "127  loop-\n",
                                  127, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert_uint_eq(m->stalls[0].n_late, 1); /* due at 32 */
  ck_assert_int_eq(m->stalls[0].worst_late_ns, 94 * MS);
  ck_assert_uint_eq(m->loops[0].timers_late, 1 + 1); /* and 1 ms at first */
  model_close(m);
}
END_TEST

START_TEST(a_sleep_that_is_over_makes_no_task_late) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    resume task=1 kind=27 site=1\n"
                                  "0    arm task=1 ms=10\n"
                                  "0    await task=1\n"
                                  "10   resume task=1 kind=27 site=1\n"
                                  "10   await task=1\n"
                                  "50   resume task=2 kind=27 site=2\n"
                                  "250  await task=2\n"
                                  "251  resume task=1 kind=27 site=1\n"
                                  "251  done task=1\n"
                                  "252  loop-\n",
                                  252, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert_uint_eq(m->stalls[0].n_late, 0);
  ck_assert_uint_eq(m->loops[0].timers_late, 0);
  model_close(m);
}
END_TEST

START_TEST(a_loop_is_summed_up_in_turns_and_polls) {
  struct model *m = model_of_text(trace_text_sleeping, 320, NULL);
  ck_assert_uint_eq(m->n_loops, 1);
  const struct model_loop *l = &m->loops[0];
  ck_assert_str_eq(l->name, "main");
  ck_assert_uint_eq(l->turns, 3);
  ck_assert_uint_eq(l->slices, 3);
  ck_assert_uint_eq(l->calls, 1);
  ck_assert_uint_eq(l->stalls, 1);
  ck_assert_int_eq(l->busy_ns, (1 + 303 + 2) * MS);
  ck_assert_int_eq(l->poll_ns, (9 + 1) * MS);
  ck_assert_int_eq(l->turn.max_ns, 303 * MS);
  ck_assert_int_eq(l->longest[MODEL_BINS / 2], 303 * MS);
  ck_assert_uint_eq(m->n_sites, 4); /* three functions and one call */
  ck_assert_int_eq(m->sites[0].total_ns, 300 * MS);
  model_close(m);
}
END_TEST

START_TEST(pool_jobs_wait_are_worked_on_and_wait_again) {
  struct model *m = model_of_text("0   loop+\n"
                                  "0   spawn task=1 kind=16 site=1 from=9\n"
                                  "0   spawn task=2 kind=16 site=1 from=9\n"
                                  "0   spawn task=3 kind=16 site=1 from=9\n"
                                  "1   poll\n"
                                  "2   pool+ task=1 kind=16 thread=1\n"
                                  "4   pool+ task=2 kind=16 thread=2\n"
                                  "34  pool- task=2 thread=2\n"
                                  "40  wake\n"
                                  "41  resume task=2 kind=16 site=1\n"
                                  "42  done task=2\n"
                                  "43  poll\n"
                                  "52  pool- task=1 thread=1\n"
                                  "52  pool+ task=3 kind=16 thread=1\n"
                                  "60  wake\n"
                                  "60  resume task=1 kind=16 site=1\n"
                                  "61  done task=1\n"
                                  "72  loop- alive=1\n",
                                  72, NULL);
  const struct model_pool *p = &m->pool;
  ck_assert_uint_eq(p->jobs, 3);
  ck_assert_uint_eq(p->workers, 2);
  ck_assert_uint_eq(p->peak, 2);
  ck_assert_uint_eq(p->queue.n, 3);
  ck_assert_int_eq(p->queue.max_ns, 52 * MS);
  ck_assert_int_eq(p->queue.sum_ns, (2 + 4 + 52) * MS);
  ck_assert_uint_eq(p->service.n, 2); /* the third did not end */
  ck_assert_int_eq(p->service.sum_ns, (30 + 50) * MS);
  ck_assert_int_eq(p->result.sum_ns, (7 + 8) * MS);
  ck_assert_int_eq(p->saturated_ns, 30 * MS); /* both, from 4 to 34 */
  ck_assert_int_eq(p->busy_ns, 70 * MS);      /* from 2 to the end */
  ck_assert_uint_eq(m->n_tasks_live, 1);
  model_close(m);
}
END_TEST

START_TEST(many_callbacks_make_a_long_turn) {
  char text[4096] = "0 loop+\n0 usage\n";
  for (int i = 0; i < 20; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text),
             "%d resume task=%d kind=11 site=1\n%d await task=%d\n", i * 10,
             i + 1, i * 10 + 10, i + 1);
  strcat(text, "200 usage cpu=200\n200 poll\n300 wake\n300 loop-\n");
  struct model *m = model_of_text(text, 300, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert_int_eq(m->stalls[0].kind, MODEL_STALL_TURN);
  ck_assert_uint_eq(m->stalls[0].n_callbacks, 20);
  assert_cause(&m->stalls[0], 200, 0, 0, 0, 0);
  model_close(m);
}
END_TEST

static const char sixty_twice[] = "0   loop+\n"
                                  "0   resume task=1 kind=2 site=1\n"
                                  "60  await task=1\n"
                                  "60  resume task=2 kind=2 site=2\n"
                                  "120 await task=2\n"
                                  "120 poll\n"
                                  "130 wake\n"
                                  "130 loop-\n";

START_TEST(two_slices_within_the_budget_can_make_a_turn_beyond_it) {
  struct model *m = model_of_text(sixty_twice, 130, NULL);
  ck_assert_uint_eq(m->n_stalls, 3);
  ck_assert_int_eq(m->stalls[0].kind, MODEL_STALL_TURN);
  ck_assert_int_eq(m->stalls[0].duration_ns, 120 * MS);
  model_close(m);
  struct model_options options = {.budget_ns = 500 * MS};
  m = model_of_text(sixty_twice, 130, &options);
  ck_assert_uint_eq(m->n_stalls, 2);
  model_close(m);
}
END_TEST

START_TEST(a_nested_poll_is_waiting_and_the_inner_slice_is_the_stall) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    resume task=1 kind=2 site=1\n"
                                  "10   loop+\n"
                                  "10   poll\n"
                                  "1010 wake\n"
                                  "1010 resume task=2 kind=11 site=2\n"
                                  "1210 await task=2\n"
                                  "1210 loop- alive=1\n"
                                  "1220 await task=1\n"
                                  "1220 loop-\n",
                                  1220, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert_uint_eq(m->stalls[0].task, 2);
  ck_assert_int_eq(m->stalls[0].duration_ns, 200 * MS);
  ck_assert_uint_eq(m->loops[0].turns, 2);
  ck_assert_int_eq(m->loops[0].poll_ns, 1000 * MS);
  ck_assert_int_eq(m->loops[0].busy_ns, 220 * MS);
  ck_assert_uint_eq(m->sites[0].site, 1); /* 220 ms in all, 20 of its own */
  ck_assert_int_eq(m->sites[0].total_ns, 220 * MS);
  ck_assert_int_eq(m->sites[0].self_ns, 20 * MS);
  model_close(m);
}
END_TEST

START_TEST(another_loop_run_inside_a_callback_is_a_blocking_call) {
  struct model *m = model_of_text("0    loop+ loop=1\n"
                                  "0    usage\n"
                                  "0    resume task=1 kind=1 site=1\n"
                                  "10   loop+ loop=2\n"
                                  "10   poll\n"
                                  "110  wake\n"
                                  "120  poll\n"
                                  "220  wake\n"
                                  "220  loop- loop=2\n"
                                  "230  await task=1\n"
                                  "230  usage cpu=30 vsw=2\n"
                                  "230  loop- loop=1\n",
                                  230, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert_uint_eq(m->stalls[0].task, 1);
  ck_assert_uint_eq(m->stalls[0].n_calls_all, 1);
  ck_assert_uint_eq(m->stalls[0].calls[0].callee, LT_CALLEE_uv_run);
  ck_assert_int_eq(m->stalls[0].calls[0].begin_ns, 10 * MS);
  ck_assert_int_eq(m->stalls[0].calls[0].duration_ns, 200 * MS);
  assert_cause(&m->stalls[0], 30, 200, 0, 0, 0);
  model_close(m);
}
END_TEST

START_TEST(an_outer_slice_is_charged_its_own_time_only) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    usage\n"
                                  "0    resume task=1 kind=2 site=1\n"
                                  "80   resume task=2 kind=1 site=2\n"
                                  "280  call callee=5 ms=200\n"
                                  "280  await task=2\n"
                                  "280  usage cpu=80 vsw=1\n"
                                  "360  await task=1\n"
                                  "360  usage cpu=160 vsw=1\n"
                                  "360  loop-\n",
                                  360, NULL);
  ck_assert_uint_eq(m->n_stalls, 2);
  ck_assert_uint_eq(m->stalls[0].task, 1);
  ck_assert_int_eq(m->stalls[0].duration_ns, 160 * MS);
  ck_assert_uint_eq(m->stalls[0].n_calls_all, 0);
  ck_assert_uint_eq(m->stalls[1].task, 2);
  assert_cause(&m->stalls[0], 160, 0, 0, 0, 0);
  assert_cause(&m->stalls[1], 0, 200, 0, 0, 0);
  model_close(m);
}
END_TEST

START_TEST(a_run_of_another_loop_inside_a_callback_blocks_the_outer) {
  struct model *m = model_of_text("0    loop+ loop=1\n"
                                  "0    usage\n"
                                  "0    resume task=1 kind=2 site=1\n"
                                  "0    loop+ loop=2\n"
                                  "0    poll\n"
                                  "300  wake\n"
                                  "300  loop- loop=2\n"
                                  "300  await task=1\n"
                                  "300  usage cpu=0 vsw=1\n"
                                  "300  loop- loop=1\n",
                                  300, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert_uint_eq(m->stalls[0].loop, 0);
  assert_cause(&m->stalls[0], 0, 300, 0, 0, 0);
  model_close(m);
}
END_TEST

START_TEST(a_loop_that_could_have_run_has_a_gap) {
  struct model *m = model_of_text("0    loop+\n"
                                  "10   loop- alive=1\n"
                                  "10   usage\n"
                                  "200  call callee=6 ms=180\n"
                                  "210  loop+\n"
                                  "210  usage cpu=20 vsw=1\n"
                                  "220  loop- alive=0\n"
                                  "900  loop+\n"
                                  "910  loop-\n",
                                  910, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  const struct model_stall *s = &m->stalls[0];
  ck_assert_int_eq(s->kind, MODEL_STALL_GAP);
  ck_assert_int_eq(s->duration_ns, 200 * MS);
  ck_assert_uint_eq(s->n_calls, 1);
  ck_assert(!s->is_regular);
  ck_assert_int_eq(m->loops[0].gap_ns, 880 * MS);
  ck_assert_uint_eq(m->loops[0].stalls, 1);
  model_close(m);
}
END_TEST

/* Four runs that wait, 10 ms each, then what comes from 40 ms on. */
static struct model *model_after_waits(const char *text, int64_t end_ms) {
  char all[4096] = "";
  for (int i = 0; i < 4; i++)
    snprintf(all + strlen(all), sizeof all - strlen(all),
             "%d loop+ mode=1\n%d poll\n%d wake\n%d loop- alive=1\n", 10 * i,
             10 * i, 10 * i + 10, 10 * i + 10);
  snprintf(all + strlen(all), sizeof all - strlen(all), "%s", text);
  return model_of_text(all, end_ms, NULL);
}

START_TEST(who_waited_again_and_again_is_held_up_in_a_gap) {
  struct model *m = model_after_waits("40 usage\n"
                                      "50 call callee=6 ms=10\n"
                                      "60 sample n=82\n"
                                      "340 loop+ mode=2\n"
                                      "340 usage cpu=290 vsw=1\n"
                                      "341 resume task=1 kind=2 site=3\n"
                                      "342 await task=1\n"
                                      "342 loop- alive=1\n",
                                      342);
  ck_assert_uint_eq(m->n_stalls, 1);
  const struct model_stall *s = &m->stalls[0];
  ck_assert_int_eq(s->kind, MODEL_STALL_GAP);
  ck_assert(s->is_regular);
  ck_assert_int_eq(s->begin_ns, 40 * MS);
  ck_assert_int_eq(s->duration_ns, 300 * MS);
  ck_assert_int_eq(s->cause.cpu, 290 * MS);
  ck_assert_int_eq(s->cause.blocked, 10 * MS);
  ck_assert_uint_eq(s->n_samples, 1);
  ck_assert_uint_eq(s->n_waited, 1);
  ck_assert_uint_eq(m->loops[0].calls, 1);
  model_close(m);
}
END_TEST

START_TEST(waiting_for_the_loop_itself_divides_a_gap) {
  struct model *m = model_after_waits("40 usage\n"
                                      "60 poll\n"
                                      "360 wake n=1\n"
                                      "360 usage\n"
                                      "480 loop+ mode=2\n"
                                      "480 usage cpu=120\n"
                                      "480 loop- alive=1\n",
                                      480);
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert_int_eq(m->stalls[0].begin_ns, 360 * MS);
  ck_assert_int_eq(m->stalls[0].cause.cpu, 120 * MS);
  ck_assert_int_eq(m->loops[0].gap_ns, 0); /* it is held to come back */
  ck_assert_int_ge(m->loops[0].busy_ns, 140 * MS);
  ck_assert_int_eq(m->loops[0].poll_ns, 340 * MS);
  model_close(m);
}
END_TEST

/* What is not seen, and who does not wait, is not judged. */
START_TEST(a_gap_is_regular_only_where_all_is_known) {
  static const char *const irregular[] = {
      "40 lost n=1\n340 loop+\n340 loop- alive=1\n",
      "40 loop+ mode=0\n40 loop- alive=1\n340 loop+\n340 loop-\n",
      "40 loop+ mode=1\n40 loop-\n340 loop+\n340 loop-\n",
      "40 loop+ loop=2 mode=1\n40 loop- loop=2 alive=1\n"
      "340 loop+ loop=2\n340 loop- loop=2\n",
      "340 loop- alive=0\n340 loop+\n340 loop-\n"}; /* it was switched off */
  for (size_t i = 0; i < sizeof irregular / sizeof *irregular; i++) {
    struct model *m = model_after_waits(irregular[i], 340);
    for (size_t k = 0; k < m->n_stalls; k++)
      ck_assert_msg(!m->stalls[k].is_regular, "%zu", i);
    model_close(m);
  }
}
END_TEST

/* What has something to do does not wait: a frame of a game, with an idle handle,
 * or the end of a run that closes handles. */
START_TEST(a_run_that_had_something_to_do_is_no_wait) {
  char all[4096] = "";
  for (int i = 0; i < 8; i++)
    snprintf(all + strlen(all), sizeof all - strlen(all),
             "%d loop+ mode=1\n%d poll timeout=0\n%d wake\n%d loop- alive=1\n",
             100 * i, 100 * i, 100 * i, 100 * i + 1);
  struct model *m = model_of_text(all, 701, NULL);
  ck_assert_uint_eq(m->n_stalls, 7);
  for (size_t k = 0; k < m->n_stalls; k++)
    ck_assert(!m->stalls[k].is_regular);
  model_close(m);
}
END_TEST

START_TEST(what_is_allowed_in_a_gap_is_known) {
  struct model *m = model_after_waits("40 usage\n"
                                      "50 allow+ text=5\n"
                                      "250 allow-\n"
                                      "340 loop+\n"
                                      "340 loop- alive=1\n",
                                      340);
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert_int_eq(m->stalls[0].allowed_ns, 200 * MS);
  ck_assert_uint_eq(m->stalls[0].allowed_for, 5);
  model_close(m);
}
END_TEST

/* Whether it would have been turned again is not known; an exit is its end. */
START_TEST(a_gap_that_does_not_end_is_no_proof) {
  trace_text_info.end_reason = LT_END_KILLED;
  struct model *m = model_after_waits("40 usage\n340 usage cpu=300\n", 340);
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert(m->stalls[0].unfinished && !m->stalls[0].is_regular);
  model_close(m);
  trace_text_info.end_reason = LT_END_EXITED;
  m = model_after_waits("40 usage\n340 usage cpu=300\n", 340);
  ck_assert_uint_eq(m->n_stalls, 0);
  model_close(m);
}
END_TEST

START_TEST(what_never_came_back_is_a_stall_and_its_call_the_evidence) {
  trace_text_info.complete = false;
  struct model *m = model_of_text("0    loop+\n"
                                  "0    usage\n"
                                  "100  resume task=1 kind=2 site=1\n"
                                  "600  call-open callee=34 on=99 ms=450\n",
                                  600, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  const struct model_stall *s = &m->stalls[0];
  ck_assert(s->unfinished);
  ck_assert(!s->has_usage);
  assert_cause(s, 0, 450, 0, 0, 50);
  ck_assert(s->calls[0].unfinished);
  model_close(m);
}
END_TEST

START_TEST(a_trace_that_ends_in_a_poll_has_no_stall) {
  struct model *m = model_of_text("0 loop+\n1 poll\n", 5000, NULL);
  ck_assert_uint_eq(m->n_stalls, 0);
  ck_assert_int_eq(m->loops[0].poll_ns, 4999 * MS);
  model_close(m);
}
END_TEST

START_TEST(ends_without_begins_change_nothing) {
  struct model *m = model_of_text("0    await task=1\n"
                                  "1    wake\n"
                                  "2    loop-\n"
                                  "3    done task=77\n"
                                  "500  poll\n"
                                  "600  loop+\n"
                                  "700  poll\n"
                                  "701  poll\n"
                                  "900  wake\n"
                                  "900  wake\n"
                                  "901  await task=9\n"
                                  "902  loop-\n"
                                  "903  loop- loop=9\n"
                                  "904  call callee=5 ms=99999\n",
                                  1000, NULL);
  /* One turn of 100 ms, in which nobody knows what happened. */
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert_int_eq(m->stalls[0].kind, MODEL_STALL_TURN);
  model_close(m);
}
END_TEST

START_TEST(a_slice_across_lost_events_counts_up_to_the_loss_only) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    resume task=1 kind=2 site=1\n"
                                  "400  lost n=5 cause=1 ms=100\n"
                                  "900  await task=1\n"
                                  "901  poll\n"
                                  "950  wake\n"
                                  "960  loop-\n",
                                  960, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert_int_eq(m->stalls[0].duration_ns, 300 * MS);
  ck_assert(m->stalls[0].unfinished);
  ck_assert_uint_eq(m->n_unmeasured, 1);
  model_close(m);
}
END_TEST

START_TEST(a_slice_whose_begin_was_lost_is_no_stall) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    poll\n"
                                  "400  lost n=5 cause=1 ms=300\n"
                                  "900  await task=1\n"
                                  "901  poll\n"
                                  "950  wake\n"
                                  "960  loop-\n",
                                  960, NULL);
  ck_assert_uint_eq(m->n_stalls, 0);
  model_close(m);
}
END_TEST

START_TEST(a_long_call_after_a_loss_is_told_by_itself) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    resume task=1 kind=2 site=1\n"
                                  "40   lost n=5 cause=1 ms=10\n"
                                  "600  call callee=5 ms=300 site=4\n"
                                  "601  await task=1\n"
                                  "602  loop-\n",
                                  602, NULL);
  ck_assert_uint_eq(m->n_stalls, 0);
  ck_assert_uint_eq(m->n_blocking, 1);
  ck_assert_int_eq(m->blocking[0].call.duration_ns, 300 * MS);
  model_close(m);
}
END_TEST

START_TEST(an_event_lost_in_a_signal_handler_spoils_no_bracket) {
  struct model *m = model_of_text("0    loop+\n"
                                  "0    resume task=1 kind=2 site=1\n"
                                  "100  lost n=1 cause=2 ms=0\n"
                                  "200  await task=1\n"
                                  "200  loop-\n",
                                  200, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert_int_eq(m->stalls[0].duration_ns, 200 * MS);
  model_close(m);
}
END_TEST

START_TEST(ancestry_is_the_chain_of_spawners) {
  struct model *m = model_of_text("0   loop+\n"
                                  "0   spawn task=1 kind=9 site=1 from=9\n"
                                  "1   resume task=1 kind=9 site=1\n"
                                  "1   spawn task=2 kind=11 site=2 from=8\n"
                                  "1   label task=2 text=1\n"
                                  "2   await task=1\n"
                                  "3   resume task=2 kind=11 site=2\n"
                                  "3   spawn task=3 kind=2 site=3 from=7\n"
                                  "4   done task=2\n" /* gone, but remembered */
                                  "10  resume task=3 kind=2 site=3\n"
                                  "200 done task=3\n"
                                  "200 loop-\n",
                                  200, NULL);
  const struct model_stall *s = &m->stalls[0];
  ck_assert_uint_eq(s->n_ancestors, 3);
  ck_assert_uint_eq(s->ancestors[0].task, 3);
  ck_assert_uint_eq(s->ancestors[1].task, 2);
  ck_assert_str_eq(s->ancestors[1].label, "GET /export");
  ck_assert_uint_eq(s->ancestors[2].task, 1);
  ck_assert_uint_eq(s->ancestors[2].spawn_site, 9);
  ck_assert_uint_eq(m->n_tasks, 3);
  ck_assert_uint_eq(m->n_tasks_live, 1);
  model_close(m);
}
END_TEST

START_TEST(endless_chains_of_requests_stay_bounded) {
  enum { N = 20000 };
  char *text = malloc(N * 96 + 64), *at = text;
  at += sprintf(at, "0 loop+\n");
  for (int i = 1; i <= N; i++)
    at += sprintf(at,
                  "%d resume task=%d kind=17 site=1\n"
                  "%d spawn task=%d kind=17 site=1\n%d done task=%d\n",
                  i, i, i, i + 1, i, i);
  struct model *m = model_of_text(text, N, NULL);
  ck_assert_uint_eq(m->n_tasks, N + 1);
  ck_assert_uint_eq(m->n_tasks_live, 1);
  ck_assert_uint_le(((struct builder *)m)->tasks.n,
                    MODEL_ANCESTRY_MAX + 2);
  model_close(m);
  free(text);
}
END_TEST

START_TEST(two_threads_turn_two_loops_and_names_are_inert) {
  struct model *m = model_of_text("0   loop+ loop=1\n"
                                  "0   loop+ loop=2 thread=1\n"
                                  "10  resume task=5 kind=6 site=1 thread=1\n"
                                  "20  poll\n"
                                  "90  await task=5 thread=1\n"
                                  "95  wake\n"
                                  "96  loop- loop=2 thread=1\n"
                                  "96  loop- loop=1\n",
                                  96, NULL);
  ck_assert_uint_eq(m->n_loops, 2);
  ck_assert_str_eq(m->loops[0].name, "main");
  ck_assert_str_eq(m->loops[1].name, "helper\\x1b[2J");
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert_uint_eq(m->stalls[0].loop, 1);
  ck_assert_uint_eq(m->stalls[0].thread, 1);
  model_close(m);
}
END_TEST

START_TEST(sites_are_named_as_far_as_is_known) {
  struct model *m = model_of_text("0 loop+\n", 1, NULL);
  char buf[64];
  ck_assert_str_eq(model_site_name(m, 7, buf, sizeof buf), "fn7 (f.c:70)");
  ck_assert_str_eq(model_site_short(m, 7, buf, sizeof buf), "fn7");
  ck_assert_str_eq(model_site_name(m, 950, buf, sizeof buf), "libx.so+0x3b60");
  ck_assert_str_eq(model_site_name(m, 0, buf, sizeof buf), "?");
  ck_assert_str_eq(model_site_name(m, 5000, buf, sizeof buf), "?");
  model_close(m);
}
END_TEST

/* A loop that is not libuv's: nobody sees how it is left. */
#define UNSEEN_TURNS                                                           \
  "0   loop+ mode=3\n"                                                         \
  "1   poll\n"                                                                 \
  "2   wake\n"                                                                 \
  "202 poll\n"                                                                 \
  "203 wake\n"

START_TEST(a_loop_without_callbacks_has_stalls_in_its_turns) {
  struct model *m = model_of_text(UNSEEN_TURNS "403 loop- alive=0\n", 500, NULL);
  ck_assert(m->loops[0].is_unseen);
  ck_assert_uint_eq(m->n_stalls, 2);
  ck_assert(m->stalls[0].is_unseen);
  ck_assert_int_eq(m->stalls[0].kind, MODEL_STALL_TURN);
  model_close(m);
}
END_TEST

START_TEST(the_last_turn_of_a_loop_that_was_left_unseen_is_not_judged) {
  struct model *m = model_of_text(UNSEEN_TURNS "403 loop- alive=1\n", 500, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  model_close(m);
  trace_text_info.end_reason = LT_END_EXITED;
  m = model_of_text(UNSEEN_TURNS, 500, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  ck_assert_uint_eq(m->loops[0].turns, 2);
  model_close(m);
}
END_TEST

START_TEST(a_loop_without_callbacks_that_is_killed_had_a_stall) {
  trace_text_info.end_reason = LT_END_KILLED;
  struct model *m = model_of_text(UNSEEN_TURNS, 500, NULL);
  ck_assert_uint_eq(m->n_stalls, 2);
  ck_assert(m->stalls[1].unfinished);
  model_close(m);
}
END_TEST

/* Two turns that were told when the loop was known: the totals, the call and
 * the samples came at their time. */
#define EARLY_TURNS                                                            \
  "1   usage cpu=1 delay=0 vsw=1\n"                                            \
  "50  sample n=83\n"                                                          \
  "201 call callee=3 site=2 ms=200\n"                                          \
  "201 usage cpu=2 delay=0 vsw=2\n"                                            \
  "260 call callee=17 site=3 ms=20\n"                                          \
  "301 usage cpu=70 delay=0 vsw=3\n"
#define EARLY_TOLD                                                             \
  "301 early ago=300 ms=200\n"                                                 \
  "301 early ago=100 ms=100\n"                                                 \
  "301 loop+ mode=3\n"                                                         \
  "302 poll\n"                                                                 \
  "400 wake\n"                                                                 \
  "401 poll\n"

START_TEST(turns_before_a_loop_was_known_are_stalls_with_their_evidence) {
  struct model *m = model_of_text(EARLY_TURNS EARLY_TOLD, 500, NULL);
  const struct model_loop *l = &m->loops[0];
  ck_assert_uint_eq(m->n_loops, 1);
  ck_assert_uint_eq(m->n_stalls, 2);
  ck_assert_uint_eq(l->turns, 4);
  ck_assert_int_eq(l->first_ns, 1000000);
  ck_assert_int_eq(l->turn.max_ns, 200000000);
  ck_assert_uint_eq(l->calls, 2);
  ck_assert_uint_eq(m->n_calls, 2);
  const struct model_stall *first = &m->stalls[0], *second = &m->stalls[1];
  ck_assert_int_eq(first->kind, MODEL_STALL_TURN);
  ck_assert(first->is_early && first->is_unseen && !first->unfinished);
  ck_assert_int_eq(first->begin_ns, 1000000);
  ck_assert_int_eq(first->duration_ns, 200000000);
  ck_assert_uint_eq(first->turn, 1);
  ck_assert_uint_eq(first->n_calls, 1);
  ck_assert_uint_eq(first->calls[0].callee, LT_CALLEE_nanosleep);
  ck_assert_uint_eq(first->n_samples, 1);
  ck_assert_str_eq(model_cause_word(&first->cause), "blocked");
  ck_assert_uint_eq(second->turn, 2);
  ck_assert_uint_eq(second->calls[0].callee, LT_CALLEE_connect);
  ck_assert_int_eq(second->cause.cpu, 68000000);
  model_close(m);
}
END_TEST

START_TEST(what_no_loop_did_is_not_counted) {
  struct model *m = model_of_text(EARLY_TURNS, 500, NULL);
  ck_assert_uint_eq(m->n_loops, 0);
  ck_assert_uint_eq(m->n_stalls, 0);
  ck_assert_uint_eq(m->n_calls, 0);
  ck_assert_uint_eq(m->n_sites, 0);
  model_close(m);
}
END_TEST

START_TEST(an_early_turn_that_cannot_be_is_none) {
  struct model *m = model_of_text("100 early ago=101 ms=100\n"
                                  "100 early ago=60 ms=61\n"
                                  "100 loop+ mode=3\n"
                                  "200 early ago=90 ms=80\n"
                                  "201 poll\n",
                                  500, NULL);
  ck_assert_uint_eq(m->loops[0].turns, 1);
  model_close(m);
}
END_TEST

/* Each goes through all that the thread did before: a file may not have more of
 * them than a recorder tells, nor the same time twice. */
START_TEST(early_turns_lie_one_behind_the_other_and_are_few) {
  struct model *m = model_of_text(EARLY_TURNS
                                  "301 early ago=300 ms=200\n"
                                  "301 early ago=300 ms=200\n"
                                  "301 early ago=200 ms=150\n"
                                  "301 early ago=90 ms=5\n"
                                  "301 early ago=80 ms=5\n"
                                  "301 early ago=70 ms=5\n"
                                  "301 early ago=60 ms=5\n"
                                  "301 early ago=50 ms=5\n"
                                  "301 early ago=40 ms=5\n"
                                  "301 early ago=30 ms=5\n"
                                  "301 early ago=20 ms=5\n"
                                  "301 loop+ mode=3\n"
                                  "302 poll\n",
                                  500, NULL);
  ck_assert_uint_eq(m->loops[0].turns, 8 + 1);
  ck_assert_uint_eq(m->n_calls, 1);
  model_close(m);
}
END_TEST

static TCase *stall_tests(void) {
  TCase *t = tcase_create("stalls");
  tcase_add_checked_fixture(t, NULL, teardown);
  tcase_add_test(t, a_sleeping_timer_is_one_blocked_slice);
  tcase_add_test(t, victims_are_what_waited_and_what_came_late);
  tcase_add_test(t, a_repeating_timer_is_late_by_its_own_period);
  tcase_add_test(t, a_sleep_that_is_over_makes_no_task_late);
  tcase_add_test(t, a_loop_is_summed_up_in_turns_and_polls);
  tcase_add_test(t, many_callbacks_make_a_long_turn);
  tcase_add_test(t, two_slices_within_the_budget_can_make_a_turn_beyond_it);
  tcase_add_test(t, a_nested_poll_is_waiting_and_the_inner_slice_is_the_stall);
  tcase_add_test(t, another_loop_run_inside_a_callback_is_a_blocking_call);
  tcase_add_test(t, an_outer_slice_is_charged_its_own_time_only);
  tcase_add_test(t, a_run_of_another_loop_inside_a_callback_blocks_the_outer);
  tcase_add_test(t, a_loop_that_could_have_run_has_a_gap);
  tcase_add_test(t, who_waited_again_and_again_is_held_up_in_a_gap);
  tcase_add_test(t, waiting_for_the_loop_itself_divides_a_gap);
  tcase_add_test(t, a_gap_is_regular_only_where_all_is_known);
  tcase_add_test(t, a_run_that_had_something_to_do_is_no_wait);
  tcase_add_test(t, what_is_allowed_in_a_gap_is_known);
  tcase_add_test(t, a_gap_that_does_not_end_is_no_proof);
  tcase_add_test(t, what_never_came_back_is_a_stall_and_its_call_the_evidence);
  tcase_add_test(t, a_trace_that_ends_in_a_poll_has_no_stall);
  tcase_add_test(t, ends_without_begins_change_nothing);
  tcase_add_test(t, a_slice_across_lost_events_counts_up_to_the_loss_only);
  tcase_add_test(t, a_slice_whose_begin_was_lost_is_no_stall);
  tcase_add_test(t, a_long_call_after_a_loss_is_told_by_itself);
  tcase_add_test(t, an_event_lost_in_a_signal_handler_spoils_no_bracket);
  tcase_add_test(t, ancestry_is_the_chain_of_spawners);
  tcase_add_test(t, endless_chains_of_requests_stay_bounded);
  tcase_add_test(t, two_threads_turn_two_loops_and_names_are_inert);
  tcase_add_test(t, a_loop_without_callbacks_has_stalls_in_its_turns);
  tcase_add_test(
      t, turns_before_a_loop_was_known_are_stalls_with_their_evidence);
  tcase_add_test(t, what_no_loop_did_is_not_counted);
  tcase_add_test(t, an_early_turn_that_cannot_be_is_none);
  tcase_add_test(t, early_turns_lie_one_behind_the_other_and_are_few);
  tcase_add_test(
      t, the_last_turn_of_a_loop_that_was_left_unseen_is_not_judged);
  tcase_add_test(t, a_loop_without_callbacks_that_is_killed_had_a_stall);
  tcase_add_test(t, sites_are_named_as_far_as_is_known);
  tcase_add_test(t, pool_jobs_wait_are_worked_on_and_wait_again);
  return t;
}

int main(void) {
  Suite *suite = suite_create("model");
  suite_add_tcase(suite, stall_tests());
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
