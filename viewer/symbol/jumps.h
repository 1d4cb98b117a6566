/* Calls that a function ends with, which compilers make jumps: the call's
 * return address is then its caller's, and the function itself left no trace.
 * x86-64 only. */
#ifndef LTV_SYMBOL_JUMPS_H
#define LTV_SYMBOL_JUMPS_H

#include <stdint.h>

#include <libelf.h>

#include "symbol/table.h"

struct jumps;

/* elf, fd, table: borrowed, of one file; the table is finished.
 * Returns: owned; NULL when memory is out. */
struct jumps *jumps_open(Elf *elf, int fd, const struct table *table);

/* NULL is a no-op. */
void jumps_close(struct jumps *jumps);

/* Where a call that is traced was made which returns to an address (virtual):
 * in the jump itself where there is but one that it can have been, else the
 * entry of the function that must have jumped.
 * Returns: 0 where it was made at the address, as far as can be told. */
uint64_t jumps_find(struct jumps *jumps, uint64_t address);

#endif
