/* read/: traces that are whole: events, order, definitions, seeks. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "read/state.h"
#include "read_fixture.h"

static struct fixture f;
static lt_event events[64];

START_TEST(events_come_in_the_order_of_time_and_of_threads) {
  fixture_small(&f);
  lt_reader *r = fixture_open(&f);
  size_t n = fixture_read(r, events, 64);
  static const int64_t times[] = {5,   10,  10,  20,  30,  30,  40,
                                  41,  105, 110, 110, 120, 130, 130,
                                  140, 141, 205, 210, 260, 310, 311};
  static const uint32_t threads[] = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1,
                                     0, 0, 1, 0, 0, 0, 0, 1, 0, 1};
  ck_assert_uint_eq(n, 21);
  for (size_t i = 0; i < n; i++) {
    ck_assert_int_eq(events[i].time_ns, times[i]);
    ck_assert_uint_eq(events[i].thread, threads[i]);
  }
  ck_assert_uint_eq(events[3].ref, 5); /* from the open slice */
  ck_assert_uint_eq(events[1].a, 1);
  lt_event e;
  ck_assert_int_eq(lt_reader_next(r, &e), LT_END);
  ck_assert_int_eq(lt_reader_next(r, &e), LT_END);
  lt_reader_close(r);
}
END_TEST

START_TEST(info_counts_the_whole_file) {
  fixture_small(&f);
  lt_reader *r = fixture_open(&f);
  const lt_info *i = lt_reader_info(r);
  ck_assert_uint_eq(i->n_events, 21);
  ck_assert_uint_eq(i->n_lost, 4);
  ck_assert_uint_eq(i->n_short_calls, 15);
  ck_assert_uint_eq(i->n_chunks, 10);
  ck_assert_uint_eq(i->n_epochs, 5);
  ck_assert_uint_eq(i->n_generations, 2);
  ck_assert_int_eq(i->end_ns, 350);
  ck_assert_int_eq(i->pid, 4711);
  ck_assert_int_eq(i->start_ns, 1000);
  ck_assert_uint_eq(i->untracked, 2);
  ck_assert_int_eq(i->end_reason, LT_END_EXITED);
  ck_assert_int_eq(i->end_status, 7);
  ck_assert(i->complete && i->ended);
  ck_assert_int_eq(i->problem, LT_OK);
  ck_assert_str_eq(i->problem_text, "");
  ck_assert_int_eq(lt_reader_verify(r), LT_OK);
  ck_assert_uint_eq(fixture_read(r, events, 64), 21);
  lt_reader_close(r);
}
END_TEST

START_TEST(definitions_are_known_from_the_start) {
  fixture_small(&f);
  lt_reader *r = fixture_open(&f);
  ck_assert_str_eq(lt_reader_string(r, 1), "tick");
  ck_assert_ptr_null(lt_reader_string(r, 0));
  ck_assert_ptr_null(lt_reader_string(r, UINT64_MAX));
  const lt_site_def *site = lt_reader_site(r, 1);
  ck_assert_str_eq(site->function, "tick");
  ck_assert_ptr_null(site->file);
  ck_assert_uint_eq(site->function_offset, 4);
  ck_assert_ptr_null(lt_reader_site(r, UINT64_C(1) << 32 | 1));
  ck_assert(lt_reader_thread(r, 0)->is_main);
  ck_assert_str_eq(lt_reader_thread(r, 1)->name, "w");
  ck_assert_ptr_null(lt_reader_thread(r, 2));
  ck_assert_str_eq(lt_reader_loop(r, 1)->name, "tick");
  ck_assert_ptr_null(lt_reader_module(r, 1));
  ck_assert_ptr_null(lt_reader_note(r, 0));
  ck_assert_str_eq(lt_reader_callee(r, LT_CALLEE_nanosleep), "nanosleep");
  ck_assert_str_eq(lt_reader_callee(r, LT_CALLEE_OWN + 1), "tick");
  ck_assert_ptr_nonnull(lt_reader_callee(r, LT_CALLEE_OWN + 2));
  lt_reader_close(r);
}
END_TEST

START_TEST(a_later_definition_replaces_an_earlier_one) {
  uint8_t bytes[256];
  struct lti_out out = lti_out_of(bytes, sizeof bytes);
  fixture_begin(&f);
  fixture_generation(&f);
  fixture_string(&out, 1, "tock");
  fixture_string(&out, UINT64_MAX, "far");
  fixture_defs(&f, LTI_BLOCK_DEFS, bytes, &out, 2);
  fixture_end(&f);
  lt_reader *r = fixture_open(&f);
  ck_assert_str_eq(lt_reader_string(r, 1), "tock");
  ck_assert_str_eq(lt_reader_site(r, 1)->function, "tock");
  ck_assert_str_eq(lt_reader_string(r, UINT64_MAX), "far");
  ck_assert(lt_reader_info(r)->complete);
  lt_reader_close(r);
}
END_TEST

