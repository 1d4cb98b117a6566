/* C++ and Rust names, as people write them. */
#ifndef LTV_SYMBOL_DEMANGLE_H
#define LTV_SYMBOL_DEMANGLE_H

/* "_ZN4node11Environment9RunTimersEP10uv_timer_s" is
 * "node::Environment::RunTimers": without parameters and return type, which
 * say little in a stack and much in its width.  Rust's older names lose the
 * hash at their end.
 *
 * The C++ runtime library does the work where this machine has one; nothing is
 * linked to it.
 * Returns: owned; NULL where name is not mangled, is longer than 1,000 bytes,
 * or cannot be read, and then the name as it stands is the one to show.
 * Threads: any. */
char *symbol_demangle(const char *name);

#endif
