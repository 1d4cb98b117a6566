/* The recorder that is in use in this process, for task/.
 *
 * A process may have two copies of record/: the one in liblooptrace and the one
 * in the preload, and only one is attached to an arena.  Internal names are bound
 * within their copy, so task/, which is in liblooptrace only, asks through the
 * one interposable name below and gets the table of the copy that comes first in
 * the program's search order: the preload's, where it is loaded.  Decision 0010.
 *
 * Fetched once a loop; after that an event costs the same stores as lti_emit(),
 * through a pointer to the thread's own block. */
#ifndef LTI_RECORDER_H
#define LTI_RECORDER_H

#include "record/emit.h"

/* Changes whenever lti_self, lti_process, lti_thread or this table does: two
 * copies of different builds do not touch each other's memory. */
#define LTI_RECORDER_LAYOUT                                                    \
  (UINT32_C(2) << 24 | (uint32_t)sizeof(struct lti_self) << 12 |               \
   (uint32_t)sizeof(struct lti_process))

struct lti_recorder {
  uint32_t layout;
  const struct lti_process *process;
  struct lti_self *(*self)(void); /* of the calling thread */
  bool (*room)(uint64_t n);
  void (*lost)(lt_lost cause);
  uint64_t (*task_new)(void);
  uint64_t (*string)(const char *text);
  void (*usage)(void);
  void (*emit)(unsigned kind, unsigned x, uint64_t ref, uint64_t a, uint64_t b);
};

/* The copy in front.  Threads: any.  Returns: static, never NULL. */
LT_EXPORT const struct lti_recorder *lt__recorder(void);

/* This copy. */
const struct lti_recorder *lti_recorder_own(void);

#endif
