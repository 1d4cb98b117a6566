/* The pass behind census.h.
 *
 * When a task could have run: a READY event, the end of its job in the pool, or
 * the moment for which it was armed; for what the poll reports, the end of the
 * poll before its callback.  From then until the callback it waited for others.
 *
 * Invariant: whatever the file says, memory grows with threads, with tasks that
 * live, and with CENSUS_DONE_MAX.  Called by the viewer. */
#include "model/census.h"

#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "model/paced.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define LIVE_MAX 1000000
#define DEPTH_MAX 64
#define THREADS_MAX 4096
#define LATE_NS 1000000 /* libuv's resolution */

struct entry {
  struct census_task t; /* first: a struct census_task * is an entry */
  int64_t due_ns, ready_since_ns, pool_since_ns; /* -1: none */
  bool was_armed;
  UT_hash_handle hh;
};

struct slice {
  uint64_t task;
  int64_t begin_ns;
};

struct thread {
  struct slice slices[DEPTH_MAX];
  size_t depth;
  int64_t woke_ns; /* the last poll ended; -1 never */
};

struct census {
  lt_reader *reader;
  struct entry *live;
  struct census_task *done; /* not sorted until the end */
  size_t n_done, done_cap;
  uint64_t n_seen, n_dropped;
  struct thread *threads;
  size_t n_threads;
  int64_t now_ns;
  lt_status status;
  bool is_open;      /* the file was looked over */
  bool is_read;      /* what is left is to put them in order: */
  struct paced sort; /* by id */
  size_t n_placed;
};

lt_status census_begin(const char *path, struct census **census) {
  lt_reader *reader;
  lt_status status = lt_reader_open_begin(path, &reader);
  if (status != LT_OK)
    return status;
  struct census *c = calloc(1, sizeof *c);
  if (!c) {
    lt_reader_close(reader);
    return LT_NOMEM;
  }
  c->reader = reader;
  lt_reader_read_ahead(reader, true);
  *census = c;
  return LT_OK;
}

void census_free(struct census *c) {
  struct entry *e, *next;
  if (!c)
    return;
  HASH_ITER(hh, c->live, e, next) {
    HASH_DEL(c->live, e);
    free(e);
  }
  paced_end(&c->sort);
  free(c->done);
  free(c->threads);
  lt_reader_close(c->reader);
  free(c);
}

static struct thread *thread_of(struct census *c, uint32_t index) {
  if (index < c->n_threads)
    return &c->threads[index];
  if (index >= THREADS_MAX)
    return NULL;
  size_t n = (size_t)index + 1;
  struct thread *threads = realloc(c->threads, n * sizeof *threads);
  if (!threads) {
    c->status = LT_NOMEM;
    return NULL;
  }
  for (size_t i = c->n_threads; i < n; i++)
    threads[i] = (struct thread){.woke_ns = -1};
  c->threads = threads;
  c->n_threads = n;
  return &threads[index];
}

static struct entry *find(struct census *c, uint64_t id) {
  struct entry *e;
  HASH_FIND(hh, c->live, &id, sizeof id, e);
  return e;
}

static struct entry *get(struct census *c, const lt_event *event) {
  struct entry *e = event->ref ? find(c, event->ref) : NULL;
  if (e || event->ref == 0)
    return e;
  c->n_seen++;
  if (HASH_COUNT(c->live) >= LIVE_MAX || !(e = calloc(1, sizeof *e))) {
    c->n_dropped++;
    return NULL;
  }
  e->t = (struct census_task){.id = event->ref,
                              .thread = event->thread,
                              .spawn_ns = -1,
                              .done_ns = -1,
                              .since_ns = -1,
                              .due_ns = -1};
  e->due_ns = e->ready_since_ns = e->pool_since_ns = -1;
  HASH_ADD(hh, c->live, t.id, sizeof e->t.id, e);
  if (!e->hh.tbl) {
    free(e);
    c->status = LT_NOMEM;
    return NULL;
  }
  return e;
}

/* What is done */

static int longest_first(const void *a, const void *b) {
  const struct census_task *x = a, *y = b;
  if (x->run_ns != y->run_ns)
    return x->run_ns < y->run_ns ? 1 : -1;
  return x->id < y->id ? -1 : x->id > y->id;
}

