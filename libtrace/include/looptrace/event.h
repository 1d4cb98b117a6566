/* The vocabulary of a trace: kinds of events, of tasks, and of blocking calls.
 *
 * These tables are the single source: the encoder, the decoder, the exporters,
 * the viewer, and the test of doc/format.md draw on them.  Numbers are part of
 * format v1: they are never changed and never used again; add at the end.
 *
 * Part of looptrace, MIT licence. */
#ifndef LOOPTRACE_EVENT_H
#define LOOPTRACE_EVENT_H

#include <stdint.h>

#include <looptrace/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the four fields of an event are to be read (and coded, doc/format.md).
 *
 * NONE   always 0
 * UINT   an unsigned number
 * DELTA  a number near the previous one in the same column (signed ones too)
 * TASK   a task id, 0 for none
 * OPEN   the task of the innermost slice that is open on this thread
 * SITE   a code address: in a trace the id of a site definition, 0 for none
 * TEXT   the id of a string definition, 0 for none */
typedef enum lt_codec {
  LT_CODEC_NONE,
  LT_CODEC_UINT,
  LT_CODEC_DELTA,
  LT_CODEC_TASK,
  LT_CODEC_OPEN,
  LT_CODEC_SITE,
  LT_CODEC_TEXT,
} lt_codec;

/* The kinds of events.  ref is 40 bits wide, x 16, a and b 64.
 *
 *  id  NAME        name           ref    x     a      b      what it means */
#define LT_EVENT_MAP(X)                                                        \
  X(1, SPAWN, "spawn", TASK, UINT, SITE, SITE,                                 \
    "task ref of kind x exists; a its function, b who made it. Its parent is " \
    "the task running on this thread")                                         \
  X(2, ARM, "arm", TASK, UINT, SITE, UINT,                                     \
    "ref, of kind x, asked to be woken (again); a its function, b the delay "  \
    "in ns plus 1 where it waits for a time, else 0")                          \
  X(3, READY, "ready", TASK, UINT, TASK, NONE,                                 \
    "ref could run from now on; x lt_ready, a the task that made it so")       \
  X(4, RESUME, "resume", TASK, UINT, SITE, NONE,                               \
    "ref got the thread: a slice of kind x begins in function a")              \
  X(5, AWAIT, "await", OPEN, UINT, TASK, NONE,                                 \
    "ref gave the thread back: its slice ends; a the task it waits for, "      \
    "0 for any cause; x lt_wait_kind, 0 unknown")                              \
  X(6, DONE, "done", OPEN, UINT, DELTA, NONE,                                  \
    "ref will never run again; ends its slice if that is the open one; a its " \
    "status (signed), x 1 where it was cancelled")                             \
  X(7, CALL, "call", UINT, UINT, SITE, UINT,                                   \
    "a blocking call x (lt_callee) made at a came back after b ns; ref what "  \
    "it waited on: fd plus 1, or the low 40 bits of a lock's address, or a "   \
    "pid plus 1, 0 for none")                                                  \
  X(8, POLL_BEGIN, "poll-begin", NONE, NONE, UINT, NONE,                       \
    "the loop entered the kernel's poll; a its timeout in ms plus 1, 0 for "   \
    "endless")                                                                 \
  X(9, POLL_END, "poll-end", NONE, NONE, UINT, NONE,                           \
    "the loop left the kernel's poll; a how many descriptors were ready")      \
  X(10, LOOP_BEGIN, "loop-begin", NONE, UINT, UINT, NONE,                      \
    "the thread began to turn loop x; a the mode (0 default, 1 once, "         \
    "2 nowait, 3 a loop that is not libuv's: its callbacks are not seen)")     \
  X(11, LOOP_END, "loop-end", NONE, UINT, UINT, NONE,                          \
    "the thread left loop x; a what the run returned; of a loop of mode 3 "    \
    "1 where nobody saw how its last turn ended")                              \
  X(12, POOL_BEGIN, "pool-begin", TASK, UINT, SITE, NONE,                      \
    "a worker thread began the job of task ref, of kind x, in function a")     \
  X(13, POOL_END, "pool-end", TASK, NONE, NONE, NONE,                          \
    "a worker thread finished the job of task ref")                            \
  X(14, USAGE, "usage", DELTA, DELTA, DELTA, DELTA,                            \
    "totals of this thread: a CPU time in ns, b time runnable but not "        \
    "running in ns plus 1 (0 where unknown), ref voluntary switches, x major " \
    "page faults modulo 65536")                                                \
  X(15, MARK, "mark", NONE, NONE, TEXT, UINT,                                  \
    "the program's own mark, named a, with number b")                          \
  X(16, COUNTER, "counter", NONE, NONE, TEXT, DELTA,                           \
    "the program's own counter, named a, has value b (signed)")                \
  X(17, LABEL, "label", TASK, NONE, TEXT, NONE, "task ref is called a")        \
  X(18, LOST, "lost", NONE, UINT, UINT, UINT,                                  \
    "a events are missing on this thread, cause x (lt_lost), in the b ns "     \
    "before this")                                                             \
  X(19, SAMPLE, "sample", UINT, UINT, UINT, UINT,                              \
    "seen from outside while it did not return: x its state as a letter, C "   \
    "where it went on after it was stopped; a the system call it was in, as "  \
    "x of call, ref what that waits on, as in call, b the id of a stack; 0 "   \
    "for none or unknown")                                                     \
  X(20, LOOP_NAME, "loop-name", NONE, UINT, TEXT, NONE, "loop x is called a")  \
  X(21, CALL_BEGIN, "call-begin", UINT, UINT, SITE, UINT,                      \
    "blocking call x had not come back b ns after it began, when recording "   \
    "ended; fields as in call")                                                \
  X(22, ALLOW_BEGIN, "allow-begin", NONE, NONE, TEXT, NONE,                    \
    "from here on the slice may block, for the reason a; such scopes nest")    \
  X(23, ALLOW_END, "allow-end", NONE, NONE, NONE, NONE,                        \
    "the innermost such scope of the slice ends; with the slice all end")      \
  X(24, FD_NAME, "fd-name", UINT, NONE, TEXT, NONE,                            \
    "from here on, descriptor ref minus 1 is a: a path, a socket's address, "  \
    "pipe...; until it is something else, which is told when it blocks")       \
  X(25, LOCK_HOLDER, "lock-holder", UINT, NONE, TEXT, UINT,                    \
    "the lock ref, as in call, that this thread waits for is held by thread "  \
    "a; b the id of that one's stack, 0 for none")                             \
  X(26, AWAIT_SITE, "await-site", OPEN, NONE, SITE, NONE,                      \
    "the await of ref that follows is made at a")                              \
  X(27, EARLY_TURN, "early-turn", NONE, UINT, UINT, UINT,                      \
    "before loop x was known to be one, it had a turn: it began a ns before "  \
    "this, and lasted b ns; its LOOP_BEGIN follows")

