/* Each task's own states, and from them one path: path.h.
 *
 * Invariant: the segments of a node follow each other without a gap from its
 * begin; where one says WAIT for another node, the path takes that node's
 * segments in its place.  Called by report and by screen 5 of the viewer. */
#include "model/path.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "model/model.h"

#define DEPTH_MAX 64   /* slices in each other */
#define WAITS_MAX 32   /* waits in each other */
#define RECENT_MAX 512 /* slices of a thread that may have been in the way */
#define THREADS_MAX 4096
#define NODES_MAX 1000000
#define NONE UINT32_MAX

struct segment {
  int64_t begin_ns, end_ns;
  int64_t blocked_ns, behind_ns;
  uint64_t behind;
  uint32_t behind_kind, behind_site;
  enum path_state state;
  uint32_t next;
};

struct node {
  uint64_t id;
  uint32_t kind, site, spawn_site;
  uint64_t label;
  bool is_member; /* its segments are kept */
  bool is_spawned, is_done;
  int64_t since_ns; /* nothing is known of it before; then: it waits since */
  int64_t begin_ns, done_ns, status;
  int64_t due_ns, ready_ns, pool_begin_ns, pool_end_ns; /* -1: none */
  uint64_t waker, awaits;
  uint64_t parent;
  uint64_t child; /* the last child that was done, at child_ns */
  int64_t child_ns;
  uint32_t first, last; /* of its segments */
  uint32_t at;          /* where the path came to in them */
  UT_hash_handle hh;
};

struct slice {
  uint64_t task;
  uint32_t kind, site;
  int64_t begin_ns, end_ns; /* begin: of its last stretch */
  int64_t blocked_ns;
};

struct thread {
  struct slice open[DEPTH_MAX];
  size_t depth;
  struct slice recent[RECENT_MAX]; /* outermost ones, in a ring */
  size_t n_recent;
  int64_t woke_ns, poll_ns; /* -1 never */
};

struct path_walk {
  lt_reader *reader;
  bool is_open; /* the file was looked over */
  uint64_t root;
  size_t most; /* steps to keep, 0 all */
  struct node *nodes;
  struct thread **threads;
  size_t n_threads;
  struct segment *segments;
  size_t n_segments, segments_cap;
  struct path *path;
  size_t steps_cap;
  int64_t now_ns;
  bool is_out_of_memory;
};

static struct node *find(struct path_walk *w, uint64_t id) {
  struct node *n;
  HASH_FIND(hh, w->nodes, &id, sizeof id, n);
  return n;
}

static struct node *get(struct path_walk *w, uint64_t id) {
  struct node *n = id ? find(w, id) : NULL;
  if (n || id == 0 || HASH_COUNT(w->nodes) >= NODES_MAX)
    return n;
  n = calloc(1, sizeof *n);
  if (!n) {
    w->is_out_of_memory = true;
    return NULL;
  }
  n->id = id;
  n->is_member = id == w->root;
  n->since_ns = n->begin_ns = w->now_ns;
  n->done_ns = n->child_ns = -1;
  n->due_ns = n->ready_ns = n->pool_begin_ns = n->pool_end_ns = -1;
  n->first = n->last = n->at = NONE;
  HASH_ADD(hh, w->nodes, id, sizeof n->id, n);
  if (!n->hh.tbl) {
    free(n);
    w->is_out_of_memory = true;
    return NULL;
  }
  return n;
}

static struct thread *thread_of(struct path_walk *w, uint32_t index) {
  if (index >= THREADS_MAX)
    return NULL;
  if (index >= w->n_threads) {
    size_t n = (size_t)index + 1;
    struct thread **more = realloc(w->threads, n * sizeof(*more));
    if (!more) {
      w->is_out_of_memory = true;
      return NULL;
    }
    memset(more + w->n_threads, 0, (n - w->n_threads) * sizeof(*more));
    w->threads = more;
    w->n_threads = n;
  }
  if (!w->threads[index] &&
      (w->threads[index] = calloc(1, sizeof **w->threads)))
    w->threads[index]->woke_ns = w->threads[index]->poll_ns = -1;
  w->is_out_of_memory |= !w->threads[index];
  return w->threads[index];
}

