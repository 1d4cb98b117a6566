/* looptrace check: fail when a loop was blocked for too long.
 *
 * Invariant: fails closed: what cannot be read, is not whole or shows no loop
 * is never a pass.  A proven violation comes before everything else.  Called by
 * main.c. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "duration.h"
#include "launch.h"
#include "output/check.h"
#include "output/inert.h"
#include "output/open.h"

#define WHO "looptrace check"
#define OUTPUTS_MAX 8

static const char help[] =
    "Fail when an event loop was blocked for too long.\n"
    "\n"
    "Usage: looptrace check [options] FILE...\n"
    "       looptrace check [options] -- COMMAND [ARGUMENT...]\n"
    "\n"
    "  --max-stall TIME        the budget: longest time in which a loop may "
    "not "
    "come\n"
    "                          to its poll; default 100ms\n"
    "  --warmup TIME           leave out what begins in the first TIME\n"
    "  --fail-on LEVEL         error (default): a stall over the budget; warn: "
    "also\n"
    "                          one over half of it; none: no stall fails\n"
    "  --format FMT[:FILE]     text (default) or json, to standard output or "
    "FILE;\n"
    "                          may be given several times\n"
    "  --allow-incomplete      give a verdict on a trace that was cut or lost "
    "events\n"
    "  --error-exitcode N      instead of 1\n"
    "  -o, --output FILE       with a command: keep its trace here\n"
    "      --overwrite         replace FILE if it exists\n"
    "      --stall-threshold TIME  with a command: look at a loop thread that "
    "has not\n"
    "                          come back for so long, for its stack; default "
    "50ms\n"
    "  -q, --quiet             only the verdict, and only when it is no pass\n"
    "      --color WHEN        auto (default), always or never\n"
    "  -h, --help              this\n"
    "\n"
    "Only time that the program itself is answerable for counts: computing, "
    "calls that\n"
    "block, page faults; not time in which it was ready and no CPU was free. "
    "Times\n"
    "need a unit: 250us, 100ms, 1.5s.\n"
    "\n"
    "Exit status: 0 within the budget; 1 a loop was blocked for longer; 2 "
    "wrong "
    "usage;\n"
    "3 a file cannot be read; 4 no verdict: trace incomplete or lossy, no loop "
    "ran, or\n"
    "too little known; 5 the command itself failed; 125 the recorder failed, "
    "126 the\n"
    "command cannot be executed, 127 it was not found.\n"
    "\n"
    "Example: looptrace check --max-stall 50ms -- ./app --self-test\n";

enum {
  OPT_MAX_STALL = 256,
  OPT_WARMUP,
  OPT_FAIL_ON,
  OPT_FORMAT,
  OPT_ALLOW_INCOMPLETE,
  OPT_ERROR_EXITCODE,
  OPT_OVERWRITE,
  OPT_THRESHOLD,
  OPT_COLOR
};

static const struct option long_options[] = {
    {"max-stall", required_argument, NULL, OPT_MAX_STALL},
    {"warmup", required_argument, NULL, OPT_WARMUP},
    {"fail-on", required_argument, NULL, OPT_FAIL_ON},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"allow-incomplete", no_argument, NULL, OPT_ALLOW_INCOMPLETE},
    {"error-exitcode", required_argument, NULL, OPT_ERROR_EXITCODE},
    {"output", required_argument, NULL, 'o'},
    {"overwrite", no_argument, NULL, OPT_OVERWRITE},
    {"stall-threshold", required_argument, NULL, OPT_THRESHOLD},
    {"quiet", no_argument, NULL, 'q'},
    {"color", required_argument, NULL, OPT_COLOR},
    {"help", no_argument, NULL, 'h'},
    {0}};

struct format {
  bool is_json;
  const char *path; /* NULL: standard output */
};

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct options {
  struct budget budget;
  struct format formats[OUTPUTS_MAX];
  size_t n_formats;
  int error_exitcode;
  const char *output;
  int64_t stall_threshold_ns; /* 0: the default */
  bool overwrite, is_quiet;
  enum color color;
  char **command; /* after "--", NULL without */
  char **files;
  size_t n_files;
};

