/* looptrace tasks: the tasks that are alive, as a tree, and what each waits
 * for.
 *
 * Invariant: shows what the census knows of those that are not done; a program
 * that runs is looked at through the trace that grows.  Called by main.c. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "command/live.h"
#include "model/stream.h"
#include "output/inert.h"
#include "output/json.h"
#include "output/open.h"
#include "output/place.h"
#include "output/report.h"
#include "output/units.h"
#include "tui/tasks.h"

#define WHO "looptrace tasks"
#define STEP 100000
#define QUIET_NS 1000000000 /* some epochs */

enum { OPT_JSON = 256, OPT_DUMP };

static const struct option_row option_rows[] = {
    {'c', "coroutines", NULL, NULL,
     "only those of <looptrace/task.h>, no handles, no requests"},
    {OPT_JSON, "json", NULL, NULL, "one JSON object, schema looptrace.tasks/1"},
    {OPT_DUMP, "dump", NULL, NULL,
     "PID prints its tasks itself, with their stacks, to its own standard "
     "error: it gets SIGQUIT, if it catches that for it "
     "(lt_run_options.dump_signal)"},
    {0}};

struct tasks_view {
  const char *what; /* as the user gave it */
  char path[4200];
  pid_t pid; /* 0: a file */
  bool is_json, is_dump, coroutines_only;
  struct model *model; /* for names */
  struct tasks_pane pane;
  int64_t now_ns; /* the moment that is shown */
  int64_t age_ns; /* so much ago; 0 where nothing is known to be newer */
  size_t n_shown, n_idle;
  uint32_t *alive_above; /* by depth: how many of the ancestors are shown */
};

static int parse(int argc, char **argv, struct tasks_view *v) {
  int c;
  option_begin(&cmd_tasks, argv);
  while ((c = option_next(argc, argv)) != OPTION_END) {
    if (c < 0)
      return option_exit(c);
    v->coroutines_only |= c == 'c';
    v->is_json |= c == OPT_JSON;
    v->is_dump |= c == OPT_DUMP;
  }
  if (optind + 1 != argc)
    return open_usage(WHO,
                      "one program or trace at a time: looptrace tasks "
                      "PID or FILE%s",
                      "");
  v->what = argv[optind];
  char *end;
  errno = 0;
  long pid = strtol(v->what, &end, 10);
  if (*v->what && !*end && errno == 0 && pid > 0 && pid <= INT32_MAX)
    v->pid = (pid_t)pid;
  if (v->is_dump && (v->is_json || v->coroutines_only))
    return open_usage(WHO, "--dump goes without %s: the program prints it",
                      v->is_json ? "--json" : "--coroutines");
  if (v->is_dump && !v->pid)
    return open_usage(WHO, "--dump needs a program that runs: %s is no PID",
                      v->what);
  return -1;
}

/* A program */

static int refuse(pid_t pid, const char *why) {
  fprintf(stderr, WHO ": process %d %s\n", (int)pid, why);
  return EXIT_UNREADABLE;
}

/* Returns: an exit code, or -1 with v->path set. */
static int find_program(struct tasks_view *v) {
  switch (live_trace(v->pid, v->path, sizeof v->path)) {
  case LIVE_FOUND:
    return -1;
  case LIVE_GONE:
    return refuse(v->pid, "does not exist");
  case LIVE_DENIED:
    return refuse(v->pid, "belongs to somebody else: ask as that user or root");
  default:
    return refuse(v->pid,
                  "is not being recorded, or nothing of it has been written "
                  "yet: start it\nwith `looptrace record -o x.lt -- COMMAND`");
  }
}

static int dump_program(struct tasks_view *v) {
  char path[64];
  if (live_trace(v->pid, path, sizeof path) == LIVE_GONE)
    return refuse(v->pid, "does not exist");
  if (!live_catches(v->pid, SIGQUIT))
    return refuse(v->pid,
                  "does not catch SIGQUIT for that, and would end of it: run "
                  "its tasks\nwith lt_run_options.dump_signal = SIGQUIT");
  if (kill(v->pid, SIGQUIT) != 0)
    return refuse(v->pid, strerror(errno));
  fprintf(stderr, WHO ": process %d prints them to its standard error\n",
          (int)v->pid);
  return EXIT_OK;
}

/* Sentences */

