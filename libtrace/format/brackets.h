/* What is open on a thread: slices, polls, loops and pool jobs that began and
 * did not end.  Normative for format v1 (doc/format.md, "Brackets"): writer and
 * reader keep this stack by the same code, because the codec OPEN rests on it.
 */
#ifndef LTI_BRACKETS_H
#define LTI_BRACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <looptrace/event.h>

#define LTI_BRACKETS_MAX 64u

struct lti_bracket {
  int64_t begin_ns;
  uint64_t ref;
  uint64_t a;
  uint16_t x;
  uint8_t kind; /* LT_RESUME, LT_POLL_BEGIN, LT_LOOP_BEGIN or LT_POOL_BEGIN */
};

struct lti_brackets {
  uint32_t n;
  struct lti_bracket at[LTI_BRACKETS_MAX]; /* outermost first */
};

/* Does this kind open a bracket? */
bool lti_bracket_opens(unsigned kind);

/* Does this kind open or close one? */
bool lti_bracket_acts(unsigned kind);

/* Push one; when 64 are open, nothing happens. */
void lti_brackets_push(struct lti_brackets *open,
                       const struct lti_bracket *bracket);

/* Let an event act on the stack.  Kinds that neither open nor close do nothing.
 */
void lti_brackets_apply_any(struct lti_brackets *open, int64_t time_ns,
                            unsigned kind, uint16_t x, uint64_t ref,
                            uint64_t a);

/* The same; most events end the slice that was begun last. */
static inline void lti_brackets_apply(struct lti_brackets *open,
                                      int64_t time_ns, unsigned kind,
                                      uint16_t x, uint64_t ref, uint64_t a) {
  const struct lti_bracket *top = open->n ? &open->at[open->n - 1] : NULL;
  if ((kind == LT_AWAIT || kind == LT_DONE) && top && top->kind == LT_RESUME &&
      top->ref == ref)
    open->n--;
  else
    lti_brackets_apply_any(open, time_ns, kind, x, ref, a);
}

/* The ref of the innermost open RESUME: the task that runs; 0 for none. */
static inline uint64_t lti_brackets_task(const struct lti_brackets *open) {
  for (uint32_t i = open->n; i-- > 0;)
    if (open->at[i].kind == LT_RESUME)
      return open->at[i].ref;
  return 0;
}

#endif
