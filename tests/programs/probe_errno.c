/* errno after each function that the preload wraps: as it was where the function
 * succeeded, and the function's own where it failed.
 *
 *   probe_errno [flood]
 *
 * Each is called outside of a loop and in a callback.  Prints a line for each
 * call, the same in every run, for test_invisible.py, which also looks that none
 * of the table is missing here.  flood: between "ready" and the end of the line
 * that is read then, so much happens that the rings are full. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#undef _FORTIFY_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

/* What only fortified headers declare. */
ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);
ssize_t __pread_chk(int fd, void *buf, size_t n, off_t at, size_t size);
ssize_t __pread64_chk(int fd, void *buf, size_t n, off64_t at, size_t size);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags,
                       struct sockaddr *addr, socklen_t *addr_n);
int __poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *t,
                const sigset_t *mask, size_t size);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int at, const char *path, int flags);
int __openat64_2(int at, const char *path, int flags);
ssize_t __readlink_chk(const char *path, char *buf, size_t n, size_t size);
char *__realpath_chk(const char *path, char *buf, size_t size);
size_t __fread_chk(void *buf, size_t room, size_t size, size_t n, FILE *f);
char *__fgets_chk(char *buf, size_t size, int n, FILE *f);
void __syslog_chk(int priority, int flag, const char *format, ...);
void __vsyslog_chk(int priority, int flag, const char *format, va_list args);

#define MARK 4321
#define N(array) (sizeof(array) / sizeof *(array))

