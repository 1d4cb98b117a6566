/* Texts in Markdown. */
#ifndef LTV_MARKDOWN_H
#define LTV_MARKDOWN_H

#include <stdio.h>

/* Write an inert text, so that nothing in it is Markdown or HTML. */
void markdown_text(FILE *file, const char *text);

#endif