static int newest_first(const void *a, const void *b) {
  const struct census_task *x = a, *y = b;
  if (x->done_ns != y->done_ns)
    return x->done_ns < y->done_ns ? 1 : -1;
  return x->id < y->id ? 1 : x->id > y->id ? -1 : 0;
}

typedef int compare_tasks(const void *a, const void *b);

static void exchange(struct census_task *a, struct census_task *b) {
  struct census_task kept = *a;
  *a = *b;
  *b = kept;
}

/* Bring the first `wanted` of n to the front, in no order: a tenth of what it
 * costs to sort them, as a key may wait.  The pivot is no place that a trace
 * could choose. */
static void choose(struct census_task *tasks, size_t n, size_t wanted,
                   compare_tasks *compare) {
  uint64_t state = n;
  while (n > 1 && wanted > 0 && wanted < n) {
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    size_t i = 0, j = n - 1;
    struct census_task pivot = tasks[(state >> 33) % n];
    while (i <= j) {
      while (compare(&tasks[i], &pivot) < 0)
        i++;
      while (compare(&tasks[j], &pivot) > 0)
        j--;
      if (i <= j) {
        exchange(&tasks[i++], &tasks[j]);
        if (j-- == 0)
          break;
      }
    }
    size_t low = j == SIZE_MAX ? 0 : j + 1; /* those up to the pivot */
    if (wanted <= low) {
      n = low;
    } else if (wanted < i) {
      return; /* between lie only those that are the pivot's equals */
    } else {
      tasks += i;
      n -= i;
      wanted -= i;
    }
  }
}

/* Half of the room for the longest, a quarter for the newest of the others. */
static void thin_out(struct census *c) {
  size_t half = CENSUS_DONE_MAX / 2, quarter = CENSUS_DONE_MAX / 4;
  choose(c->done, c->n_done, half, longest_first);
  choose(c->done + half, c->n_done - half, quarter, newest_first);
  c->n_dropped += c->n_done - half - quarter;
  c->n_done = half + quarter;
}

static void keep_done(struct census *c, const struct census_task *t) {
  if (c->n_done >= CENSUS_DONE_MAX)
    thin_out(c);
  if (c->n_done == c->done_cap) {
    size_t cap = c->done_cap ? c->done_cap * 2 : 256;
    struct census_task *done = realloc(c->done, cap * sizeof *done);
    if (!done) {
      c->status = LT_NOMEM;
      return;
    }
    c->done = done;
    c->done_cap = cap;
  }
  c->done[c->n_done++] = *t;
}

/* Events */

static void on_spawn(struct census *c, struct thread *th, const lt_event *e) {
  struct entry *task = get(c, e);
  if (!task)
    return;
  uint64_t parent = th->depth ? th->slices[th->depth - 1].task : 0;
  task->t.kind = e->x;
  task->t.site = (uint32_t)e->a;
  task->t.spawn_site = (uint32_t)e->b;
  task->t.spawn_ns = task->t.since_ns = e->time_ns;
  if (parent != e->ref)
    task->t.parent = parent;
}

/* Kinds that run because the poll said so. */
static bool is_polled(uint32_t kind) {
  return kind == LT_TASK_READ || kind == LT_TASK_LISTEN ||
         kind == LT_TASK_POLL || kind == LT_TASK_UDP_RECV ||
         kind == LT_TASK_SIGNAL || kind == LT_TASK_FS_EVENT ||
         kind == LT_TASK_ASYNC || kind == LT_TASK_CONNECT;
}

/* It was ready for so long. */
static void add_ready(struct census_task *t, int64_t since_ns, int64_t now_ns) {
  if (since_ns < 0 || since_ns >= now_ns)
    return;
  t->ready_ns += now_ns - since_ns;
  if (now_ns - since_ns > t->worst_ready_ns) {
    t->worst_ready_ns = now_ns - since_ns;
    t->worst_ready_at_ns = since_ns;
  }
}

static void on_resume(struct census *c, struct thread *th, const lt_event *e) {
  struct entry *task = get(c, e);
  if (th->depth < DEPTH_MAX)
    th->slices[th->depth++] = (struct slice){e->ref, e->time_ns};
  if (!task)
    return;
  int64_t since = task->ready_since_ns;
  if (since < 0 && task->due_ns >= 0 && task->due_ns < e->time_ns)
    since = task->due_ns;
  if (since < 0 && is_polled(e->x) && th->woke_ns > task->t.spawn_ns)
    since = th->woke_ns;
  add_ready(&task->t, since, e->time_ns);
  task->ready_since_ns = task->due_ns = -1;
  task->t.thread = e->thread;
  task->t.is_running = true;
  task->t.since_ns = e->time_ns;
  task->t.awaits = 0;
  task->t.n_runs++;
  if (task->t.kind == LT_TASK_UNKNOWN)
    task->t.kind = e->x;
  if (task->t.site == 0)
    task->t.site = (uint32_t)e->a;
}

