/* A trace as text: read line by line, as the model asks for events.  Called by
 * check_model.c. */
#include "trace_text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lt_info trace_text_info = {.complete = true, .ended = true};

static struct text_trace {
  const char *at;
  unsigned line;
} trace;

struct members {
  double awaited;
  double thread, task, kind, site, from, callee, ms, on, loop, alive, timeout;
  double cpu, delay, vsw, faults, cause, n, text, mode, ago;
};

static uint64_t ns(double ms) {
  return (uint64_t)(ms * 1e6 + 0.5);
}

/* Read "name=number" into its member. */
static void set_member(struct members *m, const char *word) {
  const struct {
    const char *name;
    double *value;
  } all[] = {{"thread", &m->thread},
             {"task", &m->task},
             {"kind", &m->kind},
             {"site", &m->site},
             {"from", &m->from},
             {"callee", &m->callee},
             {"ms", &m->ms},
             {"on", &m->on},
             {"loop", &m->loop},
             {"alive", &m->alive},
             {"timeout", &m->timeout},
             {"cpu", &m->cpu},
             {"delay", &m->delay},
             {"vsw", &m->vsw},
             {"faults", &m->faults},
             {"cause", &m->cause},
             {"n", &m->n},
             {"for", &m->awaited},
             {"text", &m->text},
             {"mode", &m->mode},
             {"ago", &m->ago}};
  const char *equal = strchr(word, '=');
  for (size_t i = 0; equal && i < sizeof all / sizeof *all; i++)
    if (strlen(all[i].name) == (size_t)(equal - word) &&
        strncmp(word, all[i].name, (size_t)(equal - word)) == 0) {
      *all[i].value = strtod(equal + 1, NULL);
      return;
    }
  ck_abort_msg("line %u: member `%s`?", trace.line, word);
}

static void set_event(lt_event *e, const char *word, const struct members *m) {
  const struct {
    const char *word;
    uint8_t kind;
    uint64_t ref, x, a, b;
  } words[] = {
      {"spawn", LT_SPAWN, (uint64_t)m->task, (uint64_t)m->kind,
       (uint64_t)m->site, (uint64_t)m->from},
      {"arm", LT_ARM, (uint64_t)m->task, (uint64_t)m->kind, (uint64_t)m->site,
       m->ms >= 0 ? ns(m->ms) + 1 : 0},
      {"resume", LT_RESUME, (uint64_t)m->task, (uint64_t)m->kind,
       (uint64_t)m->site, 0},
      {"await", LT_AWAIT, (uint64_t)m->task, 0, (uint64_t)m->awaited, 0},
      {"ready", LT_READY, (uint64_t)m->task, (uint64_t)m->cause,
       (uint64_t)m->from, 0},
      {"done", LT_DONE, (uint64_t)m->task, 0, 0, 0},
      {"call", LT_CALL, (uint64_t)m->on, (uint64_t)m->callee, (uint64_t)m->site,
       ns(m->ms)},
      {"call-open", LT_CALL_BEGIN, (uint64_t)m->on, (uint64_t)m->callee,
       (uint64_t)m->site, ns(m->ms)},
      {"poll", LT_POLL_BEGIN, 0, 0, (uint64_t)(m->timeout + 1), 0},
      {"wake", LT_POLL_END, 0, 0, (uint64_t)m->n, 0},
      {"loop+", LT_LOOP_BEGIN, 0, (uint64_t)m->loop, (uint64_t)m->mode, 0},
      {"loop-", LT_LOOP_END, 0, (uint64_t)m->loop, (uint64_t)m->alive, 0},
      {"usage", LT_USAGE, (uint64_t)m->vsw, (uint64_t)m->faults, ns(m->cpu),
       m->delay >= 0 ? ns(m->delay) + 1 : 0},
      {"pool+", LT_POOL_BEGIN, (uint64_t)m->task, (uint64_t)m->kind,
       (uint64_t)m->site, 0},
      {"pool-", LT_POOL_END, (uint64_t)m->task, 0, 0, 0},
      {"sample", LT_SAMPLE, (uint64_t)m->on, (uint64_t)m->n,
       (uint64_t)m->callee, 0},
      {"label", LT_LABEL, (uint64_t)m->task, 0, (uint64_t)m->text, 0},
      {"allow+", LT_ALLOW_BEGIN, 0, 0, (uint64_t)m->text, 0},
      {"allow-", LT_ALLOW_END, 0, 0, 0, 0},
      {"early", LT_EARLY_TURN, 0, (uint64_t)m->loop, ns(m->ago), ns(m->ms)},
      {"lost", LT_LOST, 0, (uint64_t)m->cause, (uint64_t)m->n, ns(m->ms)},
  };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(words[i].word, word) == 0) {
      e->kind = words[i].kind;
      e->ref = words[i].ref;
      e->x = (uint16_t)words[i].x;
      e->a = words[i].a;
      e->b = words[i].b;
      return;
    }
  ck_abort_msg("line %u: event `%s`?", trace.line, word);
}

