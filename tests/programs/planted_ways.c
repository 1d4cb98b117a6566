/* How planted holds a loop's thread.
 *
 * A way that waits for something begins with hold_begun(): the helper then lets
 * it go after the line's time.  What signals interrupt begins again.  Called by
 * planted.c. */
#include "planted.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <resolv.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned sink;

#define AGAIN(call)                                                            \
  do                                                                           \
    errno = 0;                                                                 \
  while ((call) < 0 && errno == EINTR)

/* Computing. */

static NAMED void burn_until(int64_t cpu_end_ns) {
  while (cpu_ns() < cpu_end_ns)
    for (unsigned i = 0; i < 20000; i++)
      sink += i * i;
}

static NAMED void burn(unsigned ms) {
  burn_until(cpu_ns() + ms * INT64_C(1000000));
}

static NAMED void hold_cpu(struct lane *lane) {
  burn(lane->line->ms);
  sink++;
}

static NAMED void hold_clocks(struct lane *lane) {
  int64_t end = cpu_ns() + lane->line->ms * INT64_C(1000000);
  while (cpu_ns() < end)
    for (int i = 0; i < 100; i++)
      sink += (unsigned)now_ns();
}

static NAMED void hold_calls(struct lane *lane) {
  int64_t end = cpu_ns() + lane->line->ms * INT64_C(1000000);
  while (cpu_ns() < end)
    for (int i = 0; i < 100; i++)
      sink += (unsigned)syscall(SYS_getppid);
}

static NAMED void hold_touch(struct lane *lane) {
  const size_t size = 1 << 20;
  int64_t end = cpu_ns() + lane->line->ms * INT64_C(1000000);
  while (cpu_ns() < end) {
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
      die("mmap");
    for (size_t i = 0; i < size; i += 4096)
      at[i] = 1;
    munmap(at, size);
  }
}

/* Sleeping: until a moment, so that a signal does not end it. */

static struct timespec end_of(const struct lane *lane, clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  t.tv_sec += lane->line->ms / 1000;
  t.tv_nsec += lane->line->ms % 1000 * 1000000L;
  t.tv_sec += t.tv_nsec / 1000000000;
  t.tv_nsec %= 1000000000;
  return t;
}

static int64_t left_ns(int64_t end_ns) {
  int64_t left = end_ns - now_ns();
  return left > 0 ? left : 0;
}

/* A sleep that a signal may end is made again for what is left of it. */
#define SLEEP_WAY(name, call)                                                  \
  static NAMED void hold_##name(struct lane *lane) {                           \
    int64_t end = now_ns() + lane->line->ms * INT64_C(1000000), left;          \
    while ((left = left_ns(end)) > 0) {                                        \
      struct timespec t = {left / 1000000000, left % 1000000000};              \
      struct timeval tv = {t.tv_sec, t.tv_nsec / 1000};                        \
      int ms = (int)((left + 999999) / 1000000);                               \
      (void)t, (void)tv, (void)ms;                                             \
      (void)(call);                                                            \
    }                                                                          \
    sink++;                                                                    \
  }
SLEEP_WAY(nanosleep, nanosleep(&t, NULL))
SLEEP_WAY(usleep, usleep((useconds_t)(left / 1000 + 1)))
SLEEP_WAY(clock_nanosleep, clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL))
SLEEP_WAY(raw_nanosleep, syscall(SYS_nanosleep, &t, NULL))
SLEEP_WAY(uv_sleep, (uv_sleep((unsigned)ms), 0))
SLEEP_WAY(poll_time, poll(NULL, 0, ms))
SLEEP_WAY(ppoll_time, ppoll(NULL, 0, &t, NULL))
SLEEP_WAY(select_time, select(0, NULL, NULL, NULL, &tv))
SLEEP_WAY(raw_ppoll, syscall(SYS_ppoll, NULL, 0, &t, NULL, 8))

