/* Numbers for narrow columns.  Called by all views. */
#include "tui/view/format.h"

#include <stdio.h>

const char *format_duration(format_buf buf, int64_t ns) {
  double n = (double)ns;
  if (ns < 0)
    snprintf(buf, FORMAT_SIZE, "?");
  else if (ns == 0)
    snprintf(buf, FORMAT_SIZE, "0");
  else if (ns < 1000)
    snprintf(buf, FORMAT_SIZE, "%dns", (int)ns);
  else if (ns < 9950)
    snprintf(buf, FORMAT_SIZE, "%.1fµs", n / 1e3);
  else if (ns < 999500)
    snprintf(buf, FORMAT_SIZE, "%.0fµs", n / 1e3);
  else if (ns < 9950000)
    snprintf(buf, FORMAT_SIZE, "%.1fms", n / 1e6);
  else if (ns < 999500000)
    snprintf(buf, FORMAT_SIZE, "%.0fms", n / 1e6);
  else if (ns < 9995000000)
    snprintf(buf, FORMAT_SIZE, "%.2fs", n / 1e9);
  else if (ns < 59950000000)
    snprintf(buf, FORMAT_SIZE, "%.1fs", n / 1e9);
  else {
    int64_t s = (ns + 500000000) / 1000000000;
    if (s < 3600)
      snprintf(buf, FORMAT_SIZE, "%dm%02ds", (int)(s / 60), (int)(s % 60));
    else
      snprintf(buf, FORMAT_SIZE, "%lldh%02dm", (long long)(s / 3600),
               (int)(s % 3600 / 60));
  }
  return buf;
}

const char *format_moment(format_buf buf, int64_t ns, int64_t step_ns) {
  int decimals = 0;
  for (int64_t unit = 1000000000; decimals < 9 && step_ns < unit; unit /= 10)
    decimals++;
  double s = (double)ns / 1e9;
  if (ns < 60 * INT64_C(1000000000)) {
    snprintf(buf, FORMAT_SIZE, "%.*fs", decimals, s);
    return buf;
  }
  int64_t minutes = ns / (60 * INT64_C(1000000000));
  double rest = s - (double)minutes * 60;
  snprintf(buf, FORMAT_SIZE, "%lldm%0*.*fs", (long long)minutes,
           decimals ? decimals + 3 : 2, decimals, rest);
  return buf;
}

const char *format_count(format_buf buf, uint64_t n) {
  static const char units[] = "kMGTPE";
  if (n < 10000) {
    snprintf(buf, FORMAT_SIZE, "%d", (int)n);
    return buf;
  }
  double value = (double)n / 1e3;
  int unit = 0;
  for (; value >= 999.5; unit++)
    value /= 1e3;
  snprintf(buf, FORMAT_SIZE, value < 99.95 ? "%.1f%c" : "%.0f%c", value,
           units[unit]);
  return buf;
}

const char *format_share(format_buf buf, int64_t part, int64_t whole) {
  double share = whole > 0 ? 100.0 * (double)part / (double)whole : 0;
  if (part > 0 && share < 1)
    snprintf(buf, FORMAT_SIZE, "<1%%");
  else
    snprintf(buf, FORMAT_SIZE, "%.0f%%", share > 100 ? 100 : share);
  return buf;
}
