/* The arithmetic of the screen.  Called by app.c and the views; tested for
 * every size. */
#include "tui/layout.h"

#include <string.h>

static int min(int a, int b) {
  return a < b ? a : b;
}

static int max(int a, int b) {
  return a > b ? a : b;
}

/* Take rows from the top of what is left. */
static struct rect take(struct rect *rest, int rows) {
  rows = max(0, min(rows, rest->h));
  struct rect taken = {rest->x, rest->y, rest->w, rows};
  rest->y += rows;
  rest->h -= rows;
  return taken;
}

void layout_frame(int w, int h, size_t n_loops, struct layout *layout) {
  *layout = (struct layout){.w = w, .h = h};
  layout->too_small = w < LAYOUT_MIN_W || h < LAYOUT_MIN_H;
  if (layout->too_small)
    return;
  layout->small = w < 80 || h < 24;
  int loops = n_loops < LAYOUT_MAX_LOOPS ? (int)n_loops : LAYOUT_MAX_LOOPS;
  layout->n_loops = layout->small ? 1 : max(1, loops);
  layout->has_stalls = !layout->small;
  layout->has_axis = !layout->small;
  struct rect rest = {0, 0, w, h};
  layout->title = take(&rest, 1);
  layout->tabs = take(&rest, 1);
  layout->minimap =
      take(&rest, layout->n_loops + layout->has_stalls + layout->has_axis);
  layout->rule = take(&rest, 1);
  layout->body = take(&rest, rest.h - 2);
  layout->message = take(&rest, 1);
  layout->keys = take(&rest, 1);
}

void layout_overview(const struct layout *frame, size_t n_loops,
                     struct layout_overview *out) {
  struct rect body = frame->body;
  *out = (struct layout_overview){0};
  int loops = (n_loops < 64 ? (int)n_loops : 64) + 1; /* and the heads */
  if (frame->w < LAYOUT_TWO_PANES_W || frame->h < 24) {
    /* One above the other; the split of time where there is room for both. */
    int top = body.h >= loops + 7 + 7 ? loops + 7 : loops + 2;
    out->loops = take(&body, min(top, body.h / 2));
    out->worst = body;
    return;
  }
  /* Loops with heads, a blank, the split of time with its head, a frame. */
  int top = max(min(loops + 7, body.h * 3 / 5), min(10, body.h));
  int bottom = min(body.h - top, 20);
  if (bottom < 6)
    bottom = 0;
  struct rect upper = take(&body, body.h - bottom), lower = body;
  int left = max(57, frame->w * 57 / 100);
  out->loops = (struct rect){upper.x, upper.y, left, upper.h};
  out->worst = (struct rect){left, upper.y, upper.w - left, upper.h};
  if (lower.h == 0)
    return;
  out->histogram = (struct rect){lower.x, lower.y, left, lower.h};
  out->findings = (struct rect){left, lower.y, lower.w - left, lower.h};
}

void layout_lanes(const struct layout *frame, size_t n_lanes,
                  struct layout_lanes *out) {
  struct rect body = frame->body;
  out->axis = take(&body, 1);
  int detail = body.h < 10 ? 2 : body.h < 16 ? 4 : min(8, body.h / 3);
  /* What the lanes leave: it has room for the source then. */
  int left = body.h - 1 - (int)(n_lanes < 500 ? n_lanes : 500);
  detail = max(detail, left);
  out->rows = take(&body, body.h - detail - 1);
  out->rule = take(&body, 1);
  out->detail = body;
}

void layout_replay(const struct layout *frame, size_t n_lanes,
                   struct layout_replay *out) {
  struct rect body = frame->body;
  *out = (struct layout_replay){0};
  out->axis = take(&body, 1);
  int bar = frame->small ? 1 : 2;
  int rows = min((int)(n_lanes < 64 ? n_lanes : 64), (body.h - bar) / 2);
  out->rows = take(&body, max(2, rows));
  struct rect panes = take(&body, body.h - bar);
  out->bar = body;
  int left = frame->small ? panes.w : panes.w / 2;
  out->now = (struct rect){panes.x, panes.y, left, panes.h};
  out->past = (struct rect){panes.x + left, panes.y, panes.w - left, panes.h};
}

void layout_list(const struct layout *frame, size_t n_rows,
                 struct layout_list *out) {
  struct rect body = frame->body;
  *out = (struct layout_list){0};
  out->head = take(&body, 1);
  if (frame->small) {
    out->rows = body;
    return;
  }
  int detail = max(8, body.h / 2);
  int rows = body.h - detail - 1;
  if (n_rows < (size_t)rows)
    rows = max(4, (int)n_rows + 1);
  out->rows = take(&body, rows);
  out->rule = take(&body, 1);
  out->detail = body;
}

void layout_detail(const struct layout *frame, struct layout_detail *out) {
  struct rect body = frame->body;
  *out = (struct layout_detail){0};
  if (frame->small) {
    out->causes = body;
    return;
  }
  out->text.h = 0;
  int source = body.h >= 40   ? body.h / 2 - 4
               : body.h >= 22 ? 7
               : body.h >= 17 ? 5
                              : 0;
  int text = 2;
  int upper = body.h - source - text;
  struct rect both = take(&body, upper);
  int left = both.w * 9 / 20;
  out->ancestry = (struct rect){both.x, both.y, left, both.h};
  out->causes = (struct rect){both.x + left, both.y, both.w - left, both.h};
  out->source = take(&body, source);
  out->text = take(&body, text);
}

size_t layout_scroll(size_t selected, size_t n, int height) {
  size_t h = height > 0 ? (size_t)height : 0;
  if (n <= h)
    return 0;
  size_t first = selected > h / 2 ? selected - h / 2 : 0;
  return first > n - h ? n - h : first;
}
