/* Budget files: INI, read by inih.
 *
 *   [budget]                       [budget "worker*"]
 *   stall.max        = 100ms       stall.max = 250ms
 *   stall.p99        = 20ms
 *   stall.count>50ms = 0           [levels]
 *   utilization.max  = 85%         long-turn = warn
 *   blocking.count   = 0
 *   lost_events.max  = 0           [run]
 *   timer.late       = 20ms        warmup = 2s
 *   pool.queue       = 50ms
 *
 * Invariant: a line that is not understood is an error with its number; nothing
 * is passed over.  Called by options.c. */
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "check/options.h"
#include "check/rule.h"
#include "cli/near.h"
#include "command.h"
#include "output/inert.h"

struct file {
  struct options *options;
  FILE *stream;
  bool is_bad;
  char problem[300];
};

__attribute__((format(printf, 2, 3))) static int bad(struct file *f,
                                                     const char *format, ...) {
  if (f->is_bad)
    return 0; /* the first one is told */
  va_list ap;
  va_start(ap, format);
  vsnprintf(f->problem, sizeof f->problem, format, ap);
  va_end(ap);
  f->is_bad = true;
  return 0;
}

/* The loops of a section, owned by the options from now on. */
static const char *glob_of(const char *section) {
  const char *from = strchr(section, '"');
  return from ? strndup(from + 1, strcspn(from + 1, "\"")) : NULL;
}

static const char *near_key(const char *name) {
  static const char *const keys[] = {"stall.max",        "stall.p99",
                                     "stall.count>50ms", "utilization.max",
                                     "blocking.count",   "lost_events.max",
                                     "timer.late",       "pool.queue",
                                     "warmup",           "runs",
                                     "aggregate",        "baseline",
                                     "suppressions"};
  size_t least = 4;
  const char *nearest = NULL;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    size_t n = near_edits(name, keys[i]);
    if (n < least) {
      least = n;
      nearest = keys[i];
    }
  }
  return nearest;
}

static int unknown_key(struct file *f, const char *name) {
  const char *near = near_key(name);
  return bad(
      f, near ? "there is no `%s`; did you mean `%s`?" : "there is no `%s`%s",
      name, near ? near : "");
}

static bool limit_of(const char *name, const char *value, struct limit *l) {
  if (strcmp(name, "stall.max") == 0) {
    l->kind = LIMIT_STALL_MAX;
    return options_time(value, &l->value) && l->value > 0;
  }
  if (strcmp(name, "stall.p99") == 0) {
    l->kind = LIMIT_TURN_P99;
    return options_time(value, &l->value) && l->value > 0;
  }
  if (strncmp(name, "stall.count>", 12) == 0) {
    l->kind = LIMIT_STALL_COUNT;
    return options_time(name + 12, &l->over_ns) && l->over_ns > 0 &&
           options_count(value, &l->value);
  }
  if (strcmp(name, "utilization.max") == 0) {
    l->kind = LIMIT_UTILIZATION;
    return options_permille(value, &l->value);
  }
  if (strcmp(name, "timer.late") == 0 || strcmp(name, "pool.queue") == 0) {
    l->kind = *name == 't' ? LIMIT_TIMER_LATE : LIMIT_POOL_QUEUE;
    return options_time(value, &l->value) && l->value > 0;
  }
  l->kind = strcmp(name, "blocking.count") == 0 ? LIMIT_BLOCKING_COUNT
                                                : LIMIT_LOST_EVENTS;
  return options_count(value, &l->value);
}

static bool is_limit(const char *name) {
  return strcmp(name, "stall.max") == 0 || strcmp(name, "stall.p99") == 0 ||
         strncmp(name, "stall.count>", 12) == 0 ||
         strcmp(name, "utilization.max") == 0 ||
         strcmp(name, "blocking.count") == 0 ||
         strcmp(name, "timer.late") == 0 || strcmp(name, "pool.queue") == 0 ||
         strcmp(name, "lost_events.max") == 0;
}

static int budget_line(struct file *f, const char *section, const char *name,
                       const char *value) {
  struct limit limit = {0};
  if (!is_limit(name))
    return unknown_key(f, name);
  if (!limit_of(name, value, &limit))
    return bad(f,
               "`%s = %s`: what is expected is such as stall.max = 100ms, "
               "stall.count>50ms = 0, utilization.max = 85%%",
               name, value);
  if (strcmp(section, "budget") != 0) {
    limit.loops = glob_of(section);
    if (!limit.loops || limit.kind == LIMIT_LOST_EVENTS ||
        limit.kind == LIMIT_POOL_QUEUE) {
      free((char *)(uintptr_t)limit.loops);
      return bad(f, "`%s` is not of one loop", name);
    }
  }
  if (!options_limit(f->options, limit)) {
    free((char *)(uintptr_t)limit.loops);
    return bad(f, "there are too many budgets");
  }
  return 1;
}

