/* What is read while one looks: in slices, never by a key or for a frame.
 *
 * Over a trace that is too long to be read at once for the lanes.  Part of
 * check_tui. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_tui.h"
#include "trace_text.h"
#include "tui/app.h"

#define SLICE 5000

static char path[] = "/tmp/looptrace-slices.XXXXXX";
static struct model *model;
static struct app app;

static void work(void) {
  while (app_work(&app, SLICE))
    ;
}

static void begin(void) {
  char command[4400];
  const char *folder = getenv("BUILDDIR");
  int fd = mkstemp(path);
  ck_assert_int_ge(fd, 0);
  close(fd);
  ck_assert_ptr_nonnull(folder);
  snprintf(command, sizeof command,
           "%s/tests/support/make_big 400000 2 %s >/dev/null", folder, path);
  ck_assert_int_eq(system(command), 0);
  ck_assert_int_eq(model_begin(path, NULL, &model), LT_OK);
  ck_assert(app_init(&app, model, "x.lt", 100, 30));
  app.path = path;
  app.is_loading = true;
  work();
  ck_assert(!app.is_loading);
}

static void end(void) {
  app_fini(&app);
  model_close(model);
  unlink(path);
}

static void press(const char *script) {
  struct key_press key;
  while (*script) {
    ck_assert(key_parse(&script, &key));
    ck_assert(app_key(&app, key.key));
  }
}

/* Bytes that this thread has read so far, but for those of this file. */
static uint64_t n_read(void) {
  static uint64_t own;
  char text[1024];
  unsigned long long n = 0;
  int fd = open("/proc/thread-self/io", O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  if (fd >= 0)
    close(fd);
  text[got > 0 ? got : 0] = '\0';
  ck_assert_int_eq(sscanf(text, "rchar: %llu", &n), 1);
  n -= own;
  own += (uint64_t)got;
  return n;
}

START_TEST(a_key_and_its_frame_read_nothing) {
  static const char *const keys[] = {"2", "+", "+",  "l", "G", ".", ",", "e",
                                     "z", "0", " ",  " ", "l", ".", ",", "G",
                                     ".", "g", "u",  ".", "n", "q", "5", "j",
                                     "k", "/site:*<Enter>", "2", "n", "N", "t"};
  uint64_t worked = 0;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    uint64_t before = n_read();
    press(keys[i]);
    app_draw(&app);
    app_tick(&app, 50000000);
    app_draw(&app);
    ck_assert_msg(n_read() == before, "key %zu: %s", i, keys[i]);
    if (i % 2) /* the next one comes between two slices, too */
      work();
    else
      app_work(&app, SLICE);
    worked += n_read() - before;
  }
  ck_assert_uint_gt(worked, 100000); /* so there was something to read */
}
END_TEST

START_TEST(a_slice_reads_no_more_than_it_was_told) {
  press("2e");
  size_t n = 0, n_slices = 0;
  while (app_work(&app, SLICE)) {
    const struct window *w = app.lanes.near;
    ck_assert_uint_le(w->n_events, n + SLICE);
    n = w->n_events;
    n_slices++;
  }
  ck_assert_uint_gt(n_slices, 2);
  ck_assert(lanes_are_single(&app));
}
END_TEST

START_TEST(replay_begins_when_its_window_was_read) {
  press(" ");
  int64_t at = app.cursor_ns;
  ck_assert(app_is_moving(&app));
  app_tick(&app, 50000000);
  ck_assert_int_eq(app.cursor_ns, at); /* time waits */
  ck_assert(app_work(&app, SLICE));
  app_tick(&app, 50000000);
  ck_assert_int_eq(app.cursor_ns, at);
  work();
  ck_assert(lanes_are_single(&app) && app_is_moving(&app));
  app_tick(&app, 50000000);
  ck_assert_int_gt(app.cursor_ns, at);
}
END_TEST

START_TEST(a_step_goes_on_when_its_window_was_read) {
  press(" ");
  work();
  press(" G,");
  int64_t at = app.cursor_ns;
  work();
  ck_assert_int_lt(app.cursor_ns, at);
  at = app.cursor_ns;
  press("g.");
  ck_assert_int_eq(app.cursor_ns, 0);
  press("<C-l>"); /* another key ends it */
  work();
  ck_assert_int_eq(app.cursor_ns, 0);
}
END_TEST

START_TEST(a_search_goes_on_when_its_window_was_read) {
  press("2e/kind:timer<Enter>");
  int64_t at = app.cursor_ns;
  work();
  ck_assert_int_gt(app.cursor_ns, at);
  press("/no-such-name<Enter>");
  ck_assert_str_eq(app.message, "");
  work();
  ck_assert_str_eq(app.message, "no hit for no-such-name here");
}
END_TEST

START_TEST(a_search_begins_anew_where_another_window_is_read) {
  struct key_press wheel = {.key = TK_WHEEL_DOWN};
  press("2e/kind:timer<Enter>");
  while (!app.lanes.hunt.found)
    ck_assert(app_work(&app, 100));
  ck_assert(app.lanes.then == THEN_NEXT_HIT); /* a nearer one may come */
  app_draw(&app);
  for (int i = 0; i < 30; i++)
    app_press(&app, &wheel);
  work();
  ck_assert(app.lanes.then == THEN_NOTHING);
  ck_assert_str_eq(app.message, "");
}
END_TEST

