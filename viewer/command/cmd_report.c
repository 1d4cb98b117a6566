/* looptrace report: what happened in a trace, as text, HTML, Markdown or JSON.
 *
 * Invariant: shows the model and computes nothing.  Called by main.c. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/newest.h"
#include "cli/option.h"
#include "cli/pager.h"
#include "cli/progress.h"
#include "command.h"
#include "model/census.h"
#include "model/stream.h"
#include "output/inert.h"
#include "output/open.h"
#include "output/report.h"

#define WHO "looptrace report"

enum { OPT_TOP = 256, OPT_FORMAT, OPT_TASK, OPT_PERCENTILES, OPT_DIFF };

#define SORTS "total self count p99 longest"
#define GROUPS "site loop task"
static const struct option_row option_rows[] = {
    {'s', "sort", "KEY", SORTS,
     "tables of places by total (default), self, count, p99 or longest; as "
     "perf report -s"},
    {'g', "group-by", "WHAT", GROUPS,
     "where time went, by site (default), loop or task"},
    {OPT_TOP, "top", "N", NULL, "rows in each table; default 20"},
    {OPT_PERCENTILES, "percentiles", NULL, NULL,
     "also a table of p50, p75, p90, p99 and p99.9 of turns and callbacks"},
    {OPT_FORMAT, "format", "FORMAT", "text html markdown json",
     "text (default), html (one page that needs nothing else), markdown or "
     "json"},
    {OPT_TASK, "task", "ID|NAME", NULL,
     "one task instead: where its time went, and its critical path: running, "
     "ready behind whom, in the pool, waiting for what. NAME: its label or "
     "function, then the one that took longest. As text or json"},
    {OPT_DIFF, "diff", "OLD", OFFER_TRACES,
     "what got slower since OLD instead, as looptrace diff OLD FILE"},
    {0}};

struct wanted {
  struct report_how how;
  const char *format;
  const char *task;       /* NULL: not one task */
  const char *old;        /* NULL: no comparison */
  const char *only_whole; /* an option that is for the whole report, or NULL */
};

/* Which of some words, parted by blanks.  Returns: -1 for none. */
static int index_of(const char *words, const char *word) {
  size_t n = strlen(word);
  for (int i = 0; *words; i++) {
    size_t size = strcspn(words, " ");
    if (size == n && strncmp(words, word, n) == 0)
      return i;
    words += size + (words[size] == ' ');
  }
  return -1;
}

static bool set_number(const char *text, size_t *number) {
  char *end;
  errno = 0;
  unsigned long n = strtoul(text, &end, 10);
  if (end == text || *end || errno || *text == '-' || n == 0)
    return false;
  *number = n;
  return true;
}

typedef void shower(FILE *file, const struct model *model,
                    const struct report_how *how);

static shower *find(const char *format) {
  return strcmp(format, "text") == 0       ? report_text
         : strcmp(format, "json") == 0     ? report_json
         : strcmp(format, "markdown") == 0 ? report_markdown
         : strcmp(format, "html") == 0     ? report_html
                                           : NULL;
}

/* Returns: -1 to go on, else an exit code. */
static int set_option(struct wanted *w, int c) {
  int index;
  switch (c) {
  case OPT_TOP:
    if (!set_number(optarg, &w->how.top))
      return open_usage(WHO, "--top `%s` is no number from 1 on", optarg);
    return -1;
  case OPT_FORMAT:
    w->format = optarg;
    if (!find(optarg))
      return open_usage(WHO, "--format `%s`: text, html, markdown or json",
                        optarg);
    return -1;
  case OPT_TASK:
    w->task = optarg;
    return -1;
  case OPT_DIFF:
    w->old = optarg;
    return -1;
  case OPT_PERCENTILES:
    w->only_whole = "--percentiles";
    w->how.has_percentiles = true;
    return -1;
  case 's':
    if ((index = index_of(SORTS, optarg)) < 0)
      return open_usage(WHO, "--sort `%s`: total, self, count, p99 or longest",
                        optarg);
    w->only_whole = "--sort";
    w->how.sort = (enum report_sort)index;
    return -1;
  case 'g':
    if ((index = index_of(GROUPS, optarg)) < 0)
      return open_usage(WHO, "--group-by `%s`: site, loop or task", optarg);
    w->only_whole = "--group-by";
    w->how.group = (enum report_group)index;
    return -1;
  default:
    return option_exit(c);
  }
}

