/* What a terminal says by itself, between the keys: mouse reports, and the
 * colour of its background.
 *
 * Fed with one character after the other, so that a report which arrives in
 * parts, or never ends, holds nothing up. */
#ifndef LTV_TUI_REPORT_H
#define LTV_TUI_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <uchar.h>

#include "tui/keymap.h"
#include "tui/term/role.h"

enum report_kind { REPORT_NONE, REPORT_MOUSE, REPORT_COLOR };

struct report {
  enum report_kind kind; /* that is being read */
  char text[48];
  size_t n;
  bool is_ending; /* ESC has come, of ESC \ */
};

enum report_result {
  REPORT_GOES_ON,
  REPORT_DONE,    /* see report_mouse(), report_background() */
  REPORT_DROPPED, /* it says nothing that is of use */
};

/* A report begins: its first characters, ESC [ < or ESC ] 11 ;, have come. */
void report_begin(struct report *report, enum report_kind kind);
/* The next character of it. */
enum report_result report_feed(struct report *report, char32_t ch);
/* What a mouse did, as a key.  Returns: false where it means nothing here. */
bool report_mouse(const struct report *report, struct key_press *press);
/* BACKGROUND_AUTO where it cannot be said. */
enum background report_background(const struct report *report);

#endif