/* A descriptor is told as one, not by its number. */
#define TRY_AS(call, shown)                                                    \
  do {                                                                         \
    errno = MARK;                                                              \
    long long result __attribute__((unused)) = (long long)(call);              \
    int after = errno;                                                         \
    printf("  %s = %lld, errno %d\n", #call, (long long)(shown), after);       \
  } while (0)
#define TRY(call) TRY_AS(call, result)
#define TRY_FD(call)                                                           \
  do {                                                                         \
    errno = MARK;                                                              \
    int fd_made = call;                                                        \
    int after = errno;                                                         \
    printf("  %s = %d, errno %d\n", #call, fd_made < 0 ? -1 : 0, after);       \
    if (fd_made >= 0)                                                          \
      close(fd_made);                                                          \
  } while (0)
#define TRY_VOID(call)                                                         \
  do {                                                                         \
    errno = MARK;                                                              \
    call;                                                                      \
    int after = errno;                                                         \
    printf("  %s, errno %d\n", #call, after);                                  \
  } while (0)

static const char nowhere[] = "/nowhere/at/all";
static const struct timespec soon = {0, 1000}, wrong = {0, -1}, past = {1, 0};
/* No addresses: that is for the kernel to say. */
static void *volatile nothing, *volatile nobodys = (void *)-1;
static char bytes[64];
static struct iovec vector = {bytes, 4};

static void call_times(void) {
  TRY(sleep(0));
  TRY(usleep(1));
  TRY(nanosleep(&soon, NULL));
  TRY(nanosleep(&wrong, NULL));
  TRY(clock_nanosleep(CLOCK_MONOTONIC, 0, &soon, NULL));
  TRY(clock_nanosleep(CLOCK_MONOTONIC, 0, &wrong, NULL));
}

static void call_files(void) {
  int ends[2];
  FILE *file = tmpfile();
  int fd = file ? fileno(file) : -1;
  off_t at = 0;
  off64_t at64 = 0;
  struct flock lock = {.l_type = F_WRLCK};
  TRY(pipe(ends));
  TRY(write(ends[1], "abcdefgh", 8));
  TRY(read(ends[0], bytes, 1));
  TRY(__read_chk(ends[0], bytes, 1, 1));
  TRY(readv(ends[0], &vector, 1));
  TRY(writev(ends[1], &vector, 1));
  TRY(read(-1, bytes, 1));
  TRY(__read_chk(-1, bytes, 1, 1));
  TRY(readv(-1, &vector, 1));
  TRY(write(-1, bytes, 1));
  TRY(writev(-1, &vector, 1));
  TRY(pwrite(fd, "abcdefgh", 8, 0));
  TRY(pwrite64(fd, "abcdefgh", 8, 0));
  TRY(pwritev(fd, &vector, 1, 0));
  TRY(pwritev64(fd, &vector, 1, 0));
  TRY(pread(fd, bytes, 4, 0));
  TRY(pread64(fd, bytes, 4, 0));
  TRY(__pread_chk(fd, bytes, 4, 0, 4));
  TRY(__pread64_chk(fd, bytes, 4, 0, 4));
  TRY(preadv(fd, &vector, 1, 0));
  TRY(preadv64(fd, &vector, 1, 0));
  TRY(pwrite(ends[1], bytes, 8, 0));
  TRY(pwrite64(ends[1], bytes, 8, 0));
  TRY(pwritev(ends[1], &vector, 1, 0));
  TRY(pwritev64(ends[1], &vector, 1, 0));
  TRY(pread(ends[0], bytes, 4, 0));
  TRY(pread64(ends[0], bytes, 4, 0));
  TRY(__pread_chk(ends[0], bytes, 4, 0, 4));
  TRY(__pread64_chk(ends[0], bytes, 4, 0, 4));
  TRY(preadv(ends[0], &vector, 1, 0));
  TRY(preadv64(ends[0], &vector, 1, 0));
  TRY(fsync(fd));
  TRY(fdatasync(fd));
  TRY(fsync(ends[0]));
  TRY(fdatasync(ends[0]));
  TRY(ftruncate(fd, 6));
  TRY(ftruncate64(fd, 6));
  TRY(ftruncate(ends[0], 6));
  TRY(ftruncate64(ends[0], 6));
  TRY(sendfile(ends[1], fd, &at, 2));
  TRY(sendfile64(ends[1], fd, &at64, 2));
  TRY(sendfile(-1, fd, &at, 2));
  TRY(sendfile64(-1, fd, &at64, 2));
  TRY(flock(fd, LOCK_EX));
  TRY(flock(-1, LOCK_EX));
  TRY(lockf(fd, F_LOCK, 0));
  TRY(lockf64(fd, F_LOCK, 0));
  TRY(lockf(-1, F_LOCK, 0));
  TRY(lockf64(-1, F_LOCK, 0));
  TRY(fcntl(fd, F_SETLKW, &lock));
  TRY(fcntl64(fd, F_SETLKW, &lock));
  TRY(fcntl(-1, F_SETLKW, &lock));
  TRY(fcntl64(-1, F_SETLKW, &lock));
  TRY(fcntl(fd, F_GETFD));
  TRY(close(ends[0]));
  TRY(close(ends[1]));
  TRY(close(ends[1]));
  if (file)
    fclose(file);
}

static void call_sockets(void) {
  struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "/nowhere/s"};
  struct sockaddr *any = (struct sockaddr *)&addr;
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  socklen_t size = sizeof addr;
  int ends[2], listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  TRY(connect(listening, any, sizeof addr));
  addr.sun_path[0] = '\0';
  TRY(bind(listening, any, sizeof(sa_family_t)));
  TRY(listen(listening, 4));
  TRY(getsockname(listening, any, &size));
  for (int i = 0; i < 2; i++) {
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    TRY(connect(client, any, size));
    if (i == 0)
      TRY_FD(accept(listening, NULL, NULL));
    else
      TRY_FD(accept4(listening, NULL, NULL, 0));
    close(client);
  }
  TRY_FD(accept(listening, NULL, NULL));
  TRY_FD(accept4(listening, NULL, NULL, 0));
  TRY(send(ends[1], "abcdefghijkl", 12, 0));
  TRY(sendto(ends[1], "abcdefgh", 8, 0, NULL, 0));
  TRY(sendmsg(ends[1], &message, 0));
  TRY(recv(ends[0], bytes, 1, 0));
  TRY(__recv_chk(ends[0], bytes, 1, 1, 0));
  TRY(recvfrom(ends[0], bytes, 1, 0, NULL, NULL));
  TRY(__recvfrom_chk(ends[0], bytes, 1, 1, 0, NULL, NULL));
  TRY(recvmsg(ends[0], &message, 0));
  TRY(send(-1, bytes, 1, 0));
  TRY(sendto(-1, bytes, 1, 0, NULL, 0));
  TRY(sendmsg(-1, &message, 0));
  TRY(recv(-1, bytes, 1, 0));
  TRY(__recv_chk(-1, bytes, 1, 1, 0));
  TRY(recvfrom(-1, bytes, 1, 0, NULL, NULL));
  TRY(__recvfrom_chk(-1, bytes, 1, 1, 0, NULL, NULL));
  TRY(recvmsg(-1, &message, 0));
  close(listening);
  close(ends[0]);
  close(ends[1]);
}

static pid_t child_of(int status) {
  pid_t pid = fork();
  if (pid == 0)
    _exit(status);
  return pid;
}

static void call_waits(void) {
  struct pollfd p = {.fd = -1};
  struct timeval none = {0, 1000};
  struct epoll_event event;
  siginfo_t info;
  int status, epoll = epoll_create1(EPOLL_CLOEXEC);
  TRY(poll(&p, 1, 1));
  TRY(poll(nothing, 1, 1));
  TRY(poll(nobodys, 1, 1));
  TRY(ppoll(nothing, 1, &soon, NULL));
  TRY(__poll_chk(&p, 1, 1, sizeof p));
  TRY(ppoll(&p, 1, &soon, NULL));
  TRY(ppoll(&p, 1, &wrong, NULL));
  TRY(__ppoll_chk(&p, 1, &soon, NULL, sizeof p));
  TRY(select(0, NULL, NULL, NULL, &none));
  TRY(select(-1, NULL, NULL, NULL, &none));
  TRY(select(1, nobodys, NULL, NULL, &none));
  TRY(pselect(0, NULL, NULL, NULL, &soon, NULL));
  TRY(pselect(1, NULL, nobodys, NULL, &soon, NULL));
  TRY(pselect(-1, NULL, NULL, NULL, &soon, NULL));
  TRY(epoll_wait(epoll, &event, 1, 1));
  TRY(epoll_wait(-1, &event, 1, 1));
  TRY(epoll_pwait(epoll, &event, 1, 1, NULL));
  TRY(epoll_pwait(-1, &event, 1, 1, NULL));
  TRY_AS(waitpid(child_of(3), &status, 0), result > 0);
  child_of(3);
  TRY_AS(wait(&status), result > 0);
  TRY_AS(wait4(child_of(3), &status, 0, NULL), result > 0);
  TRY(waitid(P_PID, (id_t)child_of(3), &info, WEXITED));
  TRY(waitpid(-1, &status, 0));
  TRY(wait(&status));
  TRY(wait4(-1, &status, 0, NULL));
  TRY(waitid(P_ALL, 0, &info, WEXITED));
  close(epoll);
}

static void *pass(void *unused) {
  return unused;
}

static void *meet(void *barrier) {
  pthread_barrier_wait(barrier);
  return NULL;
}

static void call_locks(void) {
  pthread_mutex_t lock;
  pthread_mutexattr_t checked;
  pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
  pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
  pthread_barrier_t barrier;
  pthread_t thread;
  sem_t sem;
  pthread_mutexattr_init(&checked);
  pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&lock, &checked);
  pthread_barrier_init(&barrier, NULL, 2);
  sem_init(&sem, 0, 2);
  TRY(pthread_mutex_lock(&lock));
  TRY(pthread_mutex_lock(&lock));
  TRY(pthread_mutex_timedlock(&lock, &past));
  TRY(pthread_mutex_clocklock(&lock, CLOCK_MONOTONIC, &past));
  TRY(pthread_cond_timedwait(&cond, &lock, &past));
  TRY(pthread_cond_clockwait(&cond, &lock, CLOCK_MONOTONIC, &past));
  TRY(pthread_mutex_unlock(&lock));
  TRY(pthread_cond_wait(&cond, &lock));
  TRY(pthread_rwlock_rdlock(&rw));
  TRY(pthread_rwlock_unlock(&rw));
  TRY(pthread_rwlock_wrlock(&rw));
  TRY(pthread_rwlock_wrlock(&rw));
  TRY(pthread_rwlock_rdlock(&rw));
  TRY(sem_wait(&sem));
  TRY(sem_timedwait(&sem, &past));
  TRY(sem_timedwait(&sem, &past));
  pthread_create(&thread, NULL, meet, &barrier);
  TRY_AS(pthread_barrier_wait(&barrier), result == 0 || result == -1);
  TRY(pthread_join(thread, NULL));
  pthread_create(&thread, NULL, pass, NULL);
  TRY(pthread_join(thread, NULL));
  TRY(pthread_join(pthread_self(), NULL));
}

static void call_paths(void) {
  char folder[] = "/tmp/probe.XXXXXX", *path;
  struct stat s;
  struct stat64 s64;
  DIR *dir;
  if (!mkdtemp(folder) || chdir(folder) != 0)
    exit(1);
  TRY_FD(open("a", O_RDWR | O_CREAT, 0600));
  TRY_FD(open64("a", O_RDONLY));
  TRY_FD(openat(AT_FDCWD, "a", O_RDONLY));
  TRY_FD(openat64(AT_FDCWD, "a", O_RDONLY));
  TRY_FD(__open_2("a", O_RDONLY));
  TRY_FD(__open64_2("a", O_RDONLY));
  TRY_FD(__openat_2(AT_FDCWD, "a", O_RDONLY));
  TRY_FD(__openat64_2(AT_FDCWD, "a", O_RDONLY));
  TRY_FD(creat("b", 0600));
  TRY_FD(creat64("b", 0600));
  TRY_FD(open(nowhere, O_RDONLY));
  TRY_FD(open64(nowhere, O_RDONLY));
  TRY_FD(openat(AT_FDCWD, nowhere, O_RDONLY));
  TRY_FD(openat64(AT_FDCWD, nowhere, O_RDONLY));
  TRY_FD(__open_2(nowhere, O_RDONLY));
  TRY_FD(__open64_2(nowhere, O_RDONLY));
  TRY_FD(__openat_2(AT_FDCWD, nowhere, O_RDONLY));
  TRY_FD(__openat64_2(AT_FDCWD, nowhere, O_RDONLY));
  TRY_FD(creat(nowhere, 0600));
  TRY_FD(creat64(nowhere, 0600));
  TRY(rename("b", "c"));
  TRY(renameat(AT_FDCWD, "c", AT_FDCWD, "b"));
  TRY(rename(nowhere, "b"));
  TRY(renameat(AT_FDCWD, nowhere, AT_FDCWD, "b"));
  TRY(symlink("a", "l"));
  TRY(readlink("l", bytes, sizeof bytes));
  TRY(__readlink_chk("l", bytes, sizeof bytes, sizeof bytes));
  TRY(readlink("a", bytes, sizeof bytes));
  TRY(__readlink_chk("a", bytes, sizeof bytes, sizeof bytes));
  TRY_AS(path = realpath("/proc/self/../../dev/null", NULL), path != NULL);
  free(path);
  static char whole[4096];
  TRY_AS(__realpath_chk("/dev/null", whole, sizeof whole), result != 0);
  TRY_AS(realpath(nowhere, whole), result != 0);
  TRY_AS(__realpath_chk(nowhere, whole, sizeof whole), result != 0);
  TRY(stat("a", &s));
  TRY(stat64("a", &s64));
  TRY(lstat("l", &s));
  TRY(lstat64("l", &s64));
  TRY(fstat(0, &s));
  TRY(fstat64(0, &s64));
  TRY(fstatat(AT_FDCWD, "a", &s, 0));
  TRY(fstatat64(AT_FDCWD, "a", &s64, 0));
  TRY(stat(nowhere, &s));
  TRY(stat64(nowhere, &s64));
  TRY(lstat(nowhere, &s));
  TRY(lstat64(nowhere, &s64));
  TRY(fstat(-1, &s));
  TRY(fstat64(-1, &s64));
  TRY(fstatat(AT_FDCWD, nowhere, &s, 0));
  TRY(fstatat64(AT_FDCWD, nowhere, &s64, 0));
  TRY(unlink("l"));
  TRY(unlink("l"));
  TRY(unlinkat(AT_FDCWD, "b", 0));
  TRY(unlinkat(AT_FDCWD, "b", 0));
  TRY(mkdir("d", 0700));
  TRY(mkdir("d", 0700));
  TRY(rmdir("d"));
  TRY(rmdir("d"));
  TRY_AS(dir = opendir("."), dir != NULL);
  for (int i = 0; dir && i < 3; i++)
    TRY_AS(readdir(dir), result != 0);
  for (int i = 0; dir && i < 2; i++)
    TRY_AS(readdir64(dir), result != 0);
  closedir(dir);
  TRY_AS(opendir(nowhere), result != 0);
  TRY_VOID(sync());
  unlink("a");
  if (chdir("/") == 0)
    rmdir(folder);
}

static void call_vsyslog(const char *format, ...) {
  va_list args;
  va_start(args, format);
  TRY_VOID(vsyslog(LOG_DEBUG, format, args));
  va_end(args);
  va_start(args, format);
  TRY_VOID(__vsyslog_chk(LOG_DEBUG, 1, format, args));
  va_end(args);
}

static void call_stdio(void) {
  FILE *file, *other;
  TRY_AS(file = fopen("/proc/self/comm", "r"), file != NULL);
  TRY_AS(fgets(bytes, 5, file), result != 0);
  TRY_AS(__fgets_chk(bytes, sizeof bytes, 5, file), result != 0);
  TRY(fread(bytes, 1, 1, file));
  TRY(__fread_chk(bytes, sizeof bytes, 1, 1, file));
  TRY(fwrite(bytes, 1, 4, file));
  TRY(fclose(file));
  TRY_AS(file = fopen64("/dev/full", "w"), file != NULL);
  TRY(fwrite(bytes, 1, 4, file));
  TRY(fflush(file));
  TRY_AS(fgets(bytes, 5, file), result != 0);
  TRY_AS(__fgets_chk(bytes, sizeof bytes, 5, file), result != 0);
  TRY(fread(bytes, 1, 1, file));
  TRY(__fread_chk(bytes, sizeof bytes, 1, 1, file));
  TRY(fclose(file));
  TRY_AS(other = fopen(nowhere, "r"), other != NULL);
  TRY_AS(other = fopen64(nowhere, "r"), other != NULL);
  TRY(system("exit 3"));
  TRY(system(NULL));
  TRY_AS(file = popen("exit 3", "r"), file != NULL);
  TRY(pclose(file));
  TRY_AS(popen("exit 3", "wrong"), result != 0);
  setlogmask(LOG_UPTO(LOG_EMERG)); /* nothing is said to anybody */
  TRY_VOID(syslog(LOG_DEBUG, "nothing"));
  TRY_VOID(__syslog_chk(LOG_DEBUG, 1, "nothing"));
  call_vsyslog("nothing");
}

static void call_names(void) {
  struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST}, *found = NULL;
  struct sockaddr_in addr = {.sin_family = AF_INET};
  struct passwd user, *u;
  char room[4096];
  TRY(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  TRY(prctl(-1, 0, 0, 0, 0));
  TRY(getaddrinfo("127.0.0.1", NULL, &numeric, &found));
  freeaddrinfo(found);
  TRY(getaddrinfo("no number", NULL, &numeric, &found));
  TRY(getnameinfo((struct sockaddr *)&addr, sizeof addr, room, sizeof room,
                  NULL, 0, NI_NUMERICHOST));
  TRY(getnameinfo((struct sockaddr *)&addr, 1, room, sizeof room, NULL, 0,
                  NI_NUMERICHOST));
  TRY_AS(gethostbyname("127.0.0.1"), result != 0);
  TRY_AS(getpwnam("root"), result != 0);
  TRY_AS(getpwnam("no such user"), result != 0);
  TRY(getpwnam_r("root", &user, room, sizeof room, &u));
  TRY(getpwnam_r("root", &user, room, 1, &u));
  TRY_AS(getpwuid(0), result != 0);
  TRY(getpwuid_r(0, &user, room, sizeof room, &u));
  TRY(getpwuid_r(0, &user, room, 1, &u));
  TRY_AS(getgrnam("root"), result != 0);
  TRY_AS(getgrnam("no such group"), result != 0);
  TRY_AS(getgrgid(0), result != 0);
}

/* libuv's: nothing comes of most of it, each is closed or cancelled at once. */

static unsigned n_closed;
static void on_close(uv_handle_t *handle) {
  (void)handle;
  n_closed++;
}

static void on_walk(uv_handle_t *handle, void *arg) {
  (void)handle;
  (void)arg;
}

static void on_timer(uv_timer_t *timer) { (void)timer; }
static void on_idle(uv_idle_t *idle) { (void)idle; }
static void on_prepare(uv_prepare_t *prepare) { (void)prepare; }
static void on_check(uv_check_t *check) { (void)check; }
static void on_async(uv_async_t *async) { (void)async; }
static void on_signal(uv_signal_t *signal, int n) { (void)signal, (void)n; }
static void on_connection(uv_stream_t *s, int status) { (void)s, (void)status; }
static void on_shutdown(uv_shutdown_t *r, int status) { (void)r, (void)status; }
static void on_write(uv_write_t *r, int status) { (void)r, (void)status; }
static void on_connect(uv_connect_t *r, int status) { (void)r, (void)status; }
static void on_sent(uv_udp_send_t *r, int status) { (void)r, (void)status; }
static void on_work(uv_work_t *r) { (void)r; }
static void on_worked(uv_work_t *r, int status) { (void)r, (void)status; }
static void on_poll(uv_poll_t *p, int status, int events) {
  (void)p, (void)status, (void)events;
}
static void on_fs(uv_fs_t *req) { uv_fs_req_cleanup(req); }
static void on_event(uv_fs_event_t *e, const char *name, int events, int s) {
  (void)e, (void)name, (void)events, (void)s;
}
static void on_fs_poll(uv_fs_poll_t *p, int status, const uv_stat_t *before,
                       const uv_stat_t *after) {
  (void)p, (void)status, (void)before, (void)after;
}
static void on_alloc(uv_handle_t *h, size_t n, uv_buf_t *buf) {
  (void)h, (void)n;
  *buf = uv_buf_init(bytes, sizeof bytes);
}
static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf) {
  (void)s, (void)n, (void)buf;
}
static void on_recv(uv_udp_t *u, ssize_t n, const uv_buf_t *buf,
                    const struct sockaddr *from, unsigned flags) {
  (void)u, (void)n, (void)buf, (void)from, (void)flags;
}
static void on_found(uv_getaddrinfo_t *r, int status, struct addrinfo *found) {
  (void)r, (void)status;
  uv_freeaddrinfo(found);
}
static void on_named(uv_getnameinfo_t *r, int status, const char *host,
                     const char *service) {
  (void)r, (void)status, (void)host, (void)service;
}
static void on_random(uv_random_t *r, int status, void *buf, size_t n) {
  (void)r, (void)status, (void)buf, (void)n;
}
static void on_exit_of(uv_process_t *p, int64_t status, int signal) {
  (void)status, (void)signal;
  uv_close((uv_handle_t *)p, on_close);
}

