/* Names for code: addresses in the files of programs and libraries.
 *
 * Used by `record` while the program runs, and by `report` afterwards for what
 * a linked-in recorder left without a name.  Nothing is ever fetched from a
 * network: only the files of this machine are read, once each.
 *
 * An offset is the address minus the address at which the file's lowest
 * mapping begins.  (lti_record LTI_DATA_MODULE, /proc/PID/maps.)  What ELF and
 * DWARF know are virtual addresses; the two differ by the virtual address of
 * the lowest PT_LOAD, rounded down to a page: 0 in shared libraries and
 * position-independent programs, e.g. 0x400000 in others:
 *
 *   address        = start + offset
 *   virtual address = offset + (lowest p_vaddr & -4096)
 *
 * It is not a position in the file (those differ from virtual addresses from
 * the second segment on). */
#ifndef LTV_SYMBOL_H
#define LTV_SYMBOL_H

#include <stdbool.h>
#include <stdint.h>

#include "drain/drain.h"

struct symbol;

/* An empty cache of modules.  Returns: owned, NULL when memory is out. */
struct symbol *symbol_open(void);

/* Free it and every name it gave out; NULL is a no-op. */
void symbol_close(struct symbol *symbols);

/* The two functions of struct lti_namer; the context is a struct symbol.
 *
 * pid:  whose root the path is seen from (/proc/PID/root/PATH, and where that
 *       fails, PATH); 0 where the process is gone: its number may be another's.
 * path: absolute.  Afterwards the file may be another than it was: compare
 *       build-ids before names are believed.
 *
 * For code that is in no file path is "" and offset the address itself; such a
 * name lives until the next call.  (jit.h)
 *
 * A function is named only where the size of its symbol covers the address.  An
 * offset at which no function begins is taken for a return address: its line is
 * that of the byte before, the call.
 * Cost: the first look at a module reads its symbol tables (1 to 20 ms), the
 * first line its DWARF (46 ms in all for libc with its debug package), each
 * first line of a compilation unit that unit's table; then 1 to 8 us.
 * Threads: one at a time. */
extern const struct lti_namer symbol_namer;

/* The same, called by name. */
bool symbol_site(struct symbol *symbols, int32_t pid, const char *path,
                 uint64_t offset, struct lti_name *name);
const char *symbol_build_id(struct symbol *symbols, int32_t pid,
                            const char *path);

#endif