START_TEST(the_last_word_stands_behind_the_last_generation) {
  uint8_t bytes[256];
  struct lti_out out = lti_out_of(bytes, sizeof bytes);
  fixture_begin(&f);
  fixture_generation(&f);
  fixture_epoch(&f, 10);
  fixture_generation(&f);
  fixture_string(&out, 1, "tock");
  fixture_defs(&f, LTI_BLOCK_DEFS, bytes, &out, 1);
  fixture_epoch(&f, 20);
  fixture_end(&f);
  lt_reader *r = fixture_open(&f);
  ck_assert_str_eq(lt_reader_string(r, 1), "tock");
  lt_reader_close(r);
}
END_TEST

/* Each time must lead to the epoch that it stands with. */
static void seek_all(lt_reader *r) {
  static const struct {
    int64_t to, first;
  } cases[] = {{INT64_MIN, 5}, {0, 5},     {104, 5},        {105, 105},
               {204, 105},     {205, 205}, {259, 205},      {260, 260},
               {309, 260},     {310, 310}, {INT64_MAX, 310}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ck_assert_int_eq(lt_reader_seek(r, cases[i].to), LT_OK);
    ck_assert_int_eq(lt_reader_next(r, events), LT_OK);
    ck_assert_int_eq(events[0].time_ns, cases[i].first);
  }
  ck_assert_int_eq(lt_reader_seek(r, 0), LT_OK);
  ck_assert_uint_eq(fixture_read(r, events, 64), 21);
}

START_TEST(a_seek_goes_to_the_epoch_that_begins_at_or_before) {
  fixture_small(&f);
  lt_reader *r = fixture_open(&f);
  seek_all(r);
  lt_reader_close(r);
}
END_TEST

START_TEST(a_seek_finds_epochs_that_the_index_left_out) {
  fixture_small(&f);
  lt_reader *r = fixture_open(&f);
  ck_assert_uint_eq(r->index.n, 5);
  r->index.n = 1;
  r->index.stride = 8;
  seek_all(r);
  r->index.n = 2;
  r->index.stride = 4;
  r->index.entries[1] = r->index.entries[4];
  seek_all(r);
  lt_reader_close(r);
}
END_TEST

/* What is open, as the time of its beginning: "t0:205,210 ". */
static const char *opens_at(lt_reader *r, int64_t time_ns) {
  static char text[256];
  const lt_open *opens;
  size_t n, used = 0;
  ck_assert_int_eq(lt_reader_seek(r, time_ns), LT_OK);
  ck_assert_int_eq(lt_reader_opens(r, &opens, &n), LT_OK);
  text[0] = 0;
  for (size_t i = 0; i < n; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "t%u:%d@%d ",
                             opens[i].thread, opens[i].kind,
                             (int)opens[i].begin_ns);
  return text;
}

START_TEST(opens_are_known_after_a_seek) {
  fixture_small(&f);
  lt_reader *r = fixture_open(&f);
  ck_assert_str_eq(opens_at(r, 0), "");
  ck_assert_str_eq(opens_at(r, 205), "");
  /* Thread 0 has no event in this epoch: its next block says it. */
  ck_assert_str_eq(opens_at(r, 260), "t0:10@205 t0:4@210 ");
  ck_assert_str_eq(opens_at(r, 310), "t0:10@205 t0:4@210 ");
  lt_reader_close(r);
}
END_TEST

START_TEST(opens_of_a_thread_without_further_events_are_known) {
  fixture_begin(&f);
  fixture_generation(&f);
  fixture_events(
      &f, 1, (lt_event[]){{.time_ns = 7, .kind = LT_POLL_BEGIN, .a = 1}}, 1);
  fixture_epoch(&f, 10);
  fixture_events(&f, 0, (lt_event[]){{.time_ns = 17, .kind = LT_MARK}}, 1);
  fixture_epoch(&f, 20);
  fixture_end(&f);
  lt_reader *r = fixture_open(&f);
  ck_assert_str_eq(opens_at(r, 17), "t1:8@7 ");
  ck_assert_str_eq(opens_at(r, 0), "");
  const lt_open *opens;
  size_t n;
  fixture_read(r, events, 64);
  ck_assert_int_eq(lt_reader_opens(r, &opens, &n), LT_OK);
  ck_assert_uint_eq(n, 0);
  lt_reader_close(r);
}
END_TEST

