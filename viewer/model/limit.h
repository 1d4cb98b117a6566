/* Limits: what a budget says of each loop, and whether it was kept. */
#ifndef LTV_LIMIT_H
#define LTV_LIMIT_H

#include "model/model.h"

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_INCONCLUSIVE };

/*  NAME           name in a budget   rule of what breaks it */
#define LIMIT_MAP(X)                                                           \
  X(STALL_MAX, "stall.max", "stall")                                           \
  X(TURN_P99, "stall.p99", "slow-turns")                                       \
  X(STALL_COUNT, "stall.count", "stall-count")                                 \
  X(UTILIZATION, "utilization.max", "utilization")                             \
  X(BLOCKING_COUNT, "blocking.count", "blocking-call")                         \
  X(LOST_EVENTS, "lost_events.max", "lost-events")                             \
  X(TIMER_LATE, "timer.late", "late-timer")                                    \
  X(POOL_QUEUE, "pool.queue", "pool-saturated")

enum limit_kind {
#define LIMIT_ENUM(name, text, rule) LIMIT_##name,
  LIMIT_MAP(LIMIT_ENUM)
#undef LIMIT_ENUM
      LIMIT_KINDS
};

static inline bool limit_is_time(enum limit_kind kind) {
  return kind == LIMIT_STALL_MAX || kind == LIMIT_TURN_P99 ||
         kind == LIMIT_TIMER_LATE || kind == LIMIT_POOL_QUEUE;
}

/* value: ns, a count, or for UTILIZATION thousandths. */
struct limit {
  enum limit_kind kind;
  int64_t value;
  int64_t over_ns;   /* STALL_COUNT: of stalls longer than this */
  const char *loops; /* names of loops as a glob; NULL: all */
};

#define LIMIT_NO_LOOP UINT32_MAX
/* One limit held against one loop. */
struct limit_result {
  struct limit limit;
  uint32_t loop;    /* index; LIMIT_NO_LOOP: the whole trace */
  int64_t measured; /* as limit.value */
  int64_t possible; /* with what may have been the machine's doing or the
                       program's; 0 where no more is */
  enum verdict verdict;
  bool is_excused; /* it was broken, and that is muted or known: a pass */
};

/* "stall.max", "slow-turns".  Static. */
const char *limit_name(enum limit_kind kind);
const char *limit_rule(enum limit_kind kind);

/* The limit that holds for a loop: the last one of its kind (and over_ns) whose
 * glob matches.  name: NULL for the whole trace.  Returns: NULL for none. */
const struct limit *limit_for(const struct limit *limits, size_t n,
                              enum limit_kind kind, int64_t over_ns,
                              const char *name);

/* Why a stall decides nothing. */
enum limit_out {
  OUT_NOT,
  OUT_EXCUSED, /* muted or known */
  OUT_TOLD,    /* a turn that slices in it tell */
  OUT_WARMUP
};

/* Hold the turns, stalls or use of one loop against TURN_P99, STALL_COUNT or
 * UTILIZATION.  What starvation could have made is no failure; it is
 * INCONCLUSIVE.
 *
 * out: an enum limit_out for each stall of the model. */
struct limit_result limit_judge(const struct model *model,
                                const struct limit *limit, uint32_t loop,
                                const unsigned char *out);

/* Is a turn told by the slices in it, under this budget? */
bool limit_is_told(const struct model_stall *stall, int64_t max_stall_ns);

#endif
