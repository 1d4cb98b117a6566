/* The slow side of emit: what happens once a thread, or when a ring is full.
 *
 * Invariant: while self->busy is set, nobody but this code touches the thread's
 * ring; every record below slot->head is whole. */
#include "record/emit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/nap.h"
#include "record/process.h"

__thread struct lti_self lti_self
    __attribute__((tls_model("initial-exec"), visibility("hidden"))) = {
        .on = LTI_ON_NONE, .trials = LTI_TRIALS, .trials_at = LTI_TRIALS};

static pthread_key_t exit_key;
static _Atomic int exit_key_state; /* 0 none, 1 being made, 2 there */

/* The arena and the process's slot in it.  NULL where another thread has ended the
 * recording meanwhile; what was there stays mapped. */
static struct lti_arena *arena_now(void) {
  return __atomic_load_n(&lti_process.arena, __ATOMIC_RELAXED);
}

static struct lti_proc *proc_now(void) {
  return __atomic_load_n(&lti_process.proc, __ATOMIC_ACQUIRE);
}

void lti_drain_wake(void) {
  struct lti_arena *arena = arena_now();
  if (arena && !lti_process.is_confined)
    lti_nap_end(arena);
}

/* Is the slot one of the recording that goes on? */
static bool is_current(const struct lti_thread *slot) {
  struct lti_arena *arena = arena_now();
  uintptr_t first = arena ? (uintptr_t)lti_arena_thread(arena, 0) : 0;
  return arena && (uintptr_t)slot >= first &&
         (uintptr_t)slot - first < arena->n_threads * sizeof *slot;
}

/* What the thread put into its old ring since it was emptied for the last time is
 * in none of the recordings. */
static void leave_former(struct lti_self *self) {
  struct lti_thread *slot = self->slot;
  struct lti_proc *proc = proc_now();
  if (!slot || !proc || !*lti_process.alive || is_current(slot))
    return;
  if (slot == &lti_nobodys) {
    self->slot = NULL;
    return;
  }
  uint64_t tail = atomic_load_explicit(&slot->tail, memory_order_relaxed);
  atomic_fetch_add(&proc->no_ring, self->head - tail);
  self->slot = NULL;
  self->head = self->limit = 0;
  self->task_next = self->task_end = 0;
  self->usage_clock = self->wait_ticks = 0;
  self->on = LTI_ON_NONE;
}

void lti_slot_check_slow(void) {
  struct lti_self *self = &lti_self;
  if (self->busy)
    return; /* a handler in the middle of an event */
  self->known = lti_times_on();
  leave_former(self);
}

/* A slot is given back when its thread ends; the drain empties it first. */
static void thread_ended(void *value) {
  struct lti_self *self = value;
  leave_former(self);
  struct lti_thread *slot = self->slot;
  self->refused = 1; /* later destructors of this thread are not recorded */
  self->slot = NULL;
  self->limit = self->head = 0;
  if (slot && *lti_process.alive) /* else it is our parent's */
    atomic_store_explicit(&slot->state, LTI_SLOT_ENDED, memory_order_release);
}

static void watch_thread_end(struct lti_self *self) {
  int none = 0;
  if (atomic_compare_exchange_strong(&exit_key_state, &none, 1)) {
    if (pthread_key_create(&exit_key, thread_ended) == 0)
      atomic_store(&exit_key_state, 2);
  }
  if (atomic_load(&exit_key_state) == 2)
    (void)pthread_setspecific(exit_key, self);
}

static struct lti_thread *claim_slot(struct lti_arena *arena, uint32_t *index) {
  uint32_t n = atomic_load_explicit(&arena->threads_committed,
                                    memory_order_acquire);
  for (uint32_t i = 0; i < n && i < arena->n_threads; i++) {
    struct lti_thread *slot = lti_arena_thread(arena, i);
    uint32_t state = LTI_SLOT_FREE;
    if (atomic_load_explicit(&slot->state, memory_order_relaxed) == state &&
        atomic_compare_exchange_strong(&slot->state, &state,
                                       LTI_SLOT_CLAIMING)) {
      *index = i;
      return slot;
    }
  }
  return NULL;
}

