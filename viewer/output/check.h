/* What `check` says of traces, in each of its formats: one a file. */
#ifndef LTV_OUTPUT_CHECK_H
#define LTV_OUTPUT_CHECK_H

#include <stdio.h>

#include "model/finding.h"

/* One trace that was judged, or could not be read (then model is NULL). */
struct checked {
  const char *path;
  struct model *model;
  struct judgement judgement;
  lt_status status; /* why it could not be read */
  int error;        /* errno of it, for LT_IO */
};

struct check_result {
  const struct budget *budget;
  struct checked *traces;
  size_t n_traces;
  const char *baseline; /* what it was compared with, or NULL */
  int exit_code;
  bool has_command;
  int command_status;   /* of `-- CMD`; as a shell says it */
  const char *no_trace; /* why a command left no trace, or NULL */
  bool is_new_only;     /* findings in the baseline are not told */
  bool is_verbose;      /* text: each finding in full */
  char **notes; /* sentences on suppressions, baseline and runs; inert */
  size_t n_notes;
};

/* Print the findings of one trace, and a line that says PASS, FAIL or
 * INCONCLUSIVE with the numbers.
 *
 * has_color: use escape sequences for colours.  is_quiet: of a trace that
 * passes nothing, of others the last line only. */
void check_text(FILE *file, const struct check_result *result,
                const struct checked *trace, bool has_color, bool is_quiet);
/* Behind those of several traces: the verdict on all of them together. */
void check_text_all(FILE *file, const struct check_result *result,
                    bool has_color);

/* All as one JSON object, schema looptrace.check/1. */
void check_json(FILE *file, const struct check_result *result);
/* One JSON object a line: each finding, at last the verdict. */
void check_ndjson(FILE *file, const struct check_result *result);
/* JUnit XML: a suite a trace, a test case a budget line and loop. */
void check_junit(FILE *file, const struct check_result *result);
/* SARIF 2.1.0. */
void check_sarif(FILE *file, const struct check_result *result);
/* Annotations for GitHub Actions: at most 10 of a level are shown there, so the
 * worst 9 and how many more. */
void check_github(FILE *file, const struct check_result *result);
/* GitLab's code quality report. */
void check_gitlab(FILE *file, const struct check_result *result);
/* A summary for people, with a table. */
void check_markdown(FILE *file, const struct check_result *result);

/* Is it told, or muted or known and left out?  Muted ones are told by the
 * formats for machines only. */
static inline bool check_is_told(const struct check_result *result,
                                 const struct finding *f) {
  return f->state == FINDING_NEW ||
         (f->state == FINDING_KNOWN && !result->is_new_only);
}

/* Of all traces together: the worst, as the exit code says it. */
enum verdict check_verdict(const struct check_result *result);

/* "why it could not be read", inert. */
const char *checked_problem(const struct checked *trace, char *buf,
                            size_t size);

#endif
