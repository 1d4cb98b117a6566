/* The side table: open addressing, in 64 shards, each with a sequence lock.
 *
 * Invariant: while a shard's seq is even, every entry is reachable from its
 * home by a run of slots without a gap.  Deleting therefore shifts later
 * entries back rather than leaving a mark.  An array that a shard has outgrown
 * is never unmapped: a reader may still be in it (all of them together are
 * smaller than the one in use).  The front is written under the lock of the
 * shard, and has nothing that the shard has not.  Called by the wrappers and
 * trampolines only.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "hook/table.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

enum {
  FIRST_SLOTS = 128,
  WORDS = sizeof(struct lti_entry) / 8,
  SPINS = 2000, /* some 50 us: a writer needs less than one, unless preempted */
  YIELDS = 20000 /* a preempted writer comes back long before */
};
_Static_assert(sizeof(struct lti_entry) == 8 * WORDS, "no padding");
_Static_assert(offsetof(struct lti_entry, key) == 0 &&
                   offsetof(struct lti_entry, task) == 8,
               "word 0 is the key, word 1 the task");
_Static_assert(offsetof(struct lti_entry, epoch) == 16 &&
                   offsetof(struct lti_entry, fn) == 24 &&
                   offsetof(struct lti_entry, second) == 32 &&
                   __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "as lti_place_get() reads them");

enum { SHARD_BITS = 6, SHARDS = 1 << SHARD_BITS };

struct lti_slot {
  _Alignas(LTI_LINE) _Atomic uint64_t word[8]; /* lti_entry; [0] 0: free */
};

struct lti_shard {
  _Alignas(LTI_LINE) _Atomic uint32_t lock; /* 1 while a thread writes */
  _Atomic uint32_t seq;                     /* odd meanwhile */
  _Atomic uint64_t mask;                    /* of slots; written after it */
  _Atomic(struct lti_slot *) slots;         /* NULL until the first insertion */
  uint64_t used;                            /* under lock */
};
static struct lti_shard shards[SHARDS];

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static uintptr_t object_of(uint64_t key) {
  return (uintptr_t)key & ~(uintptr_t)LTI_FAMILIES;
}

/* All that may stand in one place of the front are in one shard. */
static struct lti_shard *shard_of(uint64_t key) {
  return &shards[lti_front_index(object_of(key)) >>
                 (LTI_FRONT_BITS - SHARD_BITS)];
}

static uint64_t home(uint64_t key, uint64_t mask) {
  return key * UINT64_C(0x9e3779b97f4a7c15) >> 24 & mask;
}

static uint64_t key_at(const struct lti_slot *slots, uint64_t i) {
  return atomic_load_explicit(&slots[i].word[0], memory_order_relaxed);
}

static void load(const struct lti_slot *slot, struct lti_entry *entry) {
  uint64_t words[WORDS];
  for (int i = 0; i < WORDS; i++)
    words[i] = atomic_load_explicit(&slot->word[i], memory_order_relaxed);
  memcpy(entry, words, sizeof words);
}

static void store(struct lti_slot *slot, const struct lti_entry *entry) {
  uint64_t words[WORDS];
  memcpy(words, entry, sizeof words);
  for (int i = WORDS - 1; i >= 0; i--) /* the key last */
    atomic_store_explicit(&slot->word[i], words[i], memory_order_relaxed);
}

/* Where key is, or the free slot that ends its run.  Bounded even when a writer
 * moves things meanwhile. */
static struct lti_slot *probe(struct lti_slot *slots, uint64_t mask,
                              uint64_t key) {
  uint64_t i = home(key, mask);
  for (uint64_t n = 0; n <= mask; n++, i = (i + 1) & mask) {
    uint64_t there = key_at(slots, i);
    if (there == key || !there)
      return &slots[i];
  }
  return NULL;
}

static bool read_once(struct lti_shard *shard, uint64_t key,
                      struct lti_entry *entry) {
  /* Partner: grow().  A mask seen implies its slots seen, never smaller ones.
   */
  uint64_t mask = atomic_load_explicit(&shard->mask, memory_order_acquire);
  struct lti_slot *slots =
      atomic_load_explicit(&shard->slots, memory_order_relaxed);
  struct lti_slot *slot = slots ? probe(slots, mask, key) : NULL;
  if (!slot)
    return false;
  struct lti_entry found;
  load(slot, &found);
  if (found.key != key)
    return false;
  *entry = found;
  return true;
}