/* Without a system call, from what glibc writes into each lock. */
static int32_t tid_in_lock(void) {
  pthread_mutex_t lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
  if (pthread_mutex_trylock(&lock) != 0)
    return 0;
  int32_t tid = lock.__data.__owner;
  (void)pthread_mutex_unlock(&lock);
  return tid;
}

static void name_thread(struct lti_thread *slot) {
  memset(slot->name, 0, sizeof slot->name);
  if (lti_process.is_confined) {
    slot->tid = tid_in_lock();
    slot->is_main = slot->tid == lti_arena_proc(arena_now(), slot->proc)->pid;
  } else {
    slot->tid = (int32_t)syscall(SYS_gettid);
    slot->is_main = slot->tid == getpid();
    (void)prctl(PR_GET_NAME, slot->name);
  }
}

static bool claim_thread(struct lti_self *self) {
  struct lti_arena *arena = arena_now();
  uint32_t index;
  if (self->refused || !arena || !lti_process_claim())
    return false;
  struct lti_thread *slot = claim_slot(arena, &index);
  if (!slot)
    return false;
  slot->proc = lti_process.proc_index;
  name_thread(slot);
  atomic_store(&slot->large, LTI_NO_RING);
  atomic_store(&slot->doing, LTI_DOING_NOTHING);
  atomic_store(&slot->task, 0);
  atomic_store(&slot->call, 0);
  self->slot = slot;
  self->ring = lti_arena_small(arena, index);
  self->mask = arena->small_records - 1;
  self->head = atomic_load(&slot->head);
  self->limit = self->head + arena->small_records;
  /* Partner: the drain's acquire load of state. */
  atomic_store_explicit(&slot->state, LTI_SLOT_CLAIMED, memory_order_release);
  watch_thread_end(self);
  return true;
}

static bool has_large(const struct lti_self *self) {
  return atomic_load_explicit(&self->slot->large, memory_order_relaxed) !=
         LTI_NO_RING;
}

/* Where head may go to, after a look at how far the drain has come.  A ring
 * that becomes half full makes its thread come by here, to wake the drain in
 * time. */
static void look_at_tail(struct lti_self *self, uint64_t n) {
  struct lti_thread *slot = self->slot;
  uint64_t tail = atomic_load_explicit(&slot->tail, memory_order_acquire);
  if (has_large(self)) {
    uint64_t from =
        atomic_load_explicit(&slot->large_from, memory_order_relaxed);
    if (tail < from) /* the large ring is untouched below large_from */
      tail = from;
  }
  uint64_t half = tail + (self->mask + 1) / 2;
  self->limit = tail + self->mask + 1;
  if (self->head + n <= half)
    self->limit = half;
  else if (has_large(self))
    lti_drain_wake();
}

/* Move on to a large ring; the drain reads the small one up to large_from. */
static bool claim_large(struct lti_self *self, uint64_t n_records) {
  struct lti_arena *arena = arena_now();
  uint32_t n = arena ? atomic_load_explicit(&arena->large_committed,
                                            memory_order_acquire)
                     : 0;
  for (uint32_t i = 0; i < n && i < 64; i++) {
    uint64_t bit = UINT64_C(1) << i;
    if (atomic_load_explicit(&arena->large_used, memory_order_relaxed) & bit ||
        atomic_fetch_or(&arena->large_used, bit) & bit)
      continue;
    self->ring = lti_arena_large(arena, i);
    self->mask = arena->large_records - 1;
    atomic_store_explicit(&self->slot->large_from, self->head,
                          memory_order_relaxed);
    atomic_store_explicit(&self->slot->large, i, memory_order_release);
    look_at_tail(self, n_records);
    return true;
  }
  return false;
}

