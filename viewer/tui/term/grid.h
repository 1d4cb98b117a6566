/* The cell buffer: everything that the viewer shows is drawn here first.
 *
 * Screen (curses) and dump are two ways out of it. What is put outside the clip
 * rectangle is dropped, so that a pane cannot write into its neighbour; control
 * characters, bidirectional overrides and malformed UTF-8 become U+FFFD, so
 * that nothing a trace contains reaches the terminal as anything but text. */
#ifndef LTV_TUI_GRID_H
#define LTV_TUI_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <uchar.h>

#include "tui/term/role.h"

struct rect {
  int x, y, w, h;
};

struct cell {
  char32_t ch;   /* 0: the right half of a wide character */
  char32_t mark; /* a combining character on it, or 0 */
  uint8_t role;  /* enum role */
  bool selected;
};

struct grid {
  int w, h;
  struct rect clip;
  struct cell *cells; /* owned; row by row */
};

/* Make a grid of a size, all blank and the clip the whole of it.  w and h below
 * 1 are taken as 1.  Returns: false without memory. */
bool grid_init(struct grid *grid, int w, int h);
void grid_fini(struct grid *grid);
/* Change the size; all becomes blank. On failure the grid stays as it was. */
bool grid_resize(struct grid *grid, int w, int h);
/* Make all cells blank and the clip the whole grid. */
void grid_clear(struct grid *grid);

/* Draw only inside this from now on (and inside the grid). */
void grid_clip(struct grid *grid, struct rect rect);
/* NULL outside the grid. */
struct cell *grid_at(struct grid *grid, int x, int y);

/* One character of width 1 (a symbol of ours). */
void grid_put(struct grid *grid, int x, int y, enum role role, char32_t ch);
/* UTF-8 text.  Returns: the column after it, clipped or not. */
int grid_text(struct grid *grid, int x, int y, enum role role,
              const char *text);
/* At most max columns, the last one an ellipsis where the text is longer.
 * Returns: the column after what was drawn. */
int grid_text_max(struct grid *grid, int x, int y, int max, enum role role,
                  const char *text);
/* The same for names that may differ in their ends only, such as those of
 * loops: the ellipsis is in the middle, "isc-…003". */
int grid_name(struct grid *grid, int x, int y, int max, enum role role,
              const char *name);
/* Like grid_text_max(), but filled up with blanks to max columns. */
int grid_field(struct grid *grid, int x, int y, int max, enum role role,
               const char *text);
/* Text that ends before column x_end. */
void grid_right(struct grid *grid, int x_end, int y, enum role role,
                const char *text);
/* Formatted text. Returns: the column after it. */
__attribute__((format(printf, 5, 6))) int grid_print(struct grid *grid, int x,
                                                     int y, enum role role,
                                                     const char *format, ...);

/* A frame with a title in its top edge; the clip becomes its inside. */
struct rect grid_box(struct grid *grid, struct rect rect, const char *title);
/* A horizontal line with a title near its left end. */
void grid_rule(struct grid *grid, struct rect rect, const char *title);
/* Mark cells as selected (shown reversed). */
void grid_select(struct grid *grid, struct rect rect);

/* Columns that a text takes, and the longest part of it that fits. */
int text_width(const char *text);
/* Columns of one character: 0 combining, 1, 2; control characters and what
 * must not be drawn give -1. */
int char_width(char32_t ch);
/* Decode one character and advance; malformed bytes give U+FFFD one by one. */
char32_t utf8_next(const char **text);
/* Encode; returns the number of bytes (up to 4), not terminated. */
size_t utf8_put(char32_t ch, char *out);

/* The ASCII stand-in of a symbol ('?' for what has none). */
char glyph_ascii(char32_t ch);
/* Whether a character is one of our own symbols, all of which have width 1. */
bool glyph_is_known(char32_t ch);

/* Write the text of a grid, one line a row, without blanks at line ends; or one
 * letter a cell for its role (role.h), in capitals where selected, ' ' for
 * blank cells of no special role. */
void grid_dump_text(const struct grid *grid, bool ascii, FILE *out);
void grid_dump_roles(const struct grid *grid, FILE *out);

#endif
