/* Take definitions in: doc/format.md, "Definitions".
 *
 * Invariant: memory stays within the budget whatever the file says; a
 * definition that says again what is known takes none, so that generations can
 * repeat everything.  Called while a trace is opened. */
#include "read/defs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"
#include "format/defs.h"

#define NOTES_MAX 256u
#define BUILD_ID_MAX 64u /* bytes */

void lti_defs_init(struct lti_defs *d) {
  memset(d, 0, sizeof *d);
  d->budget.left = LTI_DEFS_BUDGET;
  d->strings.item_bytes = sizeof(struct lti_string);
  d->callees.item_bytes = sizeof(struct lti_string);
  d->notes.item_bytes = sizeof(struct lti_string);
  d->modules.item_bytes = sizeof(lt_module_def);
  d->sites.item_bytes = sizeof(struct lti_site);
  d->stacks.item_bytes = sizeof(lt_stack_def);
  d->threads.item_bytes = sizeof(lt_thread_def);
  d->loops.item_bytes = sizeof(struct lti_loop);
  d->comm = d->uv_version = d->recorder = "";
}

static lt_stack_def *stack_at(const struct lti_defs *d, uint32_t i) {
  return lti_idmap_at(&d->stacks, i);
}

void lti_defs_free(struct lti_defs *d) {
  lti_idmap_free(&d->strings);
  lti_idmap_free(&d->callees);
  lti_idmap_free(&d->notes);
  lti_idmap_free(&d->modules);
  lti_idmap_free(&d->sites);
  for (uint32_t i = 0; i < d->stacks.n; i++)
    free((void *)(uintptr_t)stack_at(d, i)->frames);
  lti_idmap_free(&d->stacks);
  lti_idmap_free(&d->threads);
  lti_idmap_free(&d->loops);
  lti_texts_free(&d->texts);
}

/* Let *text be these bytes; copies them only where they are new. */
static void set_text(struct lti_defs *d, const char **text,
                     const uint8_t *bytes, size_t n) {
  if (*text && strlen(*text) == n && memcmp(*text, bytes, n) == 0)
    return;
  const char *copy = lti_texts_copy(&d->texts, &d->budget, bytes, n);
  *text = copy ? copy : "";
}

/* The rest of a body. */
static void rest_text(struct lti_defs *d, struct lti_in *in,
                      const char **text) {
  size_t n = lti_in_left(in);
  const uint8_t *bytes = lti_in_bytes(in, n);
  if (!in->bad)
    set_text(d, text, bytes, n);
}

/* A size, and as many bytes. */
static void sized_text(struct lti_defs *d, struct lti_in *in,
                       const char **text) {
  uint64_t n = lti_in_varint(in);
  const uint8_t *bytes = lti_in_bytes(in, n);
  if (!in->bad)
    set_text(d, text, bytes, (size_t)n);
}

/* Strings may hold NULs: their size counts, not strlen(). */
static void add_string(struct lti_defs *d, struct lti_idmap *table,
                       struct lti_in *in) {
  uint64_t id = lti_in_varint(in);
  size_t n = lti_in_left(in);
  const uint8_t *bytes = lti_in_bytes(in, n);
  if (in->bad || (id == 0 && table == &d->strings)) /* 0 is for none */
    return;
  struct lti_string *s = lti_idmap_put(table, &d->budget, id);
  if (!s)
    return;
  if (s->text && s->size == n && memcmp(s->text, bytes, n) == 0)
    return;
  const char *copy = lti_texts_copy(&d->texts, &d->budget, bytes, n);
  s->text = copy ? copy : "";
  s->size = copy ? n : 0;
}

static void add_note(struct lti_defs *d, struct lti_in *in) {
  size_t n = lti_in_left(in);
  const uint8_t *bytes = lti_in_bytes(in, n);
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < n; i++)
    hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
  if (d->notes.n >= NOTES_MAX || lti_idmap_get(&d->notes, hash))
    return;
  struct lti_string *s = lti_idmap_put(&d->notes, &d->budget, hash);
  if (!s)
    return;
  const char *copy = lti_texts_copy(&d->texts, &d->budget, bytes, n);
  s->text = copy ? copy : "";
}

