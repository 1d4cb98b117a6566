/* The book: strings, threads, loops, kinds, callees, notes and the process.
 *
 * Invariant: what was put as bytes is also in the tables, so that a retelling
 * says no less.  Called by the recorder as it translates events. */
#include "drain/book.h"

#include <stdlib.h>
#include <string.h>

#include "format/block.h"
#include "format/bytes.h"
#include "format/defs.h"

#define FRESH_BYTES (512u << 10)
#define BODY_MAX 16384u
#define STRINGS_MAX (1u << 20)
#define STRINGS_BYTES_MAX ((size_t)32 << 20)
#define PROGRAM_STRING_MAX (UINT64_C(1) << 24)
#define NOTES_MAX 64u
#define THREADS_MAX (1u << 20)

_Static_assert(FRESH_BYTES <= LTI_PAYLOAD_MAX, "a block of definitions");

bool lti_book_room(void **array, size_t n, size_t *capacity, size_t size) {
  if (n < *capacity)
    return true;
  size_t more = *capacity ? *capacity * 2 : 32;
  void *bigger = realloc(*array, more * size);
  if (!bigger)
    return false;
  *array = bigger;
  *capacity = more;
  return true;
}

void lti_book_init(struct lti_book *b, int32_t pid, const char *recorder,
                   uint64_t min_block_ns) {
  memset(b, 0, sizeof *b);
  b->pid = pid;
  b->recorder = recorder ? recorder : "";
  b->min_block_ns = min_block_ns;
}

void lti_book_fini(struct lti_book *b) {
  for (size_t i = 0; i < b->n_strings; i++)
    free(b->strings[i].text);
  for (size_t i = 0; i < b->n_modules; i++)
    free(b->modules[i].path);
  for (size_t i = 0; i < b->n_notes; i++)
    free(b->notes[i]);
  lti_book_fini_stacks(b);
  free(b->strings);
  free(b->modules);
  free(b->notes);
  free(b->sites);
  free(b->threads);
  free(b->loops);
  free(b->fresh);
  lti_hash_clear(&b->string_ids);
  lti_hash_clear(&b->string_hashes);
  lti_hash_clear(&b->site_ids);
  lti_hash_clear(&b->loop_ids);
  memset(b, 0, sizeof *b);
}

void lti_book_flush(struct lti_book *b) {
  if (b->sink && b->fresh_n)
    b->sink(b->sink_context, b->fresh, b->fresh_bytes, b->fresh_n);
  b->fresh_bytes = 0;
  b->fresh_n = 0;
}

void lti_book_put(struct lti_book *b, unsigned type, const void *body,
                  size_t size) {
  if (!b->sink)
    return;
  if (!b->fresh && !(b->fresh = malloc(FRESH_BYTES)))
    return;
  if (b->fresh_bytes + size + 2 * LTI_VARINT_MAX > FRESH_BYTES)
    lti_book_flush(b);
  struct lti_out out =
      lti_out_of(b->fresh + b->fresh_bytes, FRESH_BYTES - b->fresh_bytes);
  lti_out_varint(&out, type);
  lti_out_sized(&out, body, size);
  if (out.full)
    return; /* larger than any body of ours */
  b->fresh_bytes = (size_t)(out.at - b->fresh);
  b->fresh_n++;
}

static void put_string(struct lti_book *b, const struct lti_string *s) {
  uint8_t body[BODY_MAX];
  struct lti_out out = lti_out_of(body, sizeof body);
  lti_out_varint(&out, s->id);
  lti_out_bytes(&out, s->text, s->size);
  lti_book_put(b, LTI_DEF_STRING, body, (size_t)(out.at - body));
}

static struct lti_string *add_string(struct lti_book *b, uint64_t id,
                                     const char *text, size_t size) {
  if (b->n_strings >= STRINGS_MAX ||
      b->strings_bytes + size > STRINGS_BYTES_MAX ||
      !lti_book_room((void **)&b->strings, b->n_strings, &b->strings_capacity,
                     sizeof *b->strings))
    return NULL;
  char *copy = malloc(size + 1);
  if (!copy || !lti_hash_put(&b->string_ids, id, (uint32_t)b->n_strings)) {
    free(copy);
    return NULL;
  }
  memcpy(copy, text, size);
  copy[size] = 0;
  struct lti_string *s = &b->strings[b->n_strings++];
  *s = (struct lti_string){id, (uint32_t)size, copy};
  b->strings_bytes += size;
  put_string(b, s);
  return s;
}

