/* Files, names, processes, signals: requests whose memory lies on the stack of the
 * task that waits, and which are therefore always waited out.
 * Called by programs. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "task/libuv.h"
#include "task/trace.h"

/* --- Files ---------------------------------------------------------------- */

struct file_request {
  uv_fs_t request; /* first */
  struct lti_wait wait;
};

static void file_done(uv_fs_t *request) {
  struct file_request *file = (struct file_request *)request;
  lti_work_end(lti_sched, file->wait.awaited, request->result);
  lti_wake(&file->wait, request->result);
  lti_drain(lti_sched);
}

static void file_cancel(struct lti_wait *wait) {
  struct file_request *file = (struct file_request *)(
      (char *)wait - offsetof(struct file_request, wait));
  (void)lti_task_uv.cancel((uv_req_t *)&file->request);
}

/* After the submission, which said status. */
static int64_t file_wait(struct lti_tcb *task, struct file_request *file,
                         int status, const void *function, void *caller) {
  if (status < 0)
    return status;
  file->wait.why = LT_WAIT_FILE;
  file->wait.cancel = file_cancel;
  file->wait.awaited = lti_work_begin(lti_sched, LT_TASK_FS, function, caller);
  return lti_block(task, &file->wait);
}

#define FILE_BEGIN(name)                                                       \
  struct lti_tcb *task = lti_running(#name);                                   \
  if (!task)                                                                   \
    return UV_EINVAL;                                                          \
  if (lti_take_cancel(task))                                                   \
    return UV_ECANCELED;                                                       \
  struct file_request file;                                                    \
  memset(&file.wait, 0, sizeof file.wait);                                     \
  uv_loop_t *loop = lti_sched->loop;                                           \
  void *caller = __builtin_return_address(0);                                  \
  const void *function = __extension__(void *) name
#define FILE_END(submitted)                                                    \
  int64_t result = file_wait(task, &file, submitted, function, caller);        \
  uv_fs_req_cleanup(&file.request);                                            \
  return result

int64_t lt_fs_open(const char *path, int flags, int mode) {
  FILE_BEGIN(lt_fs_open);
  FILE_END(lti_task_uv.fs_open(loop, &file.request, path, flags, mode,
                             file_done));
}

int64_t lt_fs_close(int fd) {
  FILE_BEGIN(lt_fs_close);
  FILE_END(lti_task_uv.fs_close(loop, &file.request, fd, file_done));
}

int64_t lt_fs_read(int fd, void *buffer, size_t size, int64_t offset) {
  uv_buf_t buf = {.base = buffer, .len = size};
  FILE_BEGIN(lt_fs_read);
  FILE_END(lti_task_uv.fs_read(loop, &file.request, fd, &buf, 1, offset,
                             file_done));
}

int64_t lt_fs_write(int fd, const void *bytes, size_t size, int64_t offset) {
  uv_buf_t buf = {.len = size};
  memcpy(&buf.base, &bytes, sizeof bytes); /* uv_buf_t knows no const */
  FILE_BEGIN(lt_fs_write);
  FILE_END(lti_task_uv.fs_write(loop, &file.request, fd, &buf, 1, offset,
                              file_done));
}

int64_t lt_fs_fsync(int fd) {
  FILE_BEGIN(lt_fs_fsync);
  FILE_END(lti_task_uv.fs_fsync(loop, &file.request, fd, file_done));
}

int64_t lt_fs_stat(const char *path, uv_stat_t *out) {
  FILE_BEGIN(lt_fs_stat);
  int64_t result =
      file_wait(task, &file,
                lti_task_uv.fs_stat(loop, &file.request, path, file_done),
                function, caller);
  if (result == 0)
    *out = file.request.statbuf;
  uv_fs_req_cleanup(&file.request);
  return result;
}

int64_t lt_fs_unlink(const char *path) {
  FILE_BEGIN(lt_fs_unlink);
  FILE_END(lti_task_uv.fs_unlink(loop, &file.request, path, file_done));
}

int64_t lt_fs_rename(const char *from, const char *to) {
  FILE_BEGIN(lt_fs_rename);
  FILE_END(lti_task_uv.fs_rename(loop, &file.request, from, to, file_done));
}

int64_t lt_fs_mkdir(const char *path, int mode) {
  FILE_BEGIN(lt_fs_mkdir);
  FILE_END(lti_task_uv.fs_mkdir(loop, &file.request, path, mode, file_done));
}

/* --- Names ---------------------------------------------------------------- */

struct name_request {
  uv_getaddrinfo_t request; /* first */
  struct lti_wait wait;
  struct addrinfo *found;
};

static void name_found(uv_getaddrinfo_t *request, int status,
                       struct addrinfo *found) {
  struct name_request *name = (struct name_request *)request;
  name->found = found;
  lti_work_end(lti_sched, name->wait.awaited, status);
  lti_wake(&name->wait, status);
  lti_drain(lti_sched);
}

static void name_cancel(struct lti_wait *wait) {
  struct name_request *name = (struct name_request *)(
      (char *)wait - offsetof(struct name_request, wait));
  (void)lti_task_uv.cancel((uv_req_t *)&name->request);
}

int64_t lt_getaddrinfo(const char *host, const char *service,
                       const struct addrinfo *hints, struct addrinfo **out) {
  struct lti_tcb *task = lti_running("lt_getaddrinfo");
  if (!task)
    return UV_EINVAL;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  struct name_request name = {
      .wait = {.why = LT_WAIT_NAME, .cancel = name_cancel}};
  int64_t status = lti_task_uv.getaddrinfo(lti_sched->loop, &name.request,
                                         name_found, host, service, hints);
  if (status < 0)
    return status;
  name.wait.awaited = lti_work_begin(
      lti_sched, LT_TASK_GETADDRINFO, __extension__(void *) lt_getaddrinfo,
      __builtin_return_address(0));
  status = lti_block(task, &name.wait);
  if (status == UV_EAI_CANCELED) {
    task->pending = 0; /* delivered: libuv calls it by another name */
    return UV_ECANCELED;
  }
  if (status == 0)
    *out = name.found;
  return status;
}

/* --- Processes ------------------------------------------------------------ */

struct process {
  uv_process_t handle; /* first; freed when closed */
  struct lti_wait *wait;
};

static void handle_closed(uv_handle_t *handle) {
  free(handle);
}

static void process_ended(uv_process_t *handle, int64_t status, int signum) {
  struct process *process = (struct process *)handle;
  struct lti_wait *wait = process->wait;
  int64_t result = signum ? 128 + signum : status;
  lti_task_uv.close((uv_handle_t *)handle, handle_closed);
  lti_work_end(lti_sched, wait->awaited, result);
  lti_wake(wait, result);
  lti_drain(lti_sched);
}

struct process_wait {
  struct lti_wait wait; /* first */
  struct process *process;
};

static void process_cancel(struct lti_wait *wait) {
  (void)uv_process_kill(&((struct process_wait *)wait)->process->handle,
                        SIGTERM);
}

int64_t lt_process_run(const uv_process_options_t *options) {
  struct lti_tcb *task = lti_running("lt_process_run");
  if (!task)
    return UV_EINVAL;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  struct process *process = calloc(1, sizeof *process);
  if (!process)
    return UV_ENOMEM;
  struct process_wait wait = {
      .wait = {.why = LT_WAIT_PROCESS, .cancel = process_cancel},
      .process = process};
  uv_process_options_t ours = *options;
  ours.exit_cb = process_ended;
  process->wait = &wait.wait;
  int status = lti_task_uv.spawn(lti_sched->loop, &process->handle, &ours);
  if (status < 0) { /* the handle is initialised nevertheless */
    lti_task_uv.close((uv_handle_t *)&process->handle, handle_closed);
    return status;
  }
  wait.wait.awaited = lti_work_begin(
      lti_sched, LT_TASK_PROCESS_EXIT, __extension__(void *) lt_process_run,
      __builtin_return_address(0));
  int64_t result = lti_block(task, &wait.wait);
  if (task->pending && result == 128 + SIGTERM) {
    task->pending = 0; /* delivered: that was our signal */
    return UV_ECANCELED;
  }
  return result;
}

/* --- Handles of the program's --------------------------------------------- */

static void closed(uv_handle_t *handle) {
  lti_wake(handle->data, 0);
  lti_drain(lti_sched);
}

int64_t lt_close(uv_handle_t *handle) {
  struct lti_tcb *task = lti_running("lt_close");
  if (!task)
    return UV_EINVAL;
  struct lti_wait wait = {.why = LT_WAIT_CLOSE};
  handle->data = &wait;
  lti_task_uv.close(handle, closed);
  return lti_block(task, &wait);
}

/* --- Signals -------------------------------------------------------------- */

struct signal_wait {
  struct lti_wait wait; /* first */
  uv_signal_t *handle;
};

static void signal_came(uv_signal_t *handle, int signum) {
  struct signal_wait *wait = handle->data;
  lti_task_uv.close((uv_handle_t *)handle, handle_closed);
  lti_wake(&wait->wait, signum);
  lti_drain(lti_sched);
}

static void signal_cancel(struct lti_wait *wait) {
  struct signal_wait *me = (struct signal_wait *)wait;
  lti_task_uv.close((uv_handle_t *)me->handle, handle_closed);
  lti_wake(wait, UV_ECANCELED);
}

int64_t lt_signal_wait(int signum) {
  struct lti_tcb *task = lti_running("lt_signal_wait");
  if (!task)
    return UV_EINVAL;
  if (lti_take_cancel(task))
    return UV_ECANCELED;
  uv_signal_t *handle = malloc(sizeof *handle);
  if (!handle)
    return UV_ENOMEM;
  int status = lti_task_uv.signal_init(lti_sched->loop, handle);
  if (status < 0) {
    free(handle);
    return status;
  }
  struct signal_wait wait = {
      .wait = {.why = LT_WAIT_SIGNAL, .cancel = signal_cancel},
      .handle = handle};
  handle->data = &wait;
  status = lti_task_uv.signal_start(handle, signal_came, signum);
  if (status < 0) {
    lti_task_uv.close((uv_handle_t *)handle, handle_closed);
    return status;
  }
  return lti_block(task, &wait.wait);
}
