/* libuv's own functions, past the hooks.
 *
 * What task/ asks of libuv on its own behalf (one timer for all sleepers, an idle
 * handle, reads that it started) is no callback of the program's, and would only
 * be noise in the trace beside the events of the tasks.  Hooks are found by name;
 * these pointers come from libuv itself.  uv_run() is not among them: its turns
 * are to be seen.  Decision 0013. */
#ifndef LTI_TASK_LIBUV_H
#define LTI_TASK_LIBUV_H

#include <uv.h>

#define LTI_LIBUV_MAP(X)                                                          \
  X(accept) X(async_init) X(async_send) X(cancel) X(close) X(fs_close)         \
  X(fs_fsync) X(fs_mkdir) X(fs_open) X(fs_read) X(fs_rename) X(fs_stat)        \
  X(fs_unlink) X(fs_write) X(getaddrinfo) X(idle_init) X(idle_start)           \
  X(idle_stop) X(listen) X(pipe_connect) X(queue_work) X(read_start)           \
  X(read_stop) X(shutdown) X(signal_init) X(signal_start) X(spawn)             \
  X(tcp_connect) X(timer_init) X(timer_start) X(timer_stop) X(try_write)       \
  X(write)

struct lti_task_uv {
#define LTI_LIBUV_FIELD(name) __typeof__(&uv_##name) name;
  LTI_LIBUV_MAP(LTI_LIBUV_FIELD)
#undef LTI_LIBUV_FIELD
};
extern struct lti_task_uv lti_task_uv __attribute__((visibility("hidden")));

/* Look them up, the first time.  Threads: any. */
void lti_libuv_find(void);

#endif
