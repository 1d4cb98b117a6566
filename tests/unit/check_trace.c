/* drain/: the parts between a ring and a file, each by itself: clock map, hash,
 * live tasks, sites, the writer and its errors, generations. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drain/clockmap.h"
#include "drain/hash.h"
#include "drain/trace.h"

static char dir[] = "/tmp/check_trace.XXXXXX";
static char path[64];

static void make_dir(void) {
  ck_assert_ptr_nonnull(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/x.lt", dir);
}

static void remove_dir(void) {
  unlink(path);
  ck_assert_int_eq(rmdir(dir), 0);
}

START_TEST(a_hash_keeps_what_is_put_and_forgets_what_is_removed) {
  enum { KEYS = 2000 };
  static bool there[KEYS];
  struct lti_hash h = {0};
  uint64_t state = 1;
  for (int i = 0; i < 100000; i++) {
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    uint32_t key = (uint32_t)(state >> 33) % KEYS;
    if (state >> 63) {
      ck_assert(lti_hash_put(&h, key * UINT64_C(4096), key));
      there[key] = true;
    } else {
      lti_hash_remove(&h, key * UINT64_C(4096));
      there[key] = false;
    }
  }
  size_t n = 0;
  for (uint32_t key = 0; key < KEYS; key++) {
    const uint32_t *value = lti_hash_get(&h, key * UINT64_C(4096));
    ck_assert_int_eq(value != NULL, there[key]);
    if (value)
      ck_assert_uint_eq(*value, key);
    n += there[key];
  }
  ck_assert_uint_eq(h.n, n);
  lti_hash_clear(&h);
  ck_assert_ptr_null(lti_hash_get(&h, 1));
}
END_TEST

START_TEST(time_between_knots_never_falls_and_is_exact_at_both) {
  struct lti_knot from = {1000000000, 500}, to = {1489087000, 200000700};
  struct lti_span span = lti_span_of(from, to);
  uint64_t last = 0;
  ck_assert_uint_eq(lti_span_ns(&span, from.clock), from.ns);
  ck_assert_uint_eq(lti_span_ns(&span, to.clock), to.ns);
  ck_assert_uint_eq(lti_span_ns(&span, 0), from.ns);
  ck_assert_uint_eq(lti_span_ns(&span, UINT64_MAX), to.ns);
  for (uint64_t c = from.clock; c < to.clock; c += 4567) {
    uint64_t ns = lti_span_ns(&span, c);
    ck_assert_uint_ge(ns, last);
    ck_assert_uint_le(ns, to.ns);
    last = ns;
  }
  span = lti_span_of(to, from); /* a clock that went back */
  (void)lti_span_ns(&span, from.clock + 5);
}
END_TEST

START_TEST(a_watermark_has_aged_and_is_later_than_the_last) {
  struct lti_clockmap m;
  struct lti_knot k = {0, 0}, mark;
  lti_clockmap_init(&m, true, k);
  ck_assert(!lti_clockmap_watermark(&m, 1000000000, &mark));
  for (uint64_t ms = 1; ms <= 100; ms++) {
    k = (struct lti_knot){ms * 3000, ms * 1000000};
    lti_clockmap_note(&m, k);
  }
  ck_assert(lti_clockmap_watermark(&m, 100000000, &mark));
  ck_assert_uint_le(mark.ns, 80000000);
  ck_assert_uint_ge(mark.ns, 70000000);
  lti_clockmap_seal(&m, mark);
  struct lti_knot next;
  ck_assert(!lti_clockmap_watermark(&m, mark.ns + 20000000, &next));
  ck_assert(lti_clockmap_watermark(&m, 200000000, &next));
  ck_assert_uint_gt(next.clock, mark.clock);
}
END_TEST

static void spawn(struct lti_tasks *t, uint64_t id) {
  struct lti_task task = {.id = id, .parent = id / 2};
  lti_tasks_spawn(t, &task);
}

