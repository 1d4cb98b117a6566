/* looptrace recover: save what a killed recorder left.
 *
 * Invariant: what is recovered from stays as it is, but for an arena, which is
 * removed once everything in it is written.  Called by main.c. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/share.h"
#include "cli/option.h"
#include "command.h"
#include "drain/drain.h"
#include "drain/recover.h"
#include "launch/control.h"
#include "output/inert.h"
#include "output/open.h"
#include "output/units.h"
#include "read/rebuild.h"
#include "record/clock.h"
#include "symbol/symbol.h"

#define WHO "looptrace recover"
#define ALIVE_NS UINT64_C(10000000000)

enum { OPT_OVERWRITE = 256, OPT_INDEX };

static const struct option_row option_rows[] = {
    {'o', "output", "OUT", OFFER_FILES,
     "default: FILE.recovered.lt, without FILE's own .lt; for shared memory "
     "COMMAND-PID.recovered.lt, here"},
    {OPT_OVERWRITE, "overwrite", NULL, NULL, "replace a file that is there"},
    {OPT_INDEX, "index", NULL, NULL,
     "copy a trace that is whole too, with a new index in the place of its "
     "own; default OUT then: FILE.indexed.lt"},
    {0}};

struct request {
  const char *path, *output;
  bool overwrite, is_indexed;
};

static int parse(int argc, char **argv, struct request *q) {
  int c;
  option_begin(&cmd_recover, argv);
  while ((c = option_next(argc, argv)) != OPTION_END)
    switch (c) {
    case 'o':
      q->output = optarg;
      break;
    case OPT_OVERWRITE:
      q->overwrite = true;
      break;
    case OPT_INDEX:
      q->is_indexed = true;
      break;
    default:
      return option_exit(c);
    }
  if (argc - optind > 1)
    return open_usage(WHO, "one file at a time%s", "");
  q->path = argv[optind];
  return -1;
}

static int complain(const char *path, const char *what) {
  char safe[4400];
  fprintf(stderr, WHO ": %s: %s\n", inert(path, safe, sizeof safe), what);
  return EXIT_UNREADABLE;
}

static void tell(const char *from, const char *to, uint64_t n_events,
                 uint64_t size_bytes, const char *more) {
  char a[4400], b[4400];
  units_buf size;
  fprintf(stderr, WHO ": %" PRIu64 " events of %s are in %s (%s)%s\n", n_events,
          inert(from, a, sizeof a), inert(to, b, sizeof b),
          units_bytes(size, size_bytes), more);
}

/* FILE.WHAT.lt of a file, without its own .lt. */
static void name_beside(const char *path, const char *what, char *name,
                        size_t size) {
  size_t stem = strlen(path);
  if (stem > 3 && strcmp(path + stem - 3, ".lt") == 0)
    stem -= 3;
  snprintf(name, size, "%.*s.%s.lt", (int)stem, path, what);
}

/* Arenas */

static bool is_running(const struct lti_proc *p) {
  return lti_pid_lives(p->pid, p->start_ticks);
}

/* Does somebody drain it?  Its heart beats at least every 50 ms. */
static bool is_drained(const struct lti_arena *arena) {
  uint64_t beat = atomic_load(&arena->heartbeat_ns), now = lti_monotonic_ns();
  return lti_pid_lives(arena->drain_pid, 0) &&
         (now < beat || now - beat < ALIVE_NS);
}

/* A file of this user, so that nobody can make us run over theirs.
 * Returns: a descriptor, -1 for none. */
static int open_own(const char *path) {
  struct stat st;
  int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
                  st.st_uid != geteuid())) {
    close(fd);
    fd = -1;
  }
  return fd;
}

/* Returns: the arena, to be unmapped, and fd; NULL. */
static struct lti_arena *open_arena(const char *path, int *fd) {
  uint64_t magic = 0;
  struct lti_arena *arena = NULL;
  *fd = open_own(path);
  if (*fd < 0)
    return NULL;
  if (pread(*fd, &magic, sizeof magic, 0) == (ssize_t)sizeof magic &&
      magic == LTI_ARENA_MAGIC)
    arena = lti_arena_map(*fd);
  if (!arena)
    close(*fd);
  return arena;
}

static void close_arena(struct lti_arena *arena, int fd) {
  lti_arena_unmap(arena);
  close(fd);
}

/* The process that turned loops; the first one where there are several. */
static const struct lti_proc *main_process(struct lti_arena *arena) {
  const struct lti_proc *first = NULL;
  for (uint32_t i = 0; i < arena->n_procs; i++) {
    const struct lti_proc *p = lti_arena_proc(arena, i);
    uint32_t state = atomic_load_explicit(&p->state, memory_order_acquire);
    if (state != LTI_SLOT_CLAIMED && state != LTI_SLOT_ENDED)
      continue;
    if (!first || (!atomic_load(&first->loops) && atomic_load(&p->loops)))
      first = p;
  }
  return first;
}

