/* The recording engine: one command, one arena, one drain.
 *
 * Invariant: whatever goes wrong after the command has started, its status is
 * what the caller gets, and the arena's file is gone at the end.  Called by
 * cmd_record.c and by `check -- CMD`. */
#include "config.h"

#include "launch/launch.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/share.h"
#include "drain/drain.h"
#include "launch/child.h"
#include "launch/control.h"
#include "launch/locate.h"
#include "launch/program.h"
#include "launch/steer.h"
#include "launch/stops.h"
#include "launch/waker.h"
#include "launch/why.h"
#include "read/rebuild.h"
#include "record/clock.h"
#include "symbol/aside.h"
#include "watch/watch.h"

#define SECOND_NS UINT64_C(1000000000)
#define SCAN_NS (SECOND_NS / 10)
#define FOLLOW_NS (SECOND_NS / 5)
#define PENDING_BYTES (UINT64_C(128) << 20)

struct launch {
  const struct launch_options *options;
  struct launch_result *result;
  struct child_signals signals;
  struct lti_share arena;
  struct symbol *symbols;
  struct aside *aside; /* who looks names up in them */
  struct lti_drain *drain;
  struct watch *watch;
  struct waker *waker;
  struct stops *stops;
  struct control *control;
  struct steer steer;
  struct child child;
  char file[PATH_MAX]; /* the command's */
  char became[PATH_MAX]; /* what its process was seen to be last; "" not yet */
  char standard[64];   /* its trace, where none is named */
  bool ended;          /* the command has */
  bool told;           /* that others live on */
  bool stop;           /* asked to end */
  bool expired;        /* the recording has ended, by --duration */
  int stop_signal;
  uint64_t ended_ns, term_ns;
  uint64_t maybe_ns;   /* see why_no_loop() */
  uint64_t stopped_ns; /* the command has been since then; 0: it is not */
  uint64_t drain_due_ns;
  uint64_t scanned_ns; /* last look for processes without a slot */
  bool scan_found;
};

static void say(struct launch *l, const char *pattern, ...) {
  va_list args;
  char *text = NULL;
  if (l->result->message)
    return;
  va_start(args, pattern);
  if (vasprintf(&text, pattern, args) >= 0)
    l->result->message = text;
  va_end(args);
}

/* Before anything is made: the command, the output.  An exit code. */
static int look_before(struct launch *l) {
  const struct launch_options *options = l->options;
  const char *name = options->argv[0];
  int error = program_find(name, l->file);
  if (error) {
    say(l, error == ENOENT ? "%s: command not found" : "cannot run %s: %s",
        name, strerror(error));
    return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
  }
  if (options->path) {
    if (!locate_output_ok(options->path, options->overwrite,
                          &l->result->message))
      return EXIT_RECORDER;
  } else if (access(".", W_OK | X_OK)) {
    say(l, "cannot write a trace into this folder: %s; -o names another place",
        strerror(errno));
    return EXIT_RECORDER;
  }
  return EXIT_OK;
}

/* COMM-PID.lt, with nothing in it that a terminal or a shell would mind. */
static void default_path(const struct launch *l, char path[64]) {
  const char *base = strrchr(l->file, '/');
  char comm[16];
  snprintf(comm, sizeof comm, "%.15s", base ? base + 1 : l->file);
  for (char *p = comm; *p; p++)
    if (*p <= ' ' || *p == 127 || (p == comm && (*p == '-' || *p == '.')))
      *p = '_';
  snprintf(path, 64, "%s-%d.lt", comm, (int)l->child.pid);
}

static uint64_t window_bytes(const struct launch_options *o) {
  return o->flight_bytes ? o->flight_bytes
         : o->flight_ns  ? LTI_FLIGHT_BYTES_MAX
                         : LTI_FLIGHT_BYTES;
}

