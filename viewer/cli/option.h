/* Options of commands: one table, from which come the parsing, the help, the
 * manual and the completion of shells. */
#ifndef LTV_OPTION_H
#define LTV_OPTION_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

struct command;

/* What a shell offers for a value that is not one of a few words. */
#define OFFER_FILES "@files"
#define OFFER_TRACES "@traces"
#define OFFER_RULES "@rules"
#define OFFER_COMMANDS "@commands"

struct option_row {
  int id;             /* its letter; from 256 on where it has none; 0: a heading
                         of those that follow */
  const char *name;   /* "max-stall"; of a heading: its words */
  const char *value;  /* "TIME"; NULL: it takes none */
  const char *values; /* "text json", or OFFER_...; NULL: nothing to offer */
  const char *help;   /* words, see manual_item() */
};

/* What option_next() returns beside the id of an option. */
enum { OPTION_END = -1, OPTION_HELP = -2, OPTION_BAD = -3 };

/* Options of all commands that have none of that name. */
struct option_common {
  bool is_quiet;     /* -q: no progress, no remarks */
  bool has_no_pager; /* --no-pager */
  const char *color; /* --color: "auto", "always", "never" or NULL */
};
extern struct option_common option_common;
extern const struct option_row option_common_rows[];

/* Begin with the arguments of a command: its table is read. */
void option_begin(const struct command *command, char **argv);

/* The next option; its value is in optarg, what is no option from argv[optind]
 * on, after OPTION_END.
 * Returns: its id.  OPTION_HELP: help or version has been printed.  OPTION_BAD:
 *          the message has. */
int option_next(int argc, char **argv);

/* The exit code that belongs to OPTION_HELP and OPTION_BAD. */
int option_exit(int result);

/* The row of a name that is nearest to a word, of the command's and the common
 * ones; NULL when none is near. */
const struct option_row *option_near(const struct command *command,
                                     const char *word);

#endif
