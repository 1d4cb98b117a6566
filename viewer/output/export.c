/* What the exporters share: names from a cache, ids of threads.
 *
 * Invariant: every name that is returned is inert; the cache has a fixed size,
 * so that a trace of a million sites needs no more.  Called by export_*.c. */
#include "output/export.h"

#include <stdlib.h>
#include <string.h>

#include "output/inert.h"

#define NAME_MAX_BYTES 600
#define THREADS_MAX 65536

enum what { SITE = 1, SITE_LONG, CALLEE, THREAD, LOOP, STRING };

struct entry {
  uint64_t id;
  enum what what;
  char text[NAME_MAX_BYTES];
};

struct export_names {
  struct entry entries[EXPORT_NAMES];
  uint32_t n_tids;
  int64_t tids[];
};

static int by_value(const void *a, const void *b) {
  const int64_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

/* Threads whose id is not theirs alone get one above all kernel ids. */
static bool find_tids(const struct export *x, struct export_names *names) {
  uint32_t n = names->n_tids;
  int64_t *sorted = calloc(n ? n : 1, sizeof *sorted);
  if (!sorted)
    return false;
  for (uint32_t i = 0; i < n; i++) {
    const lt_thread_def *def = lt_reader_thread(x->model->reader, i);
    /* The low half says which it was, where it must be told apart. */
    sorted[i] = (def && def->tid > 0 ? (int64_t)def->tid : INT32_MAX) << 32 | i;
  }
  qsort(sorted, n, sizeof *sorted, by_value);
  for (uint32_t i = 0; i < n; i++) {
    int64_t tid = sorted[i] >> 32;
    uint32_t index = (uint32_t)sorted[i];
    bool is_again = tid == INT32_MAX || (i > 0 && sorted[i - 1] >> 32 == tid);
    names->tids[index] = is_again ? (INT64_C(1) << 31) + index : tid;
  }
  free(sorted);
  return true;
}

lt_status export_init(struct export *x) {
  uint32_t n = x->model->info->n_threads;
  if (n > THREADS_MAX)
    n = THREADS_MAX;
  struct export_names *names =
      calloc(1, sizeof *names + n * sizeof *names->tids);
  if (!names)
    return LT_NOMEM;
  names->n_tids = n;
  if (!find_tids(x, names)) {
    free(names);
    return LT_NOMEM;
  }
  x->names = names;
  return LT_OK;
}

void export_fini(struct export *x) {
  free(x->names);
  x->names = NULL;
}

static void fill(struct export *x, struct entry *e) {
  const struct model *m = x->model;
  switch (e->what) {
  case SITE:
    model_site_short(m, (uint32_t)e->id, e->text, sizeof e->text);
    break;
  case SITE_LONG:
    model_site_name(m, (uint32_t)e->id, e->text, sizeof e->text);
    break;
  case CALLEE:
    model_callee_name(m, (unsigned)e->id, e->text, sizeof e->text);
    break;
  case THREAD:
    model_thread_name(m, (uint32_t)e->id, e->text, sizeof e->text);
    break;
  case LOOP:
    model_loop_name(m, (uint32_t)e->id, e->text, sizeof e->text);
    break;
  case STRING:
    inert(lt_reader_string(m->reader, e->id), e->text, sizeof e->text);
    break;
  }
}

static const char *name(struct export *x, enum what what, uint64_t id) {
  size_t slot = (size_t)((id * 8 + what) * UINT64_C(0x9e3779b97f4a7c15) >> 54);
  struct entry *e = &x->names->entries[slot % EXPORT_NAMES];
  if (e->what != what || e->id != id) {
    e->what = what;
    e->id = id;
    fill(x, e);
  }
  return e->text;
}

const char *export_site(struct export *x, uint32_t site) {
  return name(x, SITE, site);
}
const char *export_site_long(struct export *x, uint32_t site) {
  return name(x, SITE_LONG, site);
}
const char *export_callee(struct export *x, unsigned callee) {
  return name(x, CALLEE, callee);
}
const char *export_thread(struct export *x, uint32_t thread) {
  return name(x, THREAD, thread);
}
const char *export_loop(struct export *x, uint32_t loop) {
  return name(x, LOOP, loop);
}
const char *export_string(struct export *x, uint64_t id) {
  return name(x, STRING, id);
}

int64_t export_tid(const struct export *x, uint32_t thread) {
  return thread < x->names->n_tids ? x->names->tids[thread]
                                   : (INT64_C(1) << 31) + thread;
}

const char *export_span_category(const struct model_span *span) {
  switch (span->what) {
  case LT_LOOP_BEGIN:
    return "run";
  case MODEL_TURN:
    return "turn";
  case LT_POLL_BEGIN:
    return "poll";
  case LT_CALL:
    return "call";
  case LT_POOL_BEGIN:
    return "pool";
  default:
    return "callback";
  }
}

const char *export_span_name(struct export *x, const struct model_span *span) {
  switch (span->what) {
  case LT_LOOP_BEGIN:
    return export_loop(x, span->kind);
  case MODEL_TURN:
    return "turn";
  case LT_POLL_BEGIN:
    return "poll";
  case LT_CALL:
    return export_callee(x, span->kind);
  default:
    return span->site ? export_site(x, span->site)
                      : lt_task_kind_name(span->kind);
  }
}

const char *export_task_name(struct export *x, const struct model_task *task,
                             char *buf, size_t size) {
  if (task->label && *task->label)
    return inert(task->label, buf, size);
  snprintf(buf, size, "%s%s%s", lt_task_kind_name(task->kind),
           task->site ? " " : "", task->site ? export_site(x, task->site) : "");
  return buf;
}

lt_status export_stream(struct export *x, struct model_visitor *visitor) {
  visitor->progress = x->progress;
  visitor->progress_context = x->context;
  return model_stream(x->model, x->from_ns, x->to_ns, visitor);
}
