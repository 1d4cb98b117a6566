/* Sizes as people write them: a number and K, M or G. */
#ifndef LTI_SIZE_H
#define LTI_SIZE_H

#include <stdint.h>

#include <looptrace/status.h>

/* What size_parse() accepts, for error messages and help texts. */
#define SIZE_FORMS "a number of bytes, or with a unit: 512K, 64M or 1G"

/* Read a size: digits, then nothing, K, M or G (of 1024), and perhaps B or iB.
 *
 * bytes:  at least 1.
 * Errors: INVALID for anything else, also signs, blanks, 0, and what does not
 *         fit into 63 bits. */
LT_WARN_UNUSED lt_status size_parse(const char *text, uint64_t *bytes);

#endif
