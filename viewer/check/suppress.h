/* Suppressions: findings that somebody looked at and accepted, with a reason.
 */
#ifndef LTV_SUPPRESS_H
#define LTV_SUPPRESS_H

#include <stdbool.h>
#include <stdio.h>

#include "model/finding.h"

#define SUPPRESS_FRAMES_MAX 16

struct suppression {
  unsigned line;
  char *text; /* owned; the fields below point into it */
  const char *rule;
  const char *frames[SUPPRESS_FRAMES_MAX];
  size_t n_frames;
  const char *reason;
  const char *loop;  /* glob, NULL: any */
  int64_t max_ns;    /* longer ones are not muted; 0: any */
  int64_t before_ns; /* only those that begin before it; 0: any */
  char until[11];    /* "2027-03-31", "" for none */
  bool is_expired;
  uint64_t used, exceeded;
  int64_t worst_ns; /* of those that exceeded */
};

struct suppressions {
  const char *path; /* borrowed; NULL: there are none */
  struct suppression *all;
  size_t n;
};

/* Read a file of lines
 *
 *   RULE : FRAME < CALLER < ...   [key=value ...]   # reason
 *
 * path: NULL: .looptrace-suppress where it is there; "none": none.
 * Returns: EXIT_OK or EXIT_USAGE; it has said what is wrong, with file and
 *          line. */
int suppressions_read(const char *path, struct suppressions *suppressions);
void suppressions_free(struct suppressions *suppressions);

/* Mute a finding that a suppression matches. */
void suppressions_apply(struct suppressions *suppressions,
                        const struct model *model, struct finding *f);

/* Does a frame's pattern match a name?  "*" is any text, "^" and "$" anchor;
 * else it may be anywhere in it. */
bool suppress_match(const char *pattern, const char *name);

/* Print a line that would mute a finding; the reason is left to a person.
 * Returns: false where no function of it is known: the line is a comment that
 * says so. */
bool suppress_print(FILE *file, const struct model *model,
                    const struct finding *f);

#endif
