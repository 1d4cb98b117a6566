/* Places: the preload library, the arena's file, the trace's file. */
#ifndef LTV_LOCATE_H
#define LTV_LOCATE_H

#include <limits.h>
#include <stdbool.h>

#include "base/arena.h"

/* Find liblooptrace-preload.so: $LOOPTRACE_PRELOAD, .libs/ beside this program
 * (a build tree), ../lib/looptrace/, the place of installation.
 *
 * path:    absolute, set when the result is true.
 * message: why not, set otherwise; to be freed. */
bool locate_preload(char path[PATH_MAX], char **message);

struct locate_arena {
  struct lti_arena *arena;
  int fd;
  char path[PATH_MAX];
};

/* Make an arena in a private file on tmpfs: 0600, O_EXCL, a name nobody can
 * guess, in /dev/shm, $XDG_RUNTIME_DIR or /tmp.
 * message: why not, set when the result is false; to be freed. */
bool locate_arena_make(struct locate_arena *made,
                       const struct lti_arena_options *options, char **message);

/* Unmap it and remove its file. */
void locate_arena_remove(struct locate_arena *made);

/* Can a trace be written to path?  An existing file (unless overwrite), what is
 * no regular file, and a directory that cannot be written to are refused.
 * message: why not, set when the result is false; to be freed. */
bool locate_output_ok(const char *path, bool overwrite, char **message);

#endif
