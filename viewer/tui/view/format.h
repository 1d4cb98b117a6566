/* Times, durations and counts as the viewer writes them: short, with units. */
#ifndef LTV_TUI_FORMAT_H
#define LTV_TUI_FORMAT_H

#include <stdint.h>

#define FORMAT_SIZE 24
typedef char format_buf[FORMAT_SIZE];

/* At most 6 columns: 0 840ns 1.2µs 412µs 1.2ms 412ms 1.23s 31.2s 1m04s 2h05m.
 */
const char *format_duration(format_buf buf, int64_t ns);
/* A moment, as exact as a step asks for: 31.286s, 1m04.2s; at least
 * milliseconds up to a minute unless step is larger. */
const char *format_moment(format_buf buf, int64_t ns, int64_t step_ns);
/* 9 604 becomes 9.6k above five digits: 3 12 9604 48.2k 18.4M. */
const char *format_count(format_buf buf, uint64_t n);
/* "71%", "<1%", "0%". */
const char *format_share(format_buf buf, int64_t part, int64_t whole);

#endif
