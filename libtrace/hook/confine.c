/* A program that is about to forbid itself system calls (seccomp).
 *
 * What is forbidden may be answered by death, and ours would be answered the
 * same way.  So what we would ask the system later is asked before, and from
 * then on nothing is: no CPU times, no names of descriptors and threads.
 * Invariant: lti_process.is_confined never becomes false.  libseccomp and
 * programs call the wrapper; libseccomp says PR_SET_NO_NEW_PRIVS first. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <sys/prctl.h>

#include "hook/real.h"
#include "record/process.h"

static void prepare(void) {
  int saved = errno;
  lti_process_revive();
  if (*lti_process.alive && lti_process_claim()) {
    lti_modules_emit(); /* they are told to the slot, once */
    lti_note_emit("the program forbids itself system calls (seccomp, or "
                  "PR_SET_NO_NEW_PRIVS before it): from then on CPU times are "
                  "seen from outside only, and descriptors have no names");
  }
  lti_process.is_confined = true;
  errno = saved;
}

LTI_INTERPOSE int prctl(int op, ...) {
  va_list more;
  va_start(more, op);
  unsigned long a = va_arg(more, unsigned long);
  unsigned long b = va_arg(more, unsigned long);
  unsigned long c = va_arg(more, unsigned long);
  unsigned long d = va_arg(more, unsigned long);
  va_end(more);
  if ((op == PR_SET_SECCOMP || (op == PR_SET_NO_NEW_PRIVS && a == 1)) &&
      lti_process.arena && !lti_process.is_confined)
    prepare();
  return lti_libc.prctl(op, a, b, c, d);
}
