/* Requests: submitting them, and their callbacks.
 *
 * A request is one task; its callback is its end.  The program may free it, or
 * submit it again, in that callback: so it is forgotten before.  The wrappers
 * come from uv_map.h (REQUEST, TELL, ASK), the trampolines from the table
 * below.  libuv calls both. */
#include "hook/call.h"
#include "hook/fast.h"

/* Trampolines: X(name, kind, type, (parameters), (arguments), status). */
#define REQUEST_CALLBACKS(X)                                                   \
  X(on_write, WRITE, uv_write_cb, (uv_write_t * req, int status),              \
    (req, status), status)                                                     \
  X(on_shutdown, SHUTDOWN, uv_shutdown_cb, (uv_shutdown_t * req, int status),  \
    (req, status), status)                                                     \
  X(on_udp_send, UDP_SEND, uv_udp_send_cb, (uv_udp_send_t * req, int status),  \
    (req, status), status)                                                     \
  X(on_connect, CONNECT, uv_connect_cb, (uv_connect_t * req, int status),      \
    (req, status), status)                                                     \
  X(on_getaddrinfo, GETADDRINFO, uv_getaddrinfo_cb,                            \
    (uv_getaddrinfo_t * req, int status, struct addrinfo *found),              \
    (req, status, found), status)                                              \
  X(on_getnameinfo, GETNAMEINFO, uv_getnameinfo_cb,                            \
    (uv_getnameinfo_t * req, int status, const char *host,                     \
     const char *service),                                                     \
    (req, status, host, service), status)                                      \
  X(on_random, RANDOM, uv_random_cb,                                           \
    (uv_random_t * req, int status, void *buf, size_t buflen),                 \
    (req, status, buf, buflen), status)                                        \
  X(on_fs, FS, uv_fs_cb, (uv_fs_t * req), (req), (int64_t)req->result)         \
  X(on_after_work, WORK, uv_after_work_cb, (uv_work_t * req, int status),      \
    (req, status), status)

/* Made while tracing was off, and it still is: there is no task to end, and no
 * frame, as of a handle's callback then. */
static bool open_bare(const void *req, uintptr_t *fn) {
  struct lti_self *self = &lti_self;
  if (self->state != LTI_STATE_LOOP || lti_is_on() ||
      !lti_place_get_bare(req, fn))
    return false;
  lti_place_free(req);
  self->state = LTI_STATE_PROGRAM;
  return true;
}

