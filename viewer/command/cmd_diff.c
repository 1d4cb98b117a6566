/* looptrace diff: what got slower from one trace to another.
 *
 * Invariant: shows model/diff.h and computes nothing.  Called by main.c. */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/option.h"
#include "cli/pager.h"
#include "command.h"
#include "output/diff.h"
#include "output/open.h"

#define WHO "looptrace diff"

enum {
  OPT_NORMALIZE = 256,
  OPT_THRESHOLD,
  OPT_MIN_COUNT,
  OPT_TOP,
  OPT_FORMAT,
  OPT_FAIL
};

static const struct option_row option_rows[] = {
    {OPT_NORMALIZE, "normalize", "count|time|none", "count time none",
     "counts are per 1000 callbacks (default), per second, or as they are"},
    {OPT_THRESHOLD, "threshold", "PERCENT", NULL,
     "smaller changes are none; default 20%"},
    {OPT_MIN_COUNT, "min-count", "N", NULL,
     "compare only what ran N times or more in both; default 30"},
    {OPT_FAIL, "fail-on-regression", NULL, NULL,
     "exit 1 when something got slower, or a new place takes 50 ms or longer"},
    {OPT_FORMAT, "format", "text|json|markdown", "text json markdown",
     "default text"},
    {OPT_TOP, "top", "N", NULL, "rows in the table; default 20"},
    {0}};

struct options {
  struct diff_options diff;
  void (*show)(FILE *file, const struct diff_page *page);
  bool fails;
  uint64_t top;
};

static bool set_count(const char *text, uint64_t *number) {
  char *end;
  errno = 0;
  unsigned long long n = strtoull(text, &end, 10);
  if (end == text || *end || errno || *text < '0' || *text > '9' || n == 0)
    return false;
  *number = n;
  return true;
}

static bool set_percent(const char *text, double *share) {
  char *end;
  double percent = strtod(text, &end);
  if (end == text || (*end && strcmp(end, "%") != 0) || !isfinite(percent) ||
      percent < 0 || percent > 1e6)
    return false;
  *share = percent / 100;
  return true;
}

static bool set_unit(const char *text, enum diff_unit *unit) {
  static const char *const names[] = {"count", "time", "none"};
  for (unsigned i = 0; i < 3; i++)
    if (strcmp(text, names[i]) == 0) {
      *unit = (enum diff_unit)i;
      return true;
    }
  return false;
}

static bool set_format(const char *text, struct options *o) {
  o->show = strcmp(text, "text") == 0       ? diff_text
            : strcmp(text, "json") == 0     ? diff_json
            : strcmp(text, "markdown") == 0 ? diff_markdown
                                            : NULL;
  return o->show != NULL;
}

/* Returns: an exit code, or -1 to go on. */
static int set_option(struct options *o, int c) {
  switch (c) {
  case OPT_NORMALIZE:
    return set_unit(optarg, &o->diff.unit)
               ? -1
               : open_usage(WHO, "--normalize `%s`: count, time or none",
                            optarg);
  case OPT_THRESHOLD:
    return set_percent(optarg, &o->diff.threshold)
               ? -1
               : open_usage(WHO, "--threshold `%s`: percent, such as 20%%",
                            optarg);
  case OPT_MIN_COUNT:
    return set_count(optarg, &o->diff.min_count)
               ? -1
               : open_usage(WHO, "--min-count `%s` is no number from 1 on",
                            optarg);
  case OPT_TOP:
    return set_count(optarg, &o->top)
               ? -1
               : open_usage(WHO, "--top `%s` is no number from 1 on", optarg);
  case OPT_FORMAT:
    return set_format(optarg, o)
               ? -1
               : open_usage(WHO, "--format `%s`: text, json or markdown",
                            optarg);
  case OPT_FAIL:
    o->fails = true;
    return -1;
  default:
    return option_exit(c);
  }
}

static int parse(int argc, char **argv, struct options *o) {
  int c;
  option_begin(&cmd_diff, argv);
  while ((c = option_next(argc, argv)) != OPTION_END) {
    int code = set_option(o, c);
    if (code >= 0)
      return code;
  }
  if (optind + 2 != argc)
    return open_usage(WHO, "two traces: looptrace diff A B%s", "");
  return -1;
}

static struct model *open_one(const char *path) {
  struct model *model;
  errno = 0;
  lt_status status = model_open(path, NULL, &model);
  if (status != LT_OK)
    open_complain(WHO, path, status, errno);
  return model;
}

static int run_diff(int argc, char **argv) {
  struct options o = {.diff = {.threshold = 0.2, .min_count = 30},
                      .show = diff_text,
                      .top = 20};
  int code = parse(argc, argv, &o);
  if (code >= 0)
    return code;
  const char *a_path = argv[optind], *b_path = argv[optind + 1];
  struct diff diff = {0};
  struct model *a = open_one(a_path), *b = a ? open_one(b_path) : NULL;
  code = EXIT_UNREADABLE;
  if (b) {
    lt_status status = diff_make(a, b, &o.diff, &diff);
    if (status == LT_OK) {
      pager_begin();
      o.show(stdout, &(struct diff_page){.a = a,
                                         .b = b,
                                         .a_path = a_path,
                                         .b_path = b_path,
                                         .diff = &diff,
                                         .options = &o.diff,
                                         .top = o.top});
      code = o.fails && diff.n_regressions ? EXIT_FINDINGS : EXIT_OK;
    } else {
      open_complain(WHO, b_path, status, 0);
    }
  }
  diff_free(&diff);
  model_close(b);
  model_close(a);
  return code;
}

const struct command cmd_diff = {
    .name = "diff",
    .summary = "what got slower between two traces",
    .options = option_rows,
    .usage = "[options] A B",
    .about = "Tell what got slower from trace A to trace B, place by place.",
    .more =
        "A change is told when the medians or the 99th percentiles differ by "
        "the threshold, and chance would do that less than once in a hundred "
        "times (Mann and Whitney's test).",
    .status = "0; 1 a regression; 2 wrong usage; 3 a trace cannot be read.",
    .examples = "looptrace diff --fail-on-regression main.lt branch.lt",
    .operands = OFFER_TRACES,
    .run = run_diff,
};
