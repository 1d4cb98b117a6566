/* The cell buffer.  Called by every view; nothing here knows about terminals.
 *
 * Invariant: a cell with ch 0 has a wide character on its left; whoever
 * overwrites one half of such a pair blanks the other. */
#include "config.h" /* wcwidth() */

#include "tui/term/grid.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

#define BLANK ((struct cell){.ch = U' '})

struct role_style role_styles[ROLE_COUNT] = {
#define ROLE_STYLE(name, letter, c256, c8, look)                               \
  {#name, letter, c256, c8, look, false},
    ROLE_MAP(ROLE_STYLE)
#undef ROLE_STYLE
};

bool role_set_color(const char *name, int color) {
  for (int i = 0; i < ROLE_COUNT; i++)
    if (!strcasecmp(name, role_styles[i].name)) {
      role_styles[i].is_set = true;
      role_styles[i].c256 = (short)color;
      role_styles[i].c8 = color < 8 ? (short)color : role_styles[i].c8;
      return true;
    }
  return false;
}

short role_color(enum role role, enum background background) {
  static const struct {
    enum role role;
    short dark, light;
  } shades[] = {
#define ROLE_SHADE(name, dark, light) {ROLE_##name, dark, light},
      ROLE_SHADE_MAP(ROLE_SHADE)
#undef ROLE_SHADE
  };
  if (background != BACKGROUND_AUTO && !role_styles[role].is_set)
    for (size_t i = 0; i < sizeof shades / sizeof *shades; i++)
      if (shades[i].role == role)
        return background == BACKGROUND_DARK ? shades[i].dark
                                             : shades[i].light;
  return role_styles[role].c256;
}

bool grid_init(struct grid *grid, int w, int h) {
  *grid = (struct grid){0};
  return grid_resize(grid, w, h);
}

void grid_fini(struct grid *grid) {
  free(grid->cells);
  *grid = (struct grid){0};
}

bool grid_resize(struct grid *grid, int w, int h) {
  w = w < 1 ? 1 : w;
  h = h < 1 ? 1 : h;
  struct cell *cells = calloc((size_t)w * (size_t)h, sizeof *cells);
  if (!cells)
    return false;
  free(grid->cells);
  grid->cells = cells;
  grid->w = w;
  grid->h = h;
  grid_clear(grid);
  return true;
}

void grid_clear(struct grid *grid) {
  for (int i = 0; i < grid->w * grid->h; i++)
    grid->cells[i] = BLANK;
  grid->clip = (struct rect){0, 0, grid->w, grid->h};
}

void grid_clip(struct grid *grid, struct rect rect) {
  int right = rect.x + rect.w, bottom = rect.y + rect.h;
  rect.x = rect.x < 0 ? 0 : rect.x;
  rect.y = rect.y < 0 ? 0 : rect.y;
  right = right > grid->w ? grid->w : right;
  bottom = bottom > grid->h ? grid->h : bottom;
  rect.w = right > rect.x ? right - rect.x : 0;
  rect.h = bottom > rect.y ? bottom - rect.y : 0;
  grid->clip = rect;
}

struct cell *grid_at(struct grid *grid, int x, int y) {
  if (x < 0 || y < 0 || x >= grid->w || y >= grid->h)
    return NULL;
  return &grid->cells[y * grid->w + x];
}

static struct cell *writable(struct grid *grid, int x, int y) {
  const struct rect *clip = &grid->clip;
  if (x < clip->x || y < clip->y || x >= clip->x + clip->w ||
      y >= clip->y + clip->h)
    return NULL;
  return &grid->cells[y * grid->w + x];
}

/* Overwrite a cell; the lost half of a wide character becomes a blank. */
static void store(struct grid *grid, int x, int y, enum role role,
                  char32_t ch) {
  struct cell *cell = writable(grid, x, y);
  if (!cell)
    return;
  if (cell->ch == 0 && x > 0)
    cell[-1].ch = U' ';
  if (x + 1 < grid->w && cell[1].ch == 0 && ch != 0)
    cell[1].ch = U' ';
  cell->ch = ch;
  cell->mark = 0;
  cell->role = (uint8_t)role;
}

void grid_put(struct grid *grid, int x, int y, enum role role, char32_t ch) {
  store(grid, x, y, role, char_width(ch) == 1 ? ch : 0xfffd);
}

/* A wide character needs both cells; where it has one, a blank stands. */
static void put_wide(struct grid *grid, int x, int y, enum role role,
                     char32_t ch) {
  struct cell *left = writable(grid, x, y), *right = writable(grid, x + 1, y);
  if (!left || !right) {
    store(grid, x, y, role, U' ');
    store(grid, x + 1, y, role, U' ');
    return;
  }
  store(grid, x, y, role, ch);
  store(grid, x + 1, y, role, U' ');
  right->ch = 0;
}

int char_width(char32_t ch) {
  if (ch >= 0x20 && ch < 0x7f)
    return 1;
  if (ch < 0xa0 || glyph_is_known(ch))
    return ch < 0xa0 ? -1 : 1;
  /* Direction marks, overrides and isolates, and other invisible format
   * characters could make a line read as something else. */
  if ((ch >= 0x200b && ch <= 0x200f) || (ch >= 0x2028 && ch <= 0x202e) ||
      (ch >= 0x2060 && ch <= 0x206f) || ch == 0xfeff || ch == 0x00ad ||
      ch == 0x061c || ch == 0x180e || ch >= 0xe0000)
    return -1;
  int width = wcwidth((wchar_t)ch);
  return width > 2 ? -1 : width;
}

char32_t utf8_next(const char **text) {
  const unsigned char *s = (const unsigned char *)*text;
  unsigned n = s[0] < 0x80             ? 0
               : (s[0] & 0xe0) == 0xc0 ? 1
               : (s[0] & 0xf0) == 0xe0 ? 2
               : (s[0] & 0xf8) == 0xf0 ? 3
                                       : 4;
  static const char32_t least[] = {0, 0x80, 0x800, 0x10000};
  char32_t ch = n == 0 ? s[0] : s[0] & (0x3fu >> n);
  *text += 1;
  if (n == 4)
    return 0xfffd;
  for (unsigned i = 1; i <= n; i++) {
    if ((s[i] & 0xc0) != 0x80)
      return 0xfffd;
    ch = ch << 6 | (s[i] & 0x3f);
  }
  if (ch < least[n] || ch > 0x10ffff || (ch >= 0xd800 && ch <= 0xdfff))
    return 0xfffd;
  *text += n;
  return ch;
}

size_t utf8_put(char32_t ch, char *out) {
  if (ch < 0x80) {
    out[0] = (char)ch;
    return 1;
  }
  size_t n = ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;
  static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t i = n - 1; i > 0; i--, ch >>= 6)
    out[i] = (char)(0x80 | (ch & 0x3f));
  out[0] = (char)(lead[n] | ch);
  return n;
}

