/* The arguments of `looptrace check`.
 *
 * Invariant: what is not understood is an error that names the word; arguments
 * count more than a budget file, wherever they stand.  Called by cmd_check.c.
 */
#include "check/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "check/rule.h"
#include "cli/newest.h"
#include "cli/option.h"
#include "command.h"
#include "output/open.h"

bool options_time(const char *text, int64_t *ns) {
  uint64_t value;
  if (duration_parse(text, &value) != LT_OK || value > INT64_MAX / 4)
    return false;
  *ns = (int64_t)value;
  return true;
}

bool options_count(const char *text, int64_t *n) {
  char *end;
  if (*text < '0' || *text > '9')
    return false;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (*end || errno)
    return false;
  *n = value;
  return true;
}

bool options_permille(const char *text, int64_t *permille) {
  char *end;
  if (*text < '0' || *text > '9')
    return false;
  double value = strtod(text, &end);
  if (strcmp(end, "%") != 0 || !(value >= 0 && value <= 100))
    return false;
  *permille = (int64_t)(value * 10 + 0.5);
  return true;
}

static bool one_of(const char *text, const char *const *words, int n,
                   int *index) {
  for (int i = 0; i < n; i++)
    if (strcmp(text, words[i]) == 0) {
      *index = i;
      return true;
    }
  return false;
}

bool options_aggregate(const char *text, enum check_aggregate *aggregate) {
  static const char *const words[] = {"median", "pessimistic", "optimistic"};
  int index;
  if (!one_of(text, words, 3, &index))
    return false;
  *aggregate = (enum check_aggregate)index;
  return true;
}

bool options_runs(const char *text, unsigned *runs) {
  int64_t n;
  if (!options_count(text, &n) || n < 1 || n > 1000)
    return false;
  *runs = (unsigned)n;
  return true;
}

bool options_limit(struct options *o, struct limit limit) {
  if (o->n_limits == LIMITS_MAX)
    return false;
  if (limit.kind == LIMIT_STALL_MAX && !limit.loops)
    o->budget.max_stall_ns = limit.value;
  o->limits[o->n_limits++] = limit;
  return true;
}

bool options_level(struct options *o, const char *name, int level) {
  const struct rule *rule = rule_find(name);
  if (!rule || o->n_levels == LEVELS_MAX)
    return false;
  o->levels[o->n_levels++] = (struct rule_level){rule->name, level};
  return true;
}

static int set_rule(struct options *o, const char *option, int level) {
  if (options_level(o, optarg, level))
    return -1;
  const struct rule *near = rule_near(optarg);
  char problem[160];
  snprintf(problem, sizeof problem,
           near ? "%s: there is no rule `%%s`; did you mean `%s`?"
                : "%s: there is no rule `%%s`; looptrace explain lists them%s",
           option, near ? near->name : "");
  return open_usage(CHECK_WHO, problem, optarg);
}

static bool set_format(struct options *o, const char *text) {
  static const char *const names[] = {"text",  "json",   "ndjson", "junit",
                                      "sarif", "github", "gitlab", "markdown"};
  char name[16];
  int index;
  size_t length = strcspn(text, ":");
  const char *path = text[length] ? text + length + 1 : NULL;
  if (length >= sizeof name || (path && !*path) || o->n_outputs == OUTPUTS_MAX)
    return false;
  memcpy(name, text, length);
  name[length] = '\0';
  if (!one_of(name, names, 8, &index))
    return false;
  o->outputs[o->n_outputs++] =
      (struct check_output){(enum check_format)index, path};
  return true;
}

static int no_time(const char *option) {
  char problem[160];
  snprintf(problem, sizeof problem, "%s `%%s` is no duration: " DURATION_FORMS,
           option);
  return open_usage(CHECK_WHO, problem, optarg);
}

static int set_limit(struct options *o, struct limit limit) {
  if (options_limit(o, limit))
    return -1;
  return open_usage(CHECK_WHO, "too many budgets: `%s`", optarg);
}

