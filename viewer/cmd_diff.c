/* looptrace diff: what got slower from one trace to another.
 *
 * Invariant: shows model/diff.h and computes nothing.  Called by main.c. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "output/diff.h"
#include "output/open.h"

#define WHO "looptrace diff"

static const char help[] =
    "Tell what got slower from trace A to trace B, place by place.\n"
    "\n"
    "Usage: looptrace diff [options] A B\n"
    "\n"
    "  --normalize count|time|none  counts are per 1000 callbacks (default),\n"
    "                               per second, or as they are\n"
    "  --threshold PERCENT          smaller changes are none; default 20%\n"
    "  --min-count N                compare only what ran N times or more in\n"
    "                               both; default 30\n"
    "  --fail-on-regression         exit 1 when something got slower, or a "
    "new\n"
    "                               place takes 50 ms or longer\n"
    "  --format text|json|markdown  default text\n"
    "  --top N                      rows in the table; default 20\n"
    "  -h, --help                   this\n"
    "\n"
    "A change is told when the medians or the 99th percentiles differ by the\n"
    "threshold, and chance would do that less than once in a hundred times\n"
    "(Mann and Whitney's test).\n"
    "\n"
    "Exit status: 0; 1 a regression; 2 wrong usage; 3 a trace cannot be read.\n"
    "\n"
    "Example: looptrace diff --fail-on-regression main.lt branch.lt\n";

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
  case 'n':
    return set_unit(optarg, &o->diff.unit)
               ? -1
               : open_usage(WHO, "--normalize `%s`: count, time or none",
                            optarg);
  case 't':
    return set_percent(optarg, &o->diff.threshold)
               ? -1
               : open_usage(WHO, "--threshold `%s`: percent, such as 20%%",
                            optarg);
  case 'm':
    return set_count(optarg, &o->diff.min_count)
               ? -1
               : open_usage(WHO, "--min-count `%s` is no number from 1 on",
                            optarg);
  case 'p':
    return set_count(optarg, &o->top)
               ? -1
               : open_usage(WHO, "--top `%s` is no number from 1 on", optarg);
  case 'f':
    return set_format(optarg, o)
               ? -1
               : open_usage(WHO, "--format `%s`: text, json or markdown",
                            optarg);
  case 'r':
    o->fails = true;
    return -1;
  case 'h':
    fputs(help, stdout);
    return EXIT_OK;
  default:
    fputs("Try '" WHO " --help'.\n", stderr);
    return EXIT_USAGE;
  }
}

static int parse(int argc, char **argv, struct options *o) {
  static const struct option long_options[] = {
      {"normalize", required_argument, NULL, 'n'},
      {"threshold", required_argument, NULL, 't'},
      {"min-count", required_argument, NULL, 'm'},
      {"top", required_argument, NULL, 'p'},
      {"format", required_argument, NULL, 'f'},
      {"fail-on-regression", no_argument, NULL, 'r'},
      {"help", no_argument, NULL, 'h'},
      {0}};
  int c;
  argv[0] = (char *)(uintptr_t)WHO;
  optind = 0;
  while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
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
    .run = run_diff,
};
