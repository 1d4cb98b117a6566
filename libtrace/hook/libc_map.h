/* The table of libc's functions that can block, and how each is interposed.
 *
 *   X(HOW, returns, name, (parameters), (arguments), callee, what it waits on)
 *
 * CALL  the wrapper comes from this row: between two looks at the clock, it
 *       calls the real function.
 * LOCK  as CALL, but a try comes first: a lock that is free is no call at all.
 *       The last column is the try; the parameter is called lock.
 * HAND  is wrapped by hand.
 * VOID  too, and returns nothing.
 * ONLY  is needed by the wrappers and not interposed.
 *
 * Names that a compiler puts in place of others are here too: 64-bit variants
 * and those of _FORTIFY_SOURCE.  Left alone: fork and its like, whose child
 * shares our state; dlopen, which looks up its caller's RUNPATH by the return
 * address; and raw syscall(). */
#ifndef LTI_LIBC_MAP_H
#define LTI_LIBC_MAP_H

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* What a call waits on, as a CALL's ref; with a bit above it for descriptors. */
#define LTI_IS_FD (UINT64_C(1) << 63)
#define LTI_FD(fd) (LTI_IS_FD | (uint32_t)((fd) + 1))
#define LTI_PID(pid) ((pid) > 0 ? (uint64_t)(pid) + 1 : 0)
#define LTI_LOCK(lock) ((uint64_t)(uintptr_t)(lock))

#define LTI_LIBC_TIME(X)                                                       \
  X(CALL, unsigned, sleep, (unsigned seconds), (seconds), sleep, 0)            \
  X(CALL, int, usleep, (useconds_t us), (us), usleep, 0)                       \
  X(CALL, int, nanosleep, (const struct timespec *t, struct timespec *left),   \
    (t, left), nanosleep, 0)                                                   \
  X(CALL, int, clock_nanosleep,                                                \
    (clockid_t clock, int flags, const struct timespec *t,                     \
     struct timespec *left),                                                   \
    (clock, flags, t, left), clock_nanosleep, 0)

#define LTI_LIBC_FD(X)                                                         \
  X(CALL, ssize_t, read, (int fd, void *buf, size_t n), (fd, buf, n), read,    \
    LTI_FD(fd))                                                                \
  X(CALL, ssize_t, __read_chk, (int fd, void *buf, size_t n, size_t size),     \
    (fd, buf, n, size), read, LTI_FD(fd))                                      \
  X(CALL, ssize_t, readv, (int fd, const struct iovec *v, int n), (fd, v, n),  \
    readv, LTI_FD(fd))                                                         \
  X(CALL, ssize_t, pread, (int fd, void *buf, size_t n, off_t at),             \
    (fd, buf, n, at), pread, LTI_FD(fd))                                       \
  X(CALL, ssize_t, pread64, (int fd, void *buf, size_t n, off64_t at),         \
    (fd, buf, n, at), pread, LTI_FD(fd))                                       \
  X(CALL, ssize_t, __pread_chk,                                                \
    (int fd, void *buf, size_t n, off_t at, size_t size),                      \
    (fd, buf, n, at, size), pread, LTI_FD(fd))                                 \
  X(CALL, ssize_t, __pread64_chk,                                              \
    (int fd, void *buf, size_t n, off64_t at, size_t size),                    \
    (fd, buf, n, at, size), pread, LTI_FD(fd))                                 \
  X(CALL, ssize_t, preadv, (int fd, const struct iovec *v, int n, off_t at),   \
    (fd, v, n, at), preadv, LTI_FD(fd))                                        \
  X(CALL, ssize_t, preadv64,                                                   \
    (int fd, const struct iovec *v, int n, off64_t at), (fd, v, n, at),        \
    preadv, LTI_FD(fd))                                                        \
  X(CALL, ssize_t, write, (int fd, const void *buf, size_t n), (fd, buf, n),   \
    write, LTI_FD(fd))                                                         \
  X(CALL, ssize_t, writev, (int fd, const struct iovec *v, int n),             \
    (fd, v, n), writev, LTI_FD(fd))                                            \
  X(CALL, ssize_t, pwrite, (int fd, const void *buf, size_t n, off_t at),      \
    (fd, buf, n, at), pwrite, LTI_FD(fd))                                      \
  X(CALL, ssize_t, pwrite64, (int fd, const void *buf, size_t n, off64_t at),  \
    (fd, buf, n, at), pwrite, LTI_FD(fd))                                      \
  X(CALL, ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t at),  \
    (fd, v, n, at), pwritev, LTI_FD(fd))                                       \
  X(CALL, ssize_t, pwritev64,                                                  \
    (int fd, const struct iovec *v, int n, off64_t at), (fd, v, n, at),        \
    pwritev, LTI_FD(fd))                                                       \
  X(CALL, int, fsync, (int fd), (fd), fsync, LTI_FD(fd))                       \
  X(CALL, int, fdatasync, (int fd), (fd), fdatasync, LTI_FD(fd))               \
  X(HAND, int, close, (int fd), (fd))                                          \
  X(CALL, int, ftruncate, (int fd, off_t n), (fd, n), ftruncate, LTI_FD(fd))   \
  X(CALL, int, ftruncate64, (int fd, off64_t n), (fd, n), ftruncate,           \
    LTI_FD(fd))                                                                \
  X(CALL, ssize_t, sendfile, (int out, int in, off_t *at, size_t n),           \
    (out, in, at, n), sendfile, LTI_FD(out))                                   \
  X(CALL, ssize_t, sendfile64, (int out, int in, off64_t *at, size_t n),       \
    (out, in, at, n), sendfile, LTI_FD(out))                                   \
  X(CALL, int, flock, (int fd, int op), (fd, op), flock, LTI_FD(fd))           \
  X(CALL, int, lockf, (int fd, int op, off_t n), (fd, op, n), lockf,           \
    LTI_FD(fd))                                                                \
  X(CALL, int, lockf64, (int fd, int op, off64_t n), (fd, op, n), lockf,       \
    LTI_FD(fd))                                                                \
  X(HAND, int, fcntl, (int fd, int op, void *arg), (fd, op, arg))              \
  X(HAND, int, fcntl64, (int fd, int op, void *arg), (fd, op, arg))

