/* One subcommand: one file cmd_NAME.c, one row here.  Only cmd_*.c files parse
 * arguments, and only main.c exits. */
#ifndef LTV_COMMAND_H
#define LTV_COMMAND_H

#include <stdbool.h>

#include "cli/option.h"

/* Exit codes, the same in every subcommand (record: also the command's own). */
enum exit_code {
  EXIT_OK = 0,
  EXIT_FINDINGS = 1,
  EXIT_USAGE = 2,
  EXIT_UNREADABLE = 3,
  EXIT_NO_VERDICT = 4,
  EXIT_COMMAND_FAILED = 5,
  EXIT_RECORDER = 125,
  EXIT_CANNOT_RUN = 126,
  EXIT_NOT_FOUND = 127
};

struct manual;

struct command {
  const char *name;
  const char *summary; /* for the list that `looptrace` prints */
  const char *about;   /* what it does: text of manual.h, as all of these */
  const char *usage;   /* a line each, without "looptrace NAME" */
  const char *operands_help;        /* what the words are; or NULL */
  const struct option_row *options; /* ends with a row of zeros; or NULL */
  const char *more;                 /* after the options; or NULL */
  const char *status;               /* exit status; or NULL */
  const char *examples;             /* a line each; or NULL */
  const char *operands; /* what a shell offers for a word; or NULL */
  bool runs_command;    /* the first word that is no option begins a command */
  void (*chapters)(struct manual *); /* more of its help; or NULL */
  /* argv[0] is the command's name.  Returns an exit code; has printed its
   * errors ("looptrace NAME: ...") itself. */
  int (*run)(int argc, char **argv);
};

#define COMMAND_MAP(X)                                                         \
  X(record)                                                                    \
  X(view) X(top) X(check) X(report) X(diff) X(export) X(info) X(explain)       \
      X(tasks) X(ctl) X(recover) X(selftest) X(completion)

#define COMMAND_DECLARE(name) extern const struct command cmd_##name;
COMMAND_MAP(COMMAND_DECLARE)
#undef COMMAND_DECLARE

#endif
