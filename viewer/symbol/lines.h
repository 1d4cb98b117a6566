/* Files and lines of one module, by DWARF. */
#ifndef LTV_SYMBOL_LINES_H
#define LTV_SYMBOL_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include <libelf.h>

struct lines;

/* Nothing is read yet.  elf: borrowed for as long as the result lives.
 * Returns: owned; NULL when there is no .debug_info and .debug_line, more of
 * them than is sensible to read while a program runs, or no memory. */
struct lines *lines_open(Elf *elf);
void lines_close(struct lines *lines);

/* The line that a virtual address belongs to.  file lives as long as lines.
 * false: not known. */
bool lines_find(struct lines *lines, uint64_t address, const char **file,
                uint32_t *line);

#endif