#define LTI_LIBC_SOCKET(X)                                                     \
  X(CALL, int, connect,                                                        \
    (int fd, __CONST_SOCKADDR_ARG addr, socklen_t n), (fd, addr, n),         \
    connect, LTI_FD(fd))                                                       \
  X(CALL, int, accept, (int fd, __SOCKADDR_ARG addr, socklen_t *n),          \
    (fd, addr, n), accept, LTI_FD(fd))                                         \
  X(CALL, int, accept4,                                                        \
    (int fd, __SOCKADDR_ARG addr, socklen_t *n, int flags),                  \
    (fd, addr, n, flags), accept, LTI_FD(fd))                                  \
  X(CALL, ssize_t, send, (int fd, const void *buf, size_t n, int flags),       \
    (fd, buf, n, flags), send, LTI_FD(fd))                                     \
  X(CALL, ssize_t, sendto,                                                     \
    (int fd, const void *buf, size_t n, int flags,                             \
     __CONST_SOCKADDR_ARG addr, socklen_t addr_n),                           \
    (fd, buf, n, flags, addr, addr_n), sendto, LTI_FD(fd))                     \
  X(CALL, ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags),     \
    (fd, msg, flags), sendmsg, LTI_FD(fd))                                     \
  X(CALL, ssize_t, recv, (int fd, void *buf, size_t n, int flags),             \
    (fd, buf, n, flags), recv, LTI_FD(fd))                                     \
  X(CALL, ssize_t, __recv_chk,                                                 \
    (int fd, void *buf, size_t n, size_t size, int flags),                     \
    (fd, buf, n, size, flags), recv, LTI_FD(fd))                               \
  X(CALL, ssize_t, recvfrom,                                                   \
    (int fd, void *buf, size_t n, int flags, __SOCKADDR_ARG addr,            \
     socklen_t *addr_n),                                                       \
    (fd, buf, n, flags, addr, addr_n), recvfrom, LTI_FD(fd))                   \
  X(CALL, ssize_t, __recvfrom_chk,                                             \
    (int fd, void *buf, size_t n, size_t size, int flags,                      \
     __SOCKADDR_ARG addr, socklen_t *addr_n),                                \
    (fd, buf, n, size, flags, addr, addr_n), recvfrom, LTI_FD(fd))             \
  X(CALL, ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags),           \
    (fd, msg, flags), recvmsg, LTI_FD(fd))

