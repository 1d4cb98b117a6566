/* A loop on trial.
 *
 * A loop that has callbacks to run looks at its descriptors without waiting:
 * asyncio does so before its first coroutine.  Whether it is a loop is known
 * later, and what it did by then may be what held it up.  So the long turns are
 * kept here, and told (as EARLY_TURN) once it is one; what explains them, the
 * blocking calls and the totals, is in the ring already.
 *
 * Most of those who look are no loops: a trial ends by itself, and a thread
 * that had some in vain gets no more; doc/decisions/0030. */
#include "hook/trial.h"

#include "hook/call.h"

enum { LOOKS_MAX = 1000, CALLS_MAX = 100000, SPINS_LEAST = 2 };

static __thread struct trial {
  const void *site; /* as of lti_foreign_way() */
  struct lti_waits fds;
  uint32_t epoch;    /* of the recording it began in, */
  uint32_t times_on; /* which had been switched on so often */
  uint32_t n_calls;
  uint16_t n_looks, n_spins;
  bool is_looking; /* the last time it came to look, not to wait */
  bool has_slept;  /* or may have, in a blocking call since then */
  uint8_t n_turns; /* in the slot: lti_thread.early */
  uint64_t since;  /* it came back from its last look, or wait */
  uint64_t longest; /* of the turns */
  uint64_t unjudged;
} trial __attribute__((tls_model("initial-exec")));

bool lti_trial_is(const void *site, const struct lti_waits *fds) {
  return site == trial.site && lti_waits_meet(&trial.fds, fds);
}

bool lti_trial_has(int fd) {
  return lti_waits_have(&trial.fds, fd);
}

bool lti_trial_is_of_epoll(void) {
  return !trial.site;
}

void lti_trial_begin(const void *site, const struct lti_waits *fds,
                     bool is_look) {
  lti_process_revive();
  if (lti_self.on_trial)
    lti_trial_drop();
  if (!lti_is_on() || lti_process.is_confined)
    return;
  lti_sync();
  lti_usage_emit(); /* the first event of a thread: it may get no slot */
  struct lti_proc *proc = lti_process.proc; /* its recording may end */
  if (!lti_self.slot || !proc)
    return;
  if (atomic_load_explicit(&proc->loops, memory_order_relaxed))
    lti_modules_emit(); /* else they are told with the first loop */
  trial = (struct trial){.site = site,
                         .fds = *fds,
                         .epoch = lti_epoch(),
                         .times_on = lti_times_on(),
                         .unjudged = trial.unjudged};
  lti_self.on_trial = 1;
  lti_trial_go(is_look);
}

void lti_trial_restart(void) {
  trial.n_turns = 0;
  trial.longest = 0;
}

static void end(void) {
  lti_trial_set(0, 0);
  lti_trial_restart();
}

void lti_trial_drop(void) {
  uint8_t *left = trial.site ? &lti_self.trials_at : &lti_self.trials;
  *left -= *left > 0;
  end();
}

/* It would be known to be one by now. */
static void give_up(void) {
  if (trial.unjudged < trial.longest)
    trial.unjudged = trial.longest;
  lti_trial_drop();
  if (trial.site)
    lti_self.trials_at = 0;
  else
    lti_self.trials = 0;
}

void lti_trial_called(uint64_t ticks) {
  trial.has_slept |= ticks >= lti_process.ticks_min_block;
  if (++trial.n_calls > CALLS_MAX)
    give_up();
}

static uint64_t length_of(unsigned i) {
  return lti_self.slot->early[i].end - lti_self.slot->early[i].begin;
}

/* The shortest makes room. */
static void keep_turn(uint64_t begin, uint64_t end) {
  struct lti_thread *slot = lti_self.slot;
  unsigned i = 0;
  if (trial.longest < end - begin)
    trial.longest = end - begin;
  if (trial.n_turns == LTI_EARLY) {
    for (unsigned k = 1; k < LTI_EARLY; k++)
      if (length_of(k) < length_of(i))
        i = k;
    if (length_of(i) >= end - begin)
      return;
    for (trial.n_turns--; i < trial.n_turns; i++)
      slot->early[i] = slot->early[i + 1];
  }
  slot->early[trial.n_turns].begin = begin;
  slot->early[trial.n_turns++].end = end;
}

/* Not where recording was switched, or this is a child of the thread that was
 * on trial, or the thread is about to end. */
static bool is_valid(void) {
  return trial.epoch == lti_epoch() && *lti_process.alive && lti_self.slot &&
         !lti_self.depth && trial.times_on == lti_times_on();
}

bool lti_trial_return(void) {
  if (!is_valid()) {
    end();
    return false;
  }
  uint64_t now = lti_now();
  if (!trial.since) /* it has left a wait in another way than back */
    lti_trial_restart();
  else if (trial.site && lti_clock_ns(now - trial.since) >= LTI_REGULAR_NS)
    lti_trial_restart();
  else if (now - trial.since > lti_process.ticks_usage)
    keep_turn(trial.since, now);
  else if (trial.is_looking && !trial.has_slept)
    trial.n_spins++;
  trial.since = 0;
  lti_trial_set(1, 0);
  lti_usage_refresh(now);
  return true;
}

void lti_trial_go(bool is_look) {
  uint64_t now = lti_now();
  trial.is_looking = is_look;
  trial.has_slept = false;
  if (is_look && ++trial.n_looks > LOOKS_MAX) {
    give_up();
    return;
  }
  if (!is_look) {
    trial.n_looks = 0;
    lti_usage_refresh(now);
  }
  trial.since = now;
  lti_trial_set(1, now);
}

void lti_trial_tell(uint32_t loop) {
  uint64_t now = lti_now();
  for (unsigned i = 0; lti_self.slot && i < trial.n_turns; i++)
    lti_emit_at(now, LT_EARLY_TURN, loop, 0,
                now - lti_self.slot->early[i].begin, length_of(i));
  end();
  lti_self.trials = lti_self.trials_at = LTI_TRIALS;
}

bool lti_trial_spins(void) {
  return !trial.site && trial.n_spins >= SPINS_LEAST;
}

bool lti_trial_closed(int fd, struct lti_waits *fds) {
  if (!lti_waits_have(&trial.fds, fd))
    return false;
  *fds = trial.fds;
  if (!is_valid()) {
    end();
    return false;
  }
  if (lti_trial_spins())
    return true;
  lti_waits_drop(&trial.fds, fd);
  if (trial.fds.n == 0)
    lti_trial_drop();
  return false;
}

uint64_t lti_trial_unjudged(void) {
  uint64_t ticks = trial.unjudged;
  trial.unjudged = 0;
  return ticks;
}
