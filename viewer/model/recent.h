/* The last ten seconds of a trace, second by second: what a program that runs
 * is doing of late. */
#ifndef LTV_RECENT_H
#define LTV_RECENT_H

#include "model/model.h"

#define RECENT_SECONDS 10

/* What is counted in a second: id, what it is called. */
#define RECENT_MAP(X)                                                          \
  X(CALLBACKS, "callbacks")                                                    \
  X(TIMERS, "timers")                                                          \
  X(FILES, "files")                                                            \
  X(STREAMS, "sockets, pipes")                                                 \
  X(CALLS, "blocking calls")                                                   \
  X(JOBS, "pool jobs")                                                         \
  X(SPAWNS, "tasks made")                                                      \
  X(LIVE, "tasks live")     /* at its end */                                   \
  X(SOCKETS, "sockets open") /* at its end; pipes too */

enum recent_kind {
#define RECENT_ENUM(id, name) RECENT_##id,
  RECENT_MAP(RECENT_ENUM)
#undef RECENT_ENUM
      RECENT_KINDS
};

struct recent_loop {
  uint64_t turns;              /* that began and ended in it */
  struct model_histogram turn; /* those, and one that goes on */
  int64_t busy_ns[RECENT_SECONDS];
  uint32_t now; /* LT_POLL_BEGIN, LT_RESUME, MODEL_TURN; 0: it does not run */
  uint32_t now_site;
  int64_t now_begin_ns;
  int64_t left_ns; /* a run ended that is to go on, or a wait between two, and
                      none has begun; or 0 */
  struct model_span open_turn; /* end_ns INT64_MAX where there is one */
};

/* The seconds are counted back from the end: the last one is a whole one, the
 * first ones may lie before the beginning. */
struct recent {
  int64_t from_ns, to_ns;
  unsigned n_seconds;        /* that the trace has, at most RECENT_SECONDS */
  struct recent_loop *loops; /* as those of the model */
  size_t n_loops;
  uint64_t kinds[RECENT_KINDS][RECENT_SECONDS];
  unsigned first_sockets; /* the first second of which RECENT_SOCKETS is known:
                             what was closed before may have been one */
  bool has_sockets; /* there ever was one */
  uint64_t events[RECENT_SECONDS];
  /* While it is read: */
  struct model *model;
  struct model_stream *stream;
};

/* Begin to read the end of a complete model, with its reader.
 * Returns: NULL without memory or where the trace cannot be read. */
struct recent *recent_begin(struct model *model);
/* Go on for so many events.  Returns: whether there is more to do.  Afterwards
 * the model is not needed any more. */
bool recent_step(struct recent *recent, uint64_t n_events);
void recent_close(struct recent *recent);

/* The tasks become more and more: never fewer from second to second, and a
 * tenth more in all, over five seconds or longer. */
bool recent_is_growing(const struct recent *recent);
/* The part of its time that a loop was busy. */
double recent_busy(const struct recent *recent, size_t loop);

#endif
