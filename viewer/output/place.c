/* Parts that several JSON documents share.  Called by check, report and info.
 */
#include "output/place.h"

#include "output/inert.h"

void place_json(struct json *json, const char *key, const struct model *model,
                uint32_t site) {
  const lt_site_def *def = model_site(model, site);
  char name[600];
  if (!def) {
    json_null(json, key);
    return;
  }
  const lt_module_def *module = model_module(model, def->module);
  json_object(json, key);
  json_text(json, "name", model_site_name(model, site, name, sizeof name));
  json_text(json, "function", def->function);
  json_text(json, "file", def->file);
  if (def->file && def->line)
    json_uint(json, "line", def->line);
  else
    json_null(json, "line");
  json_text(json, "module", module ? module->path : NULL);
  json_text(json, "build_id", module ? module->build_id : NULL);
  json_uint(json, "offset", def->offset);
  json_object_end(json);
}

void cause_json(struct json *json, const char *key,
                const struct model_cause *cause) {
  json_object(json, key);
  json_text(json, "word", model_cause_word(cause));
  json_int(json, "cpu_ns", cause->cpu);
  json_int(json, "blocked_ns", cause->blocked);
  json_int(json, "paging_ns", cause->paging);
  json_int(json, "starved_ns", cause->starved);
  json_int(json, "suspended_ns", cause->suspended);
  json_int(json, "unknown_ns", cause->unknown);
  json_object_end(json);
}

void stack_json(struct json *json, const char *key, const struct model *model,
                uint32_t id) {
  const lt_stack_def *stack = model_stack(model, id);
  json_array(json, key);
  for (uint32_t i = 0; stack && i < stack->n_frames; i++) {
    json_object(json, NULL);
    place_json(json, "site", model, stack->frames[i].site);
    json_bool(json, "guessed", stack->frames[i].is_guessed);
    json_object_end(json);
  }
  json_array_end(json);
}

void call_json(struct json *json, const char *key, const struct model *model,
               const struct model_call *call) {
  char text[320];
  json_object(json, key);
  json_text(json, "callee",
            model_callee_name(model, call->callee, text, sizeof text));
  place_json(json, "site", model, call->site);
  json_int(json, "start_ns", call->begin_ns);
  json_int(json, "duration_ns", call->duration_ns);
  model_call_on(model, call, text, sizeof text);
  if (*text)
    json_inert(json, "on", text);
  else
    json_null(json, "on");
  json_bool(json, "held_by_itself", call->is_self);
  json_bool(json, "unfinished", call->unfinished);
  json_bool(json, "sampled", call->is_sampled);
  stack_json(json, "holder_stack", model, call->holder_stack);
  json_object_end(json);
}

void trace_json(struct json *json, const char *key, const char *path,
                const lt_info *info) {
  json_object(json, key);
  json_text(json, "path", path);
  json_int(json, "pid", info->pid);
  json_text(json, "comm", info->comm);
  json_int(json, "duration_ns", info->end_ns - info->begin_ns);
  json_uint(json, "events", info->n_events);
  json_uint(json, "lost", info->n_lost);
  json_bool(json, "complete", info->complete);
  json_text(json, "problem",
            info->problem == LT_CORRUPT     ? "damaged"
            : info->problem == LT_TRUNCATED ? "incomplete"
                                            : NULL);
  json_object_end(json);
}

void loop_json(struct json *json, const struct model_loop *l) {
  json_text(json, "name", l->name);
  json_uint(json, "id", l->id);
  json_uint(json, "turns", l->turns);
  json_uint(json, "callbacks", l->slices);
  json_bool(json, "callbacks_seen", !l->is_unseen);
  json_uint(json, "stalls", l->stalls);
  json_int(json, "busy_ns", l->busy_ns);
  json_int(json, "poll_ns", l->poll_ns);
  json_int(json, "gap_ns", l->gap_ns);
  json_int(json, "blocked_ns", l->blocked_ns);
  json_object(json, "turn");
  json_int(json, "p50_ns", model_histogram_percentile(&l->turn, 50));
  json_int(json, "p99_ns", model_histogram_percentile(&l->turn, 99));
  json_int(json, "max_ns", l->turn.max_ns);
  json_object_end(json);
  json_uint(json, "stops", l->n_stops);
  json_int(json, "stopped_ns", l->stopped_ns);
  json_int(json, "longest_stop_ns", l->longest_stop_ns);
  json_int(json, "longest_stop_at_ns", l->longest_stop_at_ns);
  json_uint(json, "timers_late", l->timers_late);
  json_int(json, "worst_late_ns", l->worst_late_ns);
}
