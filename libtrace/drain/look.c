/* /proc/PID/task/TID: state, system call, and what was used.
 *
 * Invariant: nothing is kept open; what cannot be read is said to be unknown.
 * Called by watchdogs, some 40 us for a look. */
#include "drain/look.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <looptrace/event.h>

/* Calls that can last, where the machine has them: whose name says what they
 * wait on is not NONE.  Others are called by number. */
#define CALL_MAP(X)                                                            \
  X(read, FD) X(write, FD) X(readv, FD) X(writev, FD) X(pread64, FD)           \
  X(pwrite64, FD) X(preadv, FD) X(pwritev, FD) X(openat, NONE) X(close, FD)    \
  X(fsync, FD) X(fdatasync, FD) X(sync, NONE) X(syncfs, FD)                    \
  X(sync_file_range, FD) X(ftruncate, FD) X(fallocate, FD) X(flock, FD)        \
  X(fcntl, FD) X(ioctl, FD) X(lseek, FD) X(getdents64, FD) X(sendfile, FD)     \
  X(splice, FD) X(copy_file_range, FD) X(connect, FD) X(accept, FD)            \
  X(accept4, FD) X(sendto, FD) X(sendmsg, FD) X(sendmmsg, FD)                  \
  X(recvfrom, FD) X(recvmsg, FD) X(recvmmsg, FD) X(ppoll, NONE)                \
  X(pselect6, NONE) X(epoll_pwait, FD) X(nanosleep, NONE)                      \
  X(clock_nanosleep, NONE) X(futex, LOCK) X(wait4, PID) X(waitid, NONE)        \
  X(rt_sigtimedwait, NONE) X(rt_sigsuspend, NONE) X(mkdirat, NONE)             \
  X(unlinkat, NONE) X(renameat2, NONE) X(readlinkat, NONE) X(linkat, NONE)     \
  X(symlinkat, NONE) X(newfstatat, NONE) X(statx, NONE) X(execve, NONE)        \
  X(mmap, NONE) X(munmap, NONE) X(mprotect, NONE) X(madvise, NONE)             \
  X(msync, NONE) X(mremap, NONE) X(clone, NONE) X(exit_group, NONE)            \
  X(io_getevents, NONE) X(io_submit, NONE) X(msgrcv, NONE) X(msgsnd, NONE)     \
  X(semop, NONE) X(semtimedop, NONE) X(mq_timedreceive, FD)                    \
  X(mq_timedsend, FD) X(getrandom, NONE) X(mount, NONE) X(umount2, NONE)       \
  X(ptrace, NONE) X(sched_yield, NONE) X(swapon, NONE)
#define CALL_MAP_OLD(X)                                                        \
  X(open, NONE) X(poll, NONE) X(select, NONE) X(epoll_wait, FD)                \
  X(pause, NONE) X(rename, NONE) X(unlink, NONE) X(mkdir, NONE)                \
  X(rmdir, NONE) X(stat, NONE) X(lstat, NONE) X(fork, NONE) X(vfork, NONE)     \
  X(readlink, NONE) X(getdents, FD)

enum on { NONE, FD, LOCK, PID };

static const struct call_name {
  long number;
  const char *name;
  enum on on;
} names[] = {
#define X(name, on) {SYS_##name, #name, on},
    CALL_MAP(X)
#ifdef SYS_poll
        CALL_MAP_OLD(X)
#endif
#undef X
#ifdef SYS_clone3
            {SYS_clone3, "clone3", NONE},
#endif
#ifdef SYS_io_uring_enter
    {SYS_io_uring_enter, "io_uring_enter", FD},
#endif
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, "epoll_pwait2", FD},
#endif
#ifdef SYS_openat2
    {SYS_openat2, "openat2", NONE},
#endif
#ifdef SYS_futex_wait
    {SYS_futex_wait, "futex", LOCK},
#endif
};

