/* What is wrong with a file: the first thing, by offset. */
#ifndef LTI_PROBLEM_H
#define LTI_PROBLEM_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <looptrace/status.h>

struct lti_problem {
  lt_status status; /* LT_OK: none */
  uint64_t at;
  char text[200];
};

/* Note a problem.  The one with the lowest offset stays; of two at the same
 * place the one that was noted first. */
__attribute__((format(printf, 4, 5))) static inline void
lti_problem_note(struct lti_problem *problem, lt_status status, uint64_t at,
                 const char *format, ...) {
  if (problem->status != LT_OK && problem->at <= at)
    return;
  problem->status = status;
  problem->at = at;
  va_list args;
  va_start(args, format);
  vsnprintf(problem->text, sizeof problem->text, format, args);
  va_end(args);
}

#endif