/* What a node did until end; from where the last segment ended. */
static struct segment *add(struct path_walk *w, struct node *n,
                           enum path_state state, int64_t end_ns) {
  int64_t begin = n->since_ns;
  if (end_ns <= begin)
    return NULL;
  n->since_ns = end_ns;
  if (!n->is_member)
    return NULL;
  if (w->n_segments >= PATH_SEGMENTS_MAX) { /* the last one gets longer */
    w->path->n_dropped++;
    if (n->last != NONE)
      w->segments[n->last].end_ns = end_ns;
    return NULL;
  }
  if (w->n_segments == w->segments_cap) {
    size_t cap = w->segments_cap ? w->segments_cap * 2 : 256;
    struct segment *more = realloc(w->segments, cap * sizeof *more);
    if (!more) {
      w->is_out_of_memory = true;
      return NULL;
    }
    w->segments = more;
    w->segments_cap = cap;
  }
  uint32_t at = (uint32_t)w->n_segments++;
  if (n->last == NONE)
    n->first = at;
  else
    w->segments[n->last].next = at;
  n->last = at;
  w->segments[at] = (struct segment){
      .state = state, .begin_ns = begin, .end_ns = end_ns, .next = NONE};
  return &w->segments[at];
}

/* Who had the thread meanwhile, for most of the time. */
static void blame(const struct thread *th, struct segment *s) {
  struct slice top = {0};
  int64_t best = 0;
  size_t n = th->n_recent < RECENT_MAX ? th->n_recent : RECENT_MAX;
  for (size_t i = 1; i <= n + (th->depth > 0); i++) {
    const struct slice *at =
        i <= n ? &th->recent[(th->n_recent - i) % RECENT_MAX] : &th->open[0];
    int64_t end = i <= n ? at->end_ns : s->end_ns;
    int64_t from = at->begin_ns > s->begin_ns ? at->begin_ns : s->begin_ns;
    int64_t took = (end < s->end_ns ? end : s->end_ns) - from;
    if (took > best) {
      best = took;
      top = *at;
    }
  }
  s->behind = top.task;
  s->behind_kind = top.kind;
  s->behind_site = top.site;
  s->behind_ns = best;
}

/* What a node waits in of which nothing was seen since. */
static enum path_state unseen_state(const struct node *n) {
  return n->due_ns >= 0                  ? PATH_TIMER
         : model_is_pool_unseen(n->kind) ? PATH_UNSEEN
         : n->kind != LT_TASK_WORK       ? PATH_POLL
         : n->pool_begin_ns >= 0         ? PATH_POOL
                                         : PATH_QUEUE;
}

static void add_wait(struct path_walk *w, struct node *n, int64_t end_ns,
                     uint64_t who) {
  struct node *other = who ? get(w, who) : NULL;
  struct segment *s =
      add(w, n, other ? PATH_WAIT : unseen_state(n), end_ns);
  if (!s || !other)
    return;
  s->behind = who;
  s->behind_kind = other->kind;
  s->behind_site = other->site;
}

/* What a node waited for, until it could have run. */
static void waited(struct path_walk *w, const struct thread *th, struct node *n,
                   bool is_over) {
  int64_t now = w->now_ns, since = n->since_ns;
  bool is_due = n->due_ns >= 0 && n->due_ns <= now;
  bool has_child = n->kind == LT_TASK_COROUTINE && n->child_ns > since;
  if (n->pool_begin_ns >= since)
    add(w, n, PATH_QUEUE, n->pool_begin_ns);
  if (n->pool_end_ns >= since && n->pool_end_ns > 0)
    add(w, n, PATH_POOL, n->pool_end_ns);
  else if (has_child && (n->awaits || n->ready_ns < 0))
    add_wait(w, n, n->child_ns, n->child);
  else if (is_due && (n->ready_ns < 0 || n->due_ns <= n->ready_ns))
    add(w, n, PATH_TIMER, n->due_ns);
  else if (n->ready_ns >= since)
    add_wait(w, n, n->ready_ns, n->awaits ? n->awaits : n->waker);
  else if (n->awaits)
    add_wait(w, n, now, n->awaits);
  else if (th && th->woke_ns > since)
    add(w, n, unseen_state(n), th->woke_ns);
  else if (is_over)
    add(w, n, unseen_state(n), now);
}

