/* The trace that is meant where none is named: the newest here.
 *
 * Invariant: a user is told which file was taken.  Called by cmd_*.c. */
#include "cli/newest.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/option.h"
#include "output/inert.h"
#include "output/open.h"

static bool is_newer(const struct stat *a, const struct stat *b) {
  return a->st_mtim.tv_sec != b->st_mtim.tv_sec
             ? a->st_mtim.tv_sec > b->st_mtim.tv_sec
             : a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

static bool ends_in(const char *name, const char *end) {
  size_t n = strlen(name), m = strlen(end);
  return n > m && strcmp(name + n - m, end) == 0;
}

/* Returns: false where there is none. */
static bool find_newest(char *path, size_t size) {
  struct stat best = {0}, st;
  bool is_found = false;
  DIR *folder = opendir(".");
  for (struct dirent *e; folder && (e = readdir(folder));)
    if (ends_in(e->d_name, ".lt") &&
        fstatat(dirfd(folder), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode) &&
        (!is_found || is_newer(&st, &best))) {
      is_found = true;
      best = st;
      snprintf(path, size, "%s", e->d_name);
    }
  if (folder)
    closedir(folder);
  return is_found;
}

const char *newest_or_named(const char *who, int argc, char **argv,
                            const char *usage) {
  static char path[NAME_MAX + 1];
  char text[1024];
  if (argc - optind == 1)
    return argv[optind];
  if (argc - optind > 1) {
    (void)open_usage(who, usage, "");
    return NULL;
  }
  if (!find_newest(path, sizeof path)) {
    snprintf(text, sizeof text, "no file here ends in .lt; %s", usage);
    (void)open_usage(who, text, "");
    return NULL;
  }
  if (!option_common.is_quiet)
    fprintf(stderr, "%s: %s, the newest trace here\n", who,
            inert(path, text, sizeof text));
  return path;
}
