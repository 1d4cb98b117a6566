/* What is said of findings beside their numbers: levels, suppressions and the
 * baseline together. */
#ifndef LTV_REVIEW_H
#define LTV_REVIEW_H

#include "check/baseline.h"
#include "check/options.h"
#include "check/suppress.h"
#include "output/check.h"

struct review {
  const struct options *options;
  struct suppressions suppressions;
  struct baseline baseline;
};

/* Read what the options name, and put it into their budget.  The options must
 * stay where they are.  Returns: EXIT_OK or EXIT_USAGE. */
int review_open(struct review *review, struct options *options);
void review_close(struct review *review);

/* Forget how often each suppression was used: another run begins. */
void review_restart(struct review *review);

/* Add sentences on suppressions and baseline to a result.
 * Returns: is one of them an error under --strict? */
bool review_notes(const struct review *review, struct check_result *result);

/* Add one sentence, made inert.  free them with result_free_notes(). */
__attribute__((format(printf, 2, 3))) void
result_note(struct check_result *result, const char *format, ...);
void result_free_notes(struct check_result *result);

/* Take the findings of a trace up into the baseline: those that are known. */
void review_take(struct review *review, const struct checked *trace);

/* Write the baseline anew from what was found.
 * Returns: false, having said why, when it could not be written. */
bool review_update(struct review *review, const struct check_result *result);

#endif