START_TEST(opens_do_not_move_the_reader) {
  const lt_open *opens;
  size_t n;
  fixture_small(&f);
  lt_reader *r = fixture_open(&f);
  for (int i = 0; i < 21; i++) {
    ck_assert_int_eq(lt_reader_opens(r, &opens, &n), LT_OK);
    ck_assert_int_eq(lt_reader_next(r, &events[i]), LT_OK);
  }
  ck_assert_int_eq(events[20].time_ns, 311);
  ck_assert_int_eq(lt_reader_next(r, events), LT_END);
  lt_reader_close(r);
}
END_TEST

START_TEST(tasks_are_those_of_the_generation) {
  const lt_task_def *tasks;
  size_t n;
  fixture_small(&f);
  lt_reader *r = fixture_open(&f);
  ck_assert_int_eq(lt_reader_seek(r, 260), LT_OK);
  ck_assert_int_eq(lt_reader_tasks(r, &tasks, &n), LT_OK);
  ck_assert_uint_eq(n, 1);
  ck_assert_uint_eq(tasks[0].id, 5);
  ck_assert_uint_eq(tasks[0].kind, LT_TASK_TIMER);
  ck_assert_int_eq(tasks[0].spawn_ns, 100);
  ck_assert_str_eq(tasks[0].label, "tick");
  ck_assert_int_eq(lt_reader_next(r, events), LT_OK);
  ck_assert_int_eq(events[0].time_ns, 260);
  lt_reader_close(r);
}
END_TEST

START_TEST(what_is_no_trace_is_refused_at_once) {
  lt_reader *r = (lt_reader *)&f;
  ck_assert_int_eq(lt_reader_open("/nonexistent/x.lt", &r), LT_NOT_FOUND);
  ck_assert_ptr_null(r);
  ck_assert_int_eq(lt_reader_open("/", &r), LT_NOT_A_TRACE);
  ck_assert_int_eq(lt_reader_open("/dev/zero", &r), LT_NOT_A_TRACE);
  ck_assert_int_eq(lt_reader_open("/dev/null", &r), LT_NOT_A_TRACE);
  ck_assert_int_eq(lt_reader_open(fixture_file("", 0), &r), LT_NOT_A_TRACE);
  ck_assert_int_eq(lt_reader_open(fixture_file("#!/bin/sh\n", 10), &r),
                   LT_NOT_A_TRACE);
  static const uint8_t zeros[4096];
  ck_assert_int_eq(lt_reader_open(fixture_file(zeros, sizeof zeros), &r),
                   LT_NOT_A_TRACE);
  ck_assert_ptr_null(r);
}
END_TEST

static uint64_t n_read(void) {
  char text[1024] = "";
  unsigned long long n = 0;
  FILE *io = fopen("/proc/thread-self/io", "re");
  ck_assert_ptr_nonnull(io);
  ck_assert_ptr_nonnull(fgets(text, sizeof text, io));
  ck_assert_int_eq(sscanf(text, "rchar: %llu", &n), 1);
  fclose(io);
  return n;
}

/* Where the end mark is missing it is looked for: in one read. */
START_TEST(a_cut_file_is_not_read_again_and_again) {
  fixture_small(&f);
  f.size -= 20;
  const char *path = fixture_file(f.bytes, f.size);
  lt_reader *r;
  uint64_t before = n_read();
  ck_assert_int_eq(lt_reader_open(path, &r), LT_OK);
  ck_assert_uint_le(n_read() - before, 12 * f.size);
  ck_assert_int_eq(lt_reader_info(r)->problem, LT_TRUNCATED);
  lt_reader_close(r);
}
END_TEST

