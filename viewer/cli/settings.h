/* What a user set for the viewer: keys, colours. */
#ifndef LTV_SETTINGS_H
#define LTV_SETTINGS_H

#include "tui/options.h"

/* Read a file in the form of INI, and set keys and colours.
 *
 * path:    NULL: looptrace/config under $XDG_CONFIG_HOME or ~/.config, where it
 *          is there; "none": none.
 * Returns: EXIT_OK or EXIT_USAGE; it has said what is wrong, with file and
 *          line. */
int settings_read(const char *who, const char *path, struct options *options);

#endif
