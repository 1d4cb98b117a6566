/* What the screens say about a stall; shared by Overview, Lanes, Stalls and
 * Detail, so that all say the same. */
#ifndef LTV_TUI_STALL_H
#define LTV_TUI_STALL_H

#include "model/model.h"
#include "tui/term/grid.h"

/* How bad, as `check` judges: on the time that the program itself is answerable
 * for. Where too little of the cause is known to say, it is a warning. */
enum stall_level { STALL_NOTE, STALL_WARN, STALL_ERROR };
enum stall_level stall_level(const struct model_stall *stall);
bool stall_is_undecided(const struct model_stall *stall);
enum role stall_role(const struct model_stall *stall);
char32_t stall_mark(const struct model_stall *stall);

/* What held the loop: "fsync", or with its object "fsync fd 7", "computation",
 * "waiting for a CPU"...  Returns buf. */
const char *stall_culprit(const struct model *model,
                          const struct model_stall *stall, bool with_object,
                          char *buf, size_t size);
/* Where, finding_place(): its name, or "". */
const char *stall_where(const struct model *model,
                        const struct model_stall *stall, char *buf,
                        size_t size);
/* In which callback: "timer on_tick", "turn of 12 callbacks". */
const char *stall_callback(const struct model *model,
                           const struct model_stall *stall, char *buf,
                           size_t size);
/* Both in one: the place where that is not the callback itself, or the callback.
 */
const char *stall_inside(const struct model *model,
                         const struct model_stall *stall, char *buf,
                         size_t size);
/* Who waited: "37 callbacks, 9 timers (worst +398ms)", or that nobody did. */
const char *stall_victims(const struct model_stall *stall, char *buf,
                          size_t size);
/* The longest stall on a thread that overlaps a span of time, or NULL.
 * longest_ns: of all stalls of the model. */
const struct model_stall *stall_find(const struct model *model,
                                     int64_t longest_ns, uint32_t thread,
                                     int64_t begin_ns, int64_t end_ns);

/* The parts of a cause, for bars: name, time, role; largest first. */
struct cause_part {
  const char *name;
  int64_t ns;
  enum role role;
};
#define CAUSE_PARTS 6
void stall_parts(const struct model_stall *stall,
                 struct cause_part parts[CAUSE_PARTS]);
/* A part's name; what computes in a call is "computing in write".  Inert.
 * Returns: buf. */
const char *stall_part_name(const struct model *model,
                            const struct model_stall *stall,
                            const struct cause_part *part, char *buf,
                            size_t size);

/* Those that waited longest, one a line. */
void stall_draw_victims(struct grid *grid, struct rect rect,
                        const struct model *model,
                        const struct model_stall *stall);
/* A stack, innermost first: all frames, or the system's folded.  Returns: rows
 * used. */
int stall_draw_stack(struct grid *grid, struct rect rect,
                     const struct model *model, uint32_t stack,
                     bool has_all_frames);
/* All of it in a few rows, the most useful first. */
void stall_draw_summary(struct grid *grid, struct rect rect,
                        const struct model *model,
                        const struct model_stall *stall, bool has_all_frames);
/* One line a call. Returns: rows used. */
int stall_draw_calls(struct grid *grid, struct rect rect,
                     const struct model *model,
                     const struct model_stall *stall);

/* The source around the place that held it, where the file is here.  Returns:
 * rows used. */
int stall_draw_source(struct grid *grid, struct rect rect,
                      const struct model *model,
                      const struct model_stall *stall);
/* A bar of eighth blocks for part of whole over at most w columns. */
void bar_draw(struct grid *grid, int x, int y, int w, enum role role,
              int64_t part, int64_t whole);

#endif
