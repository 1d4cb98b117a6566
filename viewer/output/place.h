/* Sites, causes and traces as JSON members, the same in every document. */
#ifndef LTV_PLACE_H
#define LTV_PLACE_H

#include "model/model.h"
#include "output/json.h"

/* {"name", "function", "file", "line", "module", "build_id", "offset"}, or null
 * for site 0. */
void place_json(struct json *json, const char *key, const struct model *model,
                uint32_t site);

/* {"cpu_ns", "blocked_ns", "paging_ns", "starved_ns", "suspended_ns",
 * "unknown_ns", "word"}. */
void cause_json(struct json *json, const char *key,
                const struct model_cause *cause);

/* An array of {"site", "guessed"}, innermost first; empty where id is 0. */
void stack_json(struct json *json, const char *key, const struct model *model,
                uint32_t id);

/* {"callee", "site", "start_ns", "duration_ns", "on", "unfinished", "sampled",
 * "holder_stack"}. */
void call_json(struct json *json, const char *key, const struct model *model,
               const struct model_call *call);

/* {"path", "pid", "comm", "duration_ns", "events", "lost", "complete",
 * "problem"}; what info has no use for is left to the caller. */
void trace_json(struct json *json, const char *key, const char *path,
                const lt_info *info);

/* The members of one loop, inside an object that is open. */
void loop_json(struct json *json, const struct model_loop *loop);

#endif
