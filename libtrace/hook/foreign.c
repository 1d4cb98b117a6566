/* Which thread turns a loop that is not libuv's.
 *
 * The first wait on an epoll descriptor makes a loop; inside one, it takes ten
 * on another descriptor without one on its own: else a callback waits.  With
 * poll() and select() many programs wait for one thing without being a loop, so
 * there it takes ten waits at the same call, never more than a second apart,
 * all for the same descriptors, and these must be what loops have: something to
 * be woken by (an eventfd and its like), a socket that listens, or two of which
 * one is no pipe (several pipes are a child's output being read).
 *
 * By then the loop may have been held up: from its first look or wait on the
 * thread is on trial (trial.h).
 *
 * The loop ends when the descriptors it lived on are closed, when another epoll
 * descriptor takes its place, or when libuv comes; doc/decisions/0030.
 * Invariant: where `active`, lti_self.depth counts it.  Called by the wrappers
 * of wait.c. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "hook/foreign.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hook/call.h"
#include "hook/trial.h"

enum { POLL_TIMES = 10, UNSEEN_LEAST_MS = 50 };

static __thread struct foreign {
  const void *site;      /* its wait's; NULL: an epoll descriptor's */
  struct lti_waits held; /* what it lives on; none left: it has ended */
  struct lti_outer outer;
  uint32_t epoch; /* of the recording it began in */
  bool active;
  bool never;             /* libuv turns loops here */
  uint16_t times;         /* that the candidate was seen in a row */
  const void *maybe_site; /* a wait that may become one */
  struct lti_waits maybe; /* what all its waits were for */
  uint64_t seen;          /* when the last came back */
} foreign __attribute__((tls_model("initial-exec")));

/* Each said once for a recording. */
enum { NOTE_FOREIGN, NOTE_PAST, NOTES };
static _Atomic uint32_t noted[NOTES];

/* What is in both stays in a.  Returns: is anything? */
static bool keep_common(struct lti_waits *a, const struct lti_waits *b) {
  unsigned n = 0;
  for (unsigned i = 0; i < a->n; i++)
    if (lti_waits_have(b, a->fd[i]))
      a->fd[n++] = a->fd[i];
  a->n = n;
  return n > 0;
}

/* is_seen: we saw how its last turn ended; else nobody is to judge it. */
static void end(bool is_seen) {
  foreign.active = false;
  foreign.times = 0;
  if (foreign.epoch == lti_epoch() && *lti_process.alive)
    lti_loop_leave(&foreign.outer, is_seen ? 0 : 1);
  else if (lti_self.depth) /* it was our parent's */
    lti_depth_drop();
}

/* lti_real_find_uv() would not do: where libuv is still to come, it would not
 * be looked for again. */
static bool is_in_libuv(const void *code) {
  Dl_info info;
  return dladdr(code, &info) && info.dli_fname &&
         strstr(info.dli_fname, "libuv.so");
}

static void note(const void *caller) {
  static const char *const texts[NOTES] = {
      "a loop is not libuv's, or of a libuv that is linked statically: its "
      "turns and blocking calls are seen, its callbacks are not seen",
      "libuv is called past looptrace (through dlsym() on a handle, because "
      "liblooptrace is linked behind it, or in a run that began before the "
      "recording): turns and blocking calls of such a loop are seen, its "
      "callbacks are not seen"};
  unsigned which = is_in_libuv(caller) ? NOTE_PAST : NOTE_FOREIGN;
  uint32_t epoch = lti_epoch();
  if (atomic_exchange_explicit(&noted[which], epoch, memory_order_relaxed) !=
      epoch)
    lti_note_emit(texts[which]);
}

static void note_unseen(const char *did, uint64_t ms, const char *what) {
  char text[240];
  if (ms < UNSEEN_LEAST_MS || lti_process.is_confined)
    return;
  (void)snprintf(text, sizeof text,
                 "thread %ld had %s for %llu ms before its loop was seen to "
                 "wait for the first time: %s, which are not judged",
                 (long)syscall(SYS_gettid), did, (unsigned long long)ms, what);
  lti_note_emit(text);
}

/* What came before the first wait may have been a turn, a long one even, or the
 * program's start: that it was not seen is said where it was long. */
static void note_unseen_start(void) {
  struct timespec cpu = {0, 0};
  if (lti_process.is_confined)
    return;
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
  note_unseen("computed",
              (uint64_t)cpu.tv_sec * 1000 + (uint64_t)cpu.tv_nsec / 1000000,
              "its start, or first turns");
}

/* Nor are the turns of a trial that was given up. */
static void note_unjudged(void) {
  note_unseen("looked at its descriptors and not come back",
              lti_clock_ns(lti_trial_unjudged()) / 1000000,
              "pauses of its own, or first turns");
}

