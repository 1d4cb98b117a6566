/* Leaving one stack for another.
 *
 * A context that does not run is one pointer: to what it saved on its own stack.
 * Who calls it: sched.c.  See switch.S for the layout and decision 0011. */
#ifndef LTI_CONTEXT_H
#define LTI_CONTEXT_H

#include <stddef.h>

/* Save the caller's context in *save and go on in the one that to stands for.
 * Returns when somebody switches back. */
void lti_switch(void **save, void *to);

/* Prepare a context that calls entry(arg) on a stack when it is switched to.
 * entry never returns.  top: the stack's upper end.
 *
 * resumer: where the context is saved that a debugger shall see as the caller of
 *          entry; it is read while unwinding, so it lives as long.
 * Returns: what lti_switch() takes. */
void *lti_context_make(void *top, void (*entry)(void *), void *arg,
                       void **resumer);

#endif
