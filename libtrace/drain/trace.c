/* One trace file.
 *
 * Invariant: a definition is written before the block of the first event that
 * refers to it; an epoch ends with its seal; a generation begins only behind a
 * seal.  Called by the recorder, process by process. */
#include "drain/trace.h"

#include <string.h>

#include "format/bytes.h"
#include "format/defs.h"

#define GENERATION_BYTES (UINT64_C(16) << 20)
#define GENERATION_NS INT64_C(10000000000)

/* Write a block, and tell the directory of it. */
static void write_block(struct lti_trace *t, struct lti_block_header *h,
                        const void *payload, size_t size,
                        uint64_t short_calls) {
  uint64_t at = lti_writer_size(t->writer);
  lti_writer_block(t->writer, h, payload, size);
  uint64_t whole = lti_writer_size(t->writer) - at;
  h->header_bytes = LTI_BLOCK_HEADER_BYTES;
  h->stored_bytes = (uint32_t)(whole - LTI_BLOCK_HEADER_BYTES);
  lti_directory_block(t->directory, at, h, short_calls);
}

static void put_block(struct lti_trace *t, unsigned type, uint32_t index,
                      uint32_t count, const void *payload, size_t size) {
  struct lti_block_header h = {
      .type = (uint8_t)type,
      .index = index,
      .count = count,
      .first_ns = t->watermark_ns,
      .last_ns = t->watermark_ns,
  };
  write_block(t, &h, payload, size, 0);
}

/* The first bytes of a generation make its block; what does not fit follows. */
static void take_definitions(void *context, const uint8_t *bytes, size_t size,
                             uint32_t n) {
  struct lti_trace *t = context;
  if (t->generation_is_begun) {
    put_block(t, LTI_BLOCK_DEFS, 0, n, bytes, size);
  } else {
    put_block(t, LTI_BLOCK_GENERATION, t->n_generations++, n, bytes, size);
    t->generation_is_begun = true;
  }
}

void lti_trace_init(struct lti_trace *t, struct lti_encoder *encoder,
                    int32_t pid, const char *recorder, uint64_t min_block_ns) {
  memset(t, 0, sizeof *t);
  t->encoder = encoder;
  for (unsigned k = 0; k < LT_KIND_LIMIT; k++)
    if (lt_kind_lookup(k))
      t->kinds[k] = *lt_kind_lookup(k);
  lti_book_init(&t->book, pid, recorder, min_block_ns);
}

static void put_clock(struct lti_trace *t) {
  uint8_t body[32];
  struct lti_out out = lti_out_of(body, sizeof body);
  int64_t monotonic_ns, unix_ns;
  t->clock(&monotonic_ns, &unix_ns);
  lti_out_zigzag(&out, monotonic_ns - t->start_ns);
  lti_out_zigzag(&out, unix_ns);
  lti_book_put(&t->book, LTI_DEF_CLOCK, body, (size_t)(out.at - body));
}

static void put_task(struct lti_trace *t, const struct lti_task *task) {
  uint8_t body[96];
  struct lti_out out = lti_out_of(body, sizeof body);
  lti_out_varint(&out, task->id);
  lti_out_varint(&out, task->parent);
  lti_out_varint(&out, task->kind);
  lti_out_varint(&out, task->site);
  lti_out_varint(&out, task->spawn_site);
  lti_out_zigzag(&out, task->spawn_ns);
  lti_out_varint(&out, task->thread);
  lti_book_put(&t->book, LTI_DEF_TASK, body, (size_t)(out.at - body));
  if (!task->label)
    return;
  out = lti_out_of(body, sizeof body);
  lti_out_varint(&out, task->id);
  lti_out_varint(&out, task->label);
  lti_book_put(&t->book, LTI_DEF_LABEL, body, (size_t)(out.at - body));
}

static void begin_generation(struct lti_trace *t) {
  t->generation_is_begun = false;
  t->generation_is_due = false;
  t->generation_size_at = lti_writer_size(t->writer);
  t->generation_ns = t->watermark_ns;
  lti_book_retell(&t->book);
  put_clock(t);
  for (size_t i = 0; i < t->tasks.n; i++)
    if (t->tasks.places[i].id)
      put_task(t, &t->tasks.places[i]);
  lti_book_flush(&t->book);
}

void lti_trace_drop_index(struct lti_trace *t) {
  lti_directory_free(t->directory);
  lti_summary_free(t->summary);
  t->directory = NULL;
  t->summary = NULL;
}

