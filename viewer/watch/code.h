/* The code of a process: which file an address is in, and how to unwind there.
 */
#ifndef LTV_WATCH_CODE_H
#define LTV_WATCH_CODE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Files of code, opened once for all processes. */
struct code_files;
struct code_files *code_files_open(void); /* owned; NULL: no memory */
void code_files_close(struct code_files *files);

/* What a process has mapped executable.  All zero is an empty one. */
struct code_mapping {
  uint64_t start, end, offset;
  uint64_t inode;
  char *path; /* owned */
  struct code_file *file;
  bool is_asked; /* file is known, or known not to be had */
};
struct code {
  int32_t pid;
  uint64_t start_ticks;
  struct code_mapping *mappings; /* by address */
  size_t n, capacity;
  uint64_t read_ns; /* when the mappings were read; 0 never */
};

/* The mapping that an address lies in, NULL for none.  Reads /proc/PID/maps
 * anew when it knows none, at most every 100 ms. */
struct code_mapping *code_find(struct code *code, uint64_t address);

/* The unwinding information for an address, and the address as its file has it.
 * Borrowed from files; NULL where there is none. */
Dwarf_CFI *code_cfi(struct code_files *files, struct code *code,
                    uint64_t address, uint64_t *in_file);

/* The file that an address is in, and the offset that symbol.h asks for.
 * Returns: its path, valid until the mappings are read again; NULL for none. */
const char *code_offset(struct code_files *files, struct code *code,
                        uint64_t address, uint64_t *offset);

/* Forget the mappings. */
void code_fini(struct code *code);

#endif
