/* Why nothing was recorded: the facts about a program's file.
 *
 * Invariant: only reads; the program itself is never run, and a file that is
 * not what it says gives no facts rather than an error.  Called by launch.c,
 * before the start (where is the command?) and when no loop ran. */
#include "config.h"

#include "launch/program.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

extern char **environ;

/* May path be executed?  0 or an errno. */
static int executable_error(const char *path) {
  struct stat st;
  if (stat(path, &st))
    return errno;
  if (S_ISDIR(st.st_mode))
    return EISDIR;
  if (!S_ISREG(st.st_mode) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS))
    return EACCES;
  return 0;
}

int program_find(const char *name, char path[PATH_MAX]) {
  if (!*name)
    return ENOENT;
  if (strchr(name, '/')) {
    int error = executable_error(name);
    if (!error && snprintf(path, PATH_MAX, "%s", name) >= PATH_MAX)
      return ENAMETOOLONG;
    return error;
  }
  const char *dirs = getenv("PATH");
  int worst = ENOENT;
  for (const char *p = dirs ? dirs : "/bin:/usr/bin"; p;) {
    const char *end = strchrnul(p, ':');
    char file[PATH_MAX];
    int n = snprintf(file, sizeof file, "%.*s%s%s", (int)(end - p), p,
                     end > p ? "/" : "", name);
    int error = n < PATH_MAX ? executable_error(file) : ENAMETOOLONG;
    if (!error) {
      strcpy(path, file);
      return 0;
    }
    if (error == EACCES) /* as execvp: look on, but remember it */
      worst = EACCES;
    p = *end ? end + 1 : NULL;
  }
  return worst;
}

/* Does a table (SHT_SYMTAB, SHT_DYNSYM) define uv_run? */
static bool table_defines_uv(Elf *elf, Elf_Scn *section, const GElf_Shdr *h) {
  Elf_Data *data = elf_getdata(section, NULL);
  size_t n = data && h->sh_entsize ? data->d_size / h->sh_entsize : 0;
  for (size_t i = 0; i < n; i++) {
    GElf_Sym sym;
    if (!gelf_getsym(data, (int)i, &sym) || sym.st_shndx == SHN_UNDEF ||
        GELF_ST_TYPE(sym.st_info) != STT_FUNC)
      continue;
    const char *name = elf_strptr(elf, h->sh_link, sym.st_name);
    if (name && !strcmp(name, "uv_run"))
      return true;
  }
  return false;
}

static bool dynamic_names_uv(Elf *elf, Elf_Scn *section, const GElf_Shdr *h) {
  Elf_Data *data = elf_getdata(section, NULL);
  size_t n = data && h->sh_entsize ? data->d_size / h->sh_entsize : 0;
  for (size_t i = 0; i < n; i++) {
    GElf_Dyn dyn;
    if (!gelf_getdyn(data, (int)i, &dyn) || dyn.d_tag != DT_NEEDED)
      continue;
    const char *name = elf_strptr(elf, h->sh_link, dyn.d_un.d_val);
    if (name && !strncmp(name, "libuv.so", 8))
      return true;
  }
  return false;
}

static void look_at_sections(Elf *elf, struct program_facts *facts) {
  for (Elf_Scn *s = elf_nextscn(elf, NULL); s; s = elf_nextscn(elf, s)) {
    GElf_Shdr h;
    if (!gelf_getshdr(s, &h))
      continue;
    if (h.sh_type == SHT_SYMTAB || h.sh_type == SHT_DYNSYM)
      facts->owns_uv = facts->owns_uv || table_defines_uv(elf, s, &h);
    else if (h.sh_type == SHT_DYNAMIC)
      facts->links_uv = facts->links_uv || dynamic_names_uv(elf, s, &h);
  }
}

