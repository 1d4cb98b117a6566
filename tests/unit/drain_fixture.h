/* A recording of this very process into a file of its own: what the tests of
 * the drain share. */
#ifndef DRAIN_FIXTURE_H
#define DRAIN_FIXTURE_H

#include <sys/types.h>

#include "drain/drain.h"
#include "record/emit.h"

extern char dir[];    /* temporary; from begin() to end() */
extern char path[64]; /* of the trace, in it */
extern struct lti_arena *arena;
extern struct lti_drain *drain;

/* Small rings, so that they wrap and fill: 16 records, then 256. */
extern const struct lti_arena_options small;

/* What begin() gives to the drain; path, pid and recorder are filled in. */
extern struct lti_drain_options more;

/* more, filled in. */
struct lti_drain_options options_of_test(void);

/* Make the arena and the drain, and attach this process. */
void begin(const struct lti_arena_options *arena_options);

/* Returns: what was written, at least one. */
const struct lti_drain_file *finish(void);

/* Take everything away again. */
void end(void);

/* A trace that must be complete and verify. */
lt_reader *open_whole(const char *file);

/* This moment. */
struct lti_knot moment(void);

/* Let so many ms pass. */
void wait_ms(unsigned ms);

/* Where the trace at path ends, in ns after a moment. */
int64_t end_after(struct lti_knot moment);

/* A child that turns a loop, and then does nothing until it is killed. */
pid_t fork_hanging(void);
void kill_and_reap(pid_t pid);

/* Step until an epoch was sealed: the file has grown. */
void step_until_written(void);

#endif
