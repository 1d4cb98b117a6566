/* Tasks: asyncio's model for C, on libuv.
 *
 *   static int64_t greet(void *name) {
 *     lt_sleep(1000);                          // others run meanwhile
 *     return printf("hello, %s\n", (char *)name);
 *   }
 *   static int64_t start(void *unused) {
 *     lt_task *both[] = {lt_spawn(greet, "you"), lt_spawn(greet, "world")};
 *     return lt_gather(both, 2, NULL);         // one second, not two
 *   }
 *   int main(void) { return lt_run(start, NULL) < 0; }
 *
 * A task is a function with a stack of its own, which gives its thread away
 * where it waits and nowhere else.  All tasks of a loop run in the loop's one
 * thread, so what lies between two waits needs no lock.
 *
 * RESULTS.  As in libuv: 0 or more is a result, below 0 is an error (UV_EOF,
 * UV_ENOENT...; lt_strerror() has the text).  LT_PTR() and lt_ptr() turn pointers
 * into results and back.
 *
 * HANDLES.  A handle is yours until you give it, once, to lt_await, lt_gather,
 * lt_timeout, lt_shield or lt_detach.  NULL stands for a task that could not be
 * made: awaiting it says UV_ENOMEM, so that lt_await(lt_spawn(f, x)) needs no
 * check between.  A handle that was given up is recognised and refused.
 *
 * CANCELLING.  What a cancelled task waits for ends with UV_ECANCELED; the task
 * cleans up (it may wait while it does) and returns that.  A cancel is delivered
 * once, at the wait it interrupts or else at the next one; every function here
 * that says "waits" can deliver it.  Work that was done nevertheless, such as a
 * file that was opened at that moment, is never thrown away: its result is
 * returned, and the next wait is the one that is cancelled.  A task always
 * starts, even if it was cancelled before: what its argument owns can be freed.
 *
 * MISUSE.  What cannot be meant is explained on stderr (or to the function given
 * to lt_on_misuse) and answered with an error: waiting outside a task (UV_EINVAL), a
 * handle used twice (UV_EINVAL), tasks that wait for each other in a circle
 * (LT_EDEADLK).  Failures that nobody saw and tasks left at the end are
 * reported too.  Two mistakes end the process, with the task's name: a stack that
 * overflows, and a return from inside a group or a deadline.
 *
 * THREADS.  Everything here belongs to the thread that turns the loop, except
 * lt_future_set() on a future made with LT_ANY_THREAD.  No exception and no
 * longjmp may leave a task.  Link liblooptrace before libuv.
 *
 * Part of looptrace, MIT licence. */
#ifndef LOOPTRACE_TASK_H
#define LOOPTRACE_TASK_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include <looptrace/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Tasks ---------------------------------------------------------------- */

/* What a task runs, and what a job in the thread pool runs. */
typedef int64_t lt_task_fn(void *arg);

/* A handle of a task.  Opaque: not an address. */
typedef struct lt_task lt_task;

/* A circle of waits. */
#define LT_EDEADLK (-EDEADLK)

/* What an error is, for people: uv_strerror() with the errors of this header.
 * Threads: any.  Returns: static, also for numbers that are no errors. */
LT_EXPORT const char *lt_strerror(int64_t result);

/* Pointers as results; both are defined for any pointer of the program. */
#define LT_PTR(pointer) ((int64_t)(intptr_t)(pointer))
static inline void *lt_ptr(int64_t result) {
  return (void *)(intptr_t)result;
}

/* How tasks are to run.  0 takes the default. */
typedef struct lt_run_options {
  size_t stack_bytes; /* of a task: 64 KiB; rounded up to a power of two */
  size_t tasks_max;   /* alive at once; then lt_spawn gives NULL: 1,000,000 */
  size_t stacks_kept; /* free stacks that keep their memory: 16384 */
  bool own_rounding;  /* each task has a rounding mode of its own (fesetround),
                         for about 10 ns a switch; else the thread has one */
  int dump_signal;    /* dump the tasks to stderr at this signal, e.g. SIGQUIT */
} lt_run_options;

