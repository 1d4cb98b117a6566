/* Every task of a trace: who made it, what it is, where its time went.
 *
 * One pass over the events with a reader of its own, in steps, in memory that
 * is bounded: of the tasks that are done, beyond CENSUS_DONE_MAX, those that
 * ran longest and those that ended last are kept, and the others are counted.
 */
#ifndef LTV_CENSUS_H
#define LTV_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <looptrace/reader.h>

#define CENSUS_DONE_MAX 50000

struct census_task {
  uint64_t id, parent; /* parent 0: none, or not known */
  uint32_t kind, site, spawn_site;
  uint32_t thread;           /* where it ran last, else where it was made */
  uint64_t label;            /* id of a string, 0 none */
  int64_t spawn_ns, done_ns; /* -1: not known; not done */
  bool is_running, is_cancelled;
  int64_t status;  /* of a task that is done */
  bool is_ready;   /* it could run, and has not yet: woken, or its time came */
  bool is_idle;    /* a timer that is not started: it waits for nothing */
  uint64_t awaits; /* while it waits: the task that it waits for, 0 not known */
  unsigned why;     /* lt_wait_kind, while it waits */
  int64_t since_ns; /* it runs, is ready or waits since; -1 not known */
  int64_t due_ns;   /* its time, while it waits for one; -1 none */
  uint64_t n_runs;
  int64_t run_ns;                    /* its callbacks ran, calls included */
  int64_t blocked_ns;                /* in blocking calls, part of run_ns */
  int64_t pool_ns;                   /* a worker thread did its job */
  int64_t ready_ns;                  /* it could have run, and others did */
  int64_t longest_ns, longest_at_ns; /* of its runs */
  int64_t worst_ready_ns, worst_ready_at_ns; /* of its waits when ready */
};

struct census;

/* Begin.  Errors: as lt_reader_open().  census: owned, census_free(). */
LT_WARN_UNUSED lt_status census_begin(const char *path, struct census **census);
/* Take so many events.  Returns: OK while there are more, END when all are
 * taken; IO, NOMEM. */
LT_WARN_UNUSED lt_status census_step(struct census *census, uint64_t n_events);
/* How much of the trace has been read, 0 to 1. */
double census_share(const struct census *census);
/* After END: all tasks that were kept, by id. Borrowed. */
const struct census_task *census_tasks(const struct census *census, size_t *n);
/* Tasks in all, and those of them that were not kept. */
uint64_t census_seen(const struct census *census);
uint64_t census_dropped(const struct census *census);
/* NULL is a no-op. */
void census_free(struct census *census);

#endif
