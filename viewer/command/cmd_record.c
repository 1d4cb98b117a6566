/* looptrace record: run a program and write a trace.
 *
 * Invariant: standard output stays the command's; everything here goes to
 * standard error and begins with "looptrace".  Called by main.c. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/size.h"
#include "cli/option.h"
#include "command.h"
#include "command/record_view.h"
#include "launch/launch.h"
#include "output/inert.h"
#include "output/units.h"

#define WHO "looptrace record"
#define LINES_MAX 10

enum {
  OPT_OVERWRITE = 256,
  OPT_NO_FOLLOW,
  OPT_NO_FD_NAMES,
  OPT_MIN_BLOCK,
  OPT_THRESHOLD,
  OPT_MODE,
  OPT_RING_SIZE,
  OPT_ON_STALL,
  OPT_MAX_SIZE,
  OPT_KEEP,
  OPT_VIEW
};

static const struct option_row option_rows[] = {
    {'o', "output", "FILE", OFFER_FILES,
     "the command's trace; default COMMAND-PID.lt here. Another process of "
     "it that turns a loop is written to a file beside it, e.g. "
     "x.NAME-PID.lt after x.lt"},
    {OPT_OVERWRITE, "overwrite", NULL, NULL,
     "replace traces that exist (else they are refused)"},
    {OPT_NO_FOLLOW, "no-follow", NULL, NULL,
     "record the command only, not what it starts, as strace without -f"},
    {OPT_NO_FD_NAMES, "no-fd-names", NULL, NULL,
     "do not write down what the descriptors are that a blocking call waits "
     "for: paths, addresses of sockets"},
    {OPT_MIN_BLOCK, "min-block", "TIME", NULL,
     "blocking calls shorter than this are counted, but not written one by "
     "one; default 50us"},
    {OPT_THRESHOLD, "stall-threshold", "TIME", NULL,
     "look at a loop thread from outside, for its stack and system call, "
     "when it has not come back for so long; default 50ms"},
    {OPT_MODE, "mode", "MODE", "drop lossless flight",
     "what an event does that finds its thread's ring full:\n"
     "\tdrop\tit is counted, the program goes on (default)\n"
     "\tlossless\tthe thread waits for room; the wait is in the trace. "
     "Should nobody drain the ring for 100 ms, events are counted as lost "
     "instead\n"
     "\tflight[=SIZE|TIME]\tas drop, but nothing is written: the newest "
     "64M (or so much, or so long, in 256M) are kept, and go to x.1.lt, "
     "x.2.lt... when the program is killed, on `looptrace ctl snapshot`, "
     "SIGUSR1 to the recorder or lt_trace_snapshot() in the program"},
    {OPT_ON_STALL, "snapshot-on-stall", "TIME", NULL,
     "in mode flight: also when a loop was held for so long, the first 20 "
     "times"},
    {'D', "delay", "TIME", NULL,
     "begin to record after so long (or with looptrace ctl on)"},
    {'d', "duration", "TIME", NULL,
     "end it after so long; the command goes on"},
    {OPT_MAX_SIZE, "max-size", "SIZE", NULL,
     "close a trace with the epoch (a fifth of a second) that brings it to "
     "so much; its process goes on, unrecorded"},
    {OPT_KEEP, "keep", "N", NULL,
     "with --max-size: go on in another file instead, x.1.lt, x.2.lt..., of "
     "which the newest N (2 to 10000) are kept"},
    {OPT_RING_SIZE, "ring-size", "SIZE", NULL,
     "of a busy thread's ring, 64K to 512M; default 8M, or 4M where there is "
     "little shared memory"},
    {OPT_VIEW, "view", NULL, NULL,
     "look at it at once, in this terminal. The command has none then: its "
     "input is empty, what it writes to a terminal is shown when the viewer "
     "is left; recording goes on after that"},
    {'v', "verbose", NULL, NULL,
     "a line at once when a loop has not come back"},
    {'q', "quiet", NULL, NULL,
     "no line at the end, unless something went wrong"},
    {0}};

/* Text from elsewhere: names of files and of processes. */
static void put_safe(const char *text) {
  char buf[4096];
  fputs(inert(text ? text : "?", buf, sizeof buf), stderr);
}

/* 12345 as 12,345: exact, unlike units_count(). */
static void put_count(uint64_t n) {
  char digits[24];
  int size = snprintf(digits, sizeof digits, "%" PRIu64, n);
  for (int i = 0; i < size; i++) {
    if (i && (size - i) % 3 == 0)
      fputc(',', stderr);
    fputc(digits[i], stderr);
  }
}

static void tell_file(const struct launch_file *file) {
  units_buf duration, size;
  if (file->n_snapshots)
    fprintf(stderr, "looptrace: wrote %u snapshot%s; the last has ",
            file->n_snapshots, file->n_snapshots == 1 ? "" : "s");
  else
    fputs("looptrace: recorded ", stderr);
  put_count(file->n_events);
  fputs(" events of ", stderr);
  put_safe(file->comm);
  fprintf(stderr, " (pid %d) in %s, lost ", (int)file->pid,
          units_ns(duration, file->duration_ns));
  put_count(file->n_lost);
  fputs(", into ", stderr);
  put_safe(file->path);
  if (file->n_parts > 1)
    fprintf(stderr, ", the last of %u files", file->n_parts);
  fprintf(stderr, " (%s)\n", units_bytes(size, file->size_bytes));
}