START_TEST(a_file_can_be_looked_over_in_steps) {
  static lt_event other[64];
  lt_reader *in_steps, *at_once;
  lt_status status;
  size_t n_steps = 0;
  fixture_small(&f);
  const char *path = fixture_file(f.bytes, f.size);
  ck_assert_int_eq(lt_reader_open(path, &at_once), LT_OK);
  ck_assert_int_eq(lt_reader_open_begin(path, &in_steps), LT_OK);
  ck_assert_str_eq(lt_reader_info(in_steps)->comm, "");
  while ((status = lt_reader_open_step(in_steps, 1)) == LT_OK) {
    ck_assert_uint_eq(lt_reader_info(in_steps)->n_epochs, ++n_steps);
    ck_assert_uint_le(lt_reader_info(in_steps)->n_events,
                      lt_reader_info(at_once)->n_events);
  }
  ck_assert_int_eq(status, LT_END);
  ck_assert_uint_eq(n_steps, lt_reader_info(at_once)->n_epochs);
  const lt_info *a = lt_reader_info(in_steps), *b = lt_reader_info(at_once);
  ck_assert_str_eq(a->comm, b->comm);
  ck_assert_uint_eq(a->n_events, b->n_events);
  ck_assert_int_eq(a->end_ns, b->end_ns);
  ck_assert(a->complete && b->complete);
  size_t n = fixture_read(in_steps, events, 64);
  ck_assert_uint_eq(n, fixture_read(at_once, other, 64));
  for (size_t i = 0; i < n; i++)
    ck_assert_int_eq(events[i].time_ns, other[i].time_ns);
  ck_assert_int_eq(lt_reader_open_step(in_steps, 1), LT_END); /* still */
  lt_reader_close(in_steps);
  ck_assert_int_eq(lt_reader_open_begin(path, &in_steps), LT_OK);
  ck_assert_int_eq(lt_reader_open_step(in_steps, 1), LT_OK);
  lt_reader_close(in_steps); /* in the middle */
  lt_reader_close(at_once);
}
END_TEST

START_TEST(a_fifo_does_not_hang) {
  lt_reader *r;
  const char *path = fixture_file("", 0);
  ck_assert_int_eq(unlink(path), 0);
  ck_assert_int_eq(mkfifo(path, 0600), 0);
  ck_assert_int_eq(lt_reader_open(path, &r), LT_NOT_A_TRACE);
}
END_TEST

START_TEST(a_newer_version_or_feature_is_refused) {
  lt_reader *r;
  fixture_small(&f);
  f.bytes[8] = 2;
  lti_put_u32(f.bytes + 60, lti_crc32(f.bytes, 60));
  ck_assert_int_eq(lt_reader_open(fixture_file(f.bytes, f.size), &r),
                   LT_VERSION);
  f.bytes[8] = 1;
  f.bytes[12] = 1;
  lti_put_u32(f.bytes + 60, lti_crc32(f.bytes, 60));
  ck_assert_int_eq(lt_reader_open(fixture_file(f.bytes, f.size), &r),
                   LT_VERSION);
}
END_TEST

/* Open a file of `size` bytes and let it grow by `step` at a time. */
static void follow(size_t size, size_t step) {
  static lt_event seen[64], whole[64];
  bool has_grown;
  size_t n = 0;
  lt_reader *r;
  ck_assert_int_eq(lt_reader_open(fixture_file(f.bytes, size), &r), LT_OK);
  n += fixture_read(r, seen, 64);
  while (size < f.size) {
    size = size + step < f.size ? size + step : f.size;
    (void)fixture_file(f.bytes, size);
    ck_assert_int_eq(lt_reader_follow(r, &has_grown), LT_OK);
    size_t more = fixture_read(r, seen + n, 64 - n);
    ck_assert(more == 0 || has_grown);
    n += more;
  }
  const lt_info *info = lt_reader_info(r);
  ck_assert(info->complete);
  ck_assert_uint_eq(info->n_events, 21);
  ck_assert_uint_eq(info->n_lost, 4);
  ck_assert_uint_eq(info->n_epochs, 5);
  ck_assert_uint_eq(info->n_generations, 2);
  ck_assert_uint_eq(info->n_short_calls, 15);
  ck_assert_int_eq(info->end_ns, 350);
  ck_assert_uint_eq(n, 21);
  ck_assert_int_eq(lt_reader_follow(r, &has_grown), LT_OK);
  ck_assert(!has_grown);
  ck_assert_int_eq(lt_reader_seek(r, 0), LT_OK);
  ck_assert_uint_eq(fixture_read(r, whole, 64), 21);
  for (size_t i = 0; i < n; i++) {
    ck_assert_int_eq(seen[i].time_ns, whole[i].time_ns);
    ck_assert_uint_eq(seen[i].thread, whole[i].thread);
    ck_assert_uint_eq(seen[i].ref, whole[i].ref);
    ck_assert_uint_eq(seen[i].a, whole[i].a);
  }
  ck_assert_str_eq(lt_reader_thread(r, 1)->name, "w");
  lt_reader_close(r);
}

