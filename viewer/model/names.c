/* Names for people: of sites, calls, and what calls waited on.
 *
 * A site that the recorder left without a name (the linked-in one has no libdw)
 * is looked up in its module's file, where that is still there and has the same
 * build-id.
 *
 * Invariant: what is returned in buf is inert; a site is looked up on the disk
 * once.  Called by every output and by the viewer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/build.h"
#include "output/inert.h"
#include "symbol/symbol.h"

struct resolved {
  uint32_t id;
  lt_site_def def;
  char *function, *file;
  UT_hash_handle hh;
};

static const lt_site_def *raw_site(const struct model *model, uint32_t site) {
  const struct model_source *s = model_source(model);
  return site ? s->site(s->context, site) : NULL;
}

const lt_module_def *model_module(const struct model *model, uint32_t module) {
  const struct model_source *s = model_source(model);
  return module ? s->module(s->context, module) : NULL;
}

/* Fill in what the file on the disk knows. */
static void look_up(struct builder *b, struct resolved *r) {
  const lt_module_def *module = model_module(&b->model, r->def.module);
  if (!module || !module->path || module->path[0] != '/' || !module->build_id ||
      !*module->build_id)
    return;
  if (!b->symbols)
    b->symbols = symbol_open();
  if (!b->symbols)
    return;
  const char *id = symbol_build_id(b->symbols, 0, module->path);
  struct lti_name name = {0};
  if (!id || strcmp(id, module->build_id) != 0 ||
      !symbol_site(b->symbols, 0, module->path, r->def.offset, &name) ||
      !name.function)
    return;
  r->function = strdup(name.function);
  r->file = name.file ? strdup(name.file) : NULL;
  r->def.function = r->function;
  r->def.function_offset = name.function_offset;
  r->def.file = r->file;
  r->def.line = r->file ? name.line : 0;
}

const lt_site_def *model_site(const struct model *model, uint32_t site) {
  struct builder *b = (struct builder *)(uintptr_t)model; /* a cache in it */
  const lt_site_def *def = raw_site(model, site);
  if (!def || def->function || !model->reader)
    return def;
  struct resolved *r;
  HASH_FIND(hh, b->resolved, &site, sizeof site, r);
  if (r)
    return &r->def;
  r = calloc(1, sizeof *r);
  if (!r)
    return def;
  r->id = site;
  r->def = *def;
  HASH_ADD(hh, b->resolved, id, sizeof r->id, r);
  if (!r->hh.tbl) {
    free(r);
    return def;
  }
  look_up(b, r);
  return &r->def;
}

void names_fini(struct builder *b) {
  struct resolved *r, *next;
  HASH_ITER(hh, b->resolved, r, next) {
    HASH_DEL(b->resolved, r);
    free(r->function);
    free(r->file);
    free(r);
  }
  symbol_close(b->symbols);
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash && slash[1] ? slash + 1 : path;
}

static const char *name_site(const struct model *model, uint32_t site,
                             char *buf, size_t size, bool has_line) {
  const lt_site_def *def = model_site(model, site);
  char raw[512];
  if (!def) {
    snprintf(buf, size, "?");
    return buf;
  }
  const lt_module_def *module = model_module(model, def->module);
  if (def->function && *def->function && has_line && def->file && *def->file)
    snprintf(raw, sizeof raw, "%.300s (%.150s:%u)", def->function,
             base_name(def->file), def->line);
  else if (def->function && *def->function)
    snprintf(raw, sizeof raw, "%s", def->function);
  else if (module && module->path && *module->path)
    snprintf(raw, sizeof raw, "%.300s+0x%llx", base_name(module->path),
             (unsigned long long)def->offset);
  else
    snprintf(raw, sizeof raw, "0x%llx", (unsigned long long)def->address);
  return inert(raw, buf, size);
}

const char *model_site_name(const struct model *model, uint32_t site, char *buf,
                            size_t size) {
  return name_site(model, site, buf, size, true);
}

const char *model_site_short(const struct model *model, uint32_t site,
                             char *buf, size_t size) {
  return name_site(model, site, buf, size, false);
}

const char *model_callee_name(const struct model *model, unsigned callee,
                              char *buf, size_t size) {
  const struct model_source *s = model_source(model);
  return inert(s->callee(s->context, callee), buf, size);
}

