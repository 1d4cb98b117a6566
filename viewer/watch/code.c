/* Mappings of a process, and the ELF files behind them.
 *
 * Invariant: a file is opened and read once, however many processes map it, and
 * never mapped itself: one that is cut short meanwhile must not kill the
 * recorder.  A file that was replaced on the disk is not believed.  Nothing is
 * fetched from a network.  Called by the unwinder. */
#include "watch/code.h"

#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "record/clock.h"

#define FILES_MAX 256u
#define MAPPINGS_MAX 16384u
#define MAPS_AGE_NS 100000000u
#define SEGMENTS_MAX 16u
#define VDSO_MAX 65536u

struct code_segment {
  uint64_t offset, size, address;
};

struct code_file {
  dev_t device;
  ino_t inode;
  struct timespec changed;
  int fd;      /* -1: the vdso */
  char *image; /* of the vdso */
  Elf *elf;
  Dwarf_CFI *cfi;
  struct code_segment segments[SEGMENTS_MAX];
  size_t n_segments;
  uint64_t lowest; /* address of any, by whole pages */
};

struct code_files {
  struct code_file *files[FILES_MAX];
  size_t n;
};

struct code_files *code_files_open(void) {
  elf_version(EV_CURRENT);
  return calloc(1, sizeof(struct code_files));
}

static void file_close(struct code_file *f) {
  if (!f)
    return;
  if (f->cfi)
    dwarf_cfi_end(f->cfi);
  elf_end(f->elf);
  if (f->fd >= 0)
    close(f->fd);
  free(f->image);
  free(f);
}

void code_files_close(struct code_files *files) {
  if (!files)
    return;
  for (size_t i = 0; i < files->n; i++)
    file_close(files->files[i]);
  free(files);
}

/* An ELF of this machine only. */
static bool read_segments(struct code_file *f) {
  GElf_Ehdr head;
  size_t n = 0;
  if (!gelf_getehdr(f->elf, &head) || head.e_ident[EI_CLASS] != ELFCLASS64 ||
      elf_getphdrnum(f->elf, &n))
    return false;
#if defined(__x86_64__)
  if (head.e_machine != EM_X86_64)
    return false;
#elif defined(__aarch64__)
  if (head.e_machine != EM_AARCH64)
    return false;
#endif
  for (size_t i = 0; i < n && f->n_segments < SEGMENTS_MAX; i++) {
    GElf_Phdr p;
    if (!gelf_getphdr(f->elf, (int)i, &p) || p.p_type != PT_LOAD)
      continue;
    if (f->n_segments == 0 || f->lowest > p.p_vaddr)
      f->lowest = p.p_vaddr & ~UINT64_C(4095);
    f->segments[f->n_segments++] =
        (struct code_segment){p.p_offset, p.p_filesz, p.p_vaddr};
  }
  return f->n_segments > 0;
}

/* Takes fd over; elf may be NULL. */
static struct code_file *file_new(struct code_files *files, int fd, Elf *elf,
                                  const struct stat *st) {
  struct code_file *f =
      files->n < FILES_MAX ? calloc(1, sizeof *f) : NULL;
  if (!f) {
    elf_end(elf);
    if (fd >= 0)
      close(fd);
    return NULL;
  }
  f->fd = fd;
  f->elf = elf;
  f->device = st->st_dev;
  f->inode = st->st_ino;
  f->changed = st->st_mtim;
  if (elf && elf_kind(elf) == ELF_K_ELF && read_segments(f))
    f->cfi = dwarf_getcfi_elf(elf);
  files->files[files->n++] = f;
  return f;
}

static struct code_file *find_file(struct code_files *files,
                                   const struct stat *st) {
  for (size_t i = 0; i < files->n; i++) {
    struct code_file *f = files->files[i];
    if (f->device == st->st_dev && f->inode == st->st_ino &&
        f->changed.tv_sec == st->st_mtim.tv_sec &&
        f->changed.tv_nsec == st->st_mtim.tv_nsec)
      return f;
  }
  return NULL;
}

/* All processes of a kernel have the same one: a copy of it, by one of them. */
static struct code_file *vdso_file(struct code_files *files, int32_t pid,
                                   const struct code_mapping *m) {
  struct stat none = {0};
  struct code_file *known = find_file(files, &none);
  size_t size = (size_t)(m->end - m->start);
  if (known || size > VDSO_MAX)
    return known;
  char *copy = malloc(size);
  struct iovec local = {copy, size};
  struct iovec remote = {(void *)(uintptr_t)m->start, size};
  if (!copy ||
      process_vm_readv(pid, &local, 1, &remote, 1, 0) != (ssize_t)size) {
    free(copy);
    return NULL;
  }
  struct code_file *f = file_new(files, -1, elf_memory(copy, size), &none);
  if (f)
    f->image = copy;
  else
    free(copy);
  return f;
}

