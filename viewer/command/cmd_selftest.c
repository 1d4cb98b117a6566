/* looptrace selftest: does recording work here?
 *
 * Invariant: what is found is judged by the model, as of any trace; nothing is
 * left behind.  Called by main.c. */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/option.h"
#include "command.h"
#include "command/selftest.h"
#include "launch/launch.h"
#include "model/finding.h"
#include "output/inert.h"
#include "output/open.h"
#include "output/units.h"

#define WHO "looptrace selftest"
#define HOLD_WORD "--hold-loops"
#define TRIES 3

static const struct {
  const char *text, *callee;
} ways[] = {
#define WAY(name, text, callee) {text, callee},
    SELFTEST_MAP(WAY)
#undef WAY
};

/* The stall is what was done on purpose: long enough, for the right cause, in
 * the right call. */
static bool is_way(const struct model *m, const struct model_stall *s,
                   const char *callee) {
  const int64_t enough = SELFTEST_HOLD_MS * INT64_C(1000000) / 5;
  char name[64];
  if (!callee)
    return s->cause.cpu >= enough;
  if (s->cause.blocked < enough || !*callee)
    return s->cause.blocked >= enough;
  for (size_t i = 0; i < s->n_calls; i++)
    if (s->calls[i].duration_ns >= enough &&
        strcmp(model_callee_name(m, s->calls[i].callee, name, sizeof name),
               callee) == 0)
      return true;
  return false;
}

/* The ways come in their order.  Returns: is it reported? */
static bool show_way(FILE *out, const struct model *m, uint32_t loop,
                     size_t way, size_t *next) {
  char spent[128];
  units_buf took;
  for (size_t i = *next; i < m->n_stalls; i++) {
    const struct model_stall *s = &m->stalls[i];
    if (s->loop != loop || !is_way(m, s, ways[way].callee))
      continue;
    *next = i + 1;
    unsigned callee = finding_callee(s, NULL, NULL);
    fprintf(out, "  ok       %-34s %9s  %-24s %s\n", ways[way].text,
            units_ns(took, s->duration_ns),
            callee ? model_callee_name(m, callee, spent, sizeof spent)
            : ways[way].callee ? model_cause_word(&s->cause)
                               : "cpu",
            s->stack ? "stack" : "no stack");
    return true;
  }
  fprintf(out, "  MISSING  %s\n", ways[way].text);
  return false;
}

static size_t show_loop(FILE *out, const struct model *m, bool is_unseen) {
  size_t next = 0, n = 0;
  fprintf(out, "%s\n",
          is_unseen ? "A loop that is not libuv's" : "A loop of libuv");
  for (uint32_t loop = 0; loop < m->n_loops; loop++)
    if (m->loops[loop].is_unseen == is_unseen) {
      for (size_t way = 0; way < SELFTEST_WAYS; way++)
        n += show_way(out, m, loop, way, &next);
      return n;
    }
  fputs("  MISSING  the loop itself\n", out);
  return 0;
}

static int judge(FILE *out, const char *path, int status) {
  const struct model_options options = {.warn_ns = SELFTEST_HOLD_MS * 200000};
  struct model *m;
  char text[1024];
  lt_status read = model_open(path, &options, &m);
  if (read != LT_OK) {
    open_complain(WHO, path, read, 0);
    return EXIT_RECORDER;
  }
  size_t found = 0, wanted = SELFTEST_WAYS;
  if (status == 0) {
    found += show_loop(out, m, false);
    wanted += SELFTEST_WAYS;
  } else {
    fputs("A loop of libuv\n  left out: libuv.so.1 is not installed\n", out);
  }
  found += show_loop(out, m, true);
  for (uint32_t i = 0; i < m->info->n_notes; i++)
    fprintf(out, "note: %s\n",
            inert(lt_reader_note(m->reader, i), text, sizeof text));
  fprintf(out, "%zu of %zu stalls reported\n", found, wanted);
  model_close(m);
  return found == wanted ? EXIT_OK : EXIT_FINDINGS;
}

static int record(FILE *out, const char *folder) {
  char self[PATH_MAX], path[PATH_MAX + 16], text[1024];
  char name[] = "selftest", word[] = HOLD_WORD;
  char *argv[] = {self, name, word, NULL};
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  struct launch_result result = {0};
  const struct launch_options options = {
      .who = WHO, .argv = argv, .path = path, .quiet = true};
  if (n <= 0) {
    fputs(WHO ": cannot find its own file: /proc is not mounted\n", stderr);
    return EXIT_RECORDER;
  }
  self[n] = '\0';
  snprintf(path, sizeof path, "%s/selftest.lt", folder);
  int code = launch_run(&options, &result);
  if (code != EXIT_OK || !result.n_files || !result.files[0].path) {
    const char *why = result.message     ? result.message
                      : result.why_empty ? result.why_empty
                                         : "nothing was recorded";
    fprintf(stderr, WHO ": %s\n", inert(why, text, sizeof text));
    code = EXIT_RECORDER;
  } else {
    code = judge(out, result.files[0].path, result.status);
  }
  unlink(path);
  launch_free(&result);
  return code;
}

/* On a busy machine a thread may come too late to be held up: then again. */
static int try_often(const char *folder) {
  int code = EXIT_FINDINGS;
  for (int i = 0; i < TRIES && code == EXIT_FINDINGS; i++) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
      perror(WHO);
      return EXIT_RECORDER;
    }
    code = record(out, folder);
    fclose(out);
    if (code != EXIT_FINDINGS || i == TRIES - 1)
      fputs(text, stdout);
    free(text);
  }
  return code;
}

static int run_selftest(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], HOLD_WORD) == 0)
    return selftest_hold();
  option_begin(&cmd_selftest, argv);
  int c = option_next(argc, argv);
  if (c != OPTION_END)
    return option_exit(c);
  if (optind < argc)
    return open_usage(WHO, "it takes no argument: `%s`", argv[optind]);
  const char *base = getenv("TMPDIR");
  char folder[PATH_MAX];
  snprintf(folder, sizeof folder, "%s/looptrace-selftest.XXXXXX",
           base && *base == '/' ? base : "/tmp");
  if (!mkdtemp(folder)) {
    perror(WHO ": cannot make a temporary folder");
    return EXIT_RECORDER;
  }
  int code = try_often(folder);
  rmdir(folder);
  return code;
}

const struct command cmd_selftest = {
    .name = "selftest",
    .summary = "does recording work here?",
    .usage = "",
    .about =
        "Hold loops on purpose, in each way, and see whether it is reported.",
    .operands_help =
        "A program of looptrace's own is recorded: a loop of libuv (where that "
        "is installed) and one that is not libuv's, each held for 150 ms in "
        "each way. For each the table says whether the stall was found, with "
        "its cause and the call it went into, and whether the system lets the "
        "recorder take a stack. It takes some 3 seconds, and leaves nothing "
        "behind.",
    .status =
        "0 each was reported; 1 one was not; 2 wrong usage; 125 nothing could "
        "be recorded. Stacks that the system forbids change it not: the notes "
        "below the table say why there are none.",
    .run = run_selftest,
};
