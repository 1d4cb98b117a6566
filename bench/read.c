/* What reading costs.
 *
 *   read scan FILE    events, ns of CPU an event, peak memory in KiB
 *   read each FILE    the same, one by one
 *   read ahead FILE   the same as scan, with a second core; ns of wall time
 *   read open FILE    ms to open, bytes read for it, ms to the summary,
 *                     ms of a seek with its first event (median of 101)
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <looptrace/reader.h>

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static double cpu_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* The most memory that this program had, not what it was forked from. */
static long peak_kib(void) {
  long n = 0;
  char line[128];
  FILE *status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status))
    if (sscanf(line, "VmHWM: %ld", &n) == 1)
      break;
  if (status)
    fclose(status);
  return n;
}

/* Bytes that read(2) and pread(2) gave so far. */
static uint64_t bytes_read(void) {
  uint64_t n = 0;
  char line[128];
  FILE *io = fopen("/proc/self/io", "r");
  while (io && fgets(line, sizeof line, io))
    if (sscanf(line, "rchar: %" SCNu64, &n) == 1)
      break;
  if (io)
    fclose(io);
  return n;
}

static int scan(lt_reader *r, bool is_each, double (*clock_ms)(void)) {
  const lt_event *some;
  lt_event e;
  size_t n_some;
  uint64_t n = 0, sum = 0;
  double began = clock_ms();
  while (is_each && lt_reader_next(r, &e) == LT_OK) {
    n++;
    sum += e.ref;
  }
  while (!is_each && lt_reader_next_some(r, &some, &n_some) == LT_OK) {
    n += n_some;
    for (size_t i = 0; i < n_some; i++)
      sum += some[i].ref;
  }
  double took = clock_ms() - began;
  printf("%" PRIu64 " %.3f %ld %d\n", n, took * 1e6 / (double)n, peak_kib(),
         (int)(sum & 1));
  return n == lt_reader_info(r)->n_events ? 0 : 1;
}

static int by_size(const void *one, const void *other) {
  double a = *(const double *)one, b = *(const double *)other;
  return a < b ? -1 : a > b;
}

static int seek(lt_reader *r, double open_ms, uint64_t open_bytes) {
  enum { SEEKS = 101 };
  double took[SEEKS], began = now_ms();
  const lt_summary *summary;
  lt_event e;
  lt_status status = lt_reader_summary(r, &summary);
  double summary_ms = now_ms() - began;
  for (int i = 0; i < SEEKS; i++) {
    began = now_ms();
    if (lt_reader_seek(r, lt_reader_info(r)->end_ns / SEEKS *
                              (i * 37 % SEEKS)) != LT_OK ||
        lt_reader_next(r, &e) != LT_OK)
      return 1;
    took[i] = now_ms() - began;
  }
  qsort(took, SEEKS, sizeof *took, by_size);
  printf("%.3f %" PRIu64 " %.3f %.3f\n", open_ms, open_bytes, summary_ms,
         took[SEEKS / 2]);
  return status == LT_OK ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  lt_reader *r;
  uint64_t bytes = bytes_read();
  double began = now_ms();
  if (lt_reader_open(argv[2], &r) != LT_OK)
    return 1;
  double took = now_ms() - began;
  bytes = bytes_read() - bytes;
  bool is_ahead = strcmp(argv[1], "ahead") == 0;
  lt_reader_read_ahead(r, is_ahead);
  int status = strcmp(argv[1], "open") == 0 ? seek(r, took, bytes)
                                            : scan(r, strcmp(argv[1], "each") == 0,
                                                   is_ahead ? now_ms : cpu_ms);
  lt_reader_close(r);
  return status;
}
