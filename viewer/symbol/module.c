/* One module: its own ELF file, and the separate file with what was stripped.
 *
 * Invariant: files are read, never mapped: one that is cut short meanwhile must
 * not kill the recorder.  Called by symbol.c. */
#include "config.h"

#include "symbol/module.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbol/jumps.h"
#include "symbol/lines.h"
#include "symbol/table.h"

struct file {
  int fd;
  Elf *elf;
};

struct module {
  struct file own, debug; /* debug.elf: NULL where there is none */
  uint64_t bias;          /* virtual address of offset 0 */
  char build_id[2 * 64 + 1];
  struct table table;
  struct lines *lines;
  struct jumps *jumps;
  bool has_table; /* it is read at the first name */
};

static bool file_open(struct file *file, int fd) {
  struct stat st;
  file->elf = NULL;
  file->fd = fd;
  if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode))
    file->elf = elf_begin(fd, ELF_C_READ, NULL);
  if (file->elf && elf_kind(file->elf) == ELF_K_ELF)
    return true;
  elf_end(file->elf);
  if (fd >= 0)
    close(fd);
  *file = (struct file){-1, NULL};
  return false;
}

static void file_close(struct file *file) {
  if (!file->elf)
    return;
  elf_end(file->elf);
  close(file->fd);
}

static bool find_bias(struct module *module) {
  size_t n = 0;
  uint64_t lowest = UINT64_MAX;
  if (elf_getphdrnum(module->own.elf, &n))
    return false;
  for (size_t i = 0; i < n; i++) {
    GElf_Phdr header;
    if (gelf_getphdr(module->own.elf, (int)i, &header) &&
        header.p_type == PT_LOAD && header.p_vaddr < lowest)
      lowest = header.p_vaddr;
  }
  module->bias = lowest & ~UINT64_C(4095);
  return lowest != UINT64_MAX;
}

static void read_build_id(struct module *module) {
  const void *bytes;
  ssize_t n = dwelf_elf_gnu_build_id(module->own.elf, &bytes);
  for (ssize_t i = 0; i < n && i < 64; i++)
    sprintf(module->build_id + 2 * i, "%02x",
            ((const unsigned char *)bytes)[i]);
}

/* Where distributions put what they strip: by build-id. */
static void open_debug(struct module *module, const char *root) {
  const char *roots[] = {root, ""};
  const char *id = module->build_id;
  for (int i = *root ? 0 : 1; id[0] && id[1] && i < 2; i++) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/usr/lib/debug/.build-id/%.2s/%s.debug",
             roots[i], id, id + 2);
    if (file_open(&module->debug,
                  open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)))
      return;
  }
}

struct module *module_open(int fd, const char *root) {
  struct module *module = calloc(1, sizeof *module);
  elf_version(EV_CURRENT);
  if (!module) {
    close(fd);
    return NULL;
  }
  if (!file_open(&module->own, fd) || !find_bias(module)) {
    module_close(module);
    return NULL;
  }
  read_build_id(module);
  open_debug(module, root);
  module->lines = lines_open(module->own.elf);
  if (!module->lines && module->debug.elf)
    module->lines = lines_open(module->debug.elf);
  return module;
}

void module_close(struct module *module) {
  if (!module)
    return;
  jumps_close(module->jumps);
  lines_close(module->lines);
  table_free(&module->table);
  file_close(&module->debug);
  file_close(&module->own);
  free(module);
}

static void read_tables(struct module *module) {
  module->has_table = true;
  table_add(&module->table, module->own.elf);
  if (module->debug.elf)
    table_add(&module->table, module->debug.elf);
  table_finish(&module->table);
  module->jumps =
      jumps_open(module->own.elf, module->own.fd, &module->table);
}

bool module_name(struct module *module, uint64_t offset,
                 struct lti_name *name) {
  struct lti_name found = {0};
  uint64_t address = offset + module->bias;
  uint64_t code = address; /* of the call, where it is a return address */
  if (!module->has_table)
    read_tables(module);
  const struct function *function = table_find(&module->table, address);
  if (address && (!function || function->begin != address)) {
    code = address - 1;
    /* A call that never returns may be the last thing in its function. */
    if (!function)
      function = table_find(&module->table, code);
  }
  if (function) {
    found.function = table_name(&module->table, function);
    found.function_offset = address - function->begin;
  }
  if (module->lines)
    (void)lines_find(module->lines, code, &found.file, &found.line);
  if (!found.function && !found.file)
    return false;
  if (module->jumps && code != address) {
    uint64_t jump = jumps_find(module->jumps, address);
    found.jump = jump ? jump - module->bias : 0;
  }
  *name = found;
  return true;
}

const char *module_build_id(const struct module *module) {
  return *module->build_id ? module->build_id : NULL;
}
