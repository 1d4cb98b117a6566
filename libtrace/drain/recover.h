/* Recovery: close a trace whose recorder died, and write what it left in its
 * arena, or in its flight recorder's window.  Nothing that exists is changed or, but for the drained arena, removed.
 */
#ifndef LTI_RECOVER_H
#define LTI_RECOVER_H

#include <stdbool.h>
#include <stdint.h>

#include <looptrace/reader.h>
#include <looptrace/status.h>

#include "drain/tail.h"

struct lti_recovered {
  bool was_whole;      /* it has its end mark, and there was nothing to do */
  bool has_index;      /* the new file has one */
  uint64_t n_events;   /* in the new file */
  uint64_t size_bytes; /* of it */
  uint64_t cut_bytes;  /* behind the last whole epoch, left out */
};

/* Copy a trace up to its last whole epoch and put an index and an end mark
 * behind it, with reason LT_END_RECOVERED.  What is damaged in the middle stays
 * as it is: a reader passes it over, and says so; there is no index then.
 *
 * to:         a new file, 0600.  overwrite: replace a regular file there.
 * is_indexed: copy a trace that has its end mark too, with its own end, and a
 *             new index in the place of its own.
 * make_index: makes it.
 * Errors: NOT_FOUND, NOT_A_TRACE, VERSION, CORRUPT (no whole epoch in it),
 *         EXISTS (to), IO, NOMEM. */
LT_WARN_UNUSED lt_status lti_recover_file(const char *from, const char *to,
                                          bool overwrite, bool is_indexed,
                                          lti_make_index *make_index,
                                          struct lti_recovered *recovered);

/* Write the window that a flight recorder left behind as a trace of its own.
 *
 * fd:     the window's file; stays open.
 * reason: of its end.
 * Errors: NOT_A_TRACE (no window), END (nothing is in it), EXISTS (to), IO,
 *         NOMEM. */
LT_WARN_UNUSED lt_status lti_recover_window(int fd, const char *to,
                                            bool overwrite,
                                            lt_end_reason reason,
                                            lti_make_index *make_index,
                                            struct lti_recovered *recovered);

#endif
