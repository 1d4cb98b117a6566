/* Whose libuv does a caller mean?
 *
 * A module that is loaded with dlopen() may have a libuv inside (uvloop from PyPI,
 * luv from luarocks, julia) or bring another one along.  Without us its calls
 * would reach that one, since libuv is in no global scope: so they are handed on to
 * it, and only those that mean the libuv which is followed are recorded.
 *
 * Invariant: an entry of callers is whole before n_callers counts it, and never
 * changes; its module stays loaded.  Called by the wrappers, seldom. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "hook/real.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { CALLERS_MAX = 64, PATIENCE = 10000 };

struct module {
  uintptr_t address; /* what is looked for */
  uintptr_t start, size;
  const char *path; /* NULL: not found */
};

static struct {
  uintptr_t start, size;
  struct lti_uv *uv;
} callers[CALLERS_MAX];
static _Atomic unsigned n_callers;
static atomic_flag is_adding = ATOMIC_FLAG_INIT;

/* For calls whose caller does not say it: made as a jump, or by code that was made
 * at run time. */
static __thread struct lti_uv *last __attribute__((tls_model("initial-exec")));

static int look(struct dl_phdr_info *info, size_t size, void *context) {
  struct module *m = context;
  uintptr_t start = UINTPTR_MAX, end = 0;
  (void)size;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *p = &info->dlpi_phdr[i];
    uintptr_t from = info->dlpi_addr + p->p_vaddr;
    if (p->p_type != PT_LOAD)
      continue;
    start = from < start ? from : start;
    end = from + p->p_memsz > end ? from + p->p_memsz : end;
  }
  if (m->address < start || m->address >= end)
    return 0;
  m->start = start;
  m->size = end - start;
  m->path = info->dlpi_name;
  return 1;
}

static struct module module_of(const void *address) {
  struct module m = {.address = (uintptr_t)address};
  (void)dl_iterate_phdr(look, &m);
  return m;
}

static bool is_followed(void) {
  return lti_ranges.is_global || lti_ranges.uv_start > 1;
}

/* What a module means by uv_run, and a handle of it that is kept; NULL where it is
 * nothing but our own: the program itself means what is in the global scope. */
static void *meaning(const struct module *m, void **handle) {
  struct module own = module_of((const void *)(uintptr_t)lti_uv_of_slow);
  if (!m->path || !*m->path || m->start == own.start)
    return NULL;
  *handle = dlopen(m->path, RTLD_LAZY | RTLD_NOLOAD);
  void *run = *handle ? dlsym(*handle, "uv_run") : NULL;
  if (run && (uintptr_t)run - own.start >= own.size)
    return run;
  if (*handle)
    (void)dlclose(*handle);
  return NULL;
}

static bool is_of(const struct lti_uv *uv, const void *run) {
  return (uintptr_t)uv->uv_run == (uintptr_t)run;
}

static void note(const struct module *m) {
  char text[400];
  if (!*lti_process.alive || !lti_process.arena)
    return;
  (void)snprintf(text, sizeof text,
                 "%.300s has or brings a libuv of its own, which is not "
                 "followed: its callbacks are not seen",
                 m->path);
  lti_note_emit(text);
}

static struct lti_uv *another(void *run, void *handle) {
  for (unsigned i = 0; i < atomic_load(&n_callers); i++)
    if (is_of(callers[i].uv, run))
      return callers[i].uv;
  if (atomic_load(&n_callers) == CALLERS_MAX) /* it would be made each time */
    return NULL;
  struct lti_uv *uv = mmap(NULL, sizeof *uv, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (uv == MAP_FAILED)
    return NULL;
  lti_real_fill_uv(uv, handle);
  return uv;
}

/* A libuv that is a library by itself, and the first of those, is followed.  Its
 * first call may be of its own, from a function that is left alone. */
static struct lti_uv *find(const struct module *m, void *run, void *handle) {
  struct module owner = module_of(run);
  bool is_library = owner.start != m->start || strstr(m->path, "/libuv.so");
  if (!is_followed() && is_library)
    lti_real_find_uv_of(run);
  return is_followed() && is_of(&lti_uv, run) ? &lti_uv : another(run, handle);
}

static void add(const struct module *m, struct lti_uv *uv) {
  unsigned n = atomic_load(&n_callers);
  if (n == CALLERS_MAX)
    return;
  callers[n].start = m->start;
  callers[n].size = m->size;
  callers[n].uv = uv;
  atomic_store(&n_callers, n + 1);
  if (uv == &lti_uv && !lti_ranges.user_size) {
    lti_ranges.user_start = m->start;
    __atomic_store_n(&lti_ranges.user_size, m->size, __ATOMIC_RELEASE);
  }
}

static struct lti_uv *known(uintptr_t caller) {
  for (unsigned i = 0; i < atomic_load(&n_callers); i++)
    if (caller - callers[i].start < callers[i].size)
      return callers[i].uv;
  return NULL;
}

/* Who does not say it means what was meant last; else the one that is followed. */
static struct lti_uv *guess(void) {
  if (last)
    return last;
  if (!is_followed() && atomic_load(&n_callers))
    return callers[0].uv;
  if (!is_followed())
    lti_real_find_uv();
  return &lti_uv;
}

static struct lti_uv *ask(const void *caller, struct module *m) {
  void *handle = NULL;
  if (dlsym(RTLD_NEXT, "uv_run")) {
    lti_real_find_uv();
    return &lti_uv;
  }
  *m = module_of(caller);
  void *run = meaning(m, &handle);
  struct lti_uv *uv = run ? find(m, run, handle) : NULL;
  if (uv)
    add(m, uv);
  return uv;
}

void lti_whose_after_fork(void) {
  atomic_flag_clear(&is_adding); /* a thread that is not here may have it */
}

struct lti_uv *lti_uv_of_slow(const void *caller) {
  if (lti_is_libuv(caller))
    return &lti_uv;
  struct lti_uv *uv = known((uintptr_t)caller);
  if (!uv && !lti_is_own(caller)) {
    struct module m = {0};
    int saved = errno, tries = 0;
    while (atomic_flag_test_and_set(&is_adding) && ++tries < PATIENCE)
      (void)sched_yield();
    uv = known((uintptr_t)caller);
    if (!uv && tries < PATIENCE)
      uv = ask(caller, &m);
    if (tries < PATIENCE)
      atomic_flag_clear(&is_adding);
    if (m.path && uv && uv != &lti_uv)
      note(&m);
    errno = saved;
  }
  if (!uv && lti_is_own(caller))
    return &lti_uv; /* a callback's last act, as a jump */
  return last = uv ? uv : guess();
}
