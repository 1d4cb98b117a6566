/* looptrace ctl: steer a recording that runs.
 *
 * Invariant: it speaks to recorders of this user only, through the sockets that
 * they stand at, and never to the recorded program.  Called by main.c. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/option.h"
#include "command.h"
#include "launch/control.h"
#include "output/inert.h"
#include "output/open.h"
#include "output/units.h"

#define WHO "looptrace ctl"
#define RECORDINGS_MAX 64

struct recording {
  char socket[PATH_MAX];
  char *status; /* its answer */
};

struct found {
  struct recording all[RECORDINGS_MAX];
  size_t n;
};

static void look_in(const char *folder, struct found *found) {
  char prefix[64];
  snprintf(prefix, sizeof prefix, "looptrace-%u-", (unsigned)geteuid());
  DIR *dir = opendir(folder);
  if (!dir)
    return;
  for (struct dirent *e; (e = readdir(dir)) && found->n < RECORDINGS_MAX;) {
    struct recording *r = &found->all[found->n];
    size_t size = strlen(e->d_name), suffix = strlen(CONTROL_SUFFIX);
    if (strncmp(e->d_name, prefix, strlen(prefix)) != 0 || size <= suffix ||
        strcmp(e->d_name + size - suffix, CONTROL_SUFFIX) != 0)
      continue;
    snprintf(r->socket, sizeof r->socket, "%s/%s", folder, e->d_name);
    if (control_ask(r->socket, "status", &r->status))
      found->n++;
  }
  closedir(dir);
}

/* The line of a status that begins with a word, at or after a place; NULL. */
static const char *line_of(const char *status, const char *word) {
  size_t size = strlen(word);
  for (const char *at = status; at && *at; at = strchr(at, '\n'), at += !!at)
    if (strncmp(at, word, size) == 0 && at[size] == ' ')
      return at + size + 1;
  return NULL;
}

struct trace_line {
  int pid;
  uint64_t n_events, n_lost, n_bytes;
  char comm[64], path[PATH_MAX];
};

/* The next trace of a status.  Returns: where to go on; NULL for no more. */
static const char *next_trace(const char *at, struct trace_line *t) {
  at = line_of(at, "trace");
  if (!at)
    return NULL;
  int used = 0;
  t->path[0] = 0;
  if (sscanf(at, "%d %" SCNu64 " %" SCNu64 " %" SCNu64 " %63s %n", &t->pid,
             &t->n_events, &t->n_lost, &t->n_bytes, t->comm, &used) < 5)
    return NULL;
  snprintf(t->path, sizeof t->path, "%.*s", (int)strcspn(at + used, "\n"),
           at + used);
  return at;
}

static bool is_number_of(const char *status, const char *word, long pid) {
  const char *at = line_of(status, word);
  return at && strtol(at, NULL, 10) == pid;
}

static bool is_target(const struct recording *r, const char *target) {
  char *end, whole[PATH_MAX];
  struct trace_line t;
  long pid = strtol(target, &end, 10);
  bool is_pid = end != target && !*end;
  if (is_pid && (is_number_of(r->status, "recorder", pid) ||
                 is_number_of(r->status, "command", pid)))
    return true;
  bool is_path = realpath(target, whole) != NULL;
  for (const char *at = r->status; (at = next_trace(at, &t));)
    if ((is_pid && t.pid == pid) || (is_path && strcmp(t.path, whole) == 0))
      return true;
  return false;
}

static int complain(const char *what, const char *about) {
  char safe[4400];
  fprintf(stderr, WHO ": ");
  fprintf(stderr, what, inert(about, safe, sizeof safe));
  fputc('\n', stderr);
  return EXIT_UNREADABLE;
}

/* The recording that is meant; NULL, with a message, where that is not clear.
 */
static struct recording *choose(struct found *found, const char *target) {
  struct recording *chosen = NULL;
  for (size_t i = 0; i < found->n; i++)
    if (!target || is_target(&found->all[i], target)) {
      if (chosen) {
        (void)complain("several recordings run; say which: a process id or a "
                       "trace (looptrace ctl status lists them)",
                       "");
        return NULL;
      }
      chosen = &found->all[i];
    }
  if (!chosen)
    (void)complain(target ? "%s: nobody records that, or somebody else does "
                            "(looptrace ctl status lists your recordings)"
                          : "no recording runs; begin with looptrace record",
                   target ? target : "");
  return chosen;
}

static void show_trace(const struct trace_line *t) {
  char comm[300], path[4400];
  units_buf size;
  printf("  %s (pid %d): %" PRIu64 " events, lost %" PRIu64,
         inert(t->comm, comm, sizeof comm), t->pid, t->n_events, t->n_lost);
  if (t->path[0])
    printf(", %s in %s", units_bytes(size, t->n_bytes),
           inert(t->path, path, sizeof path));
  putchar('\n');
}

