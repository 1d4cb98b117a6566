/* What /proc tells of a thread. */
#ifndef LTI_LOOK_H
#define LTI_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lti_look {
  char state;       /* third field of stat */
  bool has_call;    /* it is in a system call: the next four */
  bool is_denied;   /* the kernel does not show us which */
  int64_t number;   /* -1: in none, waiting for a page */
  uint64_t arguments[6];
  uint64_t sp, pc;
  bool has_usage;
  uint64_t cpu_ns, delay_ns, switches, faults;
};

/* Look.  Returns: false when there is no such thread (any more). */
bool lti_look_take(int32_t pid, int32_t tid, struct lti_look *look);

/* Is it still in that very call, and has not been away? */
bool lti_look_is_same(int32_t pid, int32_t tid, const struct lti_look *look);

/* A thread for people, as the program says it itself: "worker (thread 4711)".
 * Returns: buf; NULL when there is no such thread (any more). */
#define LTI_LOOK_THREAD_BYTES 80
const char *lti_look_thread(int32_t pid, int32_t tid,
                            char buf[LTI_LOOK_THREAD_BYTES]);

/* When a process began, in clock ticks: field 22 of its stat; 0 unknown. */
uint64_t lti_look_start_ticks(int32_t pid);

/* The name of a system call: static or in buf; NULL for -1.  on: what it waits
 * on, as a CALL's ref. */
const char *lti_look_call(const struct lti_look *look, char buf[32],
                          uint64_t *on);


/* What the descriptor is that the call waits for, in buf: a path, "pipe",
 * "eventfd".  NULL: no descriptor, unknown, or a socket, whose address only its
 * process can ask for. */
const char *lti_look_fd_name(int32_t pid, const struct lti_look *look,
                             char *buf, size_t size);

#endif