typedef enum lt_kind {
#define LT_EVENT_ENUM(id, name, text, ref, x, a, b, doc) LT_##name = id,
  LT_EVENT_MAP(LT_EVENT_ENUM)
#undef LT_EVENT_ENUM
  LT_KIND_LIMIT = 64 /* kinds are below this; a bitmap of kinds is 64 bits */
} lt_kind;

/* The modes of LOOP_BEGIN: libuv's three, and that of another's loop. */
enum { LT_LOOP_DEFAULT, LT_LOOP_ONCE, LT_LOOP_NOWAIT, LT_LOOP_UNSEEN };

/* The kinds of tasks, and of slices: what a callback is for. */
#define LT_TASK_MAP(X)                                                         \
  X(0, UNKNOWN, "unknown")                                                     \
  X(1, COROUTINE, "task")                                                      \
  X(2, TIMER, "timer")                                                         \
  X(3, IDLE, "idle")                                                           \
  X(4, PREPARE, "prepare")                                                     \
  X(5, CHECK, "check")                                                         \
  X(6, ASYNC, "async")                                                         \
  X(7, POLL, "poll")                                                           \
  X(8, SIGNAL, "signal")                                                       \
  X(9, LISTEN, "listen")                                                       \
  X(10, CONNECT, "connect")                                                    \
  X(11, READ, "read")                                                          \
  X(12, WRITE, "write")                                                        \
  X(13, SHUTDOWN, "shutdown")                                                  \
  X(14, UDP_RECV, "udp-recv")                                                  \
  X(15, UDP_SEND, "udp-send")                                                  \
  X(16, WORK, "work")                                                          \
  X(17, FS, "fs")                                                              \
  X(18, GETADDRINFO, "getaddrinfo")                                            \
  X(19, GETNAMEINFO, "getnameinfo")                                            \
  X(20, PROCESS_EXIT, "process-exit")                                          \
  X(21, CLOSE, "close")                                                        \
  X(22, FS_EVENT, "fs-event")                                                  \
  X(23, FS_POLL, "fs-poll")                                                    \
  X(24, RANDOM, "random")                                                      \
  X(25, ALLOC, "alloc")                                                        \
  X(26, WALK, "walk")

