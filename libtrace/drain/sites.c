/* The book's code addresses: address -> site -> module, and their names.
 *
 * Invariant: an address has one site, and one as what a call returns to, until
 * a module comes that lies over the one it was in; then it gets a new one.  A
 * site without a module is a site all the same (code made at run time).  Called
 * by the recorder as it translates events; names are asked for when there is
 * time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drain/book.h"
#include "format/bytes.h"
#include "format/defs.h"
#include "record/clock.h"

#define SITES_MAX (1u << 20)
#define MODULES_MAX 16384u
#define SITE_JUMP (UINT64_C(1) << 62) /* of a key: the place of a jump */
#define MAPS_AGE_NS 100000000u

void lti_book_put_module(struct lti_book *b, uint32_t id) {
  const struct lti_module *m = &b->modules[id - 1];
  uint8_t body[4400];
  struct lti_out out = lti_out_of(body, sizeof body);
  lti_out_varint(&out, id);
  lti_out_varint(&out, m->start);
  lti_out_varint(&out, m->end);
  lti_out_sized(&out, m->path, strnlen(m->path, 4096));
  lti_out_sized(&out, m->build_id, m->build_id_bytes);
  lti_book_put(b, LTI_DEF_MODULE, body, (size_t)(out.at - body));
}

void lti_book_put_site(struct lti_book *b, uint32_t id) {
  const struct lti_site *s = &b->sites[id - 1];
  uint8_t body[96];
  struct lti_out out = lti_out_of(body, sizeof body);
  lti_out_varint(&out, id);
  lti_out_varint(&out, s->address);
  lti_out_varint(&out, s->module);
  lti_out_varint(&out, s->offset);
  lti_out_varint(&out, s->function);
  lti_out_varint(&out, s->function_offset);
  lti_out_varint(&out, s->file);
  lti_out_varint(&out, s->line);
  lti_book_put(b, LTI_DEF_SITE, body, (size_t)(out.at - body));
}

/* The newest module that covers an address; 0 for none. */
static uint32_t module_at(const struct lti_book *b, uint64_t address) {
  for (size_t i = b->n_modules; i-- > 0;)
    if (address >= b->modules[i].start && address < b->modules[i].end)
      return (uint32_t)i + 1;
  return 0;
}

/* Addresses in [start, end) mean something else from now on. */
static void forget_addresses(struct lti_book *b, uint64_t start, uint64_t end) {
  memset(b->site_cache, 0, sizeof b->site_cache);
  for (size_t i = 0; i < b->n_sites; i++) {
    uint64_t address = b->sites[i].address;
    if (address >= start && address < end && b->sites[i].module) {
      lti_hash_remove(&b->site_ids, b->sites[i].key);
      lti_hash_remove(&b->site_ids, address | SITE_JUMP);
    }
  }
}

/* Addresses that were in no known module are in this one. */
static void adopt_addresses(struct lti_book *b, uint32_t id) {
  const struct lti_module *m = &b->modules[id - 1];
  for (size_t i = 0; i < b->n_sites; i++) {
    struct lti_site *s = &b->sites[i];
    if (s->module || s->address < m->start || s->address >= m->end)
      continue;
    s->module = id;
    s->offset = s->address - m->start;
    lti_book_put_site(b, (uint32_t)i + 1);
    if (i < b->n_named)
      b->n_named = i; /* ask again, from here on */
  }
}

void lti_book_module(struct lti_book *b, uint64_t start, uint64_t end,
                     const char *path, size_t path_bytes) {
  bool overlaps = false;
  if (start >= end || b->n_modules >= MODULES_MAX || path_bytes > 4096)
    return;
  for (size_t i = b->n_modules; i-- > 0;) {
    const struct lti_module *m = &b->modules[i];
    if (m->start >= end || m->end <= start)
      continue;
    if (m->start == start && strlen(m->path) == path_bytes &&
        memcmp(m->path, path, path_bytes) == 0)
      return;
    overlaps = true;
  }
  char *copy = strndup(path, path_bytes);
  if (!copy || !lti_book_room((void **)&b->modules, b->n_modules,
                              &b->modules_capacity, sizeof *b->modules)) {
    free(copy);
    return;
  }
  b->modules[b->n_modules++] =
      (struct lti_module){.start = start, .end = end, .path = copy};
  uint32_t id = (uint32_t)b->n_modules;
  lti_book_put_module(b, id);
  if (overlaps)
    forget_addresses(b, start, end);
  adopt_addresses(b, id);
}

/* One line of maps; files that are mapped executable become modules, from their
 * first mapping on. */
struct maps_file {
  uint64_t start, end;
  char path[4096];
  bool has_code;
};

static void end_maps_file(struct lti_book *b, struct maps_file *f) {
  if (f->has_code && f->path[0] == '/' && !module_at(b, f->end - 1))
    lti_book_module(b, f->start, f->end, f->path, strlen(f->path));
  f->has_code = false;
  f->path[0] = 0;
}

