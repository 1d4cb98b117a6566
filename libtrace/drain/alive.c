/* What the system says of a process under recording.
 *
 * Invariant: a pid that another process has by now, or in another namespace, is
 * not asked about: it began at another time.  Called by the drain. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drain/process.h"

/* Fields of /proc/PID/stat, counted from the state, which is the third; behind
 * the last ')' since names may hold any. */
static bool read_stat(int32_t pid, char *state, uint64_t *n_threads,
                      uint64_t *start_ticks) {
  char path[32], buf[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  ssize_t n = read(fd, buf, sizeof buf - 1);
  close(fd);
  if (n <= 0)
    return false;
  buf[n] = 0;
  unsigned long long threads, ticks;
  char *at = strrchr(buf, ')');
  if (!at || sscanf(at + 1,
                    " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                    "%*s %*s %*s %llu %*s %llu",
                    state, &threads, &ticks) != 3)
    return false;
  *n_threads = threads;
  *start_ticks = ticks;
  return true;
}

/* A zombie with other threads lives: only its main thread is gone. */
bool lti_pid_lives(int32_t pid, uint64_t began_ticks) {
  char state;
  uint64_t n_threads, start_ticks;
  if (!read_stat(pid, &state, &n_threads, &start_ticks))
    return false;
  if (began_ticks && began_ticks != start_ticks)
    return false;
  return !((state == 'Z' || state == 'X') && n_threads <= 1);
}

bool lti_recorded_lives(const struct lti_recorded *p) {
  return lti_pid_lives(p->pid, p->start_ticks);
}

bool lti_recorded_look(const struct lti_recording *r, struct lti_recorded *p) {
  struct lti_knot now = lti_knot_take(r->view.clock_is_tsc);
  bool is_self = p->pid == getpid() && !r->is_recovery;
  if (!is_self && !lti_recorded_lives(p))
    return false;
  if (atomic_load_explicit(&r->view.procs[p->slot].state,
                           memory_order_relaxed) == LTI_SLOT_CLAIMED)
    p->lived = now; /* else another program may live under its pid */
  return true;
}

void lti_recorded_thread_name(const struct lti_recorded *p, int32_t tid,
                              char name[16]) {
  char path[64], comm[16];
  snprintf(path, sizeof path, "/proc/%d/task/%d/comm", (int)p->pid, (int)tid);
  if (!p->trace.book.is_live || !p->start_ticks || !lti_recorded_lives(p))
    return;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  ssize_t n = read(fd, comm, sizeof comm);
  close(fd);
  if (n > 1 && comm[n - 1] == '\n') {
    comm[n - 1] = '\0';
    memcpy(name, comm, (size_t)n);
  }
}
