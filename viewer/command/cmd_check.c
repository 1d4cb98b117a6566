/* looptrace check: fail when a loop was blocked for too long.
 *
 * Invariant: fails closed: what cannot be read, is not whole or shows no loop
 * is never a pass.  A proven violation comes before everything else.  Called by
 * main.c. */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/options.h"
#include "check/print.h"
#include "check/review.h"
#include "cli/option.h"
#include "cli/progress.h"
#include "command.h"
#include "launch/launch.h"
#include "output/inert.h"
#include "output/open.h"
#include "output/say.h"

#define WHO CHECK_WHO

static void judge(const struct options *o, struct checked *t,
                  const char *path) {
  bool is_one;
  struct progress progress;
  int64_t least = budget_least_stall(&o->budget, &is_one);
  progress_init(&progress, "checking");
  struct model_options options = {.warn_ns = least / 2,
                                  .budget_ns = o->budget.max_stall_ns,
                                  .warmup_ns = o->budget.warmup_ns,
                                  .keep_turns = !is_one,
                                  .progress = progress_tell,
                                  .context = &progress};
  if (options.warn_ns < 1)
    options.warn_ns = 1;
  *t = (struct checked){.path = path};
  errno = 0;
  t->status = model_open(path, &options, &t->model);
  t->error = errno;
  progress_done(&progress);
  errno = t->error;
  if (t->status == LT_OK)
    t->status = judgement_make(t->model, &o->budget, &t->judgement);
  if (t->status != LT_OK) {
    t->error = errno;
    model_close(t->model);
    t->model = NULL;
    open_complain(WHO, path, t->status, t->error);
  }
}

/* A baseline that is a trace: what is found in it is known.  Returns: an exit
 * code. */