static bool is_one_of(unsigned callee, const unsigned *list, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (list[i] == callee)
      return true;
  return false;
}

/* A futex is any of the four: of which its address is a part, is not seen. */
enum waits_on {
  ON_NOTHING,
  ON_FD,
  ON_LOCK,
  ON_CONDITION,
  ON_SEMAPHORE,
  ON_BARRIER,
  ON_FUTEX,
  ON_PID,
  ON_THREAD
};

static enum waits_on waits_on(unsigned callee, uint64_t ref) {
  static const unsigned locks[] = {LT_CALLEE_pthread_mutex_lock,
                                   LT_CALLEE_pthread_mutex_timedlock,
                                   LT_CALLEE_pthread_mutex_clocklock,
                                   LT_CALLEE_pthread_rwlock_rdlock,
                                   LT_CALLEE_pthread_rwlock_wrlock};
  static const unsigned conditions[] = {LT_CALLEE_pthread_cond_wait,
                                        LT_CALLEE_pthread_cond_timedwait,
                                        LT_CALLEE_pthread_cond_clockwait};
  static const unsigned waits[] = {LT_CALLEE_waitpid, LT_CALLEE_wait,
                                   LT_CALLEE_wait4, LT_CALLEE_waitid,
                                   LT_CALLEE_pclose};
  if (ref == 0)
    return ON_NOTHING;
  if (callee == LT_CALLEE_pthread_join)
    return ON_THREAD;
  if (callee == LT_CALLEE_sem_wait || callee == LT_CALLEE_sem_timedwait)
    return ON_SEMAPHORE;
  if (callee == LT_CALLEE_pthread_barrier_wait)
    return ON_BARRIER;
  if (callee == LT_CALLEE_futex)
    return ON_FUTEX;
  if (is_one_of(callee, conditions, sizeof conditions / sizeof *conditions))
    return ON_CONDITION;
  if (is_one_of(callee, locks, sizeof locks / sizeof *locks))
    return ON_LOCK;
  return is_one_of(callee, waits, sizeof waits / sizeof *waits) ? ON_PID
                                                                : ON_FD;
}

bool model_waits_for_fd(unsigned callee, uint64_t ref) {
  return waits_on(callee, ref) == ON_FD;
}

bool model_waits_for_lock(unsigned callee, uint64_t ref) {
  enum waits_on on = waits_on(callee, ref);
  return on == ON_LOCK || on == ON_FUTEX;
}

const char *model_state_word(char state) {
  switch (state) {
  case 'R':
    return "running";
  case 'T':
  case 't':
    return "stopped";
  case 'C':
    return "continued";
  default:
    return "asleep";
  }
}

bool model_waits_for_thread(unsigned callee, uint64_t ref) {
  return waits_on(callee, ref) == ON_THREAD;
}

const char *model_call_on(const struct model *model,
                          const struct model_call *call, char *buf,
                          size_t size) {
  const struct model_source *s = model_source(model);
  char name[300];
  const char *raw =
      call->on_name ? s->string(s->context, call->on_name) : NULL;
  enum waits_on on = waits_on(call->callee, call->ref);
  switch (on) {
  case ON_LOCK:
  case ON_CONDITION:
  case ON_SEMAPHORE:
  case ON_BARRIER:
  case ON_FUTEX:
    snprintf(buf, size, "%s 0x..%llx%s%s",
             on == ON_CONDITION   ? "condition"
             : on == ON_SEMAPHORE ? "semaphore"
             : on == ON_BARRIER   ? "barrier"
             : on == ON_LOCK || call->on_name ? "lock"
                                              : "address",
             (unsigned long long)call->ref,
             call->is_self ? ", held by this very thread: it waits for itself"
             : raw         ? ", held by "
                           : "",
             raw && !call->is_self ? inert(raw, name, sizeof name) : "");
    break;
  case ON_THREAD:
    snprintf(buf, size, "%s", raw ? inert(raw, name, sizeof name) : "");
    break;
  case ON_PID:
    snprintf(buf, size, "pid %llu", (unsigned long long)(call->ref - 1));
    break;
  case ON_FD:
    snprintf(buf, size, "fd %llu%s%s", (unsigned long long)(call->ref - 1),
             raw ? " " : "", raw ? inert(raw, name, sizeof name) : "");
    break;
  default:
    buf[0] = '\0';
  }
  return buf;
}
