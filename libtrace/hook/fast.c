/* The fast path of a handle's callback: its slice begins, and ends.
 *
 * The same as the functions of scope.c, which take over wherever anything is
 * out of the ordinary; here is only what every callback does, in one function
 * each and without a call, so that nothing is saved and restored.  A change
 * here is measured: bench/run.py --only instructions.  Called by the
 * trampolines of handles. */
#include "hook/scope.h"

#define LIKELY(c) __builtin_expect(!!(c), 1)
#define LTI_INLINE static inline __attribute__((always_inline))
#define SET(slot, field, value)                                                \
  atomic_store_explicit(&(slot)->field, value, memory_order_relaxed)
#define GET(slot, field)                                                       \
  atomic_load_explicit(&(slot)->field, memory_order_relaxed)

/* One record, if there is room and nobody is at it: lti_emit_on() without its
 * slow ends.  Returns: false when nothing was done. */
LTI_INLINE bool emit_now(struct lti_self *self, uint64_t now, uint64_t head,
                         uint64_t a) {
  if (self->busy)
    return false;
  self->busy = 1;
  atomic_signal_fence(memory_order_seq_cst); /* against our own handlers */
  uint64_t at = self->head;
  bool room = at < self->limit;
  if (LIKELY(room)) {
    struct lti_record *r = &self->ring[at & self->mask];
    r->clock = now;
    r->head = head;
    r->a = a;
    r->b = 0;
    self->head = ++at;
    /* Partner: the drain's acquire load of head. */
    atomic_store_explicit(&self->slot->head, at, memory_order_release);
  }
  atomic_signal_fence(memory_order_seq_cst);
  self->busy = 0;
  return room;
}

/* Returns: false when nothing was done. */
LTI_INLINE bool open_now(struct lti_scope *scope, const void *handle,
                         uint64_t head, bool second) {
  struct lti_self *self = &lti_self;
  struct lti_hook *hook = &lti_hook;
  struct lti_frame *top = hook->top, *frame = top + 1;
  struct lti_hit hit;
  if (!top || top == &hook->frames[LTI_FRAMES_MAX] ||
      lti_is_dead(top, (uintptr_t)scope) || !lti_is_fast() ||
      !lti_table_hit(lti_key(handle, LTI_HANDLE), second, &hit) ||
      hit.epoch != lti_epoch())
    return false;
  uint64_t now = lti_clock_read(1);
  if (!LIKELY(emit_now(self, now, head | hit.task << 24, hit.fn)))
    return false;
  struct lti_thread *slot = self->slot;
  scope->fn = hit.fn;
  scope->frame = hook->top = frame;
  scope->done = false;
  scope->left = true;
  scope->is_deep = false;
  scope->outer_in_uv = self->in_uv;
  scope->outer_in_call = self->in_call;
  self->in_uv = LTI_IN_PROGRAM;
  self->in_call = 0;
  frame->at = (uintptr_t)scope;
  frame->flags = 0;
  frame->slice.task = hit.task;
  frame->slice.outer = self->task;
  frame->slice.outer_since = GET(slot, task_since);
  frame->slice.began = now;
  self->task = hit.task;
  SET(slot, task_since, now);
  SET(slot, task, hit.task);
  return true;
}

/* Switched off: whom to call, and that the thread is the program's. */
LTI_INLINE bool open_off(struct lti_scope *scope, const void *handle,
                         bool second) {
  struct lti_self *self = &lti_self;
  struct lti_hit hit;
  if (lti_is_on() || !lti_table_hit(lti_key(handle, LTI_HANDLE), second, &hit))
    return false;
  scope->fn = hit.fn;
  scope->frame = NULL;
  scope->is_deep = false;
  scope->outer_in_uv = self->in_uv;
  scope->outer_in_call = self->in_call;
  self->in_uv = LTI_IN_PROGRAM;
  self->in_call = 0;
  return true;
}

void lti_fast_open(struct lti_scope *scope, const void *handle, uint64_t head) {
  if (!LIKELY(open_now(scope, handle, head, false)) &&
      !open_off(scope, handle, false))
    lti_scope_open_handle(scope, handle, LTI_HEAD_X(head));
}

void lti_fast_open_alloc(struct lti_scope *scope, const void *handle) {
  uint64_t head = LTI_HEAD(LT_RESUME, LT_TASK_ALLOC, 0);
  if (!LIKELY(open_now(scope, handle, head, true)) &&
      !open_off(scope, handle, true))
    lti_scope_open_handle(scope, handle, LT_TASK_ALLOC);
}

LTI_INLINE bool close_now(struct lti_scope *scope) {
  struct lti_self *self = &lti_self;
  struct lti_hook *hook = &lti_hook;
  struct lti_frame *frame = scope->frame;
  if (hook->top != frame || scope->left || frame->at != (uintptr_t)scope ||
      !lti_is_fast())
    return false;
  uint64_t now = lti_clock_read(1);
  /* Long, or muted: then it began at 0. */
  if (now - frame->slice.began > lti_process.ticks_usage ||
      !LIKELY(emit_now(self, now, LTI_HEAD(LT_AWAIT, 0, frame->slice.task), 0)))
    return false;
  struct lti_thread *slot = self->slot;
  hook->top = frame - 1;
  self->task = frame->slice.outer;
  self->in_uv = scope->outer_in_uv;
  self->in_call = scope->outer_in_call;
  SET(slot, task, frame->slice.outer);
  SET(slot, task_since, frame->slice.outer_since);
  return true;
}

void lti_fast_close(struct lti_scope *scope) {
  if (LIKELY(close_now(scope)))
    return;
  if (scope->frame || scope->is_deep) {
    lti_scope_close(scope);
    return;
  }
  lti_self.in_uv = scope->outer_in_uv;
  lti_self.in_call = scope->outer_in_call;
}
