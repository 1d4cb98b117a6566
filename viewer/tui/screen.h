/* The way out of the grid to a terminal; the only user of curses. */
#ifndef LTV_TUI_SCREEN_H
#define LTV_TUI_SCREEN_H

#include "tui/grid.h"

enum screen_color {
  SCREEN_COLOR_AUTO,
  SCREEN_COLOR_ALWAYS,
  SCREEN_COLOR_NEVER
};

/* Take the terminal.  It is given back by screen_close(), and also when a
 * signal ends the process (crash, SIGTERM, SIGHUP).
 *
 * Returns: NULL, or why it cannot be used. */
const char *screen_open(enum screen_color color, bool ascii);
/* Give the terminal back; harmless when it was not taken. */
void screen_close(void);

/* How large the terminal is now. */
void screen_size(int *w, int *h);
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
/* Wait for a key, at most so long (-1: without an end); then TK_TICK. TK_RESIZE
 * after a change of size; TK_NONE when a signal that ends the viewer came: see
 * screen_signal(). */
char32_t screen_key(int timeout_ms);
/* The signal that asked to end (SIGINT, SIGTERM, SIGHUP), or 0. */
int screen_signal(void);

#endif
