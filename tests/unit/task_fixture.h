/* What tests of tasks share: what was reported, in which order things happened.
 * Included by one file of each test program. */
#ifndef TASK_FIXTURE_H
#define TASK_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include <looptrace/task.h>

/* What was reported. */
static char said[4096];

static inline void hear(const char *text) {
  size_t n = strlen(said);
  snprintf(said + n, sizeof said - n, "%s\n", text);
}

static inline void quiet(void) {
  said[0] = 0;
  lt_on_misuse(hear);
}

static inline void said_nothing(void) {
  ck_assert_str_eq(said, "");
}

#define SAID(text)                                                             \
  ck_assert_msg(strstr(said, text), "\"%s\" is not in: %s", text, said)

/* The order in which things happen. */
static char order[256];

static inline void note(char c) {
  size_t n = strlen(order);
  if (n > sizeof order - 2)
    return;
  order[n] = c;
  order[n + 1] = 0;
}

static inline int64_t run(lt_task_fn *fn, void *arg) {
  order[0] = 0;
  quiet();
  return lt_run(fn, arg);
}

/* Tasks that several tests run. */
static inline int64_t answer(void *arg) {
  return arg ? *(int *)arg : 42;
}

static inline int64_t sleeper(void *arg) {
  int ms = *(int *)arg;
  int64_t status = lt_sleep((uint64_t)ms);
  note((char)('0' + ms / 10));
  return status < 0 ? status : ms;
}

static inline int64_t cleaner(void *arg) {
  int64_t status = lt_sleep(100000);
  note('x');
  if (lt_sleep(1) == 0) /* cleaning up may wait */
    note('y');
  *(int *)arg += 1;
  return status;
}

static inline int64_t awaiter(void *arg) {
  return lt_await(lt_spawn(cleaner, arg));
}

static inline int64_t fail_soon(void *arg) {
  (void)arg;
  lt_sleep(2);
  return UV_EIO;
}

#endif
