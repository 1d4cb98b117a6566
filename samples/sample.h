/* What the samples of tasks share: --scale F makes all their times F times as
 * long, and the trace begins before the first task. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <looptrace/task.h>
#include <looptrace/trace.h>

static double scale = 1;

static inline uint64_t scaled_ms(uint64_t ms) {
  return (uint64_t)((double)ms * scale);
}

/* Run a sample's main task.  Returns main's exit status. */
static inline int sample_run(int argc, char **argv, lt_task_fn *fn) {
  if (argc == 3 && strcmp(argv[1], "--scale") == 0)
    scale = atof(argv[2]);
  if (argc != 1 && (argc != 3 || !(scale > 0))) {
    fprintf(stderr, "usage: %s [--scale F]\n", argv[0]);
    return 2;
  }
  /* Under `looptrace record` this joins that recording; alone, it is made only
   * where LOOPTRACE_OUT names a file. */
  if (getenv("LOOPTRACE_OUT") && lt_trace_start(NULL) != LT_OK)
    fputs("no trace\n", stderr);
  setvbuf(stdout, NULL, _IOLBF, 0);
  lt_run_options options = {.dump_signal =
                                SIGQUIT}; /* Ctrl-\ shows the tasks */
  int64_t result = lt_run_with(&options, fn, NULL);
  if (result < 0)
    fprintf(stderr, "%s: %s\n", argv[0], lt_strerror(result));
  return result < 0;
}

#endif
