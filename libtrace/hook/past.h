/* A libuv whose calls do not come by here. */
#ifndef LTI_PAST_H
#define LTI_PAST_H

/* At the process's end: where a libuv was loaded of which nothing was seen, since
 * the dynamic linker bound its calls past us, say so: in a note, if there is a
 * trace, and in the arena.  errno is preserved. */
void lti_past_tell(void);

#endif
