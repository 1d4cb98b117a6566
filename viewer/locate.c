/* Where things are put and found.
 *
 * Invariant: no file is ever made at a name that somebody else could have
 * prepared, and none is left behind but the trace.  Called by launch.c. */
#include "config.h"

#include "locate.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LARGE_BYTES (UINT64_C(8) << 20)
#define LARGE_RINGS 32
#define PLENTY_BYTES (UINT64_C(2) << 30)
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

/* Where memory is plenty, fewer and larger rings: they hold a burst of 8 ms
 * where the busiest loop's would hold 4. */
static void choose_rings(const char *folder, struct lti_arena_options *o) {
  struct statvfs fs;
  if (o->large_records || statvfs(folder, &fs) != 0 ||
      (uint64_t)fs.f_bavail * fs.f_frsize < PLENTY_BYTES)
    return;
  o->large_records = lti_arena_records(LARGE_BYTES);
  o->n_large = LARGE_RINGS;
}

static bool arena_make_in(const char *folder, struct locate_arena *made,
                          const struct lti_arena_options *wanted) {
  uint64_t secret;
  struct lti_arena_options options = *wanted;
  choose_rings(folder, &options);
  if (getrandom(&secret, sizeof secret, 0) != (ssize_t)sizeof secret)
    return false;
  snprintf(made->path, sizeof made->path, "%s/looptrace-%u-%016" PRIx64, folder,
           (unsigned)geteuid(), secret);
  made->fd = open(made->path,
                  O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (made->fd < 0)
    return false;
  if (!fchmod(made->fd, 0600)) { /* the umask may have taken even this */
    made->arena = lti_arena_create(made->fd, &options);
    if (made->arena)
      return true;
  }
  int error = errno;
  close(made->fd);
  unlink(made->path);
  errno = error;
  return false;
}

bool locate_arena_make(struct locate_arena *made,
                       const struct lti_arena_options *options,
                       char **message) {
  const char *folders[] = {"/dev/shm", getenv("XDG_RUNTIME_DIR"), "/tmp"};
  char why[512] = "";
  size_t used = 0;
  for (int i = 0; i < 3; i++) {
    if (!folders[i] || *folders[i] != '/')
      continue;
    if (arena_make_in(folders[i], made, options))
      return true;
    if (used < sizeof why)
      used += (size_t)snprintf(why + used, sizeof why - used, "%s%s: %s",
                               used ? "; " : "", folders[i], strerror(errno));
  }
  *message =
      format("no place for the shared memory of the recording (%s)", why);
  return false;
}

void locate_arena_remove(struct locate_arena *made) {
  lti_arena_unmap(made->arena);
  unlink(made->path);
  close(made->fd);
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