/* Run fn as a task on a new loop, until it returns.  Tasks that are left then are
 * cancelled and waited for (not detached ones: reported as well).
 *
 * options: NULL for the defaults.
 * Signals: SIGPIPE is ignored meanwhile, if nobody handles it.
 * Returns: what fn returned; UV_ENOMEM or another error of libuv when it could
 *          not be started; LT_EDEADLK when nothing is left that could wake it. */
LT_EXPORT int64_t lt_run(lt_task_fn *fn, void *arg);
LT_EXPORT int64_t lt_run_with(const lt_run_options *options, lt_task_fn *fn,
                              void *arg);

/* Let a loop that the program turns itself run tasks, too: lt_spawn may then be
 * called from its callbacks.  One loop a thread.
 *
 * lt_loop_close() cancels the tasks that are left, and turns the loop until they
 * ended.  It must not be called by a task.  Call it before uv_loop_close().
 * Returns: 0; UV_EINVAL when the thread has one already; UV_ENOMEM... */
LT_EXPORT int lt_loop_open(uv_loop_t *loop, const lt_run_options *options);
LT_EXPORT void lt_loop_close(void);

/* The loop of this thread's tasks, for use with libuv; NULL when there is none. */
LT_EXPORT uv_loop_t *lt_loop(void);

/* Make a task.  It begins when the caller waits or returns to the loop.
 * Returns: its handle; NULL when there is no memory or no loop. */
LT_EXPORT lt_task *lt_spawn(lt_task_fn *fn, void *arg);

typedef struct lt_spawn_options {
  const char *name;   /* copied, cut at 31 bytes; NULL: the function's */
  size_t stack_bytes; /* 0: as lt_run_options says */
} lt_spawn_options;
LT_EXPORT lt_task *lt_spawn_with(const lt_spawn_options *options,
                                 lt_task_fn *fn, void *arg);

/* The same with a name only. */
LT_EXPORT lt_task *lt_spawn_named(const char *name, lt_task_fn *fn, void *arg);

/* Wait until the task ended.  Cancelling the caller cancels the task and still
 * waits for its end.  Gives the handle up.
 * Returns: what the task returned; UV_ENOMEM for NULL; LT_EDEADLK when the task
 *          waits for the caller, directly or through others. */
LT_EXPORT int64_t lt_await(lt_task *task);

/* The same, but after ms milliseconds the task is cancelled: UV_ETIMEDOUT. */
LT_EXPORT int64_t lt_timeout(lt_task *task, uint64_t ms);

/* The same, but cancelling the caller does not touch the task: it goes on,
 * detached, and the caller returns UV_ECANCELED at once. */
LT_EXPORT int64_t lt_shield(lt_task *task);

/* Wait for all.  The first failure cancels the rest (and is waited out).  Gives
 * all handles up.
 *
 * results: n results in the order of tasks, or NULL.
 * Returns: 0, or the failure that came first. */
LT_EXPORT int64_t lt_gather(lt_task *const *tasks, size_t n, int64_t *results);

/* The same, but failures cancel nothing: they are results like others.
 * Returns: 0, or UV_ECANCELED when the caller was cancelled. */
LT_EXPORT int64_t lt_gather_all(lt_task *const *tasks, size_t n,
                                int64_t *results);

/* Wait until any of them ended.  Gives no handle up.
 * Returns: its index, the lowest if several; UV_EINVAL for none, UV_ECANCELED. */
LT_EXPORT int64_t lt_wait(lt_task *const *tasks, size_t n);

/* Ask a task to end (see CANCELLING).  NULL and ended tasks: no effect. */
LT_EXPORT void lt_cancel(lt_task *task);

/* Let it go on by itself.  A failure that nobody can see then is reported.
 * NULL: no effect. */
LT_EXPORT void lt_detach(lt_task *task);

/* One more handle of the same task, to be given up separately: for several
 * that await one task.  Returns: the handle; NULL for NULL. */
LT_EXPORT lt_task *lt_keep(lt_task *task);

