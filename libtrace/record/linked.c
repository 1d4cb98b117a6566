/* A program that records itself: the drain as a thread of its own.
 *
 * The thread is made by lt_trace_start() and by nothing else; it takes no
 * signal of the program's.  Under `looptrace record` none is made: the recorder
 * outside does the work. */
#include <looptrace/trace.h>

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nap.h"
#include "base/share.h"
#include "config.h"
#include "drain/drain.h"
#include "read/rebuild.h"
#include "record/clock.h"
#include "record/options.h"
#include "record/recorder.h"
#include "record/trigger.h"
#include "record/watch.h"

/* The recorder inside has no libdw: it tells build-ids, so that `report` can
 * name the code from the same file later. */
struct module_search {
  const char *path;
  bool is_self;
  char hex[65];
};

static void take_note(struct module_search *s, const char *at, size_t size) {
  while (size >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    memcpy(&note, at, sizeof note);
    size_t name = (note.n_namesz + (size_t)3) & ~(size_t)3;
    size_t desc = (note.n_descsz + (size_t)3) & ~(size_t)3;
    if (name > size - sizeof note || desc > size - sizeof note - name)
      return;
    const unsigned char *id = (const unsigned char *)at + sizeof note + name;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
        memcmp(at + sizeof note, "GNU", 4) == 0 && note.n_descsz <= 32) {
      for (size_t i = 0; i < note.n_descsz; i++)
        snprintf(s->hex + 2 * i, 3, "%02x", id[i]);
      return;
    }
    at += sizeof note + name + desc;
    size -= sizeof note + name + desc;
  }
}

static int look_into(struct dl_phdr_info *info, size_t size, void *context) {
  struct module_search *s = context;
  (void)size;
  if (info->dlpi_name[0] ? strcmp(info->dlpi_name, s->path) : !s->is_self)
    return 0;
  for (int i = 0; i < info->dlpi_phnum && !s->hex[0]; i++) {
    const ElfW(Phdr) *p = &info->dlpi_phdr[i];
    if (p->p_type == PT_NOTE)
      take_note(s, (const char *)(info->dlpi_addr + p->p_vaddr), p->p_memsz);
  }
  return 1;
}

static const char *build_id(void *context, int32_t pid, const char *path) {
  static struct module_search search; /* the drain's thread only */
  char self[4096];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  (void)context;
  search = (struct module_search){.path = path};
  if (pid != getpid())
    return NULL;
  self[n > 0 ? n : 0] = '\0';
  search.is_self = strcmp(path, self) == 0;
  (void)dl_iterate_phdr(look_into, &search);
  return search.hex[0] ? search.hex : NULL;
}

static bool no_name(void *context, int32_t pid, const char *path,
                    uint64_t offset, struct lti_name *name) {
  (void)context;
  (void)pid;
  (void)path;
  (void)offset;
  (void)name;
  return false;
}

static const struct lti_namer namer = {.site = no_name, .build_id = build_id};

/* Of a thread that does little: what it did in the flush period, some of which
 * the drain has taken and not yet written, is to be found in its ring. */
#define OUTLIVING_RECORDS 4096u

static struct {
  struct lti_arena *arena;
  struct lti_share share; /* path "": the arena is in no file */
  struct lti_drain *drain;
  struct lti_watch *watch;
  pthread_t thread;
  _Atomic bool stop;
  uint64_t end_ns; /* CLOCK_MONOTONIC; 0: none */
  pid_t pid;       /* 0 when nothing is recorded */
  bool at_exit_set;
} linked;

/* A limit to the size of files makes itself known by a signal, which programs die
 * of.  Ours are not theirs: to us the error is enough.  The drain's thread has
 * all signals blocked. */
struct quiet {
  sigset_t before;
  bool was_there;
};

static sigset_t limit_signal(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGXFSZ);
  return set;
}

static bool limit_is_told(void) {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ) == 1;
}

static struct quiet quiet_begin(void) {
  const sigset_t limit = limit_signal();
  struct quiet q = {.was_there = limit_is_told()};
  pthread_sigmask(SIG_BLOCK, &limit, &q.before);
  return q;
}

static void quiet_end(const struct quiet *q) {
  static const struct timespec now = {0, 0};
  const sigset_t limit = limit_signal();
  int saved = errno;
  if (!q->was_there && limit_is_told())
    (void)sigtimedwait(&limit, NULL, &now);
  pthread_sigmask(SIG_SETMASK, &q->before, NULL);
  errno = saved;
}

