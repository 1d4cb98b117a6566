/* The list of troubles, and what they are called.
 *
 * Invariant: a pointer from troubles_add() holds until the next one.  Called by
 * the builder's files. */
#include "model/trouble.h"

#include <stdlib.h>

#include "model/build.h"

#define TROUBLES_MAX 4096

const char *model_trouble_rule(enum model_trouble_kind kind) {
  static const char *const rules[] = {
      [MODEL_LATE_TIMER] = "late-timer",
      [MODEL_STARVED_TIMER] = "starved-timer",
      [MODEL_POOL_SATURATED] = "pool-saturated",
      [MODEL_HANDLE_LEAK] = "handle-leak",
      [MODEL_NEVER_CLOSED] = "handle-leak",
      [MODEL_NEVER_FINISHED] = "never-finished",
      [MODEL_AWAIT_CYCLE] = "await-cycle",
  };
  return rules[kind];
}

struct model_trouble *troubles_add(struct builder *b) {
  struct model *m = &b->model;
  if (m->n_troubles >= TROUBLES_MAX)
    return NULL;
  if ((m->n_troubles & (m->n_troubles - 1)) == 0) { /* grows by doubling */
    size_t cap = m->n_troubles ? m->n_troubles * 2 : 1;
    struct model_trouble *more = realloc(m->troubles, cap * sizeof *more);
    if (!more) {
      b->is_out_of_memory = true;
      return NULL;
    }
    m->troubles = more;
  }
  return &m->troubles[m->n_troubles++];
}
