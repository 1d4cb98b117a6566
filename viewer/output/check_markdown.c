/* The Markdown form of check: for a pull request or a job's summary.
 *
 * Invariant: no text can become markup, a link, a mention or another cell: what
 * has a meaning in GitHub's Markdown is written as a numeric entity.  Called by
 * cmd_check.c. */
#include <string.h>

#include "output/check.h"
#include "output/inert.h"
#include "output/say.h"
#include "output/units.h"

#define ROWS_MAX 50

/* text is inert.  Backticks of ours and of others are treated alike. */
static void plain(FILE *file, const char *text) {
  for (; *text; text++)
    if (strchr("|`*_<>&[]()#@~$:\\!\"'.-+=/", *text) &&
        !(strchr("./-()=+'\"", *text) && text[1] != '/'))
      fprintf(file, "&#%u;", (unsigned)(unsigned char)*text);
    else
      putc(*text, file);
}

static const char *verdict_word(enum verdict verdict) {
  return verdict == VERDICT_PASS   ? "PASS"
         : verdict == VERDICT_FAIL ? "FAIL"
                                   : "INCONCLUSIVE";
}

static void row(FILE *file, const struct model *m, const struct finding *f) {
  char text[1600], path[4200];
  units_buf count;
  unsigned line;
  fprintf(file, "| %s%s | %s | ", finding_level_name(f->level),
          f->state == FINDING_KNOWN ? " (known)" : "", f->rule);
  plain(file, say_headline(m, f, text, sizeof text));
  fputs(" | ", file);
  if (say_source(m, f, path, sizeof path, &line)) {
    plain(file, path);
    fprintf(file, "&#58;%u ", line);
  }
  plain(file, model_site_short(m, f->site, text, sizeof text));
  fprintf(file, " | %s | ", units_count(count, f->count));
  plain(file, say_help(m, f, text, sizeof text));
  fputs(" |\n", file);
}

static void limits(FILE *file, const struct checked *t) {
  const struct judgement *j = &t->judgement;
  char text[160];
  if (j->n_limits == 0)
    return;
  fputs("| loop | budget | measured | |\n|---|---|---|---|\n", file);
  for (size_t i = 0; i < j->n_limits; i++) {
    const struct limit_result *r = &j->limits[i];
    fputs("| ", file);
    plain(file,
          r->loop < t->model->n_loops ? t->model->loops[r->loop].name : "all");
    fputs(" | ", file);
    plain(file, say_limit(&r->limit, text, sizeof text));
    fputs(" | ", file);
    plain(file, say_result(r, text, sizeof text));
    fprintf(file, " | %s%s |\n", verdict_word(r->verdict),
            r->is_excused ? " (excused)" : "");
  }
  putc('\n', file);
}

static void trace(FILE *file, const struct check_result *r,
                  const struct checked *t) {
  const struct judgement *j = &t->judgement;
  char path[4200];
  size_t n = 0, told = 0;
  bool has_list = j->n_reasons > 0;
  fprintf(file, "### %s ",
          t->model ? verdict_word(j->verdict) : "INCONCLUSIVE");
  plain(file, inert(t->path, path, sizeof path));
  fputs("\n\n", file);
  if (!t->model) {
    plain(file, checked_problem(t, path, sizeof path));
    fputs("\n\n", file);
    return;
  }
  for (size_t i = 0; i < j->n_reasons; i++) {
    fputs("- ", file);
    plain(file, j->reasons[i]);
    putc('\n', file);
  }
  for (size_t i = 0; i < t->model->n_loops; i++)
    if (*say_stops(&t->model->loops[i], path, sizeof path)) {
      fputs("- ", file);
      plain(file, path);
      putc('\n', file);
      has_list = true;
    }
  fputs(has_list ? "\n" : "", file);
  limits(file, t);
  for (size_t i = 0; i < j->n_findings; i++)
    n += check_is_told(r, &j->findings[i]);
  if (n)
    fputs("| level | rule | finding | place | times | help |\n"
          "|---|---|---|---|---|---|\n",
          file);
  for (size_t i = 0; i < j->n_findings && told < ROWS_MAX; i++)
    if (check_is_told(r, &j->findings[i])) {
      row(file, t->model, &j->findings[i]);
      told++;
    }
  if (n > told)
    fprintf(file, "\nand %zu more\n", n - told);
  fputs(n ? "\n" : "", file);
}

void check_markdown(FILE *file, const struct check_result *r) {
  fprintf(file, "## looptrace check: %s\n\n", verdict_word(check_verdict(r)));
  for (size_t i = 0; i < r->n_traces; i++)
    trace(file, r, &r->traces[i]);
  if (r->n_traces == 0)
    fputs("There is no trace to judge.\n\n", file);
  for (size_t i = 0; i < r->n_notes; i++) {
    fputs("- ", file);
    plain(file, r->notes[i]);
    putc('\n', file);
  }
}
