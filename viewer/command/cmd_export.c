/* looptrace export: a trace in a format that other tools read.
 *
 * Invariant: a file that exists is never written to, unless told so, and one
 * that could not be finished is removed.  Called by main.c. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/duration.h"
#include "cli/newest.h"
#include "cli/option.h"
#include "cli/progress.h"
#include "command.h"
#include "output/export.h"
#include "output/inert.h"
#include "output/open.h"
#include "output/units.h"

#define WHO "looptrace export"

struct options {
  const struct export_format *format;
  const char *format_name, *trace, *output;
  int64_t from_ns, to_ns, floor_ns;
  bool has_range, has_floor, overwrites;
  struct filter filter; /* n 0: everything */
};

/* Name, what reads it, how. */
#ifdef LTV_PERFETTO
#define PERFETTO_FORMAT(X)                                                     \
  X("perfetto", "Perfetto's protobuf: smaller, with a track a task",           \
    export_perfetto)
#else
#define PERFETTO_FORMAT(X)
#endif
#define FORMAT_MAP(X)                                                          \
  X("chrome-json", "for Perfetto's UI, speedscope, chrome://tracing",          \
    export_chrome)                                                             \
  PERFETTO_FORMAT(X)                                                           \
  X("ndjson", "one event a line, as JSON: jq, DuckDB", export_ndjson)          \
  X("csv", "one event a line, for spreadsheets and databases", export_csv)     \
  X("folded", "stacks of the stalls, for flamegraph.pl, speedscope",           \
    export_folded)                                                             \
  X("otlp", "spans as OTLP/JSON, for OpenTelemetry collectors", export_otlp)   \
  X("openmetrics", "totals for Prometheus", export_openmetrics)

enum { OPT_OVERWRITE = 256, OPT_RANGE, OPT_MIN, OPT_FILTER };

#define FORMAT_WORD(name, what, format) name " "
#define FORMAT_HELP(name, what, format) "\n\t" name "\t" what
static const struct option_row option_rows[] = {
    {'f', "format", "FORMAT", FORMAT_MAP(FORMAT_WORD),
     "one of:" FORMAT_MAP(FORMAT_HELP)},
    {'o', "output", "FILE", OFFER_FILES,
     "default: standard output; an existing file is refused"},
    {OPT_OVERWRITE, "overwrite", NULL, NULL, "unless this is given"},
    {OPT_RANGE, "range", "A..B", NULL,
     "only from A to B, such as 1.5s..2s, 3s.. or ..3s"},
    {OPT_FILTER, "filter", "WORDS", NULL,
     "only what matches, in the words of the viewer's filter: dur>10ms "
     "kind:cb,call,timer loop:main site:on_* task:#12 /regex/ -word; "
     "not for perfetto and openmetrics"},
    {OPT_MIN, "min", "DURATION", NULL,
     "otlp: leave out shorter spans; default 1ms"},
    {0}};

static const struct export_format *find(const char *name) {
  static const struct {
    const char *name;
    const struct export_format *format;
  } formats[] = {
#define FORMAT_ROW(name, what, format) {name, &format},
      FORMAT_MAP(FORMAT_ROW)
#undef FORMAT_ROW
  };
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (strcmp(formats[i].name, name) == 0)
      return formats[i].format;
  return NULL;
}

static bool moment(const char *text, size_t length, int64_t *ns) {
  char copy[64];
  uint64_t value;
  if (length == 0)
    return true;
  if (length >= sizeof copy)
    return false;
  memcpy(copy, text, length);
  copy[length] = '\0';
  if (duration_parse(copy, &value) != LT_OK)
    return false;
  *ns = (int64_t)value;
  return true;
}

/* "1.5s..2s", "..2s", "1.5s..". */
static bool set_range(struct options *o, const char *text) {
  const char *dots = strstr(text, "..");
  int64_t from = 0, to = INT64_MAX;
  if (!dots || !moment(text, (size_t)(dots - text), &from) ||
      !moment(dots + 2, strlen(dots + 2), &to) || from >= to)
    return false;
  o->from_ns = from;
  o->to_ns = to;
  o->has_range = true;
  return true;
}

static int set_filter(struct options *o) {
  char error[200] = "";
  if (strlen(optarg) >= FILTER_TEXT_MAX)
    return open_usage(WHO, "--filter `%s` is too long", optarg);
  return filter_parse(&o->filter, optarg, error, sizeof error)
             ? -1
             : open_usage(WHO, "--filter: %s", error);
}

/* Returns: an exit code, or -1 to go on. */
static int set_option(struct options *o, int c) {
  uint64_t ns;
  switch (c) {
  case 'f':
    o->format = find(optarg);
    o->format_name = optarg;
    return o->format ? -1
                     : open_usage(WHO,
                                  "there is no format `%s`; --help lists "
                                  "them",
                                  optarg);
  case 'o':
    o->output = strcmp(optarg, "-") == 0 ? NULL : optarg;
    return -1;
  case OPT_OVERWRITE:
    o->overwrites = true;
    return -1;
  case OPT_RANGE:
    return set_range(o, optarg)
               ? -1
               : open_usage(WHO,
                            "--range `%s`: A..B, each " DURATION_FORMS
                            ", A before B",
                            optarg);
  case OPT_FILTER:
    return set_filter(o);
  case OPT_MIN:
    if (duration_parse(optarg, &ns) != LT_OK)
      return open_usage(WHO, "--min `%s`: " DURATION_FORMS, optarg);
    o->floor_ns = (int64_t)ns;
    o->has_floor = true;
    return -1;
  default:
    return option_exit(c);
  }
}

