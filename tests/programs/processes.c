/* Programs that change what they are, for test_processes.py.
 *
 *   processes HOW
 *
 * double    a grandchild turns a loop; the command has ended by then
 * starts    vfork, posix_spawn, system and popen in a callback
 * confined  seccomp: what a loop does not need is deadly
 * filtered  the same in a forked child
 * chroot    into an empty folder
 * threads   10,000 short ones with a loop each
 * signals   each kind of wait is interrupted 20 times
 * alarmed   a handler forks again and again; its children come back from it
 * alarmed-uv the same, of libuv's
 *
 * Each loop has one callback that naps for 150 ms, and what it saw is printed;
 * 77: not permitted here. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

extern char **environ;

static void nap_ms(int ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  nanosleep(&t, NULL);
}

/* noinline and not last: the stack is to show it. */
__attribute__((noinline)) static void planted_nap(void) {
  nap_ms(150);
  __asm__ volatile("");
}

static void on_timer(uv_timer_t *timer) {
  planted_nap();
  uv_close((uv_handle_t *)timer, NULL);
}

static int turn_loop(uv_timer_cb callback) {
  uv_loop_t loop;
  uv_timer_t timer;
  uv_loop_init(&loop);
  uv_timer_init(&loop, &timer);
  uv_timer_start(&timer, callback, 1, 0);
  int left = uv_run(&loop, UV_RUN_DEFAULT);
  return left + uv_loop_close(&loop);
}

static int status_of(pid_t child) {
  int status = -1;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void twice(void) {
  if (fork())
    _exit(5); /* who reads our output waits for the grandchild */
  setsid();
  if (fork())
    _exit(0);
  printf("grandchild %d\n", turn_loop(on_timer));
}

/* Before the exec a child may do nothing but that. */
static void on_starts(uv_timer_t *timer) {
  char sh[] = "/bin/sh", c[] = "-c", seven[] = "exit 7", line[16] = "";
  char *arguments[] = {sh, c, seven, NULL};
  pid_t child = vfork();
  if (child == 0) {
    execv(sh, arguments);
    _exit(99);
  }
  printf("vfork %d\n", status_of(child));
  printf("spawn %d", posix_spawn(&child, sh, NULL, NULL, arguments, environ));
  printf(" %d\n", status_of(child));
  printf("system %d\n", WEXITSTATUS(system("exit 7")));
  FILE *pipe = popen("echo seven; exit 7", "r");
  printf("popen %s", pipe && fgets(line, sizeof line, pipe) ? line : "?\n");
  printf("pclose %d\n", pipe ? WEXITSTATUS(pclose(pipe)) : -1);
  uv_close((uv_handle_t *)timer, NULL);
}

static void confine(void) {
  static const int deadly[] = {SYS_openat,     SYS_getrusage, SYS_readlinkat,
                               SYS_readlink,   SYS_getpeername,
                               SYS_newfstatat, SYS_prctl,     SYS_gettid};
  struct sock_filter code[2 * sizeof deadly / sizeof *deadly + 2];
  unsigned short n = 0;
  code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                           offsetof(struct seccomp_data, nr));
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                             (unsigned)deadly[i], 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
                                             SECCOMP_RET_KILL_PROCESS);
  }
  code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog filter = {n, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
    exit(77);
}

static void filtered(void) {
  pid_t child = fork();
  if (child == 0) {
    confine();
    _exit(turn_loop(on_timer));
  }
  printf("child %d\n", status_of(child));
  printf("loop %d\n", turn_loop(on_timer));
}

static void jailed(void) {
  char folder[] = "jail.XXXXXX";
  if (!mkdtemp(folder) || chroot(folder) || chdir("/"))
    exit(77);
  printf("loop %d\n", turn_loop(on_timer));
}

static void on_short(uv_timer_t *timer) {
  uv_close((uv_handle_t *)timer, NULL);
}

static void *turn_short(void *unused) {
  return turn_loop(on_short) ? NULL : unused;
}

static void crowd(void) {
  enum { AT_ONCE = 50, ROUNDS = 200 };
  pthread_t threads[AT_ONCE];
  int n_good = 0;
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < AT_ONCE; i++)
      if (pthread_create(&threads[i], NULL, turn_short, threads))
        exit(1);
    for (int i = 0; i < AT_ONCE; i++) {
      void *result;
      pthread_join(threads[i], &result);
      n_good += result == threads;
    }
  }
  printf("threads %d\n", n_good);
}

/* Signals: one for each call, when the thread sleeps in it. */

enum { TIMES = 20 };
static _Atomic int n_handled, is_waiting, is_over;
static pthread_t waiting_thread;
static int waiting_tid;

static void on_signal(int number) {
  (void)number;
  n_handled++;
}

static char state_of(int tid) {
  char path[64], buf[512];
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  FILE *file = fopen(path, "re");
  size_t n = file ? fread(buf, 1, sizeof buf - 1, file) : 0;
  if (file)
    fclose(file);
  buf[n] = 0;
  char *at = strrchr(buf, ')');
  return at && at[1] ? at[2] : '?';
}

