/* The native stack of a thread, from its registers and its memory. */
#ifndef LTV_WATCH_UNWIND_H
#define LTV_WATCH_UNWIND_H

#include "drain/book.h"
#include "watch/code.h"
#include "watch/memory.h"

#if defined(__x86_64__)
enum { REG_SP_ = 7, REG_FP_ = 6, REG_COUNT = 17 };
#elif defined(__aarch64__)
enum { REG_SP_ = 31, REG_FP_ = 29, REG_COUNT = 32 };
#else
enum { REG_SP_ = 1, REG_FP_ = 0, REG_COUNT = 2 };
#endif

/* Registers by their DWARF numbers.  What is not known has no bit. */
struct registers {
  uint64_t pc;
  uint64_t known; /* bit r: value[r] is */
  uint64_t value[REG_COUNT];
};

static inline void registers_set(struct registers *r, unsigned reg,
                                 uint64_t value) {
  r->value[reg] = value;
  r->known |= UINT64_C(1) << reg;
}

/* A later frame whose registers are known, for where the way to it is not: pc is
 * where it will be returned to.  pc 0: none. */
struct anchor {
  uint64_t pc, sp, fp;
};

#define UNWIND_MAX 128u

/* Unwind.  CFI first; where there is none, or it needs a register that is not
 * known, the anchor, then the chain of frame pointers, then return addresses
 * that are found on the stack and marked as guessed.
 *
 * memory: of the thread's process, with its stack taken or not.
 * frames: room for UNWIND_MAX.  Returns: how many.  Cost: 30 us to 0.5 ms; the
 * first look at a file reads its tables. */
size_t unwind(struct code_files *files, struct code *code,
              struct memory *memory, const struct registers *from,
              const struct anchor *anchor, struct lti_stack_frame *frames);

#endif
