/* Loops: turning them, their poll phase, what goes through their handles, and
 * what waits on the program's behalf.
 *
 * A loop has its id as long as it lives; a uv_run is a frame on the thread. The
 * poll phase is seen from libc, in wait.c.  The program calls the wrappers. */
#include "hook/call.h"
#include "hook/foreign.h"

#include <string.h>

struct run {
  uv_loop_t *loop;
  struct lti_frame *frame; /* NULL: none was left */
  struct lti_outer deep;   /* for it, then */
  uint8_t outer_in_uv;
  uint8_t outer_in_call;
  uv_loop_t *outer_loop; /* likewise */
  int result;
  struct lti_nested nested;
  const struct lti_nested *outer_nested;
};

__thread const struct lti_nested *lti_nested_run
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

static uint32_t loop_id(const uv_loop_t *loop) {
  struct lti_entry entry = {.key = 0};
  uint64_t key = lti_key(loop, LTI_LOOP);
  if (lti_table_get(key, &entry, true) && entry.epoch == lti_epoch())
    return (uint32_t)entry.task;
  entry = (struct lti_entry){.key = key, .task = lti_loop_new()};
  entry.epoch = lti_epoch();
  if (entry.task)
    (void)lti_table_put(&entry, NULL);
  return (uint32_t)entry.task;
}

static void note_version(void) {
  struct lti_proc *proc = lti_process.proc;
  if (proc && !proc->uv_version[0] && *lti_process.alive)
    strncpy(proc->uv_version, lti_uv.uv_version_string(),
            sizeof proc->uv_version - 1);
}

static void nest(struct run *run, const void *site, const void *frame,
                 const void *cfa) {
  run->outer_nested = lti_nested_run;
  lti_nested_run = NULL;
  if (!lti_self.foreign)
    return;
  run->nested = (struct lti_nested){
      .call = {lti_now(), 0, site, LT_CALLEE_uv_run, 0}, frame, cfa};
  lti_nested_run = &run->nested;
}

static void run_begin(struct run *run, uv_loop_t *loop, uv_run_mode mode) {
  struct lti_hook *hook = &lti_hook;
  lti_foreign_stop();
  struct lti_frame *frame = run->frame = lti_frame_push(run, LTI_FRAME_RUN);
  run->loop = loop;
  run->outer_in_uv = lti_self.in_uv;
  run->outer_in_call = lti_self.in_call;
  run->outer_loop = hook->loop;
  run->result = 0;
  if (frame)
    frame->outer_loop = hook->loop;
  uint32_t id = loop_id(loop);
  note_version();
  lti_loop_enter(frame ? &frame->outer : &run->deep, id, (unsigned)mode);
  hook->loop = loop;
  lti_self.in_call = 0;
  lti_self.in_uv = LTI_IN_LOOP;
}

/* Also when an exception passes. */
static void run_end(struct run *run) {
  lti_nested_run = run->outer_nested;
  if (run->frame) {
    if (lti_frame_pop(run->frame, run))
      lti_frame_close_run(run->frame, (unsigned)run->result);
  } else {
    lti_hook.loop = run->outer_loop;
    lti_loop_leave(&run->deep, (unsigned)run->result);
  }
  if (lti_is_between()) /* an exception leaves nothing to come back to */
    lti_self.backend = lti_uv.uv_backend_fd(run->loop);
  lti_self.in_uv = run->outer_in_uv;
  lti_self.in_call = run->outer_in_call;
}

/* A forked child that goes on to turn a loop is recorded from here on. */
static void revive(void) {
  if (*lti_process.alive)
    return;
  lti_process_revive();
  if (*lti_process.alive)
    lti_frames_mute();
}

LTI_INTERPOSE int uv_run(uv_loop_t *loop, uv_run_mode mode) {
  const void *site = __builtin_return_address(0);
  if (lti_passes(site))
    return lti_uv_of(site)->uv_run(loop, mode);
  revive();
  struct run run __attribute__((cleanup(run_end)));
  run_begin(&run, loop, mode);
  nest(&run, site, __builtin_frame_address(0), __builtin_dwarf_cfa());
  run.result = lti_uv.uv_run(loop, mode);
  return run.result;
}

LTI_INTERPOSE int uv_loop_close(uv_loop_t *loop) {
  struct lti_uv *uv = lti_uv_of(__builtin_return_address(0));
  if (uv != &lti_uv)
    return uv->uv_loop_close(loop);
  int result = lti_uv.uv_loop_close(loop);
  if (result == 0 && lti_process.arena)
    lti_table_drop(lti_key(loop, LTI_LOOP));
  return result;
}

LTI_INTERPOSE void uv_loop_delete(uv_loop_t *loop) {
  struct lti_uv *uv = lti_uv_of(__builtin_return_address(0));
  if (lti_process.arena && uv == &lti_uv)
    lti_table_drop(lti_key(loop, LTI_LOOP));
  uv->uv_loop_delete(loop);
}

LTI_INTERPOSE void uv_sleep(unsigned int msec) {
  const void *site = __builtin_return_address(0);
  if (!lti_self.attended || lti_passes(site) || !lti_call_wanted(site)) {
    lti_uv_of(site)->uv_sleep(msec);
    return;
  }
  LTI_CALL(LT_CALLEE_uv_sleep, 0, site);
  lti_uv.uv_sleep(msec);
}

/* The program's function gets what it asked for; ours rides on its argument. */
struct walk {
  uv_walk_cb cb;
  void *arg;
};

static void on_walk(uv_handle_t *handle, void *arg) {
  const struct walk *walk = arg;
  LTI_SCOPE;
  lti_scope_open_bare(&scope, (uintptr_t)walk->cb);
  walk->cb(handle, walk->arg);
  scope.left = false;
}

static void leave_api(uint8_t *outer) {
  lti_uv_leave(*outer);
}

LTI_INTERPOSE void uv_walk(uv_loop_t *loop, uv_walk_cb cb, void *arg) {
  const void *site = __builtin_return_address(0);
  if (lti_passes(site) || !cb) {
    lti_uv_of(site)->uv_walk(loop, cb, arg);
    return;
  }
  struct walk walk = {cb, arg};
  uint8_t outer __attribute__((cleanup(leave_api), unused)) =
      lti_uv_enter(site);
  lti_uv.uv_walk(loop, on_walk, &walk);
}

/* In its name: a wait is the program's, where libuv only passes it on. */
#define WRAP_WAIT(how, ret, name, params, args)                                \
  LTI_INTERPOSE ret name params {                                              \
    const void *site = __builtin_return_address(0);                            \
    if (__builtin_expect(!lti_self.attended, 1) || lti_passes(site)) {         \
      LTI_RETURN_##ret lti_uv_of(site)->name args;                             \
    } else {                                                                   \
      uint8_t outer __attribute__((cleanup(leave_api), unused)) =              \
          lti_uv_enter(site);                                                  \
      LTI_RETURN_##ret lti_uv.name args;                                       \
    }                                                                          \
  }
LTI_UV_WAITS(WRAP_WAIT)