static void *send_signals(void *unused) {
  while (!is_over) {
    if (is_waiting && state_of(waiting_tid) == 'S') {
      int before = n_handled;
      is_waiting = 0;
      pthread_kill(waiting_thread, SIGUSR1);
      while (n_handled == before)
        sched_yield();
    }
    sched_yield();
  }
  return unused;
}

static int wait_on(int how) {
  static int ends[2] = {-1, -1}, epoll;
  static sem_t sem;
  struct timespec t = {60, 0}, until;
  struct timeval tv = {60, 0};
  struct pollfd p = {.events = POLLIN};
  struct epoll_event e;
  fd_set set;
  char c;
  if (ends[0] < 0 && (pipe(ends) || sem_init(&sem, 0, 0)))
    exit(1);
  epoll = epoll ? epoll : epoll_create1(0);
  p.fd = ends[0];
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 60;
  is_waiting = 1;
  switch (how) {
  case 0:
    return nanosleep(&t, NULL);
  case 1:
    return (int)-sleep(60);
  case 2:
    return poll(&p, 1, 60000);
  case 3:
    return select(ends[0] + 1, &set, NULL, NULL, &tv);
  case 4:
    return epoll_wait(epoll, &e, 1, 60000);
  case 5:
    return (int)read(ends[0], &c, 1);
  case 6:
    return sem_timedwait(&sem, &until);
  case 7:
    return ppoll(&p, 1, &t, NULL);
  default:
    return clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
  }
}

static void on_signals(uv_timer_t *timer) {
  for (int how = 0; how <= 8; how++) {
    int n = 0;
    for (int i = 0; i < TIMES; i++) {
      errno = 0;
      int result = wait_on(how);
      n += result < 0 || result == EINTR;
    }
    printf("wait %d: %d of %d interrupted\n", how, n, TIMES);
  }
  uv_close((uv_handle_t *)timer, NULL);
}

static void signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  pthread_t sender;
  sigaction(SIGUSR1, &action, NULL);
  waiting_thread = pthread_self();
  waiting_tid = (int)syscall(SYS_gettid);
  pthread_create(&sender, NULL, send_signals, NULL);
  printf("loop %d\n", turn_loop(on_signals));
  is_over = 1;
  pthread_join(sender, NULL);
  printf("handled %d\n", n_handled);
}

/* A handler that forks, in the middle of whatever it meets. */

enum { FORKS = 150 };
static volatile sig_atomic_t n_forked;
static pid_t parent;

static void on_alarm(int number) {
  (void)number;
  if (getpid() == parent && fork() > 0)
    n_forked++;
}

static void fork_often(void) {
  struct itimerval often = {{0, 3000}, {0, 3000}};
  struct sigaction action = {.sa_handler = on_alarm};
  parent = getpid();
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &often, NULL);
}

static void see_children(void) {
  struct itimerval never = {{0, 0}, {0, 0}};
  int status, n_good = 0;
  setitimer(ITIMER_REAL, &never, NULL);
  for (int i = 0; i < n_forked; i++)
    n_good += wait(&status) > 0 && status == 0;
  printf("children %d\n", n_good - n_forked);
}

static void alarmed(void) {
  struct epoll_event event;
  int epoll = epoll_create1(0);
  epoll_wait(epoll, &event, 1, 1);
  fork_often();
  while (n_forked < FORKS && getpid() == parent)
    epoll_wait(epoll, &event, 1, 0);
  if (getpid() != parent) {
    for (int i = 0; i < 50; i++)
      epoll_wait(epoll, &event, 1, 0);
    _exit(0);
  }
  see_children();
}

static void on_idle(uv_idle_t *idle) {
  static int n_turns;
  if (getpid() != parent && ++n_turns == 50)
    _exit(0);
  if (n_forked >= FORKS)
    uv_close((uv_handle_t *)idle, NULL);
}

static void on_check(uv_check_t *check) {
  if (n_forked >= FORKS)
    uv_close((uv_handle_t *)check, NULL);
}

static void alarmed_in_callbacks(void) {
  uv_idle_t idle;
  uv_check_t check;
  uv_idle_init(uv_default_loop(), &idle);
  uv_idle_start(&idle, on_idle);
  uv_check_init(uv_default_loop(), &check);
  uv_check_start(&check, on_check);
  fork_often();
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  see_children();
}

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "";
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("%s\n", how);
  if (strcmp(how, "double") == 0)
    twice();
  else if (strcmp(how, "starts") == 0)
    printf("loop %d\n", turn_loop(on_starts));
  else if (strcmp(how, "confined") == 0)
    confine(), printf("loop %d\n", turn_loop(on_timer));
  else if (strcmp(how, "filtered") == 0)
    filtered();
  else if (strcmp(how, "chroot") == 0)
    jailed();
  else if (strcmp(how, "threads") == 0)
    crowd();
  else if (strcmp(how, "signals") == 0)
    signals();
  else if (strcmp(how, "alarmed") == 0)
    alarmed();
  else if (strcmp(how, "alarmed-uv") == 0)
    alarmed_in_callbacks();
  else
    return 2;
  return 5;
}
