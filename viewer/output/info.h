/* What is in a trace, and whether it is whole. */
#ifndef LTV_OUTPUT_INFO_H
#define LTV_OUTPUT_INFO_H

#include <stdbool.h>
#include <stdio.h>

#include <looptrace/reader.h>

struct info_said {
  const char *path; /* as it is shown */
  lt_reader *reader;
  const lt_info *info;
  bool has_verify, is_verbose; /* every module and thread */
  lt_status verified;
  struct info_loss {
    uint64_t n;
    int64_t first_ns, last_ns; /* where the trace tells of it; first -1: not */
  } lost[LT_LOST_LIMIT];       /* by cause */
};

/* Fill in what was lost, why and when.  The reader goes back to the beginning,
 * without a selection.
 *
 * Errors: IO, NOMEM. */
LT_WARN_UNUSED lt_status info_read_losses(struct info_said *said);

/* "complete", or what is missing of the trace and from where on; into buf. */
const char *report_health(const lt_info *info, char *buf, size_t size);

/* How the process ended: "exited with status 0", "killed by signal 9"...; into
 * buf. */
const char *report_end(const lt_info *info, char *buf, size_t size);

/* A line for each thing: its name, in column 11 what it is. */
void info_text(FILE *file, const struct info_said *said);

#endif
