/* Baselines: findings that were there before, by fingerprint. */
#ifndef LTV_BASELINE_H
#define LTV_BASELINE_H

#include <jansson.h>
#include <stdbool.h>

#include "model/finding.h"

struct baseline {
  const char *path; /* borrowed; NULL: there is none */
  json_t *findings; /* fingerprint -> {"count", "rule", "loop", "place"} */
  bool is_update;   /* everything is known */
  bool is_trace;    /* path is a trace: its findings are to be added */
};

/* Read a baseline.  is_update: it may be missing, and is not believed.
 * Returns: EXIT_OK or EXIT_USAGE; it has said what is wrong. */
int baseline_read(const char *path, bool is_update, struct baseline *baseline);
void baseline_free(struct baseline *baseline);

/* How often a finding was there; 0 where it was not. */
uint64_t baseline_count(const struct baseline *baseline, uint64_t fingerprint);

/* Take a finding up; the count is the most of all traces. */
void baseline_add(struct baseline *baseline, const struct model *model,
                  const struct finding *f);

/* Write it, with sorted keys; the old file is replaced when the new one is
 * whole.  Returns: false, having said why, when that failed. */
bool baseline_write(const struct baseline *baseline);

#endif
