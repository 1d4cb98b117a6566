/* The tasks that are alive where a generation begins.
 *
 * They stand in the GENERATION block and in the DEFS blocks right behind it;
 * read when asked for, because few ask.  Called after a seek. */
#include "format/bytes.h"
#include "format/defs.h"
#include "read/state.h"

#define TASKS_BUDGET ((size_t)16 << 20)

static void add_task(struct lt_reader *r, struct lti_in *in) {
  lt_task_def t = {.id = lti_in_varint(in)};
  t.parent = lti_in_varint(in);
  t.kind = (uint32_t)lti_in_varint(in);
  t.site = (uint32_t)lti_in_varint(in);
  t.spawn_site = (uint32_t)lti_in_varint(in);
  t.spawn_ns = lti_in_zigzag(in);
  t.thread = (uint32_t)lti_in_varint(in);
  if (in->bad || t.id == 0)
    return;
  lt_task_def *known = lti_idmap_put(&r->tasks, &r->tasks_budget, t.id);
  if (known)
    *known = t;
}

static void add_label(struct lt_reader *r, struct lti_in *in) {
  uint64_t task = lti_in_varint(in), string = lti_in_varint(in);
  lt_task_def *known = in->bad ? NULL : lti_idmap_get(&r->tasks, task);
  if (known)
    known->label = lti_defs_string(&r->defs, string);
}

/* Take in one sort of definition of a block. */
static void add_all(struct lt_reader *r, const struct lti_block *block,
                    const uint8_t *payload, uint64_t wanted) {
  struct lti_in in = lti_in_of(payload, block->head.raw_bytes), body;
  uint64_t type;
  while (lti_def_next(&in, &type, &body)) {
    if (type != wanted)
      continue;
    if (type == LTI_DEF_TASK)
      add_task(r, &body);
    else
      add_label(r, &body);
  }
}

/* Walk over the blocks that begin a generation. */
static lt_status read_generation(struct lt_reader *r, uint64_t at,
                                 uint64_t wanted) {
  struct lti_problem known = {0}; /* all that is wrong was noted before */
  struct lti_scan scan = {
      .source = &r->source, .problem = &known, .at = at, .end = r->source.size};
  struct lti_block block;
  const uint8_t *payload;
  const char *wrong;
  for (bool is_first = true;; is_first = false) {
    lt_status status = lti_scan_next(&scan, &block);
    if (status != LT_OK)
      return status == LT_END ? LT_OK : status;
    if (block.head.type != (is_first ? LTI_BLOCK_GENERATION : LTI_BLOCK_DEFS))
      return LT_OK;
    status = lti_source_payload(&r->source, &block, &payload, &wrong);
    if (status == LT_OK)
      add_all(r, &block, payload, wanted);
    else if (status != LT_CORRUPT)
      return status;
  }
}

lt_status lt_reader_tasks(lt_reader *r, const lt_task_def **tasks, size_t *n) {
  lt_status status = lti_reader_refill(r);
  if (status != LT_OK && status != LT_END)
    return status;
  uint64_t at =
      status == LT_END ? r->cursor.generation_at : r->epoch.generation_at;
  lti_idmap_free(&r->tasks);
  r->tasks_budget = (struct lti_budget){.left = TASKS_BUDGET};
  status = LT_OK;
  if (at)
    status = read_generation(r, at, LTI_DEF_TASK);
  if (status == LT_OK && r->tasks.n)
    status = read_generation(r, at, LTI_DEF_LABEL);
  if (status != LT_OK)
    return status;
  *tasks = (const lt_task_def *)r->tasks.items;
  *n = r->tasks.n;
  return LT_OK;
}