static NAMED void hold_epoll_time(struct lane *lane) {
  struct epoll_event ready;
  int64_t end = now_ns() + lane->line->ms * INT64_C(1000000), left;
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  while ((left = left_ns(end)) > 0)
    (void)epoll_wait(epoll, &ready, 1, (int)((left + 999999) / 1000000));
  close(epoll);
}

static NAMED void hold_sem_time(struct lane *lane) {
  struct timespec end = end_of(lane, CLOCK_REALTIME);
  AGAIN(sem_timedwait(&lane->means.sem, &end));
}

static NAMED void hold_cond_time(struct lane *lane) {
  struct means *m = &lane->means;
  struct timespec end = end_of(lane, CLOCK_REALTIME);
  pthread_mutex_lock(&m->lock);
  while (pthread_cond_timedwait(&m->cond, &m->lock, &end) == 0)
    continue;
  pthread_mutex_unlock(&m->lock);
}

/* Reading what comes late. */

static void write_byte(struct lane *lane) {
  AGAIN(write(lane->means.ends[1], "x", 1));
}

#define READ_WAY(name, call)                                                   \
  static NAMED void hold_##name(struct lane *lane) {                           \
    struct means *m = &lane->means;                                            \
    char buf[8];                                                               \
    struct iovec v = {buf, 1};                                                 \
    hold_begun(lane);                                                          \
    (void)v;                                                                   \
    AGAIN(call);                                                               \
    sink++;                                                                    \
  }
READ_WAY(read, read(m->ends[0], buf, 1))
READ_WAY(readv, readv(m->ends[0], &v, 1))
READ_WAY(raw_read, syscall(SYS_read, m->ends[0], buf, 1))
READ_WAY(getc, (getc(m->in), 0))
READ_WAY(fread, (fread(buf, 1, 1, m->in), 0))

static NAMED void hold_uv_read(struct lane *lane) {
  uv_fs_t req;
  char c;
  uv_buf_t buf = uv_buf_init(&c, 1);
  hold_begun(lane);
  uv_fs_read(lane->loop, &req, lane->means.ends[0], &buf, 1, -1, NULL);
  uv_fs_req_cleanup(&req);
}

static void take_byte(struct lane *lane) {
  char c;
  AGAIN(read(lane->means.ends[0], &c, 1));
}

static NAMED void hold_poll(struct lane *lane) {
  struct pollfd fd = {.fd = lane->means.ends[0], .events = POLLIN};
  hold_begun(lane);
  AGAIN(poll(&fd, 1, -1));
  take_byte(lane);
}

static NAMED void hold_select(struct lane *lane) {
  int fd = lane->means.ends[0];
  fd_set set;
  hold_begun(lane);
  do {
    FD_ZERO(&set);
    FD_SET(fd, &set);
  } while (select(fd + 1, &set, NULL, NULL, NULL) < 0);
  take_byte(lane);
}

static NAMED void hold_epoll(struct lane *lane) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(epoll, EPOLL_CTL_ADD, lane->means.ends[0], &event);
  hold_begun(lane);
  AGAIN(epoll_wait(epoll, &event, 1, -1));
  take_byte(lane);
  close(epoll);
}

static void send_byte(struct lane *lane) {
  AGAIN(send(lane->means.pair[1], "x", 1, 0));
}

static NAMED void hold_recv(struct lane *lane) {
  char c;
  hold_begun(lane);
  AGAIN(recv(lane->means.pair[0], &c, 1, 0));
}

static NAMED void hold_recvmsg(struct lane *lane) {
  char c;
  struct iovec v = {&c, 1};
  struct msghdr msg = {.msg_iov = &v, .msg_iovlen = 1};
  hold_begun(lane);
  AGAIN(recvmsg(lane->means.pair[0], &msg, 0));
}

/* Writing where there is no room. */

static void fill(int fd) {
  static const char page[4096];
  int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  while (write(fd, page, sizeof page) > 0)
    continue;
  while (write(fd, page, 1) > 0)
    continue;
  fcntl(fd, F_SETFL, flags);
}

