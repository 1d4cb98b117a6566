/* Which copy of the hooks is in charge, the constructor, and the destructor.
 *
 * A process may hold two copies: the preload, and liblooptrace that the program
 * links.  The one that the dynamic linker finds first is in charge; the other
 * never attaches, so all its wrappers hand their calls on.  Called by the
 * dynamic linker. */
#include "hook/past.h"
#include "hook/scope.h"

#include <errno.h>
#include <pthread.h>

/* Found by name, hence the first copy's in every copy.
 * Returns: something that each copy has one of. */
LT_EXPORT const void *lt_hook_owner(void);
const void *lt_hook_owner(void) {
  return &lti_process;
}

/* Through a pointer: some compilers would call this copy's own. */
static const void *(*const volatile find_owner)(void) = lt_hook_owner;

/* Another thread of the child may be the first to turn a loop. */
static void after_fork(void) {
  lti_table_after_fork();
  lti_whose_after_fork();
  if (lti_process.arena) {
    lti_thread_forked();
    lti_frames_mute();
  }
}

__attribute__((constructor)) static void hook_start(void) {
  int saved = errno;
  lti_real_find_libc();
  if (find_owner() == &lti_process) {
    (void)pthread_atfork(NULL, NULL, after_fork);
    (void)lti_process_attach();
  }
  errno = saved;
}

__attribute__((destructor)) static void hook_end(void) {
  if (find_owner() == &lti_process)
    lti_past_tell();
}
