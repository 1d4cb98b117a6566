/* Which files the program's code came from, so that addresses can be named even
 * when it ended before anybody could look at /proc/PID/maps. */
#include "record/emit.h"

#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { MODULES_MAX = 1024 };

static unsigned long long adds_seen; /* dlpi_adds at the last look */
static uintptr_t emitted[MODULES_MAX]; /* base addresses */
static size_t n_emitted;
static const struct lti_proc *emitted_for; /* a forked child emits its own */
static atomic_flag looking = ATOMIC_FLAG_INIT;

static bool is_emitted(uintptr_t start) {
  for (size_t i = 0; i < n_emitted; i++)
    if (emitted[i] == start)
      return true;
  return false;
}

static const char *path_of(const char *name, char *buf, size_t size) {
  if (name[0] || lti_process.is_confined)
    return name;
  ssize_t n = readlink("/proc/self/exe", buf, size - 1);
  if (n <= 0)
    return "";
  buf[n] = 0;
  return buf;
}

static int emit_one(struct dl_phdr_info *info, size_t size, void *context) {
  (void)context;
  if (size >= offsetof(struct dl_phdr_info, dlpi_subs)) {
    if (info->dlpi_adds == adds_seen)
      return 1; /* nothing came since: the usual case, at the first module */
  }
  uintptr_t start = UINTPTR_MAX, end = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *p = &info->dlpi_phdr[i];
    if (p->p_type != PT_LOAD)
      continue;
    uintptr_t from = info->dlpi_addr + p->p_vaddr;
    if (from < start)
      start = from;
    if (from + p->p_memsz > end)
      end = from + p->p_memsz;
  }
  start &= ~(uintptr_t)4095; /* as in /proc/PID/maps: whole pages */
  end = (end + 4095) & ~(uintptr_t)4095;
  if (start >= end || is_emitted(start) || n_emitted == MODULES_MAX)
    return 0;
  char buf[LTI_DATA_MAX];
  const char *path = path_of(info->dlpi_name, buf, sizeof buf);
  if (path[0] != '/')
    return 0;
  emitted[n_emitted++] = start;
  lti_emit_data(LTI_DATA_MODULE, start, end, path, strlen(path));
  return 0;
}

static int read_adds(struct dl_phdr_info *info, size_t size, void *context) {
  if (size >= offsetof(struct dl_phdr_info, dlpi_subs))
    *(unsigned long long *)context = info->dlpi_adds;
  return 1;
}

void lti_modules_emit(void) {
  int saved = errno;
  unsigned long long adds = 0;
  if (!atomic_flag_test_and_set(&looking)) {
    if (emitted_for != lti_process.proc) {
      emitted_for = lti_process.proc;
      n_emitted = 0;
      adds_seen = 0;
    }
    (void)dl_iterate_phdr(read_adds, &adds);
    if (adds != adds_seen) {
      (void)dl_iterate_phdr(emit_one, NULL);
      adds_seen = adds;
    }
    atomic_flag_clear(&looking);
  }
  errno = saved;
}
