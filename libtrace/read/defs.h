/* The definitions of a trace: strings, modules, sites, threads, loops...
 *
 * All are taken in when a trace is opened; from lti_defs_finish() on pointers
 * into them are good until the reader is closed. */
#ifndef LTI_READ_DEFS_H
#define LTI_READ_DEFS_H

#include <looptrace/reader.h>

#include "format/bytes.h"
#include "read/idmap.h"
#include "read/problem.h"
#include "read/source.h"

/* All definitions of a file take at most this; the rest is not known then. */
#define LTI_DEFS_BUDGET ((size_t)48 << 20)

struct lti_string {
  const char *text; /* never NULL */
  size_t size;
};

struct lti_site {
  lt_site_def def;
  uint64_t function, file; /* ids of strings */
};

struct lti_loop {
  lt_loop_def def;
  uint64_t name; /* id of a string */
};

struct lti_defs {
  struct lti_budget budget;
  struct lti_texts texts;
  struct lti_idmap strings; /* struct lti_string, as those of callees */
  struct lti_idmap callees;
  struct lti_idmap notes;   /* by a hash of the text */
  struct lti_idmap modules; /* lt_module_def */
  struct lti_idmap sites;   /* struct lti_site */
  struct lti_idmap stacks;  /* lt_stack_def; frames are owned */
  struct lti_idmap threads; /* lt_thread_def */
  struct lti_idmap loops;   /* struct lti_loop */
  const char *comm, *uv_version, *recorder;
  uint64_t min_block_ns;
};

/* Begin without definitions; free them all. */
void lti_defs_init(struct lti_defs *defs);
void lti_defs_free(struct lti_defs *defs);

/* Take in the payload of a GENERATION or DEFS block.
 *
 * Later definitions replace earlier ones.  What is malformed is passed over and
 * noted as a problem.
 * defs: NULL only to check. */
void lti_defs_add(struct lti_defs *defs, const struct lti_block *block,
                  const uint8_t *payload, struct lti_problem *problem);

/* After the last one: let ids become pointers. */
void lti_defs_finish(struct lti_defs *defs);

/* NULL where there is none. */
const char *lti_defs_string(const struct lti_defs *defs, uint64_t id);

/* One definition of a payload: its type, and a cursor over its body.
 *
 * Returns: false at the end, or (with in->bad) where it goes over the end. */
bool lti_def_next(struct lti_in *in, uint64_t *type, struct lti_in *body);

#endif
