/* Loops that are held up as a script says, and what really happened.
 *
 *   planted SCRIPT LOG
 *
 * A line of the script is LANE PLACE WAY MS: each lane is a thread with a loop,
 * lane 0 the main thread; its lines are done one after the other.  The log has
 * a line for each, of what the program itself measured around it, in JSON; and
 * one for each of its own callbacks that took long though nothing was planted.
 * Judged by test_planted.py. */
#include "planted.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <nss.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LANES_MAX 8
#define LINES_MAX 4096
#define FDS_MAX 1024
#define OTHER_NS 4000000
#define TORN_NS 300000
#define TORN_TRIES 50

/* In the library that is loaded into it: ties the log's clock to the trace's. */
extern void lt_mark(const char *, uint64_t) __attribute__((weak));

static struct line lines[LINES_MAX];
static size_t n_lines;
static struct lane *lanes[LANES_MAX];

void die(const char *what) {
  perror(what);
  _exit(3);
}

static int64_t read_clock(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t now_ns(void) {
  return read_clock(CLOCK_MONOTONIC);
}

int64_t cpu_ns(void) {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void nap_ms(unsigned ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  while (nanosleep(&t, &t) && errno == EINTR)
    continue;
}

static struct totals read_totals(void) {
  struct totals t = {.stopped_ns = stopper_stopped_ns(),
                     .settling_ns = stopper_settling_ns()};
  struct rusage usage;
  long long ran, delay = 0;
  char text[96] = "";
  int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, text, sizeof text - 1) <= 0 ||
      sscanf(text, "%lld %lld", &ran, &delay) != 2)
    die("schedstat");
  close(fd);
  getrusage(RUSAGE_THREAD, &usage);
  t.faults = usage.ru_majflt;
  t.switches = usage.ru_nvcsw;
  t.delay_ns = delay;
  t.cpu_ns = cpu_ns();
  t.wall_ns = now_ns();
  return t;
}

/* The totals belong to one moment: where the thread lost its CPU between two of
 * them, the wait for it is in the one and not in the other. */
struct totals totals_take(void) {
  struct totals t;
  int64_t begin_ns;
  int tries = 0;
  do {
    begin_ns = now_ns();
    t = read_totals();
  } while (t.wall_ns - begin_ns > TORN_NS && ++tries < TORN_TRIES);
  return t;
}

void planted_at(struct lane *lane, enum place place) {
  struct line *line = lane->line;
  if (lane->step != STEP_HOLD || line->place != place || lane->is_held)
    return;
  line->begin = totals_take();
  line->way->hold(lane);
  line->end = totals_take();
  lane->is_held = true;
}

/* The helper, a thread beside each loop. */

void hold_begun(struct lane *lane) {
  sem_post(&lane->helper.begun);
}

static void wait_for(sem_t *sem) {
  while (sem_wait(sem) && errno == EINTR)
    continue;
}

static void *help(void *data) {
  struct lane *lane = data;
  struct helper *h = &lane->helper;
  for (;;) {
    wait_for(&h->order);
    if (!lane->line)
      return NULL;
    const struct way *way = lane->line->way;
    if (way->arrange)
      way->arrange(lane);
    h->is_ready = true;
    if (way->release) {
      wait_for(&h->begun);
      nap_ms(lane->line->ms);
      way->release(lane);
    }
    h->is_done = true;
  }
}

/* One step of a lane: called again and again by its loop.
 * Returns: is there more to do? */
static bool step(struct lane *lane) {
  struct helper *h = &lane->helper;
  switch (lane->step) {
  case STEP_NEXT:
    lane->line = lane->next < lane->n_lines ? lane->lines[lane->next++] : NULL;
    h->is_ready = h->is_done = lane->is_held = false;
    lane->step = STEP_ARRANGE;
    sem_post(&h->order);
    return lane->line != NULL;
  case STEP_ARRANGE:
    if (h->is_ready) {
      lane->step = STEP_HOLD;
      place_start(lane);
    }
    return true;
  case STEP_HOLD:
    if (lane->is_held)
      lane->step = STEP_END;
    else
      place_tick(lane);
    return true;
  default:
    if (h->is_done)
      lane->step = STEP_NEXT;
    return true;
  }
}

void planted_other(struct lane *lane, const struct totals *begin) {
  struct other other = {.begin = *begin, .end = totals_take()};
  if (other.end.wall_ns - other.begin.wall_ns >= OTHER_NS &&
      lane->n_others < OTHERS_MAX)
    lane->others[lane->n_others++] = other;
}

static bool measured_step(struct lane *lane) {
  struct totals begin = totals_take();
  bool is_more = step(lane);
  planted_other(lane, &begin);
  return is_more;
}

static void on_drive(uv_timer_t *timer) {
  struct lane *lane = timer->data;
  if (measured_step(lane))
    return;
  uv_close((uv_handle_t *)timer, NULL);
  places_fini(lane);
}

static void run_libuv(struct lane *lane) {
  uv_loop_t loop;
  uv_timer_t drive;
  if (uv_loop_init(&loop))
    die("uv_loop_init");
  lane->loop = &loop;
  places_init(lane);
  uv_timer_init(&loop, &drive);
  drive.data = lane;
  lane->drive = &drive;
  uv_timer_start(&drive, on_drive, TICK_MS, TICK_MS);
  if (lane->index % 2)
    while (uv_run(&loop, UV_RUN_ONCE))
      continue;
  else
    uv_run(&loop, UV_RUN_DEFAULT);
  if (uv_loop_close(&loop))
    die("uv_loop_close");
}

