/* DWARF expressions, as far as unwinding tables use them. */
#ifndef LTV_WATCH_EXPRESSION_H
#define LTV_WATCH_EXPRESSION_H

#include "watch/unwind.h"

struct place {
  uint64_t value;
  bool is_register; /* value is the number of one */
  bool is_value;    /* else it is an address */
};

/* Evaluate ops on registers and memory.  cfa: NULL while it is not known.
 * Returns: false where something is not known or not understood. */
bool expression_eval(const Dwarf_Op *ops, size_t n,
                     const struct registers *registers, struct memory *memory,
                     const uint64_t *cfa, struct place *place);

#endif