#define CLOSE(handle) uv_close((uv_handle_t *)(handle), on_close)

static void call_handles(uv_loop_t *loop) {
  static uv_timer_t timer;
  static uv_idle_t idle;
  static uv_prepare_t prepare;
  static uv_check_t check;
  static uv_async_t async;
  static uv_signal_t watcher;
  static uv_poll_t poll;
  static uv_fs_event_t event;
  static uv_fs_poll_t fs_poll;
  int ends[2];
  uv_timer_init(loop, &timer);
  TRY(uv_timer_again(&timer));
  TRY(uv_timer_start(&timer, on_timer, 1000, 1000));
  TRY(uv_timer_start(&timer, NULL, 1000, 1000));
  TRY(uv_timer_again(&timer));
  uv_idle_init(loop, &idle);
  TRY(uv_idle_start(&idle, on_idle));
  uv_prepare_init(loop, &prepare);
  TRY(uv_prepare_start(&prepare, on_prepare));
  uv_check_init(loop, &check);
  TRY(uv_check_start(&check, on_check));
  TRY(uv_async_init(loop, &async, on_async));
  TRY(uv_async_send(&async));
  uv_signal_init(loop, &watcher);
  TRY(uv_signal_start(&watcher, on_signal, SIGUSR1));
  TRY(uv_signal_start_oneshot(&watcher, on_signal, SIGUSR2));
  TRY(uv_signal_start(&watcher, on_signal, 0));
  if (pipe(ends) != 0)
    exit(1);
  uv_poll_init(loop, &poll, ends[0]);
  TRY(uv_poll_start(&poll, UV_READABLE, on_poll));
  uv_fs_event_init(loop, &event);
  TRY(uv_fs_event_start(&event, on_event, nowhere, 0));
  TRY(uv_fs_event_start(&event, on_event, "/", 0));
  uv_fs_poll_init(loop, &fs_poll);
  TRY(uv_fs_poll_start(&fs_poll, on_fs_poll, "/", 1000));
  TRY_VOID(uv_walk(loop, on_walk, NULL));
  TRY_VOID(uv_close((uv_handle_t *)&timer, on_close));
  CLOSE(&idle);
  CLOSE(&prepare);
  CLOSE(&check);
  CLOSE(&async);
  CLOSE(&watcher);
  CLOSE(&poll);
  CLOSE(&event);
  CLOSE(&fs_poll);
  uv_run(loop, UV_RUN_DEFAULT);
  close(ends[0]);
  close(ends[1]);
}

