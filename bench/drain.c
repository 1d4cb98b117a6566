/* What the drain costs: events emitted in batches by this thread, and the time
 * that lti_drain_step() takes for them, on one core.
 *
 *   drain EVENTS TRACE-FILE    prints: events, ns an event, bytes an event
 *   drain SECONDS TRACE-FILE M    offers M million events a second, with the
 *                                 drain in another thread; prints the same
 *
 * The events are those of a busy libuv program: turns of 1 to 8 callbacks, some
 * of handles that arm themselves again, some of requests that come and go. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/nap.h"
#include "drain/drain.h"
#include "record/emit.h"

static uint64_t random_state = 1;

static unsigned random_below(unsigned n) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(random_state >> 33) % n;
}

static uint64_t emitted;

static void emit(unsigned kind, unsigned x, uint64_t ref, uint64_t a,
                 uint64_t b) {
  lti_emit(kind, x, ref, a, b);
  emitted++;
}

static const void *site(unsigned i) {
  return (const char *)(const void *)&random_below + 16 * i;
}

/* Requests that were submitted and have not come back. */
static uint64_t requests[64];
static unsigned n_requests;

static void callback(const uint64_t *handles) {
  unsigned which = random_below(100);
  if (which < 40 && n_requests) {
    unsigned at = random_below(n_requests);
    uint64_t task = requests[at];
    requests[at] = requests[--n_requests];
    emit(LT_RESUME, LT_TASK_FS, task, (uintptr_t)site(40), 0);
    emit(LT_DONE, 0, task, 0, 0);
    return;
  }
  uint64_t task = handles[which];
  emit(LT_RESUME, LT_TASK_TIMER, task, (uintptr_t)site(which), 0);
  if (which & 1) {
    emit(LT_ARM, LT_TASK_TIMER, task, (uintptr_t)site(which), 1 + which * 1000);
  } else if (n_requests < 64) {
    requests[n_requests] = lti_task_new();
    emit(LT_SPAWN, LT_TASK_FS, requests[n_requests++], (uintptr_t)site(40),
         (uintptr_t)site(which));
  }
  emit(LT_AWAIT, 0, task, 0, 0);
}

static void batch(const uint64_t *handles, unsigned turns) {
  for (unsigned i = 0; i < turns; i++) {
    unsigned n = 1 + random_below(8);
    for (unsigned k = 0; k < n; k++)
      callback(handles);
    emit(LT_POLL_BEGIN, 0, 0, 10, 0);
    emit(LT_POLL_END, 0, 0, 1, 0);
  }
}

static double thread_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
  return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void emit_and_drain(struct lti_drain *drain, const uint64_t *handles,
                           uint64_t wanted, double *took) {
  while (emitted < wanted) {
    batch(handles, 4000);
    double began = thread_ns();
    (void)lti_drain_step(drain);
    *took += thread_ns() - began;
  }
}

static _Atomic int over;
static struct lti_arena *arena;

/* As the recorder does it. */
static void *drain_alone(void *context) {
  while (!over) {
    uint64_t sleep_ns = lti_drain_step(context);
    lti_nap_prepare(arena);
    lti_nap(arena, sleep_ns);
  }
  return NULL;
}

/* As many a second, in bursts of 20 turns. */
static void emit_at(struct lti_drain *drain, const uint64_t *handles,
                    double seconds, double per_ns) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, drain_alone, drain) != 0)
    abort();
  uint64_t began = lti_monotonic_ns(), now = began, first = emitted;
  while ((double)(now - began) < seconds * 1e9) {
    while ((double)(emitted - first) < (double)(now - began) * per_ns)
      batch(handles, 20);
    now = lti_monotonic_ns();
  }
  over = 1;
  pthread_join(thread, NULL);
}

int main(int argc, char **argv) {
  if (argc < 3)
    return 2;
  arena = lti_arena_create(-1, NULL);
  struct lti_drain_options options = {.path = argv[2],
                                      .overwrite = true,
                                      .command_pid = getpid(),
                                      .recorder = "bench"};
  struct lti_drain *drain;
  uint64_t handles[100];
  size_t n;
  double took = 0;
  if (!arena || lti_drain_open(arena, -1, &options, &drain) != LT_OK ||
      !lti_process_attach_to(arena))
    return 1;
  for (int i = 0; i < 100; i++) {
    handles[i] = lti_task_new();
    emit(LT_SPAWN, LT_TASK_TIMER, handles[i], (uintptr_t)site(i), 0);
  }
  emit(LT_LOOP_BEGIN, 1, 0, 0, 0);
  if (argc > 3)
    emit_at(drain, handles, strtod(argv[1], NULL), strtod(argv[3], NULL) / 1e3);
  else
    emit_and_drain(drain, handles, strtoull(argv[1], NULL, 10), &took);
  double began = thread_ns();
  lti_drain_finish(drain, LT_END_STOPPED);
  took += thread_ns() - began;
  const struct lti_drain_file *file = lti_drain_files(drain, &n);
  printf("%llu events, lost %llu, %.1f ns, %.2f bytes\n",
         (unsigned long long)file->n_events, (unsigned long long)file->n_lost,
         took / (double)file->n_events,
         (double)file->size_bytes / (double)file->n_events);
  int failed = file->error != 0;
  lti_drain_close(drain);
  return failed;
}
