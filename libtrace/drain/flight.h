/* The newest part of a trace, kept in memory: the flight recorder.
 *
 * Blocks are kept by generations; the oldest generation goes when those behind
 * it fill the window.  A snapshot is a whole trace: the file's header, the
 * generations that are there, and an end mark. */
#ifndef LTI_FLIGHT_H
#define LTI_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <looptrace/reader.h>

#include "format/block.h"

/* A window has so many generations, so that what is kept is between its size
 * and an eighth more. */
#define LTI_FLIGHT_PARTS 8u

struct lti_flight;

/* bytes, ns: how much to keep; 0 for no bound by it, not both.
 * Returns: owned; NULL without memory. */
struct lti_flight *lti_flight_new(uint64_t bytes, uint64_t ns);
void lti_flight_free(struct lti_flight *flight);

/* The header of each snapshot. */
void lti_flight_header(struct lti_flight *flight,
                       const uint8_t bytes[LTI_FILE_HEADER_BYTES]);

/* Keep a block: its header and its payload.  Returns: false without memory. */
bool lti_flight_keep(struct lti_flight *flight, const uint8_t *header,
                     const void *payload, size_t size);

/* What a snapshot holds. */
struct lti_snapshot {
  uint32_t n_blocks;
  uint64_t n_events, n_lost, size_bytes;
  int64_t first_ns, last_ns;
};

/* Write what is kept, which must end with an epoch, as a trace without its
 * tail.
 *
 * fd: stays open.  write: write(2), or a test's own.
 * Returns: 0, or the errno of what failed. */
int lti_flight_write(const struct lti_flight *flight, int fd,
                     ssize_t (*write)(int, const void *, size_t),
                     struct lti_snapshot *snapshot);

#endif
