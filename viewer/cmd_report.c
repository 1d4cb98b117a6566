/* looptrace report: what happened in a trace, as text or JSON.
 *
 * Invariant: shows the model and computes nothing.  Called by main.c. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "output/open.h"
#include "output/report.h"

#define WHO "looptrace report"

static const char help[] =
    "Tell what happened in a trace: its loops, the worst stalls, where the "
    "time "
    "went.\n"
    "\n"
    "Usage: looptrace report [options] FILE\n"
    "\n"
    "  --top N             rows in each table; default 20\n"
    "  --format text|json  default text\n"
    "  -h, --help          this\n"
    "\n"
    "Exit status: 0; 2 wrong usage; 3 the file cannot be read.\n"
    "\n"
    "Example: looptrace report --top 5 app.lt\n";

static bool set_number(const char *text, size_t *number) {
  char *end;
  errno = 0;
  unsigned long n = strtoul(text, &end, 10);
  if (end == text || *end || errno || *text == '-' || n == 0)
    return false;
  *number = n;
  return true;
}

static int parse(int argc, char **argv, size_t *top, bool *is_json) {
  enum { OPT_TOP = 256, OPT_FORMAT };
  static const struct option long_options[] = {
      {"top", required_argument, NULL, OPT_TOP},
      {"format", required_argument, NULL, OPT_FORMAT},
      {"help", no_argument, NULL, 'h'},
      {0}};
  int c;
  argv[0] = (char *)(uintptr_t)WHO;
  optind = 0;
  while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
    if (c == OPT_TOP) {
      if (!set_number(optarg, top))
        return open_usage(WHO, "--top `%s` is no number from 1 on", optarg);
    } else if (c == OPT_FORMAT) {
      *is_json = strcmp(optarg, "json") == 0;
      if (!*is_json && strcmp(optarg, "text") != 0)
        return open_usage(WHO, "--format `%s`: text or json", optarg);
    } else if (c == 'h') {
      fputs(help, stdout);
      return EXIT_OK;
    } else {
      fputs("Try '" WHO " --help'.\n", stderr);
      return EXIT_USAGE;
    }
  }
  if (optind + 1 != argc)
    return open_usage(WHO, "one trace at a time: looptrace report FILE%s", "");
  return -1;
}

static int run_report(int argc, char **argv) {
  size_t top = 20;
  bool is_json = false;
  int code = parse(argc, argv, &top, &is_json);
  if (code >= 0)
    return code;
  const char *path = argv[optind];
  struct model *model;
  errno = 0;
  lt_status status = model_open(path, NULL, &model);
  if (status != LT_OK) {
    open_complain(WHO, path, status, errno);
    return EXIT_UNREADABLE;
  }
  if (is_json)
    report_json(stdout, model, path, top);
  else
    report_text(stdout, model, path, top);
  model_close(model);
  return EXIT_OK;
}

const struct command cmd_report = {
    .name = "report",
    .summary = "text report",
    .run = run_report,
};
