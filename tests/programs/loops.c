/* Loops that are not libuv's, and waits that are no loops, for test_loops.py.
 *
 *   loops WHAT
 *
 * Each loop makes 30 turns with a timeout of 2 ms, and says "done". */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TURNS = 30, STALL_MS = 200 };

static void nap(int ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  nanosleep(&t, NULL);
}

static int must(int result) {
  if (result < 0) {
    perror("loops");
    exit(99);
  }
  return result;
}

static int listener(void) {
  struct sockaddr_in any = {.sin_family = AF_INET,
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int fd = must(socket(AF_INET, SOCK_STREAM, 0));
  must(bind(fd, (struct sockaddr *)&any, sizeof any));
  must(listen(fd, 5));
  return fd;
}

static void turn_epoll(int epoll, int stall_at) {
  struct epoll_event ready;
  for (int i = 0; i < TURNS; i++) {
    must(epoll_wait(epoll, &ready, 1, 2));
    if (i == stall_at)
      nap(STALL_MS);
  }
}

static void epoll(void) {
  int fd = must(epoll_create1(0));
  turn_epoll(fd, TURNS / 2);
  close(fd);
}

/* Busy before it waits, as a program that has much to do in its first turn. */
static void busy(void) {
  struct timespec t;
  int fd = must(epoll_create1(0));
  do
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  while (t.tv_nsec < 150000000);
  turn_epoll(fd, TURNS);
  close(fd);
}

/* As asyncio: a look at what is there, the first turn, and only then a wait. */
static void late(void) {
  struct epoll_event ready;
  int fd = must(epoll_create1(0));
  must(epoll_wait(fd, &ready, 1, 0));
  nap(STALL_MS);
  must(epoll_wait(fd, &ready, 1, 0));
  turn_epoll(fd, -1);
  close(fd);
}

/* Draws its pictures, and sleeps in between by itself. */
static void pictures(void) {
  struct epoll_event ready;
  int fd = must(epoll_create1(0));
  for (int i = 0; i < TURNS; i++) {
    must(epoll_wait(fd, &ready, 1, 0));
    nap(16);
  }
  nap(STALL_MS);
}

/* Looks once, as a library may. */
static void once(void) {
  struct epoll_event ready;
  must(epoll_wait(must(epoll_create1(0)), &ready, 1, 0));
  nap(STALL_MS);
}

static void on_alarm(int number) {
  (void)number;
}

/* A wait that a signal ends was a wait. */
static void interrupted(void) {
  struct epoll_event ready;
  const struct itimerval off = {.it_value.tv_usec = 0},
                         on = {.it_interval.tv_usec = STALL_MS * 1000,
                               .it_value.tv_usec = STALL_MS * 1000};
  int fd = must(epoll_create1(0));
  signal(SIGALRM, on_alarm);
  must(setitimer(ITIMER_REAL, &on, NULL));
  if (epoll_wait(fd, &ready, 1, -1) != -1)
    abort();
  must(setitimer(ITIMER_REAL, &off, NULL));
  turn_epoll(fd, -1);
  close(fd);
}

static void poll_eventfd(void) {
  struct pollfd p = {.fd = must(eventfd(0, 0)), .events = POLLIN};
  for (int i = 0; i < TURNS; i++) {
    must(poll(&p, 1, 2));
    if (i == TURNS / 2)
      nap(STALL_MS);
  }
  close(p.fd);
}

static void select_server(void) {
  int fd = listener();
  for (int i = 0; i < TURNS; i++) {
    fd_set set;
    struct timeval t = {0, 2000};
    FD_ZERO(&set);
    FD_SET(fd, &set);
    must(select(fd + 1, &set, NULL, NULL, &t));
    if (i == TURNS / 2)
      nap(STALL_MS);
  }
  close(fd);
}

/* Afterwards the thread may do as it likes. */
static void closed(void) {
  int fd = must(epoll_create1(0));
  turn_epoll(fd, -1);
  close(fd);
  nap(STALL_MS);
}

static void left(void) {
  turn_epoll(must(epoll_create1(0)), -1);
  nap(STALL_MS);
}

static void *loop_thread(void *name) {
  if (name)
    pthread_setname_np(pthread_self(), name);
  left();
  return NULL;
}

static void threads(void) {
  pthread_t ids[3];
  for (int i = 0; i < 3; i++)
    must(-pthread_create(&ids[i], NULL, loop_thread, i ? NULL : (void *)(uintptr_t)"worker"));
  for (int i = 0; i < 3; i++)
    pthread_join(ids[i], NULL);
}

static void another(void) {
  turn_epoll(must(epoll_create1(0)), -1);
  nap(STALL_MS);
  turn_epoll(must(epoll_create1(0)), -1);
}

/* As Python's subprocess reads a child's output. */
static void *write_out(void *arg) {
  const int *fds = arg;
  for (int i = 0; i < TURNS; i++) {
    nap(2);
    if (write(fds[i % 2], "x", 1) != 1)
      abort();
  }
  return NULL;
}

static void output(void) {
  int out[2], err[2];
  char c;
  must(pipe(out));
  must(pipe(err));
  int ends[2] = {out[1], err[1]};
  pthread_t writer;
  must(-pthread_create(&writer, NULL, write_out, ends));
  struct pollfd p[2] = {{.fd = out[0], .events = POLLIN},
                        {.fd = err[0], .events = POLLIN}};
  for (int n = 0; n < TURNS;) { /* at times both are there at once */
    must(poll(p, 2, -1));
    for (int j = 0; j < 2; j++)
      if (p[j].revents) {
        if (read(p[j].fd, &c, 1) != 1)
          abort();
        n++;
      }
  }
  pthread_join(writer, NULL);
  nap(STALL_MS);
}

/* As a client waits for an answer. */
static void answer(void) {
  int pair[2];
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  struct pollfd p = {.fd = pair[0], .events = POLLIN};
  for (int i = 0; i < TURNS; i++)
    must(poll(&p, 1, 2));
  nap(STALL_MS);
}

/* Polling for long inside a turn blocks the loop. */
static void inside(void) {
  int fd = must(epoll_create1(0));
  turn_epoll(fd, -1);
  struct pollfd p = {.fd = must(eventfd(0, 0)), .events = POLLIN};
  for (int i = 0; i < 20; i++)
    must(poll(&p, 1, STALL_MS / 20));
  turn_epoll(fd, -1);
  close(fd);
}

/* Goes on until its input ends. */
static void until_told(void) {
  struct epoll_event ready, input = {.events = EPOLLIN};
  int fd = must(epoll_create1(0));
  must(epoll_ctl(fd, EPOLL_CTL_ADD, STDIN_FILENO, &input));
  puts("up");
  fflush(stdout);
  while (must(epoll_wait(fd, &ready, 1, 2)) == 0)
    continue;
  close(fd);
}

static void hang(void) {
  int fd = must(epoll_create1(0));
  turn_epoll(fd, -1);
  puts("hangs");
  fflush(stdout);
  nap(STALL_MS);
  kill(getpid(), SIGKILL);
}

/* A child of the loop is not in it, and may have one of its own. */
static void forked(void) {
  int fd = must(epoll_create1(0));
  turn_epoll(fd, -1);
  pid_t child = must(fork());
  if (!child) {
    nap(STALL_MS);
    close(fd);
    turn_epoll(must(epoll_create1(0)), TURNS / 2);
    _exit(0);
  }
  turn_epoll(fd, -1);
  close(fd);
  must(waitpid(child, NULL, 0));
}

/* The kernel refuses bad addresses; nobody else looks at them. */
static void bad(void) {
  struct pollfd *volatile nowhere = (struct pollfd *)16;
  for (int i = 0; i < TURNS; i++)
    if (poll(nowhere, 1, 2) != -1)
      abort();
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(void);
  } all[] = {
      {"epoll", epoll},     {"poll", poll_eventfd}, {"select", select_server},
      {"closed", closed},   {"left", left},         {"threads", threads},
      {"another", another}, {"output", output},     {"answer", answer},
      {"inside", inside},   {"hang", hang},         {"forked", forked},
      {"bad", bad},         {"busy", busy},         {"late", late},
      {"once", once},       {"pictures", pictures},
      {"interrupted", interrupted}, {"until", until_told}};
  for (size_t i = 0; argc == 2 && i < sizeof all / sizeof *all; i++)
    if (strcmp(argv[1], all[i].name) == 0) {
      all[i].run();
      puts("done");
      return 0;
    }
  return 2;
}
