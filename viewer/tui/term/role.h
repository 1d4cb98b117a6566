/* What a cell means, not how it looks: the screen and the attribute dump decide
 * on that.
 *
 * Colours are the xterm-256 ones that keep a contrast of 3 or more on black and
 * on white alike, so that no background must be guessed; large areas are never
 * painted. Heat is shades of blue: orange and red are for stalls. Hues keep
 * apart for all common kinds of colour blindness. A colour is never the only
 * carrier: marks, heights and words say the same. */
#ifndef LTV_TUI_ROLE_H
#define LTV_TUI_ROLE_H

#include <stdbool.h>

/* How a role stands out, colour aside. */
#define LOOK_BOLD 1u
#define LOOK_DIM 2u
#define LOOK_REVERSE 4u
#define LOOK_UNDERLINE 8u

/* name, letter in the attribute dump, xterm-256 colour, ANSI colour (-1: the
 * terminal's own), look */
#define ROLE_MAP(X)                                                            \
  X(TEXT, '.', -1, -1, 0)                                                      \
  X(DIM, 'd', 244, -1, LOOK_DIM)                                               \
  X(STRONG, 's', -1, -1, LOOK_BOLD)                                            \
  X(TITLE, 't', -1, -1, LOOK_BOLD)                                             \
  X(TAB, 'n', -1, -1, LOOK_BOLD | LOOK_REVERSE)                                \
  X(KEY, 'k', -1, -1, LOOK_BOLD)                                               \
  X(BORDER, 'b', 244, -1, LOOK_DIM)                                            \
  X(OK, 'g', 29, 2, 0)                                                         \
  X(WARN, 'w', 136, 3, 0)                                                      \
  X(ERROR, 'e', 166, 1, LOOK_BOLD)                                             \
  X(RUN, 'r', 32, 4, 0)                                                        \
  X(BLOCK, 'x', 166, 1, 0)                                                     \
  X(WAIT, 'p', 244, -1, LOOK_DIM)                                              \
  X(POOL, 'o', 133, 5, 0)                                                      \
  X(CURSOR, 'c', -1, -1, LOOK_BOLD)                                            \
  X(HEAT0, '0', 244, 4, 0)                                                     \
  X(HEAT1, '1', 67, 4, 0)                                                      \
  X(HEAT2, '2', 31, 6, 0)                                                      \
  X(HEAT3, '3', 32, 6, 0)                                                      \
  X(HEAT4, '4', 33, 6, LOOK_BOLD)

enum role {
#define ROLE_ENUM(name, letter, c256, c8, look) ROLE_##name,
  ROLE_MAP(ROLE_ENUM)
#undef ROLE_ENUM
      ROLE_COUNT
};

struct role_style {
  const char *name;
  char letter;
  short c256, c8;
  unsigned look;
  bool is_set; /* by the user: the same on every background */
};
extern struct role_style role_styles[ROLE_COUNT];

enum background { BACKGROUND_AUTO, BACKGROUND_DARK, BACKGROUND_LIGHT };

/* Where the background is known, stronger colours than those that go with both:
 * name, on dark, on light */
#define ROLE_SHADE_MAP(X)                                                      \
  X(DIM, 246, 241)                                                             \
  X(BORDER, 240, 246)                                                          \
  X(OK, 35, 22)                                                                \
  X(WARN, 178, 94)                                                             \
  X(ERROR, 202, 160)                                                           \
  X(RUN, 74, 25)                                                               \
  X(BLOCK, 202, 130)                                                           \
  X(WAIT, 246, 241)                                                            \
  X(POOL, 175, 90)                                                             \
  X(HEAT0, 242, 248)                                                           \
  X(HEAT1, 67, 67)                                                             \
  X(HEAT2, 74, 31)                                                             \
  X(HEAT3, 81, 25)                                                             \
  X(HEAT4, 117, 18)

/* The colour of 256 of a role (-1: the terminal's own). */
short role_color(enum role role, enum background background);
/* Give a role another colour of 256 (-1: the terminal's own).  Returns: false
 * where there is no such role. */
bool role_set_color(const char *name, int color);

#endif
