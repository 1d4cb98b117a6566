/* Loops that are not libuv's: a thread that comes back to the same wait, again
 * and again, turns a loop, whatever library it is of.  Its turns and its
 * blocking calls are seen, its callbacks are not. */
#ifndef LTI_FOREIGN_H
#define LTI_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "record/emit.h"

/* What polls or selects is no loop where it pauses so long between two waits. */
#define LTI_REGULAR_NS UINT64_C(1000000000)

/* The first descriptors that a wait waits for, smallest index first. */
enum { LTI_WAITS_MAX = 6 };
struct lti_waits {
  unsigned n;
  int fd[LTI_WAITS_MAX];
};
static inline bool lti_waits_have(const struct lti_waits *fds, int fd) {
  for (unsigned i = 0; i < fds->n; i++)
    if (fds->fd[i] == fd)
      return true;
  return false;
}
static inline bool lti_waits_meet(const struct lti_waits *a,
                                  const struct lti_waits *b) {
  for (unsigned i = 0; i < a->n; i++)
    if (lti_waits_have(b, a->fd[i]))
      return true;
  return false;
}
static inline void lti_waits_drop(struct lti_waits *fds, int fd) {
  for (unsigned i = 0; i < fds->n; i++)
    if (fds->fd[i] == fd)
      fds->fd[i--] = fds->fd[--fds->n];
}

/* What a wait is, before it begins: some other code's business, the poll of the
 * loop that runs, the program's own wait for a loop that it turns when there is
 * something to do, or a blocking call. */
enum lti_way { LTI_PASSES, LTI_POLLS, LTI_WAITS, LTI_BLOCKS };

/* site: who waits; 0 for a wait on an epoll descriptor.  fds: what for.
 * timeout_ms: how long; 0 is a look.  what: "epoll", "poll" or "select".  errno
 * is preserved. */
enum lti_way lti_foreign_way(const void *site, const struct lti_waits *fds,
                             int timeout_ms, const char *what,
                             const void *caller);

/* A wait that was no loop's has come back: it may be the poll of a loop that
 * we do not know yet.  ready: what it returned.  errno is preserved. */
void lti_foreign_waited(const void *site, const struct lti_waits *fds,
                        int timeout_ms, int ready, const char *what,
                        const void *caller);

/* Does it matter on this thread that somebody only looks? */
static inline bool lti_foreign_looks(const void *site) {
  return lti_self.on_trial || (site ? lti_self.trials_at : lti_self.trials);
}

/* A descriptor is about to be closed: it may be the one that the loop lives on.
 * errno is preserved. */
void lti_foreign_closed(int fd, const void *caller);

/* libuv turns a loop on this thread: from now on only its loops are. */
void lti_foreign_stop(void);

#endif
