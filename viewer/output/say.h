/* Sentences about findings, the same in every format. */
#ifndef LTV_SAY_H
#define LTV_SAY_H

#include <stddef.h>

#include "model/finding.h"

/* "loop `main` was blocked for 412 ms, budget is 100 ms".  Inert. */
const char *say_headline(const struct model *model, const struct finding *f,
                         char *buf, size_t size);

/* "use uv_fs_read", "do it in pieces, ...".  Inert, maybe "". */
const char *say_help(const struct model *model, const struct finding *f,
                     char *buf, size_t size);

/* "31.286 s, turn 10 482, timer callback on_tick (hb.c:9)". */
const char *say_when(const struct model *model, const struct finding *f,
                     char *buf, size_t size);

/* "37 callbacks waited, 9 timers late, worst +398 ms"; "" for nothing. */
const char *say_cost(const struct finding *f, char *buf, size_t size);

/* A limit as a budget line: "stall.max <= 100ms", "stall.count>50ms <= 0". */
const char *say_limit(const struct limit *limit, char *buf, size_t size);
/* A measured value in the limit's unit: "412 ms", "91.0 %", "3". */
const char *say_measure(const struct limit *limit, int64_t value, char *buf,
                        size_t size);

/* What was measured under a limit, and what more it may have been: "0 ns, or up
 * to 120 ms: what was for lack of a CPU is not known". */
const char *say_result(const struct limit_result *result, char *buf,
                       size_t size);
/* That a loop was stopped by a signal, when, and what it means; "" for one that
 * was not.  Inert. */
const char *say_stops(const struct model_loop *loop, char *buf, size_t size);

/* Where the finding is: a path, relative where it lies in the working
 * directory, inert, and its line.  Returns: false where no source is known. */
bool say_source(const struct model *model, const struct finding *f, char *path,
                size_t size, unsigned *line);

/* What stands in JSON and JUnit for a verdict: "pass", "fail",
 * "inconclusive".  Static. */
const char *say_verdict(enum verdict verdict);

#endif
