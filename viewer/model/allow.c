/* Where the program allowed itself to block: LT_ALLOW_BLOCKING.
 *
 * Invariant: a scope belongs to the slice that opened it, or to the time
 * between two runs, and ends with it at the latest, so that a longjmp out of
 * one hides nothing later.  Called by the builder and by frame.c. */
#include "model/build.h"

static size_t slice_of(const struct thread *th) {
  return th->n_frames - 1;
}

void allows_begin(struct thread *th, const lt_event *e) {
  if (th->n_frames == 0) {
    if (th->allow.n++ == 0) {
      th->allow.since_ns = e->time_ns;
      th->allow.why = e->a;
    }
    return;
  }
  struct frame *f = &th->frames[slice_of(th)];
  if (f->n_allows++ > 0)
    return;
  f->allow_ns = e->time_ns;
  f->allow_for = e->a;
}

/* All frames below were held up by it, too. */
static void settle(struct thread *th, size_t from, int64_t now_ns) {
  const struct frame *by = &th->frames[from];
  for (size_t i = 0; i <= from; i++) {
    struct frame *f = &th->frames[i];
    int64_t begin = by->allow_ns > f->segment_ns ? by->allow_ns : f->segment_ns;
    if (!f->is_open || now_ns <= begin)
      continue;
    f->allowed_ns = add_ns(f->allowed_ns, now_ns - begin);
    f->allowed_for = by->allow_for;
  }
}

int64_t allows_between(const struct thread *th, int64_t now_ns) {
  return add_ns(th->allow.ns, th->allow.n ? now_ns - th->allow.since_ns : 0);
}

void allows_end(struct thread *th, int64_t now_ns) {
  if (th->n_frames == 0) {
    if (th->allow.n == 1)
      th->allow.ns = allows_between(th, now_ns);
    th->allow.n -= th->allow.n > 0;
    return;
  }
  struct frame *f = &th->frames[slice_of(th)];
  if (f->n_allows == 0 || --f->n_allows > 0)
    return;
  settle(th, slice_of(th), now_ns);
}

void allows_leave(struct thread *th, size_t i, int64_t now_ns) {
  settle(th, i, now_ns);
  th->frames[i].n_allows = 0;
}

bool allows_is_open(const struct thread *th) {
  for (size_t i = 0; i < th->n_frames; i++)
    if (th->frames[i].n_allows)
      return true;
  return th->n_frames == 0 && th->allow.n;
}