typedef enum lt_task_kind {
#define LT_TASK_ENUM(id, name, text) LT_TASK_##name = id,
  LT_TASK_MAP(LT_TASK_ENUM)
#undef LT_TASK_ENUM
} lt_task_kind;

/* Why a task became ready. */
typedef enum lt_ready {
  LT_READY_SENT = 1,  /* somebody woke it: uv_async_send, a future completed */
  LT_READY_DUE = 2,   /* its time came */
  LT_READY_WORKED = 3 /* the thread pool finished its job */
} lt_ready;

/* How a slice ended that did not end its task: in a task of <looptrace/task.h>,
 * what it waits for; 0 for nothing in particular. */
#define LT_WAIT_MAP(X) \
  X(1, LEFT, "was left by a longjmp or an exception") \
  X(2, SLEEP, "sleeps") \
  X(3, TASK, "awaits") \
  X(4, SHIELDED, "awaits (shielded)") \
  X(5, ALL, "gathers") \
  X(6, ANY, "waits for any") \
  X(7, GROUP, "waits for its group") \
  X(8, FUTURE, "waits for a future") \
  X(9, REQUEST, "waits for a request") \
  X(10, POOL, "waits for the thread pool") \
  X(11, FILE, "waits for a file") \
  X(12, NAME, "looks a name up") \
  X(13, PROCESS, "waits for a process") \
  X(14, SIGNAL, "waits for a signal") \
  X(15, CLOSE, "waits for a handle to close") \
  X(16, LOCK, "waits for the lock of") \
  X(17, SEMAPHORE, "waits for a semaphore") \
  X(18, FLAG, "waits for an event flag") \
  X(19, SEND, "waits to send") \
  X(20, RECEIVE, "waits to receive") \
  X(21, READ, "reads a stream") \
  X(22, WRITE, "writes to a stream") \
  X(23, SHUTDOWN, "shuts a stream down") \
  X(24, ACCEPT, "accepts connections") \
  X(25, CONNECT, "connects")

typedef enum lt_wait_kind {
#define LT_WAIT_ENUM(id, name, text) LT_WAIT_##name = id,
  LT_WAIT_MAP(LT_WAIT_ENUM)
#undef LT_WAIT_ENUM
} lt_wait_kind;

/* Why events are missing. */
#define LT_LOST_MAP(X)                                                         \
  X(1, FULL, "the ring was full")                                              \
  X(2, NESTED, "a signal handler interrupted the recording of another event")  \
  X(3, NO_RING, "no ring was left for the thread")                             \
  X(4, WRITER_GONE, "nobody drained the ring")                                 \
  X(5, DISK, "the trace file could not be written")                            \
  X(6, DAMAGED, "a block of the file is damaged")

typedef enum lt_lost {
#define LT_LOST_ENUM(id, name, text) LT_LOST_##name = id,
  LT_LOST_MAP(LT_LOST_ENUM)
#undef LT_LOST_ENUM
  LT_LOST_LIMIT
} lt_lost;

/* Calls that can block, as users know them.  advice is the end of a sentence
 * "use ...". Ids from LT_CALLEE_OWN on are the program's own: the id minus
 * LT_CALLEE_OWN is the id of a string. */
