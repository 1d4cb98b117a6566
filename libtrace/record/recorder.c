/* The table through which task/ reaches the recorder in use: see recorder.h.
 * Called by task/ once a loop, and for what is not hot. */
#include "record/recorder.h"

static struct lti_self *self_of_thread(void) {
  return &lti_self;
}

static void emit_one(unsigned kind, unsigned x, uint64_t ref, uint64_t a,
                     uint64_t b) {
  lti_emit(kind, x, ref, a, b);
}

static uint64_t new_task(void) {
  return lti_task_new();
}

static const struct lti_recorder table = {
    .layout = LTI_RECORDER_LAYOUT,
    .process = &lti_process,
    .self = self_of_thread,
    .room = lti_emit_room_slow,
    .lost = lti_emit_lost,
    .task_new = new_task,
    .string = lti_emit_string,
    .usage = lti_usage_emit,
    .emit = emit_one,
};

const struct lti_recorder *lti_recorder_own(void) {
  return &table;
}

const struct lti_recorder *lt__recorder(void) {
  return &table;
}
