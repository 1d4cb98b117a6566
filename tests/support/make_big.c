/* A trace of any size, by the recorder's own encoder and writer.
 *
 *   make_big EVENTS THREADS OUT.lt
 *
 * Each thread turns a loop: turns of 1 to 8 callbacks, some of handles that arm
 * themselves again, some of requests that come and go; now and then a stall of
 * 60 ms and more; on every tenth million, events are lost.  An epoch every
 * 131,072 events.  The same arguments always give the same file.  Used by tests
 * of large traces and by bench/run.py.  With more than 1,000 threads, all but
 * the first write a few events only, in the first epoch and the last. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "drain/trace.h"
#ifdef LTTNG /* the same events to a peer: bench/run.py */
#include "lttng_tp.h"
#endif

#define EPOCH_EVENTS 131072u
#define MODULE_START UINT64_C(0x400000)

struct worker {
  struct lti_trace_thread thread;
  int64_t now_ns;
  uint64_t handles[64], requests[64], next_task;
  unsigned n_requests;
};

static struct lti_trace trace;
static struct worker *at;
static uint64_t state = 1;
static uint64_t stalls;

static unsigned below(unsigned n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(state >> 33) % n;
}

static void fixed_clock(int64_t *monotonic_ns, int64_t *unix_ns) {
  *monotonic_ns = trace.watermark_ns;
  *unix_ns = trace.watermark_ns;
}

static void put(unsigned kind, unsigned x, uint64_t ref, uint64_t a,
                uint64_t b) {
  lt_event e = {.time_ns = at->now_ns,
                      .ref = ref,
                      .a = a,
                      .b = b,
                      .x = (uint16_t)x,
                      .kind = (uint8_t)kind};
#ifdef LTTNG
  lttng_ust_tracepoint(bench, cb, kind, x, a);
#endif
  at->now_ns += 200 + below(2000);
  lti_trace_event(&trace, &e);
}

static uint64_t site(unsigned i) {
  return MODULE_START + 16 * (i + 1);
}

static void callback(void) {
  unsigned which = below(100);
  if (which < 40 && at->n_requests) {
    unsigned i = below(at->n_requests);
    uint64_t task = at->requests[i];
    at->requests[i] = at->requests[--at->n_requests];
    put(LT_RESUME, LT_TASK_FS, task, site(70), 0);
    put(LT_DONE, 0, task, 0, 0);
    return;
  }
  uint64_t task = at->handles[which % 64];
  put(LT_RESUME, LT_TASK_TIMER, task, site(which % 64), 0);
  if (which & 1) {
    put(LT_ARM, LT_TASK_TIMER, task, site(which % 64), 1 + which * 1000);
  } else if (at->n_requests < 64) {
    uint64_t request = at->next_task++;
    at->requests[at->n_requests++] = request;
    put(LT_SPAWN, LT_TASK_FS, request, site(70), site(which % 64));
  }
  if (below(40000) == 0) {
    at->now_ns += 60000000 + (int64_t)below(40000000);
    stalls++;
  }
  put(LT_AWAIT, 0, task, 0, 0);
}

/* Some whole turns; at least n events. */
static void turns(uint64_t n) {
  uint64_t before = trace.n_events;
  while (trace.n_events - before < n) {
    put(LT_POLL_END, 0, 0, 1, 0);
    for (unsigned k = 1 + below(8); k; k--)
      callback();
    put(LT_POLL_BEGIN, 0, 0, 10, 0);
    at->now_ns += 20000;
  }
}

static void begin(struct worker *w, uint32_t i) {
  w->next_task = (uint64_t)(i + 1) << 24;
  for (unsigned k = 0; k < 64; k++)
    w->handles[k] = w->next_task++;
  put(LT_LOOP_BEGIN, 1 + i % 60000, 0, 0, 0);
  for (unsigned k = 0; k < 64; k++)
    put(LT_SPAWN, LT_TASK_TIMER, w->handles[k], site(k), site(80));
  put(LT_POLL_BEGIN, 0, 0, 10, 0);
}

static void epoch(struct worker *workers, uint32_t n, uint64_t events,
                  bool is_edge) {
  int64_t last_ns = 0;
  uint32_t busy = n > 1000 && !is_edge ? 1 : n;
  for (uint32_t i = 0; i < busy; i++) {
    at = &workers[i];
    lti_trace_thread_begin(&trace, &at->thread);
    if (!at->next_task)
      begin(at, i);
    turns(n > 1000 && i ? 1 : events / busy + 1);
    if (i == 0 && trace.n_events % 10000000 < events)
      put(LT_LOST, LT_LOST_FULL, 0, 1000, 1000);
    lti_trace_thread_end(&trace);
    last_ns = at->now_ns > last_ns ? at->now_ns : last_ns;
  }
  if (!lti_trace_seal(&trace, last_ns, 0, 3)) {
    fputs("make_big: cannot write\n", stderr);
    exit(1);
  }
  for (uint32_t i = 0; i < n; i++)
    workers[i].now_ns = last_ns;
}

static struct worker *start(const char *path, uint32_t n) {
  struct lti_file_header header = {.pid = 4711, .start_unix_ns = 1700000000};
  struct worker *workers = calloc(n, sizeof *workers);
  struct lti_encoder *encoder = lti_encoder_new();
  int fd = -1;
  if (!workers || !encoder ||
      lti_writer_create_file(path, true, &fd) != LT_OK) {
    fputs("make_big: cannot begin\n", stderr);
    exit(1);
  }
  lti_trace_init(&trace, encoder, 4711, "looptrace big", 50000);
  lti_book_module(&trace.book, MODULE_START, MODULE_START + 0x100000,
                  "/usr/bin/big", 12);
  for (uint32_t i = 0; i < n; i++)
    workers[i].thread.index =
        lti_book_thread(&trace.book, 4711 + (int32_t)i, i == 0, "worker");
  lti_trace_start(&trace, lti_writer_new(fd, write), &header, fixed_clock);
  return workers;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fputs("usage: make_big EVENTS THREADS OUT.lt\n", stderr);
    return 2;
  }
  uint64_t events = strtoull(argv[1], NULL, 10);
  uint32_t n = (uint32_t)strtoul(argv[2], NULL, 10);
  struct worker *workers = start(argv[3], n ? n : 1);
  uint64_t step = events < EPOCH_EVENTS ? events : EPOCH_EVENTS;
  for (bool is_first = true; trace.n_events < events; is_first = false)
    epoch(workers, n ? n : 1, step,
          is_first || trace.n_events + step >= events);
  lti_trace_end(&trace, trace.watermark_ns + 1, LT_END_EXITED, 0, 0);
  printf("%" PRIu64 " events, %" PRIu64 " lost, %" PRIu64 " stalls, %" PRIu64
         " bytes\n",
         trace.n_events, trace.n_lost, stalls, lti_writer_size(trace.writer));
  struct lti_encoder *encoder = trace.encoder;
  lti_trace_fini(&trace);
  lti_encoder_free(encoder);
  free(workers);
  return 0;
}
