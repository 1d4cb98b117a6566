/* From the payload of an EVENTS block to events. */
#ifndef LTI_DECODE_H
#define LTI_DECODE_H

#include <looptrace/reader.h>

#include "format/brackets.h"
#include "read/source.h"

/* Times beyond this cannot be: 36 years from the start. */
#define LTI_TIME_MAX (INT64_C(1) << 60)

/* Can a block with this header hold events at all?  Looks at the header only.
 * Returns: NULL, or what is wrong, as the end of a sentence. */
const char *lti_events_refused(const struct lti_block_header *head);

/* How many events a damaged block stands for: what its header says, as far as
 * that can be. */
static inline uint32_t lti_events_count(const struct lti_block_header *head) {
  return head->count < LTI_BLOCK_EVENTS_MAX ? head->count
                                            : LTI_BLOCK_EVENTS_MAX;
}

/* Decode only what is open where the block begins.
 * Returns: NULL, or what is wrong. */
const char *lti_events_opens(const struct lti_block_header *head,
                             const uint8_t *payload, struct lti_brackets *open);

/* Decode a block, all or nothing.
 *
 * payload: head.raw_bytes bytes, and LTI_PAYLOAD_SLACK that may be read.
 * events:  room for head.count.  Those of kinds that this library does not know
 *          are left out.
 * n:       events written.
 * open:    what is open behind the last event.
 * Returns: NULL, or what is wrong. */
const char *lti_events_decode(const struct lti_block_header *head,
                              const uint8_t *payload, lt_event *events,
                              uint32_t *n, struct lti_brackets *open);

/* Keep only events of some kinds (bit k for kind k), and losses by damage.
 * Returns: how many there are now. */
uint32_t lti_events_keep(lt_event *events, uint32_t n, uint64_t kinds);

#endif