static int take_baseline(const struct options *o, struct review *review) {
  struct checked t;
  if (!review->baseline.is_trace)
    return EXIT_OK;
  review->baseline.is_update = true;
  judge(o, &t, review->baseline.path);
  review->baseline.is_update = false;
  review_restart(review);
  if (!t.model)
    return EXIT_UNREADABLE;
  review_take(review, &t);
  judgement_free(&t.judgement);
  model_close(t.model);
  return EXIT_OK;
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

static bool has_loop(const struct check_result *r, const char *glob) {
  for (size_t i = 0; i < r->n_traces; i++)
    for (size_t k = 0; r->traces[i].model && k < r->traces[i].model->n_loops;
         k++)
      if (fnmatch(glob, r->traces[i].model->loops[k].name, 0) == 0)
        return true;
  return false;
}

/* A name that is spelled wrongly would make a budget that nothing breaks. */
static void note_missing_loops(const struct options *o,
                               struct check_result *r) {
  const struct limit *limits = o->budget.limits;
  char text[120];
  for (size_t i = 0; i < o->budget.n_limits; i++)
    if (limits[i].loops && !has_loop(r, limits[i].loops))
      result_note(r, "no loop is called `%s`: %s is held against none",
                  limits[i].loops, say_limit(&limits[i], text, sizeof text));
}

/* Notes, the baseline, the output: what is done once, with the run that is
 * shown. */
static int finish(const struct options *o, struct review *review,
                  struct check_result *r) {
  bool is_bad = review_notes(review, r);
  note_missing_loops(o, r);
  r->budget = &o->budget;
  r->baseline = o->update_baseline ? NULL : o->baseline_path;
  r->is_new_only = o->is_new_only;
  r->is_verbose = o->is_verbose;
  r->exit_code = exit_code(o, r);
  if (r->exit_code == EXIT_OK && o->is_strict && is_bad) {
    result_note(r, "--strict: suppressions are unused or expired");
    r->exit_code = EXIT_USAGE;
  }
  if (o->update_baseline && r->exit_code != EXIT_OK)
    fputs(WHO ": the baseline is not written: there is no verdict\n", stderr);
  else if (o->update_baseline && !review_update(review, r))
    r->exit_code = EXIT_UNREADABLE;
  if (!check_print(o, r))
    r->exit_code = r->exit_code == EXIT_OK ? EXIT_UNREADABLE : r->exit_code;
  return r->exit_code;
}

static void free_result(struct check_result *r) {
  for (size_t i = 0; i < r->n_traces; i++) {
    judgement_free(&r->traces[i].judgement);
    model_close(r->traces[i].model);
  }
  free(r->traces);
  result_free_notes(r);
  *r = (struct check_result){.traces = NULL};
}

static int check_files(const struct options *o, struct review *review) {
  struct check_result r = {.traces = calloc(o->n_files, sizeof *r.traces)};
  if (!r.traces) {
    fputs(WHO ": out of memory\n", stderr);
    return EXIT_UNREADABLE;
  }
  for (; r.n_traces < o->n_files; r.n_traces++)
    judge(o, &r.traces[r.n_traces], o->files[r.n_traces]);
  int code = finish(o, review, &r);
  free_result(&r);
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

/* One run of the command. */
struct run {
  char folder[4096]; /* of its traces, "" where they are kept */
  struct launch_result launched;
  struct check_result result;
  int code; /* of launch, or as it would be for this run alone */
  int64_t longest_ns;
};

static void judge_run(const struct options *o, struct run *run) {
  struct check_result *r = &run->result;
  const struct launch_result *l = &run->launched;
  char text[4200];
  r->has_command = true;
  r->command_status = l->status;
  r->no_trace = l->why_empty;
  r->traces = calloc(l->n_files ? l->n_files : 1, sizeof *r->traces);
  for (size_t i = 0; i < l->n_files && r->traces; i++) {
    const struct launch_file *f = &l->files[i];
    if (f->path) {
      struct checked *t = &r->traces[r->n_traces++];
      judge(o, t, f->path);
      if (t->model && run->longest_ns < t->judgement.longest_own_ns)
        run->longest_ns = t->judgement.longest_own_ns;
    }
    if (f->error)
      fprintf(stderr, WHO ": could not %s the trace of %s: %s\n",
              f->error_doing ? f->error_doing : "write",
              inert(f->comm, text, sizeof text), strerror(f->error));
  }
  run->code = exit_code(o, r);
}

/* Returns: was the command run? */
static bool run_once(const struct options *o, struct run *run) {
  char path[4200];
  struct launch_options launch = {.who = WHO,
                                  .argv = o->command,
                                  .path = o->trace_path,
                                  .overwrite = o->overwrite,
                                  .quiet = true};
  *run = (struct run){.code = EXIT_RECORDER};
  if (!o->trace_path) {
    if (!make_folder(run->folder, sizeof run->folder)) {
      *run->folder = '\0';
      return false;
    }
    snprintf(path, sizeof path, "%s/trace.lt", run->folder);
    launch.path = path;
  }
  run->code = launch_run(&launch, &run->launched);
  if (run->code == EXIT_OK)
    return true;
  char text[1024];
  const char *message = run->launched.message;
  fprintf(stderr, WHO ": %s\n",
          inert(message ? message : "out of memory", text, sizeof text));
  return false;
}

/* Traces nobody asked to keep stay only where there is something to see. */
static void end_run(struct run *run, bool is_kept) {
  const struct launch_result *l = &run->launched;
  char text[4200];
  is_kept &= l->n_files && l->files[0].path;
  for (size_t i = 0; i < l->n_files && !is_kept && *run->folder; i++)
    if (l->files[i].path)
      unlink(l->files[i].path);
  if (*run->folder && !is_kept)
    rmdir(run->folder);
  else if (*run->folder)
    fprintf(stderr, WHO ": the trace is kept: looptrace view %s\n",
            inert(l->files[0].path, text, sizeof text));
  free_result(&run->result);
  launch_free(&run->launched);
}

/* How bad a run is: proven first, as in exit_code(). */
static int badness(const struct options *o, const struct run *run) {
  return run->code == EXIT_OK               ? 0
         : run->code == EXIT_NO_VERDICT     ? 1
         : run->code == EXIT_COMMAND_FAILED ? 2
         : run->code == o->error_exitcode   ? 4
                                            : 3;
}

static bool is_worse_run(const struct options *o, const struct run *a,
                         const struct run *b) {
  int x = badness(o, a), y = badness(o, b);
  return x != y ? x > y : a->longest_ns > b->longest_ns;
}

/* Best first.  Returns: the one that is judged; of an even number the worse of
 * the two in the middle. */
static size_t choose(const struct options *o, struct run *runs, size_t n) {
  for (size_t i = 1; i < n; i++)
    for (size_t k = i; k > 0 && is_worse_run(o, &runs[k - 1], &runs[k]); k--) {
      struct run swap = runs[k];
      runs[k] = runs[k - 1];
      runs[k - 1] = swap;
    }
  return o->aggregate == AGGREGATE_OPTIMISTIC    ? 0
         : o->aggregate == AGGREGATE_PESSIMISTIC ? n - 1
                                                 : n / 2;
}

static void note_runs(const struct options *o, const struct run *runs, size_t n,
                      struct check_result *r) {
  static const char *const words[] = {"median", "pessimistic", "optimistic"};
  unsigned counts[5] = {0};
  for (size_t i = 0; i < n; i++)
    counts[badness(o, &runs[i])]++;
  result_note(r,
              "%zu runs: %u pass, %u fail, %u inconclusive, %u other; judged: "
              "%s",
              n, counts[0], counts[4], counts[1], counts[2] + counts[3],
              words[o->aggregate]);
}

static int check_command(const struct options *o, struct review *review) {
  struct run *runs = calloc(o->runs, sizeof *runs);
  size_t n = 0;
  int code = EXIT_RECORDER;
  if (!runs) {
    fputs(WHO ": out of memory\n", stderr);
    return code;
  }
  for (; n < o->runs; n++) {
    if (!run_once(o, &runs[n])) {
      code = runs[n].code;
      end_run(&runs[n], false);
      break;
    }
    review_restart(review);
    judge_run(o, &runs[n]);
  }
  bool is_done = n == o->runs;
  size_t shown = is_done ? choose(o, runs, n) : 0;
  if (is_done && n > 1)
    note_runs(o, runs, n, &runs[shown].result);
  if (is_done)
    code = finish(o, review, &runs[shown].result);
  for (size_t i = 0; i < n; i++)
    end_run(&runs[i], is_done && i == shown && code != EXIT_OK);
  free(runs);
  return code;
}

static int run_check(int argc, char **argv) {
  struct options *options = malloc(sizeof *options);
  struct review review;
  if (!options) {
    fputs(WHO ": out of memory\n", stderr);
    return EXIT_RECORDER;
  }
  int code = options_parse(argc, argv, options);
  if (code < 0 && (code = review_open(&review, options)) == EXIT_OK) {
    code = take_baseline(options, &review);
    if (code == EXIT_OK)
      code = options->command ? check_command(options, &review)
                              : check_files(options, &review);
    review_close(&review);
  }
  options_free(options);
  free(options);
  return code;
}

const struct command cmd_check = {
    .name = "check",
    .summary = "fail when a loop was blocked for too long",
    .options = check_rows,
    .usage = "[options] [FILE...]\n"
             "[options] -- COMMAND [ARGUMENT...]",
    .about = "Fail when an event loop was blocked for too long.",
    .more =
        "Only time that the program itself is answerable for counts: "
        "computing, "
        "calls that block, page faults; not time in which it was ready and no "
        "CPU was free. Times need a unit: 250us, 100ms, 1.5s.",
    .status =
        "0 within the budget; 1 not; 2 wrong usage, budget or suppression "
        "file; "
        "3 a file cannot be read; 4 no verdict: trace incomplete or lossy, no "
        "loop ran, or too little known; 5 the command itself failed; 125 the "
        "recorder failed, 126 the command cannot be executed, 127 it was not "
        "found.",
    .examples = "looptrace check --max-stall 50ms -- ./app --self-test",
    .operands = OFFER_TRACES,
    .run = run_check,
};
