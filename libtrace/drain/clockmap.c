/* Knots and the lines between them.
 *
 * Invariant: sealed and recent are in ascending order on both clocks.  Called
 * by the drain at each step. */
#include "drain/clockmap.h"

#include <string.h>

#include "record/clock.h"

#define SPACING_NS 10000000u /* between knots that are kept */
#define AGE_NS 20000000u     /* of a knot that becomes a watermark */

/* The middle of the narrowest of a few looks: being preempted between the two
 * clocks would put them apart. */
struct lti_knot lti_knot_take(bool is_tsc) {
  struct lti_knot best = {0, 0};
  uint64_t best_width = UINT64_MAX;
  if (!is_tsc) {
    best.clock = best.ns = lti_monotonic_ns();
    return best;
  }
  for (int i = 0; i < 4; i++) {
    uint64_t before = lti_clock_read(1);
    uint64_t ns = lti_monotonic_ns();
    uint64_t width = lti_clock_read(1) - before;
    if (width < best_width) {
      best_width = width;
      best.clock = before + width / 2;
      best.ns = ns;
    }
  }
  return best;
}

void lti_clockmap_init(struct lti_clockmap *map, bool is_tsc,
                       struct lti_knot first) {
  memset(map, 0, sizeof *map);
  map->is_tsc = is_tsc;
  map->sealed = first;
}

void lti_clockmap_note(struct lti_clockmap *map, struct lti_knot knot) {
  const struct lti_knot *last =
      map->n ? &map->recent[map->n - 1] : &map->sealed;
  if (knot.clock <= last->clock || knot.ns < last->ns + SPACING_NS)
    return;
  if (map->n == LTI_KNOTS) {
    memmove(map->recent, map->recent + 1,
            (LTI_KNOTS - 1) * sizeof map->recent[0]);
    map->n--;
  }
  map->recent[map->n++] = knot;
}

bool lti_clockmap_watermark(const struct lti_clockmap *map, uint64_t now_ns,
                            struct lti_knot *knot) {
  for (uint32_t i = map->n; i-- > 0;)
    if (map->recent[i].ns + AGE_NS <= now_ns) {
      *knot = map->recent[i];
      return true;
    }
  return false;
}

void lti_clockmap_seal(struct lti_clockmap *map, struct lti_knot knot) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < map->n; i++)
    if (map->recent[i].clock > knot.clock)
      map->recent[kept++] = map->recent[i];
  map->n = kept;
  map->sealed = knot;
}

struct lti_span lti_span_of(struct lti_knot from, struct lti_knot to) {
  struct lti_span span = {from, to, 0};
  if (to.clock > from.clock && to.ns > from.ns)
    span.ns_per_tick =
        (double)(to.ns - from.ns) / (double)(to.clock - from.clock);
  return span;
}
