/* The drain: steps, epochs, and which process is which.
 *
 * Invariant: all rings are read before the knot of the step is taken, so a knot
 * that has aged is a watermark for all processes.  A process slot is given back
 * only after all thread slots of its process.  Called by `looptrace record`, by
 * the recorder thread of a linked program, and by recovery; one thread at a
 * time. */
#include "drain/drain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "drain/process.h"
#include "record/clock.h"

#define EPOCH_NS 200000000u
#define EPOCH_BYTES (UINT64_C(4) << 20)
#define NAMING_STEP_NS 2000000u
#define NAMING_END_NS 1000000000u
#define SLEEP_MIN_NS 1000000u
#define SLEEP_MAX_NS 50000000u
#define FULL_SHARE 0.25
#define PENDING_BYTES (UINT64_C(64) << 20) /* of records */

struct lti_drain {
  struct lti_recording recording;
  int fd;
  char *path, *recorder, *window_path;
  const struct lti_namer *namer;
  void *namer_context;
  uint64_t epoch_ns, epoch_bytes, pending_bytes;

  struct lti_clockmap clocks;
  struct lti_recorded **procs; /* by slot; NULL where nobody is */
  struct lti_recorded *all;    /* in the order of appearance */
  struct lti_recorded **all_end;
  size_t n_all;

  uint64_t sleep_ns;
  double fullest;     /* of the last look */
  size_t n_taken;     /* by the last look */
  uint64_t naming_ns; /* left for the end */
  struct lti_drain_file *files;
};

/* There already, or nothing that may be replaced? */
static bool path_exists(const struct lti_drain_options *o) {
  struct stat st;
  return lstat(o->path, &st) == 0 && !(o->overwrite && S_ISREG(st.st_mode));
}

/* The wall clock at the arena's making. */
static int64_t unix_at(uint64_t monotonic_ns) {
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec -
         (int64_t)(lti_monotonic_ns() - monotonic_ns);
}

static void breathe(void *context);

static void fill_recording(struct lti_drain *d, struct lti_arena *arena,
                           const struct lti_drain_options *o) {
  struct lti_recording *r = &d->recording;
  r->view = lti_view_of(arena);
  r->start = (struct lti_knot){arena->made_clock, arena->made_ns};
  r->start_unix_ns = unix_at(arena->made_ns);
  r->path = d->path;
  r->overwrite = o->overwrite;
  r->is_recovery = o->is_recovery;
  r->max_bytes = o->max_bytes;
  r->keep = o->keep;
  r->namer = o->namer;
  r->namer_context = o->namer_context;
  r->is_flight = o->is_flight;
  r->window_bytes = o->window_bytes;
  r->window_ns = o->window_ns;
  r->window_path = d->window_path;
  r->make_index = o->make_index;
  r->stall_ns = o->is_flight ? o->stall_ns : 0;
  r->command_pid = o->command_pid;
  r->recorder = d->recorder;
  r->min_block_ns = arena->min_block_ns;
  r->breathe = breathe;
  r->breathe_context = d;
  r->encoder = lti_encoder_new();
  r->slots = calloc(r->view.n_threads, sizeof *r->slots);
  for (uint32_t i = 0; r->slots && i < r->view.n_threads; i++) {
    r->slots[i].tail = atomic_load(&r->view.threads[i].tail);
    for (unsigned c = 1; c < LT_LOST_LIMIT; c++)
      r->slots[i].lost[c] = atomic_load(&r->view.threads[i].told[c]);
  }
}

lt_status lti_drain_open(struct lti_arena *arena, int fd,
                         const struct lti_drain_options *o,
                         struct lti_drain **drain) {
  if (path_exists(o))
    return LT_EXISTS;
  struct lti_drain *d = calloc(1, sizeof *d);
  if (!d)
    return LT_NOMEM;
  d->fd = fd;
  d->path = strdup(o->path);
  d->recorder = strdup(o->recorder ? o->recorder : "");
  d->window_path = o->window_path ? strdup(o->window_path) : NULL;
  d->namer = o->namer;
  d->namer_context = o->namer_context;
  d->epoch_ns = o->epoch_ns ? o->epoch_ns : EPOCH_NS;
  d->epoch_bytes = o->epoch_bytes ? o->epoch_bytes : EPOCH_BYTES;
  d->pending_bytes = o->pending_bytes ? o->pending_bytes : PENDING_BYTES;
  d->all_end = &d->all;
  d->sleep_ns = SLEEP_MIN_NS;
  d->naming_ns = NAMING_END_NS;
  fill_recording(d, arena, o);
  d->procs = calloc(d->recording.view.n_procs, sizeof(struct lti_recorded *));
  if (!d->path || !d->recorder || !d->procs || !d->recording.encoder ||
      !d->recording.slots) {
    lti_drain_close(d);
    return LT_NOMEM;
  }
  lti_clockmap_init(&d->clocks, d->recording.view.clock_is_tsc,
                    d->recording.start);
  *drain = d;
  return LT_OK;
}

