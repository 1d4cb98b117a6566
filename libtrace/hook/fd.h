/* What a descriptor is, for people: a path, or whom a socket talks to. */
#ifndef LTI_FD_H
#define LTI_FD_H

#include <stdint.h>

/* Tell of a descriptor that a call has blocked on, unless that was told.  Two
 * system calls or three; called after a blocking call that took long enough to
 * be an event, at the clock when that came back.  errno is preserved. */
void lti_fd_tell(int fd, uint64_t now);

#endif