static void empty(int fd) {
  char buf[65536];
  int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  while (read(fd, buf, sizeof buf) > 0)
    continue;
  fcntl(fd, F_SETFL, flags);
}

static void fill_pipe(struct lane *lane) {
  fill(lane->means.full[1]);
}
static void empty_pipe(struct lane *lane) {
  empty(lane->means.full[0]);
}
static void fill_pair(struct lane *lane) {
  fill(lane->means.own[1]);
}
static void empty_pair(struct lane *lane) {
  empty(lane->means.own[0]);
}

static NAMED void hold_write(struct lane *lane) {
  hold_begun(lane);
  AGAIN(write(lane->means.full[1], "x", 1));
}

static NAMED void hold_fputs(struct lane *lane) {
  hold_begun(lane);
  fputs("x", lane->means.out);
  sink++;
}

static NAMED void hold_uv_write(struct lane *lane) {
  uv_fs_t req;
  char c = 'x';
  uv_buf_t buf = uv_buf_init(&c, 1);
  hold_begun(lane);
  uv_fs_write(lane->loop, &req, lane->means.full[1], &buf, 1, -1, NULL);
  uv_fs_req_cleanup(&req);
}

static NAMED void hold_send(struct lane *lane) {
  hold_begun(lane);
  AGAIN(send(lane->means.own[1], "x", 1, 0));
}

/* Opening a FIFO; locks of files; files. */

static void open_other(struct lane *lane) {
  int fd = open(lane->means.fifo, O_WRONLY | O_CLOEXEC);
  if (fd >= 0)
    close(fd);
}

static NAMED void hold_open(struct lane *lane) {
  int fd;
  hold_begun(lane);
  AGAIN(fd = open(lane->means.fifo, O_RDONLY | O_CLOEXEC));
  close(fd);
}

static NAMED void hold_fopen(struct lane *lane) {
  hold_begun(lane);
  FILE *file = fopen(lane->means.fifo, "re");
  if (file)
    fclose(file);
}

static NAMED void hold_uv_open(struct lane *lane) {
  uv_fs_t req;
  hold_begun(lane);
  int fd = uv_fs_open(lane->loop, &req, lane->means.fifo, O_RDONLY, 0, NULL);
  uv_fs_req_cleanup(&req);
  close(fd);
}

static void lock_file(struct lane *lane) {
  AGAIN(flock(lane->means.lock_fds[1], LOCK_EX));
}
static void unlock_file(struct lane *lane) {
  flock(lane->means.lock_fds[1], LOCK_UN);
}

static NAMED void hold_flock(struct lane *lane) {
  hold_begun(lane);
  AGAIN(flock(lane->means.lock_fds[0], LOCK_EX));
  flock(lane->means.lock_fds[0], LOCK_UN);
}

static int ofd_lock(int fd, short type) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
  return fcntl(fd, F_OFD_SETLKW, &lock);
}
static void lock_range(struct lane *lane) {
  AGAIN(ofd_lock(lane->means.lock_fds[1], F_WRLCK));
}
static void unlock_range(struct lane *lane) {
  ofd_lock(lane->means.lock_fds[1], F_UNLCK);
}

static NAMED void hold_fcntl(struct lane *lane) {
  hold_begun(lane);
  AGAIN(ofd_lock(lane->means.lock_fds[0], F_WRLCK));
  ofd_lock(lane->means.lock_fds[0], F_UNLCK);
}

/* As long as the disk takes. */
static NAMED void hold_fsync(struct lane *lane) {
  static const char block[1 << 16];
  int64_t end = now_ns() + lane->line->ms * INT64_C(1000000);
  int fd = open(lane->means.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  while (now_ns() < end) {
    AGAIN(pwrite(fd, block, sizeof block, 0));
    fsync(fd);
  }
  close(fd);
}

/* Pages of a file that are not in memory: major faults. */
static void drop_pages(struct lane *lane) {
  static const char block[1 << 20];
  int fd = open(lane->means.file, O_RDWR | O_CLOEXEC);
  for (off_t i = lseek(fd, 0, SEEK_END) >> 20; i < 64; i++)
    AGAIN(pwrite(fd, block, sizeof block, i << 20));
  fsync(fd);
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  close(fd);
}

static NAMED void hold_paging(struct lane *lane) {
  const size_t size = 64 << 20;
  int64_t end = now_ns() + lane->line->ms * INT64_C(1000000);
  int fd = open(lane->means.file, O_RDONLY | O_CLOEXEC);
  char *at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED)
    die("mmap");
  madvise(at, size, MADV_RANDOM);
  for (size_t i = 0; i < size && now_ns() < end; i += 65536)
    sink += (unsigned char)at[i];
  munmap(at, size);
  close(fd);
}

