/* What is told of commands, written once: as `--help` shows it, and as a page
 * of the manual.  A text's blank line parts paragraphs; a line that begins with
 * two blanks stays as it is. */
#ifndef LTV_MANUAL_H
#define LTV_MANUAL_H

#include <stdbool.h>
#include <stdio.h>

#include "command.h"

struct manual {
  FILE *file;
  bool is_roff;
  int column; /* of the words beside a label, in help */
};

/* A title over what follows. */
void manual_heading(struct manual *m, const char *title);

/* Paragraphs. */
void manual_text(struct manual *m, const char *text);

/* A label, such as an option or a key, and what it means.  A line of the text
 * "\tWORD\tTEXT" is an item under it. */
void manual_item(struct manual *m, const char *label, const char *text);

/* All of one command. */
void manual_command(struct manual *m, const struct command *command);

/* "-o, --output FILE": how a row of options is written. */
void manual_label(const struct option_row *row, char *buf, size_t size);

/* What `looptrace COMMAND --help` says: at most 80 columns. */
void manual_help(FILE *file, const struct command *command);

/* looptrace(1): all of them. */
void manual_page(FILE *file, const struct command *const *commands, size_t n);

#endif