#define LTI_LIBC_WAIT(X)                                                       \
  X(HAND, int, poll, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms))                                                                     \
  X(HAND, int, __poll_chk,                                                     \
    (struct pollfd * fds, nfds_t n, int ms, size_t size), (fds, n, ms, size),  \
    poll, 0)                                                                   \
  X(HAND, int, ppoll,                                                          \
    (struct pollfd * fds, nfds_t n, const struct timespec *t,                  \
     const sigset_t *mask),                                                    \
    (fds, n, t, mask), ppoll, 0)                                               \
  X(HAND, int, __ppoll_chk,                                                    \
    (struct pollfd * fds, nfds_t n, const struct timespec *t,                  \
     const sigset_t *mask, size_t size),                                       \
    (fds, n, t, mask, size), ppoll, 0)                                         \
  X(HAND, int, select,                                                         \
    (int n, fd_set *in, fd_set *out, fd_set *err, struct timeval *t),          \
    (n, in, out, err, t), select, 0)                                           \
  X(HAND, int, pselect,                                                        \
    (int n, fd_set *in, fd_set *out, fd_set *err, const struct timespec *t,    \
     const sigset_t *mask),                                                    \
    (n, in, out, err, t, mask), pselect, 0)                                    \
  X(HAND, int, epoll_wait, (int fd, struct epoll_event *ev, int n, int ms),    \
    (fd, ev, n, ms))                                                           \
  X(HAND, int, epoll_pwait,                                                    \
    (int fd, struct epoll_event *ev, int n, int ms, const sigset_t *mask),     \
    (fd, ev, n, ms, mask))                                                     \
  X(CALL, pid_t, waitpid, (pid_t pid, int *status, int flags),                 \
    (pid, status, flags), waitpid, LTI_PID(pid))                               \
  X(CALL, pid_t, wait, (int *status), (status), wait, 0)                       \
  X(CALL, pid_t, wait4,                                                        \
    (pid_t pid, int *status, int flags, struct rusage *usage),                 \
    (pid, status, flags, usage), wait4, LTI_PID(pid))                          \
  X(CALL, int, waitid, (idtype_t type, id_t id, siginfo_t *info, int flags),   \
    (type, id, info, flags), waitid, type == P_PID ? LTI_PID((pid_t)id) : 0)

#define LTI_LIBC_LOCK(X)                                                       \
  X(LOCK, int, pthread_mutex_lock, (pthread_mutex_t * lock), (lock),           \
    pthread_mutex_lock, pthread_mutex_trylock)                                 \
  X(LOCK, int, pthread_mutex_timedlock,                                        \
    (pthread_mutex_t * lock, const struct timespec *t), (lock, t),             \
    pthread_mutex_timedlock, pthread_mutex_trylock)                            \
  X(LOCK, int, pthread_mutex_clocklock,                                        \
    (pthread_mutex_t * lock, clockid_t clock, const struct timespec *t),       \
    (lock, clock, t), pthread_mutex_clocklock, pthread_mutex_trylock)          \
  X(LOCK, int, pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock),       \
    pthread_rwlock_rdlock, pthread_rwlock_tryrdlock)                           \
  X(LOCK, int, pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock),       \
    pthread_rwlock_wrlock, pthread_rwlock_trywrlock)                           \
  X(CALL, int, pthread_cond_wait,                                              \
    (pthread_cond_t * cond, pthread_mutex_t *lock), (cond, lock),              \
    pthread_cond_wait, LTI_LOCK(cond))                                         \
  X(CALL, int, pthread_cond_timedwait,                                         \
    (pthread_cond_t * cond, pthread_mutex_t *lock, const struct timespec *t),  \
    (cond, lock, t), pthread_cond_timedwait, LTI_LOCK(cond))                   \
  X(CALL, int, pthread_cond_clockwait,                                         \
    (pthread_cond_t * cond, pthread_mutex_t *lock, clockid_t clock,            \
     const struct timespec *t),                                                \
    (cond, lock, clock, t), pthread_cond_clockwait, LTI_LOCK(cond))            \
  X(HAND, int, sem_wait, (sem_t * sem), (sem))                                 \
  X(HAND, int, sem_timedwait, (sem_t * sem, const struct timespec *t),         \
    (sem, t))                                                                  \
  X(HAND, int, pthread_join, (pthread_t thread, void **value),                 \
    (thread, value))                                                           \
  X(CALL, int, pthread_barrier_wait, (pthread_barrier_t * barrier), (barrier), \
    pthread_barrier_wait, LTI_LOCK(barrier))                                   \
  X(ONLY, int, pthread_getcpuclockid, (pthread_t thread, clockid_t * clock),   \
    (thread, clock))                                                           \
  X(ONLY, int, pthread_mutex_trylock, (pthread_mutex_t * lock), (lock))        \
  X(ONLY, int, pthread_rwlock_tryrdlock, (pthread_rwlock_t * lock), (lock))    \
  X(ONLY, int, pthread_rwlock_trywrlock, (pthread_rwlock_t * lock), (lock))    \
  X(ONLY, int, sem_trywait, (sem_t * sem), (sem))