static NAMED void on_turn(struct lane *lane) {
  planted_at(lane, AT_turn);
}

static void run_epoll(struct lane *lane) {
  struct epoll_event ready;
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0)
    die("epoll_create1");
  do {
    (void)epoll_wait(epoll, &ready, 1, TICK_MS);
    on_turn(lane);
  } while (measured_step(lane));
  close(epoll);
}

static void *run_lane(void *data) {
  struct lane *lane = data;
  char name[16];
  struct helper *h = &lane->helper;
  snprintf(name, sizeof name, "lane-%u", lane->index);
  pthread_setname_np(pthread_self(), name);
  means_init(lane);
  sem_init(&h->order, 0, 0);
  sem_init(&h->begun, 0, 0);
  if (pthread_create(&h->thread, NULL, help, lane))
    die("pthread_create");
  if (lane->is_epoll)
    run_epoll(lane);
  else
    run_libuv(lane);
  pthread_join(h->thread, NULL);
  means_fini(lane);
  return NULL;
}

/* Script and log. */

static void read_script(const char *path) {
  FILE *file = fopen(path, "r");
  char place[32], way[32];
  unsigned lane, ms;
  if (!file)
    die(path);
  while (n_lines < LINES_MAX &&
         fscanf(file, "%u %31s %31s %u", &lane, place, way, &ms) == 4) {
    struct line *line = &lines[n_lines++];
    *line = (struct line){.lane = lane,
                          .ms = ms,
                          .place = place_find(place),
                          .way = way_find(way)};
    if (lane >= LANES_MAX || line->place == N_PLACES || !line->way) {
      fprintf(stderr, "planted: %u %s %s\n", lane, place, way);
      exit(2);
    }
  }
  if (!feof(file))
    die("a line of the script");
  fclose(file);
}

static void share_out(void) {
  for (size_t i = 0; i < n_lines; i++) {
    struct lane **lane = &lanes[lines[i].lane];
    if (!*lane) {
      *lane = calloc(1, sizeof **lane);
      if (!*lane || !((*lane)->lines = calloc(n_lines, sizeof(void *))))
        die("calloc");
      (*lane)->index = lines[i].lane;
    }
    (*lane)->is_epoll |= lines[i].place == AT_turn;
    (*lane)->lines[(*lane)->n_lines++] = &lines[i];
  }
  if (!lanes[0])
    die("nothing is planted in lane 0");
}

static void print_totals(FILE *log, const struct totals *a,
                         const struct totals *b) {
  fprintf(
      log,
      "\"begin_ns\": %" PRId64 ", \"end_ns\": %" PRId64 ", \"cpu_ns\": %" PRId64
      ", \"delay_ns\": %" PRId64 ", \"stopped_ns\": %" PRId64
      ", \"settling_ns\": %" PRId64 ", \"faults\": %ld, \"switches\": %ld}\n",
      a->wall_ns, b->wall_ns, b->cpu_ns - a->cpu_ns, b->delay_ns - a->delay_ns,
      b->stopped_ns - a->stopped_ns, b->settling_ns - a->settling_ns,
      b->faults - a->faults, b->switches - a->switches);
}

static void write_log(const char *path) {
  FILE *log = fopen(path, "w");
  if (!log)
    die(path);
  for (size_t i = 0; i < n_lines; i++) {
    const struct line *l = &lines[i];
    fprintf(log,
            "{\"lane\": %u, \"place\": \"%s\", \"way\": \"%s\", \"ms\": %u, "
            "\"cause\": \"%s\", \"callee\": \"%s\", ",
            l->lane, place_name(l->place), l->way->name, l->ms, l->way->cause,
            l->way->callee);
    print_totals(log, &l->begin, &l->end);
  }
  for (unsigned i = 0; i < LANES_MAX; i++)
    for (size_t k = 0; lanes[i] && k < lanes[i]->n_others; k++) {
      fprintf(log, "{\"lane\": %u, \"place\": null, ", i);
      print_totals(log, &lanes[i]->others[k].begin, &lanes[i]->others[k].end);
    }
  if (fclose(log))
    die(path);
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  read_script(argv[1]);
  share_out();
  /* With threads, a table of descriptors that has to grow makes them wait. */
  close(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, FDS_MAX - 1));
  stopper_start();
  if (__nss_configure_lookup("hosts", "dns"))
    die("hosts");
  for (int i = 0; i < 10 && lt_mark; i++)
    lt_mark("planted", (uint64_t)now_ns());
  for (unsigned i = 1; i < LANES_MAX; i++)
    if (lanes[i] && pthread_create(&lanes[i]->thread, NULL, run_lane, lanes[i]))
      die("pthread_create");
  run_lane(lanes[0]);
  for (unsigned i = 1; i < LANES_MAX; i++)
    if (lanes[i])
      pthread_join(lanes[i]->thread, NULL);
  stopper_end();
  write_log(argv[2]);
  puts("done");
  return 0;
}
