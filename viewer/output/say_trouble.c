/* Sentences about troubles: a headline, the evidence, what to do.
 *
 * Invariant: whatever they hold of a trace is inert; what does not fit is cut.
 * Called by say.c and the text form of check. */
#include "output/say_trouble.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "output/units.h"

static const char *name_of(const struct model *m, uint32_t site, char *buf,
                           size_t size) {
  return model_site_short(m, site, buf, size);
}

static void late(const struct model *m, const struct finding *f, char *buf,
                 size_t size) {
  const struct model_trouble *t = f->trouble;
  char name[400];
  units_buf took, count, of;
  name_of(m, t->site, name, sizeof name);
  if (t->kind == MODEL_STARVED_TIMER)
    snprintf(buf, size,
             "timer `%s` of loop `%s` was late by half its interval or more "
             "in %s of %s runs",
             name, finding_loop(m, f), units_count(count, t->count),
             units_count(of, t->of));
  else
    snprintf(buf, size, "timer `%s` of loop `%s` ran %s late", name,
             finding_loop(m, f), units_ns(took, f->duration_ns));
}

/* "12 timer tasks `on_tick` made in `main`" */
static void made(const struct model *m, const struct model_trouble *t,
                 char *buf, size_t size) {
  char name[400], place[400];
  units_buf count;
  bool is_task = t->task_kind == LT_TASK_COROUTINE;
  name_of(m, t->site, name, sizeof name);
  name_of(m, t->spawn_site, place, sizeof place);
  snprintf(buf, size, "%s %s%stask%s `%s`%s%s%s", units_count(count, t->count),
           is_task ? "" : lt_task_kind_name(t->task_kind), is_task ? "" : " ",
           t->count == 1 ? "" : "s", name, t->spawn_site ? " made in `" : "",
           t->spawn_site ? place : "", t->spawn_site ? "`" : "");
}

static void cycle(const struct model *m, const struct model_trouble *t,
                  char *buf, size_t size) {
  char name[200];
  int n = snprintf(buf, size, "%zu task%s for %s: ", t->n_cycle,
                   t->n_cycle == 1 ? " waits" : "s wait",
                   t->n_cycle == 1 ? "itself" : "each other");
  for (size_t i = 0;
       i <= t->n_cycle && i < MODEL_CYCLE_MAX && n > 0 && (size_t)n < size;
       i++) {
    size_t k = i == t->n_cycle ? 0 : i;
    n += snprintf(buf + n, size - (size_t)n, "%s#%" PRIu64 " `%s`",
                  i ? " -> " : "", t->cycle[k],
                  name_of(m, t->cycle_sites[k], name, sizeof name));
  }
}

const char *say_trouble(const struct model *m, const struct finding *f,
                        char *buf, size_t size) {
  const struct model_trouble *t = f->trouble;
  char what[900], name[400];
  units_buf took, of;
  switch (t->kind) {
  case MODEL_LATE_TIMER:
  case MODEL_STARVED_TIMER:
    late(m, f, buf, size);
    break;
  case MODEL_POOL_SATURATED:
    snprintf(buf, size,
             m->pool.workers == 1
                 ? "job `%s` waited %s for a worker, and the only one had a job"
                 : "job `%s` waited %s for a worker, while all %u had a job",
             name_of(m, t->site, name, sizeof name),
             units_ns(took, t->worst_ns), m->pool.workers);
    break;
  case MODEL_HANDLE_LEAK:
    made(m, t, what, sizeof what);
    snprintf(buf, size, "%s are alive at the end, of %s, and ever more", what,
             units_count(of, t->of));
    break;
  case MODEL_NEVER_CLOSED:
    made(m, t, what, sizeof what);
    snprintf(buf, size, "%s were never closed, of %s, though their loops ended",
             what, units_count(of, t->of));
    break;
  case MODEL_NEVER_FINISHED:
    made(m, t, what, sizeof what);
    snprintf(buf, size, "%s never finished, of %s", what,
             units_count(of, t->of));
    break;
  case MODEL_AWAIT_CYCLE:
    cycle(m, t, buf, size);
    break;
  }
  return buf;
}

static void levels(const struct model_trouble *t, char *buf, size_t size) {
  units_buf count;
  int n = snprintf(buf, size, "alive at each eighth of the trace: ");
  for (size_t i = 0; i < MODEL_LEVELS && n > 0 && (size_t)n < size; i++)
    n += snprintf(buf + n, size - (size_t)n, "%s%s", i ? ", " : "",
                  units_count(count, t->levels[i]));
}

const char *say_trouble_evidence(const struct model *m, const struct finding *f,
                                 char *buf, size_t size) {
  const struct model_trouble *t = f->trouble;
  char name[400];
  units_buf own, count, of, worst, period;
  *buf = '\0';
  switch (t->kind) {
  case MODEL_LATE_TIMER:
    snprintf(buf, size,
             "at least %s of it was not for lack of a CPU; late by 1 ms or "
             "more in %s of %s runs",
             units_ns(own, f->level == LEVEL_ERROR ? t->all_own_ns : t->own_ns),
             units_count(count, t->count), units_count(of, t->of));
    break;
  case MODEL_STARVED_TIMER:
    snprintf(buf, size, "interval %s, worst +%s",
             units_ns(period, t->period_ns), units_ns(worst, t->worst_ns));
    break;
  case MODEL_POOL_SATURATED:
    snprintf(buf, size, "%s of %s jobs had to wait; behind `%s`",
             units_count(count, t->count), units_count(of, t->of),
             name_of(m, t->behind, name, sizeof name));
    break;
  case MODEL_HANDLE_LEAK:
    levels(t, buf, size);
    break;
  case MODEL_NEVER_CLOSED:
    snprintf(
        buf, size,
        "the newest is #%" PRIu64
        "; each loop that ends so leaves its memory and descriptors behind",
        t->task);
    break;
  case MODEL_NEVER_FINISHED:
    snprintf(buf, size,
             "the newest is #%" PRIu64
             "; they still waited when the program ended",
             t->task);
    break;
  case MODEL_AWAIT_CYCLE:
    break;
  }
  return buf;
}

const char *say_trouble_help(const struct finding *f) {
  switch (f->trouble->kind) {
  case MODEL_LATE_TIMER:
    return "looptrace view shows what ran instead: do less in one turn";
  case MODEL_STARVED_TIMER:
    return "the loop has no time for it: move work to uv_queue_work or to a "
           "loop of its own";
  case MODEL_POOL_SATURATED:
    return "set UV_THREADPOOL_SIZE higher, or keep long jobs out of the pool";
  case MODEL_HANDLE_LEAK:
    return "close each with uv_close when it is done with, or bound how many "
           "are begun";
  case MODEL_NEVER_CLOSED:
    return "uv_close each before its loop ends, and run the loop once more "
           "for the callbacks; uv_loop_close says whether one is left";
  case MODEL_NEVER_FINISHED:
    return "wait for them, cancel them, or give them a timeout";
  case MODEL_AWAIT_CYCLE:
    return "let one of them go on without the other";
  }
  return "";
}
