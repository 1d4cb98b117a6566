/* drain/: from the rings of this very process to files, read back again. */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/nap.h"
#include "tests/unit/drain_fixture.h"

START_TEST(a_process_that_turns_no_loop_gets_no_file) {
  begin(&small);
  lti_emit(LT_MARK, 0, 0, 0, 1);
  lti_drain_step(drain);
  const struct lti_drain_file *f = finish();
  ck_assert_ptr_null(f->path);
  ck_assert_int_eq(f->error, 0);
  ck_assert_int_eq(f->pid, getpid());
  ck_assert_uint_eq(f->n_loops, 0);
  ck_assert_int_ne(access(path, F_OK), 0);
  end();
}
END_TEST

START_TEST(events_before_the_first_loop_are_kept) {
  begin(NULL);
  for (unsigned i = 0; i < 10; i++) {
    lti_emit(LT_MARK, 0, 0, 0, i);
    lti_drain_process_ended(drain, 1, LT_END_EXITED, 0,
                            moment()); /* nobody we know */
    lti_drain_step(drain);
  }
  ck_assert_int_ne(access(path, F_OK), 0);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  lti_emit(LT_LOOP_END, 1, 0, 0, 0);
  const struct lti_drain_file *f = finish();
  ck_assert_str_eq(f->path, path);
  ck_assert_uint_eq(f->n_events, 12);
  ck_assert_uint_eq(f->n_loops, 1);
  lt_reader *r = open_whole(path);
  lt_event e;
  for (unsigned i = 0; i < 10; i++) {
    ck_assert_int_eq(lt_reader_next(r, &e), LT_OK);
    ck_assert_uint_eq(e.kind, LT_MARK);
    ck_assert_uint_eq(e.b, i);
  }
  ck_assert_int_eq(lt_reader_info(r)->pid, getpid());
  ck_assert_int_eq(lt_reader_info(r)->end_reason, LT_END_STOPPED);
  lt_reader_close(r);
  end();
}
END_TEST

/* MARKs with running numbers: whatever the rings do, none is missing unsaid. */
struct tally {
  uint64_t marks, lost, next;
};

static void tally_event(struct tally *t, const lt_event *e) {
  if (e->kind == LT_LOST)
    t->lost += e->a;
  if (e->kind != LT_MARK)
    return;
  ck_assert_uint_ge(e->b, t->next); /* in order, none twice */
  t->next = e->b + 1;
  t->marks++;
}

START_TEST(rings_wrap_and_grow_without_losing_a_record) {
  begin(&small);
  uint64_t n = 0;
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  for (unsigned round = 0; round < 3000; round++) {
    unsigned some = round < 40 ? round % 16 : round % 257;
    for (unsigned i = 0; i < some; i++)
      lti_emit(LT_MARK, 0, 0, 0, n++);
    lti_drain_step(drain);
  }
  const struct lti_drain_file *f = finish();
  ck_assert_uint_eq(f->n_lost, 0);
  ck_assert_uint_eq(f->n_events, n + 1);
  lt_reader *r = open_whole(path);
  struct tally t = {0};
  lt_event e;
  while (lt_reader_next(r, &e) == LT_OK)
    tally_event(&t, &e);
  ck_assert_uint_eq(t.marks, n);
  ck_assert_uint_eq(t.next, n);
  lt_reader_close(r);
  end();
}
END_TEST

START_TEST(what_is_not_known_yet_is_not_sealed) {
  begin(&small);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  lti_drain_step(drain);
  struct lti_knot known = moment();
  for (unsigned i = 0; i < 30; i++) {
    wait_ms(10);
    lti_emit(LT_MARK, 0, 0, 0, i);
    lti_drain_step_until(drain, known.ns);
  }
  ck_assert_uint_lt(lti_drain_sealed(drain), known.clock);
  lti_drain_step(drain);
  ck_assert_uint_gt(lti_drain_sealed(drain), known.clock);
  end();
}
END_TEST

