/* Suppressions: which findings they match.
 *
 * Invariant: the first frame of a pattern is where the time was spent; each
 * next one is the caller of the one before, unless "..." stands between them. A
 * suppression that is expired, or whose max= is exceeded, mutes nothing. Called
 * by run.c. */
#include "check/suppress.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/excerpt.h"
#include "output/units.h"

#define CHAIN_MAX (2 * MODEL_ANCESTRY_MAX + 4)
#define FORM_MAX 400

/* One frame as it can be written: function, module!function, file:line. */
struct form {
  char function[FORM_MAX], module[FORM_MAX], place[FORM_MAX];
};

struct chain {
  struct form at[CHAIN_MAX];
  size_t n;
};

/* pattern[0..n) somewhere at the begin of name; with is_end, up to its end. */
static bool match_here(const char *pattern, size_t n, const char *name,
                       bool is_end) {
  for (; n > 0; pattern++, n--) {
    if (*pattern == '*') {
      while (n > 0 && *pattern == '*') {
        pattern++;
        n--;
      }
      if (n == 0)
        return true;
      for (; *name; name++)
        if (match_here(pattern, n, name, is_end))
          return true;
      return false;
    }
    if (*pattern != *name)
      return false;
    name++;
  }
  return !is_end || !*name;
}

bool suppress_match(const char *pattern, const char *name) {
  size_t n = strlen(pattern);
  bool is_end = n > 0 && pattern[n - 1] == '$';
  n -= is_end;
  if (*pattern == '^')
    return match_here(pattern + 1, n - 1, name, is_end);
  do {
    if (match_here(pattern, n, name, is_end))
      return true;
  } while (*name++);
  return false;
}

static void add_name(struct chain *chain, const char *name) {
  if (chain->n == CHAIN_MAX || !name || !*name)
    return;
  struct form *f = &chain->at[chain->n++];
  memset(f, 0, sizeof *f);
  snprintf(f->function, sizeof f->function, "%s", name);
}

static void add_site(struct chain *chain, const struct model *m,
                     uint32_t site) {
  const lt_site_def *def = model_site(m, site);
  struct form f = {.function = ""};
  if (!def || chain->n == CHAIN_MAX)
    return;
  const lt_module_def *module = model_module(m, def->module);
  model_site_short(m, site, f.function, sizeof f.function);
  if (module && module->path) {
    const char *slash = strrchr(module->path, '/');
    snprintf(f.module, sizeof f.module, "%.150s!%.240s",
             slash ? slash + 1 : module->path, f.function);
  }
  if (def->file && *def->file)
    snprintf(f.place, sizeof f.place, "%.380s:%u", excerpt_path(def->file),
             def->line);
  if (chain->n && strcmp(chain->at[chain->n - 1].function, f.function) == 0 &&
      strcmp(chain->at[chain->n - 1].place, f.place) == 0)
    return; /* the callback is where its call was made */
  chain->at[chain->n++] = f;
}

/* Where the time was spent, who called that, and the way that led there. */
static void chain_of(struct chain *chain, const struct model *m,
                     const struct finding *f) {
  char callee[128];
  const struct model_stall *s = f->stall;
  chain->n = 0;
  if (f->callee)
    add_name(chain, model_callee_name(m, f->callee, callee, sizeof callee));
  if (f->call && f->call->site)
    add_site(chain, m, f->call->site);
  if (f->trouble) { /* its callback, and where that was asked for */
    add_site(chain, m, f->trouble->site);
    add_site(chain, m, f->trouble->spawn_site);
    return;
  }
  if (!s) {
    if (!f->call)
      add_site(chain, m, f->site);
    return;
  }
  add_site(chain, m, s->site ? s->site : f->site);
  for (size_t i = 0; i < s->n_ancestors; i++) {
    if (i > 0)
      add_site(chain, m, s->ancestors[i].site);
    add_site(chain, m, s->ancestors[i].spawn_site);
  }
}

static bool match_frame(const char *pattern, const struct form *f) {
  return suppress_match(pattern, f->function) ||
         (strchr(pattern, '!') && suppress_match(pattern, f->module)) ||
         (strchr(pattern, ':') && suppress_match(pattern, f->place));
}

static bool match_chain(const struct suppression *s, size_t frame,
                        const struct chain *chain, size_t at) {
  if (frame == s->n_frames)
    return true;
  const char *pattern = s->frames[frame];
  if (strcmp(pattern, "...") == 0) {
    for (size_t i = at; i <= chain->n; i++)
      if (match_chain(s, frame + 1, chain, i))
        return true;
    return false;
  }
  if (frame + 1 == s->n_frames && frame > 0 && strcmp(pattern, "*") == 0)
    return true; /* any caller, also none that is known */
  return at < chain->n && match_frame(pattern, &chain->at[at]) &&
         match_chain(s, frame + 1, chain, at + 1);
}

static bool matches(const struct suppression *s, const struct model *m,
                    const struct finding *f, const struct chain *chain) {
  if (strcmp(s->rule, f->rule) != 0 ||
      (s->loop && fnmatch(s->loop, finding_loop(m, f), 0) != 0) ||
      (s->before_ns && f->begin_ns >= s->before_ns))
    return false;
  return match_chain(s, 0, chain, 0);
}

void suppressions_apply(struct suppressions *all, const struct model *m,
                        struct finding *f) {
  struct chain chain;
  if (all->n)
    chain_of(&chain, m, f);
  for (size_t i = 0; i < all->n; i++) {
    struct suppression *s = &all->all[i];
    if (s->is_expired || !matches(s, m, f, &chain))
      continue;
    if (s->max_ns && f->duration_ns > s->max_ns) {
      s->exceeded++;
      if (s->worst_ns < f->duration_ns)
        s->worst_ns = f->duration_ns;
      continue;
    }
    s->used++;
    f->state = FINDING_MUTED;
    f->why = s->reason;
    return;
  }
}

/* A frame as a pattern: what has a meaning in one is any text. */
static void put_frame(FILE *file, const char *name) {
  if (*name != '^')
    putc('^', file);
  for (; *name; name++)
    putc(strchr("<#=^$ \t", *name) ? '*' : *name, file);
  putc('$', file);
}

/* "*" would match nothing here, and everything elsewhere. */
static void put_nothing(FILE *file, const struct finding *f) {
  units_buf took;
  if (f->limit)
    fprintf(file, "# %s: a sum has no place; give it another budget, or "
                  "-A %s\n",
            f->rule, f->rule);
  else
    fprintf(file, "# %s of %s: no line can name it, its place is not known; "
                  "a baseline can\n",
            f->rule, units_ns(took, f->duration_ns));
}

bool suppress_print(FILE *file, const struct model *m,
                    const struct finding *f) {
  struct chain chain;
  chain_of(&chain, m, f);
  if (chain.n == 0) {
    put_nothing(file, f);
    return false;
  }
  fprintf(file, "%s : ", f->rule);
  for (size_t i = 0; i < chain.n && i < 3; i++) {
    fputs(i ? " < " : "", file);
    put_frame(file, chain.at[i].function);
  }
  if (chain.n > 3)
    fputs(" < *", file);
  if (*finding_loop(m, f) && !strpbrk(finding_loop(m, f), " \t#*?[\\"))
    fprintf(file, "  loop=%s", finding_loop(m, f));
  if (f->duration_ns)
    fprintf(file, " max=%lldms",
            (long long)((f->duration_ns + f->duration_ns / 4) / 1000000 + 1));
  fputs("  #\n", file);
  return true;
}
