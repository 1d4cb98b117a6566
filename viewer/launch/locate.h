/* Places: the preload library, the trace's file. */
#ifndef LTV_LOCATE_H
#define LTV_LOCATE_H

#include <limits.h>
#include <stdbool.h>

/* Find liblooptrace-preload.so: $LOOPTRACE_PRELOAD, .libs/ beside this program
 * (a build tree), ../lib/looptrace/, the place of installation.
 *
 * path:    absolute, set when the result is true.
 * message: why not, set otherwise; to be freed. */
bool locate_preload(char path[PATH_MAX], char **message);

/* Can a trace be written to path?  An existing file (unless overwrite), what is
 * no regular file, and a directory that cannot be written to are refused.
 * message: why not, set when the result is false; to be freed. */
bool locate_output_ok(const char *path, bool overwrite, char **message);

#endif
