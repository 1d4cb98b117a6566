/* The map that a just-in-time compiler writes.
 *
 * Invariant: the file is somebody else's and grows while it is read: only whole
 * lines count, and a line that is not understood is passed over.  Called by
 * symbol.c. */
#include "config.h"

#include "symbol/jit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX (64u << 20)

struct code {
  uint64_t begin, end;
  size_t name; /* where in text */
};

struct jit {
  int32_t pid;
  int fd;     /* -1: not there so far */
  char *text; /* of whole lines, each ended by 0 */
  size_t n_bytes, n_read, capacity; /* n_read: with the part of a line */
  struct code *codes;
  size_t n_codes, codes_capacity;
  char function[512], file[PATH_MAX];
};

struct jit *jit_open(int32_t pid) {
  struct jit *jit = calloc(1, sizeof *jit);
  if (jit) {
    jit->pid = pid;
    jit->fd = -1;
  }
  return jit;
}

void jit_close(struct jit *jit) {
  if (!jit)
    return;
  if (jit->fd >= 0)
    close(jit->fd);
  free(jit->text);
  free(jit->codes);
  free(jit);
}

/* Its number as it knows itself, which names the file: inside a container that
 * is another. */
static long number_inside(int32_t pid) {
  char path[64], line[512];
  long number = pid;
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  FILE *status = fopen(path, "re");
  while (status && fgets(line, sizeof line, status))
    if (strncmp(line, "NSpid:", 6) == 0) {
      const char *last = strrchr(line, '\t');
      number = last ? strtol(last, NULL, 10) : number;
      break;
    }
  if (status)
    fclose(status);
  return number;
}

static bool find_file(struct jit *jit) {
  char path[96], own[64];
  struct stat process, map;
  snprintf(own, sizeof own, "/proc/%d", (int)jit->pid);
  snprintf(path, sizeof path, "/proc/%d/root/tmp/perf-%ld.map", (int)jit->pid,
           number_inside(jit->pid));
  if (jit->fd >= 0)
    return true;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (fd < 0)
    return false;
  if (fstat(fd, &map) || !S_ISREG(map.st_mode) || stat(own, &process) ||
      (map.st_uid != process.st_uid && map.st_uid != 0)) {
    close(fd);
    return false;
  }
  jit->fd = fd;
  return true;
}

static bool grow(void **array, size_t *capacity, size_t needed, size_t each) {
  size_t more = *capacity ? *capacity * 2 : 4096;
  if (needed <= *capacity)
    return true;
  while (more < needed)
    more *= 2;
  void *larger = realloc(*array, more * each);
  if (!larger)
    return false;
  *array = larger;
  *capacity = more;
  return true;
}

/* "START SIZE NAME" */
static void add_line(struct jit *jit, size_t at) {
  char *line = jit->text + at, *end;
  uint64_t begin = strtoull(line, &end, 16);
  if (end == line || *end != ' ')
    return;
  char *second = end + 1;
  uint64_t size = strtoull(second, &end, 16);
  if (end == second || *end != ' ' || !end[1] || begin + size <= begin ||
      !grow((void **)&jit->codes, &jit->codes_capacity, jit->n_codes + 1,
            sizeof *jit->codes))
    return;
  jit->codes[jit->n_codes++] = (struct code){
      .begin = begin,
      .end = begin + size,
      .name = (size_t)(end + 1 - jit->text),
  };
}

static void add_lines(struct jit *jit) {
  char *newline;
  while ((newline = memchr(jit->text + jit->n_bytes, '\n',
                           jit->n_read - jit->n_bytes))) {
    *newline = 0;
    add_line(jit, jit->n_bytes);
    jit->n_bytes = (size_t)(newline + 1 - jit->text);
  }
}

static void read_more(struct jit *jit) {
  enum { STEP = 65536 };
  ssize_t n = 1;
  while (n > 0 && jit->n_read + STEP <= TEXT_MAX &&
         grow((void **)&jit->text, &jit->capacity, jit->n_read + STEP, 1)) {
    n = pread(jit->fd, jit->text + jit->n_read, STEP, (off_t)jit->n_read);
    if (n > 0)
      jit->n_read += (size_t)n;
  }
  if (jit->text)
    add_lines(jit);
}

/* V8: "LazyCompile:*name /path:12", "JS:~name file:///path:12:7".  The sign
 * says how well it is compiled.  CPython: "py::name:/path".
 * Returns: where the function's name begins. */
static const char *after_prefix(const char *text) {
  static const char *const prefixes[] = {"LazyCompile:", "Function:", "JS:",
                                         "Script:",      "Eval:",     "py::"};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
    size_t n = strlen(prefixes[i]);
    if (strncmp(text, prefixes[i], n) == 0)
      return text + n + (text[n] != 0 && strchr("~^+*-", text[n]) != NULL);
  }
  return text;
}

/* Paths may hold blanks; the names before them hardly begin with a slash. */
static const char *path_in(const char *text) {
  const char *blank = strstr(text, " /");
  if (*text == '/')
    return text;
  if (!blank)
    blank = strstr(text, " file://");
  if (!blank)
    blank = strrchr(text, ' ');
  return blank ? blank + 1 : text;
}

/* "name PATH:LINE" or "name PATH:LINE:COLUMN".  false: it is not of that form.
 */
static bool split_place(struct jit *jit, const char *text,
                        struct lti_name *name) {
  const char *path = path_in(text);
  int name_bytes = path > text ? (int)(path - text - 1) : 0;
  size_t n = strlen(path), numbers = 0;
  unsigned long line = 0;
  while (numbers < 2) {
    size_t digits = n;
    while (digits > 0 && strchr("0123456789", path[digits - 1]))
      digits--;
    if (digits == n || digits < 2 || path[digits - 1] != ':')
      break;
    line = strtoul(path + digits, NULL, 10);
    n = digits - 1;
    numbers++;
  }
  if (strncmp(path, "file://", 7) == 0) {
    path += 7;
    n = n > 7 ? n - 7 : 0;
  }
  if (!numbers || !n || n >= sizeof jit->file || line > UINT32_MAX)
    return false;
  memcpy(jit->file, path, n);
  jit->file[n] = 0;
  snprintf(jit->function, sizeof jit->function, "%.*s", name_bytes, text);
  if (!jit->function[0])
    snprintf(jit->function, sizeof jit->function, "(anonymous)");
  name->file = jit->file;
  name->line = (uint32_t)line;
  return true;
}

bool jit_name(struct jit *jit, uint64_t address, struct lti_name *name) {
  struct lti_name found = {.function = jit->function};
  if (!find_file(jit))
    return false;
  read_more(jit);
  for (size_t i = jit->n_codes; i-- > 0;) {
    const struct code *code = &jit->codes[i];
    if (address < code->begin || address >= code->end)
      continue;
    const char *text = after_prefix(jit->text + code->name);
    if (!split_place(jit, text, &found))
      snprintf(jit->function, sizeof jit->function, "%s", text);
    found.function_offset = address - code->begin;
    *name = found;
    return true;
  }
  return false;
}
