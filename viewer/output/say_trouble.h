/* Sentences about troubles: model/trouble.h. */
#ifndef LTV_OUTPUT_SAY_TROUBLE_H
#define LTV_OUTPUT_SAY_TROUBLE_H

#include <stddef.h>

#include "model/finding.h"

/* What is wrong, in a sentence; inert, into buf. */
const char *say_trouble(const struct model *model, const struct finding *f,
                        char *buf, size_t size);
/* What it is known from; "" for no more; inert, into buf. */
const char *say_trouble_evidence(const struct model *model,
                                 const struct finding *f, char *buf,
                                 size_t size);
/* What to do.  Static. */
const char *say_trouble_help(const struct finding *f);

#endif
