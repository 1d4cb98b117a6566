/* The critical path of a task: what it was doing, and where it waited for
 * another task, what that was doing, from its begin to its end without a gap.
 *
 * One pass over the events with a reader of its own.  Kept are the steps of the
 * task and of what it made or waited for, PATH_SEGMENTS_MAX at most. */
#ifndef LTV_PATH_H
#define LTV_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

#define PATH_SEGMENTS_MAX 300000

/*  NAME        word          what a person reads */
#define PATH_STATE_MAP(X)                                                      \
  X(RUN, "run", "running")                                                     \
  X(READY, "ready", "ready, not running")                                      \
  X(QUEUE, "queue", "queued for the pool")                                     \
  X(POOL, "pool", "on a pool thread")                                          \
  X(TIMER, "timer", "waiting for a time")                                      \
  X(POLL, "poll", "waiting for events")                                        \
  X(WAIT, "wait", "waiting for a task")                                        \
  X(UNSEEN, "pool_unseen", MODEL_POOL_UNSEEN)
enum path_state {
#define PATH_STATE_ENUM(name, word, text) PATH_##name,
  PATH_STATE_MAP(PATH_STATE_ENUM)
#undef PATH_STATE_ENUM
      PATH_STATES
};

struct path_step {
  enum path_state state;
  int64_t begin_ns, end_ns;
  uint64_t task; /* that was in this state: itself, or what it waited for */
  uint32_t kind, site;
  uint64_t label;     /* id of a string, 0 none */
  unsigned depth;     /* 0: the task itself */
  int64_t blocked_ns; /* RUN: in blocking calls */
  /* READY: what ran for most of it; WAIT: the task that is waited for. */
  uint64_t behind;
  uint32_t behind_kind, behind_site;
  int64_t behind_ns;
};

struct path {
  uint64_t task;
  uint32_t kind, site, spawn_site;
  uint64_t label;
  int64_t spawn_ns, end_ns; /* spawn: of what is in the trace */
  bool is_done, is_spawned; /* false: its end, its begin is not in the trace */
  int64_t status;
  struct path_step *steps; /* in order of time, without a gap */
  size_t n_steps;
  size_t n_left_out; /* shorter ones, where only so many were wanted */
  int64_t total_ns[PATH_STATES];
  uint64_t n_dropped; /* segments that were too many: then steps are coarser */
};

/* Follow a task through a trace.
 *
 * path:   owned, path_free(); NULL on failure.
 * Errors: as lt_reader_open(); NOT_FOUND also where there is no such task; IO,
 *         NOMEM. */
LT_WARN_UNUSED lt_status path_open(const char *file, uint64_t task,
                                   struct path **path);
/* The same in steps, for who has something else to do meanwhile.  A step takes
 * so many events.
 *
 * most:   steps to keep, the longest; 0 all of them.
 * walk:   owned, path_end(); NULL on failure.
 * path:   owned, path_free(); written with END only.
 * Errors: begin as lt_reader_open(); go_on: END when the path is complete, OK
 *         while there is more, NOT_FOUND, IO, NOMEM (end it then). */
struct path_walk;
LT_WARN_UNUSED lt_status path_begin(const char *file, uint64_t task,
                                    size_t most, struct path_walk **walk);
LT_WARN_UNUSED lt_status path_go_on(struct path_walk *walk, uint64_t n_events,
                                    struct path **path);
double path_share(const struct path_walk *walk); /* that was read, 0 to 1 */
/* NULL is a no-op. */
void path_end(struct path_walk *walk);
/* NULL is a no-op. */
void path_free(struct path *path);

/* "run", "running".  Static. */
const char *path_state_word(enum path_state state);
const char *path_state_text(enum path_state state);

#endif
