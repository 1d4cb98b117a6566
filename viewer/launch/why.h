/* A sentence for a person: why a recording holds nothing. */
#ifndef LTV_WHY_H
#define LTV_WHY_H

#include <stdbool.h>
#include <stdint.h>

/* Explain why no loop ran in a command.
 *
 * path:       the command's file.
 * n_attached: in how many programs the preload was loaded, the command included
 *             (lti_arena.n_attached).
 * is_past:    in one of them libuv was called past the hooks (lti_arena.n_past).
 * became:     what the command's process was seen to be later; "" not seen.
 * maybe_ns:   for how long a thread had not come back that may have turned one;
 *             0 if none (watch_maybe_ns()).
 * Returns: e.g. "no event loop ran in /usr/bin/true: it does not use libuv"; to
 * be freed; NULL when memory is out. */
char *why_no_loop(const char *path, unsigned n_attached, bool is_past,
                  const char *became, uint64_t maybe_ns);

#endif