static bool set_time(const char *text, int64_t *ns) {
  uint64_t value;
  if (duration_parse(text, &value) != LT_OK || value > INT64_MAX / 2)
    return false;
  *ns = (int64_t)value;
  return true;
}

static bool set_format(struct options *o, const char *text) {
  size_t length = strcspn(text, ":");
  bool is_json = length == 4 && memcmp(text, "json", 4) == 0;
  bool is_text = length == 4 && memcmp(text, "text", 4) == 0;
  const char *path = text[length] ? text + length + 1 : NULL;
  if ((!is_json && !is_text) || (path && !*path) || o->n_formats == OUTPUTS_MAX)
    return false;
  o->formats[o->n_formats++] = (struct format){is_json, path};
  return true;
}

static bool set_word(const char *text, const char *const words[3], int *index) {
  for (int i = 0; i < 3; i++)
    if (strcmp(text, words[i]) == 0) {
      *index = i;
      return true;
    }
  return false;
}

static bool set_exitcode(const char *text, int *code) {
  char *end;
  errno = 0;
  long n = strtol(text, &end, 10);
  if (end == text || *end || errno || n < 0 || n > 255)
    return false;
  *code = (int)n;
  return true;
}

/* Returns: -1 to go on, else an exit code. */
static int set_option(struct options *o, int c) {
  static const char *const levels[] = {"none", "warn", "error"};
  static const char *const whens[] = {"auto", "always", "never"};
  int word = 0;
  switch (c) {
  case OPT_MAX_STALL:
    if (!set_time(optarg, &o->budget.max_stall_ns) ||
        o->budget.max_stall_ns == 0)
      return open_usage(WHO, "--max-stall `%s` is no duration: " DURATION_FORMS,
                        optarg);
    return -1;
  case OPT_WARMUP:
    if (!set_time(optarg, &o->budget.warmup_ns))
      return open_usage(WHO, "--warmup `%s` is no duration: " DURATION_FORMS,
                        optarg);
    return -1;
  case OPT_THRESHOLD:
    if (!set_time(optarg, &o->stall_threshold_ns) ||
        o->stall_threshold_ns < LAUNCH_THRESHOLD_MIN_NS)
      return open_usage(WHO,
                        "--stall-threshold `%s` is no duration of 1ms or "
                        "more: " DURATION_FORMS,
                        optarg);
    return -1;
  case OPT_FAIL_ON:
    if (!set_word(optarg, levels, &word))
      return open_usage(WHO, "--fail-on `%s`: error, warn or none", optarg);
    o->budget.fail_on = (enum finding_level)word;
    return -1;
  case OPT_FORMAT:
    if (!set_format(o, optarg))
      return open_usage(WHO, "--format `%s`: text or json, :FILE after it",
                        optarg);
    return -1;
  case OPT_ERROR_EXITCODE:
    if (!set_exitcode(optarg, &o->error_exitcode))
      return open_usage(WHO, "--error-exitcode `%s`: a number, 0 to 255",
                        optarg);
    return -1;
  case OPT_COLOR:
    if (!set_word(optarg, whens, &word))
      return open_usage(WHO, "--color `%s`: auto, always or never", optarg);
    o->color = (enum color)word;
    return -1;
  case OPT_ALLOW_INCOMPLETE:
    o->budget.allow_incomplete = true;
    return -1;
  case OPT_OVERWRITE:
    o->overwrite = true;
    return -1;
  case 'o':
    o->output = optarg;
    return -1;
  case 'q':
    o->is_quiet = true;
    return -1;
  case 'h':
    fputs(help, stdout);
    return EXIT_OK;
  default:
    return EXIT_USAGE;
  }
}

