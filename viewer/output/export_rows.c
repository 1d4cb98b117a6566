/* One event a line, with names instead of ids: NDJSON and CSV, for databases,
 * spreadsheets and scripts.
 *
 * Invariant: the columns are the same for every event and both forms; a row
 * has those that its kind has, CSV leaves the others empty.  Called by
 * cmd_export.c. */
#include <assert.h>
#include <string.h>

#include "output/export.h"
#include "output/writer.h"

#define COLUMN_MAP(X)                                                          \
  X(time_ns)                                                                   \
  X(kind)                                                                      \
  X(tid)                                                                       \
  X(thread)                                                                    \
  X(loop)                                                                      \
  X(task)                                                                      \
  X(parent)                                                                    \
  X(task_kind)                                                                 \
  X(label)                                                                     \
  X(function)                                                                  \
  X(site)                                                                      \
  X(made_in)                                                                   \
  X(other_task)                                                                \
  X(callee)                                                                    \
  X(waited_on)                                                                 \
  X(duration_ns)                                                               \
  X(name)                                                                      \
  X(value)                                                                     \
  X(cpu_ns)                                                                    \
  X(delay_ns)                                                                  \
  X(switches)                                                                  \
  X(faults)                                                                    \
  X(stack)

enum column {
#define COLUMN_ENUM(name) COLUMN_##name,
  COLUMN_MAP(COLUMN_ENUM)
#undef COLUMN_ENUM
      N_COLUMNS
};

/* As a row of NDJSON leads to its value; without the quotes, CSV's header. */
static const struct {
  const char *lead;
  size_t length;
} columns[] = {
#define COLUMN_LEAD(name) {",\"" #name "\":", sizeof ",\"" #name "\":" - 1},
    COLUMN_MAP(COLUMN_LEAD)
#undef COLUMN_LEAD
};

struct rows {
  struct export *x;
  bool is_csv;
  unsigned next; /* column; of NDJSON: 0 where no comma is due */
  struct writer out;
};

/* Columns come in their order. */
static void lead(struct rows *r, enum column column) {
  if (!r->is_csv) {
    writer_char(&r->out, r->next ? ',' : '{');
    writer_bytes(&r->out, columns[column].lead + 1, columns[column].length - 1);
    r->next = 1;
    return;
  }
  static const char commas[] = ",,,,,,,,,,,,,,,,,,,,,,,,";
  static_assert(sizeof commas > N_COLUMNS, "one for each column");
  writer_bytes(&r->out, commas, column - r->next);
  r->next = column;
}

static void text(struct rows *r, enum column column, const char *value) {
  if (!value || !*value)
    return;
  lead(r, column);
  if (r->is_csv)
    writer_csv(&r->out, value);
  else
    writer_json(&r->out, value);
}

static void number(struct rows *r, enum column column, int64_t value) {
  lead(r, column);
  writer_int(&r->out, value);
}

static void positive(struct rows *r, enum column column, uint64_t value) {
  lead(r, column);
  writer_uint(&r->out, value);
}

static void stack(struct rows *r, uint64_t id) {
  const lt_stack_def *def = lt_reader_stack(r->x->model->reader, id);
  char all[4096];
  size_t used = 0;
  for (uint32_t i = 0; def && i < def->n_frames; i++) {
    const char *name = export_site(r->x, def->frames[i].site);
    size_t length = strlen(name) + (used ? 1 : 0);
    if (used + length >= sizeof all)
      break;
    snprintf(all + used, sizeof all - used, "%s%s", used ? ";" : "", name);
    used += length;
  }
  if (used)
    text(r, COLUMN_stack, all);
}

static void task_columns(struct rows *r, const struct model_moment *m) {
  const lt_event *e = m->event;
  const lt_kind_info *info = lt_kind_lookup(e->kind);
  bool is_task =
      info && (info->ref == LT_CODEC_TASK || info->ref == LT_CODEC_OPEN);
  char label[600];
  if (!is_task) {
    if (m->slice)
      positive(r, COLUMN_task, m->slice->task);
    return;
  }
  positive(r, COLUMN_task, e->ref);
  if (!m->task)
    return;
  if (m->task->parent)
    positive(r, COLUMN_parent, m->task->parent);
  if (m->task->kind)
    text(r, COLUMN_task_kind,
         e->kind == LT_RESUME ? lt_task_kind_name(e->x)
                              : lt_task_kind_name(m->task->kind));
  if (m->task->label)
    text(r, COLUMN_label, export_task_name(r->x, m->task, label, sizeof label));
}

static void place(struct rows *r, uint64_t site) {
  if (!site)
    return;
  text(r, COLUMN_function, export_site(r->x, (uint32_t)site));
  text(r, COLUMN_site, export_site_long(r->x, (uint32_t)site));
}

static void call_columns(struct rows *r, const lt_event *e) {
  char on[64];
  const struct model_call call = {.callee = e->x, .ref = e->ref};
  place(r, e->a);
  text(r, COLUMN_callee, export_callee(r->x, e->x));
  text(r, COLUMN_waited_on, model_call_on(r->x->model, &call, on, sizeof on));
  positive(r, COLUMN_duration_ns, e->b);
}