/* A node that waited gets the thread, or is done without it. */
static void arrive(struct path_walk *w, const struct thread *th, struct node *n,
                   bool is_over) {
  if (n->is_member)
    waited(w, th, n, is_over);
  struct segment *rest = add(w, n, PATH_READY, w->now_ns);
  if (rest && th)
    blame(th, rest);
  n->due_ns = n->ready_ns = n->pool_begin_ns = n->pool_end_ns = -1;
  n->awaits = n->waker = 0;
}

/* Events */

static void on_spawn(struct path_walk *w, struct thread *th,
                     const lt_event *e) {
  struct node *n = get(w, e->ref);
  if (!n)
    return;
  n->kind = e->x;
  n->site = (uint32_t)e->a;
  n->spawn_site = (uint32_t)e->b;
  n->is_spawned = true;
  n->since_ns = n->begin_ns = e->time_ns;
  struct node *parent =
      th->depth ? find(w, th->open[th->depth - 1].task) : NULL;
  if (!parent || parent == n)
    return;
  n->parent = parent->id;
  n->is_member |= parent->is_member && parent->kind == LT_TASK_COROUTINE;
}

static void run_until(struct path_walk *w, struct slice *slice,
                      int64_t now_ns) {
  struct node *n = find(w, slice->task);
  struct segment *s = n ? add(w, n, PATH_RUN, now_ns) : NULL;
  if (s && slice->blocked_ns < s->end_ns - s->begin_ns)
    s->blocked_ns = slice->blocked_ns;
  else if (s)
    s->blocked_ns = s->end_ns - s->begin_ns;
  slice->blocked_ns = 0;
}

static void on_resume(struct path_walk *w, struct thread *th,
                      const lt_event *e) {
  struct node *n = get(w, e->ref);
  if (n) {
    arrive(w, th, n, false);
    if (n->kind == LT_TASK_UNKNOWN)
      n->kind = e->x;
    if (n->site == 0)
      n->site = (uint32_t)e->a;
  }
  if (th->depth < DEPTH_MAX)
    th->open[th->depth++] = (struct slice){.task = e->ref,
                                           .kind = e->x,
                                           .site = n ? n->site : (uint32_t)e->a,
                                           .begin_ns = e->time_ns};
}

static void end_slice(struct path_walk *w, struct thread *th,
                      const lt_event *e) {
  size_t i = th->depth;
  while (i > 0 && th->open[i - 1].task != e->ref)
    i--;
  if (i == 0)
    return;
  run_until(w, &th->open[i - 1], e->time_ns);
  th->depth = i - 1;
  if (th->depth)
    return;
  struct slice *kept = &th->recent[th->n_recent++ % RECENT_MAX];
  *kept = th->open[0];
  kept->end_ns = e->time_ns;
}

static void on_await(struct path_walk *w, struct thread *th,
                     const lt_event *e) {
  end_slice(w, th, e);
  struct node *n = find(w, e->ref), *other = e->a ? get(w, e->a) : NULL;
  if (!n)
    return;
  n->awaits = e->a;
  if (other)
    other->is_member |= n->is_member;
}

