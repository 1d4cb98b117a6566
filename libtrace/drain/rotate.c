/* Many small files instead of a large one.
 *
 * Invariant: a file is closed, with its end mark, before the next one begins,
 * and that one is made before the oldest goes: what was recorded last is always
 * there.  Called by the drain, between two epochs. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "drain/process.h"
#include "record/clock.h"

#define NAMING_NS 20000000u /* the rings wait meanwhile */

static void free_part(struct lti_part *part) {
  free(part->path);
  free(part);
}

void lti_rotate_free(struct lti_recorded *p) {
  while (p->parts) {
    struct lti_part *next = p->parts->next;
    free_part(p->parts);
    p->parts = next;
  }
  free(p->stem);
  p->stem = NULL;
}

static void remove_oldest(struct lti_recorded *p) {
  struct lti_part *part = p->parts;
  if (unlink(part->path) != 0 && errno != ENOENT && !p->remove_error)
    p->remove_error = errno;
  p->parts = part->next;
  p->n_parts--;
  p->parts_events -= part->n_events;
  p->parts_bytes -= part->size_bytes;
  p->n_removed++;
  p->n_removed_events += part->n_events;
  free_part(part);
}

/* What the file that was closed just now holds. */
static struct lti_part *describe(const struct lti_recorded *p) {
  struct lti_part *part = calloc(1, sizeof *part);
  if (part)
    *part = (struct lti_part){.path = p->path,
                              .n_events = p->trace.n_events,
                              .size_bytes = lti_writer_size(p->trace.writer),
                              .first_ns = p->trace.first_ns};
  return part;
}

static void keep(struct lti_recorded *p, struct lti_part *part) {
  struct lti_part **end = &p->parts;
  while (*end)
    end = &(*end)->next;
  *end = part;
  p->n_parts++;
  p->parts_events += part->n_events;
  p->parts_bytes += part->size_bytes;
}

bool lti_rotate(struct lti_recording *r, struct lti_recorded *p) {
  struct lti_trace *t = &p->trace;
  if (!r->keep || r->is_flight || t->n_events == 0 ||
      lti_writer_size(t->writer) < r->max_bytes)
    return true;
  if (r->namer)
    (void)lti_book_name(&t->book, r->namer, r->namer_context,
                        lti_monotonic_ns() + NAMING_NS);
  lti_trace_end(t, t->watermark_ns, LT_END_STOPPED, 0, 0);
  t->book.sink = NULL; /* nothing may follow the end mark */
  if (lti_writer_close(t->writer))
    return lti_recorded_fail(p, lti_writer_error(t->writer), "write");
  struct lti_part *part = describe(p);
  uint64_t lost = t->n_lost, filed = t->n_events - t->n_lost_events + lost;
  if (!part)
    return lti_recorded_fail(p, ENOMEM, "create");
  if (!lti_recorded_start(r, p)) {
    free(part); /* its path is still the newest */
    return false;
  }
  keep(p, part);
  p->parts_lost += lost;
  p->parts_filed += filed;
  p->n_good = 0;
  while (p->n_parts >= r->keep)
    remove_oldest(p);
  return true;
}
