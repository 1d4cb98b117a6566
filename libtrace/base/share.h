/* An arena in a private file of shared memory, so that it outlives its process.
 */
#ifndef LTI_SHARE_H
#define LTI_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"

struct lti_share {
  struct lti_arena *arena;
  int fd; /* -1: not open */
  dev_t dev;
  ino_t ino;
  char path[4096];
};

/* Make an arena in a file on tmpfs: 0600, O_EXCL, a name nobody can guess, in
 * /dev/shm, $XDG_RUNTIME_DIR or /tmp.
 *
 * why: set when the result is false: what each folder said. */
bool lti_share_make(struct lti_share *made,
                    const struct lti_arena_options *options, char *why,
                    size_t size);

/* Where the flight recorder's window of the same recording lies. */
#define LTI_SHARE_WINDOW ".window"

/* Are so many windows of this user there, in use or left by crashes, that one
 * that nobody asked for should not join them? */
bool lti_share_is_crowded(void);

/* Keep no descriptor; open the file again later.  Returns: a descriptor, owned;
 * -1 where the path has another file by now, or none. */
void lti_share_close(struct lti_share *made);
int lti_share_reopen(const struct lti_share *made);

/* Remove the file and close it; the arena stays mapped. */
void lti_share_remove(struct lti_share *made);

#endif
