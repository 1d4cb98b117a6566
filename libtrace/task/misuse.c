/* Saying what cannot be meant, and what an error is.  Called by all of task/.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "task/sched.h"

static void (*_Atomic reporter)(const char *text);

void lt_on_misuse(void (*report)(const char *text)) {
  atomic_store(&reporter, report);
}

void lti_misuse(const char *format, ...) {
  char text[640];
  static const char prefix[] = "looptrace: ";
  int kept = errno;
  va_list args;
  va_start(args, format);
  memcpy(text, prefix, sizeof prefix);
  size_t at = sizeof prefix - 1;
  int n = vsnprintf(text + at, sizeof text - at - 1, format, args);
  va_end(args);
  size_t end = at + (n < 0 ? 0 : (size_t)n);
  if (end > sizeof text - 2)
    end = sizeof text - 2;
  void (*report)(const char *) = atomic_load(&reporter);
  if (report) {
    report(text + at);
  } else {
    text[end] = '\n';
    ssize_t wrote = write(STDERR_FILENO, text, end + 1);
    (void)wrote;
  }
  errno = kept;
}

/* Not uv_strerror(): that allocates for numbers that it does not know. */
const char *lt_strerror(int64_t result) {
  switch (result) {
#define SAY(name, text)                                                        \
  case UV_##name:                                                              \
    return text;
    UV_ERRNO_MAP(SAY)
#undef SAY
  case LT_EDEADLK:
    return "tasks wait for each other in a circle";
  default:
    return result < 0 ? "an error that libuv does not know" : "no error";
  }
}
