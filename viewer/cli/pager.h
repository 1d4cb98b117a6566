/* Long output on a terminal goes through a pager, as git's does. */
#ifndef LTV_PAGER_H
#define LTV_PAGER_H

#include <stdbool.h>

/* Send what follows on standard output through $LOOPTRACE_PAGER, $PAGER or
 * `less -FIRX`, where standard output is a terminal and neither --no-pager nor
 * TERM=dumb says otherwise.  A pager that cannot be run is none. */
void pager_begin(void);

/* Is it on? */
bool pager_is_on(void);

/* Wait until the user leaves it; standard output has been closed. */
void pager_end(void);

#endif