/* An id that the API gives in 32 bits; 0 where it does not fit. */
static uint32_t small_id(uint64_t id) {
  return id <= UINT32_MAX ? (uint32_t)id : 0;
}

static void add_build_id(struct lti_defs *d, struct lti_in *in,
                         const char **text) {
  char hex[2 * BUILD_ID_MAX + 1] = "";
  uint64_t n = lti_in_varint(in);
  const uint8_t *bytes = lti_in_bytes(in, n);
  if (in->bad)
    return;
  if (n > BUILD_ID_MAX)
    n = 0;
  for (uint64_t i = 0; i < n; i++)
    snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
  set_text(d, text, (const uint8_t *)hex, 2 * (size_t)n);
}

static void add_module(struct lti_defs *d, struct lti_in *in) {
  uint32_t id = small_id(lti_in_varint(in));
  uint64_t start = lti_in_varint(in), end = lti_in_varint(in);
  lt_module_def *m =
      in->bad || !id ? NULL : lti_idmap_put(&d->modules, &d->budget, id);
  if (!m)
    return;
  m->id = id;
  m->start = start;
  m->end = end;
  if (!m->path)
    m->path = m->build_id = "";
  sized_text(d, in, &m->path);
  add_build_id(d, in, &m->build_id);
}

static void add_site(struct lti_defs *d, struct lti_in *in) {
  struct lti_site s = {.def.id = small_id(lti_in_varint(in))};
  s.def.address = lti_in_varint(in);
  s.def.module = small_id(lti_in_varint(in));
  s.def.offset = lti_in_varint(in);
  s.function = lti_in_varint(in);
  s.def.function_offset = lti_in_varint(in);
  s.file = lti_in_varint(in);
  s.def.line = small_id(lti_in_varint(in));
  struct lti_site *known = in->bad || !s.def.id
                               ? NULL
                               : lti_idmap_put(&d->sites, &d->budget, s.def.id);
  if (known)
    *known = s;
}

static bool same_stack(const lt_stack_def *s, const lt_stack_frame *frames,
                       uint64_t n) {
  for (uint64_t i = 0; s->n_frames == n && i < n; i++)
    if (s->frames[i].site != frames[i].site ||
        s->frames[i].is_guessed != frames[i].is_guessed)
      return false;
  return s->n_frames == n;
}

/* What is told again in each generation must take no memory. */
static void add_stack(struct lti_defs *d, struct lti_in *in) {
  lt_stack_frame frames[LTI_STACK_FRAMES_MAX];
  uint32_t id = small_id(lti_in_varint(in));
  uint64_t n = lti_in_varint(in);
  for (uint64_t i = 0; i < n && n <= LTI_STACK_FRAMES_MAX; i++) {
    uint64_t word = lti_in_varint(in);
    frames[i] = (lt_stack_frame){small_id(word / 2), word & 1};
  }
  if (in->bad || !id || !n || n > LTI_STACK_FRAMES_MAX)
    return;
  lt_stack_def *known = lti_idmap_get(&d->stacks, id);
  if (known && same_stack(known, frames, n))
    return;
  size_t size = (size_t)n * sizeof *frames;
  lt_stack_frame *copy = lti_budget_realloc(&d->budget, NULL, 0, size);
  lt_stack_def *s = copy ? lti_idmap_put(&d->stacks, &d->budget, id) : NULL;
  if (!s) {
    free(copy);
    return;
  }
  for (uint64_t i = 0; i < n; i++)
    copy[i] = frames[i];
  free((void *)(uintptr_t)s->frames);
  *s = (lt_stack_def){id, (uint32_t)n, copy};
}

