/* What the parts of planted.c share. */
#ifndef PLANTED_H
#define PLANTED_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <uv.h>

#ifdef __clang__
#define NAMED __attribute__((noinline))
#else
#define NAMED __attribute__((noinline, noclone))
#endif

/* Where a stall is planted: in which callback.  turn: a loop of the program's
 * own, on epoll.  pool, wait: nothing is to be found there. */
#define PLACE_MAP(X)                                                           \
  X(timer) X(idle) X(prepare) X(check) X(async) X(poll) X(pipe_read) X(alloc)  \
  X(write) X(tcp_read) X(connect) X(connection) X(shutdown) X(close) X(fs)     \
  X(work_after) X(getaddrinfo) X(getnameinfo) X(random) X(signal)              \
  X(process_exit) X(fs_event) X(fs_poll) X(udp_recv) X(udp_alloc) X(udp_send)  \
  X(tty_read) X(nested) X(nested_loop) X(turn) X(pool) X(wait)

enum place {
#define X(name) AT_##name,
  PLACE_MAP(X)
#undef X
      N_PLACES
};

struct lane;

/* How the thread is held: what a helper does before, what the loop's thread
 * does, and what the helper does some time after that has begun. */
struct way {
  const char *name, *cause, *callee;
  void (*arrange)(struct lane *);
  void (*hold)(struct lane *);
  void (*release)(struct lane *);
};

/* Totals of a thread. */
struct totals {
  int64_t wall_ns, cpu_ns, delay_ns, stopped_ns, settling_ns;
  long faults, switches; /* major ones; voluntary ones */
};

struct line {
  unsigned lane, ms;
  enum place place;
  const struct way *way;
  struct totals begin, end;
};

/* Time in callbacks of planted's own that lasted, though nothing was planted. */
struct other {
  struct totals begin, end;
};
#define OTHERS_MAX 4096
#define TICK_MS 2

enum step { STEP_NEXT, STEP_ARRANGE, STEP_HOLD, STEP_END };

struct helper {
  pthread_t thread;
  sem_t order, begun;
  atomic_bool is_ready, is_done;
};

/* What the ways wait on. */
struct means {
  int ends[2], full[2], pair[2], own[2];
  FILE *in, *out;
  char fifo[64], file[64], path[64];
  int lock_fds[2], listener, tcp, names;
  pid_t child;
  int child_fd;
  pthread_mutex_t lock;
  pthread_rwlock_t rwlock;
  pthread_cond_t cond;
  pthread_barrier_t barrier;
  sem_t sem, go;
  bool flag;
  atomic_int word;
  pthread_t thread;
  atomic_bool is_busy;
  pthread_t busy[3];
  cpu_set_t cpus;
};

/* A thread with its loop, and the stalls that are planted in it. */
struct lane {
  unsigned index;
  pthread_t thread;
  uv_loop_t *loop;
  uv_timer_t *drive; /* ticks */
  bool is_epoll;
  struct line **lines;
  size_t n_lines, next;
  struct line *line; /* now */
  enum step step;
  atomic_bool is_held;
  struct other others[OTHERS_MAX];
  size_t n_others;
  struct helper helper;
  struct means means;
  struct places *places;
};

/* planted.c */
void die(const char *what);
int64_t now_ns(void);
int64_t cpu_ns(void);
void nap_ms(unsigned ms);
struct totals totals_take(void);
/* The helper counts the line's time from now on. */
void hold_begun(struct lane *lane);
/* From each callback: if it is the place, do what the line says. */
void planted_at(struct lane *lane, enum place place);
/* At the end of a callback that does more: it may have lasted by itself. */
void planted_other(struct lane *lane, const struct totals *begin);

/* planted_ways.c */
const struct way *way_find(const char *name);

/* planted_means.c */
void means_init(struct lane *lane);
void means_fini(struct lane *lane);
/* The name server: answer the next question. */
void means_answer(struct lane *lane);
/* The process that stops this one; before any thread. */
void stopper_start(void);
void stopper_end(void);
void stopper_ask(unsigned ms);
bool stopper_is_done(void);
void stopper_wait(void);
int64_t stopper_stopped_ns(void); /* so far */
int64_t stopper_settling_ns(void); /* of that, until the last thread stopped */

/* planted_places.c */
enum place place_find(const char *name);
const char *place_name(enum place place);
void places_init(struct lane *lane);
void places_fini(struct lane *lane);
void place_start(struct lane *lane);
void place_tick(struct lane *lane);

#endif
