/* drain/window.c: a ring of bytes, and what a crash leaves of it. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drain/window.h"

#define CHUNK (UINT64_C(256) << 10)

static char path[64];

static void choose_path(void) {
  snprintf(path, sizeof path, "/dev/shm/check-window-%d", (int)getpid());
}

/* What the byte at a place must be. */
static uint8_t byte_at(uint64_t place) {
  return (uint8_t)(place * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

static void put(struct lti_window *w, size_t size) {
  static uint8_t bytes[CHUNK];
  ck_assert_uint_le(size, sizeof bytes);
  for (size_t i = 0; i < size; i++)
    bytes[i] = byte_at(lti_window_end(w) + i);
  ck_assert(lti_window_reserve(w, size));
  lti_window_put(w, bytes, size);
}

static void assert_holds(const struct lti_window *w, uint64_t from,
                         uint64_t to) {
  const uint8_t *bytes;
  ck_assert_uint_eq(lti_window_begin(w), from);
  ck_assert_uint_eq(lti_window_end(w), to);
  while (from < to) {
    size_t n = lti_window_at(w, from, (size_t)(to - from), &bytes);
    ck_assert_uint_ge(n, 1);
    size_t same = 0;
    while (same < n && bytes[same] == byte_at(from + same))
      same++;
    ck_assert_uint_eq(same, n);
    from += n;
  }
}

/* As somebody else sees the file.  Returns: owned; NULL where it is refused. */
static struct lti_window *look(void) {
  struct lti_window *left;
  int fd = open(path, O_RDWR);
  ck_assert_int_ge(fd, 0);
  lt_status status = lti_window_open(fd, &left);
  close(fd);
  return status == LT_OK ? left : NULL;
}

START_TEST(bytes_are_what_was_put_however_often_it_turns) {
  choose_path();
  struct lti_window *w = lti_window_new(_i ? path : NULL, 3 * CHUNK);
  ck_assert_ptr_nonnull(w);
  for (int i = 0; i < 100; i++) {
    put(w, 99991); /* no part of a chunk */
    uint64_t end = lti_window_end(w);
    if (end > 2 * CHUNK)
      lti_window_forget(w, end - CHUNK);
    assert_holds(w, lti_window_begin(w), end);
  }
  ck_assert_uint_gt(lti_window_begin(w), 12 * CHUNK);
  lti_window_free(w);
}
END_TEST

START_TEST(no_more_goes_in_than_there_is_room_for) {
  struct lti_window *w = lti_window_new(NULL, 2 * CHUNK);
  put(w, CHUNK);
  put(w, CHUNK);
  ck_assert(!lti_window_reserve(w, 1));
  lti_window_forget(w, CHUNK - 1);
  ck_assert(!lti_window_reserve(w, 1)); /* memory comes by chunks */
  lti_window_forget(w, CHUNK);
  ck_assert(lti_window_reserve(w, CHUNK));
  ck_assert(!lti_window_reserve(w, CHUNK + 1));
  ck_assert(!lti_window_reserve(w, UINT64_MAX));
  lti_window_free(w);
  ck_assert_ptr_null(lti_window_new(NULL, UINT64_MAX));
}
END_TEST

START_TEST(others_see_what_was_published) {
  uint8_t header[LTI_FILE_HEADER_BYTES], got[LTI_FILE_HEADER_BYTES];
  memset(header, 7, sizeof header);
  choose_path();
  struct lti_window *w = lti_window_new(path, 8 * CHUNK);
  lti_window_set_header(w, header);
  put(w, 1000);
  lti_window_publish(w);
  put(w, 500);
  lti_window_forget(w, 300);
  struct lti_window *left = look();
  ck_assert_ptr_nonnull(left);
  assert_holds(left, 300, 1000);
  lti_window_header(left, got);
  ck_assert_mem_eq(header, got, sizeof got);
  lti_window_free(left); /* who looks removes nothing */
  lti_window_forget(w, 1200); /* behind what was published */
  left = look();
  ck_assert_uint_eq(lti_window_begin(left), lti_window_end(left));
  lti_window_free(left);
  lti_window_free(w);
  ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(it_takes_as_much_memory_as_it_holds) {
  struct stat st;
  choose_path();
  struct lti_window *w = lti_window_new(path, 64 * CHUNK);
  for (int i = 0; i < 200; i++) {
    put(w, CHUNK / 2);
    lti_window_forget(w, lti_window_end(w) - CHUNK / 2);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_le((uint64_t)st.st_blocks * 512, 3 * CHUNK);
  }
  ck_assert_uint_eq(st.st_mode & 07777, 0600);
  ck_assert_ptr_null(lti_window_new(path, CHUNK)); /* it is there */
  lti_window_free(w);
}
END_TEST

START_TEST(numbers_that_make_no_sense_are_refused) {
  /* magic, capacity, (header), begin, end: as window.c has them. */
  static const struct {
    off_t at;
    uint64_t value;
  } lies[] = {{0, 1},
              {8, 2 * CHUNK + 1},
              {16 + LTI_FILE_HEADER_BYTES + 8, 2 * CHUNK + 1},
              {16 + LTI_FILE_HEADER_BYTES + 8, UINT64_MAX}};
  choose_path();
  for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
    struct lti_window *w = lti_window_new(path, 2 * CHUNK);
    put(w, 100);
    lti_window_publish(w);
    int fd = open(path, O_RDWR);
    ck_assert_int_eq(pwrite(fd, &lies[i].value, 8, lies[i].at), 8);
    close(fd);
    ck_assert_ptr_null(look());
    lti_window_free(w);
  }
}
END_TEST

int main(void) {
  Suite *s = suite_create("window");
  TCase *t = tcase_create("window");
  tcase_set_timeout(t, 60);
  tcase_add_loop_test(t, bytes_are_what_was_put_however_often_it_turns, 0, 2);
  tcase_add_test(t, no_more_goes_in_than_there_is_room_for);
  tcase_add_test(t, others_see_what_was_published);
  tcase_add_test(t, it_takes_as_much_memory_as_it_holds);
  tcase_add_test(t, numbers_that_make_no_sense_are_refused);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
