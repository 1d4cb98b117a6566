/* The summary of a trace: for each lane a row of bins and the longest turns.
 * Normative for format v1 (doc/format.md, "Summary").
 *
 * Fed with the events of one thread after another, each thread's in order; how
 * threads alternate makes no difference to what comes out.  Used by the writer
 * (drain/) for the file that it writes, and by the reader (read/) to see
 * whether a file's summary is true. */
#ifndef LTI_SUMMARY_H
#define LTI_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

#include <looptrace/reader.h>

#include "format/brackets.h"

#define LTI_SUMMARY_BINS 2048u
#define LTI_SUMMARY_LANES 256u
#define LTI_SUMMARY_STALLS 64u /* of a lane */
#define LTI_SUMMARY_WARN_NS 50000000
#define LTI_SUMMARY_SHIFT_MIN 10u /* bins of 2^10 ns at first */
#define LTI_SUMMARY_SHIFT_MAX 50u

struct lti_summary;

/* Returns: owned, to be freed; NULL when there is no memory. */
struct lti_summary *lti_summary_new(void);
void lti_summary_free(struct lti_summary *summary);

/* What lti_summary_event() does for the kinds that matter. */
void lti_summary_take(struct lti_summary *summary, uint32_t thread,
                      const struct lti_brackets *open, const lt_event *event);

#define LTI_SUMMARY_KINDS                                                      \
  (UINT64_C(1) << LT_LOOP_BEGIN | UINT64_C(1) << LT_LOOP_END |                 \
   UINT64_C(1) << LT_POLL_BEGIN | UINT64_C(1) << LT_POLL_END |                 \
   UINT64_C(1) << LT_POOL_BEGIN | UINT64_C(1) << LT_POOL_END |                 \
   UINT64_C(1) << LT_AWAIT | UINT64_C(1) << LT_DONE | UINT64_C(1) << LT_LOST |  \
   UINT64_C(1) << LT_EARLY_TURN)

/* Take in the next event of a thread.
 *
 * thread: its index.  open: its brackets before the event acts on them.
 * event:  sites and texts are ids.  Its own thread is not looked at. */
static inline void lti_summary_event(struct lti_summary *summary,
                                     uint32_t thread,
                                     const struct lti_brackets *open,
                                     const lt_event *event) {
  if (summary && LTI_SUMMARY_KINDS >> (event->kind & 63) & 1)
    lti_summary_take(summary, thread, open, event);
}

/* No more events of this thread come for now: remember which slice is open. */
void lti_summary_pause(struct lti_summary *summary, uint32_t thread,
                       const struct lti_brackets *open);

/* The trace ends: so do turns that did not. */
void lti_summary_end(struct lti_summary *summary, int64_t time_ns);

/* Encode the payload of the section.
 *
 * bytes:  owned, to be freed.
 * Returns: its size; 0 when there is no memory for it. */
size_t lti_summary_encode(const struct lti_summary *summary, uint8_t **bytes);

#endif
