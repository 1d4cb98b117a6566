/* The table of libuv's functions: which are interposed, and how.
 *
 * From each row come the pointer to the real function (real.h), the code that
 * finds it on first use, and, where C allows it, the whole wrapper.  A row is
 *
 *   X(HOW, returns, name, (parameters), (arguments), ...)
 *
 * START    arms a handle.  Parameters `handle` and `cb`.  Then: kind of task,
 *          trampoline, delay in ns plus 1 (0: it waits for no time).
 * KEEP     as START, but libuv keeps the old callback while it is active.
 * REQUEST  submits a request.  Parameters `req` and `cb`; NULL: nobody wants to
 *          know.  Then: kind, trampoline.
 * TELL     as REQUEST, but returns nothing: errors come through the callback.
 * ASK      as REQUEST, but without a callback it blocks until it is done: then
 *          it is a CALL of the callee of its name.  Then: kind, trampoline, the
 *          descriptor that it works on or -1.
 * WAIT     waits in a function of libc, which is interposed and is the CALL: only
 *          who called is noted, or it would be libuv.
 * HAND     is wrapped by hand.
 * ONLY     is needed by the wrappers and not interposed.
 *
 * Parameters must agree with <uv.h>: the compiler checks it. */
#ifndef LTI_UV_MAP_H
#define LTI_UV_MAP_H

#include <stdint.h>
#include <uv.h>

typedef const char *lti_text;

#define LTI_UV_HANDLES(X)                                                      \
  X(START, int, uv_timer_start,                                                \
    (uv_timer_t * handle, uv_timer_cb cb, uint64_t timeout, uint64_t repeat),  \
    (handle, cb, timeout, repeat), TIMER, repeat ? on_repeat : on_timer,       \
    lti_delay_ns(timeout))                                                     \
  X(KEEP, int, uv_idle_start, (uv_idle_t * handle, uv_idle_cb cb),             \
    (handle, cb), IDLE, on_idle, 0)                                            \
  X(KEEP, int, uv_prepare_start, (uv_prepare_t * handle, uv_prepare_cb cb),    \
    (handle, cb), PREPARE, on_prepare, 0)                                      \
  X(KEEP, int, uv_check_start, (uv_check_t * handle, uv_check_cb cb),          \
    (handle, cb), CHECK, on_check, 0)                                          \
  X(START, int, uv_async_init,                                                 \
    (uv_loop_t * loop, uv_async_t *handle, uv_async_cb cb),                    \
    (loop, handle, cb), ASYNC, on_async, 0)                                    \
  X(START, int, uv_poll_start, (uv_poll_t * handle, int events, uv_poll_cb cb),\
    (handle, events, cb), POLL, on_poll, 0)                                    \
  X(START, int, uv_signal_start,                                               \
    (uv_signal_t * handle, uv_signal_cb cb, int signum), (handle, cb, signum), \
    SIGNAL, on_signal, 0)                                                      \
  X(START, int, uv_signal_start_oneshot,                                       \
    (uv_signal_t * handle, uv_signal_cb cb, int signum), (handle, cb, signum), \
    SIGNAL, on_signal, 0)                                                      \
  X(START, int, uv_listen,                                                     \
    (uv_stream_t * handle, int backlog, uv_connection_cb cb),                  \
    (handle, backlog, cb), LISTEN, on_connection, 0)                           \
  X(START, int, uv_fs_event_start,                                             \
    (uv_fs_event_t * handle, uv_fs_event_cb cb, const char *path,              \
     unsigned int flags),                                                      \
    (handle, cb, path, flags), FS_EVENT, on_fs_event, 0)                       \
  X(START, int, uv_fs_poll_start,                                              \
    (uv_fs_poll_t * handle, uv_fs_poll_cb cb, const char *path,                \
     unsigned int interval),                                                   \
    (handle, cb, path, interval), FS_POLL, on_fs_poll, 0)                      \
  X(HAND, int, uv_timer_again, (uv_timer_t * handle), (handle))                \
  X(HAND, int, uv_async_send, (uv_async_t * handle), (handle))                 \
  X(HAND, int, uv_read_start,                                                  \
    (uv_stream_t * handle, uv_alloc_cb alloc, uv_read_cb cb),                  \
    (handle, alloc, cb))                                                       \
  X(HAND, int, uv_udp_recv_start,                                              \
    (uv_udp_t * handle, uv_alloc_cb alloc, uv_udp_recv_cb cb),                 \
    (handle, alloc, cb))                                                       \
  X(HAND, int, uv_spawn,                                                       \
    (uv_loop_t * loop, uv_process_t *handle,                                   \
     const uv_process_options_t *options),                                     \
    (loop, handle, options))                                                   \
  X(HAND, void, uv_close, (uv_handle_t * handle, uv_close_cb cb),              \
    (handle, cb))                                                              \
  X(HAND, int, uv_tcp_close_reset, (uv_tcp_t * handle, uv_close_cb cb),        \
    (handle, cb))                                                              \
  X(HAND, void, uv_walk, (uv_loop_t * loop, uv_walk_cb cb, void *arg),         \
    (loop, cb, arg))

