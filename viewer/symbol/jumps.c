/* Calls that are jumps.
 *
 * A call instruction names its target.  Where that is another function of the
 * file than the one that was traced, it has jumped on: had it called, the
 * address to return to would be in it.
 *
 * Invariant: instructions are not decoded one by one, so bytes that look like a
 * jump may be none: only those count that lead exactly to a function's first
 * byte or to what is imported.  A search looks into FUNCTIONS_MOST functions at
 * most.  Called by module.c. */
#include "config.h"

#include "symbol/jumps.h"

#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <looptrace/event.h>

#define FUNCTION_BYTES_MOST 16384u
#define FUNCTIONS_MOST 16u

/* A word that the dynamic linker sets to a function's address. */
struct slot {
  uint64_t address;
  uint64_t function; /* of this file, else 0 */
  bool is_traced;
};

struct jumps {
  Elf *elf;
  int fd;
  const struct table *table;
  struct slot *slots; /* by address */
  size_t n, capacity;
  unsigned n_left; /* functions that this search may still look into; 0: it was
                      given up */
};

/* Where a jump leads. */
struct target {
  const struct function *function; /* of this file, NULL unknown */
  bool is_traced;
};

/* Is it a variant of a name, as __poll_chk, open64 and preadv2 are? */
static bool is_variant(const char *name, const char *of) {
  size_t n = strlen(of);
  if (strncmp(name, of, n) != 0)
    return false;
  name += n;
  name += strspn(name, "_0123456789");
  return !*name || strcmp(name, "chk") == 0;
}

