/* The parser of sizes.  Called by cmd_*.c, and for the
 * environment of a program that records itself. */
#include "base/size.h"

#include <string.h>

lt_status size_parse(const char *text, uint64_t *bytes) {
  static const char units[] = "KMG";
  uint64_t n = 0;
  const char *at = text;
  for (; *at >= '0' && *at <= '9'; at++) {
    if (n > INT64_MAX / 10 - 1)
      return LT_INVALID;
    n = n * 10 + (uint64_t)(*at - '0');
  }
  if (at == text || n == 0)
    return LT_INVALID;
  const char *unit = *at ? strchr(units, *at) : NULL;
  if (unit) {
    unsigned shift = 10 * (unsigned)(unit - units + 1);
    if (n > (uint64_t)INT64_MAX >> shift)
      return LT_INVALID;
    n <<= shift;
    at++;
    if (*at == 'i' && at[1] == 'B')
      at++;
  }
  if (*at == 'B')
    at++;
  if (*at)
    return LT_INVALID;
  *bytes = n;
  return LT_OK;
}
