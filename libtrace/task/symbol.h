/* Names of functions, for people: static ones, too. */
#ifndef LTI_TASK_SYMBOL_H
#define LTI_TASK_SYMBOL_H

#include <stddef.h>

/* The function that an address is in.  Maps a file: not for what happens often.
 * Threads: any.  Returns: buffer; NULL where there is no name for it. */
const char *lti_symbol_of(const void *address, char *buffer, size_t size);

#endif
