/* A table as text, Markdown or HTML: for what a report says in all of them. */
#ifndef LTV_OUTPUT_TABLE_H
#define LTV_OUTPUT_TABLE_H

#include <stddef.h>
#include <stdio.h>

enum table_style { TABLE_TEXT, TABLE_MARKDOWN, TABLE_HTML };

struct table_column {
  const char *name;
  int width; /* in text; numbers, to the right: above 0; words: below */
};

struct table {
  FILE *file;
  enum table_style style;
  const struct table_column *columns;
  size_t n, at; /* of columns; the next cell's */
};

/* Begin one under a title.  columns: n of them, borrowed until table_end(). */
void table_begin(struct table *table, FILE *file, enum table_style style,
                 const char *title, const struct table_column *columns,
                 size_t n);

/* The next cell, of the next row when one is full.  text: inert. */
void table_cell(struct table *table, const char *text);

/* End it. */
void table_end(struct table *table);

#endif