static lt_status next(void *context, const lt_event **events, size_t *n) {
  static lt_event event, *const e = &event;
  struct text_trace *t = context;
  *events = e;
  *n = 1;
  char line[256], *rest = line;
  size_t length = 0;
  do {
    t->at += length;
    if (!*t->at)
      return LT_END;
    length = strcspn(t->at, "\n");
    ck_assert_uint_lt(length, sizeof line);
    memcpy(line, t->at, length);
    line[length] = '\0';
    line[strcspn(line, "#")] = '\0';
    length += t->at[length] == '\n';
    t->line++;
  } while (line[strspn(line, " ")] == '\0');
  t->at += length;
  struct members m = {.timeout = -1, .loop = 1};
  memset(e, 0, sizeof *e);
  e->time_ns = (int64_t)ns(strtod(strtok_r(line, " ", &rest), NULL));
  const char *word = strtok_r(NULL, " ", &rest), *member;
  while ((member = strtok_r(NULL, " ", &rest)))
    set_member(&m, member);
  ck_assert_ptr_nonnull(word);
  set_event(e, word, &m);
  e->thread = (uint32_t)m.thread;
  return LT_OK;
}

/* Site 7 is fn7 at f.c:70, and so on; module 1 is /lib/libx.so. */
static const lt_site_def *site(void *context, uint64_t id) {
  static lt_site_def def[4];
  static char names[4][16];
  static unsigned turn;
  unsigned i = turn++ % 4;
  (void)context;
  if (id == 0 || id > 1000)
    return NULL;
  snprintf(names[i], sizeof names[i], "fn%u", (unsigned)id);
  def[i] = (lt_site_def){.id = (uint32_t)id,
                         .module = 1,
                         .offset = id * 16,
                         .function = id < 900 ? names[i] : NULL,
                         .file = id < 900 ? "/src/f.c" : NULL,
                         .line = (uint32_t)id * 10};
  return &def[i];
}

static const lt_module_def *module(void *context, uint32_t id) {
  static const lt_module_def def = {
      .id = 1, .path = "/lib/libx.so", .build_id = ""};
  (void)context;
  return id == 1 ? &def : NULL;
}

static const lt_thread_def *thread(void *context, uint32_t index) {
  static const lt_thread_def defs[] = {
      {.index = 0, .tid = 10, .is_main = true, .name = "prog"},
      {.index = 1, .tid = 11, .name = "helper\033[2J"}};
  (void)context;
  return index < 2 ? &defs[index] : NULL;
}

static const lt_loop_def *loop(void *context, uint32_t id) {
  (void)context;
  (void)id;
  return NULL;
}

static const char *string(void *context, uint64_t id) {
  (void)context;
  return id == 1 ? "GET /export" : NULL;
}

static const char *callee(void *context, unsigned id) {
  (void)context;
  return lt_callee_name(id) ? lt_callee_name(id) : "own";
}

struct model *model_of_text(const char *text, double end_ms,
                            const struct model_options *options) {
  struct model *model = NULL;
  trace = (struct text_trace){.at = text};
  trace_text_info.end_ns = (int64_t)ns(end_ms);
  const struct model_source source = {.context = &trace,
                                      .info = &trace_text_info,
                                      .next = next,
                                      .string = string,
                                      .site = site,
                                      .module = module,
                                      .thread = thread,
                                      .loop = loop,
                                      .callee = callee};
  ck_assert_int_eq(model_build(&source, options, &model), LT_OK);
  ck_assert_ptr_nonnull(model);
  return model;
}

const char trace_text_sleeping[] = "0    loop+\n"
                                   "0    spawn task=1 kind=2 site=1 from=9\n"
                                   "0    arm task=1 ms=10\n"
                                   "0    spawn task=2 kind=2 site=2 from=9\n"
                                   "0    arm task=2 ms=60\n"
                                   "1    poll\n"
                                   "10   wake\n"
                                   "10   usage cpu=1 delay=0 vsw=1\n"
                                   "10   resume task=1 kind=2 site=1\n"
                                   "10   spawn task=3 kind=12 site=3 from=1\n"
                                   "310  call callee=5 ms=300 site=4\n"
                                   "310  await task=1\n"
                                   "310  usage cpu=1 delay=0 vsw=2\n"
                                   "311  resume task=3 kind=12 site=3\n"
                                   "312  done task=3\n"
                                   "313  poll timeout=0\n"
                                   "314  wake\n"
                                   "314  resume task=2 kind=2 site=2\n"
                                   "315  await task=2\n"
                                   "316  loop-\n";

struct model *model_of_slice(const char *before, const char *inside,
                             const char *after) {
  static char text[2048];
  snprintf(text, sizeof text,
           "0   loop+\n"
           "1   poll\n"
           "100 wake\n"
           "100 usage %s\n"
           "100 resume task=1 kind=11 site=1\n"
           "%s"
           "300 await task=1\n"
           "300 usage %s\n"
           "300 poll\n"
           "400 wake\n"
           "400 loop-\n",
           before, inside, after);
  struct model *m = model_of_text(text, 400, NULL);
  ck_assert_uint_eq(m->n_stalls, 1);
  return m;
}

void assert_cause(const struct model_stall *s, int cpu, int blocked, int paging,
                  int starved, int unknown) {
  ck_assert_int_eq(s->cause.cpu, cpu * INT64_C(1000000));
  ck_assert_int_eq(s->cause.blocked, blocked * INT64_C(1000000));
  ck_assert_int_eq(s->cause.paging, paging * INT64_C(1000000));
  ck_assert_int_eq(s->cause.starved, starved * INT64_C(1000000));
  ck_assert_int_eq(s->cause.unknown, unknown * INT64_C(1000000));
  ck_assert_int_eq(s->cause.suspended, 0);
  ck_assert_int_eq(s->duration_ns,
                   (cpu + blocked + paging + starved + unknown) *
                       INT64_C(1000000));
}
