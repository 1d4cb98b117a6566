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

#include "drain/tail.h"
#include "drain/window.h"
#include "format/block.h"

/* A window has so many generations, so that what is kept is between its size
 * and an eighth more. */
#define LTI_FLIGHT_PARTS 8u

struct lti_flight;

/* bytes, ns: how much to keep; ns 0 for no bound by it.
 * path:      where to keep it, so that a crash leaves it behind up to the last
 *            epoch; memory is used where that cannot be.  NULL: in memory.
 * Returns:   owned; NULL without memory. */
struct lti_flight *lti_flight_new(uint64_t bytes, uint64_t ns,
                                  const char *path);
void lti_flight_free(struct lti_flight *flight);

/* Is it kept where a crash leaves it behind? */
bool lti_flight_outlives(const struct lti_flight *flight);

/* The header of each snapshot. */
void lti_flight_header(struct lti_flight *flight,
                       const uint8_t bytes[LTI_FILE_HEADER_BYTES]);

/* Keep a block: its header and its payload.  Where the system has no memory
 * left for the window, its oldest generations go for that.
 * Returns: false where even that is not enough. */
bool lti_flight_keep(struct lti_flight *flight, const uint8_t *header,
                     const void *payload, size_t size);

/* What a snapshot holds. */
struct lti_snapshot {
  uint32_t n_blocks;
  uint64_t n_events, n_lost, size_bytes;
  int64_t first_ns, last_ns; /* as lt_info has its begin and end */
};

/* Where it is kept; borrowed. */
const struct lti_window *lti_flight_window(const struct lti_flight *flight);

/* How a snapshot ends. */
struct lti_snapshot_end {
  lt_end_reason reason;
  int status;
  lti_make_index *make_index; /* NULL: it has none */
  void (*breathe)(void *context); /* for make_index */
  void *context;
};

/* Write a window, which ends with an epoch, as a whole trace.  One that was
 * left behind is hostile: it is written up to where it makes no sense.
 *
 * fd: readable; stays open.
 * Returns: 0, or the errno of what failed. */
int lti_flight_write(const struct lti_window *window, int fd,
                     const struct lti_snapshot_end *end,
                     struct lti_snapshot *snapshot);

#endif
