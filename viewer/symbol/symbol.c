/* The cache of modules, by process and path, and by the file behind.
 *
 * Invariant: a file is opened and read once, however many processes use it;
 * what could not be opened is remembered too.  Called by the drain as its
 * namer. */
#include "config.h"

#include "symbol/symbol.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1 /* never exit() */
#include <uthash.h>

#include "symbol/jit.h"
#include "symbol/module.h"

struct identity {
  uint64_t device, inode, size_bytes;
  int64_t changed_s, changed_ns;
};

struct opened {
  struct identity identity; /* key */
  struct module *module;    /* NULL: not ELF */
  UT_hash_handle hh;
};

struct seen {
  struct module *module; /* borrowed from opened, or NULL */
  UT_hash_handle hh;
  char key[]; /* "PID PATH" */
};

/* A process's code that is in no file. */
struct made {
  int32_t pid; /* key */
  struct jit *jit;
  UT_hash_handle hh;
};

struct symbol {
  struct opened *opened;
  struct seen *seen;
  struct made *made;
};

struct symbol *symbol_open(void) {
  return calloc(1, sizeof(struct symbol));
}

void symbol_close(struct symbol *symbols) {
  struct seen *seen, *next_seen;
  struct opened *opened, *next_opened;
  struct made *made, *next_made;
  if (!symbols)
    return;
  HASH_ITER(hh, symbols->seen, seen, next_seen) {
    HASH_DEL(symbols->seen, seen);
    free(seen);
  }
  HASH_ITER(hh, symbols->opened, opened, next_opened) {
    HASH_DEL(symbols->opened, opened);
    module_close(opened->module);
    free(opened);
  }
  HASH_ITER(hh, symbols->made, made, next_made) {
    HASH_DEL(symbols->made, made);
    jit_close(made->jit);
    free(made);
  }
  free(symbols);
}

/* The module behind a descriptor, which is taken over. */
static struct module *module_of(struct symbol *symbols, int fd,
                                const char *root) {
  struct stat st;
  struct identity identity;
  struct opened *opened;
  if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
    close(fd);
    return NULL;
  }
  memset(&identity, 0, sizeof identity);
  identity.device = st.st_dev;
  identity.inode = st.st_ino;
  identity.size_bytes = (uint64_t)st.st_size;
  identity.changed_s = st.st_mtim.tv_sec;
  identity.changed_ns = st.st_mtim.tv_nsec;
  HASH_FIND(hh, symbols->opened, &identity, sizeof identity, opened);
  if (opened) {
    close(fd);
    return opened->module;
  }
  opened = calloc(1, sizeof *opened);
  if (!opened) {
    close(fd);
    return NULL;
  }
  opened->identity = identity;
  opened->module = module_open(fd, root);
  HASH_ADD(hh, symbols->opened, identity, sizeof identity, opened);
  return opened->module;
}

/* Open a path as a process sees it.  root: set to the prefix that worked. */
static int open_as(int32_t pid, const char *path, char root[32]) {
  char full[PATH_MAX];
  if (pid > 0) {
    snprintf(root, 32, "/proc/%d/root", (int)pid);
    if (snprintf(full, sizeof full, "%s%s", root, path) < (int)sizeof full) {
      int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
      if (fd >= 0)
        return fd;
    }
  }
  *root = 0;
  return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static struct module *find(struct symbol *symbols, int32_t pid,
                           const char *path) {
  char root[32], key[PATH_MAX + 16];
  struct seen *seen;
  if (*path != '/')
    return NULL; /* [vdso], [heap]... */
  int n = snprintf(key, sizeof key, "%d %s", (int)pid, path);
  if (n >= (int)sizeof key)
    return NULL;
  HASH_FIND_STR(symbols->seen, key, seen);
  if (seen)
    return seen->module;
  seen = calloc(1, sizeof *seen + (size_t)n + 1);
  if (!seen)
    return NULL;
  memcpy(seen->key, key, (size_t)n + 1);
  int fd = open_as(pid, path, root);
  if (fd >= 0)
    seen->module = module_of(symbols, fd, root);
  HASH_ADD_KEYPTR(hh, symbols->seen, seen->key, (unsigned)n, seen);
  return seen->module;
}

static bool name_made(struct symbol *symbols, int32_t pid, uint64_t address,
                      struct lti_name *name) {
  struct made *made;
  HASH_FIND(hh, symbols->made, &pid, sizeof pid, made);
  if (!made) {
    made = calloc(1, sizeof *made);
    if (!made)
      return false;
    made->pid = pid;
    made->jit = jit_open(pid);
    HASH_ADD(hh, symbols->made, pid, sizeof pid, made);
  }
  return made->jit && jit_name(made->jit, address, name);
}

bool symbol_site(struct symbol *symbols, int32_t pid, const char *path,
                 uint64_t offset, struct lti_name *name) {
  if (!*path)
    return pid > 0 && name_made(symbols, pid, offset, name);
  struct module *module = find(symbols, pid, path);
  return module && module_name(module, offset, name);
}

const char *symbol_build_id(struct symbol *symbols, int32_t pid,
                            const char *path) {
  struct module *module = find(symbols, pid, path);
  return module ? module_build_id(module) : NULL;
}

static bool namer_site(void *context, int32_t pid, const char *path,
                       uint64_t offset, struct lti_name *name) {
  return symbol_site(context, pid, path, offset, name);
}

static const char *namer_build_id(void *context, int32_t pid,
                                  const char *path) {
  return symbol_build_id(context, pid, path);
}

const struct lti_namer symbol_namer = {.site = namer_site,
                                         .build_id = namer_build_id};
