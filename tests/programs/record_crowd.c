/* Threads that emit as fast as they can, and say how much; and what of it a
 * trace holds.
 *
 *   record_crowd run [-l] [-o FILE] [-r RING-BYTES] THREADS EVENTS [PAUSE-AT]
 *       Each thread emits EVENTS marks, numbered; then prints "TID EVENTS".
 *       -o: records itself into FILE; -l: lossless.  PAUSE-AT: after so many
 *       events each thread waits for a byte on standard input (once, for all).
 *   record_crowd forever TALLY [FILE [PAUSE-NS]]
 *       Emits marks until it is killed.  TALLY holds four numbers of 64 bits:
 *       its process id, how many marks were emitted, when (CLOCK_MONOTONIC) a
 *       mark was emitted last, and by how much a thread of this process that
 *       slept 5 ms came late, at most, since it was last looked at (it lies
 *       there until somebody puts a 0).  Records itself into FILE, lossless
 *       where LOOPTRACE_MODE says nothing.  PAUSE-NS: sleeps so long between
 *       marks.
 *   record_crowd count FILE
 *       For each thread: "TID marks lost waits"; then "last NS", the time of
 *       the last mark (CLOCK_MONOTONIC), and "complete 0|1".  Marks that are
 *       doubled or out of order are an error.
 *
 * Part of test_losses.py. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <looptrace/reader.h>
#include <looptrace/trace.h>

static uint64_t n_events, pause_at;
static pthread_barrier_t start;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static int gate_is_open;

static void wait_at_gate(void) {
  char byte;
  pthread_mutex_lock(&gate);
  if (!gate_is_open && write(1, "paused\n", 7) == 7 && read(0, &byte, 1) >= 0)
    gate_is_open = 1;
  pthread_mutex_unlock(&gate);
}

static void *emit(void *unused) {
  (void)unused;
  pthread_barrier_wait(&start);
  for (uint64_t i = 0; i < n_events; i++) {
    if (pause_at && i == pause_at)
      wait_at_gate();
    lt_mark("crowd", i);
  }
  flockfile(stdout);
  printf("%ld %llu\n", (long)syscall(SYS_gettid), (unsigned long long)n_events);
  fflush(stdout);
  funlockfile(stdout);
  return NULL;
}

static int run(int argc, char **argv) {
  lt_trace_options options = {0};
  int c;
  while ((c = getopt(argc, argv, "lo:r:")) != -1) {
    if (c == 'l')
      options.mode = LT_TRACE_LOSSLESS;
    else if (c == 'o')
      options.path = optarg;
    else if (c == 'r')
      options.ring_bytes = strtoull(optarg, NULL, 10);
    else
      return 2;
  }
  if (argc - optind < 2 || (options.path && lt_trace_start(&options) != LT_OK))
    return 2;
  unsigned n = (unsigned)atoi(argv[optind]);
  n_events = strtoull(argv[optind + 1], NULL, 10);
  pause_at = argc - optind > 2 ? strtoull(argv[optind + 2], NULL, 10) : 0;
  uint32_t loop = lt_loop_begin(0, NULL);
  lt_mark("crowd", 0); /* gives the name its id, once for all threads */
  pthread_t *threads = calloc(n, sizeof *threads);
  pthread_barrier_init(&start, NULL, n);
  for (unsigned i = 0; i < n; i++)
    if (pthread_create(&threads[i], NULL, emit, NULL) != 0)
      abort();
  for (unsigned i = 0; i < n; i++)
    pthread_join(threads[i], NULL);
  lt_loop_end(loop);
  free(threads);
  return options.path && lt_trace_stop() != LT_OK ? 3 : 0;
}

static uint64_t now_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void sleep_ns(uint64_t ns) {
  const struct timespec ts = {(time_t)(ns / 1000000000),
                              (long)(ns % 1000000000)};
  nanosleep(&ts, NULL);
}

/* How late the recorder's thread may have come: what the system did to another
 * that sleeps. */
static void *come_late(void *context) {
  volatile uint64_t *told = context;
  for (uint64_t before = now_ns();;) {
    sleep_ns(5000000);
    uint64_t now = now_ns(), late = now - before - 5000000;
    if (late > told[3])
      told[3] = late;
    before = now;
  }
  return NULL;
}

static int forever(int argc, char **argv) {
  const lt_trace_options options = {
      .path = argc > 2 ? argv[2] : NULL,
      .mode = getenv("LOOPTRACE_MODE") ? LT_TRACE_DROP : LT_TRACE_LOSSLESS};
  uint64_t pause_ns = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
  int fd = open(argv[1], O_RDWR);
  pthread_t control;
  volatile uint64_t *told =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (told == MAP_FAILED || (options.path && lt_trace_start(&options) != LT_OK))
    return 2;
  if (pause_ns && pthread_create(&control, NULL, come_late, (void *)told) != 0)
    return 2;
  (void)lt_loop_begin(0, NULL);
  told[0] = (uint64_t)getpid();
  for (uint64_t i = 0;;) {
    lt_mark("crowd", i);
    told[1] = ++i;
    if (pause_ns) {
      told[2] = now_ns();
      sleep_ns(pause_ns);
    }
  }
}

struct tally {
  uint64_t marks, lost, waits, next;
};

static int count(const char *path) {
  lt_reader *r;
  lt_event e;
  struct tally *tallies = NULL;
  uint32_t n = 0;
  int64_t last_ns = 0;
  lt_status status = lt_reader_open(path, &r);
  if (status != LT_OK) {
    fprintf(stderr, "%s: %s\n", path, lt_status_text(status));
    return 1;
  }
  while ((status = lt_reader_next(r, &e)) == LT_OK) {
    if (e.thread >= n) {
      tallies = realloc(tallies, (e.thread + 1) * sizeof *tallies);
      memset(tallies + n, 0, (e.thread + 1 - n) * sizeof *tallies);
      n = e.thread + 1;
    }
    struct tally *t = &tallies[e.thread];
    if (e.kind == LT_MARK) {
      if (e.b < t->next) {
        fprintf(stderr, "thread %u: %llu after %llu\n", e.thread,
                (unsigned long long)e.b, (unsigned long long)t->next);
        return 1;
      }
      t->next = e.b + 1;
      t->marks++;
      last_ns = lt_reader_info(r)->start_ns + e.time_ns;
    }
    t->lost += e.kind == LT_LOST ? e.a : 0;
    t->waits += e.kind == LT_CALL && e.x == LT_CALLEE_looptrace_wait;
  }
  for (uint32_t i = 0; i < n; i++)
    printf("%d %llu %llu %llu\n", (int)lt_reader_thread(r, i)->tid,
           (unsigned long long)tallies[i].marks,
           (unsigned long long)tallies[i].lost,
           (unsigned long long)tallies[i].waits);
  printf("last %lld\n", (long long)last_ns);
  printf("complete %d\n", (int)lt_reader_info(r)->complete);
  lt_reader_close(r);
  free(tallies);
  return status == LT_END ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "run") == 0)
    return run(argc - 1, argv + 1);
  if (argc > 2 && strcmp(argv[1], "forever") == 0)
    return forever(argc - 1, argv + 1);
  if (argc > 2 && strcmp(argv[1], "count") == 0)
    return count(argv[2]);
  return 2;
}
