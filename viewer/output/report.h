/* What `report` and `info` say of a trace. */
#ifndef LTV_OUTPUT_REPORT_H
#define LTV_OUTPUT_REPORT_H

#include <stdio.h>

#include "model/model.h"
#include "model/path.h"
#include "output/json.h"

/* Loops, worst stalls, sites by total time, blocking calls by site, notes; at
 * most top rows each. */
void report_text(FILE *file, const struct model *model, const char *path,
                 size_t top);

/* The same in Markdown, for a comment or a job's summary. */
void report_markdown(FILE *file, const struct model *model, const char *path,
                     size_t top);

/* The same as one page of HTML that needs nothing else, with the whole trace
 * drawn as SVG. */
void report_html(FILE *file, const struct model *model, const char *path,
                 size_t top);

/* The model's stalls, longest first: an array of n_stalls to be freed; NULL
 * without memory, or where there are none. */
const struct model_stall **report_worst(const struct model *model);

/* What a stall's time went into: a call's name, "computation" or a cause; and
 * the callback, turn or gap that it was; inert, into buf. */
const char *report_spent(const struct model *model,
                         const struct model_stall *stall, char *buf,
                         size_t size);
const char *report_what(const struct model *model,
                        const struct model_stall *stall, char *buf,
                        size_t size);

/* The same as one JSON object, schema looptrace.report/1. */
void report_json(FILE *file, const struct model *model, const char *path,
                 size_t top);

/* One task's critical path; text: at most top rows in each table.  The model is
 * for names. */
void report_task_text(FILE *file, const struct model *model,
                      const struct path *task, size_t top);
void report_task_json(FILE *file, const struct model *model,
                      const struct path *task, const char *path);
/* Sections about tasks; nothing where there is nothing. */
void report_gathers_text(FILE *file, const struct model *model, size_t top);
void report_lives_text(FILE *file, const struct model *model, size_t top);
/* The members "gatherable" and "alive" of an object that is open. */
void report_tasks_json(struct json *json, const struct model *model,
                       size_t top);

/* "complete", or what is missing of the trace and from where on; into buf. */
const char *report_health(const lt_info *info, char *buf, size_t size);

/* How the process ended: "exited with status 0", "killed by signal 9"...; into
 * buf. */
const char *report_end(const lt_info *info, char *buf, size_t size);

#endif