static bool open_drain(struct launch *l) {
  default_path(l, l->standard);
  const char *path = l->options->path ? l->options->path : l->standard;
  struct lti_drain_options options = {
      .path = path,
      .overwrite = l->options->overwrite,
      .command_pid = l->child.pid,
      .max_bytes = l->options->max_bytes,
      .keep = l->options->keep,
      .pending_bytes = PENDING_BYTES,
      .is_flight = l->options->mode == LTI_MODE_FLIGHT,
      .window_bytes = window_bytes(l->options),
      .window_ns = l->options->flight_ns,
      .make_index = lti_index_of_file,
      .stall_ns = l->options->snapshot_stall_ns,
      .recorder = PACKAGE_STRING,
      .namer = &aside_namer,
      .namer_context = l->aside,
  };
  lt_status status =
      lti_drain_open(l->arena.arena, l->arena.fd, &options, &l->drain);
  if (status == LT_EXISTS)
    say(l, "%s exists already; --overwrite replaces it", path);
  else if (status)
    say(l, "cannot record into %s: %s", path, lt_status_text(status));
  return status == LT_OK;
}

/* Without it there are fewer answers, but a trace. */
static void open_watch(struct launch *l) {
  const struct watch_options options = {
      .arena = l->arena.arena,
      .drain = l->drain,
      .names = l->aside,
      .threshold_ns = l->options->stall_threshold_ns,
      .is_verbose = l->options->verbose,
  };
  l->watch = watch_open(&options);
}

static bool make_arena(struct launch *l) {
  struct lti_arena_options options = {
      .no_follow = l->options->no_follow,
      .no_fd_names = l->options->no_fd_names,
      .min_block_ns = l->options->min_block_ns,
      .mode = l->options->mode,
      .is_off = l->options->delay_ns != 0,
      .large_records = lti_arena_records(l->options->ring_bytes),
  };
  char why[512] = "";
  if (lti_share_make(&l->arena, &options, why, sizeof why))
    return true;
  say(l, "no place for the shared memory of the recording (%s)", why);
  return false;
}

static void command_ended(struct launch *l, const siginfo_t *info) {
  bool exited = info->si_code == CLD_EXITED;
  struct lti_knot ended =
      l->stops ? stops_end(l->stops)
               : lti_knot_take(l->arena.arena->clock_is_tsc != 0);
  l->ended = true;
  l->ended_ns = lti_monotonic_ns();
  l->result->status = exited ? info->si_status : 128 + info->si_status;
  if (!exited)
    l->maybe_ns = watch_maybe_ns(l->watch, l->child.pid, ended.clock);
  if (!l->expired)
    lti_drain_process_ended(l->drain, l->child.pid,
                            exited ? LT_END_EXITED : LT_END_KILLED,
                            info->si_status, ended);
}

static void child_changed(struct launch *l) {
  siginfo_t info;
  while (!l->ended) {
    info.si_pid = 0;
    if (waitid(P_PID, (id_t)l->child.pid, &info, WEXITED | WNOHANG) ||
        !info.si_pid)
      return;
    command_ended(l, &info);
  }
}

static void take_stops(struct launch *l) {
  bool stopped;
  uint64_t clock, ns;
  while (stops_take(l->stops, &stopped, &clock, &ns)) {
    if (l->stopped_ns)
      watch_continues(l->watch, clock);
    if (stopped)
      watch_stops(l->watch, l->child.pid, clock);
    l->stopped_ns = stopped ? ns : 0;
  }
}

/* A stop that lasts is followed, for the shell's sake; of a short one it is
 * more useful to see when it ends.  Returns: ns until that is to be asked
 * again. */
static uint64_t follow_stop(struct launch *l) {
  uint64_t now = lti_monotonic_ns();
  if (!l->stopped_ns || l->ended)
    return UINT64_MAX;
  if (now - l->stopped_ns < FOLLOW_NS)
    return FOLLOW_NS - (now - l->stopped_ns);
  child_follow_stop(l->child.pid);
  take_stops(l);
  return l->stopped_ns ? FOLLOW_NS : UINT64_MAX;
}

