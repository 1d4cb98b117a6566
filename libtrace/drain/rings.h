/* Copy what threads published out of their rings.
 *
 * A slot belongs to the arena, a lane to one thread that once owned a slot: the
 * lane lives on until its last record is in the file.  Everything read from the
 * arena is checked here; records in a lane have known kinds and clocks that
 * never fall. */
#ifndef LTI_RINGS_H
#define LTI_RINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "drain/book.h"
#include "drain/trace.h"

/* The arena as it was checked once: the header itself may be overwritten. */
struct lti_view {
  struct lti_arena *arena;
  struct lti_proc *procs;
  struct lti_thread *threads;
  struct lti_record *small, *large;
  uint32_t n_procs, n_threads, n_large;
  uint32_t small_records, large_records;
  bool clock_is_tsc;
};

/* What was consumed of a slot, whoever owned it: counters go on. */
struct lti_slot {
  struct lti_lane *lane; /* NULL while nobody owns it */
  uint64_t tail;
  uint64_t look_clock; /* of the last look at its losses */
  uint64_t back_last; /* the newest place in lti_thread.back, and where it */
  unsigned back_at;   /* stands */
  uint64_t again_end; /* recovery: records before it had been taken before */
  uint64_t lost[LT_LOST_LIMIT];
  uint64_t calls_short;
};

struct lti_lane {
  struct lti_lane *next;
  struct lti_trace_thread thread;
  struct lti_record *records; /* the first that is not in the file yet */
  size_t n, capacity;
  size_t n_gone; /* places in front of it that are free */
  size_t n_held; /* the first ones are converted: their clock is trace time */
  uint64_t last_clock;
  /* Flight: */
  int64_t turn_ns;      /* since when its loop is kept from polling; 0: it is not
                           known to be */
  uint64_t stuck_since; /* the one that was saved while it lasted */
  uint32_t turned;      /* the loop of its last outermost run, if that is to go
                           on; else 0 */
  uint32_t n_waits;     /* for that loop, run after run */
  uint8_t mode;         /* of the run */
  bool has_waited;      /* in the run, or between two */
  bool in_run;
  uint64_t ended_clock; /* up to which all was closed, switched off; 0 on */
  uint32_t slot; /* index, or UINT32_MAX when it was given back */
};

/* What a take adds up for its process. */
struct lti_taken {
  struct lti_book *book;
  _Atomic uint64_t *account; /* of the process, for recovery: what is taken */
  uint64_t sealed_clock;     /* nothing may be older */
  uint64_t filed_clock;      /* up to which all stands in the file */
  uint64_t late;         /* how many had to be raised to it */
  uint64_t calls_short;
  size_t n_records;
  bool turned_a_loop;
  double fullest; /* share of a ring that was in use */
};

/* Copy an arena's addresses and numbers before a program can change them. */
struct lti_view lti_view_of(struct lti_arena *arena);

/* Recovery, before the first take: go back to what the recorder that died had
 * taken and not written, where that is still in the ring.
 *
 * filed_clock: of the slot's process.
 * Returns: how many events will be taken again. */
uint64_t lti_rings_go_back(const struct lti_view *view, struct lti_slot *slot,
                           uint32_t index, uint64_t filed_clock);

/* Take everything published in a slot into its lane.  When memory is short, it
 * stays in the ring. */
void lti_rings_take(const struct lti_view *view, struct lti_slot *slot,
                    uint32_t index, struct lti_taken *taken);

/* The first n records of a lane are done with.  Cheap, however many follow. */
void lti_lane_drop(struct lti_lane *lane, size_t n);

/* Free a lane and its records. */
void lti_lane_free(struct lti_lane *lane);

/* Insert a record of the recorder's own after those that are not younger. */
bool lti_lane_insert(struct lti_lane *lane, const struct lti_record *record);

/* Give a drained slot, and its large ring, back to the program. */
void lti_rings_release(const struct lti_view *view, struct lti_slot *slot,
                       uint32_t index);

#endif