START_TEST(a_file_that_grows_is_followed) {
  static const size_t steps[] = {1, 7, 64, 100, 333, 5000};
  fixture_small(&f);
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
    for (size_t size = 64; size < f.size; size += 197)
      follow(size, steps[i]);
}
END_TEST

START_TEST(a_followed_file_that_shrinks_is_an_error) {
  bool has_grown;
  lt_reader *r;
  fixture_small(&f);
  const char *path = fixture_file(f.bytes, f.size - 1);
  ck_assert_int_eq(lt_reader_open(path, &r), LT_OK);
  (void)fixture_file(f.bytes, f.size - 2);
  ck_assert_int_eq(lt_reader_follow(r, &has_grown), LT_IO);
  ck_assert(!has_grown);
  lt_reader_close(r);
}
END_TEST

START_TEST(closing_nothing_is_nothing) {
  lt_reader_close(NULL);
}
END_TEST

START_TEST(an_id_map_finds_what_was_put_and_keeps_to_its_budget) {
  struct lti_idmap t = {.item_bytes = sizeof(uint64_t)};
  struct lti_budget budget = {.left = 1 << 20};
  uint32_t n = 0;
  for (uint64_t id = 0; !budget.is_out; id += UINT64_C(0x100000001)) {
    uint64_t *item = lti_idmap_put(&t, &budget, id);
    if (item) {
      ck_assert_uint_eq(*item, 0);
      *item = id;
      n++;
    }
  }
  ck_assert_uint_gt(n, 10000);
  ck_assert_uint_eq(t.n, n);
  for (uint64_t i = 0; i < n; i++) {
    uint64_t *item = lti_idmap_get(&t, i * UINT64_C(0x100000001));
    ck_assert_uint_eq(*item, i * UINT64_C(0x100000001));
  }
  ck_assert_ptr_null(lti_idmap_get(&t, 1));
  lti_idmap_free(&t);
}
END_TEST

START_TEST(an_index_of_too_many_epochs_is_thinned_out) {
  struct lti_index index = {0};
  struct lti_epoch epoch = {0};
  const uint32_t n = LTI_INDEX_MAX * 2 + 1000;
  for (uint32_t i = 0; i < n; i++) {
    epoch.begin.at = i;
    epoch.first_ns = (int64_t)i * 10;
    ck_assert_int_eq(lti_index_add(&index, &epoch), LT_OK);
  }
  ck_assert_uint_le(index.n, LTI_INDEX_MAX);
  ck_assert_uint_eq(index.stride, 4);
  for (uint32_t i = 0; i < n; i += 777) {
    const struct lti_index_entry *e = lti_index_find(&index, (int64_t)i * 10);
    ck_assert_uint_eq(e->cursor.at, i - i % 4);
  }
  free(index.entries);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("read");
  TCase *whole = tcase_create("whole");
  tcase_set_timeout(whole, 60);
  tcase_add_checked_fixture(whole, NULL, fixture_remove);
  tcase_add_test(whole, events_come_in_the_order_of_time_and_of_threads);
  tcase_add_test(whole, info_counts_the_whole_file);
  tcase_add_test(whole, definitions_are_known_from_the_start);
  tcase_add_test(whole, a_later_definition_replaces_an_earlier_one);
  tcase_add_test(whole, the_last_word_stands_behind_the_last_generation);
  tcase_add_test(whole, a_seek_goes_to_the_epoch_that_begins_at_or_before);
  tcase_add_test(whole, a_seek_finds_epochs_that_the_index_left_out);
  tcase_add_test(whole, opens_are_known_after_a_seek);
  tcase_add_test(whole, opens_of_a_thread_without_further_events_are_known);
  tcase_add_test(whole, opens_do_not_move_the_reader);
  tcase_add_test(whole, tasks_are_those_of_the_generation);
  tcase_add_test(whole, what_is_no_trace_is_refused_at_once);
  tcase_add_test(whole, a_cut_file_is_not_read_again_and_again);
  tcase_add_test(whole, a_file_can_be_looked_over_in_steps);
  tcase_add_test(whole, a_fifo_does_not_hang);
  tcase_add_test(whole, a_newer_version_or_feature_is_refused);
  tcase_add_test(whole, a_file_that_grows_is_followed);
  tcase_add_test(whole, a_followed_file_that_shrinks_is_an_error);
  tcase_add_test(whole, closing_nothing_is_nothing);
  tcase_add_test(whole, an_id_map_finds_what_was_put_and_keeps_to_its_budget);
  tcase_add_test(whole, an_index_of_too_many_epochs_is_thinned_out);
  suite_add_tcase(suite, whole);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
