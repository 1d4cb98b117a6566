/* The fast path of a callback: its slice begins, and ends.
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
 * trampolines only. */
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
                           uint64_t now, uint64_t head, uint64_t a) {
  uint64_t at = self->head;
  struct lti_record *r = &self->ring[at & self->mask];
  r->clock = now;
  r->head = head;
  r->a = a;
  self->head = ++at;
  /* Partner: the drain's acquire load of head. */
  atomic_store_explicit(&slot->head, at, memory_order_release);
}

/* What all callbacks ask.  The room is asked last, by lti_fast_claim(). */
LTI_FAST bool lti_fast_may(const struct lti_self *self) {
  return LTI_LIKELY(self->state == LTI_STATE_LOOP &&
                    lti_times_on() == self->on && self->top < self->top_end);
}

/* From here on our own handlers keep out.  Returns: false, and they need not,
 * when there is no room. */
LTI_FAST bool lti_fast_claim(struct lti_self *self) {
  self->state = LTI_STATE_EMIT;
  atomic_signal_fence(memory_order_seq_cst);
  if (LTI_LIKELY(self->head < self->limit))
    return true;
  self->state = LTI_STATE_LOOP;
  return false;
}

LTI_FAST void lti_fast_begin(struct lti_self *self, uintptr_t at, uint64_t head,
                             uintptr_t fn, uint64_t flags) {
  struct lti_thread *slot = self->slot;
  struct lti_frame *frame = self->top + 1;
  uint64_t now = lti_clock_read(1), task = LTI_HEAD_REF(head);
  lti_fast_put(self, slot, now, head, fn);
  self->top = frame;
  frame->at = at;
  frame->flags = flags;
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
}

/* at: an address in the trampoline's frame.  kind: of the callback.  missed: the
 * handle is not in the front.  Returns: false when nothing was done. */
LTI_FAST bool lti_fast_open(uintptr_t at, const void *handle, unsigned kind,
                            bool missed, uintptr_t *fn) {
  struct lti_self *self = &lti_self;
  struct lti_hit hit;
  bool second = kind == LT_TASK_ALLOC;
  if (!lti_fast_may(self) ||
      !LTI_LIKELY(missed ? lti_front_miss(handle, second, &hit)
                         : lti_front_get(handle, false, second, &hit)) ||
      !lti_fast_claim(self))
    return false;
  lti_fast_begin(self, at,
                 second ? LTI_HEAD(LT_RESUME, kind, LTI_HEAD_REF(hit.head))
                        : hit.head | LT_RESUME,
                 hit.fn, 0);
  *fn = hit.fn;
  return true;
}

/* The same for a request, which is forgotten. */
LTI_FAST bool lti_fast_open_request(uintptr_t at, const void *req,
                                    unsigned kind, uintptr_t *fn) {
  struct lti_self *self = &lti_self;
  uint64_t task;
  if (!lti_fast_may(self) || !*lti_process.alive ||
      !lti_process.clock_is_tsc || !lti_place_get(req, &task, fn) ||
      !lti_fast_claim(self))
    return false;
  lti_place_free(req);
  lti_fast_begin(self, at, LTI_HEAD(LT_RESUME, kind, task), *fn,
                 LTI_FRAME_DONE);
  return true;
}

/* Ends the slice when its block is left. */
struct lti_fast {
  uintptr_t at;
  int64_t status; /* of a request */
  bool left;      /* by an exception; cleared when the program returned */
  bool done;      /* its task ends, too */
};

/* Returns: false when nothing was done. */
LTI_FAST bool lti_fast_close(const struct lti_fast *fast) {
  struct lti_self *self = &lti_self;
  struct lti_frame *frame = self->top;
  if (!LTI_LIKELY(frame->at == fast->at && self->state == LTI_STATE_PROGRAM &&
                  *lti_process.alive && lti_times_on() == self->on))
    return false;
  self->state = LTI_STATE_EMIT;
  atomic_signal_fence(memory_order_seq_cst);
  uint64_t now = lti_clock_read(1), task = frame->slice.task;
  /* Long, or muted: then it began at 0. */
  if (!LTI_LIKELY(self->head < self->limit &&
                  now - frame->slice.began <= lti_process.ticks_usage)) {
    self->state = LTI_STATE_PROGRAM;
    return false;
  }
  struct lti_thread *slot = self->slot;
  if (fast->done)
    lti_fast_put(self, slot, now,
                 LTI_HEAD(LT_DONE, fast->status == UV_ECANCELED, task),
                 (uint64_t)fast->status);
  else
    lti_fast_put(self, slot, now, LTI_HEAD(LT_AWAIT, 0, task), 0);
  self->top = frame - 1;
  self->task = frame->slice.outer;
  atomic_store_explicit(&slot->task, frame->slice.outer, memory_order_relaxed);
  atomic_store_explicit(&slot->task_since, frame->slice.outer_since,
                        memory_order_relaxed);
  atomic_signal_fence(memory_order_seq_cst);
  self->state = LTI_STATE_LOOP;
  return true;
}

LTI_FAST void lti_fast_leave(const struct lti_fast *fast) {
  if (fast->left || !lti_fast_close(fast))
    lti_scope_close_at(fast->at, fast->left, fast->status);
}

/* The same not inline, for a handle that is not in the front, and while tracing
 * is off, when requests end so, too: then there is no frame, only the thread is
 * the program's. */
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
      name##_missed, name##_slow, type, params, args, 0, false,                \
      lti_fast_open_missed((uintptr_t)&here, handle, LT_TASK_##KIND, &fn),     \
      lti_fast_leave_missed)                                                   \
  LTI_FAST_CALL(                                                               \
      name, name##_missed, type, params, args, 0, false,                       \
      lti_fast_open((uintptr_t)&here, handle, LT_TASK_##KIND, false, &fn),     \
      lti_fast_leave)
#define LTI_FAST_CALL(name, otherwise, type, params, args, status, done, open, \
                      leave)                                                   \
  __attribute__((noinline)) static void name params {                          \
    char here;                                                                 \
    uintptr_t fn;                                                              \
    if (!LTI_LIKELY(open)) {                                                   \
      otherwise args;                                                          \
      return;                                                                  \
    }                                                                          \
    struct lti_fast fast                                                       \
        __attribute__((cleanup(leave))) = {(uintptr_t)&here, status, true,     \
                                           done};                              \
    ((type)fn) args;                                                           \
    fast.left = false;                                                         \
  }

#endif
