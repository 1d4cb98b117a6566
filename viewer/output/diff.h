/* What `diff` says of two traces. */
#ifndef LTV_OUTPUT_DIFF_H
#define LTV_OUTPUT_DIFF_H

#include <stdio.h>

#include "model/diff.h"

struct diff_page {
  const struct model *a, *b;
  const char *a_path, *b_path;
  const struct diff *diff;
  const struct diff_options *options;
  size_t top; /* rows at most */
};

/* A table, what the verdict is of, and the verdict last. */
void diff_text(FILE *file, const struct diff_page *page);
/* The same as a Markdown table. */
void diff_markdown(FILE *file, const struct diff_page *page);
/* One JSON object, schema looptrace.diff/1. */
void diff_json(FILE *file, const struct diff_page *page);

#endif