enum { FLAT_OUT = 4, ATTEMPTS = 300000 };
static _Atomic int n_running;

static void *emit_flat_out(void *unused) {
  (void)unused;
  lti_emit(LT_LOOP_BEGIN, (unsigned)lti_loop_new(), 0, 0, 0);
  for (uint64_t i = 0; i < ATTEMPTS; i++)
    lti_emit(LT_MARK, 0, 0, 0, i);
  atomic_fetch_sub(&n_running, 1);
  return NULL;
}

START_TEST(what_threads_flat_out_attempt_is_recorded_or_counted) {
  begin(&small);
  pthread_t threads[FLAT_OUT];
  n_running = FLAT_OUT;
  for (int i = 0; i < FLAT_OUT; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, emit_flat_out, NULL), 0);
  while (atomic_load(&n_running) > 0)
    lti_drain_step(drain);
  for (int i = 0; i < FLAT_OUT; i++)
    pthread_join(threads[i], NULL);
  const struct lti_drain_file *f = finish();
  ck_assert_uint_gt(f->n_lost, 0);
  ck_assert_uint_eq(f->n_loops, FLAT_OUT);
  lt_reader *r = open_whole(path);
  struct tally t[FLAT_OUT] = {{0}};
  lt_event e;
  int64_t last_ns = 0;
  while (lt_reader_next(r, &e) == LT_OK) {
    ck_assert_uint_lt(e.thread, FLAT_OUT);
    ck_assert_int_ge(e.time_ns, last_ns);
    last_ns = e.time_ns;
    if (e.kind == LT_LOST)
      ck_assert_uint_eq(e.x, LT_LOST_FULL);
    tally_event(&t[e.thread], &e);
  }
  uint64_t lost = 0;
  for (int i = 0; i < FLAT_OUT; i++) {
    ck_assert_uint_eq(t[i].marks + t[i].lost, ATTEMPTS);
    lost += t[i].lost;
  }
  ck_assert_uint_eq(f->n_lost, lost);
  ck_assert_uint_eq(lt_reader_info(r)->n_lost, lost);
  lt_reader_close(r);
  end();
}
END_TEST

START_TEST(a_loss_stands_where_it_happened_with_its_gap) {
  begin(&small);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  for (unsigned i = 0; i < 16 + 256 + 100; i++)
    lti_emit(LT_MARK, 0, 0, 0, i);
  lti_drain_step(drain);
  lti_emit(LT_MARK, 0, 0, 0, 1000);
  finish();
  lt_reader *r = open_whole(path);
  lt_event e, before = {0};
  while (lt_reader_next(r, &e) == LT_OK && e.kind != LT_LOST)
    before = e;
  ck_assert_uint_eq(before.b, 16 + 256 - 2);
  ck_assert_uint_eq(e.kind, LT_LOST);
  ck_assert_uint_eq(e.x, LT_LOST_FULL);
  ck_assert_uint_eq(e.a, 101);
  ck_assert_uint_gt(e.b, 0);
  ck_assert_int_ge(e.time_ns - (int64_t)e.b, before.time_ns);
  ck_assert_int_eq(lt_reader_next(r, &e), LT_OK);
  ck_assert_uint_eq(e.b, 1000);
  lt_reader_close(r);
  end();
}
END_TEST

START_TEST(a_straggler_is_raised_to_the_watermark) {
  begin(NULL);
  uint64_t old = lti_now();
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  step_until_written();
  lti_emit_at(old, LT_MARK, 0, 0, 0, 7);
  lti_emit(LT_MARK, 0, 0, 0, 8);
  finish();
  lt_reader *r = open_whole(path);
  lt_event first, late, last;
  ck_assert_int_eq(lt_reader_next(r, &first), LT_OK);
  ck_assert_int_eq(lt_reader_next(r, &late), LT_OK);
  ck_assert_int_eq(lt_reader_next(r, &last), LT_OK);
  ck_assert_uint_eq(late.b, 7);
  ck_assert_int_gt(late.time_ns, first.time_ns);
  ck_assert_int_le(late.time_ns, last.time_ns);
  lt_reader_close(r);
  end();
}
END_TEST

