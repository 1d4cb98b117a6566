/* The way out of the grid to a terminal; the only user of curses. */
#ifndef LTV_TUI_SCREEN_H
#define LTV_TUI_SCREEN_H

#include "tui/keymap.h"
#include "tui/term/grid.h"

enum screen_color {
  SCREEN_COLOR_AUTO,
  SCREEN_COLOR_ALWAYS,
  SCREEN_COLOR_NEVER,
  SCREEN_COLOR_8,
  SCREEN_COLOR_16, /* as 8: no shade is left to the terminal's palette */
  SCREEN_COLOR_256
};

/* What a terminal is told about the way it is used. */
struct screen_look {
  enum screen_color color;
  bool ascii, has_mouse;
  enum background background; /* AUTO: the terminal is asked */
};

/* Take the terminal.  It is given back by screen_close(), and also when a
 * signal kills the process.
 *
 * file:    what is looked at, for the message after a crash; borrowed.
 * Returns: NULL, or why it cannot be used. */
const char *screen_open(const struct screen_look *look, const char *file);
/* Give the terminal back; harmless when it was not taken. */
void screen_close(void);
/* Use it in another way from now on. */
void screen_set_look(const struct screen_look *look);

/* How large the terminal is: as it was taken, or at the last
 * screen_take_size(). */
void screen_size(int *w, int *h);
/* Ask the kernel how large it is now. */
void screen_take_size(void);
/* Show the grid; only what changed is sent. */
void screen_show(const struct grid *grid);
/* Send everything at the next screen_show(). */
void screen_forget(void);
/* Give a text to the terminal's clipboard (OSC 52), where it may have one. */
void screen_copy(const char *text);
/* Run $VISUAL, $EDITOR or vi on a line of a file, in the place of the screen.
 * Returns: false where it could not be run. */
bool screen_edit(const char *path, unsigned line);
/* Stop the process as ^Z does; returns when it goes on. */
void screen_suspend(void);
/* The process was stopped by somebody else and goes on. */
void screen_resume(void);
/* The next key that has arrived: press->key is TK_NONE for none, TK_HANGUP when
 * the terminal is gone, TK_LOOK when its colours are other ones now. Never
 * waits, but for 25 ms where Esc may begin a longer key. */
void screen_read(struct key_press *press);
/* A key as in scripts that goes into the log which a crash leaves. */
void screen_log(const struct key_press *press);

#endif