#define LTI_UV_REQUESTS(X)                                                     \
  X(REQUEST, int, uv_write,                                                    \
    (uv_write_t * req, uv_stream_t *handle, const uv_buf_t bufs[],             \
     unsigned int nbufs, uv_write_cb cb),                                      \
    (req, handle, bufs, nbufs, cb), WRITE, on_write)                           \
  X(REQUEST, int, uv_write2,                                                   \
    (uv_write_t * req, uv_stream_t *handle, const uv_buf_t bufs[],             \
     unsigned int nbufs, uv_stream_t *send_handle, uv_write_cb cb),            \
    (req, handle, bufs, nbufs, send_handle, cb), WRITE, on_write)              \
  X(REQUEST, int, uv_shutdown,                                                 \
    (uv_shutdown_t * req, uv_stream_t *handle, uv_shutdown_cb cb),             \
    (req, handle, cb), SHUTDOWN, on_shutdown)                                  \
  X(REQUEST, int, uv_udp_send,                                                 \
    (uv_udp_send_t * req, uv_udp_t *handle, const uv_buf_t bufs[],             \
     unsigned int nbufs, const struct sockaddr *addr, uv_udp_send_cb cb),      \
    (req, handle, bufs, nbufs, addr, cb), UDP_SEND, on_udp_send)               \
  X(REQUEST, int, uv_tcp_connect,                                              \
    (uv_connect_t * req, uv_tcp_t *handle, const struct sockaddr *addr,        \
     uv_connect_cb cb),                                                        \
    (req, handle, addr, cb), CONNECT, on_connect)                              \
  X(TELL, void, uv_pipe_connect,                                               \
    (uv_connect_t * req, uv_pipe_t *handle, const char *name,                  \
     uv_connect_cb cb),                                                        \
    (req, handle, name, cb), CONNECT, on_connect)                              \
  X(REQUEST, int, uv_pipe_connect2,                                            \
    (uv_connect_t * req, uv_pipe_t *handle, const char *name, size_t namelen,  \
     unsigned int flags, uv_connect_cb cb),                                    \
    (req, handle, name, namelen, flags, cb), CONNECT, on_connect)              \
  X(ASK, int, uv_getaddrinfo,                                                  \
    (uv_loop_t * loop, uv_getaddrinfo_t *req, uv_getaddrinfo_cb cb,            \
     const char *node, const char *service, const struct addrinfo *hints),     \
    (loop, req, cb, node, service, hints), GETADDRINFO, on_getaddrinfo, -1)    \
  X(ASK, int, uv_getnameinfo,                                                  \
    (uv_loop_t * loop, uv_getnameinfo_t *req, uv_getnameinfo_cb cb,            \
     const struct sockaddr *addr, int flags),                                  \
    (loop, req, cb, addr, flags), GETNAMEINFO, on_getnameinfo, -1)             \
  X(ASK, int, uv_random,                                                       \
    (uv_loop_t * loop, uv_random_t *req, void *buf, size_t buflen,             \
     unsigned flags, uv_random_cb cb),                                         \
    (loop, req, buf, buflen, flags, cb), RANDOM, on_random, -1)                \
  X(HAND, int, uv_queue_work,                                                  \
    (uv_loop_t * loop, uv_work_t *req, uv_work_cb work, uv_after_work_cb cb),  \
    (loop, req, work, cb))