static void on_done(struct path_walk *w, struct thread *th, const lt_event *e) {
  bool is_running = false;
  for (size_t i = 0; i < th->depth; i++)
    is_running |= th->open[i].task == e->ref;
  struct node *n = get(w, e->ref);
  if (!n)
    return;
  if (!is_running)
    arrive(w, th, n, true);
  end_slice(w, th, e);
  n->is_done = true;
  n->done_ns = e->time_ns;
  n->status = (int64_t)e->a;
  struct node *parent = n->parent ? find(w, n->parent) : NULL;
  if (parent) {
    parent->child = n->id;
    parent->child_ns = e->time_ns;
  }
  if (!n->is_member) {
    HASH_DEL(w->nodes, n);
    free(n);
  }
}

/* A callback that turns the loop itself waits as long as that polls. */
static void on_poll(struct path_walk *w, struct thread *th, const lt_event *e) {
  for (size_t i = 0; i < th->depth; i++) {
    struct node *n = find(w, th->open[i].task);
    if (e->kind == LT_POLL_BEGIN)
      run_until(w, &th->open[i], e->time_ns);
    else if (n && th->poll_ns >= 0)
      add(w, n, PATH_POLL, e->time_ns);
  }
  if (e->kind == LT_POLL_BEGIN)
    th->poll_ns = e->time_ns;
  else
    th->woke_ns = e->time_ns;
}

static void on_mark(struct path_walk *w, struct thread *th, const lt_event *e) {
  struct node *n = e->kind == LT_CALL ? NULL : get(w, e->ref);
  switch (e->kind) {
  case LT_CALL:
    if (th->depth && th->open[th->depth - 1].blocked_ns < INT64_MAX / 2)
      th->open[th->depth - 1].blocked_ns += (int64_t)(e->b & (INT64_MAX / 4));
    break;
  case LT_ARM:
    if (n)
      n->due_ns =
          e->b && e->b < INT64_MAX / 2 ? e->time_ns + (int64_t)(e->b - 1) : -1;
    break;
  case LT_READY:
    if (n && n->ready_ns < 0) {
      n->ready_ns = e->time_ns;
      n->waker = e->a;
    }
    break;
  case LT_POOL_BEGIN:
    if (n)
      n->pool_begin_ns = e->time_ns;
    break;
  case LT_POOL_END:
    if (n)
      n->pool_end_ns = e->time_ns;
    break;
  default: /* LABEL */
    if (n)
      n->label = e->a;
    break;
  }
}

static void on_event(struct path_walk *w, const lt_event *e) {
  struct thread *th = thread_of(w, e->thread);
  if (!th)
    return;
  if (e->time_ns > w->now_ns)
    w->now_ns = e->time_ns;
  switch (e->kind) {
  case LT_SPAWN:
    on_spawn(w, th, e);
    break;
  case LT_RESUME:
    on_resume(w, th, e);
    break;
  case LT_AWAIT:
    on_await(w, th, e);
    break;
  case LT_DONE:
    on_done(w, th, e);
    break;
  case LT_POLL_BEGIN:
  case LT_POLL_END:
    on_poll(w, th, e);
    break;
  case LT_CALL:
  case LT_ARM:
  case LT_READY:
  case LT_POOL_BEGIN:
  case LT_POOL_END:
  case LT_LABEL:
    on_mark(w, th, e);
    break;
  case LT_LOST: /* brackets cannot be trusted any more */
    th->depth = 0;
    break;
  default:
    break;
  }
}

/* The path */

static int longest_first(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? 1 : x > y ? -1 : 0;
}

static int64_t length_of(const struct path_step *s) {
  return s->end_ns - s->begin_ns;
}

/* Keep the longest steps, and the last one, which may go on. */
static void thin_out(struct path_walk *w) {
  struct path *p = w->path;
  size_t n = p->n_steps, kept = 0, as_long = w->most;
  int64_t *lengths = n > w->most ? malloc(n * sizeof *lengths) : NULL;
  if (!lengths)
    return; /* more are kept than need be */
  for (size_t i = 0; i < n; i++)
    lengths[i] = length_of(&p->steps[i]);
  qsort(lengths, n, sizeof *lengths, longest_first);
  int64_t least = lengths[w->most - 1];
  while (as_long > 0 && lengths[w->most - as_long] > least)
    as_long--;
  free(lengths);
  for (size_t i = 0; i < n; i++) {
    int64_t length = length_of(&p->steps[i]);
    bool is_kept = length > least || (length == least && as_long > 0);
    as_long -= is_kept && length == least;
    if (is_kept || i == n - 1)
      p->steps[kept++] = p->steps[i];
  }
  p->n_left_out += n - kept;
  p->n_steps = kept;
}