/* Slots for more threads, where the rings are in a file. */
static void grow(void) {
  if (!linked.share.path[0] || !lti_arena_is_short(linked.arena))
    return;
  int fd = lti_share_reopen(&linked.share);
  lti_arena_grow(linked.arena, fd);
  if (fd >= 0)
    close(fd);
}

/* Returns: false when the recording is over before it is stopped. */
static bool step(uint64_t *sleep_ns) {
  uint64_t now = lti_monotonic_ns();
  *sleep_ns = lti_drain_step(linked.drain);
  uint64_t look_ns = lti_watch_look(linked.watch);
  if (*sleep_ns > look_ns)
    *sleep_ns = look_ns;
  if (linked.end_ns && now >= linked.end_ns) {
    lti_drain_finish(linked.drain, LT_END_STOPPED);
    return false;
  }
  if (linked.end_ns && *sleep_ns > linked.end_ns - now)
    *sleep_ns = linked.end_ns - now;
  return true;
}

static void *drain_thread(void *unused) {
  uint64_t sleep_ns;
  (void)unused;
  while (step(&sleep_ns)) {
    grow();
    lti_nap_prepare(linked.arena);
    if (atomic_load(&linked.stop))
      break;
    lti_nap(linked.arena, sleep_ns);
  }
  return NULL;
}

static int start_thread(void) {
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, SIGSYS); /* and those that a fault of ours would raise */
  sigdelset(&all, SIGSEGV);
  sigdelset(&all, SIGBUS);
  sigdelset(&all, SIGFPE);
  sigdelset(&all, SIGILL);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&linked.thread, NULL, drain_thread, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}

static void choose_path(char *path, size_t size, const char *given) {
  if (given && given[0])
    snprintf(path, size, "%s", given);
  else
    snprintf(path, size, "%s-%d.lt", program_invocation_short_name,
             (int)getpid());
}

static void stop_at_exit(void) {
  (void)lt_trace_stop();
}

/* Also while it is switched off, and by whichever copy of us. */
static bool is_recorded(void) {
  const struct lti_process *process = lt__recorder()->process;
  return *process->alive && process->arena;
}

static enum lti_mode mode_of(lt_trace_mode mode) {
  return mode == LT_TRACE_LOSSLESS ? LTI_MODE_LOSSLESS
         : mode == LT_TRACE_FLIGHT ? LTI_MODE_FLIGHT
                                   : LTI_MODE_DROP;
}

static void choose_window(struct lti_drain_options *to,
                          const lt_trace_options *from) {
  if (from->mode != LT_TRACE_FLIGHT)
    return;
  to->is_flight = true;
  to->window_ns = from->flight_ns;
  to->window_bytes = from->flight_bytes ? from->flight_bytes
                     : from->flight_ns  ? LTI_FLIGHT_BYTES_MAX
                                        : LTI_FLIGHT_BYTES;
  to->stall_ns = from->snapshot_on_stall_ns;
}

/* A flight recorder is there for the crash: it leaves the rings, and its window,
 * without being asked to; but not without end. */
static bool is_to_outlive(const lt_trace_options *options) {
  return options->recoverable ||
         (options->mode == LT_TRACE_FLIGHT && !lti_share_is_crowded());
}

/* In memory of our own, or in a file that a crash leaves behind; of that no
 * descriptor is kept, which the program might close. */
static lt_status make_arena(const lt_trace_options *options) {
  char why[256] = "";
  struct lti_arena_options arena_options = {
      .no_follow = 1,
      .min_block_ns = options->min_block_ns,
      .mode = mode_of(options->mode),
      .large_records = lti_arena_records(options->ring_bytes)};
  linked.share.path[0] = '\0';
  if (is_to_outlive(options)) {
    arena_options.small_records = OUTLIVING_RECORDS;
    struct quiet quiet = quiet_begin();
    bool is_made =
        lti_share_make(&linked.share, &arena_options, why, sizeof why);
    quiet_end(&quiet);
    if (is_made) {
      lti_share_close(&linked.share);
      linked.arena = linked.share.arena;
      return LT_OK;
    }
    linked.share.path[0] = '\0';
    if (options->recoverable)
      return LT_IO;
    arena_options.small_records = 0;
  }
  linked.arena = lti_arena_create(-1, &arena_options);
  return linked.arena ? LT_OK : LT_NOMEM;
}

