/* Who holds a lock that a thread waits for, for people. */
#ifndef LTI_HOLDER_H
#define LTI_HOLDER_H

#include <stdint.h>

/* A thread's name: "worker (thread 4711)".
 * Returns: the id of that string, 0 where it cannot be told.  Three system calls
 * for a thread that was not asked for lately, none otherwise.  Threads: any.
 * errno is preserved. */
uint64_t lti_holder_text(uint32_t tid);

#endif
