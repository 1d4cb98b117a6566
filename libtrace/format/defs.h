/* The types of definitions: doc/format.md, "Definitions".
 * Used by the writer (drain/) and the reader (read/). */
#ifndef LTI_DEFS_H
#define LTI_DEFS_H

enum lti_def_type {
  LTI_DEF_STRING = 1,
  LTI_DEF_MODULE = 2,
  LTI_DEF_SITE = 3,
  LTI_DEF_THREAD = 4,
  LTI_DEF_LOOP = 5,
  LTI_DEF_PROCESS = 6,
  LTI_DEF_CLOCK = 7,
  LTI_DEF_TASK = 8,
  LTI_DEF_TASK_KIND = 9,
  LTI_DEF_CALLEE = 10,
  LTI_DEF_NOTE = 11,
  LTI_DEF_LABEL = 12,
  LTI_DEF_STACK = 13
};

#define LTI_STACK_FRAMES_MAX 128u
#define LTI_THREAD_IS_MAIN 1u /* flag of THREAD */

#endif
