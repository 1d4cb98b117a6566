/* Why no loop was seen, as precisely as the command's file tells.
 *
 * Invariant: says only what was found out.  Called by launch.c. */
#include "config.h"

#include "launch/why.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch/program.h"
#include "output/units.h"

/* Reasons for which the preload cannot be in the command itself; NULL for
 * none. */
static const char *outside_reason(const struct program_facts *facts) {
  if (!facts->is_elf)
    return NULL;
  if (facts->is_foreign)
    return "it is a program for another word size or machine than looptrace's";
  if (facts->is_static)
    return facts->owns_uv
               ? "it is statically linked, its own libuv too, so that nothing "
                 "can be preloaded into it"
               : "it is statically linked, so that nothing can be preloaded "
                 "into it";
  if (facts->is_other_libc)
    return "it is not linked with glibc, which looptrace needs";
  if (facts->is_setuid)
    return "it is setuid or setgid, and the system ignores LD_PRELOAD for such "
           "programs";
  if (facts->has_capabilities)
    return "it has file capabilities, and the system ignores LD_PRELOAD for "
           "such programs";
  return NULL;
}

static const char *inside_reason(const struct program_facts *facts) {
  if (!facts->is_elf)
    return "its file tells nothing";
  if (facts->owns_uv && !facts->links_uv)
    return "it has a libuv of its own inside, of which only a loop that turns "
           "can be seen from outside";
  if (facts->links_uv)
    return "it is linked with libuv, but never turned a loop";
  return "it does not use libuv, and no thread came back to the same epoll, "
         "poll or select again and again";
}

/* Of a thread that did not come back, or "". */
static const char *hint(uint64_t maybe_ns, char *buf, size_t size) {
  units_buf age;
  buf[0] = 0;
  if (maybe_ns)
    snprintf(buf, size,
             "; a thread that had looked at its descriptors did not come back "
             "for %s: if they were a loop's, it hung in its first turn, and "
             "record -v says where",
             units_ns(age, (int64_t)maybe_ns));
  return buf;
}

/* One after the other in the same process, only the first with us in it. */
static bool has_become(const struct program_facts *facts, const char *became,
                       unsigned n_attached) {
  char first[PATH_MAX];
  return *became && n_attached == 1 && realpath(facts->path, first) &&
         strcmp(first, became) != 0;
}

char *why_no_loop(const char *path, unsigned n_attached, bool is_past,
                  const char *became, uint64_t maybe_ns) {
  struct program_facts *facts = malloc(sizeof *facts);
  char others[64] = "", maybe[256], *text = NULL, *next = NULL;
  if (!facts)
    return NULL;
  program_look(path, facts);
  const char *reason = outside_reason(facts);
  unsigned n_others = reason || !n_attached ? n_attached : n_attached - 1;
  if (n_others)
    snprintf(others, sizeof others, " or in the %u program%s it started",
             n_others, n_others == 1 ? "" : "s");
  if (!reason && !n_attached)
    reason = "the library that records was not loaded into it";
  if (!reason && is_past)
    reason = "libuv is there, but was loaded with RTLD_DEEPBIND, so that its "
             "calls go past looptrace";
  if (!reason && has_become(facts, became, n_attached)) {
    if (asprintf(&next,
                 "it became %s, and LD_PRELOAD, or the right to write the "
                 "recording, was gone by then",
                 became) < 0)
      next = NULL;
    reason = next;
  }
  if (!reason)
    reason = inside_reason(facts);
  int n =
      *facts->script
          ? asprintf(&text, "no event loop ran in %s (a script for %s)%s: %s%s",
                     facts->script, facts->path, others, reason,
                     hint(maybe_ns, maybe, sizeof maybe))
          : asprintf(&text, "no event loop ran in %s%s: %s%s", path, others,
                     reason, hint(maybe_ns, maybe, sizeof maybe));
  free(next);
  free(facts);
  return n < 0 ? NULL : text;
}
