/* What `report` and `info` say of a trace. */
#ifndef LTV_OUTPUT_REPORT_H
#define LTV_OUTPUT_REPORT_H

#include <stdio.h>

#include "model/census.h"
#include "model/model.h"
#include "model/path.h"
#include "output/info.h"
#include "output/json.h"
#include "output/table.h"

enum report_sort {
  REPORT_TOTAL,
  REPORT_SELF,
  REPORT_COUNT,
  REPORT_P99,
  REPORT_LONGEST
};
enum report_group { REPORT_BY_SITE, REPORT_BY_LOOP, REPORT_BY_TASK };

struct report_how {
  const char *path; /* of the trace */
  size_t top;       /* rows in a table */
  enum report_sort sort;
  enum report_group group;
  bool has_percentiles;
  const struct census *census; /* complete; where group is by task */
};

/* Loops, worst stalls, where time went, waits that could be one, notes. */
void report_text(FILE *file, const struct model *model,
                 const struct report_how *how);

/* The same in Markdown, for a comment or a job's summary. */
void report_markdown(FILE *file, const struct model *model,
                     const struct report_how *how);

/* The same as one page of HTML that needs nothing else, with the whole trace
 * drawn as SVG. */
void report_html(FILE *file, const struct model *model,
                 const struct report_how *how);

/* The same as one JSON object, schema looptrace.report/1. */
void report_json(FILE *file, const struct model *model,
                 const struct report_how *how);

/* "total time", "own time"... Static. */
const char *report_sort_words(enum report_sort sort);

/* The places of callbacks, or of blocking calls, in their order, at most top.
 * Returns: n of them, to be freed. */
const struct model_site **report_sites(const struct model *model, bool is_call,
                                       const struct report_how *how, size_t *n);

/* Time by loop or task: nothing where it is by site. */
void report_by(FILE *file, enum table_style style, const struct model *model,
               const struct report_how *how);
void report_by_task_json(struct json *json, const struct model *model,
                         const struct report_how *how);

/* What stands behind the tables of places: percentiles, waits that could have
 * been one, what is alive at the end. */
void report_more(FILE *file, enum table_style style, const struct model *model,
                 const struct report_how *how);

/* "#12 task \"GET/export\" render (shop.c:47)": inert, into buf. */
const char *report_task_name(const struct model *model,
                             const struct census_task *task, char *buf,
                             size_t size);

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

/* The function of a row of calls or callbacks; of calls also what the longest
 * of them was a part of, where a stall tells that; inert, into buf. */
const char *report_made_in(const struct model *model,
                           const struct model_site *row, char *buf,
                           size_t size);

/* One task's critical path; text: at most top rows in each table.  The model is
 * for names. */
void report_task_text(FILE *file, const struct model *model,
                      const struct path *task, size_t top);
void report_task_json(FILE *file, const struct model *model,
                      const struct path *task, const char *path);
/* The members "gatherable" and "alive" of an object that is open. */
void report_tasks_json(struct json *json, const struct model *model,
                       size_t top);

#endif
