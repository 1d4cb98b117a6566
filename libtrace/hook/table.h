/* The side table: what the program's handles, requests and loops really call.
 *
 * libuv holds our trampolines; the program's own functions are here, keyed by
 * the object's address and family.  Nothing of the object itself is used: some
 * programs use its reserved fields, too.
 *
 * Threads: any.  Reads take no lock and may be made in a signal handler. Writes
 * are the loop thread's (libuv's own rule), lock one of 64 shards, and are not
 * for handlers.  errno is preserved. */
#ifndef LTI_TABLE_H
#define LTI_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/* The low bits of an address are free for it. */
enum lti_family { LTI_HANDLE = 1, LTI_REQUEST = 2, LTI_LOOP = 3 };

static inline uint64_t lti_key(const void *object, enum lti_family family) {
  return (uint64_t)(uintptr_t)object | (uint64_t)family;
}

struct lti_entry {
  uint64_t key;     /* lti_key() */
  uint64_t task;    /* of a loop: its id */
  uint32_t epoch;   /* which recording task is known in, lti_epoch() */
  uint16_t kind;    /* lt_task_kind */
  uint16_t closing; /* uv_close was called: it will be armed no more */
  uintptr_t fn;     /* the program's callback; 0 for none */
  uintptr_t second; /* its alloc_cb, or the work function */
  uintptr_t close;  /* its close_cb; 0 for none */
};

/* How it is stored; for lti_table_hit() and table.c only. */
enum { LTI_SHARD_BITS = 6, LTI_SHARDS = 1 << LTI_SHARD_BITS };

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
extern struct lti_shard lti_shards[LTI_SHARDS]
    __attribute__((visibility("hidden")));

static inline uint64_t lti_table_hash(uint64_t key) {
  return key * UINT64_C(0x9e3779b97f4a7c15);
}

/* What a handle's trampoline needs. */
struct lti_hit {
  uint64_t task;
  uint32_t epoch;
  uintptr_t fn;
};

/* The fast path of lti_table_get() for one field: fn or second.  It succeeds
 * unless somebody writes just now, or the entry is not in its first place.
 * Partner of the fence: write_begin() and write_end() in table.c. */
static inline bool lti_table_hit(uint64_t key, bool second,
                                 struct lti_hit *hit) {
  uint64_t hash = lti_table_hash(key);
  struct lti_shard *shard = &lti_shards[hash >> (64 - LTI_SHARD_BITS)];
  uint32_t seq = atomic_load_explicit(&shard->seq, memory_order_acquire);
  uint64_t mask = atomic_load_explicit(&shard->mask, memory_order_acquire);
  struct lti_slot *slot =
      atomic_load_explicit(&shard->slots, memory_order_relaxed);
  if (!slot)
    return false;
  slot += hash >> 24 & mask;
  if (atomic_load_explicit(&slot->word[0], memory_order_relaxed) != key)
    return false;
  hit->task = atomic_load_explicit(&slot->word[1], memory_order_relaxed);
  hit->epoch =
      (uint32_t)atomic_load_explicit(&slot->word[2], memory_order_relaxed);
  hit->fn =
      atomic_load_explicit(&slot->word[second ? 4 : 3], memory_order_relaxed);
  atomic_thread_fence(memory_order_acquire);
  return atomic_load_explicit(&shard->seq, memory_order_relaxed) ==
         (seq & ~UINT32_C(1)); /* odd: somebody was writing */
}

/* Look an object up.  patient: wait for a writer, however long it is preempted;
 * without it (for signal handlers, which may sit on top of the writer) a read
 * gives up waiting after some microseconds and may miss an entry.
 * Returns: false when it is not there; then *entry is unchanged. */
bool lti_table_get(uint64_t key, struct lti_entry *entry, bool patient);

/* Insert or replace.  Returns: false when there is no memory for it. */
bool lti_table_put(const struct lti_entry *entry);

/* Look up and delete.  Returns: as lti_table_get(). */
bool lti_table_take(uint64_t key, struct lti_entry *entry);

/* Forget an object; unknown ones are ignored. */
void lti_table_drop(uint64_t key);

/* In a forked child: undo the locks of threads that do not exist here. */
void lti_table_after_fork(void);

#endif