static void beat(struct lti_drain *d) {
  atomic_store_explicit(&d->recording.view.arena->heartbeat_ns,
                        lti_monotonic_ns(), memory_order_relaxed);
}

/* The process in a slot, met for the first time or not; NULL for none. */
static struct lti_recorded *process_at(struct lti_drain *d, uint32_t slot) {
  if (slot >= d->recording.view.n_procs)
    return NULL;
  if (d->procs[slot])
    return d->procs[slot];
  /* Partner: the host's release store when it has filled the slot in. */
  uint32_t state = atomic_load_explicit(&d->recording.view.procs[slot].state,
                                        memory_order_acquire);
  if (state != LTI_SLOT_CLAIMED && state != LTI_SLOT_ENDED)
    return NULL;
  struct lti_recorded *p = lti_recorded_new(&d->recording, slot);
  if (!p)
    return NULL;
  d->procs[slot] = p;
  *d->all_end = p;
  d->all_end = &p->next;
  d->n_all++;
  return p;
}

/* Take what one thread slot holds. */
static void take_slot(struct lti_drain *d, uint32_t index) {
  struct lti_recording *r = &d->recording;
  struct lti_thread *t = &r->view.threads[index];
  /* Partner: the owner's release stores at its beginning and its end. */
  uint32_t state = atomic_load_explicit(&t->state, memory_order_acquire);
  if (state != LTI_SLOT_CLAIMED && state != LTI_SLOT_ENDED)
    return;
  struct lti_recorded *p = process_at(d, t->proc);
  if (!p || (!r->slots[index].lane && !lti_recorded_lane(r, p, index)))
    return;
  d->n_taken +=
      lti_recorded_take(r, p, index, d->clocks.sealed.clock, &d->fullest);
  bool is_empty = r->slots[index].tail ==
                  atomic_load_explicit(&t->head, memory_order_relaxed);
  if (state == LTI_SLOT_ENDED && is_empty)
    lti_rings_release(&r->view, &r->slots[index], index);
}

/* Read all rings; then take a knot, which is later than what they held. */
static void take_all(struct lti_drain *d) {
  struct lti_recording *r = &d->recording;
  uint32_t n = atomic_load_explicit(&r->view.arena->threads_committed,
                                    memory_order_relaxed);
  d->fullest = 0;
  d->n_taken = 0;
  for (uint32_t i = 0; i < n && i < r->view.n_threads; i++)
    take_slot(d, i);
  lti_clockmap_note(&d->clocks, lti_knot_take(r->view.clock_is_tsc));
}

static uint64_t pending_bytes(const struct lti_drain *d) {
  uint64_t bytes = 0;
  for (const struct lti_recorded *p = d->all; p; p = p->next)
    if (!p->is_closed)
      bytes += lti_recorded_pending(p) * sizeof(struct lti_record);
  return bytes;
}

void lti_drain_snapshot(struct lti_drain *d) {
  for (struct lti_recorded *p = d->all; p; p = p->next)
    lti_snapshot_ask(&d->recording, p);
}

bool lti_drain_is_asked(const struct lti_drain *d) {
  if (d->recording.is_flight)
    for (const struct lti_recorded *p = d->all; p; p = p->next)
      if (p->snapshot_clock && !p->is_closed)
        return true;
  return false;
}

static bool epoch_is_due(const struct lti_drain *d, uint64_t now_ns) {
  return now_ns - d->clocks.sealed.ns >= d->epoch_ns || lti_drain_is_asked(d) ||
         pending_bytes(d) >= d->epoch_bytes;
}

/* A lot is to be written, and the rings fill meanwhile.  Behind the bound they
 * are left to: the program then counts what it could not record. */
