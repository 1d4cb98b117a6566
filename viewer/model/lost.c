/* What is missing of a trace: how much, why, and where.
 *
 * Invariant: only what LT_LOST events tell; info->n_lost may be more.  Called
 * by the builder. */
#include <stdlib.h>

#include "model/build.h"

/* The bins of the minimap that a loss lies in. */
static void mark(struct builder *b, int64_t from_ns, int64_t to_ns) {
  struct model *m = &b->model;
  if (!m->has_lost)
    m->has_lost = calloc(MODEL_BINS, sizeof *m->has_lost);
  if (!m->has_lost) {
    b->is_out_of_memory = true;
    return;
  }
  int64_t last = to_ns / b->bin_ns;
  for (int64_t i = from_ns / b->bin_ns; i <= last && i < MODEL_BINS; i++)
    m->has_lost[i] = true;
}

void lost_note(struct builder *b, const lt_event *e) {
  int64_t to = e->time_ns > 0 ? e->time_ns : 0;
  int64_t from = e->b < (uint64_t)to ? to - (int64_t)e->b : 0;
  if (e->x >= LT_LOST_LIMIT)
    return;
  struct model_loss *loss = &b->model.lost[e->x];
  if (!loss->n || from < loss->first_ns)
    loss->first_ns = from;
  if (to > loss->last_ns)
    loss->last_ns = to;
  loss->n = e->a > UINT64_MAX - loss->n ? UINT64_MAX : loss->n + e->a;
  mark(b, from, to);
}