static struct code_file *open_file(struct code_files *files, int32_t pid,
                                   const struct code_mapping *m) {
  char path[PATH_MAX + 32];
  struct stat st;
  snprintf(path, sizeof path, "/proc/%d/root%s", (int)pid, m->path);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    fd = open(m->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return NULL;
  if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_ino != m->inode) {
    close(fd);
    return NULL;
  }
  struct code_file *known = find_file(files, &st);
  if (known) {
    close(fd);
    return known;
  }
  return file_new(files, fd, elf_begin(fd, ELF_C_READ, NULL), &st);
}

void code_fini(struct code *c) {
  for (size_t i = 0; i < c->n; i++)
    free(c->mappings[i].path);
  free(c->mappings);
  c->mappings = NULL;
  c->n = c->capacity = 0;
  c->read_ns = 0;
}

static void add_mapping(struct code *c, const struct code_mapping *mapping) {
  if (c->n == c->capacity) {
    size_t capacity = c->capacity ? c->capacity * 2 : 64;
    struct code_mapping *more =
        c->n < MAPPINGS_MAX
            ? realloc(c->mappings, capacity * sizeof *more)
            : NULL;
    if (!more) {
      free(mapping->path);
      return;
    }
    c->mappings = more;
    c->capacity = capacity;
  }
  c->mappings[c->n++] = *mapping;
}

static void read_line(struct code *c, char *line) {
  unsigned long long start, end, offset, inode;
  char perms[8];
  int path_at = 0;
  line[strcspn(line, "\n")] = 0;
  if (sscanf(line, "%llx-%llx %7s %llx %*s %llu %n", &start, &end, perms,
             &offset, &inode, &path_at) < 5 ||
      perms[2] != 'x')
    return;
  struct code_mapping m = {start, end, offset, inode,
                           strdup(path_at ? line + path_at : ""), NULL, false};
  if (m.path)
    add_mapping(c, &m);
}

static void read_maps(struct code *c) {
  char name[32], line[PATH_MAX + 256];
  snprintf(name, sizeof name, "/proc/%d/maps", (int)c->pid);
  FILE *maps = fopen(name, "re");
  code_fini(c);
  c->read_ns = lti_monotonic_ns();
  if (!maps)
    return;
  while (fgets(line, sizeof line, maps))
    read_line(c, line);
  fclose(maps);
}

static struct code_mapping *find_known(const struct code *c,
                                       uint64_t address) {
  size_t low = 0, high = c->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    struct code_mapping *m = &c->mappings[middle];
    if (address < m->start)
      high = middle;
    else if (address >= m->end)
      low = middle + 1;
    else
      return m;
  }
  return NULL;
}

struct code_mapping *code_find(struct code *c, uint64_t address) {
  struct code_mapping *m = find_known(c, address);
  if (m || (c->read_ns && lti_monotonic_ns() - c->read_ns < MAPS_AGE_NS))
    return m;
  read_maps(c);
  return find_known(c, address);
}

/* The mapping of an address, with its file, and the address in that. */
static struct code_mapping *locate(struct code_files *files, struct code *c,
                                   uint64_t address, uint64_t *in_file) {
  struct code_mapping *m = code_find(c, address);
  if (!m)
    return NULL;
  if (!m->is_asked) {
    m->is_asked = true;
    if (m->path[0] == '/')
      m->file = open_file(files, c->pid, m);
    else if (strcmp(m->path, "[vdso]") == 0)
      m->file = vdso_file(files, c->pid, m);
  }
  if (!m->file)
    return NULL;
  uint64_t at = address - m->start + m->offset;
  for (size_t i = 0; i < m->file->n_segments; i++) {
    const struct code_segment *s = &m->file->segments[i];
    if (at >= s->offset && at - s->offset < s->size) {
      *in_file = at - s->offset + s->address;
      return m;
    }
  }
  return NULL;
}

Dwarf_CFI *code_cfi(struct code_files *files, struct code *c, uint64_t address,
                    uint64_t *in_file) {
  const struct code_mapping *m = locate(files, c, address, in_file);
  return m ? m->file->cfi : NULL;
}

const char *code_offset(struct code_files *files, struct code *c,
                        uint64_t address, uint64_t *offset) {
  uint64_t in_file;
  const struct code_mapping *m = locate(files, c, address, &in_file);
  if (!m)
    return NULL;
  *offset = in_file - m->file->lowest;
  return m->path;
}