static void call_streams(uv_loop_t *loop) {
  static uv_tcp_t server, client, reset;
  static uv_pipe_t pair[2], nobody;
  static uv_udp_t udp;
  static uv_write_t writes[3];
  static uv_shutdown_t shut[2];
  static uv_connect_t connects[3];
  static uv_udp_send_t send;
  static uv_process_t process;
  struct sockaddr_in addr;
  struct sockaddr *any = (struct sockaddr *)&addr;
  int ends[2], size = sizeof addr;
  uv_buf_t buf = uv_buf_init((char *)"x", 1);
  char *arguments[] = {(char *)"true", NULL}, *none[] = {(char *)nowhere, NULL};
  uv_process_options_t options = {
      .file = "true", .args = arguments, .exit_cb = on_exit_of};
  uv_process_options_t absent = {
      .file = nowhere, .args = none, .exit_cb = on_exit_of};
  uv_ip4_addr("127.0.0.1", 0, &addr);
  uv_tcp_init(loop, &server);
  uv_tcp_bind(&server, any, 0);
  TRY(uv_listen((uv_stream_t *)&server, 4, on_connection));
  uv_tcp_getsockname(&server, any, &size);
  uv_tcp_init(loop, &client);
  TRY(uv_tcp_connect(&connects[0], &client, any, on_connect));
  TRY(uv_tcp_connect(&connects[1], &client, any, on_connect));
  uv_pipe_init(loop, &nobody, 0);
  TRY_VOID(uv_pipe_connect(&connects[2], &nobody, nowhere, on_connect));
  uv_tcp_init(loop, &reset);
  TRY(uv_tcp_close_reset(&reset, on_close));
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
    exit(1);
  for (int i = 0; i < 2; i++) {
    uv_pipe_init(loop, &pair[i], i);
    uv_pipe_open(&pair[i], ends[i]);
  }
  TRY(uv_read_start((uv_stream_t *)&pair[0], on_alloc, on_read));
  TRY(uv_read_start((uv_stream_t *)&pair[0], on_alloc, on_read));
  TRY(uv_write(&writes[0], (uv_stream_t *)&pair[1], &buf, 1, on_write));
  TRY(uv_write2(&writes[1], (uv_stream_t *)&pair[1], &buf, 1,
                (uv_stream_t *)&server, on_write));
  TRY(uv_write(&writes[2], (uv_stream_t *)&nobody, &buf, 1, on_write));
  TRY(uv_shutdown(&shut[0], (uv_stream_t *)&pair[1], on_shutdown));
  TRY(uv_shutdown(&shut[1], (uv_stream_t *)&server, on_shutdown));
  uv_ip4_addr("127.0.0.1", 0, &addr);
  uv_udp_init(loop, &udp);
  uv_udp_bind(&udp, any, 0);
  uv_udp_getsockname(&udp, any, &size);
  TRY(uv_udp_recv_start(&udp, on_alloc, on_recv));
  TRY(uv_udp_recv_start(&udp, on_alloc, on_recv));
  TRY(uv_udp_send(&send, &udp, &buf, 1, any, on_sent));
  TRY(uv_spawn(loop, &process, &options));
  static uv_process_t failed;
  TRY(uv_spawn(loop, &failed, &absent));
  uv_run(loop, UV_RUN_NOWAIT);
  CLOSE(&failed);
  CLOSE(&server);
  CLOSE(&client);
  CLOSE(&nobody);
  CLOSE(&pair[0]);
  CLOSE(&pair[1]);
  CLOSE(&udp);
  uv_run(loop, UV_RUN_DEFAULT);
}

