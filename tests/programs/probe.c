/* All that a program can see of itself, line by line, for test_invisible.py: in
 * main, in callbacks, in a forked child, after exec and at exit.
 *
 *   probe
 *
 * What it prints is the same in every run: no address, pid or time. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

extern char **environ;

static void show_descriptors(void) {
  for (int fd = 0; fd < 1024; fd++) {
    int flags = fcntl(fd, F_GETFD);
    if (flags >= 0)
      printf("  fd %d: %d %x\n", fd, flags, (unsigned)fcntl(fd, F_GETFL));
  }
  int next = open("/dev/null", O_RDONLY);
  printf("  next fd %d\n", next);
  close(next);
}

static void show_signals(void) {
  sigset_t mask, pending;
  stack_t stack;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  sigpending(&pending);
  for (int i = 1; i < NSIG; i++) {
    struct sigaction action;
    if (sigaction(i, NULL, &action) == 0)
      printf("  signal %d: %d%d %s %x\n", i, sigismember(&mask, i),
             sigismember(&pending, i),
             action.sa_handler == SIG_DFL   ? "default"
             : action.sa_handler == SIG_IGN ? "ignored"
                                            : "handled",
             (unsigned)action.sa_flags);
  }
  if (sigaltstack(NULL, &stack) == 0)
    printf("  altstack %x\n", (unsigned)stack.ss_flags);
}

static unsigned count(const char *path) {
  unsigned n = 0;
  DIR *dir = opendir(path);
  while (dir && readdir(dir))
    n++;
  if (dir)
    closedir(dir);
  return n;
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What is declared to be there is left out. */
static void show_environment(void) {
  char *sorted[1024];
  size_t n = 0;
  for (char **p = environ; *p && n < 1024; p++)
    if (strncmp(*p, "LD_PRELOAD=", 11) && strncmp(*p, "LOOPTRACE_ARENA=", 16))
      sorted[n++] = *p;
  qsort(sorted, n, sizeof *sorted, by_text);
  for (size_t i = 0; i < n; i++)
    printf("  environment %s\n", sorted[i]);
}

static void show_limits(void) {
  for (int i = 0; i < RLIM_NLIMITS; i++) {
    struct rlimit limit;
    if (getrlimit(i, &limit) == 0)
      printf("  limit %d: %llx %llx\n", i, (unsigned long long)limit.rlim_cur,
             (unsigned long long)limit.rlim_max);
  }
}

static void show_process(void) {
  char name[32] = "", folder[4096];
  mode_t mask = umask(0);
  struct itimerval timer;
  umask(mask);
  prctl(PR_GET_NAME, name);
  for (int i = ITIMER_REAL; i <= ITIMER_PROF; i++)
    if (getitimer(i, &timer) == 0)
      printf("  itimer %d: %d\n", i, timer.it_value.tv_sec > 0);
  printf("  umask %o, name %s, dumpable %d, nice %d, threads %u\n",
         (unsigned)mask, name, prctl(PR_GET_DUMPABLE),
         getpriority(PRIO_PROCESS, 0), count("/proc/self/task"));
  printf("  subreaper %d, privileges %d, death signal %d, folder %s\n",
         prctl(PR_GET_CHILD_SUBREAPER, &(int){0}), prctl(PR_GET_NO_NEW_PRIVS),
         prctl(PR_GET_PDEATHSIG, &(int){0}), getcwd(folder, sizeof folder));
  printf("  slack %d, leader %d, pending child %d\n", prctl(PR_GET_TIMERSLACK),
         getpgrp() == getpid(), waitpid(-1, NULL, WNOHANG) > 0);
}