START_TEST(tasks_live_from_spawn_to_done_in_any_order) {
  struct lti_tasks t = {0};
  spawn(&t, 1);
  spawn(&t, 2);
  lti_tasks_done(&t, 3); /* its thread is translated first */
  spawn(&t, 3);
  lti_tasks_label(&t, 2, 77);
  lti_tasks_done(&t, 1);
  ck_assert_uint_eq(t.ids.n, 2);
  lti_tasks_settle(&t);
  ck_assert_uint_eq(t.ids.n, 1);
  const uint32_t *place = lti_hash_get(&t.ids, 2);
  ck_assert_ptr_nonnull(place);
  ck_assert_uint_eq(t.places[*place].label, 77);
  for (uint64_t id = 10; id < 10000; id++) {
    spawn(&t, id);
    lti_tasks_done(&t, id);
  }
  ck_assert_uint_le(t.n, 3); /* places are used again */
  lti_tasks_fini(&t);
}
END_TEST

/* A book whose bytes go nowhere. */
static void count_definitions(void *context, const uint8_t *bytes, size_t size,
                              uint32_t n) {
  (void)bytes;
  (void)size;
  *(uint32_t *)context += n;
}

START_TEST(an_address_belongs_to_the_newest_module_over_it) {
  struct lti_book b;
  lti_book_init(&b, 1, "test", 0);
  lti_book_module(&b, 0x1000, 0x2000, "/a.so", 5);
  lti_book_module(&b, 0x1000, 0x2000, "/a.so", 5);
  ck_assert_uint_eq(b.n_modules, 1);
  uint32_t in_a = lti_book_site(&b, 0x1800);
  uint32_t nowhere = lti_book_site(&b, 0x5010);
  ck_assert_uint_eq(lti_book_site(&b, 0x1800), in_a);
  ck_assert_uint_eq(b.sites[in_a - 1].module, 1);
  ck_assert_uint_eq(b.sites[in_a - 1].offset, 0x800);
  ck_assert_uint_eq(b.sites[nowhere - 1].module, 0);
  lti_book_module(&b, 0x1400, 0x3000, "/b.so", 5); /* after a dlclose */
  uint32_t in_b = lti_book_site(&b, 0x1800);
  ck_assert_uint_ne(in_b, in_a);
  ck_assert_uint_eq(b.sites[in_b - 1].offset, 0x400);
  ck_assert_uint_eq(b.sites[in_a - 1].module, 1); /* as it was then */
  lti_book_module(&b, 0x5000, 0x6000, "/late.so", 8);
  ck_assert_uint_eq(lti_book_site(&b, 0x5010), nowhere);
  ck_assert_uint_eq(b.sites[nowhere - 1].module, 3);
  ck_assert_uint_eq(b.sites[nowhere - 1].offset, 0x10);
  ck_assert_uint_eq(lti_book_site(&b, 0), 0);
  lti_book_fini(&b);
}
END_TEST

START_TEST(addresses_in_no_module_are_looked_up_in_maps) {
  struct lti_book b;
  lti_book_init(&b, getpid(), "test", 0);
  uint64_t address = (uint64_t)(uintptr_t)count_definitions;
  uint32_t id = lti_book_site(&b, address);
  ck_assert_uint_eq(b.sites[id - 1].module, 0);
  lti_book_fini(&b);
  lti_book_init(&b, getpid(), "test", 0);
  b.is_live = true;
  id = lti_book_site(&b, address);
  uint32_t module = b.sites[id - 1].module;
  ck_assert_uint_gt(module, 0);
  ck_assert_ptr_nonnull(strstr(b.modules[module - 1].path, "check_trace"));
  ck_assert_uint_eq(b.modules[module - 1].start + b.sites[id - 1].offset,
                    address);
  lti_book_fini(&b);
}
END_TEST

static unsigned n_asked;

static bool name_it(void *context, int32_t pid, const char *module,
                    uint64_t offset, struct lti_name *name) {
  (void)context;
  (void)pid;
  n_asked++;
  ck_assert_str_eq(module, "/a.so");
  if (offset == 0x10)
    return false;
  name->function = "on_tick";
  name->function_offset = 4;
  name->file = "stall.c";
  name->line = 12;
  return true;
}