static void add_thread(struct lti_defs *d, struct lti_in *in) {
  uint64_t index = lti_in_varint(in);
  uint64_t tid = lti_in_varint(in), flags = lti_in_varint(in);
  lt_thread_def *t = in->bad || index > UINT32_MAX
                         ? NULL
                         : lti_idmap_put(&d->threads, &d->budget, index);
  if (!t)
    return;
  t->index = (uint32_t)index;
  t->tid = tid <= INT32_MAX ? (int32_t)tid : 0;
  t->is_main = flags & LTI_THREAD_IS_MAIN;
  if (!t->name)
    t->name = "";
  rest_text(d, in, &t->name);
}

static void add_loop(struct lti_defs *d, struct lti_in *in) {
  uint32_t id = small_id(lti_in_varint(in));
  uint64_t thread = lti_in_varint(in), name = lti_in_varint(in);
  struct lti_loop *l =
      in->bad || !id ? NULL : lti_idmap_put(&d->loops, &d->budget, id);
  if (!l)
    return;
  l->def.id = id;
  l->def.thread = small_id(thread);
  l->name = name;
}

static void add_process(struct lti_defs *d, struct lti_in *in) {
  (void)lti_in_varint(in); /* the pid stands in the file header too */
  sized_text(d, in, &d->comm);
  sized_text(d, in, &d->uv_version);
  sized_text(d, in, &d->recorder);
  uint64_t floor_ns = lti_in_varint(in);
  if (!in->bad)
    d->min_block_ns = floor_ns;
}

static void add_one(struct lti_defs *d, uint64_t type, struct lti_in *in) {
  switch (type) {
  case LTI_DEF_STRING:
    add_string(d, &d->strings, in);
    break;
  case LTI_DEF_MODULE:
    add_module(d, in);
    break;
  case LTI_DEF_SITE:
    add_site(d, in);
    break;
  case LTI_DEF_STACK:
    add_stack(d, in);
    break;
  case LTI_DEF_THREAD:
    add_thread(d, in);
    break;
  case LTI_DEF_LOOP:
    add_loop(d, in);
    break;
  case LTI_DEF_PROCESS:
    add_process(d, in);
    break;
  case LTI_DEF_CALLEE:
    add_string(d, &d->callees, in);
    break;
  case LTI_DEF_NOTE:
    add_note(d, in);
    break;
  default: /* tasks and labels are read where they are asked for: tasks.c */
    break;
  }
}

bool lti_def_next(struct lti_in *in, uint64_t *type, struct lti_in *body) {
  if (lti_in_left(in) == 0)
    return false;
  *type = lti_in_varint(in);
  *body = lti_in_part(in, lti_in_varint(in));
  return !in->bad;
}

void lti_defs_add(struct lti_defs *d, const struct lti_block *block,
                  const uint8_t *payload, struct lti_problem *problem) {
  struct lti_in in = lti_in_of(payload, block->head.raw_bytes), body;
  const char *wrong = NULL;
  uint64_t type;
  uint32_t n = 0;
  for (; lti_def_next(&in, &type, &body); n++) {
    if (d)
      add_one(d, type, &body);
    if (body.bad)
      wrong = "a definition is too short";
  }
  if (in.bad)
    wrong = "a definition goes over the end";
  else if (n != block->head.count)
    wrong = "the number of definitions is wrong";
  else if (d && d->budget.is_out)
    wrong = "definitions need too much memory, from here on some are not known";
  if (wrong)
    lti_problem_note(problem, LT_CORRUPT, block->at,
                     "block %" PRIu32 " at byte %" PRIu64 ": %s",
                     block->head.number, block->at, wrong);
}

const char *lti_defs_string(const struct lti_defs *d, uint64_t id) {
  const struct lti_string *s = lti_idmap_get(&d->strings, id);
  return s ? s->text : NULL;
}

void lti_defs_finish(struct lti_defs *d) {
  for (uint32_t i = 0; i < d->sites.n; i++) {
    struct lti_site *s = lti_idmap_at(&d->sites, i);
    s->def.function = lti_defs_string(d, s->function);
    s->def.file = lti_defs_string(d, s->file);
  }
  for (uint32_t i = 0; i < d->loops.n; i++) {
    struct lti_loop *l = lti_idmap_at(&d->loops, i);
    l->def.name = lti_defs_string(d, l->name);
  }
}