static void call_pool(uv_loop_t *loop) {
  static uv_work_t work;
  static uv_getaddrinfo_t found;
  static uv_getnameinfo_t named;
  static uv_random_t dice;
  static uv_fs_t fs;
  struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST};
  struct sockaddr_in addr;
  struct sockaddr *any = (struct sockaddr *)&addr;
  uv_ip4_addr("127.0.0.1", 0, &addr);
  TRY(uv_queue_work(loop, &work, on_work, on_worked));
  TRY(uv_queue_work(loop, &work, NULL, on_worked));
  TRY(uv_getaddrinfo(loop, &found, on_found, "127.0.0.1", NULL, &numeric));
  TRY(uv_getnameinfo(loop, &named, on_named, any, NI_NUMERICHOST));
  TRY(uv_random(loop, &dice, bytes, 4, 0, on_random));
  TRY(uv_fs_stat(loop, &fs, "/", on_fs));
  uv_run(loop, UV_RUN_DEFAULT);
  TRY(uv_getaddrinfo(loop, &found, NULL, "127.0.0.1", NULL, &numeric));
  uv_freeaddrinfo(found.addrinfo);
  TRY(uv_getaddrinfo(loop, &found, NULL, "no number", NULL, &numeric));
  TRY(uv_getnameinfo(loop, &named, NULL, any, NI_NUMERICHOST));
  TRY(uv_random(NULL, NULL, bytes, 4, 0, NULL));
}

