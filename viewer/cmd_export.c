/* looptrace export: a trace in a format that other tools read.
 *
 * Invariant: a file that exists is never written to, unless told so, and one
 * that could not be finished is removed.  Called by main.c. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "duration.h"
#include "output/export.h"
#include "output/inert.h"
#include "output/open.h"
#include "progress.h"

#define WHO "looptrace export"

static const struct export_format *const formats[] = {
    &export_chrome,
#ifdef LTV_PERFETTO
    &export_perfetto,
#endif
    &export_ndjson,   &export_csv,        &export_folded,
    &export_otlp,     &export_openmetrics};
#define N_FORMATS (sizeof formats / sizeof *formats)

struct options {
  const struct export_format *format;
  const char *trace, *output;
  int64_t from_ns, to_ns, floor_ns;
  bool has_range, overwrites;
};

static void print_help(void) {
  fputs("Write a trace in a format that other tools read.\n\n"
        "Usage: looptrace export --format FORMAT [options] FILE\n\n"
        "  -f, --format FORMAT  one of:\n",
        stdout);
  for (size_t i = 0; i < N_FORMATS; i++)
    printf("       %-12s    %s\n", formats[i]->name, formats[i]->what);
  fputs("  -o, --output FILE    default: standard output; an existing file is\n"
        "                       refused\n"
        "      --overwrite      unless this is given\n"
        "      --range A..B     only from A to B, such as 1.5s..2s, 3s.. or "
        "..3s\n"
        "      --min DURATION   otlp: leave out shorter spans; default 1ms\n"
        "  -h, --help           this\n"
        "\n"
        "Exit status: 0; 2 wrong usage; 3 the trace cannot be read, or the "
        "output not\n"
        "be written.\n"
        "\n"
        "Examples\n"
        "  looptrace export -f chrome-json -o app.json app.lt   "
        "ui.perfetto.dev opens it\n"
        "  looptrace export -f folded app.lt | flamegraph.pl > app.svg\n"
        "  looptrace export -f ndjson app.lt | jq 'select(.kind==\"call\")'\n",
        stdout);
}

static const struct export_format *find(const char *name) {
  for (size_t i = 0; i < N_FORMATS; i++)
    if (strcmp(formats[i]->name, name) == 0)
      return formats[i];
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

/* Returns: an exit code, or -1 to go on. */
static int set_option(struct options *o, int c) {
  uint64_t ns;
  switch (c) {
  case 'f':
    o->format = find(optarg);
    return o->format ? -1
                     : open_usage(WHO,
                                  "there is no format `%s`; --help lists "
                                  "them",
                                  optarg);
  case 'o':
    o->output = strcmp(optarg, "-") == 0 ? NULL : optarg;
    return -1;
  case 'w':
    o->overwrites = true;
    return -1;
  case 'r':
    return set_range(o, optarg)
               ? -1
               : open_usage(WHO,
                            "--range `%s`: A..B, each " DURATION_FORMS
                            ", A before B",
                            optarg);
  case 'm':
    if (duration_parse(optarg, &ns) != LT_OK)
      return open_usage(WHO, "--min `%s`: " DURATION_FORMS, optarg);
    o->floor_ns = (int64_t)ns;
    return -1;
  case 'h':
    print_help();
    return EXIT_OK;
  default:
    fputs("Try '" WHO " --help'.\n", stderr);
    return EXIT_USAGE;
  }
}

static int parse(int argc, char **argv, struct options *o) {
  static const struct option long_options[] = {
      {"format", required_argument, NULL, 'f'},
      {"output", required_argument, NULL, 'o'},
      {"overwrite", no_argument, NULL, 'w'},
      {"range", required_argument, NULL, 'r'},
      {"min", required_argument, NULL, 'm'},
      {"help", no_argument, NULL, 'h'},
      {0}};
  int c;
  argv[0] = (char *)(uintptr_t)WHO;
  optind = 0;
  while ((c = getopt_long(argc, argv, "f:o:h", long_options, NULL)) != -1) {
    int code = set_option(o, c);
    if (code >= 0)
      return code;
  }
  if (!o->format)
    return open_usage(WHO, "which format? --format chrome-json%s", "");
  if (optind + 1 != argc)
    return open_usage(WHO, "one trace at a time: looptrace export FILE%s", "");
  if (o->has_range && !o->format->has_range)
    return open_usage(WHO, "--range means nothing to %s", o->format->name);
  if (o->format->is_binary && !o->output && isatty(STDOUT_FILENO) == 1)
    return open_usage(WHO, "%s is not for a terminal: -o FILE",
                      o->format->name);
  o->trace = argv[optind];
  return -1;
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
  return close_output(o, file, status == LT_OK);
}

static int run_export(int argc, char **argv) {
  struct options o = {.to_ns = INT64_MAX, .floor_ns = 1000000};
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
  code = write_it(&o, model, &progress);
  model_close(model);
  return code;
}

const struct command cmd_export = {
    .name = "export",
    .summary = "write it for other tools: Perfetto, flame graphs, SQL",
    .run = run_export,
};
