/* Expect in a unit test that a loop is not held up.
 *
 *   lt_expect *e = lt_expect_begin(loop, 100 * LT_MS);
 *   uv_run(loop, UV_RUN_DEFAULT);
 *   const char *why = lt_expect_end(e);
 *   ck_assert_msg(!why, "%s", why);              // Check; or whatever you use
 *
 * or, where a failure may end the process (or lt_expect_handler() was called):
 *
 *   lt_expect_no_stall(loop, 100 * LT_MS) {
 *     uv_run(loop, UV_RUN_DEFAULT);
 *   }
 *
 * Nothing is recorded and no file is written; link liblooptrace before libuv, or
 * run the test under `looptrace record` or `check`.  Measured is each turn, from
 * one poll of that loop to the next, and what lies between begin, the first and
 * the last poll, and end; so code without any loop can be measured, too.  As in
 * `looptrace check`, time in which the thread was ready and had no CPU is not
 * held against it, where the kernel tells it (/proc/thread-self/schedstat).
 *
 * Part of looptrace, MIT licence. */
#ifndef LOOPTRACE_EXPECT_H
#define LOOPTRACE_EXPECT_H

#include <stdbool.h>
#include <stdint.h>

#include <looptrace/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;

/* 100 * LT_MS is 100 ms in nanoseconds. */
#define LT_MS UINT64_C(1000000)

typedef struct lt_expect lt_expect;

/* From here on, the loop is expected to be held for limit_ns at most.
 *
 * loop:    as of <uv.h>; NULL: only the time until the end.
 * Returns: owned, to be given to lt_expect_end() once; NULL without memory.
 * Threads: the one that turns the loop, the end too.  Expectations nest. */
LT_EXPORT lt_expect *lt_expect_begin(struct uv_loop_s *loop, uint64_t limit_ns);

/* Was it kept?  NULL is no expectation, and not kept.
 *
 * Returns: NULL where it was; else a sentence that says how long the loop was
 *          held, why and when.  Borrowed until the next end on this thread. */
LT_EXPORT const char *lt_expect_end(lt_expect *expect);

/* What lt_expect_no_stall() does where it was not kept.  NULL, and at first: say
 * it on stderr, and abort().  Threads: one at a time. */
typedef void lt_expect_failed(const char *file, int line, const char *why);
LT_EXPORT void lt_expect_handler(lt_expect_failed *failed);

/* The statement behind it, in which a loop is held for limit_ns at most.  Do not
 * leave it with break, return or a jump: then nothing is judged. */
#define lt_expect_no_stall(loop, limit_ns)                                     \
  for (lt_expect *lt_expect_it = lt_expect_begin(loop, limit_ns),              \
                 *lt_expect_on = LT_EXPECT_ONCE;                               \
       lt_expect_on; lt_expect_on = (lt_expect_judge(lt_expect_it, __FILE__,   \
                                                     __LINE__),                \
                     LT_EXPECT_NEVER))
#define LT_EXPECT_ONCE ((lt_expect *)1)
#define LT_EXPECT_NEVER ((lt_expect *)0)

/* Called by that statement: end it, and tell the handler where it failed. */
LT_EXPORT void lt_expect_judge(lt_expect *expect, const char *file, int line);

#ifdef __cplusplus
}
#endif
#endif