/* The dynamic loader that the program names, "" for none. */
static void find_loader(Elf *elf, int fd, char loader[256]) {
  size_t n = 0;
  *loader = 0;
  if (elf_getphdrnum(elf, &n))
    return;
  for (size_t i = 0; i < n; i++) {
    GElf_Phdr ph;
    if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_INTERP)
      continue;
    size_t size = ph.p_filesz < 255 ? (size_t)ph.p_filesz : 255;
    ssize_t got = pread(fd, loader, size, (off_t)ph.p_offset);
    loader[got > 0 ? got : 0] = 0;
    return;
  }
}

/* Ask glibc's loader for everything the program would load. */
static bool list_names_uv(const char *loader, const char *path) {
  char *argv[] = {(char *)loader, (char *)"--list", (char *)path, NULL};
  posix_spawn_file_actions_t actions;
  char line[4096];
  pid_t pid;
  int ends[2];
  bool found = false;

  if (pipe2(ends, O_CLOEXEC))
    return false;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  int error = posix_spawn(&pid, loader, &actions, NULL, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  FILE *list = error ? NULL : fdopen(ends[0], "r");
  if (list) {
    while (fgets(line, sizeof line, list))
      found = found || strstr(line, "libuv.so");
    fclose(list);
  } else {
    close(ends[0]);
  }
  while (!error && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
    continue;
  return found;
}

static void look_at_elf(int fd, struct program_facts *facts) {
  const char *ident;
  size_t size = 0;
  char loader[256];
  elf_version(EV_CURRENT);
  Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
  if (!elf)
    return;
  GElf_Ehdr header;
  if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
    goto done;
  facts->is_elf = true;
  ident = elf_getident(elf, &size);
#if defined(__x86_64__)
  facts->is_foreign = header.e_machine != EM_X86_64;
#elif defined(__aarch64__)
  facts->is_foreign = header.e_machine != EM_AARCH64;
#endif
  if (ident && size > EI_CLASS &&
      ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
    facts->is_foreign = true;
  find_loader(elf, fd, loader);
  facts->is_static = !*loader;
  bool is_glibc = strstr(loader, "/ld-linux") || strstr(loader, "/ld64");
  facts->is_other_libc = *loader && !is_glibc;
  look_at_sections(elf, facts);
  if (!facts->links_uv && is_glibc && !facts->is_foreign)
    facts->links_uv = list_names_uv(loader, facts->path);
done:
  elf_end(elf);
}

/* The interpreter in a "#!" line, through env(1).  line is used up. */
static bool parse_script(char *line, char path[PATH_MAX]) {
  char *save;
  line[strcspn(line, "\n")] = 0;
  char *word = strtok_r(line + 2, " \t", &save);
  if (!word)
    return false;
  const char *base = strrchr(word, '/');
  if (base && !strcmp(base, "/env")) {
    do
      word = strtok_r(NULL, " \t", &save);
    while (word && (*word == '-' || strchr(word, '=')));
    return word && program_find(word, path) == 0;
  }
  return snprintf(path, PATH_MAX, "%s", word) < PATH_MAX;
}

bool program_look(const char *path, struct program_facts *facts) {
  memset(facts, 0, sizeof *facts);
  snprintf(facts->path, sizeof facts->path, "%s", path);
  for (int depth = 0; depth < 4; depth++) {
    char line[512] = {0};
    struct stat st;
    int fd = open(facts->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
      if (fd >= 0)
        close(fd);
      return false;
    }
    ssize_t got = pread(fd, line, sizeof line - 1, 0);
    bool names_shell = got > 2 && line[0] == '#' && line[1] == '!';
    /* execvp() gives text without that line to the shell. */
    bool is_text = got > 0 && !memchr(line, 0, (size_t)got);
    if (names_shell || is_text) {
      close(fd);
      if (!*facts->script)
        strcpy(facts->script, facts->path);
      if (!names_shell)
        strcpy(facts->path, "/bin/sh");
      else if (!parse_script(line, facts->path))
        return false;
      continue;
    }
    facts->is_setuid = st.st_mode & (S_ISUID | S_ISGID);
    facts->has_capabilities = fgetxattr(fd, "security.capability", NULL, 0) > 0;
    look_at_elf(fd, facts);
    close(fd);
    return true;
  }
  return false;
}
