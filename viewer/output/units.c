/* Numbers in sentences.  Invariant: what is written is as exact as its digits
 * say, and never looks like the next larger unit.  Called by the text forms of
 * check, report and info. */
#include "output/units.h"

#include <stdio.h>

#define SECOND INT64_C(1000000000)

const char *units_ns(units_buf buf, int64_t ns) {
  double n = (double)ns;
  if (ns < 1000)
    snprintf(buf, sizeof(units_buf), "%d ns", ns < 0 ? 0 : (int)ns);
  else if (ns < 999500)
    snprintf(buf, sizeof(units_buf), ns < 9950 ? "%.1f us" : "%.0f us",
             n / 1e3);
  else if (ns < 199950000 && (ns + 50000) % 1000000 >= 100000)
    snprintf(buf, sizeof(units_buf), "%.1f ms", n / 1e6);
  else if (ns < 999500000)
    snprintf(buf, sizeof(units_buf), "%.0f ms", n / 1e6);
  else if (ns < 60 * SECOND - 50000000)
    snprintf(buf, sizeof(units_buf), ns < 9995000000 ? "%.2f s" : "%.1f s",
             n / 1e9);
  else if (ns < 3600 * SECOND) {
    int64_t tenths = (ns + SECOND / 20) / (SECOND / 10);
    snprintf(buf, sizeof(units_buf), "%dm%02d.%ds", (int)(tenths / 600),
             (int)(tenths / 10 % 60), (int)(tenths % 10));
  } else {
    int64_t s = ns / SECOND;
    snprintf(buf, sizeof(units_buf), "%lldh%02dm%02ds", (long long)(s / 3600),
             (int)(s / 60 % 60), (int)(s % 60));
  }
  return buf;
}

const char *units_at(units_buf buf, int64_t ns) {
  int64_t ms = (ns < 0 ? 0 : ns) / 1000000, s = ms / 1000;
  if (s < 60)
    snprintf(buf, sizeof(units_buf), "%d.%03d s", (int)s, (int)(ms % 1000));
  else
    snprintf(buf, sizeof(units_buf), "%lldm%02d.%03ds", (long long)(s / 60),
             (int)(s % 60), (int)(ms % 1000));
  return buf;
}

const char *units_count(units_buf buf, uint64_t n) {
  if (n < 1000)
    snprintf(buf, sizeof(units_buf), "%d", (int)n);
  else if (n < 1000000)
    snprintf(buf, sizeof(units_buf), "%d %03d", (int)(n / 1000),
             (int)(n % 1000));
  else if (n < 1000000000)
    snprintf(buf, sizeof(units_buf), "%.1f M", (double)n / 1e6);
  else
    snprintf(buf, sizeof(units_buf), "%.1f G", (double)n / 1e9);
  return buf;
}

const char *units_bytes(units_buf buf, uint64_t n) {
  if (n < 1024)
    snprintf(buf, sizeof(units_buf), "%d byte%s", (int)n, n == 1 ? "" : "s");
  else if (n < 1024 * 1024)
    snprintf(buf, sizeof(units_buf), "%.1f KiB", (double)n / 1024);
  else
    snprintf(buf, sizeof(units_buf), "%.1f MiB", (double)n / (1024 * 1024));
  return buf;
}

const char *units_share(units_buf buf, int64_t part, int64_t whole) {
  double share = whole > 0 ? 100.0 * (double)part / (double)whole : 0;
  if (part > 0 && share < 1)
    snprintf(buf, sizeof(units_buf), "<1 %%");
  else
    snprintf(buf, sizeof(units_buf), "%.0f %%", share);
  return buf;
}
