/* The axis of a histogram.  Called by view_overview.c and view_compare.c. */
#include "tui/view/histogram.h"

#include <string.h>

#include "tui/view/format.h"

/* Asked of the histogram itself. */
int histogram_bin(int64_t ns) {
  struct model_histogram one = {0};
  model_histogram_add(&one, ns);
  for (int i = 0; i < MODEL_HISTOGRAM_BINS; i++)
    if (one.bins[i])
      return i;
  return 0;
}

int histogram_column(const struct histogram_plot *p, int64_t ns) {
  return p->plot.x + (int)((int64_t)histogram_bin(ns) * p->plot.w / p->n_bins);
}

void histogram_axis(struct grid *grid, const struct histogram_plot *p,
                    int x_end, int y) {
  static const int64_t ticks[] = {1024,     10000,     100000,     1000000,
                                  10000000, 100000000, 1000000000, 10000000000};
  int free_from = 0;
  for (size_t i = 0; i < sizeof ticks / sizeof *ticks; i++) {
    format_buf text;
    int at = histogram_column(p, ticks[i]);
    format_duration(text, i ? ticks[i] : 1000);
    if (at < free_from || at + text_width(text) > x_end)
      continue;
    /* 1.00s is 1s on an axis */
    char *dot = strchr(text, '.');
    if (dot)
      memmove(dot, dot + strspn(dot, ".0"),
              strlen(dot + strspn(dot, ".0")) + 1);
    grid_text(grid, at, y, ROLE_DIM, text);
    free_from = at + text_width(text) + 1;
  }
}