/* uv_fs_*: ASK, all of one shape.  LTI_FS(X, name, (its own
 * parameters), (arguments), descriptor). */
#define LTI_OPEN(...) __VA_ARGS__
#define LTI_FS(X, name, params, args, fd)                                      \
  X(ASK, int, name,                                                            \
    (uv_loop_t * loop, uv_fs_t *req, LTI_OPEN params, uv_fs_cb cb),            \
    (loop, req, LTI_OPEN args, cb), FS, on_fs, fd)
#define LTI_UV_FS(X)                                                           \
  LTI_FS(X, uv_fs_close, (uv_file file), (file), file)                         \
  LTI_FS(X, uv_fs_open, (const char *path, int flags, int mode),               \
         (path, flags, mode),                                                  \
    -1)                                                                        \
  LTI_FS(X, uv_fs_read,                                                        \
    (uv_file file, const uv_buf_t bufs[], unsigned int nbufs, int64_t offset), \
    (file, bufs, nbufs, offset), file)                                         \
  LTI_FS(X, uv_fs_unlink, (const char *path), (path), -1)                      \
  LTI_FS(X, uv_fs_write,                                                       \
    (uv_file file, const uv_buf_t bufs[], unsigned int nbufs, int64_t offset), \
    (file, bufs, nbufs, offset), file)                                         \
  LTI_FS(X, uv_fs_copyfile,                                                    \
         (const char *path, const char *new_path, int flags),                  \
    (path, new_path, flags), -1)                                               \
  LTI_FS(X, uv_fs_mkdir, (const char *path, int mode), (path, mode), -1)       \
  LTI_FS(X, uv_fs_mkdtemp, (const char *tpl), (tpl), -1)                       \
  LTI_FS(X, uv_fs_mkstemp, (const char *tpl), (tpl), -1)                       \
  LTI_FS(X, uv_fs_rmdir, (const char *path), (path), -1)                       \
  LTI_FS(X, uv_fs_scandir, (const char *path, int flags), (path, flags), -1)   \
  LTI_FS(X, uv_fs_opendir, (const char *path), (path), -1)                     \
  LTI_FS(X, uv_fs_readdir, (uv_dir_t * dir), (dir), -1)                        \
  LTI_FS(X, uv_fs_closedir, (uv_dir_t * dir), (dir), -1)                       \
  LTI_FS(X, uv_fs_stat, (const char *path), (path), -1)                        \
  LTI_FS(X, uv_fs_fstat, (uv_file file), (file), file)                         \
  LTI_FS(X, uv_fs_rename, (const char *path, const char *new_path),            \
         (path, new_path),                                                     \
    -1)                                                                        \
  LTI_FS(X, uv_fs_fsync, (uv_file file), (file), file)                         \
  LTI_FS(X, uv_fs_fdatasync, (uv_file file), (file), file)                     \
  LTI_FS(X, uv_fs_ftruncate, (uv_file file, int64_t offset),                   \
         (file, offset), file)                                                 \
  LTI_FS(X, uv_fs_sendfile,                                                    \
    (uv_file out_fd, uv_file in_fd, int64_t in_offset, size_t length),         \
    (out_fd, in_fd, in_offset, length), out_fd)                                \
  LTI_FS(X, uv_fs_access, (const char *path, int mode), (path, mode), -1)      \
  LTI_FS(X, uv_fs_chmod, (const char *path, int mode), (path, mode), -1)       \
  LTI_FS(X, uv_fs_utime, (const char *path, double atime, double mtime),       \
    (path, atime, mtime), -1)                                                  \
  LTI_FS(X, uv_fs_futime, (uv_file file, double atime, double mtime),          \
    (file, atime, mtime), file)                                                \
  LTI_FS(X, uv_fs_lutime, (const char *path, double atime, double mtime),      \
    (path, atime, mtime), -1)                                                  \
  LTI_FS(X, uv_fs_lstat, (const char *path), (path), -1)                       \
  LTI_FS(X, uv_fs_link, (const char *path, const char *new_path),              \
         (path, new_path),                                                     \
    -1)                                                                        \
  LTI_FS(X, uv_fs_symlink, (const char *path, const char *new_path, int flags),\
    (path, new_path, flags), -1)                                               \
  LTI_FS(X, uv_fs_readlink, (const char *path), (path), -1)                    \
  LTI_FS(X, uv_fs_realpath, (const char *path), (path), -1)                    \
  LTI_FS(X, uv_fs_fchmod, (uv_file file, int mode), (file, mode), file)        \
  LTI_FS(X, uv_fs_chown, (const char *path, uv_uid_t uid, uv_gid_t gid),       \
    (path, uid, gid), -1)                                                      \
  LTI_FS(X, uv_fs_fchown, (uv_file file, uv_uid_t uid, uv_gid_t gid),          \
    (file, uid, gid), file)                                                    \
  LTI_FS(X, uv_fs_lchown, (const char *path, uv_uid_t uid, uv_gid_t gid),      \
    (path, uid, gid), -1)                                                      \
  LTI_FS(X, uv_fs_statfs, (const char *path), (path), -1)