static void remove_share(void) {
  int saved = errno;
  if (linked.share.path[0])
    lti_share_remove(&linked.share);
  linked.share.path[0] = '\0';
  errno = saved;
}

static lt_status open_drain(const lt_trace_options *options) {
  char path[4096], window[4096 + sizeof LTI_SHARE_WINDOW];
  choose_path(path, sizeof path, options->path);
  snprintf(window, sizeof window, "%s" LTI_SHARE_WINDOW, linked.share.path);
  struct lti_drain_options drain_options = {
      .path = path,
      .overwrite = options->overwrite,
      .command_pid = getpid(),
      .recorder = PACKAGE_STRING,
      .max_bytes = options->max_bytes,
      .keep = (unsigned)options->keep,
      .make_index = lti_index_of_file,
      /* A lossless thread may wait for us while it looks at its modules. */
      .namer = options->mode == LT_TRACE_LOSSLESS ? NULL : &namer,
  };
  choose_window(&drain_options, options);
  if (linked.share.path[0])
    drain_options.window_path = window;
  return lti_drain_open(linked.arena, -1, &drain_options, &linked.drain);
}

static bool was_started;

/* Somebody asks for a trace by the environment, of a program that has us but
 * never starts: without a word, they would look for the file for long. */
__attribute__((destructor)) static void tell_what_was_not_started(void) {
  static const char text[] =
      "looptrace: nothing was recorded: LOOPTRACE_OUT says where to, but this "
      "program never called lt_trace_start()\n";
  const char *path = was_started ? NULL : secure_getenv("LOOPTRACE_OUT");
  if (path && *path && !is_recorded())
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
}

lt_status lt_trace_start(const lt_trace_options *options) {
  lt_trace_options all;
  was_started = true;
  if (is_recorded())
    return linked.pid == getpid() ? LT_STATE : LT_OK; /* or recorded outside */
  if (linked.pid)
    return LT_STATE; /* a forked child of a program that records itself */
  lt_status status = lti_options_fill(options, &all);
  if (status == LT_OK)
    status = make_arena(&all);
  if (status != LT_OK)
    return status;
  status = open_drain(&all);
  if (status != LT_OK)
    goto fail_arena;
  atomic_store(&linked.stop, false);
  linked.watch = lti_watch_open(linked.arena, linked.drain);
  linked.end_ns = all.duration_ns ? lti_monotonic_ns() + all.duration_ns : 0;
  if ((errno = start_thread()) != 0) {
    status = LT_NOMEM;
    goto fail_drain;
  }
  linked.pid = getpid();
  if (!linked.at_exit_set)
    linked.at_exit_set = atexit(stop_at_exit) == 0;
  if (!lti_process_attach_to(linked.arena)) {
    (void)lt_trace_stop();
    return LT_UNSUPPORTED;
  }
  status = lti_trigger_set(all.snapshot_on_signal);
  if (status != LT_OK)
    (void)lt_trace_stop();
  return status;

fail_drain:
  lti_watch_close(linked.watch);
  linked.watch = NULL;
  lti_drain_close(linked.drain);
  linked.drain = NULL;
fail_arena:
  remove_share();
  lti_arena_unmap(linked.arena);
  linked.arena = NULL;
  return status;
}

/* The arena stays mapped: other threads may be in the middle of an event. */
lt_status lt_trace_stop(void) {
  if (linked.pid != getpid())
    return is_recorded() ? LT_OK : LT_STATE;
  lti_trigger_clear();
  lti_process_detach();
  atomic_store(&linked.stop, true);
  lti_nap_end(linked.arena);
  pthread_join(linked.thread, NULL);
  struct quiet quiet = quiet_begin();
  lti_drain_finish(linked.drain, LT_END_STOPPED);
  quiet_end(&quiet);
  size_t n;
  const struct lti_drain_file *files = lti_drain_files(linked.drain, &n);
  lt_status status = LT_OK;
  for (size_t i = 0; i < n; i++)
    if (files[i].error) {
      errno = files[i].error;
      status = LT_IO;
    }
  lti_watch_close(linked.watch);
  linked.watch = NULL;
  lti_drain_close(linked.drain);
  linked.drain = NULL;
  remove_share();
  linked.arena = NULL;
  linked.pid = 0;
  return status;
}
