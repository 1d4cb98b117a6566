/* The viewer's settings.
 *
 * Invariant: a file with a mistake in it sets nothing that is wrong, and is
 * told with its line.  Called by cmd_view.c. */
#include "cli/settings.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "output/inert.h"
#include "tui/keymap.h"
#include "tui/term/role.h"

struct reading {
  struct options *options;
  char problem[200];
};

static bool set_color(const char *name, const char *value) {
  char *end;
  long color = strtol(value, &end, 10);
  return end != value && !*end && color >= -1 && color <= 255 &&
         role_set_color(name, (int)color);
}

/* inih's: 1 is success. */
static int take(void *user, const char *section, const char *name,
                const char *value) {
  struct reading *r = user;
  char shown[80];
  bool is_good = false;
  const char *what = "there is no such section";
  if (!strcmp(section, "keys")) {
    is_good = keymap_set(name, value);
    what = "no such action or key";
  } else if (!strcmp(section, "colors")) {
    is_good = set_color(name, value);
    what = "it takes a role and a number from 0 to 255, or -1";
  } else if (!strcmp(section, "view")) {
    what = options_set(r->options, name, value);
    is_good = !what;
  }
  if (!is_good && !r->problem[0])
    snprintf(r->problem, sizeof r->problem, "`%s`: %s",
             inert(name, shown, sizeof shown), what);
  return is_good;
}

static bool default_path(char *buf, size_t size) {
  const char *base = getenv("XDG_CONFIG_HOME"), *middle = "";
  if (!base || *base != '/') {
    base = getenv("HOME");
    middle = "/.config";
  }
  return base && *base == '/' &&
         snprintf(buf, size, "%s%s/looptrace/config", base, middle) < (int)size;
}

int settings_read(const char *who, const char *path,
                  struct options *options) {
  char own[4200], shown[4200];
  struct reading r = {.options = options};
  bool is_asked = path != NULL;
  if (is_asked && !strcmp(path, "none"))
    return EXIT_OK;
  if (!is_asked && !default_path(own, sizeof own))
    return EXIT_OK;
  path = is_asked ? path : own;
  FILE *file = fopen(path, "re");
  if (!file) {
    if (!is_asked)
      return EXIT_OK;
    fprintf(stderr, "%s: %s: %s\n", who, inert(path, shown, sizeof shown),
            strerror(errno));
    return EXIT_USAGE;
  }
  int line = ini_parse_file(file, take, &r);
  fclose(file);
  if (line == 0)
    return EXIT_OK;
  fprintf(stderr, "%s: %s:%d: %s\n", who, inert(path, shown, sizeof shown),
          line, r.problem[0] ? r.problem : "not of the form name = value");
  return EXIT_USAGE;
}
