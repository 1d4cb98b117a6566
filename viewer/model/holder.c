/* Who holds the lock that a thread waits for, or which thread it waits for.
 *
 * Told just before the call that waited, and by the watchdog while it waits: the
 * newest counts, with the newest stack.  Called by the builder. */
#include "model/build.h"

void holders_note(struct thread *th, const lt_event *e) {
  uint32_t stack = e->b <= UINT32_MAX ? (uint32_t)e->b : 0;
  bool is_new = th->holder.lock != e->ref;
  th->holder.lock = e->ref;
  th->holder.name = e->a;
  if (stack || is_new)
    th->holder.stack = stack;
}

uint64_t holders_name_of(const struct thread *th, unsigned callee,
                         uint64_t ref) {
  return th->holder.lock && th->holder.lock == ref &&
                 (model_waits_for_lock(callee, ref) ||
                  model_waits_for_thread(callee, ref))
             ? th->holder.name
             : 0;
}

void holders_give(struct thread *th, struct model_call *call) {
  if (!holders_name_of(th, call->callee, call->ref))
    return;
  call->on_name = th->holder.name;
  call->holder_stack = th->holder.stack;
  th->holder.lock = 0;
}
