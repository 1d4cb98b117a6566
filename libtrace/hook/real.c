/* Find the real functions.
 *
 * Invariant: a pointer in lti_uv or lti_libc is always callable.  It is stored
 * whole, and looked up again by nobody once it is real; two threads that look
 * it up at once store the same value.  Nothing here allocates, but for what
 * dlsym() itself may do.  Called by the constructor, or by a pointer's first
 * caller. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "hook/real.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <string.h>

struct lti_text_ranges lti_ranges;

/* The tables of pointers are filled in by number. */
typedef void *__attribute__((may_alias)) slot_t;

static void store(void *slot, void *function) {
  __atomic_store_n((slot_t *)slot, function, __ATOMIC_RELEASE);
}

/* The arguments of a row are the first of what follows its parameters. */
#define ARGUMENTS(args, ...) args

/* libc. */

/* The default version but where an older one is the default of dlsym(): the
 * first pthread_cond_t of glibc had another layout. */
static void *find_libc(const char *name) {
  void *found = NULL;
  if (strncmp(name, "pthread_cond_", 13) == 0)
    found = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
  return found ? found : dlsym(RTLD_NEXT, name);
}

static bool resolve_libc(void *slot, const char *name) {
  int saved = errno;
  void *found = find_libc(name);
  if (found)
    store(slot, found);
  errno = saved;
  return found != NULL;
}

/* A libc that lacks it cannot have a program that calls it; still, an answer.
 */
#define ABSENT(ret)                                                            \
  (ret)(intptr_t)(__builtin_classify_type((ret)0) == 5 ? 0 : -1)

#define FIRST_VALUE(ret, name, params, args)                                   \
  static ret first_##name params {                                             \
    if (!resolve_libc(&lti_libc.name, #name)) {                                \
      errno = ENOSYS;                                                          \
      return ABSENT(ret);                                                      \
    }                                                                          \
    return lti_libc.name args;                                                 \
  }
#define FIRST_CALL FIRST_VALUE
#define FIRST_LOCK FIRST_VALUE
#define FIRST_HAND FIRST_VALUE
#define FIRST_ONLY FIRST_VALUE
#define FIRST_VOID(ret, name, params, args)                                    \
  static ret first_##name params {                                             \
    if (resolve_libc(&lti_libc.name, #name))                                   \
      lti_libc.name args;                                                      \
  }
#define FIRST_LIBC(how, ret, name, params, ...)                                \
  FIRST_##how(ret, name, params, ARGUMENTS(__VA_ARGS__, 0))
LTI_LIBC_MAP(FIRST_LIBC)

struct lti_libc lti_libc __attribute__((visibility("hidden"))) = {
#define POINTER(how, ret, name, ...) .name = first_##name,
    LTI_LIBC_MAP(POINTER)};

void lti_real_find_libc(void) {
#define RESOLVE_LIBC(how, ret, name, ...)                                      \
  (void)resolve_libc(&lti_libc.name, #name);
  LTI_LIBC_MAP(RESOLVE_LIBC)
}

/* libuv. */

#define ABSENT_int UV_ENOSYS
#define ABSENT_uint64_t 0
#define ABSENT_lti_text ""
#define ABSENT_void

#define FIRST_UV(how, ret, name, params, ...)                                  \
  static ret absent_##name params {                                            \
    LTI_RETURN_##ret ABSENT_##ret;                                             \
  }                                                                            \
  static ret first_##name params {                                             \
    lti_real_find_uv();                                                        \
    LTI_RETURN_##ret lti_uv.name ARGUMENTS(__VA_ARGS__, 0);                    \
  }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* of what is absent */
LTI_UV_MAP(FIRST_UV)
#pragma GCC diagnostic pop

struct lti_uv lti_uv
    __attribute__((visibility("hidden"))) = {LTI_UV_MAP(POINTER)};

struct found {
  const void *function; /* of the libuv that is looked for; NULL: by name */
  const char *uv_path;
  struct lti_text_ranges ranges;
};

static void text_of(const struct dl_phdr_info *info, uintptr_t *start,
                    uintptr_t *size) {
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *p = &info->dlpi_phdr[i];
    if (p->p_type == PT_LOAD && (p->p_flags & PF_X)) {
      *start = info->dlpi_addr + p->p_vaddr;
      *size = p->p_memsz;
      return;
    }
  }
}

static int look_at_module(struct dl_phdr_info *info, size_t size,
                          void *context) {
  struct found *found = context;
  uintptr_t start = 0, length = 0;
  (void)size;
  text_of(info, &start, &length);
  if ((uintptr_t)look_at_module - start < length) {
    found->ranges.own_start = start;
    found->ranges.own_size = length;
  } else if (!found->uv_path && strstr(info->dlpi_name, "libuv") &&
             (found->function ? (uintptr_t)found->function - start < length
                              : strstr(info->dlpi_name, "libuv.so") != NULL)) {
    found->uv_path = info->dlpi_name;
    found->ranges.uv_start = start;
    found->ranges.uv_size = length;
  }
  return 0;
}

/* A libuv that a module brought along (uvloop, luv) is in no scope of ours. The
 * handle is kept: were libuv unloaded, our pointers would hang. */
static void *open_uv(const char *path) {
  return path ? dlopen(path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
}

/* handle: NULL for the global scope. */
static void resolve_uv(void *handle, void *slot, const char *name,
                       void *absent) {
  void *found = dlsym(handle ? handle : RTLD_NEXT, name);
  store(slot, found ? found : absent);
}

void lti_real_fill_uv(struct lti_uv *to, void *handle) {
#define RESOLVE_UV(how, ret, name, ...)                                        \
  resolve_uv(handle, &to->name, #name, (void *)absent_##name);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored                                                 \
    "-Wpedantic" /* functions as data: POSIX has it */
  LTI_UV_MAP(RESOLVE_UV)
#pragma GCC diagnostic pop
}

void lti_real_find_uv_of(const void *function) {
  int saved = errno;
  struct found found = {.function = function};
  (void)dl_iterate_phdr(look_at_module, &found);
  void *libuv = open_uv(found.uv_path);
  lti_real_fill_uv(&lti_uv, libuv);
  lti_ranges.own_start = found.ranges.own_start;
  lti_ranges.own_size = found.ranges.own_size;
  lti_ranges.uv_size = libuv ? found.ranges.uv_size : 0;
  /* Last: whoever sees it has the rest.  1: it is nowhere as a library. */
  __atomic_store_n(&lti_ranges.uv_start, libuv ? found.ranges.uv_start : 1,
                   __ATOMIC_RELEASE);
  errno = saved;
}

void lti_real_find_uv(void) {
  const void *function = dlsym(RTLD_NEXT, "uv_run");
  lti_real_find_uv_of(function);
  if (function)
    __atomic_store_n(&lti_ranges.is_global, true, __ATOMIC_RELEASE);
}
