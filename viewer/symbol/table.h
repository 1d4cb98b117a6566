/* The functions of one module, sorted by address. */
#ifndef LTV_SYMBOL_TABLE_H
#define LTV_SYMBOL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libelf.h>

struct function {
  uint64_t begin, end; /* virtual addresses */
  const char *name;    /* in the ELF's string table */
  uint64_t reach;      /* furthest end of this and all before it */
  char *readable;      /* of a mangled name, once it was asked for; owned */
  bool is_asked;
  unsigned rank; /* of two at one address, the higher is shown */
};

struct table {
  struct function *functions;
  size_t n, capacity;
};

/* Add the functions that an ELF file defines (.symtab and .dynsym).  Names are
 * borrowed from elf.  What is damaged is left out. */
void table_add(struct table *table, Elf *elf);

/* Sort; to be called once after the last table_add(). */
void table_finish(struct table *table);

/* The function that covers an address, the innermost if several do; NULL. */
const struct function *table_find(const struct table *table, uint64_t address);

/* The name to show of a function that table_find() gave: demangled, where it is
 * C++ or Rust.  Lives as long as the table and the ELF file. */
const char *table_name(struct table *table, const struct function *function);

/* Free what it holds; elf is the caller's. */
void table_free(struct table *table);

#endif