static size_t n_found(const char *text) {
  struct filter filter = {.n = 0};
  char error[200];
  size_t n = 0;
  ck_assert(filter_parse(&filter, text, error, sizeof error));
  for (size_t i = 0; i < app.tasks.n; i++)
    n += hits_task(&app, &filter, &app.tasks.all[i]);
  filter_free(&filter);
  return n;
}

START_TEST(a_filter_of_many_tasks_goes_on_between_keys) {
  press("5");
  work();
  size_t n = app.tasks.n;
  ck_assert_uint_gt(n, 10000);
  ck_assert_uint_eq(app.tasks.n_rows, n);
  press("&kind:timer");
  ck_assert(hits_has_work(&app)); /* it is only being counted */
  ck_assert_uint_eq(app.tasks.n_rows, n);
  work();
  const struct preview *p = hits_preview(&app);
  ck_assert_uint_eq(p->found, n_found("kind:timer"));
  ck_assert_uint_eq(p->n_seen, n);
  press("<Enter>");
  ck_assert(hits_has_work(&app));
  app_draw(&app);
  app_work(&app, SLICE);
  press("&<C-u>dur>1us<Enter>"); /* another one is begun anew */
  work();
  ck_assert_uint_gt(n_found("dur>1us"), 100);
  ck_assert_uint_eq(app.tasks.n_rows, n_found("dur>1us"));
  for (size_t i = 0; i < app.tasks.n_rows; i++)
    ck_assert_int_ge(app.tasks.all[app.tasks.rows[i].index].run_ns, 1000);
}
END_TEST

START_TEST(tasks_are_put_in_order_while_the_old_order_is_shown) {
  press("5");
  work();
  size_t n = app.tasks.n;
  press(">"); /* by the time that they ran */
  ck_assert_uint_eq(app.tasks.n_rows, n);
  ck_assert(hits_has_work(&app));
  app_draw(&app);
  work();
  ck_assert_uint_eq(app.tasks.n_rows, n);
  for (size_t i = 1; i < n; i++)
    ck_assert_int_ge(app.tasks.all[app.tasks.rows[i - 1].index].run_ns,
                     app.tasks.all[app.tasks.rows[i].index].run_ns);
  press("<lt>"); /* the tree again */
  work();
  for (size_t i = 0; i < n; i++) {
    const struct census_task *t = &app.tasks.all[app.tasks.rows[i].index];
    ck_assert(app.tasks.rows[i].depth == 0 || t->parent);
  }
}
END_TEST

START_TEST(a_model_that_is_read_anew_leaves_the_order_of_tasks) {
  press("5");
  work();
  press(">>i");
  ck_assert(app.tasks.is_inverted);
  enum task_sort sort = app.tasks.sort;
  ck_assert(app_set_model(&app, app.model));
  work();
  ck_assert(app.tasks.is_inverted && app.tasks.sort == sort);
  for (size_t i = 1; i < app.tasks.n_rows; i++)
    ck_assert_int_le(app.tasks.all[app.tasks.rows[i - 1].index].longest_ns,
                     app.tasks.all[app.tasks.rows[i].index].longest_ns);
}
END_TEST

static uint32_t chosen_site(void) {
  return app.model->sites[app.site_order[app.site]].site;
}

/* As where a trace that is looked at has grown, or another one is there. */
START_TEST(a_chosen_site_stays_chosen_where_the_model_is_another) {
  static const char *const texts[] = {
      "0 loop+\n1 resume task=1 kind=2 site=7\n9 await task=1\n"
      "9 resume task=1 kind=2 site=8\n11 await task=1\n",
      "0 loop+\n1 resume task=1 kind=2 site=7\n9 await task=1\n"
      "9 resume task=1 kind=2 site=8\n99 await task=1\n",
      "0 loop+\n1 resume task=1 kind=2 site=9\n9 await task=1\n"};
  struct model *models[3];
  for (int i = 0; i < 3; i++) {
    models[i] = model_of_text(texts[i], 100, NULL);
    ck_assert(app_set_model(&app, models[i]));
    if (i == 0)
      press("4G");
    ck_assert_uint_eq(chosen_site(), i == 2 ? 9 : 8);
  }
  ck_assert(app_set_model(&app, model));
  for (int i = 0; i < 3; i++)
    model_close(models[i]);
}
END_TEST

START_TEST(a_search_through_many_tasks_is_ended_by_a_key) {
  press("5");
  work();
  uint64_t selected = app.tasks.selected;
  press("/no-such-name<Enter>");
  ck_assert(app.seek.is_on);
  ck_assert_str_eq(app.message, "");
  press("j");
  ck_assert(!app.seek.is_on);
  work();
  ck_assert_str_eq(app.message, "");
  press("n");
  work();
  ck_assert_str_eq(app.message, "no hit for no-such-name here");
  ck_assert_uint_ne(app.tasks.selected, selected); /* where j went */
}
END_TEST

