/* The first picture of a long trace: what its index says, while it is read.
 *
 * Invariant: levels are by wall time here, as nothing is known of causes; so
 * nothing is marked that is not at least as long as a stall.  Called by
 * minimap.c and frame.c. */
#include <math.h>

#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

size_t summary_loops(const lt_summary *s) {
  size_t n = 0;
  for (uint32_t i = 0; i < s->n_lanes; i++)
    n += !s->lanes[i].is_pool;
  return n;
}

static enum role role_of(int64_t duration_ns) {
  return duration_ns >= MODEL_ERROR_NS  ? ROLE_ERROR
         : duration_ns >= MODEL_WARN_NS ? ROLE_WARN
                                        : ROLE_TEXT;
}

/* Busiest and longest of the bins that a column touches. */
static void column_of(const lt_summary *s, const lt_lane *lane, int64_t end_ns,
                      int column, int w, double *busy, int64_t *longest_ns) {
  double ns = (double)end_ns / w;
  int64_t first = (int64_t)(column * ns) / s->bin_ns;
  int64_t last = (int64_t)((column + 1) * ns - 1) / s->bin_ns;
  for (int64_t i = first; i <= last && i < s->n_bins; i++) {
    const lt_lane_bin *bin = &lane->level[0][i];
    double share = (double)bin->busy_ns / (double)s->bin_ns;
    *busy = share > *busy ? share : *busy;
    *longest_ns = bin->longest_ns > *longest_ns ? bin->longest_ns : *longest_ns;
  }
}

static void draw_lane(struct app *app, const lt_lane *lane, int x, int y,
                      int w) {
  for (int c = 0; c < w; c++) {
    double busy = 0;
    int64_t longest_ns = 0;
    column_of(app->summary, lane, app->model->end_ns, c, w, &busy, &longest_ns);
    int level = (int)ceil((busy > 1 ? 1 : busy) * 8 - 1e-6);
    enum role role = longest_ns >= MODEL_WARN_NS
                         ? role_of(longest_ns)
                         : (enum role)(ROLE_HEAT0 + (level - 1) * 5 / 8);
    if (level > 0)
      grid_put(&app->grid, x + c, y, role, U" ▁▂▃▄▅▆▇█"[level]);
  }
}

void summary_draw_map(struct app *app, const struct layout *layout, int x,
                      int w) {
  const lt_summary *s = app->summary;
  int y = layout->minimap.y, row = 0;
  if (app->model->end_ns <= 0 || s->bin_ns <= 0)
    return;
  if (layout->has_stalls)
    grid_text(&app->grid, 1, y++, ROLE_DIM, "stalls");
  for (uint32_t i = 0; i < s->n_lanes && row < layout->n_loops; i++) {
    const lt_lane *lane = &s->lanes[i];
    if (lane->is_pool)
      continue;
    grid_print(&app->grid, 1, y + row, ROLE_DIM, "loop %u", lane->loop);
    draw_lane(app, lane, x, y + row++, w);
    for (uint32_t k = 0; k < lane->n_stalls && layout->has_stalls; k++) {
      const lt_lane_stall *stall = &lane->stalls[k];
      int c = axis_column(stall->begin_ns, 0, app->model->end_ns, w);
      if (c >= 0 && c < w)
        grid_put(&app->grid, x + c, y - 1, role_of(stall->duration_ns),
                 stall->duration_ns >= MODEL_ERROR_NS ? U'‼' : U'!');
    }
  }
}

/* The longest that is shorter than the one before, or as long and later. */
static const lt_lane_stall *next_worst(const lt_summary *s,
                                       const lt_lane_stall *before) {
  const lt_lane_stall *found = NULL;
  for (uint32_t i = 0; i < s->n_lanes; i++)
    for (uint32_t k = 0; k < s->lanes[i].n_stalls; k++) {
      const lt_lane_stall *stall = &s->lanes[i].stalls[k];
      if (before && (stall->duration_ns > before->duration_ns ||
                     (stall->duration_ns == before->duration_ns &&
                      stall->begin_ns <= before->begin_ns)))
        continue;
      if (!found || stall->duration_ns > found->duration_ns ||
          (stall->duration_ns == found->duration_ns &&
           stall->begin_ns < found->begin_ns))
        found = stall;
    }
  return found;
}

void summary_draw_stalls(struct app *app, struct rect r) {
  const lt_lane_stall *stall = NULL;
  format_buf at, took;
  if (r.h < 3 || !next_worst(app->summary, NULL))
    return;
  grid_text(&app->grid, r.x + 2, r.y, ROLE_STRONG, "Longest turns");
  for (int y = r.y + 1; y < r.y + r.h; y++) {
    stall = next_worst(app->summary, stall);
    if (!stall)
      return;
    grid_right(&app->grid, r.x + 12, y, ROLE_DIM,
               format_moment(at, stall->begin_ns, 1000000));
    grid_right(&app->grid, r.x + 20, y, role_of(stall->duration_ns),
               format_duration(took, stall->duration_ns));
    bar_draw(&app->grid, r.x + 22, y, r.w - 24, role_of(stall->duration_ns),
             stall->duration_ns, next_worst(app->summary, NULL)->duration_ns);
  }
}
