/* One subcommand: one file cmd_NAME.c, one row here.  Only cmd_*.c files parse
 * arguments, and only main.c exits. */
#ifndef LTV_COMMAND_H
#define LTV_COMMAND_H

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

struct command {
  const char *name;
  const char *summary; /* for the list that `looptrace` prints */
  /* argv[0] is the command's name.  Returns an exit code; has printed its
   * errors ("looptrace NAME: ...") itself. */
  int (*run)(int argc, char **argv);
};

#define COMMAND_MAP(X)                                                         \
  X(record, "run a program and write a trace")                                 \
  X(view, "terminal viewer")                                                   \
  X(top, "watch a program that is being recorded")                             \
  X(check, "fail when a loop was blocked for too long")                        \
  X(report, "what happened, as text, HTML, Markdown or JSON")                  \
  X(diff, "what got slower between two traces")                                \
  X(export, "for other tools: Perfetto, flame graphs, SQL, metrics")           \
  X(info, "what is in this file, is it whole")                                 \
  X(explain, "what a rule means and how to fix it")                            \
  X(tasks, "what is alive in a program or at a trace's end, and waits for what") \
  X(ctl, "steer a recording that runs: on, off, snapshot")                     \
  X(recover, "save what a killed recorder left")                               \
  X(selftest, "does recording work here?")

#define COMMAND_DECLARE(name, summary) extern const struct command cmd_##name;
COMMAND_MAP(COMMAND_DECLARE)
#undef COMMAND_DECLARE

#endif
