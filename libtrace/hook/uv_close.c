/* The two ends of a handle that start nothing by themselves: a process that is
 * spawned, and the close.  The program calls the wrappers, libuv the rest. */
#include "hook/call.h"

static void on_exit_cb(uv_process_t *handle, int64_t status, int signum) {
  LTI_SCOPE;
  lti_scope_open_handle(&scope, handle, LT_TASK_PROCESS_EXIT);
  ((uv_exit_cb)scope.fn)(handle, status, signum);
  scope.left = false;
}

/* libuv waits until the child has called exec: that is a blocking call. */
static int spawn_in_call(uv_loop_t *loop, uv_process_t *handle,
                         const uv_process_options_t *options,
                         const void *site) {
  if (!lti_self.attended || !lti_call_wanted(site))
    return lti_uv.uv_spawn(loop, handle, options);
  LTI_CALL(LT_CALLEE_uv_spawn, 0, site);
  return lti_uv.uv_spawn(loop, handle, options);
}

LTI_INTERPOSE int uv_spawn(uv_loop_t *loop, uv_process_t *handle,
                           const uv_process_options_t *options) {
  const void *site = __builtin_return_address(0);
  if (lti_passes(site) || !options)
    return lti_uv_of(site)->uv_spawn(loop, handle, options);
  struct lti_start start = {.tracked = false};
  uv_process_options_t ours = *options;
  if (options->exit_cb)
    lti_start_begin(&start, handle, LT_TASK_PROCESS_EXIT,
                    (uintptr_t)options->exit_cb, 0);
  if (start.tracked)
    ours.exit_cb = on_exit_cb;
  uint8_t outer = lti_uv_enter(site);
  int result = spawn_in_call(loop, handle, &ours, site);
  lti_uv_leave(outer);
  lti_start_end(&start, result, 0, site);
  return result;
}

static void on_close(uv_handle_t *handle) {
  LTI_SCOPE;
  lti_scope_open_close(&scope, handle);
  if (scope.fn)
    ((uv_close_cb)scope.fn)(handle);
  scope.left = false;
}

struct closing {
  struct lti_entry entry, old;
  bool had_old;
  bool tracked;
};

/* A task that was never armed and has no close callback is none.  Where there
 * is a task, libuv gets our callback also in place of NULL: the loop calls it
 * after its last look at the handle, so that nobody can tell. */
static void closing_begin(struct closing *closing, const void *handle,
                          uv_close_cb cb, const void *site) {
  struct lti_entry *entry = &closing->entry;
  uint64_t key = lti_key(handle, LTI_HANDLE);
  closing->had_old = lti_table_get(key, &closing->old, true);
  closing->tracked = closing->had_old || cb;
  if (!closing->tracked)
    return;
  bool known = closing->had_old && !closing->old.closing && closing->old.task &&
               closing->old.epoch == lti_epoch();
  if (closing->had_old)
    *entry = closing->old;
  else
    *entry = (struct lti_entry){.key = key, .kind = LT_TASK_CLOSE};
  if (!known)
    entry->task = lti_task_new();
  entry->epoch = lti_epoch_of(entry->task);
  entry->close = (uintptr_t)cb;
  entry->closing = 1;
  closing->tracked = lti_table_put(entry, NULL);
  if (!closing->tracked)
    lti_count_untracked();
  else if (cb || !known)
    lti_emit(known ? LT_ARM : LT_SPAWN, LT_TASK_CLOSE, entry->task,
             entry->close, known ? 0 : (uint64_t)(uintptr_t)site);
}

LTI_INTERPOSE void uv_close(uv_handle_t *handle, uv_close_cb cb) {
  const void *site = __builtin_return_address(0);
  if (lti_passes(site)) {
    lti_uv_of(site)->uv_close(handle, cb);
    return;
  }
  struct closing closing;
  closing_begin(&closing, handle, cb, site);
  uint8_t outer = lti_uv_enter(site);
  lti_uv.uv_close(handle, closing.tracked ? on_close : cb);
  lti_uv_leave(outer);
}

LTI_INTERPOSE int uv_tcp_close_reset(uv_tcp_t *handle, uv_close_cb cb) {
  const void *site = __builtin_return_address(0);
  if (lti_passes(site))
    return lti_uv_of(site)->uv_tcp_close_reset(handle, cb);
  struct closing closing;
  closing_begin(&closing, handle, cb, site);
  uint8_t outer = lti_uv_enter(site);
  int result =
      lti_uv.uv_tcp_close_reset(handle, closing.tracked ? on_close : cb);
  lti_uv_leave(outer);
  if (result < 0 && closing.tracked) { /* the handle lives on */
    if (closing.had_old)
      (void)lti_table_put(&closing.old, NULL);
    else
      lti_table_drop(closing.entry.key);
    if (!closing.had_old)
      lti_emit(LT_DONE, 0, closing.entry.task, (uint64_t)(int64_t)result, 0);
  }
  return result;
}