static void end_run(struct census *c, struct thread *th, const lt_event *e) {
  size_t i = th->depth;
  while (i > 0 && th->slices[i - 1].task != e->ref)
    i--;
  if (i == 0)
    return;
  int64_t begun = th->slices[i - 1].begin_ns, took = e->time_ns - begun;
  th->depth = i - 1;
  struct entry *task = find(c, e->ref);
  if (!task)
    return;
  task->t.is_running = false;
  task->t.run_ns += took;
  task->t.since_ns = e->time_ns;
  task->t.awaits = e->kind == LT_AWAIT ? e->a : 0;
  task->t.why = e->kind == LT_AWAIT ? e->x : 0;
  if (took > task->t.longest_ns || task->t.n_runs == 1) {
    task->t.longest_ns = took;
    task->t.longest_at_ns = begun;
  }
}

static void on_done(struct census *c, struct thread *th, const lt_event *e) {
  end_run(c, th, e);
  struct entry *task = find(c, e->ref);
  if (!task)
    return;
  task->t.done_ns = e->time_ns;
  task->t.status = (int64_t)e->a;
  task->t.is_cancelled = e->x == 1;
  task->t.is_running = false;
  keep_done(c, &task->t);
  HASH_DEL(c->live, task);
  free(task);
}

static void on_pool(struct census *c, const lt_event *e) {
  struct entry *task = get(c, e);
  if (!task)
    return;
  if (e->kind == LT_POOL_BEGIN && task->t.site == 0) {
    task->t.kind = e->x;
    task->t.site = (uint32_t)e->a;
  }
  if (e->kind == LT_POOL_BEGIN) {
    task->pool_since_ns = e->time_ns;
  } else {
    if (task->pool_since_ns >= 0)
      task->t.pool_ns += e->time_ns - task->pool_since_ns;
    task->pool_since_ns = -1;
    task->ready_since_ns = e->time_ns;
  }
}

static void on_event(struct census *c, const lt_event *e) {
  struct thread *th = thread_of(c, e->thread);
  struct entry *task;
  if (!th)
    return;
  c->now_ns = e->time_ns;
  switch (e->kind) {
  case LT_SPAWN:
    on_spawn(c, th, e);
    break;
  case LT_ARM:
    if ((task = get(c, e))) {
      task->was_armed = true;
      task->due_ns =
          e->b && e->b < INT64_MAX / 2 ? e->time_ns + (int64_t)(e->b - 1) : -1;
    }
    break;
  case LT_READY:
    if ((task = find(c, e->ref)) && task->ready_since_ns < 0)
      task->ready_since_ns = e->time_ns;
    break;
  case LT_RESUME:
    on_resume(c, th, e);
    break;
  case LT_AWAIT:
    end_run(c, th, e);
    break;
  case LT_DONE:
    on_done(c, th, e);
    break;
  case LT_CALL:
    if (th->depth && (task = find(c, th->slices[th->depth - 1].task)) &&
        task->t.blocked_ns < INT64_MAX / 2)
      task->t.blocked_ns += (int64_t)(e->b & (INT64_MAX / 4));
    break;
  case LT_POOL_BEGIN:
  case LT_POOL_END:
    on_pool(c, e);
    break;
  case LT_POLL_END:
    th->woke_ns = e->time_ns;
    break;
  case LT_LABEL:
    if ((task = find(c, e->ref)))
      task->t.label = e->a;
    break;
  case LT_LOST: /* brackets cannot be trusted any more */
    th->depth = 0;
    th->woke_ns = -1;
    break;
  default:
    break;
  }
}

/* What runs, ran until the end. */
static void end_runs(struct census *c) {
  for (size_t t = 0; t < c->n_threads; t++)
    for (size_t i = 0; i < c->threads[t].depth; i++) {
      const struct slice *s = &c->threads[t].slices[i];
      struct entry *task = find(c, s->task);
      int64_t took = c->now_ns - s->begin_ns;
      if (!task || !task->t.is_running)
        continue;
      task->t.run_ns += took;
      if (took > task->t.longest_ns) {
        task->t.longest_ns = took;
        task->t.longest_at_ns = s->begin_ns;
      }
    }
}

