/* Where the model's builder gets events and names from: a reader, or in tests a
 * list that states every number by construction. */
#ifndef LTV_SOURCE_H
#define LTV_SOURCE_H

#include "model/model.h"

struct model_source {
  void *context;
  const lt_info *info; /* end_ns and n_lost are used; lives as long */
  /* NULL, or to be called before all others, as lt_reader_open_step(). */
  lt_status (*open)(void *context, uint64_t n_blocks);
  /* The next events, some at once: at least one, borrowed until the next call.
   * END after the last. */
  lt_status (*next)(void *context, const lt_event **events, size_t *n);
  /* What is open and alive before the first event, as those of reader.h: a
   * trace may begin in the middle.  Both NULL where nothing can be. */
  lt_status (*opens)(void *context, const lt_open **opens, size_t *n);
  lt_status (*tasks)(void *context, const lt_task_def **tasks, size_t *n);
  /* Definitions, as those of reader.h; NULL where there is none. */
  const char *(*string)(void *context, uint64_t id);
  const lt_site_def *(*site)(void *context, uint64_t id);
  const lt_stack_def *(*stack)(void *context, uint64_t id); /* or NULL */
  const lt_module_def *(*module)(void *context, uint32_t id);
  const lt_thread_def *(*thread)(void *context, uint32_t index);
  const lt_loop_def *(*loop)(void *context, uint32_t id);
  const char *(*callee)(void *context, unsigned callee); /* never NULL */
};

/* Compute a model from a source; model_open() is this over a file.
 *
 * source: copied; what it points to must live as long as the model.
 * model:  owned, to be closed with model_close(); NULL on failure.
 * Errors: NOMEM, and what next returns other than END. */
LT_WARN_UNUSED lt_status model_build(const struct model_source *source,
                                     const struct model_options *options,
                                     struct model **model);

/* The same in steps: see model_begin() in model.h. */
LT_WARN_UNUSED lt_status model_begin_source(const struct model_source *source,
                                            const struct model_options *options,
                                            struct model **model);

/* The source that a model was built from. */
const struct model_source *model_source(const struct model *model);

#endif