/* "epoll 7", of a thread with a name of its own "worker epoll 7". */
static void name_loop(char *name, size_t size, const char *what, int fd) {
  char comm[17] = "";
  size_t n = 0;
  const struct lti_proc *proc = lti_process.proc; /* its recording may end */
  if (proc && !lti_process.is_confined && syscall(SYS_gettid) != getpid() &&
      lti_libc.prctl(PR_GET_NAME, (unsigned long)comm, 0, 0, 0) == 0 &&
      strcmp(comm, proc->comm) != 0)
    n = (size_t)snprintf(name, size, "%s ", comm);
  (void)snprintf(name + n, size - n, fd < 0 ? "%s" : "%s %d", what, fd);
}

static void begin(const void *site, const struct lti_waits *held,
                  const char *what, const void *caller) {
  char name[48];
  if (foreign.active)
    end(false);
  bool was_tried = lti_self.on_trial && lti_trial_is(site, held);
  if (lti_self.on_trial && !was_tried)
    lti_trial_drop();
  lti_process_revive();
  uint32_t loop = lti_loop_new();
  if (!loop)
    return;
  name_loop(name, sizeof name, what, site ? -1 : held->fd[0]);
  lti_emit(LT_LOOP_NAME, loop, 0, lti_emit_string(name), 0);
  if (was_tried)
    lti_trial_tell(loop);
  bool is_first = foreign.epoch != lti_epoch();
  foreign.active = true;
  foreign.site = site;
  foreign.held = *held;
  foreign.epoch = lti_epoch();
  lti_loop_enter(&foreign.outer, loop, LT_LOOP_UNSEEN);
  note(caller);
  if (is_first && !was_tried)
    note_unseen_start();
  note_unjudged();
}

void lti_foreign_stop(void) {
  if (foreign.active)
    end(false);
  if (lti_self.on_trial)
    lti_trial_drop();
  lti_self.trials = lti_self.trials_at = 0;
  foreign.never = true;
}

/* A child of vfork() has our memory, but descriptors of its own. */
static bool is_vforked(void) {
  const struct lti_proc *proc = lti_process.proc;
  return proc && !lti_process.is_confined && getpid() != proc->pid;
}

void lti_foreign_closed(int fd, const void *caller) {
  int saved = errno;
  struct lti_waits epoll;
  bool is_held = foreign.active && lti_waits_have(&foreign.held, fd);
  if ((is_held || (lti_self.on_trial && lti_trial_has(fd))) && is_vforked()) {
    errno = saved;
    return;
  }
  if (lti_self.on_trial && lti_trial_closed(fd, &epoll))
    begin(NULL, &epoll, "epoll", caller);
  if (foreign.active && lti_waits_have(&foreign.held, fd)) {
    lti_waits_drop(&foreign.held, fd);
    if (foreign.held.n == 0)
      end(true);
  }
  errno = saved;
}

/* Are these what a loop waits for?  Asked seldom: some system calls. */
static bool is_of_loop(const struct lti_waits *fds) {
  unsigned n_socket = 0, n_other = 0, n_pipe = 0;
  int socket = -1;
  if (lti_process.is_confined)
    return false;
  for (unsigned i = 0; i < fds->n; i++) {
    struct stat s;
    if (lti_libc.fstat(fds->fd[i], &s) != 0)
      continue;
    if ((s.st_mode & S_IFMT) == 0) /* eventfd, signalfd, timerfd, inotify */
      return true;
    if (S_ISSOCK(s.st_mode)) {
      n_socket++;
      socket = fds->fd[i];
    } else if (S_ISFIFO(s.st_mode)) {
      n_pipe++;
    } else {
      n_other++;
    }
  }
  int listens = 0;
  socklen_t size = sizeof listens;
  if (n_socket == 1 &&
      getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
      listens)
    return true;
  return n_socket + n_other > 0 && n_socket + n_other + n_pipe > 1;
}

/* A child that was forked off in the loop is not in it. */
static void forget_parents(void) {
  if (foreign.active && (foreign.epoch != lti_epoch() || !*lti_process.alive))
    end(false);
}

/* Inside a loop, only an epoll descriptor may begin another one: a thread that
 * polls for long in a callback blocks its loop. */
static bool may_begin(const void *site) {
  return !foreign.never && !lti_self.in_call &&
         lti_self.depth == (foreign.active ? 1u : 0u) &&
         (!foreign.active || !site);
}

/* Between two runs: for libuv's own descriptor, for many at a time, or for an
 * epoll descriptor, which may have libuv's in it. */
static bool is_for_loop(const void *site, const struct lti_waits *fds) {
  return !site || fds->n == LTI_WAITS_MAX ||
         lti_waits_have(fds, lti_self.backend);
}

static bool is_of_trial(const void *site, const struct lti_waits *fds) {
  return lti_self.on_trial && lti_trial_is(site, fds);
}

/* The first wait on an epoll descriptor is its loop's: it may last for ever.  A
 * bad descriptor is the kernel's to refuse. */