/* Budgets.  Returns: -1 to go on, else an exit code; -2 when it is none. */
static int set_budget(struct options *o, int c) {
  int64_t value;
  switch (c) {
  case OPT_MAX_STALL:
    if (!options_time(optarg, &value) || value == 0)
      return no_time("--max-stall");
    return set_limit(o,
                     (struct limit){.kind = LIMIT_STALL_MAX, .value = value});
  case OPT_MAX_P99:
    if (!options_time(optarg, &value) || value == 0)
      return no_time("--max-stall-p99");
    return set_limit(o, (struct limit){.kind = LIMIT_TURN_P99, .value = value});
  case OPT_MAX_UTILIZATION:
    if (!options_permille(optarg, &value))
      return open_usage(CHECK_WHO, "--max-utilization `%s`: such as 85%%",
                        optarg);
    return set_limit(o,
                     (struct limit){.kind = LIMIT_UTILIZATION, .value = value});
  case OPT_MAX_BLOCKING:
    if (!options_count(optarg, &value))
      return open_usage(CHECK_WHO, "--max-blocking `%s`: a number", optarg);
    return set_limit(
        o, (struct limit){.kind = LIMIT_BLOCKING_COUNT, .value = value});
  case OPT_MAX_TIMER_LATE:
    if (!options_time(optarg, &value) || value == 0)
      return no_time("--max-timer-late");
    return set_limit(o,
                     (struct limit){.kind = LIMIT_TIMER_LATE, .value = value});
  case OPT_MAX_POOL_QUEUE:
    if (!options_time(optarg, &value) || value == 0)
      return no_time("--max-pool-queue");
    return set_limit(o,
                     (struct limit){.kind = LIMIT_POOL_QUEUE, .value = value});
  case OPT_WARMUP:
    if (!options_time(optarg, &o->budget.warmup_ns))
      return no_time("--warmup");
    return -1;
  case 'W':
    return set_rule(o, "-W", LEVEL_WARNING);
  case 'A':
    return set_rule(o, "-A", LEVEL_OFF);
  default:
    return -2;
  }
}

/* Options with a value.  Returns: as set_budget(). */
static int set_value(struct options *o, int c) {
  static const char *const levels[] = {"none", "warn", "error"};
  static const char *const whens[] = {"auto", "always", "never"};
  int word = 0;
  int64_t value;
  switch (c) {
  case OPT_FAIL_ON:
    if (!one_of(optarg, levels, 3, &word))
      return open_usage(CHECK_WHO, "--fail-on `%s`: error, warn or none",
                        optarg);
    o->budget.fail_on = (enum finding_level)word;
    return -1;
  case OPT_FORMAT:
    if (!set_format(o, optarg))
      return open_usage(CHECK_WHO,
                        "--format `%s`: " CHECK_FORMATS ", :FILE after it",
                        optarg);
    return -1;
  case OPT_GEN_SUPPRESSIONS:
    if (strcmp(optarg, "all") != 0 && strcmp(optarg, "no") != 0)
      return open_usage(CHECK_WHO, "--gen-suppressions `%s`: all or no",
                        optarg);
    o->gen_suppressions = *optarg == 'a';
    return -1;
  case OPT_RUNS:
    o->has_runs = true;
    if (!options_runs(optarg, &o->runs))
      return open_usage(CHECK_WHO, "--runs `%s`: a number, 1 to 1000", optarg);
    return -1;
  case OPT_AGGREGATE:
    o->has_aggregate = true;
    if (!options_aggregate(optarg, &o->aggregate))
      return open_usage(CHECK_WHO,
                        "--aggregate `%s`: median, pessimistic or optimistic",
                        optarg);
    return -1;
  case OPT_ERROR_EXITCODE:
    if (!options_count(optarg, &value) || value > 255)
      return open_usage(CHECK_WHO, "--error-exitcode `%s`: a number, 0 to 255",
                        optarg);
    o->error_exitcode = (int)value;
    return -1;
  case OPT_COLOR:
    if (!one_of(optarg, whens, 3, &word))
      return open_usage(CHECK_WHO, "--color `%s`: auto, always or never",
                        optarg);
    o->color = (enum check_color)word;
    return -1;
  default:
    return set_budget(o, c);
  }
}

static int set_option(struct options *o, int c) {
  switch (c) {
  case OPT_BUDGET: /* was read before */
    return -1;
  case OPT_SUPPRESSIONS:
    o->suppressions_path = optarg;
    return -1;
  case OPT_BASELINE:
    o->baseline_path = optarg;
    return -1;
  case OPT_UPDATE_BASELINE:
    o->update_baseline = true;
    return -1;
  case OPT_STRICT:
    o->is_strict = true;
    return -1;
  case OPT_NEW:
    o->is_new_only = true;
    return -1;
  case OPT_ALLOW_INCOMPLETE:
    o->budget.allow_incomplete = true;
    return -1;
  case OPT_OVERWRITE:
    o->overwrite = true;
    return -1;
  case 'o':
    o->trace_path = optarg;
    return -1;
  case 'v':
    o->is_verbose = true;
    return -1;
  case 'q':
    o->is_quiet = true;
    return -1;
  default:
    return set_value(o, c);
  }
}