/* The program's ids and the recorder's own share the file's: odd and even. */
uint64_t lti_book_string_id(uint64_t program_id) {
  if (program_id == 0 || program_id > PROGRAM_STRING_MAX)
    return 0;
  return program_id * 2 - 1;
}

uint64_t lti_book_text_id(const struct lti_book *b, uint64_t text) {
  if (!(text & LTI_BOOK_OWN))
    return lti_book_string_id(text);
  text &= ~LTI_BOOK_OWN;
  return lti_hash_get(&b->string_ids, text) ? text : 0;
}

void lti_book_string(struct lti_book *b, uint64_t program_id, const char *text,
                     size_t size) {
  uint64_t id = lti_book_string_id(program_id);
  if (id && !lti_hash_get(&b->string_ids, id))
    (void)add_string(b, id, text, size < 4096 ? size : 4096);
}

static uint64_t hash_text(const char *text, size_t size) {
  uint64_t h = UINT64_C(14695981039346656037);
  for (size_t i = 0; i < size; i++)
    h = (h ^ (uint8_t)text[i]) * UINT64_C(1099511628211);
  return h;
}

uint64_t lti_book_own_string(struct lti_book *b, const char *text) {
  size_t size = strnlen(text, 4096);
  uint64_t hash = hash_text(text, size);
  const uint32_t *at = lti_hash_get(&b->string_hashes, hash);
  if (at && b->strings[*at].size == size &&
      memcmp(b->strings[*at].text, text, size) == 0)
    return b->strings[*at].id;
  uint64_t id = 2 * (b->own_strings + 1);
  if (!add_string(b, id, text, size))
    return 0;
  b->own_strings++;
  (void)lti_hash_put(&b->string_hashes, hash, (uint32_t)b->n_strings - 1);
  return id;
}

static void put_thread(struct lti_book *b, uint32_t index) {
  const struct lti_thread_entry *t = &b->threads[index];
  uint8_t body[64];
  struct lti_out out = lti_out_of(body, sizeof body);
  lti_out_varint(&out, index);
  lti_out_varint(&out, (uint32_t)t->tid);
  lti_out_varint(&out, t->is_main ? LTI_THREAD_IS_MAIN : 0);
  lti_out_bytes(&out, t->name, strnlen(t->name, sizeof t->name));
  lti_book_put(b, LTI_DEF_THREAD, body, (size_t)(out.at - body));
}

uint32_t lti_book_thread(struct lti_book *b, int32_t tid, bool is_main,
                         const char *name) {
  if (b->n_threads >= THREADS_MAX ||
      !lti_book_room((void **)&b->threads, b->n_threads, &b->threads_capacity,
                     sizeof *b->threads))
    return b->n_threads ? (uint32_t)b->n_threads - 1 : 0;
  struct lti_thread_entry *t = &b->threads[b->n_threads];
  memset(t, 0, sizeof *t);
  t->tid = tid;
  t->is_main = is_main;
  memcpy(t->name, name, strnlen(name, sizeof t->name - 1));
  put_thread(b, (uint32_t)b->n_threads);
  return (uint32_t)b->n_threads++;
}

static void put_loop(struct lti_book *b, const struct lti_loop_entry *l) {
  uint8_t body[64];
  struct lti_out out = lti_out_of(body, sizeof body);
  lti_out_varint(&out, l->id);
  lti_out_varint(&out, l->thread);
  lti_out_varint(&out, l->name);
  lti_book_put(b, LTI_DEF_LOOP, body, (size_t)(out.at - body));
}

const char *lti_book_text(const struct lti_book *b, uint64_t id) {
  const uint32_t *string = id ? lti_hash_get(&b->string_ids, id) : NULL;
  return string ? b->strings[*string].text : NULL;
}

const char *lti_book_loop_name(const struct lti_book *b, uint32_t id) {
  const uint32_t *loop = lti_hash_get(&b->loop_ids, id);
  return loop ? lti_book_text(b, b->loops[*loop].name) : NULL;
}

void lti_book_loop(struct lti_book *b, uint32_t id, uint32_t thread,
                   uint64_t name) {
  const uint32_t *at = lti_hash_get(&b->loop_ids, id);
  struct lti_loop_entry *l;
  if (at) {
    l = &b->loops[*at];
    if (l->thread == thread && (!name || l->name == name))
      return;
  } else {
    if (!lti_book_room((void **)&b->loops, b->n_loops, &b->loops_capacity,
                       sizeof *b->loops) ||
        !lti_hash_put(&b->loop_ids, id, (uint32_t)b->n_loops))
      return;
    l = &b->loops[b->n_loops++];
    *l = (struct lti_loop_entry){.id = id};
  }
  l->thread = thread;
  if (name)
    l->name = name;
  put_loop(b, l);
}