#define LT_CALLEE_MAP(X)                                                       \
  X(1, sleep, "uv_timer_start, and let the loop wait")                         \
  X(2, usleep, "uv_timer_start, and let the loop wait")                        \
  X(3, nanosleep, "uv_timer_start, and let the loop wait")                     \
  X(4, clock_nanosleep, "uv_timer_start, and let the loop wait")               \
  X(5, uv_sleep, "uv_timer_start, and let the loop wait")                      \
  X(6, read, "uv_fs_read or uv_read_start")                                    \
  X(7, readv, "uv_fs_read or uv_read_start")                                   \
  X(8, pread, "uv_fs_read")                                                    \
  X(9, preadv, "uv_fs_read")                                                   \
  X(10, write, "uv_fs_write or uv_write")                                      \
  X(11, writev, "uv_fs_write or uv_write")                                     \
  X(12, pwrite, "uv_fs_write")                                                 \
  X(13, pwritev, "uv_fs_write")                                                \
  X(14, open, "uv_fs_open")                                                    \
  X(15, fsync, "uv_fs_fsync")                                                  \
  X(16, fdatasync, "uv_fs_fdatasync")                                          \
  X(17, connect, "uv_tcp_connect or uv_pipe_connect")                          \
  X(18, accept, "uv_listen")                                                   \
  X(19, send, "uv_write or uv_udp_send")                                       \
  X(20, sendto, "uv_udp_send")                                                 \
  X(21, sendmsg, "uv_write or uv_udp_send")                                    \
  X(22, recv, "uv_read_start")                                                 \
  X(23, recvfrom, "uv_udp_recv_start")                                         \
  X(24, recvmsg, "uv_read_start or uv_udp_recv_start")                         \
  X(25, poll, "uv_poll_start")                                                 \
  X(26, ppoll, "uv_poll_start")                                                \
  X(27, select, "uv_poll_start")                                               \
  X(28, pselect, "uv_poll_start")                                              \
  X(29, epoll_wait, "uv_poll_start")                                           \
  X(30, epoll_pwait, "uv_poll_start")                                          \
  X(31, getaddrinfo, "uv_getaddrinfo, which runs in the thread pool")          \
  X(32, getnameinfo, "uv_getnameinfo, which runs in the thread pool")          \
  X(33, gethostbyname, "uv_getaddrinfo, which runs in the thread pool")        \
  X(34, pthread_mutex_lock, "a shorter critical section, or uv_queue_work")    \
  X(35, pthread_cond_wait, "uv_async_send from the other thread")              \
  X(36, pthread_cond_timedwait, "uv_async_send from the other thread")         \
  X(37, pthread_rwlock_rdlock, "a shorter critical section")                   \
  X(38, pthread_rwlock_wrlock, "a shorter critical section")                   \
  X(39, sem_wait, "uv_async_send from the other thread")                       \
  X(40, sem_timedwait, "uv_async_send from the other thread")                  \
  X(41, pthread_join, "uv_async_send as the thread's last act")                \
  X(42, pthread_barrier_wait, "uv_async_send from the other thread")           \
  X(43, waitpid, "uv_spawn with an exit callback")                             \
  X(44, wait, "uv_spawn with an exit callback")                                \
  X(45, wait4, "uv_spawn with an exit callback")                               \
  X(46, waitid, "uv_spawn with an exit callback")                              \
  X(47, flock, "uv_queue_work")                                                \
  X(48, fcntl, "uv_queue_work")                                                \
  X(49, lockf, "uv_queue_work")                                                \
  X(50, system, "uv_spawn")                                                    \
  X(51, popen, "uv_spawn")                                                     \
  X(52, pclose, "uv_spawn with an exit callback")                              \
  X(53, uv_fs, "the same uv_fs call with a callback")                          \
  X(54, uv_spawn, "fewer or smaller processes: it waits for the child's exec") \
  X(55, fopen, "uv_fs_open")                                                   \
  X(56, fread, "uv_fs_read")                                                   \
  X(57, fwrite, "uv_fs_write")                                                 \
  X(58, fflush, "uv_fs_write")                                                 \
  X(59, fclose, "uv_fs_close")                                                 \
  X(60, fgets, "uv_fs_read")                                                   \
  X(61, close, "uv_close or uv_fs_close")                                      \
  X(62, rename, "uv_fs_rename")                                                \
  X(63, unlink, "uv_fs_unlink")                                                \
  X(64, stat, "uv_fs_stat")                                                    \
  X(65, opendir, "uv_fs_opendir")                                              \
  X(66, readdir, "uv_fs_readdir")                                              \
  X(67, sync, "uv_queue_work")                                                 \
  X(68, sendfile, "uv_fs_sendfile")                                            \
  X(69, dlopen, "uv_queue_work, or loading it before the loop starts")         \
  X(70, syslog, "uv_queue_work")                                               \
  X(71, getpwnam, "uv_queue_work")                                             \
  X(72, getgrnam, "uv_queue_work")                                             \
  X(73, mkdir, "uv_fs_mkdir")                                                  \
  X(74, rmdir, "uv_fs_rmdir")                                                  \
  X(75, readlink, "uv_fs_readlink")                                            \
  X(76, realpath, "uv_fs_realpath")                                            \
  X(77, ftruncate, "uv_fs_ftruncate")                                          \
  X(78, pthread_cond_clockwait, "uv_async_send from the other thread")         \
  X(79, uv_getaddrinfo, "the same call with a callback")                       \
  X(80, uv_getnameinfo, "the same call with a callback")                       \
  X(81, uv_random, "the same call with a callback")                            \
  X(82, looptrace_wait, "--mode drop: the recorder could not keep up")         \
  X(83, getpwuid, "uv_queue_work")                                             \
  X(84, getgrgid, "uv_queue_work")                                             \
  X(85, uv_run, "callbacks on this loop, not a loop that is run inside one")   \
  X(86, pthread_mutex_timedlock, "a shorter critical section")                 \
  X(87, pthread_mutex_clocklock, "a shorter critical section")                 \
  X(100, uv_fs_close, "the same call with a callback")                         \
  X(101, uv_fs_open, "the same call with a callback")                          \
  X(102, uv_fs_read, "the same call with a callback")                          \
  X(103, uv_fs_unlink, "the same call with a callback")                        \
  X(104, uv_fs_write, "the same call with a callback")                         \
  X(105, uv_fs_copyfile, "the same call with a callback")                      \
  X(106, uv_fs_mkdir, "the same call with a callback")                         \
  X(107, uv_fs_mkdtemp, "the same call with a callback")                       \
  X(108, uv_fs_mkstemp, "the same call with a callback")                       \
  X(109, uv_fs_rmdir, "the same call with a callback")                         \
  X(110, uv_fs_scandir, "the same call with a callback")                       \
  X(111, uv_fs_opendir, "the same call with a callback")                       \
  X(112, uv_fs_readdir, "the same call with a callback")                       \
  X(113, uv_fs_closedir, "the same call with a callback")                      \
  X(114, uv_fs_stat, "the same call with a callback")                          \
  X(115, uv_fs_fstat, "the same call with a callback")                         \
  X(116, uv_fs_rename, "the same call with a callback")                        \
  X(117, uv_fs_fsync, "the same call with a callback")                         \
  X(118, uv_fs_fdatasync, "the same call with a callback")                     \
  X(119, uv_fs_ftruncate, "the same call with a callback")                     \
  X(120, uv_fs_sendfile, "the same call with a callback")                      \
  X(121, uv_fs_access, "the same call with a callback")                        \
  X(122, uv_fs_chmod, "the same call with a callback")                         \
  X(123, uv_fs_utime, "the same call with a callback")                         \
  X(124, uv_fs_futime, "the same call with a callback")                        \
  X(125, uv_fs_lutime, "the same call with a callback")                        \
  X(126, uv_fs_lstat, "the same call with a callback")                         \
  X(127, uv_fs_link, "the same call with a callback")                          \
  X(128, uv_fs_symlink, "the same call with a callback")                       \
  X(129, uv_fs_readlink, "the same call with a callback")                      \
  X(130, uv_fs_realpath, "the same call with a callback")                      \
  X(131, uv_fs_fchmod, "the same call with a callback")                        \
  X(132, uv_fs_chown, "the same call with a callback")                         \
  X(133, uv_fs_fchown, "the same call with a callback")                        \
  X(134, uv_fs_lchown, "the same call with a callback")                        \
  X(135, uv_fs_statfs, "the same call with a callback")                        \
  X(136, futex, "a shorter critical section, or uv_queue_work")

