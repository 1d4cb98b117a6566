/* Frames and tasks.
 *
 * Invariant: lti_hook.frames[1] to *lti_self.top are in the order in which they were
 * opened; lti_self.task is the innermost one's.  Called by the wrappers and the
 * trampolines of uv_*.c. */
#include "hook/scope.h"

#include <stddef.h>

__thread struct lti_hook lti_hook
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

void lti_count_untracked(void) {
  struct lti_proc *proc = lti_process.proc;
  if (proc && lti_is_on())
    atomic_fetch_add_explicit(&proc->untracked, 1, memory_order_relaxed);
}

/* Frames. */

/* Twice for every callback: a call less is worth the copies. */
#define LTI_INLINE __attribute__((always_inline))

void lti_frame_close_run(struct lti_frame *frame, unsigned result) {
  lti_hook.loop = frame->outer_loop;
  if (frame->flags & LTI_FRAME_MUTE) {
    lti_depth_drop();
    lti_self.loop = frame->outer.loop;
    lti_self.foreign = frame->outer.foreign;
    lti_self.mode = frame->outer.mode;
  } else {
    lti_loop_leave(&frame->outer, result);
  }
}

static void bury_top(void) {
  struct lti_frame *frame = lti_self.top--;
  if (frame->flags & LTI_FRAME_RUN) {
    lti_frame_close_run(frame, 0);
    return;
  }
  uint64_t task = frame->slice.task;
  lti_slice_end(&frame->slice, false, 1, 0);
  if (frame->flags & LTI_FRAME_DONE && task)
    lti_emit(LT_DONE, 0, task, 0, 0);
}

void lti_frames_bury(uintptr_t at) {
  struct lti_self *self = &lti_self;
  while (self->top && lti_is_dead(self->top, at))
    bury_top();
}

struct lti_frame *lti_frame_push(const void *at, uint64_t flags) {
  struct lti_self *self = &lti_self;
  struct lti_frame *frames = lti_hook.frames;
  if (!self->top) {
    frames[0].at = UINTPTR_MAX;
    self->top = frames;
    self->top_end = &frames[LTI_FRAMES_MAX];
  }
  lti_frames_bury((uintptr_t)at);
  if (self->top == self->top_end)
    return NULL;
  struct lti_frame *frame = ++self->top;
  frame->at = (uintptr_t)at;
  frame->flags = flags;
  return frame;
}

bool lti_frame_pop(struct lti_frame *frame, const void *at) {
  struct lti_self *self = &lti_self;
  while (self->top > frame)
    bury_top(); /* a longjmp ended in it */
  if (self->top != frame || frame->at != (uintptr_t)at)
    return false;
  self->top--;
  return true;
}

void lti_frames_mute(void) {
  struct lti_frame *frame = lti_self.top;
  for (; frame > lti_hook.frames; frame--) {
    frame->flags |= LTI_FRAME_MUTE;
    if (!(frame->flags & LTI_FRAME_RUN))
      frame->slice.began = 0;
  }
}

/* The thread is the program's from here on. */
static inline LTI_INLINE void hand_over(struct lti_scope *scope) {
  struct lti_self *self = &lti_self;
  scope->frame = NULL;
  scope->is_deep = false;
  scope->left = true;
  scope->outer_in_uv = self->in_uv;
  scope->outer_in_call = self->in_call;
  self->in_uv = LTI_IN_PROGRAM;
  self->in_call = 0;
}

static inline LTI_INLINE void push(struct lti_scope *scope, unsigned kind) {
  hand_over(scope);
  scope->frame = lti_frame_push(scope, scope->done ? LTI_FRAME_DONE : 0);
  scope->is_deep = !scope->frame;
  lti_slice_begin(scope->frame ? &scope->frame->slice : &scope->deep,
                  scope->task, kind, (const void *)scope->fn);
}

static inline LTI_INLINE void end_slice(struct lti_scope *scope,
                                        struct lti_slice *slice) {
  if (!scope->left) {
    lti_slice_end(slice, scope->done, scope->done ? scope->cancelled : 0,
                  scope->done ? scope->status : 0);
    return;
  }
  lti_slice_end(slice, false, 1, 0);
  if (scope->done && scope->task)
    lti_emit(LT_DONE, scope->cancelled, scope->task, (uint64_t)scope->status,
             0);
}

void lti_scope_close(struct lti_scope *scope) {
  if (scope->is_deep)
    end_slice(scope, &scope->deep);
  else if (scope->frame && lti_frame_pop(scope->frame, scope))
    end_slice(scope, &scope->frame->slice);
  lti_self.in_uv = scope->outer_in_uv;
  lti_self.in_call = scope->outer_in_call;
}

void lti_scope_close_at(uintptr_t at, bool left, int64_t status) {
  struct lti_frame *frame = lti_self.top;
  while (frame > lti_hook.frames && frame->at != at)
    frame--;
  if (frame > lti_hook.frames && lti_frame_pop(frame, (const void *)at)) {
    struct lti_scope scope = {.left = left,
                              .done = frame->flags & LTI_FRAME_DONE,
                              .task = frame->slice.task,
                              .cancelled = status == UV_ECANCELED,
                              .status = status};
    end_slice(&scope, &frame->slice);
  }
  lti_self.in_uv = LTI_IN_LOOP;
  lti_self.in_call = 0;
}

/* Tasks. */

/* One that was armed while tracing was off, or before a fork. */
static void introduce(struct lti_entry *entry, bool keep)
    __attribute__((cold, noinline));
static void introduce(struct lti_entry *entry, bool keep) {
  if (!lti_is_on())
    return;
  if (!entry->task)
    entry->task = lti_task_new();
  entry->epoch = lti_epoch_of(entry->task);
  if (keep)
    (void)lti_table_put(entry, NULL);
  lti_emit(LT_SPAWN, entry->kind, entry->task, entry->fn, 0);
}