#define FS(call)                                                               \
  do {                                                                         \
    uv_fs_t req;                                                               \
    TRY(call);                                                                 \
    uv_fs_req_cleanup(&req);                                                   \
  } while (0)

static void call_fs(uv_loop_t *loop) {
  uv_buf_t buf = uv_buf_init(bytes, 4);
  char folder[64] = "";
  uv_fs_t made, dir;
  uv_dirent_t entries[4];
  TRY(uv_fs_mkdtemp(loop, &made, "/tmp/probe.XXXXXX", NULL));
  snprintf(folder, sizeof folder, "%s", made.path);
  uv_fs_req_cleanup(&made);
  if (chdir(folder) != 0)
    exit(1);
  TRY_AS(uv_fs_open(loop, &made, "a", O_RDWR | O_CREAT, 0600, NULL),
         result < 0);
  uv_file file = (uv_file)made.result;
  uv_fs_req_cleanup(&made);
  FS(uv_fs_open(loop, &req, nowhere, O_RDONLY, 0, NULL));
  FS(uv_fs_write(loop, &req, file, &buf, 1, 0, NULL));
  FS(uv_fs_read(loop, &req, file, &buf, 1, 0, NULL));
  FS(uv_fs_read(loop, &req, -1, &buf, 1, 0, NULL));
  FS(uv_fs_write(loop, &req, -1, &buf, 1, 0, NULL));
  FS(uv_fs_fstat(loop, &req, file, NULL));
  FS(uv_fs_fsync(loop, &req, file, NULL));
  FS(uv_fs_fdatasync(loop, &req, file, NULL));
  FS(uv_fs_fsync(loop, &req, -1, NULL));
  FS(uv_fs_ftruncate(loop, &req, file, 2, NULL));
  FS(uv_fs_futime(loop, &req, file, 1, 1, NULL));
  FS(uv_fs_fchmod(loop, &req, file, 0600, NULL));
  FS(uv_fs_fchown(loop, &req, file, getuid(), getgid(), NULL));
  TRY_AS(uv_fs_mkstemp(loop, &made, "b.XXXXXX", NULL), result < 0);
  uv_file other = (uv_file)made.result;
  unlink(made.path);
  uv_fs_req_cleanup(&made);
  FS(uv_fs_sendfile(loop, &req, other, file, 0, 2, NULL));
  FS(uv_fs_close(loop, &req, other, NULL));
  FS(uv_fs_close(loop, &req, file, NULL));
  FS(uv_fs_close(loop, &req, file, NULL));
  FS(uv_fs_copyfile(loop, &req, "a", "b", 0, NULL));
  FS(uv_fs_copyfile(loop, &req, nowhere, "b", 0, NULL));
  FS(uv_fs_rename(loop, &req, "b", "c", NULL));
  FS(uv_fs_link(loop, &req, "a", "d", NULL));
  FS(uv_fs_symlink(loop, &req, "a", "e", 0, NULL));
  FS(uv_fs_readlink(loop, &req, "e", NULL));
  FS(uv_fs_readlink(loop, &req, "a", NULL));
  FS(uv_fs_realpath(loop, &req, "e", NULL));
  FS(uv_fs_stat(loop, &req, "e", NULL));
  FS(uv_fs_lstat(loop, &req, "e", NULL));
  FS(uv_fs_stat(loop, &req, nowhere, NULL));
  FS(uv_fs_access(loop, &req, "a", 0, NULL));
  FS(uv_fs_access(loop, &req, nowhere, 0, NULL));
  FS(uv_fs_chmod(loop, &req, "a", 0600, NULL));
  FS(uv_fs_chown(loop, &req, "a", getuid(), getgid(), NULL));
  FS(uv_fs_lchown(loop, &req, "e", getuid(), getgid(), NULL));
  FS(uv_fs_utime(loop, &req, "a", 1, 1, NULL));
  FS(uv_fs_lutime(loop, &req, "e", 1, 1, NULL));
  FS(uv_fs_statfs(loop, &req, ".", NULL));
  FS(uv_fs_mkdir(loop, &req, "f", 0700, NULL));
  FS(uv_fs_mkdir(loop, &req, "f", 0700, NULL));
  FS(uv_fs_rmdir(loop, &req, "f", NULL));
  FS(uv_fs_scandir(loop, &req, ".", 0, NULL));
  FS(uv_fs_scandir(loop, &req, nowhere, 0, NULL));
  TRY(uv_fs_opendir(loop, &dir, ".", NULL));
  uv_dir_t *opened = dir.ptr;
  opened->dirents = entries;
  opened->nentries = 4;
  FS(uv_fs_readdir(loop, &req, opened, NULL));
  FS(uv_fs_closedir(loop, &req, opened, NULL));
  uv_fs_req_cleanup(&dir);
  FS(uv_fs_unlink(loop, &req, "a", NULL));
  FS(uv_fs_unlink(loop, &req, "a", NULL));
  unlink("c");
  unlink("d");
  unlink("e");
  if (chdir("/") == 0)
    rmdir(folder);
}