static int parse(int argc, char **argv, struct options *o) {
  int c, code;
  *o = (struct options){
      .budget = {.max_stall_ns = MODEL_ERROR_NS, .fail_on = LEVEL_ERROR},
      .error_exitcode = EXIT_FINDINGS};
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--") == 0) {
      o->command = argv + i + 1;
      argc = i;
      break;
    }
  argv[0] = (char *)(uintptr_t)WHO; /* getopt's messages begin with it */
  optind = 0;                       /* glibc: start anew */
  while ((c = getopt_long(argc, argv, "o:qh", long_options, NULL)) != -1) {
    if (c == '?') {
      fputs("Try '" WHO " --help'.\n", stderr);
      return EXIT_USAGE;
    }
    if ((code = set_option(o, c)) >= 0)
      return code;
  }
  o->files = argv + optind;
  o->n_files = (size_t)(argc - optind);
  if (o->command ? !*o->command : o->n_files == 0)
    return open_usage(WHO,
                      "which trace?  looptrace check FILE, or looptrace "
                      "check -- COMMAND%s",
                      "");
  if (o->command && o->n_files)
    return open_usage(WHO, "either traces or a command, not both: `%s`",
                      o->files[0]);
  if (o->output && !o->command)
    return open_usage(WHO,
                      "-o `%s` is for a command: looptrace check -o FILE "
                      "-- COMMAND",
                      o->output);
  if (o->n_formats == 0)
    o->formats[o->n_formats++] = (struct format){.is_json = false};
  return -1;
}

static void judge(const struct options *o, struct checked *t,
                  const char *path) {
  struct model_options options = {.warn_ns = o->budget.max_stall_ns / 2,
                                  .budget_ns = o->budget.max_stall_ns};
  if (options.warn_ns < 1)
    options.warn_ns = 1;
  *t = (struct checked){.path = path};
  errno = 0;
  t->status = model_open(path, &options, &t->model);
  if (t->status == LT_OK)
    t->status = judgement_make(t->model, &o->budget, &t->judgement);
  if (t->status != LT_OK) {
    t->error = errno;
    model_close(t->model);
    t->model = NULL;
    open_complain(WHO, path, t->status, t->error);
  }
}

/* Of all: proven, unreadable, the command's failure, no verdict, a pass. */
static int exit_code(const struct options *o, const struct check_result *r) {
  bool is_unreadable = false, is_open = r->n_traces == 0;
  for (size_t i = 0; i < r->n_traces; i++) {
    const struct checked *t = &r->traces[i];
    if (!t->model)
      is_unreadable = true;
    else if (t->judgement.verdict == VERDICT_FAIL)
      return o->error_exitcode;
    else if (t->judgement.verdict == VERDICT_INCONCLUSIVE)
      is_open = true;
  }
  return is_unreadable                              ? EXIT_UNREADABLE
         : r->has_command && r->command_status != 0 ? EXIT_COMMAND_FAILED
         : is_open                                  ? EXIT_NO_VERDICT
                                                    : EXIT_OK;
}

static bool has_color(const struct options *o, FILE *file) {
  const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
  if (o->color != COLOR_AUTO)
    return o->color == COLOR_ALWAYS;
  return isatty(fileno(file)) && (!no || !*no) && term &&
         strcmp(term, "dumb") != 0;
}

static void print_text(const struct options *o, const struct check_result *r,
                       FILE *file) {
  for (size_t i = 0; i < r->n_traces; i++)
    if (r->traces[i].model)
      check_text(file, r, &r->traces[i], has_color(o, file), o->is_quiet);
  char text[1024];
  if (r->no_trace)
    fprintf(file, "%s\n", inert(r->no_trace, text, sizeof text));
  if (r->has_command && r->command_status != 0)
    fprintf(file, "the command itself failed with status %d\n",
            r->command_status);
  if (r->n_traces == 0)
    fputs("INCONCLUSIVE  there is no trace to judge\n", file);
}

/* Returns: false when a file could not be written; has said so. */
static bool print(const struct options *o, const struct check_result *r) {
  for (size_t i = 0; i < o->n_formats; i++) {
    const struct format *format = &o->formats[i];
    FILE *file = format->path ? fopen(format->path, "we") : stdout;
    if (file && format->is_json)
      check_json(file, r);
    else if (file)
      print_text(o, r, file);
    bool is_good = file && !ferror(file);
    if (file && file != stdout && fclose(file) != 0)
      is_good = false;
    if (!is_good && file != stdout) {
      char name[4200];
      fprintf(stderr, WHO ": cannot write %s: %s\n",
              inert(format->path, name, sizeof name), strerror(errno));
      return false;
    }
  }
  return true;
}