static const char *build_id_of(void *context, int32_t pid, const char *module) {
  (void)context;
  (void)pid;
  (void)module;
  return "00ff1a";
}

START_TEST(names_come_in_by_redefinition_and_are_asked_for_once) {
  static const struct lti_namer namer = {name_it, build_id_of};
  uint32_t n = 0;
  struct lti_book b;
  lti_book_init(&b, 1, "test", 0);
  b.sink = count_definitions;
  b.sink_context = &n;
  lti_book_module(&b, 0x1000, 0x2000, "/a.so", 5);
  uint32_t named = lti_book_site(&b, 0x1800);
  uint32_t unnamed = lti_book_site(&b, 0x1010);
  (void)lti_book_site(&b, 0x9000); /* no module: never asked for */
  lti_book_flush(&b);
  ck_assert_uint_eq(n, 4);
  ck_assert(!lti_book_name(&b, &namer, NULL, 0));
  ck_assert(lti_book_name(&b, &namer, NULL, UINT64_MAX));
  ck_assert(lti_book_name(&b, &namer, NULL, UINT64_MAX));
  ck_assert_uint_eq(n_asked, 2);
  lti_book_flush(&b);
  ck_assert_uint_eq(n, 8); /* the module, two strings, the site */
  const struct lti_site *s = &b.sites[named - 1];
  ck_assert_uint_eq(s->line, 12);
  ck_assert_uint_eq(s->function_offset, 4);
  ck_assert_uint_ne(s->function, s->file);
  ck_assert_uint_eq(b.sites[unnamed - 1].function, 0);
  ck_assert_uint_eq(b.modules[0].build_id_bytes, 3);
  ck_assert_mem_eq(b.modules[0].build_id, "\x00\xff\x1a", 3);
  ck_assert_uint_eq(lti_book_own_string(&b, "on_tick"), s->function);
  lti_book_fini(&b);
}
END_TEST

/* Any call was a jump at 0x400, but for one that leads out of the module. */
static bool name_a_jump(void *context, int32_t pid, const char *module,
                        uint64_t offset, struct lti_name *name) {
  (void)context;
  (void)pid;
  (void)module;
  *name = (struct lti_name){.function = offset == 0x400 ? "inner" : "outer",
                            .jump = offset == 0x900 ? 0x2000 : 0x400};
  return true;
}

START_TEST(a_call_that_was_a_jump_moves_there_and_a_frame_does_not) {
  static const struct lti_namer namer = {.site = name_a_jump};
  struct lti_book b;
  lti_book_init(&b, 1, "test", 0);
  lti_book_module(&b, 0x1000, 0x2000, "/a.so", 5);
  uint32_t frame = lti_book_site(&b, 0x1800);
  uint32_t call = lti_book_site(&b, 0x1800 | LTI_SITE_CALL);
  uint32_t other = lti_book_site(&b, 0x1700 | LTI_SITE_CALL);
  uint32_t outside = lti_book_site(&b, 0x1900 | LTI_SITE_CALL);
  ck_assert_uint_ne(call, frame);
  ck_assert_uint_eq(lti_book_site(&b, LTI_SITE_CALL), 0);
  ck_assert(lti_book_name(&b, &namer, NULL, UINT64_MAX));
  ck_assert_uint_eq(b.sites[call - 1].address, 0x1400);
  ck_assert_uint_eq(b.sites[call - 1].offset, 0x400);
  ck_assert_uint_eq(b.sites[call - 1].function,
                    lti_book_own_string(&b, "inner"));
  ck_assert_uint_eq(b.sites[frame - 1].address, 0x1800);
  ck_assert_uint_eq(b.sites[outside - 1].address, 0x1900);
  ck_assert_uint_eq(lti_book_site(&b, 0x1800 | LTI_SITE_CALL), call);
  ck_assert_uint_eq(b.sites[other - 1].address, 0x1400);
  ck_assert_uint_eq(lti_book_site(&b, 0x1700 | LTI_SITE_CALL), call);
  lti_book_module(&b, 0x1400, 0x3000, "/b.so", 5); /* after a dlclose */
  ck_assert_uint_ne(lti_book_site(&b, 0x1800 | LTI_SITE_CALL), call);
  ck_assert_uint_ne(lti_book_site(&b, 0x1800), frame);
  lti_book_fini(&b);
}
END_TEST

