/* Names for code that a program made at run time: /tmp/perf-PID.map.
 *
 * Just-in-time compilers write it for perf(1), where they are told to
 * (node --perf-basic-prof, java's perf-map-agent, python -X perf): a line for
 * each function, "START SIZE NAME", numbers in hex. */
#ifndef LTV_SYMBOL_JIT_H
#define LTV_SYMBOL_JIT_H

#include <stdbool.h>
#include <stdint.h>

#include "drain/drain.h"

struct jit;

/* The map of a process that runs, as that process sees /tmp.  It may come into
 * being later, and grow.
 * Returns: owned; NULL when memory is out. */
struct jit *jit_open(int32_t pid);
void jit_close(struct jit *jit);

/* Name an address, by the newest line that covers it: new code may take an old
 * one's place.  A line such as "LazyCompile:*on_read /srv/a.js:88" gives a
 * function, a file and a line.
 *
 * The map is believed only where it is a regular file of the process's own user
 * or of root; the first 64 MiB of it are read.
 * Cost: 1 us for a thousand lines; what was added since the last call is read
 * first.
 * name: strings live until the next call.  false: no name. */
bool jit_name(struct jit *jit, uint64_t address, struct lti_name *name);

#endif
