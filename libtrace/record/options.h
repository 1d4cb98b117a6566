/* What a program that records itself is told: by lt_trace_start(), else by its
 * environment. */
#ifndef LTI_OPTIONS_H
#define LTI_OPTIONS_H

#include <looptrace/trace.h>

/* Fill in from LOOPTRACE_* what options leave 0.
 *
 * options: NULL for none.  all: path is borrowed, from options or from the
 *          environment; NULL where neither says it.
 * Errors:  INVALID where a variable is not understood, or options contradict
 *          each other. */
LT_WARN_UNUSED lt_status lti_options_fill(const lt_trace_options *options,
                                          lt_trace_options *all);

#endif