/* A signal for this process.  The terminal's own go to the command directly,
 * and what the command sends to its group has reached it. */
static void signal_came(struct launch *l, const struct signalfd_siginfo *info) {
  int signal = (int)info->ssi_signo;
  if (signal == SIGCHLD) {
    child_changed(l);
    return;
  }
  if (signal == SIGUSR1 && l->options->mode == LTI_MODE_FLIGHT) {
    lti_drain_snapshot(l->drain);
    l->drain_due_ns = 0;
    return;
  }
  if (l->ended) {
    l->stop = l->stop || signal != SIGTSTP;
    return;
  }
  bool has_it =
      info->ssi_code == SI_KERNEL || (pid_t)info->ssi_pid == l->child.pid;
  if (signal == SIGINT || signal == SIGQUIT || has_it)
    return;
  uint64_t now = lti_monotonic_ns();
  if (signal == SIGTERM && l->term_ns && now - l->term_ns > SECOND_NS) {
    l->stop = true;
    l->stop_signal = signal;
    return;
  }
  if (signal == SIGTERM && !l->term_ns)
    l->term_ns = now;
  kill(l->child.pid, signal);
}

/* The command has ended: is there anybody left who may still turn a loop?
 * Programs that were forked but have not turned one yet (a daemon on its way)
 * are waited for as long as they have libuv, others for a second. */
static bool others_live(struct launch *l) {
  uint64_t now = lti_monotonic_ns();
  if (lti_drain_has_live(l->drain))
    return true;
  if (!l->scanned_ns || now - l->scanned_ns >= SCAN_NS) {
    bool with_uv;
    unsigned n =
        l->options->no_follow
            ? 0
            : child_count_mappers(l->arena.path, l->child.pid, &with_uv);
    l->scan_found = n && (with_uv || now - l->ended_ns < SECOND_NS);
    l->scanned_ns = now;
  }
  return l->scan_found;
}

static void tell_of_others(struct launch *l) {
  if (l->told || l->options->quiet ||
      lti_monotonic_ns() - l->ended_ns < SECOND_NS)
    return;
  l->told = true;
  fprintf(stderr,
          "%s: the command has ended; still recording what it left running "
          "(Ctrl-C ends the recording only)\n",
          l->options->who);
}

/* The drain's step when it is due, and the watchdog's look.  Returns: how long
 * to sleep. */
static uint64_t step(struct launch *l) {
  uint64_t now = lti_monotonic_ns();
  bool is_due = now >= l->drain_due_ns;
  if (is_due)
    stops_settle(l->stops);
  take_stops(l);
  if (is_due) {
    uint64_t sleep_ns = lti_drain_step_until(l->drain, now);
    now = lti_monotonic_ns();
    l->drain_due_ns = now + sleep_ns;
  }
  uint64_t look_ns = l->watch ? watch_look(l->watch) : UINT64_MAX;
  uint64_t sleep_ns = l->drain_due_ns - now;
  return sleep_ns < look_ns ? sleep_ns : look_ns;
}

/* A command may become another program, in which we are not: for why_no_loop(). */
static void see_program(struct launch *l) {
  char link[32];
  snprintf(link, sizeof link, "/proc/%d/exe", (int)l->child.pid);
  ssize_t n = readlink(link, l->became, sizeof l->became - 1);
  l->became[n > 0 ? n : 0] = 0;
}

/* --duration is over: the traces are closed, the command goes on. */
static void expire(struct launch *l) {
  l->expired = l->steer.is_over = true;
  watch_close(l->watch);
  l->watch = NULL;
  lti_drain_finish(l->drain, LT_END_STOPPED);
}