START_TEST(strings_of_the_program_and_of_the_recorder_do_not_meet) {
  struct lti_book b;
  lti_book_init(&b, 1, "test", 0);
  uint64_t own = lti_book_own_string(&b, "own");
  lti_book_string(&b, 1, "program's", 9);
  lti_book_string(&b, 1, "again", 5); /* ids are given once */
  ck_assert_uint_ne(lti_book_string_id(1), own);
  ck_assert_uint_eq(b.n_strings, 2);
  ck_assert_str_eq(b.strings[1].text, "program's");
  ck_assert_uint_eq(lti_book_string_id(0), 0);
  ck_assert_uint_eq(lti_book_string_id(UINT64_MAX), 0);
  lti_book_fini(&b);
}
END_TEST

START_TEST(a_file_is_private_and_follows_no_link) {
  struct stat st;
  char link_path[80];
  int fd;
  make_dir();
  ck_assert_int_eq(lti_writer_create_file(path, false, &fd), LT_OK);
  ck_assert_int_eq(fstat(fd, &st), 0);
  ck_assert_uint_eq(st.st_mode & 07777, 0600);
  close(fd);
  ck_assert_int_eq(lti_writer_create_file(path, false, &fd), LT_EXISTS);
  ck_assert_int_eq(lti_writer_create_file(path, true, &fd), LT_OK);
  close(fd);
  snprintf(link_path, sizeof link_path, "%s/link.lt", dir);
  ck_assert_int_eq(symlink(path, link_path), 0);
  ck_assert_int_eq(lti_writer_create_file(link_path, true, &fd), LT_EXISTS);
  unlink(link_path);
  ck_assert_int_eq(lti_writer_create_file("/nowhere/x.lt", true, &fd), LT_IO);
  remove_dir();
}
END_TEST

/* A program that closes all descriptors, and has a file of its own then. */
START_TEST(a_file_that_took_the_number_of_ours_is_left_alone) {
  static const struct lti_block_header header = {.type = LTI_BLOCK_DEFS};
  int ours, theirs;
  struct stat st;
  make_dir();
  ck_assert_int_eq(lti_writer_create_file(path, true, &ours), LT_OK);
  struct lti_writer *w = lti_writer_new(ours, write);
  lti_writer_block(w, &header, "before", 6);
  ck_assert(lti_writer_flush(w));
  theirs = memfd_create("theirs", 0);
  ck_assert_int_eq(dup2(theirs, ours), ours);
  lti_writer_block(w, &header, "after", 5);
  ck_assert(!lti_writer_flush(w));
  ck_assert_int_eq(lti_writer_error(w), EBADF);
  lti_writer_free(w);
  ck_assert_int_eq(fstat(ours, &st), 0); /* nor was it closed */
  ck_assert_int_eq(st.st_size, 0);
  close(ours);
  close(theirs);
  remove_dir();
}
END_TEST

/* A disk with room for so many bytes, which takes one byte at a time and is
 * interrupted in between. */
static size_t disk_room;
static unsigned n_writes, n_writes_after_error;

static ssize_t write_little(int fd, const void *bytes, size_t size) {
  (void)size;
  if (++n_writes % 3 == 0) {
    errno = EINTR;
    return -1;
  }
  if (disk_room == 0) {
    n_writes_after_error++;
    errno = ENOSPC;
    return -1;
  }
  disk_room--;
  return write(fd, bytes, 1);
}

static void fixed_clock(int64_t *monotonic_ns, int64_t *unix_ns) {
  *monotonic_ns = *unix_ns = 1;
}