static int parse(int argc, char **argv, struct options *o) {
  int c;
  option_begin(&cmd_export, argv);
  while ((c = option_next(argc, argv)) != OPTION_END) {
    int code = set_option(o, c);
    if (code >= 0)
      return code;
  }
  if (!o->format)
    return open_usage(WHO, "which format? --format chrome-json%s", "");
  if (o->has_range && !o->format->has_range)
    return open_usage(WHO, "--range means nothing to %s", o->format_name);
  if (o->has_floor && !o->format->has_floor)
    return open_usage(WHO, "--min means nothing to %s", o->format_name);
  if (o->overwrites && !o->output)
    return open_usage(WHO, "--overwrite goes with -o FILE%s", "");
  if (o->filter.n && !o->format->has_filter)
    return open_usage(WHO, "--filter means nothing to %s", o->format_name);
  if (o->format->is_binary && !o->output && isatty(STDOUT_FILENO) == 1)
    return open_usage(WHO, "%s is not for a terminal: -o FILE", o->format_name);
  o->trace = newest_or_named(WHO, argc, argv,
                             "one trace at a time: looptrace export FILE%s");
  return o->trace ? -1 : EXIT_USAGE;
}

static FILE *open_output(const struct options *o) {
  if (!o->output)
    return stdout;
  int flags = O_WRONLY | O_CREAT | O_CLOEXEC |
              (o->overwrites ? O_TRUNC : O_EXCL | O_NOFOLLOW);
  int fd = open(o->output, flags, 0600);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
  char name[4200];
  if (!file) {
    int error = errno;
    fprintf(stderr, "%s: %s: %s%s\n", WHO, inert(o->output, name, sizeof name),
            strerror(error),
            error == EEXIST ? "; --overwrite replaces it" : "");
    if (fd >= 0)
      close(fd);
  }
  return file;
}

/* Write all of it out.  What is left of a failure is removed. */
static int close_output(const struct options *o, FILE *file, bool is_good) {
  char name[4200];
  if (file == stdout)
    return is_good ? EXIT_OK : EXIT_UNREADABLE; /* main.c looks at it */
  bool had_error = ferror(file);
  struct stat st;
  bool is_ours = fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode);
  errno = 0;
  if (fclose(file) || had_error) {
    fprintf(stderr, "%s: %s: cannot write it%s%s\n", WHO,
            inert(o->output, name, sizeof name), errno ? ": " : "",
            errno ? strerror(errno) : "");
    is_good = false;
  }
  if (!is_good && is_ours)
    unlink(o->output);
  return is_good ? EXIT_OK : EXIT_UNREADABLE;
}

static int write_it(const struct options *o, struct model *model,
                    struct progress *progress) {
  FILE *file = open_output(o);
  if (!file)
    return EXIT_UNREADABLE;
  int64_t end = model->info->end_ns;
  struct export x = {.file = file,
                     .model = model,
                     .path = o->trace,
                     .from_ns = o->from_ns,
                     .to_ns = o->to_ns <= end ? o->to_ns : end + 1,
                     .floor_ns = o->floor_ns,
                     .filter = o->filter.n ? &o->filter : NULL,
                     .progress = progress_tell,
                     .context = progress};
  lt_status status = export_init(&x);
  errno = 0;
  if (status == LT_OK)
    status = o->format->write(&x);
  int error = errno;
  export_fini(&x);
  progress_done(progress);
  if (status != LT_OK)
    open_complain(WHO, o->trace, status, error);
  else if (x.filter && !x.n_matches && !option_common.is_quiet)
    fputs(WHO ": nothing in the trace matches --filter\n", stderr);
  return close_output(o, file, status == LT_OK);
}

static int run_export(int argc, char **argv) {
  static struct options o = {.to_ns = INT64_MAX, .floor_ns = 1000000};
  struct progress progress;
  struct model *model;
  int code = parse(argc, argv, &o);
  if (code >= 0)
    return code;
  progress_init(&progress, "exporting");
  const struct model_options options = {.progress = progress_tell,
                                        .context = &progress};
  errno = 0;
  lt_status status = o.format->is_streaming
                         ? model_open_names(o.trace, &model)
                         : model_open(o.trace, &options, &model);
  if (status != LT_OK) {
    progress_done(&progress);
    open_complain(WHO, o.trace, status, errno);
    return EXIT_UNREADABLE;
  }
  if (o.from_ns > model->info->end_ns) {
    units_buf from, end;
    progress_done(&progress);
    fprintf(stderr, WHO ": --range begins at %s, and the trace ends at %s\n",
            units_at(from, o.from_ns), units_at(end, model->info->end_ns));
    code = EXIT_USAGE;
  } else {
    code = write_it(&o, model, &progress);
  }
  model_close(model);
  filter_free(&o.filter);
  return code;
}

const struct command cmd_export = {
    .name = "export",
    .summary = "write it for other tools: Perfetto, flame graphs, SQL",
    .options = option_rows,
    .usage = "--format FORMAT [options] [FILE]",
    .about = "Write a trace in a format that other tools read.",
    .status =
        "0; 2 wrong usage; 3 the trace cannot be read, or the output not be "
        "written.",
    .examples =
        "looptrace export -f chrome-json -o app.json app.lt   ui.perfetto.dev "
        "opens it\n"
        "looptrace export -f folded app.lt | flamegraph.pl > app.svg\n"
        "looptrace export -f ndjson app.lt | jq 'select(.kind==\"call\")'",
    .operands = OFFER_TRACES,
    .run = run_export,
};
