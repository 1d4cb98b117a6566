/* Findings: the stalls of a model held against a budget. */
#ifndef LTV_FINDING_H
#define LTV_FINDING_H

#include "model/limit.h"
#include "model/model.h"

enum finding_level { LEVEL_NOTE, LEVEL_WARNING, LEVEL_ERROR };
enum finding_state {
  FINDING_NEW,
  FINDING_KNOWN, /* in the baseline */
  FINDING_MUTED  /* by a suppression, or in the code itself */
};

struct finding;
struct budget {
  int64_t max_stall_ns;       /* where limits say nothing else */
  const struct limit *limits; /* borrowed */
  size_t n_limits;
  /* What is said of a finding beside its numbers; NULL: nothing.  review may
   * change level, and set state and why; false drops it.  compare may set the
   * state of a group anew. */
  bool (*review)(void *context, const struct model *model, struct finding *f);
  void (*compare)(void *context, const struct model *model, struct finding *f);
  void *context;
  int64_t warmup_ns;          /* stalls that begin before are left out */
  enum finding_level fail_on; /* LEVEL_NOTE: nothing fails */
  bool allow_incomplete;
};

/* Stalls of one rule, loop and place, shown as their worst. */
#define FINDING_OTHERS_MAX 8
struct finding {
  const char *rule; /* "stall", "never-yields", "long-turn", "blocking-call",
                       or that of a limit or trouble */
  enum finding_state state;
  const char
      *why; /* it is muted; raw; NULL or as long-lived as the judgement */
  enum finding_level level; /* of the worst one */
  bool is_undecided;    /* what is unknown of it could have broken the budget */
  uint64_t fingerprint; /* of rule, loop, callback, place and callee; holds no
                           address and no line */
  const struct model_stall *stall;       /* the worst; NULL for blocking-call */
  const struct model_blocking *blocking; /* else NULL */
  const struct model_caller *caller; /* of a limit on blocking calls, or NULL */
  const struct limit_result *limit;  /* that was broken in sum, or NULL */
  const struct model_trouble *trouble; /* else NULL */
  int64_t budget_ns;                   /* for a stall of its loop */
  int64_t begin_ns, duration_ns;
  uint32_t loop;                 /* index; LIMIT_NO_LOOP: no loop's */
  uint32_t site;                 /* where the time went, 0 unknown */
  unsigned callee;               /* the call it went into; 0: none */
  const struct model_call *call; /* the longest of that callee, or NULL */
  int64_t callee_ns;             /* in all calls of that callee */
  uint64_t count;                /* stalls in this group */
  uint64_t n_undecided;          /* of them */
  size_t n_durations;            /* of the first ones, in order of time */
  int64_t durations[FINDING_OTHERS_MAX];
};

#define JUDGEMENT_REASONS_MAX 6
struct judgement {
  enum verdict verdict;
  int exit_code; /* 0, 1 or 4; command.h */
  size_t n_findings;
  struct finding *findings;               /* worst first */
  uint64_t n_errors, n_warnings, n_notes; /* of the findings that are new */
  uint64_t n_muted, n_known;              /* of the others */
  uint64_t n_undecided;                   /* stalls, not findings; new ones */
  uint64_t n_warmup;                      /* stalls left out */
  size_t n_limits; /* by loop and kind; STALL_MAX of each loop is there */
  struct limit_result *limits;
  int64_t longest_ns;     /* longest stall or turn after the warm-up */
  bool longest_is_bound;  /* none is known: all but what is excused, muted or
                             known took less than longest_ns */
  int64_t longest_own_ns; /* the most attributable time in one stall, or
                             longest_ns where there is no stall */
  size_t n_reasons;       /* why there may be no verdict; sentences */
  char reasons[JUDGEMENT_REASONS_MAX][200];
};

/* Hold a model against a budget.  The model must have been opened with a
 * warn_ns of at most half the budget, and with this budget.
 *
 * judgement: to be given to judgement_free(); points into the model.
 * Errors:    NOMEM. */
LT_WARN_UNUSED lt_status judgement_make(const struct model *model,
                                        const struct budget *budget,
                                        struct judgement *judgement);
/* Free what it holds, not itself. */
void judgement_free(struct judgement *judgement);

/* How long a stall of a loop may be.  name: the loop's. */
int64_t budget_max_stall(const struct budget *budget, const char *name);
/* The least of all, for model_options.  is_one: the same for all loops. */
int64_t budget_least_stall(const struct budget *budget, bool *is_one);

/* The pieces judgement_make() is made of: one finding each, its level not yet
 * judged; and those of one place put together under the worst of them, worst
 * first.  Returns: how many groups. */
struct finding finding_of_stall(const struct model *model,
                                const struct budget *budget,
                                const struct model_stall *stall);
struct finding finding_of_blocking(const struct model *model,
                                   const struct budget *budget,
                                   const struct model_blocking *call);
struct finding finding_of_caller(const struct model *model,
                                 const struct model_caller *caller);
struct finding finding_of_limit(const struct model *model,
                                const struct limit_result *result);
struct finding finding_of_trouble(const struct model *model,
                                  const struct model_trouble *trouble);
size_t findings_group(struct finding *findings, size_t n);
/* Groups in their order again, new ones first. */
void findings_sort(struct finding *findings, size_t n);

/* The loop's name, "" for none.  Inert. */
const char *finding_loop(const struct model *model, const struct finding *f);

/* "new", "known", "muted".  Static. */
const char *finding_state_name(enum finding_state state);
/* "note", "warning", "error".  Static. */
const char *finding_level_name(enum finding_level level);

/* The rule that a stall breaks where it is too long.  Static. */
const char *finding_rule(const struct model_stall *stall);

/* Where a stall's time went: in the function of code made at run time that it
 * was seen in; else at the call, where that has a name; else in the callback, or
 * where callbacks are not seen in the function that most looks found it in.
 * Returns: a site, 0 unknown. */
uint32_t finding_place(const struct model *model,
                       const struct model_stall *stall);

/* The same as a number that all places in one function have in common, 0
 * unknown. */
uint64_t finding_place_key(const struct model *model,
                           const struct model_stall *stall);

/* The same where that is not the callback itself; else 0. */
uint32_t finding_place_inside(const struct model *model,
                              const struct model_stall *stall);

/* The place of the stall that a call of this length is the longest in, where
 * that is another function than the one that made the call; else 0. */
uint32_t finding_place_of_call(const struct model *model, unsigned callee,
                               uint32_t site, int64_t duration_ns);

/* The callee that most of a stall's time went into; 0 where that was not a
 * call.
 *
 * longest: of its calls, may be NULL.  ns: in all of them. */
unsigned finding_callee(const struct model_stall *stall,
                        const struct model_call **longest, int64_t *ns);
/* How much of a stall's CPU time must have been spent in that callee, because
 * there was no room for it beside: a write that copies computes in the kernel.
 * Returns: a lower bound; 0 where it is a small part of it, or that of the stall.
 */
int64_t finding_callee_cpu(const struct model_stall *stall);

#endif
