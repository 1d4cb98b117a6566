/* The stack of what runs on a thread: runs of loops, and slices in them.
 *
 * Invariant: a segment is open only while its frame keeps its loop from
 * polling, and segments that end at the same moment are closed from the
 * innermost out, so that an outer one knows what was already reported.  Called
 * by the builder. */
#include <stdlib.h>
#include <string.h>

#include "model/build.h"

bool frames_is_outermost(const struct thread *th, size_t i) {
  if (!th->frames[i].is_run)
    return false;
  for (size_t j = 0; j < i; j++)
    if (th->frames[j].is_run && th->frames[j].loop == th->frames[i].loop)
      return false;
  return true;
}

/* The task that runs: that of the innermost slice. */
struct task *frames_task(struct builder *b, struct thread *th) {
  for (size_t i = th->n_frames; i-- > 0;) {
    const struct frame *f = &th->frames[i];
    if (!f->is_run)
      return f->seen && f->seen->id == f->task ? f->seen
                                               : tasks_get(&b->tasks, f->task);
  }
  return NULL;
}

struct frame *frames_push(struct builder *b, struct thread *th, int64_t now,
                          bool is_run, uint32_t loop) {
  if (th->n_frames >= FRAMES_MAX)
    return NULL; /* its end will be found to have no begin */
  if (th->n_frames == th->frames_cap) {
    size_t cap = th->frames_cap ? th->frames_cap * 2 : 4;
    struct frame *frames = realloc(th->frames, cap * sizeof *frames);
    if (!frames) {
      b->is_out_of_memory = true;
      return NULL;
    }
    th->frames = frames;
    th->frames_cap = cap;
  }
  struct frame *f = &th->frames[th->n_frames++];
  f->is_run = is_run;
  f->is_tainted = false;
  f->task = f->turn = 0;
  f->seen = NULL;
  f->kind = f->site = 0;
  f->loop = loop;
  f->begin_ns = now;
  f->poll_ns = f->child_ns = 0;
  f->foreign_begin_ns = 0;
  f->n_inner = 0;
  f->n_allows = 0;
  f->allow_ns = 0;
  f->allow_for = 0;
  frames_open_segment(b, th, th->n_frames - 1, now);
  return f;
}

/* A delay that lasts is in no totals that the recorder reads: it would seem to
 * come after them. */
static const struct usage *last_usage(const struct thread *th) {
  return th->usage.is_outside && th->own_usage.known ? &th->own_usage
                                                     : &th->usage;
}

static void drop_inner(struct frame *f) {
  while (f->n_inner)
    f->inner[--f->n_inner]->pins--;
}

void frames_open_segment(struct builder *b, struct thread *th, size_t i,
                         int64_t now) {
  struct frame *f = &th->frames[i];
  drop_inner(f);
  f->is_open = true;
  f->segment_ns = now;
  f->n_begin = th->n_own;
  f->foreign_ns = f->reported_foreign_ns = 0;
  f->reported_ns = f->reported_max_ns = 0;
  f->allowed_ns = 0;
  f->allowed_for = 0;
  f->n_foreign = f->n_callbacks = 0;
  f->usage = *last_usage(th);
  calls_clear(&f->calls);
  if (f->loop == NO_LOOP)
    return;
  if (frames_is_outermost(th, i))
    b->loop_extra[f->loop].turn_no++;
  f->turn = b->loop_extra[f->loop].turn_no;
}

void frames_close_segment(struct builder *b, struct thread *th, uint32_t thread,
                          size_t i, int64_t now, bool unfinished) {
  struct frame *f = &th->frames[i];
  if (!f->is_open)
    return;
  f->is_open = false;
  if (f->loop != NO_LOOP && !f->is_tainted) {
    if (frames_is_outermost(th, i))
      loops_turn(b, f->loop, f->segment_ns, now);
    if (now - f->segment_ns >= b->warn_ns)
      stalls_segment(b, th, thread, i, now, unfinished);
  }
  drop_inner(f);
}

/* A slice has ended: what it took belongs to its site. */
static void measure_slice(struct builder *b, struct thread *th,
                          const struct frame *f, int64_t now) {
  int64_t total = now - f->begin_ns - f->poll_ns;
  if (total < 0)
    total = 0;
  int64_t self = total > f->child_ns ? total - f->child_ns : 0;
  for (size_t i = th->n_frames - 1; i-- > 0;)
    if (!th->frames[i].is_run) {
      th->frames[i].child_ns = add_ns(th->frames[i].child_ns, total);
      break;
    }
  sites_add(&b->sites, f->site, f->kind, false, total, self,
            &b->model.callbacks);
  if (f->loop != NO_LOOP)
    loops_longest(b, f->loop, f->begin_ns, now, total);
}

void frames_pop(struct builder *b, struct thread *th, uint32_t thread,
                int64_t now, bool is_measured) {
  struct frame *f = frames_top(th);
  if (f->n_allows)
    allows_leave(th, th->n_frames - 1, now);
  if (is_measured) {
    frames_close_segment(b, th, thread, th->n_frames - 1, now, false);
    if (!f->is_run && !f->is_tainted)
      measure_slice(b, th, f, now);
  }
  if (!f->is_run && (!is_measured || f->is_tainted))
    b->model.n_unmeasured++;
  drop_inner(f);
  th->n_frames--;
}
