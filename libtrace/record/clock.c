/* Which clock can be trusted.  Called once by whoever
 * makes an arena; the traced program only reads the answer there. */
#include "record/clock.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* The kernel watches the TSC against other clocks and leaves it when it drifts:
 * its choice is worth more than the flag of one core. */
static int kernel_uses_tsc(void) {
  char name[16] = "";
  int fd = open("/sys/devices/system/clocksource/clocksource0/"
                "current_clocksource",
                O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  ssize_t n = read(fd, name, sizeof name - 1);
  close(fd);
  return n >= 4 && memcmp(name, "tsc\n", 4) == 0;
}

int lti_clock_tsc_usable(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(0x80000007, &a, &b, &c, &d) || !(d & 1u << 8))
    return 0;
  return kernel_uses_tsc();
}
#else
int lti_clock_tsc_usable(void) {
  return 0;
}
#endif