static void tell_removed(const struct launch_file *file) {
  fprintf(stderr, "looptrace: removed %u older file%s with ", file->n_removed,
          file->n_removed == 1 ? "" : "s");
  put_count(file->n_removed_events);
  fputs(" events (--keep)\n", stderr);
}

static void tell_full(const struct launch_file *file) {
  fputs("looptrace: ", stderr);
  put_safe(file->path);
  fputs(" reached --max-size; what came later was not recorded\n", stderr);
}

static void tell_unsaved(const struct launch_file *file) {
  fprintf(stderr, "looptrace: %u more stalls were not saved\n",
          file->n_unsaved);
}

static void tell_error(const struct launch_file *file) {
  fputs("looptrace: could not ", stderr);
  put_safe(file->error_doing ? file->error_doing : "write");
  fputs(" the trace of ", stderr);
  put_safe(file->comm);
  fprintf(stderr, " (pid %d): %s; %s\n", (int)file->pid, strerror(file->error),
          file->path ? "what came before is in the file"
                     : "there is no file of it");
}

/* More files than lines: the rest in one. */
static void tell_rest(const struct launch_result *result, size_t from) {
  uint64_t events = 0, lost = 0;
  size_t n = 0;
  for (size_t i = from; i < result->n_files; i++) {
    n += result->files[i].path != NULL;
    events += result->files[i].n_events;
    lost += result->files[i].n_lost;
  }
  if (!n)
    return;
  fprintf(stderr, "looptrace: and %zu more files with ", n);
  put_count(events);
  fputs(" events, lost ", stderr);
  put_count(lost);
  fputc('\n', stderr);
}

static void tell(const struct launch_result *result,
                 const struct launch_options *options) {
  bool quiet = options->quiet;
  size_t lines = 0, i = 0;
  for (; i < result->n_files && lines < LINES_MAX; i++) {
    const struct launch_file *file = &result->files[i];
    if (file->path && (!quiet || file->n_lost)) {
      tell_file(file);
      lines++;
    }
    if (file->is_full && !quiet) {
      tell_full(file);
      lines++;
    }
    if (file->n_removed && !quiet) {
      tell_removed(file);
      lines++;
    }
    if (file->n_unsaved && !quiet) {
      tell_unsaved(file);
      lines++;
    }
    if (file->error) {
      tell_error(file);
      lines++;
    }
  }
  if (!quiet)
    tell_rest(result, i);
  if (result->why_empty && !quiet) {
    fputs("looptrace: ", stderr);
    put_safe(result->why_empty);
    fprintf(stderr, "%s. Nothing was written.\n",
            options->no_follow ? "; what it started was left out (--no-follow)"
                               : "");
  }
  if (result->was_stopped)
    fputs("looptrace: recording was ended; what is left of the command runs "
          "on, unrecorded\n",
          stderr);
}

static int usage(const char *problem, const char *word) {
  fputs(WHO ": ", stderr);
  fprintf(stderr, problem, word);
  fputs("\nTry 'looptrace record --help'.\n", stderr);
  return EXIT_USAGE;
}

/* flight=64M or flight=30s: what is no size is a time. */
static bool parse_flight(const char *word, struct launch_options *options) {
  options->mode = LTI_MODE_FLIGHT;
  if (*word != '=')
    return !*word;
  return !size_parse(word + 1, &options->flight_bytes) ||
         (!duration_parse(word + 1, &options->flight_ns) && options->flight_ns);
}

static bool parse_mode(const char *word, struct launch_options *options) {
  if (strncmp(word, "flight", 6) == 0)
    return parse_flight(word + 6, options);
  if (strcmp(word, "drop") == 0)
    options->mode = LTI_MODE_DROP;
  else if (strcmp(word, "lossless") == 0)
    options->mode = LTI_MODE_LOSSLESS;
  else
    return false;
  return true;
}

static bool parse_keep(const char *word, unsigned *keep) {
  char *end;
  unsigned long n = strtoul(word, &end, 10);
  if (*word < '0' || *word > '9' || *end || n < 2 || n > 10000)
    return false;
  *keep = (unsigned)n;
  return true;
}

