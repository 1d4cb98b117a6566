/* Recording and looking at once: two processes, and what the command says.
 *
 * Invariant: the recorder and its command are in a session without a terminal,
 * so that no key of the viewer reaches them; signals that end this process are
 * passed on.  Called by cmd_record.c. */
#include "config.h"

#include "command/record_view.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <looptrace/reader.h>

#include "output/inert.h"

#define SHOWN_BYTES (1 << 20) /* of what the command said, at the end */
#define PAUSE_MS 50

struct attended {
  pid_t recorder;
  int path_fd; /* tells the trace's path when the command has begun */
  int log;     /* what was written to the terminal */
  off_t shown;
  bool has_ended;
  int status;
};

static volatile sig_atomic_t asked; /* the signal that came last */

static void on_signal(int number) {
  asked = number;
}

static void catch_signals(void) {
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction action = {.sa_handler = on_signal};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    sigaction(numbers[i], &action, NULL);
}

/* An unlinked file.  -1: errno says why not. */
static int make_log(void) {
  const char *folder = getenv("TMPDIR");
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/looptrace-XXXXXX",
           folder && *folder == '/' ? folder : "/tmp");
  int fd = mkostemp(path, O_APPEND | O_CLOEXEC);
  if (fd >= 0)
    unlink(path);
  return fd;
}

/* In the recorder. */

static void tell_path(void *context, pid_t command, const char *path) {
  int *fd = context;
  dprintf(*fd, "%d %s", (int)command, path);
  close(*fd);
}

static _Noreturn void be_recorder(struct launch_options *options, int path_fd,
                                  int log,
                                  int (*record)(const struct launch_options *)) {
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGHUP); /* as if the terminal went away */
  if (nothing >= 0)
    dup2(nothing, STDIN_FILENO);
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
    if (isatty(fd))
      dup2(log, fd);
  options->started = tell_path;
  options->started_context = &path_fd;
  int code = record(options);
  fflush(NULL);
  _exit(code);
}

/* In the viewer. */

static bool begin(struct attended *a, struct launch_options *options,
                  int (*record)(const struct launch_options *)) {
  int pipe_fds[2];
  a->log = make_log();
  if (a->log < 0 || pipe2(pipe_fds, O_CLOEXEC) != 0)
    return false;
  fflush(NULL);
  a->recorder = fork();
  if (a->recorder == 0) {
    close(pipe_fds[0]);
    be_recorder(options, pipe_fds[1], a->log, record);
  }
  close(pipe_fds[1]);
  a->path_fd = pipe_fds[0];
  return a->recorder > 0;
}

static void pass_on(struct attended *a) {
  int number = asked;
  asked = 0;
  if (number == SIGINT) /* as the terminal does: to all of them */
    kill(-a->recorder, number);
  else if (number)
    kill(a->recorder, number);
}

static void rest(void) {
  const struct timespec pause = {0, PAUSE_MS * 1000000L};
  nanosleep(&pause, NULL);
}

static bool has_ended(struct attended *a) {
  if (!a->has_ended && waitpid(a->recorder, &a->status, WNOHANG) != 0)
    a->has_ended = true;
  return a->has_ended;
}

/* What is new of what the command said; of very much the end. */
static void show_log(struct attended *a) {
  char buf[16384];
  struct stat st;
  ssize_t n;
  if (fstat(a->log, &st) == 0 && st.st_size - a->shown > SHOWN_BYTES) {
    off_t from = st.st_size - SHOWN_BYTES;
    fprintf(stderr, "looptrace: %lld bytes of output are left out here\n",
            (long long)(from - a->shown));
    a->shown = from;
  }
  while ((n = pread(a->log, buf, sizeof buf, a->shown)) > 0) {
    a->shown += n;
    for (ssize_t at = 0, written; at < n; at += written)
      if ((written = write(STDOUT_FILENO, buf + at, (size_t)(n - at))) <= 0)
        return;
  }
}

/* An older one, which is to be replaced, may still be there. */
static bool is_trace_of(const char *path, pid_t command) {
  lt_reader *reader;
  if (lt_reader_open(path, &reader) != LT_OK)
    return false;
  bool is = lt_reader_info(reader)->pid == command;
  lt_reader_close(reader);
  return is;
}

/* Until there is something to look at.  Returns: false when the recording ended
 * without. */
static bool wait_for_trace(struct attended *a, char *path, size_t size) {
  size_t used = 0;
  ssize_t n;
  int command = 0, skip = 0;
  while (used < size - 1 &&
         ((n = read(a->path_fd, path + used, size - 1 - used)) > 0 ||
          (n < 0 && errno == EINTR))) {
    used += n > 0 ? (size_t)n : 0;
    pass_on(a);
  }
  path[used] = '\0';
  if (sscanf(path, "%d %n", &command, &skip) < 1)
    return false;
  memmove(path, path + skip, used + 1 - (size_t)skip);
  for (int i = 0;; i++) {
    if (is_trace_of(path, command))
      return true;
    if (has_ended(a))
      return false;
    if (i == 20)
      fputs("looptrace: no loop has turned yet; Ctrl-C ends the command\n",
            stderr);
    pass_on(a);
    rest();
  }
}

static int look(const char *path) {
  char name[] = "view", follow[] = "--follow", file[PATH_MAX + 2];
  char *words[] = {name, follow, file, NULL};
  snprintf(file, sizeof file, "%s%s", *path == '-' ? "./" : "", path);
  return cmd_view.run(3, words);
}

int record_view(struct launch_options *options,
                int (*record)(const struct launch_options *)) {
  struct attended a = {.log = -1};
  char path[PATH_MAX];
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
    fprintf(stderr, "%s: --view needs a terminal; without it, record and then "
                    "look: looptrace view FILE\n",
            options->who);
    return EXIT_USAGE;
  }
  if (!begin(&a, options, record)) {
    fprintf(stderr, "%s: %s\n", options->who, strerror(errno));
    return EXIT_RECORDER;
  }
  catch_signals();
  if (wait_for_trace(&a, path, sizeof path)) {
    int ended_by = look(path) - 128;
    if (ended_by == SIGTERM || ended_by == SIGHUP)
      asked = ended_by;
    catch_signals(); /* the viewer's loop let go of them */
    show_log(&a);
    if (!has_ended(&a) && !asked)
      fputs("looptrace: recording goes on; Ctrl-C ends the command\n", stderr);
  }
  while (!has_ended(&a)) {
    pass_on(&a);
    show_log(&a);
    rest();
  }
  show_log(&a);
  close(a.path_fd);
  close(a.log);
  return WIFEXITED(a.status) ? WEXITSTATUS(a.status)
                             : 128 + WTERMSIG(a.status);
}
