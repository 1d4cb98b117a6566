/* The handler of signals that kill.
 *
 * Invariant: it runs on a stack of its own and uses only async-signal-safe
 * calls; all texts are made beforehand.  The signal then kills as it would
 * have.  Called by screen.c. */
#include "config.h"

#include "tui/term/crash.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "output/inert.h"

/* All whose default is to kill, but those that end the viewer in peace. */
static const int signals[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,    SIGABRT,
                              SIGQUIT, SIGTRAP, SIGSYS,  SIGXCPU,   SIGXFSZ,
                              SIGALRM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF};
enum { N_SIGNALS = sizeof signals / sizeof *signals, LOG_BYTES = 32768 };

static struct {
  struct sigaction old[N_SIGNALS];
  struct termios modes;
  bool has_modes;
  char restore[160];
  size_t n_restore;
  char path[200], said[900];
  size_t n_said;
  char log[LOG_BYTES];
  size_t n_log;
} crash;

static char own_stack[65536];

static void put(int fd, const char *text, size_t n) {
  while (n > 0) {
    ssize_t written = write(fd, text, n);
    if (written <= 0)
      return;
    text += written;
    n -= (size_t)written;
  }
}

/* SA_RESETHAND: raised again it kills. */
static void on_crash(int signal_number) {
  put(STDOUT_FILENO, crash.restore, crash.n_restore);
  if (crash.has_modes)
    tcsetattr(STDIN_FILENO, TCSANOW, &crash.modes);
  int fd = open(crash.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (fd >= 0) {
    put(fd, crash.log, crash.n_log);
    put(fd, "\n", 1);
    put(STDERR_FILENO, crash.said, crash.n_said);
  }
  raise(signal_number);
}

static void make_texts(const char *file) {
  const char *folder = getenv("TMPDIR");
  char name[300], path[300];
  snprintf(crash.path, sizeof crash.path, "%s/looptrace-keys-%d",
           folder && *folder == '/' ? folder : "/tmp", (int)getpid());
  int n = snprintf(crash.said, sizeof crash.said,
                   "looptrace view: it was killed by a signal. What was "
                   "pressed: %s\nAgain: looptrace view --keys \"$(cat %s)\" "
                   "%s\n",
                   inert(crash.path, path, sizeof path), path,
                   inert(file, name, sizeof name));
  crash.n_said = (size_t)n < sizeof crash.said ? (size_t)n : 0;
}

void crash_catch(const char *restore, size_t n, const char *file) {
  struct sigaction action = {.sa_handler = on_crash,
                             .sa_flags =
                                 (int)(SA_RESETHAND | SA_NODEFER | SA_ONSTACK)};
  stack_t stack = {.ss_sp = own_stack, .ss_size = sizeof own_stack}, old;
  crash.has_modes = tcgetattr(STDIN_FILENO, &crash.modes) == 0;
  crash.n_log = 0;
  crash_set_restore(restore, n);
  make_texts(file);
  if (sigaltstack(NULL, &old) == 0 && (old.ss_flags & SS_DISABLE))
    sigaltstack(&stack, NULL);
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < N_SIGNALS; i++) {
    sigaction(signals[i], NULL, &crash.old[i]);
    if (crash.old[i].sa_handler != SIG_IGN)
      sigaction(signals[i], &action, NULL);
  }
}

void crash_set_restore(const char *restore, size_t n) {
  crash.n_restore = n < sizeof crash.restore ? n : sizeof crash.restore;
  memcpy(crash.restore, restore, crash.n_restore);
}

void crash_release(void) {
  for (size_t i = 0; i < N_SIGNALS; i++)
    sigaction(signals[i], &crash.old[i], NULL);
}

void crash_log(const char *key) {
  size_t n = strlen(key);
  if (n >= LOG_BYTES / 2)
    return;
  if (crash.n_log + n > LOG_BYTES) { /* the older half goes, by whole keys */
    const char *half = crash.log + LOG_BYTES / 2;
    const char *from = memchr(half, '<', LOG_BYTES / 4);
    from = from ? from : half;
    size_t kept = (size_t)(crash.log + crash.n_log - from);
    memmove(crash.log, from, kept);
    crash.n_log = kept;
  }
  memcpy(crash.log + crash.n_log, key, n);
  crash.n_log += n;
}