static int parse(int argc, char **argv, struct wanted *w) {
  int c, code;
  option_begin(&cmd_report, argv);
  while ((c = option_next(argc, argv)) != OPTION_END)
    if ((code = set_option(w, c)) >= 0)
      return code;
  w->how.path = newest_or_named(WHO, argc, argv,
                                "one trace at a time: looptrace report FILE%s");
  if (!w->how.path)
    return EXIT_USAGE;
  if (w->task && w->old)
    return open_usage(WHO, "either --task or --diff%s", "");
  if ((w->task || w->old) && w->only_whole)
    return open_usage(WHO,
                      w->task ? "%s is not for --task" : "%s is not for --diff",
                      w->only_whole);
  if (w->task && strcmp(w->format, "text") && strcmp(w->format, "json"))
    return open_usage(WHO, "--task gives text or json, not `%s`", w->format);
  return -1;
}

/* As screens show it: with and without its line, or by module and offset. */
static bool is_of_site(const struct model *m, uint32_t id, const char *name) {
  char text[600];
  const lt_site_def *site = model_site(m, id);
  return site &&
         ((site->function && strcmp(site->function, name) == 0) ||
          strcmp(model_site_short(m, id, text, sizeof text), name) == 0 ||
          strcmp(model_site_name(m, id, text, sizeof text), name) == 0);
}

/* Its label, its function, both, each with its kind before it. */
static bool is_called(const struct model *m, const struct census_task *t,
                      const char *name) {
  char text[1000];
  const char *label = t->label ? lt_reader_string(m->reader, t->label) : NULL;
  const char *kind = lt_task_kind_name(t->kind);
  size_t n = strlen(kind);
  const char *rest =
      strncmp(name, kind, n) == 0 && name[n] == ' ' ? name + n + 1 : name;
  if (label)
    return strcmp(label, name) == 0 || strcmp(label, rest) == 0 ||
           strcmp(inert(label, text, sizeof text), rest) == 0 ||
           is_of_site(m, t->site, rest) ||
           strcmp(strchr(report_task_name(m, t, text, sizeof text), ' ') + 1,
                  name) == 0;
  return is_of_site(m, t->site, rest);
}

/* The task of that name that took longest.  Returns: 0 for none. */
static uint64_t longest_of(const struct model *m, const struct census *census,
                           const char *name, size_t *n_found) {
  size_t n;
  const struct census_task *all = census_tasks(census, &n);
  int64_t best = -1;
  uint64_t found = 0;
  *n_found = 0;
  for (size_t i = 0; i < n; i++) {
    if (!is_called(m, &all[i], name))
      continue;
    int64_t end = all[i].done_ns < 0 ? m->info->end_ns : all[i].done_ns;
    int64_t took = end - (all[i].spawn_ns < 0 ? 0 : all[i].spawn_ns);
    ++*n_found;
    if (took > best) {
      best = took;
      found = all[i].id;
    }
  }
  return found;
}

/* "12", "#12", "#12 timer on_tick" or a name.  Returns: OK, and an id, 0 where
 * there is none. */
static lt_status choose_task(const struct model *m, const char *path,
                             const char *word, uint64_t *id) {
  const char *digits = *word == '#' ? word + 1 : word;
  size_t n = strspn(digits, "0123456789");
  if (n && (!digits[n] || (*word == '#' && digits[n] == ' '))) {
    errno = 0;
    *id = strtoull(digits, NULL, 10);
    return errno ? LT_NOT_FOUND : LT_OK;
  }
  struct census *census;
  lt_status status = census_begin(path, &census);
  if (status != LT_OK)
    return status;
  size_t n_found;
  while ((status = census_step(census, 1 << 20)) == LT_OK)
    ;
  if (status == LT_END) {
    status = LT_OK;
    *id = longest_of(m, census, word, &n_found);
    if (n_found > 1)
      fprintf(stderr, WHO ": of %zu tasks of that name, the longest is #%llu\n",
              n_found, (unsigned long long)*id);
  }
  census_free(census);
  return status;
}

