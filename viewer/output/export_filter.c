/* What of a trace is exported under --filter: the words of the viewer's filter,
 * asked of spans, tasks, stalls and events.
 *
 * Invariant: without a filter everything is.  Called by export_*.c. */
#include "model/finding.h"
#include "output/export.h"
#include "output/inert.h"
#include "output/report.h"

/* Short words, of which none is a part of another. */
static const char *span_word(const struct model_span *s) {
  return s->what == LT_RESUME ? "cb" : export_span_category(s);
}

static const char *loop_of(struct export *x, uint32_t loop) {
  return loop == MODEL_NO_LOOP ? "pool" : export_loop(x, loop);
}

static bool matches(struct export *x, const struct filter_thing *thing) {
  bool is_match = filter_match(x->filter, thing);
  x->n_matches += is_match;
  return is_match;
}

bool export_wants_span(struct export *x, const struct model_span *s) {
  char kind[200];
  if (!x->filter)
    return true;
  bool is_call = s->what == LT_CALL;
  bool has_task = s->what == LT_RESUME || s->what == LT_POOL_BEGIN;
  snprintf(kind, sizeof kind, "%s %s", span_word(s),
           is_call    ? export_callee(x, s->kind)
           : has_task ? lt_task_kind_name(s->kind)
                      : "");
  int64_t end = s->end_ns == INT64_MAX ? x->to_ns : s->end_ns;
  return matches(x,
                 &(struct filter_thing){
                     .duration_ns = end - (s->begin_ns < 0 ? 0 : s->begin_ns),
                     .task = s->task,
                     .kind = kind,
                     .loop = loop_of(x, s->loop),
                     .site = export_site_long(x, s->site),
                     .name = export_span_name(x, s),
                     .rule = is_call ? "blocking-call" : NULL});
}

bool export_wants_task(struct export *x, const struct model_task *t) {
  char kind[64], name[600];
  if (!x->filter)
    return true;
  int64_t end = t->end_ns < 0 ? x->to_ns : t->end_ns;
  snprintf(kind, sizeof kind, "task %s", lt_task_kind_name(t->kind));
  return matches(x,
                 &(struct filter_thing){
                     .duration_ns = end - (t->spawn_ns < 0 ? 0 : t->spawn_ns),
                     .task = t->id,
                     .kind = kind,
                     .site = export_site_long(x, t->site),
                     .other_site = export_site_long(x, t->spawn_site),
                     .name = export_task_name(x, t, name, sizeof name)});
}

/* Its field a is the id of a string, or of a site. */
static bool has_text(const lt_kind_info *info) {
  return info && info->a == LT_CODEC_TEXT;
}
static bool has_site(const lt_kind_info *info) {
  return info && info->a == LT_CODEC_SITE;
}

static const char *detail_of(struct export *x, const struct model_moment *m) {
  const lt_event *e = m->event;
  switch (e->kind) {
  case LT_CALL:
  case LT_CALL_BEGIN:
    return export_callee(x, e->x);
  case LT_SPAWN:
  case LT_ARM:
  case LT_RESUME:
  case LT_POOL_BEGIN:
    return lt_task_kind_name(e->x);
  default:
    return m->task ? lt_task_kind_name(m->task->kind) : "";
  }
}

bool export_wants_moment(struct export *x, const struct model_moment *m) {
  const lt_event *e = m->event;
  const lt_kind_info *info = lt_kind_lookup(e->kind);
  const struct model_span *slice = m->slice;
  char kind[200], label[600] = "";
  if (!x->filter)
    return true;
  bool is_call = e->kind == LT_CALL || e->kind == LT_CALL_BEGIN;
  bool is_early = e->kind == LT_EARLY_TURN;
  bool is_loop =
      is_early || e->kind == LT_LOOP_BEGIN || e->kind == LT_LOOP_END;
  snprintf(kind, sizeof kind, "%s %s", info ? info->name : "unknown",
           detail_of(x, m));
  if (m->task)
    export_task_name(x, m->task, label, sizeof label);
  uint32_t site = has_site(info) ? (uint32_t)e->a : m->task ? m->task->site : 0;
  return matches(
      x, &(struct filter_thing){
             .duration_ns = (is_call || is_early) && e->b < INT64_MAX
                                ? (int64_t)e->b
                                : 0,
             .task = m->task ? m->task->id
                     : slice ? slice->task
                             : 0,
             .kind = kind,
             .loop = is_loop ? export_loop(x, e->x)
                     : slice ? loop_of(x, slice->loop)
                             : NULL,
             .site = export_site_long(x, site),
             .other_site = slice ? export_site_long(x, slice->site) : NULL,
             .name = has_text(info) ? export_string(x, e->a) : label,
             .rule = is_call ? "blocking-call" : NULL});
}

bool export_wants_stall(struct export *x, const struct model_stall *s) {
  const struct model *m = x->model;
  char spent[128], kind[64];
  if (!x->filter)
    return true;
  snprintf(kind, sizeof kind, "%s %s", model_stall_kind_name(s->kind),
           s->slice_kind ? lt_task_kind_name(s->slice_kind) : "");
  return matches(
      x, &(struct filter_thing){
             .duration_ns = s->duration_ns,
             .task = s->task,
             .kind = kind,
             .loop = s->loop < m->n_loops ? m->loops[s->loop].name : NULL,
             .site = export_site_long(x, s->site),
             .other_site =
                 s->n_calls ? export_site_long(x, s->calls[0].site) : NULL,
             .name = report_spent(m, s, spent, sizeof spent),
             .rule = finding_rule(s)});
}
