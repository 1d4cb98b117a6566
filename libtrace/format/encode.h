/* From the events of one thread to an EVENTS block: doc/format.md, "Events".
 *
 *   lti_encoder_begin(e, &open);
 *   while (more && lti_encoder_add(e, &event)) ...
 *   size = lti_encoder_finish(e, thread, number, &block);
 *
 * One encoder serves any number of threads and files, one block at a time; all
 * its memory is there from the start. */
#ifndef LTI_ENCODE_H
#define LTI_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <looptrace/reader.h>

#include "format/brackets.h"

struct lti_encoder;

/* Returns: owned, to be freed; NULL when there is no memory. */
struct lti_encoder *lti_encoder_new(void);
void lti_encoder_free(struct lti_encoder *encoder);

/* Begin a block.
 *
 * open: what is open on the thread; kept, and acted upon by each event added.
 */
void lti_encoder_begin(struct lti_encoder *encoder, struct lti_brackets *open);

/* Add the next event of the thread.  Sites and texts are ids by now; times
 * never fall within a thread.
 *
 * Returns: false when the block is full (16,384 events, or 64 KiB of columns):
 * nothing was added then. */
bool lti_encoder_add(struct lti_encoder *encoder, const lt_event *event);

/* Compress blocks from the next one on (as at first), or store them as they
 * are, which takes two thirds of the time. */
void lti_encoder_compress(struct lti_encoder *encoder, bool compress);

/* How many events were added since begin. */
uint32_t lti_encoder_count(const struct lti_encoder *encoder);

/* Make the block, of at least one event.
 *
 * thread: its index in the file.  number: the block's.
 * bytes:  header and payload; borrowed until the next begin.
 * Returns: their size. */
size_t lti_encoder_finish(struct lti_encoder *encoder, uint32_t thread,
                          uint32_t number, const uint8_t **bytes);

#endif