typedef enum lt_callee {
#define LT_CALLEE_ENUM(id, name, advice) LT_CALLEE_##name = id,
  LT_CALLEE_MAP(LT_CALLEE_ENUM)
#undef LT_CALLEE_ENUM
  LT_CALLEE_OWN = 0x4000
} lt_callee;

/* What one field of a kind is. */
typedef struct lt_kind_info {
  const char *name; /* "spawn" */
  uint8_t ref, x, a, b; /* lt_codec */
} lt_kind_info;

/* Look a kind up.
 *
 * Returns: a static description, or NULL for a number that has no meaning.
 * Threads: any. */
LT_EXPORT const lt_kind_info *lt_kind_lookup(unsigned kind);

/* The name of a kind of task, such as "timer"; "unknown" where there is none.
 * Threads: any.  Returns: static. */
LT_EXPORT const char *lt_task_kind_name(unsigned kind);

/* The name of a blocking call, such as "nanosleep"; NULL where there is none
 * (or where it is the program's own).  Threads: any.  Returns: static. */
LT_EXPORT const char *lt_callee_name(unsigned callee);

/* What to use instead, the end of a sentence "use ..."; NULL where unknown.
 * Threads: any.  Returns: static. */
LT_EXPORT const char *lt_callee_advice(unsigned callee);

/* What a task waits for, as a clause ("sleeps"); "waits" where that is unknown.
 * Threads: any.  Returns: static. */
LT_EXPORT const char *lt_wait_text(unsigned kind);

/* Why events were lost, as a clause; never NULL.
 * Threads: any.  Returns: static. */
LT_EXPORT const char *lt_lost_text(unsigned cause);

#ifdef __cplusplus
}
#endif
#endif