/* What is drawn for it: a stand-in has a width, too. */
static int next_width(const char **text) {
  int w = char_width(utf8_next(text));
  return w < 0 ? 1 : w;
}

int text_width(const char *text) {
  int width = 0;
  while (*text)
    width += next_width(&text);
  return width;
}

/* Draws while it fits before column end. */
static int draw(struct grid *grid, int x, int y, int end, enum role role,
                const char *text) {
  int last = -1;
  while (*text) {
    char32_t ch = utf8_next(&text);
    int w = char_width(ch);
    if (w < 0) {
      ch = 0xfffd;
      w = 1;
    }
    if (w == 0) {
      struct cell *cell = last < 0 ? NULL : writable(grid, last, y);
      if (cell && cell->ch != 0)
        cell->mark = ch;
      continue;
    }
    if (x + w > end)
      break;
    last = x;
    if (w == 2)
      put_wide(grid, x, y, role, ch);
    else
      store(grid, x, y, role, ch);
    x += w;
  }
  return x;
}

int grid_text(struct grid *grid, int x, int y, enum role role,
              const char *text) {
  return draw(grid, x, y, 1 << 20, role, text);
}

int grid_text_max(struct grid *grid, int x, int y, int max, enum role role,
                  const char *text) {
  if (max <= 0)
    return x;
  if (text_width(text) <= max)
    return draw(grid, x, y, x + max, role, text);
  int after = draw(grid, x, y, x + max - 1, role, text);
  grid_put(grid, after, y, role, U'…');
  return after + 1;
}

int grid_name(struct grid *grid, int x, int y, int max, enum role role,
              const char *name) {
  int width = text_width(name), tail = (max - 1) / 2;
  if (width <= max || tail <= 0)
    return grid_text_max(grid, x, y, max, role, name);
  int after = draw(grid, x, y, x + max - 1 - tail, role, name);
  grid_put(grid, after, y, role, U'…');
  while (width > tail)
    width -= next_width(&name);
  return draw(grid, after + 1, y, x + max, role, name);
}

int grid_field(struct grid *grid, int x, int y, int max, enum role role,
               const char *text) {
  int after = grid_text_max(grid, x, y, max, role, text);
  for (; after < x + max; after++)
    grid_put(grid, after, y, role, U' ');
  return after;
}

void grid_right(struct grid *grid, int x_end, int y, enum role role,
                const char *text) {
  grid_text(grid, x_end - text_width(text), y, role, text);
}

int grid_print(struct grid *grid, int x, int y, enum role role,
               const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return grid_text(grid, x, y, role, text);
}

void grid_rule(struct grid *grid, struct rect rect, const char *title) {
  grid_clip(grid, rect);
  for (int x = rect.x; x < rect.x + rect.w; x++)
    grid_put(grid, x, rect.y, ROLE_BORDER, U'─');
  if (!*title || rect.w < 6)
    return;
  int end =
      grid_text_max(grid, rect.x + 2, rect.y, rect.w - 4, ROLE_STRONG, title);
  grid_put(grid, rect.x + 1, rect.y, ROLE_BORDER, U' ');
  grid_put(grid, end, rect.y, ROLE_BORDER, U' ');
}

struct rect grid_box(struct grid *grid, struct rect rect, const char *title) {
  int right = rect.x + rect.w - 1, bottom = rect.y + rect.h - 1;
  grid_clip(grid, rect);
  for (int y = rect.y + 1; y < bottom; y++) {
    grid_put(grid, rect.x, y, ROLE_BORDER, U'│');
    grid_put(grid, right, y, ROLE_BORDER, U'│');
  }
  grid_rule(grid, (struct rect){rect.x, bottom, rect.w, 1}, "");
  grid_rule(grid, (struct rect){rect.x, rect.y, rect.w, 1}, title);
  grid_clip(grid, rect);
  grid_put(grid, rect.x, rect.y, ROLE_BORDER, U'┌');
  grid_put(grid, right, rect.y, ROLE_BORDER, U'┐');
  grid_put(grid, rect.x, bottom, ROLE_BORDER, U'└');
  grid_put(grid, right, bottom, ROLE_BORDER, U'┘');
  struct rect inside = {rect.x + 1, rect.y + 1, rect.w - 2, rect.h - 2};
  grid_clip(grid, inside);
  return inside;
}

void grid_select(struct grid *grid, struct rect rect) {
  for (int y = rect.y; y < rect.y + rect.h; y++)
    for (int x = rect.x; x < rect.x + rect.w; x++) {
      struct cell *cell = writable(grid, x, y);
      if (cell)
        cell->selected = true;
    }
}
