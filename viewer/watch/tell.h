/* One line for a person: which loop is stuck, and in what. */
#ifndef LTV_WATCH_TELL_H
#define LTV_WATCH_TELL_H

#include "drain/drain.h"
#include "symbol/aside.h"
#include "watch/code.h"

struct tell {
  struct aside *names;
  struct code_files *files;
  bool is_on;
};

struct tell_who {
  int32_t pid;
  const char *comm, *loop; /* loop: NULL if it is not known to be one */
  uint64_t age_ns;
  bool waits_for_itself; /* it holds the lock that it waits for */
};

/* Print it to stderr. */
void tell_stuck(struct tell *tell, const struct tell_who *who,
                const struct lti_seen *seen, struct code *code);

#endif