START_TEST(times_are_those_of_the_monotonic_clock) {
  begin(NULL);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  uint64_t before_ns = lti_monotonic_ns();
  lti_emit(LT_MARK, 0, 0, 0, 1);
  uint64_t after_ns = lti_monotonic_ns();
  step_until_written();
  finish();
  lt_reader *r = open_whole(path);
  lt_event e;
  while (lt_reader_next(r, &e) == LT_OK && e.kind != LT_MARK)
    continue;
  int64_t at = lt_reader_info(r)->start_ns + e.time_ns;
  ck_assert_int_ge(at, (int64_t)before_ns - 20000);
  ck_assert_int_le(at, (int64_t)after_ns + 20000);
  lt_reader_close(r);
  end();
}
END_TEST

START_TEST(texts_modules_and_names_reach_the_reader) {
  begin(&small);
  struct lti_outer outer;
  lti_loop_enter(&outer, lti_loop_new(), 0); /* emits the modules */
  lti_drain_step(drain);
  lti_emit(LT_LOOP_NAME, 1, 0, lti_emit_string("main loop"), 0);
  uint64_t task = lti_task_new();
  uintptr_t site = (uintptr_t)emit_flat_out;
  lti_emit(LT_SPAWN, LT_TASK_TIMER, task, site, site);
  lti_emit(LT_LABEL, 0, task, lti_emit_string("nightly"), 0);
  lti_emit(LT_CALL, LT_CALLEE_OWN + (unsigned)lti_emit_string("db_query"), 0,
           site, 5);
  lti_note_emit("one library could not be seen");
  finish();
  lt_reader *r = open_whole(path);
  lt_event e;
  while (lt_reader_next(r, &e) == LT_OK) {
    if (e.kind == LT_LABEL)
      ck_assert_str_eq(lt_reader_string(r, e.a), "nightly");
    if (e.kind == LT_CALL)
      ck_assert_str_eq(lt_reader_callee(r, e.x), "db_query");
    if (e.kind != LT_SPAWN)
      continue;
    const lt_site_def *s = lt_reader_site(r, e.a);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(s->address, site);
    ck_assert_uint_gt(s->module, 0);
    ck_assert_ptr_nonnull(
        strstr(lt_reader_module(r, s->module)->path, "check_drain"));
  }
  ck_assert_str_eq(lt_reader_loop(r, 1)->name, "main loop");
  ck_assert_str_eq(lt_reader_note(r, 0), "one library could not be seen");
  ck_assert_str_eq(lt_reader_info(r)->recorder, "looptrace test");
  lt_reader_close(r);
  end();
}
END_TEST

/* So that those who look at a program that does nothing know the names. */
START_TEST(what_is_defined_after_the_last_event_is_in_the_file_soon) {
  begin(&small);
  struct lti_outer outer;
  lti_loop_enter(&outer, lti_loop_new(), 0);
  lti_drain_step(drain);
  usleep(210000); /* an epoch */
  lti_drain_step(drain);
  lti_note_emit("said in silence");
  lti_drain_step(drain);
  usleep(210000);
  lti_drain_step(drain);
  lt_reader *r;
  ck_assert_int_eq(lt_reader_open(path, &r), LT_OK);
  ck_assert_uint_gt(lt_reader_info(r)->n_events, 0);
  const char *note = lt_reader_note(r, 0);
  ck_assert_ptr_nonnull(note);
  ck_assert_str_eq(note, "said in silence");
  lt_reader_close(r);
  finish();
  end();
}
END_TEST

