/* The real functions behind the interposed ones, and who may call whom.
 *
 * libuv is not linked: it is looked for when one of its functions is first
 * called, since it may come by dlopen() long after us.  Each pointer starts as
 * a function that looks the real one up and calls it, so a wrapper works at any
 * time, before our constructor too. */
#ifndef LTI_REAL_H
#define LTI_REAL_H

#include <stdbool.h>
#include <stdint.h>

#include <looptrace/status.h>

#include "hook/libc_map.h"
#include "hook/uv_map.h"
#include "record/emit.h"

/* Marks what is defined in place of another library's function. */
#define LTI_INTERPOSE LT_EXPORT

/* "return f(x)" where f may return nothing: LTI_RETURN_int, LTI_RETURN_void. */
#define LTI_RETURN_void
#define LTI_RETURN_int return
#define LTI_RETURN_uint64_t return
#define LTI_RETURN_lti_text return

struct lti_uv {
#define LTI_REAL_UV(how, ret, name, params, ...) ret(*name) params;
  LTI_UV_MAP(LTI_REAL_UV)
#undef LTI_REAL_UV
};
extern struct lti_uv lti_uv __attribute__((visibility("hidden")));

struct lti_libc {
#define LTI_REAL_LIBC(how, ret, name, params, ...) ret(*name) params;
  LTI_LIBC_MAP(LTI_REAL_LIBC)
#undef LTI_REAL_LIBC
};
extern struct lti_libc lti_libc __attribute__((visibility("hidden")));

/* Where code lies: libuv's, once it was found, and our own. */
struct lti_text_ranges {
  uintptr_t uv_start, uv_size; /* start 0: not looked for yet; 1: nowhere */
  uintptr_t own_start, own_size;
  uintptr_t user_start, user_size; /* a module that means this libuv */
  bool is_global; /* it is in the global scope, so that all mean it */
};
extern struct lti_text_ranges lti_ranges __attribute__((visibility("hidden")));

/* Look up every function of libc that is interposed.  Threads: any. */
void lti_real_find_libc(void);

/* Find libuv if it is there, and its functions.  errno is preserved. */
void lti_real_find_uv(void);

/* The same, where one of its functions is known. */
void lti_real_find_uv_of(const void *function);

/* All functions of another libuv than ours, from a handle of dlopen(). */
void lti_real_fill_uv(struct lti_uv *to, void *handle);

static inline bool lti_is_libuv(const void *address) {
  return (uintptr_t)address - lti_ranges.uv_start < lti_ranges.uv_size;
}

static inline bool lti_is_own(const void *address) {
  return (uintptr_t)address - lti_ranges.own_start < lti_ranges.own_size;
}

/* The libuv that a caller means: &lti_uv, the one that is followed, or another.
 * Where libuv is in the global scope that is what all mean; else a module may have
 * one inside, or bring one along (whose.c).  errno is preserved. */
struct lti_uv *lti_uv_of_slow(const void *caller);
void lti_whose_after_fork(void);
static inline struct lti_uv *lti_uv_of(const void *caller) {
  const struct lti_text_ranges *r = &lti_ranges;
  if (__builtin_expect(r->is_global, 1) ||
      (uintptr_t)caller - r->user_start < r->user_size || lti_is_libuv(caller))
    return &lti_uv;
  return lti_uv_of_slow(caller);
}

/* Who has the thread: lti_self.in_uv. */
enum {
  LTI_IN_PROGRAM, /* the program, or nobody we know of */
  LTI_IN_LOOP,    /* libuv's housekeeping inside uv_run */
  LTI_IN_API      /* a function of libuv that the program called */
};

/* Did libuv call one of its own public functions?  The return address alone is
 * fooled in both directions, because calls at a function's end are jumps:
 * libuv's then seem to come from our wrapper, the program's from our
 * trampoline. */
static inline bool lti_is_internal(const void *caller) {
  if (__builtin_expect(!lti_ranges.uv_start, 0))
    (void)lti_uv_of_slow(caller); /* or its first call of all would slip through */
  return lti_is_libuv(caller) || (lti_self.in_uv && lti_is_own(caller));
}

/* Is a call to be handed on untouched, to lti_uv_of()?  One load and a branch
 * when not traced. */
static inline bool lti_passes(const void *caller) {
  return __builtin_expect(!lti_process.arena, 0) || lti_is_internal(caller) ||
         __builtin_expect(lti_uv_of(caller) != &lti_uv, 0);
}

#endif
