/* Inside the drawing of lanes: one lane over the columns of the screen. */
#ifndef LTV_TUI_LANES_PLOT_H
#define LTV_TUI_LANES_PLOT_H

#include "tui/app.h"

struct plot {
  struct app *app;
  struct grid *g;
  const struct lane *lane;
  int x, y, w;
  int64_t from, to;
  int64_t until; /* what comes later is not known yet */
  uint64_t *unnamed; /* of the first 64 losses, those whose number stands
                        nowhere yet */
};

#define COLUMNS_MAX 1024
/* What a column holds: how many things, and the one that fills most of it. */
struct column {
  const struct model_span *most; /* NULL: known in bins only */
  int64_t covered_ns, most_ns;
  int64_t longest_ns; /* WINDOW_LATE: how late at most */
  uint32_t n;         /* of what waits: at a time */
  bool is_known;
  bool is_rough; /* in bins of the whole trace: what is exact is being read */
};

/* The begin of a column's time (of column p->w: its end). */
static inline int64_t plot_time(const struct plot *p, int column) {
  return p->from +
         (int64_t)((double)(p->to - p->from) * column / (double)p->w);
}

/* lanes_columns.c: fill columns[0..w-1]. */
void plot_columns(const struct plot *p, struct column *columns);

/* lanes_bars.c: draw them. */
void plot_bars(const struct plot *p, const struct column *columns);
void plot_numbers(const struct plot *p, const struct column *columns);
void plot_lateness(const struct plot *p, const struct column *columns);
void plot_life(const struct plot *p, const struct column *columns);
/* What is missing, over the lane. */
void plot_losses(const struct plot *p);

#endif
