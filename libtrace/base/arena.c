/* Making, growing, mapping and unmapping the arena.
 *
 * Invariant: whatever a host may touch below threads_committed and
 * large_committed has memory behind it, so that a full tmpfs never becomes a
 * SIGBUS in the traced program.  The recorder creates and grows; traced
 * processes and recovery map, and check every number they find first. */
#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/clock.h"

#define PAGE_BYTES 4096u
#define FIRST_THREADS 64u
#define FIRST_LARGE 2u
#define MAX_PROCS 65536u
#define MAX_THREADS 65536u
#define MAX_LARGE 64u /* a bitmap says which are in use */
#define MAX_RECORDS (1u << 24)

_Static_assert(sizeof(struct lti_arena) <= PAGE_BYTES, "the header's page");

struct layout {
  uint64_t procs_at, threads_at, small_at, large_at, size_bytes;
};

static uint64_t page_up(uint64_t n) {
  return (n + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

uint32_t lti_arena_records(uint64_t bytes) {
  uint32_t records = 1u << 11; /* 64 KiB */
  if (!bytes)
    return 0;
  while (records < MAX_RECORDS &&
         records * sizeof(struct lti_record) < bytes)
    records *= 2;
  return records;
}

static bool is_capacity(uint32_t records) {
  return records >= 2 && records <= MAX_RECORDS &&
         (records & (records - 1)) == 0;
}

/* Where everything lies; false when the numbers make no sense.  None of the
 * sums can overflow within the limits. */
static bool layout_of(uint32_t n_procs, uint32_t n_threads, uint32_t n_large,
                      uint32_t small_records, uint32_t large_records,
                      struct layout *l) {
  if (n_procs == 0 || n_procs > MAX_PROCS || n_threads == 0 ||
      n_threads > MAX_THREADS || n_large > MAX_LARGE ||
      !is_capacity(small_records) || !is_capacity(large_records))
    return false;
  const uint64_t record = sizeof(struct lti_record);
  l->procs_at = PAGE_BYTES;
  l->threads_at = page_up(l->procs_at + n_procs * sizeof(struct lti_proc));
  l->small_at = page_up(l->threads_at + n_threads * sizeof(struct lti_thread));
  l->large_at = page_up(l->small_at + n_threads * (small_records * record));
  l->size_bytes = page_up(l->large_at + n_large * (large_records * record));
  return true;
}

static uint64_t small_end(const struct lti_arena *a, uint32_t n) {
  return a->small_at +
         (uint64_t)n * a->small_records * sizeof(struct lti_record);
}

static uint64_t large_end(const struct lti_arena *a, uint32_t n) {
  return a->large_at +
         (uint64_t)n * a->large_records * sizeof(struct lti_record);
}

/* Memory for [from, to) of the file; errno is set where there is none. */
static bool commit(int fd, uint64_t from, uint64_t to) {
  int error;
  do
    error =
        to > from ? posix_fallocate(fd, (off_t)from, (off_t)(to - from)) : 0;
  while (error == EINTR);
  errno = error;
  return error == 0;
}

static uint32_t min_u32(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

static uint32_t or_default(uint32_t n, uint32_t otherwise) {
  return n ? n : otherwise;
}

/* How fast the clock ticks, over two milliseconds: near enough for durations
 * that are thresholds.  Times in a trace do not rest on it. */
static uint64_t measure_ticks_per_ms(uint32_t clock_is_tsc) {
  if (!clock_is_tsc)
    return 1000000;
  struct timespec pause = {0, 2000000};
  uint64_t ns = lti_monotonic_ns();
  uint64_t ticks = lti_clock_read(1);
  nanosleep(&pause, NULL);
  ns = lti_monotonic_ns() - ns;
  ticks = lti_clock_read(1) - ticks;
  return ns ? (uint64_t)((double)ticks * 1e6 / (double)ns) : 1000000;
}

static void fill_header(struct lti_arena *a,
                        const struct lti_arena_options *o) {
  a->version = LTI_ARENA_VERSION;
  a->clock_is_tsc = (uint32_t)lti_clock_tsc_usable();
  a->n_procs = or_default(o->n_procs, 128);
  a->n_threads = or_default(o->n_threads, 1024);
  a->n_large = or_default(o->n_large, 64);
  a->small_records = or_default(o->small_records, 512);
  a->large_records = or_default(o->large_records, 131072);
  a->drain_pid = getpid();
  a->mode = o->mode;
  a->follow = !o->no_follow;
  a->no_fd_names = o->no_fd_names;
  a->min_block_ns = o->min_block_ns ? o->min_block_ns : 50000;
  a->usage_age_ns = 5000000;
  a->ticks_per_ms = measure_ticks_per_ms(a->clock_is_tsc);
}

/* Give the file its size, and memory to what is used first.  Rings of the large
 * sort may be missing: threads then stay with their small one. */
static bool commit_first(int fd, struct lti_arena *a) {
  uint32_t threads = min_u32(a->n_threads, FIRST_THREADS);
  uint32_t large = min_u32(a->n_large, FIRST_LARGE);
  if (ftruncate(fd, (off_t)a->size_bytes) != 0)
    return false;
  if (!commit(fd, 0, small_end(a, threads)))
    return false;
  while (large > 0 && !commit(fd, a->large_at, large_end(a, large)))
    large--;
  a->threads_committed = threads;
  a->large_committed = large;
  return true;
}

struct lti_arena *lti_arena_create(int fd,
                                   const struct lti_arena_options *options) {
  static const struct lti_arena_options defaults;
  struct lti_arena plan = {0};
  struct layout l;
  fill_header(&plan, options ? options : &defaults);
  if (!layout_of(plan.n_procs, plan.n_threads, plan.n_large, plan.small_records,
                 plan.large_records, &l)) {
    errno = EINVAL;
    return NULL;
  }
  plan.size_bytes = l.size_bytes;
  plan.procs_at = l.procs_at;
  plan.threads_at = l.threads_at;
  plan.small_at = l.small_at;
  plan.large_at = l.large_at;
  plan.threads_committed = plan.n_threads;
  plan.large_committed = plan.n_large;
  plan.enabled = !(options && options->is_off);
  if (fd >= 0 && !commit_first(fd, &plan))
    return NULL;
  int flags = fd >= 0 ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
  void *at = mmap(NULL, l.size_bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (at == MAP_FAILED)
    return NULL;
  struct lti_arena *arena = at;
  *arena = plan;
  arena->made_clock = lti_clock_read((int)arena->clock_is_tsc);
  arena->made_ns = lti_monotonic_ns();
  atomic_store_explicit(&arena->heartbeat_ns, arena->made_ns,
                        memory_order_relaxed);
  atomic_thread_fence(memory_order_release); /* partner: whoever maps it */
  arena->magic = LTI_ARENA_MAGIC;
  return arena;
}

static uint32_t free_threads(struct lti_arena *arena, uint32_t committed) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < committed; i++)
    n += atomic_load_explicit(&lti_arena_thread(arena, i)->state,
                              memory_order_relaxed) == LTI_SLOT_FREE;
  return n;
}

static bool short_of_threads(struct lti_arena *a) {
  uint32_t threads = a->threads_committed;
  return threads < a->n_threads && free_threads(a, threads) < threads / 4;
}

static bool short_of_large(struct lti_arena *a) {
  uint32_t large = a->large_committed;
  uint32_t used = (uint32_t)__builtin_popcountll(
      atomic_load_explicit(&a->large_used, memory_order_relaxed));
  return large < a->n_large && used * 4 >= large * 3;
}

bool lti_arena_is_short(struct lti_arena *a) {
  return short_of_threads(a) || short_of_large(a);
}

void lti_arena_grow(struct lti_arena *a, int fd) {
  if (fd < 0)
    return;
  if (short_of_threads(a)) {
    uint32_t threads = a->threads_committed;
    uint32_t more = min_u32(a->n_threads, threads * 2);
    if (commit(fd, small_end(a, threads), small_end(a, more)))
      /* Partner: the host's acquire load before it claims a slot. */
      atomic_store_explicit(&a->threads_committed, more, memory_order_release);
  }
  if (short_of_large(a)) {
    uint32_t large = a->large_committed;
    if (commit(fd, large_end(a, large), large_end(a, large + 1)))
      atomic_store_explicit(&a->large_committed, large + 1,
                            memory_order_release);
  }
}

/* Do the numbers in a header agree with each other and with the file? */
static bool header_is_sane(const struct lti_arena *a, uint64_t file_bytes) {
  struct layout l;
  return a->magic == LTI_ARENA_MAGIC && a->version == LTI_ARENA_VERSION &&
         layout_of(a->n_procs, a->n_threads, a->n_large, a->small_records,
                   a->large_records, &l) &&
         a->size_bytes == l.size_bytes && a->size_bytes <= file_bytes &&
         a->procs_at == l.procs_at && a->threads_at == l.threads_at &&
         a->small_at == l.small_at && a->large_at == l.large_at &&
         a->threads_committed <= a->n_threads &&
         a->large_committed <= a->n_large;
}

struct lti_arena *lti_arena_map(int fd) {
  struct lti_arena head;
  struct stat st;
  ssize_t n;
  if (fstat(fd, &st) != 0)
    return NULL;
  do
    n = pread(fd, &head, sizeof head, 0);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return NULL;
  if ((size_t)n < sizeof head || !header_is_sane(&head, (uint64_t)st.st_size)) {
    errno = EPROTO;
    return NULL;
  }
  void *at =
      mmap(NULL, head.size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED)
    return NULL;
  /* It may have changed since: what is used later was checked in the mapping.
   */
  if (!header_is_sane(at, head.size_bytes)) {
    munmap(at, head.size_bytes);
    errno = EPROTO;
    return NULL;
  }
  return at;
}

bool lti_arena_hide(struct lti_arena *arena) {
  return mmap(arena, arena->size_bytes, PROT_READ | PROT_WRITE,
              MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
              0) != MAP_FAILED;
}

void lti_arena_unmap(struct lti_arena *arena) {
  if (arena)
    munmap(arena, arena->size_bytes);
}
