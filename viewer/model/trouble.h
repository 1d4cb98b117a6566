/* What is wrong with a program besides stalls, and what could be better. */
#ifndef LTV_TROUBLE_H
#define LTV_TROUBLE_H

#include <stddef.h>
#include <stdint.h>

enum model_trouble_kind {
  MODEL_LATE_TIMER,     /* a timer ran too late, and no stall tells why */
  MODEL_STARVED_TIMER,  /* a timer is late by half its interval in most runs */
  MODEL_POOL_SATURATED, /* jobs waited while each worker had one */
  MODEL_HANDLE_LEAK,    /* ever more of them are alive */
  MODEL_NEVER_CLOSED,   /* handles of one loop after another that has ended */
  MODEL_NEVER_FINISHED, /* tasks that waited still when the program ended */
  MODEL_AWAIT_CYCLE     /* tasks that wait for each other */
};

#define MODEL_LEVELS 8
#define MODEL_CYCLE_MAX 8
#define MODEL_NO_LOOP UINT32_MAX
struct model_trouble {
  enum model_trouble_kind kind;
  uint32_t loop; /* index; MODEL_NO_LOOP where it is of none */
  uint32_t site, spawn_site, task_kind;
  uint64_t task;  /* the one that worst_ns is of, the newest of a leak, the one
                     that closed a cycle */
  int64_t at_ns;  /* when the worst one could have run; when the oldest was
                     made; when the cycle was closed */
  int64_t own_ns; /* timers: of worst_ns, at least so much was not for lack of a
                     CPU; pool: while all workers had a job */
  int64_t worst_ns; /* how late, how long queued */
  /* Timers: the same three of all runs, also of those behind a stall. */
  int64_t all_at_ns, all_own_ns, all_worst_ns;
  int64_t period_ns;             /* of a starved timer, the longest */
  uint64_t count;                /* late runs, queued jobs, tasks alive */
  uint64_t of;                   /* runs, jobs, tasks made */
  uint64_t levels[MODEL_LEVELS]; /* alive at each eighth of the trace */
  uint32_t
      behind;     /* pool: site of the job that had kept a worker for longest */
  size_t n_cycle; /* tasks in the circle; so many are kept at most */
  uint64_t cycle[MODEL_CYCLE_MAX];
  uint32_t cycle_sites[MODEL_CYCLE_MAX];
};

/* Tasks made at one place that are alive at the end, or were. */
struct model_live {
  uint32_t kind, site, spawn_site;
  uint64_t made, alive;
  int64_t oldest_ns; /* when the oldest that is alive was made; -1 none */
  uint64_t levels[MODEL_LEVELS];
};
#define MODEL_LIVES_MAX 4096 /* beyond: all in one of site 0 */

/* One task awaited others one after the other, each made when the one before
 * was done.  Had it awaited them together, it had saved time, if they do not
 * need each other's results; that is not in a trace. */
#define MODEL_GATHER_SITES 4
struct model_gather {
  uint32_t site;    /* of the task that waited */
  uint64_t times;   /* that it did so */
  int64_t saved_ns; /* in all */
  /* The one that would save most: */
  uint64_t task;
  int64_t begin_ns,
      end_ns; /* from the first one's begin to the last one's end */
  uint64_t n; /* tasks awaited */
  int64_t worst_saved_ns;
  size_t n_sites; /* where they were made */
  uint32_t sites[MODEL_GATHER_SITES];
};
#define MODEL_GATHERS_MAX 4096
/* Less is not told. */
#define MODEL_GATHER_LEAST_NS 1000000

/* The rule of a trouble: "late-timer" and so on.  Static. */
const char *model_trouble_rule(enum model_trouble_kind kind);

#endif
