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

#include <stdbool.h>
#include <stdint.h>

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
