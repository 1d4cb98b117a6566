/* The codec of one column of an EVENTS block: a value becomes the number that
 * is stored as a varint, and back.  Both directions stand side by side, so that
 * they stay each other's inverse.  Used by the writer and the reader. */
#ifndef LTI_COLUMNS_H
#define LTI_COLUMNS_H

#include <stdint.h>

#include <looptrace/event.h>

#include "format/bytes.h"

/* What a column remembers from value to value; begins as 0 in each block. */
struct lti_column {
  uint64_t previous;
};

/* The number to store for a value.  task: lti_brackets_task() before the event
 * acts on the stack.  LT_CODEC_NONE is not stored at all. */
static inline uint64_t lti_column_encode(struct lti_column *column,
                                         unsigned codec, uint64_t value,
                                         uint64_t task) {
  uint64_t difference;
  switch (codec) {
  case LT_CODEC_DELTA:
  case LT_CODEC_TASK:
    difference = value - column->previous;
    column->previous = value;
    return lti_zigzag(difference);
  case LT_CODEC_OPEN:
    if (value == task)
      return 0;
    difference = value - column->previous;
    column->previous = value;
    return lti_zigzag(difference) + 1;
  default:
    return value;
  }
}

/* The value for a stored number.  Codecs that are not known give the number. */
static inline uint64_t lti_column_decode(struct lti_column *column,
                                         unsigned codec, uint64_t stored,
                                         uint64_t task) {
  switch (codec) {
  case LT_CODEC_NONE:
    return 0;
  case LT_CODEC_DELTA:
  case LT_CODEC_TASK:
    return column->previous += lti_unzigzag(stored);
  case LT_CODEC_OPEN:
    if (stored == 0)
      return task;
    return column->previous += lti_unzigzag(stored - 1);
  default:
    return stored;
  }
}

#endif