static void count_lost(struct lti_thread *slot, lt_lost cause) {
  uint64_t now = lti_now();
  atomic_fetch_add_explicit(&slot->lost[cause], 1, memory_order_relaxed);
  if (!atomic_load_explicit(&slot->lost_first, memory_order_relaxed))
    atomic_store_explicit(&slot->lost_first, now, memory_order_relaxed);
  atomic_store_explicit(&slot->lost_last, now, memory_order_release);
}

void lti_emit_lost(lt_lost cause) {
  struct lti_self *self = &lti_self;
  struct lti_proc *proc = proc_now();
  if (self->slot)
    count_lost(self->slot, cause);
  else if (proc)
    atomic_fetch_add(&proc->no_ring, 1);
  else /* a handler that came while the first event claims a slot */
    atomic_fetch_add(&lti_process.early_lost, 1);
}

/* Lossless: wait for the drain, as long as it shows that it lives.  A drain
 * that gave no sign for WRITER_PATIENCE_NS of waiting is gone: from then on
 * nobody waits until it does again.  Our own sleep is a raw system call: no
 * cancellation point, and not seen by the wrappers.  It grows, so that many
 * that wait leave the processor to the drain. */
#define WRITER_PATIENCE_NS 100000000u
#define WAIT_FIRST_NS 50000
#define WAIT_LAST_NS 1000000

static _Atomic uint64_t gone_beat; /* the last sign of one that was given up */

static bool is_drained(uint64_t began_ns) {
  const struct lti_arena *arena = arena_now();
  if (!arena || lti_process.is_confined) /* our sleep could be its death */
    return false;
  uint64_t beat =
      atomic_load_explicit(&arena->heartbeat_ns, memory_order_relaxed);
  if (atomic_load_explicit(&arena->closed, memory_order_relaxed) ||
      beat == atomic_load_explicit(&gone_beat, memory_order_relaxed))
    return false;
  uint64_t sign = beat > began_ns ? beat : began_ns, now = lti_monotonic_ns();
  if (now < sign || now - sign < WRITER_PATIENCE_NS)
    return true;
  atomic_store_explicit(&gone_beat, beat, memory_order_relaxed);
  return false;
}

/* Returns: true when n records fit now. */
static bool wait_for_room(struct lti_self *self, uint64_t n) {
  struct timespec step = {0, WAIT_FIRST_NS};
  uint64_t began_ns = lti_monotonic_ns();
  while (self->head + n > self->limit) {
    if (n > self->mask + 1 || !is_drained(began_ns))
      return false;
    (void)syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &step, NULL);
    if (step.tv_nsec < WAIT_LAST_NS)
      step.tv_nsec *= 2;
    look_at_tail(self, n);
  }
  return true;
}

/* The wait is a fact about the program's time.  It ended after the event that
 * waited was stamped, so it is recorded in front of the next one: limit makes
 * that one come by here. */
static void record_wait(struct lti_self *self) {
  struct lti_record *r = &self->ring[self->head & self->mask];
  r->clock = self->wait_end;
  r->head = LTI_HEAD(LT_CALL, LT_CALLEE_looptrace_wait, 0);
  r->a = 0;
  r->b = lti_clock_ns(self->wait_ticks);
  self->wait_ticks = 0;
  atomic_store_explicit(&self->slot->head, ++self->head, memory_order_release);
}

static bool room_or_wait(struct lti_self *self, uint64_t n) {
  if (self->head + n > self->limit && !has_large(self))
    (void)claim_large(self, n);
  if (self->head + n <= self->limit)
    return true;
  struct lti_arena *arena = arena_now();
  lti_drain_wake();
  if (!arena || arena->mode != LTI_MODE_LOSSLESS) {
    count_lost(self->slot, LT_LOST_FULL);
    return false;
  }
  uint64_t begun = lti_now();
  if (!wait_for_room(self, n)) {
    count_lost(self->slot, LT_LOST_WRITER_GONE);
    return false;
  }
  self->wait_end = lti_now();
  self->wait_ticks = self->wait_end - begun;
  self->limit = self->head + n;
  return true;
}

