/* Remarks at moments of a trace, kept beside it in FILE.notes. */
#ifndef LTV_TUI_NOTES_H
#define LTV_TUI_NOTES_H

#include <stddef.h>
#include <stdint.h>

#define NOTES_MAX 1000
#define NOTE_TEXT_MAX 160

struct note {
  int64_t at_ns;
  char text[NOTE_TEXT_MAX];
};

struct notes {
  struct note *all; /* by time; owned */
  size_t n;
};

struct app;

/* Read the file beside the trace, where there is one: notes, and marks. */
void notes_read(struct app *app);
void notes_free(struct notes *notes);
/* Write a remark at the cursor. */
void notes_add(struct app *app, const char *text);
/* A mark was set: it is kept too where there is a file already. */
void notes_keep_mark(struct app *app, char letter);
/* The note nearest to a moment, at most slack_ns off; NULL: none. */
const struct note *notes_near(const struct app *app, int64_t at_ns,
                              int64_t slack_ns);
/* The next note after the cursor, or the one before; NULL: none. */
const struct note *notes_next(const struct app *app, int is_forward);

#endif
