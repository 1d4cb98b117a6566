/* A stretch of time, read for being drawn: what ran on each thread, what waited
 * meanwhile, and what is missing.
 *
 * Read in steps, so that a key may come in between.  A short stretch is kept
 * span by span and event by event; one of too many events for that in equal
 * bins, in memory that does not grow with it. */
#ifndef LTV_WINDOW_H
#define LTV_WINDOW_H

#include "model/stream.h"

/* Beside the kinds of spans of the stream (LT_RESUME, LT_CALL, LT_POOL_BEGIN,
 * MODEL_TURN): */
enum {
  /* A callback could run from its begin on, and did at its end: a READY edge
   * told so, the pool had done its job, its timer was due, or the poll that
   * returned had it.  Those that never ran are known only where the loop did
   * not come back: then they have no end. */
  WINDOW_WAIT = MODEL_TURN + 1,
  WINDOW_LATE,   /* the same of what had a time, and was late by 1 ms or more */
  WINDOW_QUEUED, /* a job of the pool waited for a worker */
  WINDOW_SEEN,   /* from outside: samples that found the same, in one turn */
  WINDOW_CALLED  /* the same of the function that the callback had called; kind
                    is the first one's stack */
};

struct track_bin {
  int64_t covered_ns; /* of the bin */
  int64_t longest_ns; /* span that touches it, as a whole; WINDOW_LATE: how late
                         the latest was at its end */
  uint32_t n;         /* that begin in it; of what waits: at its begin */
};

/* Spans of one kind, thread, loop and depth: by begin, and none touches another
 * but for WINDOW_WAIT, WINDOW_LATE and WINDOW_QUEUED, which are by end. */
struct track {
  struct track_key {
    uint32_t what, thread, loop, depth;
  } key;
  struct model_span *spans;
  size_t n, cap;
  int64_t longest_ns;     /* of the spans that have an end */
  struct track_bin *bins; /* instead of spans; NULL else */
  struct track *next;     /* in the same chain of the table */
};

/* Events that are missing on a thread. */
struct window_loss {
  int64_t from_ns, to_ns;
  uint64_t n;
  uint32_t thread; /* UINT32_MAX: on any */
  uint32_t cause;  /* lt_lost */
};

#define WINDOW_BINS 2048
#define WINDOW_CHAINS 256
#define WINDOW_TRACKS_MAX 600
#define WINDOW_LOSSES_MAX 1024

struct window {
  int64_t from, to;
  int64_t at_ns; /* everything until here has been read */
  bool is_done, is_in_bins;
  int64_t dense_ns; /* the viewer's own: in bins, as around a stretch so long
                       there were too many events; else 0 */
  int64_t bin_ns;
  lt_status problem; /* why it was not read to its end */
  struct track *chains[WINDOW_CHAINS];
  struct track **tracks; /* all, in the order in which they were met */
  size_t n_tracks, tracks_cap;
  lt_event *events; /* in the order of time; none in bins */
  uint32_t *live;   /* tasks that were seen and not done, behind each event */
  size_t n_events, events_cap;
  struct window_loss *losses;
  size_t n_losses;
  uint64_t n_lost;
  /* While it is read: */
  struct model *model;
  struct model_stream *stream;
  struct queue *queue;
};

/* Begin to read; reader as model_stream_begin().  is_in_bins: keep no single
 * spans.  Returns: NULL without memory or where the trace cannot be read. */
struct window *window_begin(struct model *model, lt_reader *reader,
                            int64_t from, int64_t to, bool is_in_bins);
/* Go on for so many events.  Returns: whether there is more to do. */
bool window_step(struct window *window, uint64_t n_events);
void window_close(struct window *window);

/* NULL: there is nothing of that. */
struct track *window_track(const struct window *window, uint32_t what,
                           uint32_t thread, uint32_t loop, uint32_t depth);
/* The first span that may touch what comes after a moment. */
size_t track_first(const struct track *track, int64_t from_ns);
/* The bin of a moment, 0 to WINDOW_BINS - 1. */
size_t window_bin(const struct window *window, int64_t ns);

/* Inside the model: */

/* Add a span to its track. */
void window_add(struct window *window, uint32_t what, uint32_t loop,
                uint32_t depth, const struct model_span *span);

/* queue.c: what waits, and for how long. */
struct queue *queue_new(struct window *window);
void queue_event(struct queue *queue, const lt_event *event,
                 const struct model_span *slice);
void queue_begin(struct queue *queue, const struct model_span *span);
/* Tasks that were seen so far and are not done. */
size_t queue_live(const struct queue *queue);
/* The stretch is over: what still waits has no end. */
void queue_finish(struct queue *queue);
void queue_free(struct queue *queue);

#endif
