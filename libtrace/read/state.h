/* What a reader is.  Shared by the files that implement looptrace/reader.h. */
#ifndef LTI_READ_STATE_H
#define LTI_READ_STATE_H

#include <looptrace/reader.h>

#include "format/summary.h"
#include "read/defs.h"
#include "read/epoch.h"
#include "read/merge.h"

/* Where a thread's blocks are. */
struct lti_span {
  uint32_t index;
  bool ends_empty;   /* known: nothing is open behind its last block */
  uint64_t first_at; /* of its first EVENTS block */
  uint64_t last_at;
  uint64_t next_at; /* scratch of opens.c */
};

struct lti_summary_read;

struct lt_reader {
  struct lti_run run; /* the next events: hot, so first */

  struct lti_source source;
  struct lti_problem problem;
  lt_info info;
  struct lti_defs defs;
  uint64_t defs_raw_left; /* bytes of definitions that may still be inflated */

  uint64_t blocks_at;  /* behind the file header */
  uint64_t sealed_end; /* behind the last EPOCH block */
  struct lti_index index;
  struct lti_budget spans_budget;
  struct lti_idmap spans; /* struct lti_span, by thread */
  uint32_t *span_order;   /* by thread index; made when first needed */

  struct lti_block sections[LTI_INDEX_SECTIONS]; /* of the index; at 0: none */
  struct lti_summary_read *summary; /* NULL until it was asked for */

  struct lti_cursor cursor; /* of the epoch behind the current one */
  struct lti_epoch epoch;   /* the current one: that of the next event */
  struct lti_merge merge;

  uint64_t lost_said;   /* by the headers of blocks */
  uint64_t lost_at_end; /* by the END block */
  uint64_t lost_damage; /* events that damage took */
  uint64_t *damaged;    /* offsets of blocks counted in it, ascending */
  uint32_t n_damaged, damaged_capacity;

  lt_open *opens;
  size_t n_opens, opens_capacity;
  struct lti_budget tasks_budget;
  struct lti_idmap tasks; /* lt_task_def */
};

/* Note damage of an EVENTS block, and count it once.
 * was_counted: its events are in info.n_events. */
void lti_reader_damaged(struct lt_reader *r, const struct lti_block *block,
                        const char *wrong, bool was_counted);

/* Bring info up to date with what is known by now. */
void lti_reader_refresh(struct lt_reader *r);

/* Look over the whole file: fill info, definitions, index and spans.
 * Errors: IO, NOMEM. */
LT_WARN_UNUSED lt_status lti_reader_survey(struct lt_reader *r);

/* Read the headers of the epoch at scan, which stands at r->epoch.begin; then
 * r->cursor is behind it.
 *
 * visit:  called for each block that is not EVENTS; NULL for nothing.
 * Errors: END (no further EPOCH block), IO, NOMEM. */
typedef lt_status lti_visit(struct lt_reader *r, struct lti_scan *scan,
                            const struct lti_block *block);
LT_WARN_UNUSED lt_status lti_reader_collect(struct lt_reader *r,
                                            struct lti_scan *scan,
                                            lti_visit *visit);

/* Free what lt_reader_summary() made; NULL is a no-op. */
void lti_summary_read_free(struct lti_summary_read *summary);

/* See to it that run has an event.
 * Errors: END, IO, NOMEM. */
LT_WARN_UNUSED lt_status lti_reader_refill(struct lt_reader *r);

#endif
