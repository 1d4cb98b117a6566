/* A terminal without a window: what a program sends to it becomes the screen
 * that somebody would see.
 *
 * Reads commands from standard input, for tests/tui/vterm.py:
 *   feed N\n and N bytes   what the program sent
 *   size W H\n             the window has another size
 *   screen\n               print it: a line "W H ROW COLUMN VISIBLE ALT" with
 *                          the cursor, then for each row its text, and its
 *                          cells as "foreground+looks", separated by blanks
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <vterm.h>

static int width = 100, height = 30;
static bool is_visible = true, is_alternate;
static VTermPos cursor;

static int on_move(VTermPos pos, VTermPos old, int visible, void *user) {
  (void)old;
  (void)visible;
  (void)user;
  cursor = pos;
  return 1;
}

static int on_property(VTermProp property, VTermValue *value, void *user) {
  (void)user;
  if (property == VTERM_PROP_CURSORVISIBLE)
    is_visible = value->boolean;
  if (property == VTERM_PROP_ALTSCREEN)
    is_alternate = value->boolean;
  return 1;
}

static const VTermScreenCallbacks callbacks = {.movecursor = on_move,
                                               .settermprop = on_property};

static void put_utf8(uint32_t ch) {
  if (ch < 0x80) {
    putchar((int)ch);
  } else if (ch < 0x800) {
    putchar((int)(0xc0 | ch >> 6));
    putchar((int)(0x80 | (ch & 63)));
  } else {
    if (ch < 0x10000)
      putchar((int)(0xe0 | ch >> 12));
    else {
      putchar((int)(0xf0 | ch >> 18));
      putchar((int)(0x80 | (ch >> 12 & 63)));
    }
    putchar((int)(0x80 | (ch >> 6 & 63)));
    putchar((int)(0x80 | (ch & 63)));
  }
}

static void print_row(VTermScreen *screen, int row) {
  VTermScreenCell cell;
  for (int column = 0; column < width; column++) {
    VTermPos at = {row, column};
    vterm_screen_get_cell(screen, at, &cell);
    if (cell.chars[0] == (uint32_t)-1)
      continue; /* the right half of a wide one */
    if (cell.chars[0] == 0)
      putchar(' ');
    for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i]; i++)
      put_utf8(cell.chars[i]);
  }
  putchar('\n');
  for (int column = 0; column < width; column++) {
    VTermPos at = {row, column};
    vterm_screen_get_cell(screen, at, &cell);
    int color = VTERM_COLOR_IS_DEFAULT_FG(&cell.fg)   ? -1
                : VTERM_COLOR_IS_INDEXED(&cell.fg) ? cell.fg.indexed.idx
                                                      : -2;
    printf("%s%d%s%s%s", column ? " " : "", color, cell.attrs.bold ? "b" : "",
           cell.attrs.reverse ? "r" : "",
           VTERM_COLOR_IS_DEFAULT_BG(&cell.bg) ? "" : "p");
  }
  putchar('\n');
}

static void print(VTermScreen *screen) {
  printf("%d %d %d %d %d %d\n", width, height, cursor.row, cursor.col,
         is_visible, is_alternate);
  for (int row = 0; row < height; row++)
    print_row(screen, row);
  fflush(stdout);
}

static void feed(VTerm *terminal, size_t n) {
  char bytes[4096];
  while (n > 0) {
    size_t got = fread(bytes, 1, n < sizeof bytes ? n : sizeof bytes, stdin);
    if (got == 0)
      exit(1);
    vterm_input_write(terminal, bytes, got);
    n -= got;
  }
}

int main(void) {
  char line[100];
  size_t n;
  VTerm *terminal = vterm_new(height, width);
  VTermScreen *screen = vterm_obtain_screen(terminal);
  vterm_set_utf8(terminal, 1);
  vterm_screen_set_callbacks(screen, &callbacks, NULL);
  vterm_screen_enable_altscreen(screen, 1);
  vterm_screen_reset(screen, 1);
  while (fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "feed %zu", &n) == 1)
      feed(terminal, n);
    else if (sscanf(line, "size %d %d", &width, &height) == 2)
      vterm_set_size(terminal, height, width);
    else
      print(screen);
  }
  vterm_free(terminal);
  return 0;
}
