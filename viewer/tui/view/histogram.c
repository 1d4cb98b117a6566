/* Histograms: their bars, their axis.  Called by view_overview.c, view_sites.c
 * and view_compare.c. */
#include "tui/view/histogram.h"

#include <math.h>
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

int histogram_bins(int64_t longest_ns, int64_t least_ns) {
  int n = histogram_bin(longest_ns > least_ns ? longest_ns : least_ns) + 8;
  return n < MODEL_HISTOGRAM_BINS ? n : MODEL_HISTOGRAM_BINS;
}

void histogram_draw(struct grid *g, const struct histogram_plot *p,
                    const struct model_histogram *h) {
  double most = 1;
  uint64_t counts[1024] = {0};
  for (int i = 0; i < p->n_bins; i++) {
    int c = (int)((int64_t)i * p->plot.w / p->n_bins);
    if (c < 1024)
      counts[c] += h->bins[i];
  }
  for (int c = 0; c < p->plot.w && c < 1024; c++)
    if ((double)counts[c] > most)
      most = (double)counts[c];
  int budget = histogram_column(p, MODEL_ERROR_NS) - p->plot.x;
  for (int c = 0; c < p->plot.w && c < 1024; c++) {
    double share = counts[c] ? log2(1 + (double)counts[c]) / log2(1 + most) : 0;
    int eighths = (int)ceil(share * p->plot.h * 8);
    enum role role = c >= budget ? ROLE_ERROR : ROLE_RUN;
    for (int row = 0; row < p->plot.h && eighths > 0; row++, eighths -= 8)
      grid_put(g, p->plot.x + c, p->plot.y + p->plot.h - 1 - row, role,
               U" ▁▂▃▄▅▆▇█"[eighths > 8 ? 8 : eighths]);
  }
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