static bool read_contended(struct lti_shard *shard, uint64_t key,
                           struct lti_entry *entry, bool patient)
    __attribute__((cold, noinline));

/* Partner of the fences: write_begin() and write_end(). */
static bool read_whole(struct lti_shard *shard, uint64_t key,
                       struct lti_entry *entry, bool *found) {
  struct lti_entry copy;
  uint32_t seq = atomic_load_explicit(&shard->seq, memory_order_acquire);
  bool there = !(seq & 1) && read_once(shard, key, &copy);
  atomic_thread_fence(memory_order_acquire);
  if (seq & 1 || atomic_load_explicit(&shard->seq, memory_order_relaxed) != seq)
    return false;
  if (there)
    *entry = copy;
  *found = there;
  return true;
}

static bool read_contended(struct lti_shard *shard, uint64_t key,
                           struct lti_entry *entry, bool patient) {
  bool found = false;
  for (int i = 0; i < SPINS; i++, relax())
    if (read_whole(shard, key, entry, &found))
      return found;
  for (int i = 0; patient && i < YIELDS; i++, sched_yield())
    if (read_whole(shard, key, entry, &found))
      return found;
  return read_once(shard, key, entry);
}

struct lti_place lti_places[1 << LTI_PLACE_BITS];

/* Where a request stands; NULL where that is in the table. */
static struct lti_place *place_with(uint64_t key) {
  struct lti_place *place = lti_place_of(object_of(key));
  return (key & LTI_FAMILIES) == LTI_REQUEST &&
                 atomic_load_explicit(&place->word[0], memory_order_acquire) ==
                     key
             ? place
             : NULL;
}

static void place_read(const struct lti_place *place, struct lti_entry *entry) {
  uint64_t words[WORDS] = {0};
  for (int i = 0; i < 5; i++)
    words[i] = atomic_load_explicit(&place->word[i], memory_order_relaxed);
  memcpy(entry, words, sizeof words);
}

/* Returns: false when the place is not free. */
static bool place_put(const struct lti_entry *entry, struct lti_entry *old) {
  uint64_t words[WORDS], none = 0;
  struct lti_place *place = place_with(entry->key);
  if (old)
    old->key = 0;
  if (place && old)
    place_read(place, old);
  if (!place) {
    place = lti_place_of(object_of(entry->key));
    if (atomic_load_explicit(&place->word[0], memory_order_relaxed) ||
        !atomic_compare_exchange_strong(&place->word[0], &none, 1))
      return false;
  }
  memcpy(words, entry, sizeof words);
  for (int i = 1; i < 5; i++)
    atomic_store_explicit(&place->word[i], words[i], memory_order_relaxed);
  atomic_store_explicit(&place->word[0], entry->key, memory_order_release);
  return true;
}

bool lti_table_get(uint64_t key, struct lti_entry *entry, bool patient) {
  struct lti_shard *shard = shard_of(key);
  struct lti_place *place = place_with(key);
  bool found;
  if (place) {
    place_read(place, entry);
    return true;
  }
  if (__builtin_expect(read_whole(shard, key, entry, &found), 1))
    return found;
  return read_contended(shard, key, entry, patient);
}

/* The quick way to the first n words of most entries: it is in its first place,
 * and nobody writes. */
static inline bool read_home(uint64_t key, uint64_t *words, int n) {
  struct lti_shard *shard = shard_of(key);
  uint32_t seq = atomic_load_explicit(&shard->seq, memory_order_acquire);
  uint64_t mask = atomic_load_explicit(&shard->mask, memory_order_acquire);
  struct lti_slot *slots =
      atomic_load_explicit(&shard->slots, memory_order_relaxed);
  if (!slots || seq & 1)
    return false;
  const struct lti_slot *slot = &slots[home(key, mask)];
  for (int i = 0; i < n; i++)
    words[i] = atomic_load_explicit(&slot->word[i], memory_order_relaxed);
  atomic_thread_fence(memory_order_acquire);
  return words[0] == key &&
         atomic_load_explicit(&shard->seq, memory_order_relaxed) == seq;
}

