/* What `check` says of a trace: as text and as JSON. */
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
  int exit_code;
  bool has_command;
  int command_status;   /* of `-- CMD`; as a shell says it */
  const char *no_trace; /* why a command left no trace, or NULL */
};

/* Print the findings of one trace, and a line that says PASS, FAIL or
 * INCONCLUSIVE with the numbers.
 *
 * has_color: use escape sequences for colours.  is_quiet: of a trace that
 * passes nothing, of others the last line only. */
void check_text(FILE *file, const struct check_result *result,
                const struct checked *trace, bool has_color, bool is_quiet);

/* Print all as one JSON object, schema looptrace.check/1. */
void check_json(FILE *file, const struct check_result *result);

/* "why it could not be read", inert. */
const char *checked_problem(const struct checked *trace, char *buf,
                            size_t size);

#endif