static void put_named(struct lti_book *b, unsigned type, unsigned id,
                      const char *name) {
  uint8_t body[4200];
  struct lti_out out = lti_out_of(body, sizeof body);
  lti_out_varint(&out, id);
  lti_out_bytes(&out, name, strnlen(name, 4096));
  lti_book_put(b, type, body, (size_t)(out.at - body));
}

void lti_book_task_kind(struct lti_book *b, unsigned kind) {
  if (kind >= 64 || b->task_kinds & UINT64_C(1) << kind)
    return;
  b->task_kinds |= UINT64_C(1) << kind;
  put_named(b, LTI_DEF_TASK_KIND, kind, lt_task_kind_name(kind));
}

unsigned lti_book_callee(struct lti_book *b, unsigned callee) {
  if (callee >= LT_CALLEE_OWN) { /* named by its string */
    uint64_t id = lti_book_string_id(callee - LT_CALLEE_OWN);
    return id < 0xffff - LT_CALLEE_OWN ? LT_CALLEE_OWN + (unsigned)id : 0xffff;
  }
  const char *name = lt_callee_name(callee);
  if (name && callee < 256 &&
      !(b->callees[callee / 64] & UINT64_C(1) << callee % 64)) {
    b->callees[callee / 64] |= UINT64_C(1) << callee % 64;
    put_named(b, LTI_DEF_CALLEE, callee, name);
  }
  return callee;
}

void lti_book_note(struct lti_book *b, const char *text, size_t size) {
  if (b->n_notes >= NOTES_MAX || size > 4096)
    return;
  char *copy = strndup(text, size);
  for (size_t i = 0; copy && i < b->n_notes; i++)
    if (strcmp(b->notes[i], copy) == 0) {
      free(copy);
      return;
    }
  if (!b->notes && !(b->notes = calloc(NOTES_MAX, sizeof *b->notes))) {
    free(copy);
    return;
  }
  if (!copy)
    return;
  b->notes[b->n_notes++] = copy;
  lti_book_put(b, LTI_DEF_NOTE, copy, strlen(copy));
}

static void put_process(struct lti_book *b) {
  uint8_t body[512];
  struct lti_out out = lti_out_of(body, sizeof body);
  lti_out_varint(&out, (uint32_t)b->pid);
  lti_out_sized(&out, b->comm, strnlen(b->comm, sizeof b->comm));
  lti_out_sized(&out, b->uv_version,
                strnlen(b->uv_version, sizeof b->uv_version));
  lti_out_sized(&out, b->recorder, strnlen(b->recorder, 256));
  lti_out_varint(&out, b->min_block_ns);
  lti_book_put(b, LTI_DEF_PROCESS, body, (size_t)(out.at - body));
}

void lti_book_retell(struct lti_book *b) {
  b->fresh_bytes = 0;
  b->fresh_n = 0;
  put_process(b);
  for (size_t i = 0; i < b->n_strings; i++)
    put_string(b, &b->strings[i]);
  for (size_t i = 0; i < b->n_modules; i++)
    lti_book_put_module(b, (uint32_t)i + 1);
  for (size_t i = 0; i < b->n_sites; i++)
    lti_book_put_site(b, (uint32_t)i + 1);
  for (size_t i = 0; i < b->n_stacks; i++)
    lti_book_put_stack(b, (uint32_t)i + 1);
  for (size_t i = 0; i < b->n_threads; i++)
    put_thread(b, (uint32_t)i);
  for (size_t i = 0; i < b->n_loops; i++)
    put_loop(b, &b->loops[i]);
  for (unsigned k = 0; k < 64; k++)
    if (b->task_kinds & UINT64_C(1) << k)
      put_named(b, LTI_DEF_TASK_KIND, k, lt_task_kind_name(k));
  for (unsigned c = 0; c < 256; c++)
    if (b->callees[c / 64] & UINT64_C(1) << c % 64)
      put_named(b, LTI_DEF_CALLEE, c, lt_callee_name(c));
  for (size_t i = 0; i < b->n_notes; i++)
    lti_book_put(b, LTI_DEF_NOTE, b->notes[i], strlen(b->notes[i]));
}
