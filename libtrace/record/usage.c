/* What the thread has used, and the brackets of loops and polls.
 *
 * wall = cpu + run delay + blocked: with the first two the cause of a stall is
 * known.  They cost four system calls (about 8 us together), so they are read at
 * most once in usage_age_ns, never for every callback. */
#include "record/emit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TORN_NS 500000

/* Second number of schedstat: ns runnable but not running.  The file is opened
 * each time: a descriptor kept open could be closed or replaced by the host. */
uint64_t lti_run_delay(void) {
  char buf[96];
  if (lti_process.is_confined)
    return 0;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/thread-self/schedstat",
                        O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  long n = syscall(SYS_read, fd, buf, sizeof buf - 1);
  (void)syscall(SYS_close, fd);
  if (n <= 0)
    return 0;
  buf[n] = 0;
  char *at = buf;
  (void)strtoull(at, &at, 10);
  return *at == ' ' ? strtoull(at, NULL, 10) + 1 : 0;
}

/* Totals belong together and to their moment: where the thread had to wait for a
 * CPU in between, they are read again. */
void lti_usage_emit(void) {
  int saved = errno;
  if (lti_process.is_confined)
    return;
  struct timespec cpu = {0, 0};
  struct rusage usage = {0};
  uint64_t delay, began, now;
  int tries = 0;
  do {
    began = lti_now();
    delay = lti_run_delay();
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    (void)getrusage(RUSAGE_THREAD, &usage);
    now = lti_now();
  } while (lti_clock_ns(now - began) > TORN_NS && ++tries < 3);
  lti_self.usage_clock = now;
  lti_emit_at(now, LT_USAGE, (unsigned)usage.ru_majflt & 0xffff,
              (uint64_t)usage.ru_nvcsw & LTI_REF_MAX,
              (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec,
              delay);
  errno = saved;
}

static void set_doing(enum lti_doing doing, uint64_t since) {
  struct lti_thread *slot = lti_self.slot;
  if (!slot)
    return;
  atomic_store_explicit(&slot->doing, doing, memory_order_relaxed);
  atomic_store_explicit(&slot->since, since, memory_order_relaxed);
}

static void begin_loop(uint64_t now) {
  struct lti_self *self = &lti_self;
  lti_emit_at(now, LT_LOOP_BEGIN, self->loop, 0, self->mode, 0);
  if (self->slot)
    atomic_store_explicit(&self->slot->loop, self->loop, memory_order_relaxed);
}

void lti_sync_slow(uint32_t times) {
  struct lti_self *self = &lti_self;
  if (!times)
    return; /* switched off just now */
  lti_slot_check();
  bool was_on = self->on != LTI_ON_NONE;
  self->on = times;
  uint64_t now = lti_now();
  if (was_on)
    lti_emit_at(now, LT_LOOP_END, 0, 0, 0, 0); /* LTI_ALL_ENDED */
  if (!self->depth) {
    if (was_on && self->n_runs) /* what came since the last run is unknown */
      lti_emit_at(now, LT_LOOP_END, self->turned, 0, 0, 0);
    self->attended = self->n_runs = 0;
    set_doing(LTI_DOING_NOTHING, 0);
    return;
  }
  lti_modules_emit();
  self->told = self->depth;
  begin_loop(now);
  if (!self->foreign)
    set_doing(LTI_DOING_RUN, now);
  lti_usage_emit();
}

void lti_loop_enter(struct lti_outer *outer, uint32_t loop, unsigned mode) {
  struct lti_self *self = &lti_self;
  if (lti_is_on())
    lti_sync(); /* of the loops around this one */
  outer->loop = self->loop;
  outer->doing = LTI_DOING_NOTHING;
  outer->since = 0;
  outer->foreign = self->foreign;
  outer->mode = self->mode;
  self->foreign |= self->depth > 0 && self->loop != loop;
  self->attended = ++self->depth;
  self->loop = loop;
  self->mode = (uint8_t)mode;
  if (!lti_is_on())
    return;
  lti_modules_emit();
  uint64_t now = lti_now();
  if (self->slot) {
    outer->doing = atomic_load_explicit(&self->slot->doing,
                                        memory_order_relaxed);
    outer->since =
        atomic_load_explicit(&self->slot->since, memory_order_relaxed);
  }
  if (self->depth == 1)
    self->told = 1;
  begin_loop(now);
  if (!self->foreign)
    set_doing(LTI_DOING_RUN, now);
  lti_usage_refresh(now);
}

/* A turn has ended: what it used is worth knowing when it was long. */
static void turn_ended(uint64_t now) {
  struct lti_thread *slot = lti_self.slot;
  if (slot &&
      now - atomic_load_explicit(&slot->since, memory_order_relaxed) >
          lti_process.ticks_usage)
    lti_usage_refresh(now);
}

/* The outermost run has ended.  The modes ONCE and NOWAIT are of who will come
 * again. */
static void left_outermost(uint64_t now, uint32_t loop, unsigned mode,
                           unsigned result) {
  struct lti_self *self = &lti_self;
  bool goes_on = result && (mode == LT_LOOP_ONCE || mode == LT_LOOP_NOWAIT);
  if (!goes_on || self->turned != loop)
    self->n_runs = 0;
  self->turned = loop;
  if (goes_on && self->n_runs < LTI_RUNS_REGULAR)
    self->n_runs++;
  self->attended = self->n_runs == LTI_RUNS_REGULAR;
  set_doing(self->attended ? LTI_DOING_BETWEEN : LTI_DOING_NOTHING, now);
}

void lti_loop_leave(const struct lti_outer *outer, unsigned result) {
  struct lti_self *self = &lti_self;
  uint32_t loop = self->loop;
  unsigned mode = self->mode;
  if (lti_is_on())
    lti_sync();
  lti_depth_drop();
  self->loop = outer->loop;
  self->mode = outer->mode;
  self->foreign = outer->foreign;
  if (!lti_is_on())
    return;
  uint64_t now = lti_now();
  lti_emit_at(now, LT_LOOP_END, loop, 0, result, 0);
  if (self->depth && self->depth < self->told) {
    self->told = self->depth; /* it was entered before this was switched on */
    begin_loop(now);
  }
  turn_ended(now);
  if (self->slot)
    atomic_store_explicit(&self->slot->loop, outer->loop,
                          memory_order_relaxed);
  if (self->depth)
    set_doing(outer->doing, outer->since);
  else
    left_outermost(now, loop, mode, result);
}

void lti_trial_set(bool is_on, uint64_t since) {
  struct lti_self *self = &lti_self;
  self->on_trial = is_on;
  if (self->depth)
    return;
  self->attended = is_on;
  if (lti_is_on())
    set_doing(since ? LTI_DOING_MAYBE : LTI_DOING_NOTHING, since);
}

void lti_poll_enter(int timeout_ms) {
  if (!lti_is_on())
    return;
  lti_sync();
  uint64_t now = lti_now();
  turn_ended(now);
  lti_emit_on(now, LT_POLL_BEGIN, 0, 0,
              timeout_ms < 0 ? 0 : (uint64_t)timeout_ms + 1, 0);
  if (!lti_self.foreign) /* else the outer loop does not come back */
    set_doing(LTI_DOING_POLL, now);
}

/* When a thread that slept could have run, and had no CPU, its loop's next stall
 * is not to be blamed for that: the totals are read between the two. */
static bool has_polled_long(uint64_t now) {
  const struct lti_thread *slot = lti_self.slot;
  return slot && !lti_self.foreign &&
         now - atomic_load_explicit(&slot->since, memory_order_relaxed) >
             lti_process.ticks_usage / 2;
}

void lti_poll_leave(int n_ready) {
  if (!lti_is_on())
    return;
  lti_sync();
  uint64_t now = lti_now();
  lti_emit_on(now, LT_POLL_END, 0, 0, n_ready < 0 ? 0 : (uint64_t)n_ready, 0);
  bool is_long = has_polled_long(now);
  if (!lti_self.foreign)
    set_doing(LTI_DOING_RUN, now);
  if (is_long)
    lti_usage_emit();
  else
    lti_usage_refresh(now);
}

/* Switched off and on meanwhile, nothing is known of what came before, and the
 * thread is attended no more. */
static bool waits_between(void) {
  if (!lti_is_on())
    return false;
  lti_sync();
  return lti_is_between();
}

void lti_wait_enter(int timeout_ms) {
  if (!waits_between())
    return;
  uint64_t now = lti_now();
  turn_ended(now);
  lti_emit_on(now, LT_POLL_BEGIN, 0, 0,
              timeout_ms < 0 ? 0 : (uint64_t)timeout_ms + 1, 0);
  set_doing(LTI_DOING_POLL, now);
}

void lti_wait_leave(int n_ready) {
  if (!waits_between())
    return;
  uint64_t now = lti_now();
  lti_emit_on(now, LT_POLL_END, 0, 0, n_ready < 0 ? 0 : (uint64_t)n_ready, 0);
  bool is_long = has_polled_long(now);
  set_doing(LTI_DOING_BETWEEN, now);
  if (is_long)
    lti_usage_emit();
  else
    lti_usage_refresh(now);
}
