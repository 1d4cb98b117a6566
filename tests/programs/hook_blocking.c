/* Each blocking call that a program can make, once, in a callback of a loop,
 * and long enough to be seen; then the same again outside the loop, where
 * nobody waits.  Prints results and errno, which must not depend on who
 * watches. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

enum { MS = 3 };

static const struct timespec pause_ts = {0, MS * 1000000};
static const char *dir;
static int ends[2], pair[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t sem, taken;

static void told(const char *what, long result) {
  printf("%s %ld %s\n", what, result, errno ? strerror(errno) : "-");
  errno = 0;
}

static void wait_a_bit(void) {
  int before = errno;
  clock_nanosleep(CLOCK_MONOTONIC, 0, &pause_ts, NULL);
  errno = before;
}

/* A second thread does what lets the first go on, a little later. */
static void *in_thread(void *(*what)(void *), pthread_t *thread) {
  pthread_create(thread, NULL, what, NULL);
  return NULL;
}

static void *put_byte(void *unused) {
  wait_a_bit();
  (void)unused;
  return write(ends[1], "x", 1) == 1 && write(pair[1], "x", 1) == 1 ? NULL
                                                                    : &ends;
}

static void *hold_mutex(void *unused) {
  (void)unused;
  pthread_mutex_lock(&mutex);
  sem_post(&taken);
  wait_a_bit();
  pthread_mutex_unlock(&mutex);
  return NULL;
}

static void *hold_rwlock(void *unused) {
  (void)unused;
  pthread_rwlock_wrlock(&rwlock);
  sem_post(&taken);
  wait_a_bit();
  pthread_rwlock_unlock(&rwlock);
  return NULL;
}

static void *signal_cond(void *unused) {
  (void)unused;
  wait_a_bit();
  pthread_mutex_lock(&mutex);
  pthread_cond_signal(&cond);
  pthread_mutex_unlock(&mutex);
  return NULL;
}

static void *post(void *unused) {
  (void)unused;
  wait_a_bit();
  sem_post(&sem);
  return NULL;
}

static void *arrive(void *unused) {
  (void)unused;
  wait_a_bit();
  pthread_barrier_wait(&barrier);
  return NULL;
}

static void *live(void *unused) {
  wait_a_bit();
  return unused;
}

/* Until another thread holds it; not a call of the kind that is tested. */
static void wait_taken(void) {
  while (sem_trywait(&taken) != 0)
    sched_yield();
  errno = 0;
}

static void sleeps(void) {
  told("usleep", usleep(MS * 1000));
  told("nanosleep", nanosleep(&pause_ts, NULL));
  told("clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, 0, &pause_ts, NULL));
  uv_sleep(MS);
  told("uv_sleep", 0);
}

static void reads(void) {
  char byte[2];
  pthread_t thread;
  struct iovec v = {byte, 1};
  struct msghdr msg = {.msg_iov = &v, .msg_iovlen = 1};
  in_thread(put_byte, &thread);
  told("read", read(ends[0], byte, 1));
  pthread_join(thread, NULL);
  told("recv", recv(pair[0], byte, 1, 0));
  in_thread(put_byte, &thread);
  told("readv", readv(ends[0], &v, 1));
  pthread_join(thread, NULL);
  told("recvfrom", recvfrom(pair[0], byte, 1, 0, NULL, NULL));
  in_thread(put_byte, &thread);
  told("recvmsg", recvmsg(pair[0], &msg, 0));
  pthread_join(thread, NULL);
  told("read", read(ends[0], byte, 1));
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  told("read of nothing", read(ends[0], byte, 1));
  fcntl(ends[0], F_SETFL, 0);
  told("read of no descriptor", read(-1, byte, 1));
}

static void waits(void) {
  struct pollfd fd = {.fd = ends[0], .events = POLLIN};
  struct timeval tv = {0, MS * 1000};
  struct epoll_event event;
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  told("poll", poll(&fd, 1, MS));
  told("ppoll", ppoll(&fd, 1, &pause_ts, NULL));
  told("select", select(ends[0] + 1, &set, NULL, NULL, &tv));
  FD_SET(ends[0], &set);
  told("pselect", pselect(ends[0] + 1, &set, NULL, NULL, &pause_ts, NULL));
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  told("epoll_wait", epoll_wait(epoll, &event, 1, MS));
  told("epoll_pwait", epoll_pwait(epoll, &event, 1, MS, NULL));
  close(epoll);
}

static void locks(void) {
  pthread_t thread;
  struct timespec soon;
  in_thread(hold_mutex, &thread);
  wait_taken();
  told("pthread_mutex_lock", pthread_mutex_lock(&mutex));
  pthread_mutex_unlock(&mutex);
  pthread_join(thread, NULL);
  in_thread(hold_rwlock, &thread);
  wait_taken();
  told("pthread_rwlock_rdlock", pthread_rwlock_rdlock(&rwlock));
  pthread_rwlock_unlock(&rwlock);
  pthread_join(thread, NULL);
  in_thread(hold_rwlock, &thread);
  wait_taken();
  told("pthread_rwlock_wrlock", pthread_rwlock_wrlock(&rwlock));
  pthread_rwlock_unlock(&rwlock);
  pthread_join(thread, NULL);
  pthread_mutex_lock(&mutex);
  in_thread(signal_cond, &thread);
  told("pthread_cond_wait", pthread_cond_wait(&cond, &mutex));
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_nsec += MS * 1000000;
  soon.tv_sec += soon.tv_nsec / 1000000000;
  soon.tv_nsec %= 1000000000;
  told("pthread_cond_timedwait", pthread_cond_timedwait(&cond, &mutex, &soon));
  pthread_mutex_unlock(&mutex);
  pthread_join(thread, NULL);
}

static void others(void) {
  pthread_t thread;
  struct timespec past = {0, 0};
  pthread_mutex_t checked;
  pthread_mutexattr_t attr;
  in_thread(post, &thread);
  told("sem_wait", sem_wait(&sem));
  pthread_join(thread, NULL);
  told("sem_timedwait", sem_timedwait(&sem, &past));
  in_thread(live, &thread);
  told("pthread_join", pthread_join(thread, NULL));
  pthread_barrier_init(&barrier, NULL, 2);
  in_thread(arrive, &thread);
  told("pthread_barrier_wait", pthread_barrier_wait(&barrier) > 0);
  pthread_join(thread, NULL);
  pthread_barrier_destroy(&barrier);
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&checked, &attr);
  told("lock", pthread_mutex_lock(&checked));
  told("lock again", pthread_mutex_lock(&checked) == EDEADLK);
}

