/* The function that a turn spent its time in, where callbacks are not seen.
 *
 * One look is chance: the innermost frame is another with each run.  So it is
 * the innermost function in which two thirds of the looks agree, all the way from
 * the outer end; of the program itself rather than of a library, and not main.
 *
 * Invariant: what it takes grows with the frames of the looks, not with their
 * pairs.  Called by sample.c; finding.c asks for the code made at run time. */
#include <string.h>

#include "model/build.h"

struct looks {
  const lt_stack_def *stacks[MODEL_SAMPLES_MAX];
  size_t n;
};

/* A frame, counted from the outer end; 0 beyond the innermost. */
static uint32_t site_at(const lt_stack_def *def, uint32_t depth) {
  return depth < def->n_frames ? def->frames[def->n_frames - 1 - depth].site
                               : 0;
}

/* The one that most of them have there, if more than half have the same. */
static uint32_t candidate(const struct model *m, const struct looks *left,
                          uint32_t depth) {
  uint32_t site = 0;
  size_t lead = 0;
  for (size_t i = 0; i < left->n; i++) {
    uint32_t at = site_at(left->stacks[i], depth);
    if (lead == 0)
      site = at;
    lead = lead == 0 || model_is_same_function(m, at, site) ? lead + 1
                                                            : lead - 1;
  }
  return site;
}

/* Leave those that have it there. */
static void keep(const struct model *m, struct looks *left, uint32_t depth,
                 uint32_t site) {
  size_t n = 0;
  for (size_t i = 0; i < left->n; i++)
    if (model_is_same_function(m, site_at(left->stacks[i], depth), site))
      left->stacks[n++] = left->stacks[i];
  left->n = n;
}

/* How deep two thirds of the looks agree.  way: one of those that do. */
static uint32_t agreed_depth(const struct model *m, struct looks left,
                             const lt_stack_def **way) {
  size_t all = left.n;
  for (uint32_t depth = 0;; depth++) {
    uint32_t site = candidate(m, &left, depth);
    if (!site)
      return depth;
    keep(m, &left, depth, site);
    if (3 * left.n < 2 * all)
      return depth;
    *way = left.stacks[0];
  }
}

uint32_t seen_made(const struct model *m, const lt_stack_def *def,
                   uint32_t first) {
  uint32_t innermost = 0;
  for (uint32_t i = first; def && i < def->n_frames; i++) {
    const lt_site_def *site = model_site(m, def->frames[i].site);
    if (!site || site->module || !site->function)
      continue;
    if (site->file && site->file[0] == '/')
      return def->frames[i].site;
    if (!innermost)
      innermost = def->frames[i].site;
  }
  return innermost;
}

/* The innermost is an address that hardly any two looks have in common, unless
 * it has a name; where a call was made is one, and the same in the next run. */
static bool is_stable(const struct model *m, const lt_stack_def *def,
                      uint32_t i) {
  const lt_site_def *site = model_site(m, def->frames[i].site);
  return i > 0 || (site && site->function);
}

/* The program's outermost frame, which the system called: main, by any name. */
static uint32_t start_of(const struct model *m, const lt_stack_def *def) {
  uint32_t i = def->n_frames - 1;
  const lt_site_def *last = model_site(m, def->frames[i].site);
  bool is_named = last && last->function && strcmp(last->function, "_start");
  if (i > 0 && !is_named && model_is_runtime(m, def->frames[i - 1].site))
    i--; /* _start, which libc was called from */
  while (i > 0 && model_is_runtime(m, def->frames[i].site))
    i--;
  return i;
}

static uint32_t own_function(const struct model *m, const lt_stack_def *def,
                             uint32_t first) {
  uint32_t innermost = 0, start = start_of(m, def);
  for (uint32_t i = first; i <= start; i++) {
    uint32_t site = def->frames[i].site;
    if (model_is_runtime(m, site) || !is_stable(m, def, i))
      continue;
    if (i < start && !model_is_library(m, site))
      return site;
    if (!innermost)
      innermost = site;
  }
  return innermost;
}

uint32_t seen_function(const struct model *m, const struct model_stall *s) {
  struct looks looks = {.n = 0};
  const lt_stack_def *way = NULL;
  for (size_t i = 0; i < s->n_samples; i++) {
    const lt_stack_def *def = model_stack(m, s->samples[i].stack);
    if (def)
      looks.stacks[looks.n++] = def;
  }
  if (looks.n == 0)
    return 0;
  uint32_t depth = agreed_depth(m, looks, &way);
  if (!way) { /* cut at their outer ends */
    way = model_stack(m, s->stack);
    depth = way ? way->n_frames : 0;
  }
  if (!way || !way->n_frames)
    return 0;
  uint32_t first = way->n_frames - depth;
  uint32_t made = seen_made(m, way, first);
  return made ? made : own_function(m, way, first);
}
