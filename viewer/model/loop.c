/* The loops of a trace: totals, and the two rows of each for the minimap.
 *
 * Invariant: model.loops and loop_extra have the same length; a bin holds the
 * largest value that touches it, never a mean.  Called by the builder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/build.h"
#include "output/inert.h"

#define LOOPS_MAX 4096

uint32_t loops_index(struct builder *b, uint32_t id) {
  struct model *m = &b->model;
  for (size_t i = 0; i < m->n_loops; i++)
    if (m->loops[i].id == id)
      return (uint32_t)i;
  if (m->n_loops >= LOOPS_MAX)
    return NO_LOOP;
  struct model_loop *loops =
      realloc(m->loops, (m->n_loops + 1) * sizeof *loops);
  if (!loops)
    return NO_LOOP;
  m->loops = loops;
  struct loop_extra *extra =
      realloc(b->loop_extra, (m->n_loops + 1) * sizeof *extra);
  if (!extra)
    return NO_LOOP;
  b->loop_extra = extra;
  memset(&loops[m->n_loops], 0, sizeof *loops);
  memset(&extra[m->n_loops], 0, sizeof *extra);
  loops[m->n_loops].id = id;
  loops[m->n_loops].first_ns = b->now_ns;
  return (uint32_t)m->n_loops++;
}

/* Time goes on: nearly always it is the bin that was asked for last. */
static size_t bin_at(struct builder *b, int64_t time_ns) {
  if (time_ns >= b->last_bin_ns && time_ns < b->last_bin_end_ns)
    return b->last_bin;
  if (time_ns < 0)
    return 0;
  int64_t bin = time_ns / b->bin_ns;
  if (bin >= MODEL_BINS)
    return MODEL_BINS - 1;
  b->last_bin = (size_t)bin;
  b->last_bin_ns = bin * b->bin_ns;
  b->last_bin_end_ns = b->last_bin_ns + b->bin_ns;
  return (size_t)bin;
}

void loops_longest(struct builder *b, uint32_t loop, int64_t from, int64_t to,
                   int64_t duration_ns) {
  int64_t *longest = b->model.loops[loop].longest;
  for (size_t i = bin_at(b, from), last = bin_at(b, to); i <= last; i++)
    if (longest[i] < duration_ns)
      longest[i] = duration_ns;
}

/* busy[] holds nanoseconds until loops_finish() makes shares of them. */
void loops_held(struct builder *b, uint32_t loop, int64_t from, int64_t to) {
  struct model_loop *l = &b->model.loops[loop];
  if (from >= b->warmup_ns)
    l->busy_ns = add_ns(l->busy_ns, to - from);
  loops_longest(b, loop, from, to, to - from);
  for (size_t i = bin_at(b, from), last = bin_at(b, to); i <= last; i++) {
    int64_t begin = (int64_t)i * b->bin_ns, end = begin + b->bin_ns;
    if (begin < from)
      begin = from;
    if (end > to || i == MODEL_BINS - 1)
      end = to;
    l->busy[i] += (float)(end - begin);
  }
}

void loops_turn(struct builder *b, uint32_t loop, int64_t from, int64_t to) {
  struct model_loop *l = &b->model.loops[loop];
  if (from >= b->warmup_ns) {
    l->turns++;
    model_histogram_add(&l->turn, to - from);
  }
  loops_held(b, loop, from, to);
}

static void name_loop(struct builder *b, size_t i) {
  const struct model_source *s = &b->source;
  struct model_loop *l = &b->model.loops[i];
  const char *name = NULL;
  char number[32];
  if (b->loop_extra[i].name)
    name = s->string(s->context, b->loop_extra[i].name);
  if (!name || !*name) {
    const lt_loop_def *def = s->loop(s->context, l->id);
    name = def ? def->name : NULL;
  }
  if (!name || !*name) {
    const lt_thread_def *thread = s->thread(s->context, l->thread);
    name = !thread ? NULL : thread->is_main ? "main" : thread->name;
  }
  if (!name || !*name) {
    snprintf(number, sizeof number, "loop %u", l->id);
    name = number;
  }
  inert(name, l->name, sizeof l->name);
  for (size_t j = 0; j < i; j++)
    if (strcmp(b->model.loops[j].name, l->name) == 0) {
      char plain[20];
      inert(name, plain, sizeof plain);
      snprintf(l->name, sizeof l->name, "%s #%u", plain, l->id);
      break;
    }
}

void loops_finish(struct builder *b) {
  for (size_t i = 0; i < b->model.n_loops; i++) {
    struct model_loop *l = &b->model.loops[i];
    name_loop(b, i);
    for (size_t j = 0; j < MODEL_BINS; j++) {
      l->busy[j] /= (float)b->bin_ns;
      if (l->busy[j] > 1)
        l->busy[j] = 1;
    }
  }
}