/* Returns: -1 when the command is to be run, else an exit code. */
static int parse(int argc, char **argv, struct launch_options *options,
                 bool *is_viewed) {
  int c;
  option_begin(&cmd_record, argv);
  while ((c = option_next(argc, argv)) != OPTION_END) {
    switch (c) {
    case 'o':
      options->path = optarg;
      break;
    case OPT_OVERWRITE:
      options->overwrite = true;
      break;
    case OPT_NO_FOLLOW:
      options->no_follow = true;
      break;
    case OPT_NO_FD_NAMES:
      options->no_fd_names = true;
      break;
    case OPT_MIN_BLOCK:
      if (duration_parse(optarg, &options->min_block_ns))
        return usage("--min-block %s: not a duration; write " DURATION_FORMS,
                     optarg);
      /* The engine takes 0 for its default: 1 ns means each and every call. */
      if (!options->min_block_ns)
        options->min_block_ns = 1;
      break;
    case OPT_THRESHOLD:
      if (duration_parse(optarg, &options->stall_threshold_ns) ||
          options->stall_threshold_ns < LAUNCH_THRESHOLD_MIN_NS)
        return usage("--stall-threshold %s: no duration of 1ms or more; "
                     "write " DURATION_FORMS,
                     optarg);
      break;
    case 'v':
      options->verbose = true;
      break;
    case OPT_MODE:
      if (!parse_mode(optarg, options))
        return usage("--mode %s: not a mode; there are drop, lossless, "
                     "flight, flight=SIZE and flight=TIME",
                     optarg);
      break;
    case OPT_MAX_SIZE:
      if (size_parse(optarg, &options->max_bytes))
        return usage("--max-size %s: not a size; write " SIZE_FORMS, optarg);
      break;
    case OPT_VIEW:
      *is_viewed = true;
      break;
    case OPT_KEEP:
      if (!parse_keep(optarg, &options->keep))
        return usage("--keep %s: not a number of files from 2 to 10000",
                     optarg);
      break;
    case OPT_ON_STALL:
      if (duration_parse(optarg, &options->snapshot_stall_ns) ||
          !options->snapshot_stall_ns)
        return usage("--snapshot-on-stall %s: not a duration; "
                     "write " DURATION_FORMS,
                     optarg);
      break;
    case 'D':
      if (duration_parse(optarg, &options->delay_ns))
        return usage("--delay %s: not a duration; write " DURATION_FORMS,
                     optarg);
      break;
    case 'd':
      if (duration_parse(optarg, &options->duration_ns) ||
          !options->duration_ns)
        return usage("--duration %s: not a duration; write " DURATION_FORMS,
                     optarg);
      break;
    case OPT_RING_SIZE:
      if (size_parse(optarg, &options->ring_bytes))
        return usage("--ring-size %s: not a size; write " SIZE_FORMS, optarg);
      break;
    case 'q':
      options->quiet = true;
      break;
    default:
      return option_exit(c);
    }
  }
  if (*is_viewed && (options->mode == LTI_MODE_FLIGHT || options->keep))
    return usage("--view goes neither with --mode flight nor with --keep%s",
                 "");
  if (options->snapshot_stall_ns && options->mode != LTI_MODE_FLIGHT)
    return usage("--snapshot-on-stall goes with --mode flight%s", "");
  if (options->keep &&
      (!options->max_bytes || options->mode == LTI_MODE_FLIGHT))
    return usage("--keep goes with --max-size, and not with --mode flight%s",
                 "");
  if (options->max_bytes && options->mode == LTI_MODE_FLIGHT)
    return usage("--max-size does not bound --mode flight: flight=SIZE does%s",
                 "");
  if (optind >= argc)
    return usage("which command?  e.g. looptrace record -- ./app%s", "");
  options->argv = argv + optind;
  return -1;
}

static int record(const struct launch_options *options) {
  struct launch_result result;
  int code = launch_run(options, &result);
  if (code == EXIT_OK) {
    tell(&result, options);
    code = result.status;
  } else {
    fputs(WHO ": ", stderr);
    put_safe(result.message ? result.message : "out of memory");
    fputc('\n', stderr);
  }
  launch_free(&result);
  return code;
}

static int run_record(int argc, char **argv) {
  struct launch_options options = {.who = WHO};
  bool is_viewed = false;
  int code = parse(argc, argv, &options, &is_viewed);
  return code >= 0   ? code
         : is_viewed ? record_view(&options, record)
                     : record(&options);
}

const struct command cmd_record = {
    .name = "record",
    .summary = "run a program and write a trace",
    .options = option_rows,
    .usage = "[options] [--] COMMAND [ARGUMENT...]",
    .about = "Run a program and write a trace of its event loops, as perf "
             "record and strace do of other things.",
    .more =
        "The program needs no change: a library is loaded into it "
        "(LD_PRELOAD). "
        "Its input, output, signals, terminal and exit status stay its own. "
        "Traces hold no arguments, environment or data, and only you can read "
        "them.\n"
        "\n"
        "Ctrl-C goes to the command, not to the recording; TERM and HUP are "
        "passed on to it. Recording goes on while a process of the command "
        "that "
        "turns a loop is left; once the command itself has ended, Ctrl-C or "
        "TERM ends the recording, and so does a second TERM (more than a "
        "second "
        "after the first) before: what is left then runs on, unrecorded.\n"
        "\n"
        "looptrace ctl switches the recording off and on while it runs.\n"
        "\n"
        "Environment: LOOPTRACE_PRELOAD names the library to load, if it is "
        "not "
        "where it was installed.",
    .status = "the command's, 128+n when signal n killed it; 125 the recorder "
              "failed, "
              "126 the command cannot be executed, 127 it was not found.",
    .examples = "looptrace record -o app.lt -- ./app --port 8080",
    .runs_command = true,
    .run = run_record,
};
