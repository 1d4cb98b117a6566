/* looptrace report: what happened in a trace, as text, HTML, Markdown or JSON.
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
    "  --top N          rows in each table; default 20\n"
    "  --format FORMAT  text (default), html (one page that needs nothing "
    "else),\n"
    "                   markdown or json\n"
    "  -h, --help       this\n"
    "\n"
    "Exit status: 0; 2 wrong usage; 3 the file cannot be read.\n"
    "\n"
    "Examples\n"
    "  looptrace report --top 5 app.lt\n"
    "  looptrace report --format html app.lt > app.html\n";

static bool set_number(const char *text, size_t *number) {
  char *end;
  errno = 0;
  unsigned long n = strtoul(text, &end, 10);
  if (end == text || *end || errno || *text == '-' || n == 0)
    return false;
  *number = n;
  return true;
}

typedef void shower(FILE *file, const struct model *model, const char *path,
                    size_t top);

static shower *find(const char *format) {
  return strcmp(format, "text") == 0       ? report_text
         : strcmp(format, "json") == 0     ? report_json
         : strcmp(format, "markdown") == 0 ? report_markdown
         : strcmp(format, "html") == 0     ? report_html
                                           : NULL;
}

static int parse(int argc, char **argv, size_t *top, shower **show) {
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
      *show = find(optarg);
      if (!*show)
        return open_usage(WHO, "--format `%s`: text, html, markdown or json",
                          optarg);
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
  shower *show = report_text;
  int code = parse(argc, argv, &top, &show);
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
  show(stdout, model, path, top);
  model_close(model);
  return EXIT_OK;
}

const struct command cmd_report = {
    .name = "report",
    .summary = "what happened, as text, HTML, Markdown or JSON",
    .run = run_report,
};
