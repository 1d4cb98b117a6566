/* Begin and end of a blocking call.
 *
 * Invariant: lti_self.in_call is 1 from begin to end, so that what the callee
 * calls in turn is not counted again.  Called by the wrappers of libc and of
 * libuv's synchronous functions, on loop threads only. */
#include "hook/call.h"
#include "hook/fd.h"
#include "hook/holder.h"
#include "hook/trial.h"

#define SET(field, value)                                                      \
  atomic_store_explicit(&slot->field, value, memory_order_relaxed)
#define GET(field) atomic_load_explicit(&slot->field, memory_order_relaxed)

static void show(const struct lti_call *call, const void *pc, const void *frame,
                 const void *cfa) {
  struct lti_thread *slot = lti_self.slot;
  if (!slot || !lti_is_on())
    return;
  SET(frame[0], (uint64_t)(uintptr_t)pc);
  SET(frame[1], (uint64_t)(uintptr_t)cfa);
  SET(frame[2], *(const uintptr_t *)frame); /* which the wrapper saved */
  SET(call_site, (uint64_t)(uintptr_t)call->site);
  SET(call_since, call->began);
  /* Partner: a look from outside reads call first. */
  atomic_store_explicit(
      &slot->call, LTI_HEAD(LT_CALL, call->callee, call->ref & LTI_REF_MAX),
      memory_order_release);
}

void lti_call_begin(struct lti_call *call, unsigned callee, uint64_t ref,
                    const void *site, const void *frame, const void *cfa) {
  struct lti_self *self = &lti_self;
  call->callee = callee;
  call->ref = ref;
  call->site = site;
  call->holder = 0;
  if (self->in_uv == LTI_IN_API && lti_is_libuv(site))
    call->site = lti_hook.api_site; /* the program's call, not libuv's */
  if (lti_is_own(call->site))
    call->site = NULL; /* a callback's last act, as a jump: not its address */
  self->in_call = 1;
  call->began = lti_now();
  show(call, site, frame, cfa);
}

void lti_call_held(struct lti_call *call, uint32_t tid) {
  struct lti_thread *slot = lti_self.slot;
  if (!tid || !lti_is_on())
    return;
  call->holder = lti_holder_text(tid);
  if (slot)
    SET(holder, tid);
}

void lti_nested_show(const struct lti_nested *nested) {
  if (nested)
    show(&nested->call, nested->call.site, nested->frame, nested->cfa);
}

void lti_nested_hide(const struct lti_nested *nested) {
  struct lti_thread *slot = lti_self.slot;
  if (nested && slot && lti_is_on())
    SET(call, 0);
}

void lti_call_end(struct lti_call *call) {
  struct lti_self *self = &lti_self;
  struct lti_thread *slot = self->slot;
  self->in_call = 0;
  if (!lti_is_on())
    return; /* or this is a child, and the slot is its parent's */
  if (slot)
    SET(call, 0);
  if (slot && GET(holder))
    SET(holder, 0);
  uint64_t now = lti_now();
  if (call->holder && now - call->began >= lti_process.ticks_min_block)
    lti_emit_at(now, LT_LOCK_HOLDER, 0, call->ref & LTI_REF_MAX, call->holder,
                0);
  if (call->ref & LTI_IS_FD && now - call->began >= lti_process.ticks_min_block)
    lti_fd_tell((int)(uint32_t)call->ref - 1, now);
  lti_call_emit_at(now, call->began, call->callee, call->ref, call->site);
  if (__builtin_expect(self->on_trial, 0))
    lti_trial_called(now - call->began);
}