/* All events were taken. */
static void begin_finish(struct census *c) {
  const lt_info *info = lt_reader_info(c->reader);
  if (c->now_ns < info->end_ns)
    c->now_ns = info->end_ns;
  end_runs(c);
  size_t n = c->n_done + HASH_COUNT(c->live);
  struct census_task *all = realloc(c->done, (n ? n : 1) * sizeof *all);
  if (!all) {
    c->status = LT_NOMEM;
    return;
  }
  c->done = all;
  c->is_read = true;
}

/* Those that live are kept as they are: what could run by the end still waits,
 * and a timer whose time came could. */
static void keep_live(struct census *c, struct entry *e) {
  int64_t since = e->ready_since_ns;
  if (e->pool_since_ns >= 0)
    e->t.pool_ns += c->now_ns - e->pool_since_ns;
  if (since < 0 && e->due_ns >= 0 && e->due_ns + LATE_NS <= c->now_ns)
    since = e->due_ns;
  e->t.is_ready = !e->t.is_running && since >= 0;
  e->t.is_idle = e->t.kind == LT_TASK_TIMER && e->was_armed && e->due_ns < 0 &&
                 !e->t.is_running && !e->t.is_ready;
  if (e->t.is_ready) {
    e->t.since_ns = since;
    add_ready(&e->t, since, c->now_ns);
  }
  e->t.due_ns = e->due_ns;
  c->done[c->n_done++] = e->t;
  HASH_DEL(c->live, e);
  free(e);
}

static int by_id(const void *context, uint32_t a, uint32_t b) {
  const struct census *c = context;
  uint64_t x = c->done[a].id, y = c->done[b].id;
  return x < y ? -1 : x > y;
}

/* Bring to the next place what belongs there; where that was exchanged with what
 * stood at a place before, it went the same way. */
static void place_next(struct census *c) {
  size_t i = c->n_placed++, from = c->sort.order[i];
  while (from < i)
    from = c->sort.order[from];
  c->sort.order[i] = (uint32_t)from; /* so that no way becomes long */
  if (from != i)
    exchange(&c->done[i], &c->done[from]);
}

/* Put them in order, in so many steps. */
static void finish(struct census *c, uint64_t n) {
  for (; c->live && n > 0; n--)
    keep_live(c, c->live);
  if (n == 0)
    return;
  if (!c->sort.order && !paced_begin(&c->sort, c->n_done, by_id, c)) {
    c->status = LT_NOMEM;
    return;
  }
  if (paced_step(&c->sort, n))
    return;
  for (; c->n_placed < c->n_done && n > 0; n--)
    place_next(c);
  if (c->n_placed < c->n_done)
    return;
  paced_end(&c->sort);
  lt_reader_close(c->reader); /* its buffers are as large as an epoch */
  c->reader = NULL;
  c->status = LT_END;
}

lt_status census_step(struct census *c, uint64_t n_events) {
  lt_event e;
  if (!c->is_open) {
    lt_status status = lt_reader_open_step(c->reader, n_events / MODEL_BLOCK_EVENTS + 1);
    c->is_open = status == LT_END;
    return status == LT_END ? LT_OK : status;
  }
  for (; n_events > 0 && c->status == LT_OK && !c->is_read; n_events--) {
    lt_status status = lt_reader_next(c->reader, &e);
    if (status == LT_OK)
      on_event(c, &e);
    else if (status == LT_END)
      begin_finish(c);
    else
      c->status = status;
  }
  if (c->is_read && c->status == LT_OK)
    finish(c, n_events);
  return c->status;
}

double census_share(const struct census *c) {
  if (c->status == LT_END)
    return 1;
  int64_t end = lt_reader_info(c->reader)->end_ns;
  return (double)c->now_ns / (double)(end + 1);
}

const struct census_task *census_tasks(const struct census *c, size_t *n) {
  *n = c->status == LT_END ? c->n_done : 0;
  return c->done;
}

uint64_t census_seen(const struct census *c) {
  return c->n_seen;
}

uint64_t census_dropped(const struct census *c) {
  return c->n_dropped;
}