uint64_t lti_table_task(uint64_t key) {
  uint64_t words[2];
  if (read_home(key, words, 2))
    return words[1];
  struct lti_entry entry;
  return lti_table_get(key, &entry, false) ? entry.task : 0;
}

static bool take_lock(struct lti_shard *shard) {
  for (int i = 0; i < SPINS + YIELDS; i++) {
    if (!atomic_exchange_explicit(&shard->lock, 1, memory_order_acquire))
      return true;
    if (i < SPINS)
      relax();
    else
      sched_yield();
  }
  return false; /* its holder never comes back */
}

static void write_begin(struct lti_shard *shard) {
  uint32_t seq = atomic_load_explicit(&shard->seq, memory_order_relaxed);
  atomic_store_explicit(&shard->seq, seq + 1, memory_order_relaxed);
  atomic_thread_fence(memory_order_release);
}

static void write_end(struct lti_shard *shard) {
  uint32_t seq = atomic_load_explicit(&shard->seq, memory_order_relaxed);
  atomic_store_explicit(&shard->seq, seq + 1, memory_order_release);
}

static void release_lock(struct lti_shard *shard) {
  atomic_store_explicit(&shard->lock, 0, memory_order_release);
}

static void copy_all(struct lti_slot *to, uint64_t to_mask,
                     struct lti_slot *from, uint64_t from_mask) {
  for (uint64_t i = 0; from && i <= from_mask; i++) {
    struct lti_entry entry;
    load(&from[i], &entry);
    if (entry.key)
      store(probe(to, to_mask, entry.key), &entry);
  }
}

