/* From when on a program that turns a loop by one run after the other is held to
 * come back to it: doc/decisions/0140. */
#ifndef LTI_REGULAR_H
#define LTI_REGULAR_H

enum {
  LTI_RUNS_REGULAR = 4, /* so many that go on: what is between them is recorded */
  LTI_WAITS_REGULAR = 4 /* in so many it was waited for the loop: it is judged */
};

#endif