START_TEST(a_call_that_has_not_come_back_is_told_at_the_end) {
  begin(&small);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  struct lti_thread *t = lti_self.slot;
  t->call = LTI_HEAD(LT_CALL, LT_CALLEE_read, 5);
  t->call_since = lti_now();
  t->call_site = (uintptr_t)emit_flat_out;
  lti_drain_step(drain);
  finish();
  lt_reader *r = open_whole(path);
  lt_event e;
  while (lt_reader_next(r, &e) == LT_OK && e.kind != LT_CALL_BEGIN)
    continue;
  ck_assert_uint_eq(e.kind, LT_CALL_BEGIN);
  ck_assert_uint_eq(e.x, LT_CALLEE_read);
  ck_assert_uint_eq(e.ref, 5);
  ck_assert_uint_gt(e.b, 0);
  ck_assert_int_ge(e.time_ns, (int64_t)e.b);
  lt_reader_close(r);
  end();
}
END_TEST

START_TEST(events_of_threads_without_a_slot_are_told) {
  begin(&small);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  atomic_store(&lti_process.proc->no_ring, 12);
  finish();
  lt_reader *r = open_whole(path);
  lt_event e;
  while (lt_reader_next(r, &e) == LT_OK && e.kind != LT_LOST)
    continue;
  ck_assert_uint_eq(e.kind, LT_LOST);
  ck_assert_uint_eq(e.x, LT_LOST_NO_RING);
  ck_assert_uint_eq(e.a, 12);
  lt_reader_close(r);
  end();
}
END_TEST

/* A slot spoiled in many ways: the drain says "damaged" and goes on. */
START_TEST(nonsense_in_a_slot_is_counted_and_harms_nobody) {
  begin(&small);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  struct lti_thread *t = lti_self.slot;
  lti_drain_step(drain);
  t->head += 1000000; /* more than any ring holds */
  lti_drain_step(drain);
  t->head -= 5; /* backwards */
  lti_drain_step(drain);
  t->head += 5 + 3;
  t->large = 77; /* no such ring */
  t->large_from = t->head - 1;
  lti_drain_step(drain);
  t->large = LTI_NO_RING;
  struct lti_record *ring = lti_arena_small(arena, 0);
  uint64_t at = t->head;
  ring[at % 16].head = LTI_HEAD(99, 0, 0);
  ring[(at + 1) % 16].head = LTI_HEAD(LTI_DATA_STRING, 65535, 0);
  ring[(at + 2) % 16].head = LTI_HEAD(LT_MARK, 0, 0);
  t->head = at + 3;
  lti_drain_step(drain);
  t->proc = 4000000; /* of no process */
  lti_drain_step(drain);
  t->proc = 0;
  ring[t->head % 16] =
      (struct lti_record){UINT64_MAX, LTI_HEAD(LT_MARK, 0, 0), 0, 9};
  t->head++;
  lti_drain_step(drain);
  const struct lti_drain_file *f = finish();
  ck_assert_uint_ge(f->n_lost, 4);
  lt_reader *r = open_whole(path);
  lt_event e;
  unsigned damaged = 0, marks = 0;
  while (lt_reader_next(r, &e) == LT_OK) {
    damaged += e.kind == LT_LOST && e.x == LT_LOST_DAMAGED;
    marks += e.kind == LT_MARK && e.b == 9;
    ck_assert_int_le(lt_reader_info(r)->start_ns + e.time_ns,
                     (int64_t)lti_monotonic_ns());
  }
  ck_assert_uint_ge(damaged, 4);
  ck_assert_uint_eq(marks, 1);
  lt_reader_close(r);
  end();
}
END_TEST

static void *emit_one(void *number) {
  lti_emit(LT_MARK, 0, 0, 0, (uintptr_t)number);
  return NULL;
}

START_TEST(slots_of_ended_threads_are_used_again) {
  begin(&small);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  for (uintptr_t i = 0; i < 100; i++) { /* there are 16 slots */
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, emit_one, (void *)i), 0);
    pthread_join(thread, NULL);
    lti_drain_step(drain);
  }
  const struct lti_drain_file *f = finish();
  ck_assert_uint_eq(f->n_lost, 0);
  lt_reader *r = open_whole(path);
  ck_assert_uint_eq(lt_reader_info(r)->n_threads, 101);
  lt_event e;
  unsigned n = 0;
  while (lt_reader_next(r, &e) == LT_OK)
    if (e.kind == LT_MARK) {
      ck_assert_uint_eq(e.b, n);
      ck_assert_uint_eq(e.thread, ++n);
    }
  ck_assert_uint_eq(n, 100);
  ck_assert_uint_eq(atomic_load(&arena->large_used), 0);
  lt_reader_close(r);
  end();
}
END_TEST

