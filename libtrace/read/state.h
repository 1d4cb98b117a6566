/* What a reader is.  Shared by the files that implement looptrace/reader.h. */
#ifndef LTI_READ_STATE_H
#define LTI_READ_STATE_H

#include <looptrace/reader.h>

#include "format/directory.h"
#include "format/summary.h"
#include "read/ahead.h"
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

/* Files up to this size are looked over block by block when they are opened:
 * nothing is gained by trusting their index. */
#define LTI_SPANS_BUDGET ((size_t)16 << 20)
#define LTI_DEFS_RAW_MAX (UINT64_C(256) << 20) /* a real file: a fraction */
#define LTI_SURVEY_BYTES (UINT64_C(1) << 20)

/* What has been read of an entry of the directory, from its begin. */
struct lti_part_check {
  uint64_t at;   /* so far */
  bool is_whole; /* nothing was left out */
  uint64_t n_epochs, n_chunks, n_events, kinds;
  int64_t first_ns;
};

struct lt_reader {
  const lt_event *next, *end; /* the next events: hot, so first */

  struct lti_source source;
  struct lti_problem problem;
  lt_info info;
  struct lti_defs defs;
  bool defs_are_known;
  bool is_open; /* it was looked over, as a whole or by the index */
  uint64_t kinds;         /* that are to be given out */
  uint32_t thread;        /* the same, or LT_ALL_THREADS */
  uint64_t defs_raw_left; /* bytes of definitions that may still be inflated */

  uint64_t blocks_at;  /* behind the file header */
  uint64_t sealed_end; /* behind the last EPOCH block */
  struct lti_cursor surveyed; /* behind the last epoch that was looked over */
  uint32_t generations_surveyed;
  struct lti_index index;
  struct lti_budget spans_budget;
  struct lti_idmap spans; /* struct lti_span, by thread */
  uint32_t *span_order;   /* by thread index; made when first needed */

  struct lti_block sections[LTI_INDEX_SECTIONS]; /* of the index; at 0: none */
  bool by_index; /* info is from the directory, which is checked when read */
  struct lti_directory_entry *parts; /* as index.entries; NULL if not so */
  uint32_t n_parts;
  struct lti_part_check part_check;
  uint64_t lost_by_cause[LT_LOST_LIMIT]; /* if by_index */
  struct lti_summary_read *summary;      /* NULL until it was asked for */

  struct lti_cursor cursor; /* of the epoch behind the current one */
  struct lti_epoch epoch;   /* the current one: that of the next event */
  struct lti_merge merge;
  bool may_read_ahead;
  struct lti_ahead *ahead;   /* NULL: not yet, or not any more */
  uint32_t epochs_in_a_row;  /* that were read since the reader was moved */

  uint64_t lost_said;      /* by the headers of blocks */
  uint64_t lost_at_end;    /* by the END block */
  uint64_t lost_damage;    /* events that damage took */
  uint64_t events_damaged; /* of them: taken off info.n_events */
  uint64_t *damaged;       /* offsets of blocks counted in it, ascending */
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

/* What the definitions say goes into info. */
void lti_reader_fill_info(struct lt_reader *r);

/* Bring info up to date with what is known by now. */
void lti_reader_refresh(struct lt_reader *r);

/* Look over the whole file: fill info, definitions, index and spans.
 * Errors: IO, NOMEM. */
LT_WARN_UNUSED lt_status lti_reader_survey(struct lt_reader *r);
/* The same in steps of so many blocks.
 * Errors: END when all is looked over; OK while there is more. */
void lti_reader_survey_begin(struct lt_reader *r);
LT_WARN_UNUSED lt_status lti_reader_survey_step(struct lt_reader *r,
                                                uint64_t n_blocks);

/* Do the same by the index at the file's end.
 * Errors: NOT_FOUND where there is none that can be trusted (then call
 *         lti_index_drop() and survey), IO, NOMEM. */
LT_WARN_UNUSED lt_status lti_reader_by_index(struct lt_reader *r);

/* Forget all that the index said. */
void lti_index_drop(struct lt_reader *r);

/* Is the epoch that was just collected as the directory says? */
bool lti_index_agrees(struct lt_reader *r);

/* Are there, by the directory, no events of these kinds in what begins at a
 * cursor?  behind: what comes next then. */
bool lti_index_skips(const struct lt_reader *r, const struct lti_cursor *at,
                     uint64_t kinds, struct lti_cursor *behind);

/* Where the chunks behind an offset are, by the index.
 *
 * each:   called for each in the order of the file, until it returns false.
 * Errors: NOT_FOUND where the index does not say it; IO, NOMEM. */
LT_WARN_UNUSED lt_status lti_index_chunks(
    struct lt_reader *r, uint64_t from,
    bool (*each)(void *context, uint64_t at, uint32_t thread), void *context);

/* The directory is not true: look the file over after all.  The current epoch
 * and definitions stay.
 * Errors: IO, NOMEM. */
LT_WARN_UNUSED lt_status lti_reader_resurvey(struct lt_reader *r);

/* lt_reader_open(), and in steps, for files that are surveyed up to another
 * size. */
LT_WARN_UNUSED lt_status lti_reader_open(const char *path,
                                         uint64_t survey_bytes,
                                         lt_reader **reader);
LT_WARN_UNUSED lt_status lti_reader_open_begin(const char *path,
                                               uint64_t survey_bytes,
                                               lt_reader **reader);

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

/* See to it that there is a next event.
 * Errors: END, IO, NOMEM. */
LT_WARN_UNUSED lt_status lti_reader_refill(struct lt_reader *r);

#endif
