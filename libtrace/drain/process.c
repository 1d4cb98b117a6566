/* A process under recording.
 *
 * Invariant: in a lane the first n_held records are converted (their clock is
 * trace time) and older than the last watermark; the others are raw and not
 * older than it.  Held records exist only before the process turned a loop.
 * Called by the drain. */
#include "drain/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "record/clock.h"

#define HELD_MAX 1000000u
#define EPOCH_MAX 1000000u
#define EPOCH_USUAL 131072u
#define HURRY_RECORDS 1048576u /* so many wait: the drain is far behind */
#define BREATH 8192u           /* events written before the rings are seen to */

_Static_assert(EPOCH_MAX <= LTI_EPOCH_EVENTS_MAX, "a reader's limit");

/* How many events a recorder that died took and did not write, but for those
 * that are still in the rings. */
static uint64_t owed_of(struct lti_recording *r,
                        const struct lti_recorded *p) {
  const struct lti_proc *from = &r->view.procs[p->slot];
  uint64_t filed_clock =
      atomic_load_explicit(&from->filed_clock, memory_order_relaxed);
  uint64_t owed = atomic_load_explicit(&from->taken, memory_order_relaxed) -
                  atomic_load_explicit(&from->filed, memory_order_relaxed);
  if (lti_recorded_lives(p)) /* it writes over them */
    return owed;
  for (uint32_t i = 0; i < r->view.n_threads; i++) {
    uint32_t state = atomic_load_explicit(&r->view.threads[i].state,
                                          memory_order_acquire);
    if ((state != LTI_SLOT_CLAIMED && state != LTI_SLOT_ENDED) ||
        r->view.threads[i].proc != p->slot)
      continue;
    uint64_t again = lti_rings_go_back(&r->view, &r->slots[i], i, filed_clock);
    owed -= again < owed ? again : owed;
  }
  return owed;
}

struct lti_recorded *lti_recorded_new(struct lti_recording *r, uint32_t slot) {
  struct lti_recorded *p = calloc(1, sizeof *p);
  const struct lti_proc *from = &r->view.procs[slot];
  if (!p)
    return NULL;
  p->slot = slot;
  p->pid = from->pid;
  p->start_ticks = from->start_ticks;
  p->start_clock = from->start_clock;
  memcpy(p->comm, from->comm, sizeof from->comm);
  p->lanes_end = &p->lanes;
  p->no_ring_seen =
      atomic_load_explicit(&from->told_no_ring, memory_order_relaxed);
  if (r->is_recovery) {
    p->owed = owed_of(r, p);
    p->turned = atomic_load_explicit(&from->loops, memory_order_relaxed) > 0;
  }
  p->is_off = !atomic_load(&from->enabled) && !r->is_recovery;
  p->off_ns = r->start.ns;
  lti_trace_init(&p->trace, r->encoder, p->pid, r->recorder, r->min_block_ns);
  p->trace.book.is_live = true;
  return p;
}

void lti_recorded_free(struct lti_recorded *p) {
  if (!p)
    return;
  while (p->lanes) {
    struct lti_lane *next = p->lanes->next;
    lti_lane_free(p->lanes);
    p->lanes = next;
  }
  lti_trace_fini(&p->trace);
  lti_rotate_free(p);
  free(p->path);
  free(p);
}

void lti_recorded_count(struct lti_recording *r, struct lti_recorded *p,
                        uint64_t n) {
  if (p->slot != UINT32_MAX)
    atomic_fetch_add_explicit(&r->view.procs[p->slot].taken, n,
                              memory_order_relaxed);
}

/* What a recorder that died had taken and not written stands in front. */
static void tell_owed(struct lti_recording *r, struct lti_recorded *p) {
  struct lti_record record = {r->start.clock,
                              LTI_HEAD(LT_LOST, LT_LOST_WRITER_GONE, 0),
                              p->owed, 0};
  if (p->owed && p->owed <= INT64_MAX && lti_lane_insert(p->lanes, &record))
    p->owed = 0;
}

