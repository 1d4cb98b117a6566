/* Give out definitions: the look-ups of looptrace/reader.h.
 *
 * Invariant: nothing here changes the reader, so pointers stay good until it is
 * closed.  Called by programs and by the viewer. */
#include "read/state.h"

const lt_info *lt_reader_info(const lt_reader *r) {
  return &r->info;
}

const char *lt_reader_string(const lt_reader *r, uint64_t id) {
  return lti_defs_string(&r->defs, id);
}

const lt_thread_def *lt_reader_thread(const lt_reader *r, uint32_t index) {
  return lti_idmap_get(&r->defs.threads, index);
}

const lt_module_def *lt_reader_module(const lt_reader *r, uint32_t id) {
  return lti_idmap_get(&r->defs.modules, id);
}

const lt_site_def *lt_reader_site(const lt_reader *r, uint64_t id) {
  const struct lti_site *site = lti_idmap_get(&r->defs.sites, id);
  return site ? &site->def : NULL;
}

const lt_stack_def *lt_reader_stack(const lt_reader *r, uint64_t id) {
  return lti_idmap_get(&r->defs.stacks, id);
}

const lt_loop_def *lt_reader_loop(const lt_reader *r, uint32_t id) {
  const struct lti_loop *loop = lti_idmap_get(&r->defs.loops, id);
  return loop ? &loop->def : NULL;
}

const char *lt_reader_note(const lt_reader *r, uint32_t index) {
  if (index >= r->defs.notes.n)
    return NULL;
  return ((const struct lti_string *)lti_idmap_at(&r->defs.notes, index))->text;
}

const char *lt_reader_callee(const lt_reader *r, unsigned callee) {
  const char *name = NULL;
  if (callee >= LT_CALLEE_OWN) {
    name = lti_defs_string(&r->defs, callee - LT_CALLEE_OWN);
  } else {
    const struct lti_string *known = lti_idmap_get(&r->defs.callees, callee);
    name = known ? known->text : lt_callee_name(callee);
  }
  return name ? name : "unknown call";
}
