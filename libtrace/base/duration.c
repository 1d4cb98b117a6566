/* Reading durations from the command line.
 *
 * Invariant: all arithmetic is on integers, so 0.1s is exactly 100,000,000 ns.
 * Called by every cmd_*.c that takes a duration, and for the environment of a
 * program that records itself. */
#include "config.h"

#include "base/duration.h"

#include <stddef.h>
#include <string.h>

static const struct {
  const char *name;
  uint64_t ns;
} units[] = {{"ns", 1},         {"us", 1000},       {"ms", 1000000},
             {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000}};

static uint64_t unit_ns(const char *name) {
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (!strcmp(name, units[i].name))
      return units[i].ns;
  return 0;
}

lt_status duration_parse(const char *text, uint64_t *ns) {
  const char *p = text;
  uint64_t whole = 0, part = 0, scale = 1;
  int digits = 0;

  for (; *p >= '0' && *p <= '9'; p++, digits++) {
    uint64_t digit = (uint64_t)(*p - '0');
    if (whole > (INT64_MAX - digit) / 10)
      return LT_INVALID;
    whole = whole * 10 + digit;
  }
  if (*p == '.') {
    for (p++; *p >= '0' && *p <= '9'; p++, digits++)
      if (scale < 1000000000) { /* what is below a nanosecond is dropped */
        part = part * 10 + (uint64_t)(*p - '0');
        scale *= 10;
      }
  }
  if (!digits)
    return LT_INVALID;
  uint64_t unit = unit_ns(p);
  if (!unit && !*p && !whole && !part)
    unit = 1;
  if (!unit || whole > INT64_MAX / unit)
    return LT_INVALID;
  /* In two steps, or the product would need 72 bits; scale divides 1e9. */
  uint64_t fraction = unit > 1000000000
                          ? part * (1000000000 / scale) * (unit / 1000000000)
                          : part * unit / scale;
  if (fraction > INT64_MAX - whole * unit)
    return LT_INVALID;
  *ns = whole * unit + fraction;
  return LT_OK;
}
