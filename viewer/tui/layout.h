/* Where everything stands, computed from the size alone.
 *
 * Nothing else in the viewer depends on the size of the window, so a resize at
 * any moment is harmless.  All rectangles are inside the screen and none
 * overlaps another of the same struct; w or h 0: not shown. */
#ifndef LTV_TUI_LAYOUT_H
#define LTV_TUI_LAYOUT_H

#include "tui/term/grid.h"

#define LAYOUT_MIN_W 60
#define LAYOUT_MIN_H 16
#define LAYOUT_MAX_LOOPS 4
#define LAYOUT_TWO_PANES_W 96

/* The frame that all screens share. */
struct layout {
  int w, h;
  bool too_small; /* below 60x16: nothing else is set */
  bool small;     /* below 80x24: second panes are dropped */
  struct rect title, tabs, minimap, rule, body, message, keys;
  int n_loops;     /* rows of loops in the minimap */
  bool has_stalls; /* a row of stall marks stands above them */
  bool has_axis;   /* a row of times stands below them */
};
void layout_frame(int w, int h, size_t n_loops, struct layout *layout);

/* Four boxes; the last two are dropped on a small screen. */
struct layout_overview {
  struct rect loops, worst, histogram, findings;
};
void layout_overview(const struct layout *frame, size_t n_loops,
                     struct layout_overview *out);

/* The rows of the lanes, and a pane about what the cursor is on. */
struct layout_lanes {
  struct rect axis, rows, rule, detail;
};
void layout_lanes(const struct layout *frame, size_t n_lanes,
                  struct layout_lanes *out);

/* The lanes as they are played, what goes on now, what went by; the last is
 * where in the whole. */
struct layout_replay {
  struct rect axis, rows, now, past, bar;
};
void layout_replay(const struct layout *frame, size_t n_lanes,
                   struct layout_replay *out);

/* A list with its column heads, and a pane about what is selected. */
struct layout_list {
  struct rect head, rows, rule, detail;
};
void layout_list(const struct layout *frame, size_t n_rows,
                 struct layout_list *out);

/* One stall: how it came about, why, and where. */
struct layout_detail {
  struct rect ancestry, causes, source, text;
};
void layout_detail(const struct layout *frame, struct layout_detail *out);

/* The first row to show so that the selected one is in sight: a pure function
 * of these, so that scrolling has no memory. */
size_t layout_scroll(size_t selected, size_t n, int height);

#endif
