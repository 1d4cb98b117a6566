/* From the clock that stamps events to CLOCK_MONOTONIC nanoseconds.
 *
 * A knot is the same moment on both clocks.  Between two knots time is a
 * straight line: exact at both ends, never falling, whatever the clock's rate
 * is.  An epoch's watermark is a knot that lies a while back, so that events
 * which were stamped, but not published, when the rings were read still come in
 * time. */
#ifndef LTI_CLOCKMAP_H
#define LTI_CLOCKMAP_H

#include <stdbool.h>
#include <stdint.h>

struct lti_knot {
  uint64_t clock;
  uint64_t ns;
};

struct lti_span {
  struct lti_knot from, to;
  double ns_per_tick;
};

#define LTI_KNOTS 8u

struct lti_clockmap {
  bool is_tsc;
  struct lti_knot sealed;            /* the last watermark */
  struct lti_knot recent[LTI_KNOTS]; /* oldest first, later than sealed */
  uint32_t n;
};

/* Both clocks now. */
struct lti_knot lti_knot_take(bool is_tsc);

/* Begin with a first knot. */
void lti_clockmap_init(struct lti_clockmap *map, bool is_tsc,
                       struct lti_knot first);

/* A knot taken after all rings were read: a watermark, when it has aged. */
void lti_clockmap_note(struct lti_clockmap *map, struct lti_knot knot);

/* The newest knot that is old enough and later than the last watermark.
 * Returns: false when there is none; *knot is then untouched. */
bool lti_clockmap_watermark(const struct lti_clockmap *map, uint64_t now_ns,
                            struct lti_knot *knot);

/* Make a knot the last watermark. */
void lti_clockmap_seal(struct lti_clockmap *map, struct lti_knot knot);

/* The line between two knots, and a point on it; clocks outside take the nearer
 * end's time. */
struct lti_span lti_span_of(struct lti_knot from, struct lti_knot to);

static inline uint64_t lti_span_ns(const struct lti_span *span,
                                   uint64_t clock) {
  if (clock <= span->from.clock)
    return span->from.ns;
  if (clock >= span->to.clock)
    return span->to.ns;
  /* As signed numbers, which the processor converts by itself. */
  double ns = (double)(int64_t)(clock - span->from.clock) * span->ns_per_tick;
  uint64_t at = span->from.ns + (uint64_t)(int64_t)ns;
  return at < span->to.ns ? at : span->to.ns;
}

#endif
