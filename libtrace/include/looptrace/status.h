/* What a fallible call says.  Part of looptrace, MIT licence. */
#ifndef LOOPTRACE_STATUS_H
#define LOOPTRACE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LT_WARN_UNUSED __attribute__((warn_unused_result))
#define LT_EXPORT __attribute__((visibility("default")))
#else
#define LT_WARN_UNUSED
#define LT_EXPORT
#endif

/* One row a status: the name, and what it tells a person. */
#define LT_STATUS_MAP(X)                                                       \
  X(OK, "all is well")                                                         \
  X(NOMEM, "out of memory")                                                    \
  X(IO, "the operating system refused to read or write")                       \
  X(NOT_FOUND, "there is no such file")                                        \
  X(NOT_A_TRACE, "this is not a looptrace trace")                              \
  X(VERSION, "this trace needs a newer looptrace")                             \
  X(CORRUPT, "the trace is damaged")                                           \
  X(TRUNCATED, "the trace ends before its end mark")                           \
  X(END, "there is nothing more")                                              \
  X(INVALID, "an argument makes no sense")                                     \
  X(STATE, "not possible in this state")                                       \
  X(UNSUPPORTED, "not possible on this system")                                \
  X(EXISTS, "the file is there already")

typedef enum lt_status {
#define LT_STATUS_ENUM(name, text) LT_##name,
  LT_STATUS_MAP(LT_STATUS_ENUM)
#undef LT_STATUS_ENUM
} lt_status;

/* The text of a status.
 *
 * Returns: a static string, never NULL; unknown values have a text too.
 * Threads: any; async-signal-safe. */
LT_EXPORT const char *lt_status_text(lt_status status);

#ifdef __cplusplus
}
#endif
#endif
