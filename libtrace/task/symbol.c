/* The names of functions that dladdr() does not know: static ones, as most that
 * are given to lt_spawn() are.  Read from the symbol table of the file that they
 * are in, at the moment somebody is to be told of a task.
 *
 * Invariant: nothing of the file is believed before its bounds were looked at;
 * nothing stays mapped.  Called by task.c and dump.c. */
#include "config.h"

#include "task/symbol.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct image {
  const unsigned char *bytes;
  size_t size;
};

static bool map_image(struct image *image, const char *path) {
  struct stat st;
  void *bytes = MAP_FAILED;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return false;
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
    bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (bytes == MAP_FAILED)
    return false;
  *image = (struct image){bytes, (size_t)st.st_size};
  return true;
}

/* n things of a size each, at an offset; NULL where they are not in the file. */
static const void *part(const struct image *image, uint64_t at, uint64_t n,
                        size_t each) {
  return at <= image->size && n <= (image->size - at) / each &&
                 at % _Alignof(uint64_t) == 0
             ? image->bytes + at
             : NULL;
}

/* Of the functions in a table, the one that begins at value or spans it. */
static const char *find(const struct image *image, const ElfW(Shdr) *table,
                        const ElfW(Shdr) *texts, uint64_t value) {
  size_t n = table->sh_size / sizeof(ElfW(Sym));
  const ElfW(Sym) *symbols =
      part(image, table->sh_offset, n, sizeof *symbols);
  if (!symbols || texts->sh_offset > image->size ||
      texts->sh_size > image->size - texts->sh_offset)
    return NULL;
  const char *text = (const char *)image->bytes + texts->sh_offset;
  for (size_t i = 0; i < n; i++) {
    const ElfW(Sym) *s = &symbols[i];
    if (ELF64_ST_TYPE(s->st_info) == STT_FUNC && value >= s->st_value &&
        value - s->st_value < (s->st_size ? s->st_size : 1) &&
        s->st_name < texts->sh_size &&
        memchr(text + s->st_name, 0, texts->sh_size - s->st_name))
      return text + s->st_name;
  }
  return NULL;
}

static const char *search(const struct image *image, uint64_t address,
                          uint64_t base) {
  const ElfW(Ehdr) *head = part(image, 0, 1, sizeof *head);
  if (!head || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
      head->e_shentsize != sizeof(ElfW(Shdr)))
    return NULL;
  const ElfW(Shdr) *sections =
      part(image, head->e_shoff, head->e_shnum, sizeof *sections);
  for (unsigned i = 0; sections && i < head->e_shnum; i++)
    if (sections[i].sh_type == SHT_SYMTAB && sections[i].sh_link < head->e_shnum)
      return find(image, &sections[i], &sections[sections[i].sh_link],
                  head->e_type == ET_EXEC ? address : address - base);
  return NULL;
}

const char *lti_symbol_of(const void *address, char *buffer, size_t size) {
  struct link_map *map = NULL;
  struct image image;
  Dl_info info;
  if (!dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) || !map)
    return NULL;
  if (info.dli_sname) {
    snprintf(buffer, size, "%s", info.dli_sname);
    return buffer;
  }
  if (!map_image(&image, *map->l_name ? map->l_name : "/proc/self/exe"))
    return NULL;
  const char *name = search(&image, (uintptr_t)address, map->l_addr);
  if (name)
    snprintf(buffer, size, "%s", name);
  munmap((void *)(uintptr_t)image.bytes, image.size);
  return name ? buffer : NULL;
}
