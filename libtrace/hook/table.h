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

#include "record/emit.h"

/* The low bits of an address are free for it. */
enum lti_family { LTI_HANDLE = 1, LTI_REQUEST = 2, LTI_LOOP = 3 };
enum { LTI_FAMILIES = 3 }; /* those bits */

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

/* Which recording tasks are known in now: another one after a fork. */
static inline uint32_t lti_epoch(void) {
  return (uint32_t)((uintptr_t)lti_process.proc >> 6);
}

/* The front: what the callbacks of handles need, and nothing else, where one
 * multiplication leads.  Of handles that would stand in one place the last one
 * armed does.
 *
 * who is the handle's address where its task is of this recording and goes on,
 * and the clock is the TSC, so that whoever finds it need not ask; else that
 * plus 1; and 0 while the rest changes.  That it is the same before and after
 * reading is enough: only the thread that turns its loop writes an entry of the
 * same handle, and that one is reading. */
struct lti_front {
  _Atomic uintptr_t who;
  _Atomic uint64_t head; /* LTI_HEAD(0, kind, task) */
  _Atomic uintptr_t fn[2]; /* fn, second */
};
enum { LTI_FRONT_BITS = 12 };
_Static_assert(sizeof(struct lti_front) << LTI_FRONT_BITS == LTI_FRONT_BYTES,
               "what record/process.c maps");

/* The factor was searched for: of 1,000 handles in an array, whatever their size
 * up to 1 KiB, not one in twenty has its place taken. */
static inline uint32_t lti_front_index(uintptr_t address) {
  return (uint32_t)address * UINT32_C(0x50dd5751) >> (32 - LTI_FRONT_BITS);
}

static inline struct lti_front *lti_front_of(const void *handle) {
  return (struct lti_front *)lti_process.front +
         lti_front_index((uintptr_t)handle);
}

struct lti_hit {
  uint64_t head;
  uintptr_t fn;
};

/* may_be: also a handle whose task is of no recording, or another one's.
 * second: the entry's second function, not its first.  Partner of the fence:
 * front_put() in table.c.  Returns: false when it is not there. */
static inline bool lti_front_get(const void *handle, bool may_be, bool second,
                                 struct lti_hit *hit) {
  uintptr_t any = may_be ? 1 : 0;
  struct lti_front *front = lti_front_of(handle);
  uintptr_t who = atomic_load_explicit(&front->who, memory_order_acquire);
  if ((who & ~any) != (uintptr_t)handle)
    return false;
  hit->head = atomic_load_explicit(&front->head, memory_order_relaxed);
  hit->fn = atomic_load_explicit(&front->fn[second], memory_order_relaxed);
  atomic_thread_fence(memory_order_acquire);
  return atomic_load_explicit(&front->who, memory_order_relaxed) == who;
}

/* Is a handle there, of this kind, and with these functions?  Then arming it
 * again changes nothing.  is_bare: one that has no task is asked for, as it is
 * while tracing is off; else one whose task is known, which *task becomes. */
static inline bool lti_front_same(const void *handle, unsigned kind,
                                  uintptr_t fn, uintptr_t second, bool is_bare,
                                  uint64_t *task) {
  struct lti_hit first, other;
  if (!lti_process.front || !lti_front_get(handle, is_bare, false, &first) ||
      !lti_front_get(handle, is_bare, true, &other) || first.fn != fn ||
      other.fn != second || LTI_HEAD_X(first.head) != kind ||
      is_bare != !LTI_HEAD_REF(first.head))
    return false;
  *task = LTI_HEAD_REF(first.head);
  return true;
}

/* The same, for a handle whose place another one has; it gets the place when that
 * is free. */
bool lti_front_miss(const void *handle, bool second, struct lti_hit *hit);

/* Requests come and go: one that finds its place free stands there, and not in
 * the table.  From its submission to its callback the place is its own, so that
 * nothing is locked.  word: lti_entry; the key is 1 while it is being filled. */
struct lti_place {
  _Alignas(LTI_LINE) _Atomic uint64_t word[5];
};
enum { LTI_PLACE_BITS = 10 };
extern struct lti_place lti_places[1 << LTI_PLACE_BITS]
    __attribute__((visibility("hidden")));

static inline struct lti_place *lti_place_of(uintptr_t address) {
  return &lti_places[lti_front_index(address) >>
                     (LTI_FRONT_BITS - LTI_PLACE_BITS)];
}

/* Of a request that has a place, a task of this recording and a callback.
 * Returns: false for others. */
static inline bool lti_place_get(const void *req, uint64_t *task,
                                 uintptr_t *fn) {
  struct lti_place *place = lti_place_of((uintptr_t)req);
  if (atomic_load_explicit(&place->word[0], memory_order_acquire) !=
      lti_key(req, LTI_REQUEST))
    return false;
  *task = atomic_load_explicit(&place->word[1], memory_order_relaxed);
  *fn = atomic_load_explicit(&place->word[3], memory_order_relaxed);
  return *task && *fn &&
         (uint32_t)atomic_load_explicit(
             &place->word[2], memory_order_relaxed) == lti_epoch();
}

/* Of a request that has a place and a callback, but no task: it was made while
 * tracing was off.  Returns: false for others. */
static inline bool lti_place_get_bare(const void *req, uintptr_t *fn) {
  struct lti_place *place = lti_place_of((uintptr_t)req);
  if (atomic_load_explicit(&place->word[0], memory_order_acquire) !=
      lti_key(req, LTI_REQUEST))
    return false;
  *fn = atomic_load_explicit(&place->word[3], memory_order_relaxed);
  return *fn && !atomic_load_explicit(&place->word[1], memory_order_relaxed);
}

static inline void lti_place_free(const void *req) {
  atomic_store_explicit(&lti_place_of((uintptr_t)req)->word[0], 0,
                        memory_order_release);
}

/* Look an object up.  patient: wait for a writer, however long it is preempted;
 * without it (for signal handlers, which may sit on top of the writer) a read
 * gives up waiting after some microseconds and may miss an entry.
 * Returns: false when it is not there; then *entry is unchanged. */
bool lti_table_get(uint64_t key, struct lti_entry *entry, bool patient);

/* The task of an object, for signal handlers, too.  Returns: 0 for none. */
uint64_t lti_table_task(uint64_t key);

/* Insert or replace; a handle's goes to the front, too.
 *
 * old: NULL, or to become what stood there; its key is 0 where nothing did.
 * Returns: false when there is no memory for it; then *old is unchanged. */
bool lti_table_put(const struct lti_entry *entry, struct lti_entry *old);

/* Look up and delete.  Returns: as lti_table_get(). */
bool lti_table_take(uint64_t key, struct lti_entry *entry);

/* Forget an object; unknown ones are ignored. */
void lti_table_drop(uint64_t key);

/* In a forked child: undo the locks of threads that do not exist here. */
void lti_table_after_fork(void);

#endif
