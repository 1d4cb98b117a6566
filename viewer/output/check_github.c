/* Annotations for GitHub Actions.
 *
 * Invariant: at most ANNOTATIONS_MAX of a level, because more are not shown; no
 * text can begin a command of its own: it is inert, so without a line break,
 * and what ends a property or is an escape is escaped.  Called by cmd_check.c.
 */
#include <string.h>

#include "output/check.h"
#include "output/inert.h"
#include "output/say.h"

#define ANNOTATIONS_MAX 10

static void escaped(FILE *file, const char *text, bool is_property) {
  for (; *text; text++)
    if (*text == '%' || (is_property && (*text == ':' || *text == ',')))
      fprintf(file, "%%%02X", (unsigned)*text);
    else
      putc(*text, file);
}

static const char *level_word(enum finding_level level) {
  return level == LEVEL_ERROR     ? "error"
         : level == LEVEL_WARNING ? "warning"
                                  : "notice";
}

static void one(FILE *file, const struct checked *t, const struct finding *f) {
  char text[1600], path[4200];
  const struct model *m = t->model;
  unsigned line = 0;
  fprintf(file, "::%s ", level_word(f->level));
  if (say_source(m, f, path, sizeof path, &line)) {
    fputs("file=", file);
    escaped(file, path, true);
    fprintf(file, ",line=%u,", line);
  }
  fputs("title=looptrace ", file);
  escaped(file, f->rule, true);
  fputs("::", file);
  escaped(file, say_headline(m, f, text, sizeof text), false);
  if (!f->limit) {
    fputs("; at ", file);
    escaped(file, say_when(m, f, text, sizeof text), false);
  }
  if (*say_cost(f, text, sizeof text)) {
    fputs("; ", file);
    escaped(file, text, false);
  }
  fputs("%0Ahelp: ", file);
  escaped(file, say_help(m, f, text, sizeof text), false);
  fputs("%0Afrom: ", file);
  escaped(file, inert(t->path, path, sizeof path), false);
  putc('\n', file);
}

static void all_of(FILE *file, const struct check_result *r,
                   enum finding_level level) {
  size_t n = 0, told = 0;
  for (size_t i = 0; i < r->n_traces; i++)
    for (size_t k = 0; k < r->traces[i].judgement.n_findings; k++) {
      const struct finding *f = &r->traces[i].judgement.findings[k];
      n += f->level == level && f->state == FINDING_NEW;
    }
  size_t most = n > ANNOTATIONS_MAX ? ANNOTATIONS_MAX - 1 : n;
  for (size_t i = 0; i < r->n_traces; i++)
    for (size_t k = 0; k < r->traces[i].judgement.n_findings; k++) {
      const struct finding *f = &r->traces[i].judgement.findings[k];
      if (f->level == level && f->state == FINDING_NEW && told < most) {
        one(file, &r->traces[i], f);
        told++;
      }
    }
  if (n > most)
    fprintf(file, "::%s title=looptrace::and %zu more: see the summary\n",
            level_word(level), n - most);
}

void check_github(FILE *file, const struct check_result *r) {
  char text[512], path[4200];
  for (int level = LEVEL_ERROR; level >= (int)LEVEL_NOTE; level--)
    all_of(file, r, (enum finding_level)level);
  for (size_t i = 0; i < r->n_traces; i++) {
    const struct checked *t = &r->traces[i];
    const char *why =
        !t->model ? checked_problem(t, text, sizeof text)
        : t->judgement.verdict == VERDICT_INCONCLUSIVE
            ? t->judgement.n_reasons ? t->judgement.reasons[0] : ""
            : NULL;
    if (!why)
      continue;
    fputs("::error title=looptrace gives no verdict::", file);
    escaped(file, inert(t->path, path, sizeof path), false);
    fputs(": ", file);
    escaped(file, why, false);
    putc('\n', file);
  }
  if (r->n_traces == 0)
    fputs("::error title=looptrace gives no verdict::there is no trace to "
          "judge\n",
          file);
}