bool lti_emit_room_slow(uint64_t n) {
  struct lti_self *self = &lti_self;
  int saved = errno;
  bool room = false;
  leave_former(self);
  if (!self->slot && !claim_thread(self)) {
    lti_emit_lost(LT_LOST_NO_RING);
  } else {
    look_at_tail(self, n + (self->wait_ticks != 0));
    if (self->wait_ticks && self->head < self->limit)
      record_wait(self);
    room = room_or_wait(self, n);
  }
  errno = saved;
  return room;
}

/* Returns: NULL where there is no slot for the process. */
static struct lti_proc *claimed(void) {
  return lti_process_claim() ? proc_now() : NULL;
}

uint64_t lti_task_new_slow(void) {
  struct lti_self *self = &lti_self;
  int saved = errno;
  uint64_t id = 0;
  struct lti_proc *proc = lti_is_on() ? claimed() : NULL;
  if (proc) {
    const uint64_t block = 1024;
    self->task_next = atomic_fetch_add(&proc->next_task, block);
    self->task_end = self->task_next + block;
    id = self->task_next++;
    if (id + block > LTI_REF_MAX) /* 2^40 tasks: ids are used up */
      id = self->task_next = self->task_end = 0;
  }
  errno = saved;
  return id;
}

uint32_t lti_loop_new(void) {
  int saved = errno;
  uint32_t id = 0;
  struct lti_proc *proc = *lti_process.alive ? claimed() : NULL;
  if (proc) {
    id = atomic_fetch_add(&proc->loops, 1) + 1;
    if (id > 65535)
      id = 65535;
  }
  errno = saved;
  return id;
}

void lti_emit_data(unsigned kind, uint64_t a, uint64_t b, const void *bytes,
                   size_t size) {
  struct lti_self *self = &lti_self;
  if (!lti_is_on())
    return;
  lti_slot_check();
  if (size > LTI_DATA_MAX)
    size = LTI_DATA_MAX;
  if (self->busy) {
    lti_emit_lost(LT_LOST_NESTED);
    return;
  }
  self->busy = 1;
  atomic_signal_fence(memory_order_seq_cst);
  uint64_t n = (size + sizeof(struct lti_record) - 1) / sizeof(struct lti_record);
  if (self->head + n < self->limit || lti_emit_room_slow(n + 1)) {
    struct lti_record *r = &self->ring[self->head & self->mask];
    r->clock = lti_now();
    r->head = LTI_HEAD(kind, size, 0);
    r->a = a;
    r->b = b;
    for (uint64_t i = 0; i < n; i++) {
      size_t at = i * sizeof *r;
      size_t part = size - at < sizeof *r ? size - at : sizeof *r;
      memcpy(&self->ring[(self->head + 1 + i) & self->mask],
             (const char *)bytes + at, part);
    }
    self->head += n + 1;
    atomic_store_explicit(&self->slot->head, self->head, memory_order_release);
  }
  atomic_signal_fence(memory_order_seq_cst);
  self->busy = 0;
}

uint64_t lti_emit_string(const char *text) {
  int saved = errno;
  uint64_t id = 0;
  struct lti_proc *proc = text && lti_is_on() ? claimed() : NULL;
  if (proc) {
    id = atomic_fetch_add(&proc->strings, 1) + 1;
    lti_emit_data(LTI_DATA_STRING, id, 0, text, strlen(text));
  }
  errno = saved;
  return id;
}

void lti_note_emit(const char *sentence) {
  lti_emit_data(LTI_DATA_NOTE, 0, 0, sentence, strlen(sentence));
}
