/* What forbids itself nearly all system calls, for test_processes.py: any other
 * is deadly.  Prints what it did.
 *
 *   strict [held|child|threads|modules]
 *
 *   held     a loop is held up, and fills a ring
 *   child    a forked child looks at its parent's descriptor, and has its own
 *   threads  a thread that begins later turns a loop of its own
 *   modules  a library comes later; only reading links is forbidden */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TURNS = 30, LOOKS = 40000, CODE_MAX = 128 };

static struct sock_filter code[CODE_MAX];
static unsigned short n_code;

static void add(struct sock_filter step) {
  code[n_code++] = step;
}

/* A call with one of these numbers is answered like that, others are not. */
static void answer(const int *numbers, size_t n, unsigned these,
                   unsigned others) {
  struct sock_fprog filter = {0, code};
  add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                   offsetof(struct seccomp_data, nr)));
  for (size_t i = 0; i < n; i++) {
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                     (unsigned)numbers[i], 0, 1));
    add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, these));
  }
  add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, others));
  filter.len = n_code;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
    exit(77);
}

static void forbid_all(void) {
  static const int all[] = {
      SYS_read,         SYS_write,          SYS_close,
      SYS_epoll_wait,   SYS_epoll_pwait,    SYS_clock_nanosleep,
      SYS_exit,         SYS_exit_group,     SYS_rt_sigreturn,
      SYS_brk,          SYS_clock_gettime,  SYS_mmap,
      SYS_munmap,       SYS_restart_syscall,
      /* fork() and wait() */
      SYS_clone,        SYS_wait4,          SYS_set_robust_list,
      /* threads */
      SYS_clone3,       SYS_mprotect,       SYS_rseq,
      SYS_getrandom,    SYS_rt_sigaction,   SYS_rt_sigprocmask,
      SYS_madvise};
  answer(all, sizeof all / sizeof *all, SECCOMP_RET_ALLOW,
         SECCOMP_RET_KILL_PROCESS);
}

static void look(int epoll, int timeout_ms) {
  struct epoll_event event;
  if (epoll_wait(epoll, &event, 1, timeout_ms) != 0)
    exit(1);
}

static void nap(long ms) {
  struct timespec t = {0, ms * 1000000};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

/* It was on trial in vain, long enough for a note, before all is forbidden. */
static int begin(void) {
  int epoll = epoll_create1(0);
  struct timespec from, now;
  look(epoll, 0);
  clock_gettime(CLOCK_MONOTONIC, &from);
  do
    clock_gettime(CLOCK_MONOTONIC, &now);
  while ((now.tv_sec - from.tv_sec) * 1000 +
             (now.tv_nsec - from.tv_nsec) / 1000000 < 80);
  for (int i = 0; i < 1100; i++)
    look(epoll, 0);
  return epoll;
}

static void held(void) {
  int epoll = begin();
  forbid_all();
  for (int i = 0; i < TURNS; i++)
    look(epoll, 2);
  for (int i = 0; i < LOOKS; i++)
    look(epoll, 0);
  nap(200);
  look(epoll, 2);
}

static void child(void) {
  int epoll = epoll_create1(0), status;
  for (int i = 0; i < TURNS; i++)
    look(epoll, 2);
  forbid_all();
  pid_t pid = fork();
  if (pid == 0) {
    for (int i = 0; i < TURNS; i++)
      look(epoll, i % 2);
    _exit(7);
  }
  if (wait4(pid, &status, 0, NULL) != pid || WEXITSTATUS(status) != 7)
    exit(1);
  look(epoll, 2);
}

static int given;
static _Atomic int is_over;

static void *turn(void *unused) {
  for (int i = 0; i < TURNS; i++)
    look(given, 2);
  is_over = 1;
  return unused;
}

static void threads(void) {
  pthread_t thread;
  given = epoll_create1(0);
  int epoll = epoll_create1(0);
  look(epoll, 1);
  forbid_all();
  if (pthread_create(&thread, NULL, turn, NULL))
    exit(1);
  while (!is_over)
    look(epoll, 2);
}

static void modules(void) {
  static const int links[] = {SYS_readlink, SYS_readlinkat};
  int epoll = epoll_create1(0), later = epoll_create1(0);
  for (int i = 0; i < 3; i++)
    look(epoll, 2);
  answer(links, 2, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ALLOW);
  if (!dlopen("libz.so.1", RTLD_NOW))
    exit(77);
  close(epoll);
  for (int i = 0; i < TURNS; i++)
    look(later, 2);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(void);
  } all[] = {{"held", held},
             {"child", child},
             {"threads", threads},
             {"modules", modules}};
  setvbuf(stdout, NULL, _IONBF, 0);
  for (size_t i = 0; argc == 2 && i < sizeof all / sizeof *all; i++)
    if (strcmp(argv[1], all[i].name) == 0) {
      all[i].run();
      (void)!write(STDOUT_FILENO, "lives\n", 6);
      _exit(5);
    }
  return 2;
}
