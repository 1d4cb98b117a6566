/* stall: a heartbeat that should beat every 10 ms, beside four callbacks that
 * each hold the loop for 150 ms or more, for four different reasons.
 *
 *   looptrace record -o stall.lt -- samples/stall
 *   looptrace check stall.lt
 *
 * A plain libuv program: it knows nothing of looptrace.  --scale F makes all
 * its times F times as long.  It writes a file to $TMPDIR, or to /var/tmp
 * (which is on a disk even where /tmp is memory), and unlinks it at once. */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

static uint64_t hold_ms = 150;
static unsigned sink; /* keeps the computation from being optimised away */

static uint64_t clock_ms(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* One: it sleeps. */
static void on_nap(uv_timer_t *timer) {
  (void)timer;
  usleep((useconds_t)hold_ms * 1000);
}

/* The time that passed for this thread, but for that in which it could have run
 * and others had the processors (the second number in schedstat, in ns). */
static uint64_t own_ms(void) {
  char text[96] = "";
  unsigned long long delay_ns = 0;
  int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    if (read(fd, text, sizeof text - 1) > 0)
      sscanf(text, "%*u %llu", &delay_ns);
    close(fd);
  }
  return clock_ms(CLOCK_MONOTONIC) - delay_ns / 1000000;
}

/* Two: it waits for the disk, again and again, as a careful log does, for 150
 * ms on however busy a machine. */
static void on_save(uv_timer_t *timer) {
  char path[4096];
  char line[4096];
  const char *folder = getenv("TMPDIR");
  (void)timer;
  memset(line, 'x', sizeof line);
  snprintf(path, sizeof path, "%s/stall.XXXXXX", folder ? folder : "/var/tmp");
  int fd = mkstemp(path);
  if (fd < 0) {
    perror(path);
    exit(1);
  }
  unlink(path);
  uint64_t until = own_ms() + hold_ms;
  while (own_ms() < until) {
    if (write(fd, line, sizeof line) < 0 || fsync(fd) < 0) {
      perror("stall: write");
      exit(1);
    }
  }
  close(fd);
}

static unsigned count_primes(unsigned from, unsigned to) {
  unsigned found = 0;
  for (unsigned n = from; n < to; n++) {
    unsigned d = 2;
    while (d * d <= n && n % d)
      d++;
    found += d * d > n;
  }
  return found;
}

/* Three: it computes, for 150 ms of the processor's time. */
static void on_primes(uv_timer_t *timer) {
  (void)timer;
  uint64_t until = clock_ms(CLOCK_THREAD_CPUTIME_ID) + hold_ms;
  for (unsigned from = 2; clock_ms(CLOCK_THREAD_CPUTIME_ID) < until;
       from += 1000)
    sink += count_primes(from, from + 1000);
}

/* Four: it wants a lock that another thread holds.  The thread takes the lock,
 * wakes the loop, and keeps the lock for 150 ms after the loop began to wait.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t wanted;
static uv_async_t held;
static uv_thread_t holder;
static uv_timer_t end;

static void on_end(uv_timer_t *timer) {
  uv_stop(timer->loop);
}

static void hold(void *unused) {
  (void)unused;
  pthread_mutex_lock(&lock);
  uv_async_send(&held);
  sem_wait(&wanted);
  usleep((useconds_t)hold_ms * 1000);
  pthread_mutex_unlock(&lock);
}

static void on_lock(uv_async_t *async) {
  sem_post(&wanted);
  pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
  uv_close((uv_handle_t *)async, NULL);
  uv_timer_start(&end, on_end, 2 * hold_ms, 0); /* some beats more */
}

static void start_holder(uv_timer_t *timer) {
  (void)timer;
  if (uv_thread_create(&holder, hold, NULL) != 0) {
    fputs("stall: no thread\n", stderr);
    exit(1);
  }
}

/* The victim of all this. */
static uint64_t last_beat_ms, worst_ms;
static unsigned beats;

static void on_heartbeat(uv_timer_t *timer) {
  uint64_t now = uv_hrtime() / 1000000;
  (void)timer;
  if (beats++ && now - last_beat_ms > worst_ms)
    worst_ms = now - last_beat_ms;
  last_beat_ms = now;
}

static void close_any(uv_handle_t *handle, void *unused) {
  (void)unused;
  if (!uv_is_closing(handle))
    uv_close(handle, NULL);
}

int main(int argc, char **argv) {
  double scale = 1;
  if (argc == 3 && strcmp(argv[1], "--scale") == 0)
    scale = atof(argv[2]);
  if (argc != 1 && (argc != 3 || !(scale > 0))) {
    fputs("usage: stall [--scale F]\n", stderr);
    return 2;
  }
  hold_ms = (uint64_t)((double)hold_ms * scale);

  static const struct {
    uv_timer_cb callback;
    uint64_t after_ms, repeat_ms;
  } plan[] = {
      {on_heartbeat, 10, 10}, {on_nap, 200, 0},        {on_save, 500, 0},
      {on_primes, 800, 0},    {start_holder, 1100, 0},
  };
  uv_timer_t timers[sizeof plan / sizeof *plan];
  uv_loop_t *loop = uv_default_loop();
  sem_init(&wanted, 0, 0);
  uv_async_init(loop, &held, on_lock);
  uv_timer_init(loop, &end);
  for (size_t i = 0; i < sizeof plan / sizeof *plan; i++) {
    uv_timer_init(loop, &timers[i]);
    uv_timer_start(&timers[i], plan[i].callback,
                   (uint64_t)((double)plan[i].after_ms * scale),
                   (uint64_t)((double)plan[i].repeat_ms * scale));
  }
  uv_run(loop, UV_RUN_DEFAULT);

  uv_thread_join(&holder);
  uv_walk(loop, close_any, NULL);
  uv_run(loop, UV_RUN_DEFAULT);
  printf("%u heartbeats, the longest gap %llu ms\n", beats,
         (unsigned long long)worst_ms);
  return uv_loop_close(loop) != 0;
}