bool lti_recorded_lane(struct lti_recording *r, struct lti_recorded *p,
                       uint32_t slot) {
  const struct lti_thread *t = &r->view.threads[slot];
  struct lti_lane *lane = calloc(1, sizeof *lane);
  char name[sizeof t->name + 1] = "";
  if (!lane)
    return false;
  memcpy(name, t->name, sizeof t->name);
  if (t->tid != p->pid) /* the main thread's is the program's */
    lti_recorded_thread_name(p, t->tid, name);
  lane->slot = slot;
  lane->thread.index =
      lti_book_thread(&p->trace.book, t->tid, t->is_main != 0, name);
  *p->lanes_end = lane;
  p->lanes_end = &lane->next;
  r->slots[slot].lane = lane;
  tell_owed(r, p);
  return true;
}

size_t lti_recorded_take(struct lti_recording *r, struct lti_recorded *p,
                         uint32_t slot, uint64_t sealed_clock,
                         double *fullest) {
  struct lti_taken taken = {.book = &p->trace.book,
                            .sealed_clock = sealed_clock > p->sealed_clock
                                                ? sealed_clock
                                                : p->sealed_clock,
                            .filed_clock = atomic_load_explicit(
                                &r->view.procs[p->slot].filed_clock,
                                memory_order_relaxed),
                            .account = &r->view.procs[p->slot].taken,
                            .fullest = *fullest};
  lti_rings_take(&r->view, &r->slots[slot], slot, &taken);
  p->turned |= taken.turned_a_loop;
  p->late += taken.late;
  p->calls_short += taken.calls_short;
  *fullest = taken.fullest;
  return taken.n_records;
}

size_t lti_recorded_pending(const struct lti_recorded *p) {
  size_t n = 0;
  for (const struct lti_lane *l = p->lanes; l; l = l->next)
    n += l->n - l->n_held;
  return n;
}

/* How many raw records of a lane are not younger than a clock. */
static size_t count_until(const struct lti_lane *lane, uint64_t clock) {
  size_t low = lane->n_held, high = lane->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (lane->records[middle].clock <= clock)
      low = middle + 1;
    else
      high = middle;
  }
  return low - lane->n_held;
}

static size_t count_all_until(const struct lti_recorded *p, uint64_t clock) {
  size_t n = 0;
  for (const struct lti_lane *l = p->lanes; l; l = l->next)
    n += count_until(l, clock);
  return n;
}

static lt_event event_of(const struct lti_record *record, int64_t time_ns) {
  lt_event e = {
      .time_ns = time_ns,
      .ref = LTI_HEAD_REF(record->head),
      .a = record->a,
      .b = record->b,
      .x = (uint16_t)LTI_HEAD_X(record->head),
      .kind = (uint8_t)LTI_HEAD_KIND(record->head),
  };
  return e;
}

/* From clock to trace time, and durations that are in ticks to ns. */
static void convert(const struct lti_recording *r, struct lti_record *record,
                    const struct lti_span *span) {
  unsigned kind = LTI_HEAD_KIND(record->head);
  record->clock = lti_span_ns(span, record->clock) - r->start.ns;
  if (kind == LT_LOST || kind == LT_CALL_BEGIN || kind == LT_EARLY_TURN)
    record->b = (uint64_t)((double)record->b * span->ns_per_tick);
  if (kind == LT_EARLY_TURN)
    record->a = (uint64_t)((double)record->a * span->ns_per_tick);
}

/* Lanes whose thread ended and whose records are all in the file. */
static void forget_lanes(struct lti_recorded *p) {
  struct lti_lane **at = &p->lanes;
  while (*at) {
    struct lti_lane *lane = *at;
    if (lane->n == 0 && lane->slot == UINT32_MAX) {
      *at = lane->next;
      lti_lane_free(lane);
    } else {
      at = &lane->next;
    }
  }
  p->lanes_end = at;
}

/* Too much is held back: the older half of the longest lane goes, and a LOST
 * stands where it was. */
