/* The public emit API, <looptrace/trace.h>, but for start and stop.
 *
 * In a process that has both liblooptrace and the preload, the preload's copy of
 * these functions comes first and is the one that everybody calls. */
#include <looptrace/trace.h>

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "record/emit.h"
#include "record/process.h"

/* Slices that the program opened by itself on this thread. */
enum { SLICES_MAX = 7 };
struct own_slices {
  struct lti_slice at[SLICES_MAX];
  uint32_t n; /* may exceed SLICES_MAX: those have no outer to go back to */
};
static __thread struct own_slices own
    __attribute__((tls_model("initial-exec")));

/* Ids of names: the pointer is the key, since names live as long as the program.
 * Two threads that meet a name at once give it two ids, which does no harm. */
enum { NAMES_MAX = 1024 };
static struct {
  _Atomic(const char *) name;
  _Atomic uint64_t id;
  _Atomic(const struct lti_proc *) proc; /* a forked child tells them anew */
} names[NAMES_MAX];

static uint64_t name_id(const char *name) {
  if (!name || !lti_is_on())
    return 0;
  size_t at = ((uintptr_t)name >> 3) * 2654435761u;
  for (size_t i = 0; i < 16; i++, at++) {
    size_t slot = at % NAMES_MAX;
    const char *there = atomic_load_explicit(&names[slot].name,
                                             memory_order_acquire);
    if (there && there != name)
      continue;
    uint64_t id = atomic_load_explicit(&names[slot].id, memory_order_acquire);
    if (there == name && id && atomic_load(&names[slot].proc) == lti_process.proc)
      return id;
    id = lti_emit_string(name);
    if (!there && !atomic_compare_exchange_strong(&names[slot].name, &there,
                                                  name) &&
        there != name)
      return id; /* another name took the place: told again next time */
    atomic_store(&names[slot].proc, lti_process.proc);
    atomic_store_explicit(&names[slot].id, id, memory_order_release);
    return id;
  }
  return lti_emit_string(name);
}

bool lt_trace_is_on(void) {
  return lti_is_on();
}

lt_status lt_trace_pause(void) {
  int saved = errno;
  bool done = lti_process_switch(false);
  errno = saved;
  return done ? LT_OK : LT_STATE;
}

lt_status lt_trace_resume(void) {
  int saved = errno;
  bool done = lti_process_switch(true);
  errno = saved;
  return done ? LT_OK : LT_STATE;
}

lt_status lt_trace_snapshot(void) {
  int saved = errno;
  bool done = lti_process_ask_snapshot();
  errno = saved;
  return done ? LT_OK : LT_STATE;
}

uint64_t lt_task_spawn(const char *label, uintptr_t site) {
  uintptr_t caller = (uintptr_t)__builtin_return_address(0);
  uint64_t task = lti_is_on() ? lti_task_new() : 0;
  if (!task)
    return 0;
  lti_emit(LT_SPAWN, LT_TASK_COROUTINE, task, site ? site : caller, caller);
  if (label)
    lti_emit(LT_LABEL, 0, task, lti_emit_string(label), 0);
  return task;
}

void lt_task_resume(uint64_t task) {
  struct lti_slice spare;
  struct lti_slice *slice = own.n < SLICES_MAX ? &own.at[own.n] : &spare;
  if (!task)
    return;
  own.n++;
  lti_slice_begin(slice, task, LT_TASK_COROUTINE, 0);
}

/* End the program's innermost slice if it is this task's. */
static bool end_slice(uint64_t task, bool done, int64_t value) {
  if (!own.n)
    return false;
  struct lti_slice spare = {.task = task, .began = lti_now()};
  struct lti_slice *slice =
      own.n <= SLICES_MAX ? &own.at[own.n - 1] : &spare;
  if (slice->task != task)
    return false;
  own.n--;
  lti_slice_end(slice, done, 0, value);
  return true;
}

void lt_task_await(uint64_t task, uint64_t awaited) {
  if (task)
    (void)end_slice(task, false, (int64_t)awaited);
}

void lt_task_ready(uint64_t task) {
  if (task)
    lti_emit(LT_READY, LT_READY_SENT, task, lti_self.task, 0);
}

void lt_task_done(uint64_t task, int64_t status) {
  if (task && !end_slice(task, true, status))
    lti_emit(LT_DONE, 0, task, (uint64_t)status, 0);
}

uint64_t lt_task_current(void) {
  return lti_self.task;
}

uint64_t lt_call_begin(const char *name) {
  (void)name;
  return lti_is_on() ? lti_now() : 0;
}

void lt_call_end(const char *name, uint64_t begun) {
  if (!begun || !lti_is_on())
    return;
  uint64_t callee = LT_CALLEE_OWN + name_id(name);
  lti_call_emit(begun, callee > 0xffff ? 0xffff : (unsigned)callee, 0,
                __builtin_return_address(0));
}

void lt_mark(const char *name, uint64_t value) {
  lti_emit(LT_MARK, 0, 0, name_id(name), value);
}

void lt_counter(const char *name, int64_t value) {
  lti_emit(LT_COUNTER, 0, 0, name_id(name), (uint64_t)value);
}

void lt_allow_begin(const char *why) {
  lti_emit(LT_ALLOW_BEGIN, 0, 0, name_id(why), 0);
}

void lt_allow_end(void) {
  lti_emit(LT_ALLOW_END, 0, 0, 0, 0);
}

/* Loops of other libraries: as for libuv's, the state of the outer one is kept,
 * here for the innermost only, since such loops hardly ever nest. */
static __thread struct lti_outer outer_loop
    __attribute__((tls_model("initial-exec")));

uint32_t lt_loop_begin(uint32_t loop, const char *name) {
  lti_process_revive();
  if (!loop) {
    loop = lti_loop_new();
    if (loop && name)
      lti_emit(LT_LOOP_NAME, loop, 0, lti_emit_string(name), 0);
  }
  lti_loop_enter(&outer_loop, loop, 0);
  return loop;
}

void lt_loop_end(uint32_t loop) {
  (void)loop;
  if (lti_self.depth)
    lti_loop_leave(&outer_loop, 0);
}

void lt_poll_begin(int timeout_ms) {
  lti_poll_enter(timeout_ms);
}

void lt_poll_end(int n_ready) {
  lti_poll_leave(n_ready);
}