static void breathe(void *context) {
  struct lti_drain *d = context;
  beat(d);
  if (pending_bytes(d) < d->pending_bytes)
    take_all(d);
}

/* Names as there is time for; only traces that are written need them. */
static void name_sites(struct lti_drain *d) {
  uint64_t deadline = lti_monotonic_ns() + NAMING_STEP_NS;
  if (!d->namer || d->fullest > FULL_SHARE)
    return;
  for (struct lti_recorded *p = d->all; p; p = p->next)
    if (p->trace.writer &&
        !lti_book_name(&p->trace.book, d->namer, d->namer_context, deadline))
      return;
}

/* How long rings may be left alone: short while they fill, longer and longer
 * while they do not, and not beyond the time when the epoch is due: what a crash
 * of the recorder costs is no older than that. */
static uint64_t next_sleep(struct lti_drain *d) {
  uint64_t due_ns = d->clocks.sealed.ns + d->epoch_ns;
  uint64_t now = lti_monotonic_ns();
  if (d->fullest > FULL_SHARE)
    d->sleep_ns = SLEEP_MIN_NS;
  else if (d->fullest > FULL_SHARE / 2)
    d->sleep_ns /= 2;
  else
    d->sleep_ns += d->sleep_ns / 2;
  if (d->sleep_ns < SLEEP_MIN_NS)
    d->sleep_ns = SLEEP_MIN_NS;
  if (d->sleep_ns > SLEEP_MAX_NS)
    d->sleep_ns = SLEEP_MAX_NS;
  return due_ns > now && due_ns - now < d->sleep_ns ? due_ns - now
                                                    : d->sleep_ns;
}

static void close_process(struct lti_drain *d, struct lti_recorded *p,
                          lt_end_reason reason, int status) {
  p->trace.book.is_live = reason == LT_END_STOPPED || reason == LT_END_UNKNOWN;
  lti_recorded_drain(&d->recording, p, d->clocks.sealed);
  if (d->namer && p->trace.writer && d->naming_ns) {
    uint64_t began = lti_monotonic_ns();
    (void)lti_book_name(&p->trace.book, d->namer, d->namer_context,
                        began + d->naming_ns);
    uint64_t took = lti_monotonic_ns() - began;
    d->naming_ns -= took < d->naming_ns ? took : d->naming_ns;
  }
  uint32_t slot = p->slot;
  lti_recorded_close(&d->recording, p, reason, status);
  d->procs[slot] = NULL;
}

static void seal_all(struct lti_drain *d, struct lti_knot watermark) {
  struct lti_span span = lti_span_of(d->clocks.sealed, watermark);
  for (struct lti_recorded *p = d->all; p; p = p->next) {
    if (p->is_closed)
      continue;
    lti_recorded_seal(&d->recording, p, &span);
    beat(d);
  }
  lti_clockmap_seal(&d->clocks, watermark);
}

/* The process of a thread slot that somebody owns and that is still recorded;
 * what the thread has published is taken. */
static struct lti_recorded *recorded_thread(struct lti_drain *d,
                                            uint32_t slot) {
  struct lti_recording *r = &d->recording;
  if (slot >= r->view.n_threads)
    return NULL;
  take_slot(d, slot);
  struct lti_recorded *p = process_at(d, r->view.threads[slot].proc);
  return r->slots[slot].lane && p && !p->is_closed && !p->error ? p : NULL;
}

uint64_t lti_drain_sealed(const struct lti_drain *d) {
  return d->clocks.sealed.clock;
}