/* The kernel's names where people know another one. */
static const char *usual(const char *name) {
  static const char *const pairs[][2] = {
      {"pread64", "pread"},   {"pwrite64", "pwrite"}, {"openat", "open"},
      {"openat2", "open"},    {"accept4", "accept"},  {"unlinkat", "unlink"},
      {"mkdirat", "mkdir"},   {"pselect6", "pselect"}, {"renameat2", "rename"},
      {"newfstatat", "stat"}, {"readlinkat", "readlink"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (strcmp(name, pairs[i][0]) == 0)
      return pairs[i][1];
  return name;
}

const char *lti_look_call(const struct lti_look *look, char buf[32],
                          uint64_t *on) {
  uint64_t first = look->arguments[0];
  *on = 0;
  if (!look->has_call || look->number < 0)
    return NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (names[i].number != look->number)
      continue;
    if (names[i].on == FD && first <= INT32_MAX)
      *on = first + 1;
    else if (names[i].on == PID && (int32_t)first > 0)
      *on = (uint32_t)first + UINT64_C(1);
    else if (names[i].on == LOCK)
      *on = first;
    return usual(names[i].name);
  }
  snprintf(buf, 32, "syscall %" PRId64, look->number);
  return buf;
}

const char *lti_look_fd_name(int32_t pid, const struct lti_look *look,
                             char *buf, size_t size) {
  char path[64];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (look->has_call && names[i].number == look->number &&
        names[i].on == FD && look->arguments[0] <= INT32_MAX) {
      snprintf(path, sizeof path, "/proc/%d/fd/%" PRIu64, (int)pid,
               look->arguments[0]);
      ssize_t n = readlink(path, buf, size - 1);
      if (n <= 0 || strncmp(buf, "socket:", 7) == 0)
        return NULL;
      buf[n] = 0;
      if (*buf == '/')
        return buf;
      /* "pipe:[4711]", "anon_inode:[eventfd]", "anon_inode:inotify" */
      char *name = strncmp(buf, "anon_inode:", 11) == 0 ? buf + 11 : buf;
      name += *name == '[';
      name[strcspn(name, ":]")] = 0;
      return name;
    }
  return NULL;
}

/* Returns: length, or -1 with errno. */
static ssize_t read_file(const char *path, char *buf, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  ssize_t n = read(fd, buf, size - 1);
  int error = errno;
  close(fd);
  errno = error;
  buf[n > 0 ? n : 0] = 0;
  return n;
}

static ssize_t read_task(int32_t pid, int32_t tid, const char *name, char *buf,
                         size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task/%d/%s", (int)pid, (int)tid, name);
  return read_file(path, buf, size);
}

/* state, and the major faults: the twelfth. */
static bool take_stat(int32_t pid, int32_t tid, struct lti_look *look) {
  char buf[1024];
  unsigned long long faults = 0;
  if (read_task(pid, tid, "stat", buf, sizeof buf) <= 0)
    return false;
  char *at = strrchr(buf, ')'); /* names may hold any */
  if (!at || sscanf(at + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %llu",
                    &look->state, &faults) != 2)
    return false;
  look->faults = faults;
  return true;
}

static void take_call(int32_t pid, int32_t tid, struct lti_look *look) {
  char buf[256], *at = buf;
  uint64_t words[8];
  if (read_task(pid, tid, "syscall", buf, sizeof buf) <= 0) {
    look->is_denied = errno == EPERM || errno == EACCES;
    return;
  }
  if (buf[0] != '-' && (buf[0] < '0' || buf[0] > '9'))
    return; /* running */
  look->number = strtoll(at, &at, 10);
  int n = 0;
  while (n < 8 && *at == ' ')
    words[n++] = strtoull(at, &at, 16);
  if (n != 8 && !(look->number < 0 && n == 2))
    return;
  look->has_call = true;
  if (n == 8)
    memcpy(look->arguments, words, sizeof look->arguments);
  look->sp = words[n - 2];
  look->pc = words[n - 1];
}

static bool take_switches(int32_t pid, int32_t tid, uint64_t *switches) {
  static const char word[] = "\nvoluntary_ctxt_switches:";
  char buf[4096];
  if (read_task(pid, tid, "status", buf, sizeof buf) <= 0)
    return false;
  const char *at = strstr(buf, word);
  if (!at)
    return false;
  *switches = strtoull(at + sizeof word - 1, NULL, 10);
  return true;
}

bool lti_look_take(int32_t pid, int32_t tid, struct lti_look *look) {
  char buf[96];
  memset(look, 0, sizeof *look);
  if (!take_stat(pid, tid, look))
    return false;
  take_call(pid, tid, look);
  if (read_task(pid, tid, "schedstat", buf, sizeof buf) > 0) {
    char *at;
    look->cpu_ns = strtoull(buf, &at, 10);
    look->delay_ns = strtoull(at, NULL, 10);
    look->has_usage =
        *at == ' ' && take_switches(pid, tid, &look->switches);
  }
  return true;
}

bool lti_look_is_same(int32_t pid, int32_t tid, const struct lti_look *before) {
  struct lti_look now = {0};
  uint64_t switches = 0;
  take_call(pid, tid, &now);
  return now.has_call && now.number == before->number &&
         now.sp == before->sp && now.pc == before->pc &&
         (!before->has_usage || (take_switches(pid, tid, &switches) &&
                                 switches == before->switches));
}

const char *lti_look_thread(int32_t pid, int32_t tid,
                            char buf[LTI_LOOK_THREAD_BYTES]) {
  char comm[32];
  if (read_task(pid, tid, "comm", comm, sizeof comm) <= 0)
    return NULL;
  comm[strcspn(comm, "\n")] = 0;
  snprintf(buf, LTI_LOOK_THREAD_BYTES, "%s (thread %d)", comm, (int)tid);
  return buf;
}

uint64_t lti_look_start_ticks(int32_t pid) {
  char path[32], buf[1024];
  unsigned long long ticks = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  if (read_file(path, buf, sizeof buf) <= 0)
    return 0;
  char *at = strrchr(buf, ')');
  if (!at || sscanf(at + 1,
                    " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                    "%*s %*s %*s %*s %*s %llu",
                    &ticks) != 1)
    return 0;
  return ticks;
}
