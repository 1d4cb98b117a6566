/* What to use in the place of what held a loop, in the words of the program's
 * own language. */
#ifndef LTV_ADVICE_H
#define LTV_ADVICE_H

#include <stdbool.h>

#include "model/model.h"

/* Instead of a blocking call, the end of a sentence "use ...": libuv's, unless
 * the program is one of those whose code never calls that.  call: NULL, or the
 * one in question.  Static; NULL for none. */
const char *advice_call(const struct model *model, unsigned callee,
                        const struct model_call *call);

/* For what computes, a sentence; NULL where the program is plain C. */
const char *advice_compute(const struct model *model);

/* Names that are missing in a stack since its interpreter keeps them to itself:
 * whose, and how to get them, the end of a sentence "names ...".  Static; NULL
 * where none are. */
const char *advice_names(const struct model *model, uint32_t stack);

#endif
