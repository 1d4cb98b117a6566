/* Handles: arming them, and their callbacks.
 *
 * A handle is one task from its first start to its close; a start after the
 * first is an ARM.  The wrappers come from uv_map.h (START, KEEP), the
 * trampolines from the table below.  libuv calls both. */
#include "hook/fast.h"

/* Trampolines: X(name, kind, type of the program's function, (parameters),
 * (arguments)). */
#define HANDLE_CALLBACKS(X)                                                    \
  X(on_timer, TIMER, uv_timer_cb, (uv_timer_t * handle), (handle))             \
  X(on_idle, IDLE, uv_idle_cb, (uv_idle_t * handle), (handle))                 \
  X(on_prepare, PREPARE, uv_prepare_cb, (uv_prepare_t * handle), (handle))     \
  X(on_check, CHECK, uv_check_cb, (uv_check_t * handle), (handle))             \
  X(on_async, ASYNC, uv_async_cb, (uv_async_t * handle), (handle))             \
  X(on_poll, POLL, uv_poll_cb, (uv_poll_t * handle, int status, int events),   \
    (handle, status, events))                                                  \
  X(on_signal, SIGNAL, uv_signal_cb, (uv_signal_t * handle, int signum),       \
    (handle, signum))                                                          \
  X(on_connection, LISTEN, uv_connection_cb,                                   \
    (uv_stream_t * handle, int status), (handle, status))                      \
  X(on_fs_event, FS_EVENT, uv_fs_event_cb,                                     \
    (uv_fs_event_t * handle, const char *name, int events, int status),        \
    (handle, name, events, status))                                            \
  X(on_fs_poll, FS_POLL, uv_fs_poll_cb,                                        \
    (uv_fs_poll_t * handle, int status, const uv_stat_t *prev,                 \
     const uv_stat_t *curr),                                                   \
    (handle, status, prev, curr))                                              \
  X(on_read, READ, uv_read_cb,                                                 \
    (uv_stream_t * handle, ssize_t nread, const uv_buf_t *buf),                \
    (handle, nread, buf))                                                      \
  X(on_udp_recv, UDP_RECV, uv_udp_recv_cb,                                     \
    (uv_udp_t * handle, ssize_t nread, const uv_buf_t *buf,                    \
     const struct sockaddr *addr, unsigned flags),                             \
    (handle, nread, buf, addr, flags))                                         \
  X(on_alloc, ALLOC, uv_alloc_cb,                                              \
    (uv_handle_t * handle, size_t suggested, uv_buf_t *buf),                   \
    (handle, suggested, buf))

HANDLE_CALLBACKS(LTI_FAST_TRAMPOLINE)

__attribute__((noinline)) static bool open_on(uintptr_t at, const void *handle,
                                              unsigned kind, uintptr_t *fn) {
  return lti_fast_open(at, handle, kind, true, fn);
}

bool lti_fast_open_missed(uintptr_t at, const void *handle, unsigned kind,
                          uintptr_t *fn) {
  if (lti_is_on())
    return open_on(at, handle, kind, fn);
  struct lti_hit hit;
  if (lti_self.state != LTI_STATE_LOOP ||
      !lti_front_get(handle, true, kind == LT_TASK_ALLOC, &hit))
    return false;
  lti_self.state = LTI_STATE_PROGRAM;
  *fn = hit.fn;
  return true;
}

void lti_fast_leave_missed(const struct lti_fast *fast) {
  struct lti_self *self = &lti_self;
  if (!fast->left && self->state == LTI_STATE_PROGRAM && !lti_is_on() &&
      self->top->at > fast->at) /* the uv_run that called us */
    self->state = LTI_STATE_LOOP;
  else
    lti_fast_leave(fast);
}

static inline bool is_active(const void *handle) {
  return lti_uv.uv_is_active(handle);
}

/* A timer that repeats: libuv has armed it again before it calls us, for a period
 * after the time that the loop had when this turn began, and nobody was told. */
static void tell_repeat(const uv_timer_t *timer, uintptr_t fn) {
  if (!lti_is_on() || !is_active(timer) || !lti_hook.loop)
    return;
  uint64_t due_ms =
      lti_uv.uv_now(lti_hook.loop) + lti_uv.uv_timer_get_due_in(timer);
  uint64_t now_ns = lti_monotonic_ns(), due_ns = lti_delay_ns(due_ms) - 1;
  lti_emit(LT_ARM, LT_TASK_TIMER, lti_self.task, fn,
           due_ns > now_ns ? due_ns - now_ns + 1 : 1);
}

static void on_repeat_slow(uv_timer_t *handle) {
  LTI_SCOPE;
  lti_scope_open_handle(&scope, handle, LT_TASK_TIMER);
  tell_repeat(handle, scope.fn);
  ((uv_timer_cb)scope.fn)(handle);
  scope.left = false;
}