#define THIN_OUT_AT 4096

static void step(struct path_walk *w, const struct node *n,
                 const struct segment *s, int64_t from, int64_t to,
                 unsigned depth) {
  struct path *p = w->path;
  if (to <= from)
    return;
  struct path_step *last = p->n_steps ? &p->steps[p->n_steps - 1] : NULL;
  p->total_ns[s->state] += to - from;
  if (last && last->state == s->state && last->task == n->id &&
      last->behind == s->behind && last->end_ns == from) {
    last->end_ns = to;
    last->blocked_ns += s->blocked_ns;
    last->behind_ns += s->behind_ns;
    return;
  }
  if (w->most && p->n_steps >= THIN_OUT_AT + w->most)
    thin_out(w);
  if (p->n_steps == w->steps_cap) {
    size_t cap = w->steps_cap ? w->steps_cap * 2 : 256;
    struct path_step *more = realloc(p->steps, cap * sizeof *more);
    if (!more) {
      w->is_out_of_memory = true;
      return;
    }
    p->steps = more;
    w->steps_cap = cap;
  }
  int64_t behind = s->behind_ns < to - from ? s->behind_ns : to - from;
  p->steps[p->n_steps++] = (struct path_step){.state = s->state,
                                              .begin_ns = from,
                                              .end_ns = to,
                                              .task = n->id,
                                              .kind = n->kind,
                                              .site = n->site,
                                              .label = n->label,
                                              .depth = depth,
                                              .blocked_ns = s->blocked_ns,
                                              .behind = s->behind,
                                              .behind_kind = s->behind_kind,
                                              .behind_site = s->behind_site,
                                              .behind_ns = behind};
}

/* A path does not go back in time, so that it need not look for its place in a
 * node from the beginning each time that it comes there. */
static uint32_t place_in(const struct path_walk *w, const struct node *n,
                         int64_t from) {
  return n->at != NONE && w->segments[n->at].begin_ns <= from ? n->at
                                                              : n->first;
}

static void follow(struct path_walk *w, struct node *n, int64_t from,
                   int64_t to, unsigned depth) {
  for (uint32_t i = place_in(w, n, from); i != NONE && from < to;
       i = w->segments[i].next) {
    const struct segment *s = &w->segments[i];
    int64_t begin = s->begin_ns > from ? s->begin_ns : from;
    int64_t end = s->end_ns < to ? s->end_ns : to;
    n->at = i;
    struct node *other =
        s->state == PATH_WAIT && depth < WAITS_MAX ? find(w, s->behind) : NULL;
    if (end <= begin)
      continue;
    if (other && other->first != NONE && other->begin_ns < end) {
      int64_t born = other->begin_ns > begin ? other->begin_ns : begin;
      int64_t over = w->segments[other->last].end_ns;
      over = over < born ? born : over > end ? end : over;
      step(w, n, s, begin, born, depth);
      follow(w, other, born, over, depth + 1);
      step(w, n, s, over, end, depth);
    } else {
      step(w, n, s, begin, end, depth);
    }
    from = end;
  }
}

/* What is open at the end of the trace, was until then. */
static void close_all(struct path_walk *w) {
  struct node *n, *next;
  for (size_t t = 0; t < w->n_threads; t++)
    for (size_t i = 0; w->threads[t] && i < w->threads[t]->depth; i++)
      run_until(w, &w->threads[t]->open[i], w->now_ns);
  HASH_ITER(hh, w->nodes, n, next)
  if (!n->is_done)
    arrive(w, NULL, n, true);
}

