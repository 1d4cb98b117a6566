/* Decode blocks ahead of a reader, in a thread of its own. */
#ifndef LTI_AHEAD_H
#define LTI_AHEAD_H

#include "read/epoch.h"
#include "read/merge.h"

/* Blocks that may wait to be taken, and the events in them: 5 MiB, and as much to
 * be used again. */
#define LTI_AHEAD_BLOCKS 64
#define LTI_AHEAD_EVENTS 131072u
/* To hand over a block of fewer events costs more than to decode it. */
#define LTI_AHEAD_LEAST 1024u

/* May this thread run on a second processor? */
bool lti_ahead_pays(void);

/* Begin to decode what is behind a cursor, in the order in which merge asks.
 *
 * source:  its descriptor must stay open until the stop.
 * Returns: NULL where there is no thread to be had. */
struct lti_ahead *lti_ahead_start(const struct lti_source *source,
                                  const struct lti_cursor *from, uint64_t end);

/* End the thread and free all; NULL is a no-op.  Waits for one block at most. */
void lti_ahead_stop(struct lti_ahead *ahead);

/* Take the events of a block of the epoch that begins at epoch_at.  Where it is
 * being decoded, that is waited for, 2 ms at most.
 *
 * buffer:  given for the one that the events are in; may be empty.
 * Returns: false where they are not there, or not to be had: then the reader
 *          decodes the block itself, and finds what is wrong with it. */
bool lti_ahead_take(struct lti_ahead *ahead, uint64_t epoch_at,
                    const struct lti_block *block, struct lti_buffer *buffer,
                    uint32_t *n);

#endif
