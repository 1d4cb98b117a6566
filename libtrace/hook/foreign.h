/* Loops that are not libuv's: a thread that comes back to the same wait, again
 * and again, turns a loop, whatever library it is of.  Its turns and its
 * blocking calls are seen, its callbacks are not. */
#ifndef LTI_FOREIGN_H
#define LTI_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>

/* The first descriptors that a wait waits for, smallest index first. */
enum { LTI_WAITS_MAX = 8 };
struct lti_waits {
  unsigned n;
  int fd[LTI_WAITS_MAX];
};

/* What a wait is, before it begins: some other code's business, the poll of the
 * loop that runs, the program's own wait for a loop that it turns when there is
 * something to do, or a blocking call. */
enum lti_way { LTI_PASSES, LTI_POLLS, LTI_WAITS, LTI_BLOCKS };

/* site: who waits; 0 for a wait on an epoll descriptor.  fds: what for.
 * timeout_ms: how long, on an epoll descriptor; else not looked at. */
enum lti_way lti_foreign_way(const void *site, const struct lti_waits *fds,
                             int timeout_ms, const void *caller);

/* A wait that was no loop's has come back: it may be the poll of a loop that
 * we do not know yet.  what: "epoll", "poll" or "select". errno is preserved.
 */
void lti_foreign_waited(const void *site, const struct lti_waits *fds,
                        const char *what, const void *caller);

/* A descriptor is about to be closed: it may be the one that the loop lives on.
 */
void lti_foreign_closed(int fd);

/* libuv turns a loop on this thread: from now on only its loops are. */
void lti_foreign_stop(void);

#endif
