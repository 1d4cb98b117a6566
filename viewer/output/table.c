/* Tables of reports.
 *
 * Invariant: a text cannot leave its cell.  Called by report_more.c. */
#include "output/table.h"

#include <stdbool.h>
#include <stdlib.h>

#include "output/markdown.h"
#include "output/xml.h"

static bool is_number(const struct table_column *column) {
  return column->width > 0;
}

static void text_cell(struct table *t, const char *text) {
  const struct table_column *c = &t->columns[t->at];
  bool is_after_words = t->at && !is_number(c - 1);
  bool is_last = t->at + 1 == t->n;
  if (t->at == 0 || (!is_number(c) && !is_after_words))
    fputs("  ", t->file);
  else
    putc(' ', t->file);
  if (is_number(c))
    fprintf(t->file, "%*s", c->width, text);
  else
    fprintf(t->file, "%-*s", is_last ? 0 : -c->width, text);
}

static void html_cell(struct table *t, const char *tag, const char *text) {
  const struct table_column *c = &t->columns[t->at];
  const char *kind = is_number(c) ? "n" : "t";
  fprintf(t->file, "%s<%s class=\"%s\">", t->at ? "" : "<tr>", tag, kind);
  xml_inert(t->file, text);
  fprintf(t->file, "</%s>", tag);
}

static void put_cell(struct table *t, const char *tag, const char *text) {
  if (t->style == TABLE_TEXT) {
    text_cell(t, text);
  } else if (t->style == TABLE_HTML) {
    html_cell(t, tag, text);
  } else {
    fputs(t->at ? " | " : "| ", t->file);
    markdown_text(t->file, text);
  }
  if (++t->at < t->n)
    return;
  t->at = 0;
  fputs(t->style == TABLE_TEXT   ? "\n"
        : t->style == TABLE_HTML ? "</tr>\n"
                                 : " |\n",
        t->file);
}

void table_begin(struct table *t, FILE *file, enum table_style style,
                 const char *title, const struct table_column *columns,
                 size_t n) {
  *t = (struct table){.file = file, .style = style, .columns = columns, .n = n};
  fprintf(file,
          style == TABLE_TEXT   ? "\n%s\n"
          : style == TABLE_HTML ? "<h2>%s</h2>\n<table>"
                                : "\n%s:\n\n",
          title);
  for (size_t i = 0; i < n; i++)
    put_cell(t, "th", columns[i].name);
  if (style != TABLE_MARKDOWN)
    return;
  for (size_t i = 0; i < n; i++)
    fputs(is_number(&columns[i]) ? "|--:" : "|---", file);
  fputs("|\n", file);
}

void table_cell(struct table *t, const char *text) {
  put_cell(t, "td", text);
}

void table_end(struct table *t) {
  if (t->style == TABLE_HTML)
    fputs("</table>\n", t->file);
}
