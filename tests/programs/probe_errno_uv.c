/* libuv's half of probe_errno.c.  Nothing comes of most of what it starts: each
 * is closed at once. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "probe_errno.h"

static const char nowhere[] = NOWHERE;
static char bytes[64];

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

static void meet(void *barrier) {
  uv_barrier_wait(barrier);
}

static void call_waits(uv_loop_t *loop) {
  uv_mutex_t lock;
  uv_rwlock_t rw;
  uv_cond_t cond;
  uv_sem_t sem;
  uv_barrier_t barrier;
  uv_thread_t thread;
  uv_pipe_t pipe;
  uv_udp_t udp;
  uv_passwd_t user;
  struct sockaddr_in addr;
  uv_buf_t buf = uv_buf_init(bytes, 1);
  size_t size = 1;
  uv_mutex_init(&lock);
  uv_rwlock_init(&rw);
  uv_cond_init(&cond);
  uv_sem_init(&sem, 1);
  uv_barrier_init(&barrier, 2);
  TRY_VOID(uv_mutex_lock(&lock));
  TRY(uv_cond_timedwait(&cond, &lock, 1));
  uv_mutex_unlock(&lock);
  TRY_VOID(uv_rwlock_rdlock(&rw));
  uv_rwlock_rdunlock(&rw);
  TRY_VOID(uv_rwlock_wrlock(&rw));
  uv_rwlock_wrunlock(&rw);
  TRY_VOID(uv_sem_wait(&sem));
  uv_thread_create(&thread, meet, &barrier);
  TRY_AS(uv_barrier_wait(&barrier), result >= 0);
  TRY(uv_thread_join(&thread));
  uv_pipe_init(loop, &pipe, 0);
  TRY(uv_try_write((uv_stream_t *)&pipe, &buf, 1));
  uv_ip4_addr("127.0.0.1", 1, &addr);
  uv_udp_init(loop, &udp);
  TRY(uv_udp_try_send(&udp, &buf, 1, (struct sockaddr *)&addr));
  TRY(uv_udp_try_send(&udp, &buf, 1, NULL));
  CLOSE(&pipe);
  CLOSE(&udp);
  uv_run(loop, UV_RUN_DEFAULT);
  TRY(uv_os_get_passwd(&user));
  uv_os_free_passwd(&user);
  TRY(uv_os_homedir(bytes, &size));
  uv_barrier_destroy(&barrier);
  uv_sem_destroy(&sem);
  uv_cond_destroy(&cond);
  uv_rwlock_destroy(&rw);
  uv_mutex_destroy(&lock);
}

/* Nobody signals before the one who waits does. */
static uv_mutex_t cond_lock;
static uv_cond_t cond_rung;
static void ring(void *unused) {
  (void)unused;
  uv_mutex_lock(&cond_lock);
  uv_cond_signal(&cond_rung);
  uv_mutex_unlock(&cond_lock);
}

static void call_cond(void) {
  uv_thread_t thread;
  uv_mutex_init(&cond_lock);
  uv_cond_init(&cond_rung);
  uv_mutex_lock(&cond_lock);
  uv_thread_create(&thread, ring, NULL);
  TRY_VOID(uv_cond_wait(&cond_rung, &cond_lock));
  uv_mutex_unlock(&cond_lock);
  uv_thread_join(&thread);
  uv_cond_destroy(&cond_rung);
  uv_mutex_destroy(&cond_lock);
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

void call_libuv(void) {
  uv_loop_t loop;
  uv_loop_init(&loop);
  call_handles(&loop);
  call_streams(&loop);
  call_pool(&loop);
  call_fs(&loop);
  call_waits(&loop);
  call_cond();
  printf("  closed %u, %d\n", n_closed, uv_loop_close(&loop));
  call_loops();
}