/* A small trace of two epochs and two generations; returns its writer's size.
 * ok: what each seal said. */
static struct lti_trace trace;

static void write_trace(ssize_t (*write_bytes)(int, const void *, size_t),
                        bool ok[2]) {
  struct lti_encoder *e = lti_encoder_new();
  struct lti_file_header header = {.pid = 1};
  struct lti_trace_thread thread = {0};
  int fd;
  ck_assert_int_eq(lti_writer_create_file(path, true, &fd), LT_OK);
  lti_trace_init(&trace, e, 1, "test", 0);
  (void)lti_book_thread(&trace.book, 1, true, "main");
  lti_book_string(&trace.book, 1, "a label", 7);
  lti_trace_start(&trace, lti_writer_new(fd, write_bytes), &header,
                  fixed_clock);
  for (int epoch = 0; epoch < 2; epoch++) {
    lti_trace_thread_begin(&trace, &thread);
    for (int i = 0; i < 20; i++) {
      uint64_t id = (uint64_t)(epoch * 20 + i + 1);
      lt_event spawned = {.time_ns = epoch * 1000 + i,
                          .kind = LT_SPAWN,
                          .ref = id,
                          .x = LT_TASK_TIMER,
                          .a = 0x1234};
      lt_event done = {.time_ns = epoch * 1000 + i, .kind = LT_DONE, .ref = id};
      lt_event label = {
          .time_ns = epoch * 1000 + i, .kind = LT_LABEL, .ref = id, .a = 1};
      lti_trace_event(&trace, &spawned);
      lti_trace_event(&trace, i % 2 ? &done : &label);
    }
    lti_trace_thread_end(&trace);
    ok[epoch] = lti_trace_seal(&trace, epoch * 1000 + 500, 0, 0);
    trace.generation_is_due = true;
  }
  lti_trace_end(&trace, 2000, LT_END_EXITED, 0, 0);
  lti_encoder_free(e);
}

static void assert_readable(uint64_t n_events) {
  lt_reader *r;
  ck_assert_int_eq(lt_reader_open(path, &r), LT_OK);
  lt_status status = lt_reader_verify(r);
  ck_assert(status == LT_OK || status == LT_TRUNCATED);
  ck_assert_uint_eq(lt_reader_info(r)->n_events, n_events);
  lt_reader_close(r);
}

START_TEST(a_disk_that_fills_up_anywhere_leaves_a_readable_prefix) {
  bool ok[2];
  make_dir();
  write_trace(write, ok);
  ck_assert(ok[0] && ok[1]);
  size_t whole = (size_t)lti_writer_size(trace.writer);
  lti_trace_fini(&trace);
  assert_readable(80);
  for (size_t room = 64; room < whole; room += 7) {
    struct stat st;
    disk_room = room;
    n_writes_after_error = 0;
    write_trace(write_little, ok);
    ck_assert_uint_eq(lti_writer_size(trace.writer), room);
    ck_assert_int_eq(lti_writer_error(trace.writer), ENOSPC);
    ck_assert_uint_eq(n_writes_after_error, 1);
    lti_trace_fini(&trace);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq((size_t)st.st_size, room);
    assert_readable(ok[1] ? 80 : ok[0] ? 40 : 0);
  }
  remove_dir();
}
END_TEST

START_TEST(short_and_interrupted_writes_lose_nothing) {
  bool ok[2];
  make_dir();
  disk_room = SIZE_MAX;
  write_trace(write_little, ok);
  ck_assert(ok[0] && ok[1]);
  ck_assert_int_eq(lti_writer_error(trace.writer), 0);
  lti_trace_fini(&trace);
  assert_readable(80);
  remove_dir();
}
END_TEST

static ssize_t write_nothing(int fd, const void *bytes, size_t size) {
  (void)fd;
  (void)bytes;
  (void)size;
  return 0;
}

