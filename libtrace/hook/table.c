/* The side table: open addressing, in 64 shards, each with a sequence lock.
 *
 * Invariant: while a shard's seq is even, every entry is reachable from its
 * home by a run of slots without a gap.  Deleting therefore shifts later
 * entries back rather than leaving a mark.  An array that a shard has outgrown
 * is never unmapped: a reader may still be in it (all of them together are
 * smaller than the one in use).  Called by the wrappers and trampolines only.
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
_Static_assert(offsetof(struct lti_entry, key) == 0, "word 0 is the key");

_Static_assert(offsetof(struct lti_entry, epoch) == 16 &&
                   offsetof(struct lti_entry, fn) == 24 &&
                   offsetof(struct lti_entry, second) == 32,
               "as lti_table_hit() reads them, on little-endian machines");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "see above");

struct lti_shard lti_shards[LTI_SHARDS];

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static struct lti_shard *shard_of(uint64_t key) {
  return &lti_shards[lti_table_hash(key) >> (64 - LTI_SHARD_BITS)];
}

static uint64_t home(uint64_t key, uint64_t mask) {
  return lti_table_hash(key) >> 24 & mask;
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

bool lti_table_get(uint64_t key, struct lti_entry *entry, bool patient) {
  struct lti_shard *shard = shard_of(key);
  bool found;
  if (__builtin_expect(read_whole(shard, key, entry, &found), 1))
    return found;
  return read_contended(shard, key, entry, patient);
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

bool lti_table_put(const struct lti_entry *entry) {
  struct lti_shard *shard = shard_of(entry->key);
  if (!take_lock(shard))
    return false;
  struct lti_slot *slot = find(shard, entry->key);
  bool there = slot && key_at(slot, 0) == entry->key;
  bool room = there || has_room(shard);
  if (room) {
    if (!there) {
      slot = find(shard, entry->key); /* it may have grown */
      shard->used++;
    }
    write_begin(shard);
    store(slot, entry);
    write_end(shard);
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
  if (!take_lock(shard))
    return lti_table_get(key, entry, true);
  struct lti_slot *slot = find(shard, key);
  bool there = slot && key_at(slot, 0) == key;
  if (there) {
    struct lti_slot *slots =
        atomic_load_explicit(&shard->slots, memory_order_relaxed);
    load(slot, entry);
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
  for (int i = 0; i < LTI_SHARDS; i++) {
    struct lti_shard *shard = &lti_shards[i];
    if (atomic_load_explicit(&shard->seq, memory_order_relaxed) & 1)
      write_end(shard);
    release_lock(shard);
  }
}