static void show(const struct recording *r) {
  struct trace_line t;
  units_buf elapsed;
  const char *state = line_of(r->status, "state");
  const char *mode = line_of(r->status, "mode");
  const char *ns = line_of(r->status, "elapsed");
  const char *pid = line_of(r->status, "recorder");
  size_t n = 0;
  if (!state || !mode || !ns || !pid)
    return;
  printf("recorder %d: %.*s, mode %.*s, for %s\n", atoi(pid),
         (int)strcspn(state, "\n"), state, (int)strcspn(mode, "\n"), mode,
         units_ns(elapsed, strtoll(ns, NULL, 10)));
  for (const char *at = r->status; (at = next_trace(at, &t)); n++)
    show_trace(&t);
  if (!n)
    printf("  no process of it has done anything yet\n");
}

static int show_all(struct found *found, const char *target) {
  if (target || !found->n) {
    const struct recording *r = choose(found, target);
    if (!r)
      return EXIT_UNREADABLE;
    show(r);
    return EXIT_OK;
  }
  for (size_t i = 0; i < found->n; i++)
    show(&found->all[i]);
  return EXIT_OK;
}

static void show_path(const char *line) {
  char path[PATH_MAX], safe[4400];
  snprintf(path, sizeof path, "%.*s", (int)strcspn(line, "\n"), line);
  printf("%s\n", inert(path, safe, sizeof safe));
}

static int tell(struct found *found, const char *target, const char *verb) {
  struct recording *r = choose(found, target);
  char *answer = NULL;
  if (!r)
    return EXIT_UNREADABLE;
  if (!control_ask(r->socket, verb, &answer))
    return complain("the recorder does not answer: %s", strerror(errno));
  int code = EXIT_OK;
  const char *why = line_of(answer, "error");
  if (why)
    code = complain("%s", why);
  for (const char *at = answer; (at = line_of(at, "wrote"));)
    show_path(at);
  free(answer);
  return code;
}

static bool is_verb(const char *word) {
  static const char *const verbs[] = {"on", "off", "snapshot", "status"};
  for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
    if (strcmp(word, verbs[i]) == 0)
      return true;
  return false;
}

static int run_ctl(int argc, char **argv) {
  struct found *found;
  option_begin(&cmd_ctl, argv);
  int c = option_next(argc, argv);
  if (c != OPTION_END)
    return option_exit(c);
  int n = argc - optind;
  const char *verb = n ? argv[argc - 1] : "";
  if (n < 1 || n > 2 || !is_verb(verb))
    return open_usage(WHO,
                      n ? "%s is not one of on, off, snapshot, status"
                        : "say what: on, off, snapshot or status%s",
                      verb);
  const char *folders[] = {"/dev/shm", getenv("XDG_RUNTIME_DIR"), "/tmp"};
  const char *target = n == 2 ? argv[optind] : NULL;
  if (!(found = calloc(1, sizeof *found)))
    return complain("out of memory", "");
  for (int i = 0; i < 3; i++)
    if (folders[i] && *folders[i] == '/')
      look_in(folders[i], found);
  int code = strcmp(verb, "status") == 0 ? show_all(found, target)
                                         : tell(found, target, verb);
  for (size_t i = 0; i < found->n; i++)
    free(found->all[i].status);
  free(found);
  return code;
}

const struct command cmd_ctl = {
    .name = "ctl",
    .summary = "steer a recording that runs: on, off, snapshot",
    .usage = "[TARGET] VERB",
    .about = "Steer a recording that runs (looptrace record), from another "
             "terminal.",
    .operands_help =
        "TARGET is the process id of the recorder or of a program it records, "
        "or a trace that it writes; it may be left out where only one "
        "recording "
        "runs.\n"
        "\n"
        "  status    is it on, for how long, how much was recorded and lost; "
        "without\n"
        "            TARGET: of all recordings\n"
        "  off       record nothing more, until on: the program then runs at "
        "its own\n"
        "            speed. What was open is closed in the trace, which notes "
        "the\n"
        "            stretch that is missing\n"
        "  on        go on recording\n"
        "  snapshot  of a flight recorder (record --mode flight): write what "
        "it "
        "keeps",
    .more = "`looptrace record --delay TIME` begins switched off. The program "
            "takes "
            "no part in it: no signal, no descriptor, no thread.",
    .status = "0; 2 wrong usage; 3 no such recording, or it does not answer.",
    .examples = "looptrace ctl app.lt off",
    .operands = "status off on snapshot",
    .run = run_ctl,
};
