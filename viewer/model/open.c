/* Build a model from a file: the reader as a source. */
#include "model/build.h"
#include "model/stream.h"

static lt_status next(void *context, const lt_event **events, size_t *n) {
  return lt_reader_next_some(context, events, n);
}
static lt_status opens(void *context, const lt_open **found, size_t *n) {
  return lt_reader_opens(context, found, n);
}
static lt_status tasks(void *context, const lt_task_def **found, size_t *n) {
  return lt_reader_tasks(context, found, n);
}
static const char *string(void *context, uint64_t id) {
  return lt_reader_string(context, id);
}
static const lt_site_def *site(void *context, uint64_t id) {
  return lt_reader_site(context, id);
}
static const lt_stack_def *stack(void *context, uint64_t id) {
  return lt_reader_stack(context, id);
}
static const lt_module_def *module(void *context, uint32_t id) {
  return lt_reader_module(context, id);
}
static const lt_thread_def *thread(void *context, uint32_t index) {
  return lt_reader_thread(context, index);
}
static const lt_loop_def *loop(void *context, uint32_t id) {
  return lt_reader_loop(context, id);
}
static const char *callee(void *context, unsigned id) {
  return lt_reader_callee(context, id);
}

static lt_status nothing(void *context, const lt_event **events, size_t *n) {
  (void)context;
  (void)events;
  (void)n;
  return LT_END;
}

static struct model_source source_of(lt_reader *reader) {
  return (struct model_source){.context = reader,
                               .info = lt_reader_info(reader),
                               .next = next,
                               .opens = opens,
                               .tasks = tasks,
                               .string = string,
                               .site = site,
                               .stack = stack,
                               .module = module,
                               .thread = thread,
                               .loop = loop,
                               .callee = callee};
}

/* Open a file that will be read from begin to end. */
static lt_status open_reader(const char *path, lt_reader **reader) {
  lt_status status = lt_reader_open(path, reader);
  if (status == LT_OK)
    lt_reader_read_ahead(*reader, true);
  return status;
}

static lt_status open_with(const char *path,
                           lt_status (*events)(void *context,
                                               const lt_event **events,
                                               size_t *n),
                           const struct model_options *options,
                           struct model **model) {
  lt_reader *reader;
  *model = NULL;
  lt_status status = open_reader(path, &reader);
  if (status != LT_OK)
    return status;
  struct model_source source = source_of(reader);
  source.next = events;
  if (events != next)
    source.opens = NULL;
  status = model_build(&source, options, model);
  if (status != LT_OK)
    lt_reader_close(reader);
  else
    (*model)->reader = reader;
  return status;
}

static lt_status open_step(void *context, uint64_t n_blocks) {
  return lt_reader_open_step(context, n_blocks);
}

lt_status model_begin(const char *path, const struct model_options *options,
                      struct model **model) {
  lt_reader *reader;
  *model = NULL;
  lt_status status = lt_reader_open_begin(path, &reader);
  if (status != LT_OK)
    return status;
  lt_reader_read_ahead(reader, true);
  struct model_source source = source_of(reader);
  source.open = open_step;
  status = model_begin_source(&source, options, model);
  if (status != LT_OK)
    lt_reader_close(reader);
  else
    (*model)->reader = reader;
  return status;
}

lt_status model_open(const char *path, const struct model_options *options,
                     struct model **model) {
  return open_with(path, next, options, model);
}

lt_status model_open_names(const char *path, struct model **model) {
  return open_with(path, nothing, NULL, model);
}
