/* The stack of open brackets, as the format defines it.
 *
 * Invariant: n is at most 64; a closing event takes off what it closes and all
 * above it, or nothing.  Called by the writer and the reader for each event. */
#include "format/brackets.h"

bool lti_bracket_opens(unsigned kind) {
  return kind == LT_RESUME || kind == LT_POLL_BEGIN || kind == LT_LOOP_BEGIN ||
         kind == LT_POOL_BEGIN;
}

void lti_brackets_push(struct lti_brackets *open,
                       const struct lti_bracket *bracket) {
  if (open->n < LTI_BRACKETS_MAX)
    open->at[open->n++] = *bracket;
}

/* The kind of bracket that an event of this kind closes, 0 for none. */
static unsigned closes(unsigned kind) {
  switch (kind) {
  case LT_AWAIT:
  case LT_DONE:
    return LT_RESUME;
  case LT_POLL_END:
    return LT_POLL_BEGIN;
  case LT_LOOP_END:
    return LT_LOOP_BEGIN;
  case LT_POOL_END:
    return LT_POOL_BEGIN;
  default:
    return 0;
  }
}

bool lti_bracket_acts(unsigned kind) {
  return lti_bracket_opens(kind) || closes(kind);
}

static bool is_closed_by(const struct lti_bracket *bracket, unsigned kind,
                         uint16_t x, uint64_t ref) {
  if (bracket->kind != kind)
    return false;
  if (kind == LT_LOOP_BEGIN)
    return bracket->x == x;
  return kind == LT_POLL_BEGIN || bracket->ref == ref;
}

void lti_brackets_apply_any(struct lti_brackets *open, int64_t time_ns,
                            unsigned kind, uint16_t x, uint64_t ref,
                            uint64_t a) {
  if (lti_bracket_opens(kind)) {
    struct lti_bracket bracket = {time_ns, ref, a, x, (uint8_t)kind};
    lti_brackets_push(open, &bracket);
    return;
  }
  unsigned closed = closes(kind);
  if (!closed)
    return;
  for (uint32_t i = open->n; i-- > 0;)
    if (is_closed_by(&open->at[i], closed, x, ref)) {
      open->n = i;
      return;
    }
}
