/* The tasks of a file, and behind whom one waited.
 *
 * Invariant: rows has at most one entry for each task in all, which is by id.
 * Called by view_tasks.c and app.c. */
#include "tui/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "model/stream.h"

#define NONE UINT32_MAX

void tasks_open(struct tasks_pane *pane, const char *path) {
  if (pane->wanted || pane->problem != LT_OK)
    return;
  pane->wanted = path;
  pane->problem = path ? LT_OK : LT_NOT_FOUND;
}

bool tasks_has_work(const struct tasks_pane *pane) {
  return pane->wanted && !pane->is_done && pane->problem == LT_OK;
}

bool tasks_work(struct tasks_pane *pane, uint64_t n_events) {
  if (!tasks_has_work(pane))
    return false;
  if (!pane->census) {
    pane->problem = census_begin(pane->wanted, &pane->census);
    return pane->problem == LT_OK;
  }
  if (pane->is_read) {
    pane->is_done = true;
    return false;
  }
  lt_status status = census_step(pane->census, n_events);
  if (status == LT_OK)
    return true;
  if (status != LT_END) {
    pane->is_done = true;
    pane->problem = status;
    return false;
  }
  pane->is_read = true;
  pane->all = census_tasks(pane->census, &pane->n);
  pane->rows = calloc(pane->n ? pane->n : 1, sizeof *pane->rows);
  if (!pane->rows) {
    pane->is_done = true;
    pane->problem = LT_NOMEM;
    pane->n = 0;
    return false;
  }
  return true; /* to order them costs as much as a slice may */
}

static uint32_t index_of(const struct tasks_pane *pane, uint64_t id) {
  size_t low = 0, high = pane->n;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (pane->all[middle].id < id)
      low = middle + 1;
    else
      high = middle;
  }
  return low < pane->n && pane->all[low].id == id ? (uint32_t)low : NONE;
}

const struct census_task *tasks_find(const struct tasks_pane *pane,
                                     uint64_t id) {
  uint32_t i = id ? index_of(pane, id) : NONE;
  return i == NONE ? NULL : &pane->all[i];
}

size_t tasks_row(const struct tasks_pane *pane, uint64_t id) {
  uint32_t index = id ? index_of(pane, id) : NONE;
  for (size_t i = 0; i < pane->n_rows && index != NONE; i++)
    if (pane->rows[i].index == index)
      return i;
  return 0;
}

int64_t tasks_life_ns(const struct census_task *task, int64_t end_ns) {
  int64_t begun = task->spawn_ns < 0 ? 0 : task->spawn_ns;
  return (task->done_ns < 0 ? end_ns : task->done_ns) - begun;
}

/* Behind whom */

struct behind {
  struct tasks_pane *pane;
  struct model_stream *stream;
  const struct census_task *task;
  int64_t from, to;
};

static bool add_behind(void *context, const struct model_span *s) {
  struct behind *b = context;
  struct tasks_pane *pane = b->pane;
  int64_t begin = s->begin_ns > b->from ? s->begin_ns : b->from;
  int64_t end = s->end_ns < b->to ? s->end_ns : b->to;
  size_t i = 0;
  if (s->what != LT_RESUME || s->depth > 0 || s->thread != b->task->thread ||
      end <= begin || s->task == b->task->id)
    return true;
  while (i < pane->n_behind &&
         !(pane->behind[i].site == s->site && pane->behind[i].kind == s->kind))
    i++;
  if (i == pane->n_behind) {
    if (i == TASK_BEHIND_MAX) {
      if (pane->behind[i - 1].ns >= end - begin)
        return true;
      i--;
    } else {
      pane->n_behind++;
    }
    pane->behind[i] = (struct task_behind){.site = s->site, .kind = s->kind};
  }
  pane->behind[i].ns += end - begin;
  for (; i > 0 && pane->behind[i - 1].ns < pane->behind[i].ns; i--) {
    struct task_behind swap = pane->behind[i];
    pane->behind[i] = pane->behind[i - 1];
    pane->behind[i - 1] = swap;
  }
  return true;
}

static void end_behind(struct tasks_pane *pane) {
  if (pane->behind_walk)
    model_stream_end(pane->behind_walk->stream);
  free(pane->behind_walk);
  pane->behind_walk = NULL;
}

/* A reader of its own: the model's may be in use between two steps.
 * Returns: false while there is more to do for it. */
static bool open_on(struct tasks_pane *pane, const char *path,
                    uint64_t n_events) {
  if (!path || pane->is_open)
    return true;
  lt_status status =
      pane->reader ? LT_OK : lt_reader_open_begin(path, &pane->reader);
  if (status == LT_OK)
    status = lt_reader_open_step(pane->reader, n_events / MODEL_BLOCK_EVENTS + 1);
  if (status == LT_OK)
    return false;
  if (status != LT_END) {
    lt_reader_close(pane->reader);
    pane->reader = NULL;
  }
  pane->is_open = true;
  return true;
}

static void begin_behind(struct tasks_pane *pane, struct model *model,
                         const struct census_task *t) {
  end_behind(pane);
  pane->behind_of = t->id;
  pane->n_behind = 0;
  if (t->worst_ready_ns <= 0 || !model->reader)
    return;
  struct behind *b = calloc(1, sizeof *b);
  if (!b)
    return;
  *b = (struct behind){.pane = pane,
                       .task = t,
                       .from = t->worst_ready_at_ns,
                       .to = t->worst_ready_at_ns + t->worst_ready_ns};
  const struct model_visitor visitor = {.context = b, .end = add_behind};
  pane->behind_walk = b;
  if (model_stream_begin(model, pane->reader, b->from, b->to + 1, &visitor,
                         &b->stream) != LT_OK)
    end_behind(pane);
}

static const struct census_task *selected_of(const struct tasks_pane *pane) {
  return pane->is_done ? tasks_find(pane, pane->selected) : NULL;
}

bool tasks_knows_behind(const struct tasks_pane *pane) {
  const struct census_task *t = selected_of(pane);
  return !t || (pane->behind_of == t->id && !pane->behind_walk);
}

void tasks_find_behind(struct tasks_pane *pane, struct model *model,
                       const char *path, uint64_t n_events) {
  const struct census_task *t = selected_of(pane);
  if (t && pane->behind_of != t->id) {
    if (!open_on(pane, path, n_events))
      return;
    begin_behind(pane, model, t);
  }
  if (!pane->behind_walk)
    return;
  lt_status status = model_stream_step(pane->behind_walk->stream, n_events);
  if (status == LT_OK)
    return;
  if (status != LT_END)
    pane->n_behind = 0;
  end_behind(pane);
}

void tasks_close(struct tasks_pane *pane) {
  end_behind(pane);
  lt_reader_close(pane->reader);
  tasks_order_drop(pane);
  census_free(pane->census);
  free(pane->rows);
  tasks_path_forget(pane);
  uint64_t selected = pane->selected;
  enum task_sort sort = pane->sort;
  bool is_inverted = pane->is_inverted;
  *pane = (struct tasks_pane){
      .selected = selected, .sort = sort, .is_inverted = is_inverted};
}
