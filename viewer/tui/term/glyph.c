/* Symbols and their ASCII stand-ins.
 *
 * Views draw Unicode always; where a terminal cannot show it, the way out
 * (screen, dump) asks here. All symbols have width 1. */
#include "tui/term/grid.h"

/* By code point. */
static const struct {
  char32_t from;
  char to;
} glyphs[] = {
    {U'°', 'o'}, {U'±', '+'}, {U'µ', 'u'}, {U'·', '.'}, {U'×', 'x'},
    {U'–', '-'}, {U'—', '-'}, {U'…', '~'}, {U'›', '>'}, {U'‼', '#'},
    {U'←', '<'}, {U'↑', '^'}, {U'→', '>'}, {U'↓', 'v'}, {U'≈', '~'},
    {U'≤', '<'}, {U'≥', '>'}, {U'─', '-'}, {U'━', '='}, {U'│', '|'},
    {U'┄', '.'}, {U'┊', ':'}, {U'┌', '+'}, {U'┐', '+'}, {U'└', '+'},
    {U'┘', '+'}, {U'├', '|'}, {U'┤', '|'}, {U'┬', '+'}, {U'┴', '+'},
    {U'┼', '+'}, {U'═', '='}, {U'╪', '+'}, {U'╳', 'X'}, {U'╷', '|'},
    {U'▁', '.'}, {U'▂', ':'},
    {U'▃', '-'}, {U'▄', '='}, {U'▅', '+'}, {U'▆', '*'}, {U'▇', '%'},
    {U'█', '@'}, {U'▉', '@'}, {U'▊', '%'}, {U'▋', '%'}, {U'▌', '|'},
    {U'▍', '|'}, {U'▎', '|'}, {U'▏', '|'}, {U'▐', '|'}, {U'░', '.'},
    {U'▒', ':'}, {U'▓', '%'}, {U'▲', '^'}, {U'▶', '>'}, {U'▸', '>'},
    {U'►', '>'}, {U'▼', 'v'}, {U'▾', 'v'}, {U'◀', '<'}, {U'◆', '*'},
    {U'●', '*'}, {U'⚠', '!'}, {U'✔', '+'}, {U'✖', 'X'}, {0xfffd, '?'},
};

static int find(char32_t ch) {
  size_t low = 0, high = sizeof glyphs / sizeof *glyphs;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (glyphs[middle].from == ch)
      return (int)middle;
    if (glyphs[middle].from < ch)
      low = middle + 1;
    else
      high = middle;
  }
  return -1;
}

char glyph_ascii(char32_t ch) {
  if (ch >= 0x20 && ch < 0x7f)
    return (char)ch;
  int i = find(ch);
  return i < 0 ? '?' : glyphs[i].to;
}

bool glyph_is_known(char32_t ch) {
  return find(ch) >= 0;
}
