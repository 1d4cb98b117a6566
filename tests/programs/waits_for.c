/* A loop that blocks on descriptors of many sorts, for test_fd_names.py.
 *
 *   waits_for FILE
 *
 * Each call blocks for some 60 ms; the other end belongs to a thread. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

static const char *path;

static int must(int result) {
  if (result < 0) {
    perror("waits_for");
    exit(99);
  }
  return result;
}

static void *writer(void *arg) {
  struct timespec t = {0, 60000000};
  uint64_t one = 1;
  nanosleep(&t, NULL);
  if (write(*(int *)arg, &one, sizeof one) != sizeof one)
    abort();
  return NULL;
}

/* Read from one while a thread writes to the other. */
static void exchange(int from, int to, bool is_raw) {
  uint64_t word;
  pthread_t thread;
  must(-pthread_create(&thread, NULL, writer, &to));
  if ((is_raw ? syscall(SYS_read, from, &word, sizeof word)
              : read(from, &word, sizeof word)) != sizeof word)
    abort();
  pthread_join(thread, NULL);
}

static void sockets(void) {
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof a;
  int server = must(socket(AF_INET, SOCK_STREAM, 0));
  int client = must(socket(AF_INET, SOCK_STREAM, 0));
  must(bind(server, (struct sockaddr *)&a, sizeof a));
  must(listen(server, 1));
  must(getsockname(server, (struct sockaddr *)&a, &size));
  must(connect(client, (struct sockaddr *)&a, sizeof a));
  int peer = must(accept(server, NULL, NULL));
  printf("%d\n", ntohs(a.sin_port));
  exchange(client, peer, false);
}

static void *unlocker(void *arg) {
  struct timespec t = {0, 60000000};
  nanosleep(&t, NULL);
  must(flock(*(int *)arg, LOCK_UN));
  return NULL;
}

static void on_timer(uv_timer_t *timer) {
  int ends[2], event = must(eventfd(0, 0));
  must(pipe(ends));
  exchange(ends[0], ends[1], false);
  exchange(event, event, false);
  close(ends[0]);
  close(ends[1]);
  /* The same number, another thing. */
  int mine = must(open(path, O_RDWR | O_CREAT, 0600));
  int theirs = must(open(path, O_RDWR));
  pthread_t thread;
  must(flock(theirs, LOCK_EX));
  must(-pthread_create(&thread, NULL, unlocker, &theirs));
  must(flock(mine, LOCK_EX));
  pthread_join(thread, NULL);
  sockets();
  must(pipe(ends));
  exchange(ends[0], ends[1], true);
  uv_close((uv_handle_t *)timer, NULL);
}

int main(int argc, char **argv) {
  uv_timer_t timer;
  if (argc != 2)
    return 2;
  path = argv[1];
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_timer, 0, 0);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