/* Twice the room.  Readers go on in the old array until the last store. */
static bool grow(struct lti_shard *shard) {
  struct lti_slot *old =
      atomic_load_explicit(&shard->slots, memory_order_relaxed);
  uint64_t old_mask = atomic_load_explicit(&shard->mask, memory_order_relaxed);
  uint64_t n = old ? 2 * (old_mask + 1) : FIRST_SLOTS;
  int saved = errno;
  struct lti_slot *new = mmap(NULL, n * sizeof *new, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  errno = saved;
  if (new == MAP_FAILED)
    return false;
  copy_all(new, n - 1, old, old_mask);
  write_begin(shard);
  atomic_store_explicit(&shard->slots, new, memory_order_relaxed);
  atomic_store_explicit(&shard->mask, n - 1, memory_order_release);
  write_end(shard);
  return true;
}

/* At most three quarters full, unless there is no memory; never quite full. */
static bool has_room(struct lti_shard *shard) {
  uint64_t n = atomic_load_explicit(&shard->mask, memory_order_relaxed) + 1;
  if (!atomic_load_explicit(&shard->slots, memory_order_relaxed))
    return grow(shard);
  return shard->used < n / 4 * 3 || grow(shard) || shard->used < n - 1;
}

static struct lti_slot *find(struct lti_shard *shard, uint64_t key) {
  struct lti_slot *slots =
      atomic_load_explicit(&shard->slots, memory_order_relaxed);
  return slots ? probe(slots,
                       atomic_load_explicit(&shard->mask, memory_order_relaxed),
                       key)
               : NULL;
}

/* Under the shard's lock. */
static struct lti_front *front_of(uint64_t key) {
  struct lti_front *front = lti_process.front;
  if (!front || (key & LTI_FAMILIES) != LTI_HANDLE)
    return NULL;
  return front + lti_front_index(object_of(key));
}

static bool front_is_free(const struct lti_front *front) {
  return !atomic_load_explicit(&front->who, memory_order_relaxed);
}

static void front_drop(uint64_t key) {
  struct lti_front *front = front_of(key);
  if (front && (atomic_load_explicit(&front->who, memory_order_relaxed) &
                ~(uintptr_t)1) == object_of(key))
    atomic_store_explicit(&front->who, 0, memory_order_release);
}

/* In a forked child that records nothing, alive is 0. */
static bool is_for_callbacks(const struct lti_entry *entry) {
  return entry->task && entry->epoch == lti_epoch() && !entry->closing &&
         *lti_process.alive && lti_process.clock_is_tsc;
}

static void front_put(const struct lti_entry *entry) {
  struct lti_front *front = front_of(entry->key);
  if (!front)
    return;
  /* Partner: lti_front_get(). */
  atomic_store_explicit(&front->who, 0, memory_order_relaxed);
  atomic_thread_fence(memory_order_release);
  atomic_store_explicit(&front->head, LTI_HEAD(0, entry->kind, entry->task),
                        memory_order_relaxed);
  atomic_store_explicit(&front->fn[0], entry->fn, memory_order_relaxed);
  atomic_store_explicit(&front->fn[1], entry->second, memory_order_relaxed);
  atomic_store_explicit(&front->who,
                        object_of(entry->key) + !is_for_callbacks(entry),
                        memory_order_release);
}

static void front_fill(const struct lti_entry *entry) {
  struct lti_shard *shard = shard_of(entry->key);
  if (!take_lock(shard))
    return;
  if (front_is_free(front_of(entry->key)))
    front_put(entry);
  release_lock(shard);
}

bool lti_front_miss(const void *handle, bool second, struct lti_hit *hit) {
  uint64_t key = lti_key(handle, LTI_HANDLE);
  uint64_t words[WORDS];
  struct lti_entry entry;
  if (!read_home(key, words, WORDS))
    return false;
  memcpy(&entry, words, sizeof entry);
  if (!is_for_callbacks(&entry))
    return false;
  if (front_is_free(front_of(key)))
    front_fill(&entry);
  hit->head = LTI_HEAD(0, entry.kind, entry.task);
  hit->fn = second ? entry.second : entry.fn;
  return true;
}

bool lti_table_put(const struct lti_entry *entry, struct lti_entry *old) {
  struct lti_shard *shard = shard_of(entry->key);
  if ((entry->key & LTI_FAMILIES) == LTI_REQUEST && place_put(entry, old))
    return true;
  if (!take_lock(shard))
    return false;
  struct lti_slot *slot = find(shard, entry->key);
  bool there = slot && key_at(slot, 0) == entry->key;
  bool room = there || has_room(shard);
  if (room && old) {
    old->key = 0;
    if (there)
      load(slot, old);
  }
  if (room) {
    if (!there) {
      slot = find(shard, entry->key); /* it may have grown */
      shard->used++;
    }
    front_drop(entry->key);
    write_begin(shard);
    store(slot, entry);
    write_end(shard);
    front_put(entry);
  }
  release_lock(shard);
  return room;
}

/* Close the gap at slot i: whatever its home allows moves back into it. */
static void remove_at(struct lti_slot *slots, uint64_t mask, uint64_t i) {
  for (uint64_t j = (i + 1) & mask; key_at(slots, j); j = (j + 1) & mask) {
    uint64_t from_home = (j - home(key_at(slots, j), mask)) & mask;
    if (from_home < ((j - i) & mask))
      continue;
    struct lti_entry entry;
    load(&slots[j], &entry);
    store(&slots[i], &entry);
    i = j;
  }
  atomic_store_explicit(&slots[i].word[0], 0, memory_order_relaxed);
}

bool lti_table_take(uint64_t key, struct lti_entry *entry) {
  struct lti_shard *shard = shard_of(key);
  struct lti_place *place = place_with(key);
  if (place) {
    place_read(place, entry);
    atomic_store_explicit(&place->word[0], 0, memory_order_release);
    return true;
  }
  if (!take_lock(shard))
    return lti_table_get(key, entry, true);
  struct lti_slot *slot = find(shard, key);
  bool there = slot && key_at(slot, 0) == key;
  if (there) {
    struct lti_slot *slots =
        atomic_load_explicit(&shard->slots, memory_order_relaxed);
    load(slot, entry);
    front_drop(key);
    write_begin(shard);
    remove_at(slots, atomic_load_explicit(&shard->mask, memory_order_relaxed),
              (uint64_t)(slot - slots));
    shard->used--;
    write_end(shard);
  }
  release_lock(shard);
  return there;
}

void lti_table_drop(uint64_t key) {
  struct lti_entry entry;
  (void)lti_table_take(key, &entry);
}

void lti_table_after_fork(void) {
  for (int i = 0; i < SHARDS; i++) {
    struct lti_shard *shard = &shards[i];
    if (atomic_load_explicit(&shard->seq, memory_order_relaxed) & 1)
      write_end(shard);
    release_lock(shard);
  }
}
