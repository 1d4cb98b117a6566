/* Fork, exec, signals and job control around the recorded command.
 *
 * Invariant: the command starts with the signal mask and dispositions that this
 * process inherited, and with no descriptor of ours.  Called by launch.c. */
#include "config.h"

#include "launch/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"

/* Changed while recording: SIGCHLD must not be ignored, or the kernel reaps the
 * child; the other two must not kill the recorder. */
static const int changed[3] = {SIGCHLD, SIGPIPE, SIGXFSZ};
static const int watched[] = {SIGCHLD, SIGTSTP, SIGINT, SIGQUIT,
                              SIGTERM, SIGHUP,  SIGUSR1};

int child_signals_take(struct child_signals *signals) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
    struct sigaction now;
    sigaction(watched[i], NULL, &now);
    if (watched[i] == SIGCHLD || now.sa_handler != SIG_IGN)
      sigaddset(&set, watched[i]);
  }
  signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals->fd < 0)
    return errno;
  sigaddset(&set, SIGTTOU);
  sigprocmask(SIG_BLOCK, &set, &signals->mask);
  for (int i = 0; i < 3; i++) {
    struct sigaction action = {0};
    action.sa_handler = changed[i] == SIGCHLD ? SIG_DFL : SIG_IGN;
    sigaction(changed[i], &action, &signals->actions[i]);
  }
  return 0;
}

static void signals_put_back(const struct child_signals *signals) {
  for (int i = 0; i < 3; i++)
    sigaction(changed[i], &signals->actions[i], NULL);
  sigprocmask(SIG_SETMASK, &signals->mask, NULL);
}

void child_signals_give_back(struct child_signals *signals) {
  struct signalfd_siginfo drop;
  /* What still pends was meant for the command, which has ended. */
  while (read(signals->fd, &drop, sizeof drop) == (ssize_t)sizeof drop)
    continue;
  close(signals->fd);
  signals_put_back(signals);
}

/* Put ours before the user's own; nothing to do when it is there already. */
static int prepend_preload(const char *preload) {
  const char *old = getenv("LD_PRELOAD");
  char *value;
  int error;
  if (!old || !*old)
    return setenv("LD_PRELOAD", preload, 1);
  size_t size = strlen(preload);
  if (!strncmp(old, preload, size) && strchr(": ", old[size]))
    return 0; /* strchr also finds the terminator */
  if (asprintf(&value, "%s:%s", preload, old) < 0)
    return -1;
  error = setenv("LD_PRELOAD", value, 1);
  free(value);
  return error;
}

/* In the child; never returns. */
static _Noreturn void child_exec(int gate, int report,
                                 const struct child_signals *signals,
                                 const char *file, char *const *argv,
                                 const char *preload, const char *arena) {
  char go;
  ssize_t got;
  while ((got = read(gate, &go, 1)) < 0 && errno == EINTR)
    continue;
  if (got != 1)
    _exit(0);
  if (!prepend_preload(preload) && !setenv(LTI_ARENA_ENV, arena, 1)) {
    signals_put_back(signals);
    /* execvp: a script without #! is given to the shell, as everywhere. The
     * file has been found already; a slash keeps it from searching again. */
    char path[4098];
    snprintf(path, sizeof path, "%s%s", strchr(file, '/') ? "" : "./", file);
    execvp(path, argv);
  }
  int error = errno;
  while (write(report, &error, sizeof error) < 0 && errno == EINTR)
    continue;
  _exit(127);
}

int child_hold(struct child *child, const struct child_signals *signals,
               const char *file, char *const *argv, const char *preload,
               const char *arena) {
  int gate[2], report[2], error;
  if (pipe2(gate, O_CLOEXEC))
    return errno;
  if (pipe2(report, O_CLOEXEC)) {
    error = errno;
    goto fail_gate;
  }
  pid_t pid = fork();
  if (pid == 0) {
    close(gate[1]);
    close(report[0]);
    child_exec(gate[0], report[1], signals, file, argv, preload, arena);
  }
  if (pid < 0) {
    error = errno;
    goto fail_report;
  }
  close(gate[0]);
  close(report[1]);
  *child = (struct child){pid, gate[1], report[0]};
  return 0;
fail_report:
  close(report[0]);
  close(report[1]);
fail_gate:
  close(gate[0]);
  close(gate[1]);
  return error;
}