static void read_maps_line(struct lti_book *b, struct maps_file *f,
                           char *line) {
  unsigned long long start, end;
  char perms[8];
  int path_at = 0;
  line[strcspn(line, "\n")] = 0;
  if (sscanf(line, "%llx-%llx %7s %*s %*s %*s %n", &start, &end, perms,
             &path_at) < 3 ||
      !path_at)
    return;
  const char *path = line + path_at;
  if (!path[0])
    return; /* an anonymous mapping does not end a file: its bss */
  if (strcmp(path, f->path) != 0) {
    end_maps_file(b, f);
    snprintf(f->path, sizeof f->path, "%s", path);
    f->start = start;
  }
  f->end = end;
  f->has_code |= perms[2] == 'x';
}

/* Modules that the program did not tell of. */
static void read_maps(struct lti_book *b) {
  char name[32], line[4400];
  struct maps_file f = {0};
  snprintf(name, sizeof name, "/proc/%d/maps", (int)b->pid);
  FILE *maps = fopen(name, "re");
  if (!maps)
    return;
  while (fgets(line, sizeof line, maps))
    read_maps_line(b, &f, line);
  end_maps_file(b, &f);
  fclose(maps);
}

static uint32_t find_module(struct lti_book *b, uint64_t address) {
  uint32_t module = module_at(b, address);
  if (module || !b->is_live)
    return module;
  uint64_t now = lti_monotonic_ns();
  if (b->maps_read_ns && now - b->maps_read_ns < MAPS_AGE_NS)
    return 0;
  b->maps_read_ns = now;
  read_maps(b);
  return module_at(b, address);
}

uint32_t lti_book_site(struct lti_book *b, uint64_t key) {
  uint64_t address = key & ~LTI_SITE_CALL;
  if (!address)
    return 0;
  const uint32_t *known = lti_hash_get(&b->site_ids, key);
  if (known)
    return *known;
  if (b->n_sites >= SITES_MAX ||
      !lti_book_room((void **)&b->sites, b->n_sites, &b->sites_capacity,
                     sizeof *b->sites))
    return 0;
  struct lti_site site = {
      .address = address, .key = key, .is_call = key != address};
  site.module = find_module(b, address);
  if (site.module)
    site.offset = address - b->modules[site.module - 1].start;
  uint32_t id = (uint32_t)b->n_sites + 1;
  if (!lti_hash_put(&b->site_ids, key, id))
    return 0;
  b->sites[b->n_sites++] = site;
  lti_book_put_site(b, id);
  return id;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void ask_build_id(struct lti_book *b, struct lti_module *m,
                         const struct lti_namer *namer, void *context) {
  m->build_id_asked = true;
  const char *hex =
      namer->build_id ? namer->build_id(context, b->pid, m->path) : NULL;
  while (hex && m->build_id_bytes < sizeof m->build_id &&
         hex_digit(hex[0]) >= 0 && hex_digit(hex[1]) >= 0) {
    m->build_id[m->build_id_bytes++] =
        (uint8_t)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
    hex += 2;
  }
  if (m->build_id_bytes)
    lti_book_put_module(b, (uint32_t)(m - b->modules) + 1);
}

/* A call was a jump, made elsewhere in its module.  Calls from several places
 * may end in one jump: from now on they are one site. */
static void move_site(struct lti_book *b, uint32_t id, uint64_t offset) {
  struct lti_site *s = &b->sites[id - 1];
  s->is_call = false;
  s->offset = offset;
  s->address = b->modules[s->module - 1].start + offset;
  const uint32_t *known = lti_hash_get(&b->site_ids, s->address | SITE_JUMP);
  if (known) {
    (void)lti_hash_put(&b->site_ids, s->key, *known);
    memset(b->site_cache, 0, sizeof b->site_cache);
  } else {
    (void)lti_hash_put(&b->site_ids, s->address | SITE_JUMP, id);
  }
}

/* Returns: false where it is to be asked again. */
static bool ask_site(struct lti_book *b, uint32_t id,
                     const struct lti_namer *namer, void *context,
                     uint64_t deadline_ns) {
  struct lti_name name = {0};
  struct lti_site *s = &b->sites[id - 1];
  struct lti_module *m = s->module ? &b->modules[s->module - 1] : NULL;
  const char *path = m ? m->path : "";
  uint64_t offset = m ? s->offset : s->address;
  if (namer->prepare &&
      !namer->prepare(context, b->pid, path, offset, deadline_ns))
    return false;
  if (m && !m->build_id_asked)
    ask_build_id(b, m, namer, context);
  if (!namer->site(context, b->pid, path, offset, &name))
    return true;
  if (s->is_call && name.jump && m && name.jump < m->end - m->start) {
    move_site(b, id, name.jump);
    return ask_site(b, id, namer, context, deadline_ns);
  }
  s->function = name.function ? lti_book_own_string(b, name.function) : 0;
  s->function_offset = name.function ? name.function_offset : 0;
  s->file = name.file ? lti_book_own_string(b, name.file) : 0;
  s->line = name.file ? name.line : 0;
  lti_book_put_site(b, id);
  return true;
}

bool lti_book_name(struct lti_book *b, const struct lti_namer *namer,
                   void *context, uint64_t deadline_ns) {
  while (b->n_named < b->n_sites) {
    if (lti_monotonic_ns() >= deadline_ns)
      return false;
    const struct lti_site *s = &b->sites[b->n_named];
    uint32_t id = (uint32_t)b->n_named + 1;
    if (!s->function && (s->module || b->is_live) &&
        !ask_site(b, id, namer, context, deadline_ns))
      return false;
    b->n_named++;
  }
  return true;
}