/* Until the time is over, a signal comes or a ring of the program fills. */
static void sleep_for(struct launch *l, const struct timespec *timeout) {
  struct pollfd fds[] = {{.fd = l->signals.fd, .events = POLLIN},
                         {.fd = waker_fd(l->waker), .events = POLLIN},
                         {.fd = control_fd(l->control), .events = POLLIN},
                         {.fd = stops_fd(l->stops), .events = POLLIN}};
  struct signalfd_siginfo info;
  if (ppoll(fds, 4, timeout, NULL) <= 0)
    return;
  take_stops(l);
  if (fds[2].revents)
    control_serve(l->control, steer_answer, &l->steer);
  if (fds[1].revents) {
    waker_clear(l->waker);
    l->drain_due_ns = 0;
  }
  while (!l->stop &&
         read(l->signals.fd, &info, sizeof info) == (ssize_t)sizeof info)
    signal_came(l, &info);
}

static void drain_until_the_end(struct launch *l) {
  uint64_t swept_ns = lti_monotonic_ns();
  uint64_t began_ns = swept_ns, duration_ns = l->options->duration_ns;
  bool delayed = l->options->delay_ns != 0;
  while (!l->stop) {
    if (delayed && lti_monotonic_ns() - began_ns >= l->options->delay_ns) {
      delayed = false;
      lti_drain_switch(l->drain, true);
    }
    if (duration_ns && !l->expired &&
        lti_monotonic_ns() - began_ns >= l->options->delay_ns + duration_ns)
      expire(l);
    uint64_t sleep_ns = l->expired ? SECOND_NS / 10 : step(l);
    uint64_t follow_ns = follow_stop(l);
    if (sleep_ns > follow_ns)
      sleep_ns = follow_ns;
    if ((delayed || (duration_ns && !l->expired)) && sleep_ns > SECOND_NS / 100)
      sleep_ns = SECOND_NS / 100;
    struct timespec timeout = {(time_t)(sleep_ns / SECOND_NS),
                               (long)(sleep_ns % SECOND_NS)};
    sleep_for(l, &timeout);
    if (l->expired && l->ended)
      return;
    if (l->expired)
      continue;
    if (l->ended) {
      if (!others_live(l))
        return;
      tell_of_others(l);
    } else if (lti_monotonic_ns() - swept_ns > SECOND_NS) {
      (void)lti_drain_has_live(l->drain); /* closes files of ended children */
      see_program(l);
      swept_ns = lti_monotonic_ns();
    }
  }
  l->result->was_stopped = true;
  if (l->ended)
    return;
  l->result->status = 128 + l->stop_signal;
  l->maybe_ns = watch_maybe_ns(l->watch, l->child.pid,
                               lti_clock_read(l->arena.arena->clock_is_tsc));
}

static char *copy(const char *text) {
  return text ? strdup(text) : NULL;
}

/* The drain's list, without processes that turned no loop; the command first.
 */
static void keep_files(struct launch *l) {
  size_t n = 0;
  struct launch_result *result = l->result;
  const struct lti_drain_file *files = lti_drain_files(l->drain, &n);
  result->files = n ? calloc(n, sizeof *result->files) : NULL;
  if (!result->files)
    return;
  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < n; i++) {
      const struct lti_drain_file *from = &files[i];
      if ((from->pid != l->child.pid) != pass || (!from->path && !from->error))
        continue;
      result->files[result->n_files++] = (struct launch_file){
          .path = copy(from->path),
          .comm = copy(from->comm),
          .pid = from->pid,
          .n_events = from->n_events,
          .n_lost = from->n_lost,
          .size_bytes = from->size_bytes,
          .duration_ns = from->duration_ns,
          .is_full = from->is_full,
          .n_parts = from->n_parts,
          .n_removed = from->n_removed,
          .n_removed_events = from->n_removed_events,
          .n_snapshots = from->n_snapshots,
          .n_unsaved = from->n_unsaved,
          .error = from->error,
          .error_doing = copy(from->error_doing),
      };
    }
}

