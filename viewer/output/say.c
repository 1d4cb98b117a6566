/* Sentences about findings.
 *
 * Invariant: whatever they hold of a trace is inert; what does not fit is cut.
 * Called by all forms of check. */
#include "output/say.h"

#include <inttypes.h>
#include <stdio.h>

#include "model/advice.h"
#include "output/excerpt.h"
#include "output/inert.h"
#include "output/say_trouble.h"
#include "output/units.h"

const char *say_verdict(enum verdict verdict) {
  return verdict == VERDICT_PASS   ? "pass"
         : verdict == VERDICT_FAIL ? "fail"
                                   : "inconclusive";
}

/* A duration as a budget has it: the largest unit that is exact. */
static void exact(char *buf, size_t size, int64_t ns) {
  if (ns % 1000000000 == 0 && ns)
    snprintf(buf, size, "%" PRId64 "s", ns / 1000000000);
  else if (ns % 1000000 == 0)
    snprintf(buf, size, "%" PRId64 "ms", ns / 1000000);
  else if (ns % 1000 == 0)
    snprintf(buf, size, "%" PRId64 "us", ns / 1000);
  else
    snprintf(buf, size, "%" PRId64 "ns", ns);
}

const char *say_limit(const struct limit *l, char *buf, size_t size) {
  char over[40] = ">", value[40];
  if (l->kind == LIMIT_STALL_COUNT)
    exact(over + 1, sizeof over - 1, l->over_ns);
  if (l->kind == LIMIT_UTILIZATION)
    snprintf(value, sizeof value, "%g%%", (double)l->value / 10);
  else if (limit_is_time(l->kind))
    exact(value, sizeof value, l->value);
  else
    snprintf(value, sizeof value, "%" PRId64, l->value);
  snprintf(buf, size, "%s%s <= %s", limit_name(l->kind),
           l->kind == LIMIT_STALL_COUNT ? over : "", value);
  return buf;
}

const char *say_measure(const struct limit *l, int64_t value, char *buf,
                        size_t size) {
  units_buf unit;
  if (l->kind == LIMIT_UTILIZATION)
    snprintf(buf, size, "%.1f %%", (double)value / 10);
  else if (limit_is_time(l->kind))
    snprintf(buf, size, "%s", units_ns(unit, value));
  else
    snprintf(buf, size, "%s", units_count(unit, (uint64_t)value));
  return buf;
}

const char *say_result(const struct limit_result *r, char *buf, size_t size) {
  char measured[48], possible[48];
  say_measure(&r->limit, r->measured, measured, sizeof measured);
  if (r->verdict == VERDICT_INCONCLUSIVE && r->possible > r->measured)
    snprintf(buf, size,
             "%s, or up to %s: what was for lack of a CPU is not known",
             measured,
             say_measure(&r->limit, r->possible, possible, sizeof possible));
  else
    snprintf(buf, size, "%s", measured);
  return buf;
}

const char *say_stops(const struct model_loop *l, char *buf, size_t size) {
  units_buf took, at, count, all;
  char times[96] = "";
  *buf = '\0';
  if (l->n_stops == 0)
    return buf;
  if (l->n_stops > 1)
    snprintf(times, sizeof times, ", %s times, %s in all",
             units_count(count, l->n_stops), units_ns(all, l->stopped_ns));
  snprintf(buf, size,
           "`%s` was stopped by a signal for %s, from %s on%s: neither that "
           "nor a timer that is late for it counts",
           l->name, units_ns(took, l->longest_stop_ns),
           units_at(at, l->longest_stop_at_ns), times);
  return buf;
}

static const char *broken_limit(const struct model *m, const struct finding *f,
                                char *buf, size_t size) {
  const struct limit *l = &f->limit->limit;
  char measured[40], allowed[40];
  units_buf over;
  const char *loop = finding_loop(m, f);
  say_measure(l, f->limit->measured, measured, sizeof measured);
  say_measure(l, l->value, allowed, sizeof allowed);
  switch (l->kind) {
  case LIMIT_TURN_P99:
    snprintf(buf, size,
             "one turn in 100 of loop `%s` took %s or longer, budget is %s",
             loop, measured, allowed);
    break;
  case LIMIT_UTILIZATION:
    snprintf(buf, size, "loop `%s` was busy %s of the time, budget is %s", loop,
             measured, allowed);
    break;
  case LIMIT_STALL_COUNT:
    snprintf(buf, size,
             "loop `%s` was blocked for more than %s %s times, budget is %s",
             loop, units_ns(over, l->over_ns), measured, allowed);
    break;
  default:
    snprintf(buf, size, "%s events were lost, budget is %s", measured, allowed);
  }
  return buf;
}

static const char *of_calls(const struct model *m, const struct finding *f,
                            char *buf, size_t size) {
  char callee[128];
  units_buf took, count;
  uint64_t n = f->caller->count;
  snprintf(buf, size, "`%s` ran on loop `%s` %s time%s, %s%s",
           f->callee ? model_callee_name(m, f->callee, callee, sizeof callee)
                     : "other calls",
           finding_loop(m, f), units_count(count, n), n == 1 ? "" : "s",
           units_ns(took, f->caller->total_ns), n == 1 ? "" : " in all");
  return buf;
}

