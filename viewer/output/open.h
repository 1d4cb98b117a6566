/* Open a trace for a command, and say what is wrong in one line. */
#ifndef LTV_OUTPUT_OPEN_H
#define LTV_OUTPUT_OPEN_H

#include <stdio.h>

#include "model/model.h"

/* Say on standard error that a trace could not be read, and what to do:
 *
 *   looptrace check: x.lt: this is not a looptrace trace
 *
 * who:   "looptrace check".  error: errno of it, for LT_IO. */
void open_complain(const char *who, const char *path, lt_status status,
                   int error);

/* Say on standard error what is wrong with the arguments; word is made inert
 * and put in for the %s of problem, where it has one.
 * Returns: EXIT_USAGE. */
int open_usage(const char *who, const char *problem, const char *word);

#endif
