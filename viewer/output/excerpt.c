/* A line of a source file.  Invariant: no trace can make this read anything but
 * a source file, or wait.  Called by check's text form. */
#include "output/excerpt.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/inert.h"

#define SIZE_MAX_BYTES (4 << 20)

static bool is_source(const char *path) {
  static const char *const ends[] = {
      ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh",  ".hxx", ".inl",
      ".m", ".y",  ".l",   ".rs",  ".go",  ".zig", ".pyx", ".vala",
      ".d", ".js", ".mjs", ".cjs", ".jsx", ".ts",  ".mts", ".tsx",
      ".py", ".java", ".nim", ".lua"};
  const char *dot = strrchr(path, '.');
  for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
    if (strcmp(dot, ends[i]) == 0)
      return true;
  return false;
}

static FILE *open_source(const char *path) {
  if (path[0] != '/' || !is_source(path))
    return NULL;
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  struct stat st;
  if (fd < 0)
    return NULL;
  FILE *file = NULL;
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
      st.st_size <= SIZE_MAX_BYTES)
    file = fdopen(fd, "r");
  if (!file)
    close(fd);
  return file;
}

bool excerpt_line(const char *path, unsigned line, char *buf, size_t size) {
  char raw[512];
  FILE *file = line ? open_source(path) : NULL;
  if (!file)
    return false;
  unsigned at = 0;
  bool is_found = false;
  while (!is_found && fgets(raw, sizeof raw, file)) {
    is_found = ++at == line;
    if (!is_found && !strchr(raw, '\n')) { /* the rest of a long line */
      int c;
      while ((c = getc(file)) != EOF && c != '\n')
        ;
    }
  }
  fclose(file);
  if (!is_found)
    return false;
  raw[strcspn(raw, "\r\n")] = '\0';
  for (char *s = raw; *s; s++)
    if (*s == '\t')
      *s = ' ';
  inert_source(raw, buf, size);
  return true;
}

const char *excerpt_path(const char *path) {
  char cwd[PATH_MAX];
  size_t n = getcwd(cwd, sizeof cwd) ? strlen(cwd) : 0;
  if (n > 1 && strncmp(path, cwd, n) == 0 && path[n] == '/')
    return path + n + 1;
  return path;
}