static bool is_first_wait(const void *site, const struct lti_waits *fds,
                          int timeout_ms) {
  struct stat s;
  return !site && timeout_ms != 0 && !foreign.active && !lti_is_between() &&
         !is_of_trial(site, fds) && may_begin(site) &&
         !lti_process.is_confined &&
         lti_libc.fstat(fds->fd[0], &s) == 0 && (s.st_mode & S_IFMT) == 0;
}

static bool is_of_active(const void *site, const struct lti_waits *fds) {
  return foreign.active && lti_self.depth == 1 && foreign.site == site &&
         lti_waits_meet(&foreign.held, fds);
}

/* A blocking call that the thread left by a jump never ended; none waits for the
 * descriptors of its caller's loop. */
static bool has_left_call(const void *site, const struct lti_waits *fds) {
  if (!is_of_active(site, fds) && !is_of_trial(site, fds))
    return false;
  lti_self.in_call = 0;
  if (lti_self.slot && lti_is_on())
    atomic_store_explicit(&lti_self.slot->call, 0, memory_order_relaxed);
  return true;
}

enum lti_way lti_foreign_way(const void *site, const struct lti_waits *fds,
                             int timeout_ms, const char *what,
                             const void *caller) {
  forget_parents();
  if (!lti_self.depth && fds->n) {
    int saved = errno;
    if (is_first_wait(site, fds, timeout_ms))
      begin(site, fds, what, caller);
    errno = saved;
  }
  if (!lti_self.attended || (lti_self.in_call && !has_left_call(site, fds)))
    return LTI_PASSES;
  if (is_of_trial(site, fds)) {
    int saved = errno;
    if (lti_trial_return() && !site && timeout_ms != 0)
      begin(site, fds, what, caller);
    errno = saved;
    return foreign.active ? LTI_POLLS : LTI_PASSES;
  }
  if (lti_is_between() && is_for_loop(site, fds))
    return LTI_WAITS;
  if (is_of_active(site, fds)) {
    foreign.times = 0;
    return LTI_POLLS;
  }
  return lti_call_wanted(caller) ? LTI_BLOCKS : LTI_PASSES;
}

/* Who looks, or waits for the first time, is on trial.  Of polls and selects,
 * only the one that would become a loop if it is made again and again. */
static void try(const void *site, const struct lti_waits *fds, bool is_look) {
  if (foreign.active)
    return;
  if (!site) {
    if (is_look && lti_self.trials)
      lti_trial_begin(site, fds, is_look);
    return;
  }
  if (!lti_self.trials_at ||
      (lti_self.on_trial && (is_look || lti_trial_is_of_epoll())))
    return;
  lti_self.trials_at--;
  if (is_of_loop(fds))
    lti_trial_begin(site, fds, is_look);
}

/* Seldom: a thread has few trials. */
__attribute__((noinline)) static void on_trial(const void *site,
                                               const struct lti_waits *fds,
                                               bool is_look, int ready,
                                               const char *what,
                                               const void *caller) {
  int saved = errno;
  if (lti_self.on_trial && lti_trial_is(site, fds)) {
    bool is_regular = lti_clock_ns(lti_now() - foreign.seen) < LTI_REGULAR_NS;
    lti_trial_go(is_look);
    if (is_look)
      foreign.seen = lti_now();
    else if (site && foreign.times && !is_regular)
      lti_trial_restart();
    if (is_look && ready > 0 && lti_trial_spins())
      begin(site, fds, what, caller); /* and may never have to wait */
  } else if (ready >= 0) {
    try(site, fds, is_look);
  }
  errno = saved;
}

/* A wait that could have waited: is it a loop's, by now? */
static void count(const void *site, const struct lti_waits *fds,
                  const char *what, const void *caller) {
  uint64_t now = lti_now();
  bool is_regular = !site || lti_clock_ns(now - foreign.seen) < LTI_REGULAR_NS;
  foreign.seen = now;
  if (foreign.times == 0 || site != foreign.maybe_site || !is_regular ||
      !keep_common(&foreign.maybe, fds)) {
    foreign.maybe_site = site;
    foreign.maybe = *fds;
    foreign.times = 0;
  }
  if (++foreign.times < POLL_TIMES && (site || foreign.active))
    return;
  int saved = errno;
  foreign.times = 0;
  if (!site || is_of_loop(&foreign.maybe))
    begin(site, &foreign.maybe, what, caller);
  errno = saved;
}

void lti_foreign_waited(const void *site, const struct lti_waits *fds,
                        int timeout_ms, int ready, const char *what,
                        const void *caller) {
  if (fds->n == 0 || !may_begin(site))
    return;
  if (lti_foreign_looks(site))
    on_trial(site, fds, timeout_ms == 0, ready, what, caller);
  if (ready >= 0 && timeout_ms != 0)
    count(site, fds, what, caller);
}