static bool drop_held(struct lti_recorded *p) {
  struct lti_lane *longest = p->lanes;
  size_t held = 0;
  for (struct lti_lane *l = p->lanes; l; l = l->next) {
    held += l->n_held;
    if (l->n_held > longest->n_held)
      longest = l;
  }
  if (held <= HELD_MAX)
    return false;
  size_t n = longest->n_held / 2 + 1;
  uint64_t lost = 0, first = longest->records[0].clock;
  for (size_t i = 0; i < n; i++) {
    const struct lti_record *record = &longest->records[i];
    lt_event e = event_of(record, (int64_t)record->clock);
    lti_trace_skip(&p->trace, &longest->thread, &e);
    lost += e.kind == LT_LOST ? e.a : 1;
  }
  struct lti_record *last = &longest->records[n - 1];
  last->head = LTI_HEAD(LT_LOST, LT_LOST_FULL, 0);
  last->a = lost;
  last->b = last->clock - first;
  lti_lane_drop(longest, n - 1);
  return true;
}

static void hold(struct lti_recording *r, struct lti_recorded *p,
                 const struct lti_span *span) {
  for (struct lti_lane *l = p->lanes; l; l = l->next)
    for (size_t n = count_until(l, span->to.clock); n > 0; n--)
      convert(r, &l->records[l->n_held++], span);
  while (drop_held(p))
    continue;
}

