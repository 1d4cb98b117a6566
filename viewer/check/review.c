/* What is said of findings beside their numbers.
 *
 * Invariant: levels come first, then suppressions, then the baseline: what is
 * muted is neither new nor known.  Called by judgement.c through the budget,
 * and by cmd_check.c. */
#include "check/review.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "output/inert.h"
#include "output/units.h"

static bool review_one(void *context, const struct model *m,
                       struct finding *f) {
  struct review *r = context;
  for (size_t i = 0; i < r->options->n_levels; i++) {
    const struct rule_level *l = &r->options->levels[i];
    if (strcmp(l->rule, f->rule) != 0)
      continue;
    if (l->level == LEVEL_OFF)
      return false;
    if ((int)f->level > l->level)
      f->level = (enum finding_level)l->level;
  }
  suppressions_apply(&r->suppressions, m, f);
  if (f->state == FINDING_NEW &&
      (r->baseline.is_update || baseline_count(&r->baseline, f->fingerprint)))
    f->state = FINDING_KNOWN;
  return true;
}

/* Known up to as many as there were. */
static void compare_group(void *context, const struct model *m,
                          struct finding *f) {
  const struct review *r = context;
  (void)m;
  if (f->state == FINDING_KNOWN && !r->baseline.is_update &&
      f->count > baseline_count(&r->baseline, f->fingerprint))
    f->state = FINDING_NEW;
}

int review_open(struct review *r, struct options *o) {
  *r = (struct review){.options = o};
  int code = suppressions_read(o->suppressions_path, &r->suppressions);
  if (code == EXIT_OK)
    code = baseline_read(o->baseline_path, o->update_baseline, &r->baseline);
  if (code != EXIT_OK) {
    review_close(r);
    return code;
  }
  o->budget.review = review_one;
  o->budget.compare = compare_group;
  o->budget.context = r;
  return EXIT_OK;
}

void review_close(struct review *r) {
  suppressions_free(&r->suppressions);
  baseline_free(&r->baseline);
}

void review_restart(struct review *r) {
  for (size_t i = 0; i < r->suppressions.n; i++) {
    struct suppression *s = &r->suppressions.all[i];
    s->used = s->exceeded = 0;
    s->worst_ns = 0;
  }
}

void result_note(struct check_result *result, const char *format, ...) {
  char raw[1200], *text = malloc(2400);
  char **notes = realloc(result->notes, (result->n_notes + 1) * sizeof *notes);
  if (notes)
    result->notes = notes;
  if (!notes || !text) {
    free(text);
    return;
  }
  va_list ap;
  va_start(ap, format);
  vsnprintf(raw, sizeof raw, format, ap);
  va_end(ap);
  result->notes[result->n_notes++] = (char *)(uintptr_t)inert(raw, text, 2400);
}

void result_free_notes(struct check_result *result) {
  for (size_t i = 0; i < result->n_notes; i++)
    free(result->notes[i]);
  free(result->notes);
}

bool review_notes(const struct review *r, struct check_result *result) {
  const struct suppressions *all = &r->suppressions;
  units_buf worst, max;
  bool is_bad = false;
  for (size_t i = 0; i < all->n; i++) {
    const struct suppression *s = &all->all[i];
    if (s->is_expired)
      result_note(result, "%s:%u: expired on %s: %s", all->path, s->line,
                  s->until, s->reason);
    else if (s->exceeded)
      result_note(result, "%s:%u: %llu longer than it allows: %s, max=%s",
                  all->path, s->line, (unsigned long long)s->exceeded,
                  units_ns(worst, s->worst_ns), units_ns(max, s->max_ns));
    else if (s->used)
      result_note(result, "%s:%u: muted %llu time%s: %s", all->path, s->line,
                  (unsigned long long)s->used, s->used == 1 ? "" : "s",
                  s->reason);
    else
      result_note(result, "%s:%u: unused: %s", all->path, s->line, s->reason);
    is_bad |= s->is_expired || (!s->used && !s->exceeded);
  }
  return is_bad;
}

void review_take(struct review *r, const struct checked *t) {
  for (size_t k = 0; k < t->judgement.n_findings; k++)
    if (t->judgement.findings[k].state == FINDING_KNOWN &&
        t->judgement.findings[k].level != LEVEL_NOTE)
      baseline_add(&r->baseline, t->model, &t->judgement.findings[k]);
}

bool review_update(struct review *r, const struct check_result *result) {
  for (size_t i = 0; i < result->n_traces; i++)
    review_take(r, &result->traces[i]);
  return baseline_write(&r->baseline);
}