/* Did it end?  (NULL: yes.) */
LT_EXPORT bool lt_is_done(lt_task *task);

/* The task that runs now; a new handle as from lt_keep(); NULL outside tasks. */
LT_EXPORT lt_task *lt_self(void);

/* Was the running task asked to end, and did not hear of it yet?  For long
 * computations; does not take the cancel. */
LT_EXPORT bool lt_is_cancelled(void);

/* --- Time ----------------------------------------------------------------- */

/* Wait.  Returns: 0, UV_ECANCELED, UV_EINVAL outside a task. */
LT_EXPORT int64_t lt_sleep(uint64_t ms);

/* Let everything else that is ready run, and the loop look for events. */
LT_EXPORT int64_t lt_yield(void);

/* A limit for all waits between begin and end, in one task; they nest, as blocks
 * do.  When it passes, the wait of that moment ends with UV_ECANCELED.
 *
 * end: turns that into UV_ETIMEDOUT; returns other results as they are.  Before
 *      each return from the function that began it. */
typedef struct lt_deadline {
  uint64_t reserved[16];
} lt_deadline;
LT_EXPORT void lt_deadline_begin(lt_deadline *deadline, uint64_t ms);
LT_EXPORT int64_t lt_deadline_end(lt_deadline *deadline, int64_t result);

/* --- Groups --------------------------------------------------------------- */

/* A scope that does not end before its tasks did.  The first failure cancels the
 * others.  The group lies on the stack of the task that opened it.
 *
 * lt_group_spawn: there is no handle; a name may be NULL.  UV_ENOMEM is noted
 *                 in the group as a failure, too.
 * lt_group_end:   waits for all, before each return from the function that began
 *                 it.  Returns 0 or the failure that came first. */
typedef struct lt_group {
  void *reserved[12];
} lt_group;
LT_EXPORT void lt_group_begin(lt_group *group);
LT_EXPORT int lt_group_spawn(lt_group *group, const char *name, lt_task_fn *fn,
                             void *arg);
LT_EXPORT void lt_group_cancel(lt_group *group);
LT_EXPORT int64_t lt_group_end(lt_group *group);

/* --- The thread pool ------------------------------------------------------ */

/* Run fn(arg) in libuv's thread pool and wait for it: what blocks or computes for
 * long belongs there.  fn must not use this header.  Cancelled before it began,
 * it never runs; once begun it is waited for.
 * Returns: what fn returned; UV_ECANCELED. */
LT_EXPORT int64_t lt_to_thread(lt_task_fn *fn, void *arg);

/* --- Futures: whatever a callback can complete ---------------------------- */

/* A result that comes later.  Lies where you like, until it is set and nobody
 * awaits it any more.
 *
 *   lt_future f;
 *   lt_future_init(&f, 0);
 *   uv_fs_t req = {.data = &f};
 *   uv_fs_rename(lt_loop(), &req, "a", "b", lt_fs_done);
 *   int64_t status = lt_future_await_request(&f, (uv_req_t *)&req);
 *   uv_fs_req_cleanup(&req);
 *
 * flags:  LT_ANY_THREAD when another thread may set it; the loop then goes on
 *         until it is set.
 * set:    the first value counts.
 * await:  by any number of tasks.  UV_ECANCELED leaves the future as it is.
 * await_request: for a future that a request of libuv will set: cancelling the
 *         caller cancels the request, and the request is always waited out. */
typedef struct lt_future {
  void *reserved[8];
} lt_future;
enum { LT_ANY_THREAD = 1 };
LT_EXPORT void lt_future_init(lt_future *future, unsigned flags);
LT_EXPORT void lt_future_set(lt_future *future, int64_t result);
LT_EXPORT bool lt_future_is_set(const lt_future *future);
LT_EXPORT int64_t lt_future_await(lt_future *future);
LT_EXPORT int64_t lt_future_await_request(lt_future *future, uv_req_t *req);

/* Callbacks that set the future in req->data: to the request's result, or to the
 * status. */
