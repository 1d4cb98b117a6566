/* The table of options.  Called by settings.c, cmd_view.c and prompt.c. */
#include "tui/options.h"

#include <stdio.h>
#include <string.h>

static const struct row {
  const char *name, *values;
} rows[OPTION_COUNT] = {
#define OPTION_ROW(id, name, values, help) {name, values},
    OPTION_MAP(OPTION_ROW)
#undef OPTION_ROW
};

static const struct row *find(const char *name) {
  for (size_t i = 0; i < OPTION_COUNT; i++)
    if (!strcmp(rows[i].name, name))
      return &rows[i];
  return NULL;
}

const char *options_name(size_t i) {
  return i < OPTION_COUNT ? rows[i].name : NULL;
}

const char *options_value(const char *name, size_t i, char buf[16]) {
  const struct row *row = find(name);
  const char *p = row ? row->values : "";
  for (; *p; p += strcspn(p, " "), p += *p == ' ')
    if (i-- == 0) {
      snprintf(buf, 16, "%.*s", (int)strcspn(p, " "), p);
      return buf;
    }
  return NULL;
}

const char *options_set(struct options *options, const char *name,
                        const char *value) {
  static char problem[120];
  const struct row *row = find(name);
  const char *one;
  char buf[16];
  if (!row) {
    size_t used = (size_t)snprintf(problem, sizeof problem, "there are");
    for (size_t i = 0; i < OPTION_COUNT; i++)
      used += (size_t)snprintf(problem + used, sizeof problem - used, "%s %s",
                               i ? "," : "", rows[i].name);
    return problem;
  }
  value = !strcmp(value, "on") ? "yes" : !strcmp(value, "off") ? "no" : value;
  for (size_t i = 0; (one = options_value(name, i, buf)); i++)
    if (!strcmp(one, value)) {
      options->value[row - rows] = (int)i;
      return NULL;
    }
  snprintf(problem, sizeof problem, "%s is one of: %s", name, row->values);
  return problem;
}

bool options_is(const struct options *options, enum option_id option,
                const char *value) {
  char buf[16];
  const char *now = options_value(rows[option].name,
                                  (size_t)options->value[option], buf);
  return now && !strcmp(now, value);
}
