/* The signal for a snapshot.
 *
 * Invariant: a handler of the program's is never replaced, neither when ours
 * comes nor when it goes; ours adds one to a number in memory, and changes
 * nothing else.  Called by lt_trace_start() and lt_trace_stop(). */
#include "record/trigger.h"

#include <looptrace/trace.h>

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static int trigger; /* 0: none */

static void ask(int signal) {
  (void)signal;
  (void)lt_trace_snapshot();
}

/* Those that a fault raises, and those that nobody may catch. */
static bool is_askable(int signal) {
  static const int others[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,
                               SIGFPE,  SIGILL,  SIGTRAP, SIGSYS, SIGABRT};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (signal == others[i])
      return false;
  return signal > 0;
}

lt_status lti_trigger_set(int signal) {
  struct sigaction before, ours = {.sa_handler = ask, .sa_flags = SA_RESTART};
  if (!signal)
    return LT_OK;
  sigemptyset(&ours.sa_mask);
  if (!is_askable(signal) || sigaction(signal, NULL, &before) != 0 ||
      before.sa_flags & SA_SIGINFO || before.sa_handler != SIG_DFL ||
      sigaction(signal, &ours, NULL) != 0)
    return LT_INVALID;
  trigger = signal;
  return LT_OK;
}

void lti_trigger_clear(void) {
  struct sigaction now;
  if (trigger && sigaction(trigger, NULL, &now) == 0 &&
      !(now.sa_flags & SA_SIGINFO) && now.sa_handler == ask) {
    now.sa_handler = SIG_DFL;
    (void)sigaction(trigger, &now, NULL);
  }
  trigger = 0;
}