LTI_FAST bool open_repeat(uintptr_t at, const uv_timer_t *timer,
                          uintptr_t *fn) {
  if (!lti_fast_open(at, timer, LT_TASK_TIMER, false, fn))
    return false;
  tell_repeat(timer, *fn);
  return true;
}
LTI_FAST_CALL(on_repeat, on_repeat_slow, uv_timer_cb, (uv_timer_t * handle),
              (handle), 0, false, open_repeat((uintptr_t)&here, handle, &fn),
              lti_fast_leave)

/* Without a callback libuv refuses, or has nothing to call: its own affair. */
#define ARMING(name, params, args, KIND, trampoline, delay, ineffective)       \
  LTI_INTERPOSE int name params {                                              \
    const void *site = __builtin_return_address(0);                            \
    if (lti_passes(site) || !cb || (ineffective))                              \
      return lti_uv_of(site)->name args;                                       \
    struct lti_start start;                                                    \
    lti_start_begin(&start, handle, LT_TASK_##KIND, (uintptr_t)cb, 0);         \
    if (start.tracked)                                                         \
      cb = trampoline;                                                         \
    uint8_t outer = lti_uv_enter(site);                                        \
    int result = lti_uv.name args;                                             \
    lti_uv_leave(outer);                                                       \
    lti_start_end(&start, result, delay, site);                                \
    return result;                                                             \
  }
#define WRAP_START(name, params, args, KIND, trampoline, delay)                \
  ARMING(name, params, args, KIND, trampoline, delay, false)
#define WRAP_KEEP(name, params, args, KIND, trampoline, delay)                 \
  ARMING(name, params, args, KIND, trampoline, delay, is_active(handle))
#define WRAP_HAND(...)
#define WRAP(how, ret, ...) WRAP_##how(__VA_ARGS__)
LTI_UV_HANDLES(WRAP)

/* Reads have two callbacks. */
#define READING(name, type, type_cb, KIND, trampoline)                         \
  LTI_INTERPOSE int name(type *handle, uv_alloc_cb alloc, type_cb cb) {        \
    const void *site = __builtin_return_address(0);                            \
    if (lti_passes(site) || !cb || !alloc)                                     \
      return lti_uv_of(site)->name(handle, alloc, cb);                         \
    struct lti_start start;                                                    \
    lti_start_begin(&start, handle, LT_TASK_##KIND, (uintptr_t)cb,             \
                    (uintptr_t)alloc);                                         \
    uint8_t outer = lti_uv_enter(site);                                        \
    int result = start.tracked ? lti_uv.name(handle, on_alloc, trampoline)     \
                               : lti_uv.name(handle, alloc, cb);               \
    lti_uv_leave(outer);                                                       \
    lti_start_end(&start, result, 0, site);                                    \
    return result;                                                             \
  }
READING(uv_read_start, uv_stream_t, uv_read_cb, READ, on_read)
READING(uv_udp_recv_start, uv_udp_t, uv_udp_recv_cb, UDP_RECV, on_udp_recv)

__attribute__((noinline)) static int timer_again(uv_timer_t *handle,
                                                 const void *site) {
  struct lti_entry entry;
  if (lti_passes(site) ||
      !lti_table_get(lti_key(handle, LTI_HANDLE), &entry, true))
    return lti_uv_of(site)->uv_timer_again(handle);
  uint64_t repeat = lti_uv.uv_timer_get_repeat(handle);
  uint8_t outer = lti_uv_enter(site);
  int result = lti_uv.uv_timer_again(handle);
  lti_uv_leave(outer);
  if (result >= 0 && repeat) /* else it did nothing */
    lti_emit(LT_ARM, entry.kind, entry.task, entry.fn, lti_delay_ns(repeat));
  return result;
}

/* libuv calls it before each timer's callback: then it is only a jump. */
LTI_INTERPOSE int uv_timer_again(uv_timer_t *handle) {
  const void *site = __builtin_return_address(0);
  if (lti_is_libuv(site))
    return lti_uv.uv_timer_again(handle);
  return timer_again(handle, site);
}

/* From any thread and any signal handler: nothing here waits.  Nor does what
 * libuv writes to, so that is not timed. */
LTI_INTERPOSE int uv_async_send(uv_async_t *handle) {
  const void *site = __builtin_return_address(0);
  if (lti_passes(site))
    return lti_uv_of(site)->uv_async_send(handle);
  struct lti_self *self = &lti_self;
  uint64_t task = lti_table_task(lti_key(handle, LTI_HANDLE));
  if (task)
    lti_emit(LT_READY, LT_READY_SENT, task, self->task, 0);
  uint8_t outer_in_call = self->in_call;
  self->in_call = 1;
  int result = lti_uv.uv_async_send(handle);
  self->in_call = outer_in_call;
  return result;
}
