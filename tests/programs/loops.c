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
#include <setjmp.h>
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

static void turn_poll(int fd, int timeout_ms, int n) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  for (int i = 0; i < n; i++)
    must(poll(&p, 1, timeout_ms));
}

static void compute(int ms) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  int64_t now = t.tv_sec * INT64_C(1000000000) + t.tv_nsec, began = now;
  while (now - began < ms * INT64_C(1000000)) {
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    now = t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
  }
}

/* Busy before it waits, as a program that has much to do in its first turn. */
static void busy(void) {
  int fd = must(epoll_create1(0));
  compute(150);
  turn_epoll(fd, TURNS);
  close(fd);
}

static void epoll(void) {
  int fd = must(epoll_create1(0));
  turn_epoll(fd, TURNS / 2);
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

static void look(int epoll) {
  struct epoll_event ready;
  must(epoll_wait(epoll, &ready, 1, 0));
}

/* The same, and it has nothing to wait for. */
static void looks(void) {
  int fd = must(epoll_create1(0));
  look(fd);
  nap(STALL_MS);
  for (int i = 0; i < 5; i++)
    look(fd);
  close(fd);
  nap(STALL_MS);
}

/* Looks after each step of its work whether it is to end. */
static void steps(void) {
  int fd = must(epoll_create1(0));
  for (int i = 0; i < 10; i++) {
    look(fd);
    compute(i == 5 ? STALL_MS : 20);
  }
  close(fd);
}

/* Has looked at something else before. */
static void elsewhere(void) {
  int other = must(epoll_create1(0)), fd = must(epoll_create1(0));
  look(other);
  nap(STALL_MS);
  turn_epoll(fd, -1);
  close(other);
  close(fd);
}

/* As GLib: it looks, waits, and is held up in one of its first turns. */
static void early_poll(void) {
  int fd = must(eventfd(0, 0));
  for (int i = 0; i < TURNS; i++) {
    turn_poll(fd, i % 2 * 2, 1);
    if (i == 2)
      nap(STALL_MS);
  }
  close(fd);
}

/* Held up in that turn. */
static void turn_select_server(int stalled) {
  int fd = listener();
  for (int i = 0; i < TURNS; i++) {
    fd_set set;
    struct timeval t = {0, 2000};
    FD_ZERO(&set);
    FD_SET(fd, &set);
    must(select(fd + 1, &set, NULL, NULL, &t));
    if (i == stalled)
      nap(STALL_MS);
  }
  close(fd);
}

static void early_select(void) {
  turn_select_server(0);
}

/* Waits for something once, and then starts for long. */
static void starts(void) {
  struct pollfd p = {.fd = must(eventfd(0, 0)), .events = POLLIN};
  for (int i = 0; i < TURNS; i++) {
    must(poll(&p, 1, 2));
    if (i == 0)
      nap(1100);
  }
  close(p.fd);
}

/* Looks at its descriptor so often that nobody believes that it is a loop's. */
static void patient(void) {
  int fd = must(epoll_create1(0));
  for (int i = 0; i < 1100; i++) {
    look(fd);
    if (i == 500)
      nap(STALL_MS);
  }
  turn_epoll(fd, -1);
  close(fd);
}

/* Ends while nobody knows yet, and goes on to look when its end was told. */
static pthread_key_t ending;
static int of_thread;
static void at_end(void *again) {
  if (again == &ending)
    (void)pthread_setspecific(ending, &of_thread);
  look(of_thread);
  if (again == &of_thread)
    close(of_thread);
}

static void *dying_thread(void *unused) {
  of_thread = must(epoll_create1(0));
  look(of_thread);
  nap(20);
  look(of_thread);
  must(-pthread_key_create(&ending, at_end));
  (void)pthread_setspecific(ending, &ending);
  return unused;
}

static void dying(void) {
  pthread_t id;
  must(-pthread_create(&id, NULL, dying_thread, NULL));
  pthread_join(id, NULL);
}

/* A child is not in its parent's first turn either. */
static void forked_early(void) {
  int fd = must(epoll_create1(0));
  look(fd);
  nap(10);
  look(fd);
  pid_t child = must(fork());
  nap(STALL_MS);
  if (!child) {
    turn_epoll(fd, TURNS / 2);
    _exit(0);
  }
  turn_epoll(fd, -1);
  close(fd);
  must(waitpid(child, NULL, 0));
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

/* The same on trial. */
static void interrupted_early(void) {
  struct pollfd p = {.fd = must(eventfd(0, 0)), .events = POLLIN};
  const struct itimerval once = {.it_value.tv_usec = STALL_MS * 1000};
  turn_poll(p.fd, 2, 2);
  signal(SIGALRM, on_alarm);
  must(setitimer(ITIMER_REAL, &once, NULL));
  if (poll(&p, 1, 60000) != -1)
    abort();
  turn_poll(p.fd, 2, TURNS);
  close(p.fd);
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
  turn_select_server(TURNS / 2);
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
  nap(5 * STALL_MS); /* much longer than it takes to die */
  kill(getpid(), SIGKILL);
}

/* A child of vfork() closes what it has of its parent's. */
static void vforked(void) {
  int fd = must(epoll_create1(0));
  for (int i = 0; i < 3; i++) {
    turn_epoll(fd, -1);
    pid_t child = vfork();
    if (!child) {
      close(fd);
      _exit(0);
    }
    must(waitpid(child, NULL, 0));
  }
}

static sigjmp_buf back;
static void jump_back(int number) {
  (void)number;
  siglongjmp(back, 1);
}

static void alarm_in(int ms) {
  struct itimerval soon = {{0, 0}, {0, ms * 1000}};
  setitimer(ITIMER_REAL, &soon, NULL);
}

/* It leaves a wait for ever by a jump, before it is known to be a loop, and later
 * a call, after a moment. */
static void jumps(void) {
  static int fd, i;
  char byte;
  int pipes[2];
  fd = must(eventfd(0, 0));
  must(pipe(pipes));
  signal(SIGALRM, jump_back);
  (void)sigsetjmp(back, 1);
  while (i++ < TURNS) {
    if (i == 4 || i == 20)
      alarm_in(i == 4 ? STALL_MS : 5);
    if (i == 20)
      must((int)read(pipes[0], &byte, 1));
    turn_poll(fd, i == 4 ? -1 : 2, 1);
  }
  close(fd);
}

/* Its first wait is long, or for ever: it does not look before. */
static void waits_first(void) {
  struct epoll_event events[8];
  int fd = must(epoll_create1(0));
  must(epoll_wait(fd, events, 8, STALL_MS));
  turn_epoll(fd, -1);
  close(fd);
}

static void waits_for_ever(void) {
  struct epoll_event events[8];
  signal(SIGALRM, SIG_DFL);
  alarm_in(STALL_MS);
  must(epoll_wait(must(epoll_create1(0)), events, 8, -1));
}

/* What it looks for is always there, so that it never waits; held up in a turn,
 * it ends with its program. */
static void always_ready(void) {
  struct epoll_event event = {.events = EPOLLIN}, ready;
  uint64_t one = 1;
  int loop = must(epoll_create1(0)), fd = must(eventfd(1, EFD_NONBLOCK));
  must(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event));
  for (int i = 0; i < TURNS; i++) {
    must(epoll_wait(loop, &ready, 1, 0));
    must((int)read(fd, &one, sizeof one));
    must((int)write(fd, &one, sizeof one));
    if (i == 4)
      nap(STALL_MS);
  }
}

/* As asyncio where its first task hangs: it never waits for its loop. */
static void hang_first(void) {
  struct epoll_event events[8];
  int fd = must(epoll_create1(0));
  must(epoll_wait(fd, events, 8, 0));
  nap(10 * STALL_MS); /* it is looked at only now and then */
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
      {"interrupted", interrupted}, {"until", until_told},
      {"looks", looks}, {"steps", steps}, {"elsewhere", elsewhere},
      {"early-poll", early_poll}, {"early-select", early_select},
      {"starts", starts}, {"patient", patient}, {"dying", dying},
      {"forked-early", forked_early}, {"hang-first", hang_first},
      {"vforked", vforked}, {"jumps", jumps},
      {"waits-first", waits_first}, {"waits-for-ever", waits_for_ever},
      {"always-ready", always_ready},
      {"interrupted-early", interrupted_early}};
  for (size_t i = 0; argc == 2 && i < sizeof all / sizeof *all; i++)
    if (strcmp(argv[1], all[i].name) == 0) {
      all[i].run();
      puts("done");
      return 0;
    }
  return 2;
}
