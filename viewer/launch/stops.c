/* The thread that waits for the command's stops, and for its end.
 *
 * Invariant: what happened is put into the pipe in its order, at the time at
 * which the kernel woke the thread: it may have had to wait for a CPU since.
 * The thread leaves it to others to reap the command, and ends with it.
 * Called by launch.c. */
#include "launch/stops.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drain/clockmap.h"
#include "record/clock.h"

/* It is told after this, or the thread has no CPU for longer. */
#define SETTLE_NS 1000000
#define SETTLE_TIMES 100

struct stop {
  bool stopped;
  struct lti_knot at;
};

struct stops {
  pid_t child;
  bool is_tsc;
  uint64_t ticks_per_ms;
  int ends[2];
  pthread_t thread;
  bool is_stopped; /* as the thread has told */
  bool is_joined;
  struct lti_knot ended; /* when the command did; the thread's until it ends */
};

/* How long this thread has waited for a CPU so far. */
static uint64_t run_delay_ns(int schedstat) {
  char text[96];
  unsigned long long ran, delay;
  ssize_t n = pread(schedstat, text, sizeof text - 1, 0);
  text[n > 0 ? n : 0] = 0;
  return sscanf(text, "%llu %llu", &ran, &delay) == 2 ? delay : 0;
}

static void close_file(void *fd) {
  close(*(int *)fd);
}

/* So long ago: at the moment at which something woke this thread. */
static struct lti_knot moment(const struct stops *s, uint64_t ago_ns) {
  struct lti_knot at = lti_knot_take(s->is_tsc);
  at.ns -= ago_ns;
  at.clock -= s->is_tsc ? ago_ns * s->ticks_per_ms / 1000000 : ago_ns;
  return at;
}

static void tell(const struct stops *s, bool stopped, uint64_t ago_ns) {
  struct stop stop = {stopped, moment(s, ago_ns)};
  if (write(s->ends[1], &stop, sizeof stop) < 0)
    return; /* full: nobody listens any more */
}

/* What the kernel has to say is left there until it is told, see
 * stops_settle(). A thread that had no CPU meanwhile may have missed the other
 * half: that a command which goes on was stopped, when this thread was woken;
 * or that one which is stopped, as before, had gone on. */
static bool take_one(struct stops *s, int schedstat) {
  siginfo_t info = {0}, taken = {0};
  uint64_t delay_ns = run_delay_ns(schedstat);
  int error = waitid(P_PID, (id_t)s->child, &info,
                     WEXITED | WSTOPPED | WCONTINUED | WNOWAIT);
  if (error && errno == EINTR)
    return true;
  uint64_t ago_ns = run_delay_ns(schedstat) - delay_ns;
  bool stopped = info.si_code == CLD_STOPPED;
  if (error || (!stopped && info.si_code != CLD_CONTINUED)) {
    s->ended = moment(s, ago_ns);
    return false;
  }
  if (!stopped && !s->is_stopped) {
    tell(s, true, ago_ns);
    ago_ns = 0;
  }
  tell(s, stopped, ago_ns);
  s->is_stopped = stopped;
  if (waitid(P_PID, (id_t)s->child, &taken, WSTOPPED | WCONTINUED | WNOHANG))
    return true; /* it has ended meanwhile */
  if (taken.si_pid && taken.si_code != info.si_code) {
    s->is_stopped = !stopped;
    tell(s, s->is_stopped, 0);
  }
  return true;
}

/* It does next to nothing, and is to do that before anybody else runs; where this
 * is not allowed, it waits for its turn. */
static void go_first(void) {
  const struct sched_param least = {sched_get_priority_min(SCHED_FIFO)};
  (void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &least);
}

static void *wait_for_stops(void *context) {
  go_first();
  int schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  pthread_cleanup_push(close_file, &schedstat);
  while (take_one(context, schedstat))
    continue;
  pthread_cleanup_pop(1);
  return NULL;
}

struct stops *stops_open(pid_t child, uint64_t ticks_per_ms, bool is_tsc) {
  sigset_t all, before;
  struct stops *s = calloc(1, sizeof *s);
  if (!s)
    return NULL;
  s->child = child;
  s->is_tsc = is_tsc;
  s->ticks_per_ms = ticks_per_ms;
  if (pipe2(s->ends, O_CLOEXEC | O_NONBLOCK)) {
    free(s);
    return NULL;
  }
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&s->thread, NULL, wait_for_stops, s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!error)
    return s;
  close(s->ends[0]);
  close(s->ends[1]);
  free(s);
  return NULL;
}

void stops_close(struct stops *s) {
  if (!s)
    return;
  if (!s->is_joined) {
    pthread_cancel(s->thread); /* nothing else ends a wait for a child */
    pthread_join(s->thread, NULL);
  }
  close(s->ends[0]);
  close(s->ends[1]);
  free(s);
}

struct lti_knot stops_end(struct stops *s) {
  pthread_join(s->thread, NULL);
  s->is_joined = true;
  return s->ended;
}

void stops_settle(const struct stops *s) {
  const struct timespec nap = {0, SETTLE_NS};
  for (int i = 0; s && i < SETTLE_TIMES; i++) {
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)s->child, &info,
               WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT) ||
        !info.si_pid)
      return;
    nanosleep(&nap, NULL);
  }
}

int stops_fd(const struct stops *s) {
  return s ? s->ends[0] : -1;
}

bool stops_take(struct stops *s, bool *stopped, uint64_t *clock,
                uint64_t *ns) {
  struct stop stop;
  if (!s || read(s->ends[0], &stop, sizeof stop) != (ssize_t)sizeof stop)
    return false;
  *stopped = stop.stopped;
  *clock = stop.at.clock;
  *ns = stop.at.ns;
  return true;
}
