/* Walk over the blocks of a file, header by header. */
#ifndef LTI_SCAN_H
#define LTI_SCAN_H

#include "read/problem.h"
#include "read/source.h"

struct lti_scan {
  struct lti_source *source;
  struct lti_problem *problem;
  uint64_t at;        /* of the next block */
  uint64_t end;       /* do not look at or behind this offset */
  uint64_t number;    /* that the next block should have */
  uint64_t n_damaged; /* headers that were passed over */
};

/* The next block that can be used, the whole of which is in the file.
 *
 * A damaged header is passed over, up to the next valid one; a block whose
 * number says that it was seen already, or stands at a wrong place, is passed
 * over too; numbers that are missing are noted, like all of this, as a problem.
 *
 * Errors: END (at scan.end, or where the file is cut: then the problem is
 *         TRUNCATED), IO. */
LT_WARN_UNUSED lt_status lti_scan_next(struct lti_scan *scan,
                                       struct lti_block *block);

#endif
