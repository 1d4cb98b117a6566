/* Durations as people write them: a number and a unit. */
#ifndef LTI_DURATION_H
#define LTI_DURATION_H

#include <stdint.h>

#include <looptrace/status.h>

/* What duration_parse() accepts, for error messages and help texts. */
#define DURATION_FORMS "a number with a unit: 250us, 100ms, 1.5s, 2m or 1h"

/* Read a duration: digits, at most one decimal point, then ns, us, ms, s, m or
 * h.  A unit is required, but for a bare 0.
 *
 * ns:     the result, rounded down to whole nanoseconds.
 * Errors: INVALID for anything else, also signs, blanks, and what does not fit
 *         into 63 bits. */
LT_WARN_UNUSED lt_status duration_parse(const char *text, uint64_t *ns);

#endif