static void call_loops(void) {
  uv_loop_t loop, *made = malloc(uv_loop_size());
  uv_timer_t timer;
  uv_loop_init(&loop);
  uv_timer_init(&loop, &timer);
  uv_timer_start(&timer, on_timer, 0, 0);
  TRY(uv_loop_close(&loop));
  TRY(uv_run(&loop, UV_RUN_DEFAULT));
  CLOSE(&timer);
  TRY(uv_run(&loop, UV_RUN_DEFAULT));
  TRY(uv_loop_close(&loop));
  TRY_VOID(uv_sleep(1));
  free(made);
  made = uv_loop_new();
  TRY_VOID(uv_loop_delete(made));
}

static void call_all(const char *where) {
  uv_loop_t loop;
  printf("%s\n", where);
  call_times();
  call_files();
  call_sockets();
  call_waits();
  call_locks();
  call_paths();
  call_stdio();
  call_names();
  uv_loop_init(&loop);
  call_handles(&loop);
  call_streams(&loop);
  call_pool(&loop);
  call_fs(&loop);
  printf("  closed %u, %d\n", n_closed, uv_loop_close(&loop));
  call_loops();
  fflush(stdout);
}

/* More events than a ring of 64 KiB holds, with nobody who takes them out. */
static void fill_the_ring(uv_timer_t *timer) {
  char line[8];
  uv_timer_t other;
  printf("ready\n");
  fflush(stdout);
  if (read(0, line, sizeof line) < 0)
    exit(1);
  uv_timer_init(timer->loop, &other);
  for (int i = 0; i < 100000; i++)
    uv_timer_start(&other, on_timer, 1000000, 0);
  uv_timer_stop(&other);
}

static bool floods;

static void on_calls(uv_timer_t *timer) {
  if (floods)
    fill_the_ring(timer);
  call_all("in a callback");
}

int main(int argc, char **argv) {
  uv_loop_t *loop = uv_default_loop();
  uv_timer_t timer;
  floods = argc > 1 && strcmp(argv[1], "flood") == 0;
  signal(SIGPIPE, SIG_IGN);
  call_all("outside");
  uv_timer_init(loop, &timer);
  uv_timer_start(&timer, on_calls, 1, 0);
  printf("run %d\n", uv_run(loop, UV_RUN_DEFAULT));
  return 5;
}
