/* Look-ups in the vocabulary of event.h.
 *
 * The tables there are sparse and indexed by number; everything here is static,
 * so that a signal handler may ask too. */
#include <stddef.h>

#include <looptrace/event.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const lt_kind_info *lt_kind_lookup(unsigned kind) {
  static const lt_kind_info kinds[LT_KIND_LIMIT] = {
#define KIND_ROW(id, NAME, text, ref, x, a, b, doc)                            \
  [id] = {text, LT_CODEC_##ref, LT_CODEC_##x, LT_CODEC_##a, LT_CODEC_##b},
    LT_EVENT_MAP(KIND_ROW)
#undef KIND_ROW
  };
  if (kind >= COUNT(kinds) || !kinds[kind].name)
    return NULL;
  return &kinds[kind];
}

const char *lt_task_kind_name(unsigned kind) {
  static const char *const names[] = {
#define TASK_ROW(id, NAME, text) [id] = text,
      LT_TASK_MAP(TASK_ROW)
#undef TASK_ROW
  };
  return kind < COUNT(names) && names[kind] ? names[kind] : names[0];
}

struct callee {
  const char *name;
  const char *advice;
};

static const struct callee callees[] = {
#define CALLEE_ROW(id, name, advice) [id] = {#name, advice},
    LT_CALLEE_MAP(CALLEE_ROW)
#undef CALLEE_ROW
};

const char *lt_callee_name(unsigned callee) {
  return callee < COUNT(callees) ? callees[callee].name : NULL;
}

const char *lt_callee_advice(unsigned callee) {
  return callee < COUNT(callees) ? callees[callee].advice : NULL;
}

static const char *const lti_wait_texts[] = {/* also for looptrace-gdb.py */
#define WAIT_ROW(id, NAME, text) [id] = text,
                                             LT_WAIT_MAP(WAIT_ROW)
#undef WAIT_ROW
};

const char *lt_wait_text(unsigned kind) {
  return kind < COUNT(lti_wait_texts) && lti_wait_texts[kind]
             ? lti_wait_texts[kind]
             : "waits";
}

const char *lt_lost_text(unsigned cause) {
  static const char *const texts[LT_LOST_LIMIT] = {
#define LOST_ROW(id, NAME, text) [id] = text,
      LT_LOST_MAP(LOST_ROW)
#undef LOST_ROW
  };
  return cause < COUNT(texts) && texts[cause] ? texts[cause]
                                              : "nobody knows why";
}
