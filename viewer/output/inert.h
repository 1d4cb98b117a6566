/* Make text from a trace, a file name or a program harmless for a terminal and
 * for a parser. */
#ifndef LTV_INERT_H
#define LTV_INERT_H

#include <stddef.h>
#include <stdio.h>

/* Copy text, with every byte that is not plain printable UTF-8 as \xHH.
 *
 * Made visible: C0 and C1 control characters, DEL, bytes that are not UTF-8,
 * characters that reorder or hide text (bidi, zero width, line and paragraph
 * separators, byte order mark, tags), noncharacters, and the backslash itself
 * (as \\), so that the result tells the original; and the "[" of "##[", with
 * which CI systems begin commands.  What does not fit is cut at
 * a character, and ends with "..." then.
 *
 * buf:     size bytes, at least 8; always NUL-terminated.
 * Returns: buf.  text NULL gives "". */
const char *inert(const char *text, char *buf, size_t size);

/* The same for a line that people read as it stands in its file: a backslash is
 * one, so that the result need not tell the original. */
const char *inert_source(const char *text, char *buf, size_t size);

/* Print a word as a shell reads it back: in quotes where it must be.  It is
 * inert already. */
void inert_word(FILE *file, const char *word);

#endif