static char *why_nothing(struct launch *l) {
  size_t n = 0;
  const struct lti_drain_file *files = lti_drain_files(l->drain, &n);
  for (size_t i = 0; files && i < n; i++)
    if (files[i].n_loops && l->options->mode == LTI_MODE_FLIGHT)
      return strdup("the flight recorder was not asked for a snapshot");
  return why_no_loop(l->file, atomic_load(&l->arena.arena->n_attached),
                     atomic_load(&l->arena.arena->n_past) > 0, l->became,
                     l->maybe_ns);
}

/* The command is held at its gate; let it run to its end.  An exit code. */
static int record(struct launch *l) {
  struct launch_result *result = l->result;
  umask(077); /* a umask of 0777 would take the traces' owner's rights too */
  if (!open_drain(l)) {
    child_abandon(&l->child);
    return EXIT_RECORDER;
  }
  result->pid = l->child.pid;
  l->steer = (struct steer){.arena = l->arena.arena,
                            .drain = l->drain,
                            .command = l->child.pid,
                            .began_ns = lti_monotonic_ns()};
  l->control = control_open(l->arena.path);
  int error = child_release(&l->child);
  if (error) {
    say(l, "cannot run %s: %s", l->file,
        error == ENOENT ? "its interpreter does not exist" : strerror(error));
    control_close(l->control);
    lti_drain_finish(l->drain, LT_END_UNKNOWN);
    return EXIT_CANNOT_RUN;
  }
  if (l->options->started)
    l->options->started(l->options->started_context, l->child.pid,
                        l->options->path ? l->options->path : l->standard);
  open_watch(l);
  l->waker = waker_open(l->arena.arena);
  l->stops = stops_open(l->child.pid, l->arena.arena->ticks_per_ms,
                        l->arena.arena->clock_is_tsc != 0);
  drain_until_the_end(l);
  stops_close(l->stops);
  control_close(l->control);
  waker_close(l->waker);
  watch_close(l->watch);
  lti_drain_finish(l->drain,
                   result->was_stopped ? LT_END_STOPPED : LT_END_UNKNOWN);
  keep_files(l);
  if (!result->n_files)
    result->why_empty = why_nothing(l);
  return EXIT_OK;
}

int launch_run(const struct launch_options *options,
               struct launch_result *result) {
  char preload[PATH_MAX];
  struct launch l = {.options = options, .result = result};
  int code, error;

  memset(result, 0, sizeof *result);
  if ((code = look_before(&l)))
    return code;
  code = EXIT_RECORDER;
  if (!locate_preload(preload, &result->message))
    return code;
  if ((error = child_signals_take(&l.signals))) {
    say(&l, "cannot watch signals: %s", strerror(error));
    return code;
  }
  if (!make_arena(&l))
    goto signals;
  if (!(l.symbols = symbol_open()) || !(l.aside = aside_open(l.symbols))) {
    say(&l, "%s", lt_status_text(LT_NOMEM));
    goto arena;
  }
  mode_t mask = umask(077);
  umask(mask);
  error = child_hold(&l.child, &l.signals, l.file, options->argv, preload,
                     l.arena.path);
  if (error)
    say(&l, "cannot start a process: %s", strerror(error));
  else
    code = record(&l);
  lti_drain_close(l.drain);
  umask(mask);
arena:
  aside_close(l.aside);
  symbol_close(l.symbols);
  lti_arena_unmap(l.arena.arena);
  lti_share_remove(&l.arena);
signals:
  child_signals_give_back(&l.signals);
  return code;
}

void launch_free(struct launch_result *result) {
  for (size_t i = 0; i < result->n_files; i++) {
    free(result->files[i].path);
    free(result->files[i].comm);
    free(result->files[i].error_doing);
  }
  free(result->files);
  free(result->why_empty);
  free(result->message);
  memset(result, 0, sizeof *result);
}
