/* record --view: record a command and look at it at once. */
#ifndef LTV_RECORD_VIEW_H
#define LTV_RECORD_VIEW_H

#include "launch/launch.h"

/* Record in a process of its own, and show the trace in this terminal while it
 * grows.
 *
 * The command has no terminal: its input is empty, and what it writes to one is
 * kept and shown when the viewer is left.  Recording goes on then, as without
 * --view.
 *
 * record:  what does the recording, and says what came of it; its result is the
 *          exit code.
 * Returns: an exit code. */
int record_view(struct launch_options *options,
                int (*record)(const struct launch_options *options));

#endif