START_TEST(a_write_of_nothing_is_an_error_too) {
  bool ok[2];
  make_dir();
  write_trace(write_nothing, ok);
  ck_assert(!ok[0] && !ok[1]);
  ck_assert_int_eq(lti_writer_error(trace.writer), EIO);
  lti_trace_fini(&trace);
  remove_dir();
}
END_TEST

/* Where the n-th generation begins. */
static long find_generation(const uint8_t *bytes, long size, int n) {
  for (long at = 64; at + 64 <= size;) {
    struct lti_block_header h;
    ck_assert_int_eq(lti_block_header_get(bytes + at, &h), LT_OK);
    if (h.type == LTI_BLOCK_GENERATION && n-- == 0)
      return at;
    at += h.header_bytes + (long)h.stored_bytes;
  }
  ck_abort_msg("no such generation");
}

START_TEST(a_generation_says_all_that_a_reader_needs) {
  bool ok[2];
  static uint8_t bytes[65536];
  make_dir();
  write_trace(write, ok);
  lti_trace_fini(&trace);
  FILE *f = fopen(path, "r+");
  long size = (long)fread(bytes, 1, sizeof bytes, f);
  long second = find_generation(bytes, size, 1);
  /* Nothing of what stands before it can be read any more. */
  memset(bytes + 64 + LTI_BLOCK_HEADER_BYTES, 0xff,
         (size_t)second - 64 - LTI_BLOCK_HEADER_BYTES);
  rewind(f);
  ck_assert_uint_eq(fwrite(bytes, 1, (size_t)size, f), size);
  fclose(f);
  lt_reader *r;
  lt_event e;
  const lt_task_def *tasks;
  size_t n;
  ck_assert_int_eq(lt_reader_open(path, &r), LT_OK);
  ck_assert_str_eq(lt_reader_string(r, lti_book_string_id(1)), "a label");
  ck_assert_ptr_nonnull(lt_reader_thread(r, 0));
  ck_assert_ptr_nonnull(lt_reader_site(r, 1));
  ck_assert_int_eq(lt_reader_seek(r, 1000), LT_OK);
  ck_assert_int_eq(lt_reader_tasks(r, &tasks, &n), LT_OK);
  ck_assert_uint_eq(n, 10);
  for (size_t i = 0; i < n; i++)
    ck_assert_uint_eq(tasks[i].kind, LT_TASK_TIMER);
  ck_assert_str_eq(tasks[0].label, "a label");
  unsigned found = 0;
  while (lt_reader_next(r, &e) == LT_OK)
    found += e.kind == LT_SPAWN;
  ck_assert_uint_eq(found, 20);
  lt_reader_close(r);
  remove_dir();
}
END_TEST

int main(void) {
  Suite *s = suite_create("trace");
  TCase *t = tcase_create("trace");
  tcase_add_test(t, a_hash_keeps_what_is_put_and_forgets_what_is_removed);
  tcase_add_test(t, time_between_knots_never_falls_and_is_exact_at_both);
  tcase_add_test(t, a_watermark_has_aged_and_is_later_than_the_last);
  tcase_add_test(t, tasks_live_from_spawn_to_done_in_any_order);
  tcase_add_test(t, an_address_belongs_to_the_newest_module_over_it);
  tcase_add_test(t, addresses_in_no_module_are_looked_up_in_maps);
  tcase_add_test(t, names_come_in_by_redefinition_and_are_asked_for_once);
  tcase_add_test(t, a_call_that_was_a_jump_moves_there_and_a_frame_does_not);
  tcase_add_test(t, strings_of_the_program_and_of_the_recorder_do_not_meet);
  tcase_add_test(t, a_file_is_private_and_follows_no_link);
  tcase_add_test(t, a_file_that_took_the_number_of_ours_is_left_alone);
  tcase_add_test(t, a_disk_that_fills_up_anywhere_leaves_a_readable_prefix);
  tcase_add_test(t, short_and_interrupted_writes_lose_nothing);
  tcase_add_test(t, a_write_of_nothing_is_an_error_too);
  tcase_add_test(t, a_generation_says_all_that_a_reader_needs);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
