/* Tasks: ns an operation, one line each, for bench/task.py.
 *
 * Untraced when run plainly; traced under LOOPTRACE_OUT (--traced) or `looptrace
 * record`.  The minimum of the rounds is told: what the machine can do. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <looptrace/task.h>
#include <looptrace/trace.h>

enum { ROUNDS = 7 };

static int64_t n_spawns = 1000000, n_switches = 2000000, n_sleepers = 10000,
               n_live = 100000;

static void tell(const char *what, double value, const char *unit) {
  printf("%-16s %12.2f %s\n", what, value, unit);
  fflush(stdout);
}

static int64_t nothing(void *arg) {
  (void)arg;
  return 0;
}

static int64_t bench_spawn(void *arg) {
  double best = 1e9;
  (void)arg;
  for (int r = 0; r < ROUNDS; r++) {
    uint64_t began = uv_hrtime();
    for (int64_t i = 0; i < n_spawns; i++)
      if (lt_await(lt_spawn(nothing, NULL)) != 0)
        abort();
    double each = (double)(uv_hrtime() - began) / (double)n_spawns;
    best = each < best ? each : best;
    usleep(50000); /* lets a recorder catch up: losses would be cheap */
  }
  tell("spawn", best, "ns");
  return 0;
}

static int64_t pingpong(void *arg) {
  lt_semaphore *mine = arg;
  lt_semaphore *other = *(lt_semaphore **)(mine + 1);
  for (int64_t i = 0; i < n_switches / 2; i++) {
    if (lt_semaphore_take(mine) < 0)
      return -1;
    lt_semaphore_give(other);
  }
  return 0;
}

/* A wait, a wake-up and a switch. */
static int64_t bench_switch(void *arg) {
  struct {
    lt_semaphore own;
    lt_semaphore *other;
  } side[2] = {{.own = {.value = 1}, .other = &side[1].own},
               {.other = &side[0].own}};
  double best = 1e9;
  (void)arg;
  for (int r = 0; r < ROUNDS; r++) {
    uint64_t began = uv_hrtime();
    lt_task *both[] = {lt_spawn(pingpong, &side[0]),
                       lt_spawn(pingpong, &side[1])};
    if (lt_gather(both, 2, NULL) != 0)
      abort();
    double each = (double)(uv_hrtime() - began) / (double)n_switches;
    best = each < best ? each : best;
  }
  tell("wait-wake", best, "ns");
  return 0;
}

static int64_t sleeper(void *arg) {
  (void)arg;
  return lt_sleep(1);
}

static int64_t bench_gather(void *arg) {
  lt_task **tasks = malloc((size_t)n_sleepers * sizeof *tasks);
  double best = 1e9;
  (void)arg;
  for (int r = 0; tasks && r < ROUNDS; r++) {
    uint64_t began = uv_hrtime();
    for (int64_t i = 0; i < n_sleepers; i++)
      tasks[i] = lt_spawn(sleeper, NULL);
    if (lt_gather(tasks, (size_t)n_sleepers, NULL) != 0)
      abort();
    double took = (double)(uv_hrtime() - began) / 1e6;
    best = took < best ? took : best;
  }
  free(tasks);
  tell("gather", best, "ms");
  return 0;
}

static double rss_bytes(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%*d %ld", &pages) != 1)
    pages = 0;
  if (file)
    fclose(file);
  return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static lt_event_flag go;

static int64_t live(void *arg) {
  (void)arg;
  return lt_event_flag_wait(&go);
}

static int64_t bench_live(void *arg) {
  lt_task **tasks = malloc((size_t)n_live * sizeof *tasks);
  (void)arg;
  if (!tasks)
    return UV_ENOMEM;
  memset(tasks, 0, (size_t)n_live * sizeof *tasks);
  double before = rss_bytes();
  uint64_t began = uv_hrtime();
  for (int64_t i = 0; i < n_live; i++)
    tasks[i] = lt_spawn(live, NULL);
  lt_yield();
  double ns = (double)(uv_hrtime() - began) / (double)n_live;
  int64_t alive = 0;
  for (int64_t i = 0; i < n_live; i++)
    alive += tasks[i] && !lt_is_done(tasks[i]);
  tell("live", (double)alive, "tasks");
  tell("live-rss", (rss_bytes() - before) / (double)n_live, "bytes");
  tell("live-first", ns, "ns");
  lt_event_flag_set(&go);
  int64_t status = lt_gather(tasks, (size_t)n_live, NULL);
  free(tasks);
  return status;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "all";
  bool traced = argc > 2 && strcmp(argv[2], "--traced") == 0;
  bool all = strcmp(what, "all") == 0;
  if (traced && lt_trace_start(NULL) != LT_OK)
    return 1;
  if (traced)
    n_spawns = n_switches = 20000; /* fits the ring between two looks at it */
  if ((all || strcmp(what, "spawn") == 0) && lt_run(bench_spawn, NULL) != 0)
    return 1;
  if ((all || strcmp(what, "switch") == 0) && lt_run(bench_switch, NULL) != 0)
    return 1;
  if ((all || strcmp(what, "gather") == 0) && lt_run(bench_gather, NULL) != 0)
    return 1;
  if ((all || strcmp(what, "live") == 0) && lt_run(bench_live, NULL) != 0)
    return 1;
  return 0;
}
