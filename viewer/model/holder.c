/* Who holds the lock that a thread waits for, or which thread it waits for.
 *
 * Told just before the call that waited, and by the watchdog while it waits: the
 * newest counts, with the newest stack.  Called by the builder. */
#include <stdio.h>
#include <stdlib.h>

#include "model/build.h"

/* The recorder ends a thread's name with "thread 4711)", or that is all of it. */
static bool is_named(struct builder *b, uint32_t thread, uint64_t name) {
  const struct model_source *s = &b->source;
  const lt_thread_def *def = s->thread(s->context, thread);
  const char *text = s->string(s->context, name), *last = NULL;
  for (const char *at = text; at && (at = strstr(at, "thread ")); at += 7)
    last = at + 7;
  char *end;
  return def && last && *last >= '1' && *last <= '9' &&
         strtol(last, &end, 10) == def->tid && (!*end || strcmp(end, ")") == 0);
}

void holders_note(struct builder *b, struct thread *th, const lt_event *e) {
  uint32_t stack = e->b <= UINT32_MAX ? (uint32_t)e->b : 0;
  bool is_new = th->holder.lock != e->ref;
  th->holder.lock = e->ref;
  th->holder.name = e->a;
  th->holder.is_self = is_named(b, e->thread, e->a);
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

bool holders_is_self(const struct thread *th, unsigned callee, uint64_t ref) {
  return holders_name_of(th, callee, ref) && th->holder.is_self;
}

void holders_give(struct thread *th, struct model_call *call) {
  if (!holders_name_of(th, call->callee, call->ref))
    return;
  call->on_name = th->holder.name;
  call->is_self = th->holder.is_self;
  call->holder_stack = th->holder.stack;
  th->holder.lock = 0;
}