/* Locks. */

static void lock_mutex(struct lane *lane) {
  pthread_mutex_lock(&lane->means.lock);
}
static void unlock_mutex(struct lane *lane) {
  pthread_mutex_unlock(&lane->means.lock);
}
static void lock_rwlock(struct lane *lane) {
  pthread_rwlock_wrlock(&lane->means.rwlock);
}
static void unlock_rwlock(struct lane *lane) {
  pthread_rwlock_unlock(&lane->means.rwlock);
}
static void raise_flag(struct lane *lane) {
  pthread_mutex_lock(&lane->means.lock);
  lane->means.flag = true;
  pthread_cond_signal(&lane->means.cond);
  pthread_mutex_unlock(&lane->means.lock);
}
static void post(struct lane *lane) {
  sem_post(&lane->means.sem);
}
static void meet(struct lane *lane) {
  pthread_barrier_wait(&lane->means.barrier);
}

static NAMED void hold_mutex(struct lane *lane) {
  hold_begun(lane);
  pthread_mutex_lock(&lane->means.lock);
  pthread_mutex_unlock(&lane->means.lock);
}

static NAMED void hold_uv_mutex(struct lane *lane) {
  hold_begun(lane);
  uv_mutex_lock(&lane->means.lock);
  uv_mutex_unlock(&lane->means.lock);
}

static NAMED void hold_rdlock(struct lane *lane) {
  hold_begun(lane);
  pthread_rwlock_rdlock(&lane->means.rwlock);
  pthread_rwlock_unlock(&lane->means.rwlock);
}

static NAMED void hold_cond(struct lane *lane) {
  struct means *m = &lane->means;
  hold_begun(lane);
  pthread_mutex_lock(&m->lock);
  while (!m->flag)
    pthread_cond_wait(&m->cond, &m->lock);
  m->flag = false;
  pthread_mutex_unlock(&m->lock);
}

static NAMED void hold_uv_cond(struct lane *lane) {
  struct means *m = &lane->means;
  hold_begun(lane);
  uv_mutex_lock(&m->lock);
  while (!m->flag)
    uv_cond_wait(&m->cond, &m->lock);
  m->flag = false;
  uv_mutex_unlock(&m->lock);
}

static NAMED void hold_sem(struct lane *lane) {
  hold_begun(lane);
  AGAIN(sem_wait(&lane->means.sem));
}

static NAMED void hold_uv_sem(struct lane *lane) {
  hold_begun(lane);
  uv_sem_wait(&lane->means.sem);
  sink++;
}

static NAMED void hold_barrier(struct lane *lane) {
  hold_begun(lane);
  pthread_barrier_wait(&lane->means.barrier);
  sink++;
}

static void *wait_to_end(void *data) {
  AGAIN(sem_wait(data));
  return NULL;
}
static void thread_begin(struct lane *lane) {
  if (pthread_create(&lane->means.thread, NULL, wait_to_end, &lane->means.go))
    die("pthread_create");
}
static void thread_end(struct lane *lane) {
  sem_post(&lane->means.go);
}

static NAMED void hold_join(struct lane *lane) {
  hold_begun(lane);
  pthread_join(lane->means.thread, NULL);
  sink++;
}

static NAMED void hold_uv_join(struct lane *lane) {
  hold_begun(lane);
  uv_thread_join(&lane->means.thread);
  sink++;
}