LT_EXPORT void lt_fs_done(uv_fs_t *req);
LT_EXPORT void lt_write_done(uv_write_t *req, int status);
LT_EXPORT void lt_connect_done(uv_connect_t *req, int status);
LT_EXPORT void lt_work_done(uv_work_t *req, int status);

/* Close a handle of libuv's and wait until its memory is free, for handles that lie
 * on the task's stack.  Uses handle->data.  Not cancelled.  Returns: 0. */
LT_EXPORT int64_t lt_close(uv_handle_t *handle);

/* --- Between tasks -------------------------------------------------------- */

/* A queue of pointers.  Sending waits while it is full, receiving while it is
 * empty.  capacity 0: a sender waits until a receiver took its item.
 *
 * close: no more is sent (UV_EPIPE); receivers get what is left, then UV_EOF.
 * free:  also when it is not empty; nobody may wait on it.  NULL: no effect.
 * Returns: open NULL when there is no memory; the others 0 or the error. */
typedef struct lt_channel lt_channel;
LT_EXPORT lt_channel *lt_channel_open(size_t capacity);
LT_EXPORT int64_t lt_channel_send(lt_channel *channel, void *item);
LT_EXPORT int64_t lt_channel_receive(lt_channel *channel, void **item);
LT_EXPORT size_t lt_channel_count(const lt_channel *channel);
LT_EXPORT void lt_channel_close(lt_channel *channel);
LT_EXPORT void lt_channel_free(lt_channel *channel);

/* Those that follow are ready when they are all zero bits ({0}), need no end, and
 * are fair: who waits longest is next.  The waiting functions return 0 or
 * UV_ECANCELED. */
typedef struct lt_queue {
  void *reserved[2];
} lt_queue;

/* Only for what spans a wait: between waits a task is alone anyway.  Locking
 * what one holds, or a circle of locks and awaits, is LT_EDEADLK. */
typedef struct lt_mutex {
  lt_queue queue;
  void *owner;
} lt_mutex;
LT_EXPORT int64_t lt_mutex_lock(lt_mutex *mutex);
LT_EXPORT void lt_mutex_unlock(lt_mutex *mutex);

/* value may be set before the first use: how many may hold it at once. */
typedef struct lt_semaphore {
  lt_queue queue;
  uint64_t value;
} lt_semaphore;
LT_EXPORT int64_t lt_semaphore_take(lt_semaphore *semaphore);
LT_EXPORT void lt_semaphore_give(lt_semaphore *semaphore);

/* Once set, nobody waits, until it is cleared. */
typedef struct lt_event_flag {
  lt_queue queue;
  bool is_set;
} lt_event_flag;
LT_EXPORT int64_t lt_event_flag_wait(lt_event_flag *flag);
LT_EXPORT void lt_event_flag_set(lt_event_flag *flag);
LT_EXPORT void lt_event_flag_clear(lt_event_flag *flag);

/* A value that belongs to a task and that the tasks it spawns later inherit.
 *
 * key: any address that is yours, such as that of a static variable.
 * set: returns 0 or UV_ENOMEM.  get: NULL where there is none. */
LT_EXPORT int lt_local_set(const void *key, void *value);
LT_EXPORT void *lt_local_get(const void *key);

/* --- Streams: TCP and pipes ----------------------------------------------- */

/* A connection or a listener.  Reads and writes may be waited for by one task
 * each at a time (a second reader gets UV_EBUSY).
 *
 * connect: host is a name or an address; all of its addresses are tried.
 * listen:  host is an address ("0.0.0.0" and "::" for all) or a name, then the
 *          first of its addresses that can be had; looking a name up waits.
 *          Port 0 takes a free one, see lt_stream_port().
 * accept:  waits for the next connection.
 * read:    waits for some bytes; returns how many, 0 at the end of the stream.
 * read_exactly: waits for size bytes; returns size, or UV_EOF where the stream
 *          ends before.
 * read_until: waits for a line, or what else end ends; returns its length with
 *          the end, which is not there where the stream ended first; 0 at the
 *          end of the stream; UV_ENOBUFS when size bytes are no line.  No 0 byte
 *          is added.
 *          What these two did not return, after an error or a cancel too, is
 *          what is read next.
 * write:   all of it; the bytes may be used again when it returns, cancelled or
 *          not.  Returns 0.
 * shutdown: nothing more is written, which the peer reads as the end; it can
 *          still be read from, and has to be closed.
 * close:   at once, whatever is being waited for ends with UV_ECANCELED; the
 *          handle is gone.  NULL: no effect. */
