/* What commands say when a file or an argument is no good.  Called by check,
 * report and info. */
#include "output/open.h"

#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "command.h"
#include "output/inert.h"

static const char *advice(lt_status status) {
  switch (status) {
  case LT_NOT_A_TRACE:
    return "; make one with 'looptrace record -o FILE -- COMMAND'";
  case LT_CORRUPT: /* behind its header a trace may be damaged and opens */
    return " in its header, without which nothing can be read";
  case LT_VERSION:
    return "; read it with the looptrace that wrote it, or a later one";
  default:
    return "";
  }
}

/* What people have at hand in its place: an export. */
static bool is_json(const char *path) {
  struct stat st;
  char first[64] = "";
  FILE *file = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "re")
                                                           : NULL;
  if (!file)
    return false;
  size_t n = fread(first, 1, sizeof first - 1, file);
  fclose(file);
  first[n] = '\0';
  const char *start = first + strspn(first, " \t\r\n");
  return *start == '{' || *start == '[';
}

static bool is_folder(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* app.lt where there is app.worker-7.lt only: of what the command started.
 * Returns: is there one?  found: the newest of them. */
static bool find_other(const char *path, char *found, size_t size) {
  size_t length = strlen(path);
  char pattern[4200];
  struct stat st;
  time_t newest = 0;
  glob_t g;
  if (length < 4 || strcmp(path + length - 3, ".lt") != 0 ||
      strpbrk(path, "*?[\\") ||
      snprintf(pattern, sizeof pattern, "%.*s.*.lt", (int)(length - 3), path) >=
          (int)sizeof pattern ||
      glob(pattern, 0, NULL, &g) != 0)
    return false;
  for (size_t i = 0; i < g.gl_pathc; i++)
    if (stat(g.gl_pathv[i], &st) == 0 && st.st_mtime >= newest) {
      newest = st.st_mtime;
      snprintf(found, size, "%s", g.gl_pathv[i]);
    }
  globfree(&g);
  return newest > 0;
}

void open_complain(const char *who, const char *path, lt_status status,
                   int error) {
  char name[4200], other[4200], there[4200];
  if (status == LT_NOT_A_TRACE && is_json(path)) {
    fprintf(stderr,
            "%s: %s: this is JSON, not a looptrace trace; name the .lt file that "
            "it was exported from\n",
            who, inert(path, name, sizeof name));
    return;
  }
  if (status == LT_NOT_A_TRACE && is_folder(path)) {
    fprintf(stderr, "%s: %s: this is a folder; name a trace in it\n", who,
            inert(path, name, sizeof name));
    return;
  }
  if (status == LT_NOT_FOUND && find_other(path, other, sizeof other)) {
    fprintf(stderr, "%s: %s: there is no such file; there is %s\n", who,
            inert(path, name, sizeof name), inert(other, there, sizeof there));
    return;
  }
  fprintf(stderr, "%s: %s: %s%s%s%s\n", who, inert(path, name, sizeof name),
          lt_status_text(status), status == LT_IO && error ? ": " : "",
          status == LT_IO && error ? strerror(error) : "", advice(status));
}

int open_usage(const char *who, const char *problem, const char *word) {
  char text[512];
  fprintf(stderr, "%s: ", who);
  fprintf(stderr, problem, inert(word, text, sizeof text));
  fprintf(stderr, "\nTry '%s --help'.\n", who);
  return EXIT_USAGE;
}
