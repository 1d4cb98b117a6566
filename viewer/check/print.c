/* Write a result in all the formats that were asked for.
 *
 * Invariant: a file that cannot be written whole is told.  Called by
 * cmd_check.c. */
#include "check/print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/suppress.h"
#include "output/inert.h"

static bool has_color(const struct options *o, FILE *file) {
  const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
  if (o->color != COLOR_AUTO)
    return o->color == COLOR_ALWAYS;
  return isatty(fileno(file)) && (!no || !*no) && term &&
         strcmp(term, "dumb") != 0;
}

static void generate(const struct check_result *r, FILE *file) {
  fputs("suppressions; say why behind each #, and put them into "
        ".looptrace-suppress:\n",
        file);
  for (size_t i = 0; i < r->n_traces; i++)
    for (size_t k = 0; k < r->traces[i].judgement.n_findings; k++) {
      const struct finding *f = &r->traces[i].judgement.findings[k];
      if (f->state == FINDING_NEW && f->level != LEVEL_NOTE)
        suppress_print(file, r->traces[i].model, f);
    }
  putc('\n', file);
}

static void print_text(const struct options *o, const struct check_result *r,
                       FILE *file) {
  if (!o->is_quiet) {
    if (o->gen_suppressions)
      generate(r, file);
    for (size_t i = 0; i < r->n_notes; i++)
      fprintf(file, "  %s\n", r->notes[i]);
  }
  for (size_t i = 0; i < r->n_traces; i++)
    if (r->traces[i].model)
      check_text(file, r, &r->traces[i], has_color(o, file), o->is_quiet);
  if (r->n_traces > 1 && (!o->is_quiet || check_verdict(r) != VERDICT_PASS))
    check_text_all(file, r, has_color(o, file));
  char text[1024];
  if (r->no_trace)
    fprintf(file, "%s\n", inert(r->no_trace, text, sizeof text));
  if (r->has_command && r->command_status != 0)
    fprintf(file, "the command itself failed with status %d\n",
            r->command_status);
  if (r->n_traces == 0)
    fputs("INCONCLUSIVE  there is no trace to judge\n", file);
}

static void print_as(enum check_format format, const struct options *o,
                     const struct check_result *r, FILE *file) {
  switch (format) {
  case FORMAT_TEXT:
    print_text(o, r, file);
    break;
  case FORMAT_JSON:
    check_json(file, r);
    break;
  case FORMAT_NDJSON:
    check_ndjson(file, r);
    break;
  case FORMAT_JUNIT:
    check_junit(file, r);
    break;
  case FORMAT_SARIF:
    check_sarif(file, r);
    break;
  case FORMAT_GITHUB:
    check_github(file, r);
    break;
  case FORMAT_GITLAB:
    check_gitlab(file, r);
    break;
  case FORMAT_MARKDOWN:
    check_markdown(file, r);
    break;
  }
}

static bool print_to(enum check_format format, const struct options *o,
                     const struct check_result *r, const char *path,
                     const char *mode) {
  FILE *file = path ? fopen(path, mode) : stdout;
  if (file)
    print_as(format, o, r, file);
  bool is_good = file && !ferror(file);
  if (file && file != stdout && fclose(file) != 0)
    is_good = false;
  if (!is_good && file != stdout) {
    char name[4200];
    fprintf(stderr, CHECK_WHO ": cannot write %s: %s\n",
            inert(path, name, sizeof name), strerror(errno));
    return false;
  }
  return true;
}

bool check_print(const struct options *o, const struct check_result *r) {
  const char *summary = getenv("GITHUB_STEP_SUMMARY");
  bool has_github = false;
  for (size_t i = 0; i < o->n_outputs; i++) {
    const struct check_output *out = &o->outputs[i];
    has_github |= out->format == FORMAT_GITHUB;
    if (!print_to(out->format, o, r, out->path, "we"))
      return false;
  }
  /* What GitHub shows for the whole step, below the annotations. */
  return !has_github || !summary || !*summary ||
         print_to(FORMAT_MARKDOWN, o, r, summary, "ae");
}
