/* The trace that is meant where none is named. */
#ifndef LTV_NEWEST_H
#define LTV_NEWEST_H

/* The one trace among the words from argv[optind] on; without one the newest
 * file of the working directory whose name ends in .lt, which is then named on
 * standard error (not with --quiet).
 *
 * who: "looptrace report".  usage: what is said where there are two, or none.
 * Returns: NULL, having said what is wrong; else a path that stays until the
 *          next call. */
const char *newest_or_named(const char *who, int argc, char **argv,
                            const char *usage);

#endif
