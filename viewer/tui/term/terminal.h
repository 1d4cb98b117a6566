/* The viewer in a terminal: a libuv program. */
#ifndef LTV_TERMINAL_H
#define LTV_TERMINAL_H

#include "tui/app.h"

struct terminal_options {
  /* Called once, when the trace has been read.  Returns: false to leave. */
  bool (*is_read)(struct app *app, void *context);
  void *context;
  const char *problem; /* set: why the terminal cannot be used */
};

/* Take the terminal, show the viewer until it is left, give the terminal back.
 *
 * Returns: 0; 128+n when signal n (or a terminal that went away: SIGHUP) ended
 * it, but 0 for ^C; -1 with options->problem, and nothing was shown. */
int terminal_run(struct app *app, struct terminal_options *options);
/* What only who has the terminal can do for the viewer: editor, clipboard. */
void terminal_serve(struct app *app);

#endif