static int child_that_takes_a_while(void) {
  int pid = fork();
  if (pid == 0) {
    wait_a_bit();
    _exit(0);
  }
  return pid;
}

static void processes(void) {
  siginfo_t info;
  told("waitpid", waitpid(child_that_takes_a_while(), NULL, 0) > 0);
  child_that_takes_a_while();
  told("wait", wait(NULL) > 0);
  told("wait4", wait4(child_that_takes_a_while(), NULL, 0, NULL) > 0);
  told("waitid",
       waitid(P_PID, (id_t)child_that_takes_a_while(), &info, WEXITED));
  told("system", system("sleep 0.003"));
  FILE *f = popen("sleep 0.003", "r");
  told("popen", f != NULL);
  told("pclose", f ? pclose(f) : -1);
}

/* The lock is held by a child, since locks of one process do not conflict. */
static void file_lock(const char *name, int op) {
  char path[512];
  char byte;
  int go[2];
  snprintf(path, sizeof path, "%s/lock", dir);
  if (pipe(go) != 0)
    exit(1);
  int pid = fork();
  if (pid == 0) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct flock all = {.l_type = F_WRLCK};
    if (op == LOCK_EX)
      flock(fd, LOCK_EX);
    else
      fcntl(fd, F_SETLK, &all);
    if (write(go[1], "x", 1) != 1)
      _exit(1);
    wait_a_bit();
    _exit(0);
  }
  while (read(go[0], &byte, 1) != 1)
    continue;
  int fd = open(path, O_RDWR | O_CLOEXEC);
  struct flock all = {.l_type = F_WRLCK};
  if (op == LOCK_EX)
    told(name, flock(fd, LOCK_EX));
  else if (op == F_LOCK)
    told(name, lockf(fd, F_LOCK, 0));
  else
    told(name, fcntl(fd, F_SETLKW, &all));
  close(fd);
  close(go[0]);
  close(go[1]);
  while (waitpid(pid, NULL, 0) != pid)
    continue;
}

static void files(void) {
  char path[512];
  uv_fs_t req;
  static char big[1 << 20];
  file_lock("flock", LOCK_EX);
  file_lock("lockf", F_LOCK);
  file_lock("fcntl", F_SETLKW);
  snprintf(path, sizeof path, "%s/file", dir);
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  told("write", write(fd, big, sizeof big));
  told("pwrite", pwrite(fd, big, sizeof big, 4096));
  told("fsync", fsync(fd));
  told("fdatasync", fdatasync(fd));
  told("pread", pread(fd, big, sizeof big, 0));
  told("uv_fs_fsync", uv_fs_fsync(NULL, &req, fd, NULL));
  uv_fs_req_cleanup(&req);
  told("uv_fs_read",
       uv_fs_read(NULL, &req, fd, (uv_buf_t[]){{big, sizeof big}}, 1, 0, NULL));
  uv_fs_req_cleanup(&req);
  told("mode", fcntl(fd, F_GETFD));
  told("close", close(fd));
  told("unlink", unlink(path));
  told("open of nothing", open(path, O_RDONLY));
}

static void all(uv_timer_t *timer) {
  errno = 0;
  sleeps();
  reads();
  waits();
  locks();
  others();
  processes();
  files();
  if (timer)
    uv_close((uv_handle_t *)timer, NULL);
}

int main(int argc, char **argv) {
  uv_timer_t timer;
  dir = argc > 1 ? argv[1] : ".";
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  if (pipe(ends) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
    return 1;
  sem_init(&sem, 0, 0);
  sem_init(&taken, 0, 0);
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, all, 0, 0);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  all(NULL);
  return 0;
}
