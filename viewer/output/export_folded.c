/* Folded stacks of the stalls, for flame graphs: frames from the outermost to
 * the innermost with ";" between them, a space, and microseconds.
 *
 * The frames are the loop, the chain of tasks that led there, the callback, and
 * the blocking call; what is left of a stall is its cause.
 *
 * Invariant: one line for each distinct stack; no name holds a separator.
 * Called by cmd_export.c. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output/export.h"
#include "output/inert.h"

struct line {
  char *stack;
  int64_t ns;
};

struct folded {
  struct export *x;
  struct line *lines;
  size_t n, cap;
  bool is_out_of_memory;
};

/* The names in a line are separated by ";", the weight by the last space. */
static void add(char *line, size_t size, const char *name) {
  size_t used = strlen(line);
  if (used && used + 1 < size)
    line[used++] = ';';
  for (; *name && used + 5 < size; name++)
    used += (size_t)snprintf(line + used, size - used,
                             *name == ';' ? "\\x3b" : "%c", *name);
  line[used] = '\0';
}

static void keep(struct folded *f, const char *stack, int64_t ns) {
  if (ns < 500)
    return;
  if (f->n == f->cap) {
    size_t cap = f->cap ? f->cap * 2 : 256;
    struct line *lines = realloc(f->lines, cap * sizeof *lines);
    if (!lines) {
      f->is_out_of_memory = true;
      return;
    }
    f->lines = lines;
    f->cap = cap;
  }
  char *copy = strdup(stack);
  if (!copy)
    f->is_out_of_memory = true;
  else
    f->lines[f->n++] = (struct line){.stack = copy, .ns = ns};
}

/* The chain of tasks, the oldest first; the task itself stands for its
 * callback. */
static void add_ancestors(struct folded *f, const struct model_stall *s,
                          char *line, size_t size) {
  for (size_t i = s->n_ancestors; i-- > 0;) {
    const struct model_ancestor *a = &s->ancestors[i];
    const struct model_task task = {
        .id = a->task, .kind = a->kind, .site = a->site, .label = a->label};
    char name[600];
    if (a->await_site) {
      snprintf(name, sizeof name, "(await) %s",
               export_site_long(f->x, a->await_site));
      add(line, size, name);
    }
    if (i > 0)
      add(line, size, export_task_name(f->x, &task, name, sizeof name));
  }
}

static void fold(struct folded *f, const struct model_stall *s) {
  char line[16384] = "";
  add(line, sizeof line, f->x->model->loops[s->loop].name);
  add_ancestors(f, s, line, sizeof line);
  if (s->kind == MODEL_STALL_SLICE) {
    const char *name =
        s->site ? export_site(f->x, s->site) : lt_task_kind_name(s->slice_kind);
    add(line, sizeof line, name);
  } else {
    add(line, sizeof line,
        s->kind == MODEL_STALL_TURN ? "(many callbacks)" : "(between runs)");
    if (s->site)
      add(line, sizeof line, export_site(f->x, s->site));
  }
  size_t base = strlen(line);
  int64_t left = s->duration_ns;
  for (size_t i = 0; i < s->n_calls; i++) {
    const struct model_call *call = &s->calls[i];
    int64_t ns = call->duration_ns < left ? call->duration_ns : left;
    left -= ns;
    line[base] = '\0';
    if (call->site && call->site != s->site)
      add(line, sizeof line, export_site(f->x, call->site));
    add(line, sizeof line, export_callee(f->x, call->callee));
    keep(f, line, ns);
  }
  line[base] = '\0';
  if (strcmp(model_cause_word(&s->cause), "cpu") != 0 && s->n_calls == 0) {
    add(line, sizeof line, "(");
    snprintf(line + strlen(line), sizeof line - strlen(line), "%s)",
             model_cause_word(&s->cause));
  }
  keep(f, line, left);
}

static int by_stack(const void *a, const void *b) {
  const struct line *x = a, *y = b;
  return strcmp(x->stack, y->stack);
}

static lt_status write_folded(struct export *x) {
  struct folded f = {.x = x};
  for (size_t i = 0; i < x->model->n_stalls; i++) {
    const struct model_stall *s = &x->model->stalls[i];
    if (s->begin_ns < x->to_ns && s->begin_ns + s->duration_ns >= x->from_ns &&
        export_wants_stall(x, s))
      fold(&f, s);
  }
  if (f.n)
    qsort(f.lines, f.n, sizeof *f.lines, by_stack);
  for (size_t i = 0; i < f.n; i++) {
    int64_t ns = f.lines[i].ns;
    while (i + 1 < f.n && strcmp(f.lines[i].stack, f.lines[i + 1].stack) == 0)
      ns += f.lines[++i].ns;
    fprintf(x->file, "%s %" PRId64 "\n", f.lines[i].stack, (ns + 500) / 1000);
  }
  for (size_t i = 0; i < f.n; i++)
    free(f.lines[i].stack);
  free(f.lines);
  return f.is_out_of_memory ? LT_NOMEM : LT_OK;
}

const struct export_format export_folded = {
    .has_range = true,
    .has_filter = true,
    .write = write_folded,
};