#define LTI_LIBC_PATH(X)                                                       \
  X(HAND, int, open, (const char *path, int flags, mode_t mode),               \
    (path, flags, mode))                                                       \
  X(HAND, int, open64, (const char *path, int flags, mode_t mode),             \
    (path, flags, mode))                                                       \
  X(HAND, int, openat, (int at, const char *path, int flags, mode_t mode),     \
    (at, path, flags, mode))                                                   \
  X(HAND, int, openat64, (int at, const char *path, int flags, mode_t mode),   \
    (at, path, flags, mode))                                                   \
  X(CALL, int, __open_2, (const char *path, int flags), (path, flags), open,   \
    0)                                                                         \
  X(CALL, int, __open64_2, (const char *path, int flags), (path, flags), open, \
    0)                                                                         \
  X(CALL, int, __openat_2, (int at, const char *path, int flags),              \
    (at, path, flags), open, 0)                                                \
  X(CALL, int, __openat64_2, (int at, const char *path, int flags),            \
    (at, path, flags), open, 0)                                                \
  X(CALL, int, creat, (const char *path, mode_t mode), (path, mode), open, 0)  \
  X(CALL, int, creat64, (const char *path, mode_t mode), (path, mode), open,   \
    0)                                                                         \
  X(CALL, int, rename, (const char *from, const char *to), (from, to), rename, \
    0)                                                                         \
  X(CALL, int, renameat,                                                       \
    (int from_at, const char *from, int to_at, const char *to),                \
    (from_at, from, to_at, to), rename, 0)                                     \
  X(CALL, int, unlink, (const char *path), (path), unlink, 0)                  \
  X(CALL, int, unlinkat, (int at, const char *path, int flags),                \
    (at, path, flags), unlink, 0)                                              \
  X(CALL, int, mkdir, (const char *path, mode_t mode), (path, mode), mkdir, 0) \
  X(CALL, int, rmdir, (const char *path), (path), rmdir, 0)                    \
  X(CALL, ssize_t, readlink, (const char *path, char *buf, size_t n),          \
    (path, buf, n), readlink, 0)                                               \
  X(CALL, ssize_t, __readlink_chk,                                             \
    (const char *path, char *buf, size_t n, size_t size),                      \
    (path, buf, n, size), readlink, 0)                                         \
  X(CALL, lti_string, realpath, (const char *path, char *buf), (path, buf),    \
    realpath, 0)                                                               \
  X(CALL, lti_string, __realpath_chk,                                          \
    (const char *path, char *buf, size_t size), (path, buf, size), realpath,   \
    0)                                                                         \
  X(CALL, int, stat, (const char *path, struct stat *to), (path, to), stat, 0) \
  X(CALL, int, stat64, (const char *path, struct stat64 *to), (path, to),      \
    stat, 0)                                                                   \
  X(CALL, int, lstat, (const char *path, struct stat *to), (path, to), stat,   \
    0)                                                                         \
  X(CALL, int, lstat64, (const char *path, struct stat64 *to), (path, to),     \
    stat, 0)                                                                   \
  X(CALL, int, fstat, (int fd, struct stat *to), (fd, to), stat, LTI_FD(fd))   \
  X(CALL, int, fstat64, (int fd, struct stat64 *to), (fd, to), stat,           \
    LTI_FD(fd))                                                                \
  X(CALL, int, fstatat,                                                        \
    (int at, const char *path, struct stat *to, int flags),                    \
    (at, path, to, flags), stat, 0)                                            \
  X(CALL, int, fstatat64,                                                      \
    (int at, const char *path, struct stat64 *to, int flags),                  \
    (at, path, to, flags), stat, 0)                                            \
  X(CALL, lti_dir, opendir, (const char *path), (path), opendir, 0)            \
  X(CALL, lti_dirent, readdir, (DIR * dir), (dir), readdir, 0)                 \
  X(CALL, lti_dirent64, readdir64, (DIR * dir), (dir), readdir, 0)             \
  X(VOID, void, sync, (void), ())