static bool has_text(const struct options *o) {
  for (size_t i = 0; i < o->n_outputs; i++)
    if (o->outputs[i].format == FORMAT_TEXT)
      return !o->is_quiet;
  return o->n_outputs == 0 && !o->is_quiet;
}

/* Options that would do nothing beside the others: who gave them meant
 * something else.  A budget file serves files and commands alike. */
static int each_counts(const struct options *o) {
  if (o->has_runs && !o->command)
    return open_usage(CHECK_WHO,
                      "--runs is for a command: looptrace check --runs N "
                      "-- COMMAND%s",
                      "");
  if (o->has_aggregate && (!o->command || o->runs < 2))
    return open_usage(CHECK_WHO, "--aggregate goes with --runs, 2 or more%s",
                      "");
  if (o->overwrite && !o->trace_path)
    return open_usage(CHECK_WHO, "--overwrite goes with -o FILE%s", "");
  if ((o->gen_suppressions || o->is_verbose) && !has_text(o))
    return open_usage(CHECK_WHO,
                      "%s is for --format text, and not with --quiet",
                      o->is_verbose ? "--verbose" : "--gen-suppressions");
  return -1;
}

/* Files, command, and options that go together. */
static int agree(struct options *o) {
  if (!o->baseline_path)
    o->baseline_path = o->own_baseline;
  if (!o->suppressions_path)
    o->suppressions_path = o->own_suppressions;
  if (o->command && !*o->command)
    return open_usage(CHECK_WHO, "which command?  looptrace check -- COMMAND%s",
                      "");
  if (o->command && o->n_files)
    return open_usage(CHECK_WHO, "either traces or a command, not both: `%s`",
                      o->files[0]);
  if (o->trace_path && !o->command)
    return open_usage(CHECK_WHO,
                      "-o `%s` is for a command: looptrace check -o FILE "
                      "-- COMMAND",
                      o->trace_path);
  if (o->runs > 1 && o->trace_path)
    return open_usage(CHECK_WHO, "-o `%s` cannot keep the traces of many runs",
                      o->trace_path);
  if ((o->update_baseline || o->is_new_only) && !o->baseline_path)
    return open_usage(CHECK_WHO, "%s needs --baseline FILE",
                      o->update_baseline ? "--update-baseline" : "--new");
  return each_counts(o);
}

/* All arguments in turn.  is_first: only the budget file is read. */
static int walk(struct options *o, int argc, char **argv, bool is_first) {
  int c, code;
  option_begin(&cmd_check, argv);
  while ((c = option_next(argc, argv)) != OPTION_END) {
    if (c < 0)
      return option_exit(c);
    if (is_first && c == OPT_BUDGET) {
      if ((code = budget_read(optarg, o)) != EXIT_OK)
        return code;
      o->budget_path = optarg;
    }
    if (!is_first && (code = set_option(o, c)) != -1)
      return code;
  }
  return -1;
}

int options_parse(int argc, char **argv, struct options *o) {
  *o = (struct options){
      .budget = {.max_stall_ns = MODEL_ERROR_NS, .fail_on = LEVEL_ERROR},
      .error_exitcode = EXIT_FINDINGS,
      .runs = 1};
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--") == 0) {
      o->command = argv + i + 1;
      argc = i;
      break;
    }
  int code = walk(o, argc, argv, true);
  if (code == -1)
    code = walk(o, argc, argv, false);
  if (code != -1)
    return code;
  o->files = argv + optind;
  o->n_files = (size_t)(argc - optind);
  if (!o->command && !o->n_files) {
    option_common.is_quiet = o->is_quiet;
    o->newest = newest_or_named(CHECK_WHO, argc, argv,
                                "looptrace check FILE, or looptrace check -- "
                                "COMMAND%s");
    if (!o->newest)
      return EXIT_USAGE;
    o->files = (char **)(uintptr_t)&o->newest;
    o->n_files = 1;
  }
  o->budget.limits = o->limits;
  o->budget.n_limits = o->n_limits;
  if ((code = agree(o)) != -1)
    return code;
  const char *actions = getenv("GITHUB_ACTIONS");
  if (o->n_outputs == 0) {
    o->outputs[o->n_outputs++] = (struct check_output){.format = FORMAT_TEXT};
    if (actions && strcmp(actions, "true") == 0)
      o->outputs[o->n_outputs++] =
          (struct check_output){.format = FORMAT_GITHUB};
  }
  return -1;
}