static pthread_barrier_t renaming;

static void *emit_and_wait(void *unused) {
  lti_emit(LT_MARK, 0, 0, 0, 1);
  pthread_barrier_wait(&renaming); /* it is renamed, and seen */
  pthread_barrier_wait(&renaming);
  return unused;
}

START_TEST(a_thread_that_was_renamed_has_its_new_name) {
  pthread_t thread;
  begin(&small);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  pthread_barrier_init(&renaming, NULL, 2);
  ck_assert_int_eq(pthread_create(&thread, NULL, emit_and_wait, NULL), 0);
  pthread_barrier_wait(&renaming);
  ck_assert_int_eq(pthread_setname_np(thread, "a new name"), 0);
  lti_drain_step(drain);
  pthread_barrier_wait(&renaming);
  pthread_join(thread, NULL);
  finish();
  lt_reader *r = open_whole(path);
  ck_assert_str_eq(lt_reader_thread(r, 1)->name, "a new name");
  lt_reader_close(r);
  end();
}
END_TEST

START_TEST(a_file_that_is_there_is_replaced_only_when_asked) {
  begin(&small);
  struct lti_drain *second;
  struct lti_drain_options o = options_of_test();
  FILE *f = fopen(path, "w");
  fputs("mine", f);
  fclose(f);
  ck_assert_int_eq(lti_drain_open(arena, -1, &o, &second), LT_EXISTS);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0); /* it came after drain was opened */
  const struct lti_drain_file *file = finish();
  ck_assert_ptr_null(file->path);
  ck_assert_int_eq(file->error, EEXIST);
  ck_assert_str_eq(file->error_doing, "create");
  ck_assert_uint_eq(file->n_lost, 1);
  o.overwrite = true;
  ck_assert_int_eq(lti_drain_open(arena, -1, &o, &second), LT_OK);
  lti_drain_close(second);
  end();
}
END_TEST

START_TEST(a_write_error_ends_the_file_and_is_counted) {
  struct rlimit limit = {20000, 20000};
  signal(SIGXFSZ, SIG_IGN);
  begin(NULL);
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  uint64_t attempts = 1, state = 1;
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 3000; i++, attempts++) {
      state = state * UINT64_C(6364136223846793005) + 1;
      lti_emit(LT_MARK, 0, 0, 0, state >> 8);
    }
    if (round == 0)
      step_until_written();
  }
  const struct lti_drain_file *f = finish();
  ck_assert_int_eq(f->error, EFBIG);
  ck_assert_str_eq(f->error_doing, "write");
  ck_assert_uint_eq(f->n_events + f->n_lost, attempts);
  lt_reader *r;
  ck_assert_int_eq(lt_reader_open(path, &r), LT_OK);
  ck_assert_uint_eq(lt_reader_info(r)->n_events, f->n_events);
  ck_assert(!lt_reader_info(r)->complete);
  lt_reader_close(r);
  end();
}
END_TEST

/* A child that turns a loop of its own, and ends. */
static pid_t fork_child(const char *comm) {
  pid_t pid = fork();
  if (pid == 0) {
    FILE *f = fopen("/proc/self/comm", "w");
    fputs(comm, f);
    fclose(f);
    lti_process_revive();
    lti_emit(LT_LOOP_BEGIN, lti_loop_new(), 0, 0, 0);
    lti_emit(LT_MARK, 0, 0, 0, 5);
    _exit(3);
  }
  ck_assert_int_gt(pid, 0);
  return pid;
}

