/* All stalls that the model finds in a trace, each by itself, for tests.
 *
 *   dump_stalls LEAST_NS FILE
 *
 * One JSON object: duration_ns of the trace, and an array "stalls". */
#include <stdlib.h>

#include "model/finding.h"
#include "output/place.h"

static void show(struct json *json, const struct model *m,
                 const struct model_stall *s) {
  char text[128];
  unsigned callee = finding_callee(s, NULL, NULL);
  json_object(json, NULL);
  json_text(json, "stall_kind", model_stall_kind_name(s->kind));
  json_text(json, "kind", lt_task_kind_name(s->slice_kind));
  json_text(json, "loop", m->loops[s->loop].name);
  json_int(json, "start_ns", s->begin_ns);
  json_int(json, "duration_ns", s->duration_ns);
  json_int(json, "inner_max_ns", s->inner_max_ns);
  json_int(json, "attributable_ns", model_attributable(&s->cause));
  cause_json(json, "cause", &s->cause);
  json_text(json, "callee",
            callee ? model_callee_name(m, callee, text, sizeof text) : NULL);
  place_json(json, "site", m, finding_place(m, s));
  place_json(json, "callback", m, s->site);
  json_array(json, "calls");
  for (size_t i = 0; i < s->n_calls; i++)
    call_json(json, NULL, m, &s->calls[i]);
  json_array_end(json);
  stack_json(json, "stack", m, s->stack);
  json_array(json, "samples");
  for (size_t i = 0; i < s->n_samples; i++) {
    const struct model_sample *at = &s->samples[i];
    const char state[2] = {at->state, 0};
    json_object(json, NULL);
    json_int(json, "at_ns", at->time_ns);
    json_text(json, "state", state);
    json_text(json, "call",
              at->callee ? model_callee_name(m, at->callee, text, sizeof text)
                         : NULL);
    json_bool(json, "has_stack", at->stack != 0);
    json_object_end(json);
  }
  json_array_end(json);
  json_object_end(json);
}

int main(int argc, char **argv) {
  struct model *m;
  struct json json;
  if (argc != 3)
    return 2;
  const struct model_options options = {.warn_ns = atoll(argv[1]),
                                        .budget_ns = atoll(argv[1])};
  if (model_open(argv[2], &options, &m) != LT_OK)
    return 3;
  json_init(&json, stdout);
  json_object(&json, NULL);
  json_int(&json, "duration_ns", m->info->end_ns);
  json_array(&json, "stalls");
  for (size_t i = 0; i < m->n_stalls; i++)
    show(&json, m, &m->stalls[i]);
  json_array_end(&json);
  json_object_end(&json);
  model_close(m);
  return 0;
}
