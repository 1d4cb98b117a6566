/* The fast path of a handle's callback: its slice begins, and ends.
 *
 * What scope.c does, for a callback that comes straight from a loop's uv_run,
 * of a handle that the front of the table knows, with tracing on and room in
 * the ring.  All of that is asked with five comparisons, before anything was
 * done; where one fails, the slow twin does it all.  Inline, and nothing is kept
 * across the program's call: what the end needs is in the frame.
 *
 * state is LTI_STATE_LOOP only between the callbacks of a uv_run, which buried
 * the frames that a longjmp had left when it began: the innermost frame is its
 * own.  A forked child finds the front empty, and alive 0.
 *
 * A change here is measured: bench/run.py --only instructions.  Included by the
 * trampolines of handles only. */
#ifndef LTI_FAST_H
#define LTI_FAST_H

#include <stddef.h>

#include "hook/scope.h"

#define LTI_FAST static inline __attribute__((always_inline))
#define LTI_LIKELY(c) __builtin_expect(!!(c), 1)

/* lti_self.state: who has the thread, outside calls; EMIT is the program's, too.
 */
enum {
  LTI_STATE_PROGRAM = LTI_IN_PROGRAM << 8,
  LTI_STATE_LOOP = LTI_IN_LOOP << 8,
  LTI_STATE_EMIT = LTI_IN_PROGRAM << 8 | 1
};
_Static_assert(offsetof(struct lti_self, busy) ==
                       offsetof(struct lti_self, state) &&
                   offsetof(struct lti_self, in_uv) ==
                       offsetof(struct lti_self, state) + 1,
               "as the constants have it, on little-endian machines");

/* Store and publish a record; there is room, and busy is set.  Its kind has no
 * b. */
LTI_FAST void lti_fast_put(struct lti_self *self, struct lti_thread *slot,
                           uint64_t at, uint64_t now, uint64_t head,
                           uint64_t a) {
  struct lti_record *r = &self->ring[at & self->mask];
  r->clock = now;
  r->head = head;
  r->a = a;
  self->head = ++at;
  /* Partner: the drain's acquire load of head. */
  atomic_store_explicit(&slot->head, at, memory_order_release);
}

/* at: an address in the trampoline's frame.  kind: of the callback.  missed: the
 * handle is not in the front.  Returns: false when nothing was done. */
LTI_FAST bool lti_fast_open(uintptr_t at, const void *handle, unsigned kind,
                            bool missed, uintptr_t *fn) {
  struct lti_self *self = &lti_self;
  struct lti_frame *frame = self->top;
  struct lti_hit hit;
  bool second = kind == LT_TASK_ALLOC;
  if (!LTI_LIKELY(self->state == LTI_STATE_LOOP &&
                  lti_times_on() == self->on &&
                  frame < self->top_end) ||
      !LTI_LIKELY(missed ? lti_front_miss(handle, second, &hit)
                         : lti_front_get(handle, false, second, &hit)))
    return false;
  self->state = LTI_STATE_EMIT;
  atomic_signal_fence(memory_order_seq_cst); /* against our own handlers */
  uint64_t n = self->head;
  if (!LTI_LIKELY(n < self->limit)) {
    self->state = LTI_STATE_LOOP;
    return false;
  }
  struct lti_thread *slot = self->slot;
  uint64_t now = lti_clock_read(1), task = LTI_HEAD_REF(hit.head);
  lti_fast_put(self, slot, n, now,
               second ? LTI_HEAD(LT_RESUME, kind, task) : hit.head | LT_RESUME,
               hit.fn);
  self->top = ++frame;
  frame->at = at;
  frame->flags = 0;
  frame->slice.task = task;
  frame->slice.outer = self->task;
  frame->slice.outer_since =
      atomic_load_explicit(&slot->task_since, memory_order_relaxed);
  frame->slice.began = now;
  self->task = task;
  atomic_store_explicit(&slot->task_since, now, memory_order_relaxed);
  atomic_store_explicit(&slot->task, task, memory_order_relaxed);
  atomic_signal_fence(memory_order_seq_cst);
  self->state = LTI_STATE_PROGRAM; /* as wide as it will be read */
  *fn = hit.fn;
  return true;
}

/* Returns: false when nothing was done. */
LTI_FAST bool lti_fast_close(uintptr_t at) {
  struct lti_self *self = &lti_self;
  struct lti_frame *frame = self->top;
  if (!LTI_LIKELY(frame->at == at &&
                  self->state == LTI_STATE_PROGRAM &&
                  *lti_process.alive && lti_times_on() == self->on))
    return false;
  self->state = LTI_STATE_EMIT;
  atomic_signal_fence(memory_order_seq_cst);
  uint64_t now = lti_clock_read(1), n = self->head;
  /* Long, or muted: then it began at 0. */
  if (!LTI_LIKELY(n < self->limit &&
                  now - frame->slice.began <= lti_process.ticks_usage)) {
    self->state = LTI_STATE_PROGRAM;
    return false;
  }
  struct lti_thread *slot = self->slot;
  lti_fast_put(self, slot, n, now, LTI_HEAD(LT_AWAIT, 0, frame->slice.task), 0);
  self->top = frame - 1;
  self->task = frame->slice.outer;
  atomic_store_explicit(&slot->task, frame->slice.outer, memory_order_relaxed);
  atomic_store_explicit(&slot->task_since, frame->slice.outer_since,
                        memory_order_relaxed);
  atomic_signal_fence(memory_order_seq_cst);
  self->state = LTI_STATE_LOOP;
  return true;
}

/* Ends the slice when its block is left; left: by an exception. */
struct lti_fast {
  uintptr_t at;
  bool left;
};
LTI_FAST void lti_fast_leave(const struct lti_fast *fast) {
  if (fast->left || !lti_fast_close(fast->at))
    lti_scope_close_at(fast->at, fast->left);
}

/* The same not inline, for a handle that is not in the front, and while tracing
 * is off: then there is no frame, only the thread is the program's. */
bool lti_fast_open_missed(uintptr_t at, const void *handle, unsigned kind,
                          uintptr_t *fn);
void lti_fast_leave_missed(const struct lti_fast *fast);

/* A trampoline, and its slow twins. */
#define LTI_FAST_TRAMPOLINE(name, KIND, type, params, args)                    \
  __attribute__((cold, noinline)) static void name##_slow params {             \
    LTI_SCOPE;                                                                 \
    lti_scope_open_handle(&scope, handle, LT_TASK_##KIND);                     \
    ((type)scope.fn) args;                                                     \
    scope.left = false;                                                        \
  }                                                                            \
  LTI_FAST_CALL(                                                               \
      name##_missed, name##_slow, type, params, args,                          \
      lti_fast_open_missed((uintptr_t)&here, handle, LT_TASK_##KIND, &fn),     \
      lti_fast_leave_missed)                                                   \
  LTI_FAST_CALL(                                                               \
      name, name##_missed, type, params, args,                                 \
      lti_fast_open((uintptr_t)&here, handle, LT_TASK_##KIND, false, &fn),     \
      lti_fast_leave)
#define LTI_FAST_CALL(name, otherwise, type, params, args, open, leave)        \
  __attribute__((noinline)) static void name params {                          \
    char here;                                                                 \
    uintptr_t fn;                                                              \
    if (!LTI_LIKELY(open)) {                                                   \
      otherwise args;                                                          \
      return;                                                                  \
    }                                                                          \
    struct lti_fast fast                                                       \
        __attribute__((cleanup(leave))) = {(uintptr_t)&here, true};            \
    ((type)fn) args;                                                           \
    fast.left = false;                                                         \
  }

#endif
