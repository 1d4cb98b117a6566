/* Stacks: pooled by size, each above a page that faults.
 *
 * Kept by the scheduler's thread.  Stacks are cut from slabs.  The guard pages
 * are markers where the kernel has them (MADV_GUARD_INSTALL, Linux 6.13): they
 * cost no mapping.  Else they are mprotect()ed pages, two mappings each, as far
 * as the limit on mappings goes; what comes after has a canary in place of a
 * guard, looked at when the task gives the thread away.  It lies in the last
 * bytes of the stack below, in a page that is in use anyway.  Decision 0012. */
#ifndef LTI_STACK_H
#define LTI_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LTI_STACK_CLASSES = 12, LTI_STACK_SHIFT = 14 }; /* 16 KiB to 32 MiB */
enum { LTI_STACK_OURS = 64 }; /* bytes at the upper end that are the pool's */

struct lti_stack_slab; /* a mapping */

struct lti_stack_free; /* a free stack: lies in it */

struct lti_stacks {
  struct {
    struct lti_stack_free *hot;  /* memory kept */
    struct lti_stack_free *cold; /* memory given back */
    size_t n_hot;
  } of[LTI_STACK_CLASSES];
  struct lti_stack_slab *slabs;
  size_t hot_max;
  size_t page;
  size_t guarded;     /* by mprotect */
  size_t guarded_max; /* what the limit on mappings leaves us */
  bool no_markers;    /* MADV_GUARD_INSTALL is unknown here */
};

/* Begin with an empty pool; end and unmap all.  hot_max: free stacks of a class
 * that keep their memory. */
void lti_stacks_init(struct lti_stacks *stacks, size_t hot_max);
void lti_stacks_fini(struct lti_stacks *stacks);

/* The class of a size; -1 when it is too large. */
int lti_stack_class(size_t bytes);

/* Take a stack.
 * Returns: its lowest usable byte, NULL without memory.  *bytes: of all of it;
 *          *has_canary: there is no guard below it. */
char *lti_stack_take(struct lti_stacks *stacks, int stack_class, size_t *bytes,
                     bool *has_canary);
void lti_stack_give(struct lti_stacks *stacks, int stack_class, char *stack,
                    bool has_canary);

/* Is what lies below the stack untouched?  Only for those with a canary. */
bool lti_stack_is_sound(const char *stack);

/* Is an address in a guard page below a stack of this pool?  Returns that
 * stack, or NULL.  Async-signal-safe. */
char *lti_stack_guarded_by(const struct lti_stacks *stacks,
                           const void *address);

#endif