/* COMM-PID.recovered.lt, with nothing of a path in it. */
static void name_output(const struct lti_proc *p, char *name, size_t size) {
  char comm[17] = "";
  memcpy(comm, p->comm, 16);
  for (char *c = comm; *c; c++)
    if (*c <= ' ' || *c == '/' || *c == 127 ||
        (c == comm && (*c == '-' || *c == '.')))
      *c = '_';
  snprintf(name, size, "%s-%d.recovered.lt", comm, (int)p->pid);
}

/* Returns: an exit code; everything written, or a message printed. */
static int drain_arena(struct lti_arena *arena, int fd, const char *from,
                       const struct lti_drain_options *options) {
  struct lti_drain *drain;
  lt_status status = lti_drain_open(arena, fd, options, &drain);
  if (status != LT_OK)
    return complain(options->path, lt_status_text(status));
  (void)lti_drain_step(drain);
  lti_drain_finish(drain, LT_END_RECOVERED);
  size_t n;
  int code = EXIT_OK;
  bool any = false;
  const struct lti_drain_file *files = lti_drain_files(drain, &n);
  for (size_t i = 0; files && i < n; i++) {
    if (files[i].error)
      code = complain(options->path, strerror(files[i].error));
    else if (files[i].path)
      tell(from, files[i].path, files[i].n_events, files[i].size_bytes, "");
    any = any || files[i].path;
  }
  if (!any && code == EXIT_OK)
    fputs(WHO ": no event of a loop was left in it\n", stderr);
  lti_drain_close(drain);
  return code;
}

/* What a flight recorder in the program had kept, as a snapshot of its death.
 *
 * is_written: set when there was something.
 * is_left:    set when it is not to be removed.
 * Returns: an exit code; a message is printed. */
static int save_window(const char *window, const char *to, bool overwrite,
                       bool is_dead, bool *is_written, bool *is_left) {
  struct lti_recovered done = {0};
  int fd = open_own(window);
  if (fd < 0)
    return EXIT_OK;
  lt_status status =
      lti_recover_window(fd, to, overwrite,
                         is_dead ? LT_END_GONE : LT_END_RECOVERED,
                         lti_index_of_file, &done);
  int error = errno;
  close(fd);
  if (status == LT_NOT_A_TRACE) { /* the rings need not be lost, too */
    (void)complain(window, "no flight recorder's window; it is left there");
    *is_left = true;
  }
  if (status == LT_END || status == LT_NOT_A_TRACE)
    return EXIT_OK;
  if (status != LT_OK)
    return complain(to, status == LT_IO ? strerror(error)
                                        : lt_status_text(status));
  *is_written = true;
  tell(window, to, done.n_events, done.size_bytes,
       is_dead ? ": what the flight recorder kept when the program died" : "");
  return EXIT_OK;
}

static int recover_arena(struct lti_arena *arena, int fd,
                         const struct request *q) {
  char name[64] = "empty.recovered.lt", window[4400], rest[4400];
  const struct lti_proc *p = main_process(arena);
  if (is_drained(arena))
    return complain(q->path, "it is still being recorded");
  if (p)
    name_output(p, name, sizeof name);
  const char *to = q->output ? q->output : name;
  bool is_written = false, is_left = false;
  snprintf(window, sizeof window, "%s" LTI_SHARE_WINDOW, q->path);
  int code = save_window(window, to, q->overwrite, p && !is_running(p),
                         &is_written, &is_left);
  if (code != EXIT_OK)
    return code;
  name_beside(to, "rest", rest, sizeof rest);
  struct symbol *symbols = symbol_open();
  struct lti_drain_options options = {
      .path = is_written ? rest : to,
      .overwrite = q->overwrite,
      .command_pid = p ? p->pid : 0,
      .recorder = PACKAGE_STRING,
      .namer = symbols ? &symbol_namer : NULL,
      .namer_context = symbols,
      .is_recovery = true,
  };
  code = drain_arena(arena, fd, q->path, &options);
  if (symbols)
    symbol_close(symbols);
  if (code == EXIT_OK) {
    if (!is_left)
      unlink(window);
    unlink(q->path);
    snprintf(window, sizeof window, "%s" CONTROL_SUFFIX, q->path);
    unlink(window); /* where the recorder was to be asked */
  }
  return code;
}

static void list_arena(void *context, const char *path) {
  bool *any = context;
  int fd;
  struct lti_arena *arena = open_arena(path, &fd);
  if (!arena)
    return;
  const struct lti_proc *p = main_process(arena);
  if (!is_drained(arena)) {
    char comm[17] = "", safe[128];
    if (p)
      memcpy(comm, p->comm, 16);
    printf("%s  %s (pid %d%s)\n", path,
           p ? inert(comm, safe, sizeof safe) : "nobody", p ? (int)p->pid : 0,
           p && is_running(p) ? ", which runs on" : "");
    *any = true;
  }
  close_arena(arena, fd);
}