void lti_trace_start(struct lti_trace *t, struct lti_writer *writer,
                     const struct lti_file_header *header,
                     lti_trace_clock *clock) {
  t->writer = writer;
  t->clock = clock;
  t->start_ns = header->start_ns;
  t->book.sink = take_definitions;
  t->book.sink_context = t;
  lti_trace_drop_index(t);
  t->summary = lti_summary_new();
  lti_writer_header(writer, header);
  t->directory = lti_directory_new(lti_writer_size(writer));
  begin_generation(t);
}

void lti_trace_go_on(struct lti_trace *t, struct lti_writer *writer,
                     const struct lti_file_header *header) {
  lti_writer_free(t->writer);
  t->n_events = t->n_lost = t->n_lost_events = 0;
  t->first_ns = t->last_ns = 0;
  t->n_generations = 0;
  lti_trace_start(t, writer, header, t->clock);
}

/* A generation begins where an epoch does, and only when one does: nothing but
 * events may follow it. */
void lti_trace_thread_begin(struct lti_trace *t,
                            struct lti_trace_thread *thread) {
  if (t->generation_is_due && t->epoch_blocks == 0)
    begin_generation(t);
  t->at = thread;
  lti_encoder_begin(t->encoder, &thread->open);
}

static void end_block(struct lti_trace *t) {
  const uint8_t *block;
  if (lti_encoder_count(t->encoder) == 0)
    return;
  lti_book_flush(&t->book);
  size_t size = lti_encoder_finish(t->encoder, t->at->index,
                                   lti_writer_number(t->writer), &block);
  struct lti_block_header head;
  uint64_t at = lti_writer_size(t->writer);
  lti_writer_raw(t->writer, block, size);
  if (lti_block_header_get(block, &head) == LT_OK) /* as it just made it */
    lti_directory_block(t->directory, at, &head, 0);
  t->epoch_blocks++;
}

void lti_trace_thread_end(struct lti_trace *t) {
  end_block(t);
  lti_summary_pause(t->summary, t->at->index, &t->at->open);
  t->at = NULL;
}

/* What the program means by one field, as the file says it. */
static inline uint64_t translate(struct lti_trace *t, unsigned codec,
                                 uint64_t value) {
  switch (codec) {
  case LT_CODEC_NONE:
    return 0;
  case LT_CODEC_SITE:
    return lti_book_site_again(&t->book, value);
  case LT_CODEC_TEXT:
    return lti_book_text_id(&t->book, value);
  default:
    return value;
  }
}

/* Definitions and live tasks that follow from an event already translated. */
static void follow(struct lti_trace *t, struct lti_trace_thread *thread,
                   lt_event *e) {
  switch (e->kind) {
  case LT_SPAWN: {
    struct lti_task task = {
        .id = e->ref,
        .parent = lti_brackets_task(&thread->open),
        .spawn_ns = e->time_ns,
        .kind = e->x,
        .site = (uint32_t)e->a,
        .spawn_site = (uint32_t)e->b,
        .thread = thread->index,
    };
    lti_tasks_spawn(&t->tasks, &task);
    lti_book_task_kind(&t->book, e->x);
    break;
  }
  case LT_ARM:
  case LT_RESUME:
  case LT_POOL_BEGIN:
    lti_book_task_kind(&t->book, e->x);
    break;
  case LT_DONE:
    lti_tasks_done(&t->tasks, e->ref);
    break;
  case LT_LABEL:
    lti_tasks_label(&t->tasks, e->ref, e->a);
    break;
  case LT_LOOP_BEGIN:
    lti_book_loop(&t->book, e->x, thread->index, 0);
    break;
  case LT_LOOP_NAME:
    lti_book_loop(&t->book, e->x, thread->index, e->a);
    break;
  case LT_CALL:
  case LT_CALL_BEGIN:
    e->x = (uint16_t)lti_book_callee(&t->book, e->x);
    break;
  default:
    break;
  }
}

/* Sites that are where a call returns to. */
static inline void mark_call(lt_event *e) {
  if (e->kind == LT_SPAWN)
    e->b |= LTI_SITE_CALL;
  else if (e->kind == LT_CALL || e->kind == LT_CALL_BEGIN)
    e->a |= LTI_SITE_CALL;
}

