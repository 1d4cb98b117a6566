/* One trace: the definitions, live tasks and events of a process on their way
 * to one file.  The drain feeds it from rings; anything else that has events in
 * the order of time may feed it too (tests make their fixtures so).
 *
 *   lti_trace_init; [book, threads]; lti_trace_start;
 *   epoch: (lti_trace_thread_begin; lti_trace_event...; _end)... lti_trace_seal
 *   lti_trace_end; lti_trace_fini */
#ifndef LTI_TRACE_FILE_H
#define LTI_TRACE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <looptrace/reader.h>

#include "drain/book.h"
#include "drain/tasks.h"
#include "drain/writer.h"
#include "format/brackets.h"
#include "format/directory.h"
#include "format/encode.h"
#include "format/summary.h"

/* A thread as the file sees it. */
struct lti_trace_thread {
  uint32_t index;
  struct lti_brackets open;
};

/* CLOCK_MONOTONIC and the wall clock at one moment. */
typedef void lti_trace_clock(int64_t *monotonic_ns, int64_t *unix_ns);

struct lti_trace {
  struct lti_book book;
  struct lti_tasks tasks;
  struct lti_encoder *encoder; /* borrowed */
  struct lti_writer *writer;   /* NULL until start */
  struct lti_trace_thread *at; /* between thread_begin and _end */
  lt_kind_info kinds[LT_KIND_LIMIT]; /* lt_kind_lookup(), at hand */

  int64_t watermark_ns;
  int64_t epoch_first_ns;
  uint32_t epoch_blocks;
  uint64_t epoch_events;
  int64_t first_ns, last_ns; /* of all events */
  uint64_t n_events, n_lost;
  uint64_t n_lost_events; /* LOST events among n_events */

  uint32_t n_generations;
  uint64_t generation_max_bytes; /* then the next begins; 0: 16 MiB */
  int64_t generation_max_ns;     /* 0: 10 s */
  bool generation_is_due;
  bool generation_is_begun; /* its first block is written */
  uint64_t generation_size_at;
  int64_t generation_ns;
  int64_t start_ns; /* CLOCK_MONOTONIC at time 0 */
  lti_trace_clock *clock;
  struct lti_directory *directory; /* for the index; NULL without memory */
  struct lti_summary *summary;     /* the same */
};

/* Everything else of the trace is zero.  encoder: borrowed, shared by traces.
 */
void lti_trace_init(struct lti_trace *trace, struct lti_encoder *encoder,
                    int32_t pid, const char *recorder, uint64_t min_block_ns);

/* Begin the file: header and generation 0, which tells what the book holds.
 *
 * writer: owned from now on.  unix_ns: the wall clock, for CLOCK definitions.
 */
void lti_trace_start(struct lti_trace *trace, struct lti_writer *writer,
                     const struct lti_file_header *header,
                     lti_trace_clock *clock);

/* Begin another file behind one that has its end: what is known, open and alive
 * is told in it again.
 *
 * writer: owned from now on; the one before is freed. */
void lti_trace_go_on(struct lti_trace *trace, struct lti_writer *writer,
                     const struct lti_file_header *header);

/* There will be no end, and so no index: nothing is gathered for it. */
void lti_trace_drop_index(struct lti_trace *trace);

/* Events of one thread, in order.  Fields of codec SITE are addresses, those of
 * codec TEXT and own callees the program's ids: translated here, once, and in
 * the caller's event (to copy it would cost a tenth of the drain).  Kinds are
 * those of event.h. */
void lti_trace_thread_begin(struct lti_trace *trace,
                            struct lti_trace_thread *thread);
void lti_trace_event(struct lti_trace *trace, lt_event *event);
void lti_trace_thread_end(struct lti_trace *trace);

/* Follow an event that is not written: brackets and tasks only. */
void lti_trace_skip(struct lti_trace *trace, struct lti_trace_thread *thread,
                    const lt_event *event);

/* Seal the epoch and hand it to the system; the next one may begin a
 * generation. An epoch without events is not written.
 *
 * watermark_ns: nothing later is older.
 * Returns: false when an error has latched. */
bool lti_trace_seal(struct lti_trace *trace, int64_t watermark_ns,
                    uint64_t late, uint64_t short_calls);

/* Names that came since an epoch was sealed: readers want them before the next
 * event, and definitions need no epoch.
 * Returns: false when an error has latched. */
bool lti_trace_tell(struct lti_trace *trace);

/* The end mark. */
void lti_trace_end(struct lti_trace *trace, int64_t time_ns,
                   lt_end_reason reason, int status, uint64_t untracked);

/* Write the index; part of lti_trace_end().
 * Returns: its offset, 0 for none. */
uint64_t lti_trace_put_index(struct lti_trace *trace, int64_t time_ns);

/* Close and free; without an end the file stays as it is. */
void lti_trace_fini(struct lti_trace *trace);

#endif