static const char *name_of(const struct tasks_view *v,
                           const struct census_task *t, char *buf,
                           size_t size) {
  char name[200], label[160];
  const char *raw =
      t->label ? lt_reader_string(v->model->reader, t->label) : NULL;
  if (raw && *raw)
    snprintf(name, sizeof name, "\"%s\"", inert(raw, label, sizeof label));
  else if (t->site)
    model_site_short(v->model, t->site, name, sizeof name);
  else
    snprintf(name, sizeof name, "?");
  snprintf(buf, size, "#%" PRIu64 " %s %s", t->id, lt_task_kind_name(t->kind),
           name);
  return buf;
}

/* A request is not resumed but done. */
static bool is_request(const struct census_task *t) {
  return t->n_runs == 0 && t->kind != LT_TASK_COROUTINE && t->due_ns < 0;
}

static bool is_in_pool(const struct census_task *t) {
  return is_request(t) && model_is_pool_unseen(t->kind);
}

static const char *state_of(const struct census_task *t) {
  return t->is_running    ? "runs"
         : t->is_ready    ? "is ready"
         : t->is_idle     ? "is idle"
         : t->why         ? lt_wait_text(t->why)
         : t->awaits      ? "awaits"
         : t->due_ns >= 0 ? "sleeps"
         : is_in_pool(t)  ? "is " MODEL_POOL_UNSEEN
         : is_request(t)  ? "is under way"
         : t->n_runs == 0 ? "has not begun"
                          : "waits";
}

static void print_state(const struct tasks_view *v,
                        const struct census_task *t) {
  char name[260];
  units_buf since, left;
  fputs(state_of(t), stdout);
  if (t->awaits && !t->is_running && !t->is_ready) {
    const struct census_task *other = tasks_find(&v->pane, t->awaits);
    if (other)
      printf(" %s", name_of(v, other, name, sizeof name));
    else
      printf(" #%" PRIu64, t->awaits);
  }
  if (t->since_ns >= 0)
    printf(", for %s", units_ns(since, v->now_ns - t->since_ns));
  if (!t->is_running && !t->is_ready && t->due_ns > v->now_ns)
    printf(", %s to go", units_ns(left, t->due_ns - v->now_ns));
}

static void print_task(struct tasks_view *v, const struct census_task *t,
                       uint32_t depth) {
  char name[260];
  units_buf at;
  int indent = (int)(depth < 32 ? depth : 32) * 2;
  printf("%*s%s ", indent, "", name_of(v, t, name, sizeof name));
  print_state(v, t);
  printf("\n%*s    spawned ", indent, "");
  if (t->spawn_ns < 0)
    fputs("before the recording", stdout);
  else
    printf("at %s", units_at(at, t->spawn_ns));
  if (t->spawn_site)
    printf(" by %s",
           model_site_name(v->model, t->spawn_site, name, sizeof name));
  fputs("\n", stdout);
}

static void json_task(struct json *json, const struct tasks_view *v,
                      const struct census_task *t, uint64_t parent) {
  json_object(json, NULL);
  json_uint(json, "id", t->id);
  json_uint(json, "parent", parent);
  json_text(json, "kind", lt_task_kind_name(t->kind));
  json_text(json, "name",
            t->label ? lt_reader_string(v->model->reader, t->label) : NULL);
  place_json(json, "site", v->model, t->site);
  place_json(json, "spawn_site", v->model, t->spawn_site);
  json_int(json, "spawn_ns", t->spawn_ns);
  json_text(json, "state", state_of(t));
  json_int(json, "since_ns", t->since_ns);
  json_text(json, "waits",
            t->is_running || t->is_ready || !t->why ? NULL
                                                    : lt_wait_text(t->why));
  json_uint(json, "awaits", t->awaits);
  json_int(json, "due_ns", t->due_ns);
  json_object_end(json);
}

/* All of them */

static bool is_shown(const struct tasks_view *v, const struct census_task *t) {
  return t->done_ns < 0 &&
         (!v->coroutines_only || t->kind == LT_TASK_COROUTINE);
}

static void each_task(struct tasks_view *v, struct json *json) {
  for (size_t i = 0; i < v->pane.n_rows; i++) {
    const struct task_row *row = &v->pane.rows[i];
    const struct census_task *t = &v->pane.all[row->index];
    uint32_t depth = v->alive_above[row->depth];
    v->alive_above[row->depth + 1] = depth + is_shown(v, t);
    if (!is_shown(v, t))
      continue;
    v->n_shown++;
    v->n_idle += t->is_idle;
    if (json)
      json_task(json, v, t, t->parent);
    else
      print_task(v, t, depth);
  }
}

