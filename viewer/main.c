/* looptrace: which subcommand, and the exit.
 *
 * Invariant: the only file that exits; what could not be written to standard
 * output is an error, so that a full disk never looks like success. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/manual.h"
#include "cli/near.h"
#include "cli/pager.h"
#include "command.h"
#include "output/inert.h"

static const struct command *const commands[] = {
#define COMMAND_ROW(name) &cmd_##name,
    COMMAND_MAP(COMMAND_ROW)
#undef COMMAND_ROW
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

static const char intro[] =
    "Record and inspect what blocks an event loop.\n"
    "\n"
    "Usage: looptrace COMMAND [OPTION...]\n"
    "\n"
    "Start here\n"
    "  looptrace record -- ./app           record until it exits, or Ctrl-C\n"
    "  looptrace view                      look at the newest trace here\n"
    "  looptrace check --max-stall 100ms   fail (exit 1) when a loop was "
    "blocked\n"
    "                                      for longer\n"
    "\n"
    "Commands\n";

static const char outro[] =
    "\n"
    "Run 'looptrace COMMAND --help' for the options of one, 'man looptrace' "
    "for\n"
    "everything. -q, --color WHEN and --no-pager go with all of them.\n";

static int overview(void) {
  fputs(intro, stdout);
  for (size_t i = 0; i < N_COMMANDS; i++)
    printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
  fputs(outro, stdout);
  return EXIT_OK;
}

static const struct command *find(const char *name) {
  for (size_t i = 0; i < N_COMMANDS; i++)
    if (!strcmp(commands[i]->name, name))
      return commands[i];
  return NULL;
}

static int unknown(const char *word) {
  const char *nearest = NULL;
  size_t least = 3; /* more edits than two are another word */
  for (size_t i = 0; i < N_COMMANDS; i++) {
    size_t n = near_edits(word, commands[i]->name);
    if (n < least && n < strlen(commands[i]->name) - 1) {
      least = n;
      nearest = commands[i]->name;
    }
  }
  char buf[128];
  fprintf(stderr, "looptrace: there is no command '%s'",
          inert(word, buf, sizeof buf));
  if (nearest)
    fprintf(stderr, "; did you mean '%s'?", nearest);
  fputs("\nRun 'looptrace' for the list.\n", stderr);
  return EXIT_USAGE;
}

static bool is_one_of(const char *word, const char *a, const char *b) {
  return !strcmp(word, a) || !strcmp(word, b);
}

static int help_for(const char *name) {
  if (!strcmp(name, "--man")) {
    manual_page(stdout, commands, N_COMMANDS);
    return EXIT_OK;
  }
  const struct command *command = find(name);
  if (!command)
    return unknown(name);
  pager_begin();
  manual_help(stdout, command);
  return EXIT_OK;
}

/* How many words before the command are options of all. */
static int n_common(int argc, char **argv) {
  int i = 1;
  while (i < argc && argv[i][0] == '-' && argv[i][1]) {
    bool takes_word = !strcmp(argv[i], "--color");
    bool is_common = takes_word || !strncmp(argv[i], "--color=", 8) ||
                     is_one_of(argv[i], "-q", "--quiet") ||
                     !strcmp(argv[i], "--no-pager");
    if (!is_common)
      break;
    i += 1 + takes_word;
  }
  return (i < argc ? i : argc) - 1;
}

/* Options stand before or after the command's name: argv[0] becomes the name,
 * and what came before it comes after. */
static char **command_first(int argc, char **argv, int n_before) {
  char *name = argv[1 + n_before];
  memmove(argv + 2, argv + 1, (size_t)n_before * sizeof *argv);
  argv[1] = name;
  return argc > 1 ? argv + 1 : argv;
}

static int dispatch(int argc, char **argv) {
  int n_before = n_common(argc, argv);
  const char *word = argc > 1 + n_before ? argv[1 + n_before] : "help";
  if (is_one_of(word, "--version", "-V")) {
    puts(PACKAGE_STRING);
    return EXIT_OK;
  }
  if (is_one_of(word, "help", "--help") || !strcmp(word, "-h"))
    return argc > 2 + n_before ? help_for(argv[2 + n_before]) : overview();
  if (*word == '-') {
    char text[128];
    fprintf(stderr,
            "looptrace: `%s` is no option of all commands; its command comes "
            "first\nTry 'looptrace --help'.\n",
            inert(word, text, sizeof text));
    return EXIT_USAGE;
  }
  const struct command *command = find(word);
  return command ? command->run(argc - 1, command_first(argc, argv, n_before))
                 : unknown(word);
}

/* A file that is opened must never become descriptor 0, 1 or 2; and a command
 * that is run finds those closed that were closed before.  Read-only: what is
 * written where nothing can take it is an error, here as well. */
static void occupy_standard_fds(void) {
  int fd;
  do
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  while (fd >= 0 && fd <= 2);
  if (fd > 2)
    close(fd);
}

int main(int argc, char **argv) {
  occupy_standard_fds();
  setlocale(LC_CTYPE, "");
  int code = dispatch(argc, argv);
  bool had_error = ferror(stdout);
  errno = 0;
  bool is_paged = pager_is_on(); /* who leaves it early has seen enough */
  if ((fclose(stdout) || had_error) && !is_paged) {
    fprintf(stderr, "looptrace: cannot write the output%s%s\n",
            errno ? ": " : "", errno ? strerror(errno) : "");
    if (code == EXIT_OK)
      code = EXIT_UNREADABLE;
  }
  pager_end();
  exit(code);
}
