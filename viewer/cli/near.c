/* How near two words are.  Called for commands, rules
 * and budget keys that are none. */
#include "cli/near.h"

#include <stdint.h>
#include <string.h>

#define LETTERS_MAX 31

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

size_t near_edits(const char *a, const char *b) {
  size_t d[LETTERS_MAX + 1][LETTERS_MAX + 1], n = strlen(a), m = strlen(b);
  if (n > LETTERS_MAX || m > LETTERS_MAX)
    return SIZE_MAX;
  for (size_t i = 0; i <= n; i++)
    for (size_t j = 0; j <= m; j++) {
      if (!i || !j) {
        d[i][j] = i + j;
        continue;
      }
      size_t best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      best = smaller(best, smaller(d[i - 1][j], d[i][j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = smaller(best, d[i - 2][j - 2] + 1);
      d[i][j] = best;
    }
  return d[n][m];
}