static int report_task(const char *file, const struct wanted *w) {
  struct model *model;
  struct path *path = NULL;
  uint64_t id = 0;
  char name[300];
  errno = 0;
  lt_status status = model_open_names(file, &model);
  if (status != LT_OK) {
    open_complain(WHO, file, status, errno);
    return EXIT_UNREADABLE;
  }
  status = choose_task(model, file, w->task, &id);
  if (status == LT_OK)
    status = id ? path_open(file, id, &path) : LT_NOT_FOUND;
  if (status == LT_NOT_FOUND)
    fprintf(stderr,
            WHO ": there is no task `%s` in it; `looptrace view` lists them\n",
            inert(w->task, name, sizeof name));
  else if (status != LT_OK)
    open_complain(WHO, file, status, errno);
  else if (strcmp(w->format, "json") == 0)
    report_task_json(stdout, model, path, file);
  else
    report_task_text(stdout, model, path, w->how.top);
  path_free(path);
  model_close(model);
  return status == LT_OK          ? EXIT_OK
         : status == LT_NOT_FOUND ? EXIT_USAGE
                                  : EXIT_UNREADABLE;
}

/* Every task, for a table of them. */
static lt_status count_tasks(const char *path, struct census **census) {
  lt_status status = census_begin(path, census);
  while (status == LT_OK)
    status = census_step(*census, 1 << 20);
  return status == LT_END ? LT_OK : status;
}

static int compare_with(const struct wanted *w) {
  char name[] = "diff", top_word[] = "--top", format_word[] = "--format",
       top[32];
  snprintf(top, sizeof top, "%zu", w->how.top);
  char *argv[] = {name,
                  top_word,
                  top,
                  format_word,
                  (char *)(uintptr_t)w->format,
                  (char *)(uintptr_t)w->old,
                  (char *)(uintptr_t)w->how.path,
                  NULL};
  return cmd_diff.run(7, argv);
}

static int report_all(struct wanted *w) {
  struct model *model = NULL;
  struct census *census = NULL;
  struct progress progress;
  progress_init(&progress, "reading");
  const struct model_options options = {.progress = progress_tell,
                                        .context = &progress};
  errno = 0;
  lt_status status = model_open(w->how.path, &options, &model);
  if (status == LT_OK && w->how.group == REPORT_BY_TASK)
    status = count_tasks(w->how.path, &census);
  int error = errno;
  progress_done(&progress);
  if (status == LT_OK) {
    w->how.census = census;
    pager_begin();
    find(w->format)(stdout, model, &w->how);
  } else {
    open_complain(WHO, w->how.path, status, error);
  }
  census_free(census);
  model_close(model);
  return status == LT_OK ? EXIT_OK : EXIT_UNREADABLE;
}

static int run_report(int argc, char **argv) {
  struct wanted w = {.how.top = 20, .format = "text"};
  int code = parse(argc, argv, &w);
  return code >= 0 ? code
         : w.old   ? compare_with(&w)
         : w.task  ? report_task(w.how.path, &w)
                   : report_all(&w);
}

const struct command cmd_report = {
    .name = "report",
    .summary = "what happened, as text, HTML, Markdown or JSON",
    .options = option_rows,
    .usage = "[options] [FILE]",
    .about =
        "Tell what happened in a trace: its loops, the worst stalls, where the "
        "time went. As perf report, but by callback, and with the time spent "
        "waiting.",
    .status = "0; 2 wrong usage; 3 the file cannot be read.",
    .examples = "looptrace report --top 5 app.lt\n"
                "looptrace report --format html app.lt > app.html\n"
                "looptrace report --task on_request app.lt",
    .operands = OFFER_TRACES,
    .run = run_report,
};
