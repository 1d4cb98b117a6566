/* What planted's ways wait on; and the process that stops it.
 *
 * Called by planted.c and planted_ways.c. */
#include "planted.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void make_files(struct lane *lane) {
  struct means *m = &lane->means;
  snprintf(m->fifo, sizeof m->fifo, "fifo-%u", lane->index);
  snprintf(m->file, sizeof m->file, "pages-%u", lane->index);
  snprintf(m->path, sizeof m->path, "file-%u", lane->index);
  if (mkfifo(m->fifo, 0600))
    die(m->fifo);
  for (int i = 0; i < 2; i++)
    if ((m->lock_fds[i] = open(m->file, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) <
        0)
      die(m->file);
}

static int listen_here(const struct lane *lane) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  snprintf(at.sun_path + 1, sizeof at.sun_path - 1, "planted-%d-%u",
           (int)getpid(), lane->index);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 0))
    die("listen");
  return fd;
}

/* On the loopback, at any port. */
static int bind_here(int kind) {
  struct sockaddr_in at = {.sin_family = AF_INET,
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) ||
      (kind == SOCK_STREAM && listen(fd, 0)))
    die("bind");
  return fd;
}

void means_init(struct lane *lane) {
  struct means *m = &lane->means;
  const int kind = SOCK_STREAM | SOCK_CLOEXEC;
  if (pipe2(m->ends, O_CLOEXEC) || pipe2(m->full, O_CLOEXEC) ||
      socketpair(AF_UNIX, kind, 0, m->pair) ||
      socketpair(AF_UNIX, kind, 0, m->own))
    die("pipe2");
  m->in = fdopen(dup(m->ends[0]), "r");
  m->out = fdopen(dup(m->full[1]), "w");
  if (!m->in || !m->out)
    die("fdopen");
  setvbuf(m->in, NULL, _IONBF, 0);
  setvbuf(m->out, NULL, _IONBF, 0);
  make_files(lane);
  m->listener = listen_here(lane);
  m->tcp = bind_here(SOCK_STREAM);
  m->names = bind_here(SOCK_DGRAM);
  pthread_mutex_init(&m->lock, NULL);
  pthread_rwlock_init(&m->rwlock, NULL);
  pthread_cond_init(&m->cond, NULL);
  pthread_barrier_init(&m->barrier, NULL, 2);
  sem_init(&m->sem, 0, 0);
  sem_init(&m->go, 0, 0);
  if (sched_getaffinity(0, sizeof m->cpus, &m->cpus))
    die("sched_getaffinity");
}

void means_fini(struct lane *lane) {
  struct means *m = &lane->means;
  fclose(m->in);
  fclose(m->out);
  for (int i = 0; i < 2; i++) {
    close(m->ends[i]);
    close(m->full[i]);
    close(m->pair[i]);
    close(m->own[i]);
    close(m->lock_fds[i]);
  }
  close(m->listener);
  close(m->tcp);
  close(m->names);
}

/* A name server that is slow to say that there is no such name. */
void means_answer(struct lane *lane) {
  unsigned char query[512];
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  ssize_t n;
  do
    n = recvfrom(lane->means.names, query, sizeof query, 0,
                 (struct sockaddr *)&from, &size);
  while (n < 0 && errno == EINTR);
  if (n < 4)
    return;
  query[2] |= 0x80;
  query[3] = (unsigned char)((query[3] & 0xf0) | 3); /* NXDOMAIN */
  (void)sendto(lane->means.names, query, (size_t)n, 0, (struct sockaddr *)&from,
               size);
}

/* Stopping: one order at a time, told and answered in shared memory. */

static struct order {
  atomic_uint ms; /* 0: nothing to do */
  _Atomic int64_t stopped_ns, settling_ns;
} *order;
static int orders[2], answers[2];
static pid_t stopper;

/* A thread, and how often it had given up its CPU before it was to stop. */
struct stopping {
  int tid;
  long switches;
};
#define THREADS_MAX 256

/* Its state, and its voluntary switches so far; '?': it has ended. */
static char read_thread(pid_t pid, int tid, long *switches) {
  char path[64], line[128], state = '?';
  snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)pid, tid);
  FILE *file = fopen(path, "re");
  *switches = 0;
  while (file && fgets(line, sizeof line, file)) {
    (void)sscanf(line, "State: %c", &state);
    (void)sscanf(line, "voluntary_ctxt_switches: %ld", switches);
  }
  if (file)
    fclose(file);
  return state;
}

static size_t list_threads(pid_t pid, struct stopping *threads) {
  char path[64];
  size_t n = 0;
  snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  DIR *tasks = opendir(path);
  for (struct dirent *e; tasks && (e = readdir(tasks)) && n < THREADS_MAX;)
    if ((threads[n].tid = atoi(e->d_name)) > 0) {
      (void)read_thread(pid, threads[n].tid, &threads[n].switches);
      n++;
    }
  if (tasks)
    closedir(tasks);
  return n;
}

/* Each of its threads needs a CPU to stop on, and the last one tells of it.
 * One that is shown as stopped may still have to get there: it has, when it
 * gave up its CPU. */
static bool are_all_stopped(pid_t pid, const struct stopping *threads,
                            size_t n) {
  for (size_t i = 0; i < n; i++) {
    long switches;
    char state = read_thread(pid, threads[i].tid, &switches);
    if (state != '?' && (state != 'T' || switches == threads[i].switches))
      return false;
  }
  return true;
}

static _Noreturn void serve(pid_t whom) {
  static struct stopping threads[THREADS_MAX];
  char c;
  while (read(orders[0], &c, 1) == 1 && c == 's') {
    size_t n = list_threads(whom, threads);
    int64_t begin_ns = now_ns(), left;
    kill(whom, SIGSTOP);
    while (!are_all_stopped(whom, threads, n))
      nap_ms(1);
    order->settling_ns += now_ns() - begin_ns;
    while ((left = begin_ns + order->ms * INT64_C(1000000) - now_ns()) > 0)
      nap_ms((unsigned)(left / 1000000) + 1);
    order->stopped_ns += now_ns() - begin_ns;
    order->ms = 0;
    kill(whom, SIGCONT);
    if (write(answers[1], "x", 1) != 1)
      break;
  }
  _exit(0);
}

void stopper_start(void) {
  pid_t whom = getpid();
  order = mmap(NULL, sizeof *order, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (order == MAP_FAILED || pipe2(orders, O_CLOEXEC) ||
      pipe2(answers, O_CLOEXEC) || (stopper = fork()) < 0)
    die("fork");
  if (stopper == 0)
    serve(whom);
}

void stopper_end(void) {
  if (write(orders[1], "e", 1) != 1)
    die("write");
  while (waitpid(stopper, NULL, 0) < 0 && errno == EINTR)
    continue;
}

void stopper_ask(unsigned ms) {
  order->ms = ms;
  if (write(orders[1], "s", 1) != 1)
    die("write");
}

bool stopper_is_done(void) {
  return order->ms == 0;
}

void stopper_wait(void) {
  char c;
  while (read(answers[0], &c, 1) < 0 && errno == EINTR)
    continue;
}

int64_t stopper_stopped_ns(void) {
  return order->stopped_ns;
}

int64_t stopper_settling_ns(void) {
  return order->settling_ns;
}
