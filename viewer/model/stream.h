/* A trace as it passes by: spans, tasks and events, resolved as far as the
 * model knows, in memory that grows with what is open only.  For outputs that
 * tell everything, however long the trace is. */
#ifndef LTV_STREAM_H
#define LTV_STREAM_H

#include "model/model.h"

/* Beside the kinds of events, a span may be a turn: from a poll's end to the
 * next poll of the same run. */
#define MODEL_TURN LT_KIND_LIMIT

/* A task as far as it is known by now. */
struct model_task {
  uint64_t id, parent, root; /* 0 none; root: the first of its chain */
  uint32_t kind, site, spawn_site, thread;
  int64_t spawn_ns;  /* -1: before what was read, or lost */
  int64_t end_ns;    /* -1: alive */
  const char *label; /* NULL or borrowed; raw */
  uint64_t n_resumes;
  uint64_t *own;        /* two words that are the visitor's, 0 at first */
  uint64_t *parent_own; /* those of its parent; NULL for none */
};

/* An event, and what it is about. */
struct model_moment {
  const lt_event *event;
  const struct model_task *task;  /* that it is about, NULL for none */
  const struct model_span *slice; /* innermost on its thread, NULL for none */
  uint64_t slice_root;            /* the root of its task, 0 unknown */
};

/* What is called as things pass; a NULL is not called.  What is given is
 * borrowed for the call.  false ends it all. */
struct model_visitor {
  void *context;
  bool has_turns; /* spans of MODEL_TURN are wanted */
  bool has_tasks; /* moments are wanted with their tasks */
  /* A span opens (end_ns is INT64_MAX); calls do not, they are known when they
   * are over. */
  bool (*begin)(void *context, const struct model_span *span);
  /* A span is over; those still open come last, with end_ns INT64_MAX. */
  bool (*end)(void *context, const struct model_span *span);
  /* The same for a callback, with its task (NULL for none); then not end(). */
  bool (*slice)(void *context, const struct model_span *span,
                const struct model_task *task);
  /* An event, after the spans that it ends and before the ones it begins. */
  bool (*moment)(void *context, const struct model_moment *moment);
  /* A task is over, and everything that it spawned; alive ones come last. */
  bool (*task)(void *context, const struct model_task *task);
  void (*progress)(void *context, double share);
  void *progress_context;
};

/* Pass by all that touches [from, to).  The model's reader is moved.
 *
 * Errors: IO, NOMEM, CORRUPT. */
LT_WARN_UNUSED lt_status model_stream(struct model *model, int64_t from,
                                      int64_t to,
                                      const struct model_visitor *visitor);

/* The same in steps.
 *
 * reader: that is moved, borrowed until the end; NULL for the model's own.
 * stream: owned, to be ended; NULL on failure.
 * Errors: begin as model_stream(); step: END when all has passed, or a visitor
 *         said so; OK while there is more; IO, NOMEM, CORRUPT. */
struct model_stream;
LT_WARN_UNUSED lt_status model_stream_begin(struct model *model,
                                            lt_reader *reader, int64_t from,
                                            int64_t to,
                                            const struct model_visitor *visitor,
                                            struct model_stream **stream);
LT_WARN_UNUSED lt_status model_stream_step(struct model_stream *stream,
                                           uint64_t n_events);
/* The time of the newest event that passed. */
int64_t model_stream_at(const struct model_stream *stream);
/* NULL is a no-op; nothing is told any more. */
void model_stream_end(struct model_stream *stream);

/* Open a trace for its names and for model_stream() only: no event is read, so
 * the model has no loops, no stalls and no sums.
 *
 * model:  owned, to be closed with model_close(); NULL on failure.
 * Errors: as lt_reader_open(). */
LT_WARN_UNUSED lt_status model_open_names(const char *path,
                                          struct model **model);

/* The name of a loop as it is in the trace, of a thread; made inert, into buf.
 * Returns: buf. */
const char *model_loop_name(const struct model *model, uint32_t id, char *buf,
                            size_t size);
const char *model_thread_name(const struct model *model, uint32_t index,
                              char *buf, size_t size);

#endif