const char *say_headline(const struct model *m, const struct finding *f,
                         char *buf, size_t size) {
  units_buf took, budget, count;
  char callee[128];
  const char *loop = finding_loop(m, f);
  const struct model_stall *s = f->stall;
  if (f->limit)
    return broken_limit(m, f, buf, size);
  if (f->caller)
    return of_calls(m, f, buf, size);
  if (f->trouble)
    return say_trouble(m, f, buf, size);
  units_ns(took, f->duration_ns);
  units_ns(budget, f->budget_ns);
  const char *least = s && s->unfinished ? "at least " : "";
  if (!s)
    snprintf(buf, size, "`%s` blocked loop `%s` for %s, budget is %s",
             model_callee_name(m, f->callee, callee, sizeof callee), loop, took,
             budget);
  else if (s->kind == MODEL_STALL_TURN && !s->is_unseen)
    snprintf(buf, size,
             "loop `%s` was blocked for %s%s by %s callback%s in one turn, "
             "budget is %s",
             loop, least, took, units_count(count, s->n_callbacks),
             s->n_callbacks == 1 ? "" : "s", budget);
  else if (s->kind == MODEL_STALL_GAP)
    snprintf(buf, size,
             "loop `%s` was %s for %s%s between two runs, budget is %s", loop,
             s->is_regular ? "held up" : "not turned", least, took, budget);
  else
    snprintf(buf, size, "loop `%s` was blocked for %s%s, budget is %s", loop,
             least, took, budget);
  return buf;
}

/* What <looptrace/task.h> has for a task that held its loop. */
static const char *help_of_task(const struct finding *f) {
  const struct model_stall *s = f->stall;
  if (!s || s->kind != MODEL_STALL_SLICE || s->slice_kind != LT_TASK_COROUTINE)
    return "";
  switch (f->callee) {
  case LT_CALLEE_sleep:
  case LT_CALLEE_usleep:
  case LT_CALLEE_nanosleep:
  case LT_CALLEE_clock_nanosleep:
  case LT_CALLEE_uv_sleep:
    return "; in a task lt_sleep";
  default:
    return "; in a task lt_to_thread";
  }
}

const char *say_help(const struct model *m, const struct finding *f, char *buf,
                     size_t size) {
  const struct model_stall *s = f->stall;
  const char *advice = f->callee ? advice_call(m, f->callee, f->call) : NULL;
  const char *compute = advice_compute(m), *text;
  bool is_cpu = s && s->cause.cpu > 0 &&
                s->cause.cpu >= model_attributable(&s->cause) / 2;
  if (advice && (compute || !(s && s->is_unseen))) {
    snprintf(buf, size, "use %s%s", advice, help_of_task(f));
    return buf;
  }
  if (f->trouble)
    text = say_trouble_help(f);
  else if (f->limit)
    text = f->limit->limit.kind == LIMIT_LOST_EVENTS
               ? "looptrace info says where and why"
               : "looptrace report shows where the time goes";
  else if (compute && is_cpu && !f->callee && !model_is_aside(s))
    text = compute;
  else if (s && s->is_unseen)
    text = f->callee ? "make this call on another thread, or ask the loop's "
                       "library for a way to wait for it"
                     : "do it in pieces, one a turn, or on another thread";
  else if (f->callee)
    text = "make this call where it does not hold the loop: uv_queue_work";
  else if (s && s->kind == MODEL_STALL_TURN)
    text = "do less in one turn: leave the rest to the next, or to "
           "uv_queue_work";
  else if (s && s->kind == MODEL_STALL_GAP)
    text = s->is_regular ? "do it in pieces, and turn the loop in between, or "
                           "in the thread pool: uv_queue_work"
                         : "turn the loop in between, or let it run";
  else if (is_cpu)
    text = "do it in pieces, one a turn, or in the thread pool: uv_queue_work";
  else if (s && s->n_calls)
    text = "see what the callback does there; its calls are not most of it";
  else
    text = "see what the callback does there; no blocking call was seen in it";
  snprintf(buf, size, "%s%s", text, help_of_task(f));
  return buf;
}

const char *say_when(const struct model *m, const struct finding *f, char *buf,
                     size_t size) {
  units_buf at, turn;
  char name[600], number[48] = "", callback[700] = "";
  const struct model_stall *s = f->stall;
  if (s)
    snprintf(number, sizeof number, ", turn %s", units_count(turn, s->turn));
  if (s && s->kind == MODEL_STALL_SLICE)
    snprintf(callback, sizeof callback, ", %s callback %s",
             lt_task_kind_name(s->slice_kind),
             model_site_name(m, s->site, name, sizeof name));
  snprintf(buf, size, "%s%s%s%s", units_at(at, f->begin_ns), number, callback,
           s && s->unfinished
               ? ", which had not come back when the recording ended"
               : "");
  return buf;
}

const char *say_cost(const struct finding *f, char *buf, size_t size) {
  units_buf waited, late, worst, blame;
  char one[64] = "", two[128] = "", sum[64] = "";
  const struct model_stall *s = f->stall;
  if (s && s->n_victims_all)
    snprintf(sum, sizeof sum, "%s%s of waiting in all",
             s->n_waited || s->n_late ? "; " : "",
             units_ns(blame, s->blame_ns));
  if (s && s->n_waited)
    snprintf(one, sizeof one, "%s callback%s waited",
             units_count(waited, s->n_waited), s->n_waited == 1 ? "" : "s");
  if (s && s->n_late)
    snprintf(two, sizeof two, "%s%s timer%s late, worst +%s",
             s->n_waited ? ", " : "", units_count(late, s->n_late),
             s->n_late == 1 ? "" : "s", units_ns(worst, s->worst_late_ns));
  snprintf(buf, size, "%s%s%s", one, two, sum);
  return buf;
}

bool say_source(const struct model *m, const struct finding *f, char *path,
                size_t size, unsigned *line) {
  const lt_site_def *def = model_site(m, f->site);
  if (!def || !def->file || !*def->file)
    return false;
  inert(excerpt_path(def->file), path, size);
  *line = def->line;
  return true;
}