START_TEST(each_process_gets_a_file_with_a_safe_name) {
  char expected[128];
  struct stat st;
  begin(&small);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  ck_assert(lti_drain_has_live(drain));
  pid_t pid = fork_child("../e vil\033[m");
  ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
  lti_drain_step(drain);
  lti_drain_process_ended(drain, pid, LT_END_EXITED, 3, moment());
  snprintf(expected, sizeof expected, "%s/x._._e_vil__m-%d.lt", dir, (int)pid);
  ck_assert_int_eq(stat(expected, &st), 0);
  ck_assert_uint_eq(st.st_mode & 07777, 0600);
  lt_reader *r = open_whole(expected);
  ck_assert_uint_eq(lt_reader_info(r)->n_events, 2);
  ck_assert_int_eq(lt_reader_info(r)->end_reason, LT_END_EXITED);
  ck_assert_int_eq(lt_reader_info(r)->end_status, 3);
  lt_reader_close(r);
  finish();
  r = open_whole(path);
  ck_assert_uint_eq(lt_reader_info(r)->n_events, 1);
  lt_reader_close(r);
  unlink(expected);
  end();
}
END_TEST

START_TEST(a_process_that_is_gone_is_noticed) {
  begin(&small);
  pid_t pid = fork_child("gone");
  siginfo_t info;
  ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
  lti_drain_step(drain);
  ck_assert(!lti_drain_has_live(drain)); /* a zombie, and we claimed nothing */
  ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
  size_t n;
  lti_drain_finish(drain, LT_END_STOPPED);
  const struct lti_drain_file *f = lti_drain_files(drain, &n);
  ck_assert_uint_eq(n, 1);
  ck_assert_str_eq(f->comm, "gone");
  lt_reader *r = open_whole(f->path);
  ck_assert_int_eq(lt_reader_info(r)->end_reason, LT_END_GONE);
  lt_reader_close(r);
  unlink(f->path);
  end();
}
END_TEST

START_TEST(a_trace_ends_when_its_process_did) {
  begin(&small);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  wait_ms(10);
  struct lti_knot ended = moment();
  wait_ms(40); /* until that is heard of */
  lti_drain_process_ended(drain, getpid(), LT_END_KILLED, 9, ended);
  ck_assert_int_lt(llabs(end_after(ended)), 1000000);
  finish();
  end();
}
END_TEST

START_TEST(a_trace_does_not_end_before_its_last_event) {
  lt_event e;
  begin(&small);
  struct lti_knot ended = moment();
  wait_ms(10);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  struct lti_knot emitted = moment();
  lti_drain_process_ended(drain, getpid(), LT_END_KILLED, 9, ended);
  ck_assert_int_ge(end_after(ended), 9000000);
  ck_assert_int_le(end_after(emitted), 0);
  lt_reader *r = open_whole(path);
  ck_assert_int_eq(lt_reader_next(r, &e), LT_OK);
  lt_reader_close(r);
  finish();
  end();
}
END_TEST

/* When nobody told how it ended: up to when it was seen to live, that is. */
START_TEST(a_trace_of_one_that_is_gone_ends_when_it_was_last_seen) {
  begin(&small);
  pid_t pid = fork_hanging();
  wait_ms(10);
  struct lti_knot before = moment();
  ck_assert(lti_drain_has_live(drain));
  kill_and_reap(pid);
  struct lti_knot dead = moment();
  wait_ms(40);
  ck_assert(!lti_drain_has_live(drain));
  size_t n;
  const struct lti_drain_file *f = lti_drain_files(drain, &n);
  ck_assert_uint_eq(n, 1);
  snprintf(path, sizeof path, "%s", f->path);
  ck_assert_int_ge(end_after(before), -1000);
  ck_assert_int_lt(end_after(dead), 0);
  lti_drain_finish(drain, LT_END_STOPPED);
  end();
}
END_TEST