static void translate_event(struct lti_trace *t,
                            struct lti_trace_thread *thread, lt_event *e) {
  const lt_kind_info *info = &t->kinds[e->kind];
  mark_call(e);
  e->ref = info->ref == LT_CODEC_NONE ? 0 : e->ref;
  e->x = info->x == LT_CODEC_NONE ? 0 : e->x;
  e->a = translate(t, info->a, e->a);
  e->b = translate(t, info->b, e->b);
  follow(t, thread, e);
}

void lti_trace_event(struct lti_trace *t, lt_event *e) {
  translate_event(t, t->at, e);
  lti_summary_event(t->summary, t->at->index, &t->at->open, e);
  if (!lti_encoder_add(t->encoder, e)) {
    end_block(t);
    lti_encoder_begin(t->encoder, &t->at->open);
    (void)lti_encoder_add(t->encoder, e); /* an empty block has room */
  }
  if (t->n_events == 0 || e->time_ns < t->first_ns)
    t->first_ns = e->time_ns;
  if (t->epoch_events == 0 || e->time_ns < t->epoch_first_ns)
    t->epoch_first_ns = e->time_ns;
  if (t->n_events == 0 || e->time_ns > t->last_ns)
    t->last_ns = e->time_ns;
  t->n_events++;
  t->epoch_events++;
  if (e->kind == LT_LOST) {
    t->n_lost += e->a;
    lti_directory_lost(t->directory, e->x, e->a);
    t->n_lost_events++;
  }
}

void lti_trace_skip(struct lti_trace *t, struct lti_trace_thread *thread,
                    const lt_event *event) {
  lt_event e = *event;
  translate_event(t, thread, &e);
  lti_brackets_apply(&thread->open, e.time_ns, e.kind, e.x, e.ref, e.a);
}

bool lti_trace_seal(struct lti_trace *t, int64_t watermark_ns, uint64_t late,
                    uint64_t short_calls) {
  uint8_t payload[64];
  struct lti_out out = lti_out_of(payload, sizeof payload);
  lti_tasks_settle(&t->tasks);
  t->watermark_ns = watermark_ns;
  if (t->epoch_events) {
    struct lti_block_header h = {
        .type = LTI_BLOCK_EPOCH,
        .first_ns = t->epoch_first_ns,
        .last_ns = watermark_ns,
        .count = t->epoch_blocks,
    };
    lti_out_varint(&out, t->epoch_events);
    lti_out_varint(&out, late);
    lti_out_varint(&out, short_calls);
    write_block(t, &h, payload, (size_t)(out.at - payload), short_calls);
    t->epoch_events = 0;
    t->epoch_blocks = 0;
  }
  uint64_t max_bytes =
      t->generation_max_bytes ? t->generation_max_bytes : GENERATION_BYTES;
  int64_t max_ns = t->generation_max_ns ? t->generation_max_ns : GENERATION_NS;
  if (lti_writer_size(t->writer) - t->generation_size_at >= max_bytes ||
      watermark_ns - t->generation_ns >= max_ns)
    t->generation_is_due = true;
  return lti_writer_flush(t->writer);
}

bool lti_trace_tell(struct lti_trace *t) {
  if (!t->book.fresh_n)
    return true;
  lti_book_flush(&t->book);
  return lti_writer_flush(t->writer);
}

void lti_trace_end(struct lti_trace *t, int64_t time_ns, lt_end_reason reason,
                   int status, uint64_t untracked) {
  uint8_t payload[64];
  struct lti_out out = lti_out_of(payload, sizeof payload);
  lti_book_flush(&t->book); /* names that came in since */
  t->watermark_ns = time_ns;
  uint64_t index_at = lti_trace_put_index(t, time_ns);
  lti_out_varint(&out, (uint64_t)reason);
  lti_out_varint(&out, (uint32_t)status);
  lti_out_varint(&out, t->n_events);
  lti_out_varint(&out, t->n_lost);
  lti_out_varint(&out, untracked);
  lti_out_varint(&out, index_at);
  put_block(t, LTI_BLOCK_END, 0, 0, payload, (size_t)(out.at - payload));
  (void)lti_writer_flush(t->writer);
}

void lti_trace_fini(struct lti_trace *t) {
  lti_writer_free(t->writer);
  lti_trace_drop_index(t);
  t->writer = NULL;
  t->book.sink = NULL;
  lti_tasks_fini(&t->tasks);
  lti_book_fini(&t->book);
}
