/* From the arena's futex to a descriptor that can be polled.
 *
 * The record process waits for signals, clients and the clock in one ppoll(); a
 * traced program whose ring fills can only wake a futex.  A thread of the
 * record process stands between the two. */
#ifndef LTV_WAKER_H
#define LTV_WAKER_H

#include "base/arena.h"

struct waker;

/* Begin to listen.  arena: borrowed until waker_close().
 * Returns: owned; NULL where that cannot be had: the clock wakes then. */
struct waker *waker_open(struct lti_arena *arena);

/* End the thread; NULL is a no-op. */
void waker_close(struct waker *waker);

/* Readable when somebody woke the drain; -1 for NULL.  waker_clear() makes it
 * unreadable again. */
int waker_fd(const struct waker *waker);
void waker_clear(const struct waker *waker);

#endif
