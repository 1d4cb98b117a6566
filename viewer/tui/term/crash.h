/* What a death of the viewer leaves: a terminal that works, a message, and the
 * keys that led there. */
#ifndef LTV_TUI_CRASH_H
#define LTV_TUI_CRASH_H

#include <stddef.h>

/* From now on a signal that kills writes these bytes to standard output, puts
 * the modes of standard input back as they are at this call, and leaves a log
 * of keys in $TMPDIR or /tmp.
 *
 * file: what is looked at.  Threads: the only one. */
void crash_catch(const char *restore, size_t n, const char *file);
/* The terminal is given back: signals do again what they did before. */
void crash_release(void);
/* Other bytes, as the terminal is used in another way. */
void crash_set_restore(const char *restore, size_t n);
/* A key in the notation of scripts; the newest 16 KiB or more are kept. */
void crash_log(const char *key);

#endif
