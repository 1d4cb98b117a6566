/* Symbol tables as one sorted array.
 *
 * Invariant: a function covers only what its st_size says; "the nearest symbol"
 * misleads in stripped programs.  Called by module.c. */
#include "config.h"

#include "symbol/table.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/demangle.h"

/* Global names before weak and local ones, plain before __internal aliases. */
static unsigned rank_of(const GElf_Sym *sym, const char *name) {
  unsigned rank = GELF_ST_BIND(sym->st_info) == STB_GLOBAL ? 8
                  : GELF_ST_BIND(sym->st_info) == STB_WEAK ? 6
                                                           : 4;
  size_t underscores = strspn(name, "_");
  return rank - (underscores > 2 ? 3 : (unsigned)underscores);
}

static bool is_function(const GElf_Sym *sym) {
  int type = GELF_ST_TYPE(sym->st_info);
  return (type == STT_FUNC || type == STT_GNU_IFUNC) &&
         sym->st_shndx != SHN_UNDEF && sym->st_size &&
         sym->st_value + sym->st_size > sym->st_value;
}

static bool push(struct table *table, const GElf_Sym *sym, const char *name) {
  if (table->n == table->capacity) {
    size_t capacity = table->capacity ? table->capacity * 2 : 256;
    struct function *more =
        realloc(table->functions, capacity * sizeof *table->functions);
    if (!more)
      return false;
    table->functions = more;
    table->capacity = capacity;
  }
  table->functions[table->n++] =
      (struct function){.begin = sym->st_value,
                        .end = sym->st_value + sym->st_size,
                        .name = name,
                        .rank = rank_of(sym, name)};
  return true;
}

static void add_section(struct table *table, Elf *elf, Elf_Scn *section,
                        const GElf_Shdr *header) {
  Elf_Data *data = elf_getdata(section, NULL);
  size_t n = data && header->sh_entsize ? data->d_size / header->sh_entsize : 0;
  for (size_t i = 0; i < n; i++) {
    GElf_Sym sym;
    if (!gelf_getsym(data, (int)i, &sym) || !is_function(&sym))
      continue;
    const char *name = elf_strptr(elf, header->sh_link, sym.st_name);
    if (name && *name && !push(table, &sym, name))
      return;
  }
}

void table_add(struct table *table, Elf *elf) {
  for (Elf_Scn *s = elf_nextscn(elf, NULL); s; s = elf_nextscn(elf, s)) {
    GElf_Shdr header;
    if (gelf_getshdr(s, &header) &&
        (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM))
      add_section(table, elf, s, &header);
  }
}

static int by_address(const void *left, const void *right) {
  const struct function *a = left, *b = right;
  if (a->begin != b->begin)
    return a->begin < b->begin ? -1 : 1;
  if (a->end != b->end) /* the shorter later: it is found first */
    return a->end > b->end ? -1 : 1;
  if (a->rank != b->rank)
    return a->rank < b->rank ? -1 : 1;
  return strcmp(b->name, a->name);
}

void table_finish(struct table *table) {
  uint64_t reach = 0;
  if (table->n)
    qsort(table->functions, table->n, sizeof *table->functions, by_address);
  for (size_t i = 0; i < table->n; i++) {
    if (table->functions[i].end > reach)
      reach = table->functions[i].end;
    table->functions[i].reach = reach;
  }
}

const struct function *table_find(const struct table *table, uint64_t address) {
  size_t low = 0, high = table->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (table->functions[middle].begin <= address)
      low = middle + 1;
    else
      high = middle;
  }
  while (low-- > 0 && table->functions[low].reach > address)
    if (table->functions[low].end > address)
      return &table->functions[low];
  return NULL;
}

const char *table_name(struct table *table, const struct function *function) {
  struct function *own = &table->functions[function - table->functions];
  if (!own->is_asked)
    own->readable = symbol_demangle(own->name);
  own->is_asked = true;
  return own->readable ? own->readable : own->name;
}

void table_free(struct table *table) {
  for (size_t i = 0; i < table->n; i++)
    free(table->functions[i].readable);
  free(table->functions);
  *table = (struct table){0};
}
