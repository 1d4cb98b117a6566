/* Reading what a terminal reports: mouse (SGR, mode 1006) and background
 * (OSC 11).
 *
 * Invariant: text holds printable ASCII, of bounded length; what does not fit
 * ends the report.  Called by screen.c. */
#include "tui/term/report.h"

#include <stdio.h>
#include <string.h>

void report_begin(struct report *report, enum report_kind kind) {
  *report = (struct report){.kind = kind};
}

enum report_result report_feed(struct report *r, char32_t ch) {
  bool is_mouse = r->kind == REPORT_MOUSE, is_color = !is_mouse;
  if (is_color && (ch == 7 || r->is_ending)) /* BEL, or ESC \ */
    return ch == 7 || ch == U'\\' ? REPORT_DONE : REPORT_DROPPED;
  if (is_color && ch == TK_ESCAPE) {
    r->is_ending = true;
    return REPORT_GOES_ON;
  }
  if (ch < 0x20 || ch > 0x7e || r->n + 1 >= sizeof r->text ||
      (is_mouse && !strchr("0123456789;Mm", (int)ch)))
    return REPORT_DROPPED;
  r->text[r->n++] = (char)ch;
  r->text[r->n] = '\0';
  return is_mouse && (ch == U'M' || ch == U'm') ? REPORT_DONE : REPORT_GOES_ON;
}

bool report_mouse(const struct report *r, struct key_press *press) {
  unsigned code, x, y;
  char end;
  if (sscanf(r->text, "%3u;%4u;%4u%c", &code, &x, &y, &end) != 4 ||
      (end != 'M' && end != 'm') || x == 0 || y == 0)
    return false;
  bool is_ctrl = code & 16, is_drag = code & 32;
  switch (code & ~(4u | 8u | 16u | 32u)) { /* Shift, Alt, Ctrl, moved */
  case 0:
    press->key = end == 'm' ? TK_RELEASE : is_drag ? TK_DRAG : TK_CLICK;
    break;
  case 64:
    press->key = is_ctrl ? TK_CTRL_WHEEL_UP : TK_WHEEL_UP;
    break;
  case 65:
    press->key = is_ctrl ? TK_CTRL_WHEEL_DOWN : TK_WHEEL_DOWN;
    break;
  default:
    return false;
  }
  press->w = (int)x - 1;
  press->h = (int)y - 1;
  return true;
}

/* One channel, of 1 to 4 digits, as a share of the most that it can be. */
static bool channel(const char **text, double *share) {
  unsigned value;
  int used = 0;
  if (sscanf(*text, "%4x%n", &value, &used) != 1 || used < 1)
    return false;
  *text += used;
  *share = value / (double)((1u << (4 * used)) - 1);
  return true;
}

enum background report_background(const struct report *r) {
  const char *p = r->text;
  double red, green, blue;
  if (strncmp(p, "rgb:", 4) != 0)
    return BACKGROUND_AUTO;
  p += 4;
  if (!channel(&p, &red) || *p++ != '/' || !channel(&p, &green) ||
      *p++ != '/' || !channel(&p, &blue) || *p)
    return BACKGROUND_AUTO;
  return .299 * red + .587 * green + .114 * blue > .5 ? BACKGROUND_LIGHT
                                                      : BACKGROUND_DARK;
}