/* A callback of NULL reaches the trampoline for uv_queue_work only. */
#define TRAMPOLINE(name, KIND, type, params, args, status)                     \
  __attribute__((cold, noinline)) static void name##_slow params {             \
    LTI_SCOPE;                                                                 \
    lti_scope_open_request(&scope, req, LT_TASK_##KIND, status);               \
    if (scope.fn)                                                              \
      ((type)scope.fn) args;                                                   \
    scope.left = false;                                                        \
  }                                                                            \
  LTI_FAST_CALL(name##_bare, name##_slow, type, params, args, status, true,    \
                open_bare(req, &fn), lti_fast_leave_missed)                    \
  LTI_FAST_CALL(                                                               \
      name, name##_bare, type, params, args, status, true,                     \
      lti_fast_open_request((uintptr_t)&here, req, LT_TASK_##KIND, &fn),       \
      lti_fast_leave)
REQUEST_CALLBACKS(TRAMPOLINE)

/* Without a callback nobody waits for it: nothing to record. */
#define WRAP_REQUEST(ret, name, params, args, KIND, trampoline)                \
  LTI_INTERPOSE int name params {                                              \
    const void *site = __builtin_return_address(0);                            \
    if (lti_passes(site))                                                      \
      return lti_uv_of(site)->name args;                                       \
    struct lti_submit submit; /* not all of it is cleared each time */         \
    submit.tracked = false;                                                    \
    if (cb)                                                                    \
      lti_submit_begin(&submit, req, LT_TASK_##KIND, (uintptr_t)cb, 0, site);  \
    if (submit.tracked)                                                        \
      cb = trampoline;                                                         \
    uint8_t outer = lti_uv_enter(site);                                        \
    int result = lti_uv.name args;                                             \
    lti_uv_leave(outer);                                                       \
    lti_submit_end(&submit, result);                                           \
    return result;                                                             \
  }

#define WRAP_TELL(ret, name, params, args, KIND, trampoline)                   \
  LTI_INTERPOSE void name params {                                             \
    const void *site = __builtin_return_address(0);                            \
    if (lti_passes(site) || !cb) {                                             \
      lti_uv_of(site)->name args;                                              \
      return;                                                                  \
    }                                                                          \
    struct lti_submit submit;                                                  \
    lti_submit_begin(&submit, req, LT_TASK_##KIND, (uintptr_t)cb, 0, site);    \
    if (submit.tracked)                                                        \
      cb = trampoline;                                                         \
    uint8_t outer = lti_uv_enter(site);                                        \
    lti_uv.name args;                                                          \
    lti_uv_leave(outer);                                                       \
  }

/* fd -1: it waits on nothing that has a number. */
#define SYNCHRONOUS(name, args, fd)                                            \
  if (!cb) {                                                                   \
    if (!lti_self.attended || !lti_call_wanted(site))                          \
      return lti_uv.name args;                                                 \
    LTI_CALL(LT_CALLEE_##name, LTI_FD(fd), site);                              \
    return lti_uv.name args;                                                   \
  }

#define WRAP_ASK(ret, name, params, args, KIND, trampoline, fd)                \
  LTI_INTERPOSE int name params {                                              \
    const void *site = __builtin_return_address(0);                            \
    if (lti_passes(site))                                                      \
      return lti_uv_of(site)->name args;                                       \
    SYNCHRONOUS(name, args, fd)                                                \
    struct lti_submit submit;                                                  \
    lti_submit_begin(&submit, req, LT_TASK_##KIND, (uintptr_t)cb, 0, site);    \
    if (submit.tracked)                                                        \
      cb = trampoline;                                                         \
    uint8_t outer = lti_uv_enter(site);                                        \
    int result = lti_uv.name args;                                             \
    lti_uv_leave(outer);                                                       \
    lti_submit_end(&submit, result);                                           \
    return result;                                                             \
  }

#define WRAP_HAND(...)
#define WRAP(how, ...) WRAP_##how(__VA_ARGS__)
LTI_UV_REQUESTS(WRAP)
LTI_UV_FS(WRAP)

/* The job, on a thread of the pool: what it spawns and wakes is its doing. */
struct job {
  uint64_t task, outer;
};

static void job_end(struct job *job) {
  lti_self.task = job->outer;
  lti_emit(LT_POOL_END, 0, job->task, 0, 0);
}

static void on_work(uv_work_t *req) {
  struct lti_entry entry = {0};
  (void)lti_table_get(lti_key(req, LTI_REQUEST), &entry, true);
  struct job job
      __attribute__((cleanup(job_end), unused)) = {entry.task, lti_self.task};
  if (lti_is_on())
    lti_sync();
  lti_emit(LT_POOL_BEGIN, LT_TASK_WORK, entry.task, entry.second, 0);
  lti_self.task = entry.task;
  ((uv_work_cb)entry.second)(req);
}

/* A NULL cb gets ours all the same, to end the task; the loop calls it in the
 * same place where it would look for the program's. */
LTI_INTERPOSE int uv_queue_work(uv_loop_t *loop, uv_work_t *req,
                                uv_work_cb work, uv_after_work_cb cb) {
  const void *site = __builtin_return_address(0);
  if (lti_passes(site) || !work)
    return lti_uv_of(site)->uv_queue_work(loop, req, work, cb);
  struct lti_submit submit;
  lti_submit_begin(&submit, req, LT_TASK_WORK, (uintptr_t)cb, (uintptr_t)work,
                   site);
  uint8_t outer = lti_uv_enter(site);
  int result = submit.tracked
                   ? lti_uv.uv_queue_work(loop, req, on_work, on_after_work)
                   : lti_uv.uv_queue_work(loop, req, work, cb);
  lti_uv_leave(outer);
  lti_submit_end(&submit, result);
  return result;
}
