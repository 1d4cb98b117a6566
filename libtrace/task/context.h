/* Leaving one stack for another.
 *
 * A context that does not run is one pointer: to what it saved on its own stack.
 * Who calls it: sched.c.  See switch.S for the layout and decision 0011. */
#ifndef LTI_CONTEXT_H
#define LTI_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

/* Tests have a build of both ways. */
#if defined(LTI_TASK_ASM) && !defined(LTI_NO_ASM)
#define LTI_CONTEXT_ASM 1
#endif

/* Save the caller's context in *save and go on in the one that to stands for.
 * Comes back when somebody switches back. */
#if defined(LTI_CONTEXT_ASM) && defined(__x86_64__)
static inline __attribute__((always_inline)) void lti_switch_to(void **save,
                                                                void *to) {
  __asm__ volatile("leaq 1f(%%rip), %%rdx\n\t"
                   "jmp lti_switch\n"
                   "1:"
                   : "+D"(save), "+S"(to)
                   :
                   : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "xmm0",
                     "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                     "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
                     "xmm14", "xmm15", "memory", "cc");
}
#elif defined(LTI_CONTEXT_ASM) && defined(__aarch64__)
static inline __attribute__((always_inline)) void lti_switch_to(void **save,
                                                                void *to) {
  register void **x0 __asm__("x0") = save;
  register void *x1 __asm__("x1") = to;
  __asm__ volatile("adr x30, 1f\n\t"
                   "b lti_switch\n"
                   "1:"
                   : "+r"(x0), "+r"(x1)
                   :
                   : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10",
                     "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",
                     "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7",
                     "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",
                     "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23",
                     "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31",
                     "memory",
                     "cc");
}
#else
void lti_switch_to(void **save, void *to);
#endif

/* The rounding mode and its like, where a task has its own (lt_run_options): reading
 * them takes longer than the whole switch. */
struct lti_modes {
#if defined(__x86_64__)
  uint32_t mxcsr;
  uint16_t x87;
#elif defined(__aarch64__)
  uint64_t fpcr;
#else
  char unused; /* swapcontext() keeps them */
#endif
};

static inline void lti_modes_read(struct lti_modes *modes) {
#if defined(__x86_64__)
  __asm__ volatile("stmxcsr %0\n\tfnstcw %1"
                   : "=m"(modes->mxcsr), "=m"(modes->x87));
#elif defined(__aarch64__)
  __asm__ volatile("mrs %0, fpcr" : "=r"(modes->fpcr));
#else
  modes->unused = 0;
#endif
}

static inline void lti_modes_set(const struct lti_modes *modes) {
#if defined(__x86_64__)
  __asm__ volatile("ldmxcsr %0\n\tfldcw %1"
                   :
                   : "m"(modes->mxcsr), "m"(modes->x87));
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(modes->fpcr));
#else
  (void)modes;
#endif
}

/* Prepare a context that calls entry(arg) on a stack when it is switched to.
 * entry never returns.  top: the stack's upper end.
 *
 * resumer: where the context is saved that a debugger shall see as the caller of
 *          entry; it is read while unwinding, so it lives as long.
 * Returns: what lti_switch_to() takes. */
void *lti_context_make(void *top, void (*entry)(void *), void *arg,
                       void **resumer);

#endif
