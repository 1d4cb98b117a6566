/* Findings: the stalls of a model held against a budget. */
#ifndef LTV_FINDING_H
#define LTV_FINDING_H

#include "model/model.h"

enum finding_level { LEVEL_NOTE, LEVEL_WARNING, LEVEL_ERROR };
enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_INCONCLUSIVE };

struct budget {
  int64_t max_stall_ns;
  int64_t warmup_ns;          /* stalls that begin before are left out */
  enum finding_level fail_on; /* LEVEL_NOTE: nothing fails */
  bool allow_incomplete;
};

/* Stalls of one rule, loop and place, shown as their worst. */
#define FINDING_OTHERS_MAX 8
struct finding {
  const char *rule;         /* "stall", "long-turn" or "blocking-call" */
  enum finding_level level; /* of the worst one */
  bool is_undecided;    /* what is unknown of it could have broken the budget */
  uint64_t fingerprint; /* of rule, loop, callback, place and callee; holds no
                           address and no line */
  const struct model_stall *stall;       /* the worst; NULL for blocking-call */
  const struct model_blocking *blocking; /* else NULL */
  int64_t begin_ns, duration_ns;
  uint32_t loop;                 /* index */
  uint32_t site;                 /* where the time went, 0 unknown */
  unsigned callee;               /* the call it went into; 0: none */
  const struct model_call *call; /* the longest of that callee, or NULL */
  int64_t callee_ns;  /* in the calls of that callee that are listed */
  uint64_t count;     /* stalls in this group */
  size_t n_durations; /* of the first ones, in order of time */
  int64_t durations[FINDING_OTHERS_MAX];
};

#define JUDGEMENT_REASONS_MAX 6
struct judgement {
  enum verdict verdict;
  int exit_code; /* 0, 1 or 4; command.h */
  size_t n_findings;
  struct finding *findings;                   /* worst first */
  uint64_t n_errors, n_warnings, n_undecided; /* stalls, not groups */
  uint64_t n_warmup;                          /* stalls left out */
  int64_t longest_ns;     /* longest stall or turn after the warm-up */
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

/* "note", "warning", "error".  Static. */
const char *finding_level_name(enum finding_level level);

/* The callee that most of a stall's time went into; 0 where that was not a
 * call.
 *
 * longest: of its calls, may be NULL.  ns: in those listed. */
unsigned finding_callee(const struct model_stall *stall,
                        const struct model_call **longest, int64_t *ns);

#endif