static void clock_now(int64_t *monotonic_ns, int64_t *unix_ns) {
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  *monotonic_ns = (int64_t)lti_monotonic_ns();
  *unix_ns = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

bool lti_recorded_fail(struct lti_recorded *p, int error, const char *doing) {
  if (!p->error) {
    p->error = error ? error : EIO;
    p->error_doing = doing;
  }
  return false;
}

/* The program's libuv may have come after the slot was claimed. */
static void describe_process(struct lti_recording *r, struct lti_recorded *p) {
  struct lti_book *book = &p->trace.book;
  if (p->slot != UINT32_MAX)
    memcpy(p->uv_version, r->view.procs[p->slot].uv_version, 16);
  memcpy(book->comm, p->comm, sizeof book->comm);
  memcpy(book->uv_version, p->uv_version, sizeof book->uv_version);
}

/* Where the trace goes: a file, or the flight recorder's window. */
static struct lti_writer *make_writer(struct lti_recording *r,
                                      struct lti_recorded *p) {
  static const char dies[] = "there was no room for the flight recorder's "
                             "window in shared memory: a crash loses it";
  int fd;
  struct lti_writer *writer;
  if (r->is_flight) {
    p->trace.generation_max_bytes = r->window_bytes / LTI_FLIGHT_PARTS;
    p->trace.generation_max_ns = (int64_t)(r->window_ns / LTI_FLIGHT_PARTS);
    writer = lti_writer_new_flight(r->window_bytes, r->window_ns,
                                   r->window_path);
    if (writer && r->window_path &&
        !lti_flight_outlives(lti_writer_flight(writer)))
      lti_book_note(&p->trace.book, dies, sizeof dies - 1);
  } else {
    int error = r->keep ? lti_place_next(r, p, &fd) : 0;
    if (error)
      (void)lti_recorded_fail(p, error, "create");
    if (error || (!r->keep && !lti_place_create(r, p, &fd)))
      return NULL;
    writer = lti_writer_new(fd, write);
    if (!writer)
      close(fd);
  }
  if (!writer)
    (void)lti_recorded_fail(p, ENOMEM, "create");
  return writer;
}

bool lti_recorded_start(struct lti_recording *r, struct lti_recorded *p) {
  struct lti_file_header header = {
      .pid = (uint32_t)p->pid,
      .start_ns = (int64_t)r->start.ns,
      .start_unix_ns = r->start_unix_ns,
  };
  describe_process(r, p);
  if (getrandom(header.id, sizeof header.id, GRND_NONBLOCK) < 0)
    memcpy(header.id, &header.start_ns, sizeof header.start_ns);
  struct lti_writer *writer = make_writer(r, p);
  if (!writer)
    return false;
  if (p->trace.writer)
    lti_trace_go_on(&p->trace, writer, &header);
  else
    lti_trace_start(&p->trace, writer, &header, clock_now);
  if (r->is_flight)
    lti_trace_drop_index(&p->trace);
  return true;
}

/* Write up to `until` of each lane's records, at most EPOCH_MAX in all.  The
 * rings are seen to meanwhile: what comes then stands behind what is written,
 * and is not older than p->sealed_clock. */
static void write_epoch(struct lti_recording *r, struct lti_recorded *p,
                        const struct lti_span *span, uint64_t until_clock,
                        int64_t watermark_ns) {
  size_t room = EPOCH_MAX, written = 0;
  for (struct lti_lane *l = p->lanes; l; l = l->next) {
    size_t n = span ? count_until(l, until_clock) : l->n_held;
    if (n > room)
      n = room; /* ties at one clock: the rest is not older than this */
    if (!n)
      continue;
    room -= n;
    lti_trace_thread_begin(&p->trace, &l->thread);
    for (size_t i = 0; i < n; i++) {
      if (span)
        convert(r, &l->records[i], span);
      lt_event e = event_of(&l->records[i], (int64_t)l->records[i].clock);
      if (l->records[i].head == LTI_ALL_ENDED)
        lti_recorded_end_open(r, p, l, e.time_ns);
      else
        lti_trace_event(&p->trace, &e);
      if (r->stall_ns)
        lti_snapshot_event(r, p, l, &e);
      if (++written % BREATH == 0)
        r->breathe(r->breathe_context);
    }
    lti_trace_thread_end(&p->trace);
    lti_lane_drop(l, n);
  }
  if (room == EPOCH_MAX)
    return;
  const struct lti_flight *flight = lti_writer_flight(p->trace.writer);
  bool outlives_us =
      p->slot != UINT32_MAX && (!flight || lti_flight_outlives(flight));
  /* Before it is done: a recorder that is killed in between leaves a loss that
   * did not happen, not an event that stands in two files. */
  if (outlives_us)
    atomic_store_explicit(&r->view.procs[p->slot].filed_clock, until_clock,
                          memory_order_release);
  uint64_t late = p->late, calls = p->calls_short;
  p->late = p->calls_short = 0;
  if (lti_trace_seal(&p->trace, watermark_ns, late, calls)) {
    const struct lti_trace *t = &p->trace;
    p->n_good = t->n_events;
    if (outlives_us)
      atomic_store_explicit(&r->view.procs[p->slot].filed,
                            p->parts_filed + t->n_events - t->n_lost_events +
                                t->n_lost,
                            memory_order_relaxed);
  } else
    (void)lti_recorded_fail(p, lti_writer_error(p->trace.writer), "write");
}

/* The epoch that reached the bound is the last one. */
static void end_full(struct lti_recording *r, struct lti_recorded *p,
                     int64_t watermark_ns) {
  if (!r->max_bytes || p->error || r->is_flight || r->keep ||
      lti_writer_size(p->trace.writer) < r->max_bytes)
    return;
  lti_trace_end(&p->trace, watermark_ns, LT_END_STOPPED, 0, 0);
  if (lti_writer_error(p->trace.writer))
    (void)lti_recorded_fail(p, lti_writer_error(p->trace.writer), "write");
  p->trace.book.sink = NULL; /* nothing may follow the end mark */
  p->is_full = true;
}

/* A clock up to which the process has no more events than are written at once;
 * where more have the same clock, it is theirs. */
static uint64_t choose_cut(const struct lti_recorded *p,
                           const struct lti_span *span) {
  uint64_t low = span->from.clock, high = span->to.clock;
  if (count_all_until(p, high) <= EPOCH_USUAL)
    return high;
  while (low + 1 < high) {
    uint64_t middle = low + (high - low) / 2;
    if (count_all_until(p, middle) <= EPOCH_USUAL)
      low = middle;
    else
      high = middle;
  }
  return count_all_until(p, low) > 0 ? low : high;
}

/* Nothing more is written: what would have been is counted, where that was not
 * asked for. */
static void discard(struct lti_recorded *p, const struct lti_span *span) {
  for (struct lti_lane *l = p->lanes; l; l = l->next) {
    size_t n = l->n_held + count_until(l, span->to.clock);
    for (size_t i = 0; i < n; i++) {
      const struct lti_record *record = &l->records[i];
      bool is_lost = LTI_HEAD_KIND(record->head) == LT_LOST;
      if (!p->is_full)
        p->n_disk_lost += is_lost ? record->a : 1;
    }
    lti_lane_drop(l, n);
  }
}

/* Events of threads that got no slot are told on the first lane there is. */
static void take_no_ring(struct lti_recording *r, struct lti_recorded *p) {
  if (p->slot == UINT32_MAX || !p->lanes)
    return;
  uint64_t n = atomic_load_explicit(&r->view.procs[p->slot].no_ring,
                                    memory_order_relaxed);
  if (n == p->no_ring_seen)
    return;
  struct lti_record record = {p->lanes->last_clock,
                              LTI_HEAD(LT_LOST, LT_LOST_NO_RING, 0),
                              n - p->no_ring_seen, 0};
  if (!lti_lane_insert(p->lanes, &record))
    return;
  lti_recorded_count(r, p, n - p->no_ring_seen);
  p->no_ring_seen = n;
  atomic_store_explicit(&r->view.procs[p->slot].told_no_ring, n,
                        memory_order_relaxed);
}

/* Far behind, blocks go into the file as they are, which is said there; near
 * again, they are compressed as ever. */
static void choose_level(struct lti_recording *r, struct lti_recorded *p) {
  size_t pending = lti_recorded_pending(p);
  if (pending > HURRY_RECORDS && !p->in_hurry) {
    static const char note[] =
        "the recorder fell behind the program at times, and wrote blocks "
        "uncompressed to catch up";
    p->in_hurry = true;
    lti_book_note(&p->trace.book, note, sizeof note - 1);
  } else if (pending < HURRY_RECORDS / 4) {
    p->in_hurry = false;
  }
  lti_encoder_compress(r->encoder, !p->in_hurry);
}

void lti_recorded_seal(struct lti_recording *r, struct lti_recorded *p,
                       const struct lti_span *span) {
  take_no_ring(r, p);
  if (!p->turned) {
    hold(r, p, span);
    forget_lanes(p);
    return;
  }
  if (!p->trace.writer && !p->error)
    (void)lti_recorded_start(r, p);
  if (!p->error && !p->is_full) /* what was held, which is older than the last watermark */
    write_epoch(r, p, NULL, span->from.clock,
                (int64_t)(span->from.ns - r->start.ns));
  while (!p->error && !p->is_full && count_all_until(p, span->to.clock) > 0) {
    uint64_t cut = choose_cut(p, span);
    int64_t watermark = (int64_t)(lti_span_ns(span, cut) - r->start.ns);
    p->sealed_clock = cut; /* for what the rings give while it is written */
    choose_level(r, p);
    if (lti_rotate(r, p))
      write_epoch(r, p, span, cut, watermark);
    end_full(r, p, watermark);
    r->breathe(r->breathe_context);
  }
  if (p->error || p->is_full)
    discard(p, span);
  else if (!lti_trace_tell(&p->trace))
    (void)lti_recorded_fail(p, lti_writer_error(p->trace.writer), "write");
  forget_lanes(p);
}

/* A call that has not come back. */
static void insert_call(struct lti_lane *lane, struct lti_thread *t,
                        uint64_t now) {
  uint64_t call = atomic_load_explicit(&t->call, memory_order_relaxed);
  uint64_t since = atomic_load_explicit(&t->call_since, memory_order_relaxed);
  if (!call)
    return;
  struct lti_record record = {
      now,
      LTI_HEAD(LT_CALL_BEGIN, LTI_HEAD_X(call), LTI_HEAD_REF(call)),
      atomic_load_explicit(&t->call_site, memory_order_relaxed),
      since < now ? now - since : 0,
  };
  (void)lti_lane_insert(lane, &record);
}

/* Up to when there is something to know of a process whose records are all
 * taken. */
static struct lti_knot end_of(const struct lti_recorded *p,
                              const struct lti_span *span) {
  struct lti_knot end = {p->lived.clock, 0};
  for (const struct lti_lane *l = p->lanes; l; l = l->next)
    if (l->n > l->n_held && l->records[l->n - 1].clock > end.clock)
      end.clock = l->records[l->n - 1].clock;
  end.ns = end.clock > span->from.clock ? lti_span_ns(span, end.clock)
                                        : p->lived.ns;
  return end;
}

void lti_recorded_drain(struct lti_recording *r, struct lti_recorded *p,
                        struct lti_knot sealed) {
  lti_recorded_switch_end(r, p);
  lti_snapshot_look(r, p);
  double fullest = 0;
  for (struct lti_lane *l = p->lanes; l; l = l->next)
    if (l->slot != UINT32_MAX)
      (void)lti_recorded_take(r, p, l->slot, sealed.clock, &fullest);
  struct lti_span span =
      lti_span_of(sealed, lti_knot_take(r->view.clock_is_tsc));
  struct lti_knot end = end_of(p, &span);
  span.to = end.clock > sealed.clock ? end : sealed;
  for (struct lti_lane *l = p->lanes; l; l = l->next) {
    if (l->slot == UINT32_MAX)
      continue;
    struct lti_thread *t = &r->view.threads[l->slot];
    if (atomic_load_explicit(&t->state, memory_order_acquire) ==
        LTI_SLOT_CLAIMED)
      insert_call(l, t, span.to.clock);
  }
  lti_recorded_seal(r, p, &span);
  p->end_ns = (int64_t)(end.ns - r->start.ns);
  if (p->end_ns < p->trace.watermark_ns)
    p->end_ns = p->trace.watermark_ns;
}

static void give_back(struct lti_recording *r, struct lti_recorded *p) {
  for (struct lti_lane *l = p->lanes; l; l = l->next)
    if (l->slot != UINT32_MAX)
      lti_rings_release(&r->view, &r->slots[l->slot], l->slot);
  atomic_store(&r->view.procs[p->slot].enabled, 0);
  atomic_store_explicit(&r->view.procs[p->slot].state, LTI_SLOT_FREE,
                        memory_order_release);
  p->slot = UINT32_MAX;
}

void lti_recorded_close(struct lti_recording *r, struct lti_recorded *p,
                        lt_end_reason reason, int status) {
  struct lti_trace *t = &p->trace;
  uint64_t untracked = atomic_load_explicit(&r->view.procs[p->slot].untracked,
                                            memory_order_relaxed);
  if (t->writer && !p->error && r->is_flight) {
    if (p->snapshot_clock || reason == LT_END_KILLED || reason == LT_END_GONE)
      lti_snapshot_write(r, p, reason, status);
  } else if (t->writer && !p->error && !p->is_full) {
    lti_trace_end(t, p->end_ns, reason, status, untracked);
    if (lti_writer_error(t->writer))
      (void)lti_recorded_fail(p, lti_writer_error(t->writer), "write");
  }
  if (t->writer) {
    p->size_bytes = lti_writer_size(t->writer);
    if (lti_writer_close(t->writer))
      (void)lti_recorded_fail(p, lti_writer_error(t->writer), "close");
  }
  p->n_loops = (uint32_t)t->book.n_loops;
  if (r->is_flight) {
    p->size_bytes = p->last.size_bytes;
    if (p->snapshot_error)
      (void)lti_recorded_fail(p, p->snapshot_error, "write a snapshot of");
  }
  if (p->remove_error)
    (void)lti_recorded_fail(p, p->remove_error, "remove an older file of");
  p->n_lost = t->n_lost + p->n_disk_lost + (t->n_events - p->n_good);
  give_back(r, p);
  lti_trace_fini(t);
  p->is_closed = true;
}