/* Is it a function whose callers are recorded? */
static bool is_traced(const char *name) {
  name += strspn(name, "_");
  if (strncmp(name, "uv_", 3) == 0 || strncmp(name, "lt_", 3) == 0)
    return true;
#define IS(number, callee, advice)                                             \
  if (is_variant(name, #callee))                                               \
    return true;
  LT_CALLEE_MAP(IS)
#undef IS
  return false;
}

static bool add_slot(struct jumps *j, const GElf_Rela *rela,
                     const GElf_Sym *sym, const char *name) {
  if (j->n == j->capacity) {
    size_t capacity = j->capacity ? j->capacity * 2 : 64;
    struct slot *more = realloc(j->slots, capacity * sizeof *more);
    if (!more)
      return false;
    j->slots = more;
    j->capacity = capacity;
  }
  j->slots[j->n++] = (struct slot){
      .address = rela->r_offset,
      .function = sym->st_shndx == SHN_UNDEF ? 0 : sym->st_value,
      .is_traced = is_traced(name),
  };
  return true;
}

static void add_section(struct jumps *j, Elf_Scn *section,
                        const GElf_Shdr *header) {
  GElf_Shdr symbols_header;
  Elf_Scn *linked = elf_getscn(j->elf, header->sh_link);
  Elf_Data *relas = elf_getdata(section, NULL);
  Elf_Data *symbols = linked ? elf_getdata(linked, NULL) : NULL;
  if (!relas || !symbols || !gelf_getshdr(linked, &symbols_header))
    return;
  size_t n = header->sh_entsize ? relas->d_size / header->sh_entsize : 0;
  for (size_t i = 0; i < n; i++) {
    GElf_Rela rela;
    GElf_Sym sym;
    if (!gelf_getrela(relas, (int)i, &rela) ||
        (GELF_R_TYPE(rela.r_info) != R_X86_64_JUMP_SLOT &&
         GELF_R_TYPE(rela.r_info) != R_X86_64_GLOB_DAT) ||
        !gelf_getsym(symbols, (int)GELF_R_SYM(rela.r_info), &sym))
      continue;
    const char *name =
        elf_strptr(j->elf, symbols_header.sh_link, sym.st_name);
    if (name && !add_slot(j, &rela, &sym, name))
      return;
  }
}

static int by_address(const void *left, const void *right) {
  const struct slot *a = left, *b = right;
  return (a->address > b->address) - (a->address < b->address);
}

struct jumps *jumps_open(Elf *elf, int fd, const struct table *table) {
  struct jumps *j = calloc(1, sizeof *j);
  GElf_Ehdr head;
  if (!j)
    return NULL;
  *j = (struct jumps){.elf = elf, .fd = fd, .table = table};
  if (!gelf_getehdr(elf, &head) || head.e_machine != EM_X86_64)
    return j;
  for (Elf_Scn *s = elf_nextscn(elf, NULL); s; s = elf_nextscn(elf, s)) {
    GElf_Shdr header;
    if (gelf_getshdr(s, &header) && header.sh_type == SHT_RELA)
      add_section(j, s, &header);
  }
  if (j->n)
    qsort(j->slots, j->n, sizeof *j->slots, by_address);
  return j;
}

void jumps_close(struct jumps *jumps) {
  if (!jumps)
    return;
  free(jumps->slots);
  free(jumps);
}

static bool read_code(const struct jumps *j, uint64_t address, void *to,
                      size_t size) {
  size_t n = 0;
  if (elf_getphdrnum(j->elf, &n))
    return false;
  for (size_t i = 0; i < n; i++) {
    GElf_Phdr p;
    if (gelf_getphdr(j->elf, (int)i, &p) && p.p_type == PT_LOAD &&
        address >= p.p_vaddr && address - p.p_vaddr < p.p_filesz &&
        size <= p.p_filesz - (address - p.p_vaddr))
      return pread(j->fd, to, size,
                   (off_t)(p.p_offset + (address - p.p_vaddr))) ==
             (ssize_t)size;
  }
  return false;
}

/* Where four bytes that end at an address point, seen from there. */
static uint64_t relative(const uint8_t *distance, uint64_t end) {
  int32_t value;
  memcpy(&value, distance, sizeof value);
  return end + (uint64_t)(int64_t)value;
}

static const struct function *beginning_at(const struct jumps *j,
                                           uint64_t address) {
  const struct function *f = address ? table_find(j->table, address) : NULL;
  return f && f->begin == address ? f : NULL;
}

static struct target behind_slot(const struct jumps *j, uint64_t address) {
  struct slot key = {.address = address};
  const struct slot *slot =
      j->n ? bsearch(&key, j->slots, j->n, sizeof key, by_address) : NULL;
  if (!slot)
    return (struct target){0};
  return (struct target){beginning_at(j, slot->function), slot->is_traced};
}

/* A function, or one that a stub of the procedure linkage table leads to. */
static struct target target_at(const struct jumps *j, uint64_t address) {
  uint8_t b[11];
  const struct function *f = beginning_at(j, address);
  if (f)
    return (struct target){f, is_traced(f->name)};
  if (!read_code(j, address, b, sizeof b))
    return (struct target){0};
  size_t n = memcmp(b, "\xf3\x0f\x1e\xfa", 4) == 0 ? 4 : 0; /* endbr64 */
  n += b[n] == 0xf2;                                        /* bnd */
  if (b[n] != 0xff || b[n + 1] != 0x25)
    return (struct target){0};
  return behind_slot(j, relative(b + n + 2, address + n + 6));
}

/* The jump out of a function that may begin at code, 6 bytes. */
static struct target jump_at(const struct jumps *j, const struct function *f,
                             const uint8_t *code, uint64_t address) {
  uint64_t to;
  if (code[0] == 0xff && code[1] == 0x25)
    return behind_slot(j, relative(code + 2, address + 6));
  if (code[0] == 0xe9)
    to = relative(code + 1, address + 5);
  else if (code[0] == 0x0f && code[1] >> 4 == 8) /* on a condition */
    to = relative(code + 2, address + 6);
  else if (code[0] == 0xeb || code[0] >> 4 == 7) /* a short one */
    to = address + 2 + (uint64_t)(int64_t)(int8_t)code[1];
  else
    return (struct target){0};
  return to >= f->begin && to < f->end ? (struct target){0} : target_at(j, to);
}

/* Where in a function, or in what it jumps to, a traced one is jumped to; 0
 * where it is not, the function's entry where it may be at several places. */
static uint64_t place_in(struct jumps *j, const struct function *f) {
  uint64_t place = 0, size = f->end - f->begin;
  uint8_t *code = size <= FUNCTION_BYTES_MOST && j->n_left
                      ? calloc(1, size + 6)
                      : NULL;
  if (!code || !read_code(j, f->begin, code, size)) {
    free(code);
    j->n_left = 0;
    return 0;
  }
  j->n_left--;
  for (uint64_t i = 0; i < size; i++) {
    uint64_t at = f->begin + i;
    struct target to = jump_at(j, f, code + i, at);
    uint64_t found = to.is_traced  ? at + 1 /* no function begins in a jump */
                     : to.function ? place_in(j, to.function)
                                   : 0;
    if (found && place && found != place) {
      place = f->begin;
      break;
    }
    place = found ? found : place;
  }
  free(code);
  return place;
}

uint64_t jumps_find(struct jumps *j, uint64_t address) {
  uint8_t call[5];
  if (j->n == 0 || address < sizeof call ||
      !read_code(j, address - sizeof call, call, sizeof call) ||
      call[0] != 0xe8)
    return 0;
  struct target to = target_at(j, relative(call + 1, address));
  if (!to.function || to.is_traced)
    return 0;
  j->n_left = FUNCTIONS_MOST;
  uint64_t place = place_in(j, to.function);
  return place && j->n_left ? place : to.function->begin;
}
