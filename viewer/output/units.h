/* Numbers in sentences: with a space before the unit, and three digits or so.
 */
#ifndef LTV_UNITS_H
#define LTV_UNITS_H

#include <stdint.h>

typedef char units_buf[32];

/* "840 ns", "12 us", "1.2 ms", "150.3 ms", "412 ms", "1.23 s", "1m04.2s". */
const char *units_ns(units_buf buf, int64_t ns);
/* A moment of a trace: "31.286 s", "1m04.286s". */
const char *units_at(units_buf buf, int64_t ns);
/* "9 604", "18.4 M". */
const char *units_count(units_buf buf, uint64_t n);
/* "812 bytes", "4.2 KiB". */
const char *units_bytes(units_buf buf, uint64_t n);
/* "71 %", "<1 %". */
const char *units_share(units_buf buf, int64_t part, int64_t whole);

#endif