#define LTI_LIBC_STDIO(X)                                                      \
  X(CALL, lti_file, fopen, (const char *path, const char *mode), (path, mode), \
    fopen, 0)                                                                  \
  X(CALL, lti_file, fopen64, (const char *path, const char *mode),             \
    (path, mode), fopen, 0)                                                    \
  X(CALL, size_t, fread, (void *buf, size_t size, size_t n, FILE *f),          \
    (buf, size, n, f), fread, 0)                                               \
  X(CALL, size_t, __fread_chk,                                                 \
    (void *buf, size_t room, size_t size, size_t n, FILE *f),                  \
    (buf, room, size, n, f), fread, 0)                                         \
  X(CALL, size_t, fwrite, (const void *buf, size_t size, size_t n, FILE *f),   \
    (buf, size, n, f), fwrite, 0)                                              \
  X(CALL, int, fflush, (FILE * f), (f), fflush, 0)                             \
  X(CALL, int, fclose, (FILE * f), (f), fclose, 0)                             \
  X(CALL, lti_string, fgets, (char *buf, int n, FILE *f), (buf, n, f), fgets,  \
    0)                                                                         \
  X(CALL, lti_string, __fgets_chk, (char *buf, size_t size, int n, FILE *f),   \
    (buf, size, n, f), fgets, 0)                                               \
  X(CALL, int, system, (const char *command), (command), system, 0)            \
  X(CALL, lti_file, popen, (const char *command, const char *mode),            \
    (command, mode), popen, 0)                                                 \
  X(CALL, int, pclose, (FILE * f), (f), pclose, 0)                             \
  X(VOID, void, vsyslog, (int priority, const char *format, va_list args),     \
    (priority, format, args))                                                  \
  X(VOID, void, __vsyslog_chk,                                                 \
    (int priority, int flag, const char *format, va_list args),                \
    (priority, flag, format, args))

#define LTI_LIBC_NAMES(X)                                                      \
  X(HAND, int, prctl,                                                          \
    (int op, unsigned long a, unsigned long b, unsigned long c,                \
     unsigned long d),                                                         \
    (op, a, b, c, d))                                                          \
  X(CALL, int, getaddrinfo,                                                    \
    (const char *host, const char *service, const struct addrinfo *hints,      \
     struct addrinfo **to),                                                    \
    (host, service, hints, to), getaddrinfo, 0)                                \
  X(CALL, int, getnameinfo,                                                    \
    (const struct sockaddr *addr, socklen_t n, char *host, socklen_t host_n,   \
     char *service, socklen_t service_n, int flags),                           \
    (addr, n, host, host_n, service, service_n, flags), getnameinfo, 0)        \
  X(CALL, lti_hostent, gethostbyname, (const char *name), (name),              \
    gethostbyname, 0)                                                          \
  X(CALL, lti_passwd, getpwnam, (const char *name), (name), getpwnam, 0)       \
  X(CALL, int, getpwnam_r,                                                     \
    (const char *name, struct passwd *to, char *buf, size_t n,                 \
     struct passwd **found),                                                   \
    (name, to, buf, n, found), getpwnam, 0)                                    \
  X(CALL, lti_passwd, getpwuid, (uid_t uid), (uid), getpwuid, 0)               \
  X(CALL, int, getpwuid_r,                                                     \
    (uid_t uid, struct passwd *to, char *buf, size_t n,                        \
     struct passwd **found),                                                   \
    (uid, to, buf, n, found), getpwuid, 0)                                     \
  X(CALL, lti_group, getgrnam, (const char *name), (name), getgrnam, 0)        \
  X(CALL, lti_group, getgrgid, (gid_t gid), (gid), getgrgid, 0)

#define LTI_LIBC_MAP(X)                                                        \
  LTI_LIBC_TIME(X)                                                             \
  LTI_LIBC_FD(X)                                                               \
  LTI_LIBC_SOCKET(X)                                                           \
  LTI_LIBC_WAIT(X)                                                             \
  LTI_LIBC_LOCK(X)                                                             \
  LTI_LIBC_PATH(X)                                                             \
  LTI_LIBC_STDIO(X)                                                            \
  LTI_LIBC_NAMES(X)

/* Pointers as return types need a name of one word. */
typedef char *lti_string;
typedef DIR *lti_dir;
typedef struct dirent *lti_dirent;
typedef struct dirent64 *lti_dirent64;
typedef FILE *lti_file;
typedef struct hostent *lti_hostent;
typedef struct passwd *lti_passwd;
typedef struct group *lti_group;

/* What only fortified headers declare. */
ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);
ssize_t __pread_chk(int fd, void *buf, size_t n, off_t at, size_t size);
ssize_t __pread64_chk(int fd, void *buf, size_t n, off64_t at, size_t size);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags,
                       __SOCKADDR_ARG addr, socklen_t *addr_n);
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

#endif
