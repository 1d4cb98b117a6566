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

#include "command.h"
#include "near.h"
#include "output/inert.h"

static const struct command *const commands[] = {
#define COMMAND_ROW(name, summary) &cmd_##name,
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
    "  looptrace record -o app.lt -- ./app        record until it exits\n"
    "  looptrace view app.lt                      look at it\n"
    "  looptrace check --max-stall 100ms app.lt   fail (exit 1) when a loop "
    "was\n"
    "                                             blocked longer\n"
    "\n"
    "Commands\n";

static const char outro[] =
    "\n"
    "Run 'looptrace COMMAND --help' for the options of one.\n";

static int overview(void) {
  fputs(intro, stdout);
  for (size_t i = 0; i < N_COMMANDS; i++)
    printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
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
  char help[] = "--help", *argv[] = {NULL, help, NULL};
  const struct command *command = find(name);
  if (!command)
    return unknown(name);
  argv[0] = (char *)command->name;
  return command->run(2, argv);
}

static int dispatch(int argc, char **argv) {
  const char *word = argc > 1 ? argv[1] : "help";
  if (is_one_of(word, "--version", "-V")) {
    puts(PACKAGE_STRING);
    return EXIT_OK;
  }
  if (is_one_of(word, "help", "--help") || !strcmp(word, "-h"))
    return argc > 2 ? help_for(argv[2]) : overview();
  if (*word == '-') {
    fprintf(stderr, "looptrace: options come after a command; try "
                    "'looptrace --help'\n");
    return EXIT_USAGE;
  }
  const struct command *command = find(word);
  return command ? command->run(argc - 1, argv + 1) : unknown(word);
}

/* A file that is opened must never become descriptor 0, 1 or 2; and a command
 * that is run finds those closed that were closed before. */
static void occupy_standard_fds(void) {
  int fd;
  do
    fd = open("/dev/null", O_RDWR | O_CLOEXEC);
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
  if (fclose(stdout) || had_error) {
    fprintf(stderr, "looptrace: cannot write the output%s%s\n",
            errno ? ": " : "", errno ? strerror(errno) : "");
    if (code == EXIT_OK)
      code = EXIT_UNREADABLE;
  }
  exit(code);
}
