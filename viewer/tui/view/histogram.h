/* A histogram of times as columns on a logarithmic axis; shared by the
 * overview, the functions and the comparison of two traces. */
#ifndef LTV_TUI_HISTOGRAM_H
#define LTV_TUI_HISTOGRAM_H

#include "model/model.h"
#include "tui/term/grid.h"

struct histogram_plot {
  struct rect plot; /* the bars */
  int n_bins;       /* shown, from bin 0 */
};

/* The bin that a time falls into. */
int histogram_bin(int64_t ns);
/* The screen's column that a time is drawn in. */
int histogram_column(const struct histogram_plot *plot, int64_t ns);
/* As many bins as times of up to `longest_ns` need, `least_ns` at least. */
int histogram_bins(int64_t longest_ns, int64_t least_ns);
/* Bars, those over the budget in its colour.  One must be seen beside a
 * million: heights are logarithmic. */
void histogram_draw(struct grid *grid, const struct histogram_plot *plot,
                    const struct model_histogram *h);
/* Times under the columns, on row y, as far as they end before x_end. */
void histogram_axis(struct grid *grid, const struct histogram_plot *plot,
                    int x_end, int y);

#endif
