/* DWARF: from an address to the compilation unit, and to its line table.
 *
 * Invariant: libdw is opened at the first question.  .debug_aranges is used
 * where a compiler wrote it (gcc), else the ranges of all units are read once
 * (clang writes none).  Called by module.c. */
#include "config.h"

#include "symbol/lines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libdw reads whole sections: 512 MiB take half a second from the page cache.
 */
#define DEBUG_MAX_BYTES (UINT64_C(512) << 20)

struct range {
  uint64_t begin, end;
  Dwarf_Off unit;
};

struct lines {
  Elf *elf;
  Dwarf *dwarf;
  bool tried;
  struct range *ranges; /* of all units, sorted; once aranges failed */
  size_t n, capacity;
  bool has_ranges;
  char **paths; /* that were made whole; capacity: the next power of two */
  size_t n_paths;
};

struct lines *lines_open(Elf *elf) {
  size_t names;
  uint64_t bytes = 0;
  bool info = false, line = false;
  if (elf_getshdrstrndx(elf, &names))
    return NULL;
  for (Elf_Scn *s = elf_nextscn(elf, NULL); s; s = elf_nextscn(elf, s)) {
    GElf_Shdr header;
    const char *name = gelf_getshdr(s, &header)
                           ? elf_strptr(elf, names, header.sh_name)
                           : NULL;
    if (!name || header.sh_type == SHT_NOBITS)
      continue;
    info = info || !strcmp(name, ".debug_info");
    line = line || !strcmp(name, ".debug_line");
    if (!strncmp(name, ".debug_", 7))
      bytes += header.sh_size;
  }
  if (!info || !line || bytes > DEBUG_MAX_BYTES)
    return NULL;
  struct lines *lines = calloc(1, sizeof *lines);
  if (lines)
    lines->elf = elf;
  return lines;
}

void lines_close(struct lines *lines) {
  if (!lines)
    return;
  dwarf_end(lines->dwarf);
  for (size_t i = 0; i < lines->n_paths; i++)
    free(lines->paths[i]);
  free(lines->paths);
  free(lines->ranges);
  free(lines);
}

static void add_unit(struct lines *lines, Dwarf_Die *unit) {
  Dwarf_Addr base, begin, end;
  ptrdiff_t at = 0;
  while ((at = dwarf_ranges(unit, at, &base, &begin, &end)) > 0) {
    if (lines->n == lines->capacity) {
      size_t capacity = lines->capacity ? lines->capacity * 2 : 64;
      struct range *more =
          realloc(lines->ranges, capacity * sizeof *lines->ranges);
      if (!more)
        return;
      lines->ranges = more;
      lines->capacity = capacity;
    }
    lines->ranges[lines->n++] =
        (struct range){begin, end, dwarf_dieoffset(unit)};
  }
}

static int by_begin(const void *left, const void *right) {
  const struct range *a = left, *b = right;
  return a->begin < b->begin ? -1 : a->begin > b->begin;
}

static void read_ranges(struct lines *lines) {
  Dwarf_CU *cu = NULL;
  Dwarf_Die unit;
  lines->has_ranges = true;
  while (!dwarf_get_units(lines->dwarf, cu, &cu, NULL, NULL, &unit, NULL))
    add_unit(lines, &unit);
  if (lines->n)
    qsort(lines->ranges, lines->n, sizeof *lines->ranges, by_begin);
}

static bool find_unit(struct lines *lines, uint64_t address, Dwarf_Die *unit) {
  if (dwarf_addrdie(lines->dwarf, address, unit))
    return true;
  if (!lines->has_ranges)
    read_ranges(lines);
  size_t low = 0, high = lines->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (lines->ranges[middle].begin <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low && lines->ranges[low - 1].end > address &&
         dwarf_offdie(lines->dwarf, lines->ranges[low - 1].unit, unit);
}

/* Take "." and "name/.." out of an absolute path, in place. */
static void clean(char *path) {
  char *to = path;
  for (const char *from = path; *from;) {
    size_t n = strcspn(from + 1, "/");
    if (n == 2 && from[1] == '.' && from[2] == '.') {
      while (to > path && *--to != '/')
        ;
    } else if (n > 0 && !(n == 1 && from[1] == '.')) {
      memmove(to, from, n + 1);
      to += n + 1;
    }
    from += n + 1;
  }
  *to = '\0';
}

/* A path that is kept as long as the lines are.  Returns: NULL without memory.
 */
static const char *keep(struct lines *lines, const char *path) {
  for (size_t i = lines->n_paths; i-- > 0;)
    if (strcmp(lines->paths[i], path) == 0)
      return lines->paths[i];
  if ((lines->n_paths & (lines->n_paths - 1)) == 0) {
    size_t capacity = lines->n_paths ? lines->n_paths * 2 : 1;
    char **more = realloc(lines->paths, capacity * sizeof *more);
    if (!more)
      return NULL;
    lines->paths = more;
  }
  char *copy = strdup(path);
  if (copy)
    lines->paths[lines->n_paths++] = copy;
  return copy;
}

/* A compiler that was run in another folder was told of "../src/x.c": such a
 * path means nothing without that folder. */
static const char *whole(struct lines *lines, Dwarf_Die *unit,
                         const char *path) {
  char joined[PATH_MAX];
  Dwarf_Attribute attribute;
  const char *folder =
      dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
  if (*path == '/' || !folder || *folder != '/' ||
      snprintf(joined, sizeof joined, "%s/%s", folder, path) >=
          (int)sizeof joined)
    return path;
  clean(joined);
  const char *kept = keep(lines, joined);
  return kept ? kept : path;
}

bool lines_find(struct lines *lines, uint64_t address, const char **file,
                uint32_t *line) {
  Dwarf_Die unit;
  int number = 0;
  if (!lines->tried) {
    lines->tried = true;
    lines->dwarf = dwarf_begin_elf(lines->elf, DWARF_C_READ, NULL);
  }
  if (!lines->dwarf || !find_unit(lines, address, &unit))
    return false;
  Dwarf_Line *row = dwarf_getsrc_die(&unit, address);
  const char *path = row ? dwarf_linesrc(row, NULL, NULL) : NULL;
  if (!path || dwarf_lineno(row, &number) || number <= 0)
    return false;
  *file = whole(lines, &unit, path);
  *line = (uint32_t)number;
  return true;
}
