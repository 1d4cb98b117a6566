/* perf_event_open: the CPU clock of one thread, as software event.  Where it is
 * permitted also while the kernel works for it (the registers and the stack are
 * the program's all the same); else in user mode only, which an unprivileged
 * user may have up to perf_event_paranoid 2.
 *
 * Invariant: the kernel writes the ring, we read it; a record is copied out
 * before data_tail says so.  Called by watch.c while a thread computes for too
 * long, for some 100 ms. */
#include "watch/perf.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A loop that is starved too has little CPU time to be seen in. */
#define RATE_HZ 997
#define STACK_BYTES 16384u
#define RING_BYTES (65536u * 2)

#if defined(__x86_64__)
/* Bits of asm/perf_regs.h; the numbers of DWARF in the order of the bits. */
#define REGS_MASK UINT64_C(0xff01ff)
static const uint8_t order[] = {0, 3, 2, 1, 4, 5,  6,  7,  UINT8_MAX,
                                8, 9, 10, 11, 12, 13, 14, 15};
#elif defined(__aarch64__)
#define REGS_MASK UINT64_C(0x1ffffffff)
static const uint8_t order[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                UINT8_MAX};
#else
#define REGS_MASK UINT64_C(0)
static const uint8_t order[] = {UINT8_MAX};
#endif
#define REGS (sizeof order)

struct perf {
  int fd;
  struct perf_event_mmap_page *page;
  size_t size;
  uint8_t record[65536];
};

bool perf_is_supported(void) {
  return REGS_MASK != 0;
}

static int open_event(struct perf_event_attr *attr, int32_t tid) {
  return (int)syscall(SYS_perf_event_open, attr, tid, -1, -1,
                      PERF_FLAG_FD_CLOEXEC);
}

struct perf *perf_open(int32_t tid) {
  struct perf_event_attr attr = {
      .type = PERF_TYPE_SOFTWARE,
      .size = sizeof attr,
      .config = PERF_COUNT_SW_CPU_CLOCK,
      .sample_freq = RATE_HZ,
      .freq = 1,
      .sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
                     PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
      .exclude_hv = 1,
      .use_clockid = 1,
      .clockid = CLOCK_MONOTONIC,
      .sample_regs_user = REGS_MASK,
      .sample_stack_user = STACK_BYTES,
  };
  struct perf *perf = calloc(1, sizeof *perf);
  if (!perf)
    return NULL;
  perf->fd = open_event(&attr, tid);
  if (perf->fd < 0 && (errno == EACCES || errno == EPERM)) {
    attr.exclude_kernel = 1;
    perf->fd = open_event(&attr, tid);
  }
  if (perf->fd < 0)
    goto fail;
  perf->size = (size_t)sysconf(_SC_PAGESIZE) + RING_BYTES;
  perf->page = mmap(NULL, perf->size, PROT_READ | PROT_WRITE, MAP_SHARED,
                    perf->fd, 0);
  if (perf->page != MAP_FAILED)
    return perf;
fail:;
  int error = errno;
  if (perf->fd >= 0)
    close(perf->fd);
  free(perf);
  errno = error;
  return NULL;
}

void perf_close(struct perf *perf) {
  if (!perf)
    return;
  munmap(perf->page, perf->size);
  close(perf->fd);
  free(perf);
}

/* Copy the next record out of the ring. */
static bool take_record(struct perf *perf, struct perf_event_header *head) {
  const uint8_t *ring = (const uint8_t *)perf->page + (perf->size - RING_BYTES);
  uint64_t tail = perf->page->data_tail;
  /* Partner: the kernel's barrier before it moves data_head. */
  uint64_t end = __atomic_load_n(&perf->page->data_head, __ATOMIC_ACQUIRE);
  if (end - tail < sizeof *head)
    return false;
  for (size_t i = 0; i < sizeof *head; i++)
    ((uint8_t *)head)[i] = ring[(tail + i) % RING_BYTES];
  if (head->size < sizeof *head || head->size > end - tail)
    return false;
  size_t at = tail % RING_BYTES, first = RING_BYTES - at;
  if (first > head->size)
    first = head->size;
  memcpy(perf->record, ring + at, first);
  memcpy(perf->record + first, ring, head->size - first);
  __atomic_store_n(&perf->page->data_tail, tail + head->size,
                   __ATOMIC_RELEASE);
  return true;
}

/* pid tid | time | abi regs... | size stack... dynamic size */
static bool read_sample(const struct perf *perf, size_t size,
                        struct registers *r, struct memory *m,
                        uint64_t *time_ns) {
  uint64_t words[4 + REGS], stack_bytes, taken;
  size_t at = sizeof(struct perf_event_header);
  if (size < at + (3 + REGS + 1) * 8)
    return false;
  memcpy(words, perf->record + at, (3 + REGS + 1) * 8);
  if (words[2] != PERF_SAMPLE_REGS_ABI_64)
    return false;
  *time_ns = words[1];
  memset(r, 0, sizeof *r);
  for (size_t i = 0; i < REGS; i++)
    if (order[i] == UINT8_MAX)
      r->pc = words[3 + i];
    else if (order[i] < REG_COUNT)
      registers_set(r, order[i], words[3 + i]);
  stack_bytes = words[3 + REGS];
  at += (3 + REGS + 1) * 8;
  if (stack_bytes > sizeof m->bytes || size < at + stack_bytes + 8)
    return false;
  memcpy(&taken, perf->record + at + stack_bytes, 8);
  m->at = r->value[REG_SP_];
  m->size = taken < stack_bytes ? (size_t)taken : (size_t)stack_bytes;
  memcpy(m->bytes, perf->record + at, m->size);
  return true;
}

bool perf_next(struct perf *perf, struct registers *r, struct memory *m,
               uint64_t *time_ns) {
  struct perf_event_header head;
  while (take_record(perf, &head))
    if (head.type == PERF_RECORD_SAMPLE &&
        read_sample(perf, head.size, r, m, time_ns))
      return true;
  return false;
}
