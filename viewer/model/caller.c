/* Blocking calls by loop, place and callee: what a budget of calls counts.
 *
 * Invariant: at most MODEL_CALLERS_MAX rows and one more a loop for the rest.
 * Called by the builder. */
#include <stdlib.h>

#include "model/build.h"

static struct caller_row *row_get(struct caller_row **rows, uint32_t loop,
                                  bool is_allowed,
                                  const struct model_call *call) {
  bool is_full = HASH_COUNT(*rows) >= MODEL_CALLERS_MAX;
  uint64_t key = (uint64_t)call->site << 32 | (uint64_t)(loop & 0x7fff) << 17 |
                 (uint64_t)(call->callee & 0xffff) << 1 | is_allowed;
  struct caller_row *row;
  HASH_FIND(hh, *rows, &key, sizeof key, row);
  if (row)
    return row;
  struct model_caller caller = {.loop = loop,
                                .site = call->site,
                                .callee = call->callee,
                                .is_allowed = is_allowed};
  if (is_full) {
    key = UINT64_C(0xffffffff) << 32 | (uint64_t)loop << 1 | is_allowed;
    caller.site = caller.callee = 0;
    HASH_FIND(hh, *rows, &key, sizeof key, row);
    if (row)
      return row;
  }
  row = calloc(1, sizeof *row);
  if (!row)
    return NULL;
  row->caller = caller;
  row->key = key;
  HASH_ADD(hh, *rows, key, sizeof row->key, row);
  if (!row->hh.tbl) {
    free(row);
    return NULL;
  }
  return row;
}

void callers_add(struct caller_row **rows, uint32_t loop, bool is_allowed,
                 const struct model_call *call) {
  struct caller_row *row = row_get(rows, loop, is_allowed, call);
  if (!row)
    return;
  struct model_caller *c = &row->caller;
  c->count++;
  c->total_ns = add_ns(c->total_ns, call->duration_ns);
  if (c->count == 1 || call->duration_ns > c->max_ns) {
    c->max_ns = call->duration_ns;
    c->worst = *call;
  }
}

static int by_total(const void *a, const void *b) {
  const struct model_caller *x = a, *y = b;
  if (x->total_ns != y->total_ns)
    return x->total_ns < y->total_ns ? 1 : -1;
  if (x->site != y->site)
    return x->site < y->site ? -1 : 1;
  return (x->worst.begin_ns > y->worst.begin_ns) -
         (x->worst.begin_ns < y->worst.begin_ns);
}

bool callers_finish(struct caller_row **rows, struct model *model) {
  size_t n = HASH_COUNT(*rows);
  model->callers = calloc(n ? n : 1, sizeof *model->callers);
  if (!model->callers)
    return false;
  struct caller_row *row, *next;
  HASH_ITER(hh, *rows, row, next) {
    model->callers[model->n_callers++] = row->caller;
  }
  callers_fini(rows);
  qsort(model->callers, model->n_callers, sizeof *model->callers, by_total);
  return true;
}

void callers_fini(struct caller_row **rows) {
  struct caller_row *row, *next;
  HASH_ITER(hh, *rows, row, next) {
    HASH_DEL(*rows, row);
    free(row);
  }
}
