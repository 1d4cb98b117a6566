/* Between libuv and the program: frames, one for each callback and each uv_run
 * on the stack, and the making of tasks.
 *
 * A trampoline opens a scope, calls the program, and the scope closes by
 * itself, also when an exception passes (the cleanup attribute).  A longjmp
 * closes nothing: the frames are kept apart from the stack, so that the next
 * scope finds the dead ones by their addresses without reading dead memory.
 * errno is preserved by all. */
#ifndef LTI_SCOPE_H
#define LTI_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "hook/real.h"
#include "hook/table.h"

enum { LTI_FRAMES_MAX = 5 };

struct lti_frame {
  union {
    struct lti_slice slice; /* a callback's */
    struct {                /* a uv_run's */
      struct lti_outer outer;
      uv_loop_t *outer_loop; /* lti_hook.loop before */
    };
  };
  uintptr_t at; /* address on the stack: frames below it are younger */
  uint64_t flags; /* LTI_FRAME_* */
};
enum {
  LTI_FRAME_RUN = 1,
  LTI_FRAME_DONE = 2, /* its task ends with it */
  LTI_FRAME_MUTE = 4  /* it began in our parent process */
};

/* Only on one and the same stack do addresses tell younger from older. */
enum { LTI_STACK_BYTES = 8 << 20 };

/* Was the frame left by a longjmp, as seen from an address on the stack? */
static inline bool lti_is_dead(const struct lti_frame *frame, uintptr_t at) {
  return at - frame->at < LTI_STACK_BYTES;
}

struct lti_hook {
  const void *api_site; /* who called the function of libuv we are in */
  uv_loop_t *loop;      /* innermost, NULL outside */
  /* lti_self.top is the innermost; frames when there is none, and NULL until
   * the thread's first.  lti_self.top_end is the last. */
  struct lti_frame frames[1 + LTI_FRAMES_MAX]; /* [0] is never dead */
};
extern __thread struct lti_hook lti_hook
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The program gets the thread.  Lives in the trampoline's frame.  Nested deeper
 * than LTI_FRAMES_MAX, it keeps its slice itself: a longjmp then leaves that
 * open. */
struct lti_scope {
  uintptr_t fn; /* whom to call; 0: nobody wants to know */
  uint64_t task;
  struct lti_frame *frame; /* NULL: none was left, or it needs none */
  bool left;    /* by an exception; cleared when the program returned */
  bool done;    /* the task ends here */
  bool is_deep; /* none was left: the slice is here */
  uint8_t outer_in_uv;
  uint8_t outer_in_call;
  unsigned cancelled;
  int64_t status;
  struct lti_slice deep;
};
#define LTI_SCOPE                                                              \
  struct lti_scope scope __attribute__((cleanup(lti_scope_close)))

/* A callback of a handle: what to call is copied, the handle not touched.
 * which: its kind; LT_TASK_ALLOC calls the second function. */
void lti_scope_open_handle(struct lti_scope *scope, const void *handle,
                           unsigned which);

/* The last callback of a request: it is forgotten before the program runs. */
void lti_scope_open_request(struct lti_scope *scope, const void *req,
                            unsigned kind, int64_t status);

/* The close callback of a handle, likewise. */
void lti_scope_open_close(struct lti_scope *scope, const void *handle);

/* No task of its own: only the thread is the program's for a while. */
void lti_scope_open_bare(struct lti_scope *scope, uintptr_t fn);

/* The callback came back, or an exception passed through it: its slice ends.
 * Called by the cleanup attribute of LTI_SCOPE only. */
void lti_scope_close(struct lti_scope *scope);

/* The same for what fast.h opened: at is the address it gave the frame; left: an
 * exception passed; status: where the task ends. */
void lti_scope_close_at(uintptr_t at, bool left, int64_t status);

/* Close the frames that a longjmp left, seen from an address on the stack. */
void lti_frames_bury(uintptr_t at);

/* A frame for what lives at an address on the stack, after the dead ones were
 * buried.  Returns: NULL when none is left. */
struct lti_frame *lti_frame_push(const void *at, uint64_t flags);

/* Is it still the frame of what lives there?  Those inside it are buried.
 * Returns: false when it was taken for dead, and closed, before. */
bool lti_frame_pop(struct lti_frame *frame, const void *at);

/* A uv_run that has a frame ends; the frame is not the innermost any more. */
void lti_frame_close_run(struct lti_frame *frame, unsigned result);

/* In a child that begins a recording of its own: what its parent began is not
 * ended in it. */
void lti_frames_mute(void);

/* Around each real function of libuv that the program calls. */
static inline uint8_t lti_uv_enter(const void *site) {
  uint8_t outer = lti_self.in_uv;
  if (outer != LTI_IN_API)
    lti_hook.api_site = site;
  lti_self.in_uv = LTI_IN_API;
  return outer;
}
static inline void lti_uv_leave(uint8_t outer) {
  lti_self.in_uv = outer;
}

/* Arming a handle: begin before the real call, end after it with its result. */
struct lti_start {
  struct lti_entry entry, old; /* old.key 0: none */
  bool same;    /* the table has it as it is: of entry only what ARM needs */
  bool known;   /* the task goes on; else it is new */
  bool tracked; /* libuv is to get the trampoline */
};
void lti_start_begin_slow(struct lti_start *start, const void *handle,
                          unsigned kind, uintptr_t fn, uintptr_t second);
static inline void lti_start_begin(struct lti_start *start, const void *handle,
                                   unsigned kind, uintptr_t fn,
                                   uintptr_t second) {
  uint64_t task = 0;
  bool same = lti_front_same(handle, kind, fn, second, false, &task);
  start->same = start->known = start->tracked = same;
  start->entry.task = task;
  start->entry.kind = (uint16_t)kind;
  start->entry.fn = fn;
  if (!same)
    lti_start_begin_slow(start, handle, kind, fn, second);
}
void lti_start_end(struct lti_start *start, int result, uint64_t delay,
                   const void *site);

/* Submitting a request, likewise. */
struct lti_submit {
  struct lti_entry entry, old;
  bool tracked;
};
void lti_submit_begin(struct lti_submit *submit, const void *req, unsigned kind,
                      uintptr_t fn, uintptr_t second, const void *site);
void lti_submit_end(struct lti_submit *submit, int result);

/* A callback could not be tracked: libuv got the program's own. */
void lti_count_untracked(void);

/* A delay for ARM: ns plus 1. */
static inline uint64_t lti_delay_ns(uint64_t ms) {
  return ms < UINT64_MAX / 1000000u ? ms * 1000000u + 1 : UINT64_MAX;
}

/* The epoch of an entry: 0, which is never now's, while it has no task. */
static inline uint32_t lti_epoch_of(uint64_t task) {
  return task ? lti_epoch() : 0;
}

#endif
