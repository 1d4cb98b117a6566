/* A program that records itself: the drain as a thread of its own.
 *
 * The thread is made by lt_trace_start() and by nothing else; it takes no signal
 * of the program's.  Under `looptrace record` none is made: the recorder outside
 * does the work. */
#include <looptrace/trace.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nap.h"
#include "config.h"
#include "drain/drain.h"
#include "record/recorder.h"

static struct {
  struct lti_arena *arena;
  struct lti_drain *drain;
  pthread_t thread;
  _Atomic bool stop;
  pid_t pid; /* 0 when nothing is recorded */
  bool at_exit_set;
} linked;

static void *drain_thread(void *unused) {
  (void)unused;
  for (;;) {
    uint64_t sleep_ns = lti_drain_step(linked.drain);
    lti_nap_prepare(linked.arena);
    if (atomic_load(&linked.stop))
      return NULL;
    lti_nap(linked.arena, sleep_ns);
  }
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

static void choose_path(char *path, size_t size,
                        const lt_trace_options *options) {
  const char *from = options ? options->path : NULL;
  if (!from)
    from = secure_getenv("LOOPTRACE_OUT");
  if (from && from[0])
    snprintf(path, size, "%s", from);
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

lt_status lt_trace_start(const lt_trace_options *options) {
  char path[4096];
  if (is_recorded())
    return linked.pid == getpid() ? LT_STATE : LT_OK; /* or recorded outside */
  if (linked.pid)
    return LT_STATE; /* a forked child of a program that records itself */
  choose_path(path, sizeof path, options);
  struct lti_arena_options arena_options = {.no_follow = 1};
  if (options) {
    arena_options.min_block_ns = options->min_block_ns;
    arena_options.mode = options->mode == LT_TRACE_LOSSLESS ? LTI_MODE_LOSSLESS
                                                            : LTI_MODE_DROP;
    arena_options.large_records = lti_arena_records(options->ring_bytes);
  }
  linked.arena = lti_arena_create(-1, &arena_options);
  if (!linked.arena)
    return LT_NOMEM;
  struct lti_drain_options drain_options = {
      .path = path,
      .overwrite = options && options->overwrite,
      .command_pid = getpid(),
      .recorder = PACKAGE_STRING,
  };
  lt_status status =
      lti_drain_open(linked.arena, -1, &drain_options, &linked.drain);
  if (status != LT_OK)
    goto fail_arena;
  atomic_store(&linked.stop, false);
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
  return LT_OK;

fail_drain:
  lti_drain_close(linked.drain);
  linked.drain = NULL;
fail_arena:
  lti_arena_unmap(linked.arena);
  linked.arena = NULL;
  return status;
}

/* The arena stays mapped: other threads may be in the middle of an event. */
lt_status lt_trace_stop(void) {
  if (linked.pid != getpid())
    return is_recorded() ? LT_OK : LT_STATE;
  lti_process_detach();
  atomic_store(&linked.stop, true);
  lti_nap_end(linked.arena);
  pthread_join(linked.thread, NULL);
  lti_drain_finish(linked.drain, LT_END_STOPPED);
  size_t n;
  const struct lti_drain_file *files = lti_drain_files(linked.drain, &n);
  lt_status status = LT_OK;
  for (size_t i = 0; i < n; i++)
    if (files[i].error) {
      errno = files[i].error;
      status = LT_IO;
    }
  lti_drain_close(linked.drain);
  linked.drain = NULL;
  linked.arena = NULL;
  linked.pid = 0;
  return status;
}
