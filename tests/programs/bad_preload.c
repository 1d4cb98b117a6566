/* Preloads that do to a program what ours must not, one for each BAD, for
 * test_invisible.py: the probe has to tell each of them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

#if BAD <= 18
static void *sit(void *unused) {
  for (;;)
    pause();
  return unused;
}

static void open_one(void) {
  (void)open("/dev/null", O_RDONLY);
}

__attribute__((constructor)) static void start(void) {
  sigset_t set;
  struct rlimit limit = {512, 512};
  stack_t stack = {.ss_sp = malloc(SIGSTKSZ), .ss_size = SIGSTKSZ};
  pthread_t thread;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  (void)sit;
  (void)open_one;
  switch (BAD) {
  case 1:
    open_one();
    break;
  case 2:
    dup2(0, 900);
    break;
  case 3:
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    break;
  case 4:
    signal(SIGPIPE, SIG_IGN);
    break;
  case 5:
    setenv("EXTRA", "1", 1);
    break;
  case 6:
    umask(0);
    break;
  case 7:
    setrlimit(RLIMIT_CORE, &limit);
    break;
  case 8:
    pthread_create(&thread, NULL, sit, NULL);
    break;
  case 9:
    prctl(PR_SET_NAME, "other");
    break;
  case 10:
    prctl(PR_SET_DUMPABLE, 0);
    break;
  case 11:
    sigaltstack(&stack, NULL);
    break;
  case 12:
    fcntl(1, F_SETFD, FD_CLOEXEC);
    break;
  case 13:
    fcntl(1, F_SETFL, O_NONBLOCK);
    break;
  case 14:
    alarm(1000);
    break;
  case 15:
    (void)!nice(1);
    break;
  case 16:
    (void)!chdir("/");
    break;
  case 17:
    pthread_atfork(NULL, NULL, open_one);
    break;
  default:
    signal(SIGUSR2, SIG_IGN);
  }
  free(BAD == 11 ? NULL : stack.ss_sp);
}
#elif BAD == 19
ssize_t read(int fd, void *buf, size_t n) {
  ssize_t result = REAL(read)(fd, buf, n);
  errno = 0;
  return result;
}
#elif BAD == 20
int nanosleep(const struct timespec *t, struct timespec *left) {
  REAL(nanosleep)(t, left);
  errno = EINTR;
  return -1;
}
#elif BAD == 21
int uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t ms, uint64_t r) {
  return ms == 3 ? 0 : REAL(uv_timer_start)(timer, cb, ms, r);
}
#elif BAD == 22
int uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t ms, uint64_t r) {
  return REAL(uv_timer_start)(timer, cb, ms, 0);
}
#elif BAD == 23
int uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t ms, uint64_t r) {
  timer->data = NULL;
  return REAL(uv_timer_start)(timer, cb, ms, r);
}
#elif BAD == 24
int uv_run(uv_loop_t *loop, uv_run_mode mode) {
  static uv_check_t check;
  uv_check_init(loop, &check);
  return REAL(uv_run)(loop, mode);
}
#elif BAD == 25
void uv_close(uv_handle_t *handle, uv_close_cb cb) {
  handle->data = NULL;
  REAL(uv_close)(handle, cb);
}
#elif BAD == 26
int uv_queue_work(uv_loop_t *loop, uv_work_t *req, uv_work_cb work,
                  uv_after_work_cb after) {
  req->data = NULL;
  return REAL(uv_queue_work)(loop, req, work, after);
}
#elif BAD == 27
int close(int fd) {
  int result = REAL(close)(fd);
  errno = 0;
  return result;
}
#elif BAD == 28
/* Of two timers the second first. */
int uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t ms, uint64_t r) {
  static uv_timer_t *held;
  static uv_timer_cb held_cb;
  if (ms == 4 && !held) {
    held = timer;
    held_cb = cb;
    return 0;
  }
  int result = REAL(uv_timer_start)(timer, cb, ms, r);
  return ms == 4 ? REAL(uv_timer_start)(held, held_cb, ms, r) : result;
}
#else
int poll(struct pollfd *fds, nfds_t n, int ms) {
  (void)REAL(poll)(fds, n, ms);
  return 1;
}
#endif
