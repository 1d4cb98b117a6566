/* Tasks in order: as a tree, or sorted; in slices, as there may be a million.
 *
 * Invariant: the rows that are shown stay until those in the new order are all
 * there.  A parent stands above its children; it has a smaller id than its
 * child, else it is taken for none, so there is no circle.  Called by hits.c
 * and cmd_tasks.c. */
#include <stdlib.h>
#include <string.h>

#include "model/paced.h"
#include "tui/tasks.h"

#define NONE UINT32_MAX

struct task_ordering {
  const struct tasks_pane *pane;
  int64_t end_ns;
  struct task_row *rows; /* in the new order */
  size_t at;             /* of them */
  struct paced sort;
  /* A tree: the first child of each, its next sibling, its parent. */
  uint32_t *links, *first, *next, *parent;
  size_t n_left; /* to be linked, from the last on */
  uint32_t root, row, depth;
};

static int64_t value(const struct task_ordering *o, uint32_t i) {
  const struct census_task *t = &o->pane->all[i];
  switch (o->pane->sort) {
  case TASK_RUN:
    return t->run_ns;
  case TASK_LONGEST:
    return t->longest_ns;
  case TASK_READY:
    return t->ready_ns;
  default:
    return tasks_life_ns(t, o->end_ns);
  }
}

static int compare(const void *context, uint32_t a, uint32_t b) {
  const struct task_ordering *o = context;
  int64_t x = value(o, a), y = value(o, b);
  int sign = o->pane->is_inverted ? -1 : 1;
  return x == y ? 0 : x < y ? sign : -sign;
}

void tasks_order_drop(struct tasks_pane *pane) {
  struct task_ordering *o = pane->ordering;
  if (!o)
    return;
  paced_end(&o->sort);
  free(o->links);
  free(o->rows);
  free(o);
  pane->ordering = NULL;
}

static bool begin_tree(struct task_ordering *o, size_t n) {
  o->links = malloc(3 * (n + 1) * sizeof *o->links);
  if (!o->links)
    return false;
  memset(o->links, 0xff, 3 * (n + 1) * sizeof *o->links);
  o->first = o->links;
  o->next = o->links + n;
  o->parent = o->links + 2 * n;
  o->n_left = n;
  o->root = NONE;
  return true;
}

void tasks_order_begin(struct tasks_pane *pane, int64_t end_ns) {
  tasks_order_drop(pane);
  struct task_ordering *o = pane->rows ? calloc(1, sizeof *o) : NULL;
  if (!o)
    return; /* they stay as they are */
  pane->ordering = o;
  o->pane = pane;
  o->end_ns = end_ns;
  o->rows = calloc(pane->n + 1, sizeof *o->rows);
  if (!o->rows || !(pane->sort == TASK_TREE
                        ? begin_tree(o, pane->n)
                        : paced_begin(&o->sort, pane->n, compare, o)))
    tasks_order_drop(pane);
}

/* Children in the order in which they were made. */
static bool link_some(struct task_ordering *o, uint64_t n) {
  const struct tasks_pane *pane = o->pane;
  while (o->n_left > 0 && n-- > 0) {
    uint32_t i = (uint32_t)--o->n_left;
    const struct census_task *t = tasks_find(pane, pane->all[i].parent);
    uint32_t p = t && t < &pane->all[i] ? (uint32_t)(t - pane->all) : NONE;
    uint32_t *head = p == NONE ? &o->root : &o->first[p];
    o->parent[i] = p;
    o->next[i] = *head;
    *head = i;
  }
  o->row = o->root;
  return o->n_left > 0;
}

/* From the top. */
static bool walk_some(struct task_ordering *o, uint64_t n) {
  for (; o->row != NONE && n > 0; n--) {
    uint32_t i = o->row;
    o->rows[o->at++] = (struct task_row){i, o->depth};
    if (o->first[i] != NONE) {
      o->row = o->first[i];
      o->depth++;
      continue;
    }
    while (i != NONE && o->next[i] == NONE) {
      i = o->parent[i];
      o->depth -= o->depth > 0;
    }
    o->row = i == NONE ? NONE : o->next[i];
  }
  return o->row != NONE;
}

static bool take_some(struct task_ordering *o, uint64_t n) {
  for (; o->at < o->pane->n && n > 0; n--, o->at++)
    o->rows[o->at] = (struct task_row){o->sort.order[o->at], 0};
  return o->at < o->pane->n;
}

bool tasks_order_work(struct tasks_pane *pane, uint64_t n) {
  struct task_ordering *o = pane->ordering;
  if (!o)
    return false;
  if (o->links ? (o->n_left > 0 && link_some(o, n)) || walk_some(o, n)
               : paced_step(&o->sort, n) || take_some(o, n))
    return true;
  free(pane->rows);
  pane->rows = o->rows;
  pane->n_rows = pane->n;
  o->rows = NULL;
  tasks_order_drop(pane);
  return false;
}

void tasks_order(struct tasks_pane *pane, int64_t end_ns) {
  tasks_order_begin(pane, end_ns);
  while (tasks_order_work(pane, UINT64_MAX))
    ;
}