typedef struct lt_stream lt_stream;
LT_EXPORT int64_t lt_tcp_connect(const char *host, int port, lt_stream **out);
LT_EXPORT int64_t lt_tcp_listen(const char *host, int port, lt_stream **out);
LT_EXPORT int64_t lt_pipe_connect(const char *path, lt_stream **out);
LT_EXPORT int64_t lt_pipe_listen(const char *path, lt_stream **out);
LT_EXPORT int64_t lt_accept(lt_stream *listener, lt_stream **out);
LT_EXPORT int64_t lt_read(lt_stream *stream, void *buffer, size_t size);
LT_EXPORT int64_t lt_read_exactly(lt_stream *stream, void *buffer, size_t size);
LT_EXPORT int64_t lt_read_until(lt_stream *stream, char end, void *buffer,
                                size_t size);
LT_EXPORT int64_t lt_write(lt_stream *stream, const void *bytes, size_t size);
LT_EXPORT int64_t lt_shutdown(lt_stream *stream);
LT_EXPORT void lt_stream_close(lt_stream *stream);

/* The port that a TCP stream is bound to, or an error; the handle of libuv, whose
 * data and callbacks are not to be touched. */
LT_EXPORT int lt_stream_port(lt_stream *stream);
LT_EXPORT uv_stream_t *lt_stream_uv(lt_stream *stream);

/* --- Files, names, processes, signals ------------------------------------- */

/* As the calls of the same names, in the thread pool.  offset -1: at the file's
 * position.  Other calls: uv_fs_* with a future, above. */
LT_EXPORT int64_t lt_fs_open(const char *path, int flags, int mode);
LT_EXPORT int64_t lt_fs_close(int fd);
LT_EXPORT int64_t lt_fs_read(int fd, void *buffer, size_t size,
                             int64_t offset);
LT_EXPORT int64_t lt_fs_write(int fd, const void *bytes, size_t size,
                              int64_t offset);
LT_EXPORT int64_t lt_fs_fsync(int fd);
LT_EXPORT int64_t lt_fs_stat(const char *path, uv_stat_t *out);
LT_EXPORT int64_t lt_fs_unlink(const char *path);
LT_EXPORT int64_t lt_fs_rename(const char *from, const char *to);
LT_EXPORT int64_t lt_fs_mkdir(const char *path, int mode);

/* Look a name up.  hints and service may be NULL.
 * out: owned, to be given to uv_freeaddrinfo(). */
LT_EXPORT int64_t lt_getaddrinfo(const char *host, const char *service,
                                 const struct addrinfo *hints,
                                 struct addrinfo **out);

/* Run a program and wait for its end.  exit_cb is not used.  Cancelling sends
 * SIGTERM and waits on.
 * Returns: its exit status, or 128 plus the signal that ended it. */
LT_EXPORT int64_t lt_process_run(const uv_process_options_t *options);

/* Wait for the next such signal.  Returns: signum. */
LT_EXPORT int64_t lt_signal_wait(int signum);

/* --- Looking at tasks ----------------------------------------------------- */

/* Print the tree of live tasks of this thread's loop: name, what each waits for,
 * since when, its stack, and who spawned it.  Not async-signal-safe. */
LT_EXPORT void lt_dump_tasks(int fd);

/* How many tasks live. */
LT_EXPORT size_t lt_task_count(void);

/* Where reports of misuse go instead of stderr; NULL: to stderr again.  text is a
 * whole sentence without a newline, valid during the call. */
LT_EXPORT void lt_on_misuse(void (*report)(const char *text));

#ifdef __cplusplus
}
#endif
#endif