static int finish(const struct options *o, struct check_result *r) {
  r->budget = &o->budget;
  r->exit_code = exit_code(o, r);
  if (!print(o, r))
    r->exit_code = r->exit_code == EXIT_OK ? EXIT_UNREADABLE : r->exit_code;
  return r->exit_code;
}

static void free_traces(struct check_result *r) {
  for (size_t i = 0; i < r->n_traces; i++) {
    judgement_free(&r->traces[i].judgement);
    model_close(r->traces[i].model);
  }
  free(r->traces);
}

static int check_files(const struct options *o) {
  struct check_result r = {.traces = calloc(o->n_files, sizeof *r.traces)};
  if (!r.traces) {
    fputs(WHO ": out of memory\n", stderr);
    return EXIT_UNREADABLE;
  }
  for (; r.n_traces < o->n_files; r.n_traces++)
    judge(o, &r.traces[r.n_traces], o->files[r.n_traces]);
  int code = finish(o, &r);
  free_traces(&r);
  return code;
}

/* A folder that only we can read. */
static bool make_folder(char *path, size_t size) {
  const char *tmp = getenv("TMPDIR");
  if (!tmp || !*tmp)
    tmp = "/tmp";
  if (snprintf(path, size, "%s/looptrace-check.XXXXXX", tmp) >= (int)size ||
      !mkdtemp(path)) {
    fprintf(stderr, WHO ": cannot make a folder in %s: %s\n", tmp,
            strerror(errno));
    return false;
  }
  return true;
}

static void judge_files(const struct options *o, struct check_result *r,
                        const struct launch_result *launched) {
  r->traces =
      calloc(launched->n_files ? launched->n_files : 1, sizeof *r->traces);
  char text[4200];
  for (size_t i = 0; i < launched->n_files && r->traces; i++) {
    const struct launch_file *f = &launched->files[i];
    if (f->path)
      judge(o, &r->traces[r->n_traces++], f->path);
    if (f->error)
      fprintf(stderr, WHO ": could not %s the trace of %s: %s\n",
              f->error_doing ? f->error_doing : "write",
              inert(f->comm, text, sizeof text), strerror(f->error));
  }
}

/* Traces nobody asked to keep stay only where there is something to see. */
static void keep_or_remove(const char *folder, int code,
                           const struct launch_result *launched) {
  char text[4200];
  bool is_kept =
      code != EXIT_OK && launched->n_files && launched->files[0].path;
  for (size_t i = 0; i < launched->n_files && !is_kept; i++)
    if (launched->files[i].path)
      unlink(launched->files[i].path);
  if (!is_kept)
    rmdir(folder);
  else
    fprintf(stderr, WHO ": the trace is kept: looptrace view %s\n",
            inert(launched->files[0].path, text, sizeof text));
}

static int check_command(const struct options *o) {
  char folder[4096] = "", path[4200];
  struct launch_options launch = {.who = WHO,
                                  .argv = o->command,
                                  .path = o->output,
                                  .overwrite = o->overwrite,
                                  .stall_threshold_ns =
                                      (uint64_t)o->stall_threshold_ns,
                                  .quiet = true};
  struct launch_result launched;
  if (!o->output) {
    if (!make_folder(folder, sizeof folder))
      return EXIT_RECORDER;
    snprintf(path, sizeof path, "%s/trace.lt", folder);
    launch.path = path;
  }
  int code = launch_run(&launch, &launched);
  if (code != EXIT_OK) {
    char text[1024];
    fprintf(stderr, WHO ": %s\n",
            inert(launched.message ? launched.message : "out of memory", text,
                  sizeof text));
  } else {
    struct check_result r = {.has_command = true,
                             .command_status = launched.status,
                             .no_trace = launched.why_empty};
    judge_files(o, &r, &launched);
    code = finish(o, &r);
    free_traces(&r);
  }
  if (*folder)
    keep_or_remove(folder, code, &launched);
  launch_free(&launched);
  return code;
}

static int run_check(int argc, char **argv) {
  struct options options;
  int code = parse(argc, argv, &options);
  if (code >= 0)
    return code;
  return options.command ? check_command(&options) : check_files(&options);
}

const struct command cmd_check = {
    .name = "check",
    .summary = "fail when a loop was blocked for too long",
    .run = run_check,
};
