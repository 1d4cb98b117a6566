/* errno after each function that the preload wraps: as it was where the function
 * succeeded, and the function's own where it failed.
 *
 *   probe_errno [flood]
 *
 * Each is called outside of a loop and in a callback.  Prints a line for each
 * call, the same in every run, for test_invisible.py, which also looks that none
 * of those wrapped is missing here.  flood: between "ready" and the end of the
 * line that is read then, so much happens that the rings are full. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#undef _FORTIFY_SOURCE
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/un.h>

#include "hook/libc_map.h"
#include "probe_errno.h"

static const char nowhere[] = NOWHERE;
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
  __SOCKADDR_ARG no_addr = {.__sockaddr__ = NULL};
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
  TRY(__recvfrom_chk(ends[0], bytes, 1, 1, 0, no_addr, NULL));
  TRY(recvmsg(ends[0], &message, 0));
  TRY(send(-1, bytes, 1, 0));
  TRY(sendto(-1, bytes, 1, 0, NULL, 0));
  TRY(sendmsg(-1, &message, 0));
  TRY(recv(-1, bytes, 1, 0));
  TRY(__recv_chk(-1, bytes, 1, 1, 0));
  TRY(recvfrom(-1, bytes, 1, 0, NULL, NULL));
  TRY(__recvfrom_chk(-1, bytes, 1, 1, 0, no_addr, NULL));
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

static void call_all(const char *where) {
  printf("%s\n", where);
  call_times();
  call_files();
  call_sockets();
  call_waits();
  call_locks();
  call_paths();
  call_stdio();
  call_names();
  call_libuv();
  fflush(stdout);
}

static void on_never(uv_timer_t *timer) {
  (void)timer;
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
    uv_timer_start(&other, on_never, 1000000, 0);
  uv_timer_stop(&other);
}

static int floods;

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
