/* Making a context for lti_switch_to(); and, where there is no assembly for the
 * machine (or --disable-asm), lti_switch_to() itself by means of ucontext, which
 * costs two system calls.  Called by sched.c. */
#include "config.h"

#include "task/context.h"

#include <stdint.h>
#include <string.h>

#if defined(LTI_CONTEXT_ASM)

void lti_context_entry(void);

void *lti_context_make(void *top, void (*entry)(void *), void *arg,
                       void **resumer) {
  uintptr_t end = (uintptr_t)top & ~(uintptr_t)15;
#if defined(__x86_64__)
  uint64_t *saved = (uint64_t *)(end - 192);
  saved[0] = 0;
  saved[1] = (uint64_t)(uintptr_t)arg;   /* r12 */
  saved[2] = (uint64_t)(uintptr_t)entry; /* r13 */
  saved[3] = 0;
  saved[4] = 0;
  saved[5] = (uint64_t)(uintptr_t)resumer; /* rbx */
  saved[6] = 0;                            /* rbp */
  saved[7] = (uint64_t)(uintptr_t)lti_context_entry;
#elif defined(__aarch64__)
  uint64_t *saved = (uint64_t *)(end - 176);
  memset(saved, 0, 176);
  saved[0] = (uint64_t)(uintptr_t)resumer; /* x19 */
  saved[1] = (uint64_t)(uintptr_t)arg;
  saved[2] = (uint64_t)(uintptr_t)entry;
  saved[11] = (uint64_t)(uintptr_t)lti_context_entry; /* x30 */
#endif
  return saved;
}

#else /* ucontext */

#include <ucontext.h>

/* The context lies on its own stack: at its top at first, later wherever
 * lti_switch_to() was called. */
struct made {
  ucontext_t context;
  void (*entry)(void *);
  void *arg;
};

static void begin(unsigned high, unsigned low) {
  struct made *made = (struct made *)((uintptr_t)high << 16 << 16 | low);
  made->entry(made->arg);
}

/* What lies below the made context is the stack that it may use; makecontext
 * needs its size but only looks at its end. */
void *lti_context_make(void *top, void (*entry)(void *), void *arg,
                       void **resumer) {
  enum { ROOM = 2048 };
  uintptr_t at = ((uintptr_t)top - sizeof(struct made)) & ~(uintptr_t)63;
  struct made *volatile made = (struct made *)at; /* getcontext returns twice */
  (void)resumer;
  if (getcontext(&made->context) != 0)
    return NULL;
  made->entry = entry;
  made->arg = arg;
  made->context.uc_stack.ss_sp = (void *)(at - ROOM);
  made->context.uc_stack.ss_size = ROOM;
  made->context.uc_link = NULL;
  makecontext(&made->context, (void (*)(void))begin, 2,
              (unsigned)((uintptr_t)made >> 16 >> 16), (unsigned)(uintptr_t)made);
  return made;
}

void lti_switch_to(void **save, void *to) {
  ucontext_t here;
  *save = &here;
  swapcontext(&here, to);
}

#endif
