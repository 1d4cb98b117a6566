/* What `looptrace export` writes: one format a file export_NAME.c. */
#ifndef LTV_OUTPUT_EXPORT_H
#define LTV_OUTPUT_EXPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/filter.h"
#include "model/stream.h"

#define EXPORT_NAMES 1024 /* in the cache; a power of two */

struct export_names;

/* One export on its way. */
struct export {
  FILE *file;
  struct model *model;
  const char *path;
  int64_t from_ns,
      to_ns;        /* the stretch; to is behind the trace's end or less */
  int64_t floor_ns; /* otlp: shorter spans are left out */
  void (*progress)(void *context, double share); /* or NULL */
  void *context;
  const struct filter *filter; /* NULL: everything */
  uint64_t n_matches;          /* how much of the trace it let pass */
  struct export_names *names;
};

struct export_format {
  bool has_range;    /* --range means something */
  bool has_filter;   /* so does --filter */
  bool has_floor;    /* and --min */
  bool is_streaming; /* opened by model_open_names(); else by model_open() */
  bool is_binary;    /* not for a terminal */
  lt_status (*write)(struct export *x);
};

extern const struct export_format export_chrome, export_ndjson, export_csv,
    export_folded, export_openmetrics, export_otlp;
#ifdef LTV_PERFETTO
extern const struct export_format export_perfetto;
#endif

/* Make ready and clean up; path, model and so on are the caller's.
 * Errors: NOMEM. */
LT_WARN_UNUSED lt_status export_init(struct export *x);
void export_fini(struct export *x);

/* Names, made inert, from a cache: borrowed until EXPORT_NAMES others were
 * asked for.  long_: with file and line. */
const char *export_site(struct export *x, uint32_t site);
const char *export_site_long(struct export *x, uint32_t site);
const char *export_callee(struct export *x, unsigned callee);
const char *export_thread(struct export *x, uint32_t thread);
const char *export_loop(struct export *x, uint32_t loop);
const char *export_string(struct export *x, uint64_t id);

/* A thread's id as other tools want it: the kernel's where that is its alone
 * in this trace, else another number that is. */
int64_t export_tid(const struct export *x, uint32_t thread);

/* What a span is called: its callback's function, the call, "poll"... Borrowed
 * as above. */
const char *export_span_name(struct export *x, const struct model_span *span);
/* "run", "turn", "poll", "callback", "call" or "pool".  Static. */
const char *export_span_category(const struct model_span *span);

/* The name of a task: its label, or kind and function; made inert, into buf.
 * Returns: buf. */
const char *export_task_name(struct export *x, const struct model_task *task,
                             char *buf, size_t size);

/* Are these to be exported?  Of a span its end must be known. */
bool export_wants_span(struct export *x, const struct model_span *span);
bool export_wants_task(struct export *x, const struct model_task *task);
bool export_wants_moment(struct export *x, const struct model_moment *moment);
bool export_wants_stall(struct export *x, const struct model_stall *stall);

/* Stream through the stretch with progress. */
LT_WARN_UNUSED lt_status export_stream(struct export *x,
                                       struct model_visitor *visitor);

#endif
