/* What `check` was asked to do: from its arguments and its budget file. */
#ifndef LTV_CHECK_OPTIONS_H
#define LTV_CHECK_OPTIONS_H

#include <stdbool.h>

#include "cli/option.h"
#include "model/finding.h"

#define CHECK_WHO "looptrace check"
#define OUTPUTS_MAX 8
#define LIMITS_MAX 256
#define LEVELS_MAX 64

/* Of options without a letter. */
enum {
  OPT_MAX_STALL = 256,
  OPT_MAX_P99,
  OPT_MAX_UTILIZATION,
  OPT_MAX_BLOCKING,
  OPT_MAX_TIMER_LATE,
  OPT_MAX_POOL_QUEUE,
  OPT_BUDGET,
  OPT_WARMUP,
  OPT_FAIL_ON,
  OPT_FORMAT,
  OPT_SUPPRESSIONS,
  OPT_GEN_SUPPRESSIONS,
  OPT_STRICT,
  OPT_BASELINE,
  OPT_UPDATE_BASELINE,
  OPT_NEW,
  OPT_RUNS,
  OPT_AGGREGATE,
  OPT_ALLOW_INCOMPLETE,
  OPT_ERROR_EXITCODE,
  OPT_OVERWRITE,
  OPT_COLOR
};

/* In this order in messages and in the help. */
#define CHECK_FORMATS                                                          \
  "text, json, ndjson, junit, sarif, github, gitlab or markdown"
enum check_format {
  FORMAT_TEXT,
  FORMAT_JSON,
  FORMAT_NDJSON,
  FORMAT_JUNIT,
  FORMAT_SARIF,
  FORMAT_GITHUB,
  FORMAT_GITLAB,
  FORMAT_MARKDOWN
};
struct check_output {
  enum check_format format;
  const char *path; /* NULL: standard output */
};

enum check_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
enum check_aggregate {
  AGGREGATE_MEDIAN,
  AGGREGATE_PESSIMISTIC,
  AGGREGATE_OPTIMISTIC
};

#define LEVEL_OFF (-1)
struct rule_level {
  const char *rule; /* a rule's own name */
  int level;        /* finding_level: at most that; LEVEL_OFF: not at all */
};

struct options {
  struct budget budget; /* its limits are those below */
  struct limit limits[LIMITS_MAX];
  size_t n_limits;
  struct rule_level levels[LEVELS_MAX];
  size_t n_levels;
  struct check_output outputs[OUTPUTS_MAX];
  size_t n_outputs;
  int error_exitcode;
  const char *trace_path; /* -o */
  const char *budget_path;
  const char *suppressions_path; /* NULL: the default, where it is there */
  const char *baseline_path;
  char *own_suppressions, *own_baseline; /* from the budget file */
  bool update_baseline, is_new_only, is_strict, gen_suppressions;
  bool overwrite, is_quiet, is_verbose;
  enum check_color color;
  unsigned runs;
  enum check_aggregate aggregate;
  bool has_runs, has_aggregate; /* they were arguments, too */
  char **command;     /* after "--", NULL without */
  const char *newest; /* where no trace was named */
  char **files;
  size_t n_files;
};

/* Read the arguments.  Returns: -1 to go on, else an exit code; it has said
 * what is wrong then. */
int options_parse(int argc, char **argv, struct options *options);

/* Free what a budget file made. */
void options_free(struct options *options);

/* Add a limit.  false: there are too many. */
bool options_limit(struct options *options, struct limit limit);
bool options_level(struct options *options, const char *rule, int level);

/* Words with one meaning in arguments and in budget files.  false: not one. */
bool options_time(const char *text, int64_t *ns);
bool options_count(const char *text, int64_t *n);
bool options_permille(const char *text, int64_t *permille); /* "85%", "85.5%" */
bool options_aggregate(const char *text, enum check_aggregate *aggregate);
bool options_runs(const char *text, unsigned *runs);

/* Read a budget file into options.  Returns: EXIT_OK or EXIT_USAGE; it has said
 * what is wrong, with file and line. */
int budget_read(const char *path, struct options *options);

extern const struct option_row check_rows[];

#endif