static void print_text(struct tasks_view *v) {
  const lt_info *info = v->model->info;
  char text[512], comm[64];
  units_buf at, count;
  printf("%s, pid %d, at %s: %s", inert(info->comm, comm, sizeof comm),
         (int)info->pid, units_at(at, v->now_ns),
         info->ended ? report_end(info, text, sizeof text)
         : v->pid    ? "it runs"
                     : "the trace ends here, without an end mark");
  if (v->now_ns > info->end_ns)
    printf("; nothing was recorded of it for %s",
           units_ns(at, v->now_ns - info->end_ns));
  else if (v->age_ns > 0)
    printf("; as of %s ago", units_ns(at, v->age_ns));
  putchar('\n');
  each_task(v, NULL);
  if (v->n_shown == 0)
    puts(v->coroutines_only ? "no task of <looptrace/task.h> is alive"
                            : "no task is alive");
  else
    printf("%s alive", units_count(count, v->n_shown));
  if (v->n_idle)
    printf(", %s of them idle: timers that are not started",
           units_count(count, v->n_idle));
  if (v->n_shown)
    putchar('\n');
  uint64_t dropped = census_dropped(v->pane.census);
  if (info->n_lost)
    printf("%s events were lost: what stands here may be older than it "
           "seems\n",
           units_count(count, info->n_lost));
  if (dropped)
    printf("of %s tasks not all could be kept\n",
           units_count(count, census_seen(v->pane.census)));
}

static void print_json(struct tasks_view *v) {
  struct json json;
  json_init(&json, stdout);
  json_object(&json, NULL);
  json_text(&json, "schema", "looptrace.tasks/1");
  trace_json(&json, "trace", v->path, v->model->info);
  json_bool(&json, "ended", v->model->info->ended);
  json_int(&json, "now_ns", v->now_ns);
  json_int(&json, "age_ns", v->age_ns);
  json_array(&json, "tasks");
  each_task(v, &json);
  json_array_end(&json);
  json_object_end(&json);
}

/* The end of what was written: what came since then is not known.  But of a
 * program that does nothing nothing is written, and it waits all the same. */
static void choose_moment(struct tasks_view *v) {
  const lt_info *info = v->model->info;
  struct timespec t;
  v->now_ns = info->end_ns;
  if (!v->pid || info->ended || clock_gettime(CLOCK_MONOTONIC, &t) != 0)
    return;
  int64_t now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec - info->start_ns;
  if (now - info->end_ns >= QUIET_NS)
    v->now_ns = now;
  else if (now > info->end_ns)
    v->age_ns = now - info->end_ns;
}

static int show(struct tasks_view *v) {
  errno = 0;
  lt_status status = model_open_names(v->path, &v->model);
  if (status != LT_OK) {
    open_complain(WHO, v->what, status, errno);
    return EXIT_UNREADABLE;
  }
  tasks_open(&v->pane, v->path);
  while (tasks_work(&v->pane, STEP))
    continue;
  choose_moment(v);
  tasks_order(&v->pane, v->now_ns);
  v->alive_above = calloc(v->pane.n + 2, sizeof *v->alive_above);
  status = v->alive_above ? v->pane.problem : LT_NOMEM;
  if (status != LT_OK)
    open_complain(WHO, v->what, status, errno);
  else if (v->is_json)
    print_json(v);
  else
    print_text(v);
  free(v->alive_above);
  tasks_close(&v->pane);
  model_close(v->model);
  return status == LT_OK ? EXIT_OK : EXIT_UNREADABLE;
}

static int run_tasks(int argc, char **argv) {
  struct tasks_view v = {0};
  int code = parse(argc, argv, &v);
  if (code >= 0)
    return code;
  if (v.is_dump)
    return dump_program(&v);
  if (v.pid)
    code = find_program(&v);
  else
    snprintf(v.path, sizeof v.path, "%s", v.what);
  return code >= 0 ? code : show(&v);
}

const struct command cmd_tasks = {
    .name = "tasks",
    .summary = "what is alive in a program or at a trace's end, and waits for "
               "what",
    .options = option_rows,
    .usage = "[options] FILE\n"
             "[options] PID",
    .about = "Print the tasks that are alive as a tree: what each does or "
             "waits for, "
             "since when, and where it was spawned.",
    .operands_help =
        "FILE is a trace; its end is shown. PID is a program that is being "
        "recorded now; it is shown as it was some tenths of a second ago, and "
        "does not notice. A file whose name is a number: ./123.",
    .status =
        "0; 2 wrong usage; 3 the trace cannot be read, or PID is not being "
        "recorded.",
    .examples = "looptrace tasks $(pidof server)",
    .operands = OFFER_TRACES,
    .run = run_tasks,
};