bool lti_drain_sample(struct lti_drain *d, uint32_t slot,
                      const struct lti_seen *seen) {
  struct lti_recorded *p = recorded_thread(d, slot);
  if (!p || seen->clock <= d->clocks.sealed.clock ||
      seen->clock <= p->sealed_clock)
    return false;
  struct lti_lane *lane = d->recording.slots[slot].lane;
  struct lti_book *book = &p->trace.book;
  struct lti_record usage = {
      seen->clock, LTI_HEAD(LT_USAGE, seen->faults, seen->switches & LTI_REF_MAX),
      seen->cpu_ns, seen->delay_ns_plus_1};
  struct lti_record sample = {
      seen->clock,
      LTI_HEAD(LT_SAMPLE, (unsigned char)seen->state, seen->on & LTI_REF_MAX),
      seen->call ? lti_book_callee_named(book, seen->call) : 0,
      lti_book_stack(book, seen->frames, seen->n_frames)};
  if (seen->has_usage && !lti_lane_insert(lane, &usage))
    return false;
  struct lti_record name = {seen->clock, LTI_HEAD(LT_FD_NAME, 0, seen->on), 0,
                            0};
  if (seen->on_name &&
      (name.a = lti_book_own_string(book, seen->on_name)) != 0) {
    name.a |= LTI_BOOK_OWN;
    lti_recorded_count(&d->recording, p, lti_lane_insert(lane, &name));
  }
  struct lti_record holder = {
      seen->clock, LTI_HEAD(LT_LOCK_HOLDER, 0, seen->lock & LTI_REF_MAX),
      0, lti_book_stack(book, seen->holder_frames, seen->n_holder_frames)};
  if (seen->holder &&
      (holder.a = lti_book_own_string(book, seen->holder)) != 0) {
    holder.a |= LTI_BOOK_OWN;
    lti_recorded_count(&d->recording, p, lti_lane_insert(lane, &holder));
  }
  bool done = lti_lane_insert(lane, &sample);
  lti_recorded_count(&d->recording, p, (uint64_t)seen->has_usage + done);
  return done;
}

const char *lti_drain_loop_name(struct lti_drain *d, uint32_t slot,
                                uint32_t loop) {
  struct lti_recorded *p = recorded_thread(d, slot);
  if (!p)
    return NULL;
  const struct lti_book *book = &p->trace.book;
  const struct lti_lane *lane = d->recording.slots[slot].lane;
  const char *name = lti_book_loop_name(book, loop);
  for (size_t i = 0; !name && i < lane->n; i++)
    if (lane->records[i].head == LTI_HEAD(LT_LOOP_NAME, loop, 0))
      name = lti_book_text(book, lti_book_text_id(book, lane->records[i].a));
  return name;
}

void lti_drain_note(struct lti_drain *d, uint32_t slot, const char *sentence) {
  struct lti_recorded *p = recorded_thread(d, slot);
  if (p)
    lti_book_note(&p->trace.book, sentence, strlen(sentence));
}

/* A process that called exec has a new slot, under the same pid: what its old
 * one holds is whole. */
static struct lti_recorded *newest_of(const struct lti_drain *d, int32_t pid) {
  struct lti_recorded *newest = NULL;
  for (struct lti_recorded *p = d->all; p; p = p->next)
    if (!p->is_closed && p->pid == pid &&
        (!newest || p->start_clock >= newest->start_clock))
      newest = p;
  return newest;
}

static void close_former_images(struct lti_drain *d) {
  for (uint32_t i = 0; i < d->recording.view.n_procs; i++) {
    struct lti_recorded *p = process_at(d, i);
    if (p &&
        atomic_load_explicit(&d->recording.view.procs[i].state,
                             memory_order_acquire) == LTI_SLOT_ENDED &&
        newest_of(d, p->pid) != p)
      close_process(d, p, LT_END_EXEC, 0);
  }
}

/* Also of those that were switched off from the beginning. */
static void follow_switches(struct lti_drain *d) {
  for (uint32_t i = 0; i < d->recording.view.n_procs; i++) {
    struct lti_recorded *p = process_at(d, i);
    if (!p)
      continue;
    lti_recorded_switch(&d->recording, p, d->clocks.sealed.clock);
    lti_snapshot_look(&d->recording, p);
  }
}

void lti_drain_switch(struct lti_drain *d, bool on) {
  atomic_store(&d->recording.view.arena->enabled, on);
  follow_switches(d);
  take_all(d);
  follow_switches(d); /* and what is met first now */
}

uint64_t lti_drain_step(struct lti_drain *d) {
  return lti_drain_step_until(d, UINT64_MAX);
}

uint64_t lti_drain_step_until(struct lti_drain *d, uint64_t known_ns) {
  struct lti_knot watermark;
  beat(d);
  lti_arena_grow(d->recording.view.arena, d->fd);
  take_all(d);
  follow_switches(d);
  uint64_t now = lti_monotonic_ns();
  if (epoch_is_due(d, now) &&
      lti_clockmap_watermark(&d->clocks, known_ns < now ? known_ns : now,
                             &watermark)) {
    seal_all(d, watermark);
    for (struct lti_recorded *p = d->all; p; p = p->next)
      if (!p->is_closed)
        lti_snapshot_due(&d->recording, p, d->clocks.sealed.clock);
    take_all(d); /* how full the rings are now */
  }
  close_former_images(d);
  name_sites(d);
  beat(d);
  uint64_t sleep_ns = next_sleep(d);
  return lti_drain_is_asked(d) ? SLEEP_MIN_NS : sleep_ns;
}

