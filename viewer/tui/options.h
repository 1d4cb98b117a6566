/* What can be chosen about the viewer: in a file of settings, on the command
 * line, and with :set.
 *
 * One row makes the name, its values and their completion. */
#ifndef LTV_TUI_OPTIONS_H
#define LTV_TUI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* name, values (the first is what holds where nothing was said), help */
#define OPTION_MAP(X)                                                          \
  X(ASCII, "ascii", "no yes", "no symbols beyond ASCII")                       \
  X(BACKGROUND, "background", "auto dark light", "the terminal's colour")      \
  X(COLOR, "color", "auto always never 8 16 256", "auto minds NO_COLOR")       \
  X(MOUSE, "mouse", "no yes", "wheel, click, drag")                            \
  X(WASD, "wasd", "yes no", "w a s d zoom and pan in the lanes")

enum option_id {
#define OPTION_ENUM(id, name, values, help) OPTION_##id,
  OPTION_MAP(OPTION_ENUM)
#undef OPTION_ENUM
      OPTION_COUNT
};

struct options {
  int value[OPTION_COUNT]; /* index into the values of the row */
};

/* Set one; "on" and "off" are yes and no.  Returns: NULL, or what is wrong, as
 * a sentence that names the values; static. */
const char *options_set(struct options *options, const char *name,
                        const char *value);
bool options_is(const struct options *options, enum option_id option,
                const char *value);
/* The i-th name, or value of the option so named; NULL for no more.  buf of 16
 * bytes may hold it. */
const char *options_name(size_t i);
const char *options_value(const char *name, size_t i, char buf[16]);

#endif
