/* How near two words are: for "did you mean". */
#ifndef LTV_NEAR_H
#define LTV_NEAR_H

#include <stddef.h>

/* Edits (a letter more, less or other, two swapped) from a to b.
 * Returns: a large number where a word has more than 31 letters. */
size_t near_edits(const char *a, const char *b);

#endif
