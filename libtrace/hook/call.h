/* A blocking call: between two looks at the clock, with a note in the arena of
 * where the thread is, for those who look while it does not come back. */
#ifndef LTI_CALL_H
#define LTI_CALL_H

#include "hook/scope.h"

struct lti_call {
  uint64_t began;
  uint64_t ref;
  const void *site;
  unsigned callee;
  uint64_t holder; /* string: the thread that has what is waited for; or 0 */
};

/* Is a call from this caller to be recorded?  On a loop thread, inside uv_run,
 * outermost, and not libuv's own housekeeping between the callbacks. */
static inline bool lti_call_wanted(const void *caller) {
  return !lti_self.in_call &&
         (lti_self.in_uv != LTI_IN_LOOP || !lti_is_libuv(caller));
}

/* frame: of the wrapper, as __builtin_frame_address(0); cfa: its caller's stack
 * pointer after the return. */
void lti_call_begin(struct lti_call *call, unsigned callee, uint64_t ref,
                    const void *site, const void *frame, const void *cfa);

/* The call waits for a lock that another thread holds: its id, 0 unknown. */
void lti_call_held(struct lti_call *call, uint32_t tid);

/* Preserves errno; also runs when the thread is cancelled in the call. */
void lti_call_end(struct lti_call *call);

/* Where a uv_run inside a callback of another loop was called from: that loop
 * does not come back while this one polls.  Kept by the wrapper of uv_run. */
struct lti_nested {
  struct lti_call call;
  const void *frame, *cfa; /* as above */
};

/* Of the innermost uv_run; NULL where its loop is the only one. */
extern __thread const struct lti_nested *lti_nested_run
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Around its polls: shown to those who look, as a blocking call is, but nothing
 * is recorded (the polls are).  nested: NULL is a no-op. */
void lti_nested_show(const struct lti_nested *nested);
void lti_nested_hide(const struct lti_nested *nested);

/* From here to the end of the block the thread is in a call. */
#define LTI_CALL(callee, ref, site)                                            \
  struct lti_call call __attribute__((cleanup(lti_call_end)));                 \
  lti_call_begin(&call, callee, ref, site, __builtin_frame_address(0),         \
                 __builtin_dwarf_cfa())

#endif