static inline bool is_known(const struct lti_entry *entry) {
  return entry->task && entry->epoch == lti_epoch();
}

void lti_scope_open_handle(struct lti_scope *scope, const void *handle,
                           unsigned which) {
  struct lti_entry entry = {0};
  if (lti_table_get(lti_key(handle, LTI_HANDLE), &entry, true) &&
      !is_known(&entry))
    introduce(&entry, true);
  scope->fn = which == LT_TASK_ALLOC ? entry.second : entry.fn;
  scope->task = entry.task;
  scope->done = false;
  if (lti_is_on())
    push(scope, which);
  else
    hand_over(scope);
}

void lti_scope_open_request(struct lti_scope *scope, const void *req,
                            unsigned kind, int64_t status) {
  struct lti_entry entry = {0};
  if (lti_table_take(lti_key(req, LTI_REQUEST), &entry) && !is_known(&entry))
    introduce(&entry, false);
  scope->fn = entry.fn;
  scope->task = entry.task;
  scope->done = true;
  scope->status = status;
  scope->cancelled = status == UV_ECANCELED;
  if (scope->fn) {
    push(scope, kind);
  } else {
    hand_over(scope);
    lti_emit(LT_DONE, scope->cancelled, entry.task, (uint64_t)status, 0);
  }
}

void lti_scope_open_close(struct lti_scope *scope, const void *handle) {
  struct lti_entry entry = {0};
  if (lti_table_take(lti_key(handle, LTI_HANDLE), &entry) && !is_known(&entry))
    introduce(&entry, false);
  scope->fn = entry.close;
  scope->task = entry.task;
  scope->done = true;
  scope->status = 0;
  scope->cancelled = 0;
  if (scope->fn) {
    push(scope, LT_TASK_CLOSE);
  } else {
    hand_over(scope);
    lti_emit(LT_DONE, 0, entry.task, 0, 0);
  }
}

void lti_scope_open_bare(struct lti_scope *scope, uintptr_t fn) {
  scope->fn = fn;
  scope->task = 0;
  scope->done = false;
  hand_over(scope);
}

/* A program may read a callback out of its handle, where ours lies, and arm the
 * handle with it again: it means its own. */
static uintptr_t own_callback(const struct lti_start *start, uintptr_t fn,
                              uintptr_t old) {
  return start->old.key && lti_is_own((const void *)fn) ? old : fn;
}

void lti_start_begin_slow(struct lti_start *start, const void *handle,
                          unsigned kind, uintptr_t fn, uintptr_t second) {
  uint64_t key = lti_key(handle, LTI_HANDLE);
  struct lti_entry *entry = &start->entry, *old = &start->old;
  if (!lti_is_on() &&
      lti_front_same(handle, kind, fn, second, true, &entry->task)) {
    start->same = start->tracked = true;
    return;
  }
  if (!lti_table_get(key, old, true))
    old->key = 0;
  start->known =
      old->key && old->kind == kind && !old->closing && is_known(old);
  if (start->known)
    *entry = *old;
  else
    *entry = (struct lti_entry){
        .key = key, .kind = (uint16_t)kind, .task = lti_task_new()};
  entry->epoch = lti_epoch_of(entry->task);
  entry->fn = own_callback(start, fn, old->fn);
  entry->second = own_callback(start, second, old->second);
  start->tracked = lti_table_put(entry, NULL);
  if (!start->tracked)
    lti_count_untracked();
}

static void restore(uint64_t key, const struct lti_entry *old) {
  if (old->key)
    (void)lti_table_put(old, NULL);
  else
    lti_table_drop(key);
}

/* Who makes a task; nobody where that is a callback's last act, as a jump: the
 * address is in our trampoline. */
static uint64_t maker(const void *site) {
  return lti_is_own(site) ? 0 : (uint64_t)(uintptr_t)site;
}

void lti_start_end(struct lti_start *start, int result, uint64_t delay,
                   const void *site) {
  struct lti_entry *entry = &start->entry;
  if (!start->tracked)
    return;
  if (result < 0) {
    if (!start->same)
      restore(entry->key, &start->old);
    return;
  }
  if (!entry->task)
    return; /* armed while tracing was off, also where it no longer is */
  if (!start->known)
    lti_emit(LT_SPAWN, entry->kind, entry->task, entry->fn, maker(site));
  if (start->known || delay)
    lti_emit(LT_ARM, entry->kind, entry->task, entry->fn, delay);
}

void lti_submit_begin(struct lti_submit *submit, const void *req, unsigned kind,
                      uintptr_t fn, uintptr_t second, const void *site) {
  struct lti_entry *entry = &submit->entry;
  *entry = (struct lti_entry){.key = lti_key(req, LTI_REQUEST),
                              .task = lti_task_new(),
                              .kind = (uint16_t)kind,
                              .fn = fn,
                              .second = second};
  entry->epoch = lti_epoch_of(entry->task);
  submit->tracked = lti_table_put(entry, &submit->old);
  if (submit->tracked)
    lti_emit(LT_SPAWN, kind, entry->task, fn ? fn : second, maker(site));
  else
    lti_count_untracked();
}

/* SPAWN is emitted before the real call, since a worker may begin in the middle
 * of it; where it failed, that was all of the task's life. */
void lti_submit_end(struct lti_submit *submit, int result) {
  if (!submit->tracked || result >= 0)
    return;
  restore(submit->entry.key, &submit->old);
  lti_emit(LT_DONE, 0, submit->entry.task, (uint64_t)(int64_t)result, 0);
}
