/* base/arena.c: made, grown and mapped, whatever stands in the header. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "record/clock.h"

static int empty_file(void) {
  int fd = memfd_create("arena", MFD_CLOEXEC);
  ck_assert_int_ge(fd, 0);
  return fd;
}

static uint64_t committed_bytes(int fd) {
  struct stat st;
  ck_assert_int_eq(fstat(fd, &st), 0);
  return (uint64_t)st.st_blocks * 512;
}

START_TEST(an_arena_on_a_file_commits_the_first_slots_only) {
  int fd = empty_file();
  struct lti_arena *a = lti_arena_create(fd, NULL);
  ck_assert_ptr_nonnull(a);
  ck_assert_uint_eq(a->n_procs, 128);
  ck_assert_uint_eq(a->n_threads, 1024);
  ck_assert_uint_eq(a->threads_committed, 64);
  ck_assert_uint_eq(a->large_committed, 2);
  ck_assert_uint_eq(a->min_block_ns, 50000);
  ck_assert_uint_eq(a->enabled, 1);
  ck_assert_uint_eq(a->follow, 1);
  ck_assert_uint_ge(committed_bytes(fd),
                    64 * 512 * 32 + 2 * (UINT64_C(4) << 20));
  ck_assert_uint_lt(committed_bytes(fd), UINT64_C(16) << 20);
  lti_arena_unmap(a);
  close(fd);
}
END_TEST

START_TEST(an_anonymous_arena_is_wholly_committed) {
  struct lti_arena_options options = {.n_threads = 200, .no_follow = 1};
  struct lti_arena *a = lti_arena_create(-1, &options);
  ck_assert_ptr_nonnull(a);
  ck_assert_uint_eq(a->threads_committed, 200);
  ck_assert_uint_eq(a->large_committed, 64);
  ck_assert_uint_eq(a->follow, 0);
  lti_arena_large(a, 63)[a->large_records - 1].b = 1;
  lti_arena_unmap(a);
}
END_TEST

START_TEST(the_clock_rate_is_near) {
  struct lti_arena *a = lti_arena_create(-1, NULL);
  ck_assert_ptr_nonnull(a);
  int tsc = (int)a->clock_is_tsc;
  uint64_t ns = a->made_ns, clock = a->made_clock;
  while (lti_monotonic_ns() - ns < 20000000)
    continue;
  uint64_t ticks = lti_clock_read(tsc) - clock;
  double rate = (double)ticks * 1e6 / (double)(lti_monotonic_ns() - ns);
  ck_assert_double_gt((double)a->ticks_per_ms, rate * 0.97);
  ck_assert_double_lt((double)a->ticks_per_ms, rate * 1.03);
  lti_arena_unmap(a);
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused) {
  const struct lti_arena_options bad[] = {
      {.small_records = 500},    {.large_records = 1},
      {.n_large = 65},           {.n_procs = 1000000},
      {.n_threads = UINT32_MAX}, {.large_records = 1u << 31}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    errno = 0;
    ck_assert_ptr_null(lti_arena_create(-1, &bad[i]));
    ck_assert_int_eq(errno, EINVAL);
  }
}
END_TEST

START_TEST(parts_do_not_overlap) {
  struct lti_arena_options options = {.n_procs = 3,
                                      .n_threads = 5,
                                      .n_large = 2,
                                      .small_records = 8,
                                      .large_records = 16};
  struct lti_arena *a = lti_arena_create(-1, &options);
  ck_assert_ptr_nonnull(a);
  ck_assert((char *)lti_arena_proc(a, 0) >= (char *)(a + 1));
  ck_assert((char *)lti_arena_thread(a, 0) >= (char *)lti_arena_proc(a, 3));
  ck_assert((char *)lti_arena_small(a, 0) >= (char *)lti_arena_thread(a, 5));
  ck_assert((char *)lti_arena_large(a, 0) >= (char *)lti_arena_small(a, 5));
  ck_assert((char *)lti_arena_large(a, 2) <= (char *)a + a->size_bytes);
  ck_assert_uint_eq((uintptr_t)lti_arena_thread(a, 1) % LTI_LINE, 0);
  ck_assert_uint_eq(
      (uintptr_t)lti_arena_large(a, 1) % sizeof(struct lti_record), 0);
  lti_arena_unmap(a);
}
END_TEST

START_TEST(another_mapping_sees_the_same_arena) {
  int fd = empty_file();
  struct lti_arena *a = lti_arena_create(fd, NULL);
  struct lti_arena *b = lti_arena_map(fd);
  ck_assert_ptr_nonnull(b);
  ck_assert_ptr_ne(a, b);
  atomic_store(&a->heartbeat_ns, 42);
  ck_assert_uint_eq(atomic_load(&b->heartbeat_ns), 42);
  lti_arena_unmap(a);
  lti_arena_unmap(b);
  close(fd);
}
END_TEST

/* Overwrite one number of the header, and map. */
static void assert_refused(int fd, size_t offset, const void *bytes,
                           size_t size) {
  char kept[8];
  ck_assert_int_eq(pread(fd, kept, size, (off_t)offset), (ssize_t)size);
  ck_assert_int_eq(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
  errno = 0;
  ck_assert_ptr_null(lti_arena_map(fd));
  ck_assert_int_eq(errno, EPROTO);
  ck_assert_int_eq(pwrite(fd, kept, size, (off_t)offset), (ssize_t)size);
}

START_TEST(a_hostile_header_is_not_mapped) {
  int fd = empty_file();
  struct lti_arena *a = lti_arena_create(fd, NULL);
  ck_assert_ptr_nonnull(a);
  const uint64_t u64s[] = {0, 1, UINT64_MAX, UINT64_MAX - 4095, 1u << 20};
  const size_t at64[] = {offsetof(struct lti_arena, magic),
                         offsetof(struct lti_arena, size_bytes),
                         offsetof(struct lti_arena, procs_at),
                         offsetof(struct lti_arena, threads_at),
                         offsetof(struct lti_arena, small_at),
                         offsetof(struct lti_arena, large_at)};
  for (size_t i = 0; i < sizeof at64 / sizeof *at64; i++)
    for (size_t j = 0; j < sizeof u64s / sizeof *u64s; j++)
      assert_refused(fd, at64[i], &u64s[j], 8);
  const uint32_t u32s[] = {0, LTI_ARENA_VERSION + 1, UINT32_MAX, 1u << 31};
  const size_t at32[] = {offsetof(struct lti_arena, version),
                         offsetof(struct lti_arena, n_procs),
                         offsetof(struct lti_arena, n_threads),
                         offsetof(struct lti_arena, n_large),
                         offsetof(struct lti_arena, small_records),
                         offsetof(struct lti_arena, large_records)};
  for (size_t i = 0; i < sizeof at32 / sizeof *at32; i++)
    for (size_t j = 0; j < sizeof u32s / sizeof *u32s; j++)
      assert_refused(fd, at32[i], &u32s[j], 4);
  const uint32_t too_many = 1025;
  assert_refused(fd, offsetof(struct lti_arena, threads_committed), &too_many,
                 4);
  assert_refused(fd, offsetof(struct lti_arena, large_committed), &too_many, 4);
  ck_assert_int_eq(ftruncate(fd, (off_t)a->size_bytes - 1), 0);
  ck_assert_ptr_null(lti_arena_map(fd));
  lti_arena_unmap(a);
  close(fd);
}
END_TEST

START_TEST(a_file_that_is_no_arena_is_not_mapped) {
  int fd = empty_file();
  ck_assert_ptr_null(lti_arena_map(fd));
  ck_assert_int_eq(errno, EPROTO);
  ck_assert_int_eq(ftruncate(fd, 1 << 20), 0);
  ck_assert_ptr_null(lti_arena_map(fd));
  close(fd);
  ck_assert_ptr_null(lti_arena_map(fd));
  ck_assert_int_eq(errno, EBADF);
  lti_arena_unmap(NULL);
}
END_TEST

START_TEST(it_grows_when_few_slots_are_free) {
  int fd = empty_file();
  struct lti_arena *a = lti_arena_create(fd, NULL);
  ck_assert_ptr_nonnull(a);
  lti_arena_grow(a, fd);
  ck_assert_uint_eq(a->threads_committed, 64);
  for (uint32_t i = 0; i < 50; i++)
    lti_arena_thread(a, i)->state = LTI_SLOT_CLAIMED;
  lti_arena_grow(a, fd);
  ck_assert_uint_eq(a->threads_committed, 128);
  ck_assert_uint_eq(a->large_committed, 2);
  a->large_used = 3;
  lti_arena_grow(a, fd);
  ck_assert_uint_eq(a->large_committed, 3);
  lti_arena_unmap(a);
  close(fd);
}
END_TEST

START_TEST(it_grows_to_its_limits_and_no_further) {
  struct lti_arena_options options = {
      .n_threads = 100, .n_large = 3, .small_records = 2, .large_records = 2};
  int fd = empty_file();
  struct lti_arena *a = lti_arena_create(fd, &options);
  ck_assert_ptr_nonnull(a);
  for (uint32_t i = 0; i < 100; i++)
    lti_arena_thread(a, i)->state = LTI_SLOT_CLAIMED;
  a->large_used = 7;
  for (int i = 0; i < 10; i++)
    lti_arena_grow(a, fd);
  ck_assert_uint_eq(a->threads_committed, 100);
  ck_assert_uint_eq(a->large_committed, 3);
  lti_arena_unmap(a);
  close(fd);
}
END_TEST

/* A tmpfs of a few bytes, in a mount namespace that ends with the test. */
static int file_on_small_tmpfs(const char *size, char *dir) {
  char options[64], path[128];
  if (unshare(CLONE_NEWNS) != 0 ||
      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
    return -1;
  ck_assert_ptr_nonnull(mkdtemp(dir));
  snprintf(options, sizeof options, "size=%s", size);
  if (mount("tmpfs", dir, "tmpfs", 0, options) != 0) {
    rmdir(dir);
    return -1;
  }
  snprintf(path, sizeof path, "%s/arena", dir);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ck_assert_int_ge(fd, 0);
  unlink(path);
  return fd;
}

static void leave_tmpfs(int fd, const char *dir) {
  close(fd);
  umount(dir);
  rmdir(dir);
}

START_TEST(a_full_tmpfs_gives_fewer_rings_and_never_a_hole) {
  char dir[] = "/tmp/check_arena.XXXXXX";
  int fd = file_on_small_tmpfs("6m", dir);
  if (fd < 0)
    return; /* only root may mount */
  struct lti_arena *a = lti_arena_create(fd, NULL);
  ck_assert_ptr_nonnull(a);
  ck_assert_uint_eq(a->threads_committed, 64);
  ck_assert_uint_eq(a->large_committed, 1);
  for (uint32_t i = 0; i < 64; i++) {
    lti_arena_thread(a, i)->state = LTI_SLOT_CLAIMED;
    memset(lti_arena_small(a, i), 1, a->small_records * 32);
  }
  memset(lti_arena_large(a, 0), 1, (size_t)a->large_records * 32);
  a->large_used = 1;
  lti_arena_grow(a, fd);
  ck_assert_uint_eq(a->threads_committed, 64);
  ck_assert_uint_eq(a->large_committed, 1);
  lti_arena_unmap(a);
  leave_tmpfs(fd, dir);
}
END_TEST

START_TEST(a_tmpfs_without_room_for_the_first_slots_says_so) {
  char dir[] = "/tmp/check_arena.XXXXXX";
  int fd = file_on_small_tmpfs("256k", dir);
  if (fd < 0)
    return; /* only root may mount */
  ck_assert_ptr_null(lti_arena_create(fd, NULL));
  ck_assert_int_eq(errno, ENOSPC);
  leave_tmpfs(fd, dir);
}
END_TEST

int main(void) {
  Suite *s = suite_create("arena");
  TCase *t = tcase_create("arena");
  tcase_add_test(t, an_arena_on_a_file_commits_the_first_slots_only);
  tcase_add_test(t, an_anonymous_arena_is_wholly_committed);
  tcase_add_test(t, the_clock_rate_is_near);
  tcase_add_test(t, options_that_make_no_sense_are_refused);
  tcase_add_test(t, parts_do_not_overlap);
  tcase_add_test(t, another_mapping_sees_the_same_arena);
  tcase_add_test(t, a_hostile_header_is_not_mapped);
  tcase_add_test(t, a_file_that_is_no_arena_is_not_mapped);
  tcase_add_test(t, it_grows_when_few_slots_are_free);
  tcase_add_test(t, it_grows_to_its_limits_and_no_further);
  tcase_add_test(t, a_full_tmpfs_gives_fewer_rings_and_never_a_hole);
  tcase_add_test(t, a_tmpfs_without_room_for_the_first_slots_says_so);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
