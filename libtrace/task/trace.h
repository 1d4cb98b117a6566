/* Events of tasks, through the recorder in use: recorder.h.
 *
 * As lti_emit_at(), lti_slice_begin() and lti_slice_end(), but with the thread's
 * block and the process from the scheduler, since task/ and the attached recorder
 * may lie in two libraries.  One clock read serves the end of one slice and the
 * begin of the next. */
#ifndef LTI_TASK_TRACE_H
#define LTI_TASK_TRACE_H

#include "task/sched.h"

static inline bool lti_task_is_on(const struct lti_sched *s) {
  return *s->process->alive &&
         atomic_load_explicit(s->process->enabled, memory_order_relaxed);
}

static inline uint64_t lti_task_clock(const struct lti_sched *s) {
  return lti_clock_read(s->process->clock_is_tsc);
}

static inline void lti_task_emit_at(struct lti_sched *s, uint64_t clock,
                                    unsigned kind, unsigned x, uint64_t ref,
                                    uint64_t a, uint64_t b) {
  struct lti_self *self = s->self;
  if (__builtin_expect(self->busy, 0)) {
    s->recorder->lost(LT_LOST_NESTED);
    return;
  }
  self->busy = 1;
  atomic_signal_fence(memory_order_seq_cst); /* against our own handlers */
  if (__builtin_expect(self->head < self->limit, 1) || s->recorder->room(1))
    lti_record_put(self, clock, kind, x, ref, a, b);
  atomic_signal_fence(memory_order_seq_cst);
  self->busy = 0;
}

static inline void lti_task_emit(struct lti_sched *s, unsigned kind, unsigned x,
                                 uint64_t ref, uint64_t a, uint64_t b) {
  if (lti_task_is_on(s))
    lti_task_emit_at(s, lti_task_clock(s), kind, x, ref, a, b);
}

static inline uint64_t lti_task_id(struct lti_sched *s) {
  struct lti_self *self = s->self;
  if (__builtin_expect(self->task_next < self->task_end, 1))
    return self->task_next++;
  return s->recorder->task_new();
}

/* A piece of work that is not a task of ours, but that one awaits: a request, a
 * job.  Returns its id, 0 while tracing is off. */
static inline uint64_t lti_work_begin(struct lti_sched *s, unsigned kind,
                                      const void *function,
                                      const void *caller) {
  if (!lti_task_is_on(s))
    return 0;
  uint64_t id = lti_task_id(s);
  if (id)
    lti_task_emit(s, LT_SPAWN, kind, id, (uintptr_t)function,
                  (uintptr_t)caller);
  return id;
}

static inline void lti_work_end(struct lti_sched *s, uint64_t id,
                                int64_t result) {
  if (id)
    lti_task_emit(s, LT_DONE, result == UV_ECANCELED, id, (uint64_t)result, 0);
}

/* Where a task awaits others; its await follows. */
static inline void lti_task_awaits_at(struct lti_sched *s,
                                      const struct lti_tcb *me,
                                      const void *caller) {
  if (me->id)
    lti_task_emit(s, LT_AWAIT_SITE, 0, me->id, (uintptr_t)caller, 0);
}

/* A task that waits could run from now on. */
static inline void lti_task_ready(struct lti_sched *s, const struct lti_tcb *t,
                                  lt_ready why, uint64_t by) {
  if (t->id)
    lti_task_emit(s, LT_READY, why, t->id, by, 0);
}

#endif