START_TEST(the_program_that_called_exec_and_the_new_one_get_two_files) {
  begin(&small);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  /* What attaching does in the new image of the same pid. */
  atomic_store(&lti_process.proc->state, LTI_SLOT_ENDED);
  struct lti_proc *next = lti_arena_proc(arena, 5);
  struct lti_thread *t = lti_arena_thread(arena, 9);
  next->pid = getpid();
  next->start_clock = lti_now();
  strcpy(next->comm, "second");
  t->proc = 5;
  t->large = LTI_NO_RING;
  lti_arena_small(arena, 9)[0] =
      (struct lti_record){lti_now(), LTI_HEAD(LT_LOOP_BEGIN, 1, 0), 0, 0};
  t->head = 1;
  next->state = LTI_SLOT_CLAIMED;
  t->state = LTI_SLOT_CLAIMED;
  lti_drain_step(drain);
  ck_assert_uint_eq(atomic_load(&lti_process.proc->state), LTI_SLOT_FREE);
  lti_drain_process_ended(drain, getpid(), LT_END_KILLED, 9, moment());
  size_t n;
  lti_drain_finish(drain, LT_END_STOPPED);
  const struct lti_drain_file *f = lti_drain_files(drain, &n);
  ck_assert_uint_eq(n, 2);
  lt_reader *r = open_whole(path);
  ck_assert_int_eq(lt_reader_info(r)->end_reason, LT_END_EXEC);
  lt_reader_close(r);
  ck_assert_str_ne(f[1].path, path);
  r = open_whole(f[1].path);
  ck_assert_int_eq(lt_reader_info(r)->end_reason, LT_END_KILLED);
  ck_assert_int_eq(lt_reader_info(r)->end_status, 9);
  lt_reader_close(r);
  unlink(f[1].path);
  end();
}
END_TEST

START_TEST(too_much_before_a_loop_drops_the_oldest_and_says_how_many) {
  enum { BEFORE = 1500000 };
  begin(NULL);
  for (uint64_t i = 0; i < BEFORE; i++) {
    lti_emit(LT_MARK, 0, 0, 0, i);
    if (i % 50000 == 0)
      lti_drain_step(drain);
  }
  /* Until an epoch was due, which is when things are kept back. */
  uint64_t last_ns = lti_monotonic_ns();
  while (lti_monotonic_ns() - last_ns < 300000000)
    lti_drain_step(drain);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  const struct lti_drain_file *f = finish();
  ck_assert_uint_ge(f->n_lost, BEFORE - 1000000);
  lt_reader *r = open_whole(path);
  struct tally t = {0};
  lt_event e;
  while (lt_reader_next(r, &e) == LT_OK)
    tally_event(&t, &e);
  ck_assert_uint_eq(t.marks + t.lost, BEFORE);
  ck_assert_uint_le(t.marks, 1000000);
  ck_assert_uint_eq(t.next, BEFORE);
  lt_reader_close(r);
  end();
}
END_TEST

START_TEST(what_piled_up_is_cut_into_epochs_and_stays_in_order) {
  enum { PILE = 1500000 };
  more.epoch_ns = more.epoch_bytes = UINT64_MAX / 2;
  begin(NULL);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  for (uint64_t i = 0; i < PILE; i++) {
    lti_emit(LT_MARK, 0, 0, 0, i);
    if (i % 50000 == 0)
      lti_drain_step(drain);
  }
  const struct lti_drain_file *f = finish();
  ck_assert_uint_eq(f->n_lost, 0);
  lt_reader *r = open_whole(path);
  ck_assert_uint_ge(lt_reader_info(r)->n_epochs, PILE / 131072);
  struct tally t = {0};
  lt_event e;
  while (lt_reader_next(r, &e) == LT_OK)
    tally_event(&t, &e);
  ck_assert_uint_eq(t.marks, PILE);
  ck_assert_uint_eq(lt_reader_info(r)->n_notes, 1);
  ck_assert_ptr_nonnull(strstr(lt_reader_note(r, 0), "uncompressed"));
  lt_reader_close(r);
  end();
}
END_TEST