static lt_status finish(struct path_walk *w) {
  struct path *p = w->path;
  struct node *n = find(w, w->root);
  int64_t end = lt_reader_info(w->reader)->end_ns;
  if (!n)
    return LT_NOT_FOUND;
  if (end > w->now_ns)
    w->now_ns = end;
  close_all(w);
  p->task = n->id;
  p->kind = n->kind;
  p->site = n->site;
  p->spawn_site = n->spawn_site;
  p->label = n->label;
  p->is_spawned = n->is_spawned;
  p->is_done = n->is_done;
  p->status = n->status;
  p->spawn_ns = n->begin_ns;
  p->end_ns = n->is_done ? n->done_ns : w->now_ns;
  follow(w, n, p->spawn_ns, p->end_ns, 0);
  if (w->most)
    thin_out(w);
  return w->is_out_of_memory ? LT_NOMEM : LT_OK;
}

void path_end(struct path_walk *w) {
  struct node *n, *next;
  if (!w)
    return;
  HASH_ITER(hh, w->nodes, n, next) {
    HASH_DEL(w->nodes, n);
    free(n);
  }
  for (size_t i = 0; i < w->n_threads; i++)
    free(w->threads[i]);
  free(w->threads);
  free(w->segments);
  if (w->reader)
    lt_reader_close(w->reader);
  path_free(w->path);
  free(w);
}

lt_status path_begin(const char *file, uint64_t task, size_t most,
                     struct path_walk **walk) {
  struct path_walk *w = calloc(1, sizeof *w);
  lt_status status = LT_NOMEM;
  *walk = NULL;
  if (w && (w->path = calloc(1, sizeof *w->path)))
    status = lt_reader_open_begin(file, &w->reader);
  if (status == LT_OK)
    lt_reader_read_ahead(w->reader, true);
  if (status != LT_OK) {
    path_end(w);
    return status;
  }
  w->root = task;
  w->most = most;
  *walk = w;
  return LT_OK;
}

lt_status path_go_on(struct path_walk *w, uint64_t n_events,
                     struct path **path) {
  lt_status status = LT_OK;
  lt_event e;
  if (!w->is_open) {
    status = lt_reader_open_step(w->reader, n_events / MODEL_BLOCK_EVENTS + 1);
    w->is_open = status == LT_END;
    return status == LT_END ? LT_OK : status;
  }
  while (n_events-- > 0 && !w->is_out_of_memory &&
         (status = lt_reader_next(w->reader, &e)) == LT_OK)
    on_event(w, &e);
  if (w->is_out_of_memory)
    return LT_NOMEM;
  if (status != LT_END)
    return status;
  status = finish(w);
  if (status != LT_OK)
    return status;
  *path = w->path;
  w->path = NULL;
  return LT_END;
}

double path_share(const struct path_walk *w) {
  int64_t end = lt_reader_info(w->reader)->end_ns;
  return end > 0 ? (double)w->now_ns / (double)end : 0;
}

lt_status path_open(const char *file, uint64_t task, struct path **path) {
  struct path_walk *walk;
  lt_status status = path_begin(file, task, 0, &walk);
  *path = NULL;
  while (status == LT_OK)
    status = path_go_on(walk, UINT64_MAX, path);
  path_end(walk);
  return status == LT_END ? LT_OK : status;
}

void path_free(struct path *path) {
  if (!path)
    return;
  free(path->steps);
  free(path);
}

const char *path_state_word(enum path_state state) {
  static const char *const words[] = {
#define PATH_STATE_WORD(name, word, text) word,
      PATH_STATE_MAP(PATH_STATE_WORD)
#undef PATH_STATE_WORD
  };
  return words[state];
}

const char *path_state_text(enum path_state state) {
  static const char *const texts[] = {
#define PATH_STATE_TEXT(name, word, text) text,
      PATH_STATE_MAP(PATH_STATE_TEXT)
#undef PATH_STATE_TEXT
  };
  return texts[state];
}
