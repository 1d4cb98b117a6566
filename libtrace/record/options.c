/* Options of the recorder inside a program.
 *
 * Invariant: what the program itself says goes before its environment, and of a
 * privileged program's environment nothing is read.  Called by
 * lt_trace_start(). */
#include "record/options.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/size.h"

enum { KEEP_MAX = 10000 };

/* A variable that is set, and not to nothing. */
static const char *variable(const char *name) {
  const char *value = secure_getenv(name);
  return value && *value ? value : NULL;
}

/* flight=64M or flight=30s: what is no size is a time. */
static lt_status parse_flight(const char *word, lt_trace_options *all) {
  all->mode = LT_TRACE_FLIGHT;
  if (!*word)
    return LT_OK;
  if (*word != '=')
    return LT_INVALID;
  if (size_parse(word + 1, &all->flight_bytes) == LT_OK)
    return LT_OK;
  all->flight_bytes = 0;
  return duration_parse(word + 1, &all->flight_ns);
}

static lt_status parse_mode(const char *word, lt_trace_options *all) {
  if (strcmp(word, "drop") == 0)
    return LT_OK;
  if (strncmp(word, "flight", 6) == 0)
    return parse_flight(word + 6, all);
  all->mode = LT_TRACE_LOSSLESS;
  return strcmp(word, "lossless") == 0 ? LT_OK : LT_INVALID;
}

static lt_status parse_number(const char *word, uint64_t *n) {
  char *end;
  if (*word < '0' || *word > '9')
    return LT_INVALID;
  *n = strtoull(word, &end, 10);
  return *end ? LT_INVALID : LT_OK;
}

/* USR2, SIGUSR2 or 12; by name those that people send. */
static lt_status parse_signal(const char *word, int *signal) {
  static const struct {
    const char *name;
    int signal;
  } known[] = {{"HUP", SIGHUP},   {"QUIT", SIGQUIT}, {"USR1", SIGUSR1},
               {"USR2", SIGUSR2}, {"PWR", SIGPWR}};
  uint64_t n;
  if (parse_number(word, &n) == LT_OK) {
    *signal = n < NSIG ? (int)n : -1;
    return LT_OK;
  }
  word += strncmp(word, "SIG", 3) == 0 ? 3 : 0;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(known[i].name, word) == 0) {
      *signal = known[i].signal;
      return LT_OK;
    }
  return LT_INVALID;
}

static lt_status fill_signal(int *signal) {
  const char *word = *signal ? NULL : variable("LOOPTRACE_SNAPSHOT_ON_SIGNAL");
  return word ? parse_signal(word, signal) : LT_OK;
}

static lt_status parse_flag(const char *word, bool *flag) {
  *flag = strcmp(word, "1") == 0;
  return *flag || strcmp(word, "0") == 0 ? LT_OK : LT_INVALID;
}

typedef lt_status parser(const char *word, uint64_t *value);

static lt_status fill_number(const char *name, parser *parse, uint64_t *value) {
  const char *word = *value ? NULL : variable(name);
  return word ? parse(word, value) : LT_OK;
}

static lt_status fill_flag(const char *name, bool *flag) {
  const char *word = *flag ? NULL : variable(name);
  return word ? parse_flag(word, flag) : LT_OK;
}

static lt_status check(const lt_trace_options *all) {
  bool is_flight = all->mode == LT_TRACE_FLIGHT;
  if ((all->flight_bytes || all->flight_ns || all->snapshot_on_stall_ns ||
       all->snapshot_on_signal) &&
      !is_flight)
    return LT_INVALID;
  if (all->keep &&
      (all->keep < 2 || all->keep > KEEP_MAX || !all->max_bytes || is_flight))
    return LT_INVALID;
  return LT_OK;
}

lt_status lti_options_fill(const lt_trace_options *options,
                           lt_trace_options *all) {
  static const lt_trace_options none;
  *all = options ? *options : none;
  if (!all->path)
    all->path = variable("LOOPTRACE_OUT");
  const char *mode =
      all->mode == LT_TRACE_DROP && !all->flight_bytes && !all->flight_ns
          ? variable("LOOPTRACE_MODE")
          : NULL;
  lt_status status = mode ? parse_mode(mode, all) : LT_OK;
  const struct {
    const char *name;
    parser *parse;
    uint64_t *value;
  } numbers[] = {
      {"LOOPTRACE_MIN_BLOCK", duration_parse, &all->min_block_ns},
      {"LOOPTRACE_RING_SIZE", size_parse, &all->ring_bytes},
      {"LOOPTRACE_SNAPSHOT_ON_STALL", duration_parse,
       &all->snapshot_on_stall_ns},
      {"LOOPTRACE_MAX_SIZE", size_parse, &all->max_bytes},
      {"LOOPTRACE_KEEP", parse_number, &all->keep},
      {"LOOPTRACE_DURATION", duration_parse, &all->duration_ns},
  };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (status == LT_OK)
      status = fill_number(numbers[i].name, numbers[i].parse, numbers[i].value);
  if (status == LT_OK)
    status = fill_signal(&all->snapshot_on_signal);
  if (status == LT_OK)
    status = fill_flag("LOOPTRACE_OVERWRITE", &all->overwrite);
  if (status == LT_OK)
    status = fill_flag("LOOPTRACE_RECOVERABLE", &all->recoverable);
  return status == LT_OK ? check(all) : status;
}
