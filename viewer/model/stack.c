/* Native stacks, as people want to read them: the program's own frames, and what
 * lies between them in one line.
 *
 * Invariant: at most as many lines as are asked for, whatever the stack holds.
 * Called by the outputs and the viewer. */
#include <stdio.h>
#include <string.h>

#include "model/build.h"

const lt_stack_def *model_stack(const struct model *m, uint32_t stack) {
  const struct model_source *s = model_source(m);
  return stack && s->stack ? s->stack(s->context, stack) : NULL;
}

static const char *module_name(const struct model *m, uint32_t site) {
  const struct model_source *s = model_source(m);
  const lt_site_def *def = site ? s->site(s->context, site) : NULL;
  const lt_module_def *module = def ? model_module(m, def->module) : NULL;
  const char *slash = module ? strrchr(module->path, '/') : NULL;
  return slash ? slash + 1 : module ? module->path : NULL;
}

bool model_is_runtime(const struct model *m, uint32_t site) {
  static const char *const names[] = {"libc.so",    "libc-",   "libpthread",
                                      "ld-linux",   "ld-2",    "libuv.so",
                                      "liblooptrace"};
  const char *name = module_name(m, site);
  for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
    if (strncmp(name, names[i], strlen(names[i])) == 0)
      return true;
  /* The vdso; and code made at run time, unless its maker has named it. */
  const lt_site_def *def = name ? NULL : model_site(m, site);
  return !name && !(def && def->function);
}

bool model_is_library(const struct model *m, uint32_t site) {
  static const char *const folders[] = {"/lib/", "/lib64/", "/usr/lib/",
                                        "/usr/lib64/"};
  const lt_site_def *def = model_site(m, site);
  const lt_module_def *module = def ? model_module(m, def->module) : NULL;
  const char *path = module ? module->path : NULL;
  const char *slash = path ? strrchr(path, '/') : NULL;
  if (!slash || !strstr(slash, ".so"))
    return false;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
    if (strncmp(path, folders[i], strlen(folders[i])) == 0)
      return true;
  return false;
}

/* What lies below it started the program. */
static bool is_main(const struct model *m, uint32_t site) {
  const lt_site_def *def = model_site(m, site);
  return def && def->function && strcmp(def->function, "main") == 0;
}

/* How many frames from i on are the system's. */
static uint32_t count_runtime(const struct model *m, const lt_stack_def *def,
                              uint32_t i) {
  uint32_t n = 0;
  while (i + n < def->n_frames &&
         model_is_runtime(m, def->frames[i + n].site))
    n++;
  return n;
}

size_t model_stack_lines(const struct model *m, uint32_t stack,
                         struct model_stack_line *lines, size_t max) {
  const lt_stack_def *def = model_stack(m, stack);
  size_t n = 0;
  uint32_t i = 0;
  while (def && i < def->n_frames && n < max) {
    struct model_stack_line *line = &lines[n];
    *line = (struct model_stack_line){def->frames[i].site,
                                      def->frames[i].is_guessed, 0, 0};
    uint32_t runtime = count_runtime(m, def, i);
    if (i == 0 && runtime > 0) { /* says what it did last */
      line->n_folded = runtime - 1;
      i += runtime;
    } else if (runtime > 0) {
      if (i + runtime == def->n_frames)
        break; /* what started the program */
      line->site = 0;
      line->n_folded = runtime;
      i += runtime;
    } else {
      i = is_main(m, line->site) ? def->n_frames : i + 1;
    }
    n++;
  }
  if (n == max && n > 0 && i < def->n_frames)
    lines[n - 1].n_more = def->n_frames - i;
  return n;
}

size_t model_stack_frames(const struct model *m, uint32_t stack,
                          struct model_stack_line *lines, size_t max) {
  const lt_stack_def *def = model_stack(m, stack);
  size_t n = 0;
  for (; def && n < def->n_frames && n < max; n++)
    lines[n] = (struct model_stack_line){def->frames[n].site,
                                         def->frames[n].is_guessed, 0, 0};
  if (n > 0 && n < def->n_frames)
    lines[n - 1].n_more = def->n_frames - (uint32_t)n;
  return n;
}

static bool is_loop(const struct model *m, uint32_t site) {
  const char *name = module_name(m, site);
  return name && (!strncmp(name, "libuv.so", 8) ||
                  !strncmp(name, "liblooptrace", 12));
}

/* From its outer end a stack is the program, the loop, the callback, what that
 * called.  Where the loop is a part of the program the parts cannot be told
 * apart, and nothing is said. */
size_t model_stack_called(const struct model *m, uint32_t stack,
                          uint32_t *sites, size_t max) {
  const lt_stack_def *def = model_stack(m, stack);
  uint32_t i = def ? def->n_frames : 0;
  size_t n = 0;
  while (i > 0 && !is_loop(m, def->frames[i - 1].site))
    i--;
  while (i > 0 && model_is_runtime(m, def->frames[i - 1].site))
    i--;
  i -= i > 0; /* the callback itself */
  while (i-- > 0 && n < max)
    if (!model_is_runtime(m, def->frames[i].site))
      sites[n++] = def->frames[i].site;
  return n;
}

bool model_is_same_function(const struct model *m, uint32_t a, uint32_t b) {
  const lt_site_def *x = model_site(m, a), *y = model_site(m, b);
  return a == b || (x && y && x->function && y->function &&
                    x->module == y->module &&
                    !strcmp(x->function, y->function));
}

const char *model_stack_text(const struct model *m,
                             const struct model_stack_line *line, char *buf,
                             size_t size) {
  char name[600];
  int at = 0;
  if (line->site)
    at = snprintf(buf, size, "%s%s",
                  model_site_name(m, line->site, name, sizeof name),
                  line->is_guessed ? " (guessed)" : "");
  if (at < 0 || (size_t)at >= size)
    return buf;
  if (line->n_folded && line->site)
    at += snprintf(buf + at, size - (size_t)at, " (+%u of the system)",
                   line->n_folded);
  else if (line->n_folded)
    at += snprintf(buf, size, "(%u of the system)", line->n_folded);
  if (line->n_more && at > 0 && (size_t)at < size)
    snprintf(buf + at, size - (size_t)at, ", %u more", line->n_more);
  return buf;
}
