/* The pager that long output goes through.
 *
 * Invariant: it gets standard output only; messages go to the terminal, and
 * the exit status stays the command's.  Called by main.c and cmd_*.c. */
#include "cli/pager.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/option.h"

static pid_t pager = -1;

static const char *command(void) {
  const char *word = getenv("LOOPTRACE_PAGER");
  if (!word)
    word = getenv("PAGER");
  if (!word)
    word = "less -FIRX";
  return *word && strcmp(word, "cat") != 0 ? word : NULL;
}

static void become_pager(const char *word, const int fds[2]) {
  dup2(fds[0], STDIN_FILENO);
  close(fds[0]);
  close(fds[1]);
  execl("/bin/sh", "sh", "-c", word, (char *)NULL);
  _exit(127);
}

/* "less -FIRX" of what is not installed would swallow the output. */
static bool is_there(const char *word) {
  char line[600], name[201] = "";
  size_t n = strcspn(word, " ");
  if (n >= sizeof name)
    return true;
  memcpy(name, word, n);
  snprintf(line, sizeof line, "command -v '%s' >/dev/null 2>&1", name);
  return strchr(word, '\'') || system(line) == 0;
}

void pager_begin(void) {
  const char *term = getenv("TERM"), *word = command();
  int fds[2];
  if (pager != -1 || option_common.has_no_pager || !word ||
      isatty(STDOUT_FILENO) != 1 || !term || !strcmp(term, "dumb") ||
      !is_there(word) || pipe(fds) != 0)
    return;
  fflush(stdout);
  pager = fork();
  if (pager == 0)
    become_pager(word, fds);
  close(fds[0]);
  if (pager > 0) {
    dup2(fds[1], STDOUT_FILENO);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* it is the pager's, as in git */
  }
  close(fds[1]);
}

bool pager_is_on(void) {
  return pager > 0;
}

void pager_end(void) {
  if (pager > 0)
    while (waitpid(pager, NULL, 0) < 0)
      ;
}
