/* A line of a source file, to be shown beside a finding. */
#ifndef LTV_EXCERPT_H
#define LTV_EXCERPT_H

#include <stdbool.h>
#include <stddef.h>

/* Read one line of a source file, made inert, tabs as spaces.
 *
 * A trace names the file, so it is not believed: only regular files whose name
 * ends like C, C++ or another source's are read, and at most 4 MiB of them.
 * Returns: false when there is no such line; then buf is unchanged. */
bool excerpt_line(const char *path, unsigned line, char *buf, size_t size);

/* A path as it is shown: relative where it lies in the working directory.
 * Returns: path or a part of it. */
const char *excerpt_path(const char *path);

#endif
