/* A trace as reviewed text: each line one event, every number by construction.
 *
 *   0    loop+ loop=1
 *   10   resume task=1 kind=2 site=3        # a timer's callback
 *   310  call callee=5 ms=300 site=3
 *   310  await task=1
 *
 * A line is a time in ms, a word and members; "#" begins a comment.  Words:
 * spawn arm resume await done call call-open poll wake loop+ loop- pool+ pool- usage label
 * lost allow+ allow- ready sample (n its state's letter).  Members: thread task kind site from callee ms on loop alive
 * timeout cpu delay vsw faults cause n text for mode. */
#ifndef TRACE_TEXT_H
#define TRACE_TEXT_H

#include "model/model.h"
#include "model/source.h"

/* Build a model from such a text; a line that is not understood fails the
 * test.  The trace ends at end_ms. */
struct model *model_of_text(const char *text, double end_ms,
                            const struct model_options *options);

/* The lt_info that the next model_of_text() uses; reset by it to a whole
 * trace. */
extern struct lt_info trace_text_info;

/* A trace in which a timer sleeps from 10 to 310 ms. */
extern const char trace_text_sleeping[];

/* A trace of one slice from 100 to 300 ms, between two totals of its thread;
 * inside: lines of events in it. */
struct model *model_of_slice(const char *before, const char *inside,
                             const char *after);

/* Does a stall's time have these causes, in ms, and no other? */
void assert_cause(const struct model_stall *s, int cpu, int blocked, int paging,
                  int starved, int unknown);

#endif