static void reap(pid_t pid) {
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
    continue;
}

int child_release(struct child *child) {
  int error = 0;
  ssize_t got;
  /* SIGPIPE is ignored here: a child killed while held shows as ended later. */
  while (write(child->gate, "", 1) < 0 && errno == EINTR)
    continue;
  while ((got = read(child->report, &error, sizeof error)) < 0 &&
         errno == EINTR)
    continue;
  close(child->gate);
  close(child->report);
  if (got != (ssize_t)sizeof error)
    return 0;
  reap(child->pid);
  return error;
}

void child_abandon(struct child *child) {
  close(child->gate);
  close(child->report);
  reap(child->pid);
}

/* Is a process stopped?  Field 3 of its stat, after the name in brackets. */
static bool is_stopped(pid_t pid) {
  char path[32], text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  text[got > 0 ? got : 0] = 0;
  const char *end = strrchr(text, ')');
  return end && end[1] && end[2] == 'T';
}

/* CPU time of its main thread: it grows where a process went on, and was stopped
 * again. */
static uint64_t ran_so_far(pid_t pid) {
  char path[40], text[96];
  snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  text[got > 0 ? got : 0] = 0;
  return strtoull(text, NULL, 10);
}

void child_follow_stop(pid_t child) {
  pid_t self = getpid();
  if (!is_stopped(child))
    return;
  uint64_t ran_ns = ran_so_far(child);
  /* A stopped process cannot see that its child goes on again, and nobody else
   * would tell it when only the child is continued: so somebody watches. */
  pid_t watcher = fork();
  if (watcher == 0) {
    const struct timespec pause = {0, 10000000};
    /* The child may go on before this process has stopped at all. */
    while (getppid() == self && ((is_stopped(child) &&
                                  ran_so_far(child) == ran_ns) ||
                                 !is_stopped(self)))
      nanosleep(&pause, NULL);
    if (getppid() == self)
      kill(self, SIGCONT);
    _exit(0);
  }
  kill(self, SIGSTOP); /* returns when continued */
  if (watcher > 0) {
    kill(watcher, SIGKILL);
    reap(watcher);
  }
  /* Where it went on meanwhile, it is in another stop, which is not ours. */
  if (is_stopped(child) && ran_so_far(child) == ran_ns)
    kill(child, SIGCONT);
}

/* Does a process have the file mapped? */
static bool maps_file(const char *pid, const char *file, bool *with_uv) {
  char path[300], *line = NULL;
  size_t size = 0;
  bool found = false, uv = false;
  snprintf(path, sizeof path, "/proc/%s/maps", pid);
  FILE *maps = fopen(path, "re");
  if (!maps)
    return false;
  while (getline(&line, &size, maps) > 0) {
    found = found || strstr(line, file);
    uv = uv || strstr(line, "/libuv.so");
  }
  free(line);
  fclose(maps);
  *with_uv = *with_uv || (found && uv);
  return found;
}

static unsigned count_once(const char *file, pid_t pid, bool *with_uv) {
  unsigned n = 0;
  *with_uv = false;
  DIR *proc = opendir("/proc");
  if (!proc)
    return 0;
  for (struct dirent *entry; (entry = readdir(proc));) {
    long other = strtol(entry->d_name, NULL, 10);
    if (other > 0 && other != getpid() && other != pid)
      n += maps_file(entry->d_name, file, with_uv);
  }
  closedir(proc);
  return n;
}

/* The list of processes is older than the look at each of them: one that forked
 * a child and ended in between is gone, and its child is not in the list.  Then
 * it is in the next. */
unsigned child_count_mappers(const char *file, pid_t pid, bool *with_uv) {
  unsigned n = count_once(file, pid, with_uv);
  return n ? n : count_once(file, pid, with_uv);
}