START_TEST(a_file_without_an_index_is_looked_over_in_slices) {
  struct model *cut;
  struct app other;
  size_t n = 0;
  ck_assert_int_eq(truncate(path, (off_t)model->info->size_bytes - 64), 0);
  ck_assert_int_eq(model_begin(path, NULL, &cut), LT_OK);
  ck_assert(app_init(&other, cut, "x.lt", 100, 30));
  other.path = path;
  other.is_loading = true;
  while (cut->end_ns == 0) { /* nothing is known of it, and it is drawn */
    app_draw(&other);
    ck_assert(app_key(&other, n % 2 ? U'1' : U'2'));
    ck_assert(app_work(&other, 16));
    n++;
  }
  ck_assert_uint_gt(n, 2);
  while (app_work(&other, SLICE))
    ;
  ck_assert(!other.is_loading);
  ck_assert_int_eq(other.lanes.to, cut->end_ns);
  ck_assert_uint_eq(cut->n_slices, model->n_slices);
  app_fini(&other);
  model_close(cut);
}
END_TEST

static size_t n_longer(const struct path *p, int64_t ns) {
  size_t n = 0;
  for (size_t i = 0; i < p->n_steps; i++)
    n += p->steps[i].end_ns - p->steps[i].begin_ns > ns;
  return n;
}

START_TEST(of_a_long_path_the_longest_steps_are_kept) {
  struct path *all;
  press("5>");
  work();
  app.tasks.selected = app.tasks.all[app.tasks.rows[0].index].id;
  press("p");
  work();
  const struct path *p = app.tasks.path;
  ck_assert_ptr_nonnull(p);
  ck_assert_int_eq(path_open(path, app.tasks.selected, &all), LT_OK);
  ck_assert_uint_gt(all->n_steps, 1000);
  ck_assert_uint_eq(p->n_steps + p->n_left_out, all->n_steps);
  ck_assert_uint_ge(p->n_steps, 64);
  ck_assert_uint_le(p->n_steps, 65); /* and the last one */
  for (size_t i = 0; i < PATH_STATES; i++)
    ck_assert_int_eq(p->total_ns[i], all->total_ns[i]);
  for (size_t i = 0; i < 63; i++) {
    int64_t ns = p->steps[i].end_ns - p->steps[i].begin_ns;
    ck_assert_int_lt(p->steps[i].begin_ns, p->steps[i + 1].begin_ns);
    ck_assert_uint_lt(n_longer(all, ns), 64);
    ck_assert_uint_eq(n_longer(all, ns), n_longer(p, ns));
  }
  path_free(all);
}
END_TEST

START_TEST(what_is_not_read_yet_looks_rough) {
  size_t n[2] = {0, 0};
  press("2");
  for (int i = 0; i < 2; i++) {
    app_draw(&app);
    for (int k = 0; k < app.grid.w * app.grid.h; k++) {
      const struct cell *cell = &app.grid.cells[k];
      n[i] += cell->role == ROLE_RUN && cell->ch >= U'▁' && cell->ch <= U'█';
    }
    work();
  }
  ck_assert_uint_eq(n[0], 0);
  ck_assert_uint_gt(n[1], 10);
}
END_TEST

START_TEST(work_that_cannot_go_on_is_none) {
  press("5");
  work();
  press("p");
  ck_assert_ptr_nonnull(app.tasks.walk);
  app.tasks.is_done = false; /* as where the tasks cannot be read */
  app.tasks.problem = LT_IO;
  for (int i = 0; i < 100000 && app_work(&app, SLICE); i++)
    ;
  ck_assert(!app_has_work(&app));
}
END_TEST

TCase *slices_case(void) {
  TCase *slices = tcase_create("slices");
  tcase_set_timeout(slices, 120);
  tcase_add_checked_fixture(slices, begin, end);
  tcase_add_test(slices, a_key_and_its_frame_read_nothing);
  tcase_add_test(slices, a_slice_reads_no_more_than_it_was_told);
  tcase_add_test(slices, replay_begins_when_its_window_was_read);
  tcase_add_test(slices, a_step_goes_on_when_its_window_was_read);
  tcase_add_test(slices, a_search_goes_on_when_its_window_was_read);
  tcase_add_test(slices, a_search_begins_anew_where_another_window_is_read);
  tcase_add_test(slices, a_filter_of_many_tasks_goes_on_between_keys);
  tcase_add_test(slices,
                 tasks_are_put_in_order_while_the_old_order_is_shown);
  tcase_add_test(slices, a_model_that_is_read_anew_leaves_the_order_of_tasks);
  tcase_add_test(slices,
                 a_chosen_site_stays_chosen_where_the_model_is_another);
  tcase_add_test(slices, a_search_through_many_tasks_is_ended_by_a_key);
  tcase_add_test(slices, a_file_without_an_index_is_looked_over_in_slices);
  tcase_add_test(slices, of_a_long_path_the_longest_steps_are_kept);
  tcase_add_test(slices, what_is_not_read_yet_looks_rough);
  tcase_add_test(slices, work_that_cannot_go_on_is_none);
  return slices;
}
