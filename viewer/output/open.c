/* What commands say when a file or an argument is no good.  Called by check,
 * report and info. */
#include "output/open.h"

#include <string.h>

#include "command.h"
#include "output/inert.h"

static const char *advice(lt_status status) {
  switch (status) {
  case LT_NOT_A_TRACE:
    return "; make one with 'looptrace record -o FILE -- COMMAND'";
  case LT_VERSION:
    return "; read it with the looptrace that wrote it, or a later one";
  default:
    return "";
  }
}

void open_complain(const char *who, const char *path, lt_status status,
                   int error) {
  char name[4200];
  fprintf(stderr, "%s: %s: %s%s%s%s\n", who, inert(path, name, sizeof name),
          lt_status_text(status), status == LT_IO && error ? ": " : "",
          status == LT_IO && error ? strerror(error) : "", advice(status));
}

int open_usage(const char *who, const char *problem, const char *word) {
  char text[512];
  fprintf(stderr, "%s: ", who);
  fprintf(stderr, problem, inert(word, text, sizeof text));
  fprintf(stderr, "\nTry '%s --help'.\n", who);
  return EXIT_USAGE;
}