START_TEST(the_arena_says_that_somebody_drains_until_nobody_does) {
  begin(&small);
  atomic_store(&arena->heartbeat_ns, 0);
  uint64_t sleep_ns = lti_drain_step(drain);
  ck_assert_uint_gt(atomic_load(&arena->heartbeat_ns), 0);
  ck_assert_uint_ge(sleep_ns, 1000000);
  for (int i = 0; i < 20; i++)
    sleep_ns = lti_drain_step(drain);
  ck_assert_uint_eq(sleep_ns, 50000000); /* idle */
  for (int i = 0; i < 8; i++)
    lti_emit(LT_MARK, 0, 0, 0, 0);
  ck_assert_uint_eq(lti_drain_step(drain), 1000000);
  ck_assert_uint_eq(atomic_load(&arena->closed), 0);
  finish();
  ck_assert_uint_eq(atomic_load(&arena->closed), 1);
  ck_assert(!lti_is_on());
  end();
}
END_TEST

START_TEST(a_ring_that_is_half_full_wakes_the_drain_and_no_earlier) {
  begin(&small);
  lti_nap_prepare(arena);
  lti_emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  for (int i = 1; i < 16 + 128; i++)
    lti_emit(LT_MARK, 0, 0, 0, 0);
  ck_assert_uint_eq(atomic_load(&arena->asleep), 1);
  lti_emit(LT_MARK, 0, 0, 0, 0);
  ck_assert_uint_eq(atomic_load(&arena->asleep), 0);
  lti_nap(arena, UINT64_MAX / 2); /* was ended before it began */
  ck_assert_uint_eq(finish()->n_lost, 0);
  end();
}
END_TEST

int main(void) {
  Suite *s = suite_create("drain");
  TCase *t = tcase_create("drain");
  tcase_set_timeout(t, 60);
  tcase_add_test(t, a_process_that_turns_no_loop_gets_no_file);
  tcase_add_test(t, events_before_the_first_loop_are_kept);
  tcase_add_test(t, rings_wrap_and_grow_without_losing_a_record);
  tcase_add_test(t, what_is_not_known_yet_is_not_sealed);
  tcase_add_test(t, what_threads_flat_out_attempt_is_recorded_or_counted);
  tcase_add_test(t, a_loss_stands_where_it_happened_with_its_gap);
  tcase_add_test(t, a_straggler_is_raised_to_the_watermark);
  tcase_add_test(t, times_are_those_of_the_monotonic_clock);
  tcase_add_test(t, texts_modules_and_names_reach_the_reader);
  tcase_add_test(t, what_is_defined_after_the_last_event_is_in_the_file_soon);
  tcase_add_test(t, a_call_that_has_not_come_back_is_told_at_the_end);
  tcase_add_test(t, events_of_threads_without_a_slot_are_told);
  tcase_add_test(t, nonsense_in_a_slot_is_counted_and_harms_nobody);
  tcase_add_test(t, slots_of_ended_threads_are_used_again);
  tcase_add_test(t, a_thread_that_was_renamed_has_its_new_name);
  tcase_add_test(t, a_file_that_is_there_is_replaced_only_when_asked);
  tcase_add_test(t, a_write_error_ends_the_file_and_is_counted);
  tcase_add_test(t, each_process_gets_a_file_with_a_safe_name);
  tcase_add_test(t, a_process_that_is_gone_is_noticed);
  tcase_add_test(t, a_trace_ends_when_its_process_did);
  tcase_add_test(t, a_trace_does_not_end_before_its_last_event);
  tcase_add_test(t, a_trace_of_one_that_is_gone_ends_when_it_was_last_seen);
  tcase_add_test(t, the_program_that_called_exec_and_the_new_one_get_two_files);
  tcase_add_test(t, too_much_before_a_loop_drops_the_oldest_and_says_how_many);
  tcase_add_test(t, what_piled_up_is_cut_into_epochs_and_stays_in_order);
  tcase_add_test(t, the_arena_says_that_somebody_drains_until_nobody_does);
  tcase_add_test(t, a_ring_that_is_half_full_wakes_the_drain_and_no_earlier);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