/* errno is only changed by what failed. */
#define TRY(call)                                                              \
  do {                                                                         \
    errno = 4321;                                                              \
    long long result = (long long)(call);                                      \
    printf("  %s = %lld, errno %d\n", #call, result, errno);                   \
  } while (0)

static void show_errno(void) {
  int ends[2], status;
  char c = 'x';
  struct timespec t = {0, 1000}, wrong = {0, -1}, past = {0, 0};
  struct pollfd p = {.fd = -1};
  struct timeval none = {0, 0};
  struct epoll_event event;
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
  pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
  sem_t sem;
  sem_init(&sem, 0, 1);
  TRY(pipe(ends) < 0);
  TRY(write(ends[1], &c, 1));
  TRY(read(ends[0], &c, 1));
  TRY(read(-1, &c, 1));
  TRY(write(-1, &c, 1));
  TRY(pread(ends[0], &c, 1, 0));
  TRY(nanosleep(&t, NULL));
  TRY(nanosleep(&wrong, NULL));
  TRY(usleep(1));
  TRY(poll(&p, 1, 0));
  TRY(select(0, NULL, NULL, NULL, &none));
  TRY(epoll_wait(-1, &event, 1, 0));
  TRY(pthread_mutex_lock(&lock));
  TRY(pthread_cond_timedwait(&cond, &lock, &past));
  TRY(pthread_mutex_unlock(&lock));
  TRY(pthread_rwlock_rdlock(&rw));
  TRY(pthread_rwlock_unlock(&rw));
  TRY(sem_wait(&sem));
  TRY(sem_timedwait(&sem, &past));
  TRY(waitpid(-1, &status, WNOHANG));
  TRY(open("/nowhere/at/all", O_RDONLY));
  TRY(fsync(ends[0]));
  TRY(rename("/nowhere/a", "/nowhere/b"));
  TRY(close(ends[0]));
  TRY(write(ends[1], &c, 0));
  TRY(close(ends[1]));
  TRY(close(ends[1]));
  TRY(fclose(fopen("/dev/null", "r")));
}

static void show(const char *where) {
  printf("%s\n", where);
  show_descriptors();
  show_signals();
  show_environment();
  show_limits();
  show_process();
  show_errno();
  fflush(stdout);
}

/* What a loop looks like from inside. */

static uv_timer_t timer, late, pair[2];
static uv_idle_t idle;
static uv_async_t async;
static uv_work_t work;
static unsigned n_idle;
static bool worked;

static void count_handle(uv_handle_t *handle, void *n) {
  (void)handle;
  ++*(unsigned *)n;
}

static void show_loop(const char *where, uv_handle_t *handle) {
  unsigned n = 0;
  uv_loop_t *loop = uv_default_loop();
  uv_walk(loop, count_handle, &n);
  printf("%s: alive %d, handles %u, data %d\n", where, uv_loop_alive(loop), n,
         handle ? handle->data == handle : 0);
}

/* One after the other, so that the order is the same on any machine: idle, its
 * close, work, async, timer, its close, second timer, two that are due at once. */

static void on_close(uv_handle_t *handle) {
  show_loop("close", handle);
}

static void on_pair(uv_timer_t *handle) {
  printf("of two timers, number %d\n", (int)(handle - pair));
  uv_close((uv_handle_t *)handle, NULL);
}

static void on_late(uv_timer_t *handle) {
  show_loop("second timer", (uv_handle_t *)handle);
  uv_close((uv_handle_t *)handle, NULL);
  for (int i = 0; i < 2; i++)
    printf("started %d\n", uv_timer_start(&pair[i], on_pair, 4, 0));
}

static void on_timer_close(uv_handle_t *handle) {
  show_loop("close", handle);
  printf("started %d\n", uv_timer_start(&late, on_late, 3, 0));
}

static void on_timer(uv_timer_t *handle) {
  show_loop("timer", (uv_handle_t *)handle);
  show("callback");
  printf("again %llu\n", (unsigned long long)uv_timer_get_repeat(handle));
  uv_close((uv_handle_t *)handle, on_timer_close);
}

static void on_async(uv_async_t *handle) {
  show_loop("async", (uv_handle_t *)handle);
  uv_close((uv_handle_t *)handle, on_close);
  printf("started %d\n", uv_timer_start(&timer, on_timer, 2, 7));
}

static void do_work(uv_work_t *req) {
  worked = req->data == req;
}

static void after_work(uv_work_t *req, int status) {
  printf("work %d, after it %d %d\n", worked, req->data == req, status);
  uv_async_send(&async);
}

static void on_idle_close(uv_handle_t *handle) {
  show_loop("close", handle);
  printf("queued %d\n",
         uv_queue_work(uv_default_loop(), &work, do_work, after_work));
}

static void on_idle(uv_idle_t *handle) {
  if (++n_idle == 3) {
    show_loop("idle", (uv_handle_t *)handle);
    uv_close((uv_handle_t *)handle, on_idle_close);
  }
}

static void turn_loop(void) {
  uv_loop_t *loop = uv_default_loop();
  timer.data = &timer;
  late.data = &late;
  idle.data = &idle;
  async.data = &async;
  work.data = &work;
  uv_timer_init(loop, &timer);
  uv_timer_init(loop, &late);
  uv_timer_init(loop, &pair[0]);
  uv_timer_init(loop, &pair[1]);
  uv_idle_init(loop, &idle);
  uv_async_init(loop, &async, on_async);
  uv_idle_start(&idle, on_idle);
  show_loop("before", NULL);
  printf("run %d\n", uv_run(loop, UV_RUN_DEFAULT));
  show_loop("after", NULL);
  printf("close %d\n", uv_loop_close(loop));
}

static void at_exit(void) {
  show("exit");
}

int main(int argc, char **argv) {
  if (argc > 1) {
    show("after exec");
    return 7;
  }
  atexit(at_exit);
  show("main");
  turn_loop();
  show("after the loop");
  pid_t child = fork();
  if (child == 0) {
    show("child");
    execl("/proc/self/exe", argv[0], "again", (char *)NULL);
    _exit(99);
  }
  int status = -1;
  printf("child %d, %x\n", waitpid(child, &status, 0) == child,
         (unsigned)status);
  return 5;
}
