/* Where things are put and found.
 *
 * Invariant: nothing is made here; what is found may have changed when it is
 * used.  Called by launch.c. */
#include "config.h"

#include "launch/locate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRELOAD_NAME "liblooptrace-preload.so"

static char *format(const char *pattern, ...) {
  va_list args;
  char *text = NULL;
  va_start(args, pattern);
  if (vasprintf(&text, pattern, args) < 0)
    text = NULL;
  va_end(args);
  return text;
}

/* The folder that this program lies in. */
static bool own_folder(char folder[PATH_MAX]) {
  ssize_t got = readlink("/proc/self/exe", folder, PATH_MAX - 1);
  if (got <= 0)
    return false;
  folder[got] = 0;
  *strrchr(folder, '/') = 0;
  return true;
}

bool locate_preload(char path[PATH_MAX], char **message) {
  char folder[PATH_MAX], tried[3][PATH_MAX + 64];
  const char *given = getenv("LOOPTRACE_PRELOAD");
  int n = 0;
  if (given && *given) {
    snprintf(tried[n++], sizeof *tried, "%s", given);
  } else {
    if (own_folder(folder)) {
      /* Libtool runs a program of the build tree from .libs itself. */
      const char *base = strrchr(folder, '/');
      bool inside = base && !strcmp(base, "/.libs");
      snprintf(tried[n++], sizeof *tried, "%s/%s" PRELOAD_NAME, folder,
               inside ? "" : ".libs/");
      snprintf(tried[n++], sizeof *tried, "%s/../lib/looptrace/" PRELOAD_NAME,
               folder);
    }
    snprintf(tried[n++], sizeof *tried, "%s/" PRELOAD_NAME, PKGLIBDIR);
  }
  for (int i = 0; i < n; i++) {
    if (!realpath(tried[i], path) || access(path, R_OK))
      continue;
    if (!strpbrk(path, ": "))
      return true;
    *message = format("%s cannot be preloaded: its path has a blank or a colon,"
                      " which LD_PRELOAD takes for a separator",
                      path);
    return false;
  }
  *message =
      given && *given
          ? format("LOOPTRACE_PRELOAD names %s, which cannot be read", given)
          : format("cannot find " PRELOAD_NAME "; looked for %s%s%s%s%s",
                   tried[0], n > 1 ? ", " : "", n > 1 ? tried[1] : "",
                   n > 2 ? ", " : "", n > 2 ? tried[2] : "");
  return false;
}

bool locate_output_ok(const char *path, bool overwrite, char **message) {
  struct stat st;
  char folder[PATH_MAX];
  if (!*path || strlen(path) >= sizeof folder) {
    *message = format("the file name is %s", *path ? "too long" : "empty");
    return false;
  }
  if (!lstat(path, &st)) {
    if (S_ISREG(st.st_mode) && overwrite)
      return true;
    *message = S_ISREG(st.st_mode)
                   ? format("%s exists already; --overwrite replaces it", path)
                   : format("%s exists and is not a regular file", path);
    return false;
  }
  if (errno != ENOENT) {
    *message = format("cannot write %s: %s", path, strerror(errno));
    return false;
  }
  strcpy(folder, path);
  char *slash = strrchr(folder, '/');
  if (slash)
    slash[slash == folder] = 0;
  else
    strcpy(folder, ".");
  if (!access(folder, W_OK | X_OK))
    return true;
  *message = format("cannot make %s: %s", path, strerror(errno));
  return false;
}
