/* The tasks that screen 5 shows, in the order in which it shows them. */
#ifndef LTV_TUI_TASKS_H
#define LTV_TUI_TASKS_H

#include "model/census.h"
#include "model/model.h"
#include "model/path.h"

enum task_sort {
  TASK_TREE, /* under who made it */
  TASK_RUN,
  TASK_LONGEST,
  TASK_READY,
  TASK_AGE,
  TASK_SORT_COUNT
};

struct task_row {
  uint32_t index; /* into all */
  uint32_t depth; /* in the tree */
};

/* What ran while a task could have run and did not. */
struct task_behind {
  uint32_t site, kind;
  int64_t ns;
};
#define TASK_BEHIND_MAX 4

struct tasks_pane {
  struct census *census; /* NULL: not begun yet */
  const char *wanted;    /* the file to begin with; NULL: not asked for */
  lt_status problem;
  bool is_read; /* what is left is to put them in order */
  bool is_done;
  const struct census_task *all; /* by id */
  size_t n;
  struct task_row *rows;
  size_t n_rows; /* that the filter leaves */
  struct task_ordering *ordering; /* NULL: they are in order */
  enum task_sort sort;
  bool is_inverted;
  uint64_t selected; /* a task's id; kept when the order changes */
  /* Of the selected one: */
  uint64_t behind_of;
  struct task_behind behind[TASK_BEHIND_MAX];
  size_t n_behind;
  struct behind *behind_walk; /* NULL: nothing is read for it */
  lt_reader *reader;          /* its own, or NULL */
  bool is_open;               /* that is settled */
  /* The critical path that was asked for last: */
  bool shows_path;
  uint64_t path_of;       /* a task's id, 0 none */
  struct path_walk *walk; /* NULL: nothing is read */
  struct path *path;      /* NULL: not known (yet) */
  lt_status path_problem;
};

/* The tasks of a file are wanted; tasks_work() reads them.  path is borrowed. */
void tasks_open(struct tasks_pane *pane, const char *path);
/* Go on for so many events.  Returns: whether there is more to do. */
bool tasks_work(struct tasks_pane *pane, uint64_t n_events);
bool tasks_has_work(const struct tasks_pane *pane);
void tasks_close(struct tasks_pane *pane);
/* Order the rows anew, all of them; at once, or going on for so many steps while
 * the old ones stay.  Returns: whether there is more to do. */
void tasks_order(struct tasks_pane *pane, int64_t end_ns);
void tasks_order_begin(struct tasks_pane *pane, int64_t end_ns);
bool tasks_order_work(struct tasks_pane *pane, uint64_t n);
void tasks_order_drop(struct tasks_pane *pane);
/* By id; NULL where it was not kept. */
const struct census_task *tasks_find(const struct tasks_pane *pane,
                                     uint64_t id);
size_t tasks_row(const struct tasks_pane *pane, uint64_t id);
/* Since it was made, or since the beginning. */
int64_t tasks_life_ns(const struct census_task *task, int64_t end_ns);
/* Show the critical path of the selected task, or no longer: begin to read it
 * unless it is known.  tasks_path_work() goes on for so many events and returns
 * whether there is more to do. */
void tasks_path(struct tasks_pane *pane, const char *file);
bool tasks_path_work(struct tasks_pane *pane, uint64_t n_events);
/* Of the selected task: it is to be shown. */
bool tasks_shows_path(const struct tasks_pane *pane);
void tasks_path_forget(struct tasks_pane *pane);
/* Who ran during the longest time that the selected task was ready: read on for
 * so many events.  path: of the model's file, or NULL. */
void tasks_find_behind(struct tasks_pane *pane, struct model *model,
                       const char *path, uint64_t n_events);
bool tasks_knows_behind(const struct tasks_pane *pane);

#endif
