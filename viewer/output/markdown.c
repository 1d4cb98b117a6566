/* Texts in Markdown and HTML: what could mean something becomes an entity.
 *
 * Invariant: a text stays in its cell.  Called by the Markdown forms of report
 * and diff. */
#include "output/markdown.h"

#include <ctype.h>
#include <string.h>

void markdown_text(FILE *file, const char *text) {
  for (const char *s = text; *s; s++) {
    int is_inner = s > text && isalnum((unsigned char)s[-1]) &&
                   isalnum((unsigned char)s[1]);
    if (strchr("\\`*[]<>|~&@$#!\"'", *s) || (*s == '_' && !is_inner))
      fprintf(file, "&#%d;", *s);
    else
      putc(*s, file);
  }
}