#define LTI_UV_LOOPS(X)                                                        \
  X(HAND, int, uv_run, (uv_loop_t * loop, uv_run_mode mode), (loop, mode))     \
  X(HAND, int, uv_loop_close, (uv_loop_t * loop), (loop))                      \
  X(HAND, void, uv_loop_delete, (uv_loop_t * loop), (loop))                    \
  X(HAND, void, uv_sleep, (unsigned int msec), (msec))                         \
  X(ONLY, int, uv_backend_fd, (const uv_loop_t *loop), (loop))                 \
  X(ONLY, int, uv_is_active, (const uv_handle_t *handle), (handle))            \
  X(ONLY, uint64_t, uv_timer_get_repeat, (const uv_timer_t *handle), (handle)) \
  X(ONLY, uint64_t, uv_timer_get_due_in, (const uv_timer_t *handle), (handle)) \
  X(ONLY, uint64_t, uv_now, (const uv_loop_t *loop), (loop))                   \
  X(ONLY, lti_text, uv_version_string, (void), ())

#define LTI_UV_WAITS(X)                                                        \
  X(WAIT, void, uv_mutex_lock, (uv_mutex_t * lock), (lock))                    \
  X(WAIT, void, uv_rwlock_rdlock, (uv_rwlock_t * lock), (lock))                \
  X(WAIT, void, uv_rwlock_wrlock, (uv_rwlock_t * lock), (lock))                \
  X(WAIT, void, uv_cond_wait, (uv_cond_t * cond, uv_mutex_t *lock),            \
    (cond, lock))                                                              \
  X(WAIT, int, uv_cond_timedwait,                                              \
    (uv_cond_t * cond, uv_mutex_t *lock, uint64_t ns), (cond, lock, ns))       \
  X(WAIT, void, uv_sem_wait, (uv_sem_t * sem), (sem))                          \
  X(WAIT, int, uv_barrier_wait, (uv_barrier_t * barrier), (barrier))           \
  X(WAIT, int, uv_thread_join, (uv_thread_t * thread), (thread))               \
  X(WAIT, int, uv_try_write,                                                   \
    (uv_stream_t * handle, const uv_buf_t bufs[], unsigned int nbufs),         \
    (handle, bufs, nbufs))                                                     \
  X(WAIT, int, uv_udp_try_send,                                                \
    (uv_udp_t * handle, const uv_buf_t bufs[], unsigned int nbufs,             \
     const struct sockaddr *addr),                                             \
    (handle, bufs, nbufs, addr))                                               \
  X(WAIT, int, uv_os_get_passwd, (uv_passwd_t * to), (to))                     \
  X(WAIT, int, uv_os_homedir, (char *buf, size_t *size), (buf, size))

#define LTI_UV_MAP(X)                                                          \
  LTI_UV_HANDLES(X)                                                            \
  LTI_UV_REQUESTS(X)                                                           \
  LTI_UV_FS(X)                                                                 \
  LTI_UV_WAITS(X)                                                              \
  LTI_UV_LOOPS(X)

/* libuv 1.46 and later; absent at run time before: UV_ENOSYS. */
UV_EXTERN int uv_pipe_connect2(uv_connect_t *req, uv_pipe_t *handle,
                               const char *name, size_t namelen,
                               unsigned int flags, uv_connect_cb cb);

#endif
