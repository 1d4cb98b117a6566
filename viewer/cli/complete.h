/* Completion of the command line, for shells. */
#ifndef LTV_COMPLETE_H
#define LTV_COMPLETE_H

#include <stdbool.h>
#include <stdio.h>

/* Write what `shell` ("bash", "zsh" or "fish") reads.
 * Returns: false for another shell. */
bool complete_write(FILE *file, const char *shell);

#endif