static void usage_columns(struct rows *r, const lt_event *e) {
  positive(r, COLUMN_cpu_ns, e->a);
  if (e->b)
    positive(r, COLUMN_delay_ns, e->b - 1);
  positive(r, COLUMN_switches, e->ref);
  positive(r, COLUMN_faults, e->x);
}

/* What the fields of its kind mean; doc of LT_EVENT_MAP. */
static void own_columns(struct rows *r, const lt_event *e) {
  switch (e->kind) {
  case LT_SPAWN:
    place(r, e->a);
    if (e->b)
      text(r, COLUMN_made_in, export_site_long(r->x, (uint32_t)e->b));
    break;
  case LT_ARM:
    place(r, e->a);
    if (e->b)
      positive(r, COLUMN_duration_ns, e->b - 1);
    break;
  case LT_RESUME:
  case LT_POOL_BEGIN:
    place(r, e->a);
    break;
  case LT_READY:
    if (e->a)
      positive(r, COLUMN_other_task, e->a);
    positive(r, COLUMN_value, e->x);
    break;
  case LT_AWAIT:
    if (e->a)
      positive(r, COLUMN_other_task, e->a);
    break;
  case LT_DONE:
    number(r, COLUMN_value, (int64_t)e->a);
    break;
  case LT_CALL:
  case LT_CALL_BEGIN:
    call_columns(r, e);
    break;
  case LT_USAGE:
    usage_columns(r, e);
    break;
  case LT_MARK:
    text(r, COLUMN_name, export_string(r->x, e->a));
    positive(r, COLUMN_value, e->b);
    break;
  case LT_COUNTER:
    text(r, COLUMN_name, export_string(r->x, e->a));
    number(r, COLUMN_value, (int64_t)e->b);
    break;
  case LT_LABEL:
  case LT_LOOP_NAME:
    text(r, COLUMN_name, export_string(r->x, e->a));
    break;
  case LT_FD_NAME:
    text(r, COLUMN_name, export_string(r->x, e->a));
    number(r, COLUMN_value, (int64_t)e->ref - 1);
    break;
  case LT_LOCK_HOLDER:
    text(r, COLUMN_name, export_string(r->x, e->a));
    stack(r, e->b);
    break;
  case LT_LOST:
    positive(r, COLUMN_duration_ns, e->b);
    text(r, COLUMN_name, lt_lost_text(e->x));
    positive(r, COLUMN_value, e->a);
    break;
  case LT_SAMPLE: {
    char state[] = {e->x > ' ' && e->x < 127 ? (char)e->x : '\0', '\0'};
    text(r, COLUMN_name, state);
    stack(r, e->b);
    break;
  }
  case LT_EARLY_TURN:
    positive(r, COLUMN_duration_ns, e->b);
    positive(r, COLUMN_value, e->a);
    break;
  case LT_POLL_BEGIN:
  case LT_POLL_END:
  case LT_LOOP_BEGIN:
  case LT_LOOP_END:
    positive(r, COLUMN_value, e->a);
    break;
  default:
    break;
  }
}

static bool on_moment(void *context, const struct model_moment *m) {
  struct rows *r = context;
  const lt_event *e = m->event;
  const lt_kind_info *info = lt_kind_lookup(e->kind);
  bool is_loop = e->kind == LT_LOOP_BEGIN || e->kind == LT_LOOP_END ||
                 e->kind == LT_LOOP_NAME || e->kind == LT_EARLY_TURN;
  if (!export_wants_moment(r->x, m))
    return true;
  r->next = 0;
  number(r, COLUMN_time_ns, e->time_ns);
  text(r, COLUMN_kind, info ? info->name : "unknown");
  number(r, COLUMN_tid, export_tid(r->x, e->thread));
  text(r, COLUMN_thread, export_thread(r->x, e->thread));
  if (is_loop)
    text(r, COLUMN_loop, export_loop(r->x, e->x));
  task_columns(r, m);
  own_columns(r, e);
  if (r->is_csv)
    lead(r, N_COLUMNS - 1);
  writer_text(&r->out, r->is_csv ? "\n" : "}\n");
  return !ferror(r->x->file);
}

static lt_status write_rows(struct export *x, bool is_csv) {
  struct rows rows = {.x = x, .is_csv = is_csv};
  struct model_visitor visitor = {
      .context = &rows, .has_tasks = true, .moment = on_moment};
  writer_init(&rows.out, x->file);
  for (unsigned i = 0; is_csv && i < N_COLUMNS; i++) {
    /* Between the quotes. */
    writer_bytes(&rows.out, columns[i].lead + 2, columns[i].length - 4);
    writer_char(&rows.out, i + 1 < N_COLUMNS ? ',' : '\n');
  }
  lt_status status = export_stream(x, &visitor);
  writer_flush(&rows.out);
  return status;
}

static lt_status write_csv(struct export *x) {
  return write_rows(x, true);
}
static lt_status write_ndjson(struct export *x) {
  return write_rows(x, false);
}

const struct export_format export_csv = {
    .has_range = true,
    .has_filter = true,
    .is_streaming = true,
    .write = write_csv,
};
const struct export_format export_ndjson = {
    .has_range = true,
    .has_filter = true,
    .is_streaming = true,
    .write = write_ndjson,
};