void lti_drain_process_ended(struct lti_drain *d, int32_t pid,
                             lt_end_reason reason, int status,
                             struct lti_knot ended) {
  take_all(d); /* threads and processes that came since the last step */
  close_former_images(d);
  struct lti_recorded *last = newest_of(d, pid);
  for (struct lti_recorded *p = d->all; p; p = p->next)
    if (!p->is_closed && p->pid == pid && p != last)
      close_process(d, p, LT_END_EXEC, 0);
  if (last) {
    last->lived = ended;
    close_process(d, last, reason, status);
  }
}

bool lti_drain_has_live(struct lti_drain *d) {
  bool any = false;
  close_former_images(d); /* and meet those that are new */
  for (struct lti_recorded *p = d->all; p; p = p->next) {
    if (p->is_closed)
      continue;
    if (lti_recorded_look(&d->recording, p)) {
      any = true;
    } else {
      take_all(d);
      close_process(d, p, LT_END_GONE, 0);
    }
  }
  return any;
}

void lti_drain_finish(struct lti_drain *d, lt_end_reason reason) {
  struct lti_arena *arena = d->recording.view.arena;
  atomic_store(&arena->enabled, 0);
  atomic_store(&arena->closed, 1);
  for (uint32_t i = 0; i < d->recording.view.n_procs; i++)
    atomic_store(&d->recording.view.procs[i].enabled, 0);
  take_all(d);
  close_former_images(d);
  for (struct lti_recorded *p = d->all; p; p = p->next)
    if (!p->is_closed) {
      (void)lti_recorded_look(&d->recording, p);
      close_process(d, p, reason, 0);
    }
}

static struct lti_drain_file describe(const struct lti_recorded *p) {
  const struct lti_trace *t = &p->trace;
  struct lti_drain_file f = {
      .path = p->path,
      .pid = p->pid,
      .comm = p->comm,
      .n_events = p->n_good + p->parts_events,
      .n_lost = p->parts_lost +
                (p->is_closed ? p->n_lost : t->n_lost + p->n_disk_lost),
      .size_bytes = p->parts_bytes +
                    (t->writer ? lti_writer_size(t->writer) : p->size_bytes),
      .n_loops = p->n_loops,
      .duration_ns = t->watermark_ns - (p->parts ? p->parts->first_ns : 0),
      .is_full = p->is_full,
      .n_parts = p->stem && !p->n_snapshots ? p->n_parts + 1 : 0,
      .n_removed = p->n_removed,
      .n_removed_events = p->n_removed_events,
      .n_snapshots = p->n_snapshots,
      .n_unsaved = p->n_stalls > LTI_STALL_SNAPSHOTS
                       ? p->n_stalls - LTI_STALL_SNAPSHOTS
                       : 0,
      .error = p->error,
      .error_doing = p->error_doing,
  };
  if (p->n_snapshots) {
    f.n_events = p->last.n_events;
    f.n_lost = p->last.n_lost;
    f.size_bytes = p->last.size_bytes;
    f.duration_ns = p->last.last_ns - p->last.first_ns;
  }
  return f;
}

const struct lti_drain_file *lti_drain_files(struct lti_drain *d, size_t *n) {
  free(d->files);
  d->files = calloc(d->n_all ? d->n_all : 1, sizeof *d->files);
  *n = 0;
  if (!d->files)
    return NULL;
  for (const struct lti_recorded *p = d->all; p; p = p->next)
    d->files[(*n)++] = describe(p);
  return d->files;
}

void lti_drain_close(struct lti_drain *d) {
  if (!d)
    return;
  while (d->all) {
    struct lti_recorded *next = d->all->next;
    lti_recorded_free(d->all);
    d->all = next;
  }
  lti_encoder_free(d->recording.encoder);
  free(d->recording.slots);
  free(d->procs);
  free(d->files);
  free(d->path);
  free(d->recorder);
  free(d->window_path);
  free(d);
}
