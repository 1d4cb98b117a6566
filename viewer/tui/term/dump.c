/* The way out of the grid that needs no terminal: golden screens,
 * --dump-screen.
 *
 * Called by cmd_view.c and the tests. */
#include "tui/term/grid.h"

#include <ctype.h>

/* A wide character is two question marks in ASCII, so that columns stay. */
static void dump_cell(const struct cell *cell, bool ascii, FILE *out) {
  if (ascii) {
    putc(cell->ch ? glyph_ascii(cell->ch) : '?', out);
    return;
  }
  char bytes[4];
  if (cell->ch)
    fwrite(bytes, 1, utf8_put(cell->ch, bytes), out);
  if (cell->mark)
    fwrite(bytes, 1, utf8_put(cell->mark, bytes), out);
}

void grid_dump_text(const struct grid *grid, bool ascii, FILE *out) {
  for (int y = 0; y < grid->h; y++) {
    const struct cell *row = &grid->cells[y * grid->w];
    int end = grid->w;
    while (end > 0 && row[end - 1].ch == U' ')
      end--;
    for (int x = 0; x < end; x++)
      dump_cell(&row[x], ascii, out);
    putc('\n', out);
  }
}

static char role_letter(const struct cell *cell) {
  char letter = role_styles[cell->role].letter;
  if (cell->selected)
    return letter == '.' ? 'S' : (char)toupper((unsigned char)letter);
  return cell->ch == U' ' && cell->role != ROLE_TAB ? ' ' : letter;
}

void grid_dump_roles(const struct grid *grid, FILE *out) {
  for (int y = 0; y < grid->h; y++) {
    const struct cell *row = &grid->cells[y * grid->w];
    int end = grid->w;
    while (end > 0 && role_letter(&row[end - 1]) == ' ')
      end--;
    for (int x = 0; x < end; x++)
      putc(role_letter(&row[x]), out);
    putc('\n', out);
  }
}
