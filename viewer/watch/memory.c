/* process_vm_readv: no attaching, no signal, no stop.
 *
 * Invariant: bytes[0, size) were at `at` when they were taken.  Called by the
 * unwinder. */
#include "watch/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#define PAGE 4096u

void memory_init(struct memory *m, int32_t pid) {
  m->pid = pid;
  m->error = 0;
  m->at = 0;
  m->size = 0;
}

/* Page by page in one call: what is behind the stack's end is left out. */
void memory_take_stack(struct memory *m, uint64_t sp) {
  struct iovec local = {m->bytes, sizeof m->bytes};
  struct iovec remote[sizeof m->bytes / PAGE + 1];
  unsigned n = 0;
  uint64_t at = sp, end = sp + sizeof m->bytes;
  m->at = sp;
  m->size = 0;
  if (end < sp)
    return;
  while (at < end) {
    uint64_t next = (at / PAGE + 1) * PAGE;
    if (next > end)
      next = end;
    remote[n++] = (struct iovec){(void *)(uintptr_t)at, (size_t)(next - at)};
    at = next;
  }
  ssize_t got = process_vm_readv(m->pid, &local, 1, remote, n, 0);
  if (got > 0)
    m->size = (size_t)got;
  else if (!m->error)
    m->error = errno;
}

bool memory_read(struct memory *m, uint64_t address, void *to, size_t n) {
  if (address >= m->at && address - m->at <= m->size &&
      n <= m->size - (size_t)(address - m->at)) {
    memcpy(to, m->bytes + (address - m->at), n);
    return true;
  }
  struct iovec local = {to, n};
  struct iovec remote = {(void *)(uintptr_t)address, n};
  if (process_vm_readv(m->pid, &local, 1, &remote, 1, 0) == (ssize_t)n)
    return true;
  if (!m->error && errno == EPERM)
    m->error = errno;
  return false;
}