static int level_line(struct file *f, const char *name, const char *value) {
  static const struct {
    const char *word;
    int level;
  } words[] = {{"off", LEVEL_OFF},
               {"note", LEVEL_NOTE},
               {"warn", LEVEL_WARNING},
               {"error", LEVEL_ERROR}};
  const struct rule *near = rule_near(name);
  if (!rule_find(name))
    return bad(f,
               near ? "there is no rule `%s`; did you mean `%s`?"
                    : "there is no rule `%s`; looptrace explain lists them%s",
               name, near ? near->name : "");
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(value, words[i].word) == 0)
      return options_level(f->options, name, words[i].level)
                 ? 1
                 : bad(f, "there are too many levels");
  return bad(f, "`%s = %s`: off, note, warn or error", name, value);
}

static bool keep(char **into, const char *value) {
  free(*into);
  *into = strdup(value);
  return *into && *value;
}

static int run_line(struct file *f, const char *name, const char *value) {
  struct options *o = f->options;
  const char *expected = "the name of a file";
  bool is_good = true;
  if (strcmp(name, "warmup") == 0) {
    expected = DURATION_FORMS;
    is_good = options_time(value, &o->budget.warmup_ns);
  } else if (strcmp(name, "runs") == 0) {
    expected = "1 to 1000";
    is_good = options_runs(value, &o->runs);
  } else if (strcmp(name, "aggregate") == 0) {
    expected = "median, pessimistic or optimistic";
    is_good = options_aggregate(value, &o->aggregate);
  } else if (strcmp(name, "baseline") == 0) {
    is_good = keep(&o->own_baseline, value);
  } else if (strcmp(name, "suppressions") == 0) {
    is_good = keep(&o->own_suppressions, value);
  } else {
    return unknown_key(f, name);
  }
  return is_good ? 1 : bad(f, "`%s = %s`: %s", name, value, expected);
}

static int on_line(void *context, const char *section, const char *name,
                   const char *value) {
  struct file *f = context;
  if (f->is_bad)
    return 1; /* the line of the first one is what inih returns */
  if (strcmp(section, "budget") == 0 || strncmp(section, "budget \"", 8) == 0)
    return budget_line(f, section, name, value);
  if (strcmp(section, "levels") == 0)
    return level_line(f, name, value);
  if (strcmp(section, "run") == 0)
    return run_line(f, name, value);
  return bad(f,
             "section [%s]: there are [budget], [budget \"LOOP*\"], "
             "[levels] and [run]",
             section);
}

/* inih would take the rest of a long line for a line of its own. */
static char *read_line(char *buf, int size, void *context) {
  struct file *f = context;
  if (!fgets(buf, size, f->stream))
    return NULL;
  if (!strchr(buf, '\n') && !feof(f->stream)) {
    int c;
    while ((c = getc(f->stream)) != EOF && c != '\n')
      ;
    bad(f, "a line is too long");
    return strcpy(buf, "too long\n"); /* which inih refuses */
  }
  return buf;
}

int budget_read(const char *path, struct options *options) {
  struct file f = {.options = options, .stream = fopen(path, "re")};
  char name[4200], text[900];
  inert(path, name, sizeof name);
  if (!f.stream) {
    fprintf(stderr, CHECK_WHO ": --budget %s: %s\n", name, strerror(errno));
    return EXIT_USAGE;
  }
  int line = ini_parse_stream(read_line, &f, on_line, &f);
  bool is_unread = ferror(f.stream);
  fclose(f.stream);
  if (line == 0 && !is_unread)
    return EXIT_OK;
  fprintf(stderr, CHECK_WHO ": %s:%d: %s\n", name, line > 0 ? line : 1,
          f.is_bad    ? inert(f.problem, text, sizeof text)
          : is_unread ? "it cannot be read"
                      : "this is no line of an INI file: NAME = VALUE");
  return EXIT_USAGE;
}

void options_free(struct options *o) {
  for (size_t i = 0; i < o->n_limits; i++)
    free((char *)(uintptr_t)o->limits[i].loops);
  free(o->own_baseline);
  free(o->own_suppressions);
}