/* Each file that may be an arena of this user. */
static void each_arena(void (*act)(void *context, const char *path),
                       void *context) {
  const char *folders[] = {"/dev/shm", getenv("XDG_RUNTIME_DIR"), "/tmp"};
  char prefix[48], path[4400];
  snprintf(prefix, sizeof prefix, "looptrace-%u-", (unsigned)geteuid());
  for (int i = 0; i < 3; i++) {
    DIR *folder = folders[i] && *folders[i] == '/' ? opendir(folders[i]) : NULL;
    if (!folder)
      continue;
    for (struct dirent *entry; (entry = readdir(folder));)
      if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
        snprintf(path, sizeof path, "%s/%s", folders[i], entry->d_name);
        act(context, path);
      }
    closedir(folder);
  }
}

static int list_arenas(void) {
  bool any = false;
  each_arena(list_arena, &any);
  if (!any)
    fputs(WHO ": no recording was left behind\n", stderr);
  return EXIT_OK;
}

/* Files */

/* The rings of the process that a trace is of, if they were left behind. */
static void tell_of_rings(void *context, const char *path) {
  const int32_t *pid = context;
  int fd;
  struct lti_arena *arena = open_arena(path, &fd);
  char safe[4400];
  if (!arena)
    return;
  for (uint32_t i = 0; i < arena->n_procs && !is_drained(arena); i++) {
    const struct lti_proc *p = lti_arena_proc(arena, i);
    uint32_t state = atomic_load_explicit(&p->state, memory_order_acquire);
    if (p->pid != *pid ||
        (state != LTI_SLOT_CLAIMED && state != LTI_SLOT_ENDED))
      continue;
    fprintf(stderr,
            WHO ": what came after it may still be in shared memory: "
                "looptrace recover %s\n",
            inert(path, safe, sizeof safe));
    break;
  }
  close_arena(arena, fd);
}

static void look_for_rings(const char *trace) {
  lt_reader *reader;
  if (lt_reader_open(trace, &reader) != LT_OK)
    return;
  int32_t pid = lt_reader_info(reader)->pid;
  lt_reader_close(reader);
  if (pid > 0)
    each_arena(tell_of_rings, &pid);
}

static int recover_file(const struct request *q) {
  char name[4400];
  struct lti_recovered done = {0};
  name_beside(q->path, q->is_indexed ? "indexed" : "recovered", name,
              sizeof name);
  const char *to = q->output ? q->output : name;
  lt_status status = lti_recover_file(q->path, to, q->overwrite, q->is_indexed,
                                      lti_index_of_file, &done);
  int error = errno;
  if (status == LT_CORRUPT)
    return complain(q->path, "its header is damaged, or not one epoch of it is whole");
  if (status == LT_EXISTS)
    return complain(to, "exists already; --overwrite replaces it");
  if (status != LT_OK) { /* what can be read was not written */
    bool is_output = status == LT_IO && access(q->path, R_OK) == 0;
    open_complain(WHO, is_output ? to : q->path, status, error);
    return EXIT_UNREADABLE;
  }
  if (done.was_whole)
    fputs(WHO ": it has its end: there is nothing to recover\n", stderr);
  else
    tell(q->path, to, done.n_events, done.size_bytes, "");
  if (!done.was_whole)
    look_for_rings(to);
  if (!done.was_whole && !done.has_index)
    fputs(WHO ": without an index, because blocks of it are damaged\n", stderr);
  return EXIT_OK;
}

static int run_recover(int argc, char **argv) {
  struct request q = {0};
  int fd, code = parse(argc, argv, &q);
  if (code >= 0)
    return code;
  if (!q.path)
    return list_arenas();
  struct lti_arena *arena = open_arena(q.path, &fd);
  if (!arena)
    return recover_file(&q);
  code = recover_arena(arena, fd, &q);
  close_arena(arena, fd);
  return code;
}

const struct command cmd_recover = {
    .name = "recover",
    .summary = "save what a killed recorder left",
    .options = option_rows,
    .usage = "[options] [FILE]",
    .about = "Save what a recorder that was killed left behind.",
    .operands_help =
        "FILE is a trace that was cut: it is copied up to its last whole "
        "epoch, "
        "closed, and given an index. Or it is the shared memory of a recording "
        "(/dev/shm/looptrace-*): what its rings still hold, which is what came "
        "after the trace, is written to a trace of its own, and the shared "
        "memory is removed. Where the program had a flight recorder in it, what "
        "that kept is OUT, and what came after it OUT.rest.lt. Without FILE, such memory that nobody records any "
        "more is listed.",
    .status = "0; 2 wrong usage; 3 nothing can be recovered, or not written.",
    .examples = "looptrace recover app.lt",
    .operands = OFFER_FILES,
    .run = run_recover,
};
