/* Is libuv bound past us?
 *
 * A module that is loaded with RTLD_DEEPBIND, and what it brings along, finds
 * libc before it finds us.  libuv's table of addresses says so: its epoll_pwait
 * is libc's and not ours.  Invariant: only what the dynamic linker itself has
 * read is read.  Called by the destructor. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "hook/past.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>

#include "hook/real.h"

#if defined(__x86_64__)
#define IS_JUMP(type) ((type) == R_X86_64_JUMP_SLOT)
#elif defined(__aarch64__)
#define IS_JUMP(type) ((type) == R_AARCH64_JUMP_SLOT)
#else
#define IS_JUMP(type) ((void)(type), false)
#endif

struct table {
  const ElfW(Rela) *jumps;
  size_t n_jumps;
  const ElfW(Sym) *symbols;
  const char *names;
};

static struct table table_of(const ElfW(Dyn) *d) {
  struct table t = {0};
  for (; d->d_tag != DT_NULL; d++)
    switch (d->d_tag) {
    case DT_JMPREL:
      t.jumps = (const ElfW(Rela) *)d->d_un.d_ptr;
      break;
    case DT_PLTRELSZ:
      t.n_jumps = d->d_un.d_val / sizeof *t.jumps;
      break;
    case DT_SYMTAB:
      t.symbols = (const ElfW(Sym) *)d->d_un.d_ptr;
      break;
    case DT_STRTAB:
      t.names = (const char *)d->d_un.d_ptr;
      break;
    default:
      break;
    }
  return t;
}

/* Where a module's calls of a function go, 0 unknown. */
static uintptr_t target_of(const struct dl_phdr_info *info, const char *name) {
  struct table t = {0};
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
      t = table_of((const ElfW(Dyn) *)(info->dlpi_addr +
                                       info->dlpi_phdr[i].p_vaddr));
  if (!t.jumps || !t.symbols || !t.names)
    return 0;
  for (size_t i = 0; i < t.n_jumps; i++) {
    const ElfW(Rela) *r = &t.jumps[i];
    const ElfW(Sym) *symbol = &t.symbols[ELF64_R_SYM(r->r_info)];
    if (IS_JUMP(ELF64_R_TYPE(r->r_info)) &&
        strcmp(t.names + symbol->st_name, name) == 0)
      return *(const uintptr_t *)(info->dlpi_addr + r->r_offset);
  }
  return 0;
}

static bool holds(const struct dl_phdr_info *info, uintptr_t address) {
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_LOAD &&
        address - (info->dlpi_addr + info->dlpi_phdr[i].p_vaddr) <
            info->dlpi_phdr[i].p_memsz)
      return true;
  return false;
}

/* Not yet bound is no answer: then it leads into libuv itself. */
static int look(struct dl_phdr_info *info, size_t size, void *context) {
  (void)size;
  if (!strstr(info->dlpi_name, "libuv.so"))
    return 0;
  uintptr_t target = target_of(info, "epoll_pwait");
  *(bool *)context = target && target == (uintptr_t)lti_libc.epoll_pwait &&
                     !holds(info, target);
  return *(bool *)context;
}

void lti_past_tell(void) {
  int saved = errno;
  bool is_past = false;
  struct lti_proc *proc = lti_process.proc;
  if (lti_process.arena && *lti_process.alive &&
      (!proc || !proc->uv_version[0])) {
    (void)dl_iterate_phdr(look, &is_past);
    if (is_past)
      atomic_fetch_add_explicit(&lti_process.arena->n_past, 1,
                                memory_order_relaxed);
    if (is_past && proc)
      lti_note_emit("libuv was loaded with RTLD_DEEPBIND, so that its calls go "
                    "past looptrace: its loops are not seen");
  }
  errno = saved;
}
