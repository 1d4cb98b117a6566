/* lt_expect_*: a unit test expects that no turn of a loop is too long.
 *
 * Works without a recording: the hook of the poll tells when the loop's poll
 * begins and ends on this thread.  Invariant: an expectation lives on the heap,
 * so that one that a test framework jumped out of does no harm.  Called by
 * programs, and by wait.c. */
#include "hook/expect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hook/call.h"

struct moment {
  uint64_t wall_ns, cpu_ns, delay_ns; /* delay: plus 1, 0 unknown */
};

struct lt_expect {
  lt_expect *outer;
  int fd; /* the loop's, -1 none */
  bool is_in_poll;
  uint64_t limit_ns, n_turns;
  struct moment began, turn; /* turn: when it began */
  /* The worst turn: */
  uint64_t own_ns, wall_ns, cpu_ns, at_ns, number;
  char said[400];
};

__thread lt_expect *lti_expected __attribute__((tls_model("initial-exec")));
static __thread lt_expect *last __attribute__((tls_model("initial-exec")));
static lt_expect_failed *_Atomic handler;

static uint64_t clock_ns(clockid_t clock) {
  struct timespec t = {0, 0};
  (void)clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct moment now(void) {
  return (struct moment){.delay_ns = lti_run_delay(),
                         .cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID),
                         .wall_ns = clock_ns(CLOCK_MONOTONIC)};
}

/* The turn ends.  The totals are dear, so they are read of long ones only. */
static void end_turn(lt_expect *e) {
  uint64_t wall = clock_ns(CLOCK_MONOTONIC) - e->turn.wall_ns;
  e->n_turns++;
  if (wall <= e->limit_ns || wall <= e->own_ns)
    return;
  struct moment end = now();
  uint64_t delay = e->turn.delay_ns && end.delay_ns > e->turn.delay_ns
                       ? end.delay_ns - e->turn.delay_ns
                       : 0;
  uint64_t own = wall > delay ? wall - delay : 0;
  if (own <= e->own_ns)
    return;
  e->own_ns = own;
  e->wall_ns = wall;
  e->cpu_ns = end.cpu_ns - e->turn.cpu_ns;
  e->at_ns = e->turn.wall_ns - e->began.wall_ns;
  e->number = e->n_turns;
}

void lti_expect_poll(int fd) {
  int saved = errno;
  for (lt_expect *e = lti_expected; e; e = e->outer)
    if (e->fd == fd && !e->is_in_poll) {
      end_turn(e);
      e->is_in_poll = true;
    }
  errno = saved;
}

void lti_expect_woke(int fd) {
  int saved = errno;
  for (lt_expect *e = lti_expected; e; e = e->outer)
    if (e->fd == fd && e->is_in_poll) {
      e->is_in_poll = false;
      e->turn = now();
    }
  errno = saved;
}

lt_expect *lt_expect_begin(struct uv_loop_s *loop, uint64_t limit_ns) {
  lt_expect *e = calloc(1, sizeof *e);
  if (!e)
    return NULL;
  e->fd = loop ? lti_uv.uv_backend_fd((uv_loop_t *)loop) : -1;
  e->limit_ns = limit_ns;
  e->outer = lti_expected;
  lti_expected = e;
  e->began = e->turn = now();
  return e;
}

/* Out of the list, wherever it is: a test may have jumped out of inner ones. */
static bool take_out(lt_expect *e) {
  for (lt_expect **at = &lti_expected; *at; at = &(*at)->outer)
    if (*at == e) {
      lti_expected = e->outer;
      return true;
    }
  return false;
}

static void say(lt_expect *e) {
  uint64_t cpu = e->cpu_ns < e->own_ns ? e->cpu_ns : e->own_ns;
  int n = snprintf(
      e->said, sizeof e->said,
      "the loop was held for %.1f ms, and %.1f ms are allowed: %.1f ms "
      "computing, %.1f ms blocked; turn %llu, %.1f ms after the beginning",
      (double)e->own_ns / 1e6, (double)e->limit_ns / 1e6, (double)cpu / 1e6,
      (double)(e->own_ns - cpu) / 1e6, (unsigned long long)e->number,
      (double)e->at_ns / 1e6);
  if (e->n_turns == 1 && e->fd >= 0 && n > 0)
    snprintf(e->said + n, sizeof e->said - (size_t)n,
             "; it was never seen to poll: is liblooptrace linked before "
             "libuv?");
}

const char *lt_expect_end(lt_expect *e) {
  if (!e)
    return "there was no memory for the expectation";
  if (!take_out(e))
    return "lt_expect_end was called on another thread than lt_expect_begin, "
           "or twice";
  if (!e->is_in_poll)
    end_turn(e);
  free(last);
  last = e;
  if (e->own_ns <= e->limit_ns)
    return NULL;
  say(e);
  return e->said;
}

void lt_expect_handler(lt_expect_failed *failed) {
  handler = failed;
}

void lt_expect_judge(lt_expect *e, const char *file, int line) {
  const char *why = lt_expect_end(e);
  lt_expect_failed *failed = handler;
  if (!why)
    return;
  if (failed) {
    failed(file, line, why);
    return;
  }
  fprintf(stderr, "%s:%d: %s\n", file, line, why);
  abort();
}