static void zero_word(struct lane *lane) {
  lane->means.word = 0;
}
static void wake_word(struct lane *lane) {
  lane->means.word = 1;
  syscall(SYS_futex, &lane->means.word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static NAMED void hold_raw_futex(struct lane *lane) {
  hold_begun(lane);
  while (!lane->means.word)
    syscall(SYS_futex, &lane->means.word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

/* Children. */

static void child_begin(struct lane *lane) {
  int ends[2];
  char c;
  if (pipe2(ends, O_CLOEXEC))
    die("pipe2");
  lane->means.child = fork();
  if (lane->means.child == 0) {
    close(ends[1]);
    AGAIN(read(ends[0], &c, 1));
    _exit(0);
  }
  close(ends[0]);
  lane->means.child_fd = ends[1];
}
/* Others that were forked meanwhile have that end too: closing is not enough.
 */
static void child_end(struct lane *lane) {
  AGAIN(write(lane->means.child_fd, "x", 1));
  close(lane->means.child_fd);
}

static NAMED void hold_waitpid(struct lane *lane) {
  hold_begun(lane);
  AGAIN(waitpid(lane->means.child, NULL, 0));
}

static NAMED void hold_waitid(struct lane *lane) {
  siginfo_t info;
  hold_begun(lane);
  AGAIN(waitid(P_PID, (id_t)lane->means.child, &info, WEXITED));
}

static NAMED void hold_system(struct lane *lane) {
  char command[64];
  snprintf(command, sizeof command, "exec sleep %u.%03u", lane->line->ms / 1000,
           lane->line->ms % 1000);
  sink += (unsigned)system(command);
}

static NAMED void hold_pclose(struct lane *lane) {
  char command[64];
  snprintf(command, sizeof command, "exec sleep %u.%03u", lane->line->ms / 1000,
           lane->line->ms % 1000);
  FILE *file = popen(command, "re");
  if (file)
    pclose(file);
}

/* Sockets. */

static struct sockaddr_un address_of(const struct lane *lane) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  snprintf(at.sun_path + 1, sizeof at.sun_path - 1, "planted-%d-%u",
           (int)getpid(), lane->index);
  return at;
}

static int connect_to(const struct lane *lane, int flags) {
  struct sockaddr_un at = address_of(lane);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  AGAIN(connect(fd, (struct sockaddr *)&at, sizeof at));
  return fd;
}

static void connect_late(struct lane *lane) {
  close(connect_to(lane, 0));
}

static NAMED void hold_accept(struct lane *lane) {
  int fd;
  hold_begun(lane);
  AGAIN(fd = accept(lane->means.listener, NULL, NULL));
  close(fd);
}

/* A backlog of 0 takes one. */
static void fill_backlog(struct lane *lane) {
  connect_late(lane);
}
static void accept_two(struct lane *lane) {
  for (int i = 0; i < 2; i++) {
    int fd;
    AGAIN(fd = accept(lane->means.listener, NULL, NULL));
    close(fd);
  }
}

static NAMED void hold_connect(struct lane *lane) {
  hold_begun(lane);
  close(connect_to(lane, 0));
}

/* TCP: with the backlog full, a connection waits for its next SYN, after 1 s.
 */
static struct sockaddr_in address_of_tcp(int listener) {
  struct sockaddr_in at;
  socklen_t size = sizeof at;
  if (getsockname(listener, (struct sockaddr *)&at, &size))
    die("getsockname");
  return at;
}

static int connect_tcp(int listener) {
  struct sockaddr_in at = address_of_tcp(listener);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  AGAIN(connect(fd, (struct sockaddr *)&at, sizeof at));
  return fd;
}

static void fill_tcp(struct lane *lane) {
  close(connect_tcp(lane->means.tcp));
}
static void accept_tcp(struct lane *lane) {
  int fd;
  AGAIN(fd = accept(lane->means.tcp, NULL, NULL));
  close(fd);
}

static NAMED void hold_tcp_connect(struct lane *lane) {
  hold_begun(lane);
  close(connect_tcp(lane->means.tcp));
  accept_tcp(lane);
}

/* Names: the name server is the lane's own, and slow. */
static NAMED void hold_getaddrinfo(struct lane *lane) {
  const struct addrinfo hints = {.ai_family = AF_INET,
                                 .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  if (res_init())
    die("res_init");
  _res.nscount = 1;
  _res.nsaddr_list[0] = address_of_tcp(lane->means.names);
  _res.retry = 1;
  _res.retrans = 30;
  hold_begun(lane);
  if (getaddrinfo("planted.invalid.", "1", &hints, &found) == 0)
    freeaddrinfo(found);
}

/* No CPU: three threads beside this one, on one CPU. */

static void *compete(void *data) {
  struct means *m = data;
  while (m->is_busy)
    sink++;
  return NULL;
}

static cpu_set_t one_cpu(const struct lane *lane) {
  cpu_set_t one;
  unsigned left = lane->index % (unsigned)CPU_COUNT(&lane->means.cpus);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &lane->means.cpus) || left-- > 0)
    cpu++;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  return one;
}

static void compete_begin(struct lane *lane) {
  struct means *m = &lane->means;
  cpu_set_t one = one_cpu(lane);
  m->is_busy = true;
  for (int i = 0; i < 3; i++) {
    if (pthread_create(&m->busy[i], NULL, compete, m))
      die("pthread_create");
    pthread_setaffinity_np(m->busy[i], sizeof one, &one);
  }
}

/* It ends them itself; the helper only waits for that. */
static NAMED void hold_starved(struct lane *lane) {
  struct means *m = &lane->means;
  cpu_set_t one = one_cpu(lane);
  int64_t end = now_ns() + lane->line->ms * INT64_C(1000000);
  hold_begun(lane);
  pthread_setaffinity_np(pthread_self(), sizeof one, &one);
  while (now_ns() < end)
    burn(1);
  m->is_busy = false;
  pthread_setaffinity_np(pthread_self(), sizeof m->cpus, &m->cpus);
}

static void compete_end(struct lane *lane) {
  for (int i = 0; i < 3; i++)
    pthread_join(lane->means.busy[i], NULL);
}

/* Some of each. */

static NAMED void hold_mixed(struct lane *lane) {
  unsigned ms = lane->line->ms;
  burn(ms * 2 / 5);
  int64_t end = now_ns() + (ms - ms * 2 / 5) * INT64_C(1000000);
  for (int64_t left; (left = left_ns(end)) > 0;) {
    struct timespec t = {left / 1000000000, left % 1000000000};
    nanosleep(&t, NULL);
  }
}

/* Stopped by another process, waiting for it or computing. */

static NAMED void hold_stopped(struct lane *lane) {
  stopper_ask(lane->line->ms);
  stopper_wait();
  sink++;
}

static NAMED void hold_stopped_cpu(struct lane *lane) {
  stopper_ask(lane->line->ms);
  while (!stopper_is_done())
    burn(1);
  stopper_wait();
}

#define WAY(name, cause, callee, arrange, release)                             \
  {#name, cause, callee, arrange, hold_##name, release}
static const struct way ways[] = {
    WAY(cpu, "cpu", "", NULL, NULL),
    WAY(clocks, "cpu", "", NULL, NULL),
    WAY(calls, "cpu", "", NULL, NULL),
    WAY(touch, "cpu", "", NULL, NULL),
    WAY(nanosleep, "blocked", "nanosleep", NULL, NULL),
    WAY(usleep, "blocked", "usleep", NULL, NULL),
    WAY(clock_nanosleep, "blocked", "clock_nanosleep", NULL, NULL),
    WAY(raw_nanosleep, "blocked", "nanosleep", NULL, NULL),
    WAY(uv_sleep, "blocked", "uv_sleep", NULL, NULL),
    WAY(poll_time, "blocked", "poll", NULL, NULL),
    WAY(ppoll_time, "blocked", "ppoll", NULL, NULL),
    WAY(select_time, "blocked", "select", NULL, NULL),
    WAY(raw_ppoll, "blocked", "ppoll", NULL, NULL),
    WAY(epoll_time, "blocked", "epoll_wait", NULL, NULL),
    WAY(sem_time, "blocked", "sem_wait", NULL, NULL),
    WAY(cond_time, "blocked", "pthread_cond_timedwait", NULL, NULL),
    WAY(read, "blocked", "read", NULL, write_byte),
    WAY(readv, "blocked", "readv", NULL, write_byte),
    WAY(raw_read, "blocked", "read", NULL, write_byte),
    WAY(getc, "blocked", "read", NULL, write_byte),
    WAY(fread, "blocked", "fread", NULL, write_byte),
    WAY(uv_read, "blocked", "uv_fs_read", NULL, write_byte),
    WAY(poll, "blocked", "poll", NULL, write_byte),
    WAY(select, "blocked", "select", NULL, write_byte),
    WAY(epoll, "blocked", "epoll_wait", NULL, write_byte),
    WAY(recv, "blocked", "recv", NULL, send_byte),
    WAY(recvmsg, "blocked", "recvmsg", NULL, send_byte),
    WAY(write, "blocked", "write", fill_pipe, empty_pipe),
    WAY(fputs, "blocked", "write", fill_pipe, empty_pipe),
    WAY(uv_write, "blocked", "uv_fs_write", fill_pipe, empty_pipe),
    WAY(send, "blocked", "send", fill_pair, empty_pair),
    WAY(open, "blocked", "open", NULL, open_other),
    WAY(fopen, "blocked", "fopen", NULL, open_other),
    WAY(uv_open, "blocked", "uv_fs_open", NULL, open_other),
    WAY(flock, "blocked", "flock", lock_file, unlock_file),
    WAY(fcntl, "blocked", "fcntl", lock_range, unlock_range),
    WAY(fsync, "disk", "fsync", NULL, NULL),
    WAY(paging, "paging", "", drop_pages, NULL),
    WAY(mutex, "blocked", "pthread_mutex_lock", lock_mutex, unlock_mutex),
    WAY(uv_mutex, "blocked", "pthread_mutex_lock", lock_mutex, unlock_mutex),
    WAY(rdlock, "blocked", "pthread_rwlock_rdlock", lock_rwlock, unlock_rwlock),
    WAY(cond, "blocked", "pthread_cond_wait", NULL, raise_flag),
    WAY(uv_cond, "blocked", "pthread_cond_wait", NULL, raise_flag),
    WAY(sem, "blocked", "sem_wait", NULL, post),
    WAY(uv_sem, "blocked", "sem_wait", NULL, post),
    WAY(barrier, "blocked", "pthread_barrier_wait", NULL, meet),
    WAY(join, "blocked", "pthread_join", thread_begin, thread_end),
    WAY(uv_join, "blocked", "pthread_join", thread_begin, thread_end),
    WAY(raw_futex, "blocked", "futex", zero_word, wake_word),
    WAY(waitpid, "blocked", "waitpid", child_begin, child_end),
    WAY(waitid, "blocked", "waitid", child_begin, child_end),
    WAY(system, "blocked", "system", NULL, NULL),
    WAY(pclose, "blocked", "pclose", NULL, NULL),
    WAY(accept, "blocked", "accept", NULL, connect_late),
    WAY(connect, "blocked", "connect", fill_backlog, accept_two),
    WAY(tcp_connect, "blocked", "connect", fill_tcp, accept_tcp),
    WAY(getaddrinfo, "blocked", "getaddrinfo", NULL, means_answer),
    WAY(starved, "starved", "", compete_begin, compete_end),
    WAY(mixed, "mixed", "nanosleep", NULL, NULL),
    WAY(stopped, "suspended", "", NULL, NULL),
    WAY(stopped_cpu, "suspended", "", NULL, NULL),
};

const struct way *way_find(const char *name) {
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
    if (strcmp(ways[i].name, name) == 0)
      return &ways[i];
  return NULL;
}
